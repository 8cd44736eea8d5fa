"""Particles that an emulator guides, on rows of which the posterior is known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.inference.directions import Steps
from p53net.inference.emulator import Emulator
from p53net.inference.guided import Walk, follow
from p53net.inference.tempering import Particles, Sampled, Settings, let_in
from tests.support.linear_rows import (
    COORDINATES,
    HIGHEST,
    LIMIT,
    apart,
    covariance,
    mean,
    residuals,
)

RUNS = 8
SETTINGS = Settings(particles=100, moves=3, draws=3, between=3)


def sampled(seed: int, runs: int = RUNS, settings: Settings = SETTINGS) -> list[Sampled]:
    made = []
    for run in range(runs):
        random = np.random.default_rng([seed, run])
        z = random.standard_normal((settings.particles, COORDINATES))
        made.append(Particles(residuals, random, z, remember=1000))
    found = [let_in(one, HIGHEST, settings, Steps(), lambda _share: None) for one in made]
    follow(made, found, HIGHEST, settings)
    return found


def assert_the_posterior_is_met(found: list[Sampled]) -> None:
    draws = [one.chains.reshape(-1, COORDINATES) for one in found]
    assert apart([one.mean(axis=0) for one in draws], mean()) < LIMIT
    products = [(one - mean()).T @ (one - mean()) / len(one) for one in draws]
    assert apart(products, covariance()) < LIMIT


@pytest.mark.slow
def test_means_and_covariances_are_those_of_the_posterior() -> None:
    assert_the_posterior_is_met(sampled(1))


@pytest.mark.slow
def test_an_emulator_that_is_wrong_leaves_the_posterior_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def wrong(_self: Emulator, z: FloatArray) -> FloatArray:
        return np.asarray(-2.0 * ((z - mean() - 0.3) ** 2).sum(axis=1))

    monkeypatch.setattr(Emulator, "learn", lambda *_seen: None)
    monkeypatch.setattr(Emulator, "log_likelihood", wrong)
    assert_the_posterior_is_met(sampled(2))


@pytest.mark.slow
def test_the_same_numbers_give_the_same_draws() -> None:
    few = Settings(particles=30, moves=1, draws=2, between=2)
    first, second = (sampled(3, runs=2, settings=few) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.chains, other.chains)
        np.testing.assert_array_equal(one.log_likelihood, other.log_likelihood)
        assert one.evaluations == other.evaluations


@pytest.mark.slow
def test_an_emulator_learns_rows_that_it_has_seen() -> None:
    random = np.random.default_rng(5)
    z = random.standard_normal((3000, 2))

    def rows(z: FloatArray) -> FloatArray:
        return np.column_stack([z[:, 0] + np.sin(z[:, 1]), z[:, 1] ** 2])

    emulator, new = Emulator(1), random.standard_normal((500, 2))
    true = -0.5 * (rows(new) ** 2).sum(axis=1)
    errors = []
    for _ in range(3):
        emulator.learn(z, rows(z))
        errors.append(float(np.median(np.abs(emulator.log_likelihood(new) - true))))
    assert errors[-1] < 0.1 * float(np.median(np.abs(true - np.median(true))))
    assert errors[-1] < errors[0]


@pytest.mark.parametrize(("accepted", "longer"), [(0.02, False), (0.5, True)], ids=["poor", "good"])
def test_walks_are_as_long_as_the_models_agree(accepted: float, longer: bool) -> None:
    walk = Walk()
    before = walk.length
    walk.adapt(accepted)
    assert (walk.length > before) is longer
    for _ in range(30):
        walk.adapt(accepted)
    assert 2 <= walk.length <= 200


def test_a_walk_keeps_what_the_emulator_calls_the_posterior(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Walks of exact draws end in exact draws: here of a normal curve half as wide as the prior."""

    def narrow(_self: Emulator, z: FloatArray) -> FloatArray:
        return np.asarray(-1.5 * (z**2).sum(axis=1))

    monkeypatch.setattr(Emulator, "log_likelihood", narrow)
    random = np.random.default_rng(6)
    z = 0.5 * random.standard_normal((4000, 3))
    labels: NDArray[np.intp] = np.zeros(len(z), dtype=np.intp)
    at = Particles(lambda where, _labels: 3.0**0.5 * where, random, z, labels)
    end = Walk().propose(Emulator(1), at.directions(1.0), z, np.random.RandomState(7))
    assert (end.there != z).any(axis=1).mean() > 0.9
    np.testing.assert_allclose(end.factor, 2.0 * ((end.there**2).sum(1) - (z**2).sum(1)))
    assert np.abs(end.there.std(axis=0) / 0.5 - 1.0).max() < 4.0 / np.sqrt(2 * len(z))
