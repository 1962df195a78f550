"""Features that are counted together: the joint table of three holds the tables of three pairs.

An increment of a pair's table takes 0.4 ns a sample, and one more feature in the number of the cell
0.25 ns, since that loop vectorises (Zen 3). So all pairs of ten features of 16 bins, counted as
triples, take 12 ns a sample instead of 19. The gain ends where the joint table leaves the
first-level cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

INCREMENT, JOIN = 0.15, 0.25
"""Nanoseconds of a sample: add it to a table in the first-level cache; join one more feature."""

CELLS_IN_FIRST_CACHE, FARTHER = 1 << 13, 0.7
"""Cells of 4 bytes that fit the first-level cache, and nanoseconds more where there are more."""

MOST_CELLS = 1 << 16
"""The most cells of a joint table of three or more features."""


class Group(NamedTuple):
    """Features that are counted in one table."""

    members: tuple[int, ...]
    pairs: list[tuple[int, int]]
    """The pairs, as positions in ``members``, whose tables are taken from this table."""
    alone: list[int]
    """Positions in ``members`` of features whose own counts are taken from this table."""


def cover(pairs: Sequence[tuple[int, int]], sizes: Sequence[int]) -> list[Group]:
    """Groups of features in which each pair is once, those that take longest first.

    Parameters
    ----------
    pairs : sequence of pairs of int
        Different features that are paired, each pair once and in one order.
    sizes : sequence of int
        The extent of each feature in a table: its bins, and one for missing samples.
    """
    waiting = dict.fromkeys(pairs)
    partners: dict[int, set[int]] = {}
    for left, right in pairs:
        partners.setdefault(left, set()).add(right)
        partners.setdefault(right, set()).add(left)
    seen: set[int] = set()
    found: list[tuple[float, Group]] = []
    while waiting:
        members = list(next(iter(waiting)))
        while True:
            cost = _nanoseconds(members, sizes)
            n_pairs = sum(_paired(a, b, partners) for a in members for b in members) // 2
            further = set().union(*(partners[member] for member in members)) - set(members)
            gains = {
                other: sum(_paired(other, member, partners) for member in members)
                for other in further
                if prod(sizes[i] for i in [*members, other]) <= MOST_CELLS
            }
            if not gains:
                break
            best = min(gains, key=lambda other: (-gains[other], sizes[other], other))
            longer = _nanoseconds([*members, best], sizes)
            if longer * n_pairs >= cost * (n_pairs + gains[best]):
                break
            members.append(best)
        places = {member: place for place, member in enumerate(members)}
        taken = [pair for pair in waiting if pair[0] in places and pair[1] in places]
        for left, right in taken:
            del waiting[left, right]
            partners[left].discard(right)
            partners[right].discard(left)
        alone = [place for member, place in places.items() if member not in seen]
        seen.update(members)
        own = [(places[left], places[right]) for left, right in taken]
        found.append((cost, Group(tuple(members), own, alone)))
    found.sort(key=lambda one: -one[0])
    return [group for _, group in found]


def _paired(left: int, right: int, partners: dict[int, set[int]]) -> bool:
    return right in partners[left]


def _nanoseconds(members: Sequence[int], sizes: Sequence[int]) -> float:
    cells = prod(sizes[member] for member in members)
    farther = FARTHER if cells > CELLS_IN_FIRST_CACHE else 0.0
    return INCREMENT + JOIN * (len(members) - 1) + farther
