"""Compile every kernel for every compute capability and look at the machine code.

NVRTC compiles as CuPy has it compile, ptxas tells registers and spills, nvdisasm the instructions.
All of them come from PyPI and none needs a GPU.
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from fastinfo.backends.cupy import sources

CAPABILITIES = ((7, 5), (8, 0), (8, 6), (8, 9), (9, 0), (10, 0), (12, 0))
REGISTERS = 65536
"""Registers of a multiprocessor, on all of them."""

MOST_THREADS = 2048
THREADS = {(7, 5): 1024, (8, 6): 1536, (8, 9): 1536, (12, 0): 1536}
"""Threads of a multiprocessor, where they are not 2048."""

ALL_AT_ONCE = {
    *("encode_integers", "encode_floats", "summarize", "count_shared"),
    *("encode_integer_rows", "encode_rows"),
    *("count_global", "weigh_shared", "weigh_global", "join_codes", "combine", "write_cells"),
}
"""Kernels that wait for memory, and are launched in grids of as many threads as there are."""

COUNT = r"ATOMS\.(POPC\.INC|ADD)"
WIDE = r"LDG\.E\.128"
ADD = r"(RED|REDG|ATOMG)\.E\.ADD"

SOFT_SHARED = (r"LDS(\.U)?\.64", "DFMA", r"STS\.64", r"STG\.E\.64", "SHFL")

Expected = Callable[[tuple[int, int]], Sequence[str]]


def always(*patterns: str) -> Expected:
    """Instructions that are there on every device."""
    return lambda capability: patterns


def _matrix_product(capability: tuple[int, int]) -> Sequence[str]:
    """Bits are multiplied by an instruction of their own up to 9.0, and by others after that."""
    return (WIDE, r"BMMA\.168256\.AND\.POPC" if capability < (10, 0) else "IMMA")


EXPECTED: dict[str, Expected] = {
    "encode_integers": always(WIDE),
    "encode_floats": always(WIDE, r"\bLD[SG]"),
    "encode_integer_rows": always(r"LDG\.E", r"STG\.E\.U8"),
    "encode_rows": always(r"LDG\.E", r"\bLD[SG]"),
    "summarize": always(WIDE, r"SHFL\.BFLY", r"(RED|REDG|ATOMG)\.E\.MIN\.S64"),
    "count_shared": always(WIDE, COUNT, ADD),
    # Of whole integers of 64 bits only the lower halves are read by some compilers.
    **{
        name: always(r"LDG\.E", COUNT, ADD)
        for name in sources.FAMILIES["count"].kernels
        if name.startswith("count_shared") and "uint64" in name
    },
    "count_global": always(ADD),
    "weigh_shared": always(r"ATOMS\.CAS", r"ADD\.F64"),
    "weigh_global": always(r"ADD\.F64"),
    "join_codes": always(r"LDG\.E", r"STG\.E"),
    "sum_xlogx": always("DFMA", r"BAR\.SYNC"),
    "sum_xlogy": always("DFMA", r"BAR\.SYNC"),
    "add_pieces": always("DADD", r"BAR\.SYNC"),
    "count_codes": always(COUNT, ADD),
    "pack_planes": always(r"STG\.E", r"VOTE"),
    "count_onehot<Bits>": _matrix_product,
    "count_onehot<Bytes>": always(WIDE, r"IMMA\.16832\.S8\.S8"),
    "count_onehot<Words>": always(WIDE, "POPC"),
    "count_scatter": always(WIDE, COUNT, ADD),
    "count_in_place": always(ADD),
    "weigh_pairs": always(WIDE, "DADD", r"STG\.E\.64"),
    "add_chunks": always("DADD", r"STG\.E\.64"),
    "complete_counts": always(r"LDG\.E", ADD),
    "reduce_counts": always(r"LDG\.E\.64", r"SHFL\.BFLY", r"STG\.E\.64"),
    "combine": always(r"LDG\.E\.64", "DFMA", r"STG\.E\.64"),
    "write_cells": always(r"LDG\.E", r"LDS", r"STG\.E", r"BAR\.SYNC"),
    "multiply_words<Bits>": lambda capability: _matrix_product(capability)[1:],
    "multiply_words<Bytes>": always(r"IMMA\.16832\.S8\.S8"),
    "increment": always(COUNT),
    "soft_count<float, true>": always(*SOFT_SHARED),
    "soft_count<double, true>": always(*SOFT_SHARED),
    "soft_count": always(r"LDG\.E", "DFMA", r"ST(G)?\.E\.64"),
    "soft_gradient": always(r"LDG\.E\.64", "DFMA", r"STG\.E"),
    "add_tables": always(r"LDG\.E\.64", "DADD", r"BAR\.SYNC"),
}
"""What each kernel must consist of, by its name or its template's; every one has an entry."""


