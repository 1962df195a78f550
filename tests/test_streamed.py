"""The command line on tables that are read batch by batch: answers, kills and signals."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from streamed import table as streamed_table

from fastinfo.cli import main, streamed
from fastinfo.inputs.scanning.scans import Read

ROOT = Path(__file__).parents[1]


@pytest.fixture
def run(capsys):
    """Run one command in this process: exit code, stdout and the lines of stderr."""

    def run(*arguments):
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err.splitlines()

    return run


def parts(folder, n=3):
    """A table in several files, and whole in one."""
    found = streamed_table(3000, 1).drop(["infinite"])
    size = found.num_rows // n
    for part in range(n):
        some = found.slice(part * size, size)
        pyarrow.parquet.write_table(some, folder / f"part{part}.parquet", row_group_size=100)
    pyarrow.parquet.write_table(found, folder / "whole.parquet")
    return [folder / f"part{part}.parquet" for part in range(n)]


@pytest.mark.parametrize(
    "command",
    [
        ("pairwise", "--top", 99),
        ("score", "--target", "text"),
        ("pairwise", "--given", "null text,bool", "--nan-policy", "omit"),
        ("score", "--target", "f64", "--given", "text"),
    ],
    ids=lambda command: " ".join(map(str, command)),
)
def test_several_files_folders_and_globs_are_one_table(run, tmp_path, command):
    files = parts(tmp_path)
    (tmp_path / "in").mkdir()
    code, whole, notes = run(*command, tmp_path / "whole.parquet")
    assert code == 0
    for sources, why in (
        (files, "3 files"),
        ([tmp_path / "part*.parquet"], f"the files {tmp_path / 'part*.parquet'}"),
    ):
        code, out, err = run(*command, *sources)
        assert (code, out) == (0, whole)
        assert err[0] == f"note: {why}: read batch by batch"
        assert err[1:-1] == notes[:-1]
    for file in files:
        file.rename(tmp_path / "in" / file.name)
    code, out, err = run(*command, tmp_path / "in")
    assert (code, out, err[0]) == (0, whole, "note: a folder: read batch by batch")


def test_a_large_file_is_read_batch_by_batch(run, tmp_path, monkeypatch):
    (path, *_) = parts(tmp_path, 1)
    code, whole, _ = run("pairwise", path)
    monkeypatch.setattr("fastinfo.cli.streamed.MOST_IN_MEMORY", 1 << 20)
    code, out, err = run("pairwise", path)
    assert (code, out) == (0, whole)
    assert re.search(
        r"the table would take about \d\.\d GiB in memory: read batch by batch", err[0]
    )


@pytest.mark.parametrize(
    "more",
    [["--fdr", "0.05"], ["--p-values", "--top", "40"], ["--given", "dictionary", "--top", "40"]],
    ids=" ".join,
)
@pytest.mark.parametrize("limit", [[], ["--memory-limit", "9kB"]])
def test_p_values_and_memory_limits(run, tmp_path, more, limit):
    files = parts(tmp_path)
    names = "f64,f32,i64,null ints,text,null text,ties"
    limit = ["--memory-limit", "15kB"] if limit and "--given" in more else limit
    command = ("pairwise", "--columns", names, *more)
    code, whole, _ = run(*command, tmp_path / "whole.parquet")
    assert code == 0
    code, out, err = run(*command, *files, *limit)
    assert (code, out) == (0, whole)
    assert bool(limit) == any("and the memory limit is" in line for line in err)


def test_a_table_beyond_the_memory_limit_is_read_batch_by_batch(run, tmp_path):
    (path, *_) = parts(tmp_path, 1)
    code, whole, notes = run("score", path, "--target", "text")
    assert "read batch by batch" not in " ".join(notes)
    code, out, err = run("score", path, "--target", "text", "--memory-limit", "1MB")
    assert (code, out) == (0, whole)
    assert err[0].endswith("GiB in memory: read batch by batch")


@pytest.mark.parametrize(
    ("text", "n"),
    [("500MB", 500_000_000), ("2GiB", 1 << 31), ("1.5 kb", 1500), ("77", 77), ("3g", 3 * 10**9)],
)
def test_bytes_have_units(text, n):
    assert streamed.bytes_of(text) == n


@pytest.mark.parametrize("text", ["", "MB", "-1", "0", "5 PB", "5i", "1e3"])
def test_what_are_no_bytes(text):
    with pytest.raises(ValueError, match=r"--memory-limit .*: accepted are bytes"):
        streamed.bytes_of(text)


def test_what_batches_do_not_take(run, tmp_path):
    files = parts(tmp_path)
    for more, told in (
        (["--sample-weight", "i8"], "--sample-weight: 3 files read batch by batch, and it needs"),
        (["--given", "nobody"], "--given: no column is called 'nobody'"),
        (["--given", "identifiers"], "given has another value in each of 3,000 samples"),
        (["--memory-limit", "500 apples"], "accepted are bytes, such as 500MB"),
        (["--memory-limit", "100"], "bytes, and 100 are left for them"),
        (["--delimiter", ";"], "are for one file that fits the memory"),
        (["-"], "stdin can be read once"),
        (["--bins", "auto"], "needs all samples"),
        (["--out", files[1]], "is the table itself"),
        (["--bins-of", "f64=99999"], "the table has 3,000 rows"),
    ):
        code, out, (line,) = run("pairwise", *files, *more)
        assert (code, out) == (2, "")
        assert told in line


def test_a_report_tells_speed_share_time_left_and_memory():
    text = streamed.told(Read("counting, pass 1 of 1", 3_000_000, 12_000_000, 2.0))
    assert text.startswith(
        "counting, pass 1 of 1: 3,000,000 of 12,000,000 rows (25%), 1.5 M rows/s"
    )
    assert re.search(r", 6 s left, [\d,]+ MiB$", text)
    text = streamed.told(Read("looking at the columns", 3_000_000, None, 0.0))
    assert text.startswith("looking at the columns: 3,000,000 rows, 0.0 M rows/s")


def start(*command):
    path = [str(ROOT), os.environ.get("PYTHONPATH")]
    return subprocess.Popen(
        [sys.executable, "-c", SLOWLY, *map(str, command)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


SLOWLY = """
import sys, time
from fastinfo.pairs import passes, streaming
from fastinfo.inputs.scanning import sources
from fastinfo.cli import main, streamed
from fastinfo.inputs.scanning.scans import Read
passes.FEWEST, passes.ROWS_A_CELL, streaming.SECONDS_BETWEEN_SAVES = 1, 0, 0.0
piece = sources.Files._piece
def slowly(*arguments):
    for batch in piece(*arguments):
        yield batch
        time.sleep(0.03)
