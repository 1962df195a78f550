"""What ``random_state`` takes, and the seeds that it gives."""

import numpy as np
import pytest

from fastinfo.inputs.random_state import seed_of


def test_equal_states_give_equal_seeds():
    assert seed_of(3) == seed_of(np.int64(3)) != seed_of(4)
    assert seed_of(10**30) == seed_of(10**30)
    assert seed_of(np.random.default_rng(1)) == seed_of(np.random.default_rng(1))
    assert all(0 <= seed_of(state) < 2**64 for state in range(50))


def test_others_in_each_call():
    assert seed_of(None) != seed_of(None)
    generator = np.random.default_rng(1)
    assert seed_of(generator) != seed_of(generator)


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ("7", TypeError, "random_state='7'; accepted are None .* integer of at least 0"),
        (1.0, TypeError, "random_state=1.0; accepted are None"),
        (True, TypeError, "random_state=True; accepted are None"),
        ([1, 2], TypeError, r"random_state=\[1, 2\]; accepted are None"),
        (np.random.RandomState(0), TypeError, r"pass np.random.default_rng\(\.\.\.\)"),
        (-1, ValueError, "random_state=-1; accepted are None"),
    ],
    ids=str,
)
def test_other_states_are_refused(state, error, message):
    with pytest.raises(error, match=message):
        seed_of(state)
