"""Measures as combinations of entropies.

Each formula takes a function ``entropy(*variables)``. It returns the joint entropy of the variables
at these positions, or of all variables where none is named: a number for one table, or an array for
many. So one formula serves samples, probabilities and whole tiles of feature pairs. Divergences
take two distributions and the kernels instead. Source: Cover & Thomas, *Elements of Information
Theory*, 2nd ed., chapter 2, unless a formula says otherwise.

A formula has bounds. A value outside of them is rounding, where the entropies are those of the
observed frequencies. A formula that may be negative has ``low=-np.inf``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial, update_wrapper
from typing import Any

import numpy as np

from fastinfo.backends.contract import Array, Kernels

Value = Any
EntropyOf = Callable[..., Value]


class Formula:
    """A formula of entropies or of distributions, and the bounds of its values."""

    def __init__(self, of: Callable[..., Value], low: float, high: float) -> None:
        self.of = of
        self.bounds = (low, high)
        """The smallest and the largest value, in nats; without unit where the formula has none."""
        self.name = getattr(of, "__name__", "")
        update_wrapper(self, of)

    def __call__(self, *arguments: Any, **options: Any) -> Value:
        """The value of the formula; rounding may have moved it out of the bounds."""
        return self.of(*arguments, **options)

    def between(self, low: float, high: float) -> Formula:
        """The same formula with other bounds."""
        return Formula(self.of, low, high)

    def with_options(self, **options: Any) -> Formula:
        """The same formula with some of its arguments filled in."""
        return Formula(update_wrapper(partial(self.of, **options), self.of), *self.bounds)


def formula(low: float = 0.0, high: float = math.inf) -> Callable[[Callable[..., Value]], Formula]:
    """A decorator that makes a function a `Formula` with values between ``low`` and ``high``."""
    return lambda of: Formula(of, low, high)


@formula()
def entropy(entropy: EntropyOf) -> Value:
    """H(X)."""
    return entropy(0)


@formula()
def joint_entropy(entropy: EntropyOf) -> Value:
    """H(X,Y,…) of all variables."""
    return entropy()


@formula()
def conditional_entropy(entropy: EntropyOf) -> Value:
    """H(X|Y) = H(X,Y) − H(Y)."""
    return entropy(0, 1) - entropy(1)


@formula()
def mutual_information(entropy: EntropyOf) -> Value:
    """I(X;Y) = H(X) + H(Y) − H(X,Y)."""
    return entropy(0) + entropy(1) - entropy(0, 1)


@formula()
def conditional_mutual_information(entropy: EntropyOf) -> Value:
    """I(X;Y|Z) = H(X,Z) + H(Y,Z) − H(X,Y,Z) − H(Z)."""
    return entropy(0, 2) + entropy(1, 2) - entropy(0, 1, 2) - entropy(2)


@formula(low=-math.inf)
def interaction_information(entropy: EntropyOf) -> Value:
    """I(X;Y;Z) = I(X;Y|Z) − I(X;Y), the same for any order of the three [McGill 1954]."""
    pairs = entropy(0, 1) + entropy(0, 2) + entropy(1, 2)
    return pairs - entropy(0) - entropy(1) - entropy(2) - entropy(0, 1, 2)


@formula()
def total_correlation(entropy: EntropyOf, n_variables: int) -> Value:
    """TC = Σ H(X_i) − H(X) [Watanabe 1960]; for two variables their mutual information."""
    return sum(map(entropy, range(n_variables))) - entropy()


@formula()
def dual_total_correlation(entropy: EntropyOf, n_variables: int) -> Value:
    """DTC = H(X) − Σ H(X_i|X_others) = Σ H(X_others) − (n − 1)·H(X) [Han 1975, 1978]."""
    rests = sum(entropy(*rest) for rest in _all_but_one(n_variables))
    return rests - (n_variables - 1) * entropy()


@formula(low=-math.inf)
def o_information(entropy: EntropyOf, n_variables: int) -> Value:
    """Ω = TC − DTC, above 0 where redundancy prevails and below where synergy does [Rosas 2019].

    For three variables it is minus their `interaction_information`.
    """
    rests = (entropy(*rest) for rest in _all_but_one(n_variables))
    singles = map(entropy, range(n_variables))
    differences = sum(single - rest for single, rest in zip(singles, rests, strict=True))
    return (n_variables - 2) * entropy() + differences


def _all_but_one(n_variables: int) -> list[tuple[int, ...]]:
    """The positions of all variables but one, for each of them."""
    return [tuple(j for j in range(n_variables) if j != i) for i in range(n_variables)]


@formula()
def variation_of_information(entropy: EntropyOf) -> Value:
    """VI(X,Y) = H(X|Y) + H(Y|X) [Meilă 2003]."""
    return 2 * entropy(0, 1) - entropy(0) - entropy(1)


def coefficients(formula: Callable[[EntropyOf], Value]) -> tuple[float, float, float]:
    """The coefficients (a, b, c) of a formula a·H(X) + b·H(Y) + c·H(X,Y) of two variables.

    Raises
    ------
    ValueError
        For a formula that is not of that form.
    """

    def value_at(*entropies: float) -> float:
        x, y, both = map(np.float64, entropies)
        return float(formula(lambda *variables: {(0,): x, (1,): y}.get(variables, both)))

    found = value_at(1.0, 0.0, 0.0), value_at(0.0, 1.0, 0.0), value_at(0.0, 0.0, 1.0)
    for entropies in ((0.7, 1.3, 1.9), (2.0, 0.25, 2.125)):
        expected = sum(factor * h for factor, h in zip(found, entropies, strict=True))
        if not math.isclose(value_at(*entropies), expected, abs_tol=1e-12):
            raise ValueError(f"{formula} is no linear combination of H(X), H(Y) and H(X,Y)")
    return found


AVERAGES: dict[str, Callable[[Value, Value], Value]] = {
    "arithmetic": lambda hx, hy: (hx + hy) / 2,
    "geometric": lambda hx, hy: np.sqrt(np.maximum(hx, 0.0) * np.maximum(hy, 0.0)),
    "min": np.minimum,
    "max": np.maximum,
}
"""The averages that mutual information is divided by [Vinh, Epps & Bailey 2010]."""


@formula(high=1.0)
def normalized_mutual_information(entropy: EntropyOf, average: str) -> Value:
    """I(X;Y) / average(H(X), H(Y)); 1 where both are constant, 0 where the average alone is 0."""
    hx, hy = entropy(0), entropy(1)
    scale = AVERAGES[average](hx, hy)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(scale == 0, 0.0, mutual_information(entropy) / scale)
    return np.where((hx == 0) & (hy == 0), 1.0, share)


@formula(low=-math.inf, high=1.0)
def adjusted_mutual_information(entropy: EntropyOf, average: str, expected: float) -> Value:
    """(I(X;Y) − E) / (average(H(X), H(Y)) − E) for the information E that chance gives.

    It has no value where the average is E.
    """
    scale = AVERAGES[average](entropy(0), entropy(1))
    return (mutual_information(entropy) - expected) / (scale - expected)


@formula()
def cross_entropy(p: Array, q: Array, kernels: Kernels) -> Value:
    """H(P,Q) = −Σ p·log q."""
    return -kernels.sum_xlogy(p, q)


@formula()
def kl_divergence(p: Array, q: Array, kernels: Kernels) -> Value:
    """D(P‖Q) = Σ p·log(p/q), from the ratios: a difference of two sums would cancel."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        # For p below 1e-308 the ratio may overflow. With the largest float in its place
        # p·log(ratio) is still negligible.
        ratio = kernels.xp.where(p > 0, np.minimum(q / p, np.finfo(np.float64).max), 1.0)
    return -kernels.sum_xlogy(p, ratio)


