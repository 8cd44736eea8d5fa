"""Questions about trials: fronts by hand, and patients as the study of schedules has them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import p53net as pn
from p53net.engines.base import FloatArray
from p53net.ensembles.draws import Ensemble
from p53net.ensembles.identity import digest
from p53net.inference import questions
from p53net.inference.answers import answers_of
from p53net.inference.asked_table import read_kept
from p53net.inference.virtual import Trials
from p53net.model.tables import variations
from p53net.studies.body import blood
from p53net.studies.body.population import GRADES, worsened
from tests.support.commands import Command

STARTS = 20_000
ONE = Ensemble(pd.DataFrame({"structure": ["default"]}), {})
ARMS = [pn.regimen(260, "mg", "3/14", days=28), pn.regimen(90, "mg", "daily", days=28)]


def test_a_front_is_the_most_effect_at_each_price() -> None:
    tgi = np.array([[10.0], [50.0], [40.0], [90.0]])
    rate = np.array([[5.0], [20.0], [30.0], [60.0]])
    front = questions._front(tgi, rate)[:, 0]
    at = questions._AT
    assert (front[at < 5.0] == 0.0).all()
    assert (front[(at >= 5.0) & (at < 20.0)] == 10.0).all()
    assert (front[(at >= 20.0) & (at < 60.0)] == 50.0).all()
    assert (front[at >= 60.0] == 90.0).all()
    assert questions._on_front(tgi, rate)[:, 0].tolist() == [1.0, 1.0, 0.0, 1.0]


def test_equal_regimens_are_both_on_the_front() -> None:
    same = np.array([[10.0], [10.0]])
    assert questions._on_front(same, same)[:, 0].tolist() == [1.0, 1.0]


def test_questions_are_answered_draw_by_draw() -> None:
    tgi = np.array([[[100.0], [96.0]], [[99.0], [100.0]]])  # regimen, draw, patient
    worse = np.zeros((3, 2, 2, 1))
    worse[0, 1] = 1.0  # the second regimen, thrombocytopenia
    held = questions._held(Trials(tgi, worse), 0, [0, 1])
    assert held.tolist() == [[1.0, 0.0], [1.0, 1.0], [1.0, 1.0], [0.0, 0.0]]


def test_fifty_regimens_hold_the_published_ones() -> None:
    arms, asked = questions._arms("milademetan", None, 56.0)
    assert len(arms) == 50
    labels = [arms[i].label for i in asked]
    assert labels[0] == "260 mg 3/14"
    assert set(labels[1:]) == {"90 mg daily", "120 mg 21/28", "160 mg 14/28", "160 mg 7/28"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"drug": "KT-253"}, "name those of KT-253"),
        ({"toxicity": "nausea"}, "toxicity is 'nausea'"),
        ({"grade": 5}, "grade is 5"),
        ({"population": 1}, "population is 1"),
        ({"most_draws": 0}, "draws is 0"),
        ({"days": 2000.0}, "days is 2000"),
    ],
)
def test_bad_options_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(pn.InputError, match=said):
        pn.trial_questions(ensemble=ONE, **options)  # type: ignore[arg-type]


def rates_over_starts(population: int, seed: int) -> FloatArray:
    """Regimen, toxicity: per cent of these patients who worsen, each with many counts before
    treatment, drawn at random from those that may enter."""
    model = blood.marrow("milademetan", blood.COUNTED)
    lowest = blood.lowest_of_trials(model, "milademetan", ARMS, [{}], population, seed, 28.0)[0]
    relative = lowest / blood.starting_counts(model, {}, population, seed)
    known, random = variations(), np.random.default_rng(1)
    rates = np.empty((len(ARMS), len(GRADES)))
    for column, (toxicity, (count, _)) in enumerate(GRADES.items()):
        name = f"{count}_baseline"
        spread, entry = (known[one].values[name].value for one in ("spread", "entry"))
        start = model.definition.parameters[name].value * np.exp(
            spread * random.standard_normal(2 * STARTS)
        )
        start = start[start >= entry][:STARTS]
        for i in range(len(ARMS)):
            lows = np.outer(relative[i, :, column], start).ravel()
            worse = worsened(lows, np.tile(start, population), toxicity, 3)
            rates[i, column] = 100.0 * worse.mean()
    return rates


@pytest.mark.slow
def test_patients_are_those_of_the_study_of_schedules() -> None:
    """A draw that changes nothing is the point estimate: another path, by sweeps, has the same
    patients and the same tumours. Rates are over all counts that such patients may begin with."""
    study = pn.schedules("milademetan", ARMS, days=28, population=12, seed=3)
    found = pn.trial_questions("milademetan", ARMS, ensemble=ONE, days=28, population=12, seed=3)
    np.testing.assert_allclose(found["tgi_draws"][:, 0], study["tgi"], rtol=1e-4)
    rates = found["rate_draws"].transpose("regimen", "toxicity", "draw_number")[:, :, 0]
    np.testing.assert_allclose(rates, rates_over_starts(12, 3), atol=4.5 * 50.0 / np.sqrt(STARTS))
    assert float(found["lost"].max()) == 0.0
    assert found["of"].values.tolist() == [1] * found.sizes["question"]


@pytest.mark.slow
def test_the_command_writes_tables_and_a_figure(tmp_path: Path, command: Command) -> None:
    table = pd.DataFrame({"structure": ["default", "no partner", "Hunziker2010"] * 2,
                          "model: k_deg_p53": np.linspace(0.2, 0.3, 6)})  # fmt: skip
    Ensemble(table, {"models": digest(), "converged": True}).save(tmp_path / "small.parquet")
    done = command("trial-questions", "--regimen", "260 mg 3/14", "--regimen", "90 mg daily",
                   "--ensemble", "small.parquet", "--population", "6", "--days", "28", "--table",
                   "kept.csv")  # fmt: skip
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "trial-questions"
    names = {path.name for path in folder.iterdir()}
    assert names >= {"questions.csv", "regimens.csv", "front.csv", "trial_questions.json",
                     "trial_questions.png", "trial_questions.svg"}  # fmt: skip
    asked = pd.read_csv(folder / "questions.csv")
    assert asked["of"].tolist() == [2] * 4
    assert asked["probability"].between(0.0, 1.0).all()
    assert (asked["probability_error"] > 0.0).all()
    about, rows = read_kept(tmp_path / "kept.csv")
    assert (about["models"], about["draws"]) == (digest(), "4")  # Hunziker2010 has no patient
    beyond = asked.loc[asked["asks"] == "below_rate", "probability"]
    np.testing.assert_allclose(rows["below_rate"], beyond)


@pytest.mark.slow
def test_an_answer_about_patients_is_that_of_the_same_patients() -> None:
    """`thrombocytopenia:3` of claims, 100 patients of seed 1, by another path."""
    arms = [pn.regimen(260, "mg", "3/14", days=56)]
    found = pn.trial_questions("milademetan", arms, ensemble=ONE, population=100)
    for toxicity in GRADES:
        name = f'{toxicity}:3["milademetan","260 mg 3/14"]'
        value = float(answers_of(ONE, [name]).values[name].iloc[0])
        same = found["rate_draws"].sel(toxicity=toxicity).item()
        assert value == pytest.approx(same, rel=1e-6, abs=1e-9)
