"""Make pairwise.svg, the README's picture of the command line, from a real run.

python docs/pictures/make_pairwise.py
"""

import io
import os
import re
from pathlib import Path

from rich.console import Console

from fastinfo.cli import main, output

ROOT = Path(__file__).parents[2]
COMMAND = ["pairwise", "docs/data/timezones.csv", "--top", "10"]


def run() -> None:
    """Run the command on a terminal that records what it shows."""
    os.chdir(ROOT)
    os.environ.pop("NO_COLOR", None)
    console = Console(
        record=True, width=100, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    output.consoles = lambda: (console, console)
    main([*COMMAND, "--no-progress"])  # once to compile the kernels
    console.export_text()
    console.print("[bold green]$[/] fastinfo", *COMMAND, highlight=False)
    if main([*COMMAND, "--no-progress"]):
        raise SystemExit("the command failed")
    picture = Path(__file__).with_name("pairwise.svg")
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", console.export_svg(title="fastinfo"), flags=re.S)
    picture.write_text(drawn, encoding="utf-8")  # with the reader's own monospace font
    print(f"{picture.name}: {picture.stat().st_size:,} bytes")


if __name__ == "__main__":
    run()
