"""A warning for samples that look like the probabilities of a distribution."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.inputs import tables
from fastinfo.system import alerts

MOST_PROBABILITIES = 1000
"""More numbers than this are never taken for probabilities."""

ROUNDING = 1e-9
"""The largest distance from 1 of the sum of probabilities."""


def look_like_probabilities(samples: Any) -> bool:
    """Whether samples are at most 1000 floating-point numbers, none negative, whose sum is 1.

    Zeros and a single 1 do not count, since they are more likely an indicator.
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
    """Warn where all variables look like probabilities; the message names the right function."""
    if all(map(look_like_probabilities, variables)):
        alerts.warn(
            f"these samples look like probabilities, for their sum is 1, and are taken as "
            f"{np.size(variables[0])} samples of a variable here: fastinfo.pmf.{measure} takes "
            "probabilities",
            alerts.ProbabilitiesWarning,
        )
