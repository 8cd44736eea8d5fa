"""Tables of the ensemble's page from notes that are made up, and of the rows of evidence."""

from dataclasses import replace

import pytest

from p53net.evidence import escape_pages
from p53net.inference import ensemble_pages, likelihood_pages
from p53net.inference.likelihood import ALREADY, STANDS_IN, STEPS
from tests.support.draws import drawn

ROWS = (
    "observation,stage,q2.5,q25,q50,q75,q97.5,undefined,p_value\n"
    "kt253_dc50,cells,0.2,0.3,0.4,0.5,0.7,0.0,0.44\n"
    "caspase,cells,0.9,1.0,1.1,1.2,1.3,0.02,0.01\n"
)


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four draws, with notes as `infer` writes them; their structures by name, as JSON sorts."""
    runs = [("MDMX", {"no steady state": 3}), ("MDMX", {}), ("default", {"no steady state": 4})]
    notes = {
        "weights": {
            "MDMX": {"log_evidence": -42.0, "error": 0.31, "weight": 0.25, "weight_error": 0.04},
            "default": {"log_evidence": -41.0, "error": 0.2, "weight": 0.75, "weight_error": 0.04},
        },
        "convergence": [
            {"structure": name, "headline": 'escape_index["KT-253"]', "r_hat": 1.012,
             "ess_bulk": 1500.0, "ess_tail": 900.0, "median": 0.4, "undefined": lost}
            for name, lost in (("MDMX", 0.0), ("default", 0.25))
        ],
        "runs": {
            f"{name} {i}": {"unit": {"structure": name}, "moved": ["a"] * 5, "degrees": [0.1, 1.0],
                            "accepted": [0.9, 0.3], "evaluations": 1000, "failures": failures}
            for i, (name, failures) in enumerate(runs)
        },
        "bodies": {"cells": 4, "left": 3, "rows": ["a"], "degrees": [1.0], "accepted": [0.5],
                   "evaluations": 40},
    }  # fmt: skip
    one = replace(drawn(4), about=notes)
    monkeypatch.setattr(ensemble_pages, "ensemble", lambda: one)


@pytest.mark.usefixtures("noted")
def test_notes_become_tables_the_most_plausible_structure_first() -> None:
    rows = ensemble_pages.weights().splitlines()
    assert rows[2] == "| default | -41.0 ± 0.2 | 75 % ± 4 % | 50 % |"
    assert rows[3] == "| MDMX | -42.0 ± 0.3 | 25 % ± 4 % | 50 % |"
    head, _, only = ensemble_pages.convergence().splitlines()
    assert head == "| headline | default | MDMX |"
    assert only.endswith("| 1.012; 1,500, 900; 25 % without | 1.012; 1,500, 900 |")
    first, second = ensemble_pages.runs().splitlines()[2:]
    assert first == "| default | 1 | 5 | 2 | 30 % | 1,000 | no steady state: 4 |"
    assert second == "| MDMX | 2 | 5 | 2 | 30 % | 2,000 | no steady state: 3 |"
    assert (
        "4 draws of cells" in ensemble_pages.bodies() and "and 3 of them" in ensemble_pages.bodies()
    )


def test_rows_of_evidence_stand_beside_what_was_observed() -> None:
    said, _, head, _, first, second = ensemble_pages.rows_table(ROWS).splitlines()
    assert said == "2 rows; p below 0.025 or above 0.975 in 1 of them."
    assert head.startswith("| row | stage | observed |")
    assert first == ("| `kt253_dc50` [nM] | cells | 0.27 to 0.6 | 0.4 (0.3 to 0.5; 0.2 to 0.7) "
                     "| 0.440 |")  # fmt: skip
    assert second.endswith("as stated | 1.1 (1 to 1.2; 0.9 to 1.3); 2 % without | 0.010 |")


def test_every_special_row_of_the_likelihood_is_on_the_page() -> None:
    for names, made in ((STEPS, likelihood_pages.steps()), (ALREADY, likelihood_pages.left_out()),
                        (STANDS_IN, likelihood_pages.stands_in())):  # fmt: skip
        assert [name for name in names if f"| `{name}` |" not in made] == []


@pytest.mark.slow
def test_answers_and_claims_of_the_page_are_those_of_the_study(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from p53net.studies.escape.study import escape

    few = drawn(6)
    result = escape(ensemble=few)
    weights = {name: {"weight": share} for name, share in few.structures.items()}
    monkeypatch.setattr(
        ensemble_pages, "ensemble", lambda: replace(few, about={"weights": weights})
    )
    monkeypatch.setattr(ensemble_pages, "over_draws", lambda: result)
    monkeypatch.setattr(escape_pages, "over_draws", lambda: result)
    monkeypatch.setattr(escape_pages, "escape", lambda structures=None: escape(
        structures=["default", "MDMX"] if structures else None))  # fmt: skip
    index = next(
        line for line in ensemble_pages.headlines().splitlines() if "`escape_index`" in line
    )
    ends = result["escape_index"].sel(drug="KT-253").values
    assert index.endswith(
        f"{ends[2]:.3g} ({ends[1]:.3g} to {ends[3]:.3g}; {ends[0]:.3g} to {ends[4]:.3g}) |"
    )
    for claim in result["claim"].values:
        share, sentence = (
            float(result["holds"].sel(claim=claim)),
            result["sentence"].sel(claim=claim),
        )
        for table in (ensemble_pages.claims(), escape_pages.claims()):
            (line,) = (one for one in table.splitlines() if f"| {sentence.item()} |" in one)
            assert f"| {100 * share:.0f} %" in line
    assert f"{ends[2]:.2f} [{ends[0]:.2f} to {ends[4]:.2f}]" in escape_pages.measures()
