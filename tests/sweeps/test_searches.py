"""Searches for a dose in many cells at once: against halving by hand on one engine, on every engine
against SciPy, and with bytes that hang on the cell alone."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import p53net as pn
from p53net.engines.batch import engine as batch_engine
from p53net.measures.searching import Found, effective_doses
from tests.support.pulsing import PULSING

ONE, DEGRADER = pn.load("milademetan"), pn.load("KT-253")
TIMES = np.linspace(0.0, 24.0, 49)
SEARCHES = ["dose_ratio:3", "loop_factor:3", "equal_dose:3", "stoichiometric_load:3:2"]
AFTER = ["rebound", "free_MDM2_rise", "persistence", "washout_half_time"]
"""An untreated cell that pulses."""
ROUND = {"k_ub_MDM2": 0.0}
"""The twin, which pulses round its state at rest under doses near 12 nM."""


def run(engine: str, model: pn.Model, axes: Any, **options: Any) -> xr.Dataset:
    return pn.sweep(model, axes, engine=engine, **({"times": TIMES, "workers": 0} | options))


def cells(model: pn.Model, number: int, spread: float = 2.0, seed: int = 4) -> pd.DataFrame:
    """Cells of which most parameters differ from the model's, up to so many times."""
    chance, known = np.random.default_rng(seed), model.definition.parameters
    free = ("measured", "assumed", "fitted")
    moved = [
        name
        for name, row in known.items()
        if row.kind in free and row.value > 0 and name not in ("n_MDM2", "cell", "medium")
    ]
    draws = spread ** chance.uniform(-1.0, 1.0, (number, len(moved)))
    return pd.DataFrame({n: known[n].value * draws[:, i] for i, n in enumerate(moved)})


def by_halving(rises: Callable[[float], float], target: float) -> float:
    """The dose at which a response that rises with dose reaches a target."""
    low, high = math.log(1e-5), math.log(1e7)
    assert rises(math.exp(low)) < target < rises(math.exp(high))
    while high - low > 1e-11:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if rises(math.exp(middle)) < target else (low, middle)
    return math.exp(low)


def resting_dose(
    model: pn.Model, drug: str, fold: float, changed: dict[str, float], feedback: bool
) -> float:
    def active(dose: float) -> float:
        return float(model.steady_state({drug: dose}, changed, feedback=feedback, stable=False,
                                        engine="roadrunner")["p53_active"])  # fmt: skip

    rest = model.steady_state(parameters=changed, engine="roadrunner")
    return by_halving(active, fold * float(rest["p53_active"]))


# Against a search by hand


@pytest.mark.parametrize("engine", ["batch", "roadrunner"])
@pytest.mark.parametrize("model", [ONE, DEGRADER], ids=["inhibitor", "degrader"])
@pytest.mark.slow
def test_doses_at_rest(model: pn.Model, engine: str) -> None:
    (drug,) = model.definition.drugs
    usual = {n: model.definition.parameters[n].value for n in cells(model, 1)}
    table = pd.concat([pd.DataFrame([usual]), cells(model, 2, 1.5)], ignore_index=True)
    if drug == "KT-253":
        table = pd.concat([table, pd.DataFrame([usual | ROUND])], ignore_index=True)
    found = run(engine, model, table, measures=["dose_ratio:3"])
    assert set(found["status"].values) == {"ok"}
    for value, (_, row) in zip(found["dose_ratio_3"].values, table.iterrows(), strict=True):
        shut, opened = (
            resting_dose(model, drug, 3.0, row.to_dict(), feedback) for feedback in (True, False)
        )
        assert value == pytest.approx(shut / opened, rel=1e-8)


