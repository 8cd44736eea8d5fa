"""Processes that we start: what they import, who can talk to them, and where they listen."""

import json
import os
import shutil
import socket
import ssl
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import psutil
import pytest

import p53net as pn
from p53net import children
from p53net.engines.base import FloatArray
from p53net.errors import InputError
from p53net.sweeps import isolated, workers
from p53net.sweeps.design import design_of_table
from p53net.sweeps.plan import Plan, plan_of
from tests.support.faults import POINTS

pytestmark = pytest.mark.slow  # processes of their own

if TYPE_CHECKING:
    from distributed import Client

PLANTED = ("cloudpickle", "roadrunner", "pyarrow", "numpy", "dask", "distributed", "bokeh")
"""What children import, and what Dask would if it were there."""

SWEEP = """
import numpy as np
import p53net as pn
{imports}
probe = pn.measures.own("probe", {function}, ["p53_active"])
found = pn.sweep(
    pn.load("milademetan"), {{"milademetan": np.geomspace(1, 1e3, 4)}},
    measures=["peak:p53_active", probe], workers=1, engine="roadrunner",
)
for reason in found["reason"].values:
    assert not reason, reason
assert (found["probe"].values == 2 * found["peak_p53_active"].values).all()
"""

MODULES = {
    # What cannot be pickled, such as a lock or a cached function, is no hindrance.
    "mymeasures.py": """
import functools
import threading

import constants
from helper import Scale
from kit import parts

lock = threading.Lock()

@functools.lru_cache
def factor():
    import later
    return later.FACTOR * constants.ONE

def double_peak(times, active):
    with lock:
        return Scale(factor()).of(parts.peak(active))
""",
    "helper.py": """
class Scale:
    def __init__(self, factor):
        self.factor = factor

    def of(self, value):
        return self.factor * value
""",
    "constants.py": "ONE = 1.0\n",
    "later.py": "import latest\n\nFACTOR = latest.TWO\n",
    "latest.py": "TWO = 2.0\n",
    "kit/__init__.py": "",
    "kit/parts.py": "from .curves import highest as peak\n",
    "kit/curves.py": "def highest(curve):\n    return float(curve.max())\n",
    # Named like something that is installed, and that children never need.
    "pip.py": "def double_peak(times, active):\n    return 2 * float(active.max())\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in MODULES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def plan(model: pn.Model, *measures: "str | pn.sweeps.measure.Measure") -> Plan:
    made, _ = plan_of(
        model,
        design_of_table(POINTS[:3]),
        times=np.linspace(0.0, 24.0, 25),
        observables=None,
        measures=measures or ["peak:p53_active"],
        doses=None,
        parameters=None,
        feedback=True,
        time_limit=60.0,
        memory_limit=2 * 2**30,
        engine="roadrunner",
        keep_trajectories=False,
    )
    return made


class Local(NamedTuple):
    """Two local workers."""

    client: "Client"
    addresses: list[str]
    """Of the scheduler, of the processes that watch workers, and of workers."""
    listening: list[str]
    """Hosts of all sockets that this process and those it started listen on, new ones only."""
    processes: list[psutil.Process]


def listening(process: psutil.Process) -> set[tuple[str, int]]:
    found = process.net_connections(kind="inet")
    return {tuple(one.laddr) for one in found if one.status == psutil.CONN_LISTEN}


@pytest.fixture(scope="module")
def local(inhibitor: pn.Model) -> Iterator[Local]:
    here = psutil.Process()
    before, others = listening(here), set(here.children(recursive=True))
    with workers.local(2, plan(inhibitor)) as (client, _):
        processes = [one for one in here.children(recursive=True) if one not in others]
        sockets = listening(here) - before
        for process in processes:
            sockets |= listening(process)
        known = client.scheduler_info()
        addresses = [known["address"]]
        for address, worker in known["workers"].items():
            addresses += [address, worker["nanny"]]
        yield Local(client, addresses, [host for host, _ in sockets], processes)


def test_planted_modules_do_not_run(tmp_path: Path) -> None:
    """In the folder where the commands are called: what a download or a colleague left there."""
    for name in PLANTED:
        (tmp_path / f"{name}.py").write_text(
            f"open({str(tmp_path / 'ran')!r}, 'a').write('{name} ')"
        )
    p53net = shutil.which("p53net", path=Path(sys.executable).parent)
    assert p53net is not None
    sweep = "sweep milademetan --vary milademetan=1:1000:8:log --measure peak:p53_active --out sw"
    for command in ("doctor", f"{sweep} --engine roadrunner --workers 1"):
        subprocess.run([p53net, *command.split()], cwd=tmp_path, capture_output=True, check=True)
    assert not (tmp_path / "ran").exists(), (tmp_path / "ran").read_text()
    assert (pn.read_sweep(tmp_path / "sw")["status"].values == "ok").all()


@pytest.mark.parametrize("entry", ["", ".", "{here}", "{here}/", "{here}/../{name}"])
def test_the_current_folder_is_on_no_import_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    """However it came to be on that of this process."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("PYTHONPATH", os.curdir)
    kept = str(tmp_path / "elsewhere")
    monkeypatch.syspath_prepend(kept)
    monkeypatch.syspath_prepend(entry.format(here=tmp_path, name=tmp_path.name))
    end = subprocess.run(
        children.command("-c", "import json, sys; print(json.dumps(sys.path))"),
        env=children.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(end.stdout)
    assert kept in found
    assert not [path for path in found if os.path.realpath(path) == os.path.realpath(tmp_path)]


def test_workers_import_nothing_from_the_current_folder(
    inhibitor: pn.Model, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a process that a worker starts; a measure of one's own finds its modules in both."""
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend("")
    import mymeasures  # type: ignore[import-not-found]

    def entries(times: FloatArray, active: FloatArray) -> float:
        return sum(os.path.realpath(path) == os.getcwd() for path in sys.path)

    try:
        probe = pn.measures.own("probe", mymeasures.double_peak, ["p53_active"])
        current = pn.measures.own("current", entries, ["p53_active"])
        mine, points = plan(inhibitor, "peak:p53_active", probe, current), POINTS[:3].to_numpy()
        tables = [isolated.isolated_table(mine, 0, points)]
        with workers.local(1, mine) as (client, _):
            for run in (workers.watched_table, isolated.isolated_table):
                tables.append(client.submit(run, mine, 0, points, pure=False).result())
        for table in (each.to_pandas() for each in tables):
            assert list(table["status"]) == ["ok"] * 3
            assert list(table["current"]) == [0] * 3
            assert (table["probe"] == 2 * table["peak_p53_active"]).all()
    finally:
        for name in ("mymeasures", "helper", "constants", "kit", "kit.parts", "kit.curves"):
            sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("way", "imports", "function"),
    [
        ("script", "from mymeasures import double_peak", "double_peak"),
        ("text", "import mymeasures", "lambda *curves: mymeasures.double_peak(*curves)"),
        ("elsewhere", "from mymeasures import double_peak", "double_peak"),
        ("script", "from pip import double_peak", "double_peak"),
    ],
)
def test_measures_of_modules_beside_the_script(
    folder: Path, way: str, imports: str, function: str
) -> None:
    script = SWEEP.format(imports=imports, function=function)
    (folder / "script.py").write_text(script)
    command = {"script": ["script.py"], "text": ["-c", script], "elsewhere": ["../script.py"]}[way]
    if way == "elsewhere":
        folder /= "kit"
    end = subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, text=True)
    assert end.returncode == 0, end.stderr[-2000:]


