"""What is measured of the pairs of a tile, and what of their counts a measure may ask for."""

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

    Dense tiles and sparse ones, and those of samples in strata, answer alike.
    """

    kernels: Kernels
    """Those in whose arrays everything comes."""
    left: Array
    """The features on the left, by number; NumPy's."""
    right: Array

    def sums(self) -> PairSums:
        """Sums of the term that the measure names."""
        ...

    def entropies(self, estimator: str) -> PairEntropies:
        """Entropies by an estimator that is no sum over cells, from counts."""
        ...


class TileMeasure(Protocol):
    """What the engine measures of every pair: one number or more, each for a plane of its own."""

    @property
    def name(self) -> str:
        """What a checkpoint calls it, with all that its values depend on beside the counts."""
        ...

    @property
    def planes(self) -> tuple[str, ...]:
        """Names of the numbers that each pair gets; that of the first is what is ranked."""
        ...

    @property
    def term(self) -> Term | None:
        """What kernels sum over the cells of a pair; None for a measure that wants no sums."""
        ...

    def __call__(self, pairs: Counted) -> tuple[Array, ...]:
        """One array ``(n_left, n_right)`` a plane."""
        ...


@dataclass(frozen=True)
class OfEntropies:
    """A formula of the entropies of both features and of each.

    Parameters
    ----------
    name : str
        As for `TileMeasure`; the estimator is named beside it.
    formula : Formula
        Of two variables. Of samples in strata, entropies are those given the stratum, and so is
        what a formula makes of them.
    estimator : str
        One of `estimators.entropies.ESTIMATORS`.
    is_linear : bool
        Whether the formula is a·H(X) + b·H(Y) + c·H(X,Y), which kernels combine in one pass.
    """

    name: str
    formula: Formula
    estimator: str = "ml"
    is_linear: bool = True

    planes = ("value",)

    @property
    def term(self) -> Term | None:
        """That of the estimator."""
        return entropies.ESTIMATORS[self.estimator].term

    @cached_property
    def _coefficients(self) -> tuple[float, float, float]:
        return formulas.coefficients(self.formula)

    def __call__(self, pairs: Counted) -> tuple[Array, ...]:
        """The value of each pair."""
        kernels, (low, high) = pairs.kernels, self.formula.bounds
        is_exact = entropies.ESTIMATORS[self.estimator].is_plug_in
        if self.term is not None and self.is_linear:
            low = low if is_exact else -np.inf
            values = kernels.combine(pairs.sums(), self._coefficients, low)
            if is_exact and high < np.inf:
                values = kernels.xp.minimum(values, high)
            return (values,)
        found = pairs.entropies(self.estimator) if self.term is None else pairs.sums().entropies()
        # Formulas beyond sums are NumPy's, and a tile's entropies are few.
        joint, left, right = np.broadcast_arrays(*map(kernels.to_host, found))
        of = {(0,): left, (1,): right, (0, 1): joint}
        on_host = np.asarray(self.formula(lambda *variables: of[variables]))
        values = kernels.bring(on_host)
        return (entropies.without_rounding(values, (low, high), self.estimator, kernels),)


def mutual_information(estimator: str) -> OfEntropies:
    """I(X;Y) of every pair."""
    return OfEntropies("mutual_information", formulas.mutual_information, estimator)
