"""Marrows by stage and with a reserve; doses that trials hold; what trials count."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.interpolate import CubicSpline
from scipy.stats import binom, norm

import p53net as pn
from p53net.dosing.medium import Courses, same_courses
from p53net.dosing.regimens import regimen
from p53net.engines.base import FloatArray
from p53net.evidence import marrow, trials
from p53net.model.structures import supposing
from p53net.simulation.inputs import checked_doses
from p53net.simulation.model import Model
from p53net.studies.body import blood, holding
from p53net.studies.body.population import worsened

OPTIONS = ("staged", "pool")
COUNTS = ("platelets", "neutrophils", "haemoglobin")


def marrow_of(option: str) -> Model:
    return pn.load("milademetan", system="marrow", structure={"marrow": option})


@pytest.mark.parametrize("option", ["staged", pytest.param("pool", marks=pytest.mark.slow)])
def test_without_drug_or_without_kill_counts_stay(option: str) -> None:
    model, times = marrow_of(option), np.linspace(0.0, 1500.0, 16)
    harmless = {f"slope_{name}": 0.0 for name in ("platelets", "neutrophils", "red_cells")}
    given = {"milademetan": regimen(260, "mg", "3/14", days=56)}
    for doses, changed in (({}, {}), ({}, {"MTT_platelets": 60.0}), (given, harmless)):
        run = model.simulate(times, doses, changed, engine="roadrunner")
        for name in COUNTS:
            assert float(abs(run[name] / run[name][0] - 1.0).max()) < 1e-7, (name, changed)


@pytest.mark.parametrize("option", ["staged", pytest.param("pool", marks=pytest.mark.slow)])
def test_counts_are_those_of_equations_written_by_hand(option: str) -> None:
    """From docs/marrow.md, driven by the rise of PUMA of the model's own run."""
    model = marrow_of(option)
    times = np.arange(0.0, 24.0 * 28 + 0.1, 0.25)
    changed = {"slope_platelets": 0.05, "slope_neutrophils": 0.003}
    run = model.simulate(times, {"milademetan": regimen(260, "mg", "3/14", days=28)}, changed,
                         observables=["PUMA_rise", *COUNTS])  # fmt: skip
    p = {name: row.value for name, row in model.definition.parameters.items()} | changed
    puma = CubicSpline(times, run["PUMA_rise"].values)
    x, q = p["progenitors_hit_platelets"], p["progenitors_hit_neutrophils"]

    def slopes(t: float, y: FloatArray) -> list[float]:
        platelets, neutrophils, (tpo, reserve) = y[:5], y[5:10], y[10:]
        rise = float(puma(t))
        kill = p["slope_platelets"] * rise**2 / 100.0
        a, b, c, d, e = platelets
        k = 3.0 / p["MTT_platelets"]
        if option == "staged":
            made = a * (1.001 / (0.001 + e)) ** p["feedback_platelets"]
        else:
            r = p["renewal_platelets"]
            made = tpo ** p["feedback_platelets"] * ((1 - r) * reserve + r * a)
        first = [k * (made - a - x * kill * a), k * (a - b - kill * b), k * (b - c - kill * c),
                 k * (c - d - kill * d), (d - e) / p["life_platelets"]]  # fmt: skip
        kill = p["slope_neutrophils"] * rise**2 / 100.0
        a, b, c, d, e2 = neutrophils
        k = 3.0 / p["MTT_neutrophils"]
        made = a * (1.001 / (0.001 + e2)) ** p["feedback_neutrophils"]
        second = [k * (made - a - q * kill * a), k * (a - b - kill * b), k * (b - c - kill * c),
                  k * (c - d - kill * d), (d - e2) / p["life_neutrophils"]]  # fmt: skip
        third = [0.0, 0.0]
        if option == "pool":
            third = [p["k_thrombopoietin"] * (1.0 - tpo * e),
                     (tpo ** p["feedback_platelets"] - reserve) / p["life_reserve"]]  # fmt: skip
        return [*first, *second, *third]

    found = solve_ivp(slopes, (0.0, times[-1]), np.ones(12), "LSODA", times, rtol=1e-9, atol=1e-11,
                      max_step=4.0)  # fmt: skip
    for row, name in ((4, "platelets"), (9, "neutrophils")):
        expected = found.y[row] * p[f"{name}_baseline"]
        assert expected.min() < 0.8 * expected[0]
        np.testing.assert_allclose(run[name].values, expected, rtol=2e-5)


# --- trials


