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

Fields are of the types of arguments: arrays of the device, NumPy scalars of exactly the kernel's
types, and structs. Build a struct with keywords. Types may differ from launch to launch, as those
of ``template <class Value> struct Side`` do. The C++ struct may have methods, but no base class,
and each of its fields is a line ``type name;`` or ``type name, other;``, without array bounds and
initialisers. The compiler ignores ``__restrict__`` at pointers in a struct. It still proves what it
can: `count_shared` loads through the read-only path, as it did without the struct.

Tests hold both declarations together: at each launch the emulated device compares name, offset and
type of every field with what the C++ compiler made of it. CUDA compares nothing.

The tuple keeps its arrays alive until the kernel is launched. CuPy's pool gives memory that is
freed afterwards only to later work on the same stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np


def by_value(struct: tuple[Any, ...]) -> Any:
    """The struct as a host array of one element, laid out as in C++, which CuPy passes by value."""
    return np.array(_values(struct), _layout(_types(struct)))


def fields(struct: tuple[Any, ...]) -> Iterator[tuple[str, int, Any]]:
    """Name, offset in bytes and value of each field; inner structs give names ``bins.keys``."""
    layout = _layout(_types(struct))
    for name, value in zip(layout.names, struct, strict=True):
        offset = layout.fields[name][1]
        if isinstance(value, tuple):
            for inner_name, inner_offset, inner_value in fields(value):
                yield f"{name}.{inner_name}", offset + inner_offset, inner_value
        else:
            yield name, offset, value


@cache  # NumPy takes longer to make a layout than a launch takes
def _layout(types: tuple[tuple[str, Any], ...]) -> Any:
    members = [(name, _layout(kind) if isinstance(kind, tuple) else kind) for name, kind in types]
    return np.dtype(members, align=True)


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
