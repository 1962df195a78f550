"""Checks of the arguments of `fastinfo.torch`: each loss makes them once, before any work."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable
from typing import Any

import torch

from fastinfo.inputs.arguments import one_of

REDUCTIONS = ("mean", "sum", "none")


def reduction(value: Any) -> str:
    """The checked name of a reduction: ``"mean"``, ``"sum"`` or ``"none"``."""
    return str(one_of(value, "reduction", REDUCTIONS))


def reduce(values: torch.Tensor, how: str) -> torch.Tensor:
    """The mean of the values, their sum, or the values unchanged."""
    if how == "none":
        return values
    return values.mean() if how == "mean" else values.sum()


def tensor(value: Any, name: str) -> torch.Tensor:
    """A tensor whose elements lie in memory."""
    if not isinstance(value, torch.Tensor):
        raise TypeError(
            f"{name} is {type(value).__name__}; accepted is a torch.Tensor: torch.as_tensor({name})"
        )
    if value.layout != torch.strided or value.is_nested:
        layout = "nested" if value.is_nested else value.layout
        raise TypeError(f"{name} is a {layout} tensor; accepted is a dense one")
    return value


def floating(value: Any, name: str, dtypes: Iterable[torch.dtype] = ()) -> torch.Tensor:
    """A tensor of real floating-point numbers; where ``dtypes`` are given, it has one of them."""
    found, accepted = tensor(value, name), tuple(dtypes)
    if not found.is_floating_point() or (accepted and found.dtype not in accepted):
        wanted = ", ".join(map(str, accepted)) if accepted else "a floating-point dtype"
        raise TypeError(f"{name} has dtype {found.dtype}; accepted is {wanted}")
    return found


def wide(value: torch.Tensor) -> torch.Tensor:
    """The values in float32 at least, also under autocast: sums of logarithms need the digits."""
    return value if value.dtype == torch.float64 else value.float()


def same_device(*named: tuple[torch.Tensor, str]) -> torch.device:
    """The device that all tensors share."""
    first, first_name = named[0]
    for other, name in named[1:]:
        if other.device != first.device:
            raise ValueError(
                f"{first_name} is on {first.device} and {name} on {other.device}; bring them to "
                f"one device: {name}.to({first_name}.device)"
            )
    return first.device


# --- arguments of networks and losses -------------------------------------------------------------


def number(
    value: Any, name: str, above: float = -math.inf, below: float = math.inf, closed: str = ""
) -> float:
    """A real number between two limits; ``closed`` names the limits that are accepted too."""
    left, right = "above" in closed, "below" in closed
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if is_number:
        high_enough = value >= above if left else value > above
        low_enough = value <= below if right else value < below
        if high_enough and low_enough:
            return float(value)
    limits = f"{'[' if left else '('}{above:g}, {below:g}{']' if right else ')'}"
    raise (ValueError if is_number else TypeError)(
        f"{name}={value!r}; accepted is a number in {limits}"
    )


def scores(value: Any) -> torch.Tensor:
    """Scores of all pairs of a batch of N ≥ 2 samples: ``(…, N, N)``, float32 or float64."""
    found = wide(floating(value, "scores"))
    if found.ndim < 2 or found.shape[-1] != found.shape[-2] or found.shape[-1] < 2:
        raise ValueError(
            f"scores has shape {tuple(found.shape)}; accepted is (…, N, N) with N of at least 2: "
            "scores[i, j] of x[i] and y[j], the samples that belong together on the diagonal"
        )
    return found
