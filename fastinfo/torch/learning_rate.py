"""A learning rate schedule by which predictions change by a set amount a step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from fastinfo.inputs.arguments import positive_integer
from fastinfo.torch import arguments

__all__ = ["KLAdaptiveLR"]

ROUNDING = 1e-6
"""A divergence of −ROUNDING or more counts as 0 with the rounding of float32."""


class KLAdaptiveLR:
    """A schedule that holds the divergence between successive predictions by the learning rate.

    A step of the optimiser moves the predictions from P to P′. For small steps D(P‖P′) is quadratic
    in the learning rate: ½·δᵀ·F·δ with the Fisher information F and a step δ in proportion to the
    rate [1]_. So the rate times √(target/D) hits the target. There are two ways to use it:

    - `step` replaces ``optimizer.step()``. Where the divergence is outside of [½, 2] × target,
      **this** step is made longer or shorter, and measured again. The target is held from the first
      step on. Each step costs one more forward pass, and each correction another one.
    - `update` takes the divergence of the last step and sets the rate for the **next** one, as the
      rule that doubles and halves the penalty of policies does [2]_. Batches differ, so that it
      holds the target only as well as successive steps resemble each other.

    The schedule corrects rates that are too small or too large. It cannot help where there is no
    gradient, and it does not end the training: a constant divergence means steps of constant size,
    so lower ``target`` towards the end.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        An optimiser whose step is in proportion to its rate: SGD with or without momentum, Adam,
        AdamW and similar ones. The rates of its groups are multiplied, so that their ratios stay.
    target : float
        The divergence to hold, in nats a step and sample; above 0.
    gain : float
        The share of a correction that the rate for the next step takes over, in (0, 1]. Below 1 it
        averages over the noise of batches.
    max_change : float
        The largest factor of a correction, and of a change from step to step; above 1.
    max_corrections : int
        The largest number of corrections that `step` makes to one step.
    min_lr, max_lr : float
        Limits of the rate of every group.

    Attributes
    ----------
    last_kl : float
        The divergence of the last step in nats, after its corrections; NaN before the first step.

    Raises
    ------
    TypeError, ValueError
        For an optimizer of another type, and numbers that are not as above.

    References
    ----------
    .. [1] J. Schulman et al., "Trust region policy optimization", ICML 2015.
    .. [2] J. Schulman et al., "Proximal policy optimization algorithms", arXiv:1707.06347, 2017,
       section 4.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import KLAdaptiveLR, categorical_kl
    >>> logits = torch.zeros(2, requires_grad=True)
    >>> schedule = KLAdaptiveLR(torch.optim.SGD([logits], lr=1e-3), target=0.01)
    >>> before = logits.detach().clone()
    >>> torch.nn.functional.cross_entropy(logits, torch.tensor(0)).backward()
    >>> kl = schedule.step(lambda: categorical_kl(before, logits))
    >>> 0.005 <= kl <= 0.02
    True
    """

    def __init__(
        self,
        optimizer: Optimizer,
        target: float,
        *,
        gain: float = 0.5,
        max_change: float = 10.0,
        max_corrections: int = 5,
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
        self.max_corrections = positive_integer(max_corrections, "max_corrections")
        self.min_lr = arguments.number(min_lr, "min_lr", above=0)
        self.max_lr = arguments.number(max_lr, "max_lr", above=self.min_lr)
        self.last_kl = math.nan

    def step(self, divergence: Callable[[], float | Tensor]) -> float:
        """Step the optimiser so that the divergence of the predictions is about the target.

        Parameters
        ----------
        divergence : callable
            ``divergence()`` returns D(P‖P′) in nats: P are the predictions before the step, and P′
            those of the current weights on the same samples. It is averaged over the samples, as
            `categorical_kl` of the logits is. It is called without gradients, once after the step
            and once after each correction.

        Returns
        -------
        float
            The divergence of the step that was made, in nats.

        Raises
        ------
        ValueError
            For a divergence that is NaN or negative. The step has been made then.
        """
        weights = [w for group in self.optimizer.param_groups for w in group["params"]]
        before = [w.detach().clone() for w in weights]
        self.optimizer.step()
        with torch.no_grad():
            kl = _checked(divergence())
            for _ in range(self.max_corrections):
                if self.target / 2 <= kl <= 2 * self.target:
                    break
                factor = self._scale(self._factor(kl, gain=1.0))
                if factor == 1:
                    break  # at a limit of the rate
                for weight, start in zip(weights, before, strict=True):
                    weight.copy_(start + factor * (weight - start))
                kl = _checked(divergence())
        self._scale(self._factor(kl, self.gain))
        self.last_kl = kl
        return kl

    def update(self, kl: float | Tensor) -> float:
        """Set the rate for the next step from the divergence of the last one.

        Parameters
        ----------
        kl : float or scalar torch.Tensor
            D(P‖P′) of the predictions before and after the step, in nats. It may be infinite.

        Returns
        -------
        float
            The rate of the first group.

        Raises
        ------
        ValueError
            For a divergence that is NaN or negative.
        """
        self.last_kl = _checked(kl)
        self._scale(self._factor(self.last_kl, self.gain))
        return self.get_last_lr()[0]

    def _factor(self, kl: float, gain: float) -> float:
        """(target/D)^(gain/2), within 1/``max_change`` … ``max_change``."""
        if kl == 0 or kl == math.inf:
            return self.max_change if kl == 0 else 1 / self.max_change
        wanted: float = (self.target / kl) ** (gain / 2)
        return min(max(wanted, 1 / self.max_change), self.max_change)

    def _scale(self, factor: float) -> float:
        """Multiply the rates by the factor, less where a rate would pass a limit; return it."""
        rates = [rate for rate in self.get_last_lr() if rate > 0]
        if not rates:
            return 1.0
        factor = min(factor, max(self.max_lr / max(rates), 1.0))
        factor = max(factor, min(self.min_lr / min(rates), 1.0))
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].mul_(factor)
            else:
                group["lr"] *= factor
        return factor

    def get_last_lr(self) -> list[float]:
        """The rates of all groups."""
        return [float(group["lr"]) for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """The state of the schedule without the rates, which the optimiser's state holds."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned.

        Raises
        ------
        ValueError
            For a state with other names.
        """
        wrong = set(state) ^ set(self.state_dict())
        if wrong:
            raise ValueError(f"state lacks, or has beside what is known: {sorted(wrong)}")
        vars(self).update(state)


def _checked(kl: float | Tensor) -> float:
    """The divergence as a float of at least 0; raises ValueError for NaN and negative ones."""
    kl = float(kl)
    if math.isnan(kl) or kl < -ROUNDING:
        raise ValueError(
            f"the divergence came as {kl!r}, which none is; pass D(P‖P′) = Σ p·log(p/p′) of the "
            "predictions before and after a step (fastinfo.torch.categorical_kl), not Σ log of "
            "ratios"
        )
    return max(kl, 0.0)
