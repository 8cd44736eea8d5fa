"""Certificates: against closed forms, of our models and of others', and where engines differ."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import p53net as pn
from p53net import certifying
from p53net.cli import app
from p53net.model.conserved import conserved_sums
from tests.support.pair import PAIR as TEXT

pytest.importorskip("COPASI", reason="COPASI's Python package is not installed")
TIMES = np.linspace(0, 20, 41)


@pytest.mark.slow
def test_a_pair_has_its_closed_forms(tmp_path: Path) -> None:
    """A <-> B at rates 2 and 1: at rest A is 4 of 12; the motion dies away at 3, and the sums stay;
    A at rest follows back/(k + back)."""
    made = pn.certify(pn.read_sbml(TEXT), tmp_path, times=TIMES)
    assert made["agrees"] and list(made["engines"]) == ["batch", "roadrunner", "copasi"]
    for engine in made["engines"]:
        assert made["rest"][engine]["A"] == pytest.approx(4.0, rel=1e-6)
        rates = sorted(real for real, _ in made["eigenvalues"][engine])
        np.testing.assert_allclose(rates, [-3.0, 0.0, 0.0], atol=1e-5)
        assert made["sums"]["drifts"][engine] < 1e-9
        control = made["control"][engine]["A"]
        assert control["k"] == pytest.approx(-2 / 3, abs=1e-4)
        assert control["back"] == pytest.approx(2 / 3, abs=1e-4)
    assert json.loads((tmp_path / "certificate.json").read_text())["agrees"] is True
    assert "The engines agree" in (tmp_path / "certificate.md").read_text()


def test_conserved_sums() -> None:
    """A, B and D turn into each other; in our loop CRBN is free or in complexes, in 2 pL."""
    assert conserved_sums(TEXT) == [{"A": 1.0, "B": 1.0, "D": 1.0}]
    (ours,) = (one for one in conserved_sums(pn.load("KT-253").sbml()) if "CRBN" in one)
    assert set(ours) == {
        "CRBN", "CRBN_degrader", "MDM2_degrader_CRBN", "MDM2_degrader_CRBN_ubiquitinated"
    }  # fmt: skip
    assert len(set(ours.values())) == 1


def test_engines_that_differ_are_told() -> None:
    one = {"A": [1.0, 2.0], "B": [0.0, 0.0]}
    other = {"A": [1.0, 2.1], "B": [0.0, 0.0]}
    same = certifying._judged("curves", {"a": one, "b": one}, certifying._of_curves)
    apart = certifying._judged("curves", {"a": one, "b": other}, certifying._of_curves)
    assert same["agrees"] and same["difference"] == 0.0
    assert not apart["agrees"] and apart["difference"] == pytest.approx(0.05)
    lost = certifying._judged(
        "eigenvalues", {"a": [[-1.0, 0.0]], "b": [[-1.0, 0.0], [-2.0, 0.0]]},
        certifying._of_eigenvalues,
    )  # fmt: skip
    assert not lost["agrees"]


@pytest.mark.slow
def test_the_command_of_our_models(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["certify", "KT-253", "--dose", "5", "--end", "24", "-o", str(tmp_path / "c")]
    )
    assert done.exit_code == 0, done.output
    made = json.loads((tmp_path / "c" / "certificate.json").read_text())
    assert made["agrees"] and len(made["engines"]) == 3
    assert {part: made[part]["agrees"] for part in certifying.LIMITS} == dict.fromkeys(
        certifying.LIMITS, True
    )


@pytest.mark.slow
def test_a_body_has_no_rest_and_says_so() -> None:
    model = pn.load("milademetan", system="plasma")
    made = pn.certify(model, doses={"milademetan": pn.regimen(260, "mg", [0, 24])}, times=TIMES * 2)
    assert made["agrees"] and made["curves"]["agrees"] and made["control"]["agrees"]
    assert "no state at rest" in made["rest"]["reason"]


@pytest.mark.parametrize(
    "words", [["nobody"], ["none.xml"], ["loop", "--end", "0"], ["a.xml", "--dose", "1"]]
)
def test_what_is_refused(words: list[str]) -> None:
    done = CliRunner().invoke(app, ["certify", *words])
    assert done.exit_code != 0 and isinstance(done.exception, pn.P53NetError)
