"""Experiments ranked, from a table to the command line."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

import p53net as pn
from p53net.cli.ensembles import shown
from p53net.engines.base import FloatArray
from p53net.ensembles.draws import Ensemble
from p53net.ensembles.identity import digest
from p53net.inference import ranking
from p53net.inference.answers import Answers
from p53net.inference.experiments import COLUMNS, Experiment, read_experiments
from p53net.inference.prior_checks import prior_draws
from p53net.inference.read_outs import ReadOut
from p53net.inference.shrinkage import SETTLED
from tests.support.commands import Command

DRAWS = 400
NAMES = ("good", "poor", "none", "elsewhere", "a", "b", "c", "d", "e", "f")


def experiment(name: str) -> Experiment:
    return Experiment(name, name, ("x",), "1", "dish", "", "", "KT-253", "", 0.2, False, 1.0,
                      "low", "a test", "assumed")  # fmt: skip


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Ensemble:
    """The answer is t; `good` reads t, `poor` t and as much else, the rest nothing of it;
    `elsewhere` reads t where it reads anything, in a quarter of the draws."""
    t, u, *rest = np.random.default_rng(4).standard_normal((10, DRAWS))
    seen = {"good": t, "poor": t + u, "elsewhere": np.where(np.arange(DRAWS) % 4 == 0, t, np.nan)}
    seen |= dict(zip([n for n in NAMES if n not in seen], rest, strict=False))
    values = pd.DataFrame({"answer": t, "claim": (t > 0).astype(float)})
    told = Answers(values, pd.DataFrame("", index=values.index, columns=values.columns), ("claim",))
    read = {n: ReadOut(v[:, None], np.full(DRAWS, "", dtype=object)) for n, v in seen.items()}
    monkeypatch.setattr(ranking, "read_experiments", lambda _: [experiment(n) for n in NAMES])
    monkeypatch.setattr(ranking, "readings", lambda *_: read)
    monkeypatch.setattr(ranking, "answers_of", lambda *_: told)
    return Ensemble(pd.DataFrame({"structure": ["default"] * DRAWS}), {})


def elsewhere(noise: float) -> float:
    """Where a quarter of the draws predict the datum: the posterior of those is normal, the other
    three quarters stay as they are, and a datum comes only where the quarter is the truth."""
    spread = noise / np.sqrt(1.0 + noise**2)
    widths = []
    for share in np.linspace(0.005, 0.995, 100):
        middle = norm.ppf(share) / np.sqrt(1.0 + noise**2)

        def below(x: float, at: float, middle: float = middle) -> float:
            return float(0.25 * norm.cdf((x - middle) / spread) + 0.75 * norm.cdf(x)) - at

        low, high = (brentq(below, -6.0, 6.0, args=(at,)) for at in (0.025, 0.975))
        widths.append(high - low)
    return 0.25 * (1.0 - float(np.mean(widths)) / (2.0 * norm.ppf(0.975)))


def test_what_teaches_most_comes_first(toy: Ensemble) -> None:
    found = pn.next_experiment(["answer", "claim"], ensemble=toy)
    first = found.drop_duplicates("experiment")
    assert first["experiment"].tolist()[:2] == ["good", "poor"]
    assert first["rank"].tolist() == list(range(1, len(NAMES) + 1))
    rows = found.set_index(["experiment", "answer"])
    good, poor = (1.0 - np.sqrt(v / (1.0 + v)) for v in (0.04, 1.04))
    for name, exact in (("good", good), ("poor", poor)):
        one = rows.loc[name, "answer"]
        assert abs(one["promise"] - exact) < 3.0 * one["promise_error"]
    exact, one = elsewhere(0.2), rows.loc["elsewhere", "answer"]
    assert abs(one["promise"] - exact) < 3.0 * one["promise_error"] < 0.05
    assert rows.loc["elsewhere", "answer"]["defined"] == 0.25
    claim = rows.loc["good", "claim"]
    assert claim["kind"] == "claim"
    assert claim["probability"] == pytest.approx(0.5, abs=0.05)
    assert np.isnan(claim["low"])
    for name, noise in (("good", 0.2), ("poor", np.sqrt(1.04))):
        exact = 2.0 * norm.sf(norm.ppf(SETTLED) * noise)
        one = rows.loc[name, "claim"]
        assert abs(one["promise"] - exact) < 3.0 * one["promise_error"], name


def test_a_terminal_shows_numbers_with_their_errors(toy: Ensemble) -> None:
    table = shown(pn.next_experiment(["answer"], ensemble=toy))
    assert table.columns.tolist() == ["rank", "experiment", "days", "answer", "now", "promise"]
    first = table.iloc[0]
    assert re.fullmatch(r"-\d\.\d\d? to \d\.\d\d?", first["now"])
    assert re.fullmatch(r"\d\d ± \d %", first["promise"])
    assert re.fullmatch(r"0\.\d\d", table.iloc[1]["now"])  # a claim has its probability


def test_the_best_and_some_others_are_confirmed(toy: Ensemble) -> None:
    found = pn.next_experiment("answer", ensemble=toy, confirm=True)
    checked = found[found["agrees"] != ""]
    assert checked["rank"].unique().tolist()[:5] == [1, 2, 3, 4, 5]
    assert checked["rank"].nunique() == 8
    good = checked.set_index(["experiment", "answer"]).loc["good"]
    assert good["agrees"].tolist() == ["yes", "yes"]
    assert (good["effective"] > 30.0).all()


@pytest.mark.slow
def test_a_promise_that_synthetic_data_do_not_keep_is_shown(
    toy: Ensemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pn.next_experiment("answer", ensemble=toy)
    broken = ranking.nested.Confirmed(0.1, 0.01, 200.0, 0)
    monkeypatch.setattr(ranking.nested, "confirmed", lambda *_, **__: broken)
    found = pn.next_experiment("answer", ensemble=toy, confirm=True)
    pd.testing.assert_frame_equal(found[before.columns], before)  # one seed, one table
    good = found[found["experiment"] == "good"]
    assert good["agrees"].tolist() == ["no", "no"]
    assert good["confirmed"].tolist() == [0.1, 0.1]


def test_data_of_cells_are_drawn_anew_without_their_truth_and_those_of_bodies_are_poor(
    toy: Ensemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A datum so sharp that only its truth has weight. The draws anew have the answer as before, so
    that nothing shrinks."""
    sharp = [replace(experiment(name), error=1e-6, host="human" if name == "poor" else "")
             for name in ("good", "poor")]  # fmt: skip
    monkeypatch.setattr(ranking, "read_experiments", lambda _: sharp)
    t = np.random.default_rng(4).standard_normal((10, DRAWS))[0]
    asked: list[int] = []

    def again(one: Experiment, datum: FloatArray, truth: int) -> Ensemble:
        assert one.name == "good" and abs(datum[0] - t[truth]) < 1e-4
        asked.append(truth)
        return toy

    found = pn.next_experiment("answer", ensemble=toy, confirm=True, synthetic=4, refit=again)
    rows = found.set_index(["experiment", "answer"])
    assert rows["refits"].tolist() == [4, 4, 0, 0] and rows["poor"].tolist() == [0, 0, 4, 4]
    assert len(asked) == 8 and asked[:4] == asked[4:]  # the same data for both answers
    assert rows.loc["good", "answer"]["confirmed"] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.slow
