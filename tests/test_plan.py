"""How work is cut for a GPU, and the commands that are run where there is one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from emulation import build
from emulation.device import SMALL
from hypothesis import example, given
from hypothesis import strategies as st

import fastinfo
from bench import gpu, gpu_cases, gpu_watch, report
from fastinfo.backends.cupy import CupyKernels, plan
from fastinfo.backends.cupy.device import Properties
from fastinfo.backends.cupy.sources import FAMILIES

ROOT = Path(__file__).resolve().parent.parent

DEVICES = st.builds(
    Properties,
    name=st.just("any"),
    capability=st.just((9, 0)),
    multiprocessors=st.integers(1, 200),
    threads_per_multiprocessor=st.sampled_from([1024, 1536, 2048]),
    shared_bytes_per_block=st.integers(48 << 10, 227 << 10),
    shared_bytes_per_multiprocessor=st.integers(64 << 10, 228 << 10),
)

H200 = Properties("H200", (9, 0), 132, 2048, 227 << 10, 228 << 10)


@given(device=DEVICES, n_items=st.integers(0, 10**12), shared=st.integers(0, 48 << 10))
def test_a_grid_fills_the_machine_and_no_more(device, n_items, shared):
    blocks = plan.grid(device, n_items, plan.BLOCK, shared)
    at_once = device.threads_per_multiprocessor // plan.BLOCK * device.multiprocessors
    assert 1 <= blocks <= at_once
    assert (blocks - 1) * plan.BLOCK < max(n_items, 1)
    if shared == 0 and n_items >= at_once * plan.BLOCK:
        assert blocks == at_once


@given(device=DEVICES, n_rows=st.integers(1, 10**6), n_items=st.integers(0, 10**9))
@example(device=H200, n_rows=1 << 16, n_items=100)
@example(device=H200, n_rows=3, n_items=10**8)
def test_rows_share_the_machine(device, n_rows, n_items):
    for_row, rows = plan.row_grid(device, n_rows, n_items)
    at_once = device.threads_per_multiprocessor // plan.BLOCK * device.multiprocessors
    assert 1 <= rows <= min(n_rows, 65_535)
    assert 1 <= for_row <= max(-(-n_items // plan.BLOCK), 1)
    if n_rows < at_once:
        assert for_row * n_rows <= at_once + n_rows
        if n_items >= at_once * plan.BLOCK:
            assert for_row * n_rows >= at_once
    else:
        assert for_row == 1


@given(
    device=DEVICES,
    n_cells=st.integers(1, 1 << 17),
    cell_bytes=st.sampled_from([4, 8]),
    beside=st.lists(st.integers(0, 1 << 16), max_size=2),
)
def test_a_shared_table_fits_with_what_is_beside_it(device, n_cells, cell_bytes, beside):
    table = plan.shared_table(device, n_cells, cell_bytes, beside)
    needed = sum(-(-n // plan.WIDE) * plan.WIDE for n in (n_cells * cell_bytes, *beside))
    assert (table is not None) == (needed <= device.shared_bytes_per_block)
    if table is None:
        return
    assert 0 <= table.shift <= plan.MOST_COPIES_SHIFT
    borders = [n_cells * cell_bytes << table.shift]
    for place, n_bytes in zip(table.positions, beside, strict=True):
        assert borders[-1] <= place < borders[-1] + plan.WIDE
        assert place % plan.WIDE == 0  # for keys of 8 bytes
        borders.append(place + n_bytes)
    assert borders[-1] <= table.shared_bytes <= device.shared_bytes_per_block
    if table.shift:  # copies cost no threads
        blocks = device.threads_per_multiprocessor // plan.COUNT_BLOCK
        needed = table.shared_bytes + plan.RESERVED_BYTES
        assert blocks * needed <= device.shared_bytes_per_multiprocessor


def test_all_blocks_of_a_grid_run_at_once():
    """With what CUDA takes for each block beside what it asks for, or the last would come alone."""
    h100 = Properties("H100", (9, 0), 132, 2048, 227 << 10, 228 << 10)
    assert plan.grid(h100, 1 << 30, plan.COUNT_BLOCK, 56 << 10) == 4 * 132
    assert plan.grid(h100, 1 << 30, plan.COUNT_BLOCK, 57 << 10) == 3 * 132
    assert plan.room(h100, 4) == 56 << 10
    assert plan.room(h100, 1) == 227 << 10


def test_small_tables_have_a_copy_for_each_lane():
    assert plan.shared_table(SMALL._replace(threads_per_multiprocessor=512), 17 * 17, 4).shift == 5
    assert plan.shared_table(SMALL, 12_288, 4).shift == 0
    assert plan.shared_table(SMALL, 12_289, 4) is None


@given(
    n_items=st.integers(0, 10**6), item=st.sampled_from([1, 2, 4, 8]), size=st.integers(1, 10**6)
)
def test_chunks_cover_everything_once_in_whole_wide_loads(n_items, item, size):
    chunks = plan.chunks(n_items, item, max(size, n_items // 100))
    assert [start for start, _ in chunks] == [0, *(stop for _, stop in chunks[:-1])][: len(chunks)]
    assert (chunks[-1][1] if chunks else 0) == n_items
    assert all(start % plan.WIDE == 0 and start < stop for start, stop in chunks)


@given(n_cells=st.integers(1, 1 << 30), rows=st.integers(1, 1000))
def test_pieces_of_a_row_depend_on_its_length_alone(n_cells, rows):
    assert plan.pieces(rows, n_cells) == plan.pieces(1, n_cells)
    assert (plan.pieces(1, n_cells) - 1) * plan.PIECE < n_cells
    assert plan.sum_block(n_cells) in (32, 64, 128, 256)


@given(
    item_sizes=st.lists(st.sampled_from([1, 2, 4, 8]), min_size=1, max_size=6),
    n=st.integers(1, 10**10),
    free=st.integers(0, 1 << 38),
)
def test_what_is_brought_and_what_stays_fits_the_memory(item_sizes, n, free):
    sizes = [n * item for item in item_sizes]
    supply = plan.supply(sizes, n, free)
    if supply is None:
        assert sum(sizes) <= free // 2
        return
    assert sum(sizes) > free // 2
    whole = [size for size in sizes if size <= supply.whole_bytes]
    staying = [size for size in sizes if size > supply.whole_bytes]
    assert sum(whole) <= free // 2 < sum(whole) + staying.count(min(staying)) * min(staying)
    assert 0 < supply.samples <= plan.MOST_RANGE
    assert supply.samples % plan.WIDE == 0
    if supply.samples > plan.WIDE:  # a range, the one before it, and what counting them takes
        a_sample = sum(size // n for size in staying) + plan.WORK_BYTES
        assert sum(whole) + 2 * supply.samples * a_sample <= free


def test_large_cards_take_ranges_that_are_worth_a_launch():
    """Two columns of 10⁹ float64 on a card with 15 GiB, and of float32."""
    n = 10**9
    assert plan.supply([4 * n, 4 * n], n, 15 << 30) is None
    assert plan.supply([8 * n, 8 * n], n, 15 << 30) == plan.Supply(0, plan.MOST_RANGE)
    assert plan.supply([8 * n, n], n, 15 << 30) == plan.Supply(n, plan.MOST_RANGE)


class NoRoomError(Exception):
    """The memory is full."""


@given(n_items=st.integers(1, 60), room=st.integers(1, 60))
def test_halving_does_everything_in_order_in_parts_that_fit(n_items, room):
    tried = []

    def work(items):
        tried.append(len(items))
        if len(items) > room:
            raise NoRoomError
        return sum(items)

    parts = list(plan.halving(work, range(n_items), NoRoomError))
    assert [item for part, _ in parts for item in part] == list(range(n_items))
    assert all(sum(part) == total and len(part) <= room for part, total in parts)
    assert tried[0] == n_items


def test_halving_gives_up_at_one_item():
    def work(items):
        raise NoRoomError(f"{len(items)} items")

    with pytest.raises(NoRoomError, match="1 items"):
        list(plan.halving(work, range(8), NoRoomError))


# --- the commands for a machine with a GPU ------------------------------------------------------


def run_without_gpu(*command):
    environment = {k: v for k, v in os.environ.items() if k != "FASTINFO_BACKEND"}
    environment |= {"CUDA_VISIBLE_DEVICES": "", "PYTHON": sys.executable}
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)


@pytest.mark.parametrize("command", ["ci/test-gpu", "ci/bench gpu"])
def test_without_a_gpu_the_commands_say_so(command):
    done = run_without_gpu(*command.split())
    assert done.returncode in (1, 2)
    assert f"{command}: " in done.stderr
    assert "no GPU can be used" in done.stderr or "cannot be imported" in done.stderr
    assert "Traceback" not in done.stderr


PRETENDED = """#!/bin/sh
# A Python on a machine with a GPU, of which the tests of one file fail.
case "$*" in
    *"import torch"*) exit 1 ;;
    *pytest*{failing}*) echo "what went wrong"; exit 1 ;;
    *pytest*) echo "passed $3" ;;
    *) echo "$*" ;;
