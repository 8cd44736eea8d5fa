"""The second stage: draws of cells, each with what plasma, tumours and blood say of a body.

Runs in bodies are dear, so parameters that only they read are drawn after those of cells, a few for
each draw of a cell. A cell that fits no body dies out, so what bodies say of cells is not lost; but
cells do not move again. How many are left is counted.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.ensembles.draws import as_trials
from p53net.evidence.behind import AMPLIFIED, GASTRIC, LEUKAEMIA, LIPOSARCOMA, Place
from p53net.evidence.published import Observation
from p53net.inference.body_rows import Rows, rows_of_bodies
from p53net.inference.likelihood import ALREADY, Likelihood
from p53net.inference.target import Target
from p53net.inference.tempering import Sampled, Settings, Told, tempered
from p53net.model.structures import supposing
from p53net.simulation.loading import shared
from p53net.simulation.trials import entries_of

_PLACES = (
    Place("milademetan", None, "marrow", "human"),
    Place("milademetan", LIPOSARCOMA, "tumour", "human"),
    Place("milademetan", GASTRIC, "tumour", "mouse"),
    Place("milademetan", AMPLIFIED, "tumour", "mouse"),
    Place("KT-253", LEUKAEMIA, "tumour", "mouse"),
)
"""Models that the rows of bodies are predicted with."""

_THREADS, _LEAST = 2, 16
_HELD = "_baseline"  # who enters a trial is decided before: not moved


class CellDraw(NamedTuple):
    """One draw of a cell: its structure, and coordinates of that structure's whole space."""

    structure: str
    z: FloatArray


@dataclass
class Bodies:
    """Rows of bodies, over the coordinates that only they read, attached to draws of cells."""

    targets: Mapping[str, Target]
    cells: Sequence[CellDraw]
    evidence: Mapping[str, Observation]

    def __post_init__(self) -> None:
        read = {name: _read(target) for name, target in self.targets.items()}
        first = next(iter(read.values()))
        self.names = [one for one in first if all(one in other for other in read.values())]
        """Parameters that are moved: of every structure here."""
        self._columns = {
            name: np.array([target.space.names.index(one) for one in self.names])
            for name, target in self.targets.items()
        }
        known = self.predicted(np.zeros((1, len(self.names))), np.zeros(1, dtype=np.intp))
        self.rows = [name for name in known if name not in ALREADY and name in self.evidence]
        self.likelihood = Likelihood(lambda _v: {}, self.rows, self.evidence)

    def whole(self, z: FloatArray, labels: NDArray[np.intp]) -> list[FloatArray]:
        """Coordinates of the whole space of each particle's structure."""
        found = []
        for row, label in zip(z, labels, strict=True):
            cell = self.cells[label]
            whole = cell.z.copy()
            whole[self._columns[cell.structure]] = row
            found.append(whole)
        return found

    def predicted(self, z: FloatArray, labels: NDArray[np.intp]) -> Rows:
        """Predictions of all rows (n)."""
        whole = self.whole(z, labels)
        structures = np.array([self.cells[label].structure for label in labels])
        jobs = []
        for structure in dict.fromkeys(structures.tolist()):
            rows = np.flatnonzero(structures == structure)
            parts = max(1, min(_THREADS, len(rows) // _LEAST))
            jobs += [(structure, part) for part in np.array_split(rows, parts)]

        def run(job: tuple[str, NDArray[np.intp]]) -> Rows:
            space = self.targets[job[0]].space
            values = space.values(np.array([whole[i] for i in job[1]]))
            fixed = space.fixed
            constant = np.broadcast_to(np.array(list(fixed.values())), (len(values), len(fixed)))
            names = [*space.names, *fixed]
            with np.errstate(all="ignore"):
                return rows_of_bodies(as_trials(names, np.hstack([values, constant])), job[0])

        with ThreadPoolExecutor(_THREADS) as pool:
            made = list(pool.map(lambda one: one[0].run(run, one[1]),
                                 [(copy_context(), job) for job in jobs]))  # fmt: skip
        found: Rows = {}
        for (_, part), rows in zip(jobs, made, strict=True):
            for name, values in rows.items():
                found.setdefault(name, np.full(len(z), np.nan))[part] = values
        return found

    def residuals(self, z: FloatArray, labels: NDArray[np.intp]) -> FloatArray:
        """Distances of all rows (n, row)."""
        predicted = self.predicted(z, labels)
        nothing = np.full(len(z), np.nan)
        return self.likelihood.of(
            {name: predicted.get(name, nothing) for name in self.rows}, len(z)
        )

    def drawn(self, random: np.random.Generator, settings: Settings, told: Told) -> Sampled:
        """A body for each cell."""
        labels = np.resize(np.arange(len(self.cells)), settings.particles)
        return tempered(self.residuals, self.likelihood.highest, len(self.names), random, settings,
                        told, labels)  # fmt: skip


def _read(target: Target) -> list[str]:
    """Parameters that the rows of bodies read and those of cells do not."""
    known = set(target.space.names) - {target.space.names[i] for i in target.moved}
    found: dict[str, None] = {}
    with supposing(target.structure):
        for place in _PLACES:
            model = shared(place.drug, cell_line=place.line, system=place.system, host=place.host)
            own = entries_of(model, place.drug, place.line)
            for name in model.definition.parameters:
                wanted = (f"{entry}: {name}" for entry in own.get(name, own[""]))
                here = next((one for one in wanted if one in known), None)
                if here and not name.endswith(_HELD):
                    found[here] = None
    return list(found) + _sources(known, found)


def _sources(known: set[str], found: Mapping[str, None]) -> list[str]:
    """Parameters of patients that mice follow."""
    from p53net.model.derived import DERIVED

    names = (f"{one.source[0]}: {one.source[1]}" for one in DERIVED)
    return [name for name in dict.fromkeys(names) if name in known and name not in found]
