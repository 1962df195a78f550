"""Categories in their canonical form: each label once, in one order, as an array of one dtype.

Labels of one type are sorted as NumPy sorts them, text by its code points. A pandas categorical may
hold labels of several types. They are sorted by the name of their type and then by value, in an
array of objects; 1 and "1" are different categories. So the position of a label depends only on the
set of labels, and the counts of several batches, files and machines can be added up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from fastinfo.backends.contract import EXACT_IN_FLOATS, code_dtype

Array = np.ndarray[Any, Any]
Labels = Array | list[str]
"""An array of labels, or text as a list, which needs no padding."""

BLOCK = 1 << 14
"""Samples that become Python objects at a time; objects take several times their memory."""

SMALL = 1 << 20
"""Bytes up to which text is an array of fixed width, however much of it is padding."""

MOST_PADDING = 8
"""The most times that padding may multiply the size of larger text; beyond, it becomes objects."""

MOST_HASHED = 64
"""The most characters of text of a fixed width that is hashed as numbers, by character."""

ODD = np.uint64(0x9E3779B97F4A7C15)
"""2⁶⁴ over the golden ratio, the factor of Fibonacci hashing (Knuth, vol. 3, 6.4)."""

TYPES = frozenset({"bool", "bytes", "float", "int", "str"})
"""Names of the types of labels that may be mixed; labels are sorted and stored by these names."""


# --- the canonical form -------------------------------------------------------------------------


def typed(values: Iterable[Any], name: str) -> Labels:
    """Distinct labels in the form for their type: a list of text, an array, an array of objects.

    Labels that are neither numbers nor text, like the intervals of `pandas.cut`, become their text.

    Raises
    ------
    TypeError
        If the labels are of several types, one of which is neither a number nor text.
    ValueError
        If different labels have the same text.
    """
    labels = list(values)
    if set(map(type, labels)) <= {str}:
        return labels
    labels = [_scalar(label) for label in labels]
    types = sorted({type(label).__name__ for label in labels})
    if types == ["str"]:
        return labels
    if types == ["int"]:
        limits = np.iinfo(np.int64)
        fits = all(limits.min <= label <= limits.max for label in labels)
        return np.array(labels, np.int64) if fits else _unsigned(labels)
    if types == ["bytes"]:
        return _text(labels, np.bytes_)
    if TYPES.issuperset(types):
        return np.array(labels) if len(types) == 1 else _objects(labels)
    if len(types) > 1:
        raise TypeError(
            f"{name} holds categories of the types {', '.join(types)}; accepted in one column are "
            "numbers, booleans and text: pass x.astype(str) to count them by their text"
        )
    texts = [str(label) for label in labels]
    if len(set(texts)) < len(texts):
        twice = next(text for text in texts if texts.count(text) > 1)
        raise ValueError(
            f"{name} holds different categories of type {types[0]} that have the same text, "
            f"{twice!r}: rename them"
        )
    return texts


def canonical(labels: Labels) -> tuple[Array, Array]:
    """The labels in canonical form, and the position of each of ``labels`` among them."""
    if isinstance(labels, list):
        labels = _text(labels)
    if labels.dtype != object:
        found, positions = np.unique(labels, return_inverse=True)
        return found, positions
    is_text = _kind(labels) == "text"
    found, (positions,) = _united([_keys(labels, is_text)], is_text)
    return found, positions


def merge(left: Array, right: Array) -> tuple[Array, Array, Array]:
    """Canonical labels that include both sides, and the positions of each side among them.

    Both sides are in canonical form.

    Raises
    ------
    ValueError
        If the sides are of two types, unless one side itself holds several types. Also if no dtype
        holds all labels.
    """
    kinds = {_kind(left), _kind(right)}
    may_be_mixed = "mixed" in kinds and kinds <= {"mixed", "text", *"bifS"}
    if len(kinds) > 1 and not may_be_mixed and kinds != {"i", "f"}:
        raise ValueError(
            f"categories of {_type_of(left)} and of {_type_of(right)} cannot be merged; give "
            "both sides samples of one type"
        )
    if kinds & {"mixed", "text"}:
        is_text = kinds == {"text"}
        keys = [_keys(side, is_text) for side in (left, right)]
        merged, (to_left, to_right) = _united(keys, is_text)
        return merged, to_left, to_right
    if np.array_equal(left, right):
        same = np.arange(left.size)
        return left, same, same
    left, right = _of_one_dtype(left, right)
    merged = np.unique(np.concatenate([left, right]))
    if kinds == {"i", "f"}:
        is_whole = (merged == np.trunc(merged)) & (np.abs(merged) <= EXACT_IN_FLOATS)
        if is_whole.all():
            merged, left, right = (side.astype(np.int64) for side in (merged, left, right))
    return merged, np.searchsorted(merged, left), np.searchsorted(merged, right)


def _scalar(label: Any) -> Any:
    if isinstance(label, str):
        text: str = str.__str__(label)  # a plain str, also for NumPy's and other subclasses
        return text
    is_plain = isinstance(label, np.generic) and label.dtype.kind in "biufS"
    return label.item() if is_plain else label


def _kind(labels: Array) -> str:
    """The kind of labels, which decides how they merge: text, mixed, or the kind of their dtype."""
    kind: str = labels.dtype.kind
    if kind == "O":
        return "text" if all(isinstance(label, str) for label in labels.flat) else "mixed"
    return {"U": "text", "u": "i"}.get(kind, kind)


def _type_of(labels: Array) -> str:
    kind = _kind(labels)
    return {"text": "text", "mixed": "several types"}.get(kind, f"dtype {labels.dtype}")


def _keys(labels: Array, is_text: bool) -> list[Any]:
    """The keys that labels are sorted by: text itself, or the type's name and the value."""
    listed: list[Any] = labels.tolist()
    return listed if is_text else [(type(label).__name__, label) for label in listed]


