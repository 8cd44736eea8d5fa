"""Sweeps on the batch engine: what RoadRunner gives, with bytes that hang on the point alone.

Values of two engines are compared with a relative tolerance of 1e-6: each is asked for 1e-9, and
over many parameter sets either is off by up to 2e-7 (docs/benchmarks.md). What is read from where a
curve crosses a level, or from a difference of large numbers, has an absolute tolerance too.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import antimony
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import p53net as pn
from p53net.engines import settling
from p53net.engines.batch import engine as batch_engine
from p53net.measures.kinds import KINDS
from p53net.simulation.runs import Runner
from p53net.sweeps import isolated, rows, workers
from p53net.sweeps.design import design_of_table
from p53net.sweeps.plan import Plan, plan_of
from p53net.sweeps.rows import UNMET
from tests.support import faults
from tests.support.files import JUMPS
from tests.support.pulsing import PULSING

sweeps = import_module("p53net.sweeps.run")  # the package has a function of this name
TIMES = np.linspace(0.0, 24.0, 49)
LONG = np.linspace(0.0, 100.0, 401)
NO_DRUG, ONE, BOTH = pn.load(), pn.load("milademetan"), pn.load("milademetan", "KT-253")
DEGRADER = pn.load("KT-253")
ARRAYS = [
    "auc:p53_active", "peak:p53_total", "lowest:MDM2_free", "at:MDM2_total:12", "fold:p21",
    "swing:p53_active", "escape_index", "log_undrugged", "log_abundance", "log_occupancy",
]  # fmt: skip
AFTER = ["rebound", "free_MDM2_rise", "persistence", "washout_half_time"]
SEARCHES = ["dose_ratio:3", "loop_factor:3", "equal_dose:3", "stoichiometric_load:3:2"]
USUAL = {name: ONE.definition.parameters[name].value for name in PULSING}
# Untreated cells that pulse, among others; half of the exponents are those of the file, whose code
# is another.
MIXED = pd.DataFrame(
    [
        {"milademetan": 10.0 ** (i % 5), "k_deg_p53": 0.1 + 0.02 * i}
        | (PULSING if i in (0, 7) else USUAL | ({"n_MDM2": 2.5} if i % 2 else {}))
        for i in range(20)
    ]
)


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four threads on any machine, where `workers` is left out."""
    real = sweeps._workers

    def four(number: object, *others: Any) -> tuple[int, int]:
        processes, found = real(number, *others)
        return processes, 4 if number is None and not processes else found

    monkeypatch.setattr(sweeps, "_workers", four)


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Make the batch engine give up after so many steps."""
    for model in (ONE, DEGRADER):  # their usual cell is settled before
        model.simulate(TIMES, engine="batch")

    def allow(steps: int) -> None:
        monkeypatch.setattr(batch_engine, "MOST_STEPS", steps)

    return allow


def run(engine: str, model: pn.Model, axes: Any, **options: Any) -> xr.Dataset:
    chosen = {"times": TIMES, "workers": 0} | options
    return pn.sweep(model, axes, engine=engine, **chosen)


def numbers(result: xr.Dataset) -> list[str]:
    """Measures and curves, without their bars."""
    floats = [str(name) for name in result.data_vars if result[name].dtype.kind == "f"]
    return [name for name in floats if not name.endswith("_error") and name != "reruns"]


def same_bytes(found: xr.Dataset, expected: xr.Dataset) -> None:
    assert set(found.variables) == set(expected.variables)
    for name, values in expected.variables.items():
        if values.dtype.kind == "f":
            assert found[name].values.tobytes() == values.values.tobytes(), name
        else:
            assert (found[name].values == values.values).all(), name


def agree(found: xr.Dataset, expected: xr.Dataset, absolute: float = 1e-9) -> None:
    """Values, statuses and reasons of two engines, of which one may not reach its accuracy."""
    reached = (found["status"] != UNMET).values & (expected["status"] != UNMET).values
    assert (found["status"].values == expected["status"].values)[reached].all()
    assert (found["reason"].values == expected["reason"].values)[reached].all()
    assert set(numbers(found)) == set(numbers(expected))
    for name in numbers(expected):
        np.testing.assert_allclose(
            found[name], expected[name], rtol=1e-6, atol=absolute, err_msg=name
        )


def half(times: np.ndarray, active: np.ndarray) -> float:
    return float(np.interp(0.5 * times[-1], times, active))


OWN = pn.measures.own("halfway", half, ["p53_active"], "nM")
OF_OWN = ["halfway", "halfway_error", "reruns"]
"""What is another where this measure is taken too, which may want tighter runs."""


# What RoadRunner gives


CASES: dict[str, tuple[pn.Model, Any, dict[str, Any]]] = {
    "every measure of arrays": (
        ONE, {"milademetan": [10.0, 100.0, 3000.0], "k_deg_p53": [0.1, 0.3, 0.9]},
        {"measures": ARRAYS, "observables": ["p53_total", "MDM2_mRNA"]}),
    "own measures": (
        ONE, {"milademetan": [0.0, 10.0, 100.0]}, {"measures": [OWN, *ARRAYS[:3]]}),
    "searches": (DEGRADER, {"k_deg_p53": [0.15, 0.3]}, {"measures": [*SEARCHES, ARRAYS[0]]}),
    "after washout": (
        DEGRADER, {"KT-253": [3.0, 30.0], "k_deg_p53": [0.15, 0.3]},
        {"measures": AFTER, "times": LONG, "doses": {"KT-253": pn.pulse(1.0, hours=4)}}),
    "washout between times, and other measures": (
        DEGRADER, {"KT-253": [3.0, 30.0]},
        {"measures": [*AFTER, *ARRAYS, "destroyed_per_drug"], "times": LONG,
         "doses": {"KT-253": pn.pulse(1.0, hours=4.03, start=2.01)}}),
    "degrader in the cell": (
        DEGRADER, {"KT-253": [0.0, 1.0, 10.0]}, {"measures": ["destroyed_per_drug"]}),
    "a schedule that the axis scales": (
        ONE, {"milademetan": [0.0, 10.0, 100.0]},
        {"measures": ARRAYS, "doses": {"milademetan": [(0, 2.0), (4, 0.0), (8.3, 0.5)]}}),
    "a pulse that ends with the run": (
        ONE, {"milademetan": [10.0, 100.0]},
        {"measures": [*ARRAYS, "rebound"], "doses": {"milademetan": pn.pulse(1.0, hours=24.0)}}),
    "a closed dish": (
        ONE, {"milademetan": [10.0, 100.0], "cell": [1.0, 3.0]},
        {"measures": [*ARRAYS, "at:inhibitor_medium:24"],
         "doses": {"milademetan": pn.closed_dish(1.0, medium_volume=20.0)}}),
    "exposure": (
        ONE, {"exposure": [0.0, 1e-3, 6.3, 12.0, 23.999, 24.0, 99.0], "milademetan": [0.0, 100.0]},
        {"measures": [*ARRAYS, "rebound", "at:inhibitor_medium:24"]}),
    "exposure to both": (
        BOTH, {"exposure": [0.0, 6.0, 24.0]},
        {"measures": ARRAYS, "doses": {"milademetan": 100.0, "KT-253": 3.0}}),
    "an open loop": (
        BOTH, {"milademetan": [10.0, 100.0]},
        {"measures": ["auc:p53_active", "fold:MDM2_total"], "doses": {"KT-253": 1.0},
         "feedback": False, "parameters": {"k_deg_p53": 0.3}}),
    "a loop held at an activity": (
        ONE, {"P2_activity_held": [0.1, 0.9], "milademetan": [100.0]},
        {"measures": ["fold:MDM2_total"], "feedback": False}),
    "damage": (
        NO_DRUG, {"DSB": [0.0, 0.3, 1.0], "k_deg_p53": [0.1, 0.3]},
        {"measures": ["auc:p53_total", "peak:p21"]}),
    "no drug is dosed": (
        BOTH, {"k_deg_p53": [0.1, 0.3]}, {"measures": [*ARRAYS, "at:inhibitor_in_cell:24"]}),
    "one of two is dosed": (
        BOTH, {"KT-253": [0.1, 10.0]}, {"measures": [*ARRAYS, "destroyed_per_drug"]}),
    "parameters at 0": (
        BOTH, {"k_ub_MDM2": [0.0, 100.0], "residual": [0.0, 0.1], "KT-253": [3.0]},
        {"measures": ARRAYS}),
    "curves and no measure": (
        ONE, MIXED.iloc[:4], {"observables": ["p53_active", "MDM2_total"],
                              "keep_trajectories": True}),
    "a table with cells that pulse": (ONE, MIXED, {"measures": ARRAYS}),
    "own measures of cells that pulse": (ONE, MIXED.iloc[:3], {"measures": [OWN]}),
    "one interval": (ONE, {"milademetan": [10.0]}, {"measures": ARRAYS[:3], "times": [0.0, 1e-3]}),
    "a long time": (
        ONE, {"milademetan": [10.0]}, {"measures": ARRAYS[:3], "times": [0.0, 1.0, 1e5]}),
    "rates that are too fast": (
        ONE, {"k_on_inhibitor": [3.6, 1e300], "milademetan": [100.0]},
        {"measures": ["fold:p53_active", OWN]}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.slow
def test_a_sweep_is_that_of_roadrunner(case: str) -> None:
    model, axes, options = CASES[case]
    found, expected = (
        run(engine, model, axes, **options, accuracy=1e-8) for engine in ("batch", "roadrunner")
    )
    assert found.attrs["engine"].startswith("batch, llvmlite ")
    assert expected.attrs["engine"].startswith("roadrunner ")
    said = found["reason"].values
    taken = np.vectorize(lambda reason: reason.startswith("by roadrunner, for batch"))(said)
    assert taken.sum() == (1 if case == "rates that are too fast" else 0)
    found["reason"].values[taken] = expected["reason"].values[taken]
    # Of 1e3 nM h and more; after a washout, of a half-time between two times.
    agree(found, expected, 1e-5 if options.get("times") is LONG else 1e-7)
    assert (found["status"].values != "failed").all()


def test_the_cases_have_every_kind_of_measure() -> None:
    used = {str(one).split(":")[0] for _, _, options in CASES.values()
            for one in options.get("measures", ())}  # fmt: skip
    assert set(KINDS) <= used


@pytest.mark.parametrize("design", ["grid", "sobol", "latin-hypercube"])
def test_designs(design: str) -> None:
    axes = {"milademetan": pn.log_uniform(1, 1e4), "k_deg_p53": pn.uniform(0.1, 1), "DSB": [0, 0.5]}
    options = {"design": design, "points": 4, "measures": ["auc:p53_active"]}
    agree(run("batch", ONE, axes, **options), run("roadrunner", ONE, axes, **options), 1e-7)


# Bytes


@pytest.fixture(scope="module")
def usual() -> xr.Dataset:
    return run("batch", ONE, MIXED, measures=ARRAYS, chunk=len(MIXED))


def rows_of(result: xr.Dataset, chosen: Any) -> xr.Dataset:
    return result.isel(point=chosen)


@pytest.mark.parametrize("chunk", [1, 3, 8])
def test_chunks_leave_no_trace(chunk: int, usual: xr.Dataset) -> None:
    same_bytes(run("batch", ONE, MIXED, measures=ARRAYS, chunk=chunk), usual)


def test_order_and_neighbours_leave_no_trace(usual: xr.Dataset) -> None:
    chance = np.random.default_rng(3)
    for size in (20, 7, 2):
        order = chance.permutation(20)[:size]
        found = run("batch", ONE, MIXED.iloc[order], measures=ARRAYS)
        same_bytes(found, rows_of(usual, order))


@pytest.mark.slow
def test_other_measures_leave_no_trace(usual: xr.Dataset) -> None:
    """With a measure of one's own every point is looked at by itself. Where other quantities are
    asked for, others are integrated, and a value moves within the accuracy of both."""
    found = run("batch", ONE, MIXED, measures=[*ARRAYS, OWN])
    same_bytes(found.drop_vars(OF_OWN), usual.drop_vars("reruns"))
    for one, name in zip(ARRAYS, numbers(usual), strict=True):
        alone = run("batch", ONE, MIXED.iloc[1:5], measures=[one])
        bars = alone[f"{name}_error"].values + usual[f"{name}_error"].values[1:5]
        assert (np.abs(alone[name].values - usual[name].values[1:5]) <= bars).all()


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("measures", [ARRAYS, [*ARRAYS, OWN]], ids=["arrays", "one by one"])
@pytest.mark.slow
def test_threads_leave_no_trace(measures: list[Any], usual: xr.Dataset) -> None:
    """A new model: all threads want to compile it at once."""
    found = run("batch", pn.load("milademetan"), MIXED, measures=measures, workers=None, chunk=2)
    same_bytes(found.drop_vars(OF_OWN, errors="ignore"), usual.drop_vars("reruns"))


@pytest.mark.slow
def test_another_accuracy_leaves_no_trace(usual: xr.Dataset) -> None:
    """Though a model's first runs were at it, from which its engines are kept."""
    model = pn.load("milademetan")
    run("batch", model, MIXED.iloc[:2], measures=ARRAYS[:1], accuracy=1e-8)
    model.simulate(TIMES, engine="batch", accuracy=1e-3)
    same_bytes(run("batch", model, MIXED, measures=ARRAYS), usual)
    first = run("batch", pn.load("milademetan"), MIXED.iloc[:5], measures=ARRAYS, accuracy=1e-8)
    same_bytes(run("batch", model, MIXED.iloc[:5], measures=ARRAYS, accuracy=1e-8), first)


