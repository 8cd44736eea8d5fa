"""Events on the batch engine: when they happen, in which order, and on which grid: on any."""

import functools
import tempfile
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import p53net as pn
from p53net.engines.base import DosingEvents, Problem, Runs
from tests.support.files import read

NEAR = 1e-5
"""Relative: ten times the accuracy that runs are asked for."""


@functools.cache
def model(text: str) -> pn.Model:
    return read(text, Path(tempfile.mkdtemp()))


def run(text: str, times: "np.ndarray | list[float]", **changed: float) -> xr.Dataset:
    found = model(text).simulate(times, parameters=changed, engine="batch")
    assert found.attrs["engine"].startswith("batch, llvmlite"), found.attrs["engine"]
    return found


def together(text: str, times: np.ndarray, starts: list[float], outputs: tuple[str, ...],
             **columns: np.ndarray) -> Runs:  # fmt: skip
    """Many runs in one call of the engine."""
    engine = model(text).runner("batch").engine
    size = len(next(iter(columns.values())))
    problem = Problem(columns, np.tile(np.array(starts), (size, 1)), times, outputs,
                      DosingEvents.none(size))  # fmt: skip
    return engine.integrate(problem)


def level(text: str, times: list[float], name: str, **changed: float) -> list[float]:
    return [round(float(x), 6) for x in run(text, times, **changed)[name].values]


# --- windows of a state, which steps pass over

WINDOW = """
    compartment c = 1; species A in c; A = 0; k = 1
    J: -> A; k
    E: at (A >= 2) && (A < 2.2): k = -0.1, A = 100
"""


@pytest.mark.parametrize("count", [2, 3, 6, 11, 101, 1001])
def test_a_window_of_a_state_is_found_on_every_grid(count: int) -> None:
    found = run(WINDOW, np.linspace(0.0, 10.0, count))
    assert float(found["A"][-1]) == pytest.approx(99.2, rel=1e-9)
    assert float(found["k"][-1]) == -0.1
    assert float(found["k"][0]) == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("count", [3, 1001])
def test_a_sweep_finds_it_too(count: int) -> None:
    data = pn.sweep(
        model(WINDOW), {"k": [1.0, 1.0001]}, times=np.linspace(0, 10, count), measures=["at:A:10"],
        engine="batch",
    )  # fmt: skip
    assert (data["status"] == "ok").all()
    # k is -0.1 after the event, at 2/k hours.
    expected = [100.0 - 0.1 * (10.0 - 2.0 / k) for k in (1.0, 1.0001)]
    np.testing.assert_allclose(data["A_at_10"].values, expected, rtol=1e-9)


BULGE = """
    compartment c = 1; species A in c; A = 0; top = 0.999
    A' = 2*(1 - time)
    hit = 0
    E: at A > top: hit = hit + 1
"""


@pytest.mark.slow
def test_what_comes_and_goes_within_a_step_is_seen() -> None:
    """A = 1 - (t - 1)^2 is integrated exactly by steps as long as the run: it passes the threshold
    twice in one."""
    found = run(BULGE.replace("compartment c = 1; species A in c; ", ""), [0.0, 2.0], top=0.9)
    assert float(found["hit"][-1]) == 1.0


@pytest.mark.slow
def test_a_piecewise_window_of_a_rate_is_seen() -> None:
    """While x is between 5 and 5.001 y grows by 1000 an hour: by 1 in all."""
    text = "x = 0; y = 0; x' = 1; y' = piecewise(1000, x >= 5 && x < 5.001, 0)"
    found = run(text, [0.0, 10.0])
    assert float(found["y"][-1]) == pytest.approx(1.0, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    "rate", ["-abs(x)", "-max(0, x)", "-piecewise(x, x >= 0, -x)", "-piecewise(0, x < 0, x)"]
)
def test_a_kink_is_no_jump(rate: str) -> None:
    """What is continuous needs no stop, and a run that rests on it would stop for ever."""
    text = f"x = 2; x' = {rate}"
    assert model(text).runner("batch").engine.system.watched == ()
    assert float(run(text, [0.0, 3.0])["x"][-1]) == pytest.approx(2.0 * np.exp(-3.0), rel=NEAR)


@pytest.mark.slow
def test_a_rate_that_jumps_is_watched() -> None:
    text = "x = 2; x' = piecewise(-1, x > 1, -0.5)"
    assert len(model(text).runner("batch").engine.system.watched) == 1
    assert level(text, [0.0, 0.5, 1.0, 2.0], "x") == [2.0, 1.5, 1.0, 0.5]


