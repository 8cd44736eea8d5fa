"""What assays in a dish share: plates of doses, and quantities beside their vehicle."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from p53net.dosing.beside import Beside
from p53net.dosing.medium import Courses, finite_number
from p53net.engines.base import FloatArray
from p53net.ensembles.cells import Cells, Part
from p53net.errors import InputError, P53NetError
from p53net.model import resolve
from p53net.model.tables import Entry
from p53net.simulation.choice import AUTO
from p53net.simulation.inputs import checked_parameters
from p53net.simulation.many import attempted
from p53net.simulation.model import Model

DOSES = np.geomspace(1e-3, 1e5, 25)
"""Concentrations [nM] of a plate, three in each decade."""

MOST_DOSES = 1000
TOGETHER = 100
"""Draws that are read together: threads share them, and few are left over at the end."""
_NOTHING = 1e-12  # nM: a billionth of a molecule in a cell is none


def checked_concentrations(concentrations: ArrayLike | None) -> FloatArray:
    """Concentrations [nM] of a plate, rising. Raises InputError."""
    if concentrations is None:
        return DOSES
    try:
        values = [
            finite_number(one, "dose", "nM") for one in np.atleast_1d(concentrations).tolist()
        ]
    except (TypeError, ValueError):
        raise InputError(
            f"concentrations are {concentrations!r}, but must be a list of numbers [nM]"
        ) from None
    if len(values) > MOST_DOSES:
        raise InputError(
            f"a plate of {len(values):,} concentrations; at most {MOST_DOSES:,} are allowed"
        )
    if not values:
        raise InputError("the list of concentrations is empty; give at least one [nM]")
    if len(set(values)) < len(values) or min(values) <= 0:
        raise InputError(
            "each concentration of a plate is given once, above 0; vehicle is added to them"
        )
    return np.array(sorted(values))


def checked_hours(hours: ArrayLike, name: str = "hours") -> FloatArray:
    """Times [h] of reading, rising, above 0. Raises InputError."""
    try:
        values = [finite_number(one, name, "h") for one in np.atleast_1d(hours).tolist()]
    except (TypeError, ValueError):
        raise InputError(f"{name} is {hours!r}, but must be a number [h] or a list") from None
    if not values:
        raise InputError(f"the list of {name} is empty; give at least one [h]")
    if len(set(values)) < len(values) or min(values) <= 0:
        raise InputError(f"{name} are above 0, each once; correct them")
    return np.array(sorted(values))


def checked_names(names: str | Iterable[str], kind: str, entries: Mapping[str, Entry]) -> list[str]:
    """Names of entries, for synonyms too; each once, at least one.

    Raises InputError, UnknownNameError.
    """
    what = kind.replace("_", " ")
    if isinstance(names, str) or not isinstance(names, Iterable):
        names = [names]
    given = [resolve(kind, name, entries).name for name in names]
    if not given:
        raise InputError(f"no {what} is named; give at least one")
    if len(set(given)) < len(given):
        raise InputError(f"a {what} is named twice; give each once")
    return given


class Wells(NamedTuple):
    """Plates that were read."""

    values: FloatArray
    """Cell, dose, hour, quantity; the first dose is vehicle. NaN of a cell without a run."""
    engine: str
    """What to say of the engine that ran them."""
    alone: FloatArray
    """Cell, hour, quantity: under what is beside the drug, without the drug."""


class Plates:
    """A plate of each cell of a part."""

    def __init__(self, cells: Cells, part: Part, where: str) -> None:
        """`where` is the place, for what is said of cells that fail."""
        self._cells, self.draws, self._part, self._where = cells, part.draws, part, where
        self.sound = np.full(len(part.draws), True)
        """Cells that have a run."""

    def read(
        self,
        model: Model,
        drug: str,
        doses: FloatArray,
        hours: FloatArray,
        names: Sequence[str],
        parameters: Mapping[str, float] | None = None,
        *,
        feedback: bool = True,
        engine: str = AUTO,
        beside: Beside | None = None,
        start: float = 0.0,
    ) -> Wells:
        """Values of some quantities under constant doses [nM], common or a row for each cell, from
        `start` [h] on, and in vehicle. What is `beside` the drug is in all wells but those of
        vehicle. Raises the error of a point estimate."""
        size = len(self.draws)
        rows = np.broadcast_to(doses, (size, np.shape(doses)[-1]))
        vehicle = np.zeros((size, 1 if beside is None else 2))
        levels = np.column_stack([vehicle, rows])
        wells = levels.shape[1]
        courses = _courses(drug, levels, beside, start)
        changed = checked_parameters(model.definition, parameters)
        columns = self._cells.columns(model, self._part, changed, wells)
        times = np.concatenate([[0.0], hours])
        found, said = attempted(model, times, courses, columns, names, feedback=feedback,
                                engine=engine, runs=len(DOSES))  # fmt: skip
        for run, error in sorted(found.errors.items()):
            self.fail(run // wells, error)
        values = np.moveaxis(found.values.reshape(size, wells, len(names), -1), 2, 3)[:, :, 1:]
        alone = values[:, vehicle.shape[1] - 1]
        if beside is not None:
            values = np.delete(values, 1, axis=1)
        return Wells(values, said, alone)

    def check_vehicle(self, wells: Wells, what: str) -> None:
        """Cells in which a vehicle well has nothing to compare with fail. Raises the InputError of
        a point estimate."""
        error = InputError(f"untreated cells have no {what} to compare with; check the parameters")
        for i in np.flatnonzero(self.sound):
            if not (wells.values[i, 0] > _NOTHING).all():
                self.fail(int(i), error)

    def fail(self, i: int, error: P53NetError) -> None:
        """Note that a cell has no result."""
        self.sound[i] = False
        self._cells.fail(self.draws[i], error, self._where)

    def each(self) -> Iterator[tuple[int, int]]:
        """Cells that have a run: place in the part, and among all cells."""
        for i in np.flatnonzero(self.sound).tolist():
            yield i, int(self.draws[i])


def _courses(drug: str, levels: FloatArray, beside: Beside | None, start: float) -> Courses:
    """Doses of wells (cell, well), the first of which are vehicle."""
    begin = (0.0,) if start == 0.0 else (0.0, start)
    at = sorted({*begin, *(beside.dose.changes if beside else ())})
    steps = np.full((levels.size, len(at), 1 if beside is None else 2), np.nan)
    steps[:, 0, 0] = 0.0
    steps[:, at.index(start), 0] = levels.ravel()
    if beside is not None:
        treated = np.arange(levels.size) % levels.shape[1] > 0
        steps[:, :, 1] = np.where(treated[:, None], beside.levels(at), 0.0)
    drugs = (drug,) if beside is None else (drug, beside.drug)
    return Courses(drugs, np.tile(at, (levels.size, 1)), steps)
