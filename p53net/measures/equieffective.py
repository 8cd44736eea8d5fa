"""The drugs that are compared, each alone in cells of one model, and the doses at which they are.

A degrader brings its non-catalytic twin: the same molecule with `k_ub_MDM2` = 0, as the header of
its fragment says.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np

from p53net.dosing.medium import Courses
from p53net.engines.base import FloatArray
from p53net.errors import InputError, MeasureError, P53NetError, SimulationError
from p53net.measures import curves
from p53net.measures.searching import HIGHEST_DOSE, LOWEST_DOSE, Found, Places, effective_doses
from p53net.model import GENERIC
from p53net.model.own import TablesLike, as_tables
from p53net.simulation import choice
from p53net.simulation.begun import Start
from p53net.simulation.loading import shared
from p53net.simulation.model import Model
from p53net.simulation.runs import Loop, Runner

Search: TypeAlias = Callable[..., Found]
"""Of a candidate, the hours of the run, and further numbers: what looks for a dose."""

TWIN = " (non-catalytic twin)"
"""Added to a degrader's name for the same molecule with `k_ub_MDM2` = 0."""

DOSES = np.geomspace(1e-2, 1e6, 33)
"""Constant concentrations [nM] of a dose-response curve."""

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
    helped: bool = True
    """Whether another engine takes what this one gives up; or else that is an error."""
    said: str = ""
    """What to say of the engine."""
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
        return "twin" if self.parameters else self.model.definition.drugs[self.drug]

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
        self.engines.add(self.said + self.runner.said(found.given_up))
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
        found, given_up = self.runner.rest(
            self.constant(doses),
            {**self.parameters, **(changed or {})},
            [name],
            feedback=feedback,
            stable=False,
            start=self.start,
            helped=self.helped,
        )
        self.engines.add(self.said + self.runner.said(given_up))
        return Found(found.values[:, 0], found.errors)

    def constant(self, doses: FloatArray, volumes: FloatArray | None = None) -> Courses:
        """A dose [nM] for each cell, from the start on; in a closed dish with so much medium [pL]
        for each."""
        at = np.zeros((len(self), 1))
        return Courses((self.drug,), at, np.asarray(doses)[:, None, None], volumes)

    def resting_fold(self, doses: FloatArray, feedback: Loop = True) -> Found:
        """Active p53 at rest under constant doses, in multiples of untreated."""
        return self._fold(self.rest(doses, "p53_active", feedback))

    def fold_at(self, hours: float, doses: FloatArray, volumes: FloatArray | None = None) -> Found:
        """Active p53 at a time, in multiples of untreated."""
        ends = np.array([0.0, hours])
        values, errors = self.run(ends, self.constant(doses, volumes), ["p53_active"])
        return self._fold(Found(values[:, 0, -1], errors))

    def _fold(self, active: Found) -> Found:
        untreated = self.untreated["p53_active"]
        silent = MeasureError("the cell has no p53, so there is no response to measure")
        none = {int(i): silent for i in np.flatnonzero(untreated <= 0.0)}
        return Found(
            active.values / np.where(untreated > 0, untreated, np.nan), {**none, **active.errors}
        )


def candidate(
    runner: Runner, model: Model, drug: str, parameters: Mapping[str, FloatArray], size: int
) -> Candidate:
    """A drug in so many cells with these parameters, on one engine alone."""
    start = runner.start(parameters, size, UNTREATED)
    return Candidate(drug, drug, runner, model, parameters, start, helped=False)


def candidates(
    drugs: Iterable[str],
    cell_line: str = GENERIC,
    tables: TablesLike = None,
    engine: str = choice.AUTO,
    accuracy: float | None = None,
) -> list[Candidate]:
    """The drugs, each in one cell and each degrader followed by its twin. Refuses cells without
    p53."""
    own = as_tables(tables)
    made: list[Candidate] = []
    for name in drugs:
        model = shared(name, cell_line=cell_line, tables=own).to(accuracy)
        (drug,) = model.definition.drugs
        chosen, said = choice.chosen(model, engine, RUNS)
        one = replace(candidate(model.runner(chosen), model, drug, {}, 1), helped=True, said=said)
        for error in one.start.errors.values():
            raise error.with_traceback(None)
        if one.untreated["p53_active"] <= 0:
            raise MeasureError(
                f"{cell_line} has no p53, so there is no feedback to escape and no response to "
                "measure; choose a TP53 wild-type cell line"
            )
        made.append(one)
        if twin := model.definition.twins.get(drug):
            changed = {name: np.array([value]) for name, value in twin.items()}
            made.append(replace(one, name=drug + TWIN, parameters=changed, engines=set()))
    if not made:
        raise InputError("no drug is named; give at least one")
    if len({one.name for one in made}) < len(made):
        raise InputError("a drug is named twice; give each once")
    return made


def resting_doses(
    one: Candidate, folds: FloatArray, feedback: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
) -> Found:
    """The constant doses [nM] under which active p53 rests at these multiples of untreated."""
    return effective_doses(
        lambda rows, doses: one.of(rows).resting_fold(doses, feedback[rows]),
        folds,
        ["active p53 at rest, in multiples of untreated,"] * len(one),
    )


