"""The argument ``random_state=``."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.inputs.objects import is_integer


def generator(random_state: Any) -> np.random.Generator:
    """The generator of random numbers that an argument stands for.

    Raises
    ------
    ValueError, TypeError
        For anything but None, an integer of at least 0, or a generator of NumPy.
    """
    accepted = "accepted are None, an integer of at least 0, and numpy.random.Generator"
    if isinstance(random_state, np.random.Generator):
        return random_state
    if random_state is not None and not is_integer(random_state):
        raise TypeError(f"random_state={random_state!r}; {accepted}")
    if random_state is not None and random_state < 0:
        raise ValueError(f"random_state={random_state!r}; {accepted}")
    return np.random.default_rng(None if random_state is None else int(random_state))
