"""Slopes of curves and measures: right to a hundred-thousandth, whatever else is run with them."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import p53net as pn
from p53net.dosing.medium import Courses, courses_of, same_courses
from p53net.engines.base import FloatArray, Tolerances
from p53net.engines.batch import Batch
from p53net.engines.batch.machine import processor
from p53net.simulation import gradients
from p53net.simulation.inputs import checked_doses
from tests.support.files import read
from tests.support.pulsing import PULSING
from tests.support.sixteen import KT_253, MILADEMETAN, SIXTEEN, Run

LIMIT = 1e-5
"""Error of a slope, over the largest of its curve or measure."""

NOMINAL = 1e-8
"""Relative tolerance at which it holds; the default is tighter."""

FLOOR = 1e-9  # nM, of a curve; and of its slopes, as a share of its peak, 1e-6
QUICK = ("plasma",)
NAMES = ("k_syn_p53", "k_deg_p53", "K_MDM2", "n_MDM2", "k_transl_MDM2", "k_perm_inhibitor")


# --- against central differences of runs apart


def moved_of(model: pn.Model, run: Run) -> list[str]:
    rows = model.definition.parameters
    free = [n for n, r in rows.items() if r.kind not in ("input", "computed") and r.value != 0.0]
    return [*dict.fromkeys([*free, *run.doses, *run.parameters])]


def curves_of(
    model: pn.Model, run: Run, moved: Sequence[str], share: float, engine: str = "batch"
) -> FloatArray:
    """Runs with each parameter or dose moved by a share: run, quantity, time."""
    known = {n: row.value for n, row in model.definition.parameters.items()} | dict(run.parameters)
    names = [name for name in moved if name in known]
    columns = {n: np.full(len(moved), known[n]) for n in (*names, *run.parameters)}
    courses = same_courses(checked_doses(model.definition, run.doses), len(moved))
    for i, name in enumerate(moved):
        if name in known:
            columns[name][i] *= 1.0 + share
        else:
            courses.levels[i, :, courses.drugs.index(name)] *= 1.0 + share
    found = model.runner(engine).attempt(
        run.times, courses, columns, model.definition.variables, feedback=run.feedback
    )
    assert not found.errors and not found.given_up
    return found.values


def logarithmic(
    model: pn.Model, run: Run, moved: Sequence[str], engine: str = "batch", share: float = 2e-4
) -> FloatArray:
    """d curve / d ln parameter, by central differences of two sizes, the error of which is known:
    parameter, quantity, time."""
    two = [
        (curves_of(model, run, moved, by, engine) - curves_of(model, run, moved, -by, engine))
        / (2.0 * by)
        for by in (2.0 * share, share)
    ]
    return np.asarray((4.0 * two[1] - two[0]) / 3.0)


def slopes_of(model: pn.Model, run: Run, moved: Sequence[str]) -> gradients.Slopes:
    return gradients.slopes(
        model.runner("batch"),
        run.times,
        same_courses(checked_doses(model.definition, run.doses)),
        {name: np.array([value]) for name, value in run.parameters.items()},
        model.definition.variables,
        moved,
        feedback=run.feedback,
    )


def error_of(found: FloatArray, reference: FloatArray, curves: FloatArray) -> float:
    """The largest of all quantities, each over its largest slope."""
    peak = np.maximum(np.abs(curves).max(axis=-1), FLOOR)[None, :, None]
    largest = np.abs(reference / peak).max(axis=(0, 2))
    moving = largest > 1e-6
    assert moving.any()
    errors = np.abs(found - reference) / peak
    return float((errors.max(axis=(0, 2))[moving] / largest[moving]).max())


@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in SIXTEEN]
)
def test_every_curve_of_every_system_with_every_parameter(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("p53net.engines.batch.engine.MOST_STEPS", 10_000_000)
    run = SIXTEEN[name]
    run = replace(run, times=run.times[run.times <= max(96.0, run.times[-1] / 2.0)])
    definition = run.load(tmp_path).definition
    absolute = run.load(tmp_path).tolerances.absolute
    moved = moved_of(pn.Model(definition), run)
    tight = pn.Model(definition, Tolerances(1e-14, absolute * 1e-5))  # batch: 1e-12 of each state
    reference = logarithmic(tight, run, moved)
    curves = curves_of(tight, run, ["cell" if "cell" in moved else moved[0]], 0.0)[0]
    found = slopes_of(pn.Model(definition, Tolerances(NOMINAL, absolute * 10.0)), run, moved)
    assert not found.errors
    assert error_of(found.slopes[0], reference, curves) < LIMIT


@pytest.mark.parametrize("name", [pytest.param("escape", marks=pytest.mark.slow), "plasma"])
def test_another_engine_finds_the_same(name: str, tmp_path: Path) -> None:
    run = SIXTEEN[name]
    model = pn.Model(run.load(tmp_path).definition, Tolerances(1e-12, 1e-19))
    moved = [n for n in moved_of(model, run) if n in (*NAMES, *run.doses) or "_inhibitor" in n]
    reference = logarithmic(model, run, moved, "roadrunner", 1e-3)
    found = slopes_of(run.load(tmp_path), run, moved)
    assert error_of(found.slopes[0], reference, found.values[0]) < LIMIT


def test_a_false_slope_would_be_found(tmp_path: Path) -> None:
    run = SIXTEEN["plasma"]
    model = run.load(tmp_path)
    moved = moved_of(model, run)
    found = slopes_of(model, run, moved)
    false = found.slopes[0] * (1.0 + 3.0 * LIMIT)
    assert error_of(false, found.slopes[0], found.values[0]) > LIMIT


# --- closed forms


def test_exponential_decay(tmp_path: Path) -> None:
    """dA/dk = -t A, and the start value is a parameter too."""
    model = read("species A; A = 5*s; J: A => ; k*A; k = 0.3; s = 1", tmp_path)
    times = np.linspace(0.0, 10.0, 21)
    found = model.gradient([], ["k", "s"], times=times, observables=["A"])
    exact = 5.0 * np.exp(-0.3 * times)
    slopes = found["curve_slope"].sel(observable="A")
    assert np.abs(slopes.sel(parameter="k").values + times * exact).max() < 1e-5 * 5.0
    assert np.abs(slopes.sel(parameter="s").values - exact).max() < 1e-5 * 5.0


def test_plasma_is_linear_in_the_dose() -> None:
    model = pn.load(MILADEMETAN, system="plasma")
    doses = {MILADEMETAN: pn.regimen(260, "mg", "once")}
    times = np.concatenate([np.linspace(0.0, 20.0, 2001), np.linspace(20.1, 400.0, 3800)])
    found = model.gradient(
        ["peak:inhibitor_plasma", "auc:inhibitor_plasma"], [MILADEMETAN, "CL_inhibitor"],
        doses=doses, times=times,
    )  # fmt: skip
    per_dose = found["slope"].sel(parameter=MILADEMETAN)
    assert per_dose.values == pytest.approx(found["value"].values / 260.0, rel=1e-6)
    assert found["slope_unit"].sel(parameter=MILADEMETAN).values.tolist() == ["nM/mg", "nM h/mg"]
    # The whole area is dose over clearance, so its slope with clearance is - area / clearance.
    whole = found.sel(measure="auc_inhibitor_plasma", parameter="CL_inhibitor")
    clearance = model.definition.parameters["CL_inhibitor"].value
    assert float(whole["at"]) == clearance
    assert float(whole["slope"]) == pytest.approx(-float(whole["value"]) / clearance, rel=1e-5)


def test_an_untreated_state_follows_its_parameters() -> None:
    """MDM2 is made in proportion to its translation and its gene dose: their slopes are equal."""
    found = pn.load().gradient(
        ["at:MDM2_total:0", "at:p53_total:24"], ["k_transl_MDM2", "MDM2_gene_dose"],
        times=[0.0, 24.0], scaled=True,
    )  # fmt: skip
    assert found["slope"].values[:, 0] == pytest.approx(found["slope"].values[:, 1], rel=1e-6)
    assert (np.abs(found["slope"]) > 0.1).all()
    # nothing happens to the cell, so what it has at 24 h it had at 0 h
    again = pn.load().gradient(
        ["at:p53_total:0"], ["k_transl_MDM2"], times=[0.0, 24.0], scaled=True
    )
    assert float(again["slope"][0, 0]) == pytest.approx(float(found["slope"][1, 0]), rel=1e-6)


# --- measures

TIMES = np.linspace(0.0, 16.0, 65)
POINT: dict[str, Any] = {"times": TIMES, "doses": {MILADEMETAN: pn.pulse(100.0, 4.0)}}
MEASURES = (
    "peak:p53_active", "lowest:p53_active", "auc:p21", "at:MDM2_total:12", "swing:p53_active",
    "escape_index", "rebound", "free_MDM2_rise", "persistence", "washout_half_time",
)  # fmt: skip
HELD: dict[str, Any] = {"times": TIMES, "doses": {MILADEMETAN: 100.0}}
AT_THE_END = ("fold:p21", "log_undrugged", "log_abundance", "log_occupancy")


def values_of(
    model: pn.Model, measures: Sequence[Any], point: Mapping[str, Any], **changed: float
) -> FloatArray:
    """By a sweep of one point."""
    axes = {"residual": [0.0]}
    found = pn.sweep(model, axes, measures=measures, parameters=changed, engine="batch", **point)
    beside = ("status", "reason", "reruns")
    names = [str(n) for n in found.data_vars if n not in beside and not str(n).endswith("_error")]
    return np.array([found[name].values[0] for name in names])


@pytest.mark.parametrize(("measures", "point"), [(MEASURES, POINT), (AT_THE_END, HELD)])
@pytest.mark.slow
def test_slopes_of_measures_are_those_of_their_values(
    measures: Sequence[str], point: Mapping[str, Any]
) -> None:
    model = pn.load(MILADEMETAN)
    tight = pn.Model(model.definition, Tolerances(1e-14, 1e-21))
    found = model.gradient(measures, NAMES, **point)
    assert (found["status"] == "ok").all()
    expected = np.empty((len(measures), len(NAMES)))
    for column, name in enumerate(NAMES):
        value = model.definition.parameters[name].value
        two = [
            values_of(tight, measures, point, **{name: value * (1.0 + by)})
            - values_of(tight, measures, point, **{name: value * (1.0 - by)})
            for by in (4e-4, 2e-4)
        ]
        expected[:, column] = (8.0 * two[1] - two[0]) / 3.0 / 8e-4
    per_log = found["slope"].values * found["at"].values
    largest = np.abs(expected).max(axis=1, keepdims=True)
    assert (np.abs(per_log - expected) / largest).max() < LIMIT


def test_a_measure_that_looks_for_a_dose_has_slopes() -> None:
    """The law of `docs/measures.md`: a dose ratio at rest has neither the drug's affinity in it
    nor p21; what it has of the loop is compared with other differences."""
    model = pn.load(MILADEMETAN)
    names = ["K_MDM2", "Ki_inhibitor", "k_deg_p21", MILADEMETAN]
    found = model.gradient(["dose_ratio:3"], names, doses={MILADEMETAN: 100.0}, scaled=True)
    assert (found["status"] == "ok").all()
    assert np.abs(found["slope"].values[0, 1:]).max() < 1e-6
    usual = model.definition.parameters["K_MDM2"].value
    ratios = pn.sweep(
        model, {"K_MDM2": [0.996 * usual, 1.004 * usual]}, measures=["dose_ratio:3"], workers=0
    )["dose_ratio_3"].values  # fmt: skip
    expected = np.log(ratios[1] / ratios[0]) / np.log(1.004 / 0.996)
    assert float(found["slope"][0, 0]) == pytest.approx(expected, rel=1e-4)


def test_values_are_those_of_a_sweep() -> None:
    model = pn.load(MILADEMETAN)
    found = model.gradient(MEASURES, ["k_deg_p53"], **POINT)
    assert found["value"].values == pytest.approx(values_of(model, MEASURES, POINT), rel=1e-6)


def late(times: np.ndarray, active: np.ndarray) -> float:
    """When a curve is highest: it jumps from one time to the next."""
    return float(times[active.argmax()])


def test_a_kink_is_said() -> None:
    model = pn.load(MILADEMETAN)
    point: dict[str, Any] = {"times": [0.0, 12.0, 24.0], "doses": {MILADEMETAN: 100.0}}
    moved = ["k_syn_p53", "k_deg_p53"]
    base = float(model.gradient(["at:p53_active:24"], moved, **point)["value"][0])

    def above(_: np.ndarray, active: np.ndarray) -> float:
        return max(0.0, float(active[-1]) - base)

    def beyond(_: np.ndarray, active: np.ndarray) -> float:
        if active[-1] > base * (1.0 + 1e-9):
            raise pn.MeasureError("too high")
        return float(active[-1])

    measures = [
        pn.measures.own("above", above, ["p53_active"], "nM"),
        pn.measures.own("beyond", beyond, ["p53_active"], "nM"),
        pn.measures.own("late", late, ["p53_active"], "h"),
        pn.measures.own("broken", lambda _t, y: 1.0 / (float(y[0]) * 0.0), ["p53_active"]),
        pn.measures.own("none", lambda _t, _y: float("nan"), ["p53_active"]),
    ]
    found = model.gradient([*measures, "at:p53_active:24"], moved, **point)
    smooth = found["slope"].sel(measure="p53_active_at_24").values
    assert smooth[0] > 0.0 > smooth[1]
    kink = found.sel(measure="above")
    assert kink["status"].values.tolist() == ["one-sided"] * 2
    assert kink["slope"].values == pytest.approx([smooth[0], 0.0], rel=1e-4)
    edge = found.sel(measure="beyond")
    assert edge["status"].values.tolist() == ["one-sided"] * 2
    assert edge["slope"].values == pytest.approx(smooth, rel=1e-4)
    assert found.sel(measure="late")["status"].values.tolist() == ["flat"] * 2
    assert (found.sel(measure="late")["slope"] == 0.0).all()
    assert "ZeroDivisionError" in str(found.sel(measure="broken")["reason"].values[0])
    none = found.sel(measure="none")
    assert none["status"].values.tolist() == ["measure undefined"] * 2
    assert np.isnan(none["slope"]).all() and "nan" in str(none["reason"].values[0])


def test_a_peak_that_changes_place_has_two_slopes(tmp_path: Path) -> None:
    """sin t + b t has two peaks: with b above 0 the later is the higher, and it moves the more."""
    model = read("A = 0; w = 1; B = 0; b = 0; A' = w; w' = -A; B' = b; y := A + B", tmp_path)
    times = np.array([0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) * np.pi / 2.0
    options: dict[str, Any] = {"times": times}
    kink = model.gradient(["peak:y"], ["b"], observables=["y"], **options)
    assert kink["status"].values.tolist() == [["one-sided"]]
    # At a tie the error of the curves counts, over the 1e-5 by which they are moved.
    first, second = kink["curve"].values[0, [2, 6]]
    assert abs(first - second) < 1e-8
    expected = 2.5 * np.pi - max(first - second, 0.0) / 1e-5
    assert float(kink["slope"][0, 0]) == pytest.approx(expected, rel=1e-6)
    beside = model.gradient(["peak:y"], ["b"], at={"b": -0.01}, **options)
    assert beside["status"].values.tolist() == [["ok"]]
    assert float(beside["slope"][0, 0]) == pytest.approx(0.5 * np.pi, rel=1e-6)


def test_no_rebound_is_flat() -> None:
    found = pn.load(MILADEMETAN).gradient(
        ["rebound"], ["k_syn_p53"], times=np.linspace(0.0, 4.5, 10),
        doses={MILADEMETAN: pn.pulse(100.0, 4.0)},
    )  # fmt: skip
    assert float(found["value"][0]) == float(found["slope"][0, 0]) == 0.0
    assert found["status"].values.tolist() == [["flat"]]


def test_a_measure_without_washout_has_no_slope() -> None:
    found = pn.load(MILADEMETAN).gradient(["rebound"], ["k_syn_p53"], doses={MILADEMETAN: 100.0})
    assert found["status"].values.tolist() == [["measure undefined"]]
    assert "no washout" in str(found["reason"].values[0, 0])


def test_scaled_slopes_are_control_coefficients() -> None:
    model = pn.load(MILADEMETAN)
    options = {**POINT, "observables": ["p21"]}
    plain = model.gradient(MEASURES, NAMES, **options)
    scaled = model.gradient(MEASURES, NAMES, scaled=True, **options)
    expected = plain["slope"].values * plain["at"].values / plain["value"].values[:, None]
    assert scaled["slope"].values == pytest.approx(expected, rel=1e-12)
    assert set(scaled["slope_unit"].values.ravel()) == {"1"}
    curves = plain["curve_slope"] * plain["at"] / plain["curve"]
    assert np.allclose(scaled["curve_slope"], curves.transpose(*scaled["curve_slope"].dims))


def test_units() -> None:
    found = pn.load(MILADEMETAN).gradient(
        ["auc:p53_active", "fold:p21"], ["k_deg_p53", "K_MDM2", "n_MDM2", MILADEMETAN],
        observables=["p21"], **POINT,
    )  # fmt: skip
    assert found["slope_unit"].values.tolist() == [
        ["nM h h", "nM h/nM", "nM h", "nM h/nM"], ["h", "1/nM", "1", "1/nM"],
    ]  # fmt: skip
    assert found["curve_slope_unit"].values.tolist() == [["nM h", "1", "nM", "1"]]
    assert found["parameter_unit"].values.tolist() == ["1/h", "nM", "1", "nM"]
    assert found["at"].sel(parameter=MILADEMETAN) == 100.0


# --- neighbours


def some(model: pn.Model, rows: Sequence[int], moved: Sequence[str]) -> gradients.Slopes:
    """Of some of five points, one of which cannot be run."""
    synthesis = np.array([52.0, 1e300, 26.0, 104.0, 13.0])[list(rows)]
    doses = [{MILADEMETAN: pn.pulse(level, 5.0)} for level in (100.0, 10.0, 1.0, 300.0, 30.0)]
    courses: Courses = courses_of([checked_doses(model.definition, doses[i]) for i in rows])
    return gradients.slopes(
        model.runner("batch"), np.linspace(0.0, 24.0, 25), courses, {"k_syn_p53": synthesis},
        ("p53_active", "MDM2_total"), moved,
    )  # fmt: skip


@pytest.mark.parametrize("count", [3, 7, 8])
def test_slopes_do_not_depend_on_other_points(count: int) -> None:
    """Nor on one that fails, whose vectors end before those of others."""
    model, moved = pn.load(MILADEMETAN), (*NAMES, MILADEMETAN, "k_ub_p53")[:count]
    all_of_them = some(model, range(5), moved)
    assert set(all_of_them.errors) == {1} and np.isnan(all_of_them.slopes[1]).all()
    for rows in ([0], [2, 0], [4, 1, 3]):
        part = some(model, rows, moved)
        assert part.slopes.tobytes() == all_of_them.slopes[rows].tobytes()
        assert part.values.tobytes() == all_of_them.values[rows].tobytes()


def test_repeated_calls_give_the_same_bytes() -> None:
    one, other = (pn.load(MILADEMETAN).gradient(MEASURES, NAMES, **POINT) for _ in range(2))
    assert one["slope"].values.tobytes() == other["slope"].values.tobytes()


@pytest.mark.parametrize("lanes", [2, 4, 8])
@pytest.mark.slow
def test_slopes_on_processors_of_any_width(lanes: int) -> None:
    """With other parameters beside it a slope shares other steps."""
    model, moved = pn.load(MILADEMETAN), (*NAMES, MILADEMETAN, "k_ub_p53", "k_deg_MDM2")
    usual = some(model, [0, 2], moved)
    runner, target = model.runner("batch"), replace(processor(), lanes=lanes)
    runner.engine = Batch(model.definition, model.tolerances, target)
    found = some(model, [0, 2], moved)
    for i in range(2):
        assert error_of(found.slopes[i], usual.slopes[i], usual.values[i]) < LIMIT


@pytest.mark.parametrize(("lanes", "vectors"), [(8, 3), (4, 6)])
@pytest.mark.slow
def test_what_17_slopes_cost(lanes: int, vectors: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many vectors, each of about the steps that its first run takes alone."""
    model = pn.load(MILADEMETAN, KT_253)
    runner, target = model.runner("batch"), replace(processor(), lanes=lanes)
    runner.engine = Batch(model.definition, model.tolerances, target)
    locked = []
    beside = runner.beside
    monkeypatch.setattr(
        runner, "beside", lambda *a, **k: locked.append(beside(*a, **k)) or locked[0]
    )
    run = SIXTEEN["escape"]
    slopes_of(model, run, [*run.doses, *moved_of(model, run)[:15]])
    courses = same_courses(checked_doses(model.definition, run.doses))
    alone = runner.attempt(run.times, courses, {}, ("p53_active",))
    assert len(locked[0].values) == vectors * lanes
    assert (locked[0].steps <= 1.05 * alone.steps[0]).all()


