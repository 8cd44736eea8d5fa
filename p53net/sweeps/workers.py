"""Where chunks run: in this process, in local worker processes, or on a cluster.

Both of the latter are Dask; a local sweep starts a scheduler and workers of its own, from the
command line of `dask worker`, so that a script needs no `__main__` guard on any system. How chunks
get there is in `dispatch`.
"""

import contextlib
import faulthandler
import os
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from p53net import children
from p53net.engines.base import FloatArray
from p53net.errors import WorkersError
from p53net.sweeps import rows
from p53net.sweeps.design import Design
from p53net.sweeps.plan import Plan
from p53net.sweeps.points import one_at_a_time
from p53net.sweeps.reduced import as_parts

if TYPE_CHECKING:
    import pyarrow as pa
    from distributed import Client, Security

Chunk = tuple[int, int]
"""First point, and the one after the last."""

_START_UP = 60.0  # s, until the first worker is there
_GRACE = 1.5  # a point that does not stop at its time limit by itself is stopped after this much
_SETTINGS = {  # of Dask: no spilling to disk, nothing that samples a busy worker, no pages
    **{f"DISTRIBUTED__WORKER__MEMORY__{what}": "False" for what in ("TARGET", "SPILL", "PAUSE")},
    "DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DISTRIBUTED__WORKER__HTTP__ROUTES": "[]",
    "DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "True",
}
_NO_PAGES: dict[str, list[str]] = {"distributed.scheduler.http.routes": []}
_armed = [0.0]


def in_process(
    plan: Plan, design: Design, chunks: Iterable[Chunk], threads: int
) -> "Generator[tuple[int, pa.Table], None, None]":
    """Tables of the chunks, one after the other; on the batch engine, `threads` at a time."""
    if threads == 1 or not plan.capabilities.threads:
        for start, stop in chunks:
            yield start, _kept(plan, start, rows.table(plan, start, design.values(start, stop)))
        return
    stopped = threading.Event()

    def before_each() -> None:
        if stopped.is_set():
            raise CancelledError

    def work(start: int, values: FloatArray) -> "pa.Table":
        return _kept(plan, start, rows.table(plan, start, values, before_each))

    with ThreadPoolExecutor(threads) as pool:
        waiting = iter(chunks)
        running: deque[tuple[int, Future[pa.Table]]] = deque()
        try:
            while True:
                for start, stop in islice(waiting, threads + 1 - len(running)):
                    task = pool.submit(work, start, design.values(start, stop))
                    running.append((start, task))
                if not running:
                    return
                start, task = running.popleft()
                yield start, task.result()
        finally:
            stopped.set()
            pool.shutdown(cancel_futures=True)


def _kept(plan: Plan, start: int, table: "pa.Table") -> "pa.Table":
    return as_parts(plan.reductions, plan.axes, start, table)


def watched_table(plan: Plan, start: int, values: FloatArray) -> "pa.Table":
    """`rows.table` in a worker: a point that does not stop in time ends the worker.

    An engine can be in compiled code for long and heed no signal, so a watchdog thread of the
    interpreter does it.
    """
    limit = _GRACE * plan.time_limit
    silence = open(os.devnull, "w")

    def before_each() -> None:
        if perf_counter() - _armed[0] > 0.1 * plan.time_limit:
            faulthandler.dump_traceback_later(limit, exit=True, file=silence)
            _armed[0] = perf_counter()

    with silence, one_at_a_time:
        _armed[0] = 0.0
        try:
            return rows.table(plan, start, values, before_each)
        finally:
            faulthandler.cancel_dump_traceback_later()


@contextlib.contextmanager
def connected(scheduler: str) -> "Iterator[tuple[Client, Callable[[], None]]]":
    """A client of a running scheduler, such as `tcp://host:8786`, whose workers come and go."""
    from distributed import Client

    try:
        client = Client(scheduler, timeout=10.0, set_as_default=False)
    except (OSError, ValueError) as error:
        raise WorkersError(
            f"no scheduler answers at {scheduler}: {error}; start `dask scheduler` there, or "
            "give workers to run on this machine"
        ) from None
    with client:
        yield client, lambda: None


@contextlib.contextmanager
def local(workers: int, plan: Plan) -> "Iterator[tuple[Client, Callable[[], None]]]":
    """A client of as many worker processes on this machine, which end with it; and their check.

    Whoever may talk to a scheduler or a worker may run code as its user, so every connection needs
    a certificate that only these processes have.
    """
    import dask
    from distributed import Client, LocalCluster, Security

    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="p53net-", ignore_cleanup_errors=True)
        )
        security = Security.temporary()
        certificate, key = _written(security, Path(folder))
        settings = {"distributed.scheduler.allowed-failures": 1, **_NO_PAGES}
        stack.enter_context(dask.config.set(settings))
        cluster = stack.enter_context(
            LocalCluster(
                n_workers=0,
                processes=False,
                host="127.0.0.1",
                protocol="tls",
                security=security,
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                silence_logs=50,
            )
        )
        command = children.command("-m", "distributed.cli.dask_worker", cluster.scheduler_address)
        command += ["--nthreads", "1", "--no-dashboard", "--memory-limit", str(plan.memory_limit)]
        command += ["--local-directory", folder, "--death-timeout", "20", "--host", "127.0.0.1"]
        command += ["--dashboard-address", "127.0.0.1:0"]  # even without pages a worker opens it
        command += ["--tls-ca-file", certificate, "--tls-cert", certificate, "--tls-key", key]
        environment = {
            **children.environment(),
            **{f"DASK_{name}": value for name, value in _SETTINGS.items()},
        }
        log = stack.enter_context(open(Path(folder, "log"), "wb"))
        processes: list[subprocess.Popen[bytes]] = []

        def alive() -> None:
            if all(process.poll() is not None for process in processes):
                said = Path(folder, "log").read_text(errors="replace")[-500:]
                raise WorkersError(f"all workers have ended; their last words: {said}")

        for _ in range(workers):
            process = subprocess.Popen(  # noqa: S603 - this very interpreter
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                # Ctrl-C is for this process, which ends the others.
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
            processes.append(process)
            stack.callback(_end, process)
        client = stack.enter_context(Client(cluster, set_as_default=False))
        try:
            client.wait_for_workers(workers, timeout=_START_UP)
        except TimeoutError:
            said = Path(folder, "log").read_text(errors="replace")[-500:]
            raise WorkersError(f"no worker started in {_START_UP:g} s: {said}") from None
        client.run(rows.ready, plan)
        yield client, alive


def _written(security: "Security", folder: Path) -> tuple[str, str]:
    """Files of the certificate and its key, for workers: other users of the machine can see the
    command line of a process, but cannot read these."""
    found = []
    for name, text in (
        ("certificate", security.tls_worker_cert),
        ("key", security.tls_worker_key),
    ):
        path = folder / f"{name}.pem"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        found.append(str(path))
    return found[0], found[1]


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(5.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
