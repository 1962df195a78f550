"""The kernels of a family as a shared library for the processor."""

import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from fastinfo.backends.cupy import sources

HERE = Path(__file__).resolve().parent
BUILT = HERE.parent.parent / "build" / "emulation"

SANITIZERS = {
    "": [],
    "thread": ["-fsanitize=thread"],
    "address": ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"],
}
SANITIZER = os.environ.get("FASTINFO_EMULATION_SANITIZER", "")
"""What watches the kernels; its runtime has to be in the process from the start (LD_PRELOAD)."""

REPLACED = ("shared.cuh", "mma.cuh")
"""Includes with machine instructions or storage classes that only a GPU has."""

FLAGS = [
    *("-std=c++17", "-O1", "-g", "-fPIC", "-shared", "-fno-strict-aliasing"),
    *("-Wall", "-Wno-unknown-pragmas", "-Wno-unused-function", "-Wno-unused-variable", "-Werror"),
]


def unavailable():
    """Why kernels cannot be built here, or None."""
    if shutil.which("g++") is None:
        return "the kernels are compiled for the processor by g++, which is not there"
    return None


def without_random_addresses():
    """A command to go before one that the thread sanitizer watches: it wants its own addresses."""
    return ["setarch", "-R"] if shutil.which("setarch") else []


STRUCT = re.compile(
    r"^(?:template <(?P<template>class \w+(?:, class \w+)*)> )?struct (?P<name>\w+) \{\n"
    r"(?P<body>.*?)^\};$",
    re.MULTILINE | re.DOTALL,
)
FIELDS = re.compile(r"^    (?! |using |static )[\w:<>,*& ]*[\w>*&] (\w+(?:, \w+)*);", re.MULTILINE)


def told_structs(text):
    """What tells of the fields of each struct in a text, to C++: see `Fields` in `cuda.hpp`."""
    told = []
    for found in STRUCT.finditer(text):
        names = [name for some in FIELDS.findall(found["body"]) for name in some.split(", ")]
        parameters, name = found["template"] or "", found["name"]
        type_ = f"{name}<{parameters.replace('class ', '')}>" if parameters else name
        fields = "".join(
            f' + field<decltype(T::{field})>(outer + "{field}", offset + offsetof(T, {field}))'
            for field in names
        )
        told.append(
            f"template <{parameters}> struct emulation::Fields<{type_}> {{\n"
            f"    using T = {type_};\n"
            f'    static constexpr const char* name = "{name}";\n'
            "    static std::string told(const std::string& outer, std::size_t offset) {\n"
            f"        return std::string(){fields};\n    }}\n}};\n"
        )
    return "".join(told)


def complete_text(family, edited=lambda text: text):
    """One C++ file: the emulation, the kernels, and the table by which they are found."""
    replaced = {name: (HERE / name).read_text("utf-8") for name in REPLACED}
    names = sources.FAMILIES[family].kernels
    table = ",\n".join(f'    emulation::bind("{name}", &{name})' for name in names)
    text = edited(sources.text(family, replaced))
    return (
        (HERE / "cuda.hpp").read_text("utf-8").replace("#pragma once\n", "")
        + f'\n#line 1 "{family}.cu"\n{text}\n'
        + told_structs(text)
        + "\nconst emulation::Kernel* emulation::find(const char* name) {\n"
        + f"    static const Kernel kernels[] = {{\n{table}}};\n"
        + "    for (const Kernel& kernel : kernels)\n"
        + "        if (std::string(kernel.name) == name) return &kernel;\n"
        + "    return nullptr;\n}\n"
    )


def built(text, sanitizer=SANITIZER):
    """The shared library of a C++ text, compiled unless it is there already."""
    command = ["g++", *FLAGS, *SANITIZERS[sanitizer]]
    digest = hashlib.sha256("\0".join([*command, text]).encode()).hexdigest()[:24]
    library = BUILT / f"{digest}.so"
    if not library.exists():
        BUILT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILT) as scratch:
            source, made = Path(scratch, "kernels.cpp"), Path(scratch, "kernels.so")
            source.write_text(text, "utf-8")
            # Without the runtime of a sanitizer, which this command itself may run under.
            clean = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
            done = subprocess.run(
                [*command, "-o", str(made), str(source)], capture_output=True, text=True, env=clean
            )
            if done.returncode:
                raise RuntimeError(f"the kernels do not compile:\n{done.stderr[:4000]}")
            made.replace(library)  # whole or not at all, for tests run side by side
    return library


@cache
def library(family, edited=lambda text: text):
    """The kernels of a family, loaded."""
    loaded = ctypes.CDLL(str(built(complete_text(family, edited))))
    loaded.emulated_signature.restype = ctypes.c_char_p
    loaded.emulated_launch.restype = ctypes.c_char_p
    return loaded
