"""What SBML has beyond plain reactions, on the batch engine: against solutions known by hand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import quad

import p53net as pn
from tests.support.files import read, solved

T = np.linspace(0.0, 10.0, 41)


def batch(text: str, folder: Path, times: np.ndarray = T, **changed: float) -> xr.Dataset:
    model = read(text, folder)
    wanted = [*model.definition.variables, *model.definition.on_request]
    run = model.simulate(times, parameters=changed, engine="batch", observables=wanted)
    assert run.attrs["engine"].startswith("batch") and "gave up" not in run.attrs["engine"]
    return run


Known = dict[str, Callable[[np.ndarray], np.ndarray]]
GROWING = "compartment c = 2; c' = 0.1*c; k = 0.5;"
V = {"c": lambda t: 2 * np.exp(0.1 * t)}
CASES: dict[str, tuple[str, Known]] = {
    "a window of time": (
        "x = 0; a = 3.3; b = 3.301; x' = piecewise(2, time >= a && time < b, 0)",
        {"x": lambda t: 2 * np.clip(t - 3.3, 0, 0.001)},
    ),
    "windows that come back": (
        "x = 0; x' = piecewise(1, time - 2*floor(time/2) < 0.25, 0)",
        {"x": lambda t: 0.25 * np.floor(t / 2) + np.minimum(t % 2, 0.25)},
    ),
    "stairs": (
        "x = 0; x' = floor(time) + ceil(-time/3)",
        {"x": lambda t: np.floor(t) * (np.floor(t) - 1) / 2 + np.floor(t) * (t % 1)
                        - 3 * np.floor(t / 3) * (np.floor(t / 3) - 1) / 2
                        - np.floor(t / 3) * (t % 3)},
    ),
    "a wave that switches": (
        "x = 0; x' = piecewise(1, sin(time) > 0, 0)",
        {"x": lambda t: np.pi * np.floor(t / (2 * np.pi))
                        + np.minimum(t % (2 * np.pi), np.pi)},
    ),
    "waves": (
        "x = 0; y = 0; x' = cos(3*time); y' = tan(time/9)",
        {"x": lambda t: np.sin(3 * t) / 3, "y": lambda t: -9 * np.log(np.cos(t / 9))},
    ),
    "what switches by a state": (
        "x = 0; y = 0; x' = 1; y' = piecewise(2, x < 4.321, -1)",
        {"y": lambda t: 2 * np.minimum(t, 4.321) - np.maximum(t - 4.321, 0)},
    ),
    "smallest, largest, size": (
        "x = 0; y = 0; x' = min(time, 3); y' = max(abs(time - 5), 1)",
        {"x": lambda t: np.where(t < 3, t**2 / 2, 3 * t - 4.5),
         "y": lambda t: np.select([t < 4, t < 6], [5 * t - t**2 / 2, 8 + t],
                                  t**2 / 2 - 5 * t + 26)},
    ),
    "a volume that grows": (
        f"{GROWING} species S in c = 4; species $B in c = 3; J: S => ; k*S*c",
        {**V, "S": lambda t: 4 * np.exp(-0.6 * t), "B": lambda t: 3 * np.exp(-0.1 * t),
         "J": lambda t: 4 * np.exp(-0.5 * t)},
    ),
    "a volume by a rule": (
        "compartment c; c := 2 + time; k = 0.5; species S in c = 4; J: S => ; k*S*c",
        {"c": lambda t: 2 + t, "S": lambda t: 8 * np.exp(-0.5 * t) / (2 + t)},
    ),
    "an amount in a volume that grows": (
        f"{GROWING} substanceOnly species S in c = 4; J: S => ; k*S",
        {"S": lambda t: 4 * np.exp(-0.5 * t)},
    ),
    "the rate of a reaction": (
        "compartment c = 1; species S in c = 4; J: S => ; 0.5*S; x = 0; x' = J; y := 2*J",
        {"x": lambda t: 4 - 4 * np.exp(-0.5 * t), "y": lambda t: 4 * np.exp(-0.5 * t)},
    ),
    "a rate of change": (
        "x = 3; x' = -0.5*x; y := x^2; a := rateOf(x); z = 0; z' = rateOf(x)",
        {"a": lambda t: -1.5 * np.exp(-0.5 * t), "z": lambda t: 3 * np.exp(-0.5 * t) - 3},
    ),
    "a stoichiometry that moves": (
        "compartment c = 1; species P in c = 0; n = 2; n' = 1; J: => n P; 3",
        {"P": lambda t: 6 * t + 1.5 * t**2},
    ),
    "nothing that moves": ("k = 3; x := k*time", {"x": lambda t: 3 * t}),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_construct(name: str, tmp_path: Path) -> None:
    text, known = CASES[name]
    for times in (T, T[[0, -1]]):
        run = batch(text, tmp_path, times)
        for quantity, exact in known.items():
            wanted = exact(times)
            error = np.abs(run[quantity].values - wanted).max()
            assert error < 1e-7 * np.abs(wanted).max(), (quantity, len(times))


def test_moments_follow_parameters(tmp_path: Path) -> None:
    """Windows of which each run has its own, also when runs share vectors."""
    text = "x = 0; a = 3.3; b = 3.301; x' = piecewise(2, time >= a && time < b, 0)"
    model = read(text, tmp_path)
    begins = np.array([0.0, 1.0, 2.5, 4.75, 9.9, 9.9995, 11.0, 3.3, 5.0, 6.0])
    swept = pn.sweep(
        model, {"a": list(begins)}, times=T, measures=["peak:x"],
        parameters={"b": 10.5}, engine="batch",
    )  # fmt: skip
    assert swept.attrs["engine"].startswith("batch")
    wanted = 2 * np.clip(10.0 - begins, 0.0, None)
    np.testing.assert_allclose(swept["peak_x"].values, wanted, rtol=1e-9, atol=1e-12)


STEEP = "a = 0; b = 0; c = 0; d = 0; n = 1.5; a' = 1; b' = a^5 - 10*b; c' = b^3 - 10*c; d' = c^n;"


def test_powers_of_what_begins_at_zero(tmp_path: Path) -> None:
    """Stages of a step are below zero, by less than counts, where a power has no value."""

    def slopes(_t: float, y: np.ndarray) -> list[float]:
        a, b, c, _ = y
        return [1.0, a**5 - 10 * b, b**3 - 10 * c, max(c, 0.0) ** 1.5]

    *_, known = solved(slopes, [0.0] * 4, T)
    run = batch(STEEP, tmp_path)
    np.testing.assert_allclose(run["d"].values, known, rtol=1e-6, atol=1e-12)


def test_slopes_that_have_no_value(tmp_path: Path) -> None:
    """The slope of 1/(1 + (k/x)^4) at 0 is infinite times nothing by its formula."""
    run = batch("x = 0; y = 0; k = 2; n = 4; x' = 1; y' = 1/(1 + (k/x)^n)", tmp_path)
    known = [quad(lambda x: x**4 / (x**4 + 16), 0.0, t, epsabs=1e-12)[0] for t in T]
    np.testing.assert_allclose(run["y"].values, known, rtol=1e-6, atol=1e-9)


def test_an_event_just_behind_the_start(tmp_path: Path) -> None:
    run = batch("x = 0; k = 0; x' = k; E: at time > 0: k = 3", tmp_path)
    np.testing.assert_allclose(run["x"].values, 3 * T, rtol=1e-9)
    assert run["k"].values.tolist() == [0.0] + [3.0] * 40


def test_powers_of_what_is_below_zero_have_no_value(tmp_path: Path) -> None:
    with pytest.raises(pn.errors.SimulationError, match=r"finite|failed"):
        read(STEEP.replace("c = 0", "c = -0.001"), tmp_path).simulate(T, engine="batch")
