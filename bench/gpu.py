"""Measure the CuPy backend on a GPU: ``ci/bench-gpu``.

First the rates that decide between ways to count, then the bandwidth of a copy, then the cases of
the issue. Device events after warm-up, the median of at least 20, data larger than the second-level
cache or taken in turns. Every answer is compared with another backend's before it is timed, and
the way of the data to the device is told apart. Results are written after each case, so that a run
that is cut short leaves those it has.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

import fastinfo
from fastinfo.system.files import written_whole
from fastinfo.system.limits import usable_cores

SCHEMA = "fastinfo.bench.gpu/1"
RESULTS = Path(__file__).resolve().parent / "results"
REPETITIONS = 20
PROFILED = 5
"""Calls of which each kernel is timed by itself."""
FEW_CALLS = 2
"""The same in ways that may take seconds; the first of them compiles."""
RELATIVE_ERROR = 1e-12
ABSOLUTE_ERROR = 1e-14
BYTES_BEYOND_CACHE = 1 << 30
"""Data that is taken in turns adds up to at least so much, beyond any second-level cache."""


WIDEST = 16.0
"""Beyond all of 10⁹ normal samples of twice the variance."""

PEER_TARGET = 5.0
"""How many times as fast as one-hot products all pairs are to be."""

PEER_BLOCKS = 8
"""Into how many blocks features go for one-hot products: 36 of the 64 squares are multiplied."""

NUMBA_FEATURES = 1000
"""Of so many features Numba measures all pairs beside: enough for its fastest way."""

NUMPY_FEATURES = 30
NUMPY_SAMPLES = 10**7
"""Where Numba cannot be used, NumPy says what the answers are, of so much."""

RATE_REPEATS = 1 << 12
"""How often each thread does what a rate counts."""


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


class MatrixCase(NamedTuple):
    """All pairs of features."""

    name: str
    n_features: int
    n_samples: int
    n_bins: int
    rate_target: float | None
    """Sample-pairs per second."""


SIZES: dict[str, tuple[list[PairCase], list[MatrixCase]]] = {
    "full": (
        [
            PairCase("pair-uint8", "uint8", 10**9, 16, 0.4),
            PairCase("pair-float32-edges", "float32", 10**9, 64, 0.6, are_known=True),
            PairCase("pair-float32", "float32", 10**9, 64, 0.6),
        ],
        [
            MatrixCase("matrix-16", 5000, 100_000, 16, 5e12),
            MatrixCase("matrix-3", 20_000, 5000, 3, None),
        ],
    ),
    "smoke": (
        [
            PairCase("pair-uint8", "uint8", 10**6, 16, 0.4),
            PairCase("pair-float32-edges", "float32", 10**6, 64, 0.6, are_known=True),
            PairCase("pair-float32", "float32", 10**6, 64, 0.6),
        ],
        [
            MatrixCase("matrix-16", 64, 2000, 16, 5e12),
            MatrixCase("matrix-3", 128, 1000, 3, None),
        ],
    ),
}


def copies_in_turn(n_bytes: int) -> int:
    """How many copies of data of this size are more than a cache holds."""
    return max(-(-BYTES_BEYOND_CACHE // max(n_bytes, 1)), 1)


def in_turn(items: Sequence[Any]) -> Callable[[int], Any]:
    """The data of the i-th repetition."""
    return lambda i: items[i % len(items)]


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Median, smallest and largest."""
    return {"median": median(seconds), "min": min(seconds), "max": max(seconds)}


def result_file(device: str) -> Path:
    """Where results of a device are kept, by its name."""
    name = re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")
    return RESULTS / f"gpu-{name}.json"


def require_agreement(found: Any, expected: Any, what: str) -> None:
    """AssertionError where answers differ."""
    np.testing.assert_allclose(
        found, expected, rtol=RELATIVE_ERROR, atol=ABSOLUTE_ERROR, err_msg=what
    )


def reference() -> tuple[str, int]:
    """The backend that answers are judged by, and of how many samples of a pair."""
    usable = {backend.name for backend in fastinfo.backends() if backend.usable}
    return ("numba", sys.maxsize) if "numba" in usable else ("numpy", NUMPY_SAMPLES)