# --- other engines, and points that one gives up


def test_an_engine_that_cannot_lock_takes_differences() -> None:
    model = pn.load(MILADEMETAN)
    locked = model.gradient(MEASURES, NAMES, scaled=True, **POINT)
    apart = model.gradient(MEASURES, NAMES, scaled=True, engine="roadrunner", **POINT)
    assert "roadrunner" in apart.attrs["engine"] and "batch" in locked.attrs["engine"]
    largest = np.abs(locked["slope"]).max("parameter")
    assert float((np.abs(apart["slope"] - locked["slope"]) / largest).max()) < LIMIT


def test_what_the_engine_gives_up_another_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    model = pn.load(MILADEMETAN)
    whole = model.gradient(["peak:p53_active"], NAMES, **POINT)
    monkeypatch.setattr("p53net.engines.batch.engine.MOST_STEPS", 3)
    again = model.gradient(["peak:p53_active"], NAMES, **POINT)
    assert (again["status"] == "ok").all()
    assert "by roadrunner, for batch gave up" in str(again["reason"].values[0, 0])
    assert np.abs(again["slope"] / whole["slope"] - 1.0).max() < 1e-4


def test_a_cell_that_pulses_has_no_slopes() -> None:
    found = pn.load().gradient(["peak:p53_active"], ["k_deg_p53"], at=PULSING)
    assert found["status"].values.tolist() == [["failed"]]
    assert "pulses" in str(found["reason"].values[0, 0])


