"""What is measured of the CuPy backend: rates, the bandwidth of a copy, and the cases of the issue.

Every answer is compared with another backend's before it is timed, and the way of the data to the
device is told apart.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from functools import lru_cache, partial
from statistics import median
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

import fastinfo
from bench.case import Target
from bench.gpu_watch import REPETITIONS, Gpu, in_turn
from bench.turns import spread
from fastinfo.system.limits import usable_cores

FEW_CALLS = 2
"""The calls that are profiled in ways that may take seconds; the first of them compiles."""

RELATIVE_ERROR = 1e-12
ABSOLUTE_ERROR = 1e-14

WIDEST = 16.0
"""Beyond all of 10⁹ normal samples of twice the variance."""

PEER_TARGET = 5.0
"""How many times as fast as one-hot products all pairs are to be."""

PEER_BLOCKS = 8
"""Into how many blocks features go for one-hot products: 36 of the 64 squares are multiplied."""


class Judge(NamedTuple):
    """The backend that answers are judged by, and of how much."""

    name: str
    n_samples: int
    """Of a pair."""
    n_features: int
    """Of which all pairs are measured: enough for Numba's fastest way."""


NUMBA = Judge("numba", sys.maxsize, 1000)
NUMPY = Judge("numpy", 10**7, 30)
"""Where Numba cannot be used, NumPy says what the answers are."""


def judge_among(backends: Sequence[Any]) -> Judge:
    """Numba where it can be used."""
    usable = {backend.name for backend in backends if backend.usable}
    return NUMBA if "numba" in usable else NUMPY


def require_agreement(found: Any, expected: Any, what: str) -> None:
    """AssertionError where answers differ."""
    np.testing.assert_allclose(
        found, expected, rtol=RELATIVE_ERROR, atol=ABSOLUTE_ERROR, err_msg=what
    )


