"""Runs over all pairs that are broken off and go on."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import fastinfo
from fastinfo.pairs import plan
from fastinfo.pairs.checkpoint import Checkpoint
from fastinfo.pairs.job import Job

PROGRAM = """
import sys
import numpy as np
import fastinfo
from fastinfo.pairs import plan

X = np.load(sys.argv[1])
fastinfo.pairwise_mutual_information(X[:, :64], n_jobs=2)  # compiles, which no signal breaks off
plan.LARGEST_TILE_SIDE = plan.TILE_WIDTH = 8
plan.TILE_SAMPLES = 64 * len(X)
print("ready", flush=True)
matrix = fastinfo.pairwise_mutual_information(X, checkpoint=sys.argv[2], n_jobs=2)
np.save(sys.argv[3], matrix)
"""


def table(n_samples: int = 300, n_features: int = 20, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 5, size=(n_samples, n_features))


@pytest.fixture(autouse=True)
def _small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "LARGEST_TILE_SIDE", 4)
    monkeypatch.setattr(plan, "TILE_WIDTH", 4)
    monkeypatch.setattr(plan, "TILE_SAMPLES", 16 * 300)


def test_goes_on_after_an_exception_without_measuring_twice(tmp_path: Path) -> None:
    X = table()
    steps: list[int] = []

    def stop_halfway(done: int, total: int) -> None:
        steps.append(done)
        if done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fastinfo.pairwise_mutual_information(X, checkpoint=tmp_path, progress=stop_halfway)
    measured: list[int] = []
    plain = Job.measure
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Job, "measure", lambda job, tile: measured.append(1) or plain(job, tile))
        matrix = fastinfo.pairwise_mutual_information(X, checkpoint=tmp_path)
        whole = len(measured)
        fastinfo.pairwise_mutual_information(X)
    assert 0 < whole < len(measured) - whole
    np.testing.assert_array_equal(matrix, fastinfo.pairwise_mutual_information(X))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: {"X": X[:-1]}, "binned samples"),
        (lambda X: {"X": X[:, :-1]}, "features"),
        (lambda X: {"X": X, "estimator": "miller_madow"}, "estimator"),
        (lambda X: {"X": X, "backend": "numpy"}, "backend"),
        (lambda X: {"X": X, "sample_weight": np.arange(1, len(X) + 1)}, "weights"),
        (lambda X: {"X": X, "Y": X[:, :3]}, "features of X"),
    ],
)
def test_refuses_another_run(tmp_path: Path, change, message: str) -> None:
    X = table()
    fastinfo.pairwise_mutual_information(X, checkpoint=tmp_path)
    with pytest.raises(ValueError, match=f"belongs to another run: .*{message}"):
        fastinfo.pairwise_mutual_information(**change(X), checkpoint=tmp_path)


def test_units_and_sinks_may_differ(tmp_path: Path) -> None:
    X = table()
    nats = fastinfo.pairwise_mutual_information(X, checkpoint=tmp_path)
    bits = fastinfo.pairwise_mutual_information(X, base=2, checkpoint=tmp_path)
    np.testing.assert_array_equal(bits, fastinfo.pairwise_mutual_information(X, base=2))
    np.testing.assert_allclose(bits, nats / np.log(2), rtol=1e-15)
    assert fastinfo.top_pairs(X, 3, checkpoint=tmp_path) == fastinfo.top_pairs(X, 3)


def test_refuses_a_foreign_directory(tmp_path: Path) -> None:
    (tmp_path / "tiles.sqlite").write_bytes(b"something else entirely" * 100)
    with pytest.raises(ValueError, match="holds no checkpoint of fastinfo"):
        fastinfo.pairwise_mutual_information(table(), checkpoint=tmp_path)


FOREIGN = {
    "a table called run": "CREATE TABLE run (started TEXT)",
    "another table": "CREATE TABLE notes (note TEXT)",
    "its own number": "PRAGMA application_id = 7",
}


@pytest.mark.parametrize("case", FOREIGN)
def test_refuses_a_database_of_another_program_and_leaves_it_as_it_is(
    tmp_path: Path, case: str
) -> None:
    file = tmp_path / "tiles.sqlite"
    connection = sqlite3.connect(file)
    connection.execute(FOREIGN[case])
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    before = file.read_bytes()
    with pytest.raises(ValueError, match=r"holds no checkpoint of fastinfo: .*another program"):
        fastinfo.pairwise_mutual_information(table(), checkpoint=tmp_path)
    assert file.read_bytes() == before


def test_says_what_hinders_it_where_no_other_run_does(tmp_path: Path) -> None:
    (tmp_path / "tiles.sqlite").mkdir()
    with pytest.raises(OSError, match="cannot be opened: unable to open") as caught:
        fastinfo.pairwise_mutual_information(table(), checkpoint=tmp_path)
    assert not isinstance(caught.value, BlockingIOError)


@pytest.mark.parametrize(("path", "error"), [("", ValueError), (3, TypeError), (b"x", TypeError)])
def test_refuses_what_is_no_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path, error: type[Exception]
) -> None:
    monkeypatch.chdir(tmp_path)
    for function in (fastinfo.pairwise_mutual_information, fastinfo.top_pairs):
        with pytest.raises(error, match=r"checkpoint=.*accepted is a path"):
            function(table(), checkpoint=path)
    assert not list(tmp_path.iterdir())


def test_goes_on_with_the_tiles_it_was_begun_with(tmp_path: Path, add_one: str) -> None:
    """Free memory and threads, which the cells of a tile depend on, are another day's."""
    X = table()
    options = {"estimator": add_one, "checkpoint": tmp_path}
    # 32 bytes a cell: tiles of one pair of 5 × 5 bins, and of as many as fit.
    first = fastinfo.pairwise_mutual_information(X, **options, n_jobs=2, memory_limit=2 * 32 * 25)
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(Job, "measure")
        again = fastinfo.pairwise_mutual_information(X, **options, n_jobs=1)
    np.testing.assert_array_equal(again, first)


