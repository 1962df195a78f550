"""What users are warned of: the classes, and the one way to warn.

A warning tells what a value is worth or what became of a table. It is never an error in disguise:
the value that follows it is the right one for the samples that came.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

PACKAGE = str(Path(__file__).parents[1]) + os.sep

NAMED_AT_MOST = 6
"""Names that a message spells out."""


class PreparationWarning(UserWarning):
    """Columns of a table are skipped, or binned although they are no floating-point numbers.

    The rules are those of `fastinfo.score`, in its notes.
    """


class SaturationWarning(UserWarning):
    """A table has too few samples for its cells, so that most of its information is chance."""


class ProbabilitiesWarning(UserWarning):
    """Samples look like the probabilities of a distribution, which `fastinfo.pmf` measures."""


class CappedBinsWarning(UserWarning):
    """A rule asked for more bins of equal width than there are samples, and got as many as those.

    The reason is a value far from all others. Most bins are empty then, and most samples in
    few of them: bins of equal frequency (``bins="quantile"``) do not mind such a value.
    """


class OutsideBinsWarning(UserWarning):
    """Samples lie outside of the bins that the first samples of `JointCounts` have decided."""


def warn(text: str, category: type[Warning]) -> None:
    """Warn at the line that called the package, however many of its own functions lie between."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)


def listed(names: Sequence[object]) -> str:
    """A few names, and how many there are beyond them."""
    beyond = len(names) - NAMED_AT_MOST
    spelled = ", ".join(map(str, names[:NAMED_AT_MOST]))
    return spelled + (f" and {beyond} more" if beyond > 0 else "")