@pytest.mark.slow
def test_doses_at_a_time() -> None:
    found = run("batch", DEGRADER, {"k_deg_p53": [0.15, 0.3]},
                measures=["equal_dose:3", "stoichiometric_load:3:2"])  # fmt: skip
    cell = DEGRADER.definition.parameters["cell"].value
    for rate in found["k_deg_p53"].values:
        changed = {"k_deg_p53": float(rate)}
        rest = DEGRADER.steady_state(parameters=changed, engine="roadrunner")

        def at_end(dose: object, changed: dict[str, float] = changed) -> float:
            run = DEGRADER.simulate(TIMES, {"KT-253": dose}, changed, engine="roadrunner")  # type: ignore[dict-item]
            return float(run["p53_active"][-1])

        target = 3.0 * float(rest["p53_active"])
        here = found.sel(k_deg_p53=rate)
        assert float(here["equal_dose_3"]) == pytest.approx(by_halving(at_end, target), rel=1e-6)
        first = by_halving(lambda d, at_end=at_end: at_end(pn.closed_dish(d, 2.0)), target)
        load = first * 2.0 / (float(rest["MDM2_total"]) * cell)
        assert float(here["stoichiometric_load_3_2"]) == pytest.approx(load, rel=1e-6)


def test_a_loop_factor_is_a_quotient_of_sensitivities() -> None:
    """By steps of another size, at the dose that halving finds."""
    dose = resting_dose(ONE, "milademetan", 3.0, {}, True)
    state = ONE.steady_state({"milademetan": dose}, engine="roadrunner")
    rate = ONE.definition.parameters["k_ub_p53"].value

    def slope(feedback: bool) -> float:
        held = {} if feedback else {"P2_activity_held": float(state["P2_activity_closed"])}
        up, down = (
            float(ONE.steady_state({"milademetan": dose}, {"k_ub_p53": rate * factor, **held},
                                   feedback=feedback, engine="roadrunner")["p53_active"])
            for factor in (1.0 + 3e-4, 1.0 - 3e-4)
        )  # fmt: skip
        return math.log(up / down) / math.log((1.0 + 3e-4) / (1.0 - 3e-4))

    found = run("batch", ONE, {"k_deg_p53": [ONE.definition.parameters["k_deg_p53"].value]},
                measures=["loop_factor:3"])  # fmt: skip
    assert float(found["loop_factor_3"][0]) == pytest.approx(slope(False) / slope(True), rel=1e-5)


# Rows that have no number


@pytest.mark.slow
def test_a_level_that_is_not_reached_is_a_status() -> None:
    axes = {"k_deg_p53": [0.23, 0.7, 3.0]}
    for engine in ("batch", "roadrunner"):
        found = run(engine, ONE, axes, measures=["dose_ratio:5", "loop_factor:1.5"])
        assert found["status"].values.tolist() == ["ok", *["measure undefined"] * 2]
        assert np.isfinite(found["dose_ratio_5"].values).tolist() == [True, False, False]
        assert np.isfinite(found["loop_factor_1.5"].values).tolist() == [True] * 3
        said = found["reason"].values[1]
        assert said.startswith("dose_ratio_5: active p53 at rest, in multiples of untreated, rea")
        assert said.endswith("not 5, even at 1e+07 nM; choose a lower target")


@pytest.mark.slow
def test_cells_without_p53_and_cells_that_pulse() -> None:
    usual = {name: ONE.definition.parameters[name].value for name in PULSING}
    table = pd.DataFrame([usual, usual | {"k_syn_p53": 0.0}, PULSING])
    for engine in ("batch", "roadrunner"):
        found = run(engine, ONE, table, measures=SEARCHES)
        said = found["status"].values.tolist()
        assert said == ["ok", "measure undefined", "steady state failed"]
        assert "dose_ratio_3: the cell has no p53" in found["reason"].values[1]
        assert np.isnan(found["loop_factor_3"].values[1:]).all()


def test_what_batch_gives_up_in_a_search_roadrunner_does(monkeypatch: pytest.MonkeyPatch) -> None:
    axes = {"k_deg_p53": [0.15, 0.3]}
    expected = run("roadrunner", ONE, axes, measures=["dose_ratio:3"])
    run("batch", ONE, axes, measures=["dose_ratio:3"])  # the usual cell is settled
    monkeypatch.setattr(batch_engine, "MOST_STEPS", 5)
    found = run("batch", ONE, axes, measures=["dose_ratio:3"])
    assert found["dose_ratio_3"].values.tobytes() == expected["dose_ratio_3"].values.tobytes()
    assert all(why.startswith("by roadrunner, for batch gave up") for why in found["reason"].values)


