"""Processes for strangers' files: what they cannot do, and what is left when they die."""

import pickle
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from p53net.errors import ModelError
from p53net.sandbox import locked
from p53net.sandbox.answers import dumps, loads
from p53net.sandbox.locked import Ended, Locked, Odd

linux = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")


@pytest.fixture
def process():
    with Locked(("shutil", "signal", "socket")) as one:
        yield one


@linux
def test_no_connection_is_opened(process: Locked) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        with pytest.raises(Odd, match="Too many open files"):
            process.call("socket:create_connection", listening.getsockname(), within=30.0)
        with pytest.raises(BlockingIOError):
            listening.accept()


@linux
def test_no_file_is_read_or_written(process: Locked, tmp_path: Path) -> None:
    secret, other = tmp_path / "secret", tmp_path / "other"
    secret.write_text("secret")
    for mode, path in (("r", secret), ("w", other), ("a", secret)):
        with pytest.raises(Odd, match="Too many open files"):
            process.call("builtins:open", str(path), mode, within=30.0)
    with pytest.raises(Odd, match="Too many open files"):
        process.call("shutil:copy", str(secret), str(other), within=30.0)
    assert not other.exists() and secret.read_text() == "secret"


@linux
def test_the_memory_is_limited(process: Locked) -> None:
    with pytest.raises(Ended, match="wanted more than 4 GiB of memory"):
        process.call("builtins:bytearray", 5 * 2**30, within=60.0)


def test_a_process_that_dies_says_how_and_takes_no_other_with_it(process: Locked) -> None:
    with Locked(()) as other:
        with pytest.raises(Ended, match="SIGABRT"):
            process.call("os:abort", within=30.0)
        with pytest.raises(Ended, match="before"):
            process.call("builtins:abs", -1, within=30.0)
        assert other.call("builtins:abs", -1, within=30.0) == 1


def test_what_takes_too_long_is_ended(process: Locked) -> None:
    with pytest.raises(Ended, match=r"more than 0\.2 s") as late:
        process.call("time:sleep", 600, within=0.2)
    assert late.value.is_late


def test_errors_of_ours_come_back_and_others_are_told(process: Locked) -> None:
    with pytest.raises(Odd, match="ZeroDivisionError: "):
        process.call("builtins:divmod", 1, 0, within=30.0)
    error = loads(dumps(ModelError("it is no model")))
    assert type(error) is ModelError and str(error) == "it is no model"


@pytest.mark.parametrize("given", [
    eval, subprocess.Popen, Path("x"), ModuleNotFoundError(), print, Locked,
])  # fmt: skip
def test_an_answer_cannot_run_code(given: object) -> None:
    with pytest.raises(pickle.UnpicklingError, match="an answer holds"):
        loads(pickle.dumps(given))


@pytest.mark.slow
def test_errors_come_back_from_where_others_change_how_they_are_sent() -> None:
    """Dask does, in whatever imports it."""
    with Locked(("distributed", "p53net.model.external.reader")) as process:
        with pytest.raises(ModelError, match="m is not SBML"):
            process.call(
                "p53net.model.external.reader:definition_of", "m", b"<a/>", "", within=60.0
            )


def test_an_answer_may_hold_arrays() -> None:
    given = {"a": (np.arange(3.0), np.float64(2.0), frozenset({"x"}), None)}
    found = loads(dumps(given))
    np.testing.assert_array_equal(found["a"][0], given["a"][0])
    assert found["a"][1:] == given["a"][1:]


@pytest.mark.slow
def test_a_process_from_the_start_does_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Windows and macOS have instead of copies."""
    monkeypatch.setattr(locked, "_COPIED", False)
    with Locked(("numpy.linalg",)) as process:
        assert process.call("builtins:abs", -1, within=60.0) == 1
        with pytest.raises(Ended):
            process.call("os:abort", within=60.0)


@pytest.mark.slow
@linux
def test_a_fork_of_the_caller_has_processes_of_its_own() -> None:
    code = (
        "import os\nfrom p53net.sandbox.locked import Locked\n"
        "def look(): return Locked(()).call('os:getppid', within=60.0)\n"
        "mine = look()\nchild = os.fork()\nassert (look() == mine) == bool(child)\n"
        "if child: print(os.waitpid(child, 0)[1])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"