@pytest.mark.parametrize(("percent", "number"), [(23.6, 20), (7.0, 86), (60.0, 5)])
def test_a_count_is_a_binomial_whose_odds_are_spread(percent: float, number: int) -> None:
    middle = np.log(percent / (100.0 - percent))
    chances = trials.chances(percent, number, 0.7)
    assert chances.sum() == pytest.approx(1.0, abs=1e-12)
    for events in (0, 1, number // 2, number):

        def density(z: float, events: int = events) -> float:
            rate = 1.0 / (1.0 + np.exp(-middle - 0.7 * z))
            return float(binom.pmf(events, number, rate) * norm.pdf(z))

        assert chances[events] == pytest.approx(quad(density, -9, 9, epsabs=1e-13)[0], rel=1e-7)
    alone = trials.chances(percent, number, 0.0)
    np.testing.assert_allclose(alone, binom.pmf(range(number + 1), number, percent / 100.0))


def test_what_a_trial_counts_and_allows() -> None:
    found = trials.expected(30.0, 3, 20, 0.0)
    assert (found.low, found.high) == tuple(binom.ppf((0.025, 0.975), 20, 0.3))
    assert found.inside
    wide = trials.expected(30.0, 34, 86)
    assert wide.low < binom.ppf(0.025, 86, 0.3)
    assert wide.high > binom.ppf(0.975, 86, 0.3)
    assert not trials.expected(7.0, 34, 86).inside
    assert trials.expected(0.0, 0, 9)[2:] == (0, 0)
    assert trials.highest_rate(0, 18, spread=0.0) == pytest.approx(100 * (1 - 0.05 ** (1 / 18)))
    bound = trials.highest_rate(0, 18)
    assert trials.chances(bound, 18)[0] == pytest.approx(0.05)
    for wrong in ((-1.0, 0.5), (101.0, 0.5), (5.0, -0.1)):
        with pytest.raises(pn.InputError, match="rate"):
            trials.chances(wrong[0], 10, wrong[1])


def test_a_grade_counts_where_it_is_above_that_at_the_start() -> None:
    lowest = np.array([11.7, 9.9, 7.0, 13.0, 9.9])
    start = np.array([11.9, 11.9, 13.0, 13.5, 9.95])
    found = {grade: worsened(lowest, start, "anaemia", grade).tolist() for grade in (1, 2, 3)}
    assert found[1] == [False, True, True, False, False]
    assert found[2] == [False, True, True, False, False]
    assert found[3] == [False, False, True, False, False]


def test_cycles_of_a_count_by_hand() -> None:
    times = np.arange(0.0, 2 * 240.0 + 1, 24.0)  # two cycles of ten days, last dose on day 2
    first = [100, 90, 80, 70, 60, 50, 60, 70, 80, 90]
    second = [95, 40, 45, 50, 60, 60, 60, 60, 60, 60]
    counts = np.array([[*first, *second, 80]], dtype=float)
    days, regained = blood.by_cycle(times, counts, 240.0, 48.0)
    np.testing.assert_allclose(days, [[3.0, 0.0]])
    np.testing.assert_allclose(regained, [[(95 - 50) / 50, (80 - 45) / 55]])


# --- doses held and reduced


def _toy(levels: FloatArray, at: FloatArray, hours: float, weight: float) -> tuple[float, float]:
    """Counts that each dose lowers and that come back by 4e9/L and 0.03e9/L a day."""
    platelets, neutrophils, before = 200.0, 4.0, 0.0
    for time, amount in zip([*at[at < hours], hours], [*levels[at < hours], 0.0], strict=True):
        days = (time - before) / 24.0
        platelets = min(200.0, platelets + 4.0 * days)
        neutrophils = min(4.0, neutrophils + 0.03 * days)
        if not np.isnan(amount):
            platelets, neutrophils = platelets - weight * amount, neutrophils - 0.012 * amount
        before = time
    return platelets, neutrophils


def test_doses_are_held_and_reduced_as_a_loop_by_hand_does() -> None:
    at = np.arange(0.0, 24.0 * 60, 24.0)
    weights = np.array([0.01, 0.3, 0.6, 1.0])
    planned = Courses(("x",), np.tile(at, (4, 1)), np.full((4, len(at), 1), 30.0))
    planned.levels[:, 1] = np.nan  # no dose on day 2

    def look(given: Courses, hours: float) -> FloatArray:
        return np.array([_toy(given.levels[i, :, 0], at, hours, w) for i, w in enumerate(weights)])

    found = holding.held(planned, look).levels[..., 0]
    for weight, levels in zip(weights, found, strict=True):
        mine, amount, paused = np.full(len(at), np.nan), 30.0, False
        for day, hours in enumerate(at):
            if day == 1:
                continue
            platelets, neutrophils = _toy(mine, at, hours, weight)
            if not paused and (platelets < 50 or neutrophils < 1.0):
                paused, amount = True, amount * 0.75
            if paused and platelets >= 75 and neutrophils >= 1.5:
                paused = False
            if not paused:
                mine[day] = amount
        np.testing.assert_allclose(levels, mine)
    assert np.isnan(found).sum() > 20  # some are held
    assert not np.isnan(planned.levels[:, 2:]).any()  # what is planned stays


@pytest.mark.slow
def test_held_patients_are_those_run_one_by_one() -> None:
    model, dose = marrow_of("staged"), regimen(200, "mg", "daily", days=21)
    columns, planned = blood.population(model, "milademetan", dose, {}, 4)
    found = holding.held_courses(model, "milademetan", dose, columns, 4)
    one = same_courses(checked_doses(model.definition, {"milademetan": dose}))
    for i in range(4):
        own = {name: float(values[i]) for name, values in columns.items()}
        levels, share, paused = np.full_like(one.levels, np.nan), 1.0, False
        for step, hours in enumerate(one.at[0]):
            if hours > 0:
                given = replace(one, levels=levels)
                row = {name: np.array([value]) for name, value in own.items()}
                run = model.curves(np.array([0.0, hours]), given, row, ["platelets", "neutrophils"],
                                   engine="roadrunner")[0]  # fmt: skip
                platelets, neutrophils = run.values[0, :, -1]
                if not paused and (platelets < 50 or neutrophils < 1.0):
                    paused, share = True, share * 0.75
                paused = paused and not (platelets >= 75 and neutrophils >= 1.5)
            if not paused:
                levels[0, step] = one.levels[0, step] * share
        np.testing.assert_allclose(found.levels[i], levels[0])
    assert np.isnan(found.levels).any()
    assert not np.isnan(planned.levels).any()


@pytest.mark.slow
def test_holding_lowers_doses_and_toxicity_and_effect() -> None:
    arms = [regimen(120, "mg", "21/28", days=56), regimen(15, "mg", "daily", days=56)]
    usual, held = (
        pn.schedules("milademetan", arms, population=60, hold=hold, structure={"marrow": "staged"})
        for hold in (False, True)
    )
    assert "given" not in usual
    assert float(held["given"][0]) < 90.0
    assert float(held["given"][1]) > 99.0
    assert float(held["tgi"][0]) < float(usual["tgi"][0])
    assert float(held["p53_rise"][0]) < 0.95 * float(usual["p53_rise"][0])
    np.testing.assert_allclose(held["p53_rise"][1], usual["p53_rise"][1], rtol=0.02)
    np.testing.assert_allclose(held["tgi"][1], usual["tgi"][1], rtol=1e-3)
    dose, staged = arms[0], {"marrow": "staged"}
    alone = pn.patient("milademetan", dose, hold=True, structure=staged)
    assert float(alone["given"]) < 100.0
    many = pn.patient("milademetan", dose, population=60, hold=True, structure=staged)
    assert float(many["given"].mean()) == pytest.approx(float(held["given"][0]))
    np.testing.assert_allclose(many["rate"].sel(grade=3), held["rate"][0])


# --- what it must show


@pytest.mark.slow
def test_counts_fall_and_come_back_within_a_cycle() -> None:
    """Nadir 3 to 12 d after the last dose and half regained, from the second cycle on: in the
    typical patient, and in at least half of 500."""
    times = np.arange(0.0, 24.0 * 112 + 1, 6.0)
    dose = regimen(260, "mg", "3/14", days=112)
    with supposing({"marrow": "staged"}):
        model = blood.marrow("milademetan", blood.COUNTED)
        columns, courses = blood.population(model, "milademetan", dose, {})
        many = model.curves(times, courses, columns, blood.COUNTS)[0].values
        typical = model.simulate(times, {"milademetan": dose})
        for place, name in enumerate(("platelets", "neutrophils")):
            days, regained = blood.by_cycle(times, typical[name].values[np.newaxis], 336.0, 48.0)
            assert ((days[:, 1:] >= 3) & (days[:, 1:] <= 12)).all(), days
            assert (regained[:, 1:] >= 0.5).all(), regained
            days, regained = blood.by_cycle(times, many[:, place], 336.0, 48.0)
            both = (days >= 3) & (days <= 12) & (regained >= 0.5)
            assert (both[:, 1:].mean(axis=0) >= 0.5).all(), both.mean(axis=0)


@pytest.mark.slow
@pytest.mark.parametrize("option", OPTIONS)
def test_both_trials_of_one_regimen_are_inside(option: str) -> None:
    with supposing({"marrow": option}):
        rates = marrow.toxicity([{}])[0] | marrow.haematology([{}])[0]
    found = {name: trials.expected(rates[name], *counted) for name, counted in
             trials.COUNTED.items()}  # fmt: skip
    # the reserve is set by hand, under the loop of version 0.1: docs/marrow.md
    missed = {
        "staged": {"anaemia_grade34_mantra"},
        "pool": {"neutropenia_grade3plus_intermittent", "platelets_japan_any"},
    }
    assert {name for name, one in found.items() if not one.inside} == missed[option]


@pytest.mark.slow
def test_the_dose_of_kt253_that_no_event_allows() -> None:
    most = marrow.kt253_most_dose({})
    for factor, more in ((0.97, False), (1.03, True)):
        model = blood.marrow("KT-253", blood.COUNTED)
        given = regimen(most * factor, "mg/kg", "q3w", days=blood.DAYS)
        lowest = blood.lowest_counts(model, "KT-253", given, {})
        events = int(((lowest[:, 0] < 50) | (lowest[:, 1] < 1.0)).sum())
        assert (100 * events / 500 > trials.highest_rate(0, 18)) is more
    assert marrow.kt253_most_dose({}, 1) < most