# --- what is asked for


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((["peak:p53"], ["k_deg"]), "unknown parameter 'k_deg'"),
        ((["peak:p53_activ"], ["k_deg_p53"]), "unknown observable"),
        ((["peak:p53_active"], []), "no parameter is named"),
        ((["peak:p53_active"], 3), "must be a list"),
        (([], ["k_deg_p53"]), "nothing would be kept"),
        ((["peak:p53_active"], ["KT-253"]), "this model has milademetan"),
        ((["peak:p53_active"], ["feedback"]), "feedback cannot be set"),
        ((["peak:p53_active"], ["P2_activity_held"]), "worked out from the untreated cell"),
    ],
)
def test_what_cannot_be_asked(arguments: tuple[Any, Any], said: str) -> None:
    with pytest.raises(pn.P53NetError, match=said):
        pn.load(MILADEMETAN).gradient(*arguments, doses={MILADEMETAN: 100.0})


def test_an_option_that_is_none_is_refused() -> None:
    model: Any = pn.load(MILADEMETAN)
    with pytest.raises(TypeError, match="unexpected keyword argument 'dose'"):
        model.gradient(["peak:p53_active"], ["k_deg_p53"], dose={MILADEMETAN: 100.0})
    with pytest.raises(pn.InputError, match="scaled is 'yes'"):
        model.gradient(["peak:p53_active"], ["k_deg_p53"], scaled="yes")


