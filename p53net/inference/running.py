"""Runs of the sampler side by side, stored as they end, and taken up again after an interruption.

The store is a folder with a file for each unit and one that says what they were made of. A unit is
written to a temporary file, synced and renamed; a lock keeps a second writer away.
"""

import json
import multiprocessing
import os
import queue
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import asdict
from pathlib import Path
from typing import TypeAlias

from filelock import FileLock, Timeout

from p53net.ensembles.identity import digest
from p53net.errors import StoreError
from p53net.files import made_folder, read_bytes, write_bytes, write_text
from p53net.inference.tempering import Sampled, Settings
from p53net.inference.units import Drawn, Unit, drawn, sampled_of, stored, unpacked
from p53net.model.own import Tables

Progress = Callable[[str, float], None]
_Said: TypeAlias = queue.Queue[tuple[str, float]]

_ABOUT, _LOCK = "infer.json", ".lock"
_LARGEST, _LARGEST_ABOUT = 2**30, 2**20  # bytes
_LOOK = 0.5  # s between looks at what workers say

_said: "_Said | None" = None
"""Of a worker: where it says how far it is."""


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
    made_folder(folder)
    try:
        with FileLock(folder / _LOCK, timeout=0):
            _check(folder, settings, seed, own)
            missing = [one for one in units if not _file(folder, one).exists()]
            for unit, content in _made(missing, settings, seed, own, workers, progress,
                                       len(units) - len(missing), len(units)):  # fmt: skip
                write_bytes(_file(folder, unit), content)
            return {
                one: unpacked(read_bytes(_file(folder, one), _LARGEST, "the unit"), one.name)
                for one in units
            }
    except Timeout:
        raise StoreError(
            f"another process is writing {folder}: wait for it, or choose another folder"
        ) from None


def run_stored(
    file: Path, run: Callable[[Callable[[float], None]], Sampled], told: Callable[[float], None]
) -> Sampled:
    """What a single run gives, or gave, if it is stored there."""
    if file.exists():
        return sampled_of(read_bytes(file, _LARGEST, "the run"), file.name)
    found = run(told)
    write_bytes(file, stored(found))
    return found


def _file(folder: Path, unit: Unit) -> Path:
    return folder / f"{unit.name}.npz"


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


def _made(
    units: Sequence[Unit],
    settings: Settings,
    seed: int,
    own: Tables,
    workers: int,
    progress: Progress,
    done: int,
    total: int,
) -> Iterator[tuple[Unit, bytes]]:
    """Each unit as it ends, in worker processes of one thread each."""
    shares: dict[str, float] = {}

    def tell(name: str) -> None:
        progress(name, (done + sum(shares.values())) / total)

    if workers == 1:
        for unit in units:

            def told(share: float, unit: Unit = unit) -> None:
                shares[unit.name] = share
                tell(unit.name)

            yield unit, drawn(unit, settings, seed, own, told).packed()
        return
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        said = manager.Queue()
        with ProcessPoolExecutor(workers, context, _begin, (said,)) as pool:
            waiting: Mapping[Future[bytes], Unit] = {
                pool.submit(_packed, one, settings, seed, own): one for one in units
            }
            try:
                left = set(waiting)
                while left:
                    ended, left = wait(left, timeout=_LOOK, return_when="FIRST_COMPLETED")
                    for name, share in _heard(said):
                        shares[name] = share
                        tell(name)
                    for one in ended:
                        yield waiting[one], one.result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


def _begin(said: _Said) -> None:
    global _said
    _said = said


def _packed(unit: Unit, settings: Settings, seed: int, own: Tables) -> bytes:
    """A unit, in a worker."""
    last = 0.0

    def told(share: float) -> None:
        nonlocal last
        if os.getppid() == 1:  # whoever asked for this is gone
            raise SystemExit(1)
        if _said is not None and (time.monotonic() - last > 1.0 or share == 1.0):
            last = time.monotonic()
            _said.put((unit.name, share))

    return drawn(unit, settings, seed, own, told).packed()


def _heard(said: _Said) -> Iterator[tuple[str, float]]:
    while True:
        try:
            yield said.get_nowait()
        except queue.Empty:
            return
