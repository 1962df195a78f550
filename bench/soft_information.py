"""The cases of differentiable mutual information, beside MONAI's loss.

Both take the samples of two images, and answer with the mutual information of their soft histogram
and its gradient by the first. The definitions differ a little. MONAI adds 10⁻⁷ to probabilities
before it takes logarithms, and works in float32. Its Gaussian kernel is the one of fastinfo
otherwise. Its B-spline kernel (cubic for the first image, order 0 for the second, after Mattes)
leaves two bins empty at either end, lays its bins around whole numbers, counts the samples of the
last interval as if they were at its lower end, and lets its range move with the extreme samples.
So each answer is held against a dense computation of its own definition, in float64.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from bench import memory
from bench.case import Case, Contender, Measure, Target
from bench.processes import python

Array = np.ndarray[Any, Any]

CHUNK = 1 << 15
"""Samples of the dense reference at a time."""

KERNELS = {"gaussian": "gaussian", "bspline": "b-spline"}
"""MONAI's names of the kernels."""

MONAI = "monai GlobalMutualInformationLoss"


class Images(NamedTuple):
    """Samples ``(n,)`` of two images, float32 from 0 to 1, and how to count them."""

    x: Array
    y: Array
    n_bins: int
    kernel: str


class Answer(NamedTuple):
    """Mutual information and its gradient by ``x``."""

    images: Images
    who: str
    information: float
    by_x: Array


def images(kernel: str) -> Callable[..., Images]:
    """Two images of which the second follows from the first but for noise."""

    def make(n: int, B: int) -> Images:
        rng = np.random.default_rng(n)
        z = rng.standard_normal(n)
        other = np.cos(2 * z) + 0.3 * rng.standard_normal(n)
        x, y = (_to_unit(values) for values in (z, other))
        return Images(x, y, B, kernel)

    return make


def _to_unit(values: Array) -> Array:
    low, high = values.min(), values.max()
    return ((values - low) / (high - low)).astype(np.float32)


def ours(data: Images) -> Answer:
    """`fastinfo.torch.soft_mutual_information`."""
    import torch

    from fastinfo.torch import soft_mutual_information

    def measure(x: Any, y: Any) -> Any:
        return soft_mutual_information(
            x, y, bins=data.n_bins, kernel=data.kernel, order=(3, 0), range=(0.0, 1.0)
        )

    return _differentiated(torch, data, "fastinfo", measure)


def monai(data: Images) -> Answer:
    """MONAI's loss, with its sign turned."""
    import torch
    from monai.losses import GlobalMutualInformationLoss

    loss = GlobalMutualInformationLoss(kernel_type=KERNELS[data.kernel], num_bins=data.n_bins)

    def measure(x: Any, y: Any) -> Any:
        return -loss(x[None, None], y[None, None])

    return _differentiated(torch, data, "monai", measure)


def _differentiated(torch: Any, data: Images, who: str, measure: Callable[..., Any]) -> Answer:
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        x = torch.from_numpy(data.x).requires_grad_()
        information = measure(x, torch.from_numpy(data.y))
        information.backward()
    finally:
        torch.set_num_threads(n_threads)
    return Answer(data, who, information.item(), x.grad.numpy())


# --- the reference ------------------------------------------------------------------------------


def check(data: Images, answer: Answer) -> None:
    """Value and gradient must be those of the answer's own definition."""
    information, by_x = _reference(answer.images.kernel, data.n_bins, answer.who, data)
    inner = (data.x > 0) & (data.x < 1)  # at the ends MONAI's gradient is of its range too
    error = np.linalg.norm((answer.by_x - by_x)[inner]) / np.linalg.norm(by_x)
    # float32 in and out, float64 within; MONAI is in float32 throughout, which puts a few samples
    # of a million beyond a border of the bins.
    tolerance = {"fastinfo": (1e-6, 1e-6), "monai": (1e-4, 1e-2)}[answer.who]
    assert math.isclose(answer.information, information, rel_tol=tolerance[0]), (
        f"{answer.who}: {answer.information}, and its definition gives {information}"
    )
    assert error <= tolerance[1], f"{answer.who}: its gradient is off by {error:.1e}"


_CACHE: dict[tuple[str, int, int, str], tuple[float, Array]] = {}


def _reference(kernel: str, n_bins: int, who: str, data: Images) -> tuple[float, Array]:
    key = (kernel, n_bins, data.x.size, who)
    if key not in _CACHE:
        _CACHE[key] = _dense(kernel, n_bins, who, data.x, data.y)
    return _CACHE[key]


