"""The truth about the batch engine: random parameter sets and doses, and other engines beside it.

Every run is compared with RoadRunner at tight tolerances, and some with SciPy's Radau on equations
that are generated from the SBML by another way.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import libsbml
import numpy as np

import p53net as pn
from p53net.dosing import medium as dosing
from p53net.dosing.medium import Courses, Dose
from p53net.engines.base import Tolerances
from p53net.errors import P53NetError, SimulationError
from p53net.model import Definition
from p53net.simulation.initial import Resting, Untreated
from p53net.simulation.runs import Curves
from tests.support import ROOT
from tests.support.generated import Array, scipy_solution

TIMES = np.linspace(0.0, 72.0, 97)
ABSENT = 1e-9  # nM: a state that stays below has no relative error
LIMIT = 1e-6
"""Of the error of any state: the largest difference over its largest value in the run."""
CONSERVED = 1e-9
"""Largest drift of a conserved total, relative to it."""
TIGHT = Tolerances(1e-10, 1e-17)
REFERENCE = Tolerances(1e-12, 1e-18)
LADDER = tuple(10.0**-n for n in range(5, 13))
"""Relative tolerances, as a model is given them; the batch engine uses 100 times as much."""
MODELS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "alone": ((), "generic"),
    "inhibitor": (("milademetan",), "generic"),
    "degrader": (("KT-253",), "generic"),
    "both": (("milademetan", "KT-253"), "generic"),
    "both, SJSA-1": (("milademetan", "KT-253"), "SJSA-1"),
}


def made_of() -> str:
    """Digest of engine and shipped models, which the committed table of errors must carry."""
    digest = hashlib.sha256()
    paths = [
        *(ROOT / "p53net" / "engines" / "batch").glob("*.py"),
        *(ROOT / "models" / "sbml").glob("*.xml"),
    ]
    for path in sorted(paths):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Set:
    """One run: what is set, and which doses are given."""

    parameters: Mapping[str, float]
    doses: Mapping[str, Dose]
    feedback: bool


class Reference(NamedTuple):
    """What another engine gave: curves (state, time), or why it has none."""

    curves: Array | None
    error: str


class Counted(Resting):
    """Untreated states by RoadRunner, which counts those that it finds for the batch engine."""

    found = 0

    def of(
        self, parameters: Mapping[str, Array], size: int, quantities: tuple[str, ...]
    ) -> Untreated:
        """As usual."""
        states = super().of(parameters, size, quantities)
        self.found += size - len(states.errors)
        return states


class Watched(pn.Model):
    """A model whose batch engine has a helper that counts."""

    def __init__(self, definition: Definition, tolerances: Tolerances) -> None:
        super().__init__(definition, tolerances)
        self.helper = Counted(definition, self.runner("roadrunner").engine, None)
        batch = self.runner("batch")
        batch.resting = Resting(definition, batch.engine, self.helper)


@cache
def model_of(name: str, tolerances: Tolerances) -> Watched:
    """A model of the list above."""
    drugs, cell_line = MODELS[name]
    return Watched(pn.load(*drugs, cell_line=cell_line).definition, tolerances)


# --- random sets


def random_sets(model: pn.Model, size: int, seed: int) -> list[Set]:
    """The same for the same seed."""
    random = np.random.default_rng(seed)
    return [_random_set(model, random) for _ in range(size)]


def _random_set(model: pn.Model, random: np.random.Generator) -> Set:
    rows = model.definition.parameters
    varied = {
        name: row.value for name, row in rows.items() if row.kind not in ("input", "computed")
    }
    if random.random() < 0.5:  # with the exponents of the file, which are multiplications
        varied = {name: value for name, value in varied.items() if not name.startswith("n_")}
    parameters = {n: v * 3.0 ** random.uniform(-1, 1) for n, v in varied.items()}
    if "residual" in parameters and random.random() < 0.5:
        parameters["residual"] = 10.0 ** random.uniform(-3, -1)
    if random.random() < 0.3:
        parameters["DSB"] = 10.0 ** random.uniform(-1, 0.5)
    volume = parameters.get("medium") if random.random() < 0.25 else None
    doses = {drug: _random_dose(random, volume) for drug in model.definition.drugs}
    return Set(parameters, doses, bool(random.random() < 0.8))


def _random_dose(random: np.random.Generator, volume: float | None) -> Dose:
    level = 10.0 ** random.uniform(-1, 3)
    kind = random.choice(["constant", "pulse", "repeated"])
    if kind == "pulse":
        start = float(random.choice([0.0, random.uniform(0.0, 24.0)]))
        steps = pn.pulse(level, random.uniform(0.5, 40.0), start).steps
    elif kind == "repeated":
        every = float(random.choice([12.0, random.uniform(4.0, 30.0)]))  # 12 h is an output time
        hours = np.arange(0.0, TIMES[-1], every)
        steps = pn.course([(t, level * (n % 2 == 0)) for n, t in enumerate(hours)]).steps
    else:
        steps = pn.constant(level).steps
    return Dose(steps, volume)


def some_states(model: pn.Model, size: int, seed: int) -> np.ndarray:
    """Concentrations over many orders of magnitude, a row for each."""
    random = np.random.default_rng(seed)
    return 10.0 ** random.uniform(-3.0, 3.0, (size, len(model.runner("batch").engine.states)))


# --- engines


def batch_runs(model: pn.Model, sets: Sequence[Set], states: Sequence[str]) -> Curves:
    """All sets, with and without feedback one call each; other differences lie side by side."""
    values = np.full((len(sets), len(states), len(TIMES)), np.nan)
    found = Curves(values, {}, {}, np.zeros(len(sets)))
    for feedback in (True, False):
        rows = [i for i, one in enumerate(sets) if one.feedback == feedback]
        if not rows:
            continue
        mine = [sets[i] for i in rows]
        run = model.runner("batch").run(
            TIMES, courses_of(mine, model), columns_of(mine, model), states, feedback=feedback
        )
        found.values[rows], found.steps[rows] = run.values, run.steps
        found.errors.update({rows[i]: error for i, error in run.errors.items()})
        found.given_up.update({rows[i]: why for i, why in run.given_up.items()})
    return found


def courses_of(sets: Sequence[Set], model: pn.Model) -> Courses:
    """Doses of all sets; those with fewer changes are filled up with some that never come."""
    drugs = tuple(model.definition.drugs)
    hours = [
        sorted({0.0} | {t for dose in one.doses.values() for t, _ in dose.steps}) for one in sets
    ]
    at = np.full((len(sets), max(map(len, hours))), np.inf)
    levels = np.full((*at.shape, len(drugs)), np.nan)
    for row, (one, mine) in enumerate(zip(sets, hours, strict=True)):
        at[row, : len(mine)] = mine
        for column, drug in enumerate(drugs):
            for time, level in one.doses[drug].steps:
                levels[row, mine.index(time), column] = level
    return Courses(drugs, at, levels)


def columns_of(sets: Sequence[Set], model: pn.Model) -> dict[str, Array]:
    """Parameters of all sets."""
    rows = model.definition.parameters
    names = sorted({name for one in sets for name in one.parameters})
    columns = {
        name: np.array([one.parameters.get(name, rows[name].value) for one in sets])
        for name in names
    }
    if "closed_dish" in rows:
        closed = [any(dose.closed for dose in one.doses.values()) for one in sets]
        columns["closed_dish"] = np.array(closed, dtype=float)
    return columns


def by_roadrunner(
    name: str, one: Set, states: Sequence[str], tolerances: Tolerances = REFERENCE
) -> Reference:
    """One set by RoadRunner, from an untreated state of its own."""
    for factor in (1.0, 10.0, 100.0):  # some runs are too hard for CVODE at tolerances that tight
        looser = Tolerances(tolerances.relative * factor, tolerances.absolute * factor)
        try:
            courses = dosing.courses_of([one.doses])
            columns = {n: np.array([value]) for n, value in one.parameters.items()}
            found, _ = model_of(name, looser).curves(
                TIMES, courses, columns, states, feedback=one.feedback, engine="roadrunner"
            )
            return Reference(found.values[0], "")
        except SimulationError as error:
            why = type(error).__name__
        except P53NetError as error:
            return Reference(None, type(error).__name__)
    return Reference(None, why)


def by_radau(name: str, one: Set, states: Sequence[str], tightest: float = 1e-10) -> Reference:
    """One set by SciPy, from RoadRunner's untreated state."""
    closed = any(dose.closed for dose in one.doses.values())
    parameters = {n: v for n, v in one.parameters.items() if not (closed and n == "medium")}
    sbml = model_of(name, REFERENCE).sbml(one.doses, parameters, feedback=one.feedback)
    for looser in (1.0, 10.0, 100.0):  # its Jacobian, by differences, may lead it astray
        try:
            with np.errstate(all="ignore"):  # SciPy's, as it looks for the size of a difference
                found = scipy_solution(sbml, TIMES, rtol=tightest * looser, method="Radau")
            return Reference(np.array([found[state] for state in states]), "")
        except (ArithmeticError, ValueError) as error:
            why = f"{type(error).__name__}: {error}"
    return Reference(None, why)


