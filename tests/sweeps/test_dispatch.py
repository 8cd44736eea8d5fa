"""Tasks of many chunks: their size, what is sent with them, and what becomes of a lost one."""

import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xarray as xr

import p53net as pn
from p53net.errors import WorkersError
from p53net.sweeps import dispatch, shared
from tests.support import faults

TIMES = np.linspace(0.0, 24.0, 25)
AXES = {"k_deg_p53": pn.log_uniform(0.1, 0.5), "milademetan": pn.log_uniform(1.0, 1e3)}
TABLE = pd.DataFrame({"milademetan": np.linspace(1.0, 90.0, 60)})
DESIGNS: dict[str, tuple[Any, dict[str, Any]]] = {
    "sobol": (AXES, {"points": 60, "design": "sobol"}),
    "latin hypercube": (AXES, {"points": 60, "design": "latin-hypercube"}),
    "crossed": ({"K_MDM2": [50.0, 100.0], **AXES}, {"points": 30, "design": "sobol"}),
    "grid": (AXES, {"points": 8}),
    "table": (TABLE, {}),
}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Of a scheduler with two workers, in threads of this process."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=False,
                      dashboard_address=None) as cluster:  # fmt: skip
        yield cluster.scheduler_address


def run(axes: Any, **options: Any) -> xr.Dataset:
    usual = {"times": TIMES, "measures": ["peak:p53_active"], "engine": "batch", "chunk": 2}
    return pn.sweep(pn.load("milademetan"), axes, **(usual | options))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Of each task: chunks, and bytes."""
    found: list[tuple[int, int]] = []
    real = dispatch._Dispatch._send

    def counted(self: Any, task: Any, alone: bool = False) -> None:
        found.append((len(task), len(pickle.dumps(task))))
        real(self, task, alone)

    monkeypatch.setattr(dispatch._Dispatch, "_send", counted)
    return found


@pytest.mark.parametrize(
    "name", [n if n == "table" else pytest.param(n, marks=pytest.mark.slow) for n in DESIGNS]
)
def test_a_scheduler_leaves_no_trace(
    name: str, address: str, sent: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    axes, options = DESIGNS[name]
    expected = run(axes, **options, workers=0)
    monkeypatch.setattr(dispatch._Pace, "chunks", lambda *_: 7)
    assert run(axes, **options, scheduler=address).identical(expected)
    full, left = divmod(-(-expected["status"].size // 2), 7)
    assert [chunks for chunks, _ in sent] == [7] * full + [left] * bool(left)
    # No plan, no design: a table of two values for each of seven chunks is all there is.
    assert max(size for _, size in sent) < 2000
    assert not shared._held


def test_an_error_in_a_worker_is_that_of_the_sweep(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "watched_table", lambda *_: 1 / 0)
    with pytest.raises(WorkersError, match=r"cannot run points .ZeroDivisionError"):
        run(TABLE, scheduler=address)
    assert not shared._held


@pytest.mark.parametrize(
    ("seconds", "chunk_bytes", "left", "expected"),
    [(0.15, 800, 10_000, 40), (30.0, 800, 10_000, 1), (0.15, 800, 80, 10), (0.15, 800, 3, 1),
     (0.15, 16 * 2**20, 10_000, 2)],
)  # fmt: skip
def test_the_size_of_a_task(seconds: float, chunk_bytes: int, left: int, expected: int) -> None:
    """About 1.5 s of work, at most 32 MiB of rows, and a fair part of what is left."""
    pace = dispatch._Pace()
    assert pace.chunks(left, 2) == 1  # before anything is known
    chunk = pa.table({"a": np.zeros(chunk_bytes // 8)})
    pace.learn(shared.Done([chunk] * 4, seconds))
    assert pace.chunks(left, 2) == expected


@pytest.mark.slow
def test_a_task_of_many_chunks_is_cut_where_one_is_lost(
    sent: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The seventh point ends whatever process it runs in."""
    points = faults.POINTS.drop(6)[:19].reset_index(drop=True)
    expected = faults.run(points=points)
    monkeypatch.setattr(dispatch._Pace, "chunks", lambda *_: 5)
    found = faults.run(faults.never_comes_back, points=points, workers=2, chunk=1)
    kept = [i for i in range(19) if i != 6]
    assert found["status"].values.tolist() == ["ok"] * 6 + ["worker lost"] + ["ok"] * 12
    for name in ("peak_p53_active", "probe"):
        np.testing.assert_array_equal(found[name][kept], expected[name][kept])
    sizes = [chunks for chunks, _ in sent]
    assert sizes[:4] == [5, 5, 5, 4] and set(sizes[4:]) == {1}
