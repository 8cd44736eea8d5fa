"""What every engine must do, on every kind of problem.

A problem is three runs that differ in doses and parameters. Values are compared with SciPy on
right-hand sides that are generated from the SBML, or written by hand, with code that shares nothing
with ours; what else is asked for are bytes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import p53net as pn
from p53net.dosing.medium import Courses, courses_of
from p53net.engines.base import AtRest, Cells, FloatArray
from p53net.errors import MissingPackageError, SteadyStateError
from p53net.measures.candidate import in_cells
from p53net.measures.equieffective import resting_doses
from p53net.simulation import choice
from p53net.simulation.inputs import checked_doses
from tests.support.closed_forms import free_drug
from tests.support.files import TRANSPORT, read, solved, transport
from tests.support.generated import System
from tests.support.oracles import scipy_solution
from tests.support.pulsing import PULSING

ENGINES = tuple(choice.ENGINES)
ERROR = 1e-6
"""Of a quantity, over its largest value in the run; or over `FLOOR` where that is more."""
FLOOR = 1e-4  # nM: a tenth of a molecule in a cell
EXACT = 1e-7
"""Error of a curve with a formula, over its largest value."""
LONG = 2000.0  # h, in which a cell comes to rest

Row = tuple[Mapping[str, Any], Mapping[str, float]]
"""Doses and parameters of a run."""


@dataclass(frozen=True)
class Case:
    """Runs of one model."""

    load: Callable[[Path], pn.Model]
    rows: tuple[Row, ...]
    broken: Mapping[str, float]
    """Parameters with which a run cannot be done."""
    end: float = 48.0
    feedback: bool = True
    reference: Callable[[FloatArray, Mapping[str, float]], Mapping[str, FloatArray]] | None = None
    """Where the right-hand side is written by hand."""
    times: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "times", np.linspace(0.0, self.end, 33))


def dish(*drugs: str, **options: Any) -> Callable[[Path], pn.Model]:
    return lambda _: pn.load(*drugs, **options)


def by_hand(times: FloatArray, changed: Mapping[str, float]) -> dict[str, FloatArray]:
    a, b, n = solved(transport, [4.0, 1.0, 3.0], times, **changed)
    total = 5.0 * a + changed.get("small", 0.5) * b + n
    return {"A": a, "B": b, "N": n, "total": total, "share": n / total}


ONE, OTHER = "milademetan", "KT-253"
FAST = {"k_syn_p53": 1e300}
RATES: tuple[dict[str, float], ...] = ({}, {"k_deg_p53": 0.15, "n_MDM2": 2.5}, {"cell": 2.0})
CHANGES = [(0, 300.0), (4.1, 0.0), (12.0, 1000.0), (30.7, 0.0)]
IN_PLASMA: tuple[dict[str, float], ...] = (
    {}, {"CL_inhibitor": 10.0}, {"V_central_inhibitor": 100.0, "ka_inhibitor": 0.5},
)  # fmt: skip


def each(doses: Sequence[Mapping[str, Any]], rates: Sequence[Mapping[str, float]]) -> Any:
    return tuple(zip(doses, rates, strict=True))


CASES = {
    "constant": Case(dish(ONE), each([{ONE: 100.0}, {ONE: 0.0}, {ONE: 3000.0}], RATES), FAST),
    "pulse": Case(
        dish(OTHER),
        each([{OTHER: pn.pulse(10.0, 4.1)}, {OTHER: pn.pulse(1.0, 30.0, 6.0)}, {}], RATES), FAST),
    "schedule": Case(
        dish(ONE), each([{ONE: CHANGES}, {ONE: [(1.0, 5.0)]}, {ONE: CHANGES[:2]}], RATES), FAST),
    "closed dish": Case(
        dish(ONE, OTHER),
        each([{ONE: pn.closed_dish(300.0, 40.0), OTHER: pn.closed_dish(level, 40.0)}
              for level in (0, 1, 20)],
             RATES), FAST),
    "opened loop": Case(
        dish(OTHER), each([{OTHER: 1.0}, {OTHER: 30.0}, {}], RATES), FAST, feedback=False),
    "two drugs": Case(
        dish(ONE, OTHER, cell_line="SJSA-1"),
        each([{ONE: CHANGES, OTHER: [(6.0, 5.0), (12.0, 0.0)]}, {OTHER: 3.0}, {ONE: 50.0}], RATES),
        FAST),
    "culture": Case(
        dish(OTHER, system="culture", cell_line="RS4;11"),
        each([{OTHER: 1.0}, {OTHER: pn.pulse(100.0, 4.0)}, {}], RATES), FAST, end=72.0),
    "plasma": Case(
        dish(ONE, system="plasma"),
        each([{ONE: pn.regimen(260, "mg", [0.0, 24.0, 30.1])}, {ONE: pn.regimen(90, "mg", [5.5])},
              {}], IN_PLASMA), {"V_central_inhibitor": 1e-302}),
    "tumour": Case(
        dish(ONE, system="tumour", host="mouse"),
        each([{ONE: pn.regimen(50, "mg/kg", [0.0, 24.1, 48.3])},
              {ONE: pn.regimen(1, "mg/kg", [9.1])},
              {ONE: pn.regimen(25, "mg/kg", "once")}], RATES), FAST, end=96.0),
    "marrow": Case(
        dish(ONE, system="marrow"),
        each([{ONE: pn.regimen(260, "mg", "3/14", cycles=1)}, {ONE: pn.regimen(90, "mg", [7.7])},
              {}], RATES), FAST, end=168.0),
    "file": Case(
        lambda folder: read(TRANSPORT, folder), each([{}] * 3, [{}, {"k1": 1.4}, {"small": 0.25}]),
        {"k2": -1e5}, end=10.0, reference=by_hand),
}  # fmt: skip


QUICK = ("constant", "schedule", "plasma", "file")
every = pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in CASES]
)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], pn.Model]:
    """Each is made once: engines have a compiled one each."""

    @cache
    def model(name: str) -> pn.Model:
        return CASES[name].load(tmp_path_factory.mktemp("model"))

    return model


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    module, _, _ = choice.ENGINES[request.param].partition(":")
    if find_spec(module) is None:
        pytest.skip(f"there is no {module} yet")
    try:
        import_module(module)
    except (ImportError, MissingPackageError) as error:
        pytest.skip(str(error))
    return str(request.param)


@dataclass(frozen=True)
class Found:
    """What runs gave on one engine alone."""

    values: FloatArray
    errors: dict[int, str]


def inputs(model: pn.Model, rows: Sequence[Row]) -> tuple[Courses, dict[str, FloatArray]]:
    courses = courses_of([checked_doses(model.definition, doses) for doses, _ in rows])
    known = model.definition.parameters
    names = dict.fromkeys(name for _, changed in rows for name in changed)
    columns = {
        name: np.array([changed.get(name, known[name].value) for _, changed in rows], dtype=float)
        for name in names
    }
    return courses, columns


def run(
    model: pn.Model, engine: str, case: Case, rows: Sequence[Row], times: FloatArray | None = None
) -> Found:
    found = model.runner(engine).attempt(
        case.times if times is None else times,
        *inputs(model, rows),
        model.definition.variables,
        feedback=case.feedback,
    )
    errors = {i: str(error) for i, error in found.errors.items()} | found.given_up
    return Found(found.values, errors)


def near(found: FloatArray, expected: FloatArray, name: str) -> None:
    scale = max(float(np.abs(expected).max()), FLOOR)
    assert float(np.abs(found - expected).max()) <= ERROR * scale, name


_references: dict[tuple[str, int], Mapping[str, FloatArray]] = {}


def reference(name: str, model: pn.Model, number: int) -> Mapping[str, FloatArray]:
    case = CASES[name]
    doses, changed = case.rows[number]
    if (name, number) not in _references:
        _references[name, number] = (
            scipy_solution(model.sbml(doses, changed, feedback=case.feedback), case.times)
            if case.reference is None
            else case.reference(case.times, changed)
        )
    return _references[name, number]


# --- runs


@every
def test_values(name: str, engine: str, models: Callable[[str], pn.Model]) -> None:
    model, case = models(name), CASES[name]
    found = run(model, engine, case, case.rows)
    assert found.errors == {}
    for number, values in enumerate(found.values):
        expected = reference(name, model, number)
        for quantity, curve in zip(model.definition.variables, values, strict=True):
            if quantity in expected or case.reference is None:
                near(curve, expected[quantity], f"row {number}: {quantity}")


@every
def test_rows_do_not_know_each_other(
    name: str, engine: str, models: Callable[[str], pn.Model]
) -> None:
    """The same bytes in another order, alone, twice, and beside a run that cannot be done."""
    model, case = models(name), CASES[name]
    expected = run(model, engine, case, case.rows).values
    for order in ([2, 0, 1], [1], [0, 2], [1, 1, 0, 2, 0, 2, 1, 0, 1, 2, 2, 0]):
        found = run(model, engine, case, [case.rows[i] for i in order])
        assert found.errors == {}
        assert found.values.tobytes() == expected[order].tobytes()
    doses, changed = case.rows[0]
    broken = (doses, {**changed, **case.broken})
    found = run(model, engine, case, [case.rows[0], broken, *case.rows[1:], broken])
    assert found.errors.keys() == {1, 4}
    assert all(found.errors.values())
    assert np.isnan(found.values[[1, 4]]).all()
    assert found.values[[0, 2, 3]].tobytes() == expected.tobytes()


@every
def test_a_run_of_no_length_is_its_start(
    name: str, engine: str, models: Callable[[str], pn.Model]
) -> None:
    model, case = models(name), CASES[name]
    usual = run(model, engine, case, case.rows).values[:, :, 0]
    for times in ([0.0], [0.0, 0.0]):
        found = run(model, engine, case, case.rows, np.array(times))
        assert found.errors == {}
        for values in np.moveaxis(found.values, 2, 0):
            np.testing.assert_allclose(values, usual, rtol=1e-9, atol=1e-12)


def test_each_row_has_times_of_its_own(engine: str, models: Callable[[str], pn.Model]) -> None:
    model, case = models("schedule"), CASES["schedule"]
    times = np.array([[0.0, 4.1, 4.1, 48.0], [0.0, 0.5, 1.0, 1.0], [0.0, 1.0, 30.7, 48.0]])
    found = run(model, engine, case, case.rows, times)
    for number, row in enumerate(case.rows):
        alone = run(model, engine, case, [row], times[number])
        assert alone.values[0].tobytes() == found.values[number].tobytes()
        sbml = model.sbml(*row)
        points = np.unique(times[number])
        expected = scipy_solution(sbml, points)
        for quantity, curve in zip(model.definition.variables, found.values[number], strict=True):
            near(curve, expected[quantity][np.searchsorted(points, times[number])], quantity)


# --- doses


@pytest.mark.parametrize(
    "steps",
    [
        ((0.0, 100.0),),
        ((0.0, 0.0), (12.0, 50.0)),  # at an output time
        ((0.0, 10.0), (3.3, 50.0), (3.31, 0.0)),  # both between two of them
        ((0.0, 10.0), (48.0, 99.0)),  # at the end
        ((0.0, 0.0), (48.0, 99.0)),
        tuple((4.0 * i + 0.1 * (i % 3), 100.0 * (i % 2)) for i in range(12)),
    ],
    ids=["start", "output", "between", "end", "only end", "many"],
)
def test_doses_by_their_closed_form(
    steps: tuple[tuple[float, float], ...], engine: str, models: Callable[[str], pn.Model]
) -> None:
    """Drug in a cell without MDM2, beside a run without drug and one that is dosed otherwise."""
    model, case = models("constant"), CASES["constant"]
    nothing = {"k_transl_MDM2": 0.0}
    courses = [steps, ((0.0, 0.0),), ((0.0, 1.0), (20.0, 7.0))]
    rows = [({ONE: pn.course(course)}, nothing) for course in courses]
    found = run(model, engine, case, rows)
    assert found.errors == {}
    names = list(model.definition.variables)
    for values, course in zip(found.values, courses, strict=True):
        expected = free_drug(case.times, course, model)
        wrong = np.abs(values[names.index("inhibitor")] - expected).max()
        assert wrong <= EXACT * max(expected.max(), FLOOR)
        medium = [dict(course)[max(t for t, _ in course if t <= hour)] for hour in case.times]
        shown = values[names.index("inhibitor_medium")]
        np.testing.assert_allclose(shown, medium, rtol=1e-14, atol=0.0)


def test_doses_in_a_body_add_up(engine: str, models: Callable[[str], pn.Model]) -> None:
    """Plasma is linear: several doses are the sum of each of them. At the end one shows too."""
    model, case = models("plasma"), CASES["plasma"]
    hours = (0.0, 12.0, 13.37, 48.0)
    each = [({ONE: pn.regimen(100, "mg", [hour])}, {}) for hour in hours]
    together = ({ONE: pn.regimen(100, "mg", list(hours))}, {})
    found = run(model, engine, case, [together, *each])
    assert found.errors == {}
    whole, *parts = found.values
    for name, curve, sums in zip(model.definition.variables, whole, sum(parts), strict=True):
        assert np.abs(curve - sums).max() <= EXACT * np.abs(sums).max(), name
    gut = whole[model.definition.variables.index("inhibitor_gut")]
    assert gut[-1] > 0.9 * gut[0]


# --- rest


"""A cell that does not come to rest."""


def at_levels(model: pn.Model, rates: Sequence[Mapping[str, float]] = RATES) -> list[Row]:
    """Constant drug, for as long as a cell needs to come to rest."""
    levels = 0.0, 10.0, 300.0
    return [
        (dict.fromkeys(model.definition.drugs, level), changed)
        for level, changed in zip(levels, rates, strict=True)
    ]


def resting(model: pn.Model, engine: str, rows: Sequence[Row], feedback: bool = True) -> AtRest:
    """As `Model.steady_state` asks for it, but of this engine alone."""
    runner = model.runner(engine)
    begun = runner.begin(*inputs(model, rows), feedback=feedback)
    assert begun.errors == {}
    cells = Cells(begun.parameters, begun.starts, quantities(model))
    return runner.engine.rest(cells, near=False)


def quantities(model: pn.Model) -> tuple[str, ...]:
    """All that come to rest."""
    names = model.definition.variables
    return tuple(name for name in names if name not in model.definition.counters)


def after_long(system: System, amounts: FloatArray) -> dict[str, float]:
    """Where SciPy comes from these amounts. On the way it may be less exact, as errors of that
    die out too."""
    for begin, end, relative in ((0.0, 0.8 * LONG, 1e-5), (0.8 * LONG, LONG, 1e-10)):
        found = solve_ivp(
            lambda t, y: system.rates(t, y.tolist(), system.held),
            (begin, end), amounts, "LSODA", [end], rtol=relative, atol=1e-14,
        )  # fmt: skip
        assert found.success
        amounts = found.y[:, 0]
    shown = system.show(LONG, amounts.tolist(), system.held)
    return dict(zip(system.outputs, shown, strict=True))


_rests: dict[tuple[str, int], dict[str, float]] = {}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["constant", "opened loop", "two drugs"])
def test_rest_under_drug(name: str, engine: str, models: Callable[[str], pn.Model]) -> None:
    model, feedback = models(name), CASES[name].feedback
    rows = at_levels(model)
    found = resting(model, engine, rows, feedback)
    assert found.errors == {}
    assert found.values.shape == (3, len(quantities(model)))
    for number, row in enumerate(rows):
        if (name, number) not in _rests:
            system = System(model.sbml(*row, feedback=feedback))
            _rests[name, number] = after_long(system, np.array(system.amounts))
        expected = _rests[name, number]
        for quantity, value in zip(quantities(model), found.values[number], strict=True):
            near(np.array(value), np.array(expected[quantity]), f"row {number}: {quantity}")
        for state, value in zip(model.runner(engine).engine.states, found.states[number],
                                strict=True):  # fmt: skip
            if state not in model.definition.counters:
                near(np.array(value), np.array(expected[state]), f"row {number}: {state}")


def test_cells_at_rest_do_not_know_each_other(
    engine: str, models: Callable[[str], pn.Model]
) -> None:
    """The same bytes in another order, alone, and beside one that does not come to rest."""
    model = models("constant")
    rows = at_levels(model)
    expected = resting(model, engine, rows)
    for order in ([2, 0, 1], [1], [1, 1, 0, 2, 0, 2, 1, 0, 1]):
        found = resting(model, engine, [rows[i] for i in order])
        assert found.states.tobytes() == expected.states[order].tobytes()
        assert found.values.tobytes() == expected.values[order].tobytes()


@pytest.mark.parametrize("name", ["constant", "pulse"])
@pytest.mark.slow
def test_doses_that_are_looked_for(
    name: str, engine: str, models: Callable[[str], pn.Model]
) -> None:
    """Under each SciPy comes to rest at the level. A cell has the same bytes alone as beside
    others."""
    model = models(name)
    (drug,) = model.definition.drugs
    _, columns = inputs(model, [({}, changed) for changed in RATES])
    cells = in_cells(model.runner(engine), model, drug, columns, len(RATES))
    folds, closed = np.array([2.0, 1.5, 2.5]), np.array([True, False, True])
    found = resting_doses(cells, folds, closed)
    assert found.errors == {}
    for number, changed in enumerate(RATES):
        loop = bool(closed[number])
        begun = System(model.sbml({}, changed, feedback=loop))  # at rest, as other tests look at
        shown = dict(zip(begun.outputs, begun.show(0.0, begun.amounts, begun.held), strict=True))
        treated = System(model.sbml({drug: float(found.values[number])}, changed, feedback=loop))
        active = after_long(treated, np.array(treated.amounts))["p53_active"]
        assert active / shown["p53_active"] == pytest.approx(folds[number], rel=ERROR)
        alone = np.array([number])
        again = resting_doses(cells.of(alone), folds[alone], closed[alone])
        assert again.values.tobytes() == found.values[alone].tobytes()


def untreated(model: pn.Model, engine: str, rates: Sequence[Mapping[str, float]]) -> AtRest:
    """Near the usual cell, as all runs begin, by this engine alone."""
    runner = model.runner(engine)
    _, columns = inputs(model, [({}, changed) for changed in rates])
    seeds = np.array([
        [seed(model, state, changed) for state in runner.engine.states] for changed in rates
    ])  # fmt: skip
    before = np.array([[seed(model, state, {}) for state in runner.engine.states]])
    usual = runner.engine.rest(Cells({}, before), near=False)
    assert usual.errors == {}
    near_by = usual.states + (seeds - before)
    return runner.engine.rest(Cells(columns, near_by, quantities(model)), near=True)


def seed(model: pn.Model, state: str, changed: Mapping[str, float]) -> float:
    """What a cell has before anything has been made: the totals that never change."""
    name = model.definition.starts.get(state)
    return 0.0 if name is None else changed.get(name, model.definition.parameters[name].value)


TOTALS: tuple[dict[str, float], ...] = (
    {},
    {"CRBN_of_line": 20.0, "k_deg_p53": 0.15},
    {"cell": 2.0},
)


def test_untreated_cells(engine: str, models: Callable[[str], pn.Model]) -> None:
    """From nothing but what is never made, SciPy comes to the same state."""
    model = models("pulse")
    found = untreated(model, engine, TOTALS)
    assert found.errors == {}
    for number, changed in enumerate(TOTALS):
        if ("untreated", number) not in _rests:
            system = System(model.sbml({}, changed))
            cell = changed.get("cell", model.definition.parameters["cell"].value)
            amounts = [cell * seed(model, state, changed) for state in system.states]
            _rests["untreated", number] = after_long(system, np.array(amounts))
        for quantity, value in zip(quantities(model), found.values[number], strict=True):
            expected = np.array(_rests["untreated", number][quantity])
            near(np.array(value), expected, f"row {number}: {quantity}")


@pytest.mark.slow
def test_a_cell_that_pulses_is_an_error_of_its_own(
    engine: str, models: Callable[[str], pn.Model]
) -> None:
    model = models("pulse")
    good = untreated(model, engine, TOTALS)
    found = untreated(model, engine, [TOTALS[0], PULSING, *TOTALS[1:]])
    assert found.errors.keys() == {1}
    assert isinstance(found.errors[1], SteadyStateError) and str(found.errors[1])
    assert found.states[[0, 2, 3]].tobytes() == good.states.tobytes()
    assert found.values[[0, 2, 3]].tobytes() == good.values.tobytes()
    with pytest.raises(pn.SteadyStateError):
        model.simulate([0.0, 1.0], parameters=PULSING, engine=engine)