def dose_ratio(one: Candidate, _hours: float, fold: float) -> Found:
    """The dose that rests active p53 at a multiple of untreated, loop closed over opened."""
    size = len(one)
    found = resting_doses(
        one.of(np.tile(np.arange(size), 2)),
        np.full(2 * size, fold),
        np.repeat([True, False], size),
    )
    errors = {i % size: found.errors[i] for i in sorted(found.errors, reverse=True)}
    return Found(found.values[:size] / found.values[size:], errors)


def loop_factor(one: Candidate, _hours: float, fold: float) -> Found:
    """The loop factor under the dose that rests active p53 at a multiple of untreated."""
    size = len(one)
    found = resting_doses(one, np.full(size, fold), np.full(size, True))
    return found.then(lambda rows: loop_factors(one.of(rows), found.values[rows]))


def loop_factors(one: Candidate, doses: FloatArray) -> Found:
    """(d ln A / d ln k_ub_p53) opened at the treated state, over the same with the loop closed."""
    treated = one.rest(doses, "P2_activity_closed")
    return treated.then(lambda rows: _loop_factors(one.of(rows), doses[rows], treated.values[rows]))


def _loop_factors(one: Candidate, doses: FloatArray, held: FloatArray) -> Found:
    size, errors = len(one), dict[int, P53NetError]()
    rows = np.tile(np.arange(size), 4)
    feedback = np.tile(np.repeat([False, True], size), 2)

    def active(factors: FloatArray) -> FloatArray:
        changed = {
            "k_ub_p53": one.value("k_ub_p53")[rows] * np.repeat(factors, 2 * size),
            "P2_activity_held": held[rows],
        }
        found = one.of(rows).rest(doses[rows], "p53_active", feedback, changed)
        errors.update({i % size: error for i, error in found.errors.items()})
        return found.values.reshape(2, 2, size)

    opened, closed = curves.log_sensitivity(active)
    return Found(opened / closed, errors)


def responses(
    one: Candidate, hours: float, names: Sequence[str], feedback: bool = True
) -> tuple[FloatArray, Mapping[int, P53NetError]]:
    """Values at `hours` under each of `DOSES`, constant, over cell, dose and name; and why a cell
    has none."""
    many = one.of(np.repeat(np.arange(len(one)), len(DOSES)))
    doses = many.constant(np.tile(DOSES, len(one)))
    values, errors = many.run(np.array([0.0, hours]), doses, names, feedback)
    shape = len(one), len(DOSES), len(names)
    return values[:, :, -1].reshape(shape), {i // len(DOSES): e for i, e in errors.items()}


def equal_dose(one: Candidate, hours: float, fold: float) -> Found:
    """The lowest constant dose [nM] that gives the fold at `hours`."""
    active, errors = responses(one, hours, ["p53_active"])
    start = Found(active[:, 0, 0], errors)
    return start.then(lambda rows: equal_doses(one.of(rows), active[rows, :, 0], hours, fold)[0])


def equal_doses(
    one: Candidate, active: FloatArray, hours: float, fold: float
) -> tuple[Found, "np.ndarray[tuple[int], np.dtype[np.bool_]]"]:
    """The lowest constant dose [nM] that gives the fold at `hours`, and whether it is the only one.

    `active` is active p53 under each of `DOSES`. Where p53 pulses, a response at one time can cross
    a level more than once.
    """
    above = active >= fold * one.untreated["p53_active"][:, None]
    crossed = above[:, 1:] != above[:, :-1]
    first, crosses = crossed.argmax(axis=1), crossed.any(axis=1)
    between = (
        np.where(crosses, DOSES[first], LOWEST_DOSE),
        np.where(crosses, DOSES[first + 1], HIGHEST_DOSE),
    )
    found = effective_doses(
        lambda rows, doses: one.of(rows).fold_at(hours, doses),
        np.full(len(one), fold),
        [f"active p53 under {one.name} at {hours:g} h, in multiples of untreated,"] * len(one),
        between,
    )
    return found, crossed.sum(axis=1) <= 1


def stoichiometric_load(one: Candidate, hours: float, fold: float, volume: float) -> Found:
    """Drug molecules for each MDM2 molecule of the untreated cell, in a closed dish with `volume`
    [pL] of medium for each cell and the dose that gives the fold at `hours`."""
    volumes = np.full(len(one), volume)
    found = closed_dish_doses(one, volumes, hours, fold)
    return found._replace(values=loads(one, found.values, volumes))


def closed_dish_doses(one: Candidate, volumes: FloatArray, hours: float, fold: float) -> Found:
    """First concentration [nM] that gives the fold with so much medium [pL] for each cell."""
    return effective_doses(
        lambda rows, doses: one.of(rows).fold_at(hours, doses, volumes[rows]),
        np.full(len(one), fold),
        [
            f"active p53 under {one.name} in {volume:g} pL per cell, in multiples of untreated,"
            for volume in volumes
        ],
    )


def loads(one: Candidate, doses: FloatArray, volumes: FloatArray) -> FloatArray:
    """Drug molecules for each MDM2 molecule of the untreated cell, at doses [nM] of a closed
    dish."""
    return np.asarray(doses * volumes / (one.untreated["MDM2_total"] * one.value("cell")))
