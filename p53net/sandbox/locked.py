"""A process that may die: asked from here, watched, and ended with all that it holds."""

import array
import contextlib
import os
import pickle
import queue
import signal
import socket
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from time import monotonic
from typing import IO, Any, TypeAlias

import psutil

from p53net import children
from p53net.errors import P53NetError, WorkersError
from p53net.sandbox.answers import loads, receive, send
from p53net.sandbox.child import ERROR, MEMORY, VALUE
from p53net.sandbox.limits import ROOM, WATCHED

_COPIED = sys.platform == "linux"
"""Whether processes are copies of one that is ready. Elsewhere copies of one that has compiled
libraries in it are not safe, or not possible."""

_START_UP = 60.0  # s, for a process to be there
_LOOK_EVERY = 0.1  # s, at the memory, where it has to be watched

_BUSY = 10.0
"""Seconds by the clock for one of the processor."""

_BOOT = """
import sys, types
package = types.ModuleType("p53net")  # its rooms, without all that `import p53net` brings
package.__path__ = [sys.argv[1]]
sys.modules["p53net"] = package
from p53net.sandbox import child
child.{0}()
"""

Streams: TypeAlias = tuple[IO[bytes], IO[bytes]]


class Ended(Exception):
    """The process is gone: it died, or it was ended at a limit. Says how."""

    def __init__(self, how: str, *, is_late: bool = False) -> None:
        super().__init__(how)
        self.is_late = is_late


class Odd(Exception):
    """The function ended in an exception that is not ours. Says which."""


class Locked:
    """A process without files and network. Not for several threads at once."""

    def __init__(self, modules: tuple[str, ...]) -> None:
        """With these modules in it; it cannot load others later."""
        self._process = _copy(modules) if _COPIED else _fresh(modules)
        self._answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        reader, self._writer = self._process.streams
        threading.Thread(target=_pass_on, args=(reader, self._answers), daemon=True).start()
        self._close = weakref.finalize(self, self._process.close)
        self._ended, self._of = False, os.getpid()

    @property
    def is_gone(self) -> bool:
        """Whether it takes no more calls: it has ended, or is that of the process that this one
        was forked from."""
        return self._ended or self._of != os.getpid()

    def __enter__(self) -> "Locked":
        return self

    def __exit__(self, *_about: object) -> None:
        self.close()

    def close(self) -> None:
        """Ask no more."""
        self._ended = True
        self._close()

    def call(
        self, function: str, *arguments: object, within: float, at_most: float | None = None
    ) -> Any:  # noqa: ANN401
        """What a function gives there, such as `module:name`, `within` so many seconds of its
        processor, and at most so many by the clock: ten times as many, as others may be busy.

        Raises the error of ours that the function raised; Odd; Ended, after which this process
        takes no more calls.
        """
        if self.is_gone:
            raise Ended("it has ended before")
        longest = _BUSY * within if at_most is None else at_most
        question = pickle.dumps((function, arguments, longest), protocol=5)
        try:
            try:
                send(self._writer, question)
            except OSError:  # it died before, which the answer will say
                content = None
            else:
                content = self._answer(within, longest)
            if content is None:
                raise Ended(_said(self._end()))
            try:
                kind, found = loads(content)
            except (pickle.UnpicklingError, ValueError, TypeError, EOFError, AttributeError):
                self._end()
                raise Ended("it gave an answer that is none") from None
        except Ended:
            raise
        except BaseException:  # an interrupt: the answer would come to the next question
            self._end()
            raise
        if kind == VALUE:
            return found
        if kind == ERROR:
            raise found
        if kind == MEMORY:
            self._end()
            raise Ended(_TOO_MUCH)
        raise Odd(found)

    def _answer(self, within: float, longest: float) -> bytes | None:
        """The next answer, or None where the process died. Raises Ended at a limit."""
        begun, used = monotonic(), self._process.seconds()
        look = begun + min(within, longest)
        while True:
            left = max(look - monotonic(), 0.0)
            try:
                return self._answers.get(timeout=min(left, _LOOK_EVERY) if WATCHED else left)
            except queue.Empty:
                if WATCHED and self._process.memory() > ROOM:
                    self._end()
                    raise Ended(_TOO_MUCH) from None
                if monotonic() < look:
                    continue
                left = within - (self._process.seconds() - used)
                due = begun + longest - monotonic()
                if min(left, due) <= 0.0:
                    self._end()
                    late = f"it took more than {within:g} s"
                    raise Ended(late, is_late=True) from None
                look = monotonic() + min(max(left, _LOOK_EVERY), due)

    def _end(self) -> int:
        self._ended = True
        status = self._process.end()
        self._close()
        return status


_TOO_MUCH = f"it wanted more than {ROOM / 2**30:g} GiB of memory"


def _said(status: int) -> str:
    """How a process ended, in words."""
    if status >= 0:
        return f"it ended with status {status}"
    try:
        return f"it was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"it was ended by signal {-status}"


