"""The argument ``random_state``: where random numbers come from."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from fastinfo.inputs.objects import is_integer

RandomState: TypeAlias = int | np.random.Generator | None
"""A seed, a generator of random numbers, or None for others in each call."""

ACCEPTED = (
    "accepted are None (other random numbers in each call), an integer of at least 0, and a "
    "numpy.random.Generator"
)


def seed_of(random_state: Any) -> int:
    """A seed of 64 bits, by which random numbers are keyed; equal states give equal seeds.

    A generator gives the seed as its next random number, so that a second call with the same
    generator has another seed.

    Raises
    ------
    TypeError, ValueError
        For anything else than None, an integer of at least 0 or a `numpy.random.Generator`.
    """
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(1 << 64, dtype=np.uint64))
    if random_state is not None and not is_integer(random_state):
        hint = ": pass np.random.default_rng(...)" * isinstance(random_state, np.random.RandomState)
        raise TypeError(f"random_state={random_state!r}; {ACCEPTED}{hint}")
    if random_state is not None and random_state < 0:
        raise ValueError(f"random_state={random_state!r}; {ACCEPTED}")
    entropy = None if random_state is None else int(random_state)
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0])
