"""The gate: what it says of times that nobody measured, and of packages that are none."""

import ast
import contextlib
import json
import math
import textwrap
from pathlib import Path

import numpy as np
import pytest

from bench import compare, gate
from bench.__main__ import main

CASES = ("one", "two", "three")


def launcher(rng, slower, noise=0.08, of_launch=0.03, answers=(1.0, 1.0)):
    """Pairs of sides whose times only ever grow by what else goes on, as those of processes do.

    Each process has a speed of its own besides, for code and data lie where they lie.
    """

    @contextlib.contextmanager
    def launch(cases):
        speeds = {case: np.exp(of_launch * rng.standard_normal(2)) for case in cases}

        def side(number):
            def order(what, case):
                if what == "answer":
                    return [answers[number]]
                seconds = speeds[case][number] * (1 + rng.exponential(noise))
                return seconds * (slower.get(case, 1.0) if number else 1.0)

            return order

        yield side(0), side(1)

    return launch


def slow_cases(verdicts):
    return [verdict.case for verdict in verdicts if verdict.is_slower]


@pytest.mark.parametrize("seed", range(10))
def test_what_is_equal_is_not_slower_and_a_fifth_more_is(seed):
    rng = np.random.default_rng(seed)
    effort = compare.Effort()
    assert slow_cases(compare.compare(launcher(rng, {}), CASES, effort)) == []
    found = compare.compare(launcher(rng, {"two": 1.2}), CASES, effort)
    assert slow_cases(found) == ["two"]
    assert found[1].times == pytest.approx(1.2, rel=0.1)
    assert found[1].low <= found[1].times <= found[1].high


def test_what_became_faster_is_no_regression(rng):
    found = compare.compare(launcher(rng, {"one": 0.7}), CASES, compare.Effort())
    assert slow_cases(found) == []


def test_what_is_suspicious_is_measured_again(rng):
    launched = []
    launch = launcher(rng, {"one": 1.3})

    def counted(cases):
        launched.append(list(cases))
        return launch(cases)

    compare.compare(counted, CASES, compare.Effort(launches=3))
    assert launched == [list(CASES)] * 3 + [["one"]] * 3


def test_other_answers_are_an_error(rng):
    launch = launcher(rng, {}, answers=(1.0, 1.0 + 1e-6))
    with pytest.raises(ValueError, match="the answers of 'one' differ"):
        compare.compare(launch, CASES, compare.Effort())
    same = launcher(rng, {}, answers=(1.0, 1.0 + 1e-12))
    compare.compare(same, CASES, compare.Effort(launches=1, rounds=1))


@pytest.mark.parametrize(
    ("ratios", "is_slower"),
    [
        ([1.2, 1.21, 1.19, 1.2], True),
        ([1.05, 1.05, 1.05, 1.05], False),  # certain, and too little
        ([1.3, 0.9, 1.4, 0.95], False),  # much, and uncertain
        ([0.8, 0.8, 0.8, 0.8], False),
    ],
)
def test_a_regression_is_certain_and_large(ratios, is_slower):
    verdict = compare.judge("one", [math.log(ratio) for ratio in ratios], least=0.1)
    assert verdict.is_slower == is_slower
    assert min(ratios) * 0.999 <= verdict.low <= verdict.high <= max(ratios) * 1.001


PACKAGE = """
    import time
    import numpy as np

    def mutual_information(x, y, bins=None, n_jobs=None):
        until = time.process_time() + {seconds}
        while time.process_time() < until:
            pass
        return {answer}

    def pairwise_mutual_information(X, bins=None, n_jobs=None):
        return np.full((2, 2), mutual_information(X, X))
"""


@pytest.fixture
def package(tmp_path):
    """A folder with a package of this name that takes its time."""

    def make(name, seconds, answer=0.5):
        folder = tmp_path / name / "fastinfo"
        folder.mkdir(parents=True)
        text = textwrap.dedent(PACKAGE.format(seconds=seconds, answer=answer))
        (folder / "__init__.py").write_text(text, encoding="utf-8")
        return str(folder.parent)

    return make


def test_the_command_compares_two_folders(package, tmp_path, capsys):
    output = tmp_path / "verdicts.json"
    few = ["--launches", "2", "--rounds", "2", "--only", "pair-of-codes-1000"]
    before, after = package("before", 0.002), package("after", 0.006)
    assert main(["compare", before, after, *few, "--output", str(output)]) == 1
    told = json.loads(output.read_text(encoding="utf-8"))["verdicts"]
    assert [verdict["case"] for verdict in told] == ["pair-of-codes-1000"]
    assert told[0]["times"] == pytest.approx(3.0, rel=0.3)
    printed = capsys.readouterr()
    assert "**slower**" in printed.out
    assert "slower: pair-of-codes-1000" in printed.err
    assert main(["compare", after, before, *few]) == 0


def test_what_cannot_be_compared_is_told(package, capsys):
    few = ["--launches", "1", "--rounds", "1", "--only", "pair-of-codes-1000"]
    one, other = package("one", 0.001), package("other", 0.001, answer=0.6)
    for arguments, message in (
        ([one, other, *few], "the answers of 'pair-of-codes-1000' differ"),
        ([one, "no-such-commit", *few], "'no-such-commit' is neither a folder with the package"),
        ([one, one, "--only", "nothing"], "no case has 'nothing' in its name; there are pair-of"),
    ):
        with pytest.raises(SystemExit):
            main(["compare", *arguments])
        assert message in " ".join(capsys.readouterr().err.split())


def test_a_commit_is_unpacked(tmp_path):
    folder = compare._package("HEAD", tmp_path / "side")
    assert (folder / "fastinfo" / "__init__.py").is_file()
    assert not (folder / "bench").exists()


def test_the_cases_run_here_and_repeat_their_answers():
    import fastinfo

    few = ["pair-of-codes-1000", "all-pairs-of-quantiles"]
    stands = [gate.Stand(fastinfo, few) for _ in range(2)]
    for case in few:
        first, second = (stand.answer(case) for stand in stands)
        assert first == second
        assert 0 < max(first) < 10
        assert stands[0].turn(case) > 0


def test_the_gate_imports_nothing_that_an_older_commit_may_lack():
    tree = ast.parse(Path(gate.__file__).read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module))
    assert {name for name in names if name.startswith(("fastinfo.", "bench"))} == set()
