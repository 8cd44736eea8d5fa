"""The other side: a process that makes others like itself, and one that answers.

On Linux one process has the compiled libraries loaded, has seen no file, and is copied for each:
a copy costs milliseconds, and what a file does to its own is gone with it. Elsewhere each file gets
a process from the start.
"""

import contextlib
import faulthandler
import os
import pickle
import signal
import socket
import sys
from collections.abc import Callable
from importlib import import_module
from typing import IO, Any

import numpy.ma  # noqa: F401 - NumPy loads it late, and after the lock nothing can be loaded

from p53net.errors import P53NetError
from p53net.sandbox.answers import dumps, receive, send
from p53net.sandbox.limits import lock

VALUE, ERROR, OTHER, MEMORY = "value", "error", "other", "memory"
"""What an answer is: what the function returned, an error of ours, another one, too little room."""


def copies() -> None:
    """For each order on the standard input, a socket, a copy of this process at its other end;
    its number, or how an earlier one ended, goes back on the same."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a whole terminal; who asks is who ends this
    orders = socket.socket(fileno=0)
    silence = os.open(os.devnull, os.O_RDWR)
    os.dup2(silence, 1)
    ended: dict[int, int | None] = {}  # copies, and how they ended, if they have
    while True:
        content, handles, _, _ = socket.recv_fds(orders, 2**16, 1)
        if not content:
            return
        order, about = pickle.loads(content)  # noqa: S301 - from the process that started this
        _reap(ended)
        if order == "end":
            orders.sendall(pickle.dumps(_end(about, ended)))
            continue
        fault = _loaded(about)
        if fault is not None or order == "load":
            orders.sendall(pickle.dumps(fault))
            continue
        copy = os.fork()
        if not copy:
            orders.close()
            os.dup2(silence, 0)
            line = socket.socket(fileno=handles[0])
            answer(line.makefile("rb"), line.makefile("wb"))
        os.close(handles[0])
        ended[copy] = None
        orders.sendall(pickle.dumps(copy))


def alone() -> None:
    """Answer on what were standard input and output, with these modules."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lines = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_RDWR)
    os.dup2(silence, 0)
    os.dup2(silence, 1)
    fault = _loaded(pickle.loads(receive(lines[0]) or b""))  # noqa: S301 - from our parent
    answer(*lines, fault)


def answer(questions: IO[bytes], answers: IO[bytes], fault: P53NetError | None = None) -> None:
    """Lock this process, and call what is asked for until nobody asks any more; or answer with the
    fault that it has."""
    silence = open(os.devnull, "w")
    lock()
    while (question := receive(questions)) is not None:
        function, arguments, seconds = pickle.loads(question)  # noqa: S301 - from our parent
        # The parent ends what takes longer; this is for one whose parent is gone.
        faulthandler.dump_traceback_later(seconds + 10.0, exit=True, file=silence)
        try:
            if fault is not None:
                raise fault
            found: tuple[str, Any] = VALUE, _named(function)(*arguments)
        except P53NetError as error:
            found = ERROR, error
        except MemoryError:
            found = MEMORY, None
        except Exception as error:  # whatever a stranger's file brings about
            found = OTHER, f"{type(error).__name__}: {error}"
        faulthandler.cancel_dump_traceback_later()
        send(answers, dumps(found))
    os._exit(0)


def _loaded(modules: tuple[str, ...]) -> P53NetError | None:
    """Import them; the error of one that needs what is not installed."""
    try:
        for module in modules:
            import_module(module)
    except P53NetError as error:
        return error
    return None


def _named(function: str) -> Callable[..., Any]:
    module, _, name = function.partition(":")
    found: Callable[..., Any] = getattr(sys.modules[module], name)
    return found


def _reap(ended: dict[int, int | None]) -> None:
    """Let copies go that have ended, and keep how."""
    with contextlib.suppress(ChildProcessError):  # there is none
        while True:
            copy, status = os.waitpid(-1, os.WNOHANG)
            if not copy:
                return
            ended[copy] = os.waitstatus_to_exitcode(status)


def _end(copy: int, ended: dict[int, int | None]) -> int:
    """End a copy, unless it has ended; how it did. Another's number is none of ours."""
    if copy not in ended:
        return -signal.SIGKILL
    if (how := ended.pop(copy)) is not None:
        return how
    os.kill(copy, signal.SIGKILL)
    _, status = os.waitpid(copy, 0)
    return os.waitstatus_to_exitcode(status)
