"""The page of what the articles get wrong: what its blocks print is what stands there."""

import doctest
import re
from pathlib import Path

import fastinfo.torch

PAGE = Path(__file__).parents[1] / "docs" / "articles.md"


def test_every_block_of_the_page_is_true():
    # Blocks end with an empty line, for the closing fence would be taken for output.
    text = PAGE.read_text(encoding="utf-8")
    assert text.count("```") % 2 == 0
    blocks = re.findall(r"```pycon\n(.*?)\n\n```", text, flags=re.DOTALL)
    assert len(blocks) == text.count("```pycon") == text.count("```") // 2
    found = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert found.attempted > 40
    assert found.failed == 0


def test_every_claim_is_settled():
    """Each section that cites a claim has a block that runs."""
    sections = PAGE.read_text(encoding="utf-8").split("\n## ")[1:]
    assert len(sections) >= 10
    for section in sections:
        assert "**Claimed:**" in section, section[:60]
        assert "```pycon" in section, section[:60]


def test_the_page_names_what_there_is():
    names = set(re.findall(r"`(\w+)`", PAGE.read_text(encoding="utf-8")))
    assert names <= set(fastinfo.torch.__all__)
