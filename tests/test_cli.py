"""The command line: what it answers, where to, and with which exit code."""

import csv
import importlib.util
import json
import os
import pty
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

import fastinfo
from fastinfo.cli import main
from fastinfo.inputs import preparation
from fastinfo.system.alerts import listed

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs" / "data" / "timezones.csv"


@pytest.fixture
def run(capsys):
    """Run one command in this process: exit code, stdout and the lines of stderr."""

    def run(*arguments):
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err.splitlines()

    return run


@pytest.fixture
def path(tmp_path):
    """Write columns to a Parquet file."""

    def path(**columns):
        pyarrow.parquet.write_table(pa.table(columns), tmp_path / "table.parquet")
        return tmp_path / "table.parquet"

    return path


def process(*command, **options):
    """Run a command in a process of its own."""
    return subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | options.pop("env", {}),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        **options,
    )


HEADER = "left\tright\tmutual_information\tcorrected\tshare\tn_samples\tunit"


def rows(text, delimiter="\t"):
    return list(csv.DictReader(text.splitlines(), delimiter=delimiter))


# --- answers ------------------------------------------------------------------------------------


def test_pairwise_prints_what_the_python_api_measures(run):
    code, out, err = run("pairwise", TABLE, "--top", 7, "--unit", "bits")
    table = pyarrow.csv.read_csv(TABLE)
    found = rows(out)
    assert code == 0
    assert len(found) == 7
    ranks = [float(row["corrected"]) for row in found]
    assert ranks == sorted(ranks, reverse=True)
    assert {row["unit"] for row in found} == {"bits"}
    measured = [
        fastinfo.mutual_information(
            table[row["left"]].to_numpy(), table[row["right"]].to_numpy(), base=2, nan_policy="omit"
        )
        for row in found
        if "abbreviation" not in (row["left"], row["right"])
    ]
    assert len(measured) >= 3
    kept = [
        float(row["mutual_information"])
        for row in found
        if "abbreviation" not in (row["left"], row["right"])
    ]
    np.testing.assert_allclose(kept, measured, rtol=1e-12)
    assert re.fullmatch(
        r"numba, \d+ threads?: 312 rows, 23 columns, 253 pairs in [\d.]+ s"
        r"(, [\d.]+ s of it to compile kernels)?",
        err[-1],
    )


def test_score_ranks_every_other_column(run):
    code, out, _ = run("score", TABLE, "--target", "region", "--columns", "longitude,hemisphere")
    found = rows(out)
    table = pyarrow.csv.read_csv(TABLE)
    expected = {
        name: fastinfo.mutual_information(table["region"], table[name])
        for name in ("longitude", "hemisphere")
    }
    assert code == 0
    assert [row["column"] for row in found] == ["longitude", "hemisphere"]
    for row in found:
        assert float(row["mutual_information"]) == pytest.approx(expected[row["column"]], rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (["--bins", "4"], {"bins": 4}),
        (["--bins", "uniform:5"], {"bins": "uniform:5"}),
        (["--bins", "quantile:3", "--threads", "1"], {"bins": "quantile:3"}),
        (["--bins", "sturges", "--backend", "numpy"], {"bins": "sturges", "backend": "numpy"}),
        (["--unit", "hartleys"], {"base": 10}),
        (["--estimator", "miller_madow"], {"estimator": "miller_madow"}),
        (["--weights", "w"], {"sample_weight": [3, 1, 4, 1, 5, 9, 2, 6]}),
    ],
)
def test_options_mean_what_they_mean_in_python(run, path, arguments, options):
    x, y = [0.1, 0.2, 0.35, 0.4, 0.55, 0.6, 0.8, 0.9], [1.0, 5.0, 2.0, 4.0, 4.5, 7.0, 9.0, 8.0]
    table = path(x=x, y=y, w=[3, 1, 4, 1, 5, 9, 2, 6])
    code, out, _ = run("pairwise", table, "--columns", "x,y", *arguments)
    (row,) = rows(out)
    assert code == 0
    assert float(row["mutual_information"]) == pytest.approx(
        fastinfo.mutual_information(x, y, **options), rel=1e-12
    )


OLD_SPELLINGS = {
    "--unit bits": "--base 2",
    "--unit=nats": "--base e",
    "--unit hartleys": "--base=10",
    "--missing propagate": "--nan-policy propagate",
    "--weights w": "--sample-weight w",
    "--threads 1": "--n-jobs 1",
}


@pytest.mark.parametrize("old", OLD_SPELLINGS)
def test_options_have_their_names_of_python_and_old_ones_are_understood(run, path, old):
    table = path(x=[0.1, 0.2, None, 0.4], y=[0, 0, 1, 1], w=[1, 2, 3, 4])
    today = run("pairwise", table, "--columns", "x,y", *OLD_SPELLINGS[old].split())
    assert today[0] == 0
    assert run("pairwise", table, "--columns", "x,y", *old.split())[:2] == today[:2]
    _, help_, _ = run("pairwise", "--help")
    for argument in old.replace("=", " ").split():
        if argument.startswith("--"):
            assert argument not in help_