# --- closed forms

DECAY = """
    compartment c = 1; species A in c; A = 10; n = 0; lo = 2; k = 1
    J: A -> ; k*A
    E: at A < lo: A = 10, n = n + 1
"""


def decay(times: np.ndarray, lo: np.ndarray, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A, and how often it has been filled up."""
    period = (np.log(10.0 / lo) / k)[:, None]
    turns = np.floor(times / period)
    return 10.0 * np.exp(-k[:, None] * (times - turns * period)), turns


def test_each_lane_has_moments_of_its_own() -> None:
    lo, k = np.linspace(1.0, 9.0, 19), np.linspace(0.5, 3.0, 19)
    times = np.array([0.0, 0.333, 1.7, 4.1234])
    found = together(DECAY, times, [10.0], ("A", "n"), lo=lo, k=k)
    assert not found.errors
    curve, turns = decay(times, lo, k)
    np.testing.assert_allclose(found.values[:, 0], curve, rtol=NEAR)
    np.testing.assert_array_equal(found.values[:, 1], turns)


def test_a_run_depends_on_its_own_row_alone() -> None:
    lo, times = np.linspace(1.0, 9.0, 11), np.linspace(0.0, 3.0, 7)
    all_ = together(DECAY, times, [10.0], ("A", "n"), lo=lo).values
    for i in range(0, 11, 3):
        alone = together(DECAY, times, [10.0], ("A", "n"), lo=lo[i : i + 1]).values
        assert alone.tobytes() == all_[i : i + 1].tobytes()


@settings(max_examples=25, deadline=None)
@given(
    lo=st.floats(0.5, 9.5),
    k=st.floats(0.2, 3.0),
    inner=st.lists(st.floats(0.01, 4.99), max_size=6, unique=True),
)
def test_no_grid_moves_an_event(lo: float, k: float, inner: list[float]) -> None:
    columns = {"lo": np.array([lo]), "k": np.array([k])}
    coarse = together(DECAY, np.array([0.0, 5.0]), [10.0], ("A", "n"), **columns).values
    times = np.array([0.0, *sorted(inner), 5.0])
    fine = together(DECAY, times, [10.0], ("A", "n"), **columns).values
    assert fine[:, :, [0, -1]].tobytes() == coarse.tobytes()
    period = np.log(10.0 / lo) / k
    away = np.abs(times / period - np.round(times / period)) > 1e-6
    curve, turns = decay(times, columns["lo"], columns["k"])
    np.testing.assert_allclose(fine[0, 0, away], curve[0, away], rtol=NEAR)
    np.testing.assert_array_equal(fine[0, 1, away], turns[0, away])


@pytest.mark.slow
def test_it_agrees_with_events_of_another_solver() -> None:
    text = """
        compartment c = 1; species A in c, B in c; A = 1; B = 1
        J0: -> A; 0.1
        J1: A -> ; 0.3*A*B
        J2: -> B; 0.2*A*B
        J3: B -> ; 0.15*B
        E: at B < 0.5: A = A + 2
    """

    def rates(_t: float, y: np.ndarray) -> list[float]:
        a, b = y
        return [0.1 - 0.3 * a * b, 0.2 * a * b - 0.15 * b]

    def below(_t: float, y: np.ndarray) -> float:
        return float(y[1]) - 0.5

    setattr(below, "terminal", True)  # noqa: B010
    setattr(below, "direction", -1)  # noqa: B010
    times, at, y = np.linspace(0.0, 60.0, 61), 0.0, np.array([1.0, 1.0])
    curves, events = np.empty((2, 61)), 0
    while True:
        part = solve_ivp(rates, (at, 60.0), y, method="DOP853", events=below, rtol=1e-12,
                         atol=1e-14, dense_output=True)  # fmt: skip
        assert part.sol is not None
        inside = (times >= at) & (times <= part.t[-1])
        curves[:, inside] = part.sol(times[inside])
        if part.status == 0:
            break
        at, y, events = part.t[-1], part.y[:, -1] + [2.0, 0.0], events + 1
    assert events == 3
    found = run(text, times)
    for name, curve in zip("AB", curves, strict=True):
        np.testing.assert_allclose(found[name].values, curve, rtol=NEAR)


# --- the order that SBML gives them: the values are worked out by hand

CLOCK = "x = 0; x' = 1; "
"""x is the time, but as a state, so that triggers on it are roots."""


@pytest.mark.slow
@pytest.mark.parametrize("moves", ["x", "time"])
def test_a_delay_and_when_values_are_worked_out(moves: str) -> None:
    text = f"""{CLOCK} a = 0; b = 0
        E1: at 2 after ({moves} > 1), fromTrigger=true: a = x
        E2: at 2 after ({moves} > 1), fromTrigger=false: b = x
    """
    found = run(text, [0.0, 0.5, 2.9, 3.1, 4.0])
    np.testing.assert_allclose(found["a"].values, [0, 0, 0, 1, 1], atol=1e-9)
    np.testing.assert_allclose(found["b"].values, [0, 0, 0, 3, 3], atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("persistent", "expected"), [("true", 1.0), ("false", 0.0)])
def test_an_event_that_does_not_persist_needs_its_condition_until_it_is_due(
    persistent: str, expected: float
) -> None:
    text = f"{CLOCK} a = 0; E: at 2 after (x > 1 && x < 2), persistent={persistent}: a = 1"
    assert level(text, [0.0, 5.0], "a")[-1] == expected


@pytest.mark.slow
def test_an_event_waits_several_times_at_once() -> None:
    text = f"""{CLOCK} a = 0
        Back: at x > 1.5: x = 0.5
        E: at 2 after (x > 1), fromTrigger=false: a = a + 1
    """
    # x passes 1 at 1, is set to 0.5 at 1.5, and passes 1 again at 2, 3 ...
    assert level(text, [0.0, 2.9, 3.1, 3.9, 4.1, 5.1], "a") == [0, 0, 1, 1, 2, 3]


def test_priorities_order_what_is_due_at_once_and_others_see_what_it_did() -> None:
    text = f"""{CLOCK} a = 0
        Low: at x >= 1, priority=1, fromTrigger=false: a = a*10 + 1
        High: at x >= 1, priority=2, fromTrigger=false: a = a*10 + 2
        Highest: at x >= 1, priority=a + 3, fromTrigger=false: a = a*10 + 3
    """
    assert level(text, [0.0, 2.0], "a")[-1] == 321


@pytest.mark.slow
def test_an_event_may_take_away_the_condition_of_another() -> None:
    text = f"""{CLOCK} a = 0; b = 0; open = 1
        First: at x >= 1, priority=2: open = 0, a = 1
        Second: at x >= 1 && open > 0, priority=1, persistent=false: b = 1
    """
    found = run(text, [0.0, 2.0])
    assert (float(found["a"][-1]), float(found["b"][-1])) == (1.0, 0.0)


@pytest.mark.slow
def test_events_that_cause_each_other_happen_at_one_time() -> None:
    text = f"""{CLOCK} a = 0; b = 0; c = 0
        One: at x >= 1: a = 1
        Two: at a > 0: b = 1
        Three: at b > 0: c = x
    """
    assert level(text, [0.0, 2.0], "c")[-1] == pytest.approx(1.0, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("before", "expected"), [("true", 0.0), ("false", 7.0)])
def test_what_holds_at_the_start_happens_only_if_it_counts_as_false_before(
    before: str, expected: float
) -> None:
    text = f"{CLOCK} a = 0; E: at (x >= 0), t0={before}: a = 7"
    assert level(text, [0.0, 1.0], "a") == [expected, expected]


@pytest.mark.slow
def test_events_of_one_priority_take_turns_by_chance_that_repeats() -> None:
    text = f"""{CLOCK} a = 0; b = 0; last = 0
        A: at (time - last >= 0.01), priority=1, persistent=false: a = a + 1, last = time
        B: at (time - last >= 0.01), priority=1, persistent=false: b = b + 1, last = time
    """
    found = run(text, [0.0, 2.005])
    a, b = float(found["a"][-1]), float(found["b"][-1])
    assert a + b == 200
    assert 70 < a < 130  # within four standard deviations of a fair coin's
    again = run(text, [0.0, 1.0, 2.005])
    assert (float(again["a"][-1]), float(again["b"][-1])) == (a, b)


@pytest.mark.slow
def test_a_volume_that_an_event_sets_keeps_amounts() -> None:
    text = """
        compartment c = 2; species A in c, $B in c; substanceOnly species N in c
        A = 3; B = 5; N = 7; x = 0; x' = 1
        E: at x >= 1: c = 4
    """
    found = run(text, [0.0, 2.0])
    after = [float(found[name][-1]) for name in ("c", "A", "B", "N")]
    assert after == pytest.approx([4.0, 1.5, 2.5, 7.0], rel=1e-12)


@pytest.mark.slow
def test_a_concentration_set_with_its_volume_is_one_of_the_old_volume() -> None:
    text = "compartment c = 2; species $B in c; B = 5; E: at time >= 1: c = 4, B = 3"
    assert float(run(text, [0.0, 2.0])["B"][-1]) == pytest.approx(1.5, rel=1e-12)


# --- time


@pytest.mark.slow
@pytest.mark.parametrize("trigger", ["time == 3", "x == 3", "time >= 3 && time <= 3"])
def test_an_equality_happens_at_its_moment(trigger: str) -> None:
    text = f"{CLOCK} a = 0; n = 0; E: at ({trigger}): a = x, n = n + 1"
    found = run(text, [0.0, 10.0])
    assert float(found["a"][-1]) == pytest.approx(3.0, abs=1e-9)
    assert float(found["n"][-1]) == 1.0


@pytest.mark.slow
def test_points_of_a_sweep_say_that_their_model_has_an_equality() -> None:
    ill_posed = model("k = 1; x = 0; x' = k; E: at time == 3: x = 0")
    found = pn.sweep(
        ill_posed, {"k": [1.0, 2.0]}, times=np.linspace(0, 10, 11), measures=["peak:x"]
    )
    assert (found["status"] == "ok").all()
    assert set(found["reason"].values) == {"E: == in a trigger holds at its moment alone"}


@pytest.mark.slow
def test_times_that_parameters_decide_and_events_move() -> None:
    """Every event moves its own next moment: at 1, 3, 7, 15."""
    text = "x = 0; x' = 1; next_ = 1; n = 0; E: at time > next_: next_ = 2*next_ + 1, n = n + 1"
    assert level(text, [0.0, 0.9, 1.1, 2.9, 3.1, 7.1, 14.9, 15.1], "n") == [0, 0, 1, 1, 2, 3, 3, 4]


@pytest.mark.slow
def test_a_model_in_which_only_events_happen() -> None:
    found = run("a = 0; E: at time >= 2: a = 5; F: at a > 1: a = a + 1", [0.0, 1.0, 3.0])
    assert found["a"].values.tolist() == [0.0, 0.0, 6.0]


@pytest.mark.slow
def test_an_event_at_the_end_shows_in_the_last_row() -> None:
    text = f"{CLOCK} a = 0; k = 2; b := k*a; E: at time >= 2: a = 5; F: at time >= 9: k = 100"
    found = run(text, [0.0, 2.0])
    assert (float(found["a"][-1]), float(found["b"][-1]), float(found["k"][-1])) == (5.0, 10.0, 2.0)


@pytest.mark.slow
@pytest.mark.parametrize("rest", ["", "F: at x > 100: a = 9"], ids=["stops", "roots"])
def test_at_its_very_time_a_strict_comparison_does_not_hold_yet(rest: str) -> None:
    text = f"{CLOCK} a = 0; b = 0; s := a + 10*b; E: at time > 2: a = 1; G: at time >= 2: b = 1; "
    found = run(text + rest, [0.0, 2.0, 2.5])
    assert found["s"].values.tolist() == [0.0, 10.0, 11.0]
    assert run(text + rest, [0.0, 2.0])["s"].values.tolist() == [0.0, 10.0]


@pytest.mark.slow
def test_events_without_end_at_one_time_are_an_error() -> None:
    text = f"{CLOCK} a = 0; E: at x > 1 && a >= 0: a = -1; F: at a < 0: a = 0"
    found = together(text, np.array([0.0, 2.0]), [0.0], ("a",), a=np.zeros(1))
    assert "events happen at one time" in str(found.errors[0])
    assert np.isnan(found.values).all()


# --- events at times that are known, where rates jump for other reasons

GATED = """
    compartment c = 1; X = 0; y = 0; z = 0
    y' = piecewise(1, X >= 0.5, 0); z' = piecewise(1, z < 0.7, 0)
    on: at (time >= 3): X = 1
    off: at (time >= 3.5): X = 0, z = 0
"""


@pytest.mark.parametrize("count", [2, 7, 101])
def test_events_at_known_times_happen_where_rates_jump(count: int) -> None:
    """They are stops of runs where rates do not jump, and there were lost where they do."""
    times = np.linspace(0.0, 6.0, count)
    found = run(GATED, times)
    filled = np.minimum(times, 0.7)
    again = np.minimum(times - 3.5, 0.7)
    np.testing.assert_allclose(found["y"], np.clip(times - 3.0, 0.0, 0.5), atol=1e-9)
    np.testing.assert_allclose(found["z"], np.where(times >= 3.5, again, filled), atol=1e-9)
    np.testing.assert_array_equal(found["X"], (times >= 3.0) & (times < 3.5))
