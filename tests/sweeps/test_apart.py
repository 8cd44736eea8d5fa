"""Sweeps of strangers' models on RoadRunner: points go to its process together."""

from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import pytest

import p53net as pn
from p53net.engines import apart
from p53net.engines.base import Problem, Runs
from p53net.errors import P53NetError, SimulationError, TimeLimitError
from tests.support.files import read

TEXT = """
    compartment c = 2; species x in c, y in c = 0.1; k = 0.3; h = 2; x = 2*k
    J: x => y; c*k*x^h
    D: y => ; c*0.4*y
"""
TIMES = np.linspace(0.0, 10.0, 11)
POINTS = pd.DataFrame({"k": np.linspace(0.1, 1.2, 12), "h": np.linspace(1.0, 3.0, 12)})
OPTIONS = {"times": TIMES, "measures": ["peak:y", "auc:x"], "workers": 0, "engine": "roadrunner"}


@pytest.fixture
def model(tmp_path: Path) -> pn.Model:
    return read(TEXT, tmp_path)


def test_points_share_calls_and_give_what_single_runs_give(
    model: pn.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    plain = apart.Apart.integrate

    def counted(self: apart.Apart, problem: Problem) -> Runs:
        sizes.append(len(problem))
        return plain(self, problem)

    monkeypatch.setattr(apart.Apart, "integrate", counted)
    found = pn.sweep(model, POINTS, **OPTIONS)  # type: ignore[arg-type]
    assert max(sizes) > 1
    one_by_one = pn.sweep(model, POINTS, chunk=1, **OPTIONS)  # type: ignore[arg-type]
    for i, row in enumerate(POINTS.to_dict("records")):
        run = model.simulate(TIMES, parameters=row, engine="roadrunner")
        assert found["peak_y"][i] == pytest.approx(float(run["y"].max()), rel=1e-6)
        assert run["x"][0] == pytest.approx(2.0 * row["k"])
    for name in found.data_vars:  # bits do not depend on who shares a call
        np.testing.assert_array_equal(found[name], one_by_one[name])


def test_a_point_that_fails_or_is_late_is_one_point(
    model: pn.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that share its call have what they have alone."""
    expected = pn.sweep(model, POINTS, **OPTIONS)  # type: ignore[arg-type]
    plain, late = apart.Apart.integrate, {"at": 0.0}

    def odd(self: apart.Apart, problem: Problem) -> Runs:
        errors: dict[int, P53NetError] = {}
        for i, k in enumerate(problem.parameters["k"]):
            if k == POINTS["k"][5]:
                errors[i] = SimulationError("it stops")
            if k == POINTS["k"][7]:  # which takes all the time, so that none is left for others
                errors |= {j: TimeLimitError("late") for j in range(i, len(problem))}
                late["at"] = self.deadline
        found = plain(self, problem)
        found.values[list(errors)] = np.nan
        return found._replace(errors={**found.errors, **errors})

    def clock() -> float:
        return max(perf_counter(), late["at"] + 0.1) if np.isfinite(late["at"]) else perf_counter()

    monkeypatch.setattr(apart.Apart, "integrate", odd)
    monkeypatch.setattr("p53net.sweeps.rows.perf_counter", clock)
    found = pn.sweep(model, POINTS, **OPTIONS)  # type: ignore[arg-type]
    said = ["ok"] * 12
    said[5], said[7] = "integration failed", "time limit"
    assert found["status"].values.tolist() == said
    sound = [i for i in range(12) if i not in (5, 7)]
    np.testing.assert_array_equal(found["auc_x"][sound], expected["auc_x"][sound])


def test_a_run_begins_where_it_should_whatever_ran_before(model: pn.Model) -> None:
    """A value that the file has is not set again; after a run with another it is there again."""
    moved, usual = {"k": 0.9, "c": 5.0}, {"k": 0.3, "c": 2.0}
    first = model.simulate(TIMES, parameters=usual, engine="roadrunner")
    other = model.simulate(TIMES, parameters=moved, engine="roadrunner")
    again = model.simulate(TIMES, parameters=usual, engine="roadrunner")
    assert other["x"][0] == pytest.approx(1.8) and other["y"][0] == pytest.approx(0.1)
    np.testing.assert_array_equal(first["y"], again["y"])


def test_an_axis_has_no_curve(model: pn.Model) -> None:
    with pytest.raises(pn.InputError, match="k is an axis and an observable"):
        pn.sweep(model, POINTS, times=TIMES, observables=["y", "k"], keep_trajectories=True)


def test_looks_follow_what_decides_a_switch(tmp_path: Path) -> None:
    """A window of a hundredth, which RoadRunner sees only where it looks."""
    text = "a = 3; p := piecewise(1, (time > a) && (time < a + 0.01), 0); x = 0; x' = p"
    table = pd.DataFrame({"a": [3.0, 3.0, 7.2, 3.0, 5.1]})
    found = pn.sweep(
        read(text, tmp_path), table, times=[0.0, 10.0], observables=["x"], workers=0,
        engine="roadrunner",
    )  # fmt: skip
    np.testing.assert_allclose(found["x_at_10"], 0.01, rtol=1e-5)