@pytest.mark.slow
def test_workers_leave_no_trace() -> None:
    options: dict[str, Any] = {"model": ONE, "engine": "batch", "points": faults.POINTS.iloc[:20]}
    expected = faults.run(**options)
    assert set(expected["status"].values) == {"ok"}
    same_bytes(faults.run(**options, workers=2, chunk=3), expected)


def test_resuming_leaves_no_trace(tmp_path: Path, usual: xr.Dataset) -> None:
    options: dict[str, Any] = {"measures": ARRAYS, "store": tmp_path / "s", "chunk": 4}
    same_bytes(run("batch", ONE, MIXED, **options), usual)
    for path in sorted((tmp_path / "s" / "chunks").glob("*.parquet"))[1:4:2]:
        path.unlink()
    assert (pn.read_sweep(tmp_path / "s")["status"] == "not run").sum() == 8
    same_bytes(run("batch", ONE, MIXED, **options, resume=True), usual)
    read = pn.read_sweep(tmp_path / "s")
    same_bytes(read, usual)
    assert read.attrs["engine"] == usual.attrs["engine"]


@pytest.mark.parametrize(
    "doses",
    [{}, {"milademetan": [(0, 1.0), (4.01, 0.0), (8, 0.5)]},
     {"milademetan": pn.closed_dish(1.0, 20.0)}],
    ids=["constant", "schedule", "closed"],
)  # fmt: skip
def test_a_row_is_what_simulate_gives(doses: dict[str, Any]) -> None:
    """Bit for bit: one engine and one solution, which other output times do not touch."""
    axes = {"milademetan": [10.0, 100.0], "k_deg_p53": [0.1, 0.4], "n_MDM2": [2.0, 2.5]}
    names = ["p53_active", "MDM2_total", "MDM2_undrugged"]
    once = pn.Model(ONE.definition, ONE.tolerances)  # measures ask for no tighter runs
    found = run("batch", ONE, axes, doses=doses, observables=names, keep_trajectories=True)
    taken = run("batch", once, axes, doses=doses, measures=ARRAYS)
    needed = _plan(once, pd.DataFrame({"milademetan": [1.0]}), measures=ARRAYS)[0].needed
    assert set(np.unique(found["status"])) == {"ok"}
    for dose in axes["milademetan"]:
        for rate in axes["k_deg_p53"]:
            for exponent in axes["n_MDM2"]:
                shape = doses.get("milademetan", dose)
                if isinstance(shape, list):
                    shape = [(time, level * dose) for time, level in shape]
                elif isinstance(shape, pn.Dose):
                    shape = pn.closed_dish(dose, 20.0)
                settings = {"k_deg_p53": rate, "n_MDM2": exponent}
                one = ONE.simulate(
                    TIMES, {"milademetan": shape}, settings, observables=names, engine="batch"
                )
                row = found.sel(milademetan=dose, **settings)
                for name in names:
                    assert row[name].values.tobytes() == one[name].values.tobytes()
                row = taken.sel(milademetan=dose, **settings)
                one = once.simulate(
                    TIMES, {"milademetan": shape}, settings, observables=needed, engine="batch"
                )
                active, total = one["p53_active"].values, one["MDM2_total"].values
                assert float(row["auc_p53_active"]) == np.trapezoid(active, TIMES)
                assert float(row["p21_fold"]) == float(one["p21"][-1]) / float(one["p21"][0])
                assert float(row["MDM2_total_at_12"]) == total[24]
                late = active[36:]
                assert float(row["p53_active_swing"]) == np.ptp(late) / late.mean()
                abundance = np.log(total[-1] / total[0])
                assert float(row["log_abundance"]) == pytest.approx(abundance, rel=1e-15)