def errors_of(found: Array, reference: Array) -> Array:
    """Of every state (state, time): NaN for those that are absent."""
    largest = np.abs(reference).max(axis=1)
    error = np.abs(found - reference).max(axis=1)
    return np.where(largest > ABSENT, error / np.maximum(largest, ABSENT), np.nan)


# --- conserved totals


def conserved(sbml: str, states: Sequence[str], *, closed: bool) -> Array:
    """Weights of the amounts of states in totals that no reaction changes, a row for each.

    They are the left null space of the stoichiometry. Drug enters the cell by one reaction and
    leaves the medium by another of the same rate in a closed dish: these count as one.
    """
    document = libsbml.readSBMLFromString(sbml)
    columns: dict[str, dict[str, int]] = {}
    for reaction in document.getModel().getListOfReactions():
        rate = libsbml.formulaToL3String(reaction.getKineticLaw().getMath())
        if "closed_dish" in rate and not closed:
            continue
        column = columns.setdefault(rate.replace("closed_dish * ", ""), {})
        sides = (reaction.getListOfReactants(), -1), (reaction.getListOfProducts(), 1)
        for side, sign in sides:
            for item in side:
                name = item.getSpecies()
                column[name] = column.get(name, 0) + sign * int(item.getStoichiometry())
    return _null_space([[column.get(name, 0) for name in states] for column in columns.values()])


