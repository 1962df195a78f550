"""The types of arguments name what the registries hold; mypy checks a user's script (lint)."""

from typing import get_args

import pytest
import typed_user

import fastinfo
from fastinfo import formulas, pmf
from fastinfo.backends import REGISTRY
from fastinfo.estimators import entropies
from fastinfo.inputs import arguments, types
from fastinfo.measures import nulls

NAMES = {
    "NanPolicy": arguments.NAN_POLICIES,
    "Average": formulas.AVERAGES,
    "PlainEstimator": entropies.ESTIMATORS,
    "BackendName": REGISTRY,
    "NullMethod": ("auto", *nulls.NULLS),
}


@pytest.mark.parametrize(("name", "accepted"), NAMES.items(), ids=NAMES)
def test_literals_are_the_names_that_are_accepted(name, accepted):
    assert get_args(getattr(types, name)) == tuple(accepted)


def test_a_users_script_runs():
    typed_user.main()


@pytest.mark.parametrize("module", [fastinfo, pmf], ids=lambda module: module.__name__)
def test_dir_shows_the_public_names(module):
    assert dir(module) == sorted(module.__all__)