class Compiled(NamedTuple):
    """What a kernel has become on one device."""

    family: str
    name: str
    capability: tuple[int, int]
    registers: int
    spilled: int
    """Bytes that are stored because there were too few registers."""
    threads: int
    """Threads of a block that the launch bounds promise."""
    code: str

    def faults(self) -> list[str]:
        """What is wrong with it."""
        found = []
        if self.spilled:
            found.append(f"spills {self.spilled} bytes")
        template = self.name.partition("<")[0]
        threads = self.threads
        if template in ALL_AT_ONCE:
            threads = THREADS.get(self.capability, MOST_THREADS)
        if self.registers * threads > REGISTERS:
            found.append(f"{self.registers} registers do not let {threads} threads run at once")
        expected = EXPECTED.get(self.name) or EXPECTED.get(template)
        if expected is None:
            return [*found, "has no entry in ci.cuda.EXPECTED"]
        found += [
            f"has no instruction {pattern}"
            for pattern in expected(self.capability)
            if not re.search(pattern, self.code)
        ]
        return found


def compiled(family: str, capability: tuple[int, int], text: str | None = None) -> list[Compiled]:
    """All kernels of a family for a device."""
    from cuda.core import Program, ProgramOptions

    kernels = sources.FAMILIES[family].kernels
    options = ProgramOptions(
        arch=f"sm_{capability[0]}{capability[1]}",
        std="c++17",
        ftz=True,  # as CuPy sets it
        ptxas_options="-v",
    )
    log = io.StringIO()
    program = Program(sources.text(family) if text is None else text, "c++", options)
    cubin = program.compile("cubin", name_expressions=kernels, logs=log)
    told = _told_by_ptxas(log.getvalue())
    code = _disassembled(cubin.code)
    found = []
    for name in kernels:
        symbol = cubin.symbol_mapping[name].decode()
        registers, spilled = told[symbol]
        body, threads = code[symbol]
        found.append(Compiled(family, name, capability, registers, spilled, threads, body))
    return found


def _told_by_ptxas(log: str) -> dict[str, tuple[int, int]]:
    """Registers and spilled bytes of each symbol."""
    found = {}
    for part in re.split(r"Compiling entry function ", log)[1:]:
        symbol = re.match(r"'(\w+)'", part)
        registers = re.search(r"Used (\d+) registers", part)
        spilled = re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", part)
        if symbol is None or registers is None or spilled is None:
            raise ValueError(f"ptxas tells other things than it did: {part[:300]}")
        found[symbol[1]] = int(registers[1]), int(spilled[1]) + int(spilled[2])
    return found


def _disassembled(cubin: bytes) -> dict[str, tuple[str, int]]:
    """Instructions and launch bounds of each symbol."""
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        done = subprocess.run(
            [str(_nvdisasm()), file.name], capture_output=True, text=True, check=True
        )
    found = {}
    for part in re.split(r"^//-+ \.text\.", done.stdout, flags=re.MULTILINE)[1:]:
        symbol = re.match(r"\w+", part)
        assert symbol is not None
        instructions = "\n".join(re.findall(r"/\*[0-9a-f]{4,}\*/\s+(.*?;)", part))
        found[symbol[0]] = instructions, _bound(done.stdout, symbol[0])
    return found


def _bound(listing: str, symbol: str) -> int:
    """Threads of the launch bounds, which the file keeps among a kernel's attributes."""
    part = listing.partition(f"- .nv.info.{symbol} -")[2].partition("//------")[0]
    match = re.search(r"EIATTR_MAX_THREADS.*?\.word\s+0x([0-9a-f]{8})", part, re.DOTALL)
    if match is None:
        raise ValueError(f"{symbol} has no launch bounds")
    return int(match[1], 16)


def _nvdisasm() -> Path:
    import nvidia

    for folder in nvidia.__path__:
        for path in Path(folder).rglob("nvdisasm"):
            return path
    raise ImportError("nvdisasm is not there: pip install nvidia-cuda-nvdisasm")


def check(
    capabilities: Sequence[tuple[int, int]], texts: Mapping[str, str] | None = None
) -> list[Compiled]:
    """All kernels for some capabilities; ``texts`` replaces the sources of families."""
    return [
        kernel
        for capability in capabilities
        for family, described in sources.FAMILIES.items()
        if capability >= described.capability and (texts is None or family in texts)
        for kernel in compiled(family, capability, (texts or {}).get(family))
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="ci/check-cuda", description=__doc__)
    parser.add_argument("capability", nargs="*", help="compute capabilities; all by default")
    parser.add_argument("--table", action="store_true", help="show registers of every kernel")
    options = parser.parse_args(arguments)
    known = {f"{major}.{minor}": (major, minor) for major, minor in CAPABILITIES}
    for name in options.capability:
        if name not in known:
            parser.error(f"capability {name!r}; accepted are {', '.join(known)}")
    chosen = [known[name] for name in options.capability] or list(CAPABILITIES)
    n_faults = n_kernels = 0
    for capability in chosen:
        for kernel in check([capability]):
            n_kernels += 1
            at = f"{capability[0]}.{capability[1]} {kernel.family}: {kernel.name}"
            if options.table:
                print(f"{at}: {kernel.registers} registers, {kernel.threads} threads")
            for fault in kernel.faults():
                n_faults += 1
                print(f"{at} {fault}")
    print(f"{n_kernels} kernels for {len(chosen)} compute capabilities: {n_faults} faults")
    return 1 if n_faults else 0


if __name__ == "__main__":
    sys.exit(main())
