"""The information bottleneck: a code Z of X that keeps what tells about Y and little else.

The objective is to maximise I(Z;Y) − β·I(X;Z) [1]_. Neither term can be computed for a network. In
the variational form [2]_ a Gaussian encoder and any decoder bound both:

    distortion = E[−log q(y|z)] ≥ H(Y) − I(Z;Y)          rate = E[D(p(z|x)‖N(0, 1))] ≥ I(X;Z)

Minimising distortion + β·rate therefore maximises a lower bound of the objective.

.. [1] N. Tishby, F. C. Pereira and W. Bialek, "The information bottleneck method", Allerton 1999.
.. [2] A. A. Alemi et al., "Deep variational information bottleneck", ICLR 2017.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from fastinfo.torch import arguments
from fastinfo.torch.divergences import gaussian_kl

__all__ = [
    "BottleneckTerms",
    "InformationBottleneckLoss",
    "bottleneck_beta",
    "gaussian_bottleneck",
    "sample_gaussian",
]


class BottleneckTerms(NamedTuple):
    """The loss of a variational bottleneck and its two terms: scalars, in nats a sample."""

    loss: Tensor
    """distortion + β·rate."""
    distortion: Tensor
    """E[−log q(y|z)]; H(Y) minus it is a lower bound of I(Z;Y)."""
    rate: Tensor
    """E[D(p(z|x)‖N(0, 1))], an upper bound of I(X;Z)."""


def sample_gaussian(
    mean: Tensor, log_variance: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """A sample of N(mean, exp(log_variance)); gradients reach both parameters through it [1]_.

    Parameters
    ----------
    mean, log_variance : torch.Tensor of one shape
        Mean and logarithm of the variance of each coordinate, floating-point.
    generator : torch.Generator, optional
        The generator of the noise; PyTorch's default generator where it is left out.

    Returns
    -------
    torch.Tensor
        mean + exp(log_variance/2)·noise, of the shape of ``mean``.

    Raises
    ------
    TypeError
        For a dtype that is not floating-point.
    ValueError
        For shapes that differ.

    References
    ----------
    .. [1] D. P. Kingma and M. Welling, "Auto-encoding variational Bayes", ICLR 2014.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import sample_gaussian
    >>> sample_gaussian(torch.ones(2, 3), torch.full((2, 3), -200.0))[0].tolist()
    [1.0, 1.0, 1.0]
    """
    arguments.floating(mean, "mean")
    arguments.floating(log_variance, "log_variance")
    if mean.shape != log_variance.shape:
        raise ValueError(
            f"mean has shape {tuple(mean.shape)} and log_variance {tuple(log_variance.shape)}; "
            "accepted is one shape"
        )
    noise = torch.randn(mean.shape, generator=generator, dtype=mean.dtype, device=mean.device)
    return mean + (log_variance / 2).exp() * noise


class InformationBottleneckLoss(nn.Module):
    """distortion + β·rate, the loss of a variational information bottleneck.

    Parameters
    ----------
    beta : float
        The price of one nat about X, in nats about Y; in [0, 1). At 0 nothing is compressed. From 1
        on a constant code is the best one, since I(Z;Y) ≤ I(X;Z) for every code of X.
    distortion : callable
        ``distortion(prediction, target)`` returns −log q(target|z), averaged over the samples. The
        default is the cross-entropy of logits.

    Raises
    ------
    TypeError, ValueError
        For another β; the message says what that β would do.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import InformationBottleneckLoss
    >>> loss = InformationBottleneckLoss(beta=0.1)
    >>> mean, log_variance = torch.ones(5, 2), torch.zeros(5, 2)
    >>> terms = loss(torch.zeros(5, 10), torch.arange(5), mean, log_variance)
    >>> [round(term.item(), 6) for term in terms]
    [2.402585, 2.302585, 1.0]
    """

    def __init__(
        self,
        beta: float,
        distortion: Callable[[Tensor, Tensor], Tensor] = functional.cross_entropy,
    ) -> None:
        super().__init__()
        if arguments.number(beta, "beta") < 0:
            raise ValueError(
                f"beta={beta!r} pays for information about X that says nothing of Y, the opposite "
                "of compression; accepted is 0 ≤ beta < 1"
            )
        if beta >= 1:
            raise ValueError(
                f"beta={beta!r}: no code of X tells more about Y than about X, I(Z;Y) ≤ I(X;Z), so "
                "that a code that is constant would be the best; accepted is 0 ≤ beta < 1"
            )
        self.beta = float(beta)
        self.distortion = distortion

    @classmethod
    def from_weights(
        cls,
        lambda1: float,
        lambda2: float,
        distortion: Callable[[Tensor, Tensor], Tensor] = functional.cross_entropy,
    ) -> InformationBottleneckLoss:
        """The loss for I(X;Y) − λ₁·H(X|Z) − λ₂·H(Z|Y), by its weights; see `bottleneck_beta`."""
        return cls(bottleneck_beta(lambda1, lambda2), distortion)

    def forward(
        self, prediction: Tensor, target: Tensor, mean: Tensor, log_variance: Tensor
    ) -> BottleneckTerms:
        """The loss and its terms; ``prediction`` is decoded from a sample of the code.

        ``mean`` and ``log_variance``, of shape (…, d), are those of the code of each sample.
        """
        distortion = self.distortion(prediction, target)
        rate = gaussian_kl(mean, log_variance)
        return BottleneckTerms(distortion + self.beta * rate, distortion, rate)

    def extra_repr(self) -> str:
        """The settings, for `repr`."""
        return f"beta={self.beta}"


def bottleneck_beta(lambda1: float, lambda2: float) -> float:
    """The β of the bottleneck to which I(X;Y) − λ₁·H(X|Z) − λ₂·H(Z|Y) reduces: 1 − λ₁/λ₂.

    Parameters
    ----------
    lambda1, lambda2 : float
        The weights, 0 < λ₁ < λ₂.

    Returns
    -------
    float
        β, between 0 and 1.

    Raises
    ------
    TypeError
        For weights that are no numbers.
    ValueError
        For weights under which the objective does not compress, or compresses everything away;
        the message says which.

    Notes
    -----
    Y – X – Z is a Markov chain, because the code is made from X alone. So H(X|Z) = H(X) − I(X;Z)
    and H(Z|Y) = I(X;Z) − I(Z;Y) + H(Z|X), and the objective is

        I(X;Y) − λ₁·H(X) + λ₂·[I(Z;Y) − (1 − λ₁/λ₂)·I(X;Z)] − λ₂·H(Z|X).

    I(X;Y) and H(X) belong to the data: no network changes them. H(Z|X) is 0 for a deterministic
    code of a discrete X, and it is constant where the noise of the encoder is constant. **Where the
    noise of a continuous code is learned**, H(Z|X) is a differential entropy without a lower limit,
    and so is H(Z|Y). Scaling Z down then raises the objective without end and changes no
    information. The bottleneck with the β that is returned has no such leak.

    Examples
    --------
    >>> from fastinfo.torch import bottleneck_beta
    >>> bottleneck_beta(0.75, 1.0)
    0.25
    """
    lambda1, lambda2 = arguments.number(lambda1, "lambda1"), arguments.number(lambda2, "lambda2")
    given = f"lambda1={lambda1!r}, lambda2={lambda2!r}"
    if lambda2 <= 0:
        raise ValueError(
            f"{given}: −λ₂·H(Z|Y) with λ₂ ≤ 0 pays nothing for what Z tells about Y; accepted is "
            "0 < lambda1 < lambda2"
        )
    if lambda1 >= lambda2:
        raise ValueError(
            f"{given} does not compress: −λ₁·H(X|Z) = λ₁·I(X;Z) − λ₁·H(X) pays for keeping X, and "
            f"−λ₂·H(Z|Y) charges no more than λ₂·I(X;Z), so that I(X;Z) weighs λ₁ − λ₂ = "
            f"{lambda1 - lambda2:g} ≥ 0; accepted is 0 < lambda1 < lambda2"
        )
    if lambda1 <= 0:
        raise ValueError(
            f"{given} compresses everything away: with λ₁ ≤ 0 what is left is −λ₂·H(Z|Y), which a "
            "constant Z makes largest; accepted is 0 < lambda1 < lambda2"
        )
    return 1 - lambda1 / lambda2


def gaussian_bottleneck(correlation: float, beta: float) -> tuple[float, float]:
    """I(X;Z) and I(Z;Y) of the best code where X and Y are scalar and jointly Gaussian.

    The best Z is X with noise. With r² the squared correlation and R = I(X;Z), I(Z;Y) =
    −½·log(1 − r² + r²·e^(−2R)) [1]_. The best R is where the slope of that is β, at e^(−2R) =
    β·(1 − r²)/(r²·(1 − β)). For β ≥ r² the best code keeps nothing.

    Parameters
    ----------
    correlation : float
        The correlation of X and Y, in (−1, 1).
    beta : float
        The price of I(X;Z), in (0, 1).

    Returns
    -------
    (float, float)
        I(X;Z) and I(Z;Y) in nats.

    Raises
    ------
    TypeError, ValueError
        For numbers outside of these ranges.

    References
    ----------
    .. [1] G. Chechik et al., "Information bottleneck for Gaussian variables", JMLR 6, 2005.

    Examples
    --------
    >>> from fastinfo.torch import gaussian_bottleneck
    >>> [round(information, 4) for information in gaussian_bottleneck(0.9, 0.5)]
    [0.725, 0.4838]
    """
    shared = arguments.number(correlation, "correlation", -1, 1) ** 2
    beta = arguments.number(beta, "beta", 0, 1)
    if beta >= shared:
        return 0.0, 0.0
    lost = beta * (1 - shared) / (shared * (1 - beta))
    unexplained = 1 - shared + shared * lost
    return -math.log(lost) / 2, -math.log(unexplained) / 2
