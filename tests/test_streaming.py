"""P-values of the pairs of a scan are those of the table in memory."""

import numpy as np
import pyarrow as pa
import pytest
from streamed import table, values, write

import fastinfo

pytest.importorskip("scipy")
pytestmark = pytest.mark.filterwarnings(
    "ignore::fastinfo.PreparationWarning", "ignore::fastinfo.SaturationWarning"
)

NAMES = ["f64", "f32", "ties", "i64", "null ints", "nan floats", "text", "null text", "bool"]


@pytest.fixture
def found():
    return table(3000, 4).select(NAMES)


def scanned(path, **options):
    told = []
    scan = fastinfo.scan(path, progress=lambda read: told.append(read.what), **options)
    return scan, told


@pytest.mark.parametrize("memory_limit", [None, 9000])
@pytest.mark.parametrize("policy", ["omit", "propagate"])
def test_p_values_are_those_of_the_table_in_memory(tmp_path, found, policy, memory_limit):
    (path,) = write(tmp_path, found, rows=700)
    more = {"nan_policy": policy, "memory_limit": memory_limit}
    scan, told = scanned(path)
    expected = values(fastinfo.pairwise_p_values(found, nan_policy=policy))[0]
    np.testing.assert_array_equal(values(fastinfo.pairwise_p_values(scan, **more))[0], expected)
    assert "counting each column" in told
    assert ("limit" in " ".join(told)) == (memory_limit is not None)
    for options in ({"fdr": 0.05}, {"p_values": True}, {"fdr": 0.3, "rank_by": "value", "k": 7}):
        expected = fastinfo.top_pairs(found, nan_policy=policy, **options)
        assert fastinfo.top_pairs(scan, **more, **options) == expected
        assert len(expected) > 3


def test_p_values_of_two_sides(tmp_path, found):
    write(tmp_path, found, parts=2)
    left, right = NAMES[:4], NAMES[4:]
    sides = [fastinfo.scan(tmp_path, columns=names) for names in (left, right)]
    expected = fastinfo.top_pairs(
        found.select(left), 9, found.select(right), fdr=0.1, nan_policy="omit"
    )
    assert fastinfo.top_pairs(sides[0], 9, sides[1], fdr=0.1, nan_policy="omit") == expected


def test_noise_has_few_discoveries(tmp_path, rng):
    columns = {f"x{i}": rng.normal(size=2000) for i in range(20)}
    columns["copy"] = columns["x3"] + rng.normal(size=2000)
    (path,) = write(tmp_path, pa.table(columns))
    (pair,) = fastinfo.top_pairs(fastinfo.scan(path), 50, fdr=0.01, bins=5)
    assert {pair.left, pair.right} == {"x3", "copy"}


def test_a_run_with_p_values_goes_on_from_its_checkpoint(tmp_path, found):
    (path,) = write(tmp_path, found, rows=500)
    kept, told = tmp_path / "kept", []

    def stop(read):
        told.append(read.what)
        if read.what.startswith("counting, pass"):
            raise KeyboardInterrupt

    def run(progress):
        scan = fastinfo.scan(path, checkpoint=kept, progress=progress)
        return fastinfo.top_pairs(scan, fdr=0.05, nan_policy="omit")

    with pytest.raises(KeyboardInterrupt):
        run(stop)
    assert (kept / "margins.npz").exists()
    assert run(None) == fastinfo.top_pairs(found, fdr=0.05, nan_policy="omit")