# Points that the engine gives up


def test_what_batch_gives_up_roadrunner_takes(few_steps: Callable[[int], None]) -> None:
    """Neighbours keep their bytes, and the point has those of RoadRunner."""
    axes = pd.DataFrame({"milademetan": np.geomspace(1.0, 1e4, 12)})
    options: dict[str, Any] = {"measures": [*ARRAYS, "washout_half_time"],
                               "observables": ["p53_total"], "keep_trajectories": True,
                               "doses": {"milademetan": pn.pulse(1.0, hours=4)}}  # fmt: skip
    model = pn.Model(ONE.definition, ONE.tolerances)  # each point is run once
    whole, reference = (run(engine, model, axes, **options) for engine in ("batch", "roadrunner"))
    runs = model.runner("batch").run(TIMES, *_pulses(axes), ["p53_active"])
    few_steps(int(np.median(runs.steps)))
    for chunk in (1, 5, 12):
        found = run("batch", model, axes, chunk=chunk, **options)
        taken = np.array(["by roadrunner" in reason for reason in found["reason"].values])
        assert 0 < taken.sum() < 12
        same_bytes(rows_of(found, ~taken), rows_of(whole, ~taken))
        lost = rows_of(found, taken)
        assert all(r.startswith("by roadrunner, for batch gave up: it takes more than")
                   for r in lost["reason"].values)  # fmt: skip
        same_bytes(lost.drop_vars("reason"), rows_of(reference, taken).drop_vars("reason"))


