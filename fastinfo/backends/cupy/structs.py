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

Fields may be what arguments may be: arrays of the device, NumPy scalars of exactly the types in the
struct, and structs. Build them with keywords. Types may differ from launch to launch, as those of
``template <class Value> struct Side`` do. The C++ struct may have methods, but no base class. Each
of its fields is a line ``type name;`` or ``type name, other;``, without array bounds and
initialisers. The compiler ignores ``__restrict__`` on pointers of a struct and proves what it can:
`count_shared` still loads through the read-only path.

Tests keep both declarations equal: at each launch the emulated device compares name, offset and
type of every field with those of the C++ compiler. CUDA compares nothing.

The tuple keeps its arrays alive until the kernel is launched. Memory freed after that is used by
later work on the same stream only, which CuPy's pool guarantees.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np


def by_value(struct: tuple[Any, ...]) -> Any:
    """The struct as CuPy passes it by value: a host array of one element, laid out as in C++."""
    return np.array(_values(struct), _layout(_types(struct)))


def fields(struct: tuple[Any, ...]) -> Iterator[tuple[str, int, Any]]:
    """Name, offset in bytes and value of each field; inner structs give names as ``bins.keys``."""
    layout = _layout(_types(struct))
    for name, value in zip(layout.names, struct, strict=True):
        offset = layout.fields[name][1]
        if isinstance(value, tuple):
            for inner, further, found in fields(value):
                yield f"{name}.{inner}", offset + further, found
        else:
            yield name, offset, value


@cache  # NumPy takes longer to make a layout than a launch takes
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
