"""The batch engine beside RoadRunner and SciPy: doses, rest, failures, and lanes that are apart."""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import p53net as pn
from p53net.dosing.medium import same_courses
from p53net.engines.base import AtRest, Cells, DosingEvents, Engine, Problem, Runs
from p53net.engines.batch import Batch, engine, steady
from p53net.engines.batch.machine import processor
from p53net.errors import SimulationError, SteadyStateError, UnsupportedError
from p53net.model.rates import system_of
from p53net.simulation.runs import Runner
from tests.support import ROOT
from tests.support.closed_forms import free_drug
from tests.support.pulsing import PULSING
from tests.support.sbml_texts import AFTER, DECAY, INFUSION, TIMES, infusion, mathml, sbml, species
from tests.support.truth import (
    LIMIT,
    MODELS,
    REFERENCE,
    TIGHT,
    Set,
    batch_runs,
    by_roadrunner,
    columns_of,
    conserved,
    courses_of,
    drift_of,
    errors_of,
    ladder,
    made_of,
    model_of,
    order_of,
    random_sets,
    some_states,
    verdict,
)
from tests.support.truth import TIMES as HOURS

NAMES = list(MODELS)


# --- the truth


def test_the_committed_errors_are_of_this_engine() -> None:
    """All 5,000 sets take minutes; the next test runs some of them."""
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert f"Made of engine and models {made_of()}." in page, "run `python -m benchmarks.truth`"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.slow
def test_random_sets_and_doses(name: str) -> None:
    """As `benchmarks.truth`, whose own errors this would find too."""
    found = verdict(name, 20, 1, 7)
    assert found.good, found
    assert np.isfinite(found.errors).any(axis=1).sum() >= 18
    assert np.nanmax(found.errors) < LIMIT / 10
    assert np.isfinite(found.radau).any()


@pytest.mark.slow
def test_usual_tolerances_are_right_to_a_millionth() -> None:
    model = pn.Model(model_of("both", TIGHT).definition)
    sets = random_sets(model, 16, 9)
    states = model.runner("batch").engine.states
    runs = batch_runs(model, sets, states)
    for one, values in zip(sets, runs.values, strict=True):
        reference = by_roadrunner("both", one, states).curves
        assert reference is not None
        assert np.nanmax(errors_of(values, reference)) < LIMIT


def test_a_false_rate_would_be_found() -> None:
    """The comparison itself: one parameter, a thousandth off, is far outside of the limit."""
    model = model_of("inhibitor", TIGHT)
    (one,) = random_sets(model, 1, 7)
    states = model.runner("batch").engine.states
    false = replace(
        one, parameters={**one.parameters, "k_deg_p53": one.parameters["k_deg_p53"] * 1.001}
    )
    reference = by_roadrunner("inhibitor", one, states).curves
    assert reference is not None
    assert np.nanmax(errors_of(batch_runs(model, [one], states).values[0], reference)) < LIMIT
    assert np.nanmax(errors_of(batch_runs(model, [false], states).values[0], reference)) > LIMIT


@pytest.mark.slow
def test_errors_fall_with_the_tolerance() -> None:
    rows = ladder("inhibitor", 8, 2)
    assert rows[-1][0] == pytest.approx(1e-10)
    assert all(worst < 3.0 * tolerance for tolerance, worst, _, _ in rows)
    medians = [median for _, _, median, _ in rows]
    assert all(later < earlier / 3.0 for earlier, later in pairwise(medians))
    assert order_of(rows) > 2.9  # stiff: see Prothero and Robinson above


# --- independence


@cache
def mixed() -> tuple[list[Set], np.ndarray]:
    model = model_of("both", TIGHT)
    sets = [one for one in random_sets(model, 30, 11) if one.feedback][:20]
    return sets, run_of(model.runner("batch"), sets)


def run_of(runner: Runner, sets: Sequence[Set], *, feedback: bool = True) -> np.ndarray:
    """All sets in one call: states, and quantities that are worked out from them."""
    model = runner._model
    variables = (*runner.engine.states, "MDM2_total", "P2_activity_closed", "P2_activity")
    courses, columns = courses_of(sets, model), columns_of(sets, model)
    found = runner.run(HOURS, courses, columns, variables, feedback=feedback)
    assert not found.errors and not found.given_up
    return found.values


