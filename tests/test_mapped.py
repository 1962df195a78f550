"""Arrays in files are scanned some rows at a time."""

import os

import numpy as np
import pandas as pd
import pytest

import fastinfo

pytestmark = pytest.mark.filterwarnings(
    "ignore::fastinfo.PreparationWarning", "ignore::fastinfo.SaturationWarning"
)


@pytest.fixture
def matrix(tmp_path, rng):
    values = rng.normal(size=(2000, 5)).cumsum(axis=1)
    values[::7, 2] = np.nan
    found = np.memmap(tmp_path / "matrix.bin", ">f4", "w+", shape=values.shape, offset=64)
    found[:] = values
    found.flush()
    return np.memmap(tmp_path / "matrix.bin", ">f4", "r", shape=values.shape, offset=64)


@pytest.mark.parametrize("batch_rows", [77, 1 << 18])
@pytest.mark.parametrize("bins", [None, 6])
def test_a_matrix_is_measured_as_in_memory(matrix, batch_rows, bins):
    table = pd.DataFrame(np.array(matrix, "f4"), columns=list("01234"))
    scan = fastinfo.scan(matrix, batch_rows=batch_rows)
    assert (scan.n_rows, scan.columns) == (2000, ["0", "1", "2", "3", "4"])
    found = fastinfo.pairwise_mutual_information(scan, bins=bins, nan_policy="omit")
    expected = fastinfo.pairwise_mutual_information(table, bins=bins, nan_policy="omit")
    names = found["column"].to_pylist()
    for name in names:
        np.testing.assert_array_equal(found[name].to_numpy(), expected[name].to_numpy())


def test_fortran_order_views_and_halves(tmp_path, rng):
    whole = np.memmap(tmp_path / "x.bin", "f2", "w+", shape=(900, 4), order="F")
    whole[:] = rng.integers(0, 9, (900, 4)) / 2
    part = whole[100:800:2, 1:]
    table = pd.DataFrame(np.array(part, "f4"), columns=["0", "1", "2"])
    found = fastinfo.pairwise_mutual_information(fastinfo.scan(part))
    expected = fastinfo.pairwise_mutual_information(table)
    np.testing.assert_array_equal(found["1"].to_numpy(), expected["1"].to_numpy())
    kept = fastinfo.scan(whole[:400]).identity
    assert kept != fastinfo.scan(whole[400:800]).identity
    assert kept == fastinfo.scan(whole[:400]).identity


def test_records_have_names(tmp_path, rng):
    kind = [("x", "f8"), ("k", "i2"), ("when", "M8[s]"), ("label", "U3"), ("flag", "?")]
    records = np.memmap(tmp_path / "records.bin", kind, "w+", shape=(600,))
    records["k"] = rng.integers(0, 5, 600)
    records["x"] = records["k"] + rng.normal(size=600)
    records["when"] = np.datetime64("2024-01-01") + rng.integers(0, 10**7, 600).astype("m8[s]")
    records["label"] = np.array(["a", "bb", "ccc"])[records["k"] % 3]
    records["flag"] = records["x"] > 2
    table = pd.DataFrame({name: np.array(records[name]) for name, _ in kind})
    found = fastinfo.score(fastinfo.scan(records), "label")
    assert found == fastinfo.score(table, "label")
    assert found[0].column == "k"


def test_a_checkpoint_knows_the_file(matrix, tmp_path):
    kept = tmp_path / "kept"

    def run(array):
        return fastinfo.top_pairs(fastinfo.scan(array, checkpoint=kept), nan_policy="omit")

    assert run(matrix) == run(matrix)
    with pytest.raises(ValueError, match="belongs to another run"):
        run(matrix[:1000])
    scan = fastinfo.scan(matrix, batch_rows=100)
    os.utime(tmp_path / "matrix.bin", (1, 1))
    with pytest.raises(ValueError, match=r"matrix.bin has changed since"):
        fastinfo.top_pairs(scan, nan_policy="omit")


def test_pages_that_were_read_are_let_go(tmp_path):
    if not os.path.exists("/proc/self/smaps"):
        pytest.skip("the pages of a mapping are told by Linux's /proc")
    array = np.memmap(tmp_path / "large.bin", "f4", "w+", shape=(1 << 20, 8))
    array[:] = np.arange(8, dtype="f4") + np.arange(1 << 20)[:, None] % 5
    array.flush()
    fastinfo.top_pairs(fastinfo.scan(array), bins=4)
    with open("/proc/self/smaps") as file:
        lines = file.read().split("large.bin")[1].splitlines()
    resident = next(int(line.split()[1]) for line in lines if line.startswith("Rss:"))
    assert resident * 1024 < array.nbytes / 4


@pytest.mark.parametrize(("shape", "kind"), [((6,), "f8"), ((2, 3, 1), "f8"), ((4, 2), "c16")])
def test_other_memmaps_are_refused(tmp_path, shape, kind):
    array = np.memmap(tmp_path / "x.bin", kind, "w+", shape=shape)
    with pytest.raises((ValueError, TypeError), match="memmap"):
        fastinfo.scan(array)
    with pytest.raises(TypeError, match=r"ndarray came; accepted are paths, a numpy.memmap"):
        fastinfo.scan(np.ones((3, 2)))
