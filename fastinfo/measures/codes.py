"""What the measures see of a column: the bin of each sample."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastinfo import binning
from fastinfo.backends import choose, on_device_of
from fastinfo.binning.rules import Edges
from fastinfo.inputs import arguments, bin_arguments
from fastinfo.inputs.types import BackendName, BinsOfOne, Samples


class Encoded(NamedTuple):
    """A column as the measures count it."""

    codes: np.ndarray[Any, Any]
    """``(n,)``, uint8, uint16 or uint32: the bin of each sample; ``n_bins`` where it is missing."""
    bins: np.ndarray[Any, Any]
    """The ``n_bins + 1`` edges of floating-point samples, or the ``n_bins`` categories."""
    n_bins: int


def encode(
    x: Samples,
    *,
    bins: BinsOfOne = None,
    n_variables: int = 2,
    backend: BackendName | None = None,
) -> Encoded:
    """The codes and the bins of a column, exactly as the measures see them.

    Parameters
    ----------
    x : array-like of shape (n,)
        Samples of one variable.
    bins : None, int, str or array of edges
        How to bin floating-point samples; see `fastinfo.mutual_information`. The edges that came
        for one column encode another one alike.
    n_variables : int
        How many columns share the table, on which the default number of bins depends: 2 for
        `fastinfo.mutual_information` of two columns, 3 for the conditional one.
    backend : {"numba", "numpy", "cupy"}, optional
        As for `fastinfo.mutual_information`.

    Returns
    -------
    Encoded
        ``codes``, ``bins`` and ``n_bins``. A sample that is missing (NaN, None, masked, outside of
        given edges) has the code ``n_bins``.

    Raises
    ------
    ValueError, TypeError
        As `fastinfo.mutual_information`; missing samples are no error.

    Warns
    -----
    CappedBinsWarning
        As `fastinfo.mutual_information`.

    Examples
    --------
    >>> import fastinfo
    >>> codes, bins, n_bins = fastinfo.encode([0.5, 0.1, 0.9, 0.1], bins="quantile:2")
    >>> codes
    array([1, 0, 1, 0], dtype=uint8)
    >>> bins
    array([0.1, 0.5, 0.9])
    >>> fastinfo.encode(["b", "a", None]).codes
    array([1, 0, 2], dtype=uint8)
    """
    n_variables = arguments.positive_integer(n_variables, "n_variables")
    with on_device_of(x):
        columns = arguments.variable(x, "x")
        if len(columns) != 1:
            raise ValueError(f"x has {len(columns)} columns; encode takes one: pass x[:, 0]")
        (converted,), (rule,) = bin_arguments.bin_rules(bins, [columns])
        kernels = choose(backend, arguments.home_of_columns(converted, None, backend))
        coder = binning.fit(converted[0], binning.rules.sharing(rule, n_variables), kernels)
        codes, found = np.asarray(kernels.to_host(coder.codes())), coder.bins
    return Encoded(codes, found.edges if isinstance(found, Edges) else found.values, len(found))
