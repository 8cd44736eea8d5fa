"""Faults, injected for real: what is recoverable leaves no trace, and the rest is a status.

The table after a fault equals the undisturbed one byte for byte, but for the points that cannot be
had, which carry their status. Where a test waits, it is for an event; the limits on waiting are
only there to end a test that has failed.
"""

import contextlib
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import psutil
import pytest
import xarray as xr

import p53net as pn
from p53net.errors import OutputError, StoreError, WorkersError
from p53net.sweeps.result import read_sweep
from p53net.sweeps.run import Progress
from p53net.sweeps.store import read
from tests.support import faults
from tests.support.faults import MARKS, NUMBER, POINTS, run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="faults are signals and file locks of Unix"),
]

LIMIT = 60.0
"""Seconds after which a test that waits has failed."""

DASK = [sys.executable, "-m"]


@pytest.fixture(scope="module", autouse=True)
def others() -> set[int]:
    """Processes that were there before: those that keep strangers' models live on."""
    return {one.pid for one in psutil.Process().children(recursive=True)}


@pytest.fixture(scope="module")
def undisturbed(inhibitor: pn.Model) -> xr.Dataset:
    result = run(model=inhibitor)
    assert set(result["status"].values) == {"ok"}
    return result


@pytest.fixture
def marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "marks"
    folder.mkdir()
    monkeypatch.setenv(MARKS, str(folder))
    return folder


def same(found: xr.Dataset, expected: xr.Dataset, lost: Mapping[int, str] | None = None) -> None:
    """All but the lost points are equal to the last bit; those have no values, and their status."""
    lost = lost or {}
    kept = [i for i in range(expected.sizes["point"]) if i not in lost]
    one, other = found.isel(point=kept), expected.isel(point=kept)
    assert unrecorded(one).identical(unrecorded(other))
    for name, values in other.variables.items():
        if values.dtype.kind == "f":
            assert one[name].values.tobytes() == values.values.tobytes()
    assert {i: str(found["status"].values[i]) for i in lost} == dict(lost)
    for i in lost:
        assert found["reason"].values[i]
        assert np.isnan([found[name].values[i] for name in ("peak_p53_active", "probe")]).all()


def unrecorded(result: xr.Dataset) -> xr.Dataset:
    """The record of a call knows which function was the measure, and where it ran."""
    kept = {name: value for name, value in result.attrs.items() if name != "record"}
    return result.drop_attrs(deep=False).assign_attrs(kept)


def chunks(store: Path) -> list[Path]:
    return sorted((store / "chunks").glob("*.parquet"))


def until(what: Callable[[], object], limit: float = LIMIT) -> bool:
    """Wait for it; False if it does not come."""
    end = time.monotonic() + limit
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(["." if not p else p for p in sys.path])}


@contextlib.contextmanager
def started(*command: str, **options: object) -> "Iterator[subprocess.Popen[str]]":
    """A process that is gone at the end, with all that it started."""
    process = subprocess.Popen(
        command, env=environment(), text=True, stdout=subprocess.PIPE, **options  # type: ignore[call-overload]
    )  # fmt: skip
    family: set[psutil.Process] = set()
    try:
        yield process
    finally:
        with contextlib.suppress(psutil.Error):
            family |= set(psutil.Process(process.pid).children(recursive=True))
        process.kill()
        for one in family:
            with contextlib.suppress(psutil.Error):
                one.kill()
        process.communicate()


def sweeping(function: str, **options: object) -> "contextlib.AbstractContextManager":
    """A process that runs the stored sweep, says how far it is, and then waits to be killed."""
    call = f"faults.run_and_stay(faults.{function}, **{options!r})"
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    return started(  # what a shell starts with `&` ignores Ctrl-C, and so would this
        sys.executable, "-c", f"{heeding}; from tests.support import faults; {call}"
    )


def heard(process: "subprocess.Popen[str]", lines: int) -> list[int]:
    """The next numbers of points done; fewer where all are."""
    done: list[int] = []
    while len(done) < lines and (not done or done[-1] < NUMBER):
        done.append(int(process.stdout.readline()))  # type: ignore[union-attr]
    return done