def test_a_drug_that_is_not_given_has_no_slope() -> None:
    with pytest.raises(pn.InputError, match="milademetan is not given"):
        pn.load(MILADEMETAN).gradient(["peak:p53_active"], ["Milademetan"])
    found = pn.sweep(
        pn.load(MILADEMETAN), {MILADEMETAN: [0.0, 100.0]}, measures=["peak:p53_active"],
        gradient=[MILADEMETAN], engine="batch",
    )  # fmt: skip
    assert np.isnan(found["d_peak_p53_active_d_milademetan"].values).tolist() == [True, False]
    assert "the dose is 0" in str(found["reason"].values[0])


def test_all_that_is_not_zero_is_moved() -> None:
    model = pn.load(MILADEMETAN)
    found = model.gradient(["peak:p53_active"], doses={MILADEMETAN: 100.0}, at={"k_phos_p53": 0.0})
    free = {
        n for n, r in model.definition.parameters.items() if r.kind not in ("input", "computed")
    }
    zero = {n for n in free if model.definition.parameters[n].value == 0.0} | {"k_phos_p53"}
    assert set(found["parameter"].values) == free - zero | {MILADEMETAN}


def test_the_medium_of_a_closed_dish_is_no_parameter() -> None:
    model, doses = pn.load(MILADEMETAN), {MILADEMETAN: pn.closed_dish(100.0, 40.0)}
    with pytest.raises(pn.InputError, match="medium is set beside a closed dish"):
        model.gradient(["peak:p53_active"], ["medium"], doses=doses)
    found = model.gradient(["peak:p53_active"], doses=doses)
    assert "medium" not in found["parameter"].values
    ranked = pn.tornado(model, "peak:p53_active", doses=doses, engine="batch", times=TIMES)
    assert set(ranked["parameter"].values) == set(found["parameter"].values)


