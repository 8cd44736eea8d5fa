"""One drug alone in cells of one model, a row for each: what is compared, and dosed in searches.

A degrader brings its non-catalytic twin: the same molecule with `k_ub_MDM2` = 0, as the header of
its fragment says.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from p53net.dosing.beside import Beside
from p53net.dosing.medium import Courses, Dose, Given
from p53net.engines.base import FloatArray
from p53net.ensembles.cells import Cells, Part
from p53net.errors import InputError, MeasureError, P53NetError, SimulationError
from p53net.measures.searching import Found, Places
from p53net.model import GENERIC
from p53net.model.own import TablesLike, as_tables
from p53net.model.structures import StructureLike
from p53net.simulation import choice, provenance
from p53net.simulation.begun import Start
from p53net.simulation.loading import shared
from p53net.simulation.model import Model
from p53net.simulation.runs import Loop, Runner

TWIN = " (non-catalytic twin)"
"""Added to a degrader's name for the same molecule with `k_ub_MDM2` = 0."""

UNTREATED = ("p53_active", "p53_total", "MDM2_total", "MDM2_free", "MDM2_mRNA")
"""What is known of the untreated cells."""

RUNS = 30
"""Runs of a search for one dose, about: for the choice of an engine."""


@dataclass(frozen=True)
class Candidate:
    """One drug alone in cells, a row for each; and how they are run."""

    name: str
    drug: str
    runner: Runner
    model: Model
    parameters: Mapping[str, FloatArray]
    """Those that differ from the model's, a value for each cell."""
    start: Start
    """The untreated cells, with their `UNTREATED` values."""
    beside: Beside | None = None
    """What is constantly in the medium of all cells, but for untreated ones."""
    helped: bool = True
    """Whether another engine takes what this one gives up; or else that is an error."""
    said: str = ""
    """What to say of the engine, for a record."""
    engines: set[str] = field(default_factory=set)
    """What was said of it once it ran, and of what it gave up."""

    def __len__(self) -> int:
        return len(self.start.states)

    @cached_property
    def untreated(self) -> Mapping[str, FloatArray]:
        """Values in the untreated cells."""
        return dict(zip(UNTREATED, self.start.values.T, strict=True))

    @property
    def mechanism(self) -> str:
        """That of the drug, such as `inhibitor`, or `twin` for one without its catalysis."""
        return "twin" if self.name.endswith(TWIN) else self.model.definition.drugs[self.drug]

    @property
    def in_cell(self) -> str:
        """Name of the drug's total concentration in the cell."""
        return f"{self.model.definition.drugs[self.drug]}_in_cell"

    def value(self, name: str) -> FloatArray:
        """A parameter in each cell."""
        usual = self.model.definition.parameters[name].value
        return np.broadcast_to(self.parameters.get(name, usual), len(self))

    def of(self, rows: Places) -> "Candidate":
        """Some of the cells, any of them more than once."""
        parameters = {name: values[rows] for name, values in self.parameters.items()}
        return replace(self, parameters=parameters, start=self.start.of(rows))

    def run(
        self, times: FloatArray, courses: Courses, names: Sequence[str], feedback: Loop = True
    ) -> tuple[FloatArray, Mapping[int, P53NetError]]:
        """Curves over cell, name and time, and why a cell has none."""
        run = self.runner.run if self.helped else self.runner.attempt
        found = run(
            times, courses, self.parameters, names,
            feedback=feedback, start=self.start, tolerances=self.model.tolerances,
        )  # fmt: skip
        self._note(found.given_up)
        lost = () if self.helped else found.given_up.items()
        return found.values, found.errors | {i: SimulationError(why) for i, why in lost}

    def rest(
        self,
        doses: FloatArray,
        name: str,
        feedback: Loop = True,
        changed: Mapping[str, FloatArray] | None = None,
    ) -> Found:
        """A quantity at rest under constant doses [nM], also where the cell would pulse round it.

        With changed parameters the cells come from the same untreated states."""
        return self.resting(doses, name, feedback, changed)[0]

    def resting(
        self,
        doses: FloatArray,
        name: str,
        feedback: Loop = True,
        changed: Mapping[str, FloatArray] | None = None,
        near: FloatArray | None = None,
    ) -> tuple[Found, FloatArray]:
        """The same, and the states at rest (cell, state), NaN where the engine has none.

        `near` are such states under like doses: it is looked for from there, by this engine alone,
        in place of following each cell from its untreated state."""
        found, given_up = self.runner.rest(
            self.constant(doses),
            {**self.parameters, **(changed or {})},
            [name],
            feedback=feedback,
            stable=False,
            start=self.start if near is None else self.start._replace(states=near),
            helped=self.helped and near is None,
            near=near is not None,
        )
        self._note(given_up)
        states = found.states.copy()
        states[sorted({*found.errors, *given_up})] = np.nan
        return Found(found.values[:, 0], found.errors), states

    def _note(self, given_up: Mapping[int, str]) -> None:
        said = self.said + self.runner.said(given_up)
        self.engines.add(said)
        if said:
            provenance.note(self.model, said)

    def constant(self, doses: FloatArray, volumes: FloatArray | None = None) -> Courses:
        """A dose [nM] for each cell, from the start on; in a closed dish with so much medium [pL]
        for each."""
        at, levels = np.zeros((len(self), 1)), np.asarray(doses)[:, None, None]
        if self.beside is None:
            return Courses((self.drug,), at, levels, volumes)
        both = np.concatenate([levels, np.full_like(levels, self.beside.dose.highest)], axis=2)
        return Courses((self.drug, self.beside.drug), at, both, volumes)

    def given(self, dose: Dose) -> dict[str, Given]:
        """A course of the drug; what is beside it comes and goes with it."""
        if self.beside is None:
            return {self.drug: dose}
        level = self.beside.dose.highest
        steps = tuple((time, level if value > 0.0 else 0.0) for time, value in dose.steps)
        return {self.drug: dose, self.beside.drug: replace(dose, steps=steps)}

    def resting_fold(self, doses: FloatArray, feedback: Loop = True) -> Found:
        """Active p53 at rest under constant doses, in multiples of untreated."""
        return self.in_folds(self.rest(doses, "p53_active", feedback))

    def fold_at(self, hours: float, doses: FloatArray, volumes: FloatArray | None = None) -> Found:
        """Active p53 at a time, in multiples of untreated."""
        ends = np.array([0.0, hours])
        values, errors = self.run(ends, self.constant(doses, volumes), ["p53_active"])
        return self.in_folds(Found(values[:, 0, -1], errors))

    def in_folds(self, active: Found) -> Found:
        """Active p53 in multiples of untreated."""
        untreated = self.untreated["p53_active"]
        silent = MeasureError("the cell has no p53, so there is no response to measure")
        none = {int(i): silent for i in np.flatnonzero(untreated <= 0.0)}
        return Found(
            active.values / np.where(untreated > 0, untreated, np.nan), {**none, **active.errors}
        )


