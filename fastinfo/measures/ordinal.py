"""A time series → its ordinal patterns, which the measures count as categories."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.backends import choose, name_of, on_device_of
from fastinfo.backends.home import home_of
from fastinfo.binning import ordinal
from fastinfo.inputs import arguments, tables
from fastinfo.inputs.types import BackendName, Samples


def ordinal_patterns(
    x: Samples, order: int = 3, delay: int = 1, *, backend: BackendName | None = None
) -> Any:
    """The ordinal pattern of each window of a time series: how its samples rank [1]_.

    The patterns are categories for every measure: ``entropy(ordinal_patterns(x))`` is the
    permutation entropy, and ``transfer_entropy`` of two series of patterns is the symbolic transfer
    entropy [2]_. They do not change under increasing transformations of the samples, and need no
    bins.

    Parameters
    ----------
    x : array-like of shape (n,)
        Samples of one variable in the order of time: floating-point numbers, integers or booleans.
    order : int
        The number of samples in a window, from 2 to 12. There are ``order!`` patterns.
    delay : int
        How many samples after each other the samples of a window are.
    backend : {"numba", "numpy", "cupy"}, optional
        As for `mutual_information`.

    Returns
    -------
    numpy.ndarray or numpy.ma.MaskedArray of shape (n - (order - 1) * delay,)
        The pattern of the window that begins at each sample, uint8, uint16 or uint32. It is the
        place of the ranks of its samples among all ``order!`` in lexicographic order: 0 for samples
        that increase, ``order! - 1`` for samples that decrease. Of equal samples the earlier ranks
        lower. Windows with a missing sample are masked; where there are none, the array is a plain
        one. A CuPy array or a torch tensor for samples on a GPU.

    Raises
    ------
    ValueError
        For an order or a delay out of range, fewer samples than a window, and missing samples on a
        GPU, where no array has a mask.
    TypeError
        For samples that are text or other categories, which have no order in time.

    Notes
    -----
    A masked pattern is missing for the measures: pass ``nan_policy="omit"``. Measured series often
    have equal samples, which make increasing patterns too frequent: add noise far below the
    precision where that matters.

    References
    ----------
    .. [1] C. Bandt and B. Pompe, "Permutation entropy: a natural complexity measure for time
       series", Physical Review Letters 88, 2002.
    .. [2] M. Staniek and K. Lehnertz, "Symbolic transfer entropy", Physical Review Letters 100,
       2008.

    Examples
    --------
    The example of Bandt and Pompe: of five windows two increase, and two have the smallest sample
    at their end.

    >>> import fastinfo
    >>> patterns = fastinfo.ordinal_patterns([4, 7, 9, 10, 6, 11, 3], order=3)
    >>> patterns
    array([0, 0, 3, 2, 3], dtype=uint8)
    >>> round(fastinfo.entropy(patterns, base=2), 3)
    1.522
    """
    order = arguments.positive_integer(order, "order")
    delay = arguments.positive_integer(delay, "delay")
    if not 2 <= order <= ordinal.MOST_SAMPLES:
        raise ValueError(
            f"order={order}; accepted is an integer from 2 to {ordinal.MOST_SAMPLES}, the number "
            "of samples in a window"
        )
    if backend is not None:
        name_of(backend)
    with on_device_of(x):
        columns = arguments.variable(x, "x")
        if len(columns) != 1:
            raise ValueError(
                f"x has {len(columns)} columns; ordinal_patterns takes one: pass x[:, 0]"
            )
        column = columns[0]
        if column.categories is not None:
            raise TypeError("x holds text or categories, which have no order; pass numbers")
        reach, n_samples = (order - 1) * delay, column.values.size
        if n_samples <= reach:
            raise ValueError(
                f"x has {n_samples} samples, and a window of order={order} and delay={delay} spans "
                f"{reach + 1}"
            )
        kernels = choose(backend, arguments.home_of_columns(columns, None, backend))
        values = kernels.bring(column.values)
        missing = column.missing
        if missing is None and column.is_float:
            missing = values != values
        codes = ordinal.patterns(values, order, delay, kernels)
        if missing is None or not missing.any():
            codes = kernels.to_host(codes)
            return codes if home_of(x).is_host else tables.like(codes, x)
        if not home_of(x).is_host:
            raise ValueError(
                "x has missing samples and is on a GPU, where arrays have no mask to tell their "
                "windows: pass it from the host"
            )
        codes = kernels.to_host(codes)
        is_missing = ordinal.has_missing(np.asarray(kernels.to_host(missing)), order, delay)
        return np.ma.MaskedArray(codes, is_missing)
