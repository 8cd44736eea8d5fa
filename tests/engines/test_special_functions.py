"""Functions of formulas in machine code, against NumPy's long doubles."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from p53net.engines.batch.machine import Processor, processor
from p53net.engines.batch.special import FormulaCode
from tests.support.processors import computed, processors


def special(target: Processor, name: str, *columns: np.ndarray) -> np.ndarray:
    """A function of formulas by machine code."""
    return computed(target, getattr(FormulaCode, name), *columns, code=FormulaCode)


WIDE = np.concatenate(
    [np.linspace(-40.0, 40.0, 2001), np.linspace(-1.0, 1.0, 501), [1e-9, -1e-300]]
)
TURNS = np.concatenate([WIDE, np.linspace(1.0, 1.6e6, 3001), np.pi / 2 * np.arange(1, 200)])
EXACT: dict[str, tuple[Callable[[np.ndarray], np.ndarray], np.ndarray, float]] = {
    "sin": (np.sin, TURNS, 2.5e-16),
    "cos": (np.cos, TURNS, 2.5e-16),
    "atan": (np.arctan, np.concatenate([WIDE, [1e9, -1e300]]), 5e-16),
    "sinh": (np.sinh, WIDE, 1.2e-15),
    "cosh": (np.cosh, WIDE, 1e-15),
    "tanh": (np.tanh, WIDE, 1.2e-15),
}
"""Function, arguments, and the error allowed, of the value or, of waves, of 1."""


@pytest.mark.parametrize("target", processors())
@pytest.mark.parametrize("name", EXACT)
def test_a_function_is_exact(name: str, target: Processor) -> None:
    function, x, limit = EXACT[name]
    wanted = function(x.astype(np.longdouble))
    scale = 1.0 if name in ("sin", "cos") else np.abs(wanted) + 1e-308
    assert float((np.abs(special(target, name, x) - wanted) / scale).max()) < limit


def test_beyond_their_range(here: Processor) -> None:
    odd = np.array([math.nan, math.inf, -math.inf, 1e7])
    assert np.isnan(special(here, "sin", odd)).all()
    np.testing.assert_array_equal(special(here, "atan", odd[:3]),
                                  [math.nan, math.pi / 2, -math.pi / 2])  # fmt: skip
    np.testing.assert_array_equal(special(here, "tanh", odd[1:]), [1.0, -1.0, 1.0])
    np.testing.assert_array_equal(special(here, "sinh", odd[1:3]), [math.inf, -math.inf])


def test_steps_and_choices(here: Processor) -> None:
    x, y = np.array([-1.5, -1.0, 0.0, 0.5, 2.0]), np.array([-1.5, 0.0, -0.0, 0.25, 3.0])
    np.testing.assert_array_equal(special(here, "floor", x), np.floor(x))
    np.testing.assert_array_equal(special(here, "less", x, y), (x < y) * 1.0)
    np.testing.assert_array_equal(special(here, "same", x, y), (x == y) * 1.0)
    yes, no = np.full(5, math.nan), np.arange(5.0)
    found = special(here, "choose", np.array([0.0, 1.0, 0.0, 0.0, 1.0]), yes, no)
    np.testing.assert_array_equal(found, [0.0, math.nan, 2.0, 3.0, math.nan])


@pytest.fixture
def here() -> Processor:

    return processor()
