"""Published numbers that the models miss and show: what the pages say of them is today's."""

import re
from collections.abc import Iterable

import numpy as np
import pytest

import p53net as pn
from p53net.evidence import assays, predictions
from p53net.evidence.behind import WILD_TYPE
from p53net.evidence.markdown import shown
from p53net.evidence.predictions import amplified_potency, induction, over_inhibitors
from p53net.evidence.published import observations
from p53net.evidence.reasons import MISSED
from p53net.evidence.seen import uses
from p53net.model.structures import supposing
from p53net.simulation import choice
from p53net.simulation.trials import Cell
from tests.support import ROOT

pytestmark = pytest.mark.slow

ROWS = observations()
MISSED_IN_AMPLIFIED = {
    "milademetan_induction_sjsa1_p53": 8318.0,
    "milademetan_induction_sjsa1_p21": 3471.0,
    "milademetan_induction_sjsa1_mdm2": 4945.0,
    "navtemadlin_ic50_sjsa1": 86.0,
    "rg7112_ic50_amplified": 12034.0,
    "kt253_over_inhibitors": 35.43,
}


def text_of(page: str) -> str:
    """A page, its line breaks as spaces."""
    return " ".join((ROOT / page).read_text(encoding="utf-8").split())


def ic50s(drug: str, lines: Iterable[str]) -> np.ndarray:
    with supposing("v0.1"):
        return assays.ic50s([Cell({}, drug, line) for line in lines])


@pytest.fixture(scope="module")
def found() -> dict[str, float]:
    with supposing("v0.1"):
        return {**induction([{}])[0], **amplified_potency([{}])[0], **over_inhibitors([{}])[0]}


def test_each_is_scored_and_a_miss(found: dict[str, float]) -> None:
    with supposing("v0.1"):
        seen = uses()
    assert set(found) == set(MISSED_IN_AMPLIFIED)
    for name, value in MISSED_IN_AMPLIFIED.items():
        assert found[name] == pytest.approx(value, rel=1e-3), name
        assert seen[name].use in ("predict", "set") and ROWS[name].source and ROWS[name].note
        assert not ROWS[name].holds(found[name]) and MISSED["v0.1"][name]


def test_the_published_numbers_are_those_of_the_sources() -> None:
    assert ROWS["navtemadlin_ic50_sjsa1"].value == 9.1
    assert ROWS["rg7112_ic50_amplified"].value == 520.0
    assert ROWS["kt253_over_inhibitors"].low == 200.0
    for name in MISSED_IN_AMPLIFIED:
        if name.startswith("milademetan"):
            assert (ROWS[name].low, ROWS[name].high) == (30.0, 1000.0)


def test_the_reasons_quote_what_the_models_give() -> None:
    """The potency of KT-253 over each inhibitor, in every wild-type line."""
    said = MISSED["v0.1"]["kt253_over_inhibitors"]
    lines = WILD_TYPE
    degrader = ic50s("KT-253", lines)
    drugs = {"milademetan": r"\((\S+) to (\S+)\)", "navtemadlin": r"(\S+) to (\S+), siremadlin",
             "siremadlin": r"siremadlin (\S+)(),", "idasanutlin": r"idasanutlin (\S+)(),",
             "nutlin-3a": r"nutlin-3a (\S+) to (\S+) and",
             "RG7112": r"RG7112 (\S+) to (\S+)"}  # fmt: skip
    for drug, pattern in drugs.items():
        ratios = ic50s(drug, lines) / degrader
        match = re.search(pattern, said)
        assert match is not None, drug
        low, high = float(match[1]), float(match[2] or match[1])
        step = 0.05 if "." in match[1] else 0.6
        assert abs(ratios.min() - low) <= step and abs(ratios.max() - high) <= step, drug
    (in_sjsa1,) = ic50s("RG7112", ["SJSA-1"])
    assert f"in SJSA-1 it is {in_sjsa1:,.0f} nM" in MISSED["v0.1"]["rg7112_ic50_amplified"]


@pytest.mark.parametrize(
    "page", ["README.md", "docs/patient.md", "docs/schedules.md", "docs/validation.md"]
)
def test_both_trials_stand_beside_the_seven_per_cent(page: str) -> None:
    text = text_of(page)
    assert re.search(r"\b3 of 20\b", text) and re.search(r"\b34 of about 86\b", text)


def test_no_page_calls_14_of_28_days_an_arm_of_the_trial() -> None:
    assert "14/28" not in text_of("README.md")
    said = r"14/28, (which )?was no arm of|An arm of 14/28, .{,30}was none of this trial"
    assert re.search(said, text_of("docs/schedules.md"))
    assert "14/28" not in text_of("docs/calibration.md")
    for row in ROWS.values():
        assert "14/28" not in row.protocol
        assert "14/28" not in row.note or "no arm of this trial" in row.note


def test_no_regression_of_the_page_is_cut_off_by_the_run() -> None:
    page = (ROOT / "docs/xenograft.md").read_text(encoding="utf-8")
    regimens = {
        "1 mg/kg once (63 days)": (pn.regimen(1, "mg/kg", "once"), 63),
        "1 mg/kg q3w, three doses (200 days)": (pn.regimen(1, "mg/kg", "q3w", cycles=3), 200),
    }
    for words, (given, days) in regimens.items():
        whole, longer = (
            float(pn.xenograft("KT-253", given, "RS4;11", days=run)["days_below"][1])
            for run in (days, days + 50)
        )
        assert whole < days and whole == pytest.approx(longer, abs=0.02)
        (row,) = [line for line in page.splitlines() if words in line]
        assert row.endswith(f"| {shown(whole)} |")


def test_a_published_number_is_not_said_to_be_complete() -> None:
    for page in ("README.md", "docs/validation.md"):
        assert not re.search(r"(?i)(?<!not )every published number", text_of(page)), page


def test_the_engine_of_the_evidence_can_be_chosen() -> None:
    """What says nothing of its engine follows."""
    with choice.preferring("batch"):
        assert predictions.degradation([{}])[0]["kt253_dc50"] > 0
        run = pn.load().simulate([0.0, 1.0])
    assert run.attrs["engine"].startswith("batch")
    assert pn.load().simulate([0.0, 1.0]).attrs["engine"].startswith("roadrunner")
    with pytest.raises(pn.InputError, match="engine is 'cvode'"), choice.preferring("cvode"):
        pass