def _pass_on(reader: IO[bytes], answers: "queue.SimpleQueue[bytes | None]") -> None:
    """Answers, as they come; None at the end."""
    content: bytes | None = b""
    while content is not None:
        try:
            content = receive(reader)
        except (OSError, ValueError, MemoryError):  # ValueError: it was just closed
            content = None
        answers.put(content)


class _Fresh:
    """A process from the start."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - this very interpreter
            _command("alone"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=_environment(),
        )  # fmt: skip
        reader, writer = self._process.stdout, self._process.stdin
        assert reader is not None and writer is not None  # noqa: S101 - pipes, as asked for
        self.streams: Streams = reader, writer

    def memory(self) -> int:
        """Bytes that it has."""
        try:
            return int(psutil.Process(self._process.pid).memory_info().rss)
        except psutil.Error:  # it has just ended
            return 0

    def seconds(self) -> float:
        """Of the processor that it has used."""
        return _seconds(self._process.pid)

    def end(self) -> int:
        """End it, unless it has ended; how it did."""
        self._process.kill()
        return self._process.wait()

    def close(self) -> None:
        """Nobody asks any more."""
        self.end()


class _Copy:
    """A copy of the process that is ready."""

    def __init__(self, number: int, line: socket.socket) -> None:
        self._number, self._line, self._of = number, line, os.getpid()
        self.streams: Streams = line.makefile("rb"), line.makefile("wb")

    def memory(self) -> int:
        """It keeps its limit by itself."""
        return 0

    def seconds(self) -> float:
        """Of the processor that it has used."""
        return _seconds(self._number)

    def end(self) -> int:
        """End it, unless it has ended; how it did."""
        return int(_ready.order("end", self._number))

    def close(self) -> None:
        """Nobody asks any more: it ends by itself. Its reader sees the end, too. In a fork of the
        process that asked the line is not this one's to close."""
        if self._of == os.getpid():
            with contextlib.suppress(OSError):  # it has ended
                self._line.shutdown(socket.SHUT_RDWR)


def _seconds(number: int) -> float:
    try:
        used = psutil.Process(number).cpu_times()
    except psutil.Error:  # it has just ended
        return 0.0
    return float(used.user + used.system)


class _Ready:
    """The process that is copied: started when it is first needed, and again in a fork of this
    process, whose copies would else be those of two."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: socket.socket | None = None
        self._of = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_there(self) -> bool:
        """Whether it was started."""
        return self._orders is not None and self._of == os.getpid()

    def order(self, order: str, about: object, handle: socket.socket | None = None) -> Any:  # noqa: ANN401
        """Have something done, and what that gave."""
        content = pickle.dumps((order, about))
        sent = [] if handle is None else [(
            socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [handle.fileno()]))]  # fmt: skip
        with self._lock:
            for _ in range(2):  # again where somebody ended it
                try:
                    orders = self._started()
                    orders.sendmsg([content], sent)
                    if answer := orders.recv(2**16):
                        break
                except OSError:
                    pass
                self._orders = None
                if order == "end":  # what it copied is gone with it
                    return -int(signal.SIGKILL)
            else:
                raise WorkersError("a process cannot be started; see whether memory is left")
        found = pickle.loads(answer)  # noqa: S301 - from what has seen no file
        if isinstance(found, P53NetError):
            raise found
        return found

    def _started(self) -> socket.socket:
        if self._orders is None or not self.is_there:
            here, there = socket.socketpair()
            with there:
                self._process = subprocess.Popen(  # noqa: S603 - this very interpreter
                    _command("copies"), stdin=there.fileno(), stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL, env=_environment(),
                )  # fmt: skip
            here.settimeout(_START_UP)
            self._orders, self._of = here, os.getpid()
        return self._orders


_ready = _Ready()


def warm(*modules: str) -> None:
    """Start what `Locked` copies, with these modules, while this process does other things."""
    if _COPIED and not _ready.is_there:
        threading.Thread(target=_load, args=(modules,), daemon=True).start()


def _load(modules: tuple[str, ...]) -> None:
    with contextlib.suppress(WorkersError):  # which whoever needs it is told
        _ready.order("load", modules)


def _copy(modules: tuple[str, ...]) -> _Copy:
    here, there = socket.socketpair()
    with there:
        return _Copy(_ready.order("copy", modules, there), here)


def _fresh(modules: tuple[str, ...]) -> _Fresh:
    made = _Fresh()
    try:
        send(made.streams[1], pickle.dumps(modules))
    except OSError:
        raise WorkersError("a process cannot be started; see whether memory is left") from None
    return made


def _command(what: str) -> list[str]:
    folder = str(Path(__file__).parents[1])
    return children.command("-c", _BOOT.format(what), folder)


def _environment() -> dict[str, str]:
    """Without threads of its own, which could not be copied, and are of no use here; and with logs
    of integrators on the standard output, which leads nowhere: they could open no file."""
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    logs = {f"SUNLOGGER_{level}_FILENAME": "stdout" for level in ("WARNING", "ERROR")}
    return {**children.environment(), **threads, **logs}