def descendants(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def command_of(process: psutil.Process) -> list[str]:
    """Its command line; empty if it is gone."""
    with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return process.cmdline()
    return []


def ended(processes: list[psutil.Process]) -> bool:
    """Whether all of them are gone, or only not yet buried by who adopted them."""

    def over(one: psutil.Process) -> bool:
        with contextlib.suppress(psutil.NoSuchProcess):
            return not one.is_running() or one.status() == psutil.STATUS_ZOMBIE
        return True

    return all(map(over, processes))


# Killed from outside


@pytest.mark.parametrize(("workers", "kills", "seed"), [(0, 4, 3), (2, 2, 2)])
def test_a_sweep_killed_again_and_again(
    workers: int, kills: int, seed: int, tmp_path: Path, undisturbed: xr.Dataset
) -> None:
    """Killed at random times, resumed each time. Two sweeps at once, for the time it takes."""
    chance = random.Random(seed)  # the third of four kills is in the midst of starting
    stores = [tmp_path / "one", tmp_path / "other"]
    for _ in range(kills // 2):
        with contextlib.ExitStack() as stack:
            running = [
                stack.enter_context(sweeping("slow", store=str(store), workers=workers, chunk=1))
                for store in stores
            ]
            for one in running:
                if chance.random() < 0.2:
                    time.sleep(chance.uniform(0.0, 1.0))
                else:
                    heard(one, chance.randint(1, 3))
                    time.sleep(chance.uniform(0.0, 0.05))
                family = descendants(one)
                one.kill()
                one.wait()
                assert until(lambda family=family: ended(family))  # type: ignore[misc]
    for store in stores:
        kept = read(store)
        kept.done()
        assert kept.corrupt == 0, "a kill left half a chunk under a chunk's name"
        same(run(faults.slow, store=store, resume=True, workers=workers), undisturbed)
        assert len(chunks(store)) == NUMBER
        assert {path.suffix for path in (store / "chunks").iterdir()} == {".parquet"}
        same(read_sweep(store), undisturbed)


def test_workers_killed_again_and_again(marks: Path, undisturbed: xr.Dataset) -> None:
    """Two points kill their worker and two end it, each the first time that it runs."""
    same(run(faults.ends_once, workers=2, chunk=4), undisturbed)
    assert len(list(marks.iterdir())) == 4


def test_no_process_outlives_its_sweep(marks: Path, tmp_path: Path) -> None:
    """A hung point that has ended two workers hangs on in a process of its own: that ends too."""
    with sweeping("waits", store=str(tmp_path / "s"), workers=2, chunk=4, time_limit=900.0) as one:
        for number in range(1, 4):
            assert until(lambda number=number: len(list(marks.iterdir())) == number)  # type: ignore[misc]
            latest = max(marks.iterdir(), key=lambda path: path.stat().st_mtime_ns)
            hung = psutil.Process(int(latest.name.split()[-1]))
            if number < 3:
                hung.kill()
        assert "p53net.sweeps.isolated" in hung.cmdline()
        family = descendants(one)
        assert hung in family
        one.send_signal(signal.SIGINT)
        assert one.wait(LIMIT) == -signal.SIGINT
        assert until(lambda: ended(family))


def test_a_hung_process_ends_with_a_killed_parent(marks: Path) -> None:
    code = (
        "from p53net.sweeps import isolated, rows\n"
        "from tests.support import faults\n"
        "rows.table = isolated.isolated_table\n"
        "faults.run(faults.waits, time_limit=900.0)\n"
    )
    with started(sys.executable, "-c", code) as parent:
        assert until(lambda: list(marks.iterdir()))
        family = descendants(parent)
        assert [str(one.pid) for one in family] == next(marks.iterdir()).name.split()[-1:]
        parent.kill()
        assert until(lambda: ended(family))


def test_ctrl_c(tmp_path: Path, undisturbed: xr.Dataset) -> None:
    store = tmp_path / "s"
    with sweeping("slow", store=str(store), workers=2, chunk=2) as one:
        done = heard(one, 4)[-1]
        family = descendants(one)
        assert len(family) >= 4  # two workers, and who watches them
        one.send_signal(signal.SIGINT)
        assert one.wait(LIMIT) == -signal.SIGINT
        assert until(lambda: ended(family))
    kept = len(chunks(store))
    assert 2 * kept >= done
    counted: list[Progress] = []
    same(run(faults.slow, store=store, resume=True, progress=counted.append), undisturbed)
    assert (counted[0].resumed, counted[0].recomputed) == (2 * kept, 0)


def test_a_start_that_was_killed(tmp_path: Path, undisturbed: xr.Dataset) -> None:
    """Before the manifest was whole, and in the midst of a chunk."""
    folder = tmp_path / "s"
    (folder / "chunks").mkdir(parents=True)
    (folder / ".manifest.json.k2j_x8").write_text('{"format": 1, "key"')
    same(run(store=folder, resume=True, chunk=8), undisturbed)
    half = folder / "chunks" / f".000000000008-{'0' * 32}.parquet.a1b2"
    half.write_bytes(b"PAR1")
    same(run(store=folder, resume=True, chunk=8), undisturbed)
    assert len(list((folder / "chunks").iterdir())) == NUMBER // 8
    with pytest.raises(StoreError, match="other files"):
        run(store=tmp_path)


# Points that cannot be had


@pytest.mark.parametrize(
    ("function", "lost", "options"),
    [
        (
            faults.never_comes_back,
            {6: "worker lost", 7: "worker lost", 50: "time limit", 51: "time limit"},
            {"time_limit": 2.0},
        ),
        (faults.fills_memory, {7: "memory limit"}, {"memory_limit": "500 MiB"}),
        (faults.leaves, {7: "failed", 40: "failed"}, {}),
        (faults.leaves, {7: "failed", 40: "failed"}, {"workers": 0}),
    ],
    ids=["ends its process or hangs", "fills memory", "raises", "raises in this process"],
)
def test_points_that_always_misbehave(
    function: Callable[..., float],
    lost: dict[int, str],
    options: dict[str, object],
    undisturbed: xr.Dataset,
) -> None:
    result = run(function, **({"workers": 2, "chunk": 4} | options))
    same(result, undisturbed, lost)
    said = {
        "worker lost": ("with status 3", "with status -11", "more than 2 s", "more than 2 s"),
        "memory limit": ("more than 500 MiB",),
        "failed": ("SystemExit: the measure leaves", "ValueError: the measure is wrong"),
    }
    for i, reason in zip(lost, said[lost[7]], strict=True):
        assert str(result["reason"].values[i]).endswith(reason)


def test_the_time_limit_in_this_process(undisturbed: xr.Dataset) -> None:
    same(run(time_limit=1e-6), undisturbed, dict.fromkeys(range(NUMBER), "time limit"))


@pytest.mark.parametrize("share", [1, 10, 100])
def test_integrations_that_fail(share: int, inhibitor: pn.Model) -> None:
    """Of a hundred points, at doses that no integrator can follow."""
    table = POINTS.iloc[np.resize(np.arange(NUMBER), 100)].reset_index(drop=True)
    expected = run(model=inhibitor, points=table)
    bad = random.Random(share).sample(range(100), share)
    table.loc[bad, "milademetan"] = 1e300
    found = run(model=inhibitor, points=table)
    same(found, expected, dict.fromkeys(bad, "integration failed"))
    assert all("CVODE" in str(found["reason"].values[i]) for i in bad)


# Disks and files


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small disk can be mounted by the superuser of Linux only")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk(small_disk: Path, undisturbed: xr.Dataset) -> None:
    store = small_disk / "s"
    with pytest.raises(OutputError, match="No space left on device"):
        run(store=store, chunk=2)
    kept = len(chunks(store))
    assert 0 < kept < NUMBER // 2
    assert len(list((store / "chunks").iterdir())) == kept  # nothing half written
    same(read_sweep(store).isel(point=slice(2 * kept)), undisturbed.isel(point=slice(2 * kept)))
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    counted: list[Progress] = []
    same(run(store=store, resume=True, progress=counted.append), undisturbed)
    assert (counted[0].resumed, counted[0].recomputed) == (2 * kept, 0)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_write_that_fails(
    call: str, tmp_path: Path, undisturbed: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, calls, real = tmp_path / "s", itertools.count(), getattr(os, call)

    def full(*arguments: object) -> None:
        if next(calls) == 5:
            raise OSError(28, "No space left on device")
        real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(OutputError, match="No space left on device"):
            run(store=store, chunk=4)
    assert len(list((store / "chunks").iterdir())) == 4  # the first call was the manifest's
    same(run(store=store, resume=True), undisturbed)


def test_damaged_chunks_run_again(
    tmp_path: Path, inhibitor: pn.Model, undisturbed: xr.Dataset
) -> None:
    store = tmp_path / "s"
    run(store=store, chunk=4, model=inhibitor)
    flipped, cut, empty, moved, named, stranger = chunks(store)[2:8]
    data = bytearray(flipped.read_bytes())
    data[len(data) // 2] ^= 1
    flipped.write_bytes(bytes(data))
    cut.write_bytes(cut.read_bytes()[:-9])
    empty.write_bytes(b"")
    moved.rename(moved.with_name("000000000003" + moved.name[12:]))
    named.rename(named.with_name(named.name[:13] + "0" * 32 + ".parquet"))
    stranger.rename(stranger.with_name("\N{SUPERSCRIPT TWO}" + stranger.name[12:]))
    part = read_sweep(store)
    assert list(part["status"].values) == 8 * ["ok"] + 24 * ["not run"] + 32 * ["ok"]
    counted: list[Progress] = []
    found = run(store=store, resume=True, model=inhibitor, progress=counted.append)
    same(found, undisturbed)
    # The last is no name that a sweep gives: it is not ours to count, or to remove.
    assert (counted[0].resumed, counted[0].recomputed) == (NUMBER - 24, 5)
    assert len(list((store / "chunks").iterdir())) == NUMBER // 4 + 1


def test_a_chunk_of_another_sweep(
    tmp_path: Path, inhibitor: pn.Model, undisturbed: xr.Dataset
) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    run(store=ours, chunk=4, model=inhibitor)
    run(store=theirs, chunk=4, model=inhibitor, feedback=False)
    own, foreign = chunks(ours)[3], chunks(theirs)[3]
    own.unlink()
    copied = Path(shutil.copy(foreign, own.parent))
    for again in (lambda: run(store=ours, resume=True, model=inhibitor), lambda: read_sweep(ours)):
        with pytest.raises(StoreError, match="another sweep") as caught:
            again()
        assert str(copied) in str(caught.value)
    copied.unlink()
    same(run(store=ours, resume=True, model=inhibitor), undisturbed)


def test_two_writers(tmp_path: Path, undisturbed: xr.Dataset) -> None:
    """One in this process while another sweeps, and one in another process."""
    store, refused = tmp_path / "s", []

    def second(now: Progress) -> None:
        if now.done == 32:
            with pytest.raises(StoreError, match="another process is writing") as caught:
                run(store=store, resume=True)
            refused.append(caught.value)
            code = (
                f"from tests.support import faults; faults.run(store={str(store)!r}, resume=True)"
            )
            command = [sys.executable, "-c", code]
            end = subprocess.run(command, env=environment(), capture_output=True, text=True)
            assert end.returncode == 1
            assert "StoreError: another process is writing" in end.stderr

    same(run(store=store, chunk=8, progress=second), undisturbed)
    assert len(refused) == 1


# Clusters


@contextlib.contextmanager
def scheduling(folder: Path) -> "Iterator[tuple[subprocess.Popen[str], str]]":
    """A scheduler in a process of its own, and its address."""
    file = folder / "scheduler.json"
    command = [*DASK, "distributed.cli.dask_scheduler", "--port", "0", "--host", "127.0.0.1"]
    command += ["--no-dashboard", "--scheduler-file", str(file)]
    with started(*command, stderr=subprocess.DEVNULL) as process:
        assert until(lambda: file.exists() and "address" in file.read_text())
        address = file.read_text().split('"address": "')[1].split('"')[0]
        yield process, address


def working(address: str, folder: Path) -> "contextlib.AbstractContextManager":
    """One worker of that scheduler."""
    command = [*DASK, "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
    command += ["--local-directory", str(folder), "--death-timeout", "20", "--host", "127.0.0.1"]
    return started(*command, stderr=subprocess.DEVNULL)


def test_workers_join_and_leave(tmp_path: Path, undisturbed: xr.Dataset) -> None:
    with scheduling(tmp_path) as (_, address), contextlib.ExitStack() as stack:
        first = stack.enter_context(working(address, tmp_path))
        happened: list[str] = []

        def change(now: Progress) -> None:
            if now.done >= 8 and not happened:
                happened.append("another joins")
                stack.enter_context(working(address, tmp_path))
            elif now.done >= 24 and len(happened) == 1:
                happened.append("the first leaves")
                first.terminate()
                first.wait(LIMIT)

        same(run(faults.slow, scheduler=address, workers=None, chunk=2, progress=change),
             undisturbed)  # fmt: skip
        assert happened == ["another joins", "the first leaves"]


def test_a_scheduler_that_dies(tmp_path: Path, undisturbed: xr.Dataset) -> None:
    store = tmp_path / "s"
    with scheduling(tmp_path) as (scheduler, address), working(address, tmp_path):

        def kill(now: Progress) -> None:
            if now.done >= 16:
                scheduler.kill()
                scheduler.wait()

        with pytest.raises(WorkersError, match="lost the scheduler"):
            run(faults.slow, scheduler=address, workers=None, chunk=2, store=store, progress=kill)
    kept = len(chunks(store))
    assert 8 <= kept < NUMBER // 2
    counted: list[Progress] = []
    same(run(faults.slow, store=store, resume=True, progress=counted.append), undisturbed)
    assert counted[0].resumed == 2 * kept


def test_no_scheduler_at_the_address() -> None:
    with pytest.raises(WorkersError, match="no scheduler answers at tcp://"):
        run(scheduler="tcp://127.0.0.1:9", workers=None)


# Nothing but the inputs decides the bytes


@pytest.mark.parametrize(("workers", "chunk"), [(0, 1), (0, 7), (0, 64), (1, 7), (2, 1)])
def test_chunks_and_workers_leave_no_trace(
    workers: int, chunk: int, undisturbed: xr.Dataset
) -> None:
    same(run(workers=workers, chunk=chunk), undisturbed)


def test_the_order_of_chunks_leaves_no_trace(
    tmp_path: Path, inhibitor: pn.Model, undisturbed: xr.Dataset
) -> None:
    """The last chunk alone is kept, then the one before as well, and so on to the first."""
    full, part = tmp_path / "full", tmp_path / "part"
    run(store=full, chunk=8, model=inhibitor)
    for first in range(NUMBER // 8 - 1, -1, -1):
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(full, part)
        for path in chunks(part)[:first]:
            path.unlink()
        same(run(store=part, resume=True, model=pn.load("milademetan")), undisturbed)
        assert [p.name for p in chunks(part)] == [p.name for p in chunks(full)]
        assert [p.read_bytes() for p in chunks(part)] == [p.read_bytes() for p in chunks(full)]


def test_a_script_without_a_main_guard(tmp_path: Path, undisturbed: xr.Dataset) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from tests.support import faults\n"
        "found = faults.run(workers=2, chunk=8)\n"
        "print(found['probe'].values.tobytes().hex())\n"
    )
    end = subprocess.run(
        [sys.executable, str(script)], env=environment(), capture_output=True, text=True
    )
    assert end.returncode == 0, end.stderr
    assert end.stdout.strip() == undisturbed["probe"].values.tobytes().hex()


def test_no_thread_or_process_is_left(others: set[int]) -> None:
    """Stands last: what all the tests above started has ended. Python's own tracker of semaphores
    lives as long as the interpreter."""

    def ours() -> list[psutil.Process]:
        found = psutil.Process().children(recursive=True)
        return [one for one in found if one.pid not in others
                and "resource_tracker" not in " ".join(command_of(one))]  # fmt: skip

    assert until(lambda: ended(ours()))
    assert not [one for one in threading.enumerate() if "isolated" in repr(one)]