def _null_space(rows: Iterable[Sequence[int]]) -> Array:
    """Vectors whose product with every row is 0, by exact elimination."""
    table = [[Fraction(x) for x in row] for row in rows]
    size, pivots = len(table[0]), list[int]()
    for column in range(size):
        done = len(pivots)
        found = next((i for i in range(done, len(table)) if table[i][column]), None)
        if found is None:
            continue
        table[done], table[found] = table[found], table[done]
        first = table[done][column]
        table[done] = [x / first for x in table[done]]
        for i, row in enumerate(table):
            if i != done and (factor := row[column]):
                table[i] = [x - factor * y for x, y in zip(row, table[done], strict=True)]
        pivots.append(column)
    free = [column for column in range(size) if column not in pivots]
    vectors = np.zeros((len(free), size))
    for vector, column in zip(vectors, free, strict=True):
        vector[column] = 1.0
        vector[pivots] = [-float(table[i][column]) for i in range(len(pivots))]
    return vectors


def drift_of(model: pn.Model, one: Set, curves: Array, states: Sequence[str]) -> float:
    """Largest change of a conserved total between two doses, relative to what is summed up."""
    closed = any(dose.closed for dose in one.doses.values())
    known = {n: row.value for n, row in model.definition.parameters.items()} | one.parameters
    volumes = [known[model.definition.compartment_of[state]] for state in states]
    amounts = curves * np.array(volumes)[:, None]
    doses = sorted({time for dose in one.doses.values() for time, _ in dose.steps})
    stretch = np.searchsorted(doses, TIMES, side="right")
    worst = 0.0
    for weights in conserved(model.definition.sbml, states, closed=closed):
        total, size = weights @ amounts, (np.abs(weights)[:, None] * np.abs(amounts)).sum(axis=0)
        for number in np.unique(stretch):
            rows = stretch == number
            if size[rows].max() > ABSENT:
                change = np.abs(total[rows] - total[rows][0]).max()
                worst = max(worst, float(change / size[rows].max()))
    return worst


# --- a model's result


@dataclass(frozen=True)
class Verdict:
    """What came of the sets of one model."""

    name: str
    sets: int
    errors: Array
    """From RoadRunner: set, state; NaN for absent states and for sets without a run."""
    radau: Array
    """The same from Radau, of the first sets."""
    states: tuple[str, ...]
    drift: float
    by_roadrunner: Mapping[str, int]
    """Runs that the batch engine gave to RoadRunner, by reason."""
    restless: int
    """Sets without an untreated state at rest, by both engines."""
    disagreed: tuple[str, ...]
    """Sets that only one engine could run."""
    judged: tuple[str, ...]
    """Sets on which batch and RoadRunner differ by more than the limit: Radau says who is right."""

    @property
    def good(self) -> bool:
        """Whether all limits are kept."""
        errors = [e for e in (worst(self.errors), worst(self.radau)) if np.isfinite(e)]
        return max(errors) < LIMIT and self.drift < CONSERVED and not self.disagreed