def _pulses(axes: pd.DataFrame) -> tuple[Any, dict[str, Any]]:
    plan, _ = _plan(ONE, axes, measures=["rebound"], doses={"milademetan": pn.pulse(1.0, hours=4)})
    return plan.inputs(axes.to_numpy())


def _plan(model: pn.Model, table: pd.DataFrame, **options: Any) -> tuple[Plan, Any]:
    usual: dict[str, Any] = {
        "times": TIMES, "observables": None, "measures": (), "doses": None, "parameters": None,
        "feedback": True, "time_limit": 5.0, "memory_limit": 2**30, "engine": "batch",
        "keep_trajectories": False,
    }  # fmt: skip
    return plan_of(model, design_of_table(table), **(usual | options))


@pytest.mark.parametrize("measures", [["auc:p53_active"], [OWN], ["escape_index"]])
def test_all_points_are_given_up(measures: list[Any], few_steps: Callable[[int], None]) -> None:
    """The first too, which is looked at before the others."""
    axes = {"milademetan": [10.0, 100.0, 1e300]}
    expected = run("roadrunner", ONE, axes, measures=measures)
    few_steps(5)
    found = run("batch", ONE, axes, measures=measures)
    assert found["status"].values.tolist() == ["ok", "ok", "integration failed"]
    same_bytes(found.drop_vars("reason"), expected.drop_vars("reason"))
    said = found["reason"].values
    assert all(reason.startswith("by roadrunner, for batch gave up") for reason in said)
    assert "CVODE" in said[2]


