"""The page: one file with everything in it, which needs no network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def plotly() -> str:
    """The plotting library, from the package that brings it along.

    Raises
    ------
    ImportError
        Where it is not installed, with the line that installs it.
    """
    try:
        import plotly.offline
    except ImportError as error:
        raise ImportError("the dashboard needs plotly: `pip install 'fastinfo[bench]'`") from error
    return str(plotly.offline.get_plotlyjs())


def made(shown: Mapping[str, Any]) -> str:
    """The HTML."""
    parts = {
        "style": (HERE / "page.css").read_text(encoding="utf-8"),
        "plotly": plotly(),
        "data": _in_script(json.dumps(shown, ensure_ascii=False, separators=(",", ":"))),
        "script": (HERE / "charts.js").read_text(encoding="utf-8")
        + (HERE / "page.js").read_text(encoding="utf-8"),
    }
    text = (HERE / "page.html").read_text(encoding="utf-8")
    before, *rest = text.split("{{")
    found = [before]
    for part in rest:
        name, after = part.split("}}", 1)
        found += [parts[name], after]
    return "".join(found)


def _in_script(text: str) -> str:
    """JSON that cannot end the element of script that it stands in."""
    return text.replace("<", "\\u003c")