def test_a_set_gives_the_same_bytes_alone_and_anywhere() -> None:
    runner, (sets, expected) = model_of("both", TIGHT).runner("batch"), mixed()
    opened = run_of(runner, sets, feedback=False)  # here the untreated activity matters
    for i in (0, 7, 19):
        assert run_of(runner, [sets[i]])[0].tobytes() == expected[i].tobytes()
        assert run_of(runner, [sets[i]], feedback=False)[0].tobytes() == opened[i].tobytes()
    order = np.random.default_rng(2).permutation(len(sets))
    shuffled = run_of(runner, [sets[i] for i in order])
    for place, i in enumerate(order):
        assert shuffled[place].tobytes() == expected[i].tobytes()
    chunks = [run_of(runner, sets[a:b]) for a, b in ((0, 7), (7, 8), (8, 20))]
    assert np.concatenate(chunks).tobytes() == expected.tobytes()


def test_every_lane_gives_the_same_bytes() -> None:
    runner, (sets, expected) = model_of("both", TIGHT).runner("batch"), mixed()
    for place in range(processor().lanes):
        found = run_of(runner, [*sets[1 : place + 1], sets[0], *sets[place + 1 : 10]])
        assert found[place].tobytes() == expected[0].tobytes()


@pytest.mark.parametrize("lanes", [2, 4, 8])
@pytest.mark.slow
def test_every_width_gives_the_same_bytes(lanes: int) -> None:
    model, (sets, expected) = model_of("both", TIGHT), mixed()
    runner = pn.Model(model.definition, model.tolerances).runner("batch")
    runner.engine = Batch(model.definition, model.tolerances, replace(processor(), lanes=lanes))
    assert run_of(runner, sets[:9]).tobytes() == expected[:9].tobytes()


def test_threads_give_the_same_bytes() -> None:
    model, (sets, expected) = model_of("both", TIGHT), mixed()
    runner = pn.Model(model.definition, model.tolerances).runner("batch")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: run_of(runner, sets), range(8)))
    assert all(one.tobytes() == expected.tobytes() for one in found)


def test_a_common_parameter_may_be_given_or_not() -> None:
    """What a set gives does not depend on what others vary."""
    model = model_of("inhibitor", TIGHT)
    rows = model.definition.parameters
    plain = Set({"k_deg_p53": 0.3}, {"milademetan": pn.constant(100.0)}, False)
    exponents = {n: rows[n].value for n in rows if n.startswith("n_")}
    given = replace(plain, parameters={**plain.parameters, **exponents})
    other = replace(plain, parameters={"k_deg_p53": 0.3, "n_MDM2": 2.2, "cell": 1.0})
    alone = run_of(model.runner("batch"), [plain], feedback=False)[0].tobytes()
    assert run_of(model.runner("batch"), [given], feedback=False)[0].tobytes() == alone
    assert (
        run_of(model.runner("batch"), [other, plain, other], feedback=False)[1].tobytes() == alone
    )


def direct_run(one: Engine, starts: np.ndarray, hours: float = 24.0) -> Runs:
    """Runs without doses from given states, with the parameters of the file."""
    times, nothing = np.linspace(0.0, hours, 9), DosingEvents.none(len(starts))
    return one.integrate(Problem({}, starts, times, one.states, nothing))


def test_broken_neighbours_change_nothing() -> None:
    one = model_of("both", TIGHT).runner("batch").engine
    good = some_states(model_of("both", TIGHT), 12, 6)
    expected = direct_run(one, good)
    assert not expected.errors
    broken = good.copy()
    broken[1], broken[4, 0], broken[5], broken[9] = math.nan, math.inf, 1e300, -1e6
    found = direct_run(one, broken)
    assert {1, 4, 5} <= found.errors.keys() <= {1, 4, 5, 9}
    assert np.isnan(found.values[[1, 4, 5]]).all()
    for i in (0, 2, 3, 6, 7, 8, 10, 11):
        assert found.values[i].tobytes() == expected.values[i].tobytes()
        assert found.steps[i] == expected.steps[i]


# --- doses


@pytest.mark.parametrize(
    "steps",
    [
        ((0.0, 100.0),),
        ((0.0, 0.0), (3.3, 50.0), (3.31, 0.0)),  # between two output times
        ((0.0, 10.0), (6.0, 0.0)),  # exactly at an output time
        tuple((6.1 * i, 100.0 * (i % 2)) for i in range(11)),
    ],
)
def test_doses_stop_and_restart_exactly(steps: tuple[tuple[float, float], ...]) -> None:
    model = model_of("inhibitor", TIGHT)
    run = model.simulate(
        HOURS, {"milademetan": pn.course(steps)}, {"k_transl_MDM2": 0.0}, engine="batch"
    )
    assert run.attrs["engine"].startswith("batch, llvmlite")
    expected = free_drug(HOURS, steps, model)
    assert np.abs(run["inhibitor"].values - expected).max() < 1e-8 * expected.max()
    medium = [dict(steps)[max(t for t, _ in steps if t <= hour)] for hour in HOURS]
    np.testing.assert_allclose(run["inhibitor_medium"].values, medium, rtol=1e-14)


