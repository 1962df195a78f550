"""C++ structs as arguments of kernels, passed by value.

A struct is declared twice: as a `NamedTuple` beside the launcher, and in the CUDA text by the same
name, with the same fields in the same order. ::

    class Axis(NamedTuple):            struct Axis {
        limits: Array                      const double* limits;
        n_bins: np.int32                   int32 n_bins;
        sigma: np.float64                  double sigma;
                                       };

    axis = Axis(limits=limits, n_bins=np.int32(9), sigma=np.float64(1))
    device.launch("soft", "spread", grid, block, (axis, out))

    __global__ void spread(Axis axis, double* __restrict__ out)

Fields are what arguments are: arrays of the device, NumPy scalars of the kernel's very types, and
structs. Build them with keywords. Types may differ from launch to launch, as those of
``template <class Value> struct Side`` do. The C++ struct may have methods, but no base class, and
each of its fields is a line ``type name;`` or ``type name, other;``, without array bounds and
initialisers. For pointers of a struct there is no ``__restrict__`` that the compiler heeds. It
proves what it can: of `count_shared` it loads as it did, through the read-only path.

Tests hold both declarations together: at each launch the emulated device compares name, offset and
type of every field with what the C++ compiler made of it. CUDA compares nothing.

The tuple keeps its arrays until the kernel is launched. Memory given back after that goes to what
comes later on the same stream, as CuPy's pool sees to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np


def by_value(struct: tuple[Any, ...]) -> Any:
    """A struct as CuPy passes it by value: a host array of one element, laid out as in C++."""
    return np.array(_values(struct), _layout(_types(struct)))


def fields(struct: tuple[Any, ...]) -> Iterator[tuple[str, int, Any]]:
    """Name, offset in bytes and value of each field, those of inner structs too: ``bins.keys``."""
    layout = _layout(_types(struct))
    for name, value in zip(layout.names, struct, strict=True):
        offset = layout.fields[name][1]
        if isinstance(value, tuple):
            for inner, further, found in fields(value):
                yield f"{name}.{inner}", offset + further, found
        else:
            yield name, offset, value


@cache  # a layout takes NumPy longer than a launch
def _layout(types: tuple[tuple[str, Any], ...]) -> Any:
    laid = [(name, _layout(type_) if isinstance(type_, tuple) else type_) for name, type_ in types]
    return np.dtype(laid, align=True)


def _types(struct: Any) -> tuple[tuple[str, Any], ...]:
    return tuple(zip(struct._fields, map(_type, struct), strict=True))


def _type(value: Any) -> Any:
    if isinstance(value, tuple):
        return _types(value)
    return type(value) if isinstance(value, np.generic) else np.uintp


def _values(struct: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(map(_value, struct))


def _value(value: Any) -> Any:
    if isinstance(value, tuple):
        return _values(value)
    return value if isinstance(value, np.generic) else value.data.ptr