def in_cells(
    runner: Runner, model: Model, drug: str, parameters: Mapping[str, FloatArray], size: int
) -> Candidate:
    """A drug in so many cells with these parameters, on one engine alone."""
    start = runner.start(parameters, size, UNTREATED)
    return Candidate(drug, drug, runner, model, parameters, start, helped=False)


def alone(model: Model, drug: str, engine: str = choice.AUTO) -> Candidate:
    """A drug in one cell, the model's own. Raises SteadyStateError."""
    one = helped(model, drug, engine, {}, 1)
    for error in one.start.errors.values():
        raise error.with_traceback(None)
    return one


def helped(
    model: Model, drug: str, engine: str, parameters: Mapping[str, FloatArray], size: int
) -> Candidate:
    """A drug in so many cells with these parameters; what the engine gives up another takes."""
    chosen, said = choice.chosen(model, engine, RUNS * size)
    one = in_cells(model.runner(chosen), model, drug, parameters, size)
    return replace(one, helped=True, said=said)


def candidates(
    drugs: Iterable[str],
    cell_line: str = GENERIC,
    tables: TablesLike = None,
    engine: str = choice.AUTO,
    accuracy: float | None = None,
    structure: StructureLike = None,
) -> list[Candidate]:
    """The drugs, each in one cell and each degrader followed by its twin. Refuses cells without
    p53."""
    cells = Cells(structure=structure)
    return candidates_in(cells, next(cells.parts()), drugs, cell_line, tables, engine, accuracy)


def candidates_in(
    cells: Cells,
    part: Part,
    drugs: Iterable[str],
    cell_line: str,
    tables: TablesLike,
    engine: str,
    accuracy: float | None,
    beside: Beside | None = None,
) -> list[Candidate]:
    """The same in all cells of a part. The start of a cell may have an error there, but for that of
    a point estimate, which is raised."""
    own = as_tables(tables)
    made: list[Candidate] = []
    for name in drugs:
        second = () if beside is None else (beside.drug,)
        model = shared(name, *second, cell_line=cell_line, tables=own, structure=part.structure).to(
            accuracy
        )
        (drug,) = (one for one in model.definition.drugs if one not in second)
        one = helped(model, drug, engine, cells.columns(model, part), len(part.draws))
        one = replace(one, beside=beside, engines=set())
        for i, error in one.start.errors.items():
            cells.fail(part.draws[i], error, drug)
        if (one.untreated["p53_active"] <= 0).any():
            raise MeasureError(
                f"{cell_line} has no p53, so there is no feedback to escape and no response to "
                "measure; choose a TP53 wild-type cell line"
            )
        made.append(one)
        if twin := model.definition.twins.get(drug):
            changed = {name: np.full(len(one), value) for name, value in twin.items()}
            made.append(replace(one, name=drug + TWIN, parameters={**one.parameters, **changed},
                                engines=set()))  # fmt: skip
    if not made:
        raise InputError("no drug is named; give at least one")
    if len({one.name for one in made}) < len(made):
        raise InputError("a drug is named twice; give each once")
    return made