def test_two_drugs_at_the_same_times() -> None:
    course = {"milademetan": [(0, 0), (6, 300), (30, 0)], "KT-253": [(0, 0), (6, 5), (12, 0)]}
    found = model_of("both", TIGHT).simulate(HOURS, course, engine="batch")
    expected = model_of("both", REFERENCE).simulate(HOURS, course, engine="roadrunner")
    states = model_of("both", TIGHT).runner("batch").engine.states
    curves = [np.array([run[name].values for name in states]) for run in (found, expected)]
    assert np.nanmax(errors_of(*curves)) < 1e-7


def test_a_dose_at_the_very_end_shows_in_the_last_row() -> None:
    model = model_of("inhibitor", TIGHT)
    before = model.simulate(HOURS, {"milademetan": 10.0}, engine="batch")
    for course in ([(0, 10), (72, 99)], [(0, 10), (72, 0)]):
        run = model.simulate(HOURS, {"milademetan": course}, engine="batch")
        medium = run["inhibitor_medium"].values
        assert medium[-1] == pytest.approx(course[-1][1], abs=1e-12)
        np.testing.assert_allclose(medium[:-1], 10.0, rtol=1e-14)
        for name in ("p53", "MDM2_total", "inhibitor"):
            np.testing.assert_allclose(run[name].values, before[name].values, rtol=1e-8)


@pytest.mark.parametrize("name", ["alone", "both"])
def test_without_a_dose_nothing_moves(name: str) -> None:
    model = model_of(name, TIGHT)
    doses = dict.fromkeys(model.definition.drugs, 0.0)
    run = model.simulate(HOURS, doses, engine="batch")
    for observable in pn.OBSERVABLES:
        assert float(np.ptp(run[observable].values)) < 1e-8 * float(run[observable].max())


def test_each_run_has_its_own_output_times() -> None:
    runner = model_of("inhibitor", TIGHT).runner("batch")
    rows = np.array([np.linspace(0.0, end, 13) for end in (5.0, 24.0, 60.0)])
    courses = same_courses({"milademetan": pn.pulse(100.0, 4.0, 1.0)}, 3)
    found = runner.run(rows, courses, {}, ["p53", "MDM2_total", "P2_activity"])
    for times, curves in zip(rows, found.values, strict=True):
        one = same_courses({"milademetan": pn.pulse(100.0, 4.0, 1.0)})
        alone = runner.run(times, one, {}, ["p53", "MDM2_total", "P2_activity"])
        assert alone.values[0].tobytes() == curves.tobytes()


def test_output_times_do_not_change_the_run() -> None:
    """A row is an interpolation: the same time gives the same bytes on any grid of one end."""
    model = model_of("inhibitor", TIGHT)
    fine = np.union1d(HOURS, np.random.default_rng(3).uniform(0.0, 72.0, 501))
    few = model.simulate(HOURS, {"milademetan": 100.0}, engine="batch")
    many = model.simulate(fine, {"milademetan": 100.0}, engine="batch").sel(time=HOURS)
    for name in pn.OBSERVABLES:
        assert few[name].values.tobytes() == many[name].values.tobytes()


# --- rest


def said(errors: Mapping[int, Exception]) -> dict[int, str]:
    return {i: str(error) for i, error in errors.items()}


def rest_of(model: pn.Model, sets: Sequence[Set]) -> tuple[dict[str, np.ndarray], AtRest]:
    kinds = model.definition.parameters
    moving = {
        name: values
        for name, values in columns_of(sets, model).items()
        if kinds[name].kind not in ("input", "computed")
    }
    runner = model.runner("batch")
    resting = runner.resting
    usual, _ = resting._usual
    near = usual + (resting._seeds(moving, len(sets)) - resting._seeds({}, 1))
    return moving, runner.engine.rest(Cells(moving, near), near=True)