def test_what_stands_behind_two_dashes_is_left_as_it_is(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "--unit").write_text("a,b\n0,1\n1,0\n")
    assert run("pairwise", "--", "--unit")[0] == 0


def test_options_of_the_file_are_those_of_a_layout(run, tmp_path):
    options = "--format csv --delimiter ; --encoding utf-16 --no-header --comment % --decimal ,"
    options += " --thousands . --null gone --null out --not-null NA"
    text = "% made by hand\n1.000,5;NA\n2,5;x\ngone;x\n7,5;NA\nout;out\n"
    (tmp_path / "t.data").write_bytes(text.encode("utf-16"))
    code, out, err = run("score", tmp_path / "t.data", "--target", "column 2", *options.split())
    assert (code, err[0]) == (0, "note: lines skipped because they begin with '%': 1")
    assert "note: 2 of 2 columns have missing values (column 1, column 2)" in err[1]
    assert float(rows(out)[0]["mutual_information"]) == pytest.approx(
        fastinfo.mutual_information([1000.5, 2.5, 7.5], ["NA", "x", "NA"])
    )


def test_a_table_comes_through_a_pipe():
    command = ("-m", "fastinfo", "pairwise", "--top", "1", "--backend", "numpy")
    text = TABLE.read_text("utf-8")
    done = process(*command, "-", input=text)
    assert done.returncode == 0
    assert done.stderr.splitlines()[0].startswith("note: standard input looks like delimited text")
    other = process(*command, "/dev/stdin", "--format", "csv", input=text)
    assert other.stdout == done.stdout != ""


def test_all_lists_every_pair_and_those_without_a_value_last(run, path):
    table = path(a=[0, 1, None, None], b=[None, None, 0, 1], c=[0, 0, 1, 1], d=[0, 1, 0, 1])
    code, out, _ = run("pairwise", table, "--all")
    found = rows(out)
    assert code == 0
    assert len(found) == 6
    assert (found[-1]["left"], found[-1]["right"]) == ("a", "b")
    assert found[-1]["mutual_information"] == "nan"
    code, out, err = run("pairwise", table, "--min-samples", 1)
    assert len(rows(out)) == 5
    note = (
        "note: 1 pair not shown: without a value, or with fewer than 1 row where both columns are "
    )
    assert note + "present (--min-samples)" in err


def test_all_ranks_pairs_with_few_rows_last(run, path, rng):
    """As `score` does, and says."""
    few = ["a", "b", "a", "b", "c", *[None] * 195]
    table = path(few=few, alike=few, x=rng.random(200).tolist(), y=rng.random(200).tolist())
    _, out, err = run("pairwise", table, "--all")
    found = rows(out)
    assert len(found) == 6
    assert [int(row["n_samples"]) >= 30 for row in found] == [True] + [False] * 5
    assert any("note: 5 pairs ranked last, with fewer than 30 rows" in line for line in err)


def test_info_tells_backends_threads_and_cache(run):
    code, out, err = run("info")
    assert (code, err) == (0, [])
    told = dict(re.split(r" {2,}", line, maxsplit=1) for line in out.splitlines())
    assert told["fastinfo"] == fastinfo.__version__
    assert told["numpy"] == np.__version__
    assert {f"backend {backend.name}" for backend in fastinfo.backends()} <= told.keys()
    assert int(told["threads"]) >= 1
    assert "compiled kernels" in told


def test_version(run):
    assert run("--version") == (0, f"fastinfo {fastinfo.__version__}\n", [])


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_no_command_and_help_list_the_commands(run, arguments):
    code, out, _ = run(*arguments)
    assert code == 0
    for command in ("pairwise", "score", "info"):
        assert command in out


@pytest.mark.parametrize("command", ["pairwise", "score"])
def test_help_gives_examples(run, command):
    code, out, _ = run(command, "--help")
    assert code == 0
    assert f"fastinfo {command} table.csv" in out
    assert "Examples" in out


# --- files --------------------------------------------------------------------------------------


def test_out_without_top_writes_every_pair(run, tmp_path):
    out = tmp_path / "pairs.jsonl"
    code, _, err = run("pairwise", TABLE, "--out", out, "--missing", "propagate")
    assert code == 0
    assert f"note: wrote 253 rows in nats to {out}" in err
    found = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert len({(row["left"], row["right"]) for row in found}) == 253
    assert (found[-1]["mutual_information"], found[0]["n_samples"]) == (None, 312)
    assert list(found[0]) == HEADER.split("\t")


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet"])
@pytest.mark.parametrize(
    "normalized", [[], ["--normalized", "--average", "max"]], ids=["nats", "share"]
)
def test_out_writes_the_matrix_with_its_names(run, tmp_path, ending, normalized):
    out = tmp_path / f"matrix.{ending}"
    names = ["latitude", "longitude", "region"]
    chosen = ["--columns", ",".join(names)]
    code, printed, _ = run("pairwise", TABLE, *chosen, "--matrix", "--out", out, *normalized)
    assert (code, printed) == (0, "")
    if ending == "parquet":
        found = pyarrow.parquet.read_table(out).to_pylist()
    else:
        found = rows(out.read_text("utf-8"), "," if ending == "csv" else "\t")
    frame = pyarrow.csv.read_csv(TABLE).select(names).to_pandas()
    expected = fastinfo.pairwise_mutual_information(frame, normalized="max" if normalized else None)
    assert [row["column"] for row in found] == names
    for row in found:
        for name in names:
            assert float(row[name]) == expected.loc[row["column"], name]