esac
"""


@pytest.mark.parametrize("failing", ["nothing", "tests/test_soft.py"])
def test_every_file_of_tests_runs_on_a_gpu_and_one_that_fails_is_told(tmp_path, failing):
    python = tmp_path / "python"
    python.write_text(PRETENDED.format(failing=failing))
    python.chmod(0o755)
    done = subprocess.run(
        [ROOT / "ci/test-gpu", "tests"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHON": str(python)},
    )
    assert (done.returncode == 0) == (failing == "nothing"), done.stderr
    assert "ci.compile_kernels" in done.stdout
    assert "passed tests/test_kernels.py" in done.stdout
    assert ("passed tests/test_soft.py" in done.stdout) == (failing == "nothing")
    last = done.stdout.splitlines()[-1]
    assert ("FAILED: tests.test_soft.py;" in last) == (failing != "nothing")


def test_all_kernels_of_a_device_are_compiled_before_its_tests():
    from ci import compile_kernels

    every = {(family, name) for family, of in FAMILIES.items() for name in of.kernels}
    assert set(compile_kernels.kernels((9, 0))) == every
    left = {family for family, _ in every - set(compile_kernels.kernels((7, 5)))}
    assert left == {"onehot_mma", "rates"}


def test_an_unknown_case_is_told(capsys):
    with pytest.raises(SystemExit) as raised:
        gpu.main(["--only", "no such case"])
    assert raised.value.code == 2
    assert (
        "there are pair-uint8, pair-float32-edges, pair-float32, matrix-16, matrix-3"
        in capsys.readouterr().err
    )


def test_data_in_turn_is_more_than_a_cache_holds():
    watch = object.__new__(gpu_watch.Gpu)
    assert watch.copies_in_turn(1 << 20) * (1 << 20) >= watch.bytes_beyond_cache
    assert watch.copies_in_turn(10**10) == 1
    of = gpu_watch.in_turn("abc")
    assert [of(i) for i in range(5)] == list("abcab")


def test_results_are_named_after_the_device():
    assert gpu.identity("NVIDIA H100 80GB HBM3") == "nvidia-h100-80gb-hbm3"


class StoppedWatch(gpu_watch.Gpu):
    """The emulated device, timed by nobody."""

    bytes_beyond_cache = 1 << 12

    def __init__(self):
        self.kernels = CupyKernels()
        self.xp, self.properties = self.kernels.xp, self.kernels.device.properties

    def seconds(self, call, warm_up=3):
        call(0)
        return [1.0, 2.0, 3.0]

    def mark(self):
        return None

    def between(self, start, stop):
        return 0.25

    def to_device(self, array):
        return self.kernels.bring(array), 0.5


@pytest.mark.skipif(build.unavailable() is not None, reason=str(build.unavailable()))
def test_the_benchmarks_run_and_agree_on_their_answers():
    from fastinfo.backends.cupy import rates

    watch = StoppedWatch()
    measured = gpu_cases.measure_rates(watch, 1)
    assert set(rates.PRODUCTS) < set(measured)
    copy = gpu_cases.measure_copy(watch, 1 << 12)["bytes per second"]
    assert copy == 2 * (1 << 12) / 2.0
    for dtype in ("uint8", "float32"):
        case = gpu_cases.PairCase("pair", dtype, 3000, 6, 0.4)
        result = case.measure(watch, gpu_cases.NUMBA, copy)
        assert result["samples per second"] == 1500.0
        name = "uint8, uint8" if dtype == "uint8" else "float, float"
        counted = {"launches": 1, "seconds": 0.25}
        assert result["kernels"][f"count_shared<{name}>"] == counted
        assert result["met"] == (2 * 3000 * np.dtype(dtype).itemsize / 2.0 / copy >= 0.4)
    case = gpu_cases.MatrixCase("matrix", 12, 500, 4, 1e30)
    result = case.measure(watch, gpu_cases.NUMBA, copy)
    assert result["sample-pairs per second"] == 12 * 13 / 2 * 500 / 2.0
    assert result["met"] is False
    assert any(kernel.startswith("count_onehot") for kernel in result["kernels"])
    told = result["ways"]
    assert set(told) == {"chosen", "bits", "bytes", "words", "scatter"}
    assert "count_onehot<Bytes>" in told["bytes"]
    assert "count_scatter<uint8>" in told["scatter"]
    several = result["all pairs, all devices"]
    assert several == "there is one device" or several["devices"] > 1
    json.dumps([measured, result])


class Cut(gpu_cases.PairCase):
    """A case during which somebody stops the run."""

    def measure(self, gpu, judge, copy_rate):
        raise KeyboardInterrupt


@pytest.mark.skipif(build.unavailable() is not None, reason=str(build.unavailable()))
def test_a_benchmark_that_is_cut_short_leaves_what_it_has(tmp_path):
    output = tmp_path / "made for them" / "results.json"

    def run(*kinds):
        cases = [kind(f"case {i}", "uint8", 300, 6, 0.4) for i, kind in enumerate(kinds)]
        size = gpu_cases.Size(cases=cases, copied_bytes=1 << 12, rate_repeats=1)
        command = ["--size", "small", "--output", str(output)]
        return gpu.main(command, StoppedWatch, {"small": size})

    def left():
        results = json.loads(output.read_text())
        assert report.read(output) == results
        info = [benchmark["extra_info"] for benchmark in results["benchmarks"]]
        assert {told["contender"] for told in info} == {"fastinfo, cupy", "fastinfo, numba"}
        cases = [told["case"] for told in info if told["is_first"]]
        return cases, results["machine_info"]["is_complete"]

    with pytest.raises(KeyboardInterrupt):
        run(gpu_cases.PairCase, Cut)
    assert left() == (["case 0"], False)
    assert run(gpu_cases.PairCase, gpu_cases.PairCase) == 0
    assert left() == (["case 0", "case 1"], True)


@pytest.mark.skipif(build.unavailable() is not None, reason=str(build.unavailable()))
def test_numpy_judges_where_there_is_no_numba():
    """As where Numba is too old for the NumPy beside it."""
    assert gpu_cases.judge_among(fastinfo.backends()) == gpu_cases.NUMBA
    assert gpu_cases.judge_among([]) == gpu_cases.NUMPY
    few = gpu_cases.NUMPY._replace(n_samples=100)
    case = gpu_cases.PairCase("pair", "uint8", 300, 6, 0.4)
    assert case.measure(StoppedWatch(), few, 1e12)["numpy"]["samples"] == 100
    case = gpu_cases.MatrixCase("matrix", 12, 500, 4, 1e30)
    assert case.measure(StoppedWatch(), few, 1e12)["numpy"]["features"] == 12


def test_wrong_answers_are_not_timed():
    with pytest.raises(AssertionError, match="pair-uint8"):
        gpu_cases.require_agreement(1.0, 1.0 + 1e-9, "pair-uint8")


def test_the_peer_computes_mutual_information(rng):
    torch = pytest.importorskip("torch", reason="torch is not installed: the peer needs it")
    for n_features in (5, 19):  # fewer and more than there are blocks
        codes = rng.integers(0, 4, (300, n_features))
        found = gpu_cases.one_hot_information(torch, torch.from_numpy(codes), 4).numpy()
        expected = fastinfo.pairwise_mutual_information(codes)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_the_peer_leaves_out_what_is_below_the_diagonal():
    assert gpu_cases.peer_pairs(8) == 36
    assert gpu_cases.peer_pairs(80) == 3600  # of 6400
    assert gpu_cases.peer_pairs(5) == 15
