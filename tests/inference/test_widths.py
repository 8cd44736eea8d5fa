from pathlib import Path

import numpy as np
import pytest

from p53net.inference.tempering import Settings
from p53net.inference.units import Unit, unpacked
from p53net.inference.weighing import evidence_of
from p53net.inference.widths import RUNS, WIDTHS, weights_at_widths

TINY = Settings(particles=8, moves=1, draws=4, between=5)


@pytest.mark.slow
def test_weights_at_other_widths_are_of_stored_runs_with_those_widths(tmp_path: Path) -> None:
    first = weights_at_widths(["default"], TINY, tmp_path)
    table = first.set_index("width")
    assert list(table.index) == list(WIDTHS)
    for width in WIDTHS:
        units = [Unit("default", run, width) for run in range(RUNS)]
        runs = [unpacked((tmp_path / f"{one.name}.npz").read_bytes(), one.name) for one in units]
        evidence = evidence_of([one.log_evidence for one in runs])
        assert table.loc[width, "log_evidence"] == evidence.log
        assert table.loc[width, "error"] == evidence.error
        assert table.loc[width, "weight"] == 1.0
    assert np.ptp(table["log_evidence"]) > 0
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npz")}
    assert weights_at_widths(["default"], TINY, tmp_path).equals(first)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
