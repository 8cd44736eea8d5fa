"""Points that ended their worker, run again in a process of their own that is watched from outside.

The child runs points in order and sends each row as it is done. When the child ends or has to be
stopped, the point that it was at gets a status, and a new child goes on with the next point.
"""

import faulthandler
import os
import pickle
import queue
import subprocess
import sys
import threading
from time import monotonic
from typing import IO, TYPE_CHECKING, Any

import cloudpickle
import numpy as np
import psutil

from p53net import children
from p53net.engines.base import FloatArray
from p53net.errors import WorkersError
from p53net.sweeps.plan import Plan
from p53net.sweeps.points import Points
from p53net.sweeps.rows import Row, as_table, failed, joined, model_of, ready, rows_of

if TYPE_CHECKING:
    import pyarrow as pa

_LOOK_EVERY = 0.05  # s
_START_UP = 60.0  # s, until a child has compiled the model
_TRIES = 2


def isolated_table(plan: Plan, start: int, values: FloatArray) -> "pa.Table":
    """As `rows.table`, with a status for points that hang, fill the memory or end their process."""
    rows: list[Row] = []
    tries = 0
    while len(rows) < len(values):
        done, status, reason = _child(plan, values[len(rows) :])
        rows += done
        if len(rows) == len(values):
            break
        tries = 1 if done else tries + 1
        # What was over a limit would be so again; what died may have been killed from outside.
        if status != "worker lost" or tries == _TRIES:
            rows.append(failed(plan, status, reason))
            tries = 0
    return as_table(plan, start, values, joined(rows))


def _child(plan: Plan, values: FloatArray) -> tuple[list[Row], str, str]:
    """Rows until the child's end, and why it ended."""
    rows: list[Row] = []
    with subprocess.Popen(  # noqa: S603 - this very interpreter
        children.command("-m", "p53net.sweeps.isolated"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=children.environment(),
    ) as process:
        try:
            arrived: queue.Queue[Any] = queue.Queue()
            threading.Thread(target=_talk, args=(process, plan, values, arrived)).start()
            watched = psutil.Process(process.pid)
            due, ready = monotonic() + _START_UP, False
            while True:
                try:
                    item = arrived.get(timeout=_LOOK_EVERY)
                except queue.Empty:
                    if monotonic() > due:
                        if not ready:
                            raise WorkersError(
                                f"a process did not start in {_START_UP:g} s"
                            ) from None
                        return rows, "time limit", f"more than {plan.time_limit:g} s"
                    if _memory(watched) > plan.memory_limit:
                        limit = f"{plan.memory_limit / 2**20:,.0f} MiB"
                        return rows, "memory limit", f"more than {limit}"
                    continue
                if item is None:
                    return rows, "worker lost", f"the process ended with status {process.wait()}"
                if isinstance(item, Row):
                    rows.append(item)
                ready = True
                due = monotonic() + plan.time_limit
        finally:
            process.kill()


def _talk(
    process: subprocess.Popen[bytes], plan: Plan, values: FloatArray, arrived: "queue.Queue[Any]"
) -> None:
    """Send the work and pass on what comes back; None at the end."""
    try:
        _pipe(process.stdin).write(cloudpickle.dumps((plan, values)))
        _pipe(process.stdin).flush()  # and left open: its end tells the child of ours
        while True:
            arrived.put(pickle.load(_pipe(process.stdout)))  # noqa: S301 - our own child
    except (EOFError, OSError, ValueError, pickle.UnpicklingError):  # ValueError: just closed
        arrived.put(None)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise EOFError
    return stream


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:  # it has just ended
        return 0


def _serve() -> None:
    """The child: work from stdin, rows to what was stdout before a measure could print to it."""
    out, parent = os.fdopen(os.dup(1), "wb"), os.dup(0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    plan, values = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the parent
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    ready(plan)
    if plan.capabilities.together:
        Points(plan, model_of(plan), values[:1], plan.engine).run()  # compiles
    silence = open(os.devnull, "w")
    for item in ["ready", *values]:
        # The parent stops a slow child; this stops one in compiled code whose parent is gone.
        faulthandler.dump_traceback_later(2 * plan.time_limit + 10, exit=True, file=silence)
        answer = _row(plan, item) if isinstance(item, np.ndarray) else item
        pickle.dump(answer, out)
        out.flush()


def _row(plan: Plan, point: FloatArray) -> Row:
    one = rows_of(plan, point[None])
    curves = None if one.curves is None else one.curves[0]
    return Row(
        one.values[0], one.errors[0], int(one.reruns[0]), one.statuses[0], one.reasons[0], curves
    )


def _leave_with(parent: int) -> None:
    """A child that hangs must not outlive a parent that was killed."""
    os.read(parent, 1)  # nothing more is ever sent: it returns at the end of the pipe
    os._exit(1)


if __name__ == "__main__":
    _serve()
