"""A learning rate that is held where predictions change by a set amount a step."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from fastinfo.torch import arguments

__all__ = ["KLAdaptiveLR"]

ROUNDING = 1e-6
"""Divergences below 0 by no more than this are 0 that rounding has moved, in float32."""


class KLAdaptiveLR:
    """Grow or shrink the learning rate to hold the divergence between successive predictions.

    A step of the optimiser moves the predictions from P to P′. For small steps D(P‖P′) is quadratic
    in the learning rate: ½·δᵀ·F·δ with the Fisher information F and a step δ in proportion to the
    rate [1]_. So each step multiplies the rate by (target/D)^(gain/2), by ``max_change`` at most.
    With gain 1 one step would be enough if steps were alike; smaller ones average over the noise of
    batches. The rule is the continuous relative of the one that doubles and halves the penalty of
    policies [2]_. It cures rates that are too small or too large, and neither makes gradients flow
    where there are none nor lets training end by itself: a held divergence is a held step, so lower
    ``target`` towards the end.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Its groups' rates are multiplied, so that their ratios stay.
    target : float
        The divergence to hold, in nats a step and sample.
    gain : float
        How much of the way to go in each step, in (0, 1].
    max_change : float
        The largest factor of a step, above 1.
    min_lr, max_lr : float
        What no group's rate shall pass.

    Attributes
    ----------
    last_kl : float
        The divergence that came last; NaN before the first.

    References
    ----------
    .. [1] J. Schulman et al., "Trust region policy optimization", ICML 2015.
    .. [2] J. Schulman et al., "Proximal policy optimization algorithms", arXiv:1707.06347, 2017,
       section 4.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import KLAdaptiveLR
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    >>> schedule = KLAdaptiveLR(optimizer, target=0.01, gain=1.0)
    >>> round(schedule.step(0.04), 6)  # four times the target: half the rate
    0.05
    """

    def __init__(
        self,
        optimizer: Optimizer,
        target: float,
        *,
        gain: float = 0.5,
        max_change: float = 10.0,
        min_lr: float = 1e-10,
        max_lr: float = 1e3,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"optimizer is {type(optimizer).__name__}; accepted is a torch.optim.Optimizer"
            )
        self.optimizer = optimizer
        self.target = arguments.number(target, "target", above=0)
        self.gain = arguments.number(gain, "gain", 0, 1, closed="below")
        self.max_change = arguments.number(max_change, "max_change", above=1)
        self.min_lr = arguments.number(min_lr, "min_lr", above=0)
        self.max_lr = arguments.number(max_lr, "max_lr", above=self.min_lr)
        self.last_kl = math.nan

    def step(self, kl: float | Tensor) -> float:
        """Set the rate for the next step, from the divergence that the last one has made.

        Parameters
        ----------
        kl : float or scalar torch.Tensor
            D(P‖P′) of the predictions before and after the step on the same samples, averaged over
            them: `categorical_kl` of the logits. May be infinite.

        Returns
        -------
        float
            The rate of the first group.

        Raises
        ------
        ValueError
            For NaN, and for a negative value, which no divergence has.
        """
        kl = float(kl)
        if math.isnan(kl) or kl < -ROUNDING:
            raise ValueError(
                f"kl={kl!r}, which no divergence is; pass D(P‖P′) = Σ p·log(p/p′) of the "
                "predictions before and after a step (fastinfo.torch.categorical_kl), not Σ log "
                "of ratios"
            )
        self.last_kl = kl = max(kl, 0.0)
        largest = math.log(self.max_change)
        wanted = math.log(self.target / kl) * self.gain / 2 if 0 < kl < math.inf else 0.0
        if kl == 0 or kl == math.inf:
            wanted = largest if kl == 0 else -largest
        factor = math.exp(min(max(wanted, -largest), largest))
        for group in self.optimizer.param_groups:
            rate = min(max(float(group["lr"]) * factor, self.min_lr), self.max_lr)
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
        return self.get_last_lr()[0]

    def get_last_lr(self) -> list[float]:
        """The rates of all groups."""
        return [float(group["lr"]) for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """What to save beside the optimiser's own state, which holds the rates."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned."""
        unknown = set(state) ^ set(self.state_dict())
        if unknown:
            raise ValueError(f"state lacks, or has beside what is known: {sorted(unknown)}")
        vars(self).update(state)