@formula()
def jensen_shannon_divergence(*ps: Array, kernels: Kernels, weights: Sequence[float]) -> Value:
    """JS(P_1, …, P_k) = Σ w_i·D(P_i‖M) with M = Σ w_i·P_i and weights of the sum 1 [Lin 1991].

    As Σ m·((1 + u)·log(1 + u) − u) with u = (p_i − m)/m: the −u adds up to nothing, and with it no
    term is negative. So they are as exact as the differences, however near the distributions are.
    """
    xp = kernels.xp
    # Differences from one of them are exact where all are near, which p_i − m would not be.
    differences = [p - ps[0] for p in ps]
    mean = sum(w * difference for w, difference in zip(weights, differences, strict=True))
    middle = sum(w * p for w, p in zip(weights, ps, strict=True))
    total = 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        for weight, difference in zip(weights, differences, strict=True):
            u = xp.where(middle > 0, (difference - mean) / middle, 0.0)
            terms = xp.where(u > -1, (1 + u) * xp.log1p(u), 0.0) - u
            total = total + weight * (middle * terms).sum(axis=-1)
    return total


def jensen_shannon_with(weights: Sequence[float]) -> Formula:
    """The divergence with such weights, which is at most their entropy."""
    high = -math.fsum(w * math.log(w) for w in weights if w > 0)
    return jensen_shannon_divergence.with_options(weights=weights).between(0.0, high)
