"""What the models must show whatever the numbers are: docs/evidence.md lists it."""

from functools import cache

import numpy as np
import pytest

import p53net as pn
from p53net.dosing.medium import pulse
from p53net.evidence.pulses import peaks
from p53net.measures.candidate import candidates

pytestmark = pytest.mark.slow

TWIN = {"k_ub_MDM2": 0.0}


@cache
def model(drug: str | None = None, line: str = "generic", structure: str | None = None) -> pn.Model:
    return pn.load(*([drug] if drug else []), cell_line=line, structure=structure)


def rest(drug: str, **changed: float) -> dict[str, float]:
    state = model(drug).steady_state(parameters=changed)
    return {str(name): float(value) for name, value in state.items()}


def after(drug: str, dose: float, hours: float, changed: dict[str, float] | None = None):
    run = model(drug).simulate([0.0, hours], {drug: dose}, changed)
    return {str(name): float(run[name][-1]) for name in run.data_vars}


@pytest.mark.parametrize("factor", [0.3, 1.0, 3.0])
def test_an_inhibitor_raises_mdm2_and_a_degrader_destroys_it(factor: float) -> None:
    inhibited = after("milademetan", 300.0 * factor, 24.0)["MDM2_total"]
    degraded = after("KT-253", 30.0 * factor, 2.0)["MDM2_total"]
    as_inhibitor = after("KT-253", 100.0 * factor, 24.0, TWIN)["MDM2_total"]
    untreated = rest("KT-253")["MDM2_total"]
    assert degraded < untreated < min(inhibited, as_inhibitor)


@pytest.mark.parametrize(
    ("drug", "changed"), [("milademetan", {}), ("KT-253", {}), ("KT-253", TWIN)]
)
def test_p53_under_any_dose_stays_below_what_a_perfect_drug_gives(
    drug: str, changed: dict[str, float]
) -> None:
    """By hand: without MDM2, p53 rests where its own loss takes what is made; a pocket that is full
    comes near it, at doses of the hook too."""
    p = {name: row.value for name, row in model(drug).definition.parameters.items()}
    perfect = p["k_syn_p53"] / p["k_deg_p53"]
    for dose, least in ((1e3, 0.3), (1e7, 0.97)):
        state = model(drug).steady_state({drug: dose}, changed, stable=False)
        assert least * perfect < float(state["p53_total"]) <= perfect


def test_mdm2_comes_back_at_doses_that_hold_drug_and_ligase_apart() -> None:
    middle, high = (after("KT-253", dose, 24.0) for dose in (1e3, 1e5))
    assert high["MDM2_total"] > 5.0 * middle["MDM2_total"]
    assert high["p53_active"] > 0.9 * middle["p53_active"]


@pytest.mark.parametrize(("structure", "left"), [("v0.1", 0.9), (None, 0.99)])
def test_feedback_takes_p53_back_from_its_peak_and_only_while_it_is_closed(
    structure: str | None, left: float
) -> None:
    """Where MDM2 has a capacity more of it counts little, and what is taken back is a few per
    cent."""
    times, drug = np.linspace(0.0, 24.0, 481), "milademetan"
    closed, opened = (
        model(drug, structure=structure)
        .simulate(times, {drug: 100.0}, feedback=feedback)["p53_total"]
        .values
        for feedback in (True, False)
    )
    assert closed[-1] < left * closed.max() and opened.argmax() == len(times) - 1


@pytest.mark.parametrize(("structure", "lowest"), [("v0.1", 0.8), (None, 0.95)])
def test_p53_falls_below_untreated_after_a_drug_that_leaves_fast_and_not_after_a_slow_one(
    structure: str | None, lowest: float
) -> None:
    """With a capacity by less than a tenth, for the same reason."""
    times, drug = np.linspace(0.0, 48.0, 961), "milademetan"
    low = []
    for rate in (10.0, 1.0):
        parameters = {"k_perm_inhibitor": rate}
        run = model(drug, structure=structure).simulate(
            times, {drug: pulse(100.0, 24.0)}, parameters
        )
        low.append(float(run["p53_active"].min() / run["p53_active"][0]))
    assert low[0] < lowest < 0.99 < low[1]


def test_damage_gives_more_than_one_pulse_of_both() -> None:
    run = model().simulate(np.linspace(0.0, 40.0, 2001), parameters={"DSB": 1.0})
    for name in ("p53_total", "MDM2_total"):
        assert len(peaks(run[name].values, 0.02 * float(run[name].max()))) >= 2


@pytest.mark.parametrize(("drug", "dose"), [("milademetan", 1000.0), ("KT-253", 100.0)])
def test_without_the_gene_there_is_no_p53_and_nothing_follows_it(drug: str, dose: float) -> None:
    null = model(drug, "TP53-null")
    run = null.simulate(np.linspace(0.0, 24.0, 25), {drug: dose})
    assert float(run["p53_total"].max()) == 0.0
    for name in ("MDM2_mRNA", "p21", "PUMA", "GDF15"):
        assert run[name].values == pytest.approx(float(run[name][0]), rel=1e-6), name
    assert (float(run["MDM2_total"][-1]) < float(run["MDM2_total"][0])) == (drug == "KT-253")
    with pytest.raises(pn.MeasureError, match="no p53"):
        candidates([drug], "TP53-null")
