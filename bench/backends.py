"""The backends beside each other, over samples, features and bins: which one is fastest where.

The first contender takes what fastinfo takes by default; a backend that is not there is left out,
and the results say why. All sizes together take a few minutes, and every call is of the public
interface, so that older commits can be measured by them too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import fastinfo
from bench import peers
from bench.case import Case, Contender
from bench.one_pair import Pair, check_pair, codes, floats, pair_error
from bench.wide_tables import ROOFLINE, Table, check_table, many_codes, sample_pairs, table_error

NAMES = ("numba", "numpy", "cupy")
"""As they are called by the argument ``backend``."""


@cache
def _unusable() -> dict[str, str]:
    return {backend.name: backend.detail for backend in fastinfo.backends() if not backend.usable}


def _contenders(
    call: Callable[..., Any], limits: dict[str, dict[str, int]]
) -> tuple[Contender, ...]:
    """The default's choice, then each backend by its name."""

    def needs(name: str) -> str | None:
        return _unusable().get(name)

    by_name = (
        Contender(
            f"fastinfo, {name}",
            partial(call, backend=name),
            limits=limits.get(name, {}),
            backend=name,
            device="gpu" if name == "cupy" else "cpu",
            needs=partial(needs, name),
        )
        for name in NAMES
    )
    return (Contender("fastinfo", partial(call, backend=None)), *by_name)


def _information(data: Pair, backend: str | None) -> float:
    return float(fastinfo.mutual_information(data.x, data.y, n_jobs=1, backend=backend))


def _binned(data: Pair, backend: str | None) -> float:
    return float(
        fastinfo.mutual_information(data.x, data.y, bins=data.n_bins, n_jobs=1, backend=backend)
    )


def _matrix(data: Table, backend: str | None) -> Any:
    return fastinfo.pairwise_mutual_information(data.X, n_jobs=1, backend=backend)


def _powers(first: int, last: int, base: int = 10) -> list[int]:
    return [base**k for k in range(first, last + 1)]


PAIR_PEERS = (
    Contender(
        "np.bincount(x*B + y)", lambda d: peers.bincount(d.x, d.y, d.n_bins), limits={"n": 10**7}
    ),
    Contender(
        "sklearn.metrics.mutual_info_score",
        lambda d: peers.scikit_learn(d.x, d.y),
        limits={"n": 10**6},
    ),
)
HOT = Contender(
    "one-hot float32 product in NumPy",
    lambda d: peers.one_hot_product(d.X, d.left_block, d.right_block, d.n_bins),
    limits={"m": 1000, "B": 64},
    share=lambda d: d.left_block.size * d.right_block.size / d.n_pairs,
)


def _pair_case(name: str, title: str, sizes: list[dict[str, int]], **options: Any) -> Case:
    """A case of one pair; the first size is also that of the tests."""
    return Case(
        name=name,
        title=title,
        check=check_pair,
        error=pair_error,
        also=(),
        sizes={"smoke": sizes[:1], "default": sizes, "full": sizes},
        work=lambda n, B: n,
        unit="samples",
        **options,
    )


def _table_case(name: str, title: str, sizes: list[dict[str, int]]) -> Case:
    return Case(
        name=name,
        title=title,
        make=many_codes,
        contenders=(*_contenders(_matrix, {"numpy": {"m": 64, "n": 10**4}}), HOT),
        check=check_table,
        error=table_error,
        also=(),
        sizes={
            "smoke": [{"m": 8, "n": 300, "B": 4}],
            "default": sizes,
            "full": sizes,
        },
        work=sample_pairs,
        roofline=ROOFLINE,
        unit="sample-pairs",
    )


CASES = (
    _pair_case(
        "backends-pair-samples",
        "one pair of uint8 codes over n, {B} bins, n = {n}",
        [{"n": n, "B": 16} for n in _powers(2, 8)],
        make=codes,
        contenders=(*_contenders(_information, {"numpy": {"n": 10**7}}), *PAIR_PEERS),
        roofline={"bytes": lambda n, B: 2 * n, "increments": lambda n, B: n},
    ),
    _pair_case(
        "backends-pair-bins",
        "one pair of uint8 codes over B, {B} bins, n = {n}",
        [{"n": 10**5, "B": B} for B in _powers(1, 7, 2)],
        make=codes,
        contenders=(*_contenders(_information, {}), *PAIR_PEERS),
        roofline={"bytes": lambda n, B: 2 * n, "increments": lambda n, B: n},
    ),
    _pair_case(
        "backends-pair-float64",
        "one pair of float64 over n, {B} uniform bins, n = {n}",
        [{"n": n, "B": 32} for n in _powers(2, 7)],
        make=floats,
        contenders=(
            *_contenders(_binned, {"numpy": {"n": 10**6}}),
            Contender(
                "np.histogram2d",
                lambda d: peers.histogram2d(d.x, d.y, d.n_bins),
                limits={"n": 10**6},
            ),
        ),
        roofline={"bytes": lambda n, B: 32 * n, "increments": lambda n, B: n},
    ),
    _table_case(
        "backends-pairs-features",
        "all pairs over m, {m} features of uint8 codes, {B} bins, n = {n}",
        [{"m": m, "n": 10**4, "B": 16} for m in (4, 16, 64, 256, 1024)],
    ),
    _table_case(
        "backends-pairs-samples",
        "all pairs over n, {m} features of uint8 codes, {B} bins, n = {n}",
        [{"m": 64, "n": n, "B": 16} for n in _powers(2, 6)],
    ),
    _table_case(
        "backends-pairs-bins",
        "all pairs over B, {m} features of uint8 codes, {B} bins, n = {n}",
        [{"m": 64, "n": 10**4, "B": B} for B in _powers(1, 7, 2)],
    ),
)
