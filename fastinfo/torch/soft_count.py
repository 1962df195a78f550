"""The kernels of soft counts as a function that gradients pass through.

Between tensors and kernels nothing is copied: NumPy and CuPy arrays are views of the tensors.
"""

from __future__ import annotations

import itertools
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from fastinfo.backends import choose, place_of
from fastinfo.backends.contract import Array, SoftBins, SoftKernels
from fastinfo.ranges import map_threads, over_ranges

RANGE = 1 << 17
"""Samples of a range, or of several short pairs: 1.5 ms of work for two cubic splines."""

SAMPLES_A_CELL = 16
"""The fewest samples of a range for each cell of its table, or adding tables would take over."""


class SoftCount(torch.autograd.Function):
    """Soft counts ``(pairs, B_x, B_y)`` of samples ``(pairs, n)`` and limits ``(pairs, 2)``.

    Limits may depend on the samples: they have a gradient too. Weights have none.
    """

    @staticmethod
    def forward(
        x: torch.Tensor,
        y: torch.Tensor,
        x_limits: torch.Tensor,
        y_limits: torch.Tensor,
        weights: torch.Tensor | None,
        x_bins: SoftBins,
        y_bins: SoftBins,
    ) -> torch.Tensor:
        """Count, on the device of the samples."""
        house = House(x)
        return house.count(x, y, *house.bins(x_limits, y_limits, x_bins, y_bins), weights)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        """Keep the samples: shares are made anew on the way back."""
        *tensors, ctx.x_bins, ctx.y_bins = inputs
        ctx.save_for_backward(*tensors)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_counts: torch.Tensor) -> Any:
        """From derivatives by the counts to those by samples and limits."""
        x, y, x_limits, y_limits, weights = ctx.saved_tensors
        wants = ctx.needs_input_grad
        house = House(x)
        bins = house.bins(x_limits, y_limits, ctx.x_bins, ctx.y_bins)
        by_x = torch.empty_like(x) if wants[0] or wants[2] else None
        by_y = torch.empty_like(y) if wants[1] or wants[3] else None
        house.differentiate(x, y, *bins, by_counts.contiguous(), by_x, by_y, weights)
        by_x_limits = _by_limits(x, x_limits, by_x, weights) if wants[2] else None
        by_y_limits = _by_limits(y, y_limits, by_y, weights) if wants[3] else None
        return by_x, by_y, by_x_limits, by_y_limits, None, None, None


def _by_limits(
    values: torch.Tensor,
    limits: torch.Tensor,
    by_values: torch.Tensor | None,
    weights: torch.Tensor | None,
) -> torch.Tensor:
    """Derivatives by the limits.

    Only t = (v − low)/(high − low) matters of a sample v, and moving low by δ moves t as if v had
    moved by −(1 − t)·δ, moving high by δ as if by −t·δ.
    """
    assert by_values is not None
    low, high = limits[:, 0], limits[:, 1]
    if weights is not None:
        values = torch.where(weights != 0, values, low[:, None].to(values.dtype))
    total = by_values.sum(dim=1, dtype=torch.float64)
    moment = (by_values * values).sum(dim=1, dtype=torch.float64)
    by_high = -(moment - low * total) / (high - low)
    return torch.stack([-total - by_high, by_high], dim=1)


