"""Chunks to workers and back: a few seconds of work at a time, and none is lost with its worker."""

import contextlib
import queue
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from itertools import islice
from typing import TYPE_CHECKING, Any

from p53net.errors import P53NetError, WorkersError
from p53net.sweeps import shared
from p53net.sweeps.design import Design
from p53net.sweeps.plan import Plan

if TYPE_CHECKING:
    import pyarrow as pa
    from distributed import Client, Future

_LOOK_EVERY = 2.0  # s
_MOST_TRIES = 20  # of a chunk
_AHEAD = 3  # tasks in flight for each thread of a worker
_TASK = 1.5  # s of a task, which has as many chunks as that takes
_TASK_BYTES = 32 * 2**20  # at most, of what it sends back
_SHARE = 4  # tasks at least that are left for each thread, so that all end together
_LOST = "lost the scheduler; what is stored is kept: start the scheduler again and resume"
_Task = tuple[shared.Chunk, ...]


class _Pace:
    """How many chunks make a task, from what the last ones took."""

    def __init__(self) -> None:
        self._fits = 1.0

    def learn(self, done: shared.Done) -> None:
        chunks = len(done.tables)
        size = sum(table.nbytes for table in done.tables)
        by_time = _TASK * chunks / max(done.seconds, 1e-6)
        self._fits = min(by_time, _TASK_BYTES * chunks / max(size, 1))

    def chunks(self, left: int, threads: int) -> int:
        """Of the next task."""
        return max(1, min(int(self._fits), left // (_SHARE * threads)))


def distributed(
    plan: Plan,
    design: Design,
    chunks: Sequence[tuple[int, int]],
    client: "Client",
    alive: Callable[[], None],
) -> "Iterator[tuple[int, pa.Table]]":
    """Tables of the chunks, each its first point and the one after its last, as they are done, in
    any order.

    A task whose worker ended twice is sent again chunk by chunk, and a chunk whose worker ended
    twice runs in a watched process, point by point. `alive` raises an error when all workers are
    gone for good.
    """
    with contextlib.ExitStack() as stack:
        try:
            name = stack.enter_context(shared.sent(client, plan, design))
        except Exception as error:  # whatever a worker raises as it unpacks the plan
            if client.status != "running":
                raise WorkersError(_LOST) from error
            raise _cannot_run(error) from error
        yield from _Dispatch(name, client, alive).tables(_listed(design, chunks), len(chunks))


def _listed(design: Design, chunks: Iterable[tuple[int, int]]) -> Iterator[shared.Chunk]:
    for start, stop in chunks:
        yield shared.Chunk(start, stop, None if design.described else design.values(start, stop))


class _Dispatch:
    """Tasks in flight."""

    def __init__(self, name: str, client: "Client", alive: Callable[[], None]) -> None:
        self._name, self._client, self._alive = name, client, alive
        self._flying: dict[Future, _Task] = {}
        self._sent = Counter[int]()
        self._ended = queue.SimpleQueue["Future"]()

    def tables(
        self, waiting: Iterator[shared.Chunk], left: int
    ) -> "Iterator[tuple[int, pa.Table]]":
        pace = _Pace()
        try:
            while True:
                self._check()
                threads = max(1, sum(_answer(self._client.nthreads).values()))
                while len(self._flying) < _AHEAD * threads:
                    task = tuple(islice(waiting, pace.chunks(left, threads)))
                    if not task:
                        break
                    left -= len(task)
                    self._send(task)
                if not self._flying:
                    return
                try:
                    future = self._ended.get(timeout=_LOOK_EVERY)
                except queue.Empty:
                    continue
                task = self._flying.pop(future)
                if (done := self._result(future, task)) is not None:
                    pace.learn(done)
                    starts = (chunk.start for chunk in task)
                    yield from zip(starts, done.tables, strict=True)
        finally:
            with contextlib.suppress(Exception):  # the scheduler may be gone
                self._client.cancel(list(self._flying), force=True)

    def _result(self, future: "Future", task: _Task) -> shared.Done | None:
        """What a task gave; None where it was sent again."""
        from distributed.scheduler import KilledWorker

        try:  # a worker that ends takes its results along: they are computed again on the way
            done: shared.Done = future.result()
            return done
        except KilledWorker:
            for chunk in task:
                self._send((chunk,), alone=len(task) == 1)
        except CancelledError:  # its worker left the cluster with it
            self._check()
            self._send(task)
        except P53NetError:
            raise
        except Exception as error:  # whatever a worker raised; those of points are rows
            self._check()
            raise _cannot_run(error) from error
        return None

    def _send(self, task: _Task, alone: bool = False) -> None:
        first, last = task[0].start, task[-1].stop
        self._sent[first] += 1
        if self._sent[first] > _MOST_TRIES:
            raise WorkersError(
                f"points {first:,} to {last - 1:,} were lost {_MOST_TRIES} times with their "
                "workers; look at what ends the workers, and resume"
            )
        future = self._client.submit(shared.tables, self._name, list(task), alone, pure=False)
        self._flying[future] = task
        future.add_done_callback(self._ended.put)

    def _check(self) -> None:
        """Raise WorkersError where nobody would ever answer."""
        if self._client.status != "running":
            raise WorkersError(_LOST)
        self._alive()


def _answer(ask: Callable[[], Any]) -> Any:  # noqa: ANN401 - of whatever is asked
    """What the scheduler says, unless it is gone between two checks."""
    try:
        return ask()
    except (OSError, CancelledError):
        raise WorkersError(_LOST) from None


def _cannot_run(error: Exception) -> WorkersError:
    return WorkersError(
        f"a worker cannot run points ({type(error).__name__}: {error}); can it import p53net and "
        "what your measures need?"
    )
