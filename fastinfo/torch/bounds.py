"""Bounds on mutual information, from the scores that a critic gives to pairs of samples.

A batch of N pairs has ``scores[i, j] = f(x[i], y[j])``. The diagonal holds samples of the joint
distribution p(x, y), and the other cells hold samples of the product p(x)·p(y). Every bound is
computed from averages over the two. Each docstring names the best critic, with which its bound is
as tight as it can be. To train a critic, maximise a lower bound over its parameters::

    loss = -infonce(critic(x, y))

All bounds take scores ``(…, N, N)``, return ``(…)`` in nats, and are differentiable.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from fastinfo.inputs.arguments import one_of, positive_integer
from fastinfo.torch import arguments

__all__ = [
    "LOWER_BOUNDS",
    "MINE",
    "SaturatedBoundWarning",
    "club",
    "donsker_varadhan",
    "infonce",
    "infonce_limit",
    "jensen_shannon",
    "leave_one_out",
    "nwj",
]

SATURATED = 0.9
"""The share of log N above which InfoNCE counts as being at its limit."""


class SaturatedBoundWarning(UserWarning):
    """InfoNCE is close to log N, its limit: the information may be any larger number."""


def donsker_varadhan(scores: Tensor) -> Tensor:
    """Lower bound of Donsker and Varadhan, E_p[f] − log E_q[exp f].

    p is the joint distribution, q the product of the marginals [1]_. The bound is tight for
    f = log p/q + any constant. The logarithm of a batch's mean is biased, and so is its gradient.
    `MINE` corrects the gradient [2]_.

    Parameters
    ----------
    scores : torch.Tensor of shape (…, N, N)
        Scores of all pairs; the pairs that belong together are on the diagonal.

    Returns
    -------
    torch.Tensor of shape (…)
        The bound in nats.

    Raises
    ------
    TypeError, ValueError
        For scores of another dtype or shape.

    References
    ----------
    .. [1] M. D. Donsker and S. R. S. Varadhan, "Asymptotic evaluation of certain Markov process
       expectations for large time, IV", Comm. Pure Appl. Math. 36, 1983.
    .. [2] M. I. Belghazi et al., "Mutual information neural estimation", ICML 2018.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import donsker_varadhan
    >>> round(donsker_varadhan(torch.eye(3)).item(), 6)
    1.0
    """
    scores = arguments.scores(scores)
    return _joint_scores(scores).mean(-1) - _log_mean_exp_over_product(scores)


def nwj(scores: Tensor) -> Tensor:
    """Lower bound of Nguyen, Wainwright and Jordan, E_p[f] − E_q[exp(f − 1)].

    Its average over batches is a lower bound too, unlike that of `donsker_varadhan`. Its variance
    grows like exp(I) [1]_. The bound is tight for f = 1 + log p/q, so a critic trained by
    `jensen_shannon` gives an estimate as ``nwj(1 + scores)`` [2]_.

    Parameters
    ----------
    scores : torch.Tensor of shape (…, N, N)
        Scores of all pairs; the pairs that belong together are on the diagonal.

    Returns
    -------
    torch.Tensor of shape (…)
        The bound in nats.

    Raises
    ------
    TypeError, ValueError
        For scores of another dtype or shape.

    References
    ----------
    .. [1] X. Nguyen, M. J. Wainwright and M. I. Jordan, "Estimating divergence functionals and the
       likelihood ratio by convex risk minimization", IEEE Trans. Inf. Theory 56, 2010.
    .. [2] B. Poole et al., "On variational bounds of mutual information", ICML 2019.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import nwj
    >>> nwj(torch.ones(3, 3)).item()  # the best critic of independent variables
    0.0
    """
    scores = arguments.scores(scores)
    return _joint_scores(scores).mean(-1) - (_log_mean_exp_over_product(scores) - 1).exp()


def jensen_shannon(scores: Tensor) -> Tensor:
    """Lower bound on the Jensen–Shannon divergence of joint distribution and product.

    D_JS(p‖q) ≥ log 2 − (E_p[softplus(−f)] + E_q[softplus(f)])/2, tight for f = log p/q [1]_. Up to
    the factor ½ and log 2 it is the objective of Deep InfoMax [2]_. It rises with dependence and
    its gradients stay small, but **it is no mutual information**: it never passes log 2.

    To estimate information with the critic that it trains, take ``nwj(1 + scores)``. This loss
    charges a critic little for scores that are far too high, and one such pair may outweigh all
    others. ``nwj(1 + scores.clamp(max=10))`` then helps: `nwj` is a lower bound for any critic, so
    for the clamped one too.

    Parameters
    ----------
    scores : torch.Tensor of shape (…, N, N)
        Scores of all pairs; the pairs that belong together are on the diagonal.

    Returns
    -------
    torch.Tensor of shape (…)
        The bound in nats, at most log 2.

    Raises
    ------
    TypeError, ValueError
        For scores of another dtype or shape.

    References
    ----------
    .. [1] S. Nowozin, B. Cseke and R. Tomioka, "f-GAN: training generative neural samplers using
       variational divergence minimization", NeurIPS 2016.
    .. [2] R. D. Hjelm et al., "Learning deep representations by mutual information estimation and
       maximization", ICLR 2019.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import jensen_shannon
    >>> jensen_shannon(torch.zeros(3, 3)).item()  # a critic that tells nothing apart
    0.0
    """
    scores = arguments.scores(scores)
    joint = functional.softplus(-_joint_scores(scores)).mean(-1)
    return math.log(2) - (joint + _mean_over_product(functional.softplus(scores))) / 2


def infonce(scores: Tensor, *, on_saturation: str = "warn") -> Tensor:
    """Lower bound InfoNCE: how well each x finds its own y among the N of the batch.

    The bound is the average of f(x_i, y_i) − log (1/N)·Σ_j exp f(x_i, y_j) [1]_. It is tight up to
    O(1/N) for f = log p/q + any function of x alone. **It never passes log N** (`infonce_limit`),
    however much information there is. A value near log N says "at least this" and nothing more.

    Parameters
    ----------
    scores : torch.Tensor of shape (…, N, N)
        Scores of all pairs; the pairs that belong together are on the diagonal.
    on_saturation : {"warn", "raise", "ignore"}
        What to do where the bound passes 0.9·log N: give a `SaturatedBoundWarning`, raise it, or do
        nothing. The check waits for the result of a GPU; "ignore" leaves the check out.

    Returns
    -------
    torch.Tensor of shape (…)
        The bound in nats, at most log N.

    Raises
    ------
    TypeError, ValueError
        For scores of another dtype or shape, and another ``on_saturation``.

    References
    ----------
    .. [1] A. van den Oord, Y. Li and O. Vinyals, "Representation learning with contrastive
       predictive coding", arXiv:1807.03748, 2018.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import infonce
    >>> round(infonce(torch.eye(3)).item(), 4)
    0.5472
    """
    scores = arguments.scores(scores)
    one_of(on_saturation, "on_saturation", ("warn", "raise", "ignore"))
    limit = infonce_limit(scores.shape[-1])
    bound = (_joint_scores(scores) - scores.logsumexp(-1)).mean(-1) + limit
    if on_saturation != "ignore":
        largest = bound.detach().max().item() if bound.numel() else -math.inf
        if largest > SATURATED * limit:
            flag = SaturatedBoundWarning(
                f"InfoNCE is {largest:.3f} nats and cannot pass log N = {limit:.3f} with N = "
                f"{scores.shape[-1]}: the information may be anything above; take larger batches"
            )
            if on_saturation == "raise":
                raise flag
            warnings.warn(flag, stacklevel=2)
    return bound


def infonce_limit(n_samples: int) -> float:
    """The largest value of `infonce` for batches of N samples: log N.

    Parameters
    ----------
    n_samples : int
        N, the number of samples of a batch.

    Returns
    -------
    float
        log N, in nats.

    Raises
    ------
    TypeError, ValueError
        For anything but an integer of at least 1.

    Examples
    --------
    >>> from fastinfo.torch import infonce_limit
    >>> round(infonce_limit(128), 6)
    4.85203
    """
    return math.log(positive_integer(n_samples, "n_samples"))


def club(log_likelihoods: Tensor) -> Tensor:
    """Upper bound CLUB, E_p[log p(y|x)] − E_q[log p(y|x)], from a model of y given x.

    It is an upper bound where the model is the true p(y|x) [1]_; otherwise it is only as good as
    the model. Train the model by its likelihood (`GaussianConditional`), not by this bound.

    **It is not tight**: with the true model it is I(X;Y) plus D(p(x)p(y)‖p(x,y)). For correlated
    Gaussians it is ρ²/(1−ρ²) a dimension, where the information is −½·log(1−ρ²): twice as much for
    small ρ, and without limit towards 1. Minimise it to remove information; use `leave_one_out` to
    estimate how much there is.

    Parameters
    ----------
    log_likelihoods : torch.Tensor of shape (…, N, N)
        log p(y[j]|x[i]) at [i, j].

    Returns
    -------
    torch.Tensor of shape (…)
        The bound in nats. E_q is the average over the pairs off the diagonal, which is unbiased.

    Raises
    ------
    TypeError, ValueError
        For scores of another dtype or shape.

    References
    ----------
    .. [1] P. Cheng et al., "CLUB: a contrastive log-ratio upper bound of mutual information", ICML
       2020.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import club
    >>> club(torch.eye(3)).item()
    1.0
    """
    scores = arguments.scores(log_likelihoods)
    return _joint_scores(scores).mean(-1) - _mean_over_product(scores)


def leave_one_out(log_likelihoods: Tensor) -> Tensor:
    """Upper bound from a model of y given x, whose marginal is estimated from the other samples.

    The bound is the average of log p(y_i|x_i) − log (1/(N−1))·Σ_{j≠i} p(y_i|x_j) [1]_. Its
    expectation is an upper bound where the model is the true p(y|x), and is tight up to O(1/N).

    Parameters
    ----------
    log_likelihoods : torch.Tensor of shape (…, N, N)
        log p(y[j]|x[i]) at [i, j].

    Returns
    -------
    torch.Tensor of shape (…)
        The bound in nats.

    Raises
    ------
    TypeError, ValueError
        For scores of another dtype or shape.

    References
    ----------
    .. [1] B. Poole et al., "On variational bounds of mutual information", ICML 2019.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import leave_one_out
    >>> leave_one_out(torch.eye(3)).item()
    1.0
    """
    scores = arguments.scores(log_likelihoods)
    others = _without_joint(scores, -math.inf).logsumexp(-2) - math.log(scores.shape[-1] - 1)
    return (_joint_scores(scores) - others).mean(-1)


class MINE(nn.Module):
    """Mutual information neural estimation: `donsker_varadhan` with the corrected gradient.

    The gradient of log E_q[exp f] is E_q[∇f·exp f]/E_q[exp f]. With the mean of the same batch as
    the denominator, the gradient is biased. MINE takes a moving average over the batches as the
    denominator [1]_. The value is the bound of the current batch, so that the gradient is, on
    purpose, not the derivative of the value.

    Parameters
    ----------
    decay : float
        The share of itself that the moving average keeps with each batch, in [0, 1). At 0 the bound
        is `donsker_varadhan`.

    References
    ----------
    .. [1] M. I. Belghazi et al., "Mutual information neural estimation", ICML 2018, section 3.2.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import MINE
    >>> bound = MINE(decay=0.9)
    >>> round(bound(torch.eye(3)).item(), 6)
    1.0
    """

    log_average: Tensor
    """Logarithm of the moving average of E_q[exp f], float64; NaN before the first batch."""

    def __init__(self, decay: float = 0.99) -> None:
        super().__init__()
        self.decay = arguments.number(decay, "decay", 0, 1, closed="above")
        self.register_buffer("log_average", torch.tensor(math.nan, dtype=torch.float64))

    def forward(self, scores: Tensor) -> Tensor:
        """The bound of scores ``(N, N)``, in nats; evaluation mode keeps the moving average."""
        scores = arguments.scores(scores)
        if scores.ndim != 2:
            raise ValueError(
                f"scores has shape {tuple(scores.shape)}; accepted is (N, N), for the moving "
                "average is of one matrix a batch"
            )
        joint, product = _joint_scores(scores).mean(), _log_mean_exp_over_product(scores)
        if not self.training:
            return joint - product
        batch = product.detach().double()
        if self.log_average.isnan():
            self.log_average.copy_(batch)
        elif self.decay > 0:
            keep = self.log_average + math.log(self.decay)
            self.log_average.copy_(torch.logaddexp(keep, batch + math.log1p(-self.decay)))
        else:
            self.log_average.copy_(batch)
        corrected = (product - self.log_average.to(product.dtype)).exp()
        return joint - (corrected + (product - corrected).detach())

    def extra_repr(self) -> str:
        """The settings, for `repr`."""
        return f"decay={self.decay}"


LOWER_BOUNDS: dict[str, Callable[..., Any]] = {
    "donsker_varadhan": donsker_varadhan,
    "infonce": infonce,
    "jensen_shannon": jensen_shannon,
    "nwj": nwj,
}
"""The bounds that a critic and an encoder can maximise together, by name."""


def _joint_scores(scores: Tensor) -> Tensor:
    return scores.diagonal(dim1=-2, dim2=-1)


def _without_joint(scores: Tensor, filler: float) -> Tensor:
    diagonal = torch.eye(scores.shape[-1], dtype=torch.bool, device=scores.device)
    return scores.masked_fill(diagonal, filler)


def _mean_over_product(values: Tensor) -> Tensor:
    n = values.shape[-1]
    return _without_joint(values, 0.0).sum((-2, -1)) / (n * (n - 1))


def _log_mean_exp_over_product(scores: Tensor) -> Tensor:
    n = scores.shape[-1]
    return _without_joint(scores, -math.inf).logsumexp((-2, -1)) - math.log(n * (n - 1))
