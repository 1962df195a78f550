"""What the examples share: their command line, and where results go.

An example is a script with three functions: ``run(quick)`` returns its results, numbers that JSON
can hold; ``draw(results)`` makes the picture of them, and ``table(results)`` their table. So every
number and every picture in the documentation comes from the file of one run.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

import matplotlib
import torch

PICTURES = Path(__file__).resolve().parents[1] / "pictures"


def main(name, run, draw, table):
    """The command line of the example called ``name``."""
    parser = argparse.ArgumentParser(prog=f"{name}.py", description=sys.modules["__main__"].__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a run of seconds, to see that it runs"
    )
    parser.add_argument(
        "--draw", action="store_true", help="draw the results of the last run anew, without a run"
    )
    parser.add_argument(
        "--output",
        type=Path,
        help=f"folder for {name}.json and {name}.svg; the documentation's, or none with --quick",
    )
    options = parser.parse_args()
    output = options.output or (None if options.quick else PICTURES)
    if options.draw:
        text = ((output or PICTURES) / f"{name}.json").read_text(encoding="utf-8")
        results = json.loads(text)
    else:
        results = rounded(run(options.quick))
    print(table(results))
    if output is not None:
        save(name, results, draw, output)


def save(name, results, draw, output):
    """Write results and their picture into a folder."""
    output.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results, indent=1) + "\n"
    (output / f"{name}.json").write_text(text, encoding="utf-8")
    matplotlib.use("Agg")
    # The same run gives the same file: neither a date nor random names in it.
    with matplotlib.rc_context({"svg.hashsalt": name, "font.size": 9, "axes.axisbelow": True}):
        figure = draw(results)
        figure.savefig(output / f"{name}.svg", metadata={"Date": None})
    print(f"{output / name}.json and .svg")


def rounded(value):
    """Results with four significant digits."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {str(key): rounded(entry) for key, entry in value.items()}
    return [rounded(entry) for entry in value] if isinstance(value, (list, tuple)) else value


def spread(values, digits=3, sign=""):
    """Mean and standard deviation, as text."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.fmean(values):{sign}.{digits}f} ± {deviation:.{digits}f}"


def paired(values, others, digits=3):
    """Mean and standard deviation of differences, and how many are above 0, as text."""
    differences = [a - b for a, b in zip(values, others, strict=True)]
    wins = sum(difference > 0 for difference in differences)
    return f"{spread(differences, digits, '+')}, {wins} of {len(differences)} above 0"


def rows(header, lines):
    """A table in Markdown."""
    cells = [header, ["---"] * len(header), *lines]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in cells)


def split(x, y, n_first, seed):
    """Samples in random order, as tensors: the first ``n_first``, and the rest."""
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    x, y = torch.as_tensor(x, dtype=torch.float32)[order], torch.as_tensor(y)[order]
    return x[:n_first], y[:n_first], x[n_first:], y[n_first:]
