"""The CuPy backend: kernels in CUDA C++ behind `fastinfo.backends.contract.Kernels`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np

from fastinfo.backends import quantiles
from fastinfo.backends.contract import OnHost, RowSummary, SoftBins, Summary, Uncoded
from fastinfo.backends.cupy import (
    count,
    discovery,
    encode,
    matrix,
    pairs,
    plan,
    rows,
    soft,
    sums,
    transfer,
)
from fastinfo.backends.cupy.device import Array, Device
from fastinfo.backends.cupy.pairs import tile_sizes, ways
from fastinfo.backends.pair_sums import PairSums
from fastinfo.backends.terms import Reduction

P = ParamSpec("P")
Result = TypeVar("Result")


def on_device(
    method: Callable[Concatenate[CupyKernels, P], Result],
) -> Callable[Concatenate[Any, P], Result]:
    """Run a method on the kernels' device and stream: CuPy keeps both by thread."""

    @wraps(method)
    def run(self: Any, /, *arguments: P.args, **options: P.kwargs) -> Result:
        try:
            with self.current():
                return method(self, *arguments, **options)
        except MemoryError as error:
            raise MemoryError(
                f"CUDA device {self.device.number} ({self.device.properties.name}) is out of "
                f"memory: {error}; take less at a time, or leave the device out "
                "(CUDA_VISIBLE_DEVICES)"
            ) from error

    return run


