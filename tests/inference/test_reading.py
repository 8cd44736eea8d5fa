"""Doses of half an effect and of a level, against logistic curves whose doses are known."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from p53net.inference.reading import BEYOND, between, half_dose, level_dose

DOSES = np.geomspace(1e-4, 1e6, 41)  # four in each decade: as steep as 4, no step leaves the middle


def share(doses: np.ndarray, middle: np.ndarray, slope: float) -> np.ndarray:
    return 1.0 / (1.0 + (middle / doses) ** slope)


middles = st.floats(-1.5, 1.5).map(lambda x: 10.0**x)
slopes = st.floats(1.5, 4.0)


@given(middle=middles, slope=slopes, level=st.floats(0.02, 0.98))
def test_a_level_of_a_logistic_curve_is_exact(middle: float, slope: float, level: float) -> None:
    found = level_dose(DOSES, share(DOSES, np.array(middle), slope)[None], level)
    np.testing.assert_allclose(found, middle * (level / (1 - level)) ** (1 / slope), rtol=1e-9)


@given(middle=middles, slope=slopes, effect=st.sampled_from([-0.9, -0.2, 0.5, 30.0]))
def test_half_of_an_effect_that_is_whole_is_the_middle(
    middle: float, slope: float, effect: float
) -> None:
    """Up or down. The highest dose falls short of all by (middle/highest)^slope, below 2e-7."""
    values = np.concatenate([[0.0], effect * share(DOSES, np.array(middle), slope)])
    found = half_dose(DOSES, 5.0 * (1.0 + values))
    np.testing.assert_allclose(found, middle, rtol=1e-6)


def test_doses_may_differ_between_curves() -> None:
    middles = np.array([[0.3], [40.0]])
    doses = DOSES * np.array([[1.0], [100.0]])
    values = np.concatenate([np.ones((2, 1)), 1.0 - 0.8 * share(doses, middles, 2.0)], axis=1)
    np.testing.assert_allclose(half_dose(doses, values), middles[:, 0], rtol=1e-6)


def test_what_a_plate_does_not_reach_is_beyond_its_ends() -> None:
    flat = np.array([1.0, 0.99, 0.97, 0.95])
    early = np.array([1.0, 0.2, 0.1, 0.0])
    lost = np.array([1.0, 0.5, np.nan, 0.0])
    doses = np.array([1.0, 10.0, 100.0])
    found = half_dose(doses, np.array([flat, early, lost]))
    np.testing.assert_allclose(found, [BEYOND * 100.0, 1.0 / BEYOND, np.nan], rtol=1e-12)
    unreached = level_dose(doses, np.array([0.1, 0.2, 0.3]), 0.5)
    np.testing.assert_allclose(unreached, BEYOND * 100.0, rtol=1e-12)


def test_a_curve_that_comes_back_counts_where_it_first_passes() -> None:
    doses = np.array([1.0, 10.0, 100.0, 1000.0])
    hook = np.array([1.0, 0.9, 0.1, 0.1, 0.9])
    assert 1.0 < half_dose(doses, hook[None])[0] < 10.0


def test_doses_between_lie_where_half_is_passed() -> None:
    doses = np.array([1.0, 10.0, 100.0, 1000.0])
    curves = np.array([[1.0, 0.95, 0.8, 0.2, 0.0], [1.0, 0.1, 0.0, 0.0, 0.0], [1.0] * 5])
    found = between(doses, curves, 3)
    np.testing.assert_allclose(found[0], np.geomspace(10.0, 100.0, 5)[1:-1])
    np.testing.assert_allclose(found[1], np.geomspace(1.0, 10.0, 5)[1:-1])
    np.testing.assert_allclose(found[2], np.geomspace(100.0, 1000.0, 5)[1:-1])