def _dense(kernel: str, n_bins: int, who: str, x: Array, y: Array) -> tuple[float, Array]:
    """Matrices of samples by bins, differentiated by PyTorch, one chunk after the other."""
    import torch

    bins = torch.arange(n_bins, dtype=torch.float64)

    def shares(values: Any, order: int) -> Any:
        if kernel == "gaussian":
            return torch.softmax(-2 * (values[:, None] * (n_bins - 1) - bins) ** 2, dim=1)
        if who == "monai":
            position = (2 + values * (n_bins - 4)).clamp_max(n_bins - 3)
        else:
            position = values * (n_bins - order) + (order - 1) / 2
            if order == 0:
                position = (values * n_bins).floor().clamp_max(n_bins - 1)
        d = (position[:, None] - bins).abs()
        if order == 0:
            # Half a sample to either side of a border, as MONAI has it.
            return (d < 0.5).double() + 0.5 * (d == 0.5)
        return torch.where(d < 1, 2 / 3 - d**2 + d**3 / 2, (2 - d).clamp_min(0) ** 3 / 6)

    def chunks() -> Any:
        for start in range(0, x.size, CHUNK):
            part = slice(start, start + CHUNK)
            left, right = (torch.from_numpy(v[part].astype(np.float64)) for v in (x, y))
            yield part, left.requires_grad_(), shares(right, 0)

    table = sum(shares(left, 3).detach().T @ right for _, left, right in chunks())
    table.requires_grad_()
    p = table / x.size
    expected = p.sum(dim=1, keepdim=True) * p.sum(dim=0, keepdim=True)
    occupied = p > 0
    p, expected = p[occupied], expected[occupied]
    added = 1e-7 if who == "monai" else 0.0
    information = (p * ((p + added) / (expected + added) + added).log()).sum()
    (by_table,) = torch.autograd.grad(information, table)
    by_x = np.empty(x.size)
    for part, left, right in chunks():
        by_x[part] = torch.autograd.grad((by_table * (shares(left, 3).T @ right)).sum(), left)[0]
    return information.item(), by_x


# --- memory -------------------------------------------------------------------------------------


PAGE = 4096
"""Bytes in which memory is had, and so the least that is told apart from none."""


@lru_cache
def extra_memory(who: str, kernel: str, n: int, n_bins: int) -> int:
    """The peak of memory of forward and backward in a new process, beyond what was there before."""
    arguments = ["-m", "bench.soft_information", who, kernel, str(n), str(n_bins)]
    return int(json.loads(python(arguments, memory.GIVEN_BACK))["extra_bytes"])


def _memory_of(who: str) -> Callable[[Answer], float]:
    def of(answer: Answer) -> float:
        data = answer.images
        return extra_memory(who, data.kernel, data.x.size, data.n_bins)

    return of


def _memory_less(answer: Answer) -> float:
    # So few samples as are tried first may take no page that was not there before.
    return _memory_of("monai")(answer) / max(_memory_of("fastinfo")(answer), PAGE)


def main(arguments: Sequence[str]) -> None:
    """Print the peak, for `extra_memory` to read."""
    who, kernel, n, n_bins = arguments
    call = {"fastinfo": ours, "monai": monai}[who]
    call(images(kernel)(1000, int(n_bins)))  # libraries and kernels are loaded
    data = images(kernel)(int(n), int(n_bins))
    _, extra = memory.during(lambda: call(data))
    print(json.dumps({"extra_bytes": extra}))


def _needs() -> str | None:
    if find_spec("monai") is None or find_spec("torch") is None:
        return "MONAI is not installed; `pip install torch monai`"
    return memory.cannot_be_read()


# --- the table ----------------------------------------------------------------------------------

MILLION = {"n": 10**6, "B": 64}
LESS_MEMORY = "MONAI's memory over ours"

CASES = tuple(
    Case(
        name=f"soft-{kernel}",
        title=f"differentiable MI and its gradient, {title}, {{B}} × {{B}} bins, n = {{n}}",
        make=images(kernel),
        contenders=(Contender("fastinfo", ours), Contender(MONAI, monai)),
        check=check,
        also=(),
        sizes={
            "smoke": [{"n": 3000, "B": 16}],
            "default": [MILLION],
            "full": [{"n": 10**5, "B": 64}, MILLION],
        },
        work=lambda n, B: n,
        unit="samples",
        targets=(
            Target(MONAI, MILLION, at_least=10),
            Target(LESS_MEMORY, MILLION, at_least=50),
        ),
        measures={
            "peak of extra memory": Measure("B", _memory_of("fastinfo")),
            "peak of MONAI's": Measure("B", _memory_of("monai")),
            LESS_MEMORY: Measure("×", _memory_less),
        },
        needs=_needs,
    )
    for kernel, title in (
        ("gaussian", "Gaussian kernel"),
        ("bspline", "B-splines of order 3 and 0"),
    )
)


if __name__ == "__main__":
    main(sys.argv[1:])
