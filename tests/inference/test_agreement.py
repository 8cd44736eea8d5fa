"""How many draws a chain is worth, and why a posterior is refused."""

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter

from p53net.engines.base import FloatArray
from p53net.inference import agreement
from p53net.inference.agreement import (
    LARGEST_OF_BODIES,
    LARGEST_R_HAT,
    LEAST_ESS,
    MOST_APART,
    convergence,
    effective,
    of_runs,
    why_not,
)
from p53net.inference.tempering import Sampled
from p53net.inference.units import Drawn, Unit


def autoregressive(memory: float, chains: int, draws: int) -> FloatArray:
    """Stationary processes whose correlation falls by `memory` with each draw."""
    noise = np.random.default_rng(1).standard_normal((chains, draws))
    noise[:, 1:] *= np.sqrt(1.0 - memory**2)
    return np.asarray(lfilter([1.0], [1.0, -memory], noise, axis=1))


@pytest.mark.parametrize("memory", [0.0, 0.3, 0.7, 0.9])
@pytest.mark.parametrize("draws", [8, 12])
def test_effective_draws_of_short_chains_with_a_known_memory(memory: float, draws: int) -> None:
    """Its correlation between neighbours is known to 1 / sqrt(pairs) at most, and what follows of
    the count, (1 - r) / (1 + r), has a slope of 2 / (1 - r^2) in the logarithm."""
    chains = 20_000
    found = effective(autoregressive(memory, chains, draws))
    exact = chains * draws * (1.0 - memory) / (1.0 + memory)
    assert abs(np.log(found / exact)) < 5.0 * 2.0 / (1.0 - memory**2) / np.sqrt(
        chains * (draws - 1)
    )


def test_it_is_what_the_mean_of_a_long_chain_is_worth() -> None:
    """To 4.5 standard errors of the variance of 4,000 means."""
    chains = autoregressive(0.8, 4000, 400)
    worth = effective(chains) / len(chains)
    assert worth * chains.mean(axis=1).var() == pytest.approx(
        chains.var(), rel=4.5 * np.sqrt(2.0 / len(chains))
    )


def test_none_counts_more_than_its_draws_and_what_does_not_move_for_next_to_nothing() -> None:
    assert effective(autoregressive(-0.5, 500, 8)) == 4000.0
    still = np.repeat(np.random.default_rng(1).standard_normal((50, 1)), 6, axis=1)
    assert 0.0 < effective(still) < 1.0
    assert effective(still[:, :1]) == 50.0  # one draw of each chain: nothing is known of the next
    assert effective(np.ones((50, 6))) == 50.0


def table(r_hat: list[float], bulk: list[float]) -> pd.DataFrame:
    names = ["dose_ratio", "escape", "fold"]
    return pd.DataFrame(
        {"structure": ["default", "default", "MDMX"], "headline": names, "r_hat": r_hat,
         "ess_bulk": bulk}
    )  # fmt: skip


GOOD, MANY = [1.0, 1.02, LARGEST_R_HAT], [400.0, 1000.0, float(LEAST_ESS)]


@pytest.mark.parametrize(
    ("r_hat", "bulk", "said"),
    [
        (GOOD, MANY, ""),
        ([1.0, 1.06, 1.2], MANY,
         "runs differ in 2 of 3 headlines, most in fold of MDMX (R-hat 1.20)"),
        ([np.nan, 1.0, 1.0], MANY,
         "runs differ in 1 of 3 headlines, most in dose_ratio of default (R-hat inf)"),
        (GOOD, [400.0, 12.0, 399.9],
         "2 of 3 headlines have few effective draws, least escape of default (12)"),
        ([1.0, 1.0, 1.5], [3.0, 500.0, 500.0],
         "runs differ in 1 of 3 headlines, most in fold of MDMX (R-hat 1.50); 1 of 3 headlines "
         "have few effective draws, least dose_ratio of default (3)"),
    ],
)  # fmt: skip
def test_a_posterior_is_refused_with_each_reason(
    r_hat: list[float], bulk: list[float], said: str
) -> None:
    assert why_not(table(r_hat, bulk), walks(LARGEST_OF_BODIES)) == said


def walks(*r_hat: float, apart: float = MOST_APART) -> pd.DataFrame:
    """The last quantity has `apart`."""
    table = pd.DataFrame({"quantity": ["ka", "V"][: len(r_hat)], "r_hat": r_hat, "apart": 0.0})
    table.loc[len(r_hat) - 1, "apart"] = apart
    return table


def test_a_posterior_whose_walks_over_bodies_differ_is_refused() -> None:
    said = why_not(table(GOOD, MANY), walks(1.01, 1.7))
    assert said == "walks over bodies differ in 1 of 2 quantities, most in V (R-hat 1.70)"
    assert "1 of 1 quantities, most in ka (R-hat inf)" in why_not(table(GOOD, MANY), walks(np.nan))
    assert why_not(table(GOOD, MANY), walks(1.01, 1.02, apart=0.07)) == (
        "walks over bodies have nothing in common in 7 % of cells, as V shows"
    )


def test_runs_of_a_coordinate_that_are_apart_have_a_large_r_hat() -> None:
    random = np.random.default_rng(1)
    chains = random.standard_normal((4, 500, 2))
    chains[0, :, 1] += 3.0
    found = of_runs(["alike", "apart"], Sampled(0.0, chains)).set_index("quantity")["r_hat"]
    assert found["alike"] < 1.01 and found["apart"] > 1.3


@pytest.mark.parametrize("drift", [0.0, 1.5, -1.5])
def test_a_drift_that_all_runs_share_is_seen(drift: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four runs that are alike, each moving by 1.5 standard deviations over its draws."""
    runs, particles, draws = 4, 64, 12
    logs = np.random.default_rng(1).standard_normal((runs, particles, draws))
    logs += drift * np.linspace(0.0, 1.0, draws)
    z = np.zeros((runs, particles, draws, 2))
    answers = pd.DataFrame({"escape_index": np.exp(logs.ravel())})
    monkeypatch.setattr(agreement, "headlines_of", lambda *_given: (answers, z))
    units = {
        Unit("default", run): Drawn([], np.zeros((draws, particles, 2)), z[run, 0], {}, 0.0, [], {})
        for run in range(runs)
    }
    found = convergence(units)["r_hat"].item()
    assert (found > LARGEST_R_HAT) == (drift != 0.0), found
