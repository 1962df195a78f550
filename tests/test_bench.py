"""The benchmarks: turns, limits, the results file, and the tables made of it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from benchmarked import benchmark, figure, results

from bench import limits, machine, memory, report, turns
from bench.__main__ import main
from bench.case import RATE, SIZES, Target
from bench.cases import CASES, COUNTING, GROUPS, named
from bench.test_cases import readable

ROOT = Path(__file__).resolve().parent.parent
TEXTS = (
    ("docs/benchmarks.md", COUNTING, report.table, ""),
    ("docs/benchmarks.md", "statistics", report.table, ""),
    ("docs/benchmarks.md", "streaming", report.table, ""),
    ("docs/benchmarks.md", "dask", report.table, ""),
    ("docs/benchmarks.md", "backends", report.table, ""),
    ("docs/benchmarks.md", "libraries", report.table, ""),
    ("docs/benchmarks.md", report.STARTUP, report.table, ""),
    ("README.md", COUNTING, report.short_table, "--short "),
)

SLOW = benchmark(
    "pair",
    {"n": 10**6},
    "slow loop",
    0.002,
    ratio=figure("slow loop", "×", 1234.5),
    share=0.1,
    steps={"rate": 1.5e12, "unit": "bit/s"},
)
OURS = benchmark(
    "pair",
    {"n": 10**6},
    "fastinfo",
    0.002,
    title="one pair, n = 10⁶",
    figures=[
        figure("rate", "samples/s", 5e8, at_least=4e8),
        figure("peak", "B", 5e8, at_least=1e8, at_most=1e9) | {"min": 5e8, "max": 5e8},
        figure("untold", "B", 5e8),
    ],
)
PEER = benchmark(
    "pair", {"n": 10**6}, "fast.peer", 0.002, ratio=figure("fast.peer", "×", 0.5, at_least=3.0)
)
START: dict[str, Any] = {
    "extra_info": {
        "title": "import",
        "kind": "startup",
        "figures": [figure("seconds", "s", 0.04, at_most=0.1)],
    }
}
LEFT_OUT = {"case": "two threads", "contender": "ours", "reason": "one core", "group": COUNTING}
RESULTS = results([OURS, PEER, SLOW, START], not_measured=[LEFT_OUT])


def test_table_shows_wins_losses_and_what_was_not_run() -> None:
    lines = report.table(RESULTS).splitlines()
    assert lines[0] == (
        "Some CPU (generic), 2 cores, L1 32 KiB, Linux; python 3.11.0, numpy 2.0.0, "
        "revision 0123456789ab; 2025-01-31."
    )
    assert (
        "| one pair, n = 10⁶ | 2.00 ms, 500 M samples/s | `fast.peer` | 2.00 ms "
        "| 0.500× (0.400× to 0.600×) | ≥ 3×: **missed** |"
    ) in lines
    assert "|  |  | slow loop | ≈ 2.00 ms, 1.50 Tbit/s | 1,230× (988× to 1,480×) |  |" in lines
    assert (
        "|  |  | rate |  | 500 M samples/s (400 M samples/s to 600 M samples/s) "
        "| ≥ 0.4 G samples/s: met |"
    ) in lines
    assert "|  |  | peak |  | 500 MB | ≥ 0.1 GB and ≤ 1 GB: met |" in lines
    assert not any("untold" in line for line in lines)
    assert not any("import" in line for line in lines)
    starts = report.table(RESULTS, report.STARTUP).splitlines()
    assert "| import | 40.0 ms (32.0 ms to 48.0 ms) | ≤ 0.1 s: met |" in starts
    assert not any("one pair" in line for line in starts)
    assert lines[-1] == "Not run: two threads, ours: one core."
    assert "in brackets the smallest and largest value of a round" in lines[1]
    quartiles = {"q1": 0.45, "q3": 0.55}
    peer = benchmark("pair", {"n": 10**6}, "fast", 1.0, figure("fast", "×", 0.5) | quartiles)
    lines = report.table(results([OURS, peer])).splitlines()
    assert "in brackets the quartiles" in lines[1]
    assert any("| 0.500× (0.450× to 0.550×) |" in line for line in lines)
    other = report.table(RESULTS, "other")
    assert "one pair" not in other
    assert "import" not in other


def test_update_replaces_what_is_between_the_markers_and_nothing_else() -> None:
    file = next(report.RESULTS.glob("*/*.json"))
    name = file.relative_to(report.RESULTS).as_posix()
    other = "<!-- bench:other:begin x -->\nother\n<!-- bench:other:end -->\n"
    text = (
        f"before\n<!-- bench:counting:begin ? -->\nold\n<!-- bench:counting:end -->\nafter\n{other}"
    )
    table = report.table(report.read(file))
    new = report.updated(text, file)
    assert new == (
        f"before\n<!-- bench:counting:begin {name} -->\n{table}\n<!-- bench:counting:end -->\n"
        f"after\n{other}"
    )
    assert report.updated(new, file) == new
    assert report.marked(new) == (file, table)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<!-- bench:counting:begin x -->\n",
        "<!-- bench:counting:end -->\n<!-- bench:counting:begin x -->\n",
        "<!-- bench:counting:begin x -->\n\n<!-- bench:counting:end -->\n" * 2,
        "<!-- bench:counting:begin x -->\n\n<!-- bench:counting:end -->\n"
        "<!-- bench:counting:end -->",
    ],
)
def test_update_refuses_text_without_one_pair_of_markers(text: str) -> None:
    with pytest.raises(ValueError, match="needs one"):
        report.marked(text)


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"schema": "fastinfo.bench/2"}', '{"benchmarks": [], "machine_info": {}}'],
)
def test_read_refuses_another_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps(RESULTS), encoding="utf-8")
    assert report.read(path) == RESULTS
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"results\.json is no results file; `ci/bench` writes"):
        report.read(path)


@pytest.mark.parametrize(("name", "group", "make", "option"), TEXTS)
def test_texts_have_the_tables_of_the_files_they_name(
    name: str, group: str, make: Any, option: str
) -> None:
    file, inside = report.marked((ROOT / name).read_text(encoding="utf-8"), group)
    measured = report.read(file)
    assert inside == make(measured, group), (
        f"run: python -m bench report {file.relative_to(ROOT)} --group {group} "
        f"{option}--update {name}"
    )
    if option:
        assert inside.count("\n") == 3 + len(report.SHORT) == 13
    assert measured["machine_info"]["size"] == "default"
    told = [case[0]["extra_info"]["case"] for case in report.cases_of(measured, group)]
    told += [missing["case"] for missing in measured["machine_info"]["not_measured"]]
    assert set(told) >= {case.name for case in GROUPS.get(group, ())}
    if group == report.STARTUP:
        assert inside.count("first call") == 6


@pytest.mark.parametrize("file", sorted(report.RESULTS.glob("*/*.json")), ids=lambda p: p.stem)
def test_committed_files_tell_what_they_should(file: Path) -> None:
    """Whether targets are met follows from the figures, and nothing names a machine or a person."""
    measured = report.read(file)
    assert file.parent.name == measured["machine_info"]["id"]
    assert file.name.startswith(f"{report.day(measured)}-{measured['commit_info']['id'][:12]}")
    assert "node" not in measured["machine_info"]
    assert measured["commit_info"]["branch"] == "(unknown)"
    for entry in measured["benchmarks"]:
        told = entry["extra_info"]
        for found in [*told["figures"], *([told["ratio"]] if told.get("ratio") else [])]:
            if found["target"] is None:
                assert found["met"] is None
            else:
                assert found["met"] == Target("", {}, **found["target"]).is_met(found["median"])


def test_committed_targets_are_those_of_the_cases() -> None:
    """Of the files that texts are made of; older ones had those of their day."""
    for name, group, _, _ in TEXTS:
        file, _ = report.marked((ROOT / name).read_text(encoding="utf-8"), group)
        for case in report.cases_of(report.read(file), group):
            for entry in case:
                told = entry["extra_info"]
                for found in [*told["figures"], *([told["ratio"]] if told["ratio"] else [])]:
                    target = named(told["case"]).target(
                        found["figure"], entry["params"]["parameters"]
                    )
                    assert found["target"] == (target and target.bounds())


def test_a_target_may_have_a_bound_on_either_side() -> None:
    least, most = Target("rate", {}, at_least=2.0), Target("share", {}, at_most=3.0)
    between = Target("cost", {}, at_least=2.0, at_most=3.0)
    values = [1.9, 2.0, 3.0, 3.1]
    assert [least.is_met(value) for value in values] == [False, True, True, True]
    assert [most.is_met(value) for value in values] == [True, True, True, False]
    assert [between.is_met(value) for value in values] == [False, True, True, False]


def test_ratio_is_of_rounds_and_counts_the_share() -> None:
    found = turns.ratio([1.0, 2.0, 4.0], [10.0] * 3)
    assert found == {"median": 5.0, "min": 2.5, "max": 10.0, "q1": 3.75, "q3": 7.5}
    assert turns.ratio([1.0], [3.0], share=0.1)["median"] == pytest.approx(30.0)


def test_contenders_take_turns(benchmark: Any) -> None:
    order: list[str] = []
    turn = turns.Turn(lambda: order.append("ours"))
    benchmark.pedantic(lambda: order.append("theirs"), setup=turn, rounds=3)
    rounds = 3 if benchmark.enabled else 1
    assert order == ["ours", "theirs"] * rounds
    assert len(turn.seconds) == rounds


def test_long_calls_have_few_rounds_and_short_ones_many() -> None:
    effort = turns.Effort(fewest=3, most=15, seconds=5.0, patience=20.0, short=0.3)
    lasts = [21.0, 19.0, 4.0, 1.0, 0.1, 0.01, 0.001, 1e-5]
    assert [effort.rounds(seconds) for seconds in lasts] == [1, 3, 3, 5, 15, 30, 200, 200]
    assert turns.EFFORTS["smoke"].rounds(1e-5) == 2


def test_the_limit_is_that_of_the_scarcest_resource() -> None:
    rates = {"bytes": 10.0, "bits": 100.0}
    found = limits.fraction({"bytes": 20.0, "bits": 300.0}, rates, seconds=6.0)
    assert found == (0.5, "bits", 3.0)
    found = limits.fraction({"bytes": 20.0, "bits": 0.0}, rates, seconds=6.0)
    assert found == (pytest.approx(1 / 3), "bytes", 2.0)
    found = limits.fraction({"bytes": 20.0, "bits": 300.0}, rates, seconds=6.0, threads=2)
    assert found == (0.25, "bits", 1.5)


def test_limits_are_measured_for_every_resource_that_a_case_names() -> None:
    rates = limits.measure()
    assert min(rates.values()) > 1e7  # of any machine that this may run on
    for case in CASES:
        assert set(case.roofline) <= set(rates)
        for parameters in case.sizes["default"]:
            assert max((f(**parameters) for f in case.roofline.values()), default=1) > 0


@pytest.mark.skipif(memory.cannot_be_read() is not None, reason=str(memory.cannot_be_read()))
def test_memory_of_a_contender_is_what_it_takes_at_its_peak() -> None:
    """`np.bincount` makes whole numbers of 8 bytes of each cell number of one."""
    peak = memory.of_contender("pair-uint8", {"n": 10**6, "B": 16}, "np.bincount(x*B + y)")
    assert peak is not None
    assert 8e6 < peak < 20e6


def test_a_wrong_answer_is_an_error_and_a_close_one_has_a_small_error() -> None:
    case = named("pair-uint8")
    data = case.make(n=1000, B=4)
    right = data.counts.copy()
    case.check(data, right)
    right[0, 0] += 1
    with pytest.raises(AssertionError):
        case.check(data, right)
    wrong = data.information * (1 + 1e-11)
    with pytest.raises(AssertionError):
        case.check(data, wrong)
    assert case.error is not None
    assert case.error(data, wrong) == pytest.approx(1e-11, rel=1e-3)
    assert case.error(data, right) is None
    table = named("all-pairs-uint8")
    data = table.make(m=12, n=500, B=4)
    matrix = table.contenders[0].call(data)
    assert table.error is not None
    assert table.error(data, matrix) < 1e-13
    assert table.error(data, matrix * 1.001) == pytest.approx(1e-3, rel=1e-3)


def test_every_case_has_every_size_and_its_targets_are_run_by_default() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    for case in CASES:
        assert set(case.sizes) == set(SIZES)
        names = {contender.name for contender in case.contenders}
        for target in case.targets:
            figures = {*names, RATE, *case.measures} - {case.contenders[0].name}
            assert target.figure in figures
            assert target.at_least is not None or target.at_most is not None
            assert target.at in [dict(parameters) for parameters in case.sizes["default"]]


def test_a_full_run_is_a_process_and_a_file_for_each_group(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[list[str]] = []
    codes = iter([0, 1, *[0] * (len(GROUPS) - 1)])

    def run(command: list[str], **options: Any) -> Any:
        started.append(command)
        return subprocess.CompletedProcess(command, next(codes))

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(machine, "commit", lambda: {"id": "0" * 40, "dirty": False})
    assert main(["measure", "full"]) == 1  # one of them failed, and those after it ran
    asked = [(one[one.index("--only") + 1], Path(one[-1]).stem[11:]) for one in started]
    assert asked == [(group, f"{'0' * 12}-{group}") for group in (*GROUPS, report.STARTUP)]
    with pytest.raises(SystemExit):
        main(["measure", "full", "--output", "x.json"])
    assert "--output is the file of one process" in capsys.readouterr().err


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A results file as the command writes it, of one case and one backend left out."""
    path = tmp_path_factory.mktemp("bench") / "new" / "results.json"
    # In a process of its own: pytest does not run within pytest.
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bench", "measure", "quick", "--size", "smoke"),
            *("--only", "pair-bins", "--output", str(path)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return path, report.read(path)


def test_the_command_writes_what_the_report_reads(
    measured: tuple[Path, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    path, found = measured
    case = named("backends-pair-bins")
    info = {b["extra_info"]["contender"]: b["extra_info"] for b in found["benchmarks"]}
    left_out = {missing["contender"] for missing in found["machine_info"]["not_measured"]}
    assert set(info) | left_out == {contender.name for contender in case.contenders}
    ours = info["fastinfo"]
    assert (ours["n"], ours["m"], ours["bins"], ours["bytes"]) == (10**5, None, 2, 2 * 10**5)
    assert ours["relative_error"] < 1e-12
    assert 0 < ours["roofline"]["fraction"] < 2
    assert info["np.bincount(x*B + y)"]["relative_error"] is None  # it counts
    assert [name for name, told in info.items() if told["is_default"]] == ["fastinfo, numba"]
    assert info["fastinfo, numpy"]["ratio"]["median"] > 0
    assert main(["report", str(path), "--group", "backends"]) == 0
    assert "one pair of uint8 codes over B, 2 bins, n = 10⁵" in capsys.readouterr().out


def test_the_file_is_one_of_pytest_benchmark(measured: tuple[Path, dict[str, Any]]) -> None:
    """Its own command compares two of them."""
    path, found = measured
    entry = found["benchmarks"][0]
    assert {
        "group",
        "name",
        "fullname",
        "params",
        "param",
        "extra_info",
        "options",
        "stats",
    } == set(entry)
    other = path.with_name("0002_other.json")
    other.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", "compare", str(path), str(other)],
        cwd=path.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert entry["name"].removeprefix("test_") in done.stdout + done.stderr
    assert "UNSERIALIZABLE" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("file", sorted(report.RESULTS.glob("*/*.json")), ids=lambda p: p.stem)
def test_committed_files_can_be_compared_by_pytest_benchmark(file: Path) -> None:
    from pytest_benchmark.stats import Stats

    for entry in report.read(file)["benchmarks"]:
        assert set(Stats.fields) <= set(entry["stats"])


def test_files_are_named_after_machine_day_and_commit() -> None:
    path = machine.results_file(datetime(2025, 1, 31, tzinfo=UTC), "quick")
    assert path.parent == report.RESULTS / machine.identity()
    assert path.name.startswith(f"2025-01-31-{machine.commit()['id'][:12]}")
    assert path.name.endswith("-quick.json")


def test_a_file_that_is_none_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["report", str(ROOT / "pyproject.toml")])
    assert "pyproject.toml is no results file" in capsys.readouterr().err


def test_parameters_are_readable() -> None:
    assert readable({"n": 10**7, "m": 5000, "B": 16, "k": 1000}) == {
        "n": "10⁷",
        "m": "5,000",
        "B": "16",
        "k": "1,000",
    }
