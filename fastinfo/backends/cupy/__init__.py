"""The CuPy backend: kernels in CUDA C++ behind `fastinfo.backends.contract.Kernels`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastinfo.backends import quantiles
from fastinfo.backends.contract import OnHost, RowSummary, Summary, Uncoded
from fastinfo.backends.cupy import count, discovery, encode, matrix, pairs, rows, soft, sums
from fastinfo.backends.cupy.device import Array, Device
from fastinfo.backends.cupy.home import CupyHome, on_device
from fastinfo.backends.cupy.pairs import tile_sizes, ways
from fastinfo.backends.generic import GenericKernels
from fastinfo.backends.pair_sums import PairSums
from fastinfo.backends.soft import SoftBins
from fastinfo.backends.terms import Reduction

__all__ = ["CupyHome", "CupyKernels"]


class CupyKernels(GenericKernels):
    """The kernels of the contract on one device, and on one stream of it.

    Parameters
    ----------
    where : CupyHome, Device, int or None
        Where they work: a device, or its number, stands for its home on the current stream, and
        None for that of the thread's current device.
    choose : callable, optional
        Which way to count the pairs of a tile.
    """

    name = "cupy"
    home: CupyHome
    tile_shape = tile_sizes.TILE_SHAPE
    most_threads = 4
    """One at a time fills a page-locked buffer, to a fifth of what PCIe takes, or waits for a tile;
    each has up to a gigabyte of the device under way."""
    codes_while_counting = True

    def __init__(
        self,
        where: CupyHome | Device | int | None = None,
        choose: pairs.Choose = ways.choose,
    ) -> None:
        self.home = where if isinstance(where, CupyHome) else CupyHome(where)
        self._choose = choose

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

    @property
    def device(self) -> Device:
        """That of the home."""
        return self.home.device

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

    quantile_edges = on_device(GenericKernels.quantile_edges)

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