def measure_rates(gpu: Gpu, repeats: int) -> dict[str, Any]:
    """Products of bits and of bytes, and increments in shared memory, per second.

    ``repeats`` is how often each thread does what is counted.
    """
    from fastinfo.backends.cupy import rates

    device, xp = gpu.kernels.device, gpu.xp
    properties = gpu.properties
    blocks = properties.multiprocessors * (properties.threads_per_multiprocessor // rates.BLOCK)
    warps = blocks * rates.BLOCK // 32
    found: dict[str, Any] = {}
    a, b = xp.ones((16, 8), np.uint32), xp.ones((8, 8), np.uint32)
    for kind, products in rates.PRODUCTS.items():
        if properties.capability < (8, 0):
            found[kind] = "needs compute capability 8.0"
            continue
        seconds = gpu.seconds(lambda i, k=kind: rates.multiply(device, k, a, b, repeats, blocks))
        work = products * rates.CHAINS * repeats * warps
        found[kind] = {"products per second": work / median(seconds), "seconds": spread(seconds)}
    rng, n_cells = np.random.default_rng(0), 1024
    draws = {
        "increments, uniform": rng.integers(0, n_cells, rates.BLOCK * rates.CELLS),
        "increments, skewed": rng.zipf(1.5, rates.BLOCK * rates.CELLS).clip(1, n_cells) - 1,
        "increments, one cell": np.zeros(rates.BLOCK * rates.CELLS, int),
    }
    for name, cells in draws.items():
        there = gpu.kernels.bring(cells.astype(np.uint32))
        seconds = gpu.seconds(
            lambda i, c=there: rates.increment(device, c, n_cells, repeats, blocks)
        )
        work = rates.BLOCK * rates.CELLS * repeats * blocks
        found[name] = {"increments per second": work / median(seconds), "seconds": spread(seconds)}
    return found


def measure_copy(gpu: Gpu, n_bytes: int) -> dict[str, Any]:
    """Bytes read and written per second by a copy within the device."""
    source = gpu.xp.zeros(n_bytes, np.uint8)
    target = gpu.xp.empty_like(source)
    seconds = gpu.seconds(lambda i: gpu.xp.copyto(target, source))
    return {"bytes per second": 2 * n_bytes / median(seconds), "seconds": spread(seconds)}


@lru_cache(maxsize=1)
def make_pair(dtype: str, n_samples: int, n_bins: int) -> tuple[Any, Any]:
    """Two dependent columns; the last ones are kept, for 10⁹ normal samples take half a minute."""
    rng = np.random.default_rng(n_samples)
    if dtype == "uint8":
        x = rng.integers(0, n_bins, n_samples, dtype=np.uint8)
        y = rng.integers(0, n_bins // 2, n_samples, dtype=np.uint8)
        y += x
        y %= n_bins
        return x, y
    x = rng.standard_normal(n_samples, dtype=np.float32)
    return x, x + rng.standard_normal(n_samples, dtype=np.float32)


class PairCase(NamedTuple):
    """One pair of variables."""

    name: str
    dtype: str
    n_samples: int
    n_bins: int
    bandwidth_target: float
    """The share of a copy's bandwidth that is to be reached."""
    are_known: bool = False
    """Whether the edges are given, and need no look at the samples."""

    def parameters(self) -> dict[str, int]:
        """As the cases of the host have them."""
        return {"n": self.n_samples, "B": self.n_bins}

    def work(self) -> tuple[int, str]:
        """How much there is to count, and of what."""
        return self.n_samples, "samples"

    def targets(self) -> dict[str, tuple[str, Target]]:
        """What is to be reached, by the name of the figure, with its unit."""
        least = Target("share of copy bandwidth", {}, at_least=self.bandwidth_target)
        return {least.figure: ("×", least)}

    def measure(self, gpu: Gpu, judge: Judge, copy_rate: float) -> dict[str, Any]:
        """A mutual information end to end: the extremes, the bins, the counts, the sums."""
        x, y = make_pair(self.dtype, self.n_samples, self.n_bins)
        bins: Any = self.n_bins if self.dtype == "float32" else None
        if self.are_known:
            bins = np.linspace(-WIDEST, WIDEST, self.n_bins + 1)
        host: list[float] = []
        first = slice(0, min(judge.n_samples, self.n_samples))
        expected = 0.0
        for _ in range(3):
            start = time.perf_counter()
            expected = fastinfo.mutual_information(
                x[first], y[first], bins=bins, backend=judge.name
            )
            host.append(time.perf_counter() - start)
        n_bytes = x.nbytes + y.nbytes
        pairs, moved = [], 0.0
        for i in range(gpu.copies_in_turn(n_bytes)):
            there = [gpu.to_device(column) for column in (x, y)]
            pairs.append([array for array, _ in there])
            moved = sum(seconds for _, seconds in there) if i == 0 else moved
        found = fastinfo.mutual_information(*(side[first] for side in pairs[0]), bins=bins)
        require_agreement(found, expected, self.name)
        of = in_turn(pairs)
        seconds = gpu.seconds(lambda i: fastinfo.mutual_information(*of(i), bins=bins))
        share = n_bytes / median(seconds) / copy_rate
        return {
            "case": self._asdict(),
            "times": seconds,
            "bytes": n_bytes,
            "host": {"times": host, "share": first.stop / self.n_samples},
            "kernels": gpu.of_kernels(lambda i: fastinfo.mutual_information(*of(i), bins=bins)),
            "seconds to the device": moved,
            "samples per second": self.n_samples / median(seconds),
            "share of copy bandwidth": share,
            "met": share >= self.bandwidth_target,
            judge.name: {"cores": usable_cores(), "samples": first.stop},
            f"times {judge.name}": median(host) / first.stop * self.n_samples / median(seconds),
        }


class MatrixCase(NamedTuple):
    """All pairs of features."""

    name: str
    n_features: int
    n_samples: int
    n_bins: int
    rate_target: float | None
    """Sample-pairs per second."""

    def parameters(self) -> dict[str, int]:
        """As the cases of the host have them."""
        return {"m": self.n_features, "n": self.n_samples, "B": self.n_bins}

    def work(self) -> tuple[int, str]:
        """How much there is to count, and of what."""
        return self.n_features * (self.n_features + 1) // 2 * self.n_samples, "sample-pairs"

    def targets(self) -> dict[str, tuple[str, Target]]:
        """What is to be reached, by the name of the figure, with its unit."""
        peer = Target("times torch", {}, at_least=PEER_TARGET)
        found = {peer.figure: ("×", peer)}
        if self.rate_target is not None:
            rate = Target("sample-pairs per second", {}, at_least=self.rate_target)
            found[rate.figure] = ("sample-pairs/s", rate)
        return found

    def measure(self, gpu: Gpu, judge: Judge, copy_rate: float) -> dict[str, Any]:
        """All pairs, end to end from codes on the device, column by column, to a matrix there."""
        rng = np.random.default_rng(self.n_features)
        rows = rng.integers(0, self.n_bins, (self.n_features, self.n_samples), dtype=np.uint8)
        codes = rows.T
        few = min(self.n_features, judge.n_features)
        start = time.perf_counter()
        expected = fastinfo.pairwise_mutual_information(codes[:, :few], backend=judge.name)
        host = time.perf_counter() - start
        host_work = few * (few + 1) / 2 * self.n_samples
        there, moved = gpu.to_device(rows)
        there = there.T
        found = fastinfo.pairwise_mutual_information(there)
        require_agreement(gpu.kernels.to_host(found[:few, :few]), expected, self.name)
        seconds = gpu.seconds(lambda i: fastinfo.pairwise_mutual_information(there), warm_up=1)
        kernels = gpu.of_kernels(lambda i: fastinfo.pairwise_mutual_information(there))
        work, _ = self.work()
        rate = work / median(seconds)
        peer = measure_peer(codes, self)
        ratio = rate / peer["rate"] if isinstance(peer, dict) else None
        return {
            "case": self._asdict(),
            "times": seconds,
            "bytes": rows.nbytes,
            "host": {"times": [host], "share": host_work / work},
            "kernels": kernels,
            "ways": measure_ways(gpu, there, self),
            "seconds to the device": moved,
            "sample-pairs per second": rate,
            "met": (self.rate_target is None or rate >= self.rate_target)
            and (None if ratio is None else ratio >= PEER_TARGET),
            "one-hot products by torch": peer,
            "times torch": ratio,
            "all pairs, all devices": measure_devices(codes, self.name),
            judge.name: {
                "sample-pairs per second": host_work / host,
                "features": few,
                "cores": usable_cores(),
            },
            f"times {judge.name}": rate * host / host_work,
        }


def one_hot_information(torch: Any, codes: Any, n_bins: int, blocks: int = PEER_BLOCKS) -> Any:
    """The same matrix by half-precision products of one-hot columns with float32 sums.

    Features go in blocks, and those of pairs below the diagonal are left out.
    """
    n, m = codes.shape
    hot = torch.nn.functional.one_hot(codes.long(), n_bins).reshape(n, m * n_bins).half()
    p = hot.sum(dim=0, dtype=torch.float32).reshape(m, n_bins) / n
    entropy = torch.special.xlogy(p, p).sum(dim=1)
    found = torch.empty((m, m), device=codes.device)
    size = -(-m // blocks)
    parts = [slice(start, min(start + size, m)) for start in range(0, m, size)]
    for i, left in enumerate(parts):
        for right in parts[i:]:
            a, b = (hot[:, part.start * n_bins : part.stop * n_bins] for part in (left, right))
            # Half precision ends at 65,504, and at 2,048 for whole numbers: sums leave as float32.
            if hot.is_cuda:
                counts = torch.mm(a.T, b, out_dtype=torch.float32)
            else:  # where its answer is tested
                counts = a.T.float() @ b.float()
            p = counts.reshape(-1, n_bins, right.stop - right.start, n_bins) / n
            joint = torch.special.xlogy(p, p).sum(dim=(1, 3))
            information = joint - entropy[left, None] - entropy[right]
            found[left, right], found[right, left] = information, information.T
    return found


def peer_pairs(n_features: int, blocks: int = PEER_BLOCKS) -> int:
    """Pairs that `one_hot_information` multiplies: blocks on the diagonal whole."""
    size = -(-n_features // blocks)
    sizes = [min(size, n_features - start) for start in range(0, n_features, size)]
    return sum(a * b for i, a in enumerate(sizes) for b in sizes[i:])


def measure_peer(codes: Any, case: MatrixCase) -> dict[str, Any] | str:
    """One-hot products by torch on the same device, a block of features at a time."""
    try:
        import torch
    except ImportError as error:
        return f"torch is not there: {error}"
    if not torch.cuda.is_available():
        return "this torch has no CUDA"
    width = min(case.n_features, max((1 << 32) // (4 * case.n_bins * case.n_samples), 16))
    there = torch.from_numpy(codes[:, :width].astype(np.int16)).cuda()
    try:
        one_hot_information(torch, there, case.n_bins)
    except TypeError as error:  # of a product that hands its sums on as float32
        return f"torch {torch.__version__} is too old: {error}"
    times = []
    for _ in range(REPETITIONS):
        start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        one_hot_information(torch, there, case.n_bins)
        stop.record()
        stop.synchronize()
        times.append(start.elapsed_time(stop) / 1e3)
    # Counted as for fastinfo: each pair once. What blocks on the diagonal do twice is told apart.
    pairs = width * (width + 1) // 2
    return {
        "features": width,
        "rate": pairs * case.n_samples / median(times),
        "pairs multiplied per pair": peer_pairs(width) / pairs,
        "seconds": spread(times),
    }


def measure_ways(gpu: Gpu, codes: Any, case: MatrixCase) -> dict[str, Any]:
    """All pairs in each way that there is, for the choice between them waits for its rates.

    Sums alone, of a tile of all features; those of every way are the same.
    """
    from fastinfo.backends.cupy import CupyKernels
    from fastinfo.backends.cupy.pairs import ways

    capability = gpu.properties.capability
    rows = max(case.n_bins - 1, 1)
    side = ways.ClassSize(case.n_features, case.n_bins, rows if rows <= ways.MOST_ROWS else 0)
    expected: Any = None
    found: dict[str, Any] = {
        "chosen": ways.choose(capability, case.n_samples, side, side),
    }
    for way in (ways.BITS, ways.BYTES, ways.WORDS, ways.SCATTER):
        if math.isfinite(ways.predict(way, capability, case.n_samples, side, side)):
            kernels = CupyKernels(choose=lambda *_, way=way: way)
            pack = kernels.pack(codes.T, [case.n_bins] * case.n_features)
            sum_all = partial(kernels.pair_sums, pack, slice(None), pack, slice(None))
            sums = sum_all().joint
            expected = sums if expected is None else expected
            assert bool((sums == expected).all()), f"{case.name}: sums of {way} are others"
            found[way] = gpu.of_kernels(lambda i, call=sum_all: call(), FEW_CALLS)
    return found


def measure_devices(codes: Any, name: str, repetitions: int = 3) -> dict[str, Any] | str:
    """All pairs of samples of the host, end to end, by all devices and by the current one alone.

    By the clock and not by events, which are of one device.
    """
    from fastinfo.backends.cupy import CupyKernels

    n_devices = 1 + len(CupyKernels().other_devices())
    if n_devices == 1:
        return "there is one device"

    def measured() -> tuple[Any, list[float]]:
        times = []
        for _ in range(1 + repetitions):
            start = time.perf_counter()
            matrix = fastinfo.pairwise_mutual_information(codes, backend="cupy")
            times.append(time.perf_counter() - start)
        return matrix, times[1:]  # the first one compiles

    found, seconds = measured()
    with mock.patch.object(CupyKernels, "other_devices", return_value=()):
        alone, seconds_alone = measured()
    np.testing.assert_array_equal(found, alone, err_msg=name)
    return {
        "devices": n_devices,
        "seconds": spread(seconds),
        "seconds of one": spread(seconds_alone),
        "times one": median(seconds_alone) / median(seconds),
    }


class Size(NamedTuple):
    """What is measured, and how much of it."""

    cases: Sequence[PairCase | MatrixCase]
    copied_bytes: int
    rate_repeats: int

    def named(self, part: str | None) -> Size:
        """With the cases alone whose names hold ``part``.

        Raises
        ------
        ValueError
            Where none does.
        """
        found = [case for case in self.cases if part is None or part in case.name]
        if not found:
            names = ", ".join(case.name for case in self.cases)
            raise ValueError(f"no case has {part!r} in its name; there are {names}")
        return self._replace(cases=found)


SIZES = {
    "full": Size(
        cases=[
            PairCase("pair-uint8", "uint8", 10**9, 16, 0.4),
            PairCase("pair-float32-edges", "float32", 10**9, 64, 0.6, are_known=True),
            PairCase("pair-float32", "float32", 10**9, 64, 0.6),
            MatrixCase("matrix-16", 5000, 100_000, 16, 5e12),
            MatrixCase("matrix-3", 20_000, 5000, 3, None),
        ],
        copied_bytes=1 << 31,
        rate_repeats=1 << 12,
    ),
    "smoke": Size(
        cases=[
            PairCase("pair-uint8", "uint8", 10**6, 16, 0.4),
            PairCase("pair-float32-edges", "float32", 10**6, 64, 0.6, are_known=True),
            PairCase("pair-float32", "float32", 10**6, 64, 0.6),
            MatrixCase("matrix-16", 64, 2000, 16, 5e12),
            MatrixCase("matrix-3", 128, 1000, 3, None),
        ],
        copied_bytes=1 << 26,
        rate_repeats=1 << 12,
    ),
}