def test_a_parameter_of_zero_has_a_slope() -> None:
    """From there on: of damage, the unit is one of it."""
    model = pn.load()
    times = np.linspace(0.0, 12.0, 25)
    found = model.gradient(["at:p53_total:12"], ["DSB"], times=times)
    tight = pn.Model(model.definition, Tolerances(1e-14, 1e-21))
    ends = [
        float(tight.simulate(times, parameters={"DSB": by}, engine="batch")["p53_total"][-1])
        for by in (0.0, 1e-4, 2e-4)
    ]
    expected = (4.0 * ends[1] - 3.0 * ends[0] - ends[2]) / 2e-4
    assert float(found["slope"][0, 0]) == pytest.approx(expected, rel=1e-5)


# --- sweeps, tornado and information


def test_a_sweep_has_columns_of_slopes() -> None:
    model = pn.load(MILADEMETAN, KT_253)
    grid = {MILADEMETAN: [10.0, 300.0], "k_deg_p53": [0.2, 0.4]}
    wanted = {"measures": ["peak:p53_active", "rebound"], "times": POINT["times"]}
    shape = {MILADEMETAN: pn.pulse(1.0, 4.0), KT_253: pn.pulse(0.5, 4.0)}
    moved = ["k_deg_p53", "n_MDM2", MILADEMETAN, KT_253]
    found = pn.sweep(model, grid, doses=shape, gradient=moved, engine="batch", **wanted)
    plain = pn.sweep(model, grid, doses=shape, engine="batch", **wanted)
    assert (found["status"] == "ok").all()
    xr.testing.assert_identical(found[list(plain.data_vars)].drop_attrs(), plain.drop_attrs())
    for level, rate in itertools.product(*grid.values()):
        one = model.gradient(
            wanted["measures"], moved, times=wanted["times"], at={"k_deg_p53": rate},
            doses={MILADEMETAN: pn.pulse(level, 4.0), KT_253: pn.pulse(0.5, 4.0)},
        )  # fmt: skip
        for measure, by in itertools.product(("peak_p53_active", "rebound"), moved):
            value = found[f"d_{measure}_d_{by}"].sel({MILADEMETAN: level, "k_deg_p53": rate})
            assert float(value) == float(one["slope"].sel(measure=measure, parameter=by))
            assert value.attrs["units"] == str(
                one["slope_unit"].sel(measure=measure, parameter=by).values
            )


