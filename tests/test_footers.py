"""What footers of Parquet files tell spares a pass, and is checked against the samples."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from streamed import FINITE, table, write

import fastinfo
from fastinfo.inputs.scanning import footers
from fastinfo.inputs.scanning.survey import survey

pytestmark = pytest.mark.filterwarnings(
    "ignore::fastinfo.PreparationWarning", "ignore::fastinfo.SaturationWarning"
)

NUMBERS = ["f64", "f32", "null floats", "nan floats", "ties", "i8", "u8", "many", "snowflakes"]


def scanned(path, **options):
    """A scan that keeps what it is told of passes, and these."""
    told = []
    return fastinfo.scan(path, progress=lambda read: told.append(read.what), **options), told


def both(path, **options):
    """Answers with and without footers, and what is told of their passes."""
    found = []
    for statistics in (True, False):
        scan, told = scanned(path, statistics=statistics, batch_rows=333)
        matrix = fastinfo.pairwise_mutual_information(scan, **options)
        found.append((matrix, list(dict.fromkeys(told))))
    return found


@pytest.mark.parametrize("bins", [8, "uniform:5", [-np.inf, 0.0, 9.0, np.inf]])
def test_bins_by_limits_need_one_pass_and_have_the_same_bits(tmp_path, bins):
    found = table(3000, 1).select(NUMBERS if isinstance(bins, list) else [*NUMBERS, "bool"])
    write(tmp_path, found, rows=500, parts=2)
    kinds = {"many": "number", "snowflakes": "number", "null floats": "number"}
    (one, told), (other, also) = both(tmp_path, bins=bins, kinds=kinds, nan_policy="omit")
    assert one.equals(other)
    assert one.equals(
        fastinfo.pairwise_mutual_information(found, bins=bins, kinds=kinds, nan_policy="omit")
    )
    assert told == ["counting, pass 1 of 1"]
    assert also == ["looking at the columns", *told]


@pytest.mark.parametrize("bins", [8, None, "uniform", {"f64": 4, "i64": 3, "ties": "quantile:3"}])
def test_other_columns_are_looked_at(tmp_path, bins):
    found = table(3000, 2).select(FINITE)
    (path,) = write(tmp_path, found, rows=700)
    (one, told), (other, _) = both(path, bins=bins, nan_policy="omit")
    assert one.equals(other)
    assert told == ["looking at the columns", "counting, pass 1 of 1"]
    prepared, also = (survey(scanned(path, statistics=s)[0], bins=8) for s in (True, False))
    assert prepared.decisions == also.decisions  # row numbers are still found
    assert prepared.labels == also.labels


def test_integers_at_the_limits_of_the_rules(tmp_path):
    n = 1000
    columns = {
        "rows from 1": np.arange(1, n + 1),
        "rows from 7": np.arange(7, n + 7),
        "falling": np.arange(n)[::-1],
        "50 values": np.arange(n) % 50,
        "51 values": np.arange(n) % 51 - 25,
        "few far apart": np.arange(n) % 2 * 10**6,
        "mostly 0": np.where(np.arange(n) < 990, 0, np.arange(n)),
        "large": 2**62 + np.arange(n) % 300 * 7,
        "unsigned": (2**63 + np.arange(n, dtype=np.uint64) * 3),
        "bytes": (np.arange(n) % 200 + 56).astype("u1"),
        "nulls": pa.array(np.arange(n) % 5, mask=np.arange(n) % 11 == 0),
        "constant": np.full(n, 3),
        "true": np.arange(n) < n,
    }
    (path,) = write(tmp_path, pa.table(columns), rows=300)
    prepared, also = (survey(scanned(path, statistics=s)[0], bins=8) for s in (True, False))
    assert prepared.decisions == also.decisions
    assert prepared.labels == also.labels
    for one, other in zip(prepared.columns, also.columns, strict=True):
        assert one.form == other.form, one.label
    (matrix, _), (same, _) = both(path, bins=8, nan_policy="omit")
    assert matrix.equals(same)


def test_nan_is_found_while_samples_are_counted(tmp_path):
    found = pa.table({"x": [1.0, 2.0, np.nan] * 9, "y": [0, 1, 2] * 9, "z": [0.5, 1.5, 2.5] * 9})
    (path,) = write(tmp_path, found)
    scan, told = scanned(path)
    with pytest.raises(ValueError, match="x has 9 missing values among 27"):
        fastinfo.pairwise_mutual_information(scan, bins=2)
    assert set(told) == {"counting, pass 1 of 1"}
    pairs = fastinfo.top_pairs(scan, bins=2, nan_policy="omit", memory_limit=200)
    expected = fastinfo.top_pairs(found, bins=2, nan_policy="omit")
    assert pairs == expected


@pytest.mark.parametrize(("low", "high"), [(-1.0, 9.0), (0.0, 20.0), (0.0, 5.0)])
def test_wrong_footers_are_an_error(tmp_path, monkeypatch, low, high):
    found = pa.table({"x": np.arange(100) % 10 + 0.0, "y": np.arange(100) % 7 + 0.5})
    (path,) = write(tmp_path, found)
    told = footers.footers

    def wrong(source, names):
        return {
            name: one._replace(low=low, high=high) if name == "x" else one
            for name, one in told(source, names).items()
        }

    monkeypatch.setattr(footers, "footers", wrong)
    expected = rf"x: the footers .* between {low} and {high}, and it lies between 0.0 and 9.0"
    with pytest.raises(ValueError, match=expected):
        fastinfo.top_pairs(fastinfo.scan(path), bins=4)
    scan = fastinfo.scan(path, statistics=False)
    assert fastinfo.top_pairs(scan, bins=4) == fastinfo.top_pairs(found, bins=4)


def test_files_without_statistics_are_looked_at(tmp_path):
    found = table(300).select(["f64", "i8", "text"])
    pq.write_table(found, tmp_path / "none.parquet", write_statistics=False)
    assert footers.footers(fastinfo.scan(tmp_path).source, ["f64", "i8"]) == {}
    pq.write_table(found, tmp_path / "some.parquet")
    assert footers.footers(fastinfo.scan(tmp_path).source, ["f64", "i8"]) == {}
    matrix = fastinfo.pairwise_mutual_information(fastinfo.scan(tmp_path), bins=4)
    whole = pa.concat_tables([found, found])
    assert matrix.equals(fastinfo.pairwise_mutual_information(whole, bins=4))


def test_a_run_that_goes_on_checks_what_it_sees(tmp_path):
    found = table(300).select(["f64", "f32"])
    (path,) = write(tmp_path, found)
    for _ in range(2):
        scan = fastinfo.scan(path, checkpoint=tmp_path / "kept")
        result = fastinfo.pairwise_mutual_information(scan, bins=4)
        assert result.equals(fastinfo.pairwise_mutual_information(found, bins=4))
