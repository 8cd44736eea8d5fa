"""The credibility page: tests that it names exist, and verdicts follow from what is counted."""

import ast
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest

from p53net.ensembles.draws import ensemble
from p53net.ensembles.identity import digest
from p53net.inference import coverage, credibility, facts
from p53net.inference.credibility import MET, NOT, PART, STANDARDS, Point, verdict
from p53net.inference.facts import Fact
from tests.support import ROOT


@cache
def defined(path: Path) -> frozenset[str]:
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    return frozenset(one.name for one in nodes if isinstance(one, ast.FunctionDef))


@pytest.mark.parametrize("name", sorted(set(credibility.cited())))
def test_each_test_that_is_named_is_there(name: str) -> None:
    file, _, test = name.partition("::")
    assert test.startswith("test_") and test in defined(ROOT / "tests" / file)


@pytest.mark.parametrize("name", sorted({one.page for each in STANDARDS.values() for one in each}))
def test_each_page_that_is_named_is_there(name: str) -> None:
    assert not name or (ROOT / "docs" / f"{name}.md").is_file()


def true() -> Fact:
    return Fact(True, "all")


def false() -> Fact:
    return Fact(False, "some")


@pytest.mark.parametrize(("point", "said"), [
    (Point("", ("a test",)), MET),
    (Point("", ("a test",), (true,)), MET),
    (Point("", (), (true,)), MET),
    (Point("", ("a test",), (true, false)), PART),
    (Point("", ("a test",), (true,), "something"), PART),
    (Point("", (), (true, false)), PART),
    (Point("", (), (false,)), NOT),
    (Point("", page="model"), NOT),
])  # fmt: skip
def test_a_verdict_follows_from_the_evidence(point: Point, said: str) -> None:
    assert verdict(point) == said


def test_a_count_that_falls_short_changes_the_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    (point,) = (one for one in STANDARDS["MIRIAM"] if one.facts == (facts.terms,))
    assert verdict(point) == MET
    texts = facts._files()
    monkeypatch.setattr(facts, "_files", lambda: (*texts[1:], texts[0].replace("CC0", "other")))
    assert facts.terms() == (False, f"CC0 in {len(texts) - 1} of {len(texts)} files")
    assert verdict(point) == NOT


def test_the_ledger_s_shares_are_those_of_the_page() -> None:
    page = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    for fact in (facts.predicted(), facts.fitted()):
        assert fact.text in page.replace("Of ", "of ")
    assert f"{facts.not_modelled().text.split()[0]} are not modelled" in page


def test_the_worst_headline_is_that_of_the_ensemble() -> None:
    """Of the sentence, whose numbers stand in the draws' own table too."""
    page = (ROOT / "docs" / "ensemble.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith(("| default | `",
            "| residual | `"))]  # fmt: skip
    worst = max(float(row[2]) for row in rows)
    least = min(float(cell.rstrip(" |")) for row in rows for cell in row[3:5])
    assert f"at most {worst:.3f}" in facts.converged().text
    assert f"at least {least:.0f} effective" in facts.converged().text


def test_a_sampler_that_did_not_converge_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    about = {"convergence": [{"r_hat": 1.2, "ess_bulk": 900.0, "ess_tail": 900.0}]}
    monkeypatch.setattr(facts, "ensemble", lambda: SimpleNamespace(about=about))
    assert facts.converged() == (
        False, "over cells R-hat is at most 1.200 and there are at least 900 effective draws"
    )  # fmt: skip


def test_what_is_said_to_be_missing_is_missing() -> None:
    """The day these hold, the words beside them have to be other ones."""
    outcome = credibility.ASSESSMENT[-1]
    assert outcome.element == "outcome" and not all(one().holds for one in outcome.facts)
    assert not facts.described().holds and not facts.assumed().holds


def test_numbers_of_shipped_models_are_those_of_their_tables() -> None:
    """Counted another way, over the models as they are loaded."""
    import p53net as pn

    known = facts._numbers()
    for row in pn.load("milademetan").parameters.itertuples():
        if row.kind in ("assumed", "fitted", "measured"):
            assert [kind for (name, _value), (kind, _source) in known.items()
                    if name == row.id].count(row.kind) >= 1, row.id  # fmt: skip


@pytest.mark.parametrize(("of_draws", "of_priors", "counts", "fair"), [
    ([0.5] * 10, [0.5] * 8 + [0.01, 0.99], (10, 8), True),
    ([0.5] * 7 + [0.01, 0.99, 1.0], [0.5] * 10, (7, 10), True),
    ([0.5] * 6 + [0.0, 0.04, 0.96, 1.0], [0.5] * 10, (6, 10), False),
    ([0.5] * 10, [0.5] * 6 + [0.0, 0.04, 0.96, 1.0], (10, 6), False),
])  # fmt: skip
def test_coverage_is_counted_and_judged_by_chance(
    of_draws: list[float], of_priors: list[float], counts: tuple[int, int], fair: bool,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (tmp_path / "docs").mkdir()
    head = '# models\nset,"dose_ratio:3[""KT-253""]",log likelihood'
    for truths, ranks in (("ensemble", of_draws), ("priors", of_priors)):
        lines = [f"{i},{rank},0.01" for i, rank in enumerate(ranks)]
        file = tmp_path / "docs" / f"coverage_whole_{truths}.csv"
        file.write_text("\n".join([head, *lines]))
    monkeypatch.setattr(coverage, "root", lambda: tmp_path)
    found = facts.covered()
    assert found.holds is fair
    assert found.text == "; ".join(
        f"of 10 sets simulated from truths of the {truths} 90 % intervals hold the dose ratio of "
        f"KT-253 in {count}"
        for truths, count in zip(("ensemble", "priors"), counts, strict=True)
    )


@pytest.mark.parametrize("truths", coverage.TRUTHS)
def test_ranks_are_of_these_models_and_draws(truths: str) -> None:
    notes, *_ = (ROOT / "docs" / f"coverage_whole_{truths}.csv").read_text("utf-8").splitlines()
    assert f"models {digest()}; " in notes
    if truths == "ensemble":
        assert f"truths of {truths} {ensemble().sha256[:16]}; " in notes