def test_slopes_in_workers_and_with_a_store(tmp_path: Path) -> None:
    model, options = pn.load(MILADEMETAN), {"measures": ["peak:p53_active"], **POINT}
    axes = {"k_deg_p53": [0.2, 0.23, 0.4]}
    here = pn.sweep(model, axes, gradient=["n_MDM2"], engine="batch", workers=0, **options)
    kept = pn.sweep(
        model, axes, gradient=["n_MDM2"], engine="batch", store=tmp_path / "s", **options
    )
    name = "d_peak_p53_active_d_n_MDM2"
    assert here[name].values.tobytes() == kept[name].values.tobytes()
    assert pn.read_sweep(tmp_path / "s")[name].values.tobytes() == here[name].values.tobytes()
    with pytest.raises(pn.StoreError):
        pn.sweep(model, axes, engine="batch", store=tmp_path / "s", resume=True, **options)


def test_a_point_of_a_sweep_that_fails_has_no_slopes() -> None:
    found = pn.sweep(
        pn.load(MILADEMETAN), {"k_syn_p53": [52.0, 1e300]}, measures=["peak:p53_active"],
        gradient=["n_MDM2"], engine="batch", **POINT,
    )  # fmt: skip
    assert np.isnan(found["d_peak_p53_active_d_n_MDM2"].values).tolist() == [False, True]
    assert found["status"].values[0] == "ok" != found["status"].values[1]


