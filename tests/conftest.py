"""Models that many tests share: compiled once."""

import gc
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

import p53net as pn
from tests.support.commands import Command, Done

# No test depends on chance or on speed.
settings.register_profile("fixed", deadline=None, derandomize=True)
settings.load_profile("fixed")

# Thousands of tests keep models and modules: looking through all of them for garbage as often as
# usual takes an eighth of the time.
gc.set_threshold(200_000, 50, 100)


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores, as tests of faults wait for what hangs or was killed."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with many slow tests come first, so that none is left to one process at the end."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing is read that an earlier test run has compiled, and nothing is left. All processes of
    a run share what they compile."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("P53NET_CACHE", str(folder / "code"))
        yield


@pytest.fixture(scope="session")
def loop() -> pn.Model:
    return pn.load()


@pytest.fixture(scope="session")
def inhibitor() -> pn.Model:
    return pn.load("milademetan")


@pytest.fixture(scope="session")
def degrader() -> pn.Model:
    return pn.load("KT-253")


@pytest.fixture(scope="session")
def both() -> pn.Model:
    return pn.load("milademetan", "KT-253")


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """The command line in this process, in a folder of its own: a new one takes two seconds."""
    from p53net.cli import main

    def run(*arguments: str) -> Done:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["p53net", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        return Done(int(end.value.code or 0), *capsys.readouterr())

    return run
