"""Runs of the sampler side by side, stored as they end, and taken up again after an interruption.

The store is a folder with two files for each unit, one when all of the evidence is in and one with
its draws, and a file that says what they were made of. Each is written to a temporary file, synced
and renamed; a lock keeps a second writer away.
"""

import json
import multiprocessing
import os
import queue
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TypeAlias, TypeVar

from filelock import FileLock, Timeout

from p53net.ensembles.identity import digest
from p53net.errors import StoreError
from p53net.files import made_folder, read_bytes, write_bytes, write_text
from p53net.inference.tempering import Sampled, Settings
from p53net.inference.units import (
    Begun,
    Drawn,
    Told,
    Unit,
    begin,
    begun_of,
    follow_on,
    sampled_of,
    stored,
    unpacked,
)
from p53net.model.own import Tables

Progress = Callable[[str, float], None]
_Said: TypeAlias = queue.Queue[tuple[str, float]]

_ABOUT, _LOCK = "infer.json", ".lock"
_LARGEST, _LARGEST_ABOUT = 2**30, 2**20  # bytes
_LOOK = 0.5  # s between looks at what workers say
_LET_IN = 0.4  # share of the time, about

Key = TypeVar("Key")
Result = TypeVar("Result")
Job: TypeAlias = Callable[[Told], Result]
"""Anything that a worker can do, given whom it tells how far it is."""

_said: "_Said | None" = None
"""Of a worker: where it says how far it is."""

_asked_by = 0
"""Of a worker: the process that asked for its jobs."""


def run_units(
    units: Sequence[Unit],
    settings: Settings,
    seed: int,
    folder: Path,
    own: Tables,
    workers: int,
    progress: Progress,
) -> dict[Unit, Drawn]:
    """What all units give, those in the folder as they were stored.

    Raises StoreError where the folder is of another posterior, or another process writes there.
    """
    groups: dict[str, list[Unit]] = {}
    for unit in units:
        groups.setdefault(f"{unit.structure}, width {unit.width:g}", []).append(unit)
    with _held(folder, settings, seed, own):
        todo = {name: several for name, several in groups.items()
                if not all(_file(folder, one).exists() for one in several)}  # fmt: skip
        left = [one for several in todo.values() for one in several]
        begun = {one: partial(_begun, one, settings, seed, own)
                 for one in left if not _begun_file(folder, one).exists()}  # fmt: skip
        for one, content in run_all(begun, workers, lambda name, share: progress(
            name, _LET_IN * share
        )):  # fmt: skip
            write_bytes(_begun_file(folder, one), content)
        jobs = {name: partial(_followed, several, settings, folder, own)
                for name, several in todo.items()}  # fmt: skip
        for _, contents in run_all(jobs, workers, lambda name, share: progress(
            name, _LET_IN + (1.0 - _LET_IN) * share
        )):  # fmt: skip
            for unit, content in contents.items():
                write_bytes(_file(folder, unit), content)
        return {
            one: unpacked(read_bytes(_file(folder, one), _LARGEST, "the unit"), one.name)
            for one in units
        }


def _begun(unit: Unit, settings: Settings, seed: int, own: Tables, told: Told) -> bytes:
    return begin(unit, settings, seed, own, told).packed()


def _followed(
    units: Sequence[Unit], settings: Settings, folder: Path, own: Tables, told: Told
) -> dict[Unit, bytes]:
    begun = [_read_begun(folder, one) for one in units]
    drawn = follow_on(units, begun, settings, own, told)
    return {unit: one.packed() for unit, one in zip(units, drawn, strict=True)}


def _read_begun(folder: Path, unit: Unit) -> Begun:
    path = _begun_file(folder, unit)
    return begun_of(read_bytes(path, _LARGEST, "the unit"), path.name)


@contextmanager
def _held(folder: Path, settings: Settings, seed: int, own: Tables) -> Iterator[None]:
    """The folder for this process alone."""
    made_folder(folder)
    try:
        with FileLock(folder / _LOCK, timeout=0):
            _check(folder, settings, seed, own)
            yield
    except Timeout:
        raise StoreError(
            f"another process is writing {folder}: wait for it, or choose another folder"
        ) from None


def run_stored(
    file: Path, run: Callable[[Callable[[float], None]], Sampled], told: Callable[[float], None]
) -> Sampled:
    """What a single run gives, or gave, if it is stored there."""
    if file.exists():
        return stored_run(file)
    found = run(told)
    write_bytes(file, stored(found))
    return found


def stored_run(file: Path) -> Sampled:
    """What was stored there. Raises StoreError where it is damaged."""
    return sampled_of(read_bytes(file, _LARGEST, "the run"), file.name)


def _file(folder: Path, unit: Unit) -> Path:
    return folder / f"{unit.name}.npz"


def _begun_file(folder: Path, unit: Unit) -> Path:
    return folder / f"{unit.name}.begun.npz"


def _check(folder: Path, settings: Settings, seed: int, own: Tables) -> None:
    """The folder is new, or holds units of the same models, evidence, settings and seed."""
    about = {
        "models": digest(),
        "settings": asdict(settings),
        "seed": seed,
        "own": {name: text.sha256 for name, text in own},
    }
    file = folder / _ABOUT
    if not file.exists():
        write_text(file, json.dumps(about, indent=1) + "\n")
        return
    try:
        known = json.loads(read_bytes(file, _LARGEST_ABOUT, "the notes of the posterior"))
        other = [name for name in about if known[name] != about[name]]
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{file} is damaged ({error}); choose another folder") from None
    if other:
        raise StoreError(
            f"{folder} holds runs with other {', '.join(other)}: choose another folder, or give "
            "the same"
        )


def run_all(
    jobs: Mapping[Key, Job[Result]], workers: int, progress: Progress
) -> Iterator[tuple[Key, Result]]:
    """Each job as it ends, in worker processes of one thread each."""
    shares: dict[str, float] = {}

    def tell(name: str, share: float) -> None:
        shares[name] = share
        progress(name, sum(shares.values()) / len(jobs))

    if workers == 1:
        for key, job in jobs.items():
            yield key, job(partial(tell, str(key)))
        return
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        said = manager.Queue()
        with ProcessPoolExecutor(workers, context, _begin, (said,)) as pool:
            waiting = {pool.submit(_run, str(key), job): key for key, job in jobs.items()}
            try:
                left = set(waiting)
                while left:
                    ended, left = wait(left, timeout=_LOOK, return_when="FIRST_COMPLETED")
                    for name, share in _heard(said):
                        tell(name, share)
                    for one in ended:
                        yield waiting[one], one.result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


def _begin(said: _Said) -> None:
    global _said, _asked_by
    _said, _asked_by = said, os.getppid()


def _run(name: str, job: Job[Result]) -> Result:
    """A job, in a worker."""
    last = 0.0

    def told(share: float) -> None:
        nonlocal last
        if os.getppid() != _asked_by:  # it is gone, and an exception would begin the next job
            os._exit(1)
        if _said is not None and (time.monotonic() - last > 1.0 or share == 1.0):
            last = time.monotonic()
            _said.put((name, share))

    return job(told)


def _heard(said: _Said) -> Iterator[tuple[str, float]]:
    while True:
        try:
            yield said.get_nowait()
        except queue.Empty:
            return
