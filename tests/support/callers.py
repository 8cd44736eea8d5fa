"""A process that calls p53net as a user does, whose death is seen, and what a call ended in."""

import contextlib
import pickle
import queue
import subprocess
import threading
from collections import Counter
from typing import Any

import psutil

from p53net import children

HANG = 30.0
"""Seconds after which a call is one that hangs."""

_BUSY = 10  # times as long by the clock, where the processor has other work
LIMIT = 2.0  # s of the processor, for each part of a call
_START_UP = 600.0  # s, to import all

FINE = ("ran", "refused")
"""What a call may end in."""

_CODE = """
import os, pickle, sys
out = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)
import p53net as pn
models = {}
pickle.dump(("ready", ""), out)
out.flush()
while True:
    content, options = pickle.load(sys.stdin.buffer)
    try:
        model = models.get(content) or pn.read_sbml(content, time_limit=LIMIT)
        if content in KEPT:
            models[content] = model
        model.simulate(**options)
        found = "ran", ""
    except pn.P53NetError as error:
        found = "refused", f"{type(error).__name__}: {error}"
    except BaseException as error:
        import traceback
        found = "foreign exception", "".join(traceback.format_exception(error))[-1500:]
    pickle.dump(found, out)
    out.flush()
"""


class Caller:
    """It is started again where it died."""

    def __init__(self, kept: tuple[bytes, ...] = ()) -> None:
        """Models of `kept` are read once."""
        self._kept, self._process = kept, None
        self.counts: Counter[str] = Counter()

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_about: object) -> None:
        self._end()

    def outcome(self, content: bytes, **options: Any) -> tuple[str, str]:
        """What reading this and simulating with these arguments ended in: ran, refused, foreign
        exception, crash or hang; and what was said."""
        process, answers = self._started()
        with contextlib.suppress(OSError):
            pickle.dump((content, options), process.stdin)
            process.stdin.flush()
        found = self._found(answers)
        if found is None:
            status = process.wait()
            self._end()
            found = "crash", f"status {status}"
        self.counts[found[0]] += 1
        return found

    def _found(self, answers) -> tuple[str, str] | None:
        """The next answer; a machine with other work is no hang."""
        begun = self.seconds()
        for _ in range(_BUSY):
            with contextlib.suppress(queue.Empty):
                return answers.get(timeout=HANG)
            if self.seconds() - begun > HANG / 2:
                break
        self._end()
        return "hang", f"more than {HANG:g} s"

    def seconds(self) -> float:
        """CPU time of the process, of what it started, and of what those have ended."""
        if self._process is None:
            return 0.0
        top, spent = psutil.Process(self._process[0].pid), 0.0
        for one in (top, *top.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended
                spent += sum(one.cpu_times()[:4])
        return spent

    def _started(self):
        if self._process is None:
            code = f"LIMIT = {LIMIT!r}\nKEPT = {set(self._kept)!r}\n{_CODE}"
            process = subprocess.Popen(
                children.command("-c", code), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, env=children.environment(),
            )  # fmt: skip
            answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
            threading.Thread(target=_pass_on, args=(process.stdout, answers), daemon=True).start()
            answers.get(timeout=_START_UP)
            self._process = process, answers
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process[0].kill()
            self._process[0].communicate()
            self._process = None


def _pass_on(stream, answers) -> None:
    try:
        while True:
            answers.put(pickle.load(stream))
    except (EOFError, OSError, ValueError, pickle.UnpicklingError):
        answers.put(None)
