"""What a case of the benchmarks is: data, contenders, what answers must agree with, targets.

The first contender is the one that ratios are of: how many times longer each other one takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fastinfo.system.limits import usable_cores

SIZES = ("smoke", "default", "full")
"""``smoke`` runs in seconds, as a test; ``full`` takes hours and tens of gigabytes."""

RELATIVE_ERROR = 1e-12
"""How far a mutual information may be from the reference's."""

ABSOLUTE_ERROR = 1e-14
"""The same for pairs of features, which may be next to independent: of the entropies, whose
difference it is, 10⁻¹⁴ nats are an ulp or a few."""

CHECKED_PAIRS = 40
"""Pairs of each answer over many features that are counted again by the reference."""


@dataclass(frozen=True)
class Contender:
    """One way of doing the work of a case."""

    name: str
    call: Callable[[Any], Any]
    """From the data to an answer that the case can check."""
    threads: int = 1
    limits: Mapping[str, int] = field(default_factory=dict)
    """The largest parameters that it is run with, where more would take all day."""
    share: Callable[[Any], float] | None = None
    """The part of the work that it does, where all of it would take all day."""
    steps: Callable[..., int] | None = None
    """From parameters to how many steps of its own all the work takes, to tell their rate."""
    step: str = ""
    """What such a step is."""
    backend: str = ""
    """The backend of fastinfo that does it; empty for a peer, and where the default is left to
    choose.
    """
    device: str = "cpu"
    """What it runs on."""
    needs: Callable[[], str | None] = lambda: None
    """Why it cannot be run here, or None."""

    def takes_part(self, parameters: Mapping[str, int]) -> bool:
        """Whether this size is within its limits."""
        return all(parameters[name] <= most for name, most in self.limits.items())


RATE = "rate"
"""The figure that every case has: work of the first contender per second."""


@dataclass(frozen=True)
class Target:
    """Between which bounds a figure of a case must lie, with which parameters.

    Figures are the ratio to another contender, by its name; the `RATE`; and what the case's
    ``measures`` tell, by theirs.
    """

    figure: str
    at: Mapping[str, int]
    at_least: float | None = None
    at_most: float | None = None

    def bounds(self) -> dict[str, float | None]:
        """As a results file tells them."""
        return {"at_least": self.at_least, "at_most": self.at_most}

    def is_met(self, value: float) -> bool:
        """Whether a value lies between the bounds."""
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )


class Measure(NamedTuple):
    """A figure that is told by an answer of the first contender."""

    unit: str
    value: Callable[[Any], float]


@dataclass(frozen=True)
class Case:
    """Work to be measured."""

    name: str
    title: str
    """What is done, for a table; parameters in braces."""
    make: Callable[..., Any]
    """From parameters to data."""
    contenders: Sequence[Contender]
    check: Callable[[Any, Any], None]
    """From the data and an answer: AssertionError where it is wrong."""
    also: Sequence[Callable[[Any], Any]]
    """More answers of fastinfo, checked and not timed."""
    sizes: Mapping[str, Sequence[Mapping[str, int]]]
    """Parameters by name of the size."""
    work: Callable[..., int]
    """From parameters to how many samples, or pairs of samples, are counted."""
    unit: str
    targets: Sequence[Target] = ()
    measures: Mapping[str, Measure] = field(default_factory=dict)
    """Figures besides ratios and the rate, by name."""
    needs: Callable[[], str | None] = lambda: None
    """Why it cannot be run here, or None."""
    error: Callable[[Any, Any], float | None] | None = None
    """From the data and an answer: the relative error of its value, or None where it has none."""
    roofline: Mapping[str, Callable[..., float]] = field(default_factory=dict)
    """From parameters to how much of each resource in `bench.limits` the work must take at the
    least.
    """

    def of(self, parameters: Mapping[str, int]) -> list[Contender]:
        """Who takes part with these parameters."""
        return [c for c in self.contenders if c.takes_part(parameters)]

    def target(self, figure: str, parameters: Mapping[str, int]) -> Target | None:
        """What is to be reached, or None."""
        found = [t for t in self.targets if t.figure == figure and t.at == dict(parameters)]
        return found[0] if found else None

    def checked(self, data: Any, answers: Sequence[Any]) -> str:
        """Check answers, and those that are not timed; say what was done."""
        more = [call(data) for call in self.also]
        for answer in (*answers, *more):
            self.check(data, answer)
        return f"{len(answers) + len(more)} answers equal the reference's"


def two_cores() -> str | None:
    """Why two threads cannot be measured here."""
    cores = usable_cores()
    return None if cores >= 2 else f"two threads need two cores, and {cores} can be used here"
