"""Python objects → arrays of one type: lists, and NumPy's arrays of objects."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from decimal import Decimal
from itertools import chain
from typing import Any

import numpy as np

from fastinfo.binning import categories

TEXT = frozenset({str, np.str_})


def is_number(value: Any) -> bool:
    """Whether a value is a real number and not a boolean."""
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))


def is_integer(value: Any) -> bool:
    """Whether a value is an integer and not a boolean."""
    return isinstance(value, numbers.Integral) and not isinstance(value, (bool, np.bool_))


def of_list(samples: Sequence[Any], name: str) -> Any:
    """A list as an array in which different samples stay different.

    Raises
    ------
    ValueError
        For rows of different lengths.
    """
    # NumPy would turn numbers beside text into text, and pad all of it to the longest.
    dtype = object if _has_text(samples) else None
    try:
        array = np.asarray(samples, dtype)
    except ValueError as error:
        raise ValueError(f"{name} is no array: {error}") from None
    if array.dtype.kind == "f" and _passes_int64(array):
        # NumPy turns labels on both sides of 2⁶³ into floats, in which neighbours are equal.
        objects = np.asarray(samples, dtype=object)
        array = objects if all(map(is_integer, objects.flat)) else array
    return array


def encode_text(values: Any, missing: Any) -> tuple[Any, Any, Any]:
    """The codes of text, a boolean array of the missing samples, and the labels."""
    codes, labels = categories.encode_text(values, missing)
    return codes, codes == labels.size, labels


def _has_text(samples: Sequence[Any]) -> bool:
    """Whether a list, or one of the lists that are its rows, holds text."""
    if samples and isinstance(samples[0], str):
        return True
    types = set(map(type, samples))
    if types <= {list, tuple}:
        types = set(map(type, chain.from_iterable(samples)))
    return any(issubclass(kind, (str, bytes)) for kind in types)


def _passes_int64(array: Any) -> bool:
    return bool((np.abs(array) >= 1 << 63).any())


def to_types(values: Any, missing: Any, name: str) -> tuple[Any, Any, Any]:
    """Objects of one type as an array of that type, which of them are missing, and any labels.

    None and NaN are missing. Only text has labels; for other types they are None.

    Raises
    ------
    TypeError
        For objects of several types, and of a type that is no number, boolean or string.
    ValueError
        For integers outside of 64 bits.
    """
    if missing is not None:
        values = np.where(missing, None, values)
    types = set(map(type, values.tolist()))
    if types & TEXT:
        others = (value for value in values.tolist() if type(value) not in TEXT)
        if types <= TEXT or all(map(_is_absent, others)):
            return encode_text(values, None)
    absent = np.array([_is_absent(value) for value in values.tolist()])
    present = values[~absent].tolist()
    types = {type(value) for value in present}
    filler: Any
    dtype: Any
    if not present:
        filler, dtype = np.nan, np.float64
    elif types <= {bool, np.bool_}:
        filler, dtype = False, np.bool_
    elif all(is_integer(value) for value in present):
        filler = min(present)
        dtype = np.int64 if filler < 0 or max(present) < 1 << 63 else np.uint64
    elif all(is_number(value) or isinstance(value, Decimal) for value in present):
        filler, dtype = np.nan, np.float64
    else:
        names = ", ".join(sorted(t.__name__ for t in types))
        raise TypeError(
            f"{name} holds objects of type {names}; accepted are samples of one type: numbers, "
            "booleans or strings. pandas.Series(x, dtype='category') takes other labels, and "
            "labels of several types"
        )
    pairs = zip(values.tolist(), absent, strict=True)
    filled = [filler if is_absent else value for value, is_absent in pairs]
    try:
        return np.array(filled, dtype=dtype), absent, None
    except OverflowError:
        raise ValueError(
            f"{name} holds integers outside of 64 bits; pass them as strings to count them as "
            "categories"
        ) from None


def _is_absent(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, Decimal):
        return value.is_nan()  # a comparison with a signaling NaN would raise
    return isinstance(value, numbers.Number) and bool(value != value)
