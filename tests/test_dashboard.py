"""The dashboard: what its page is made of, regressions, and the files for other tools."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from benchmarked import CONTENDERS, benchmark, figure, history, measured, results

from bench import gpu, gpu_cases
from bench.__main__ import main
from bench.dashboard import data, exports, page

HOSTILE = '</script><img src=x onerror="alert(1)"> <b>bold</b> \\ "quoted" &amp; <!-- \n line'


def rows(shown, run):
    """Rows of a run as dictionaries, with their series."""
    return [
        dict(zip(data.COLUMNS, row, strict=True)) | {"of": shown["series"][row[0]]}
        for row in run["rows"]
    ]


def test_a_run_has_a_row_for_each_contender_and_none_is_not_zero():
    shown = data.shown([measured()])
    (run,) = shown["runs"]
    told = rows(shown, run)
    assert len(told) == 2 * 3 * len(CONTENDERS)
    ours = [row for row in told if row["of"]["contender"] == "fastinfo"]
    assert {row["memory"] for row in ours} == {0}
    assert {row["error"] for row in ours} == {0.0}
    assert {row["ratio"] for row in ours} == {None}
    assert {row["fraction"] for row in told} == {0.4, None}
    assert {row["of"]["contender"] for row in told if row["is_default"]} == {"fastinfo, numba"}
    assert {row["of"]["contender"] for row in told if row["of"]["is_peer"]} == {
        "np.bincount(x*B + y)",
        "sklearn.metrics.mutual_info_score",
    }
    assert run["left_out"][0]["reason"] == "there is no GPU"
    assert run["figures"][0][1:3] == ["rate", "samples/s"]
    assert run["figures"][0][-1] is False


def test_seconds_are_those_of_all_the_work():
    peer = benchmark("pair", {"n": 10}, "slow", 2.0, figure("slow", "×", 4.0), share=0.1)
    shown = data.shown([results([benchmark("pair", {"n": 10}, "fastinfo", 0.5), peer])])
    _, row = rows(shown, shown["runs"][0])
    assert (row["seconds"], row["low"], row["high"]) == (2.0, 1.8, 2.2)
    assert row["of"]["is_part"]


def test_ways_of_its_own_and_limits_are_no_peers():
    ours = benchmark("estimators", {"n": 10}, "plug-in", 0.5)
    other = benchmark("estimators", {"n": 10}, "jackknife", 0.5, figure("jackknife", "×", 1.0))
    counts = benchmark("counts", {"n": 10}, "fastinfo", 0.5)
    limit = benchmark("counts", {"n": 10}, "AND", 0.5, figure("AND", "×", 1.0), steps={"rate": 1.0})
    half = benchmark("counts", {"n": 10}, "fastinfo, half", 0.5, figure("half", "×", 1.0))
    shown = data.shown([results([ours, other, counts, limit, half])])
    assert [series["is_peer"] for series in shown["series"]] == [False] * 5


def test_files_of_one_commit_on_one_machine_are_one_run():
    first = results([benchmark("a", {"n": 1}, "fastinfo", 1.0)], day="2025-01-01")
    again = results([benchmark("a", {"n": 1}, "fastinfo", 2.0)], day="2025-01-02")
    other = results([benchmark("b", {"n": 1}, "fastinfo", 3.0)], day="2025-01-02")
    there = results([benchmark("b", {"n": 1}, "fastinfo", 3.0)], machine="other")
    shown = data.shown([first, again, other, there])
    assert [len(run["rows"]) for run in shown["runs"]] == [2, 1]
    assert [row["seconds"] for row in rows(shown, shown["runs"][0])] == [2.0, 3.0]


def test_a_regression_is_worse_than_the_runs_before_and_apart_from_them():
    shown = data.shown(history(12, slow_from=8))
    found = data.regressions(shown["runs"], shown["series"])
    assert {told.run for told in found} == {8, 9}  # of each machine the first that is
    assert all(told.times_worse == pytest.approx(1 / 0.7, rel=1e-2) for told in found)
    peers = {"np.bincount(x*B + y)", "sklearn.metrics.mutual_info_score"}
    assert {
        shown["series"][told.series]["contender"] for told in found if told.what == "ratio"
    } == peers
    assert data.shown(history(12))["regressions"] == []


def test_a_way_of_its_own_is_worse_where_it_nears_its_bound():
    """One may take 1.3 times as long, one is a part that takes a share, and one has no bound."""

    def run(number, ratios):
        shares = {"corrected": {"at_most": 1.3}, "a part": {"at_least": 0.6}, "growth": {}}
        entries = [benchmark("ways", {"n": 10}, "plug-in", 1.0)]
        for (name, bounds), ratio in zip(shares.items(), ratios, strict=True):
            told = figure(name, "×", ratio, **bounds) | {"q1": ratio * 0.99, "q3": ratio * 1.01}
            entries.append(benchmark("ways", {"n": 10}, name, ratio, told))
        return results(entries, day=f"2025-01-0{number}", commit=f"{number:040x}")

    shown = data.shown([run(1, [1.0, 1.0, 1.0]), run(2, [0.8, 1.2, 0.8])])
    assert shown["regressions"] == []
    shown = data.shown([run(1, [1.0, 1.0, 1.0]), run(2, [1.2, 0.8, 1.2])])
    names = [one["contender"] for one in shown["series"]]
    found = [(names[told["series"]], told["times_worse"]) for told in shown["regressions"]]
    assert found == [("corrected", 1.2), ("a part", 1.25)]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ([(1.0, 0.9, 1.1)], (1.2, 1.15, 1.3), 1.2),
        ([(1.0, 0.9, 1.1)], (1.2, 1.05, 1.3), None),  # a round was as fast as one before
        ([(1.0, 0.99, 1.01)], (1.09, 1.08, 1.1), None),  # less than 1.1 times
        ([(1.0, 0.9, 1.1), (1.0, 0.9, 1.4)], (1.3, 1.2, 1.4), None),  # was so slow before
        ([], (1.3, 1.2, 1.4), None),
    ],
)
def test_what_counts_as_worse(before, now, expected):
    made = [[0, *told, None, None, None] for told in before]
    assert data._times_worse(made, [0, *now, None, None, None], "seconds", "lower") == expected
    inverse = [[0, None, None, None, 1 / a, 1 / c, 1 / b] for a, b, c in before]
    a, b, c = now
    row = [0, None, None, None, 1 / a, 1 / c, 1 / b]
    found = data._times_worse(inverse, row, "ratio", "higher")
    assert found == (expected and pytest.approx(expected))


def test_read_takes_folders_and_sorts_by_time(tmp_path):
    for number, result in enumerate(reversed(history(3))):
        path = tmp_path / f"machine{number}" / "results.json"
        path.parent.mkdir()
        path.write_text(json.dumps(result), encoding="utf-8")
    found = data.read([tmp_path])
    assert [result["datetime"][:10] for result in found] == [
        "2025-01-01",
        "2025-01-02",
        "2025-01-03",
    ]
    (tmp_path / "other.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match=r"other\.json is no results file"):
        data.read([tmp_path])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no results files"):
        data.read([tmp_path / "empty"])


# --- the page -----------------------------------------------------------------------------------


@pytest.fixture
def without_plotly(monkeypatch):
    """The page without the library, which is large and asked for once."""
    monkeypatch.setattr(page, "plotly", lambda: "/* plotly */")


@pytest.mark.usefixtures("without_plotly")
def test_no_name_can_end_the_script_that_it_stands_in():
    result = measured()
    result["benchmarks"][0]["extra_info"] |= {"title": HOSTILE, "contender": HOSTILE}
    html = page.made(data.shown([result]))
    assert html.count("</script>") == 3
    assert "<img" not in html
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
    assert json.loads(text)["series"][0]["title"] == HOSTILE


@pytest.mark.usefixtures("without_plotly")
def test_the_page_asks_for_nothing():
    html = page.made(data.shown([measured()]))
    assert not re.findall(r"(?:src|href)=\"(?!#)", html)
    assert not re.findall(r"https?://", html)
    assert "default-src 'none'" in html


def test_fifty_runs_and_the_library_are_less_than_six_megabytes(tmp_path):
    pytest.importorskip("plotly", reason="plotly is not installed: the page is made with it")
    full = history(50)
    for result in full:  # as many rows as a full run has
        result["benchmarks"] *= 5
        for number, entry in enumerate(result["benchmarks"]):
            entry = dict(entry)
            entry["extra_info"] = entry["extra_info"] | {"title": f"{entry['group']} {number}"}
            result["benchmarks"][number] = entry
    folder = tmp_path / "results"
    folder.mkdir()
    for number, result in enumerate(full):
        (folder / f"{number}.json").write_text(json.dumps(result), encoding="utf-8")
    assert main(["dashboard", str(folder), "--out", str(tmp_path / "site")]) == 0
    made = {path.name: path.stat().st_size for path in (tmp_path / "site").iterdir()}
    assert set(made) == {"index.html", *exports.FILES}
    assert made["index.html"] < 6e6


def test_without_plotly_the_line_that_installs_it_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "plotly.offline", None)
    with pytest.raises(SystemExit):
        main(["dashboard", "--out", str(tmp_path)])
    assert "pip install 'fastinfo[bench]'" in capsys.readouterr().err


def test_committed_results_can_be_shown():
    shown = data.shown(data.read([Path(data.report.RESULTS)]))
    assert {run["machine"] for run in shown["runs"]} >= {"rocketlake-2-cores", "znver3-2-cores"}
    assert json.loads(json.dumps(shown))["series"]


def test_the_page_of_the_docs_is_of_the_committed_results():
    html = (Path(data.report.RESULTS).parents[1] / "docs/dashboard/index.html").read_text("utf-8")
    (told,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html)
    shown = data.shown(data.read([Path(data.report.RESULTS)]))
    assert json.loads(told) == json.loads(json.dumps(shown)), (
        "run: python -m bench dashboard --out docs/dashboard"
    )


# --- files for other tools ----------------------------------------------------------------------


def test_github_action_benchmark_has_what_its_schema_wants():
    shown = data.shown(history(4))
    told = json.loads(exports.github_action_benchmark(shown))
    assert len(told) == 2 * len(shown["runs"][-1]["rows"])  # the newest of both machines
    assert all(set(entry) == {"name", "unit", "value", "range", "extra"} for entry in told)
    assert len({entry["name"] for entry in told}) == len(told)
    assert all(isinstance(entry["value"], float) and entry["unit"] == "s" for entry in told)


LINE = re.compile(
    r"(?P<name>[a-z_]+)"
    r"\{(?P<labels>(?:[a-z_]+=\"(?:[^\"\\\n]|\\\\|\\\"|\\n)*\",?)+)\} "
    r"(?P<value>\S+)"
)


def test_prometheus_lines_can_be_read_back():
    result = measured()
    result["benchmarks"][0]["extra_info"]["title"] = HOSTILE
    text = exports.prometheus(data.shown([result]))
    told = [line for line in text.splitlines() if not line.startswith("# ")]
    parsed = [LINE.fullmatch(line) for line in told]
    assert all(parsed)
    of = {metric: [] for metric in exports.METRICS}
    for line in parsed:
        of[line["name"].removeprefix("fastinfo_benchmark_")].append(float(line["value"]))
    assert len(of["seconds"]) == 30
    assert (
        len(of["ratio"]) == 24
    )  # none of the first contender, which is not measured beside itself
    assert of["memory"].count(0.0) == 6
    assert len(set(told)) == len(told)
    found = re.findall(r'title="((?:[^"\\]|\\.)*)"', told[0])[0]
    assert found.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\") == HOSTILE


def test_csv_has_every_run_and_empty_cells_for_what_was_not_measured():
    shown = data.shown(history(3))
    told = list(csv.DictReader(io.StringIO(exports.table(shown))))
    assert len(told) == 3 * 30
    assert {row["day"] for row in told} == {"2025-01-01", "2025-01-02", "2025-01-03"}
    ours = [row for row in told if row["contender"] == "fastinfo"]
    assert {(row["ratio"], row["memory"], row["error"]) for row in ours} == {("", "0", "0.0")}


class Device:
    """A device as far as a results file tells of it."""

    def __init__(self):
        self.properties = Properties("NVIDIA H100", (9, 0))
        self.kernels = SimpleNamespace(device=SimpleNamespace(library="cupy 14"))


class Properties(NamedTuple):
    """What is known of a device."""

    name: str
    capability: tuple[int, int]


def test_results_of_a_device_come_by_the_same_door(tmp_path):
    """Two cases of `ci/bench gpu`, of which nothing but the times is made up here."""
    host = {"times": [50.0], "share": 0.1}
    common = {"times": [1.0, 2.0, 3.0], "bytes": 10, "host": host, "times numba": 250.0}
    pair = gpu_cases.PairCase("pair", "uint8", 10**6, 16, 0.4)
    matrix = gpu_cases.MatrixCase("matrix", 100, 1000, 16, 5e12)
    document = gpu.document(Device(), "full")
    of_pair = common | {"share of copy bandwidth": 0.3}
    of_matrix = common | {"sample-pairs per second": 6e12, "times torch": None}
    document["benchmarks"] += gpu.entries(pair, of_pair, gpu_cases.NUMBA)
    document["benchmarks"] += gpu.entries(matrix, of_matrix, gpu_cases.NUMBA)
    path = tmp_path / "gpu.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    shown = data.shown(data.read([path]))
    (run,) = shown["runs"]
    assert (run["machine"], run["device"]) == ("nvidia-h100", "NVIDIA H100")
    told = rows(shown, run)
    assert [row["seconds"] for row in told] == [2.0, 500.0] * 2
    assert [row["ratio"] for row in told] == [None, 250.0] * 2
    assert [row["fraction"] for row in told] == [0.3, None, None, None]
    assert [figure[-1] for figure in run["figures"]] == [False, True]
    assert not any(row["of"]["is_peer"] for row in told)
    assert "matrix on a device" in data.report.table(data.report.read(path), "gpu")
