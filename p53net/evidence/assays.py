"""Assays of many cells and many trials at once: viability, degradation, doses of half an effect."""

from collections.abc import Iterable, Sequence

import numpy as np

from p53net.engines.base import FloatArray
from p53net.errors import MeasureError
from p53net.evidence.cells import Predictions, in_dish
from p53net.measures.dose_response import fit_logistic
from p53net.simulation.trials import Cell, Trial

PLATE = np.geomspace(1e-3, 1e5, 33)
"""Doses of a plate [nM], four in each decade."""

FIRST = np.geomspace(1e-4, 1e6, 41)
"""Doses [nM] where an effect is looked for first."""

ROUNDS, BETWEEN = 5, 32
"""Of a search, and doses of each."""


def cells_of(trials: Iterable[Trial], kinds: Iterable[tuple[str, str]]) -> list[Cell]:
    """Drugs in lines, in each trial."""
    pairs = list(kinds)
    return [Cell(trial, *pair) for trial in trials for pair in pairs]


def keyed(keys: Iterable[str], values: FloatArray) -> list[Predictions]:
    """A row of values of each trial."""
    names = list(keys)
    return [dict(zip(names, row, strict=True)) for row in values.reshape(-1, len(names)).tolist()]


def ic50s(cells: Sequence[Cell], hours: float = 72.0) -> FloatArray:
    """IC50s [nM] after three days, or another time [h]; NaN where no dose has an effect."""
    live = in_dish(cells, "culture", PLATE, [0.0, hours], ["live_cells"])[:, :, 1, 0]
    return np.array([fit_logistic(PLATE, one[1:] / one[0]).middle for one in live])


def dead(cells: Sequence[Cell], dose: float, hours: float) -> FloatArray:
    """Per cent of cells that die within some hours, were there no division."""
    times = np.linspace(0.0, hours, 97)
    rates = in_dish(cells, "culture", np.array([dose]), times, ["death_rate"])[:, 1, :, 0]
    return np.asarray(100.0 * -np.expm1(-np.trapezoid(rates, times)))


def destroyed(cells: Sequence[Cell], *, feedback: bool = True) -> FloatArray:
    """Total MDM2 after 2 h, per cent of vehicle, of each cell under each dose of the plate."""
    wells = in_dish(cells, "dish", PLATE, [0.0, 2.0], ["MDM2_total"], feedback=feedback)[..., 1, 0]
    with np.errstate(invalid="ignore"):  # NaN where a cell has no MDM2 to lose
        return np.asarray(100.0 * wells[:, 1:] / wells[:, :1])


def half_effects(
    cells: Sequence[Cell], name: str, hours: float, system: str = "dish"
) -> list[float]:
    """Doses [nM] that give half of the largest change of a quantity, looked for between 0.1 pM and
    1 mM, a quarter decade apart, and then ever nearer."""
    doses, halves = np.tile(FIRST, (len(cells), 1)), np.empty(0)
    for number in range(ROUNDS):
        wells = in_dish(cells, system, doses, [0.0, hours], [name])[:, :, 1, 0]
        change = np.abs(wells[:, 1:] / wells[:, :1] - 1.0)
        if number == 0:
            halves = change.max(axis=1) / 2.0
        at = (change >= halves[:, None]).argmax(axis=1)
        if (at == 0).any():
            raise MeasureError(f"{name} has changed by half already at {FIRST[0]:g} nM")
        rows = np.arange(len(cells))
        doses = np.geomspace(doses[rows, at - 1], doses[rows, at], BETWEEN, axis=1)
    return [float(np.sqrt(row[0] * row[-1])) for row in doses]


def first_below(doses: FloatArray, values: FloatArray, level: float) -> float:
    """The dose at which a curve first falls to a level, between doses of a plate along straight
    lines in the logarithm of the dose; infinite where it does not."""
    below = np.flatnonzero(values < level)
    if not len(below) or below[0] == 0:
        return float(doses[0]) if len(below) else np.inf
    i = int(below[0])
    share = (values[i - 1] - level) / (values[i - 1] - values[i])
    return float(doses[i - 1] * (doses[i] / doses[i - 1]) ** share)
