"""Events before, at and after the end of a run: both engines as a solution in closed form."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from p53net.dosing.medium import same_courses
from p53net.engines.base import DosingEvents, Problem
from tests.support.files import read

END = 10.0
MODEL = """
    compartment c = 1
    species A in c = 1; species $E in c = 2
    k = 0.3
    J: A => ; k*A*E
    pull := k*E
    scaled := A*pull + time
    at (time >= {0}): k = 0.6
    at (time >= {1}): E = 5
    at (time >= {2}): A = 3
"""
TIMES = [  # of the three events
    (4, 6, 8),
    (4, 7, 7),
    (4, 10, 8),
    (4, 8, 10),
    (10, 10, 10),
    (4, 7, 20),
    (4, 20, 8),
    (20, 4, 10),
    (11, 20, 30),
    (10.000000001, 5, 5),
]
GRIDS = {
    "fine": np.linspace(0.0, END, 41),
    "coarse": np.array([0.0, END]),
    "uneven": np.array([0.0, 4.0, 4.1, 9.9, END]),
}


def exact(times: np.ndarray, at: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Rows at an event show what it does."""
    rows = []
    for time in times:
        now, a, e, k = 0.0, 1.0, 2.0, 0.3
        for event in sorted({moment for moment in at if moment <= time}):
            a *= np.exp(-k * e * (event - now))
            now = event
            k = 0.6 if at[0] == event else k
            e = 5.0 if at[1] == event else e
            a = 3.0 if at[2] == event else a
        a *= np.exp(-k * e * (time - now))
        rows.append((a, e, k * e, a * k * e + time))
    return dict(zip(("A", "E", "pull", "scaled"), np.array(rows).T, strict=True))


@pytest.mark.parametrize("engine", ["batch", "roadrunner"])
@pytest.mark.parametrize(("at", "grid"), [*product(TIMES, GRIDS)], ids=str)
def test_events_around_the_end(
    at: tuple[float, ...], grid: str, engine: str, tmp_path: Path
) -> None:
    model = read(MODEL.format(*at), tmp_path)
    run = model.simulate(GRIDS[grid], engine=engine, accuracy=1e-8)
    assert run.attrs["engine"].startswith(engine)
    for name, curve in exact(GRIDS[grid], at).items():
        np.testing.assert_allclose(run[name], curve, rtol=1e-7, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("engine", ["batch", "roadrunner"])
def test_runs_of_different_ends_know_their_own_events(engine: str, tmp_path: Path) -> None:
    """Of one call: what lies after the end of one run lies inside another."""
    model = read(MODEL.format(4, 6, 8), tmp_path)
    times = np.linspace(0.0, 1.0, 11) * np.array([[3.0], [4.0], [7.0], [8.0], [9.0]])
    names = ("A", "E", "pull", "scaled")
    runs = model.runner(engine).run(times, same_courses({}, len(times)), {}, names)
    for values, own in zip(runs.values, times, strict=True):
        np.testing.assert_allclose(values, list(exact(own, (4, 6, 8)).values()), rtol=1e-7)


@pytest.mark.parametrize("engine", ["batch", "roadrunner"])
@pytest.mark.parametrize("stops", [[0.0], [0.0, 0.0], [5.0, 5.0], [0.0, 5.0, 5.0]], ids=str)
def test_a_run_or_a_last_stretch_without_length_gives_its_start(
    stops: list[float], engine: str, tmp_path: Path
) -> None:
    """It is no step, and rows are written along steps."""
    model = read("compartment c = 1; species A in c = 1; k = 0.3; J: A => ; k*A", tmp_path)
    times = np.array([0.0, stops[-1], stops[-1]])
    changes = np.full((3, len(stops) - 1, 1), np.nan)
    changes[:, -1:] = 2.0  # of A, at the last stop before the end
    events = DosingEvents(np.tile(np.array(stops[:-1]), (3, 1)), ("A",), changes)
    rates = {"k": np.array([0.1, 0.2, 0.3])}
    runs = model.runner(engine).engine.integrate(
        Problem(rates, np.ones((3, 1)), times, ("A",), events)
    )
    assert not runs.errors
    last = 2.0 if len(stops) > 1 else 1.0
    assert runs.values[:, 0, 1:].ravel() == pytest.approx([last] * 6, rel=1e-9)
    first = 1.0 if stops[-2:-1] != [0.0] else 2.0
    assert runs.values[:, 0, 0] == pytest.approx([first] * 3, rel=1e-9)