def test_a_local_tornado_is_the_limit_of_small_factors() -> None:
    model = pn.load(MILADEMETAN)
    options: Mapping[str, Any] = {"moved": [*NAMES, MILADEMETAN], "engine": "batch", **POINT}
    line = pn.tornado(model, "peak:p53_active", local=True, factor=1.001, **options)
    (panel,) = pn.plot(line).axes
    assert panel.get_xlabel() == "peak_p53_active, along its slope [nM]"
    apart = pn.tornado(model, "peak:p53_active", factor=1.001, **options)
    assert line["parameter"].values.tolist() == apart["parameter"].values.tolist()
    assert (line["status"] == "ok").all()
    reach = float(np.abs(apart["value"] - apart["baseline"]).max())
    assert float(np.abs(line["value"] - apart["value"]).max()) < 2e-3 * reach
    first = line.isel(parameter=0)
    expected = np.log(first["value"].sel(side="up") / first["value"].sel(side="down"))
    assert float(first["control"]) == pytest.approx(float(expected) / np.log(1.001) / 2.0, rel=1e-4)
    pn.plot(line)


def test_information_of_a_straight_line(tmp_path: Path) -> None:
    """A = a + b t: the errors of linear regression."""
    model = read("A = a; A' = b; a = 2; b = 0.5", tmp_path)
    times = np.linspace(0.0, 4.0, 9)
    found = model.gradient([], ["a", "b"], times=times, observables=["A"])
    told = pn.fisher_information(found, 0.1)
    design = np.column_stack([np.ones(9), times])
    assert told["information"].values == pytest.approx(design.T @ design / 0.01, rel=1e-6)
    covariance = np.linalg.inv(design.T @ design) * 0.01
    assert told["together"].values == pytest.approx(np.sqrt(np.diag(covariance)), rel=1e-6)
    assert told["alone"].values == pytest.approx(0.1 / np.sqrt((design**2).sum(axis=0)), rel=1e-6)
    by_name = pn.fisher_information(found, {"A": 0.1})
    assert by_name["information"].values.tolist() == told["information"].values.tolist()


