"""The entropies of single cells, −log p, of which formulas make pointwise values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fastinfo.backends.contract import Array, Kernels


def of_table(p: Array, n_variables: int, kernels: Kernels) -> Callable[..., Array]:
    """The function that formulas call, for every cell of tables of probabilities.

    The variables are the last axes of ``p``. For some variables, given by their positions, it
    returns −log of their marginal probabilities, in nats: inf where they are 0. The axes of the
    other variables have the length 1.
    """
    first = p.ndim - n_variables

    def entropy(*variables: int) -> Array:
        chosen = variables or tuple(range(n_variables))
        others = tuple(first + v for v in range(n_variables) if v not in chosen)
        with np.errstate(divide="ignore"):
            return -kernels.xp.log(p.sum(axis=others, keepdims=True) if others else p)

    return entropy
