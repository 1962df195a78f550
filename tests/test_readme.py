"""The first page does what it says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.S)


def test_the_page_is_short_and_has_its_blocks():
    assert README.read_text(encoding="utf-8").count("\n") < 200
    assert len(BLOCKS) == 2


@pytest.mark.parametrize("block", BLOCKS, ids=["numpy", "torch"])
def test_the_python_blocks_run_as_they_stand(block, tmp_path):
    """In a process of their own, in which every warning is an error."""
    run = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", block],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert not run.stderr


def test_links_lead_to_files():
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8")):
        assert (README.parent / target).exists(), target