@pytest.mark.parametrize("name", NAMES)
def test_untreated_states_are_roadrunners(name: str) -> None:
    model, reference = model_of(name, TIGHT), model_of(name, REFERENCE).runner("roadrunner")
    moving, found = rest_of(model, random_sets(model, 40, 13))
    assert len(found.errors) <= 2, found.errors
    resting, own_states = reference.resting, model.runner("batch").engine.states
    order = [reference.engine.states.index(name) for name in own_states]
    compared = 0
    for i, state in enumerate(found.states):
        if i in found.errors:
            continue
        own = {n: values[i : i + 1] for n, values in moving.items()}
        known = resting.of(own, 1, ())
        assert not known.errors
        expected = known.states[0, order]
        assert (np.abs(state - expected) <= 1e-9 * (np.abs(expected) + 1e-3)).all()
        compared += 1
    assert compared >= 38


def test_a_pulsing_cell_has_no_rest() -> None:
    model = model_of("alone", TIGHT)
    pulsing = Set(PULSING, {}, True)
    _, found = rest_of(model, [Set({}, {}, True), pulsing, Set({"k_syn_p53": 60.0}, {}, True)])
    assert said(found.errors) == {1: "the cell moves away from its rest"}
    with pytest.raises(SteadyStateError, match="pulses"):
        model.simulate(HOURS, parameters=PULSING, engine="batch")
    runs = batch_runs(model, [pulsing, Set({}, {}, True)], ["p53"])
    assert isinstance(runs.errors[0], SteadyStateError) and len(runs.errors) == 1
    assert np.isnan(runs.values[0]).all() and np.isfinite(runs.values[1]).all()


def test_steps_to_rest_keep_totals() -> None:
    model = model_of("inhibitor", TIGHT)
    one, near = model.runner("batch").engine, some_states(model, 9, 14)
    closed = {"closed_dish": np.ones(9), "medium": np.full(9, 50.0)}
    found = one.rest(Cells(closed, near), near=True)
    assert len(found.errors) < 5  # far from rest; they too keep what there is
    volumes = np.where(np.array(one.states) == "inhibitor_medium", 50.0, 2.0)
    weights = conserved(model.definition.sbml, one.states, closed=True)
    assert len(weights) == 1
    before, after = ((states * volumes) @ weights.T for states in (near, found.states))
    np.testing.assert_allclose(after, before, rtol=1e-9)


@pytest.mark.slow
def test_steps_that_do_not_settle_are_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steady, "STEPS", 3)
    model = pn.Model(model_of("alone", TIGHT).definition)
    _, found = rest_of(model, [Set({"k_deg_p53": 0.6}, {}, True)])
    assert said(found.errors) == {0: "no rest was found"}
    runs = batch_runs(model, [Set({"k_deg_p53": 0.6}, {}, True)], ["p53"])  # RoadRunner finds it
    expected = model.steady_state(parameters={"k_deg_p53": 0.6})["p53"]
    assert runs.values[0, 0, 0] == pytest.approx(float(expected), rel=1e-9)


def test_a_state_that_never_moved_is_not_at_rest() -> None:
    """With a rate of NaN no step is taken, so nothing shows that there is a rest."""
    model = model_of("alone", TIGHT)
    one, near = model.runner("batch").engine, some_states(model, 3, 1)
    rate = one.system.parameters["k_deg_p53"]
    rates = {"k_deg_p53": np.array([rate, math.nan, rate])}
    found = one.rest(Cells(rates, np.abs(near)), near=True)
    assert said(found.errors)[1] == "no rest was found"


# --- failures


def test_too_many_steps_go_to_roadrunner(monkeypatch: pytest.MonkeyPatch) -> None:
    model = pn.Model(model_of("inhibitor", TIGHT).definition)
    model.runner("batch").ready()  # the usual cell is found before steps are few
    monkeypatch.setattr(engine, "MOST_STEPS", 20)
    found = model.simulate(HOURS, {"milademetan": 100.0}, engine="batch")
    expected = model.simulate(HOURS, {"milademetan": 100.0}, engine="roadrunner")
    assert "gave up, it takes more than" in found.attrs["engine"]
    assert "roadrunner" in found.attrs["engine"]
    for name in found.data_vars:
        np.testing.assert_array_equal(found[name].values, expected[name].values)


def test_rates_that_are_not_finite() -> None:
    one = model_of("inhibitor", TIGHT).runner("batch").engine
    starts = some_states(model_of("inhibitor", TIGHT), 3, 15)
    starts[1, 2] = math.inf
    found = direct_run(one, starts)
    assert said(found.errors) == {1: "its rates are not finite"}
    assert np.isnan(found.values[1]).all() and np.isfinite(found.values[[0, 2]]).all()
    with pytest.raises(SimulationError):  # RoadRunner is asked, and cannot do it either
        model_of("both", TIGHT).simulate(HOURS, {"KT-253": 1e300}, engine="batch")


