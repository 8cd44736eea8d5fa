"""What a store does not take for its own: a chunk that is too short, runs at other tolerances."""

import hashlib
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import p53net as pn
from p53net.engines.base import Tolerances
from p53net.sweeps.run import Progress

TIMES = np.linspace(0.0, 6.0, 7)
AXES = {"milademetan": [1.0, 10.0, 100.0, 1000.0]}


def swept(model: pn.Model, folder: Path, **more: object):
    return pn.sweep(
        model, AXES, times=TIMES, measures=["peak:p53_active"], store=folder, chunk=2, workers=0,
        engine="roadrunner", **more,
    )  # fmt: skip


def test_a_short_chunk_with_a_right_checksum_runs_again(
    inhibitor: pn.Model, tmp_path: Path
) -> None:
    whole = swept(inhibitor, tmp_path)
    path = sorted((tmp_path / "chunks").glob("*.parquet"))[0]
    table = pq.read_table(path)
    path.unlink()
    short = path.with_name("short")
    pq.write_table(table.slice(0, 1), short)  # with its stamp
    digest = hashlib.sha256(short.read_bytes()).hexdigest()[:32]
    short.rename(path.with_name(f"{path.name[:13]}{digest}.parquet"))
    told: list[Progress] = []
    again = swept(inhibitor, tmp_path, resume=True, progress=told.append)
    assert (told[0].resumed, told[0].recomputed) == (2, 1)
    np.testing.assert_array_equal(again["peak_p53_active"], whole["peak_p53_active"])
    assert (again["status"] == "ok").all()


@pytest.mark.parametrize(
    ("tolerances", "named"),
    [(Tolerances(1e-9, 1e-16), "tolerances"), (Tolerances(1e-10, 1e-15), "tolerances")],
)
def test_tolerances_are_in_the_key(tolerances: Tolerances, named: str, tmp_path: Path) -> None:
    definition = pn.load("milademetan").definition
    swept(pn.Model(definition, Tolerances(1e-10, 1e-16)), tmp_path)
    with pytest.raises(pn.StoreError, match=f"differs in {named}"):
        swept(pn.Model(definition, tolerances), tmp_path, resume=True)


def test_the_accuracy_is_in_the_key(inhibitor: pn.Model, tmp_path: Path) -> None:
    swept(inhibitor, tmp_path)
    with pytest.raises(pn.StoreError, match=r"differs in .*accuracy"):
        swept(inhibitor, tmp_path, accuracy=1e-5, resume=True)
