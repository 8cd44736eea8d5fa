"""Models that are not ours on the batch engine: as equations by hand and RoadRunner say."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import p53net as pn
from tests.support.files import (
    CHANGES,
    FOLDER,
    GRID,
    HILL,
    PUBLISHED,
    TRANSPORT,
    assert_near,
    grid_of,
    hill,
    needs_published,
    read,
    solved,
    transport,
    values,
)


def batch(model: pn.Model, times: np.ndarray = GRID, **changed: float) -> xr.Dataset:
    run = model.simulate(times, parameters=changed, engine="batch")
    assert run.attrs["engine"].startswith("batch, llvmlite")
    return run


@needs_published
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_models_agree_with_roadrunner(name: str) -> None:
    model = pn.read_sbml(Path(FOLDER) / f"{name}.xml")
    times = grid_of(name)
    # Oscillators double small differences with each turn.
    assert_near(batch(model, times), values(model.simulate(times)), 1e-6)


@pytest.mark.parametrize("changed", [{}, {"k1": 1.4}, {"small": 0.25}], ids=str)
def test_volumes_amounts_and_boundaries(changed: dict[str, float], tmp_path: Path) -> None:
    run = batch(read(TRANSPORT, tmp_path), **changed)
    a, b, n = solved(transport, [4.0, 1.0, 3.0], **changed)
    total = 5.0 * a + changed.get("small", 0.5) * b + n
    assert_near(run, {"A": a, "B": b, "N": n, "total": total, "share": n / total}, 1e-7)
    assert set(run["E"].values) == {2.0}


@pytest.mark.parametrize(("changed", "given"), CHANGES, ids=str)
def test_rules_functions_and_start_values_that_follow(
    changed: dict[str, float], given: dict[str, float], tmp_path: Path
) -> None:
    run = batch(read(HILL, tmp_path), **changed)
    x0 = changed.get("x0", 2.0 * given.get("base", 0.5))
    x, y, p, b = solved(hill, [3.0 * x0, 0.1, 1.0, 2.0], **given)
    k = given.get("base", 0.5) * (1.0 + 0.1 * GRID)
    assert_near(run, {"x": x, "y": y, "p": p, "B": b, "K": k}, 1e-7)


def pulsed(t: np.ndarray, start: float, end: float) -> np.ndarray:
    """Made at a rate of 2 between two times, lost at 0.5."""
    during = 4.0 * (1.0 - np.exp(-0.5 * (t - start)))
    after = 4.0 * (1.0 - np.exp(-0.5 * (end - start))) * np.exp(-0.5 * (t - end))
    return np.where(t < start, 0.0, np.where(t < end, during, after))


@pytest.mark.parametrize("times", [GRID, np.array([0.0, 10.0])], ids=["fine", "coarse"])
def test_timed_events_are_stops(times: np.ndarray, tmp_path: Path) -> None:
    """Of a parameter that rates and a derived quantity use, and of a species."""
    model = read(
        """
        compartment c = 1; species S in c = 0, R in c = 1; on = 0; k = 0.5
        J: => S; c*2*on
        L: S => ; c*k*S
        D: R => ; c*0.1*R
        twice := 2*on*S^1.5
        at time > 2.05, t0=false: on = 1
        at time >= 2.25, t0=false: on = 0, R = 5
        """,
        tmp_path,
    )
    run = batch(model, times)
    s = pulsed(times, 2.05, 2.25)
    r = np.where(times < 2.25, np.exp(-0.1 * times), 5.0 * np.exp(-0.1 * (times - 2.25)))
    lit = (times >= 2.05) & (times < 2.25)
    there = times != 2.25  # what falls on an event may come before it or after it
    for name, curve in {"S": s, "R": r, "twice": np.where(lit, 2.0 * s**1.5, 0.0)}.items():
        np.testing.assert_allclose(run[name].values[there], curve[there], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("law", "curve"),
    [
        ("sqrt(S)", lambda t: np.maximum(1.0 - 0.05 * t, 0.0) ** 2),
        ("S*ln(10)/log10(100)", lambda t: np.exp(-0.1 * t * np.log(10.0) / 2.0)),
        ("S*exp(-time)", lambda t: np.exp(-0.1 * (1.0 - np.exp(-t)))),
        ("S^(1/3)", lambda t: (1.0 - 0.1 * t * 2.0 / 3.0) ** 1.5),
        ("(S - 3)^3", lambda t: 3.0 - 1.0 / np.sqrt(0.25 + 0.2 * t) - 0.0),
        ("-S^2*(-1)", lambda t: 1.0 / (1.0 + 0.1 * t)),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_mathematics(law: str, curve: Callable[[np.ndarray], np.ndarray], tmp_path: Path) -> None:
    model = read(f"compartment c = 1; species S in c = 1; J: S => ; c*0.1*({law})", tmp_path)
    run = batch(model, GRID)
    np.testing.assert_allclose(run["S"].values, curve(GRID), rtol=1e-6)


def test_sweeps_agree_with_roadrunner(tmp_path: Path) -> None:
    model = read(HILL, tmp_path)
    axes = {"base": [0.2, 0.5, 0.8], "n": [1.0, 2.5, 4.0], "x0": [0.5, 2.0], "c": [1.0, 3.0]}
    given = {"measures": ["auc:y", "peak:x", "fold:B"], "times": GRID, "workers": 0}
    found, plain = (
        pn.sweep(model, axes, engine=engine, **given)  # type: ignore[arg-type]
        for engine in ("batch", "roadrunner")
    )
    assert found.attrs["engine"].startswith("batch")
    assert (found["status"] == "ok").all()
    for name in ("auc_y", "peak_x", "B_fold"):
        np.testing.assert_allclose(found[name].values, plain[name].values, rtol=1e-6)


def test_our_own_exported_doses_are_stops(tmp_path: Path) -> None:
    own, times = pn.load("milademetan"), np.linspace(0.0, 48.0, 95)
    dose = {"milademetan": pn.course([(0, 50.0), (5.3, 0.0), (20.1, 300.0)])}
    path = pn.export(own, tmp_path / "own.xml", doses=dose)
    run = batch(pn.read_sbml(path), times)
    assert_near(run, values(own.simulate(times, dose, observables=list(run.data_vars))), 1e-6)
