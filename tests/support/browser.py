"""Chromium without a window, by its own protocol over a pipe: no package is needed for it."""

import base64
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")


def found() -> str | None:
    """A browser of this machine."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """One page of a browser."""

    def __init__(self, write: int, read: int) -> None:
        self._write, self._read = write, os.fdopen(read, "rb", buffering=0)
        self._numbers, self._buffer = itertools.count(1), b""
        self.said: list[str] = []
        """Errors and what the page wrote to its console."""
        self._session = ""
        (target, *_) = [
            one for one in self.call("Target.getTargets")["targetInfos"] if one["type"] == "page"
        ]
        self._session = self.call(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.asked: list[str] = []
        """Addresses that the page asked for."""

    def call(self, method: str, **given: object) -> dict[str, Any]:
        number = next(self._numbers)
        message: dict[str, object] = {"id": number, "method": method, "params": given}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            piece = self._read.read(2**20)
            assert piece, "the browser has ended"
            self._buffer += piece
        text, _, self._buffer = self._buffer.partition(b"\0")
        message = json.loads(text)
        given = message.get("params", {})
        if message.get("method") == "Network.requestWillBeSent":
            self.asked.append(given["request"]["url"])
        if message.get("method") == "Runtime.exceptionThrown":
            self.said.append(json.dumps(given["exceptionDetails"])[:2000])
        if message.get("method") == "Log.entryAdded":
            self.said.append(given["entry"]["text"])
        if message.get("method") == "Runtime.consoleAPICalled":
            self.said.append(json.dumps(given["args"])[:2000])
        return message

    def run(self, script: str) -> Any:
        """The value of an expression, of a promise what it comes to."""
        found = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def open(self, address: str) -> None:
        """Go to an address, and wait until the page has computed and drawn."""
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=address)
        self.settled()

    def settled(self) -> None:
        self.run(
            "new Promise((done) => { const look = () => { const { turn, rested } = "
            "document.body ? document.body.dataset : {}; const bad = document.getElementById("
            "'problem'); if ((turn && turn === rested) || (bad && !bad.hidden)) done(); else "
            "setTimeout(look, 20); }; look(); })"
        )

    def size(self, width: int, height: int) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)  # fmt: skip

    def picture(self, path: Path, *, whole: bool = True) -> None:
        taken = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(taken["data"]))


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """A browser with an own, empty profile in a folder."""
    program = found()
    assert program is not None
    ours, theirs = os.pipe(), os.pipe()  # to it, from it
    # It reads from 3 and writes to 4, whatever the numbers are here.
    command = f'exec 3<&{ours[0]} 4>&{theirs[1]}; exec "$0" "$@"'
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
             "--no-first-run", "--disable-dev-shm-usage", f"--user-data-dir={folder}"]  # fmt: skip
    process = subprocess.Popen(
        ["bash", "-c", command, program, *flags, "about:blank"],
        pass_fds=(ours[0], theirs[1]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(ours[0])
    os.close(theirs[1])
    try:
        yield Page(ours[1], theirs[0])
    finally:
        process.terminate()
        process.wait(20)
        os.close(ours[1])