def test_normalized_pairs_are_what_python_measures(run):
    code, out, _ = run("pairwise", TABLE, "--top", 5, "--normalized")
    table = pyarrow.csv.read_csv(TABLE).to_pandas()
    assert code == 0
    for row in rows(out):
        x, y = table[row["left"]], table[row["right"]]
        assert int(row["n_samples"]) == (x.notna() & y.notna()).sum()
        assert "share" not in row
        assert 0 <= float(row["normalized_mutual_information"]) <= 1
        assert row["unit"] == "share"
        if all(column.dtype.kind == "f" and (column % 1 > 0).any() for column in (x, y)):
            value = fastinfo.normalized_mutual_information(x, y, nan_policy="omit")
            measured = float(row["normalized_mutual_information"])
            assert measured == pytest.approx(value, rel=1e-12)


def test_pairs_are_tested_given_a_column(run, tmp_path):
    given = ("--given", "region", "--columns", "hemisphere,utc_offset_hours,longitude")
    table = pyarrow.csv.read_csv(TABLE).to_pandas()
    columns = table[["hemisphere", "utc_offset_hours", "longitude", "region"]]
    expected = fastinfo.top_pairs(columns, given="region", p_values=True, nan_policy="omit")
    code, out, _ = run("pairwise", TABLE, *given, "--p-values")
    assert code == 0
    assert [float(row["p_value"]) for row in rows(out)] == [pair.pvalue for pair in expected]
    assert [float(row["q_value"]) for row in rows(out)] == [pair.qvalue for pair in expected]
    out = tmp_path / "p.csv"
    assert run("pairwise", TABLE, *given, "--p-values", "--matrix", "--out", out)[0] == 0
    matrix = pyarrow.csv.read_csv(out).to_pandas().iloc[:, 1:].to_numpy()
    planes = fastinfo.pairwise_p_values(columns, given="region", nan_policy="omit")
    np.testing.assert_allclose(matrix, planes.to_numpy(), rtol=1e-12)


@pytest.mark.parametrize("names", [["region"], ["region", "hemisphere"]], ids=" ".join)
def test_given_columns_are_what_python_measures(run, tmp_path, names):
    columns = ["latitude", "longitude", "utc_offset_hours"]
    given = ("--given", ",".join(names), "--columns", ",".join(columns))
    table = pyarrow.csv.read_csv(TABLE).to_pandas()
    expected = fastinfo.pairwise_conditional_mutual_information(
        table[columns + names], given=names, base=2, nan_policy="omit"
    )
    code, out, err = run("pairwise", TABLE, *given, "--base", 2)
    assert code == 0
    assert "312 rows, " in err[-1]
    assert ", 3 pairs in" in err[-1]
    found = rows(out)
    assert len(found) == 3
    for row in found:
        value = float(row["conditional_mutual_information"])
        assert value == pytest.approx(expected.loc[row["left"], row["right"]], rel=1e-12)
    best = fastinfo.top_pairs(table[columns + names], given=names, nan_policy="omit", base=2)
    assert [float(row["corrected"]) for row in found] == [pair.corrected for pair in best]
    code, _, _ = run("pairwise", TABLE, *given, "--base", 2, "--out", tmp_path / "m.npy")
    assert code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "m.npy"), expected.to_numpy())
    assert json.loads((tmp_path / "m.columns.json").read_text("utf-8")) == columns
    code, out, _ = run("score", TABLE, "--target", "latitude", *given)
    scores = fastinfo.score(table[columns + names], "latitude", given=names, nan_policy="omit")
    measured = {row["column"]: float(row["conditional_mutual_information"]) for row in rows(out)}
    assert code == 0
    assert measured == pytest.approx({one.column: one.value for one in scores}, rel=1e-12)


