"""The logarithmic score: closed forms, and what it punishes."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from p53net.evidence.published import Observation
from p53net.inference.scoring import log_score, prior_like
from tests.support.draws import drawn


def row(value: float, low: float, high: float) -> Observation:
    return Observation("r", "", "", "", "", "", value, low, high, "nM", "s", "t", "assumed", "")


def test_of_one_draw_it_is_the_density_of_the_logarithm() -> None:
    width = math.log(4.0) / (2 * 1.959964)
    known = norm.logpdf(math.log(3.0), math.log(2.0), width)
    assert log_score(row(2.0, 1.0, 4.0), np.array([3.0])) == pytest.approx(known, rel=1e-5)


def test_of_many_draws_it_is_that_of_the_mean_of_densities() -> None:
    one, other = (log_score(row(2.0, 1.0, 4.0), np.array([v])) for v in (2.0, 9.0))
    both = log_score(row(2.0, 1.0, 4.0), np.array([2.0, 9.0]))
    assert both == pytest.approx(math.log((math.exp(one) + math.exp(other)) / 2))


def test_wide_draws_score_less_than_narrow_ones_around_the_same_middle() -> None:
    random = np.random.default_rng(3).standard_normal(2000)
    narrow, wide = (log_score(row(2.0, 1.0, 4.0), 2.0 * np.exp(s * random)) for s in (0.3, 2.3))
    assert narrow > wide + 1.0


def test_of_a_bound_it_is_a_chance() -> None:
    least, most = row(math.nan, 10.0, math.inf), row(math.nan, -math.inf, 10.0)
    assert log_score(least, np.array([10.0])) == pytest.approx(math.log(0.5))
    assert log_score(least, np.array([math.inf])) == 0.0
    assert log_score(most, np.array([math.inf])) == -math.inf
    assert log_score(least, np.array([1000.0])) == pytest.approx(0.0, abs=1e-9)
    assert log_score(least, np.array([math.nan])) == pytest.approx(norm.logcdf(-4.0))
    assert log_score(most, np.array([5.0])) > log_score(most, np.array([20.0]))


def test_draws_of_the_priors_are_shared_among_the_structures_that_were_weighed() -> None:
    made = prior_like(drawn(2), 7)
    assert made.table["structure"].value_counts().to_dict() == {"default": 4, "MDMX": 3}
    first = made.table.groupby("structure")["model: k_syn_p53"].first()
    assert first["default"] != first["MDMX"]
    assert made.about["priors"] == "alone, without evidence"
