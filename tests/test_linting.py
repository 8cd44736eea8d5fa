"""`pn.lint`: what it says of files with one fault each, and of one without."""

import json
import sys
from pathlib import Path

import pytest

import p53net as pn
from p53net import cli
from p53net.model.external.lint import findings_of
from tests.support.files import JUMPS, compiled
from tests.support.sbml_texts import DECAY, INFUSION, sbml, species

BINDING = sbml(
    species("A", 2), species("B", 1), species("AB", 0),
    reactions=(("on", "A B", "AB", "cell * k * A * B"), ("off", "AB", "A B", "cell * AB")),
)  # fmt: skip


def said(text: str, check: str) -> list[tuple[str, str, str]]:
    found = findings_of("m.xml", text.encode(), "")
    return [(one.severity, one.subject, one.message) for one in found if one.check == check]


def small(*pools: str, **parts: object) -> str:
    return sbml(species("S", 1), *pools, **{"reactions": (DECAY,), **parts})  # type: ignore[arg-type]


UNITS = small().replace(
    "<listOfCompartments>",
    '<listOfUnitDefinitions><unitDefinition id="per_h"><listOfUnits><unit kind="second" '
    'exponent="-1" scale="0" multiplier="3600"/></listOfUnits></unitDefinition><unitDefinition '
    'id="per_s"><listOfUnits><unit kind="second" exponent="-1" scale="0" multiplier="1"/>'
    "</listOfUnits></unitDefinition></listOfUnitDefinitions><listOfCompartments>",
)


@pytest.mark.parametrize(("text", "check", "severity", "subject", "message"), [
    ("<a/>", "xml", "error", "m.xml", "is not SBML"),
    (small().replace('species="S"', 'species="T"'), "validity", "error", "", "which is undefined"),
    (small(reactions=(("J", "S", "", "delay(S, 1)"),)), "reading", "error", "m.xml", "past"),
    (small(constants={"k": 0.5, "K": 1.0}), "names", "note", "K", "differs from 'k' only by case"),
    (small(constants={"k": 0.5, "pi": 3.0}), "names", "warning", "pi", "a word of formulas"),
    (small(constants={"k": 0.5, "x": 3.0}), "unused", "note", "x", "uses this parameter"),
    (small(variables={"x": 3.0}), "constant", "note", "x", "nothing changes it"),
    (small(species("T", 1)), "constant", "note", "T", "no reaction, rule or event changes"),
    (small(events=(("e", "S == 0.5", "S", "2"),)), "events", "warning", "e", "S == 0.5"),
    (small(rules={"x": "piecewise(1, time == 3, 2)"}), "events", "warning", "x", "time == 3"),
    (small(events=(("e", "S > 0.2 && S < 0.3", "S", "2"),)), "events", "warning", "e", "S"),
    (small(events=(("e", "time > 2 && 3 > time", "S", "2"),)), "events", "warning", "e", "time"),
    (small(rules={"x": "floor(time)"}), "events", "note", "x", "jumps with floor(time)"),
    (small(), "annotation", "note", "small", "1 of 1 species have no annotation"),
    (BINDING, "conserved", "note", "A", "the amounts"),
    (BINDING.replace('false" fast="false', 'false" fast="true', 1), "rates", "warning", "on",
     "fast reaction on runs at equilibrium"),
    (BINDING.partition("<kineticLaw>")[0] + BINDING.partition("</kineticLaw>")[2], "rates",
     "warning", "on", "reaction on has no kinetic law, and stands still"),
    (small(constants={"k": 0.5, "fast": 1e6}, rules={"x": "fast * S"},
           reactions=(DECAY, ("J", "", "S", "fast*(1 - S)"))), "stiffness", "note", "small", "in"),
])  # fmt: skip
def test_one_fault_is_one_finding(
    text: str, check: str, severity: str, subject: str, message: str
) -> None:
    found = [one for one in said(text, check) if one[1] == subject or not subject]
    found = [one for one in found if message in one[2]]
    assert found, said(text, check)
    assert found[0][0] == severity


