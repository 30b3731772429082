"""A page in headless Chromium, driven over a pipe by Chromium's own protocol (https://chromedevtools.github.io)."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

ARGUMENTS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--disable-dev-shm-usage",
)
"""Root has no sandbox there, and the page is our own."""


LAUNCHER = """
import fcntl, os, sys
reads, writes = (fcntl.fcntl(int(each), fcntl.F_DUPFD, 10) for each in sys.argv[1:3])
os.dup2(reads, 3)
os.dup2(writes, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""The browser reads commands from its descriptor 3 and answers on 4."""


def find_chromium() -> str | None:
    """Find a browser of the family."""
    found = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    return next((path for path in found if path), None)


class Page:
    """One empty page.

    Attributes:
        events: what the browser told so far, as (method, parameters).
    """

    def __init__(self, program: str, profile: Path) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._numbers = itertools.count(1)
        self._session: str | None = None
        self._process, self._to, self._from = _start(program, profile)
        try:
            self._attach()
        except BaseException:
            self.close()
            raise

    def _attach(self) -> None:
        (target,) = [each for each in self._ask("Target.getTargets")["targetInfos"] if each["type"] == "page"]
        attached = self._ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.do(f"{domain}.enable")

    def open(self, path: Path) -> None:
        """Open a file, and wait until all of it is there."""
        self.do("Page.navigate", url=path.as_uri())
        while not any(method == "Page.loadEventFired" for method, _ in self.events):
            self._receive()

    def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask the page something."""
        return self._ask(method, **parameters)

    def evaluate(self, expression: str) -> Any:
        """Evaluate JavaScript in the page."""
        told = self.do("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def pdf(self) -> bytes:
        """Print the page, as ``--print-to-pdf`` does."""
        return base64.b64decode(self.do("Page.printToPDF", preferCSSPageSize=True)["data"])

    def requested(self) -> list[str]:
        """Name what the page asked for, its icon of no bytes aside."""
        sent = (told["request"]["url"] for method, told in self.events if method == "Network.requestWillBeSent")
        return [url for url in sent if url != "data:,"]

    def complaints(self) -> list[dict[str, Any]]:
        """Give what stands in the console, and what was raised."""
        told = {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}
        return [parameters for method, parameters in self.events if method in told]

    def close(self) -> None:
        """End the browser."""
        self._process.terminate()
        self._process.wait(30)
        os.close(self._to)
        os.close(self._from)

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        session = {"sessionId": self._session} if self._session else {}
        os.write(
            self._to, json.dumps({"id": number, "method": method, "params": parameters, **session}).encode() + b"\0"
        )
        while True:
            told = self._receive()
            if told.get("id") == number:
                assert "error" not in told, told
                result: dict[str, Any] = told["result"]
                return result

    def _receive(self) -> dict[str, Any]:
        text = b""
        while not text.endswith(b"\0"):
            byte = os.read(self._from, 1)
            assert byte, "the browser has ended"
            text += byte
        told: dict[str, Any] = json.loads(text[:-1])
        if "method" in told:
            self.events.append((told["method"], told["params"]))
        return told


def _start(program: str, profile: Path) -> tuple[subprocess.Popen[bytes], int, int]:
    """Start the browser; give the process and both ends of ours."""
    reads, to = os.pipe()
    from_, writes = os.pipe()
    arguments = [program, *ARGUMENTS, f"--user-data-dir={profile}", "about:blank"]
    command = [sys.executable, "-c", LAUNCHER, str(reads), str(writes), *arguments]
    process = subprocess.Popen(command, pass_fds=(reads, writes), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(reads)
    os.close(writes)
    return process, to, from_