def test_a_course_of_time_is_drawn_anew_from_priors(tmp_path: Path) -> None:
    """Four numbers at a tenth of their error leave hardly a draw of 100."""
    row = next(one for one in read_experiments() if one.name == "p53_course_KT253")
    cells = {"experiment": row.name, "title": row.title, "read_out": "; ".join(row.read_outs),
             "unit": row.unit, "system": row.system, "line": row.line, "drug": row.drug,
             "dose": row.dose, "error": "0.02", "error_kind": "cv", "days": "5", "effort": "low",
             "reason": "x", "source": "x"}  # fmt: skip
    lines = ["\t".join(COLUMNS), "\t".join(cells[name] for name in COLUMNS)]
    (tmp_path / "own.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = pn.next_experiment('dose_ratio:3["KT-253"]', ensemble=prior_draws("default", 100),
                               experiments=tmp_path / "own.tsv", confirm=True, synthetic=2,
                               refit=True)  # fmt: skip
    one = found.iloc[0]
    assert one["refits"] == 2 and one["poor"] == 0
    assert 0.0 < one["confirmed"] < 1.0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"most_draws": 20}, "a regression needs 60"),
        ({"most_draws": 0}, "draws is 0"),
        ({"synthetic": 1}, "synthetic is 1"),
        ({"synthetic": 2.5}, "synthetic is 2.5"),
        ({"refit": True}, "ask for confirm too"),
        ({"ensemble": 3}, "ensemble is '3', a int"),
    ],
)
def test_bad_options_are_refused(toy: Ensemble, options: dict[str, int], said: str) -> None:
    with pytest.raises(pn.InputError, match=said):
        pn.next_experiment("answer", **({"ensemble": toy} | options))  # type: ignore[arg-type]


