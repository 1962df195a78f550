"""The text of the CUDA kernels: written out whole, and compiled for every compute capability."""

import re
from importlib import resources

import pytest

from ci import cuda
from fastinfo.backends.cupy import sources

CUDA = resources.files("fastinfo.backends.cupy").joinpath("cuda")


@pytest.fixture(scope="module")
def _compiler():
    """NVRTC and nvdisasm, which need no GPU."""
    for module in ("cuda.core", "cuda.bindings.nvrtc", "nvidia"):
        pytest.importorskip(module, reason=f"{module} is missing: pip install -e '.[cuda-check]'")


def test_every_cuda_file_is_a_family_or_included():
    names = {path.name for path in CUDA.iterdir()}
    families = {f"{family}.cu" for family in sources.FAMILIES}
    assert {name for name in names if name.endswith(".cu")} == families
    included = set()
    for name in names:
        included |= set(sources.INCLUDE.findall(CUDA.joinpath(name).read_text("utf-8")))
    assert {name for name in names if name.endswith(".cuh")} == included


@pytest.mark.parametrize("family", sources.FAMILIES)
def test_includes_are_written_out_once(family):
    text = sources.text(family)
    assert "#include" not in text
    assert "#pragma once" not in text
    assert text.count("using int64 = long long;") == 1
    assert "int replaced;" in sources.text(family, {"types.cuh": "int replaced;"})


@pytest.mark.parametrize("family", sources.FAMILIES)
def test_every_kernel_has_launch_bounds_and_expected_instructions(family):
    """A kernel without an entry among the expectations would not be looked at."""
    kernels = set(re.findall(r"__global__ void (\S+?\([^)]*\)) (\w+)\(", sources.text(family)))
    assert {name.partition("<")[0] for name in sources.FAMILIES[family].kernels} == {
        name for _, name in kernels
    }
    for bounds, name in kernels:
        assert bounds.startswith(("ALL_AT_ONCE(", "__launch_bounds__(")), name
        assert (name in cuda.ALL_AT_ONCE) == bounds.startswith("ALL_AT_ONCE("), name
    for name in sources.FAMILIES[family].kernels:
        assert name in cuda.EXPECTED or name.partition("<")[0] in cuda.EXPECTED


def faults_of(family, edit):
    """Faults of a family whose text was changed."""
    text = sources.text(family)
    changed = edit(text)
    assert changed != text
    return {
        fault for kernel in cuda.check([(9, 0)], {family: changed}) for fault in kernel.faults()
    }


@pytest.mark.usefixtures("_compiler")
def test_a_kernel_that_spills_is_found():
    """256 values of each thread that all have to wait for a barrier, in 32 registers."""
    spill = (
        "double kept[64]; for (int i = 0; i < 64; ++i) kept[i] = counts[i] * 0.5;\n"
        "__syncthreads();\n#pragma unroll\n"
        "for (int i = 0; i < 64; ++i) if (kept[i] == out[i]) out[i] += kept[63 - i];\n"
        "sum_pieces(n_rows"
    )

    def edit(text):
        bounded = text.replace(
            "__launch_bounds__(256) sum_xlogx", "__launch_bounds__(1024, 2) sum_xlogx"
        )
        return bounded.replace("sum_pieces(n_rows", spill, 1)

    assert any(fault.startswith("spills") for fault in faults_of("sums", edit))


@pytest.mark.usefixtures("_compiler")
def test_a_missing_instruction_is_found():
    found = faults_of(
        "count",
        lambda text: text.replace("atomicAdd(cell, 1u)", "atomicExch(cell, 1u)"),
    )
    assert r"has no instruction ATOMS\.(POPC\.INC|ADD)" in found


@pytest.mark.usefixtures("_compiler")
def test_narrow_loads_are_found():
    found = faults_of(
        "summarize", lambda text: text.replace("is_wide ? n_samples / N", "false ? 1")
    )
    assert r"has no instruction LDG\.E\.128" in found


@pytest.mark.usefixtures("_compiler")
def test_too_many_registers_are_found(monkeypatch):
    """As on a device with a quarter of the registers."""
    monkeypatch.setattr(cuda, "REGISTERS", cuda.REGISTERS // 4)
    found = {fault for kernel in cuda.compiled("summarize", (9, 0)) for fault in kernel.faults()}
    assert any("registers do not let 2048 threads run at once" in fault for fault in found)


def test_an_unknown_capability_is_told(capsys):
    with pytest.raises(SystemExit) as raised:
        cuda.main(["3.5"])
    assert raised.value.code == 2
    assert "capability '3.5'; accepted are 7.5, 8.0" in capsys.readouterr().err