def _united(sides: Sequence[list[Any]], is_text: bool) -> tuple[Array, list[Array]]:
    """The labels of all sides in order, and the positions of each side's labels among them."""
    ordered = sorted(set().union(*sides))
    index = {key: position for position, key in enumerate(ordered)}
    positions = [np.fromiter(map(index.__getitem__, side), np.intp, len(side)) for side in sides]
    labels = _text(ordered) if is_text else _objects([label for _, label in ordered])
    return labels, positions


def _text(labels: Sequence[Any], dtype: Any = np.str_) -> Array:
    """Labels as NumPy's text or bytes; as objects where NumPy would cut labels or waste memory.

    NumPy pads labels with NUL to the length of the longest, and drops NUL at the end of a label.
    """
    size = np.dtype((dtype, 1)).itemsize
    padded_bytes = max(map(len, labels), default=0) * len(labels) * size
    is_wasted = padded_bytes > max(SMALL, MOST_PADDING * sum(map(len, labels)) * size)
    if is_wasted or any(label[-1:] in ("\0", b"\0") for label in labels):
        return _objects(labels)
    return np.array(labels, dtype)


def _objects(labels: Sequence[Any]) -> Array:
    found = np.empty(len(labels), object)
    found[:] = labels
    return found


def _unsigned(labels: Sequence[int]) -> Array:
    if min(labels) < 0 or max(labels) > np.iinfo(np.uint64).max:
        return _objects(labels)
    return np.array(labels, np.uint64)


def _of_one_dtype(left: Array, right: Array) -> tuple[Array, Array]:
    dtype = np.promote_types(left.dtype, right.dtype)
    kinds = {left.dtype.kind, right.dtype.kind}
    if "f" in kinds and kinds <= {"i", "u", "f"}:
        # pandas turns the labels of a categorical of integers with missing values into floats.
        exact = [
            np.array_equal(side.astype(dtype).astype(side.dtype), side) for side in (left, right)
        ]
        if not all(exact):
            raise ValueError(
                f"categories of dtype {left.dtype} and {right.dtype} are not exact together"
            )
        return left.astype(dtype), right.astype(dtype)
    if kinds == {"i", "u"}:
        # NumPy promotes int64 and uint64 to float64, in which neighbours are equal.
        low = min(int(left.min()), int(right.min()))
        if low < 0 and max(int(left.max()), int(right.max())) > np.iinfo(np.int64).max:
            raise ValueError("negative labels and labels above 2⁶³ − 1 fit no integer dtype")
        dtype = np.dtype(np.int64 if low < 0 else np.uint64)
    sides = left.astype(dtype), right.astype(dtype)
    if dtype.kind in "mM":  # NumPy wraps a date around that a finer unit cannot hold
        for before, after in zip((left, right), sides, strict=True):
            if not np.array_equal(after.astype(before.dtype), before):
                raise ValueError(f"categories of dtype {before.dtype} do not fit {dtype}")
    return sides


# --- samples ------------------------------------------------------------------------------------


