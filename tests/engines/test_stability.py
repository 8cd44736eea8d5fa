"""Stability without eigenvalues, against eigenvalues."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p53net.engines.batch import stability


def drawn(size: int, count: int = 4000) -> np.ndarray:
    """Matrices of which about half are stable."""
    chance = np.random.default_rng(size)
    matrices = chance.normal(size=(count, size, size)) * 10.0 ** chance.uniform(
        -3, 3, (count, 1, 1)
    )
    shift = chance.uniform(0.0, 2.5, count) * np.abs(matrices).mean(axis=(1, 2))
    return matrices - shift[:, None, None] * np.sqrt(size) * np.eye(size)


@pytest.mark.parametrize("size", range(2, 9))
def test_what_is_surely_stable_is(size: int) -> None:
    matrices = drawn(size)
    sure = stability.surely_stable(matrices)
    fastest = np.linalg.eigvals(matrices).real.max(axis=1)
    assert not (sure & (fastest >= 0.0)).any()
    missed = ~sure & (fastest < -1e-6 * np.abs(matrices).max(axis=(1, 2)))
    assert missed.mean() < 0.01  # these cost their eigenvalues, and no more


@given(st.floats(-1e-9, 1e-9), st.floats(0.1, 10.0))
def test_near_the_border_it_is_no_answer(real: float, imaginary: float) -> None:
    turning = np.array([[real, imaginary, 0.0], [-imaginary, real, 0.0], [1.0, 1.0, -1.0]])
    assert not stability.surely_stable(turning[None])[0] or real < 0.0


def test_large_and_broken_matrices_are_no_answer() -> None:
    assert not stability.surely_stable(-np.eye(9)[None]).any()
    for bad in (np.nan, np.inf, 0.0):
        assert not stability.surely_stable(np.full((1, 3, 3), bad)).any()


def test_states_in_a_circle_are_looked_at_together() -> None:
    """Two states that push each other leave their rest, alone neither does; a third follows."""
    entries = np.array([(0, 0), (0, 1), (1, 0), (1, 1), (2, 1), (2, 2)])
    resting = np.ones(3, dtype=bool)
    slopes = np.array([[-1.0, gain, 1.0, -1.0, 5.0, -1.0] for gain in (0.5, 0.99, 1.01, 2.0)])
    assert stability.leaves(entries, slopes, resting).tolist() == [False, False, True, True]
    resting[1] = False  # a counter: what it does is no matter
    assert not stability.leaves(entries, slopes, resting).any()
