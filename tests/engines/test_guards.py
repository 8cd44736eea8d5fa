"""What an engine refuses, one guard and one cell each: small rates of which all is known."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from p53net.engines import settling
from p53net.engines.base import Cells, DosingEvents, FloatArray, Problem, Tolerances
from p53net.engines.batch import Batch, driver
from p53net.engines.batch.rodas import GAMMA
from p53net.engines.newton import Newton
from p53net.errors import SimulationError, SteadyStateError
from p53net.model.external import read_definition
from tests.support.sbml_texts import sbml, species

Rates = Callable[[FloatArray], FloatArray]


def newton(rates: Rates, size: int = 1) -> Newton:
    return Newton(rates, np.ones(size, dtype=bool), "toy")


def test_steps_find_the_root_of_a_line() -> None:
    state, jacobian = newton(lambda x: 6.0 - 2.0 * x).rest(np.array([1.0]))
    assert state == pytest.approx([3.0], rel=1e-9)
    assert jacobian == pytest.approx(np.array([[-2.0]]), rel=1e-6)


@pytest.mark.parametrize(
    "rates",
    [
        lambda _x: np.array([1.0]),  # it drifts: the steps never get short
        lambda x: -1.0 - x,  # it rests below nothing
        lambda x: np.where(x > 0.0, -2.0 - np.log(np.maximum(x, 1e-300)), np.nan),  # no rates there
    ],
    ids=["drift", "negative", "no rates"],
)
def test_what_does_not_settle_is_no_rest(rates: Rates) -> None:
    with pytest.raises(SteadyStateError, match="no steady state was found"):
        newton(rates).rest(np.array([5.0]))


def test_what_wakes_up_is_no_rest() -> None:
    """What is absent and not made takes no part, until it is made."""

    def rates(x: FloatArray) -> FloatArray:
        return np.array([1.0 - x[0], max(0.0, x[0] - 0.5)])

    with pytest.raises(SteadyStateError, match="no steady state"):
        newton(rates, 2).rest(np.array([0.1, 0.0]))


def test_a_state_that_is_left_is_not_near() -> None:
    with pytest.raises(SteadyStateError, match="moves away"):
        newton(lambda x: x - 1.0).near(np.array([1.5]))
    assert newton(lambda x: 1.0 - x).near(np.array([1.5])) == pytest.approx([1.0])


def test_a_billionth_of_a_molecule_is_none() -> None:
    assert newton(lambda x: 1e-14 - x).near(np.array([1.0])) == [0.0]


class Toy:
    """A cell that does what it is told, and notes how long it is followed."""

    name = "toy"

    def __init__(self, rates: Rates, *ends: float | Exception) -> None:
        self.rates, self.ends = rates, list(ends)
        self.resting, self.followed = np.array([True]), list[tuple[float, float]]()

    def prepare(self, parameters: dict[str, float], state: FloatArray) -> None:
        self.state = state.copy()

    def put(self, state: FloatArray) -> None:
        self.state = state.copy()

    def follow(self, begin: float, end: float) -> FloatArray:
        self.followed.append((begin, end))
        found = self.ends.pop(0)
        if isinstance(found, Exception):
            raise found
        return np.array([found])

    def values(self, quantities: tuple[str, ...]) -> FloatArray:
        return self.state


def one_cell(toy: Toy, stable: bool = True, near: bool = False) -> settling.AtRest:
    return settling.at_rest(toy, Cells({}, np.array([[2.0]]), ("x",)), near, stable)


def test_a_cell_that_comes_to_rest() -> None:
    toy = Toy(lambda x: 1.0 - x, 1.0)
    found = one_cell(toy)
    assert not found.errors and found.states == pytest.approx(np.array([[1.0]]))
    assert toy.followed == [(0.0, settling.SETTLING_TIME)]


def test_a_rest_that_the_cell_would_leave() -> None:
    assert "moves away" in str(one_cell(Toy(lambda x: x - 1.0, 1.0)).errors[0])
    toy = Toy(lambda x: x - 1.0, 1.0)
    asked = one_cell(toy, stable=False)
    assert not asked.errors and asked.states == pytest.approx(np.array([[1.0]]))
    assert toy.followed == [(0.0, settling.APPROACH_TIME)]


def test_a_rest_that_the_cell_does_not_come_to() -> None:
    """It is stable, but integration ends elsewhere: on a cycle, or at another rest."""
    assert "does not come to rest" in str(one_cell(Toy(lambda x: 1.0 - x, 1.2)).errors[0])
    close = one_cell(Toy(lambda x: 1.0 - x, 1.005))
    assert not close.errors and close.states == pytest.approx(np.array([[1.0]]))


def test_a_slow_cell_is_followed_for_as_long_as_it_needs() -> None:
    toy = Toy(lambda x: 1e-3 * (1.0 - x), 0.86, 1.0)
    found = one_cell(toy)
    assert not found.errors and found.states == pytest.approx(np.array([[1.0]]))
    (_, first), (second, end) = toy.followed
    assert first == second == settling.SETTLING_TIME
    assert end - second == pytest.approx(30.0 / 1e-3, rel=1e-3)


def test_a_cell_that_cannot_be_followed() -> None:
    short = Toy(lambda x: 1.0 - x, SimulationError("too many steps"), 1.0)
    assert "it pulses" in str(one_cell(short).errors[0])
    assert short.followed[1] == (0.0, settling.APPROACH_TIME)
    lost = one_cell(Toy(lambda x: 1.0 - x, SimulationError("lost")), stable=False)
    assert str(lost.errors[0]) == "lost"


def test_what_goes_wrong_in_one_cell_stays_there() -> None:
    toy = Toy(lambda x: 1.0 - x, ZeroDivisionError("x"), 1.0)
    found = settling.at_rest(toy, Cells({}, np.array([[2.0], [3.0]]), ("x",)), False, True)
    assert list(found.errors) == [0] and "ZeroDivisionError" in str(found.errors[0])
    assert np.isnan(found.states[0]).all() and found.states[1] == pytest.approx([1.0])


def batch(text: str, folder: Path) -> Batch:
    path = folder / "toy.xml"
    path.write_text(text, encoding="utf-8")
    return Batch(read_definition(path), Tolerances())


SWAP = sbml(
    species("S", 3), species("T", 1),
    reactions=(("there", "S", "T", "cell * k * S"), ("back", "T", "S", "cell * k * T")),
)  # fmt: skip


def test_a_pivot_that_has_lost_its_digits_shortens_the_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S and T turn into each other at k, so with s = 1/(h gamma) the second pivot is (s + k) -
    k²/(s + k): a share of what was there. Where that may be half at most, s is at least
    k (√2 - 1), which bounds every step; without the guard the steps grow without end."""
    hours, k = 10_000.0, 0.5

    def steps() -> float:
        one = batch(SWAP, tmp_path)
        starts, times = np.array([[3.0, 1.0]]), np.array([0.0, hours])
        runs = one.integrate(Problem({}, starts, times, ("S",), DosingEvents.none(1)))
        assert not runs.errors
        assert runs.values[0, 0, -1] == pytest.approx(2.0, rel=1e-6)
        return float(runs.steps[0])

    longest = 1.0 / (GAMMA * k * (math.sqrt(2.0) - 1.0))
    assert steps() < hours / longest / 4
    monkeypatch.setattr(driver, "_UNSOUND", 2.0)
    assert steps() >= hours / longest


def test_a_curve_that_is_no_number_is_an_error_of_its_run_alone(tmp_path: Path) -> None:
    """The states are sound; what follows from them is not, in one of two runs."""
    text = sbml(
        species("S", 3), reactions=(("decay", "S", "", "k * S"),),
        constants={"k": 0.5, "least": 0.0}, rules={"x": "ln(S - least)"},
    )  # fmt: skip
    one = batch(text, tmp_path)
    times, starts = np.array([0.0, 1.0, 12.0]), np.full((3, 1), 3.0)
    least = {"least": np.array([-1.0, 2.9, -1.0])}
    runs = one.integrate(Problem(least, starts, times, ("x",), DosingEvents.none(3)))
    assert {i: str(error) for i, error in runs.errors.items()} == {1: "its rates are not finite"}
    assert np.isnan(runs.values[1]).all()
    assert runs.values[[0, 2], 0, 1] == pytest.approx(np.log(3.0 * np.exp(-0.25) + 1.0), rel=1e-6)
