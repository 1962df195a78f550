"""The kernels of soft counts as functions that gradients pass through.

Between tensors and kernels nothing is copied: NumPy and CuPy arrays are views of the tensors.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from fastinfo.backends import choose
from fastinfo.backends.contract import Array, Kernels
from fastinfo.backends.home import home_of
from fastinfo.backends.soft import SoftBins
from fastinfo.system.ranges import map_threads, over_ranges

RANGE = 1 << 17
"""Samples of a range, or of several short pairs: 1.5 ms of work for two cubic splines."""

SAMPLES_A_CELL = 16
"""The fewest samples of a range for each cell of its table, or adding tables would take over."""


def soft_count(*arguments: Any) -> torch.Tensor:
    """`SoftCount` of its arguments, left out of the graphs that torch.compile makes.

    A compiler that looks into the kernels finds memory that it knows nothing of.
    """
    apply: Callable[..., torch.Tensor] = SoftCount.apply
    if torch.compiler.is_compiling():  # only then: to disable it loads all of the compiler
        apply = torch.compiler.disable(apply)  # type: ignore[no-untyped-call]
    return apply(*arguments)


class Pairs(NamedTuple):
    """Pairs of variables as tensors, or as arrays of the same memory, and how to count them."""

    x: Any
    """Samples ``(pairs, n)``."""
    y: Any
    x_limits: Any
    """Ends of the range ``(pairs, 2)``."""
    y_limits: Any
    weights: Any
    """``(pairs, n)``, or None."""
    x_bins: SoftBins
    y_bins: SoftBins

    def as_arrays(self, view: Callable[[Any], Array]) -> Pairs:
        """The same in arrays, limits in their bins."""
        x, y, x_limits, y_limits, weights = map(view, self[:5])
        x_bins = self.x_bins._replace(limits=x_limits)
        y_bins = self.y_bins._replace(limits=y_limits)
        return Pairs(x, y, x_limits, y_limits, weights, x_bins, y_bins)

    def part(self, pairs: slice, samples: slice) -> tuple[Array, Array, SoftBins, SoftBins, Array]:
        """What kernels take of some pairs and samples: x, y, their bins and weights."""
        return (
            self.x[pairs, samples],
            self.y[pairs, samples],
            self.x_bins._replace(limits=self.x_bins.limits[pairs]),
            self.y_bins._replace(limits=self.y_bins.limits[pairs]),
            None if self.weights is None else self.weights[pairs, samples],
        )


class SoftCount(torch.autograd.Function):
    """Soft counts ``(pairs, B_x, B_y)`` of `Pairs`, of which it takes the parts.

    Limits may depend on the samples: they have a gradient too. Weights have none.
    """

    @staticmethod
    def forward(*inputs: Any) -> torch.Tensor:
        """Count, on the device of the samples."""
        pairs = Pairs(*inputs)
        return counter_of(pairs.x).count(pairs)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        """Keep the samples: shares are made anew on the way back."""
        *tensors, ctx.x_bins, ctx.y_bins = inputs
        ctx.save_for_backward(*tensors)

    @staticmethod
    def backward(ctx: Any, by_counts: torch.Tensor) -> Any:
        """From derivatives by the counts to those by samples and limits."""
        x, y, x_limits, y_limits, weights = tensors = ctx.saved_tensors  # once: checkpoints count
        wants = ctx.needs_input_grad
        wants_x, wants_y = wants[0] or wants[2], wants[1] or wants[3]
        found = SoftCountGradient.apply(  # type: ignore[no-untyped-call]
            *tensors, ctx.x_bins, ctx.y_bins, by_counts, wants_x, wants_y
        )
        by_x, by_y = found[0] if wants_x else None, found[-1] if wants_y else None
        by_x_limits = _by_limits(x, x_limits, by_x, weights) if wants[2] else None
        by_y_limits = _by_limits(y, y_limits, by_y, weights) if wants[3] else None
        return by_x, by_y, by_x_limits, by_y_limits, None, None, None

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *inputs: Any) -> tuple[torch.Tensor, int]:
        """Count a batch of pairs as more pairs."""
        counts = SoftCount.apply(*_as_pairs(info, in_dims, inputs))  # type: ignore[no-untyped-call]
        return _as_batch(info, counts), 0


class SoftCountGradient(torch.autograd.Function):
    """Derivatives by the samples of `Pairs`: those by x, by y or both, as is wanted.

    A function of its own, so that torch.func can map and differentiate the way back of `SoftCount`.
    """

    @staticmethod
    def forward(*inputs: Any) -> tuple[torch.Tensor, ...]:
        """Differentiate, on the device of the samples."""
        *parts, by_counts, wants_x, wants_y = inputs
        pairs = Pairs(*parts)
        by_x = torch.empty_like(pairs.x) if wants_x else None
        by_y = torch.empty_like(pairs.y) if wants_y else None
        counter_of(pairs.x).differentiate(pairs, by_counts.contiguous(), by_x, by_y)
        return tuple(by for by in (by_x, by_y) if by is not None)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[torch.Tensor, ...]) -> None:
        """Keep nothing."""

    @staticmethod
    def backward(ctx: Any, *by_gradients: torch.Tensor) -> Any:
        """Refuse: kernels know first derivatives alone."""
        raise RuntimeError(
            "soft counts cannot be differentiated twice: their gradient has no derivative; leave "
            "out create_graph=True, or detach the gradient"
        )

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *inputs: Any) -> tuple[tuple[Any, ...], Any]:
        """Differentiate a batch of pairs as more pairs."""
        found = SoftCountGradient.apply(*_as_pairs(info, in_dims, inputs))  # type: ignore[no-untyped-call]
        return tuple(_as_batch(info, by) for by in found), (0,) * len(found)


def _as_pairs(info: Any, in_dims: tuple[Any, ...], inputs: tuple[Any, ...]) -> list[Any]:
    """Inputs whose batch of pairs has become an axis of pairs."""
    found = []
    for value, axis in zip(inputs, in_dims, strict=True):
        if isinstance(value, torch.Tensor):
            of_batch = value[None] if axis is None else value.movedim(axis, 0)
            of_batch = of_batch.expand(info.batch_size, *of_batch.shape[1:])
            value = of_batch.flatten(0, 1).contiguous()
        found.append(value)
    return found


def _as_batch(info: Any, values: torch.Tensor) -> torch.Tensor:
    return values.reshape(info.batch_size, -1, *values.shape[1:])


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


class HostCounter:
    """Kernels of the processor, which read the memory of tensors as NumPy arrays.

    How samples are divided among threads does not depend on how many these are, nor on how many
    pairs there are.
    """

    def __init__(self, kernels: Kernels) -> None:
        self.kernels = kernels

    def count(self, tensors: Pairs) -> torch.Tensor:
        """Soft counts, on as many threads as PyTorch has."""
        arrays = tensors.as_arrays(self._view)
        n_pairs, n_samples = arrays.x.shape

        def part(pairs: slice, samples: slice) -> Array:
            return self.kernels.soft_count(*arrays.part(pairs, samples))

        size = _range(arrays)
        counts = np.empty((n_pairs, arrays.x_bins.n_bins, arrays.y_bins.n_bins))
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
        tensors: Pairs,
        by_counts: torch.Tensor,
        by_x: torch.Tensor | None,
        by_y: torch.Tensor | None,
    ) -> None:
        """Derivatives by the samples, written to ``by_x`` and ``by_y``."""
        arrays = tensors.as_arrays(self._view)
        table, *outs = map(self._view, (by_counts, by_x, by_y))

        def part(pairs: slice, samples: slice) -> None:
            x, y, x_bins, y_bins, weights = arrays.part(pairs, samples)
            left, right = (None if out is None else out[pairs, samples] for out in outs)
            self.kernels.soft_count_gradient(
                x, y, x_bins, y_bins, table[pairs], left, right, weights
            )

        n_pairs, n_samples = arrays.x.shape
        size = _range(arrays)
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

    @staticmethod
    def _view(tensor: torch.Tensor | None) -> Array:
        return None if tensor is None else tensor.detach().numpy()


def _range(pairs: Pairs) -> int:
    return max(RANGE, SAMPLES_A_CELL * pairs.x_bins.n_bins * pairs.y_bins.n_bins)


def _groups(n_pairs: int, n_samples: int, size: int) -> list[slice]:
    """Pairs that are worth a thread's while together."""
    step = max(1, size // n_samples)
    return [slice(start, min(start + step, n_pairs)) for start in range(0, n_pairs, step)]


class DeviceCounter:
    """Kernels of a device, which read the memory of tensors by DLPack.

    They are those of PyTorch's stream, so that work is done in the order of calls: the two
    libraries would wait for each other by themselves only where both are on the default stream.
    Autograd calls the way back in a thread of its own, where the stream of the way there is the
    current one.
    """

    def __init__(self, kernels: Kernels) -> None:
        self.kernels = kernels

    def count(self, tensors: Pairs) -> torch.Tensor:
        """Soft counts, by one call for all pairs."""
        with self.kernels.current():
            arrays = tensors.as_arrays(self._view)
            found = self.kernels.soft_count(*arrays.part(slice(None), slice(None)))
            counts: torch.Tensor = torch.utils.dlpack.from_dlpack(found)
        return counts

    def differentiate(
        self,
        tensors: Pairs,
        by_counts: torch.Tensor,
        by_x: torch.Tensor | None,
        by_y: torch.Tensor | None,
    ) -> None:
        """Derivatives by the samples, written to ``by_x`` and ``by_y``."""
        with self.kernels.current():
            arrays = tensors.as_arrays(self._view)
            x, y, x_bins, y_bins, weights = arrays.part(slice(None), slice(None))
            table, left, right = map(self._view, (by_counts, by_x, by_y))
            self.kernels.soft_count_gradient(x, y, x_bins, y_bins, table, left, right, weights)

    def _view(self, tensor: torch.Tensor | None) -> Array:
        if tensor is None:
            return None
        tensor, xp = tensor.detach(), self.kernels.xp
        if tensor.dtype == torch.bool:  # which DLPack has not always had
            return xp.from_dlpack(tensor.view(torch.uint8)).view(np.bool_)
        return xp.from_dlpack(tensor)


def counter_of(tensor: torch.Tensor) -> HostCounter | DeviceCounter:
    """The kernels that work where a tensor is.

    Raises
    ------
    TypeError
        For a device that no backend serves.
    """
    device = tensor.device
    if device.type not in ("cpu", "cuda"):
        raise TypeError(
            f"tensors are on {device}; accepted are tensors of the CPU and of CUDA devices: "
            "x.cpu() brings them to the host"
        )
    home = home_of(tensor)
    kernels = choose(home=home)
    if not home.is_host:
        return DeviceCounter(kernels)
    if not kernels.home.is_host:
        raise TypeError(
            f"FASTINFO_BACKEND names the backend {kernels.name!r}, which cannot read tensors of "
            "the CPU; move them to its device, or unset FASTINFO_BACKEND"
        )
    return HostCounter(kernels)
