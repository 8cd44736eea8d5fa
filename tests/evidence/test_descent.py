"""The optimiser of calibration, on problems with known answers and against SciPy's."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from p53net.engines.base import FloatArray
from p53net.evidence.descent import descend
from p53net.evidence.joint import Problem

EVERYTHING = np.ones((3, 2), dtype=bool)


def rosenbrock(rows: FloatArray) -> FloatArray:
    """With a minimum of 0 at (1, 1)."""
    x, y = rows.T
    return np.column_stack([10.0 * (y - x**2), 1.0 - x, 0.0 * x])


def bent(rows: FloatArray) -> FloatArray:
    """Three residuals of two parameters that cannot all be 0."""
    x, y = rows.T
    return np.column_stack([np.exp(x) - 2.0 * y, x * y - 1.0, x + y - 3.0])


def problem(function, low: float = -5.0, high: float = 5.0) -> Problem:  # type: ignore[no-untyped-def]
    return Problem(function, np.full(2, low), np.full(2, high), EVERYTHING)


@pytest.mark.parametrize("function", [rosenbrock, bent])
def test_every_row_ends_where_scipy_s_does(function) -> None:  # type: ignore[no-untyped-def]
    begin = np.random.default_rng(1).uniform(-2.0, 2.0, (12, 2))
    found = descend(problem(function), begin, enough=1e-12, rounds=300)
    for row, start in enumerate(begin):
        other = least_squares(lambda x: function(x[None])[0], start, bounds=(-5.0, 5.0),
                              xtol=1e-12, ftol=1e-12, gtol=1e-12)  # fmt: skip
        assert found.chi_squared[row] == pytest.approx(2.0 * other.cost, rel=1e-4, abs=1e-6)
        # Of two optima as good to 1e-6, in a valley as flat as the square root of that.
        assert found.logs[row] == pytest.approx(other.x, abs=2e-3)


def test_a_row_does_not_depend_on_its_neighbours() -> None:
    begin = np.array([[-1.5, 1.0], [0.3, -1.0], [2.0, 2.0]])
    together = descend(problem(bent), begin)
    for row in range(3):
        alone = descend(problem(bent), begin[row : row + 1])
        assert (alone.logs[0] == together.logs[row]).all()


def test_bounds_hold_and_the_others_still_move() -> None:
    found = descend(problem(rosenbrock, high=0.8), np.array([[-1.0, 0.5]]), rounds=200)
    assert (found.logs <= 0.8).all()
    # With y at most 0.8: 100 (0.8 - x^2)^2 + (1 - x)^2 is least where x is near the root of 0.8.
    x = np.linspace(0.0, 0.8, 8001)
    costs = 100.0 * (np.minimum(0.8, x**2) - x**2) ** 2 + (1.0 - x) ** 2
    assert found.chi_squared[0] == pytest.approx(costs.min(), rel=1e-5)


def test_what_is_not_free_stays() -> None:
    free = np.array([[True, False], [False, True]])
    begin = np.array([[0.0, 2.0], [0.5, 0.0]])
    found = descend(problem(rosenbrock), begin, free=free, enough=1e-10)
    assert found.logs[0, 1] == 2.0 and found.logs[1, 0] == 0.5
    assert found.logs[1, 1] == pytest.approx(0.25, abs=1e-4)


def test_a_step_to_where_nothing_is_predicted_is_not_taken() -> None:
    def half_known(rows: FloatArray) -> FloatArray:
        there = bent(rows)
        there[rows[:, 0] > 1.2] = np.nan
        return there

    found = descend(problem(half_known), np.array([[0.0, 0.0], [-1.0, 2.0]]))
    assert np.isfinite(found.residuals).all() and (found.logs[:, 0] <= 1.2).all()


def test_what_is_told_rises_to_one() -> None:
    shares: list[float] = []
    descend(problem(rosenbrock), np.array([[-1.0, 2.0], [1.0, 1.0]]), rounds=300,
            told=shares.append)  # fmt: skip
    assert shares == sorted(shares) and shares[-1] == 1.0 and len(set(shares)) > 5
