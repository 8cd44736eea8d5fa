"""What all chunks of a sweep share, sent to each worker of a cluster once; and their work there."""

import contextlib
import ctypes
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import cloudpickle
from distributed import WorkerPlugin

from p53net.engines.base import FloatArray
from p53net.sweeps import isolated
from p53net.sweeps.design import Design, Listed
from p53net.sweeps.plan import Plan
from p53net.sweeps.reduced import as_parts
from p53net.sweeps.workers import watched_table

if TYPE_CHECKING:
    import pyarrow as pa
    from distributed import Client, Worker

_KEPT_FREE, _FROM_SYSTEM = 128 * 2**20, 32 * 2**20  # bytes
_PATIENCE = 20.0  # s
_held: dict[str, "Shared"] = {}


class Chunk(NamedTuple):
    """Points of a sweep that are stored together."""

    start: int
    stop: int
    values: FloatArray | None
    """Of the axes; None where the design tells them."""


class Done(NamedTuple):
    """What a task gave."""

    tables: "list[pa.Table]"
    seconds: float


class Shared(WorkerPlugin):  # type: ignore[misc]  # Dask is not typed
    """The plan of a sweep, and its design where that needs no table, on every worker there is and
    that will come."""

    def __init__(self, plan: Plan, design: Design) -> None:
        self.name = f"p53net-{uuid.uuid4().hex}"
        # Opened by the first task, whose error is that of the sweep.
        without = design if design.described else Design({}, Listed({}))
        self._content = cloudpickle.dumps((plan, without))

    @cached_property
    def content(self) -> tuple[Plan, Design]:
        """The plan and the design."""
        found: tuple[Plan, Design] = cloudpickle.loads(self._content)
        return found

    def setup(self, worker: "Worker") -> None:
        """On a worker, before its first chunk."""
        _keep_memory()
        _held[self.name] = self

    def teardown(self, worker: "Worker") -> None:
        """After the sweep."""
        _held.pop(self.name, None)


@contextlib.contextmanager
def sent(client: "Client", plan: Plan, design: Design) -> Iterator[str]:
    """The name under which workers have the plan and the design, until the end."""
    shared = Shared(plan, design)
    _patiently(lambda: client.register_plugin(shared))
    try:
        yield shared.name
    finally:
        if client.status == "running":
            with contextlib.suppress(Exception):  # the scheduler may have just gone
                _patiently(lambda: client.unregister_worker_plugin(shared.name))


def _patiently(call: Callable[[], object]) -> None:
    """Do what every worker answers to, but wait for ever for none that hangs, or that is gone."""
    failed: list[Exception] = []

    def attempt() -> None:
        try:
            call()
        except Exception as error:  # raised again below, in the thread that waits
            failed.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(_PATIENCE)
    if failed:
        raise failed[0]


def tables(name: str, chunks: list[Chunk], alone: bool) -> Done:
    """In a worker: the table of each chunk. `alone`: point by point in a watched process."""
    begin = perf_counter()
    plan, design = _held[name].content
    work = isolated.isolated_table if alone else watched_table
    found = []
    for start, stop, sliced in chunks:
        values = design.values(start, stop) if sliced is None else sliced
        table = work(plan, start, values)
        found.append(as_parts(plan.reductions, plan.axes, start, table))
    return Done(found, perf_counter() - begin)


def _keep_memory() -> None:
    """Let the C library keep freed memory for the next arrays.

    Dask tells workers to give it back at once, so that every array of a chunk would be new pages
    from the system, zeroed, which takes a quarter of the time of a sweep.
    """
    if sys.platform == "linux":
        library = ctypes.CDLL(None)
        if hasattr(library, "gnu_get_libc_version"):
            library.mallopt(-1, _KEPT_FREE)  # M_TRIM_THRESHOLD
            library.mallopt(-3, _FROM_SYSTEM)  # M_MMAP_THRESHOLD
