"""The same job by other libraries: one pair of columns of codes, and all pairs of a table.

Each is a small adapter, written as its documentation does it; one that is not installed is left
out, with the line that installs it. Some answer with counts, which is all that they do here, and
are not charged for the rest.

Left out, for they do another job: ennemi estimates from distances of continuous samples,
mrmr_selection ranks features by the F-statistic, and MONAI differentiates, which is measured in
`bench.soft_information`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

import fastinfo
from bench import peers
from bench.case import Case, Contender
from bench.one_pair import Pair, check_pair, codes, pair_error
from bench.peers import Array, PairValues
from bench.wide_tables import ROOFLINE, Table, check_table, many_codes, sample_pairs, table_error


class Single(NamedTuple):
    """A mutual information that was computed in float32."""

    value: float


def check(data: Pair, answer: Any) -> None:
    """As `check_pair`, with the digits that float32 has."""
    if isinstance(answer, Single):
        np.testing.assert_allclose(answer.value, data.information, rtol=1e-5)
    else:
        check_pair(data, answer)


def error(data: Pair, answer: Any) -> float | None:
    """As `pair_error`."""
    return pair_error(data, answer.value if isinstance(answer, Single) else answer)


def _scipy(data: Pair) -> float:
    from scipy.stats import entropy
    from scipy.stats.contingency import crosstab

    counts = crosstab(data.x, data.y).count
    return float(entropy(counts.sum(0)) + entropy(counts.sum(1)) - entropy(counts.ravel()))


def _infomeasure(data: Pair) -> float:
    import infomeasure

    return float(infomeasure.mutual_information(data.x, data.y, approach="discrete", base="e"))


def _pyitlib(data: Pair) -> float:
    from pyitlib import discrete_random_variable

    return float(discrete_random_variable.information_mutual(data.x, data.y, base=np.e))


def _dit(data: Pair) -> float:
    import dit
    from dit.inference import distribution_from_data

    joint = distribution_from_data(np.stack([data.x, data.y], axis=1), 1)
    return float(dit.shannon.mutual_information(joint, [0], [1])) * math.log(2)


def _torchmetrics(data: Pair) -> Single:
    import torch
    from torchmetrics.functional.clustering import mutual_info_score

    x, y = (torch.from_numpy(side).long() for side in (data.x, data.y))
    return Single(float(mutual_info_score(x, y)))


def _torch(data: Pair) -> Array:
    import torch

    x, y = (torch.from_numpy(side).long() for side in (data.x, data.y))
    counts = torch.bincount(x * data.n_bins + y, minlength=data.n_bins**2)
    return counts.reshape(data.n_bins, -1).numpy()


def _table_of(data: Pair, x: Array, y: Array, counts: Array) -> Array:
    table = np.zeros((data.n_bins, data.n_bins), np.int64)
    table[x, y] = counts
    return table


def _polars(data: Pair) -> Array:
    import polars

    found = polars.DataFrame({"x": data.x, "y": data.y}).group_by("x", "y").len()
    return _table_of(data, *(found[name].to_numpy() for name in ("x", "y", "len")))


def _duckdb(data: Pair) -> Array:
    import duckdb
    import pyarrow

    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("pairs", pyarrow.table({"x": data.x, "y": data.y}))
        query = "SELECT x, y, count(*) AS c FROM pairs GROUP BY x, y"
        found = connection.execute(query).fetchnumpy()
    return _table_of(data, found["x"], found["y"], found["c"])


def _quiet(call: Callable[[Any], Any], data: Any) -> Any:
    """What a library warns of is not ours to mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call(data)


def _missing(*modules: str) -> str | None:
    names = [name for name in modules if find_spec(name) is None]
    return f"it is not installed; `pip install {' '.join(names)}`" if names else None


def _peer(name: str, call: Callable[[Any], Any], *modules: str, **options: Any) -> Contender:
    return Contender(name, partial(_quiet, call), needs=partial(_missing, *modules), **options)


def _torch_product(data: Table) -> PairValues:
    """`peers.one_hot_product` with torch's product."""
    import torch

    def product(a: Array, b: Array) -> Array:
        found: Array = (torch.from_numpy(a).T @ torch.from_numpy(b)).numpy()
        return found

    return peers.one_hot_product(data.X, data.left_block, data.right_block, data.n_bins, product)


def _share(data: Table) -> float:
    return data.left_block.size * data.right_block.size / data.n_pairs


CASES = (
    Case(
        name="libraries-pair",
        title="one pair by other libraries, uint8 codes, {B} bins, n = {n}",
        make=codes,
        contenders=(
            Contender("fastinfo", lambda d: fastinfo.mutual_information(d.x, d.y, n_jobs=1)),
            _peer("sklearn.metrics.mutual_info_score", lambda d: peers.scikit_learn(d.x, d.y)),
            _peer("scipy.stats", _scipy, "scipy"),
            _peer("infomeasure", _infomeasure, "infomeasure"),
            _peer("pyitlib", _pyitlib, "pyitlib"),
            _peer("dit", _dit, "dit", limits={"n": 10**5}),
            _peer("torchmetrics", _torchmetrics, "torchmetrics"),
            _peer("np.bincount(x*B + y)", lambda d: peers.bincount(d.x, d.y, d.n_bins)),
            _peer("torch.bincount, counts", _torch, "torch"),
            _peer("polars group_by, counts", _polars, "polars"),
            _peer("DuckDB GROUP BY, counts", _duckdb, "duckdb"),
        ),
        check=check,
        error=error,
        roofline={"bytes": lambda n, B: 2 * n, "increments": lambda n, B: n},
        also=(),
        sizes={
            "smoke": [{"n": 1000, "B": 16}],
            "default": [{"n": n, "B": 16} for n in (10**4, 10**6)],
            "full": [{"n": n, "B": 16} for n in (10**4, 10**6)],
        },
        work=lambda n, B: n,
        unit="samples",
    ),
    Case(
        name="libraries-all-pairs",
        title="all pairs by matrix products, {m} features of uint8 codes, {B} bins, n = {n}",
        make=many_codes,
        contenders=(
            Contender("fastinfo", lambda d: fastinfo.pairwise_mutual_information(d.X, n_jobs=1)),
            _peer(
                "one-hot float32 product in NumPy",
                lambda d: peers.one_hot_product(d.X, d.left_block, d.right_block, d.n_bins),
                share=_share,
            ),
            _peer("one-hot float32 product in torch", _torch_product, "torch", share=_share),
        ),
        check=check_table,
        error=table_error,
        roofline=ROOFLINE,
        also=(),
        sizes={
            "smoke": [{"m": 12, "n": 500, "B": 16}],
            "default": [{"m": 200, "n": 10_000, "B": 16}],
            "full": [{"m": 200, "n": 10_000, "B": 16}],
        },
        work=sample_pairs,
        unit="sample-pairs",
    ),
)
