"""Chromium without a window, driven through two pipes by its own protocol."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
SWITCHES = (
    *("--headless", "--no-sandbox", "--remote-debugging-pipe", "--disable-gpu"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--no-first-run", "--no-default-browser-check", "--disable-dev-shm-usage"),
)


def found() -> str | None:
    """The program, or None where it is not installed."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One page. What it asks for and what it complains about is kept."""

    def __init__(self, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._number = 0
        self._folder = tempfile.TemporaryDirectory()
        to_read, to_write = os.pipe(), os.pipe()
        program = found()
        assert program is not None
        # The protocol is spoken through the descriptors 3 and 4.
        shell = f'exec "$0" "$@" 3<&{to_read[0]} 4>&{to_write[1]}'
        profile = f"--user-data-dir={self._folder.name}"
        self._process = subprocess.Popen(
            ["bash", "-c", shell, program, *SWITCHES, profile, "about:blank"],
            pass_fds=(to_read[0], to_write[1]),
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read[0])
        os.close(to_write[1])
        self._write, self._read = os.fdopen(to_read[1], "wb"), os.fdopen(to_write[0], "rb")
        self._buffer = b""
        self._session = ""
        targets = self("Target.getTargets")["targetInfos"]
        target = next(told["targetId"] for told in targets if told["type"] == "page")
        attached = self("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self(f"{domain}.enable")
        self(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self("Emulation.setEmulatedMedia", features=[theme])

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait()
        self._write.close()
        self._read.close()
        try:
            self._folder.cleanup()
        except OSError:
            shutil.rmtree(self._folder.name, ignore_errors=True)

    def __call__(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of a command of the protocol."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._write.write(json.dumps(message).encode() + b"\0")
        self._write.flush()
        while True:
            told = self._next()
            if told.get("id") == self._number:
                assert "error" not in told, f"{method}: {told['error']}"
                result: dict[str, Any] = told["result"]
                return result
            self._note(told)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            part = os.read(self._read.fileno(), 1 << 20)
            assert part, "the browser has ended"
            self._buffer += part
        text, self._buffer = self._buffer.split(b"\0", 1)
        told: dict[str, Any] = json.loads(text)
        return told

    def _note(self, told: dict[str, Any]) -> None:
        method, parameters = told.get("method"), told.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", str(details)))
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning"):
            self.complaints.append(str([a.get("value") for a in parameters["args"]]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.complaints.append(parameters["entry"]["text"])

    def open(self, path: Path) -> float:
        """Open a page that says when it is ready; the seconds until then."""
        start = time.perf_counter()
        self("Page.navigate", url=path.resolve().as_uri())
        while self.run("document.documentElement?.dataset.ready") != "yes":
            assert time.perf_counter() < start + 30, f"the page is not ready: {self.complaints}"
            time.sleep(0.02)
        return time.perf_counter() - start

    def run(self, script: str) -> Any:
        """The value of an expression, or of the promise that it is."""
        told = self("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def move(self, x: float, y: float) -> None:
        """Move the mouse."""
        self("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def press(self, key: str) -> None:
        """Press a key and let it go."""
        for kind in ("keyDown", "keyUp"):
            self("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def picture(self, path: Path) -> None:
        """All of the page as a PNG."""
        told = self("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        path.write_bytes(base64.b64decode(told["data"]))