class Gpu:
    """A device and its stop-watch."""

    def __init__(self) -> None:
        from fastinfo.backends.cupy import CupyKernels

        self.kernels = CupyKernels()
        self.xp = self.kernels.xp
        self.properties = self.kernels.device.properties  # type: ignore[attr-defined]

    def seconds(self, call: Callable[[int], Any], warm_up: int = 3) -> list[float]:
        """Seconds between two events of the device around each call."""
        times = []
        for i in range(warm_up + REPETITIONS):
            start = self.mark()
            call(i)
            seconds = self.between(start, self.mark())
            if i >= warm_up:
                times.append(seconds)
        return times

    def of_kernels(
        self, call: Callable[[int], Any], n_calls: int = PROFILED
    ) -> dict[str, dict[str, float]]:
        """Launches of each kernel in a call, and the seconds that all of them take together.

        The first of the calls, which may have to compile some, is not looked at.

        What a call takes beside is CuPy's kernels and Python, for which the device waits.
        """
        device = type(self.kernels.device)
        launch = device.launch
        calls: list[dict[str, list[float]]] = []

        def timed(this: Any, family: str, kernel: str, *arguments: Any, **options: Any) -> None:
            start = self.mark()
            launch(this, family, kernel, *arguments, **options)
            marks.append((kernel, start, self.mark()))

        with mock.patch.object(device, "launch", timed):
            for i in range(n_calls):
                marks: list[tuple[str, Any, Any]] = []
                call(i)
                calls.append({})
                for kernel, start, stop in marks:
                    calls[-1].setdefault(kernel, []).append(self.between(start, stop))
        return {
            kernel: {
                "launches": len(seconds),
                "seconds": median(sum(times.get(kernel, [])) for times in calls[1:]),
            }
            for kernel, seconds in calls[-1].items()
        }

    def mark(self) -> Any:
        """An event on the current stream."""
        event = self.xp.cuda.Event()
        event.record()
        return event

    def between(self, start: Any, stop: Any) -> float:
        """Seconds from one event to another."""
        stop.synchronize()
        seconds: float = self.xp.cuda.get_elapsed_time(start, stop) / 1e3
        return seconds

    def to_device(self, array: Any) -> tuple[Any, float]:
        """An array there, and the seconds of its way."""
        self.xp.cuda.runtime.deviceSynchronize()
        start = time.perf_counter()
        there = self.kernels.bring(array)
        self.xp.cuda.runtime.deviceSynchronize()
        return there, time.perf_counter() - start