def test_simulate_says_who_took_over(few_steps: Callable[[int], None]) -> None:
    few_steps(5)
    found = ONE.simulate(TIMES, {"milademetan": 10.0}, engine="batch")
    assert "gave up, it takes more than" in found.attrs["engine"]
    assert "run by roadrunner" in found.attrs["engine"]
    expected = ONE.simulate(TIMES, {"milademetan": 10.0}, engine="roadrunner")
    xr.testing.assert_equal(found, expected)


def test_an_error_of_roadrunner_is_one_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it is: it must not end the sweep."""

    def fail(*_: object) -> None:
        raise np.linalg.LinAlgError("Singular matrix")

    monkeypatch.setattr(settling, "_settled", fail)
    found = run("batch", pn.load("milademetan"), MIXED.iloc[:3], measures=["auc:p53_active"])
    assert found["status"].values.tolist() == ["steady state failed", "ok", "ok"]
    assert found["reason"].values[0] == "milademetan: LinAlgError: Singular matrix"


# Which engine


def test_auto_takes_batch_for_many_points() -> None:
    doses, short = np.geomspace(1.0, 1e3, 10), [0.0, 1.0]
    for count, engine in ((9, "roadrunner "), (10, "batch, llvmlite ")):
        axes = {"milademetan": doses[:count]}
        found = pn.sweep(ONE, axes, times=short, measures=["fold:p53_active"])
        assert found.attrs["engine"].startswith(engine)
        assert set(found["status"].values) == {"ok"}


@pytest.mark.parametrize("engine", ["magic", "Batch", "", None])
def test_unknown_engines_are_refused(engine: Any) -> None:
    for call in (
        lambda: run(engine, ONE, {"milademetan": [1.0]}, measures=["auc:p53_active"]),
        lambda: ONE.simulate(TIMES, engine=engine),
        lambda: pn.escape(["milademetan"], engine=engine),
    ):
        with pytest.raises(pn.InputError, match="must be one of roadrunner, batch, copasi, auto"):
            call()


@pytest.mark.parametrize(("first", "then"), [("roadrunner", "batch"), ("batch", "auto")])
def test_a_store_of_the_other_engine_is_refused(first: str, then: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {"measures": ["auc:p53_active"], "store": tmp_path / "s"}
    run(first, ONE, {"milademetan": [1.0, 10.0]}, **options)
    with pytest.raises(pn.StoreError, match="it differs in engine;"):
        run(then, ONE, {"milademetan": [1.0, 10.0]}, **options, resume=True)


def test_what_takes_long_runs_in_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions of the user that take one point do not run faster in threads, and may hang."""
    monkeypatch.setattr(sweeps, "_SMALL", 2)
    for measures, threaded in (([ARRAYS[0], "rebound", "dose_ratio:3"], True), ([OWN], False)):
        plan, _ = _plan(ONE, MIXED, measures=measures)
        processes, running = sweeps._workers(None, None, 20, plan)
        assert (processes == 0) == threaded
        assert running >= 1


