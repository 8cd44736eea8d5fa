"""Rows of bodies, plasma, tumours and blood, over the coordinates that only they read.

Runs in bodies are dear, so these are drawn after those of cells, for each draw of a cell.
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
from p53net.inference.body_problem import Problem
from p53net.inference.body_rows import Rows, rows_of_bodies
from p53net.inference.likelihood import ALREADY, Likelihood
from p53net.inference.parts import HANDLED, PLASMA, QUICK, SHARED, parts_of
from p53net.inference.target import Target
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

_LEAST = 16  # parameter sets of a thread
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
    threads: int = 2

    def __post_init__(self) -> None:
        read = {name: read_by_bodies(target) for name, target in self.targets.items()}
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
        self.parts = parts_of(self.names, self.rows)
        self.handled, self.shared = (
            np.array([self.names.index(one) for one in wanted]) for wanted in (HANDLED, SHARED)
        )
        """Places of how a drug is handled, and of what several parts read."""
        of_parts = {i for part in self.parts for i in part.rows.tolist()}
        self.of_plasma = np.array([i for i in range(len(self.rows)) if i not in of_parts])

    def whole(self, z: FloatArray, labels: NDArray[np.intp]) -> list[FloatArray]:
        """Coordinates of the whole space of each particle's structure."""
        found = []
        for row, label in zip(z, labels, strict=True):
            cell = self.cells[label]
            whole = cell.z.copy()
            whole[self._columns[cell.structure]] = row
            found.append(whole)
        return found

    def predicted(
        self, z: FloatArray, labels: NDArray[np.intp], parts: frozenset[str] | None = None
    ) -> Rows:
        """Predictions of all rows (n), or of those of some parts."""
        whole = self.whole(z, labels)
        structures = np.array([self.cells[label].structure for label in labels])
        jobs = []
        for structure in dict.fromkeys(structures.tolist()):
            rows = np.flatnonzero(structures == structure)
            threads = max(1, min(self.threads, len(rows) // _LEAST))
            jobs += [(structure, some) for some in np.array_split(rows, threads)]

        def run(job: tuple[str, NDArray[np.intp]]) -> Rows:
            space = self.targets[job[0]].space
            values = space.values(np.array([whole[i] for i in job[1]]))
            fixed = space.fixed
            constant = np.broadcast_to(np.array(list(fixed.values())), (len(values), len(fixed)))
            names = [*space.names, *fixed]
            with np.errstate(all="ignore"):
                return rows_of_bodies(
                    as_trials(names, np.hstack([values, constant])), job[0], parts
                )

        with ThreadPoolExecutor(self.threads) as pool:
            made = list(pool.map(lambda one: one[0].run(run, one[1]),
                                 [(copy_context(), job) for job in jobs]))  # fmt: skip
        found: Rows = {}
        for (_, some), rows in zip(jobs, made, strict=True):
            for name, values in rows.items():
                found.setdefault(name, np.full(len(z), np.nan))[some] = values
        return found

    def residuals(
        self, z: FloatArray, labels: NDArray[np.intp], parts: frozenset[str] | None = None
    ) -> FloatArray:
        """Distances of rows (n, row): of all parts but plasma, or of some parts; others NaN."""
        asked = [one for one in self.parts if parts is None or one.name in parts]
        return self._away(z, labels, frozenset(one.name for one in asked),
                          np.concatenate([one.rows for one in asked]))  # fmt: skip

    def residuals_of_plasma(self, handled: FloatArray, labels: NDArray[np.intp]) -> FloatArray:
        """Distances of rows about plasma (n, row), at coordinates of how the drug is handled."""
        z = np.zeros((len(handled), len(self.names)))
        z[:, self.handled] = handled
        return self._away(z, labels, frozenset({PLASMA}), self.of_plasma)[:, self.of_plasma]

    def problem(self, labels: NDArray[np.intp]) -> Problem:
        """What is drawn for particles with these cells, once it is known how a drug is handled."""
        return Problem(self.residuals, self.parts, self.shared, self.handled, labels, QUICK)

    def _away(
        self,
        z: FloatArray,
        labels: NDArray[np.intp],
        parts: frozenset[str],
        rows: NDArray[np.intp],
    ) -> FloatArray:
        predicted, nothing = self.predicted(z, labels, parts), np.full(len(z), np.nan)
        found = np.full((len(z), len(self.rows)), np.nan)
        for i in rows.tolist():
            away = predicted.get(self.rows[i], nothing)
            found[:, i] = self.likelihood.families[i].residual(away)
        return found


def read_by_bodies(target: Target) -> list[str]:
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
