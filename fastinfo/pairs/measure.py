"""Measures of the pairs of a tile, and what a measure may ask of their counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from fastinfo import formulas
from fastinfo.backends.contract import Array, Kernels
from fastinfo.backends.pair_sums import PairEntropies, PairSums
from fastinfo.backends.terms import Term
from fastinfo.estimators import entropies
from fastinfo.formulas import Formula


class Counted(Protocol):
    """The pairs of a tile, ``(n_left, n_right)``, as a measure sees them.

    Dense tiles, sparse tiles and tiles of samples in strata have the same methods.
    """

    kernels: Kernels
    """The kernels at whose home all results are."""
    left: Array
    """Positions of the features on the left, a NumPy array."""
    right: Array
    """Positions of the features on the right, a NumPy array."""

    def sums(self) -> PairSums:
        """The sums of the measure's term; over the strata, if samples are in strata."""
        ...

    def pooled_sums(self) -> PairSums:
        """The sums over all samples that are in a stratum, for a job that pools them too."""
        ...

    def entropies(self, estimator: str) -> PairEntropies:
        """Entropies in nats, from counts, for an estimator without a term."""
        ...


class TileMeasure(Protocol):
    """What the engine measures of each pair: one number or several, each in a plane of its own."""

    @property
    def description(self) -> dict[str, str]:
        """What checkpoints keep of it: all that values depend on beside the counts."""
        ...

    @property
    def planes(self) -> tuple[str, ...]:
        """The names of the planes. Matrices show the first; pairs are ranked by "value"."""
        ...

    @property
    def term(self) -> Term | None:
        """The term that kernels sum over the cells of a pair; None for a measure without sums."""
        ...

    def __call__(self, pairs: Counted) -> tuple[Array, ...]:
        """One array ``(n_left, n_right)`` for each plane."""
        ...


@dataclass(frozen=True)
class OfEntropies:
    """A formula of the entropies of two features: the joint one and that of each.

    Parameters
    ----------
    name : str
        Its name in checkpoints, with the options of the formula.
    formula : Formula
        A formula of two variables. If samples are in strata, entropies are conditional on the
        stratum, and so is the value of the formula.
    estimator : str
        One of `estimators.entropies.ESTIMATORS`.
    """

    name: str
    formula: Formula
    estimator: str

    planes = ("value",)

    def __post_init__(self) -> None:
        """Refuse what makes a difference between the features of a pair."""
        if entropies.ESTIMATORS[self.estimator].of_rows is not None:
            raise ValueError(
                f"estimator={self.estimator!r} estimates the information about y in x, which is "
                "not that about x in y, and pairs of features have no order; mutual_information "
                "takes two variables"
            )
        if len(entropies.ESTIMATORS[self.estimator].chosen_cells) > 1:
            raise ValueError(
                f"estimator={self.estimator!r} has possible values for each of several variables; "
                "accepted beside many features is one number for all"
            )

    @property
    def description(self) -> dict[str, str]:
        """Its name and its estimator."""
        return {"measure": self.name, "estimator": self.estimator}

    @property
    def term(self) -> Term | None:
        """The term of the estimator."""
        return entropies.ESTIMATORS[self.estimator].term

    @cached_property
    def _coefficients(self) -> tuple[float, float, float] | None:
        """Those of a linear formula, which kernels combine in one pass; None for any other."""
        try:
            return formulas.coefficients(self.formula)
        except ValueError:
            return None

    def __call__(self, pairs: Counted) -> tuple[Array, ...]:
        """The value of each pair."""
        kernels, (low, high) = pairs.kernels, self.formula.bounds
        is_exact = entropies.ESTIMATORS[self.estimator].is_plug_in
        if self.term is not None and self._coefficients is not None:
            low = low if is_exact else -np.inf
            values = kernels.combine(pairs.sums(), self._coefficients, low)
            if is_exact and high < np.inf:
                values = kernels.xp.minimum(values, high)
            return (values,)
        found = pairs.entropies(self.estimator) if self.term is None else pairs.sums().entropies()
        # Formulas that are not linear work on NumPy arrays; the entropies of a tile are few.
        joint, left, right = np.broadcast_arrays(*map(kernels.to_host, found))
        by_variables = {(0,): left, (1,): right, (0, 1): joint}
        on_host = np.asarray(self.formula(lambda *variables: by_variables[variables]))
        values = kernels.bring(on_host)
        return (entropies.without_rounding(values, (low, high), self.estimator, kernels),)


def mutual_information(
    estimator: str, average: str | None = None, *, is_conditional: bool = False
) -> OfEntropies:
    """The measure I(X;Y) of each pair, in nats, or as a share of an average of its entropies.

    Where samples are in strata it is I(X;Y|Z), and is to be called so by ``is_conditional``.
    """
    formula, name = formulas.mutual_information, "mutual_information"
    if average is not None:
        formula = formulas.normalized_mutual_information.with_options(average=average)
        name = f"normalized_mutual_information, {average}"
    return OfEntropies("conditional_" * is_conditional + name, formula, estimator)
