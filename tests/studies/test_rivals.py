"""Escape over structures, and claims as text."""

import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import p53net as pn
from p53net.measures.claims import Value, holds
from p53net.studies.escape import rivals

NUMBERS = {"a": 2.0, "b": 3.0, "c": math.nan}


def value(claim: str) -> float:
    return float(holds(claim, lambda one: np.asarray(NUMBERS[one.name])))


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ('a["x"] < b["x"]', 1.0),
        ('a["x"] > b["x"]', 0.0),
        ('a["x"] < c["x"]', math.nan),
        ('1.4 < b["x"]/a["x"] < 1.6', 1.0),
        ('1.4 < b["x"]/a["x"] < 1.45', 0.0),
        ('a["x"] + b["x"]*2 <= 8 and a["x"] >= 2', 1.0),
        ('a["x"] < b["x"] and b["x"] < a["x"]', 0.0),
        ('-(a["x"] - b["x"]) > 0.5', 1.0),
        ('10 - a["x"] - b["x"] >= 5 and 10 - a["x"] - b["x"] <= 5', 1.0),
        ('12/a["x"]/b["x"] <= 2', 1.0),
    ],
)
def test_claims(claim: str, expected: float) -> None:
    np.testing.assert_equal(value(claim), expected)


@given(st.floats(-9, 9), st.floats(-9, 9), st.floats(0.1, 9))
def test_claims_compute_as_python_does(a: float, b: float, c: float) -> None:
    numbers = {"a": a, "b": b, "c": c}
    found = holds('a["x"] - b["x"]*2/c["x"] < b["x"]', lambda one: np.asarray(numbers[one.name]))
    assert bool(found) == (a - b * 2 / c < b)


def test_a_value_names_place_and_drug() -> None:
    seen: list[Value] = []

    def lookup(one: Value) -> np.ndarray:
        seen.append(one)
        return np.array([1.0, 3.0])

    assert holds('dose_ratio:3["KT-253 (twin)"] < 2', lookup).tolist() == [1.0, 0.0]
    assert seen == [Value("dose_ratio", 3.0, "KT-253 (twin)")]


@pytest.mark.parametrize(
    "claim",
    ["", "1", 'a["x"]', 'a["x"] <', 'a["x"] < b', '__import__("os")', 'a["x"] < b["x"] or 1 < 2',
     "(1 < 2)", "1 < 2 and", "(" * 30 + "1" + ")" * 30 + " < 2", 'a["x"] == 2', "1 < 2; 1",
     "1 < " + "1+" * 400 + "1"],
)  # fmt: skip
def test_what_is_no_claim(claim: str) -> None:
    with pytest.raises(pn.InputError, match="claim"):
        value(claim)


def test_every_claim_is_read() -> None:
    assert len({one.claim for one in rivals.claims()}) == len(rivals.claims()) >= 8
    for one in rivals.claims():
        assert math.isnan(holds(one.expression, lambda _: np.asarray(math.nan)))


RESIDUAL = "partner=none, residual=on"


@pytest.fixture(scope="module")
def compared() -> xr.Dataset:
    return pn.escape(["milademetan", "KT-253"], structures=["v0.1", RESIDUAL])


@pytest.mark.slow
def test_measures_are_those_of_each_structure(compared: xr.Dataset) -> None:
    for name in ("v0.1", RESIDUAL):
        alone = pn.escape(["KT-253"], structure=name)
        for measure in ("dose_ratio", "equal_dose", "stoichiometric_load"):
            here = compared[measure].sel(structure=name, drug=alone["drug"].values)
            np.testing.assert_array_equal(here.values, alone[measure].values)
    assert (compared["status"] == "ok").all()
    assert pn.plot(compared).axes


@pytest.mark.slow
def test_claims_follow_from_the_measures(compared: xr.Dataset) -> None:
    ratio = compared["dose_ratio"].sel(fold=3.0)
    for name in ("v0.1", RESIDUAL):
        one, other = (float(ratio.sel(structure=name, drug=d)) for d in ("KT-253", "milademetan"))
        held = compared["holds"].sel(structure=name)
        assert float(held.sel(claim="equal_price")) == (0.95 < one / other < 1.05)
        assert float(held.sel(claim="inhibitor_pays_more")) == (other > 1.05 * one)
    table = rivals.claim_table(compared).set_index("claim")
    assert table.loc["equal_price", ["holds", "of"]].tolist() == [1, 2]
    twin = "KT-253 (non-catalytic twin)"
    assert np.isnan(compared["dose_ratio"].sel(structure=RESIDUAL, drug=twin, fold=5.0))
    assert table.loc["twin_pays", "of"] == 1


def test_dose_below_a_hook() -> None:
    """With residual activity p53 falls again above the hook: the dose below it is found."""
    model = pn.load("KT-253", structure=RESIDUAL)
    found = pn.escape(["KT-253"], structure=RESIDUAL)["resting_dose_closed"].sel(
        drug="KT-253", fold=5.0
    )
    untreated = model.steady_state()["p53_active"]
    reached = model.steady_state({"KT-253": float(found)})["p53_active"]
    assert float(reached / untreated) == pytest.approx(5.0, rel=1e-7)
    assert float(model.steady_state({"KT-253": 1e7})["p53_active"] / untreated) < 5.0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"structures": []}, "names none"),
        ({"structures": ["v0.1", "v0.1"]}, "one twice"),
        ({"structures": ["nothing"]}, "unknown structure"),
        ({"structures": "all", "structure": "v0.1"}, "both given"),
    ],
)
def test_bad_structures(given: dict[str, object], message: str) -> None:
    with pytest.raises(pn.P53NetError, match=message):
        pn.escape(["KT-253"], **given)  # type: ignore[arg-type]
