"""The classes of warnings, and the function that every warning goes through.

A warning tells how reliable a value is, or how a table was treated. It does not stand for an error:
the value that follows it is correct for the given samples.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

PACKAGE = str(Path(__file__).parents[1]) + os.sep

NAMED_AT_MOST = 6
"""The largest number of names that a message lists."""


class PreparationWarning(UserWarning):
    """Columns of a table are skipped, or binned although they are no floating-point numbers.

    The notes of `fastinfo.score` give the rules.
    """


class SaturationWarning(UserWarning):
    """A table has too few samples for its cells, so that most of its information is chance."""


class ProbabilitiesWarning(UserWarning):
    """Samples look like the probabilities of a distribution, which `fastinfo.pmf` measures."""


class CappedBinsWarning(UserWarning):
    """A rule asked for more bins of equal width than there are samples, and got one a sample.

    The reason is a value far from all others. Most bins are empty then, and a few bins hold most
    samples. Bins of equal frequency (``bins="quantile"``) are not affected by such a value.
    """


class OutsideBinsWarning(UserWarning):
    """Samples lie outside of the bins that the first samples of a `JointCounts` have fixed."""


def warn(text: str, category: type[Warning]) -> None:
    """Warn, with the line outside of the package that called it as the source."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)


def listed(names: Sequence[object]) -> str:
    """The first `NAMED_AT_MOST` names, and the number of the others."""
    beyond = len(names) - NAMED_AT_MOST
    spelled = ", ".join(map(str, names[:NAMED_AT_MOST]))
    return spelled + (f" and {beyond} more" if beyond > 0 else "")
