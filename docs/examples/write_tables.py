"""Write the tables of README.md from the results of the examples beside the pictures.

python docs/examples/write_tables.py

A table stands between ``<!-- name:begin -->`` and ``<!-- name:end -->``, the name of an example.
A test holds that each is that of its file.
"""

import importlib
import json
import re
from pathlib import Path

import harness

PAGE = Path(__file__).with_name("README.md")
BLOCK = re.compile(r"<!-- (?P<name>\w+):begin -->\n.*?<!-- (?P=name):end -->", re.DOTALL)


def written(text):
    """The text with the tables as the results have them."""

    def block(found):
        name = found["name"]
        results = json.loads((harness.PICTURES / f"{name}.json").read_text(encoding="utf-8"))
        table = importlib.import_module(name).table(results)
        return f"<!-- {name}:begin -->\n\n{table}\n\n<!-- {name}:end -->"

    return BLOCK.sub(block, text)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
