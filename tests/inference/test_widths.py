from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from p53net.engines.base import FloatArray
from p53net.inference import running, widths
from p53net.inference.priors import Space, for_structure
from p53net.inference.tempering import Sampled, Settings
from p53net.inference.units import Begun, Drawn, Unit
from p53net.inference.widths import (
    ALL,
    ASSUMED,
    RUNS,
    WIDTHS,
    weights_at_assumed,
    weights_at_widths,
)
from p53net.model.tables import NONE
from tests.support.linear_rows import (
    COORDINATES,
    LIMIT,
    ROWS,
    SEEN,
    SLOPES,
    apart,
    covariance,
    mean,
    residuals,
)
from tests.support.linear_rows import WIDTHS as NOISE

STRUCTURES = ["default", "MDMX"]


def told_of(unit: Unit) -> float:
    """What a quick sampler says of the evidence: another number for each unit."""
    return unit.width * (-1.0 if unit.structure == "MDMX" else -2.0) - 0.1 * unit.run


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Unit]:
    """A quick sampler, and which units it was asked to begin."""
    found: list[Unit] = []

    def begin(unit: Unit, *_rest: object) -> Begun:
        found.append(unit)
        state = dict(np.random.default_rng(1).bit_generator.state)
        return Begun(np.zeros((2, 1)), np.zeros((2, 1)), np.zeros((2, 1)), 2, Sampled(0.0),
                     state, {})  # fmt: skip

    def follow_on(
        units: list[Unit], _begun: list[Begun], *_rest: Callable[[float], None]
    ) -> list[Drawn]:
        return [Drawn(["model: a"], np.zeros((1, 2, 1)), np.zeros((1, 2)), {"row": np.ones((1, 2))},
                      told_of(unit), ["row"], {}) for unit in units]  # fmt: skip

    monkeypatch.setattr(running, "begin", begin)
    monkeypatch.setattr(running, "follow_on", follow_on)
    return found


def test_weights_are_of_runs_at_each_width_and_are_taken_up_again(
    tmp_path: Path, asked: list[Unit]
) -> None:
    table = weights_at_widths(STRUCTURES, Settings(), tmp_path).set_index(["width", "structure"])
    assert set(table["priors"]) == {ALL}
    assert len(asked) == len(set(asked)) == len(STRUCTURES) * len(WIDTHS) * RUNS
    for width in WIDTHS:
        logs = {name: [told_of(Unit(name, run, width)) for run in range(RUNS)]
                for name in STRUCTURES}  # fmt: skip
        means = np.array([np.log(np.mean(np.exp(logs[name]))) for name in STRUCTURES])
        here = table.loc[width]
        np.testing.assert_allclose(here.loc[STRUCTURES, "log_evidence"], means)
        odds = here.loc["MDMX", "weight"] / here.loc["default", "weight"]
        assert odds == pytest.approx(np.exp(means[1] - means[0]))
        assert (here["error"] > 0).all()
    asked.clear()
    again = weights_at_widths(STRUCTURES, Settings(), tmp_path)
    assert asked == [] and again.set_index(["width", "structure"]).equals(table)


ASSUMED_PLACES = [1, 3, 5]
"""Priors of the linear target whose width is assumed; the last of them reaches no row."""


class Linear:
    """Rows that are linear in five of seven coordinates."""

    rows = tuple(range(ROWS))
    moved = np.arange(COORDINATES)
    space = None

    def __init__(self, _structure: str, **_rest: object) -> None:
        pass

    def residuals_of(self, z: FloatArray) -> FloatArray:
        return residuals(z, np.zeros(len(z), np.intp))


def linear_evidence(width: float) -> float:
    """Its logarithm where the assumed priors are so wide."""
    wide = np.ones(COORDINATES)
    wide[[1, 3]] = width
    slopes = SLOPES * wide[:, None]
    law = multivariate_normal(np.zeros(ROWS), slopes.T @ slopes + np.diag(NOISE**2))
    return float(law.logpdf(SEEN))


def test_evidence_under_other_widths_is_that_of_the_normal_law(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of twelve runs, from exact draws of the posterior."""
    monkeypatch.setattr(widths, "Target", Linear)
    monkeypatch.setattr(widths, "_alone", lambda _space: ASSUMED_PLACES)
    random = np.random.default_rng(1)
    units = {}
    for run in range(12):
        z = np.zeros((1, 300, COORDINATES + 2))
        z[0, :, :COORDINATES] = random.multivariate_normal(mean(), covariance(), size=300)
        units[Unit("default", run)] = Drawn([], z, np.zeros((1, 300)), {}, -1.0, [], {})
    for width in WIDTHS:
        change = [widths._change(unit, one.z[-1], width, 4, 1, NONE, lambda _share: None)
                  for unit, one in units.items()]  # fmt: skip
        exact = linear_evidence(width) - linear_evidence(1.0)
        assert apart(list(np.exp(np.array(change) - exact)), np.array(1.0)) < LIMIT
        assert np.std(change) < 0.3  # and the two curves differ by 1.4 in their height
    table = weights_at_assumed(units, 4).set_index("width")
    assert set(table["priors"]) == {ASSUMED} and list(table.index) == list(WIDTHS)
    again = weights_at_assumed(units, 4).set_index("width")
    assert again.equals(table)
    for width in WIDTHS:
        exact = linear_evidence(width) - linear_evidence(1.0)
        row = table.loc[width]
        assert abs(row["log_evidence"] + 1.0 - exact) < LIMIT * row["error"] < 0.6
    monkeypatch.setattr(widths, "_alone", lambda _space: ASSUMED_PLACES[-1:])
    assert set(weights_at_assumed(units, 1)["log_evidence"]) == {-1.0}


def test_priors_whose_width_is_assumed_are_log_normal_and_stand_alone() -> None:
    priors = for_structure("default")
    space = Space(priors)
    found = [space.priors[i] for i in widths._alone(space)]
    assert {one.name for one in found} == {one.name for one in priors if one.uninformed}
    one = found[0]
    for other in (
        replace(one, with_=found[1].name, correlation=0.5),
        replace(one, high=2.0 * one.centre),
        replace(one, reason="seen"),
    ):
        among = Space([other, *found[1:]])
        kept = [among.priors[i].name for i in widths._alone(among)]
        lost = {other.name, other.with_} if other.with_ else {other.name}
        assert set(kept) == {each.name for each in found} - lost
