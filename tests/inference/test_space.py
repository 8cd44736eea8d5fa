"""From independent coordinates to values and back: closed forms, other people's distributions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from p53net.errors import InputError
from p53net.inference.prior import Prior
from p53net.inference.priors import Space

HALF = stats.norm.ppf(0.975)


def prior(
    distribution: str,
    centre: float = np.nan,
    spread: float = np.nan,
    low: float = 0.0,
    high: float = np.inf,
    *,
    name: str = "k",
    with_: str = "",
    correlation: float = 0.0,
) -> Prior:
    return Prior("model", name, distribution, centre, spread, low, high, "nM", with_, correlation,
                 "a test", "")  # fmt: skip


LOG_NORMAL = prior("log-normal", 5.0, 3.0)
LOG_UNIFORM = prior("log-uniform", low=0.01, high=40.0)
LOGIT = prior("logit-normal", 0.1, 1.2, high=1.0)
NORMAL = prior("normal", 3.0, 0.5, low=-np.inf)
CUT = prior("log-normal", 5.0, 3.0, low=4.0, high=20.0)
CUT_NORMAL = prior("normal", 3.0, 2.0, low=0.0, high=4.5)
CUT_LOGIT = prior("logit-normal", 0.1, 1.2, low=0.05, high=0.6)

SCALE = np.log(3.0) / HALF
EXPECTED = {
    "log-normal": (LOG_NORMAL, stats.lognorm(SCALE, scale=5.0)),
    "log-uniform": (LOG_UNIFORM, stats.loguniform(0.01, 40.0)),
    "normal": (NORMAL, stats.norm(3.0, 0.5)),
    "cut normal": (CUT_NORMAL, stats.truncnorm(-1.5, 0.75, 3.0, 2.0)),
}


def column(space: Space, z: np.ndarray) -> np.ndarray:
    return space.values(z[:, None])[:, 0]


@pytest.mark.parametrize("name", EXPECTED)
def test_quantiles_and_densities_are_those_of_scipy(name: str) -> None:
    one, expected = EXPECTED[name]
    space, p = Space([one]), np.array([1e-9, 0.025, 0.3, 0.5, 0.8, 0.975, 1 - 1e-9])
    values = column(space, stats.norm.ppf(p))
    np.testing.assert_allclose(values, expected.ppf(p), rtol=1e-9)
    np.testing.assert_allclose(
        space.log_density(values[:, None]), expected.logpdf(values), rtol=1e-8
    )


def test_quantiles_of_a_share_and_of_a_cut_log_normal_in_closed_form() -> None:
    share = column(Space([LOGIT]), np.array([-1.0, 0.0, 2.0]))
    logits = np.log(0.1 / 0.9) + 1.2 * np.array([-1.0, 0.0, 2.0])
    np.testing.assert_allclose(share, 1 / (1 + np.exp(-logits)), rtol=1e-12)

    ends = np.log(np.array([4.0, 20.0]) / 5.0) / SCALE
    p = np.array([0.001, 0.5, 0.999])
    cut = column(Space([CUT]), stats.norm.ppf(p))
    np.testing.assert_allclose(cut, 5.0 * np.exp(SCALE * stats.truncnorm(*ends).ppf(p)), rtol=1e-9)


@pytest.mark.parametrize("name", EXPECTED)
def test_many_draws_are_distributed_as_the_prior_says(name: str) -> None:
    one, expected = EXPECTED[name]
    draws = column(Space([one]), np.random.default_rng(3).standard_normal(4000))
    assert stats.kstest(draws, expected.cdf).pvalue > 0.01


@pytest.mark.parametrize(
    "one", [LOG_NORMAL, LOG_UNIFORM, LOGIT, NORMAL, CUT, CUT_NORMAL, CUT_LOGIT]
)
def test_a_density_adds_up_to_one(one: Prior) -> None:
    space = Space([one])
    grid = column(space, np.linspace(-7, 7, 20001))
    density = np.exp(space.log_density(grid[:, None]))
    assert np.trapezoid(density, grid) == pytest.approx(1.0, abs=1e-6)


@settings(max_examples=100, deadline=None)
@given(
    z=st.lists(st.floats(-5, 5), min_size=7, max_size=7),
    correlation=st.floats(-0.99, 0.99).filter(bool),
    width=st.floats(0.5, 2.0),
)
def test_coordinates_come_back(z: list[float], correlation: float, width: float) -> None:
    rows = [LOG_NORMAL, LOG_UNIFORM, LOGIT, NORMAL, CUT, CUT_NORMAL, CUT_LOGIT]
    named = [
        prior(one.distribution, one.centre, one.spread, one.low, one.high, name=f"k{i}",
              with_=f"model: k{i + 1}" if i < 6 else "", correlation=correlation if i < 6 else 0.0)
        for i, one in enumerate(rows)
    ]  # fmt: skip
    space = Space(named, width)
    values = space.values(np.array([z]))
    again = space.values(space.coordinates(values))
    np.testing.assert_allclose(again, values, rtol=1e-9, atol=1e-12)


def test_a_pair_is_correlated_as_said_and_each_keeps_its_own_distribution() -> None:
    led = prior("log-uniform", low=0.01, high=40.0, name="led", with_="model: k", correlation=-0.7)
    space = Space([led, LOG_NORMAL])
    values = space.values(np.random.default_rng(5).standard_normal((20000, 2)))
    behind = stats.norm.ppf(np.log(values[:, 0] / 0.01) / np.log(4000.0))
    assert np.corrcoef(behind, np.log(values[:, 1]))[0, 1] == pytest.approx(-0.7, abs=0.02)
    assert stats.kstest(values[:, 0], stats.loguniform(0.01, 40.0).cdf).pvalue > 0.01
    assert stats.kstest(values[:, 1], stats.lognorm(SCALE, scale=5.0).cdf).pvalue > 0.01


def test_the_density_of_a_chain_is_that_of_one_normal_curve_in_three_dimensions() -> None:
    chain = [
        prior("log-normal", 1.0, 2.0, name="a", with_="model: b", correlation=0.8),
        prior("log-normal", 3.0, 4.0, name="b", with_="model: c", correlation=-0.5),
        prior("log-normal", 9.0, 6.0, name="c"),
    ]
    space = Space(chain)
    values = space.values(np.random.default_rng(2).standard_normal((5, 3)))
    scales = np.log([2.0, 4.0, 6.0]) / HALF
    correlations = np.array([[1, 0.8, -0.4], [0.8, 1, -0.5], [-0.4, -0.5, 1]])
    normal = stats.multivariate_normal(
        np.log([1.0, 3.0, 9.0]), correlations * np.outer(scales, scales)
    )
    expected = normal.logpdf(np.log(values)) - np.log(values).sum(axis=1)
    np.testing.assert_allclose(space.log_density(values), expected, rtol=1e-10)


def test_what_is_outside_the_bounds_has_no_density_and_no_coordinate() -> None:
    for one, outside in (
        (CUT, 3.9),
        (CUT, 20.1),
        (LOG_UNIFORM, 41.0),
        (LOGIT, 1.5),
        (LOG_NORMAL, -1.0),
    ):
        space = Space([one])
        assert space.log_density(np.array([[outside]])) == -np.inf
        assert not np.isfinite(space.coordinates(np.array([[outside]]))).any()


def test_at_a_bound_there_is_a_coordinate_and_a_density() -> None:
    for one, expected in (
        (CUT_NORMAL, EXPECTED["cut normal"][1]),
        (LOG_UNIFORM, EXPECTED["log-uniform"][1]),
    ):
        ends, space = np.array([one.low, one.high]), Space([one])
        far = space.coordinates(ends[:, None])[:, 0]
        assert (np.sign(far) == [-1, 1]).all() and (abs(far) > 8).all() and (abs(far) < 9).all()
        density = space.log_density(ends[:, None])
        np.testing.assert_allclose(
            density, expected.logpdf(ends * [1 + 1e-12, 1 - 1e-12]), rtol=1e-6
        )


def test_a_fixed_prior_has_no_coordinate_and_a_missing_partner_leaves_one_alone() -> None:
    alone = prior("log-normal", 5.0, 3.0, with_="model: elsewhere", correlation=0.9)
    space = Space([prior("fixed", 7.0, name="f"), alone])
    assert space.names == ["model: k"] and space.fixed == {"model: f": 7.0}
    np.testing.assert_allclose(space.values(np.array([[HALF]])), [[15.0]])


def test_width_multiplies_the_spread_and_no_share_passes_one() -> None:
    z = np.array([[HALF]])
    assert Space([LOG_NORMAL], 2.0).values(z) == pytest.approx(45.0)
    assert Space([LOG_NORMAL], 0.5).values(z) == pytest.approx(5.0 * np.sqrt(3.0))
    assert Space([NORMAL], 2.0).values(z) == pytest.approx(3.0 + HALF)
    wide = prior("log-uniform", low=1.0, high=100.0).widened(2.0)
    assert (wide.low, wide.high) == pytest.approx((0.1, 1000.0))
    share = prior("log-uniform", low=0.01, high=0.9, name="residual").widened(2.0)
    assert share.high == 1.0 and share.low < 0.01


def test_an_odd_space_is_refused() -> None:
    with pytest.raises(InputError, match="twice"):
        Space([LOG_NORMAL, LOG_NORMAL])
    with pytest.raises(InputError, match="width is 0"):
        Space([LOG_NORMAL], 0)
    with pytest.raises(InputError, match=r"give \[n, 1\]"):
        Space([LOG_NORMAL]).values(np.zeros((3, 2)))
