"""What an estimator is, and the names by which estimators are asked for, with their parameters.

A name may be followed by parameters: ``"dirichlet:0.5"`` is the estimator of that family with the
parameter 0.5, ``"nsb:20"`` says that a variable has 20 possible values, and ``"nsb:4x20"`` that the
first has 4 and the second 20.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from fastinfo.backends.contract import Array, Kernels
from fastinfo.backends.terms import Term
from fastinfo.estimators.cells import NCells

OfCounts = Callable[[Array, NCells, Kernels], Array]
"""A function of counts ``(..., cells)``, of the number of possible cells, and of the kernels at
whose home the counts are. It returns an array ``(...)``, NaN for a table without a sample."""

OfRows = Callable[[Array, NCells, NCells, Kernels], Array]
"""A function of counts ``(..., values of the last variable, cells of the others)``, the numbers of
possible cells of the others and of possible values of the last, and kernels: as `OfCounts`."""


class Estimator(NamedTuple):
    """A way to estimate entropies from counts, and its properties."""

    term: Term | None
    """The term of an entropy of the form (g(N) − Σ f(c))/N; None for other entropies. With a term
    all pairs are measured at the speed of the plug-in estimate."""
    of_counts: OfCounts | None = None
    """Without a term: entropies of counts, in nats."""
    of_rows: OfRows | None = None
    """Joint entropies of several variables, where these are not those of the cells alone. The last
    variable is a condition then: measures of two variables are not symmetric, and pairs have no
    such estimate."""
    is_plug_in: bool = False
    """Whether entropies are those of the observed frequencies, so that the laws of entropy hold."""
    needs_integers: bool = False
    """Whether counts must be numbers of samples: weights and probabilities are then refused."""
    asks_for_cells: bool = False
    """Whether the result depends on the number of possible cells, which the caller may choose."""
    standard_deviation: OfCounts | None = None
    """The standard deviation of the entropy, in nats, if the estimator knows it."""
    details: Mapping[str, OfCounts] = MappingProxyType({})
    """What else it finds out about each table, by names; numbers without a unit."""
    chosen_cells: tuple[int, ...] = ()
    """The number of possible values of each variable, or one number for all, if the caller chose
    them."""

    def possible_values(self, variable: int) -> int | None:
        """The number of possible values of a variable, by its position; None if nobody chose it."""
        if len(self.chosen_cells) <= 1:
            return next(iter(self.chosen_cells), None)
        return self.chosen_cells[variable]


class Registry(dict[str, Estimator]):
    """Estimators by name; one with parameters is made when it is asked for.

    Parameters
    ----------
    estimators : dict of str to Estimator
        Those without a parameter of their own.
    families : dict of str to callable
        Functions that return the estimator for a positive number, the parameter of the family.
    """

    def __init__(
        self,
        estimators: Mapping[str, Estimator],
        families: Mapping[str, Callable[[float], Estimator]],
    ) -> None:
        super().__init__(estimators)
        self.families = families

    def __missing__(self, specification: str) -> Estimator:
        """The estimator of a name with parameters.

        Raises
        ------
        ValueError
            For an unknown name, and for parameters that it does not take.
        """
        name, *parameters = specification.split(":")
        if name in self.families:
            if not parameters:
                raise ValueError(f"{name} takes a number: {name}:0.5")
            found = self.families[name](_positive_number(parameters.pop(0)))
        elif name in self:
            found = self[name]
        else:
            raise ValueError(f"no estimator has the name {name!r}")
        if not parameters:
            return found
        if len(parameters) > 1 or not found.asks_for_cells:
            raise ValueError(f"{name} takes no parameter {':'.join(parameters)!r}")
        return found._replace(chosen_cells=_numbers_of_values(parameters[0]))

    @property
    def accepted(self) -> list[str]:
        """All names, as messages tell them; families with an example of their parameter."""
        return [*self, *(f"{name}:0.5" for name in self.families)]


def _positive_number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise ValueError(f"{text!r} is no number above 0")
    return value


def _numbers_of_values(text: str) -> tuple[int, ...]:
    """Numbers of possible values, such as ``20`` or ``4x20``."""
    parts = text.split("x")
    if not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts):
        raise ValueError(f"{text!r} is no number of possible values: 20, or 4x20 for two variables")
    return tuple(map(int, parts))
