"""From tensors and options to soft counts: what users pass is checked here, once."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Any

import torch

from fastinfo.backends.soft import SOFT_KERNELS, SoftBins
from fastinfo.inputs.arguments import one_of
from fastinfo.torch import arguments
from fastinfo.torch.soft_count import soft_count

DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
OUTSIDE = ("raise", "clamp", "omit")
MOST_BINS = 4096
LEAST_SIGMA = 0.1


@dataclass(frozen=True)
class SoftHistogram:
    """How two variables are counted: bins and range of each, checked."""

    bins: tuple[SoftBins, SoftBins]
    """Their limits are still to come."""
    ranges: tuple[tuple[float, float] | None, tuple[float, float] | None]
    outside: str

    @classmethod
    def checked(
        cls, bins: Any, kernel: Any, order: Any, sigma: Any, range: Any, outside: Any
    ) -> SoftHistogram:
        """Of the arguments that users pass."""
        each = zip(
            _for_both(bins, "bins"),
            _for_both(kernel, "kernel"),
            _for_both(order, "order"),
            _for_both(sigma, "sigma"),
            strict=True,
        )
        x_bins, y_bins = (_soft_bins(*options) for options in each)
        ranges = _ranges(range)
        outside = str(one_of(outside, "outside", OUTSIDE))
        if outside != "raise" and ranges == (None, None):
            raise ValueError(
                f"outside={outside!r} is about samples outside of range, and without a range none "
                "is: pass range=(low, high)"
            )
        return cls((x_bins, y_bins), ranges, outside)

    def count(
        self,
        x: torch.Tensor,
        y: torch.Tensor,
        mask: torch.Tensor | None,
        sample_weight: torch.Tensor | None,
    ) -> torch.Tensor:
        """Soft counts ``(..., B_x, B_y)``."""
        x, y = arguments.floating(x, "x", DTYPES), arguments.floating(y, "y", DTYPES)
        shape = _shape(x, y)
        dtype = common_dtype(x, y)
        samples = [tensor.to(dtype).expand(shape).reshape(-1, shape[-1]) for tensor in (x, y)]
        weights = _weights(x, mask, sample_weight, shape, dtype)
        for tensor, name, ends in zip(samples, "xy", self.ranges, strict=True):
            if ends is None or self.outside == "clamp" or not tensor.numel():
                continue
            low, high = tensor.detach().aminmax()
            if bool((low >= ends[0]) & (high <= ends[1])):
                continue
            is_outside = (tensor.detach() < ends[0]) | (tensor.detach() > ends[1])
            if self.outside == "raise":
                _refuse(is_outside, weights, name, ends)
            elif weights is None:
                weights = ~is_outside
            else:
                weights = torch.where(is_outside, torch.zeros_like(weights), weights)
        if weights is not None and not bool((weights != 0).any(dim=1).all()):
            raise ValueError(
                "mask, sample_weight and range leave no sample of at least one pair; at least one "
                "is needed"
            )
        limits = [
            _limits(tensor, weights, given)
            for tensor, given in zip(samples, self.ranges, strict=True)
        ]
        rows = [tensor.contiguous() for tensor in samples]
        counts = soft_count(*rows, *limits, weights, *self.bins)
        return counts.reshape(*shape[:-1], *counts.shape[1:])


def _for_both(value: Any, name: str) -> tuple[Any, Any]:
    if not isinstance(value, (tuple, list)):
        return value, value
    if len(value) != 2:
        raise ValueError(f"{name}={value!r}; accepted is one for both variables, or (of x, of y)")
    return value[0], value[1]


def _soft_bins(n_bins: Any, kernel: Any, order: Any, sigma: Any) -> SoftBins:
    kernel = one_of(kernel, "kernel", SOFT_KERNELS)
    if not _is_integer(n_bins):
        raise TypeError(f"bins={n_bins!r}; accepted is an integer, or one for each variable")
    if not _is_integer(order) or not 0 <= order <= 3:
        raise ValueError(f"order={order!r}; accepted are 0, 1, 2 and 3")
    if not _is_number(sigma):
        raise TypeError(f"sigma={sigma!r}; accepted is a number of at least {LEAST_SIGMA}")
    if not LEAST_SIGMA <= sigma < math.inf:
        raise ValueError(
            f"sigma={sigma!r}; accepted is a number of at least {LEAST_SIGMA}: below, samples "
            "between two centers would have next to no share in either"
        )
    least = order + 1 if kernel == "bspline" else 2
    if not least <= n_bins <= MOST_BINS:
        what = f"B-splines of order {order}" if kernel == "bspline" else "Gaussians"
        raise ValueError(f"bins={n_bins!r}; accepted are {least} to {MOST_BINS} for {what}")
    return SoftBins(int(n_bins), None, kernel, int(order), float(sigma))


def _is_integer(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _ranges(value: Any) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
    accepted = "accepted are None, (low, high), or a tuple of two of these, one for each variable"
    if isinstance(value, (tuple, list)) and len(value) == 2:
        if all(map(_is_number, value)):
            value = value, value
    elif value is None:
        value = None, None
    else:
        raise ValueError(f"range={value!r}; {accepted}")
    found: list[tuple[float, float] | None] = []
    for one in value:
        if one is None:
            found.append(None)
            continue
        is_pair = isinstance(one, (tuple, list)) and len(one) == 2
        if not is_pair or not all(map(_is_number, one)):
            raise ValueError(f"range has {one!r}; {accepted}")
        low, high = float(one[0]), float(one[1])
        if not (low < high and 0 < high - low < math.inf):
            raise ValueError(f"range has {one!r}; accepted are finite numbers low < high")
        found.append((low, high))
    return found[0], found[1]


def _shape(x: torch.Tensor, y: torch.Tensor) -> torch.Size:
    """The shape that x and y broadcast to, their numbers of samples alike."""
    arguments.same_device((x, "x"), (y, "y"))
    told = f"x has shape {tuple(x.shape)} and y {tuple(y.shape)}; "
    if x.ndim == 0 or y.ndim == 0 or x.shape[-1] != y.shape[-1]:
        raise ValueError(told + "accepted are (..., n), as many samples of one as of the other")
    if x.shape[-1] == 0:
        raise ValueError(told + "at least one sample is needed")
    try:
        return torch.Size(torch.broadcast_shapes(x.shape, y.shape))  # type: ignore[no-untyped-call]
    except RuntimeError:
        raise ValueError(told + "the axes before the last do not broadcast") from None


def common_dtype(x: torch.Tensor, y: torch.Tensor) -> torch.dtype:
    """float64 if one of the two is, else float32."""
    return torch.float64 if torch.float64 in (x.dtype, y.dtype) else torch.float32


def _weights(
    x: torch.Tensor,
    mask: torch.Tensor | None,
    sample_weight: torch.Tensor | None,
    shape: torch.Size,
    dtype: torch.dtype,
) -> torch.Tensor | None:
    """Mask and weights in one, ``(pairs, n)``."""
    found = None
    for tensor, name in ((mask, "mask"), (sample_weight, "sample_weight")):
        if tensor is None:
            continue
        tensor = arguments.tensor(tensor, name)
        arguments.same_device((x, "x"), (tensor, name))
        if name == "mask" and tensor.dtype != torch.bool:
            raise TypeError(f"mask has dtype {tensor.dtype}; accepted is torch.bool")
        if name == "sample_weight":
            _check_weights(tensor)
            tensor = tensor.to(dtype)
        try:
            tensor = tensor.expand(shape)
        except RuntimeError:
            raise ValueError(
                f"{name} has shape {tuple(tensor.shape)}, which does not broadcast to the samples' "
                f"{tuple(shape)}"
            ) from None
        found = tensor if found is None else torch.where(found, tensor, torch.zeros_like(tensor))
    return None if found is None else found.reshape(-1, shape[-1]).contiguous()


def _check_weights(weights: torch.Tensor) -> None:
    if weights.requires_grad:
        raise ValueError("sample_weight requires a gradient, which is not computed: detach() it")
    if weights.is_complex():
        raise TypeError(f"sample_weight has dtype {weights.dtype}; accepted are real numbers")
    if not bool(torch.isfinite(weights).all()) or bool((weights < 0).any()):
        raise ValueError(
            "sample_weight holds negative, NaN or infinite weights; accepted are finite ones, 0 to "
            "leave a sample out"
        )


def _refuse(
    is_outside: torch.Tensor,
    weights: torch.Tensor | None,
    name: str,
    limits: tuple[float, float],
) -> None:
    if weights is not None:
        is_outside = is_outside & (weights != 0)
    n_outside = int(is_outside.sum())
    if n_outside:
        raise ValueError(
            f"{name} has {n_outside} of {is_outside.numel()} samples outside of range={limits}; "
            'pass outside="clamp" to count them as its ends (their gradient is 0 then), '
            'outside="omit" to leave them out, or a wider range'
        )


def _limits(
    values: torch.Tensor, weights: torch.Tensor | None, given: tuple[float, float] | None
) -> torch.Tensor:
    """Ends of the range of each pair, float64 ``(pairs, 2)``; those of the samples have gradients.

    Around a constant it is half a unit each way, as NumPy's histograms have it, or more where half
    a unit is less than rounding.
    """
    if given is not None:
        limits = torch.tensor(given, dtype=torch.float64, device=values.device)
        return limits.expand(len(values), 2).contiguous()
    low = high = values
    if weights is not None:
        infinity = torch.full((), math.inf, dtype=values.dtype, device=values.device)
        low = torch.where(weights != 0, values, infinity)
        high = torch.where(weights != 0, values, -infinity)
    low, high = low.amin(dim=1).double(), high.amax(dim=1).double()
    half = (low.detach().abs() * 2.0**-20).clamp_min(0.5)
    is_constant = low == high
    return torch.stack(
        [torch.where(is_constant, low - half, low), torch.where(is_constant, high + half, high)],
        dim=1,
    )
