"""The hold-out over draws, with rows and predictions that are made up: no number of it is here."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from p53net.cli import app
from p53net.ensembles.draws import Ensemble
from p53net.errors import InputError, SimulationError
from p53net.evidence import holdout
from p53net.evidence.published import Observation
from p53net.inference.scoring import log_score
from p53net.simulation.trials import Trial
from tests.support.draws import drawn

EMPTY = dict.fromkeys(
    ("level", "quantity", "subject", "protocol", "cell_line", "source", "note"), ""
)
ROWS = [
    {**EMPTY, "id": "met", "tier": "primary", "value": "2", "low": "1", "high": "4", "unit": "nM",
     "interval": "assumed"},
    {**EMPTY, "id": "missed", "tier": "primary", "value": "50", "low": "20", "high": "80",
     "unit": "nM", "interval": "assumed"},
    {**EMPTY, "id": "bound", "tier": "relayed", "value": "", "low": "10", "high": "", "unit": "nM",
     "interval": "published"},
    {**EMPTY, "id": "silent", "tier": "relayed", "value": "1", "low": "0.5", "high": "2",
     "unit": "nM", "interval": "assumed"},
]  # fmt: skip


def of(values: Sequence[float]) -> Ensemble:
    structures = ["default", "MDMX"] * (len(values) // 2)
    return Ensemble(pd.DataFrame({"structure": structures, "model: k_syn_p53": values}), {})


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows that are the drawn value, a bound that no dose reaches where it is above 2; a draw
    above 100 cannot be run."""

    def predictions(trials: Sequence[Trial], _number: int) -> list[dict[str, float]]:
        values = [trial["model"]["k_syn_p53"] for trial in trials]
        if max(values) > 100.0:
            raise SimulationError("no end")
        return [{"met": v, "missed": v, "bound": math.inf if v > 2 else v} for v in values]

    monkeypatch.setattr(holdout, "_rows", lambda: ROWS)
    monkeypatch.setattr(holdout, "predictions", predictions)


@pytest.mark.usefixtures("made_up")
def test_each_predicted_row_has_what_both_ensembles_say() -> None:
    told: list[float] = []
    found = holdout.compared_over(of([1.5, 3.0]), of([0.1, 90.0]), log_score,
                                  lambda _what, share: told.append(share))  # fmt: skip
    rows = found.set_index("observation")
    assert list(rows.index) == ["met", "missed", "bound"]
    assert rows.loc["met", ["posterior_low", "posterior_high"]].tolist() == [1.5, 3.0]
    assert rows.loc["met", ["prior_low", "prior_high"]].tolist() == [0.1, 90.0]
    assert rows["inside"].tolist() == [True, False, True]
    assert rows["overlaps"].tolist() == [True, False, True]
    assert rows.loc["met", "decades"] == pytest.approx(math.log10(2.0))
    assert rows.loc["met", "prior_decades"] == pytest.approx(math.log10(900.0))
    assert rows.loc["bound", "posterior_high"] == math.inf
    assert rows.loc["met", "score"] > rows.loc["met", "prior_score"]
    assert rows.loc["missed", "score"] < rows.loc["missed", "prior_score"]
    assert told[-1] == 1.0 and told == sorted(told)


@pytest.mark.usefixtures("made_up")
def test_a_draw_that_fails_is_counted_and_the_others_stay() -> None:
    found = holdout.compared_over(of([1.5, 1.6, 500.0, 1.7]), of([1.0, 2.0]), log_score)
    assert found["undefined"].tolist() == [1, 1, 1] and found["prior_undefined"].tolist() == [0] * 3
    assert found["posterior_high"].tolist()[0] == 1.7


@pytest.mark.usefixtures("made_up")
def test_an_ensemble_is_thinned() -> None:
    seen: list[int] = []

    def score(_row: Observation, predicted: np.ndarray) -> float:
        seen.append(len(predicted))
        return 0.0

    holdout.compared_over(of([1.0, 2.0] * 120), of([1.0, 2.0]), score)
    assert set(seen) == {holdout.DRAWS, 2}


@pytest.mark.usefixtures("made_up")
def test_the_command_takes_as_many_draws_of_the_priors(tmp_path: Path) -> None:
    file = str(drawn(4).save(tmp_path / "few.parquet"))
    done = CliRunner().invoke(app, ["validate", "--holdout", "--ensemble", file])
    assert done.exit_code == 0, done.output
    head, *rows = done.stdout.splitlines()
    assert head.startswith("observation,tier,observed") and "prior_score" in head
    assert [row.split(",")[0] for row in rows] == ["met", "missed", "bound"]
    with pytest.raises(InputError, match="--ensemble goes with --holdout"):
        CliRunner().invoke(app, ["validate", "--ensemble", file], catch_exceptions=False)


@pytest.mark.slow
def test_draws_move_predictions_and_a_trial_of_nothing_is_the_point_estimate() -> None:
    """Trials that run together say what each says alone."""
    two = [drawn(2).trial(0), drawn(2).trial(1)]
    together = holdout.predictions([{}, *two], 12)
    alone = [holdout.predictions([one], 12)[0] for one in ({}, *two)]
    for one, other in zip(together, alone, strict=True):
        for name, value in one.items():
            assert value == other[name] or value == pytest.approx(other[name], rel=1e-4)
    assert any(together[0][name] != together[1][name] for name in together[0])