class House:
    """The kernels that are at home where a tensor is, and tensors as their arrays."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.on_host = tensor.device.type == "cpu"
        self.kernels = _kernels(tensor)
        self._device = tensor.device

    def _stream(self) -> AbstractContextManager[Any]:
        """PyTorch's stream as that of the kernels, so that work is done in the order of calls.

        They would wait for each other by themselves only where both are on the default stream.
        """
        xp: Any = self.kernels.xp
        stream: AbstractContextManager[Any] = xp.cuda.ExternalStream(
            torch.cuda.current_stream(self._device).cuda_stream, self._device.index
        )
        return stream

    def array(self, tensor: torch.Tensor | None) -> Array:
        """The same memory as an array of the kernels' library."""
        if tensor is None:
            return None
        tensor = tensor.detach()
        if self.on_host:
            return tensor.numpy()
        xp: Any = self.kernels.xp
        with self._stream():
            if tensor.dtype == torch.bool:
                return xp.from_dlpack(tensor.view(torch.uint8)).view(np.bool_)
            return xp.from_dlpack(tensor)

    def bins(
        self, x_limits: torch.Tensor, y_limits: torch.Tensor, x_bins: SoftBins, y_bins: SoftBins
    ) -> tuple[SoftBins, SoftBins]:
        """Bins with their limits."""
        return (
            x_bins._replace(limits=self.array(x_limits)),
            y_bins._replace(limits=self.array(y_limits)),
        )

    def count(
        self,
        x: torch.Tensor,
        y: torch.Tensor,
        x_bins: SoftBins,
        y_bins: SoftBins,
        weights: torch.Tensor | None,
    ) -> torch.Tensor:
        """Soft counts, on as many threads as PyTorch has.

        How samples are divided does not depend on the threads, nor on how many pairs there are.
        """
        arrays = self.array(x), self.array(y), self.array(weights)
        n_pairs, n_samples = x.shape
        if not self.on_host:
            with self._stream():
                return torch.utils.dlpack.from_dlpack(
                    self.kernels.soft_count(*arrays[:2], x_bins, y_bins, arrays[2])
                )

        def part(pairs: slice, samples: slice) -> Array:
            return self.kernels.soft_count(
                arrays[0][pairs, samples],
                arrays[1][pairs, samples],
                _of_pairs(x_bins, pairs),
                _of_pairs(y_bins, pairs),
                None if weights is None else arrays[2][pairs, samples],
            )

        size = _range(x_bins, y_bins)
        counts = np.empty((n_pairs, x_bins.n_bins, y_bins.n_bins))
        if n_samples > size:
            for pair in range(n_pairs):
                pairs = slice(pair, pair + 1)

                def count_range(start: int, stop: int, pairs: slice = pairs) -> Array:
                    return part(pairs, slice(start, stop))

                n_jobs = torch.get_num_threads()
                counts[pairs] = over_ranges(count_range, np.add, n_samples, n_jobs, size)
        else:

            def count_group(pairs: slice) -> None:
                counts[pairs] = part(pairs, slice(n_samples))

            map_threads(
                count_group, _groups(n_pairs, n_samples, size), n_jobs=torch.get_num_threads()
            )
        return torch.from_numpy(counts)

    def differentiate(
        self,
        x: torch.Tensor,
        y: torch.Tensor,
        x_bins: SoftBins,
        y_bins: SoftBins,
        by_counts: torch.Tensor,
        by_x: torch.Tensor | None,
        by_y: torch.Tensor | None,
        weights: torch.Tensor | None,
    ) -> None:
        """Derivatives by the samples, written to ``by_x`` and ``by_y``."""
        arrays = [self.array(t) for t in (x, y, by_counts, by_x, by_y, weights)]

        def part(pairs: slice, samples: slice) -> None:
            left, right, table, left_out, right_out, factors = arrays
            self.kernels.soft_count_gradient(
                left[pairs, samples],
                right[pairs, samples],
                _of_pairs(x_bins, pairs),
                _of_pairs(y_bins, pairs),
                table[pairs],
                None if left_out is None else left_out[pairs, samples],
                None if right_out is None else right_out[pairs, samples],
                None if factors is None else factors[pairs, samples],
            )

        n_pairs, n_samples = x.shape
        if not self.on_host:
            with self._stream():
                part(slice(n_pairs), slice(n_samples))
            return
        size = _range(x_bins, y_bins)
        groups = _groups(n_pairs, n_samples, size)
        n_parts = -(-n_samples // size)
        cuts = [n_samples * i // n_parts for i in range(n_parts + 1)]
        ranges = [slice(*cut) for cut in itertools.pairwise(cuts)]
        map_threads(
            part,
            [pairs for pairs in groups for _ in ranges],
            [samples for _ in groups for samples in ranges],
            n_jobs=torch.get_num_threads(),
        )


def _range(x_bins: SoftBins, y_bins: SoftBins) -> int:
    return max(RANGE, SAMPLES_A_CELL * x_bins.n_bins * y_bins.n_bins)


def _groups(n_pairs: int, n_samples: int, size: int) -> list[slice]:
    """Pairs that are worth a thread's while together."""
    step = max(1, size // n_samples)
    return [slice(start, min(start + step, n_pairs)) for start in range(0, n_pairs, step)]


def _of_pairs(bins: SoftBins, pairs: slice) -> SoftBins:
    return bins._replace(limits=bins.limits[pairs])


def _kernels(tensor: torch.Tensor) -> SoftKernels:
    """The kernels at home where a tensor is.

    Raises
    ------
    TypeError
        For a device that no backend serves.
    """
    if tensor.device.type not in ("cpu", "cuda"):
        raise TypeError(
            f"tensors are on {tensor.device}; accepted are tensors of the CPU and of CUDA devices: "
            "x.cpu() brings them to the host"
        )
    kernels = choose(None, place_of(tensor))
    if tensor.device.type == "cpu" and kernels.xp is not np:
        raise TypeError(
            f"FASTINFO_BACKEND names the backend {kernels.name!r}, which cannot read tensors of "
            "the CPU; move them to its device, or unset FASTINFO_BACKEND"
        )
    if not isinstance(kernels, SoftKernels):
        raise TypeError(
            f"tensors are on {tensor.device}, and the backend {kernels.name!r} of this version has "
            "no soft counts: x.cpu() brings them to the host"
        )
    return kernels
