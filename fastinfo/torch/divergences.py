"""Kullback–Leibler divergences in closed form, as losses.

D(P‖Q) = E_P[log p/q], in nats. It is not symmetric: samples come from P, and Q is a model of P.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from fastinfo.torch import arguments

__all__ = [
    "categorical_kl",
    "distillation_loss",
    "gaussian_kl",
    "kl_to_uniform",
    "multivariate_gaussian_kl",
    "weight_prior_kl",
]


def categorical_kl(p_logits: Tensor, q_logits: Tensor, *, reduction: str = "mean") -> Tensor:
    """D(P‖Q) = Σ p·log(p/q) of categorical distributions, given by their logits.

    A class that is impossible under P adds 0. A class that is impossible under Q and not under P
    makes the divergence infinite. The sum is computed as Σ (q − p + p·log(p/q)), which is equal
    since p and q both sum to 1. No term of it is negative, so that rounding does not make the
    divergence of near distributions negative [1]_.

    Parameters
    ----------
    p_logits, q_logits : torch.Tensor of shape (…, K)
        Logits of P and Q; −inf for a class of probability 0.
    reduction : {"mean", "sum", "none"}
        What to make of the divergences of all distributions.

    Returns
    -------
    torch.Tensor
        Scalar, or of shape (…) for ``reduction="none"``.

    Raises
    ------
    TypeError, ValueError
        For other dtypes, shapes that differ, and an unknown reduction.

    References
    ----------
    .. [1] T. M. Cover and J. A. Thomas, *Elements of Information Theory*, 2nd ed., Wiley 2006,
       section 2.3; the form with q − p is that of the divergence as a Bregman divergence.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import categorical_kl
    >>> p, q = torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[0.75, 0.25]]).log()
    >>> [round(kl.item(), 6) for kl in (categorical_kl(p, q), categorical_kl(q, p))]
    [0.143841, 0.130812]
    """
    how = arguments.reduction(reduction)
    p_logits, q_logits = _broadcastable((p_logits, "p_logits"), (q_logits, "q_logits"))
    log_p, log_q = p_logits.log_softmax(-1), q_logits.log_softmax(-1)
    return arguments.reduce(_sum_of_divergence(log_p, log_q), how)


def _sum_of_divergence(log_p: Tensor, log_q: Tensor) -> Tensor:
    """Σ (q − p + p·log(p/q)) over the last axis, of normalised log-probabilities."""
    p, q = log_p.exp(), log_q.exp()
    impossible = p == 0
    # Masked before the difference: an infinite term has NaN as gradient although it is left out.
    log_ratio = log_p.masked_fill(impossible, 0.0) - log_q.masked_fill(impossible, 0.0)
    is_near = log_ratio.abs() < 1
    near = log_ratio.masked_fill(~is_near, 0.0)
    near_terms = p * (torch.expm1(-near) + near)
    far_terms = q - p + p * log_ratio.masked_fill(is_near, 0.0)
    return torch.where(is_near & ~impossible, near_terms, far_terms).sum(-1)


def gaussian_kl(
    p_mean: Tensor,
    p_log_variance: Tensor,
    q_mean: Tensor | float = 0.0,
    q_log_variance: Tensor | float = 0.0,
    *,
    reduction: str = "mean",
) -> Tensor:
    """D(P‖Q) of Gaussians with diagonal covariance, summed over the last axis.

    ½·Σ (log σ_q² − log σ_p² + (σ_p² + (μ_p − μ_q)²)/σ_q² − 1) [1]_. By default Q is the standard
    normal distribution, as in variational autoencoders and bottlenecks.

    Parameters
    ----------
    p_mean, p_log_variance : torch.Tensor of shape (…, d)
        Mean and logarithm of the variances of P.
    q_mean, q_log_variance : torch.Tensor of a shape that broadcasts, or float
        The same of Q.
    reduction : {"mean", "sum", "none"}
        What to make of the divergences of all distributions.

    Returns
    -------
    torch.Tensor
        Scalar, or of shape (…) for ``reduction="none"``.

    Raises
    ------
    TypeError, ValueError
        For other dtypes, shapes that differ, and an unknown reduction.

    References
    ----------
    .. [1] D. P. Kingma and M. Welling, "Auto-encoding variational Bayes", ICLR 2014, appendix B.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import gaussian_kl
    >>> gaussian_kl(torch.tensor([[1.0, 2.0]]), torch.zeros(1, 2)).item()
    2.5
    """
    how = arguments.reduction(reduction)
    p_mean, p_log_variance = _broadcastable((p_mean, "p_mean"), (p_log_variance, "p_log_variance"))
    apart = p_log_variance - q_log_variance
    squared = (p_mean - q_mean).square()
    scaled = squared * torch.exp(-torch.as_tensor(q_log_variance, dtype=p_mean.dtype))
    # The terms are e^a − 1 − a, a = log σ_p²/σ_q²: nothing cancels where a is small.
    return arguments.reduce((torch.expm1(apart) - apart + scaled).sum(-1) / 2, how)


def multivariate_gaussian_kl(
    p_mean: Tensor,
    p_covariance: Tensor,
    q_mean: Tensor,
    q_covariance: Tensor,
    *,
    reduction: str = "mean",
) -> Tensor:
    """D(P‖Q) of Gaussians with full covariance.

    ½·(tr(Σ_q⁻¹·Σ_p) + (μ_q − μ_p)ᵀ·Σ_q⁻¹·(μ_q − μ_p) − d + log det Σ_q − log det Σ_p) [1]_,
    computed by Cholesky factors.

    Parameters
    ----------
    p_mean, q_mean : torch.Tensor of shape (…, d)
        Means of P and Q.
    p_covariance, q_covariance : torch.Tensor of shape (…, d, d)
        Covariances of P and Q, symmetric and positive definite.
    reduction : {"mean", "sum", "none"}
        What to make of the divergences of all distributions.

    Returns
    -------
    torch.Tensor
        Scalar, or of shape (…) for ``reduction="none"``.

    Raises
    ------
    TypeError, ValueError
        For other dtypes and shapes, and a covariance that is not positive definite.

    References
    ----------
    .. [1] S. Kullback, *Information Theory and Statistics*, Wiley 1959, chapter 9.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import multivariate_gaussian_kl
    >>> zero, one = torch.zeros(2), torch.eye(2)
    >>> round(multivariate_gaussian_kl(zero, 2 * one, zero, one).item(), 6)
    0.306853
    """
    how = arguments.reduction(reduction)
    p_mean, q_mean = _broadcastable((p_mean, "p_mean"), (q_mean, "q_mean"))
    p_factor = _cholesky(p_covariance, "p_covariance", p_mean.shape[-1])
    q_factor = _cholesky(q_covariance, "q_covariance", p_mean.shape[-1])
    apart = (q_mean - p_mean).unsqueeze(-1)
    ratio = torch.linalg.solve_triangular(q_factor, p_factor, upper=False)
    whitened = torch.linalg.solve_triangular(q_factor, apart, upper=False)
    log_ratio = ratio.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    trace, distance = ratio.square().sum((-2, -1)), whitened.square().sum((-2, -1))
    return arguments.reduce((trace + distance - p_mean.shape[-1]) / 2 - log_ratio, how)


def _cholesky(covariance: Tensor, name: str, dimension: int) -> Tensor:
    covariance = arguments.wide(arguments.floating(covariance, name))
    if covariance.ndim < 2 or covariance.shape[-2:] != (dimension, dimension):
        raise ValueError(
            f"{name} has shape {tuple(covariance.shape)}; accepted is (…, {dimension}, "
            f"{dimension}), for the means have {dimension} dimensions"
        )
    factor: Tensor
    factor, failed = torch.linalg.cholesky_ex(covariance)
    if bool(failed.any()) or not torch.allclose(covariance, covariance.mT):
        raise ValueError(
            f"{name} is not symmetric and positive definite; add a small multiple of the identity, "
            "or pass a covariance"
        )
    return factor


def kl_to_uniform(logits: Tensor, *, reduction: str = "mean") -> Tensor:
    """D(P‖U) = log K − H(P), the divergence of predictions from uniform ones.

    It is a confidence penalty: added to a loss with a small factor, it keeps predictions from
    growing certain [1]_.

    Parameters
    ----------
    logits : torch.Tensor of shape (…, K)
        Logits of P; −inf for a class of probability 0.
    reduction : {"mean", "sum", "none"}
        What to make of the divergences of all distributions.

    Returns
    -------
    torch.Tensor
        Scalar, or of shape (…) for ``reduction="none"``; between 0 and log K.

    Raises
    ------
    TypeError, ValueError
        For another dtype, no axis of classes, and an unknown reduction.

    References
    ----------
    .. [1] G. Pereyra et al., "Regularizing neural networks by penalizing confident output
       distributions", ICLR workshop 2017.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import kl_to_uniform
    >>> kl_to_uniform(torch.zeros(5, 4)).item()
    0.0
    """
    how = arguments.reduction(reduction)
    (logits,) = _broadcastable((logits, "logits"))
    log_p = logits.log_softmax(-1)
    log_q = torch.full_like(log_p, -math.log(logits.shape[-1]))
    return arguments.reduce(_sum_of_divergence(log_p, log_q), how)


def distillation_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    *,
    temperature: float = 1.0,
    reduction: str = "mean",
) -> Tensor:
    """T²·D(teacher‖student) of the predictions softened by a temperature T.

    Both predictions are softmax(logits/T). The gradient of the divergence shrinks like 1/T². The
    factor T² makes up for it, so that the weight beside another loss means the same at every
    temperature [1]_. For T → ∞ the loss becomes half the variance, over the classes, of the
    differences of the logits. No gradient goes to the teacher.

    Parameters
    ----------
    student_logits, teacher_logits : torch.Tensor of shape (…, K)
        Logits of student and teacher.
    temperature : float
        T, above 0. Larger ones tell the student more about the classes that are not the answer.
    reduction : {"mean", "sum", "none"}
        What to make of the losses of all samples.

    Returns
    -------
    torch.Tensor
        Scalar, or of shape (…) for ``reduction="none"``.

    Raises
    ------
    TypeError, ValueError
        For other dtypes, shapes that differ, a temperature of 0 or below, and an unknown reduction.

    References
    ----------
    .. [1] G. Hinton, O. Vinyals and J. Dean, "Distilling the knowledge in a neural network",
       arXiv:1503.02531, 2015.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import distillation_loss
    >>> student, teacher = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    >>> round(distillation_loss(student, teacher, temperature=100).item(), 3)
    0.5
    """
    temperature = arguments.number(temperature, "temperature", above=0)
    named = (teacher_logits, "teacher_logits"), (student_logits, "student_logits")
    teacher, student = (logits / temperature for logits in _broadcastable(*named))
    return temperature**2 * categorical_kl(teacher.detach(), student, reduction=reduction)


def weight_prior_kl(
    parameters: nn.Module | Mapping[str, Tensor],
    prior: Mapping[str, Tensor] | None = None,
    *,
    prior_std: float = 1.0,
    std: float | None = None,
) -> Tensor:
    """D(N(w, s²)‖N(w₀, σ²)) of a network's weights from a prior, summed over all weights.

    Σ ½·((w − w₀)² + s²)/σ² − ½ + log σ/s is the cost, in nats, of sending the weights with a
    precision of s to somebody who knows the prior [1]_. With w₀ = 0 its gradient is weight decay.
    With the weights of a trained network as w₀, it keeps transfer learning close to them [2]_.

    Parameters
    ----------
    parameters : torch.nn.Module, or mapping of names to tensors
        The weights w: those parameters of a module that require a gradient, or tensors by name, as
        ``module.named_parameters()`` gives them.
    prior : mapping of names to tensors, optional
        w₀ by the same names, as in ``state_dict()``; 0 by default. No gradient goes to it.
    prior_std : float
        σ, above 0.
    std : float, optional
        s, above 0; σ by default. The part of the divergence that does not depend on w is then 0.

    Returns
    -------
    torch.Tensor
        Scalar, in nats. Beside a loss that is averaged over the training samples, divide it by
        their number.

    Raises
    ------
    TypeError, ValueError
        For standard deviations that are not positive, for no weights, and for a prior that lacks a
        weight or has another shape.

    References
    ----------
    .. [1] G. E. Hinton and D. van Camp, "Keeping the neural networks simple by minimizing the
       description length of the weights", COLT 1993.
    .. [2] X. Li, Y. Grandvalet and F. Davoine, "Explicit inductive bias for transfer learning with
       convolutional networks", ICML 2018.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import weight_prior_kl
    >>> weight_prior_kl({"w": torch.tensor([1.0, 2.0])}).item()
    2.5
    """
    prior_std = arguments.number(prior_std, "prior_std", above=0)
    std = prior_std if std is None else arguments.number(std, "std", above=0)
    weights = (
        {name: w for name, w in parameters.named_parameters() if w.requires_grad}
        if isinstance(parameters, nn.Module)
        else dict(parameters)
    )
    if not weights:
        raise ValueError("parameters has no weights that want a gradient; unfreeze some")
    _require_prior(weights, prior)
    apart = (
        arguments.wide(weight if prior is None else weight - prior[name].detach())
        for name, weight in weights.items()
    )
    n_weights = sum(weight.numel() for weight in weights.values())
    constant = n_weights * ((std / prior_std) ** 2 / 2 - 0.5 + math.log(prior_std / std))
    squares = [difference.square().sum() for difference in apart]
    return torch.stack(squares).sum() / (2 * prior_std**2) + constant


def _require_prior(weights: Mapping[str, Tensor], prior: Mapping[str, Tensor] | None) -> None:
    for name, weight in weights.items() if prior is not None else ():
        assert prior is not None
        if name not in prior or prior[name].shape != weight.shape:
            came = f"has shape {tuple(prior[name].shape)}" if name in prior else "is not there"
            raise ValueError(
                f"prior[{name!r}] {came}; accepted is shape {tuple(weight.shape)}: pass "
                "the weights that have a prior alone, a dictionary of some named_parameters()"
            )


def _broadcastable(*named: tuple[Tensor, str]) -> tuple[Tensor, ...]:
    """The tensors in float32 or float64, checked: one last axis, and shapes that broadcast."""
    found = tuple(arguments.wide(arguments.floating(value, name)) for value, name in named)
    arguments.same_device(*((value, name) for (_, name), value in zip(named, found, strict=True)))
    first, first_name = found[0], named[0][1]
    if first.ndim == 0 or first.shape[-1] == 0:
        raise ValueError(
            f"{first_name} has shape {tuple(first.shape)}; accepted is (…, K): a last axis, along "
            "which the distribution runs"
        )
    for other, (_, name) in zip(found[1:], named[1:], strict=True):
        try:
            np.broadcast_shapes(first.shape, other.shape)
            fits = first.shape[-1:] == other.shape[-1:]
        except ValueError:
            fits = False
        if not fits:
            raise ValueError(
                f"{first_name} has shape {tuple(first.shape)} and {name} {tuple(other.shape)}; "
                "accepted are shapes that broadcast, with the same last axis"
            )
    return found