def worst(errors: Array) -> float:
    """Of all that are known."""
    return float(np.nanmax(errors)) if np.isfinite(errors).any() else np.nan


Map = Callable[..., Iterable[Reference]]


def verdict(name: str, size: int, radau: int, seed: int, over: Map = map) -> Verdict:
    """Run the sets of a model on all engines. `over` maps a function over sets."""
    model = model_of(name, TIGHT)
    states = model.runner("batch").engine.states
    sets = random_sets(model, size, seed)
    model.helper.found = 0
    runs = batch_runs(model, sets, states)
    gone = Counter(runs.given_up.values())
    if model.helper.found:
        gone["its untreated state was found by RoadRunner only"] = model.helper.found
    errors, restless, disagreed = np.full((size, len(states)), np.nan), 0, list[str]()
    judged = list[str]()
    references = over(by_roadrunner, [name] * size, sets, [states] * size)
    for i, reference in enumerate(references):
        mine = type(runs.errors[i]).__name__ if i in runs.errors else ""
        if mine == "SteadyStateError" == reference.error:
            restless += 1
        elif mine or reference.curves is None:
            disagreed.append(
                f"set {i}: batch {mine or 'runs'}, RoadRunner {reference.error or 'runs'}"
            )
        elif i not in runs.given_up:
            errors[i] = errors_of(runs.values[i], reference.curves)
            if worst(errors[i]) > LIMIT:
                third = by_radau(name, sets[i], states, 1e-12).curves
                if third is not None:
                    apart, own = worst(errors[i]), worst(errors_of(reference.curves, third))
                    errors[i] = errors_of(runs.values[i], third)
                    judged.append(
                        f"set {i}: batch is {apart:.0e} from RoadRunner; from Radau at 1e-12 "
                        f"RoadRunner is {own:.0e}, batch {worst(errors[i]):.0e}"
                    )
    chosen = [i for i in range(size) if i not in runs.errors and i not in runs.given_up]
    few = chosen[:radau]
    others = over(by_radau, [name] * len(few), [sets[i] for i in few], [states] * len(few))
    second = np.full((size, len(states)), np.nan)
    for i, reference in zip(few, others, strict=True):
        if reference.curves is None:
            disagreed.append(f"set {i}: batch runs, Radau {reference.error}")
        else:
            second[i] = errors_of(runs.values[i], reference.curves)
    drift = max((drift_of(model, sets[i], runs.values[i], states) for i in chosen), default=0.0)
    return Verdict(
        name,
        size,
        errors,
        second,
        tuple(states),
        drift,
        gone,
        restless,
        tuple(disagreed),
        tuple(judged),
    )


def ladder(
    name: str, size: int, seed: int, over: Map = map
) -> list[tuple[float, float, float, float]]:
    """Tolerance of the engine, worst and median error of a run, and mean steps, from loose to
    tight."""
    states = model_of(name, TIGHT).runner("batch").engine.states
    sets = random_sets(model_of(name, TIGHT), size, seed)
    tightest = [Tolerances(REFERENCE.relative / 10, REFERENCE.absolute / 100)] * size
    references = list(over(by_roadrunner, [name] * size, sets, [states] * size, tightest))
    found = []
    for relative in LADDER:
        runs = batch_runs(model_of(name, Tolerances(relative, relative * 1e-7)), sets, states)
        good = [
            i
            for i, one in enumerate(references)
            if one.curves is not None and i not in runs.errors and i not in runs.given_up
        ]
        errors = [np.nanmax(errors_of(runs.values[i], references[i].curves)) for i in good]
        steps = float(runs.steps[good].mean())
        found.append((relative * 100.0, max(errors), float(np.median(errors)), steps))
    return found


def order_of(rows: Sequence[tuple[float, float, float, float]]) -> float:
    """How fast the median error falls with the number of steps, where it is above rounding."""
    seen = [row for row in rows if row[2] > 1e-10 and row[0] < 1e-4]
    errors, steps = np.log([row[2] for row in seen]), np.log([row[3] for row in seen])
    return float(-np.polyfit(steps, errors, 1)[0])
