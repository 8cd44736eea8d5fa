from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from p53net.inference import running
from p53net.inference.tempering import Sampled, Settings
from p53net.inference.units import Begun, Drawn, Unit
from p53net.inference.widths import RUNS, WIDTHS, weights_at_widths

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
