"""Weights of structures where every prior is narrower or wider: does what is assumed decide?"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from p53net.inference.running import Progress, run_units
from p53net.inference.tempering import Settings
from p53net.inference.units import Unit
from p53net.inference.weighing import evidence_of, weights
from p53net.model.own import Tables
from p53net.model.tables import NONE

WIDTHS = (0.5, 2.0)
"""Factors on the spread of every prior."""

RUNS = 2
"""Independent runs of each structure at each width."""


def weights_at_widths(
    structures: Sequence[str],
    settings: Settings,
    folder: Path,
    *,
    seed: int = 1,
    own: Tables = NONE,
    workers: int = 1,
    progress: Progress = lambda _what, _share: None,
) -> pd.DataFrame:
    """Weights of structures by their evidence at each of `WIDTHS`: `width` and what
    `weighing.weights` gives. Runs lie in `folder`, and are taken up again. Raises StoreError."""
    tables = []
    for width in WIDTHS:  # one after the other: what is narrow is quick, and is there first
        units = [Unit(name, run, width) for name in structures for run in range(RUNS)]
        found = run_units(units, settings, seed, folder, own, workers, progress)
        evidence = {
            name: evidence_of([one.log_evidence for unit, one in found.items()
                               if unit.structure == name])
            for name in structures
        }  # fmt: skip
        table = weights(evidence)
        table.insert(0, "width", width)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