@pytest.mark.parametrize(("text", "check"), [
    (small(events=(("e", "S > 0.2 && time > 3", "S", "2"),)), "events"),
    (small(events=(("e", "S > 0.2 || S < 0.1", "S", "2"),)), "events"),
    (small(rules={"x": "piecewise(1, k == 0.5, 2)"}), "events"),
    (small(rules={"x": "floor(k)"}), "events"),
    (small(), "conserved"),
    (small(), "rates"),
    (small(), "constant"),
    (small(), "unused"),
    (small(), "names"),
    (small(), "units"),
])  # fmt: skip
def test_what_is_no_fault_is_not_said(text: str, check: str) -> None:
    assert said(text, check) == []


def test_units_count_with_their_magnitude() -> None:
    """Per hour is not per second, which libSBML takes for the same."""
    rules = small(constants={"k": 0.5, "q": 1.0}, rules={"x": "k + q"})
    with_units = UNITS.partition("<listOfCompartments>")[0] + "<listOfCompartments>"
    text = with_units + rules.partition("<listOfCompartments>")[2]
    same = text.replace('<parameter id="', '<parameter units="per_s" id="')
    other = same.replace('units="per_s" id="q"', 'units="per_h" id="q"')
    assert [one for one in said(same, "units") if one[1] == "x"] == []
    ((severity, _, message),) = [one for one in said(other, "units") if one[1] == "x"]
    assert severity == "warning" and "needs q in per_s, but it is in per_h" in message


def test_conserved_sums_are_right() -> None:
    """A and B are bound to each other: two sums, each of them constant in a run."""
    sums = [message for _, _, message in said(BINDING, "conserved")]
    assert sorted(sums) == ["the amounts A + AB keep their sum", "the amounts A - B keep their sum"]
    run = pn.read_sbml(BINDING).simulate([0.0, 1.0, 3.0])
    assert float(abs((run["A"] + run["AB"]) - 2.0).max()) < 1e-6
    assert float(abs((run["A"] - run["B"]) - 1.0).max()) < 1e-6


def test_the_times_of_a_linear_model_are_known() -> None:
    """Eigenvalues by hand: k = 0.5 of an amount in a volume of 2, and 50000."""
    text = sbml(
        species("S", 1), species("T", 0),
        reactions=(("a", "S", "", "cell * k * S"), ("b", "T", "", "cell * 50000 * T")),
    )  # fmt: skip
    ((_, _, message),) = said(text, "stiffness")
    assert "moves in 2e-05 to 2 units of time: it is stiff, by a factor of 1e+05" in message


@pytest.mark.slow
def test_engines_are_named_with_their_reasons(tmp_path: Path) -> None:
    found = pn.lint(INFUSION, end=5.0)
    assert list(found.columns) == ["severity", "check", "subject", "line", "message"]
    engines = found[found["check"] == "engines"]
    assert list(engines["message"]) == ["batch runs it to 5", "roadrunner runs it to 5"]
    still = pn.lint(sbml(rules={"x": "2 * time"}))  # nothing moves
    assert "error" not in set(still["severity"]) and "stiffness" not in set(still["check"])
    jumps = pn.lint(compiled(f"x = 1; x' = -x; {JUMPS}", tmp_path))
    assert "whose volume jumps" in "".join(jumps[jumps["check"] == "engines"]["message"])


def _exit(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["p53net", "lint", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return int(end.value.code or 0)


@pytest.mark.slow
def test_the_command_tells_by_its_exit_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good, doubtful, bad = (tmp_path / f"{name}.xml" for name in ("good", "doubtful", "bad"))
    good.write_text(small())
    doubtful.write_text(small(constants={"k": 0.5, "pi": 3.0}))
    bad.write_text("<a/>")
    assert _exit(monkeypatch, str(good)) == 0
    assert _exit(monkeypatch, str(doubtful)) == 0
    assert _exit(monkeypatch, str(doubtful), "--strict") == 1
    capsys.readouterr()
    assert _exit(monkeypatch, str(bad), "--json") == 1
    rows = json.loads(capsys.readouterr().out)
    assert [(row["severity"], row["check"]) for row in rows] == [("error", "xml")]


@pytest.mark.parametrize("end", [0.0, -1.0, float("nan"), "1"])
def test_an_end_that_is_none(end: object) -> None:
    with pytest.raises(pn.InputError, match="end"):
        pn.lint(INFUSION, end=end)  # type: ignore[arg-type]