@pytest.mark.slow
def test_escape_says_who_took_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of runs and of states at rest in a search; a new model, whose usual cell is not settled."""
    expected = pn.escape(["milademetan"], engine="roadrunner")
    monkeypatch.setattr(batch_engine, "MOST_STEPS", 5)
    found = pn.escape(["milademetan"], engine="batch")
    assert "gave up" in found.attrs["engine"] and "run by roadrunner" in found.attrs["engine"]
    for name in ("equal_dose", "dose_ratio", "loop_factor", "closed_dish_dose"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-8, err_msg=name)


# Bytes


MIXED = cells(DEGRADER, 14, 3.0).assign(
    k_ub_MDM2=lambda t: np.where(np.arange(14) % 3, t["k_ub_MDM2"], 0.0),
    k_deg_p53=lambda t: np.where(np.arange(14) % 5, t["k_deg_p53"], 3.0),
)
MIXED["KT-253"] = np.geomspace(0.1, 1e3, 14)
OPTIONS: dict[str, Any] = {
    "measures": [*SEARCHES, *AFTER], "doses": {"KT-253": pn.pulse(1.0, hours=4.03)},
    "times": np.linspace(0.0, 60.0, 241),
}  # fmt: skip


@pytest.fixture(scope="module")
def whole() -> xr.Dataset:
    found = run("batch", DEGRADER, MIXED, **OPTIONS)
    assert 0 < (found["status"] == "ok").sum() < len(MIXED)
    return found


def same(found: xr.Dataset, expected: xr.Dataset) -> None:
    assert found["reason"].values.tolist() == expected["reason"].values.tolist()
    for name, values in expected.data_vars.items():
        if values.dtype.kind == "f":
            assert found[name].values.tobytes() == values.values.tobytes(), name


@pytest.mark.parametrize("chunk", [1, 5])
@pytest.mark.slow
def test_neighbours_leave_no_trace(chunk: int, whole: xr.Dataset) -> None:
    same(run("batch", DEGRADER, MIXED, **OPTIONS, chunk=chunk), whole)
    order = [3, 0, 13, 5]
    same(run("batch", DEGRADER, MIXED.iloc[order], **OPTIONS), whole.isel(point=order))
    alone = run("batch", DEGRADER, MIXED.iloc[:6], **OPTIONS | {"measures": ["loop_factor:3"]})
    assert alone["loop_factor_3"].values.tobytes() == whole["loop_factor_3"].values[:6].tobytes()


def test_measures_after_washout_in_rows_without_one(whole: xr.Dataset) -> None:
    """Others keep theirs, and these have none."""
    model, axes = DEGRADER, {"exposure": [0.0, 4.03, 12.0, 60.0, 99.0]}
    options = {"measures": AFTER, "times": OPTIONS["times"], "doses": {"KT-253": 10.0}}
    found, expected = (run(engine, model, axes, **options) for engine in ("batch", "roadrunner"))
    there = [False, True, True, False, False]
    assert (found["status"] == "ok").values.tolist() == there
    for name in AFTER:
        assert np.isfinite(found[name].values).tolist() == there
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5, atol=1e-6)


# Searches by themselves


@given(st.lists(st.tuples(st.floats(-3.0, 5.0), st.floats(0.5, 4.0)), min_size=1, max_size=9))
def test_each_row_finds_its_own_dose(curves: list[tuple[float, float]]) -> None:
    """That of a formula, with the bytes that it has alone, in few calls."""
    half, slope = np.array(curves).T
    asked: list[int] = []

    def response(rows: np.ndarray, doses: np.ndarray) -> Found:
        asked.append(len(rows))
        return Found(1.0 + 4.0 / (1.0 + (10.0 ** half[rows] / doses) ** slope[rows]), {})

    targets = np.full(len(curves), 2.0)
    found = effective_doses(response, targets, ["x"] * len(curves))
    assert found.errors == {}
    np.testing.assert_allclose(found.values, 10.0**half * (1.0 / 3.0) ** (1.0 / slope), rtol=2e-9)
    assert len(asked) <= 40  # halves alone take 37
    for i in range(len(curves)):
        alone = effective_doses(
            lambda _, doses, i=i: response(np.array([i]), doses), targets[:1], ["x"]
        )
        assert alone.only() == found.values[i]


@given(st.lists(st.floats(-8.0, 8.0) | st.just(np.nan), min_size=5, max_size=5), st.floats(0, 2))
def test_a_dose_is_the_same_wherever_it_is_sought_first(logs: list[float], off: float) -> None:
    """About it, to the side of it, outside of the range, or nowhere; and so are errors."""
    near = 10.0 ** np.array([*logs, 0.5 + off, 0.5 - off])
    targets = np.array([2.0, 2.0, 7.0, 2.0, 0.5, 2.0, 2.0])

    def response(rows: np.ndarray, doses: np.ndarray) -> Found:
        values = 1.0 + 4.0 * doses / (doses + 10.0)
        lost = np.flatnonzero((rows == 3) & (doses > 3.0)).tolist()
        values[lost] = np.nan
        return Found(values, {i: pn.SteadyStateError("lost") for i in lost})

    usual = effective_doses(response, targets, ["x"] * 7)
    found = effective_doses(response, targets, ["x"] * 7, near=near)
    np.testing.assert_allclose(found.values, usual.values, rtol=2e-9)
    assert {i: str(e) for i, e in found.errors.items()} == {
        i: str(e) for i, e in usual.errors.items()
    }


def test_a_dose_that_is_near_is_found_in_fewer_calls() -> None:
    asked: list[int] = []

    def response(rows: np.ndarray, doses: np.ndarray) -> Found:
        asked.append(len(rows))
        return Found(1.0 + 4.0 * doses / (doses + 10.0), {})

    (exact,) = effective_doses(response, np.array([2.0]), ["x"]).values
    wide = len(asked)
    effective_doses(response, np.array([2.0]), ["x"], near=np.array([1.1 * exact]))
    assert len(asked) - wide < wide - 3


def test_rows_that_fail_leave_the_others(whole: xr.Dataset) -> None:
    def response(rows: np.ndarray, doses: np.ndarray) -> Found:
        values = np.where(rows == 3, 0.0, np.where(rows == 4, 9.0, doses))
        lost = np.flatnonzero((rows == 1) & (doses < 7.0)).tolist()
        values[lost] = np.nan
        return Found(values, {i: pn.SteadyStateError("lost") for i in lost})

    found = effective_doses(response, np.full(5, 5.0), ["a", "b", "c", "d", "e"])
    assert found.values[[0, 2]] == pytest.approx(5.0, rel=1e-9)
    assert np.isnan(found.values[[1, 3, 4]]).all()
    assert {i: str(error) for i, error in found.errors.items()} == {
        1: "lost",
        3: "d reaches 0, not 5, even at 1e+07 nM; choose a lower target",
        4: "e is above 5 already at 1e-05 nM; choose a higher target",
    }


# Own measures of many points


def late(times: np.ndarray, active: np.ndarray) -> np.ndarray:
    found: np.ndarray = active[:, len(times) // 2 :].mean(axis=1)
    active[:] = 0.0  # which is its own
    return found


def late_of_one(times: np.ndarray, active: np.ndarray) -> float:
    return float(active[len(times) // 2 :].mean())


LATE = pn.measures.own("late", late, ["p53_active"], "nM", arrays=True)
DOSES = np.geomspace(1.0, 1e4, 12)


@pytest.mark.parametrize("engine", ["batch", "roadrunner"])
def test_own_measures_of_arrays(engine: str) -> None:
    single = pn.measures.own("late", late_of_one, ["p53_active"], "nM")
    found, expected = (
        run(engine, ONE, {"milademetan": DOSES}, measures=[own, "peak:p53_active"])
        for own in (LATE, single)
    )
    assert (found["status"] == "ok").all()
    for name in ("late", "peak_p53_active"):
        assert found[name].values.tobytes() == expected[name].values.tobytes()


def test_they_are_called_for_what_has_run() -> None:
    """Of all that have, at once: of the runs, of looser ones, and of curves moved by how far these
    are apart."""
    seen: list[tuple[int, ...]] = []

    def probe(times: np.ndarray, active: np.ndarray) -> np.ndarray:
        assert np.isfinite(active).all()
        seen.append(active.shape)
        return active[:, -1]

    own = pn.measures.own("probe", probe, ["p53_active"], arrays=True)
    table = pd.DataFrame({"milademetan": [10.0] * 5, "k_on_inhibitor": [36.0] * 4 + [1e300]})
    found = run("batch", ONE, table, measures=[own])
    assert found["status"].values.tolist() == [*["ok"] * 4, "integration failed"]
    assert seen == [(4, len(TIMES))] * 3


def test_a_point_that_fails_takes_no_bar_of_another() -> None:
    own = pn.measures.own("last", lambda _t, y: y[:, -1], ["p53_active"], arrays=True)
    table = pd.DataFrame({"milademetan": [10.0] * 5, "k_on_inhibitor": [1e300] + [36.0] * 4})
    found = run("batch", ONE, table, measures=[own, "auc:p53_active"])
    alone = run("batch", ONE, table[1:], measures=[own, "auc:p53_active"])
    assert found["status"].values.tolist() == ["integration failed", *["ok"] * 4]
    for name in ("last", "last_error", "auc_p53_active_error", "reruns"):
        assert found[name].values[1:].tobytes() == alone[name].values.tobytes(), name
    assert np.isfinite(found["last_error"].values[1:]).all()


@pytest.mark.parametrize(
    ("function", "statuses", "said"),
    [
        (lambda t, y: y[:, -1] / (y[:, -1] < 60.0), ["ok", "measure undefined"], "it is inf"),
        (lambda t, y: y.max(), ["measure undefined"] * 2, "array of shape (), not one number"),
        (lambda t, y: y, ["measure undefined"] * 2, "(1, 49), not one number for each row"),
        (lambda t, y: ["much"] * len(y), ["measure undefined"] * 2, "not numbers"),
        (lambda t, y: [1 / (v < 60.0) for v in y[:, -1].tolist()], ["ok", "failed"], "ZeroDivi"),
    ],
    ids=["one has none", "a number", "curves", "text", "one fails"],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_what_they_return(function: Callable[..., Any], statuses: list[str], said: str) -> None:
    own = pn.measures.own("mine", function, ["p53_active"], arrays=True)
    found = run("batch", ONE, {"milademetan": [1.0, 1e3]}, measures=[own])
    assert found["status"].values.tolist() == statuses
    assert said in found["reason"].values[1]
    assert np.isfinite(found["mine"].values).tolist() == [one == "ok" for one in statuses]


def test_arrays_are_told_apart() -> None:
    one, many = (pn.measures.own("m", late, ["p53_active"], arrays=a) for a in (False, True))
    assert one.own is not None and many.own is not None
    assert one.own.digest != many.own.digest
    with pytest.raises(pn.InputError, match="arrays='yes'"):
        pn.measures.own("m", late, ["p53_active"], arrays="yes")  # type: ignore[arg-type]


@pytest.mark.slow
def test_they_run_in_workers_too() -> None:
    expected = run("batch", ONE, {"milademetan": DOSES}, measures=[LATE, "dose_ratio:3"])
    found = run("batch", ONE, {"milademetan": DOSES}, measures=[LATE, "dose_ratio:3"], workers=1)
    same(found, expected)