def test_closes_after_a_break_between_two_transactions(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, {}, None, ["value"])
    checkpoint._file.execute("COMMIT")
    checkpoint.close()
    Checkpoint(tmp_path, {}, None, ["value"]).close()


def test_refuses_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("something")
    with pytest.raises(ValueError, match="is a file; name a directory"):
        fastinfo.pairwise_mutual_information(table(), checkpoint=tmp_path / "file")


def start(tmp_path: Path, X: np.ndarray) -> subprocess.Popen[str]:
    np.save(tmp_path / "X.npy", X)
    arguments = [tmp_path / "X.npy", tmp_path / "checkpoint", tmp_path / "matrix.npy"]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(fastinfo.__file__).parents[1],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def finish(process: subprocess.Popen[str]) -> str:
    _, errors = process.communicate(timeout=120)
    return errors


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system knows no SIGKILL")
def test_killed_at_random_moments_it_gives_the_identical_matrix(tmp_path: Path) -> None:
    X = table(n_samples=1000, n_features=160)
    moments = random.Random(7)
    kills = 0
    for attempt in range(40):
        process = start(tmp_path, X)
        try:
            # At first before anything can be done, and later and later on slow machines too.
            process.wait(timeout=0.2 * 1.4**attempt * (0.5 + moments.random()))
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        errors = finish(process)
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, errors
    assert process.returncode == 0
    assert kills > 0
    matrix = np.load(tmp_path / "matrix.npy")
    np.testing.assert_array_equal(matrix, fastinfo.pairwise_mutual_information(X))


def test_refuses_a_second_process(tmp_path: Path) -> None:
    X = table()
    outcomes: list[str] = []

    def call_again(done: int, total: int) -> None:
        if not outcomes:
            process = start(tmp_path, X)
            outcomes.append(finish(process))

    fastinfo.pairwise_mutual_information(X, checkpoint=tmp_path / "checkpoint", progress=call_again)
    assert "BlockingIOError" in outcomes[0]
    assert "is another run using it?" in outcomes[0]


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT cannot be sent to a child there")
def test_ctrl_c_ends_within_a_second(tmp_path: Path) -> None:
    process = start(tmp_path, table(n_samples=20000, n_features=700))
    time.sleep(1.5)
    assert process.poll() is None, "the run was over before it could be interrupted"
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    errors = finish(process)
    # The promise is one second; a loaded test machine gets some grace.
    assert time.monotonic() - sent < 5
    assert "KeyboardInterrupt" in errors
