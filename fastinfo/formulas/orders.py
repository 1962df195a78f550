"""Entropies and divergences that have an order: Rényi's and Tsallis'.

All of them are made of M(a) = Σ p·exp(a·L) for a = order − 1: with L = log p for entropies, and
with L = log(p/q) for divergences. Rényi's are log M/a, and Tsallis' (M − 1)/a; an entropy is minus
that. At order 1 both are Shannon's, as the limit. Near it M is close to 1, so that M − 1 is summed
up by `expm1`, and no digit is lost however near the order is.

Sources: A. Rényi, "On measures of entropy and information", Berkeley Symposium 1961; C. Tsallis,
"Possible generalization of Boltzmann–Gibbs statistics", Journal of Statistical Physics 52, 1988;
T. van Erven and P. Harremoës, "Rényi divergence and Kullback–Leibler divergence", IEEE Transactions
on Information Theory 60, 2014, which has the limits at 0, 1 and infinity.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastinfo.backends.contract import Array, Kernels
from fastinfo.formulas import Value, formula, kl_divergence


@formula()
def renyi_entropy(p: Array, *, kernels: Kernels, order: float) -> Value:
    """H_α(P) = log(Σ p^α)/(1 − α); log of the support at 0, Shannon's at 1, −log max p at ∞."""
    xp = kernels.xp
    if order == 0:
        return xp.log((p > 0).sum(axis=-1))
    if order == 1:
        return -kernels.sum_xlogx(p)
    if order == math.inf:
        return -xp.log(p.max(axis=-1))
    return -_log_of_mean(p, _log(p, xp), order - 1, xp)


@formula()
def tsallis_entropy(p: Array, *, kernels: Kernels, order: float) -> Value:
    """S_q(P) = (1 − Σ p^q)/(q − 1); support − 1 at 0, Shannon's at 1, 0 at ∞."""
    xp = kernels.xp
    if order == 0:
        return (p > 0).sum(axis=-1) - 1.0
    if order == 1:
        return -kernels.sum_xlogx(p)
    if order == math.inf:
        return 0.0 * p.sum(axis=-1)
    return -_mean_less_one(p, _log(p, xp), order - 1, xp) / (order - 1)


@formula()
def renyi_divergence(p: Array, q: Array, *, kernels: Kernels, order: float) -> Value:
    """D_α(P‖Q) = log(Σ p^α·q^(1−α))/(α − 1); −log Q(p > 0) at 0, D(P‖Q) at 1, log max p/q at ∞.

    It is inf where P and Q have no cell in common, and for α ≥ 1 where q = 0 < p.
    """
    xp = kernels.xp
    if order == 1:
        return kl_divergence(p, q, kernels=kernels)
    if order == 0:
        beside = (q * (p == 0)).sum(axis=-1)
        within = (q * (p > 0)).sum(axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return xp.where(beside < 0.5, -xp.log1p(-beside), -xp.log(within))
    log_ratio = _log_ratio(p, q, xp)
    if order == math.inf:
        return xp.where(p > 0, log_ratio, -math.inf).max(axis=-1)
    value = _log_of_mean(p, log_ratio, order - 1, xp)
    return xp.where(_is_infinite(p, q, order), math.inf, value)


@formula()
def tsallis_divergence(p: Array, q: Array, *, kernels: Kernels, order: float) -> Value:
    """D_q(P‖R) = (Σ p^q·r^(1−q) − 1)/(q − 1); 1 − R(p > 0) at 0, D(P‖R) at 1.

    At ∞ it is 0 for equal distributions and inf for all others.
    """
    xp = kernels.xp
    if order == 1:
        return kl_divergence(p, q, kernels=kernels)
    if order == 0:
        return (q * (p == 0)).sum(axis=-1)
    if order == math.inf:
        return xp.where((p > q).any(axis=-1), math.inf, 0.0)
    value = _mean_less_one(p, _log_ratio(p, q, xp), order - 1, xp) / (order - 1)
    outside = ((p > 0) & (q == 0)).any(axis=-1)
    return xp.where(outside & (order > 1), math.inf, value)


def _is_infinite(p: Array, q: Array, order: float) -> Array:
    if order > 1:
        return ((p > 0) & (q == 0)).any(axis=-1)
    return ~((p > 0) & (q > 0)).any(axis=-1)


def _log(p: Array, xp: Any) -> Array:
    """Log p, and 0 where p = 0."""
    return xp.log(xp.where(p > 0, p, 1.0))


def _log_ratio(p: Array, q: Array, xp: Any) -> Array:
    """Log p/q, 0 where p = 0, and inf where q = 0 < p; of near numbers by their difference."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        near = xp.log1p((p - q) / q)
        far = _log(p, xp) - xp.log(q)
    return xp.where(p > 0, xp.where(abs(p - q) <= q / 2, near, far), 0.0)


def _mean_less_one(p: Array, exponents: Array, a: float, xp: Any) -> Array:
    """Σ p·(exp(a·L) − 1) over the last axis; inf where it overflows."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        powers = a * exponents
        # The share of a rare cell may be tiny where its power overflows.
        large = xp.exp(xp.log(p) + powers) - p
        terms = xp.where(powers > 1, large, p * xp.expm1(powers))
    return xp.where(p > 0, terms, 0.0).sum(axis=-1)


def _log_of_mean(p: Array, exponents: Array, a: float, xp: Any) -> Array:
    """log(Σ p·exp(a·L))/a over the last axis.

    Near 1 by what the mean has beyond it. Elsewhere the largest term is taken out of the sum, so
    that no power overflows, and none underflows that matters.
    """
    above = _mean_less_one(p, exponents, a, xp)
    scale = max(abs(a), 1.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        scaled = xp.where(p > 0, xp.log(p) / scale + (a / scale) * exponents, -math.inf)
        largest = scaled.max(axis=-1)
        rest = xp.log(xp.exp(scale * (scaled - largest[..., None])).sum(axis=-1))
        far = (scale / a) * largest + rest / a
        near = xp.log1p(above) / a
    return xp.where(abs(above) < 0.5, near, far)
