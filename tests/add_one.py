"""An estimator that is no sum over cells: somebody looks at counts, and at possible cells."""

import math

NAME = "add_one"


def add_one(counts, n_cells, kernels):
    """Entropy of (c + 1)/(N + cells), every possible cell a sample richer [Laplace]."""
    xp = kernels.xp
    cells = n_cells()
    total = counts.sum(axis=-1) + cells
    occupied = (counts > 0).sum(axis=-1)
    p = xp.where(counts > 0, counts + 1.0, 0.0) / xp.asarray(total)[..., None]
    of_occupied = -(p * xp.log(xp.where(p > 0, p, 1.0))).sum(axis=-1)
    return of_occupied + (cells - occupied) * xp.log(total) / total


def naive_add_one(counts, n_cells):
    total = sum(counts) + n_cells
    terms = [(c + 1) / total for c in counts if c] + [1 / total] * (
        n_cells - sum(map(bool, counts))
    )
    return -math.fsum(p * math.log(p) for p in terms)