def test_a_tornado_on_the_batch_engine() -> None:
    options: dict[str, Any] = {"moved": ["k_deg_p53", "n_MDM2"], "times": TIMES,
                               "doses": {"milademetan": 100.0}}  # fmt: skip
    found = pn.tornado(ONE, "escape_index", engine="batch", **options)
    expected = pn.tornado(ONE, "escape_index", engine="roadrunner", **options)
    assert found.attrs["engine"].startswith("batch")
    assert found["parameter"].values.tolist() == expected["parameter"].values.tolist()
    np.testing.assert_allclose(found["value"], expected["value"], rtol=1e-6)


# Models that are not ours


FOREIGN = {
    "rate rules": ("x=1; x' = -k*x + s; k=0.3; s=0.1; y := 2*x;", {"k": [0.0, 0.3, 2.0]}),
    "amounts": (
        "compartment c=3; substanceOnly species x in c; species y in c; x=6; y=1; x->y; k*x; "
        "y->; s*y*c; k=.5; s=.2;", {"k": [0.1, 1.0], "c": [1.0, 3.0, 7.0]}),
    "events": ("species x; x=1; x->; k*x; k=.2; y := x+time; at time>=5: x=3; at time>=7: k=.5;",
               {"k": [0.1, 0.4]}),
    "an event at the end": ("species x; x=1; x->; k*x; y:=x; k=.2; at time>=24: x=3;",
                            {"k": [0.1, 0.4]}),
    "time in a rate": ("species x; x=1; y:=2*x; ->x; s*(1+exp(-time)); x->; k*x; k=.2; s=.3;",
                       {"k": [0.1, 0.4], "s": [0.0, 1.0]}),
    "states below 0": ("x=1; y=0.5; x' = k*y; y' = -k*x; k=1.3;", {"k": [0.0, 1.3, 2.0]}),
    "start values that follow": ("species x; x=2*s; y:=x; x->; k*x; s=1; k=.1;",
                                 {"s": [0.5, 1.0, 3.0]}),
    "an exponent": ("species x,y; x=1; y=.1; x->y; k*x^n/(1+x^n); y->x; .1*y; k=1; n=2;",
                    {"n": [1.0, 2.0, 3.5]}),
    "an end in sight": ("x=1; y:=x; x' = k*x*x; k=0.01;", {"k": [0.01, 0.1]}),
}  # fmt: skip


def foreign(text: str, folder: Path) -> pn.Model:
    antimony.clearPreviousLoads()
    assert antimony.loadAntimonyString(f"model other\n{text}\nend") >= 0, antimony.getLastError()
    (folder / "other.xml").write_text(antimony.getSBMLString("other"))
    return pn.read_sbml(folder / "other.xml")