def encode(positions: Array, n_labels: int, take: Callable[[Array], Labels]) -> tuple[Array, Array]:
    """The codes of samples, given as positions among labels, and the labels that occur.

    Parameters
    ----------
    positions : integer array of shape (n,)
        −1 where a sample is missing.
    n_labels : int
        The number of labels, which may be in any order.
    take : function
        Returns the labels at given positions. Only labels that occur are asked for, since a
        dictionary may hold many more.

    Returns
    -------
    codes : array of shape (n,)
        uint8, uint16 or uint32, the smallest that holds them; code B = ``len(labels)`` marks a
        missing sample.
    labels : array of shape (B,)
        In canonical form.
    """
    occurs = np.zeros(n_labels + 1, np.bool_)
    occurs[positions] = True  # −1, missing, sets the last
    kept = np.flatnonzero(occurs[:-1])
    labels, order = canonical(take(kept))
    code = np.full(n_labels + 1, labels.size, code_dtype(labels.size))
    code[kept] = order
    return code[positions], labels


def chosen(labels: Labels, kept: Array) -> Labels:
    """The labels at some positions; a ``take`` of `encode`."""
    if isinstance(labels, np.ndarray):
        return labels[kept]
    return labels if len(kept) == len(labels) else [labels[position] for position in kept.tolist()]


def encode_text(values: Array, missing: Array | None = None) -> tuple[Array, Array]:
    """As `encode`, for samples that are text or bytes; objects that are neither are missing.

    Samples are hashed, since sorting all of them takes ten times as long.
    """
    found = _numbered_rows(values) if values.dtype.kind in "US" else None
    positions, labels = found or _numbered(values)
    if missing is not None:
        positions[missing] = -1
    return encode(positions, len(labels), partial(chosen, labels))


def _numbered(values: Array) -> tuple[Array, Labels]:
    """The position of each sample's label, and the labels in the order of first occurrence."""
    found: dict[Any, int] = {}
    positions = np.empty(values.size, np.intp)
    for start in range(0, values.size, BLOCK):
        block = values[start : start + BLOCK].tolist()
        for label in dict.fromkeys(block):
            if label not in found:
                found[label] = len(found)
        numbers = map(found.__getitem__, block)
        positions[start : start + len(block)] = np.fromiter(numbers, np.intp, len(block))
    labels = list(found)
    is_absent = np.array([not isinstance(label, (str, bytes)) for label in labels], np.bool_)
    if is_absent.any():
        positions[is_absent[positions]] = -1
        labels = ["" if absent else label for label, absent in zip(labels, is_absent, strict=True)]
    return positions, typed(labels, "x")


def _numbered_rows(values: Array) -> tuple[Array, Labels] | None:
    """As `_numbered`, for text of a fixed width; None if it is wide or two labels have one hash.

    `_numbered` spends most of its time on making a Python string of each sample.
    """
    unit = np.uint32 if values.dtype.kind == "U" else np.uint8
    words = np.ascontiguousarray(values).view(unit).reshape(values.size, -1)
    if words.shape[1] > MOST_HASHED:
        return None
    hashes = np.zeros(values.size, np.uint64)
    for word in words.T:
        np.bitwise_xor(hashes, word, out=hashes)
        hashes *= ODD
        hashes ^= hashes >> np.uint64(32)
    distinct, positions = np.unique(hashes, return_inverse=True)
    example = np.empty(distinct.size, np.intp)
    example[positions] = np.arange(values.size)
    if not np.array_equal(words, words[example[positions]]):
        return None
    return positions, values[example].astype(values.dtype.newbyteorder("="))


# --- files --------------------------------------------------------------------------------------


def to_json(labels: Array) -> list[list[Any]]:
    """An array of objects as pairs of a type's name and a value, which JSON can hold."""
    return [
        [type(label).__name__, label.decode("latin-1") if isinstance(label, bytes) else label]
        for label in labels.tolist()
    ]


def from_json(pairs: list[list[Any]]) -> Array:
    """The labels of which `to_json` made these pairs.

    Raises
    ------
    ValueError
        If a pair is not one that `to_json` makes.
    """
    labels = [label.encode("latin-1") if kind == "bytes" else label for kind, label in pairs]
    kinds = [kind for kind, _ in pairs]
    if kinds != [type(label).__name__ for label in labels] or not TYPES.issuperset(kinds):
        raise ValueError("its categories are not of the types that it tells")
    return _objects(labels)