def test_an_answer_that_hardly_a_draw_has_is_refused(
    toy: Ensemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = pd.DataFrame({"answer": np.where(np.arange(DRAWS) < 10, 1.0, np.nan)})
    reasons = pd.DataFrame({"answer": np.where(np.arange(DRAWS) < 10, "", "a run failed")})
    monkeypatch.setattr(ranking, "answers_of", lambda *_: Answers(values, reasons, ()))
    with pytest.raises(pn.InputError, match=r"10 of 400 draws only: a run failed \(390\)"):
        pn.next_experiment("answer", ensemble=toy)


def spread(random: np.random.Generator, value: float) -> FloatArray:
    return value * np.exp(0.3 * random.standard_normal(80))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """An ensemble of one structure in which three parameters differ, and two experiments."""
    random = np.random.default_rng(7)
    table = pd.DataFrame(
        {
            "structure": ["default"] * 80,
            "model: k_deg_MDM2": spread(random, 1.4),
            "model: k_transcr_MDM2_P1": spread(random, 0.031),
            "model: k_secr_GDF15": spread(random, 0.7),
        }
    )
    about = {"models": digest(), "converged": True}
    Ensemble(table, about).save(tmp_path / "small.parquet")
    row = {**dict.fromkeys(COLUMNS, "x"), "system": "dish", "line": "", "dose": "", "error": "0.1",
           "drug": "milademetan", "error_kind": "cv", "days": "3", "effort": "low"}  # fmt: skip
    rows = [row | {"experiment": name, "read_out": name}
            for name in ("k_secr_GDF15", "k_transcr_MDM2_P1")]  # fmt: skip
    lines = ["\t".join(COLUMNS), *("\t".join(one[n] for n in COLUMNS) for one in rows)]
    (tmp_path / "own.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def test_the_command_ranks_experiments_of_a_file(small: Path, command: Command) -> None:
    """P1 transcription decides how much loop there is to pay for; secretion of GDF-15 nothing."""
    done = command("next-experiment", "--answer", 'dose_ratio:3["milademetan"]', "--ensemble",
                   "small.parquet", "--experiments", "own.tsv", "-o", "all.csv")  # fmt: skip
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(small / "all.csv")
    assert table["experiment"].tolist() == ["k_transcr_MDM2_P1", "k_secr_GDF15"]
    assert table["promise"][0] > 0.2 > abs(table["promise"][1])
    assert "k_transcr_MDM2_P1" in done.stdout
    refused = command("next-experiment", "--answer", "no_such", "--ensemble", "small.parquet")
    assert refused.returncode == 1
    assert "unknown answer 'no_such'" in refused.stderr
