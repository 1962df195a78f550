"""The CUDA C++ text of the kernels, and the table of all kernels.

A family is one ``.cu`` file with the kernels that are made of its templates. Everything that
compiles kernels uses this table: the backend, the check that compiles every kernel for every
compute capability, and the tests that run the same text on the processor.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from itertools import product
from typing import NamedTuple

INCLUDE = re.compile(r'^#include "([\w.]+)"$', re.MULTILINE)

TYPE_NAMES = {
    **{f"{kind}{bits}": f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)},
    "bool": "uint8",
    "float32": "float",
    "float64": "double",
}
"""The names in ``types.cuh`` of the types of elements, by the name of the dtype."""

LEAST_CAPABILITY = (7, 5)


class Family(NamedTuple):
    """One ``.cu`` file."""

    kernels: tuple[str, ...]
    """The names in C++ of all kernels that may be launched, such as ``sum_xlogx<int64>``."""
    capability: tuple[int, int] = LEAST_CAPABILITY
    """The least compute capability that the file needs."""


def instances(template: str, *parameters: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the kernels of a template, for every combination of its parameters."""
    return tuple(f"{template}<{', '.join(chosen)}>" for chosen in product(*parameters))


UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
SIGNED = ("int8", "int16", "int32", "int64")
CODES = UNSIGNED[:3]
FLOATS = ("float", "double")
BOOLEANS = ("false", "true")
COUNTED = (*UNSIGNED, *FLOATS)
"""The types of values that `count_shared` takes: codes and integers, and samples whose bins it
finds. A table can be written either way round, so that of two types the one that comes first here
is always the left one."""

FAMILIES: dict[str, Family] = {
    "encode": Family(
        tuple(
            f"encode_integers<{value}, {code}>"
            for position, value in enumerate(UNSIGNED)
            for code in CODES[: position + 1]
        )
        + instances("encode_floats", FLOATS, CODES, BOOLEANS)
    ),
    "rows": Family(
        instances("encode_integer_rows", UNSIGNED)
        + instances("encode_rows", FLOATS, CODES, BOOLEANS)
    ),
    "summarize": Family(instances("summarize", (*SIGNED, *UNSIGNED, *FLOATS))),
    "count": Family(
        tuple(
            f"count_shared<{left}, {right}>"
            for position, left in enumerate(COUNTED)
            for right in (*COUNTED[position:], "Nothing")
        )
        + instances("count_global", UNSIGNED)
        + instances("weigh_shared", UNSIGNED[:3])
        + instances("weigh_global", UNSIGNED)
        + instances("join_codes", UNSIGNED[2:])
    ),
    "planes": Family(
        instances("count_codes", CODES) + instances("pack_planes", CODES),
    ),
    "onehot_mma": Family(instances("count_onehot", ("Bits", "Bytes")), capability=(8, 0)),
    "onehot_popc": Family(instances("count_onehot", ("Words",))),
    "scatter": Family(instances("count_scatter", CODES) + instances("count_in_place", CODES)),
    "weighted": Family((*instances("weigh_pairs", CODES), "add_chunks")),
    "tables": Family(("complete_counts", "reduce_counts")),
    "matrix": Family(
        instances("combine", ("int64", "double")) + instances("write_cells", UNSIGNED[1:])
    ),
    "soft": Family(
        (
            *instances("soft_count", FLOATS, BOOLEANS),
            *instances("soft_gradient", FLOATS, BOOLEANS),
            "add_tables",
        )
    ),
    "rates": Family(
        (*instances("multiply_words", ("Bits", "Bytes")), "increment"), capability=(8, 0)
    ),
    "sums": Family((*instances("sum_xlogx", ("int64", "double")), "sum_xlogy", "add_pieces")),
}


def text(family: str, replaced: Mapping[str, str] | None = None) -> str:
    """The source of a family, with the text of each included file in place of its first include.

    CuPy's cache compares this text only, and would not notice a change of an included file.
    ``replaced`` gives other texts for included files, by name.
    """
    seen = set()

    def written_out(match: re.Match[str]) -> str:
        name = match[1]
        if name in seen:
            return ""
        seen.add(name)
        found = (replaced or {}).get(name) or _read(name)
        return INCLUDE.sub(written_out, found.replace("#pragma once\n", ""))

    return INCLUDE.sub(written_out, _read(f"{family}.cu"))


@cache
def _read(name: str) -> str:
    return resources.files(__package__).joinpath("cuda", name).read_text(encoding="utf-8")