sources.Files._piece = slowly
sys.exit(main())
"""
"""A command that reads slowly, and counts and keeps each batch at once."""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize(
    ("n_kills", "more"),
    [
        (3, ()),
        (2, ("--given", "null text")),
        pytest.param(20, (), marks=pytest.mark.soak),
        pytest.param(20, ("--given", "null text"), marks=pytest.mark.soak),
    ],
)
def test_a_killed_command_goes_on(run, tmp_path, n_kills, more):
    files, kept = parts(tmp_path), tmp_path / "kept"
    wanted = ("pairwise", *files, "--top", 50, *more)
    command = (*wanted, "--checkpoint", kept)
    _, expected, _ = run(*wanted)
    rng = np.random.default_rng(3)
    positions = []
    for _ in range(n_kills):
        child = start(*command)
        before = kept_position(kept)
        limit = time.monotonic() + 60
        # A batch further than before, at any moment.
        while kept_position(kept) <= before and child.poll() is None:
            assert time.monotonic() < limit
            time.sleep(0.01)
        time.sleep(rng.random() * 0.1)
        child.kill()
        child.communicate()
        positions.append(kept_position(kept))
    assert positions == sorted(positions)
    assert 0 < positions[0] < positions[-1]
    code, out, _ = run(*command)
    assert (code, out) == (0, expected)
    code, out, (line,) = run(*command, "--bins", 5)
    assert code == 2
    assert f"checkpoint {kept} belongs to another run: its bins differ" in line


def kept_position(kept):
    """The number of pieces that a checkpoint of counts has."""
    try:
        with np.load(kept / "counts.npz", allow_pickle=False) as file:
            return json.loads(str(file["description"]))["position"][0]
    except FileNotFoundError:
        return 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends processes by no signal")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"]
)
def test_signals_end_cleanly_and_tell_how_to_go_on(run, tmp_path, number, code):
    files, kept = parts(tmp_path), tmp_path / "kept"
    child = start("pairwise", *files, "--checkpoint", kept)
    while kept_position(kept) < 3 and child.poll() is None:
        time.sleep(0.01)
    child.send_signal(number)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, out) == (code, "")
    assert f"fastinfo: stopped; the same command goes on from {kept}" in err
    assert "Traceback" not in err
    assert run("pairwise", *files, "--checkpoint", kept)[1] == run("pairwise", *files)[1]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 300 kB in memory."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder))
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount")
    if done.returncode:
        pytest.skip("mounting is for root")
    yield folder
    subprocess.run(("umount", str(folder)), check=True)


def test_a_full_disk_is_told_and_the_run_goes_on_with_room(run, tmp_path, small_disk):
    files, kept = parts(tmp_path), small_disk / "kept"
    command = ("pairwise", *files, "--top", 40, "--checkpoint", kept)
    code, expected, _ = run("pairwise", *files, "--top", 40)
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 200_000)
    code, out, (line,) = run(*command)
    assert (code, out) == (2, "")
    assert "No space left on device" in line
    left = {file.name: file.read_bytes() for file in kept.iterdir()}
    assert not any(name.startswith("counts") for name in left)  # nor half of them
    assert run(*command)[0] == 2
    assert left.items() <= {file.name: file.read_bytes() for file in kept.iterdir()}.items()
    grown = ("mount", "-o", "remount,size=64m", str(small_disk))
    subprocess.run(grown, check=True)
    code, out, _ = run(*command)
    assert (code, out) == (0, expected)