@pytest.mark.parametrize("name", FOREIGN)
def test_models_from_files(name: str, tmp_path: Path) -> None:
    text, axes = FOREIGN[name]
    model = foreign(text, tmp_path)
    options: dict[str, Any] = {"measures": ["auc:x", "fold:y"], "observables": ["x", "y"],
                               "keep_trajectories": True}  # fmt: skip
    found, expected = (run(engine, model, axes, **options) for engine in ("batch", "roadrunner"))
    assert found.attrs["engine"].startswith("batch")
    failed = found["status"].values == "integration failed"
    assert failed.any() == (name == "an end in sight")
    assert all(r.startswith("by roadrunner") for r in found["reason"].values[failed])
    found["reason"].values[failed] = expected["reason"].values[failed]
    agree(found, expected, absolute=3e-6)  # of numbers near 1
    same_bytes(run("batch", model, axes, **options, chunk=1).drop_vars("reason"),
               found.drop_vars("reason"))  # fmt: skip


def test_a_model_without_formulas_goes_to_roadrunner(tmp_path: Path) -> None:
    model = foreign(f"species x; x=1; x->; k*x; k=.2; {JUMPS}", tmp_path)
    found = run("batch", model, {"k": [0.1, 0.4]}, measures=["auc:x"])
    assert set(found["status"].values) == {"ok"}
    assert found.attrs["engine"].startswith("roadrunner ")
    assert "instead of batch, which cannot run" in found.attrs["engine"]
    same_bytes(found, run("roadrunner", model, {"k": [0.1, 0.4]}, measures=["auc:x"]))
    assert "instead of batch" in model.simulate(TIMES, engine="batch").attrs["engine"]


# Processes and threads that end


def ends(times: np.ndarray, medium: np.ndarray) -> float:
    if round(medium[0]) == 3:
        os._exit(3)
    return float(medium[0])


@pytest.mark.skipif(os.name == "nt", reason="as in test_faults")
@pytest.mark.slow
def test_a_point_that_ends_its_process() -> None:
    table = pd.DataFrame({"milademetan": [1.0, 3.0, 4.0]})
    own = pn.measures.own("own", ends, ["inhibitor_medium"])
    plan, _ = _plan(ONE, table, measures=[own, "auc:p53_active"])
    found = isolated.isolated_table(plan, 0, table.to_numpy()).to_pandas()
    assert found["status"].tolist() == ["ok", "worker lost", "ok"]
    expected = rows.table(plan, 0, table.to_numpy()[::2]).to_pandas()
    for name in ("own", "auc_p53_active"):
        assert found[name].to_numpy()[::2].tobytes() == expected[name].to_numpy().tobytes()


@pytest.mark.slow
def test_a_model_from_a_file_in_a_watched_process(tmp_path: Path) -> None:
    model = foreign(*FOREIGN["rate rules"][:1], tmp_path)
    plan, _ = _plan(model, pd.DataFrame({"k": [0.1, 0.2]}), measures=["auc:x"])
    table = np.array([[0.1], [0.2]])
    assert isolated.isolated_table(plan, 0, table).equals(rows.table(plan, 0, table))


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("measures", [ARRAYS, [*ARRAYS, OWN]], ids=["arrays", "one by one"])
def test_an_interrupt_leaves_a_store_and_no_thread(measures: list[Any], tmp_path: Path) -> None:
    options: dict[str, Any] = {"measures": measures, "store": tmp_path / "s", "chunk": 2}
    before = set(threading.enumerate())

    def interrupt(now: pn.Progress) -> None:
        if now.done >= 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        run("batch", ONE, MIXED, workers=None, progress=interrupt, **options)
    # Even while the error, and so every frame that it went through, is kept.
    assert set(threading.enumerate()) <= before, caught  # others may end
    told: list[pn.Progress] = []
    found = run("batch", ONE, MIXED, workers=None, resume=True, progress=told.append, **options)
    assert 4 <= told[0].resumed < len(MIXED)
    del options["store"]
    same_bytes(found, run("batch", ONE, MIXED, **options))


