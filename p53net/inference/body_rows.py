"""Quick predictions of the ledger's rows about plasma, tumours and blood, for a likelihood."""

from collections.abc import Callable, Sequence, Set
from functools import partial

import numpy as np

from p53net.dosing.regimens import regimen
from p53net.engines.base import FloatArray
from p53net.errors import P53NetError
from p53net.evidence import marrow, predictions
from p53net.evidence.behind import LEUKAEMIA
from p53net.evidence.cells import Group, in_body
from p53net.inference.blood_rows import ROUGH, rates
from p53net.model.structures import supposing
from p53net.simulation.trials import Cell, Trial
from p53net.studies.body import blood

Rows = dict[str, FloatArray]
Row = dict[str, float]

_DAYS = 63.0


def rows_of_bodies(trials: Sequence[Trial], structure: str, parts: Set[str] | None = None) -> Rows:
    """Of trials of one structure; NaN where a run fails. Only rows of these `parts`, with some that
    come with them, where they are given."""
    found: Rows = {}
    with supposing(structure):
        for names, group in _GROUPS:
            if parts is None or not parts.isdisjoint(names):
                found |= _gathered(_sound(group, trials))
    return found


def _each(rows_of: Callable[[Sequence[Trial]], Rows], trials: Sequence[Trial]) -> list[Row]:
    """The rows of all trials, as those of each."""
    found = rows_of(trials)
    return [{name: float(values[i]) for name, values in found.items()} for i in range(len(trials))]


def _regression(trials: Sequence[Trial]) -> list[dict[str, float]]:
    """Days that one dose of KT-253 keeps leukaemia below its start."""
    times = np.linspace(0.0, _DAYS * 24.0, int(_DAYS) * 2 + 1)
    once = [regimen(1.0, "mg/kg", "once")]
    cells = [Cell(trial, "KT-253", LEUKAEMIA) for trial in trials]
    volumes = in_body(cells, "tumour", "mouse", once, times, ["tumour_volume"], ROUGH)[:, 0, :, 0]
    below = (volumes[:, 1:] < volumes[:, :1]).mean(axis=1) * _DAYS
    return [{"kt253_regression": float(days)} for days in below]


def _typical(trials: Sequence[Trial]) -> Rows:
    """When the typical patient's counts are lowest after the last dose of a cycle, and how much is
    regained, in the cycle with the lowest count from the second on."""
    names = {"platelets": "platelet", "neutrophils": "neutrophil"}
    cycle, cycles = 336.0, 6
    times = np.arange(0.0, cycles * cycle + 1.0, 6.0)
    given = regimen(260.0, "mg", "3/14", cycles=cycles)
    cells = [Cell(trial, "milademetan") for trial in trials]
    curves = in_body(cells, "marrow", "human", [given], times, list(names))[:, 0]
    found: Rows = {}
    for column, key in enumerate(names.values()):
        counts = curves[..., column]
        days, regained = blood.by_cycle(times, counts, cycle, 48.0)
        later = counts[:, times >= cycle].argmin(axis=1)
        worst = np.minimum(1 + (later * (times[1] - times[0]) // cycle).astype(int), cycles - 1)
        rows = np.arange(len(trials))
        found[f"{key}_nadir"], found[f"{key}_recovery"] = days[rows, worst], regained[rows, worst]
    return found


def _sound(group: Group, trials: Sequence[Trial]) -> list[dict[str, float]]:
    """Predictions of each trial, none of one that fails."""
    try:
        return group(trials)
    except P53NetError:
        if len(trials) == 1:
            return [{}]
    half = len(trials) // 2
    return _sound(group, trials[:half]) + _sound(group, trials[half:])


_GROUPS: tuple[tuple[frozenset[str], Group], ...] = (
    (frozenset({"plasma"}), predictions.third_day),
    (frozenset({"GDF-15"}), marrow.biomarker),
    (frozenset({"liposarcoma"}), predictions.on_treatment),
    (frozenset({"gastric"}), partial(predictions.tumour_growth, tolerances=ROUGH)),
    (frozenset({"SJSA-1"}), partial(predictions.amplified_growth, tolerances=ROUGH)),
    (frozenset({"leukaemia"}), _regression),
    (frozenset({"platelets", "neutrophils", "red cells"}), partial(_each, rates)),
    (frozenset({"platelets", "neutrophils"}), partial(_each, _typical)),
)
"""What predicts rows, and of which parts of a body they are."""


def _gathered(rows: Sequence[dict[str, float]]) -> Rows:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: np.array([row.get(name, np.nan) for row in rows]) for name in names}
