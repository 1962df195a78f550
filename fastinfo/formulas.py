"""Measures as combinations of entropies.

Each formula takes a function ``entropy(*variables)`` that returns the joint entropy of variables
named by position (all of them where none is named): a number for one table, or an array for many.
So one text serves samples, probabilities and whole tiles of feature pairs. Divergences take two
distributions and the kernels instead. Source: Cover & Thomas, *Elements of Information
Theory*, 2nd ed., chapter 2, unless a formula says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastinfo.backends.contract import Array, Kernels

Value = Any
EntropyOf = Callable[..., Value]


def entropy(entropy: EntropyOf) -> Value:
    """H(X)."""
    return entropy(0)


def joint_entropy(entropy: EntropyOf) -> Value:
    """H(X,Y,…), of all variables."""
    return entropy()


def conditional_entropy(entropy: EntropyOf) -> Value:
    """H(X|Y) = H(X,Y) − H(Y)."""
    return entropy(0, 1) - entropy(1)


def mutual_information(entropy: EntropyOf) -> Value:
    """I(X;Y) = H(X) + H(Y) − H(X,Y)."""
    return entropy(0) + entropy(1) - entropy(0, 1)


def conditional_mutual_information(entropy: EntropyOf) -> Value:
    """I(X;Y|Z) = H(X,Z) + H(Y,Z) − H(X,Y,Z) − H(Z)."""
    return entropy(0, 2) + entropy(1, 2) - entropy(0, 1, 2) - entropy(2)


def variation_of_information(entropy: EntropyOf) -> Value:
    """VI(X,Y) = H(X|Y) + H(Y|X) [Meilă 2003]."""
    return 2 * entropy(0, 1) - entropy(0) - entropy(1)


def coefficients(formula: Callable[[EntropyOf], Value]) -> tuple[float, float, float]:
    """a, b and c of a formula of two variables that is a·H(X) + b·H(Y) + c·H(X,Y)."""
    of_x, of_y, of_both = (
        float(formula(lambda *variables, alone=alone: float(variables == alone)))
        for alone in ((0,), (1,), (0, 1))
    )
    return of_x, of_y, of_both


AVERAGES: dict[str, Callable[[Value, Value], Value]] = {
    "arithmetic": lambda hx, hy: (hx + hy) / 2,
    "geometric": lambda hx, hy: np.sqrt(np.maximum(hx, 0.0) * np.maximum(hy, 0.0)),
    "min": np.minimum,
    "max": np.maximum,
}
"""What mutual information is divided by [Vinh, Epps & Bailey 2010]."""


def normalized_mutual_information(entropy: EntropyOf, average: str) -> Value:
    """I(X;Y) / average(H(X), H(Y)); 1 where both are constant, 0 where the average alone is 0."""
    hx, hy = entropy(0), entropy(1)
    scale = AVERAGES[average](hx, hy)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(scale == 0, 0.0, mutual_information(entropy) / scale)
    return np.where((hx == 0) & (hy == 0), 1.0, share)


def cross_entropy(p: Array, q: Array, kernels: Kernels) -> Value:
    """H(P,Q) = −Σ p·log q."""
    return -kernels.sum_xlogy(p, q)


def kl_divergence(p: Array, q: Array, kernels: Kernels) -> Value:
    """D(P‖Q) = Σ p·log(p/q), from the ratios: the difference of two sums would cancel."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        # Of p below 1e-308 the ratio passes the largest float, and p·log(ratio) still is nothing.
        ratio = kernels.xp.where(p > 0, np.minimum(q / p, np.finfo(np.float64).max), 1.0)
    return -kernels.sum_xlogy(p, ratio)


def jensen_shannon_divergence(p: Array, q: Array, kernels: Kernels) -> Value:
    """JS(P,Q) = (D(P‖M) + D(Q‖M))/2 with M = (P + Q)/2."""
    middle = (p + q) / 2
    return (kl_divergence(p, middle, kernels) + kl_divergence(q, middle, kernels)) / 2