def small(**more: Any) -> str:
    return sbml(species("S", 3), reactions=(DECAY,), **more)


ALGEBRAIC = f"<listOfRules><algebraicRule>{mathml('S + k')}</algebraicRule></listOfRules>"
BY_A_RULE = (
    "<listOfRules><assignmentRule variable='cell'>"
    f"{mathml('piecewise(2, time < 3, 4)')}</assignmentRule></listOfRules>"
)
JUMPING = (
    small()
    .replace('size="2.0" constant="true"', 'size="2.0" constant="false"')
    .replace("<listOfReactions>", f"{BY_A_RULE}<listOfReactions>")
)
UNSUPPORTED = [
    (JUMPING, "compartment cell, whose volume jumps"),
    (sbml(species("S", 3), reactions=(("late", "S", "", "k * delay(S, 1)"),)), "reaction late"),
    (small().replace("<listOfReactions>", f"{ALGEBRAIC}<listOfReactions>"), "an algebraic rule"),
    (small().replace('fast="false"', 'fast="true"'), "fast reaction decay"),
]


@pytest.mark.parametrize(("text", "named"), UNSUPPORTED)
def test_what_has_no_formula_is_named(text: str, named: str) -> None:
    assert system_of(small()).states == ("S",)
    with pytest.raises(UnsupportedError, match=named):
        system_of(text)


def test_a_model_without_formulas_goes_to_roadrunner(tmp_path: Path) -> None:
    text, named = UNSUPPORTED[0]
    path = tmp_path / "model.xml"
    path.write_text(text, encoding="utf-8")
    model = pn.read_sbml(path)
    found = model.simulate(TIMES, engine="batch")
    assert found.attrs["engine"].startswith("roadrunner")
    assert f"instead of batch, which cannot run {named}" in found.attrs["engine"]
    np.testing.assert_array_equal(found["S"].values, model.simulate(TIMES)["S"].values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (small(), 3 * np.exp(-0.25 * TIMES)),
        (INFUSION, infusion(TIMES)),
        (
            sbml(
                species("S", 1),
                reactions=(("made", "", "S", "cell * time"),),
                variables={"x": 0.0},
                events=(("one", "time >= 4", "S", "5"),),
            ),
            np.where(TIMES >= 4, 5 + 4 * AFTER + AFTER**2 / 2, 1 + TIMES**2 / 2),
        ),
        (
            sbml(
                species("S", 1), reactions=(("made", "", "S", "cell * f(k)"),),
                functions='<functionDefinition id="f"><math xmlns="http://www.w3.org/1998/Math/MathML">'
                "<lambda><bvar><ci> a </ci></bvar><apply><times/><ci> a </ci><ci> a </ci></apply>"
                "</lambda></math></functionDefinition>",
            ),
            1 + 0.25 * TIMES,
        ),
    ],
)  # fmt: skip
def test_small_models_with_known_solutions(text: str, expected: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "model.xml"
    path.write_text(text, encoding="utf-8")
    run = pn.read_sbml(path).simulate(TIMES, engine="batch")
    assert run.attrs["engine"].startswith("batch")
    np.testing.assert_allclose(run["S"].values, expected, rtol=1e-6)


def test_totals_are_kept_in_a_closed_dish() -> None:
    model = model_of("both", TIGHT)
    states = model.runner("batch").engine.states
    weights = conserved(model.definition.sbml, states, closed=True)
    totals = [{states[i] for i in np.flatnonzero(row)} for row in weights]
    for own in ("inhibitor_medium", "degrader_medium", "CRBN"):
        assert any(own in total for total in totals)
    opened = conserved(model.definition.sbml, states, closed=False)
    assert [np.count_nonzero(row) for row in opened].count(1) == 2  # the medium keeps its drug
    doses = {"milademetan": pn.closed_dish(300.0, 40.0), "KT-253": pn.closed_dish(20.0, 40.0)}
    one = Set({"medium": 40.0}, doses, True)
    curves = batch_runs(model, [one], states).values[0]
    assert drift_of(model, one, curves, states) < 1e-9
    medium = curves[states.index("degrader_medium")]
    assert medium[-1] < 0.9 * medium[0]  # some of it moved
    assert drift_of(model, one, curves * np.linspace(1.0, 1.0 + 1e-7, len(HOURS)), states) > 1e-9
