"""Samples that look like something else: the probabilities of a distribution."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.inputs import tables
from fastinfo.system import alerts

MOST_PROBABILITIES = 1000
"""More samples than this are not taken for probabilities."""

ROUNDING = 1e-9
"""How far from 1 the sum of probabilities may be."""


def look_like_probabilities(samples: Any) -> bool:
    """Whether samples are a few floating-point numbers, not negative, whose sum is 1.

    Zeros and a single one are rather an indicator, and no probabilities.
    """
    if isinstance(samples, (list, tuple)):
        if len(samples) > MOST_PROBABILITIES or not all(
            isinstance(value, float) for value in samples
        ):
            return False
    elif tables.is_series(samples):
        kind = str(getattr(samples, "dtype", None) or getattr(samples, "type", "")).lower()
        if not kind.startswith(("float", "double")) or len(samples) > MOST_PROBABILITIES:
            return False
    elif not isinstance(samples, np.ndarray) or samples.size > MOST_PROBABILITIES:
        return False
    if np.ma.isMaskedArray(samples):
        samples = samples.compressed()
    values = np.asarray(samples)
    if values.dtype.kind != "f" or values.size < 2 or not (values >= 0).all():
        return False
    return bool(abs(values.sum() - 1) < ROUNDING and ((values > 0) & (values < 1)).any())


def warn_where(measure: str, *variables: Any) -> None:
    """Warn where all variables look like probabilities, and name the function that takes them."""
    if all(map(look_like_probabilities, variables)):
        alerts.warn(
            f"these samples look like probabilities, for their sum is 1, and are taken as "
            f"{np.size(variables[0])} samples of a variable here: fastinfo.pmf.{measure} takes "
            "probabilities",
            alerts.ProbabilitiesWarning,
        )
