"""Regimens that are joined, infused and cut: against formulas, and against each other."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import p53net as pn
from p53net.dosing.medium import courses_of
from p53net.dosing.regimens import Regimen
from p53net.simulation.inputs import checked_doses
from p53net.studies.body import holding
from p53net.studies.body.rules import Rule

DRUG, MASS = "KT-253", 912.9  # g/mol
CL, V = 2.0, 10.0
ONE = {"CL_degrader": CL, "V_central_degrader": V, "Q_degrader": 0.0}
"""One compartment."""
GRID = np.linspace(0.0, 96.0, 193)
ENGINES = ("roadrunner", "batch", "copasi")

REGIMENS: dict[str, Regimen] = {
    "one infusion": pn.regimen(40, "mg", "once", over=3.0),
    "an infusion at a rate": pn.regimen(40, "mg", "once", rate=16.0),
    "infusions without a gap": pn.regimen(40, "mg", "daily", days=3, over=24.0),
    "infusions on top of each other": pn.regimen(40, "mg", "daily", days=3, over=30.0),
    "both at once": pn.regimen(7, "mg", "once") + pn.regimen(40, "mg", "daily", days=2, over=0.7),
    "a loading dose": pn.regimen(40, "mg", "daily", days=4, loading=90),
    "a step down": pn.regimen(40, "mg", "daily", days=2).then(
        pn.regimen(10, "mg", "daily", days=2)
    ),
    "any amounts": pn.regimen([5, 1, 30], "mg", [2.0, 3.5, 50.25]),
    "a dose left out": pn.regimen(40, "mg", "daily", days=4, skip=[1, 3], over=1.0),
    "later": pn.regimen(40, "mg", "q2d", cycles=2, over=0.1).later(5.25),
}


@pytest.fixture(scope="module")
def plasma() -> pn.Model:
    return pn.load(DRUG, system="plasma")


def formula(regimen: Regimen, times: np.ndarray) -> np.ndarray:
    """Plasma [nM] of one compartment: what each dose would give alone, added up."""
    k, total = CL / V, np.zeros(len(times))
    for time, over, amount in regimen.doses:
        nanomoles, since = amount * 1e6 / MASS, times - time
        if over == 0.0:
            total += np.where(since >= 0, nanomoles / V * np.exp(-k * np.maximum(since, 0.0)), 0.0)
            continue
        flowing = np.clip(since, 0.0, over)
        full = nanomoles / over / CL * (1.0 - np.exp(-k * flowing))
        total += full * np.exp(-k * np.maximum(since - over, 0.0))
    return total


@pytest.mark.parametrize("engine", [*ENGINES[:2], pytest.param(ENGINES[2], marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", REGIMENS)
def test_one_compartment_is_as_in_the_formula(plasma: pn.Model, name: str, engine: str) -> None:
    regimen = REGIMENS[name]
    run = plasma.simulate(GRID, {DRUG: regimen}, ONE, engine=engine)
    expected = formula(regimen, GRID)
    assert run.attrs["engine"].startswith(engine)
    np.testing.assert_allclose(run["degrader_plasma"], expected, rtol=0, atol=3e-8 * expected.max())


@pytest.mark.parametrize("engine", ["roadrunner", "batch"])
def test_a_steady_infusion_brings_plasma_to_rate_over_clearance(
    plasma: pn.Model, engine: str
) -> None:
    """Two compartments, as tabled."""
    hours, rate = 2400.0, 0.5  # mg/h
    regimen = pn.regimen(rate * hours, "mg", "once", rate=rate)
    run = plasma.simulate([0.0, hours], {DRUG: regimen}, engine=engine)
    clearance = plasma.definition.parameters["CL_degrader"].value
    expected = rate * 1e6 / MASS / clearance
    assert float(run["degrader_plasma"][-1]) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("engine", ["roadrunner", "batch"])
@pytest.mark.parametrize(
    ("drug", "regimen"),
    [
        ("KT-253", REGIMENS["both at once"]),
        ("KT-253", REGIMENS["infusions on top of each other"]),
        ("milademetan", pn.regimen(260, "mg", "daily", days=3, over=8.0, loading=300)),
        pytest.param(
            "milademetan",
            pn.regimen(260, "mg", "3/14", cycles=1) + pn.regimen(9, "mg", [1.0, 30.0]),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_is_given_is_what_gets_in(drug: str, regimen: Regimen, engine: str) -> None:
    model = pn.load(drug, system="plasma")
    role = model.definition.drugs[drug]
    volume = model.definition.parameters[f"V_central_{role}"].value
    mass = model.definition.molar_masses[drug][""]
    times = [0.0, 20.5, 96.0]
    run = model.simulate(times, {drug: regimen}, engine=engine)
    inside = sum(run[name].values for name in model.definition.species) * volume
    for hours, found in zip(times, inside, strict=True):
        got = sum(
            amount if over == 0 else amount * min(max(hours - time, 0.0), over) / over
            for time, over, amount in regimen.doses
            if time <= hours
        )
        assert found == pytest.approx(got * 1e6 / mass, rel=1e-7)
    courses = courses_of([checked_doses(model.definition, {drug: regimen})])
    total = math.fsum(dose.amount for dose in regimen.doses)
    assert courses.amounts[0] == pytest.approx(total * 1e6 / mass, rel=1e-13)


# --- joined in any order


hours = st.sampled_from([0.0, 1.0, 12.0, 23.5, 24.0, 0.1, 0.3])


@st.composite
def regimens(draw: Callable[..., float]) -> Regimen:
    amount = draw(st.sampled_from([0.1, 0.2, 0.3, 7.0, 260.0]))
    schedule = draw(st.sampled_from(["once", "daily", "q2d", "2/3"]))
    days = None if schedule == "once" else draw(st.sampled_from([3.0, 5.5]))
    over = draw(st.sampled_from([None, 0.5, 24.0, 30.0]))
    made = pn.regimen(amount, "mg", schedule, days=days, over=over, start=draw(hours))  # type: ignore[arg-type]
    number = draw(st.integers(min_value=0, max_value=len(made.times)))
    return made.skip(int(number)) if number and len(made.times) > 1 else made


@given(regimens(), regimens(), regimens())
@settings(max_examples=25)
def test_the_order_does_not_matter(a: Regimen, b: Regimen, c: Regimen) -> None:
    one, other = (a + b) + c, c + (b + a)
    assert one == other and one.label == other.label and str(one) == str(other)
    for what in ("doses", "steps", "infusions", "changes", "end"):
        assert getattr(one, what) == getattr(other, what)
    assert sorted([*a.doses, *b.doses, *c.doses]) == list(one.doses)
    given = math.fsum(dose.amount for dose in one.doses)
    flowed = [(end - begin) * rate for begin, end, rate in one.infusions]
    assert math.fsum([*(amount for _, amount in one.steps), *flowed]) == pytest.approx(given)
    course = courses_of([{"x": one}])
    if "x" in course.infusions:
        rates = course.infusions["x"].at(course.at)[0]
        assert rates[-1] == 0.0 and (rates >= 0.0).all()


@given(regimens(), regimens(), st.data())
@settings(max_examples=25)
def test_a_dose_that_is_skipped_is_one_that_is_not_there(
    a: Regimen, b: Regimen, data: st.DataObject
) -> None:
    for whole in (a, a + b):
        if len(whole.times) == 1:
            continue
        number = data.draw(st.integers(min_value=1, max_value=len(whole.times)))
        rest = list(whole.doses)
        rest.pop(number - 1)
        cut = whole.skip(number)
        assert list(cut.doses) == rest
        assert cut.later(3.0).doses == tuple(d._replace(time=d.time + 3.0) for d in rest)
        assert cut.scaled(2.0).doses == tuple(d._replace(amount=d.amount * 2.0) for d in rest)


@pytest.mark.parametrize("engine", ["roadrunner", "batch"])
def test_equal_doses_in_other_words_give_the_same_bits(plasma: pn.Model, engine: str) -> None:
    same = [
        pn.regimen(20, "mg", "daily", days=4, over=2.0, skip=[3]),
        pn.regimen(20, "mg", [0, 24, 72], over=2.0),
        pn.regimen(20, "mg", "once", over=2.0, start=72)
        + pn.regimen(20, "mg", "daily", days=2, rate=10.0),
    ]
    runs = [plasma.simulate(GRID, {DRUG: one}, ONE, engine=engine) for one in same]
    for run in runs[1:]:
        np.testing.assert_array_equal(run["degrader_plasma"], runs[0]["degrader_plasma"])


def test_runs_beside_each_other_keep_to_themselves(plasma: pn.Model) -> None:
    doses = [None, *({DRUG: regimen} for regimen in REGIMENS.values())]
    together = plasma.arms(GRID, doses, ONE, engine="batch").curves["degrader_plasma"]
    assert not together[0].any()
    for row, dose in zip(together, doses, strict=True):
        alone = plasma.simulate(GRID, dose, ONE, engine="batch")["degrader_plasma"].values
        np.testing.assert_array_equal(row, alone)


# --- the sequence, and what is said of it


def test_a_sequence_begins_when_the_first_is_over() -> None:
    week = pn.regimen(260, "mg", "3/7", cycles=2)
    down = week.then(pn.regimen(130, "mg", "daily", days=2))
    assert [dose.time for dose in down.doses[-2:]] == [336.0, 360.0]
    assert down.label == "260 mg 3/7 + 130 mg daily from 14 d"
    assert down.end == 384.0
    later = pn.regimen(520, "mg", "once").then(pn.regimen(260, "mg", "daily", days=2), gap=24)
    assert [(d.time, d.amount) for d in later.doses] == [(0, 520), (24, 260), (48, 260)]
    infused = pn.regimen(9, "mg", "once", over=5.0).then(pn.regimen(2, "mg", "once", over=1.0))
    assert infused.changes == (0.0, 5.0, 6.0)


def test_labels_tell_what_is_given() -> None:
    labels = {one.label for one in REGIMENS.values()}
    assert len(labels) == len(REGIMENS)
    assert REGIMENS["a loading dose"].label == "90, then 40 mg daily"
    assert REGIMENS["an infusion at a rate"].label == "40 mg once over 2.5 h"
    assert "over 0.7" in str(REGIMENS["both at once"])


# --- studies, sweeps, records and files


@pytest.mark.slow
def test_an_axis_and_a_slope_scale_all_doses(plasma: pn.Model) -> None:
    regimen = REGIMENS["both at once"]
    options = {"doses": {DRUG: regimen}, "times": GRID, "parameters": ONE}
    swept = pn.sweep(plasma, {DRUG: [20.0, 40.0]}, measures=["peak:degrader_plasma"],
                     gradient=[DRUG], **options)  # fmt: skip
    peaks = [formula(regimen.scaled(factor), GRID).max() for factor in (0.5, 1.0)]
    np.testing.assert_allclose(swept["peak_degrader_plasma"], peaks, rtol=1e-5)
    found = plasma.gradient(["peak:degrader_plasma"], [DRUG], times=GRID, doses={DRUG: regimen},
                            at=ONE)  # fmt: skip
    np.testing.assert_allclose(found["slope"].values.ravel(), peaks[1] / 40.0, rtol=1e-5)


def test_a_record_holds_what_was_given() -> None:
    regimen = REGIMENS["both at once"]
    made = pn.pk(DRUG, regimen, parameters=ONE)
    assert pn.rerun(made).equals(made)
    assert float(made["clearance"][0, 0]) > 0.0
    loaded = pn.pk(DRUG, REGIMENS["a loading dose"], parameters=ONE)
    assert pn.rerun(loaded).equals(loaded)


def test_exposure_is_read_at_the_corner_where_an_infusion_ends() -> None:
    regimen = pn.regimen(40, "mg", "q3w", cycles=1, over=2.0)
    made = pn.pk(DRUG, [regimen, regimen.scaled(2.0)], parameters=ONE)
    peak = formula(regimen, np.array([2.0]))[0] * MASS * 1e-3
    assert made["tmax"].values.tolist() == [[2.0], [2.0]]
    np.testing.assert_allclose(made["cmax"].values[:, 0], [peak, 2 * peak], rtol=1e-7)
    np.testing.assert_allclose(made["half_life"], math.log(2) * V / CL, rtol=1e-5)
    np.testing.assert_allclose(made["slope"], 1.0, rtol=1e-6)


@pytest.mark.parametrize(
    "name",
    [
        "both at once",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("infusions on top of each other", "later")
        ),
    ],
)
@pytest.mark.parametrize(
    "engine", [ENGINES[0], *(pytest.param(e, marks=pytest.mark.slow) for e in ENGINES[1:])]
)
def test_a_file_carries_infusions(plasma: pn.Model, name: str, engine: str) -> None:
    """As another tool runs it: the file alone, with the events in it."""
    file = pn.read_sbml(plasma.sbml({DRUG: REGIMENS[name]}, ONE))
    times = np.linspace(0.25, 95.25, 20)  # beside the events
    run = file.simulate([0.0, *times], engine=engine)["degrader_plasma"].values[1:]
    expected = formula(REGIMENS[name], times)
    np.testing.assert_allclose(run, expected, rtol=0, atol=1e-7 * expected.max())


def test_a_file_without_infusions_has_nothing_of_them(plasma: pn.Model) -> None:
    assert "infusion" not in plasma.sbml({DRUG: REGIMENS["a loading dose"]})


@pytest.mark.slow
def test_engines_agree_where_a_tumour_takes_an_infusion() -> None:
    for system, name in (("tumour", "p53_active"), ("marrow", "platelets")):
        model = pn.load(DRUG, system=system, host="human")
        regimen = pn.regimen(10, "mg", "q3w", cycles=1, over=4.0) + pn.regimen(3, "mg", [30.0])
        times = np.linspace(0.0, 21 * 24.0, 43)
        one, other = (model.simulate(times, {DRUG: regimen}, engine=e)[name] for e in ENGINES[:2])
        np.testing.assert_allclose(one, other, rtol=1e-6)


# --- infusions that are held


def test_an_infusion_is_held_and_reduced_as_a_dose_at_once_is() -> None:
    weights = np.array([0.2, 0.5, 1.0])

    def look_at(kind: str) -> tuple[np.ndarray, np.ndarray]:
        over = 0.5 if kind == "infused" else None
        regimen = pn.regimen(10, "mg", "daily", days=30, over=over)
        courses = courses_of([{DRUG: regimen}] * 3)

        def look(given: holding.Courses, hours: float) -> np.ndarray:
            """Counts that fall with what was given on the last days."""
            total = np.zeros(3)
            if kind == "infused":
                infusions = given.infusions[DRUG]
                recent = np.exp(-(hours - infusions.begins) / 72.0) * (infusions.begins < hours)
                total = (infusions.rates * 0.5 * recent).sum(axis=1)
            else:
                recent = np.exp(-(hours - given.at) / 72.0) * (given.at < hours)
                total = (np.nan_to_num(given.levels[..., 0]) * recent).sum(axis=1)
            return np.column_stack([200.0 * np.exp(-weights * total / 10.0), 15.0 - weights])

        rules = [Rule("platelets", 50.0, 75.0, 0.5), Rule("haemoglobin", 8.0, 10.0)]
        held = holding.held(courses, look, rules)
        if kind == "infused":
            return held.infusions[DRUG].rates * 0.5, held.amounts
        return np.nan_to_num(held.levels[..., 0]), held.amounts

    (rates, flowed), (levels, given) = look_at("infused"), look_at("at once")
    np.testing.assert_allclose(rates, levels)
    np.testing.assert_allclose(flowed, given)
    assert (levels == 0.0).any() and given[0] == 300.0 and given[2] < 200.0
