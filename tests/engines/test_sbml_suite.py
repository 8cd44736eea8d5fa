"""The SBML Test Suite against its baseline, in the folder that P53NET_SBML_SUITE names."""

import os
import sys
from pathlib import Path

import pytest

from tests.support import suite_child as child
from tests.support.files import compiled
from tests.support.suite_baseline import baseline, differences
from tests.support.suite_cases import Case, cases_in
from tests.support.suite_child import verdicts
from tests.support.suite_verdicts import Verdict

FOLDER = os.environ.get("P53NET_SBML_SUITE", "")
needs_suite = pytest.mark.skipif(
    not FOLDER, reason="P53NET_SBML_SUITE names no folder of the SBML Test Suite"
)
EVERY = 64
"""One case of so many is run here; `python -m tests.support.suite` runs all, each four ways."""
FOUR_WAYS = 240
"""One of so many is run four ways."""
LONG = ("00957", "00962", "00963", "00964", "00974", "00975")
"""Cases with thousands of events, of which the command alone takes care."""


@needs_suite
@pytest.mark.slow
def test_a_sample_of_the_suite_is_as_the_baseline_says() -> None:
    known = baseline()
    cases = [case for case in cases_in(Path(FOLDER)) if case.name in known]
    assert cases, f"{FOLDER} holds none of the cases of the baseline"
    short = [case for case in cases if case.name not in LONG]
    found = [*verdicts(short[3::EVERY], four=False), *verdicts(short[5::FOUR_WAYS])]
    assert not differences(found, known)


def test_the_baseline_has_a_reason_for_all_that_does_not_pass() -> None:
    known = baseline()
    assert len(known) > 900
    kinds = {one.result.partition(":")[0] for one in known.values()}
    assert kinds <= {"pass", "refused", "wrong"}
    for one in known.values():
        assert one.result == "pass" or len(one.result.partition(": ")[2]) > 5, one.case


def test_differences_are_told_either_way() -> None:
    known = {name: Verdict(name, result, "yes") for name, result in (("1", "pass"), ("2", "wrong"))}
    worse, better = Verdict("1", "wrong: batch: S", "yes"), Verdict("2", "pass", "yes")
    given_away = Verdict("1", "pass", "event E")
    assert differences([Verdict("1", "pass", "yes")], known) == []
    assert len(differences([worse, better], known)) == 2
    assert "event E" in differences([given_away], known)[0]
    assert "does not have it" in differences([Verdict("3", "pass", "yes")], known)[0]


CASE = {
    "model.m": "",
    "settings.txt": "start: 0\nduration: 1\nsteps: 2\nvariables: S, c\nabsolute: 1e-6\n"
                    "relative: 1e-4\namount: S\nconcentration:\n",
    "results.csv": "time,S,c\n0,4,2\n0.5,2.42612264,2\n1,1.47151776,2\n",
}  # fmt: skip


def written(folder: Path, results: str) -> Case:
    """A case of our own: S decays with 1 in a volume of 2, from a concentration of 2."""
    case = folder / "00001"
    case.mkdir()
    text = compiled("compartment c = 2; species S in c = 2; J: S => ; S*c", folder).read_text()
    (case / "00001-sbml-l3v1.xml").write_text(text)
    for name, content in {**CASE, "results.csv": results}.items():
        (case / f"00001-{name}").write_text(content)
    return Case(case)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after", "result"),
    [
        ("", "", "pass"),
        ("0.5,2.426", "0.5,2.427", "wrong: roadrunner: S (first)"),
        ("0.5,2.42612264", "0.5,NaN", "wrong: roadrunner: S (first)"),
        ("time,S,c", "time,S,other", "wrong: roadrunner: other is missing (first)"),
    ],
)
def test_a_verdict_is_that_of_the_table(
    before: str, after: str, result: str, tmp_path: Path
) -> None:
    case = written(tmp_path, CASE["results.csv"].replace(before, after))
    (found,) = verdicts([case])
    assert found == Verdict("00001", result, "yes")


def test_a_case_that_ends_its_process_has_a_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = [sys.executable, "-c", "import os; os.abort()"]
    monkeypatch.setattr(child, "command", lambda *_: ends)
    found = child.verdicts([Case(tmp_path / name) for name in ("00001", "00002")])
    assert [one.result for one in found] == ["crash", "crash"]
