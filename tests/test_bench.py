"""The benchmarks' own arithmetic, their results file and the README's table."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from bench import report, timing
from bench.case import RATE, SIZES, Target
from bench.cases import CASES, COUNTING, GROUPS, chosen
from bench.run import SCHEMA, _readable, measure

ROOT = Path(__file__).resolve().parent.parent

SPREAD = {"median": 0.002, "min": 0.001, "max": 0.003}
BEGIN, END = report.markers()

RESULTS = {
    "schema": SCHEMA,
    "date": "2025-01-31",
    "size": "default",
    "revision": None,
    "machine": {
        "cpu": "Some CPU",
        "llvm_cpu": "generic",
        "architecture": "x86_64",
        "cores": 2,
        "caches": {"L1": "32 KiB"},
        "system": "Linux",
    },
    "versions": {"python": "3.11.0", "numpy": "2.0.0"},
    "cases": [
        {
            "case": "pair",
            "title": "one pair, n = 10⁶",
            "parameters": {"n": 10**6},
            "work": 10**6,
            "unit": "samples",
            "checked": "2 answers equal the reference's",
            "contenders": [
                {"name": "fastinfo", "threads": 1, "share": 1.0, "rate": 5e8, "seconds": SPREAD},
                {"name": "fast.peer", "threads": 1, "share": 1.0, "rate": 1e9, "seconds": SPREAD},
                {"name": "slow loop", "threads": 1, "share": 0.1, "rate": 1e6, "seconds": SPREAD}
                | {"steps": {"rate": 1.5e12, "unit": "bit/s"}},
            ],
            "ratios": [
                {"figure": "fast.peer", "unit": "×", "median": 0.5, "min": 0.4, "max": 0.6}
                | {"target": {"at_least": 3.0, "at_most": None}, "met": False},
                {"figure": "slow loop", "unit": "×", "median": 1234.5, "min": 1e3, "max": 2e3}
                | {"target": None, "met": None},
            ],
            "figures": [
                {"figure": "rate", "unit": "samples/s", "median": 5e8, "min": 3e8, "max": 1e9}
                | {"target": {"at_least": 4e8, "at_most": None}, "met": True},
                {"figure": "peak", "unit": "B", "median": 5e8, "min": 5e8, "max": 5e8}
                | {"target": {"at_least": 1e8, "at_most": 1e9}, "met": True},
                {"figure": "untold", "unit": "B", "median": 5e8, "min": 5e8, "max": 5e8}
                | {"target": None, "met": None},
            ],
        }
    ],
    "startup": [
        {
            "title": "import",
            "seconds": {"median": 0.04, "min": 0.03, "max": 0.05, "repetitions": 10},
            "target": 0.1,
            "met": True,
        }
    ],
    "not_run": [{"case": "two threads", "reason": "one core"}],
}


def test_table_shows_wins_losses_and_what_was_not_run() -> None:
    lines = report.table(RESULTS).splitlines()
    assert lines[0] == (
        "Some CPU (generic), 2 cores, L1 32 KiB, Linux; python 3.11.0, numpy 2.0.0; 2025-01-31."
    )
    assert (
        "| one pair, n = 10⁶ | 2.00 ms, 500 M samples/s | `fast.peer` | 2.00 ms "
        "| 0.500× (0.400× to 0.600×) | ≥ 3×: **missed** |"
    ) in lines
    assert ("|  |  | slow loop | ≈ 2.00 ms, 1.50 Tbit/s | 1,230× (1,000× to 2,000×) |  |") in lines
    assert (
        "|  |  | rate |  | 500 M samples/s (300 M samples/s to 1.00 G samples/s) "
        "| ≥ 0.4 G samples/s: met |"
    ) in lines
    assert "|  |  | peak |  | 500 MB | ≥ 0.1 GB and ≤ 1 GB: met |" in lines
    assert not any("untold" in line for line in lines)
    assert "| import | 40.0 ms (30.0 ms to 50.0 ms) | ≤ 0.1 s: met |" in lines
    assert lines[-1] == "Not run: two threads, one core."


def test_update_replaces_what_is_between_the_markers_and_nothing_else() -> None:
    other = "<!-- bench:other:begin -->\nother\n<!-- bench:other:end -->\n"
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n{other}"
    new = report.updated(text, RESULTS)
    assert new == f"before\n{BEGIN}\n{report.table(RESULTS)}\n{END}\nafter\n{other}"
    assert report.updated(new, RESULTS) == new
    new = report.updated(text, RESULTS, group="other")
    assert new == text.replace("\nother\n", f"\n{report.table(RESULTS)}\n")


@pytest.mark.parametrize(
    "text",
    ["", BEGIN, END + BEGIN, BEGIN + END + END],
)
def test_update_refuses_text_without_one_pair_of_markers(text: str) -> None:
    with pytest.raises(ValueError, match="needs one"):
        report.updated(text, RESULTS)


def test_read_refuses_another_schema(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps(RESULTS), encoding="utf-8")
    assert report.read(path) == RESULTS
    path.write_text(json.dumps(RESULTS | {"schema": "fastinfo.bench/1"}), encoding="utf-8")
    with pytest.raises(ValueError, match=r"results\.json has schema 'fastinfo\.bench/1'"):
        report.read(path)


@pytest.mark.parametrize("group", GROUPS)
def test_texts_have_the_tables_of_the_committed_results(group: str) -> None:
    results = report.read(report.results_of(group))
    texts = [("docs/benchmarks.md", report.table, "")]
    if group == COUNTING:
        texts.append(("README.md", report.short_table, "--short "))
    for name, make, option in texts:
        text = (ROOT / name).read_text(encoding="utf-8")
        _, inside, _ = report.between_markers(text, group)
        assert inside.strip() == make(results), (
            f"run: python -m bench.report --group {group} {option}--update {name}"
        )
    if group == COUNTING:
        assert inside.strip().count("\n") == 3 + len(report.SHORT) == 13
    assert results["size"] == "default"
    assert {c["case"] for c in results["cases"]} | {c["case"] for c in results["not_run"]} == {
        case.name for case in GROUPS[group]
    }


@pytest.mark.parametrize("group", GROUPS)
def test_committed_targets_are_those_of_the_cases_and_met_follows(group: str) -> None:
    by_name = {case.name: case for case in CASES}
    for result in report.read(report.results_of(group))["cases"]:
        for figure in [*result["ratios"], *result["figures"]]:
            target = by_name[result["case"]].target(figure["figure"], result["parameters"])
            if target is None:
                assert figure["target"] is figure["met"] is None
                continue
            assert figure["target"] == {"at_least": target.at_least, "at_most": target.at_most}
            assert figure["met"] == target.is_met(figure["median"])


def test_a_target_may_have_a_bound_on_either_side() -> None:
    least, most = Target("rate", {}, at_least=2.0), Target("share", {}, at_most=3.0)
    between = Target("cost", {}, at_least=2.0, at_most=3.0)
    values = [1.9, 2.0, 3.0, 3.1]
    assert [least.is_met(value) for value in values] == [False, True, True, True]
    assert [most.is_met(value) for value in values] == [True, True, True, False]
    assert [between.is_met(value) for value in values] == [False, True, True, False]


def test_ratio_is_of_rounds_and_counts_the_share() -> None:
    assert timing.ratio([1.0, 2.0, 4.0], [10.0, 10.0]) == {"median": 7.5, "min": 5.0, "max": 10.0}
    assert timing.ratio([1.0], [3.0], share=0.1)["median"] == pytest.approx(30.0)


def test_contenders_take_turns() -> None:
    order: list[str] = []
    effort = timing.Effort(fewest=2, most=2, seconds=0.0)
    timing_was, timing.SHORTEST = timing.SHORTEST, 0.0  # so that no call is repeated
    try:
        calls = [lambda: order.append("a"), lambda: order.append("b")]
        times = timing.take_turns(calls, effort, first=[0.0, 0.0])
    finally:
        timing.SHORTEST = timing_was
    assert order == ["a", "b"] * 3  # once to see how long they take, then two rounds
    assert [len(seconds) for seconds in times] == [2, 2]


def test_a_call_that_took_too_long_is_not_repeated() -> None:
    effort = timing.Effort(fewest=2, most=2, seconds=0.0, patience=20.0)
    calls: list[str] = []
    times = timing.take_turns([lambda: calls.append("slow")], effort, first=[21.0])
    assert (calls, times) == ([], [[21.0]])


def test_a_wrong_answer_is_an_error() -> None:
    case = chosen("pair-uint8")[0]
    data = case.make(n=1000, B=4)
    right = data.counts.copy()
    case.check(data, right)
    right[0, 0] += 1
    with pytest.raises(AssertionError):
        case.check(data, right)
    with pytest.raises(AssertionError):
        case.check(data, data.information * (1 + 1e-11))


def test_every_case_has_every_size_and_its_targets_are_run_by_default() -> None:
    for case in CASES:
        assert set(case.sizes) == set(SIZES)
        names = {contender.name for contender in case.contenders}
        for target in case.targets:
            figures = {*names, RATE, *case.measures} - {case.contenders[0].name}
            assert target.figure in figures
            assert target.at_least is not None or target.at_most is not None
            assert target.at in [dict(parameters) for parameters in case.sizes["default"]]


def test_measured_case_has_what_the_report_reads() -> None:
    (case,) = chosen("pair-uint8")
    result = measure(case, {"n": 500, "B": 4}, timing.Effort(fewest=1, most=1, seconds=0.0))
    results = copy.deepcopy(RESULTS) | {"cases": [result]}
    assert json.loads(json.dumps(results)) == results
    table = report.table(results)
    for contender in case.contenders:
        assert contender.name in table
    assert result["title"] == "one pair, uint8 codes, 4 bins, n = 500"
    assert result["checked"] == "5 answers equal the reference's"


def test_unknown_case_is_told_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no group is 'nothing', .*; there are counting, stat"):
        chosen("nothing")


def test_parameters_are_readable() -> None:
    assert _readable({"n": 10**7, "m": 5000, "B": 16, "k": 1000}) == {
        "n": "10⁷",
        "m": "5,000",
        "B": "16",
        "k": "1,000",
    }