def test_a_measure_that_cannot_be_sent() -> None:
    lock = threading.Lock()
    with pytest.raises(InputError, match=r"holds what cannot be sent to workers: .*workers=0"):
        children.as_code(lambda times, active: lock)


def test_workers_listen_on_loopback_only(local: Local) -> None:
    """The pages that Dask serves by HTTP included."""
    assert len(local.processes) >= 4  # two workers, each with a process that watches it
    assert len(local.listening) >= 5
    assert {host for host in local.listening if not ip_address(host).is_loopback} == set()


def test_nobody_without_the_certificate_is_answered(local: Local) -> None:
    assert len(local.addresses) == 5
    stranger = ssl.create_default_context()
    stranger.check_hostname, stranger.verify_mode = False, ssl.CERT_NONE
    for address in local.addresses:
        scheme, _, place = address.partition("://")
        assert scheme == "tls"
        host, port = place.split(":")
        with socket.create_connection((host, int(port)), timeout=30) as plain:
            plain.sendall(b"\0" * 64)  # no handshake
            assert silent(plain)
        with (
            socket.create_connection((host, int(port)), timeout=30) as plain,
            pytest.raises((ssl.SSLError, OSError)),
            stranger.wrap_socket(plain) as wrapped,
        ):
            assert wrapped.recv(1)  # it is here that TLS 1.3 tells a client that it is refused


def silent(plain: socket.socket) -> bool:
    """Whether the connection ends without more than an alert of TLS."""
    try:
        said = plain.recv(64)
    except OSError:
        return True
    return not said or said[0] == 21


def test_no_other_client_gets_in(local: Local) -> None:
    """Neither without encryption nor with a certificate of its own."""
    from distributed import Client, Security

    place = local.addresses[0].partition("://")[2]
    with pytest.raises((OSError, TypeError, ValueError)):
        Client(f"tcp://{place}", timeout=3, set_as_default=False).close()
    with pytest.raises((OSError, TypeError, ValueError)):
        Client(
            f"tls://{place}", timeout=3, set_as_default=False, security=Security.temporary()
        ).close()
    assert local.client.submit(max, 1, 2).result() == 2


@pytest.mark.skipif(os.name == "nt", reason="modes of files are those of Unix")
def test_keys_are_in_private_files_and_go_with_the_workers(inhibitor: pn.Model) -> None:
    before = set(psutil.Process().children())
    with workers.local(1, plan(inhibitor)):
        started = [one for one in psutil.Process().children() if one not in before]
        (command,) = [one.cmdline() for one in started if "--tls-key" in one.cmdline()]
        shown = [word for word in command if "PRIVATE" in word]
        key = Path(command[command.index("--tls-key") + 1])
        assert "PRIVATE KEY" in key.read_text()
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    assert not shown
    assert not key.parent.exists()