def test_what_curves_cannot_tell_is_infinite() -> None:
    """Of translation and gene dose only the product matters; p21 does not act back."""
    found = pn.load(MILADEMETAN).gradient(
        [], ["k_transl_MDM2", "MDM2_gene_dose", "k_deg_p53", "k_deg_p21"], scaled=True,
        observables=["p53_total", "MDM2_total"], doses={MILADEMETAN: 100.0},
    )  # fmt: skip
    told = pn.fisher_information(found, 0.1)
    assert np.isinf(told["together"].values).tolist() == [True, True, False, True]
    assert np.isinf(told["alone"].values).tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    ("noise", "said"), [(0.0, "above 0"), ({"p21": 1.0}, "no value for p53_total"), (-1.0, "noise")]
)
def test_noise_that_is_none(noise: Any, said: str) -> None:
    found = pn.load().gradient([], ["k_deg_p53"], observables=["p53_total"], times=[0.0, 1.0])
    with pytest.raises(pn.InputError, match=said):
        pn.fisher_information(found, noise)


def test_information_needs_curves() -> None:
    found = pn.load().gradient(["peak:p53_active"], ["k_deg_p53"], times=[0.0, 1.0])
    with pytest.raises(pn.InputError, match="needs slopes of curves"):
        pn.fisher_information(found, 0.1)