def test_an_interrupt_waits_for_no_chunk() -> None:
    """Points that are looked at one by one stop at the next of them."""
    seen: list[int] = []

    def slow(times: np.ndarray, active: np.ndarray) -> float:
        seen.append(1)
        time.sleep(0.01)
        return 1.0

    table = pd.DataFrame({"milademetan": np.linspace(1.0, 2.0, 400)})
    own = pn.measures.own("slow", slow, ["p53_active"])
    plan, design = _plan(ONE, table, measures=[own])
    made = workers.in_process(plan, design, [(0, 2), (2, 200), (200, 400)], 2)
    next(made)
    made.close()
    assert len(seen) < 50


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="a signal of Unix")
def test_ctrl_c(tmp_path: Path) -> None:
    code = (
        "import signal\nimport numpy as np\nimport p53net as pn\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's `&` ignores it
        "def say(now):\n    print(now.done, flush=True)\n"
        "axes = {'milademetan': np.geomspace(1, 1e4, 1000), 'k_deg_p53': np.linspace(.1, 1, 300)}\n"
        f"pn.sweep(pn.load('milademetan'), axes, measures=['auc:p53_active'], chunk=50,\n"
        f"         store={str(tmp_path / 's')!r}, progress=say)\n"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          env=faults_environment(), text=True) as process:  # fmt: skip
        for _ in range(4):
            assert process.stdout is not None and process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30.0)
        assert process.returncode == -signal.SIGINT
    kept = pn.read_sweep(tmp_path / "s")
    assert 100 <= (kept["status"].values == "ok").sum() < kept["status"].size


def faults_environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(["." if not p else p for p in sys.path])}


# The study of escape, and the command line


@pytest.mark.slow
def test_escape_on_the_batch_engine() -> None:
    options: dict[str, Any] = {"hours": 12.0, "pulse_hours": 2.0, "fold": 2.5}
    found = pn.escape(["KT-253"], engine="batch", **options)
    expected = pn.escape(["KT-253"], engine="roadrunner", **options)
    for result, engine in ((found, "batch"), (expected, "roadrunner")):  # at rest too
        assert result.attrs["engine"] == DEGRADER.runner(engine).engine.label
    for name in numbers(expected):
        scale = float(np.nanmax(np.abs(expected[name].values)))
        np.testing.assert_allclose(
            found[name], expected[name], rtol=1e-5, atol=1e-7 * scale, err_msg=name
        )


def p53net(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "p53net", *arguments], capture_output=True, encoding="utf-8",
        cwd=cwd, env={**faults_environment(), "COLUMNS": "200", "NO_COLOR": "1"},
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("sweep milademetan --vary milademetan=1:100:4 --measure auc:p53_active --hours 6 "
         "--engine batch --out s", "engine: batch, llvmlite"),
        ("simulate milademetan --dose 10 --hours 6 --points 7 --engine batch --out s",
         "engine: batch, llvmlite"),
        ("escape milademetan --hours 6 --pulse 2 --fold 2 --no-plot --engine batch --out s",
         ""),
        ("tornado milademetan --parameter k_deg_p53 --hours 6 --engine batch", ""),
    ],
    ids=["sweep", "simulate", "escape", "tornado"],
)  # fmt: skip
@pytest.mark.slow
def test_commands(command: str, said: str, tmp_path: Path) -> None:
    done = p53net(*command.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert said in done.stderr
    if command.startswith("sweep"):
        found = pn.read_sweep(tmp_path / "s")
        assert found.attrs["engine"].startswith("batch, llvmlite ")
    elif command.startswith("escape"):
        record = json.loads((tmp_path / "s" / "escape.json").read_text())
        assert record["arguments"]["engine"] == "batch"
    refused = p53net(*command.replace("batch", "magic").split(), cwd=tmp_path)
    assert refused.returncode == 1
    assert "must be one of roadrunner, batch, copasi, auto" in refused.stderr


def test_threads_run_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of two chunks waits for the other one inside the engine."""
    met, run = threading.Barrier(2, timeout=30.0), Runner.attempt

    def together(self: Runner, *given: object, **more: object) -> object:
        met.wait()
        return run(self, *given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Runner, "attempt", together)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1}, raising=False)
    doses = {"milademetan": [1.0, 10.0, 100.0, 1000.0]}
    options = {"measures": ["peak:p53_active"], "engine": "batch", "chunk": 2}
    found = pn.sweep(pn.load("milademetan"), doses, **options)  # type: ignore[arg-type]
    assert (found["status"] == "ok").all()