class CupyKernels:
    """The kernels of the contract on one device, and on one stream of it.

    That is the stream which is the current one where they are made: whatever thread calls them,
    samples are read after they were written, and memory is given to others once it was read.
    """

    name = "cupy"
    tile_shape = tile_sizes.TILE_SHAPE
    samples_at_once: int | None = 1 << 30
    """As many as a table of 32 bits can count, and less; `for_samples` takes fewer."""
    most_threads = 4
    """One at a time fills a page-locked buffer, to a fifth of what PCIe takes, or waits for a tile;
    each has up to a gigabyte of the device under way."""
    codes_while_counting = True

    def __init__(
        self,
        device: Device | int | None = None,
        supply: plan.Supply | None = None,
        stream: int | None = None,
        choose: pairs.Choose = ways.choose,
    ) -> None:
        if device is None or isinstance(device, int):
            device = discovery.device(device)
        self.device = device
        self.stream = device.current_stream() if stream is None else stream
        self.xp: Any = device.xp
        self._uploads = transfer.Uploads(device)
        self._supply = supply
        self._choose = choose
        if supply is not None:
            self.samples_at_once = supply.samples

    @classmethod
    def describe(cls) -> str:
        """The library and the devices, for people."""
        devices = discovery.devices()
        told = [devices[0].library]
        for found in devices:
            major, minor = found.properties.capability
            too_old = "" if discovery.is_capable(found) else ", too old"
            told.append(f"{found.properties.name} (capability {major}.{minor}{too_old})")
        return ", ".join(told)

    def other_devices(self) -> Sequence[CupyKernels]:
        """Those of all other devices that are not too old."""
        return [
            CupyKernels(found, choose=self._choose)
            for found in discovery.devices()
            if found.number != self.device.number and discovery.is_capable(found)
        ]

    def current(self) -> AbstractContextManager[Any]:
        """With the device and the stream as the thread's current ones."""
        return self.device.on_stream(self.stream)

    def on_stream(self, pointer: int) -> CupyKernels:
        """The same on another stream of the device, which another library may have made."""
        return CupyKernels(self.device, self._supply, pointer, self._choose)

    @on_device
    def bring(self, array: Any) -> Array:
        """Copy from the host; from another device it would be a mixture, which the edge refuses."""
        if isinstance(array, np.ndarray):
            return self._uploads.copy(array)
        return self.xp.asarray(array)

    @on_device
    def for_samples(self, arrays: Sequence[Any]) -> CupyKernels:
        """Look at the memory that is free, unless the arrays are small."""
        n_samples = arrays[0].size
        sizes = [array.nbytes for array in arrays if isinstance(array, np.ndarray)]
        if sum(sizes) <= transfer.CHUNK_BYTES:
            return self
        supply = plan.supply(sizes, n_samples, self.device.free_bytes())
        if supply is None:
            return self
        return CupyKernels(self.device, supply, self.stream, self._choose)

    def bring_or_stream(self, array: Any) -> Array | OnHost:
        """On the host where that was decided for arrays of this size."""
        supply = self._supply
        if (
            supply is None
            or not isinstance(array, np.ndarray)
            or array.nbytes <= supply.whole_bytes
        ):
            return self.bring(array)
        return OnHost(array, self.bring, supply.samples)

    @on_device
    def to_host(self, array: Array) -> Any:
        """Copy."""
        return array.get()

    @on_device
    def summarize(self, values: Array | OnHost) -> Summary:
        """One pass; of an array on the host range by range, and one look at what all gave."""
        parts = values.ranges() if isinstance(values, OnHost) else (values,)
        return encode.summarize(self.device, values.dtype, parts)

    @on_device
    def order_statistics(self, values: Array, summary: Summary, ranks: Any, most: int) -> Any:
        """Sort, for a sort is fast there."""
        ordered = self.sort(values, summary)
        found = ordered[self.xp.asarray(ranks)].astype(np.float64)
        return found.get(), quantiles.outweighs(ordered, most)

    @on_device
    def sort(self, values: Array, summary: Summary) -> Array:
        """NaN comes last, once it has lost its sign: CuPy sorts by the bits."""
        if summary.n_missing:
            values = self.xp.where(values == values, values, values.dtype.type(np.nan))
        return self.xp.sort(values)[: values.size - summary.n_missing]

    @on_device
    def quantile_edges(self, ordered: Array, n_bins: int) -> Any:
        """The distinct values and how often each occurs come to the host, which decides."""
        is_first = self.xp.ones(ordered.size, np.bool_)
        is_first[1:] = ordered[1:] != ordered[:-1]
        firsts = self.xp.flatnonzero(is_first)
        counts = np.diff(firsts.get(), append=ordered.size)
        return quantiles.edges(ordered[firsts].get().astype(np.float64), counts, n_bins)

    @on_device
    def encode_integers(
        self, values: Array, low: int, n_bins: int, out: Array | None = None
    ) -> Array:
        """Subtract in unsigned arithmetic."""
        return encode.encode_integers(self.device, values, low, n_bins, out)

    @on_device
    def encode_uniform(
        self, values: Array, low: float, high: float, n_bins: int, out: Array | None = None
    ) -> Array:
        """Multiply to guess the bin, and search where that leaves a doubt."""
        edges = np.linspace(low, high, n_bins + 1)
        return encode.encode_floats(self.device, values, edges, True, out)

    @on_device
    def encode_edges(self, values: Array, edges: Any, out: Array | None = None) -> Array:
        """Search in the inner edges."""
        return encode.encode_floats(self.device, values, edges, False, out)

    @on_device
    def summarize_rows(self, values: Array) -> RowSummary:
        """One launch."""
        return encode.summarize_rows(self.device, values)

    @on_device
    def order_statistics_rows(
        self, values: Array, summary: RowSummary, ranks: Any, most: Any
    ) -> Any:
        """Sort some rows at a time, for a sort takes several times their memory."""
        return rows.order_statistics(self.device, values, ranks, most)

    @on_device
    def encode_integer_rows(self, values: Array, low: Any) -> Array:
        """One launch."""
        return rows.encode_integers(self.device, values, low)

    @on_device
    def encode_float_rows(
        self, values: Array, edges: Any, n_bins: Any, uniform: bool = False
    ) -> Array:
        """One launch: a search in few edges takes less than the samples' way from memory."""
        return rows.encode_floats(self.device, values, edges, n_bins)

    @on_device
    def count_joint(
        self,
        codes: Sequence[Array | Uncoded],
        n_bins: Sequence[int],
        weights: Array | None = None,
    ) -> Array:
        """In shared memory where the table fits."""
        return count.count_joint(self.device, codes, n_bins, weights)

    @on_device
    def pack(
        self,
        codes: Sequence[Array] | Array,
        n_bins: Sequence[int],
        weights: Array | None = None,
        memory_limit: int | None = None,
        reduction: Reduction | None = None,
    ) -> pairs.Packed:
        """One matrix of codes, and bit planes of the features with few bins."""
        return pairs.pack(self.device, codes, n_bins, weights, memory_limit, reduction)

    @on_device
    def count_pairs(
        self, left: pairs.Packed, lefts: slice, right: pairs.Packed, rights: slice
    ) -> Array:
        """In the way that is fastest for so many bins and samples."""
        return pairs.count_pairs(self.device, left, lefts, right, rights, self._choose)

    @on_device
    def pair_sums(
        self, left: pairs.Packed, lefts: slice, right: pairs.Packed, rights: slice
    ) -> PairSums:
        """Counts are reduced where they arise."""
        kernels: Any = self
        return pairs.pair_sums(kernels, self.device, left, lefts, right, rights, self._choose)

    @on_device
    def combine(
        self, sums: PairSums, coefficients: tuple[float, float, float], low: float
    ) -> Array:
        """One pass."""
        return matrix.combine(self.device, sums, coefficients, low)

    @on_device
    def write_tile(
        self, values: Array, rows: Any, columns: Any, out: Array, is_symmetric: bool
    ) -> None:
        """One launch, which writes neighbours in both halves."""
        matrix.write_tile(self.device, values, rows, columns, out, is_symmetric)

    @on_device
    def sum_xlogx(self, counts: Array) -> Array:
        """Fixed pieces of each row, each one a tree."""
        return sums.sum_xlogx(self.device, counts)

    @on_device
    def sum_xlogy(self, p: Array, q: Array) -> Array:
        """As `sum_xlogx`."""
        return sums.sum_xlogy(self.device, p, q)

    @on_device
    def soft_count(
        self, x: Array, y: Array, x_bins: SoftBins, y_bins: SoftBins, weights: Array | None = None
    ) -> Array:
        """A table for each warp, in which samples go one after the other."""
        return soft.count(self.device, x, y, x_bins, y_bins, weights)

    @on_device
    def soft_count_gradient(
        self,
        x: Array,
        y: Array,
        x_bins: SoftBins,
        y_bins: SoftBins,
        by_counts: Array,
        x_out: Array | None,
        y_out: Array | None,
        weights: Array | None = None,
    ) -> None:
        """One thread a sample."""
        soft.differentiate(self.device, x, y, x_bins, y_bins, weights, by_counts, x_out, y_out)