def measure_rates(gpu: Gpu) -> dict[str, Any]:
    """Products of bits and of bytes, and increments in shared memory, per second."""
    from fastinfo.backends.cupy import rates

    device, xp = gpu.kernels.device, gpu.xp
    properties = gpu.properties
    blocks = properties.multiprocessors * (properties.threads_per_multiprocessor // rates.BLOCK)
    warps, repeats = blocks * rates.BLOCK // 32, RATE_REPEATS
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


def measure_copy(gpu: Gpu, n_bytes: int = 1 << 31) -> dict[str, Any]:
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


def measure_pair(gpu: Gpu, case: PairCase, copy_rate: float) -> dict[str, Any]:
    """A mutual information end to end: the extremes, the bins, the counts, the sums."""
    x, y = make_pair(case.dtype, case.n_samples, case.n_bins)
    bins: Any = case.n_bins if case.dtype == "float32" else None
    if case.are_known:
        bins = np.linspace(-WIDEST, WIDEST, case.n_bins + 1)
    host: list[float] = []
    name, judged = reference()
    first = slice(0, min(judged, case.n_samples))
    expected = 0.0
    for _ in range(3):
        start = time.perf_counter()
        expected = fastinfo.mutual_information(x[first], y[first], bins=bins, backend=name)
        host.append(time.perf_counter() - start)
    n_bytes = x.nbytes + y.nbytes
    pairs, moved = [], 0.0
    for i in range(copies_in_turn(n_bytes)):
        there = [gpu.to_device(column) for column in (x, y)]
        pairs.append([array for array, _ in there])
        moved = sum(seconds for _, seconds in there) if i == 0 else moved
    found = fastinfo.mutual_information(*(side[first] for side in pairs[0]), bins=bins)
    require_agreement(found, expected, case.name)
    of = in_turn(pairs)
    seconds = gpu.seconds(lambda i: fastinfo.mutual_information(*of(i), bins=bins))
    share = n_bytes / median(seconds) / copy_rate
    return {
        "case": case._asdict(),
        "seconds": spread(seconds),
        "kernels": gpu.of_kernels(lambda i: fastinfo.mutual_information(*of(i), bins=bins)),
        "seconds to the device": moved,
        "samples per second": case.n_samples / median(seconds),
        "share of copy bandwidth": share,
        "met": share >= case.bandwidth_target,
        name: {"seconds": spread(host), "cores": usable_cores(), "samples": first.stop},
        f"times {name}": median(host) / first.stop * case.n_samples / median(seconds),
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


def measure_peer(gpu: Gpu, codes: Any, case: MatrixCase) -> dict[str, Any] | str:
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
    """All pairs in each way that there is, for the choice between them waits for its rates."""
    from fastinfo.backends.cupy.pairs import ways

    capability = gpu.properties.capability
    rows = max(case.n_bins - 1, 1)
    side = ways.Side(case.n_features, case.n_bins, rows if rows <= ways.MOST_ROWS else 0)
    found: dict[str, Any] = {
        "chosen": ways.choose(capability, case.n_samples, side, side),
    }
    for way in (ways.BITS, ways.BYTES, ways.WORDS, ways.SCATTER):
        if math.isfinite(ways.predict(way, capability, case.n_samples, side, side)):
            with mock.patch.object(ways, "choose", lambda *_, way=way: way):
                kernels = gpu.of_kernels(
                    lambda i: fastinfo.pairwise_mutual_information(codes), FEW_CALLS
                )
            found[way] = kernels
    return found


def measure_matrix(gpu: Gpu, case: MatrixCase) -> dict[str, Any]:
    """All pairs, end to end from codes on the device, column by column, to a matrix there."""
    rng = np.random.default_rng(case.n_features)
    rows = rng.integers(0, case.n_bins, (case.n_features, case.n_samples), dtype=np.uint8)
    codes = rows.T
    few = min(case.n_features, NUMBA_FEATURES if reference()[0] == "numba" else NUMPY_FEATURES)
    start = time.perf_counter()
    name, _ = reference()
    expected = fastinfo.pairwise_mutual_information(codes[:, :few], backend=name)
    host = time.perf_counter() - start
    host_rate = few * (few + 1) / 2 * case.n_samples / host
    there, moved = gpu.to_device(rows)
    there = there.T
    found = fastinfo.pairwise_mutual_information(there)
    require_agreement(gpu.kernels.to_host(found[:few, :few]), expected, case.name)
    seconds = gpu.seconds(lambda i: fastinfo.pairwise_mutual_information(there), warm_up=1)
    kernels = gpu.of_kernels(lambda i: fastinfo.pairwise_mutual_information(there))
    work = case.n_features * (case.n_features + 1) / 2 * case.n_samples
    rate = work / median(seconds)
    peer = measure_peer(gpu, codes, case)
    ratio = rate / peer["rate"] if isinstance(peer, dict) else None
    return {
        "case": case._asdict(),
        "seconds": spread(seconds),
        "kernels": kernels,
        "ways": measure_ways(gpu, there, case),
        "seconds to the device": moved,
        "sample-pairs per second": rate,
        "met": (case.rate_target is None or rate >= case.rate_target)
        and (None if ratio is None else ratio >= PEER_TARGET),
        "one-hot products by torch": peer,
        "times torch": ratio,
        "all pairs, all devices": measure_devices(codes, case.name),
        name: {"sample-pairs per second": host_rate, "features": few, "cores": usable_cores()},
        f"times {name}": rate / host_rate,
    }


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


def run(
    gpu: Gpu, size: str, only: str | None, keep: Callable[[Mapping[str, Any]], None]
) -> dict[str, Any]:
    """All results: what a results file holds. ``keep`` is given all there are after each step."""
    properties = gpu.properties
    results: dict[str, Any] = {
        "schema": SCHEMA,
        "date": datetime.now(UTC).date().isoformat(),
        "size": size,
        "device": properties._asdict(),
        "versions": {"fastinfo": fastinfo.__version__, "library": gpu.kernels.device.library},
        "copy": measure_copy(gpu, 1 << (31 if size == "full" else 26)),
        "rates": measure_rates(gpu),
        "cases": [],
        "complete": False,
    }
    keep(results)
    print(json.dumps(results, indent=1), file=sys.stderr, flush=True)
    copy_rate = results["copy"]["bytes per second"]
    for case in chosen(size, only):
        if isinstance(case, PairCase):
            result = measure_pair(gpu, case, copy_rate)
        else:
            result = measure_matrix(gpu, case)
        results["cases"].append(result)
        keep(results)
        print(json.dumps(result, indent=1), file=sys.stderr, flush=True)
    results["complete"] = True
    keep(results)
    return results


def chosen(size: str, only: str | None) -> list[PairCase | MatrixCase]:
    """The cases of a size whose names hold ``only``.

    Raises
    ------
    ValueError
        Where none does.
    """
    pairs, matrices = SIZES[size]
    cases: list[PairCase | MatrixCase] = [*pairs, *matrices]
    found = [case for case in cases if only is None or only in case.name]
    if not found:
        names = ", ".join(case.name for case in cases)
        raise ValueError(f"no case has {only!r} in its name; there are {names}")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="ci/bench-gpu", description=__doc__)
    parser.add_argument("--size", choices=list(SIZES), default="full")
    parser.add_argument("--only", metavar="NAME", help="cases with this in their name")
    parser.add_argument("--output", type=Path, help="bench/results/gpu-DEVICE.json by default")
    options = parser.parse_args(arguments)
    try:
        chosen(options.size, options.only)
    except ValueError as error:
        parser.error(str(error))
    try:
        gpu = Gpu()
    except ImportError as error:
        print(f"ci/bench-gpu: no GPU can be used: {error}", file=sys.stderr)
        return 2
    output = options.output or result_file(gpu.properties.name)
    output.parent.mkdir(parents=True, exist_ok=True)

    def keep(results: Mapping[str, Any]) -> None:
        with written_whole(output) as file:
            file.write((json.dumps(results, indent=1) + "\n").encode())

    run(gpu, options.size, options.only, keep)
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
