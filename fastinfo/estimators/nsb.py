"""The entropy of Nemenman, Shafee & Bialek: a mean over Dirichlet priors of all concentrations.

Under a Dirichlet prior of K cells with β samples each in advance, nearly all distributions have the
same entropy, ξ(β) = ψ(Kβ + 1) − ψ(β + 1), so that a chosen β decides the result. The mixture with
the density ξ'(β) makes all entropies from 0 to log K equally likely in advance. The posterior of β,
and the mean and the variance of the entropy at each β, depend on how often each count occurs; a
table has few different counts, so that its size matters little.

Sources: I. Nemenman, F. Shafee and W. Bialek, "Entropy and inference, revisited", Advances in
Neural Information Processing Systems 14, 2002; I. Nemenman, W. Bialek and R. de Ruyter van
Steveninck, "Entropy and information in neural spike trains: progress on the sampling problem",
Physical Review E 69, 2004. The moments at one β: D. H. Wolpert and D. R. Wolf, "Estimating
functions of probability distributions from a finite set of samples", Physical Review E 52, 1995.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.contract import Array, Kernels
from fastinfo.estimators.cells import NCells

HostArray = np.ndarray[Any, Any]

NEGLIGIBLE = 40.0
"""What is e⁻⁴⁰ times as likely as the most likely β adds nothing that float64 could hold."""

COARSE = 24
"""The steps in which log β is searched, by and by in smaller ranges."""

FINE = 40
"""The least number of steps over which is integrated: a peak of Gaussian shape needs no more."""

WIDEST_STEP = 0.35
"""The widest step of log β. The density has poles at log β = ±iπ + …, so that the error of a sum
over equidistant nodes falls as e^(−2π·π/step)."""

LARGE = 50.0
"""From here on asymptotic series are right to the last places."""


class Posterior(NamedTuple):
    """The mean and the standard deviation of an entropy, in nats."""

    mean: float
    standard_deviation: float


def nsb(counts: Array, n_cells: NCells, kernels: Kernels) -> Array:
    """The posterior mean of the entropy."""
    return _of_each(counts, n_cells, kernels, mean)


def standard_deviation(counts: Array, n_cells: NCells, kernels: Kernels) -> Array:
    """The posterior standard deviation of the entropy."""
    return _of_each(counts, n_cells, kernels, lambda *table: posterior(*table).standard_deviation)


def _of_each(
    counts: Array, n_cells: NCells, kernels: Kernels, of_table: Callable[..., float]
) -> Array:
    """What a function returns for each table; they are taken one by one, on the host.

    Of all pairs of features without a missing sample each margin comes as often as the feature has
    partners, and is looked at once.
    """
    shape = counts.shape[:-1]
    tables = kernels.to_host(counts).reshape(math.prod(shape), counts.shape[-1])
    cells = kernels.to_host(kernels.xp.asarray(n_cells()))
    sizes = np.broadcast_to(cells, shape).ravel().tolist()
    known: dict[tuple[bytes, float], float] = {}
    found = np.empty(len(tables))
    for position, (table, size) in enumerate(zip(tables, sizes, strict=True)):
        key = table.tobytes(), size
        if key not in known:
            known[key] = of_table(table, size)
        found[position] = known[key]
    return kernels.bring(found.reshape(shape))


def mean(counts: HostArray, n_cells: float) -> float:
    """The posterior mean of the entropy of one table, as `posterior`."""
    table = Table.of(counts, n_cells)
    if table is None or n_cells <= 1:
        return math.nan if table is None else 0.0
    beta, weights = table.integration_nodes()
    return float(weights @ table.means(beta))


def posterior(counts: HostArray, n_cells: float) -> Posterior:
    """The posterior of the entropy of one table, ``(cells,)``, with ``n_cells`` possible cells.

    Raises
    ------
    ImportError
        Without scipy, whose special functions are used.
    """
    table = Table.of(counts, n_cells)
    if table is None or n_cells <= 1:
        return Posterior(*[math.nan if table is None else 0.0] * 2)
    beta, weights = table.integration_nodes()
    means = table.means(beta)
    center = float(weights @ means)
    variance = float(weights @ (table.variances(beta) + (means - center) ** 2))
    return Posterior(center, math.sqrt(max(variance, 0.0)))


class Table(NamedTuple):
    """The counts of a table, as numbers of cells that have the same count."""

    values: HostArray
    """The different counts above 0."""
    repeats: HostArray
    """The number of cells with each of them."""
    n_cells: float
    """The number of possible cells, K."""

    @classmethod
    def of(cls, counts: HostArray, n_cells: float) -> Table | None:
        """The table of counts ``(cells,)``; None without a sample."""
        _special()  # raises before anything is computed
        # Of most tables the largest count is small, and bincount is faster than sorting.
        if counts.size and counts.max() <= 4 * counts.size + 1000:
            repeats = np.bincount(counts)
            repeats[0] = 0
            values = np.flatnonzero(repeats)
            repeats = repeats[values]
        else:
            values, repeats = np.unique(counts[counts > 0], return_counts=True)
        if values.size == 0:
            return None
        return cls(values.astype(np.float64), repeats.astype(np.float64), float(n_cells))

    @property
    def n_samples(self) -> float:
        """N."""
        return float(self.values @ self.repeats)

    def log_density(self, logs: HostArray) -> HostArray:
        """The logarithm of the posterior density of log β, but for a constant."""
        beta = np.exp(logs)
        likelihood = _log_rising(beta, self.values) @ self.repeats
        likelihood -= _log_rising(self.n_cells * beta, np.array([self.n_samples]))[:, 0]
        found: HostArray = likelihood + _log_slope(beta, self.n_cells) + logs
        return found

    def integration_nodes(self) -> tuple[HostArray, HostArray]:
        """Values of β, equidistant in log β, over all that are likely, and their posterior weights.

        The density in log β is smooth and falls at least exponentially to both sides, for which the
        sum over equidistant nodes converges exponentially with their number.
        """
        low = -math.log(self.n_cells) - 2 * NEGLIGIBLE
        high = 2 * math.log(self.n_samples + 1) + 2 * NEGLIGIBLE
        while True:
            logs, step = np.linspace(low, high, COARSE + 1, retstep=True)
            densities = self.log_density(logs)
            likely = np.flatnonzero(densities > densities.max() - NEGLIGIBLE)
            low = max(low, float(logs[likely[0]] - step))
            high = min(high, float(logs[likely[-1]] + step))
            if 3 * likely.size > COARSE:
                break
        n_steps = max(FINE, math.ceil((high - low) / WIDEST_STEP))
        logs = np.linspace(low, high, n_steps + 1)
        densities = self.log_density(logs)
        weights = np.exp(densities - densities.max())
        return np.exp(logs), weights / weights.sum()

    def _cells(self, beta: HostArray) -> tuple[HostArray, HostArray, HostArray]:
        """For each β and count, with 0: a = c + β, its share of A = N + Kβ, and A."""
        n_empty = max(self.n_cells - float(self.repeats.sum()), 0.0)
        values, repeats = np.append(self.values, 0.0), np.append(self.repeats, n_empty)
        a = values + beta[:, None]
        total = self.n_samples + self.n_cells * beta[:, None]
        return a, repeats * a / total, total

    def means(self, beta: HostArray) -> HostArray:
        """The mean of the entropy under the posterior of each β: ψ(A + 1) − Σ (a/A)·ψ(a + 1)."""
        a, weights, total = self._cells(beta)
        psi = _special().digamma
        found: HostArray = (weights * (psi(total + 1) - psi(a + 1))).sum(axis=1)
        return found

    def variances(self, beta: HostArray) -> HostArray:
        """The variance of the entropy under the posterior of each β.

        With d = ψ(a + 1), and means over cells with the weights a/A, it is, once what cancels is
        left out, (Var[d] + E[(a + 1)·ψ₁(a + 1)])/(A + 1) − ψ₁(A + 1).
        """
        special = _special()
        a, weights, total = self._cells(beta)
        d = special.digamma(a + 1)
        center = (weights * d).sum(axis=1, keepdims=True)
        inner = weights * ((d - center) ** 2 + (a + 1) * _trigamma(a + 1))
        found = inner.sum(axis=1, keepdims=True) / (total + 1) - _trigamma(total + 1)
        return np.asarray(found[:, 0])


def _trigamma(z: HostArray) -> HostArray:
    """ψ₁(z) of z ≥ 1, by a series where that is exact: it takes a fifth of the time."""
    square = 1 / np.maximum(z, LARGE) ** 2
    series = square * (1 / 6 - square * (1 / 30 - square * (1 / 42 - square / 30)))
    found: HostArray = (1 + series) / np.maximum(z, LARGE) + square / 2
    is_small = z < LARGE
    found[is_small] = _special().zeta(2, z[is_small])
    return found


def _log_rising(beta: HostArray, counts: HostArray) -> HostArray:
    """The array (β, c) of log Γ(β + c)/Γ(β) − c·log β, which is 0 in the limit of large β.

    The terms c·log β of all cells cancel with those of the sum, but for a constant.
    """
    gammaln = _special().gammaln
    found = np.empty((beta.size, counts.size))
    is_large = beta > LARGE
    small, large = beta[~is_large, None], beta[is_large, None]
    found[~is_large] = gammaln(small + counts) - gammaln(small) - counts * np.log(small)
    # Stirling's series of both logarithms, in which the large terms cancel.
    series = (large + counts - 0.5) * np.log1p(counts / large) - counts
    for power, factor in ((1, 1 / 12), (3, -1 / 360), (5, 1 / 1260)):
        series += factor * ((1 / (large + counts)) ** power - (1 / large) ** power)
    found[is_large] = series
    return found


def _log_slope(beta: HostArray, n_cells: float) -> HostArray:
    """The logarithm of ξ'(β) = K·ψ₁(Kβ + 1) − ψ₁(β + 1)."""
    special = _special()
    large, small = np.maximum(beta, LARGE), np.minimum(beta, LARGE)
    # ψ₁(z + 1) = 1/z − 1/(2z²) + 1/(6z³) − 1/(30z⁵) + …, in which 1/β cancels.
    by_series = (1 - 1 / n_cells) / 2
    for power, factor in ((1, -1 / 6), (3, 1 / 30), (5, -1 / 42), (7, 1 / 30)):
        by_series = by_series + factor * (1 - n_cells ** -(power + 1.0)) * (1 / large) ** power
    by_zeta = n_cells * special.zeta(2, n_cells * small + 1) - special.zeta(2, small + 1)
    found: HostArray = np.where(
        beta > LARGE, np.log(by_series) - 2 * np.log(large), np.log(by_zeta)
    )
    return found


def _special() -> Any:
    try:
        from scipy import special
    except ImportError as error:
        raise ImportError(
            f'estimator="nsb" needs scipy ({error}); install it with `pip install scipy`'
        ) from error
    return special