def test_top_and_few_rows_of_score(run, path):
    n = 100
    table = path(
        y=[row % 2 for row in range(n)],
        same=[row % 2 for row in range(n)],
        rare=[row % 2 if row < 13 else None for row in range(n)],
        odd=[(row // 2) % 2 for row in range(n)],
    )
    _, out, err = run("score", table, "--target", "y")
    assert [row["column"] for row in rows(out)] == ["same", "odd", "rare"]
    note = "note: 1 column ranked last, with fewer than 30 rows where the target is present "
    assert note + "(--min-samples): rare" in err
    _, out, _ = run("score", table, "--target", "y", "--top", 1)
    assert [row["column"] for row in rows(out)] == ["same"]
    _, out, _ = run("score", table, "--target", "y", "--min-samples", 10)
    assert [row["column"] for row in rows(out)] == ["same", "rare", "odd"]


def test_weighted_rows_are_ranked_by_value_and_it_is_said(run, path):
    table = path(x=[0, 1] * 20, y=[0, 1] * 20, z=[0, 0, 1, 1] * 10, w=[1, 2, 3, 4] * 10)
    code, out, err = run("pairwise", table, "--weights", "w")
    assert code == 0
    assert [row["corrected"] for row in rows(out)] == ["nan"] * 3
    values = [float(row["mutual_information"]) for row in rows(out)]
    assert values == sorted(values, reverse=True)
    assert (
        "note: rows have weights: there are no corrected values, and pairs are ranked by" in err[0]
    )


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet"])
def test_out_writes_the_pairs(run, tmp_path, ending):
    out = tmp_path / f"pairs.{ending}"
    code, printed, err = run("pairwise", TABLE, "--top", 3, "--out", out)
    assert (code, printed) == (0, "")
    assert f"note: wrote 3 rows in nats to {out}" in err
    if ending == "parquet":
        found = pyarrow.parquet.read_table(out).to_pylist()
    else:
        found = rows(out.read_text("utf-8"), "," if ending == "csv" else "\t")
    _, printed, _ = run("pairwise", TABLE, "--top", 3)
    expected = rows(printed)
    assert [{key: str(value) for key, value in row.items()} for row in found] == expected
    assert [p.name for p in tmp_path.iterdir()] == [out.name]


def test_out_npy_is_the_matrix_with_its_names_beside(run, tmp_path):
    out = tmp_path / "matrix.npy"
    code, _, err = run("pairwise", TABLE, "--columns", "latitude,longitude,region", "--out", out)
    assert code == 0
    names = json.loads((tmp_path / "matrix.columns.json").read_text("utf-8"))
    assert names == ["latitude", "longitude", "region"]
    table = pyarrow.csv.read_csv(TABLE).select(names)
    expected = fastinfo.pairwise_mutual_information(table.to_pandas())
    np.testing.assert_array_equal(np.load(out), expected.to_numpy())
    assert "matrix.columns.json" in err[-2]


def test_out_replaces_a_file_whole_and_keeps_it_where_writing_fails(run, tmp_path, monkeypatch):
    out = tmp_path / "pairs.csv"
    out.write_text("precious")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("fastinfo.cli.output._write_text", fail)
    code, _, err = run("pairwise", TABLE, "--out", out)
    assert (code, err) == (2, ["fastinfo: error: disk full"])
    assert out.read_text() == "precious"
    assert [p.name for p in tmp_path.iterdir()] == ["pairs.csv"]
    monkeypatch.undo()
    assert run("pairwise", TABLE, "--out", out)[0] == 0
    assert out.read_text().startswith("left,right,")


# --- columns of real tables ---------------------------------------------------------------------


@pytest.mark.parametrize("first", [0, 2**63 - 100, 2**63, 2**64 - 60, -(2**63)])
def test_integers_that_floats_cannot_tell_apart_are_told_apart(run, tmp_path, first):
    for n_values, n_bins in ((4, 4), (60, 5)):
        codes = np.arange(240) % n_values
        lines = "".join(f"{first + code},{code}x\n" for code in codes.tolist())
        (tmp_path / "table.csv").write_text("a,b\n" + lines)
        bins = ["--bins", "uniform:5"] if n_values > 50 else []
        code, out, _ = run("pairwise", tmp_path / "table.csv", "--columns", "a,b", *bins)
        assert code == 0
        assert float(rows(out)[0]["mutual_information"]) == pytest.approx(np.log(n_bins))


def test_a_named_identifier_is_kept(run, path):
    table = path(name=list("abcdefghijkl"), half=[0] * 6 + [1] * 6, odd=[0, 1] * 6)
    code, out, err = run("pairwise", table)
    assert [(row["left"], row["right"]) for row in rows(out)] == [("half", "odd")]
    assert "1 column treated as identifiers and skipped (more" in err[0]
    code, out, _ = run("pairwise", table, "--columns", "name,half")
    assert code == 0
    assert float(rows(out)[0]["mutual_information"]) == pytest.approx(np.log(2))
    code, out, _ = run("score", table, "--target", "name")
    assert (code, len(rows(out))) == (0, 2)
    code, out, err = run("pairwise", table, "--kind", "name=category")
    assert (code, len(rows(out)), len(err)) == (0, 3, 1)


def test_choices_about_columns_mean_what_they_mean_in_python(run, path):
    n = 120
    columns = {
        "zip": [row % 60 for row in range(n)],
        "year": [1900 + row for row in range(n)],
        "area": [50 + row % 20 for row in range(n)],
        "half": [row % 2 for row in range(n)],
    }
    table = path(**columns)
    options = ["--kind", "zip=category", "--kind", "half=skip", "--bins-of", "area=uniform:4"]
    code, out, _ = run("score", table, "--target", "area", *options)
    frame = pa.table(columns)
    with pytest.warns(UserWarning, match=r"binned|samples"):
        expected = fastinfo.score(
            frame,
            "area",
            kinds={"zip": "category", "half": "skip"},
            bins={"area": "uniform:4"},
        )
    assert code == 0
    found = [(row["column"], float(row["mutual_information"])) for row in rows(out)]
    assert found == [(score.column, pytest.approx(score.value)) for score in expected]
    code, out, _ = run("pairwise", table, "--exclude", "zip, half")
    assert [(row["left"], row["right"]) for row in rows(out)] == [("year", "area")]
    _, out, _ = run("pairwise", table, "--columns", "year,half", "--max-categories", "200")
    assert float(rows(out)[0]["mutual_information"]) == pytest.approx(np.log(2))


def test_notes_tell_of_missing_values(run, path):
    table = path(a=[0, 1, None, 1], b=[0.5, 1.5, 2.5, float("nan")], c=[0, 0, 1, 1])
    _, _, err = run("pairwise", table)
    assert "note: 2 of 3 columns have missing values (a, b); " in err[0]
    code, out, err = run("pairwise", table, "--missing", "propagate")
    assert (code, rows(out)) == (0, [])
    code, _, err = run("pairwise", table, "--missing", "raise")
    assert code == 2
    assert len(err) == 1
    assert (
        "2 of 3 columns have missing values (a, b); with --nan-policy omit each pair uses only "
        "rows where both are present" in err[0]
    )


def test_names_with_commas_stand_in_quotes(run, path):
    table = path(**{"a, x": [0, 1, 0, 1], "b": [0, 1, 0, 1], "c": [0, 0, 1, 1]})
    code, out, _ = run("pairwise", table, "--columns", 'b, "a, x"')
    assert code == 0
    assert [(row["left"], row["right"]) for row in rows(out)] == [("b", "a, x")]


def test_names_that_look_like_markup_are_printed_as_they_are():
    code, text = on_terminal(100, "fastinfo", bracket_table=True)
    assert code == 0
    assert "[red]x[/]" in text


def test_listed_names_a_handful():
    assert listed(["a", "b"]) == "a, b"
    assert listed(list("abcdefgh")) == "a, b, c, d, e, f and 2 more"


# --- bad requests -------------------------------------------------------------------------------


BAD_REQUESTS = {
    "no such command": (["bogus"], "No such command 'bogus'"),
    "no table": (["pairwise"], "Missing argument 'TABLE'"),
    "no target": (["score", TABLE], "Missing option '--target'"),
    "no such option": (["pairwise", TABLE, "--topp", "3"], "No such option"),
    "no such file": (["pairwise", "nowhere.csv"], "no such file: nowhere.csv"),
    "a folder without tables": (["pairwise", ROOT / "fastinfo"], "there is no file of Parquet"),
    "top 0": (["pairwise", TABLE, "--top", "0"], "--top"),
    "top and all": (["pairwise", TABLE, "--top", "3", "--all"], "exclude each other"),
    "top and matrix": (["pairwise", TABLE, "--top", "3", "--out", "m.npy"], "exclude each other"),
    "unknown unit": (["pairwise", TABLE, "--unit", "bit"], "nats, bits, hartleys"),
    "unknown estimator": (["pairwise", TABLE, "--estimator", "mm"], "miller_madow"),
    "unknown backend": (["pairwise", TABLE, "--backend", "abacus"], "numba, numpy"),
    "unknown policy": (["pairwise", TABLE, "--missing", "drop"], "omit, raise, propagate"),
    "unknown bins": (
        ["pairwise", TABLE, "--bins", "narrow"],
        "--bins narrow: accepted are a number of bins of equal width, uniform[:N], quantile[:N], "
        "or a rule of NumPy (auto, ",
    ),
    "negative bins": (["score", TABLE, "--target", "zone", "--bins", "-3"], "--bins -3: accepted"),
    "no bins in words": (["pairwise", TABLE, "--bins", "uniform:0"], "bins=0"),
    "bins beyond rows": (
        ["pairwise", TABLE, "--bins", "1000000000"],
        "--bins 1000000000: the table has 312 rows; accepted are at most as many bins as rows",
    ),
    "quantiles beyond rows": (["pairwise", TABLE, "--bins", "quantile:313"], "has 312 rows"),
    "no such base": (["pairwise", TABLE, "--base", "3"], "'3' is not one of 2, e, 10, nats, bits"),
    "no such format": (["pairwise", TABLE, "--format", "xlsx"], "csv, tsv, parquet"),
    "no such encoding": (["pairwise", TABLE, "--encoding", "utf-9"], "no such encoding"),
    "no bins": (["pairwise", TABLE, "--bins", "0"], "bins=0"),
    "bins of categories": (
        ["pairwise", TABLE, "--bins", "4", "--columns", "region,hemisphere"],
        "no column is floating-point",
    ),
    "threads": (["pairwise", TABLE, "--threads", "0"], "--n-jobs"),
    "unknown column": (["pairwise", TABLE, "--columns", "latitud,region"], "near are latitude"),
    "far column": (["pairwise", TABLE, "--columns", "xyzzy,region"], "there are zone, country"),
    "column twice": (["pairwise", TABLE, "--columns", "region,region"], "named twice"),
    "empty name": (["pairwise", TABLE, "--columns", "region,"], "a name is empty"),
    "no name": (["pairwise", TABLE, "--columns", ""], "a name is empty"),
    "unknown kind": (["pairwise", TABLE, "--kind", "zone=categry"], "(near is 'category')"),
    "no kind": (["pairwise", TABLE, "--kind", "zone"], "--kind 'zone': accepted is NAME=VALUE"),
    "kind of no column": (["pairwise", TABLE, "--kind", "zon=skip"], "--kind: no column is called"),
    "kind twice": (
        ["pairwise", TABLE, "--kind", "zone=skip", "--kind", "zone=skip"],
        "--kind: 'zone' is named twice",
    ),
    "bins of text": (
        ["pairwise", TABLE, "--bins-of", "region=4"],
        "region holds categories or text, which are no numbers",
    ),
    "bins of a column in words": (
        ["pairwise", TABLE, "--bins-of", "latitude=narrow"],
        "--bins-of latitude narrow: accepted are",
    ),
    "too many bins of a column": (
        ["pairwise", TABLE, "--bins-of", "latitude=100000000"],
        "--bins-of latitude 100000000: the table has 312 rows; accepted are at most",
    ),
    "unknown excluded": (["pairwise", TABLE, "--exclude", "regoin"], "near are region"),
    "target excluded": (
        ["score", TABLE, "--target", "region", "--exclude", "region"],
        "--exclude: 'region' is the target",
    ),
    "unknown given": (["pairwise", TABLE, "--given", "regoin"], "--given: no column is called"),
    "given excluded": (
        ["pairwise", TABLE, "--given", "region", "--exclude", "region"],
        "--given: 'region' is excluded",
    ),
    "given is the target": (
        ["score", TABLE, "--target", "region", "--given", "region"],
        "--given: 'region' is the target",
    ),
    "given is weights": (
        ["pairwise", TABLE, "--given", "latitude", "--weights", "latitude"],
        "--given: 'latitude' is the column of weights",
    ),
    "one column beside given": (
        ["pairwise", TABLE, "--given", "region", "--columns", "latitude,region"],
        "no pair of usable columns",
    ),
    "given as many values as rows": (
        ["pairwise", TABLE, "--given", "zone"],
        "given has another value in each of 312 samples",
    ),
    "matrix nowhere": (["pairwise", TABLE, "--matrix"], "--matrix needs a file"),
    "normalized unit": (["pairwise", TABLE, "--normalized", "--unit", "bits"], "have no unit"),
    "unknown average": (["pairwise", TABLE, "--average", "mean"], "arithmetic, geometric"),
    "min samples": (["pairwise", TABLE, "--min-samples", "0"], "--min-samples"),
    "one column": (["pairwise", TABLE, "--columns", "region"], "no pair of usable columns"),
    "unknown target": (["score", TABLE, "--target", "regoin"], "near are region"),
    "unknown weights": (["pairwise", TABLE, "--weights", "zones"], "near are zone"),
    "text weights": (["pairwise", TABLE, "--weights", "zone"], "holds string"),
    "missing weights": (
        ["pairwise", TABLE, "--weights", "last_change_year"],
        "105 of 312 weights in 'last_change_year' are missing",
    ),
    "negative weights": (["pairwise", TABLE, "--weights", "latitude"], "negative weights"),
    "weights as target": (
        ["score", TABLE, "--target", "latitude", "--weights", "latitude"],
        "is the column of weights",
    ),
    "corrected weights": (
        ["pairwise", TABLE, "--weights", "countries_in_zone", "--estimator", "miller_madow"],
        "sums of weights",
    ),
    "tested weights": (
        ["pairwise", TABLE, "--p-values", "--weights", "countries_in_zone"],
        "--p-values and --fdr exclude --weights here",
    ),
    "tested estimates": (["pairwise", TABLE, "--fdr", "0.1", "--estimator", "nsb"], "--estimator"),
    "tested matrix": (["pairwise", TABLE, "--fdr", "0.1", "--out", "m.npy"], "use --p-values"),
    "no rate": (["pairwise", TABLE, "--fdr", "0"], "--fdr 0: accepted is a share above 0"),
    "unknown ending": (
        ["pairwise", TABLE, "--out", "pairs.docx"],
        ".csv, .tsv, .parquet, .jsonl, .npy",
    ),
    "matrix of scores": (["score", TABLE, "--target", "zone", "--out", "m.npy"], "'.npy'"),
    "no such folder": (["pairwise", TABLE, "--out", "nowhere/pairs.csv"], "not there"),
    "the table itself": (["pairwise", TABLE, "--out", TABLE], "is the table itself"),
}


def test_p_values_and_q_values_are_those_of_python(run, tmp_path):
    table = pd.read_csv(TABLE, keep_default_na=False, na_values=[""])
    options = {"nan_policy": "omit", "p_values": True}
    with pytest.warns((fastinfo.PreparationWarning, fastinfo.SaturationWarning)):
        every = fastinfo.top_pairs(table, k=None, threshold=-np.inf, min_samples=1, **options)
    expected = {(one.left, one.right): one for one in every}
    _, out, _ = run("pairwise", TABLE, "--p-values", "--top", "12")
    shown = rows(out)
    assert len(shown) == 12
    for row in shown:
        one = expected[row["left"], row["right"]]
        assert float(row["p_value"]) == pytest.approx(one.pvalue, rel=1e-9)
        assert float(row["q_value"]) == pytest.approx(one.qvalue, rel=0.01)
    path = tmp_path / "pairs.csv"
    run("pairwise", TABLE, "--fdr", "0.001", "--out", path)
    significant = pd.read_csv(path)
    assert 0 < len(significant) < len(every)
    assert (significant.q_value <= 0.001).all()
    # Of pairs with missing samples, those of countries are too sparse for the G-test to see them.
    found = set(zip(significant.left, significant.right, strict=True))
    reach = {pair for pair, one in expected.items() if one.qvalue <= 0.001}
    assert found < reach
    missed = [expected[pair] for pair in reach - found]  # some by the ranks of others alone
    assert all(one.n_samples < len(table) or one.qvalue > 0.0005 for one in missed)
    assert len(found) > 0.8 * len(reach)
    _, _, err = run("pairwise", TABLE, "--fdr", "1e-180")
    assert any("not significant at a false discovery rate of 1e-180" in line for line in err)


def test_the_matrix_of_p_values(run, tmp_path):
    path = tmp_path / "p.csv"
    _, _, err = run("pairwise", TABLE, "--p-values", "--matrix", "--out", path)
    assert any("matrix in p-values" in line for line in err)
    found = pd.read_csv(path, index_col="column")
    assert (found.isna() | ((found >= 0) & (found <= 1))).all(axis=None)  # NaN: no common row
    assert found.loc["latitude", "region"] == found.loc["region", "latitude"] < 1e-20


@pytest.mark.parametrize("case", BAD_REQUESTS)
def test_bad_requests_end_with_2_and_one_clear_line(run, case):
    arguments, told = BAD_REQUESTS[case]
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    (line,) = err
    assert line.startswith("fastinfo: error: ")
    assert told in line


BAD_TABLES = {
    "empty": (b"", "cannot be read as a table"),
    "header only": (b"a,b\n", "2 columns and 0 rows"),
    "ragged": (b"a,b\n1,2\n3\n", "line 3 has 1 cell and the header 2"),
    "names twice": (b"a,a\n1,2\n", "have the same name; the later ones are called a.1"),
    "not UTF-8": ("a,b\né,2\n".encode("latin-1"), "not UTF-8, but read as Windows-1252: a"),
    "binary": (bytes(range(256)), "line 1 holds a NUL byte"),
    "constant": (b"a,b\n1,2\n1,3\n", "no pair of usable columns among 2; 1 column skipped"),
    "identifiers": (
        b"a,b\n" + b"".join(b"x%d,y%d\n" % (i, i) for i in range(60)),
        "2 columns treated as identifiers and skipped (more different values than half the",
    ),
    "infinite": (b"a,b\n1.5,2\ninf,3\n2.5,2\n", "infinite values"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_bad_tables_end_with_2_and_one_clear_line(run, tmp_path, case):
    content, told = BAD_TABLES[case]
    (tmp_path / "table.csv").write_bytes(content)
    code, out, err = run("pairwise", tmp_path / "table.csv", "--bins", "uniform")
    assert (code, out) == (2, "")
    (line,) = err
    assert told in line


def test_a_target_that_cannot_be_measured_is_told_by_name(run, path):
    code, _, err = run("score", path(a=[1, 1], b=[1, 2], c=[2, 1]), "--target", "a")
    assert (code, err) == (2, ["fastinfo: error: --target: column 'a' is " + preparation.CONSTANT])


# --- processes ----------------------------------------------------------------------------------


def test_a_pipe_gets_tsv_on_stdout_and_notes_on_stderr():
    done = process("-m", "fastinfo", "pairwise", TABLE, "--top", "2")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 3
    assert done.stdout.splitlines()[0] == HEADER
    assert "\x1b" not in done.stdout + done.stderr
    notes = done.stderr.splitlines()
    assert all(line.startswith("note: ") for line in notes[:-1])
    assert notes[-1].startswith("numba, ")


def on_terminal(width, *command, bracket_table=False):
    """Exit code and text of a command that runs on a pseudo-terminal."""
    import fcntl
    import tempfile
    import termios

    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "table.parquet")
        if bracket_table:
            pyarrow.parquet.write_table(
                pa.table({"[red]x[/]": [0, 1, 0, 1], "y": [0, 1, 0, 1]}), table
            )
            command = ("pairwise", table)
        primary, secondary = pty.openpty()
        fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
        environment = os.environ | {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
        child = subprocess.Popen(
            [sys.executable, "-m", "fastinfo", *map(str, command)],
            stdin=secondary,
            stdout=secondary,
            stderr=secondary,
            cwd=ROOT,
            env={k: v for k, v in environment.items() if k not in ("COLUMNS", "NO_COLOR")},
        )
        os.close(secondary)
        text = b""
        while True:
            try:
                chunk = os.read(primary, 1 << 16)
            except OSError:  # how Linux says that the other end is closed
                break
            if not chunk:
                break
            text += chunk
        os.close(primary)
        return child.wait(timeout=120), text.decode()


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_gets_a_table_that_fits_and_a_progress_bar(width):
    code, text = on_terminal(width, "pairwise", TABLE, "--top", "10")
    assert code == 0
    assert "pairs" in text
    assert "bytes" in text
    assert "━" in text
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).replace("\r", "").splitlines()
    assert max(len(line) for line in shown if not re.search("(pairs|bytes) +━", line)) <= width
    (best,) = [line for line in shown if re.match(r" +1 +\S", line)]
    assert re.search(r"1 +\w+ +\w+ +\d\.\d{4} +\d\.\d{4} +\d+\.\d% +\d+", best)
    assert ("█" in best) == (width == 120)
    assert any(re.fullmatch(r" +left +right +nats +corrected +share +rows *", s) for s in shown)


def test_no_progress_means_no_bar():
    code, text = on_terminal(80, "pairwise", TABLE, "--no-progress")
    assert code == 0
    assert "━" not in text


def test_a_reader_that_has_read_enough_is_no_error(path):
    names = [f"column {i}" for i in range(120)]
    table = path(**{name: [0, 1, 1, i % 2] for i, name in enumerate(names)})
    command = f"'{sys.executable}' -m fastinfo pairwise '{table}' --all | head -n 1; "
    command += 'echo "${PIPESTATUS[0]}"'
    done = subprocess.run(
        ["bash", "-c", command],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.splitlines() == [HEADER, "141"]
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


@pytest.mark.parametrize(
    "arguments", ["--version", "--help", "pairwise --help", "info", f"pairwise '{TABLE}'"]
)
def test_every_command_is_quiet_about_a_reader_that_is_gone(arguments):
    # A reader that has gone before anything is written: head may be too late for that.
    script = f"""
import os, shlex, sys
from fastinfo.cli import main

reader, writer = os.pipe()
os.close(reader)
os.dup2(writer, sys.stdout.fileno())
sys.exit(main(shlex.split({arguments!r})))
"""
    done = process("-c", script)
    assert done.returncode == 141
    assert all(line.startswith(("note: ", "numba")) for line in done.stderr.splitlines())


def test_ctrl_c_ends_with_130_and_one_line():
    script = f"""
import os, signal, sys, time
from fastinfo.pairs import pairwise
from fastinfo.cli import main

def interrupted(*_, **__):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)

pairwise.top_pairs = interrupted
sys.exit(main(["pairwise", {str(TABLE)!r}]))
"""
    done = process("-c", script)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "fastinfo: interrupted\n"


def test_without_the_extra_the_line_that_installs_it_is_printed():
    script = "import sys; sys.modules['typer'] = None\n"
    script += "from fastinfo.cli import main; sys.exit(main(['info']))"
    done = process("-c", script)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.endswith("pip install typer rich")


def test_without_pyarrow_the_line_that_installs_it_is_printed():
    script = "import sys; sys.modules['pyarrow'] = None\n"
    script += f"from fastinfo.cli import main; sys.exit(main(['pairwise', {str(TABLE)!r}]))"
    done = process("-c", script)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.endswith("pip install pyarrow")


@pytest.mark.parametrize("arguments", [["--help"], ["pairwise", "--help"], ["pairwise"]])
def test_help_does_not_wait_for_numba_or_arrow(arguments):
    script = f"""
import sys
from fastinfo.cli import main
main({arguments!r})
print(sorted({{"numba", "pyarrow", "pandas", "polars", "narwhals"}} & sys.modules.keys()))
"""
    done = process("-c", script)
    assert done.stdout.splitlines()[-1] == "[]"


# --- the example table --------------------------------------------------------------------------


def test_the_example_table_is_what_its_script_makes(tmp_path, monkeypatch):
    tzdata = pytest.importorskip("tzdata", reason="the table is made from the tzdata package")
    version = re.search(r"version (\w+)", (TABLE.parent / "README.md").read_text("utf-8")).group(1)
    if version != tzdata.IANA_VERSION:
        pytest.skip(f"the table is of tz database {version}, here is {tzdata.IANA_VERSION}")
    place = TABLE.parent / "make_timezones.py"
    specification = importlib.util.spec_from_file_location("make_timezones", place)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    (tmp_path / "README.md").write_text("version 1970a")
    monkeypatch.setattr(module, "TABLE", tmp_path / "timezones.csv")
    module.main()
    assert (tmp_path / "timezones.csv").read_bytes() == TABLE.read_bytes()
    assert (tmp_path / "README.md").read_text() == f"version {version}"


def test_the_example_table_mixes_what_real_tables_mix():
    table = pyarrow.csv.read_csv(TABLE)
    kinds = {str(kind) for kind in table.schema.types}
    assert table.num_rows >= 300
    assert kinds == {"string", "double", "int64", "bool"}
    documented = re.findall(r"`(\w+)`", (TABLE.parent / "README.md").read_text("utf-8"))
    assert set(table.column_names) <= set(documented)
