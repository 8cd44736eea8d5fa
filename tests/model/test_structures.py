"""The partner of MDM2, residual activity and CRBN by line: what they are; the law of the loop."""

import re
from functools import cache

import numpy as np
import pytest
import xarray as xr

import p53net as pn
from p53net.model import structures
from p53net.model.check import findings
from p53net.model.definition import define
from tests.support import ROOT, loop_law

ALL = "MDMX and residual"
ALONE = "partner=none, residual=on"
STRUCTURES = ["v0.1", "default", "no partner", "MDMX", "residual", ALL, ALONE, "one CRBN"]
BOTH = "milademetan", "KT-253"
DOSES = {"milademetan": 50.0, "KT-253": 3.0}


@cache
def model_of(structure: str, *drugs: str) -> pn.Model:
    """A model that tests share: runs leave no trace in it."""
    return pn.load(*drugs, structure=structure)


def holding(state: xr.Dataset, *words: str) -> float:
    """The sum of what is in the cell and has all of the words in its name."""
    made = model_of(ALL, *BOTH).definition
    names = [name for name in made.species if name in state and made.compartment_of[name] == "cell"]
    proteins = [name for name in names if "mRNA" not in name and "destroyed" not in name]
    chosen = [name for name in proteins if all(f"_{word}_" in f"_{name}_" for word in words)]
    return float(sum(state[name] for name in chosen))


# --- what the models are


@pytest.mark.parametrize("engine", ["roadrunner", "batch"])
@pytest.mark.parametrize("structure", ["MDMX", "no partner"])
@pytest.mark.slow
def test_untreated_cells_are_those_without(structure: str, engine: str) -> None:
    """The constants of each option are set so; to four digits where one is rounded."""
    usual = model_of("v0.1", "KT-253").steady_state(engine=engine)
    found = model_of(structure, "KT-253").steady_state(engine=engine)
    for name in ("p53_total", "p53_active", "MDM2_total", "MDM2_mRNA", "p21", "PUMA", "GDF15"):
        assert float(found[name]) == pytest.approx(float(usual[name]), rel=3e-4), name


def test_sums_hold_what_they_say() -> None:
    model = model_of(ALL, *BOTH)
    run = model.simulate(np.linspace(0, 12, 13), DOSES, {"DSB": 1.0}).isel(time=-1)
    assert float(run["MDM2_MDMX_inhibitor"]) > 0.1
    assert float(run["MDM2_MDMX_degrader_CRBN"]) > 1e-6
    assert float(run["MDM2_MDMX_p53_phospho"]) > 1e-3
    sums = {
        "MDM2_total": holding(run, "MDM2"),
        "MDMX_total": holding(run, "MDMX"),
        "p53_total": holding(run, "p53"),
        "inhibitor_in_cell": holding(run, "inhibitor"),
        "degrader_in_cell": holding(run, "degrader"),
    }
    for name, value in sums.items():
        assert float(run[name]) == pytest.approx(value, rel=1e-9), name
    assert holding(run, "CRBN") == pytest.approx(13.0, rel=1e-9)
    assert float(run["MDM2_MDMX_total"]) == pytest.approx(holding(run, "MDM2", "MDMX"))
    drugged = holding(run, "MDM2", "inhibitor") + holding(run, "MDM2", "degrader")
    assert float(run["MDM2_drugged"]) == pytest.approx(drugged)
    assert float(run["MDM2_MDMX_drugged"]) == pytest.approx(
        holding(run, "MDMX", "inhibitor") + holding(run, "MDMX", "degrader")
    )
    undrugged = float(run["MDM2_total"]) - drugged
    assert float(run["MDM2_undrugged"]) == pytest.approx(undrugged)


@pytest.mark.slow
def test_mdmx_is_made_and_lost_as_said() -> None:
    """Its balance at rest, and over time after MDMX was made twice as fast."""
    model = model_of("MDMX", *BOTH)
    p = {name: row.value for name, row in model.definition.parameters.items()}

    def lost(state: xr.Dataset) -> float:
        return float(p["k_deg_MDMX"] * state["MDMX_total"]
                     + p["k_deg_MDMX_MDM2"] * state["MDM2_MDMX_total"])  # fmt: skip

    for doses in ({}, DOSES):
        rest = model.steady_state(doses, stable=False)
        assert lost(rest) == pytest.approx(p["k_syn_MDMX"], rel=1e-8)
    hours = np.linspace(0.0, 24.0, 2401)
    run = model.simulate(hours, DOSES)
    rate = p["k_syn_MDMX"] - np.array([lost(run.isel(time=i)) for i in range(len(hours))])
    made = np.trapezoid(rate, hours)
    assert float(run["MDMX_total"][-1] - run["MDMX_total"][0]) == pytest.approx(made, rel=1e-3)
    damaged = model.steady_state(parameters={"DSB": 1.0}, stable=False)
    faster = p["k_deg_MDMX_ATM"] * float(damaged["ATM"] * damaged["MDMX_total"])
    assert lost(damaged) + faster == pytest.approx(p["k_syn_MDMX"], rel=1e-8)


@pytest.mark.slow
def test_crbn_of_a_line() -> None:
    """Its level is that of the line, in this structure alone; uptake scales what a dose does."""
    line = pn.load("KT-253", cell_line="MOLM-14")
    assert float(line.steady_state()["CRBN"]) == 13.0
    other = line.steady_state({"KT-253": 3.0}, {"CRBN_of_line": 40.0}, stable=False)
    assert holding(other, "CRBN") == pytest.approx(40.0, rel=1e-8)
    usual = pn.load("KT-253", cell_line="MOLM-14", structure="one CRBN")
    assert float(usual.steady_state()["CRBN"]) == 50.0
    taken_up = line.definition.parameters["uptake_of_line"].value
    twice = line.steady_state({"KT-253": 1.0}, {"uptake_of_line": 2.0 * taken_up}, stable=False)
    dose = line.steady_state({"KT-253": 2.0}, stable=False)
    assert float(twice["MDM2_total"]) == pytest.approx(float(dose["MDM2_total"]), rel=1e-8)


@pytest.mark.slow
def test_uptake_leaves_no_drug_behind_in_a_closed_dish() -> None:
    model = model_of("default", "KT-253")
    dose = {"KT-253": pn.closed_dish(10.0, medium_volume=20.0)}
    run = model.simulate(np.linspace(0, 24, 5), dose, {"uptake_of_line": 5.0})
    held = run["degrader_medium"] * 20.0 + run["degrader_in_cell"] * 2.0
    assert held.values[1:] == pytest.approx(10.0 * 20.0, rel=1e-7)
    assert float(run["degrader_in_cell"][-1]) > 1.0


@pytest.mark.parametrize(
    ("structure", "message"),
    [
        ("partner=MDMX, core=Hunziker2010", "partner=MDMX.* core=Hunziker2010"),
        ("core=Proctor2008", "partner=capacity.* core=Proctor2008"),
    ],
)
def test_a_partner_is_of_our_core(structure: str, message: str) -> None:
    with pytest.raises(pn.InputError, match=message):
        pn.load("milademetan", structure=structure)


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.slow
def test_no_finding(structure: str) -> None:
    for system in ("dish", "culture", "tumour", "marrow"):
        for drugs in ((), ("milademetan",), ("KT-253",), BOTH):
            made = define(*drugs, system=system, structure=structure)
            whole = [made, *([made.cell] if made.cell else [])]
            assert [findings(one.sbml, one.parameters) for one in whole] == [[]] * len(whole)


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.slow
def test_engines_agree(structure: str) -> None:
    times = np.linspace(0.0, 48.0, 25)
    for drugs in (("milademetan",), ("KT-253",), BOTH):
        model = model_of(structure, *drugs)
        doses = {name: DOSES[name] for name in drugs}
        one, two = (
            model.simulate(times, doses, {"DSB": 0.3}, engine=engine, accuracy=1e-8)
            for engine in ("roadrunner", "batch")
        )
        for name in one.data_vars:
            scale = float(np.abs(one[name]).max())
            if scale > 1e-6:
                np.testing.assert_allclose(two[name], one[name], rtol=1e-6, atol=1e-6 * scale)


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.slow
def test_a_dose_of_nothing_changes_nothing(structure: str) -> None:
    model = model_of(structure, *BOTH)
    run = model.simulate(np.array([0.0, 48.0]), dict.fromkeys(BOTH, 0.0))
    for name in run.data_vars:
        first, last = run[name].values
        assert last == pytest.approx(first, rel=1e-6, abs=1e-9), name


# --- the law of the loop


def numbers(drug: str, structure: str) -> dict[str, float]:
    """Values of parameters; a line's uptake counts as more of the degrader outside."""
    rows = model_of(structure, drug).definition.parameters
    p = {name: row.value for name, row in rows.items()}
    if "CRBN_of_line" not in p:
        return p
    taken_up = p["fu_medium_degrader"] * p["uptake_of_line"]
    return p | {"CRBN_total": p["CRBN_of_line"], "fu_medium_degrader": taken_up}


def by_hand(drug: str, structure: str, fold: float) -> tuple[float, float]:
    """Doses that rest active p53 at the fold, loop closed and opened."""
    p = numbers(drug, structure)
    untreated = float(model_of(structure).steady_state()["p53_active"])
    dose = loop_law.inhibitor_dose if drug == "milademetan" else loop_law.degrader_dose
    if structures.as_structure(structure)["partner"] == "MDMX":
        dose = loop_law.partner_dose
    made = [loop_law.made(p, level) for level in (fold * untreated, untreated)]
    closed, opened = (dose(p, fold * untreated, one) for one in made)
    return closed, opened


@pytest.mark.parametrize("drug", BOTH)
@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.slow
def test_doses_by_hand_rest_p53_where_they_should(structure: str, drug: str) -> None:
    rests(structure, drug)


@pytest.mark.slow
def test_a_dose_by_hand_rests_p53_where_it_should() -> None:
    rests(ALL, "KT-253")
    rests("residual", "milademetan")


def rests(structure: str, drug: str) -> None:
    """The doses by hand for three times untreated p53 do give it, loop closed and opened."""
    model = model_of(structure, drug)
    untreated = float(model_of(structure).steady_state()["p53_active"])
    for feedback, dose in zip((True, False), by_hand(drug, structure, 3.0), strict=True):
        rest = model.steady_state({drug: dose}, feedback=feedback, stable=False)
        assert float(rest["p53_active"]) == pytest.approx(3.0 * untreated, rel=1e-8)


def measured(drug: str, structure: str, folds: tuple[float, ...]) -> list[float]:
    asked = [f"dose_ratio:{fold:g}" for fold in folds]
    one = {"cell": [2.0]}
    found = pn.sweep(model_of(structure, drug), one, measures=asked)
    return [float(found[f"dose_ratio_{fold:g}"].values.item()) for fold in folds]


@pytest.mark.parametrize("drug", BOTH)
@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.slow
def test_dose_ratios_are_those_by_hand(structure: str, drug: str) -> None:
    """Where the inhibitor gets nowhere near, there is no number on either side."""
    folds = 2.0, 3.0, 5.0
    expected = [float(np.divide(*by_hand(drug, structure, fold))) for fold in folds]
    np.testing.assert_allclose(measured(drug, structure, folds), expected, rtol=1e-6)


@pytest.mark.slow
def test_when_an_inhibitor_pays_more() -> None:
    """Two conditions of the law of equal prices, each broken alone and both together."""

    def ratio(drug: str, structure: str) -> float:
        return float(np.divide(*by_hand(drug, structure, 3.0)))

    assert ratio("milademetan", "v0.1") == pytest.approx(ratio("KT-253", "v0.1"), rel=2e-3)
    assert ratio("milademetan", ALONE) > 1.5 * ratio("KT-253", ALONE)
    for partner in ("default", "MDMX"):
        assert ratio("milademetan", partner) < 0.85 * ratio("KT-253", partner)


@pytest.mark.parametrize("fold", [2.0, 3.0])
@pytest.mark.slow
def test_capacity_and_residual_activity_cancel_where_the_law_says(fold: float) -> None:
    """With this much residual activity free MDM2 does not depend on how much MDM2 there is, so the
    dose ratio of an inhibitor is that of drugged MDM2 alone; with less it is below, with more
    above. But for how ubiquitination frees MDM2, which fast binding leaves no part in."""
    model, fast = model_of("default", "milademetan"), {"k_on_p53": 3600.0}
    p = {**numbers("milademetan", "default"), **fast}
    untreated = float(model.steady_state(parameters=fast)["p53_active"])
    level = fold * untreated
    made = loop_law.made(p, level), loop_law.made(p, untreated)
    asked = (p["k_syn_p53"] - p["k_deg_p53"] * level) / p["k_ub_p53"]
    even = p["Kd_p53"] * asked / (level * (p["E3_capacity"] + p["E3_reference"]))

    def free(residual: float) -> list[float]:
        """Free MDM2, loop closed and opened, from the dose and drugged MDM2."""
        changed, found = {**fast, "residual": residual}, []
        for feedback, one in zip((True, False), made, strict=True):
            dose = {"milademetan": loop_law.inhibitor_dose({**p, **changed}, level, one)}
            rest = model.steady_state(dose, changed, feedback=feedback, stable=False)
            found.append(float(rest["MDM2_free"]))
        return found

    closed, opened = free(even)
    assert closed == pytest.approx(opened, rel=1e-4)
    assert np.greater(*free(0.7 * even))
    assert np.less(*free(1.3 * even))


# --- the tables of docs/structure_options.md and docs/law.md

PAGE = "".join(
    (ROOT / "docs" / name).read_text(encoding="utf-8")
    for name in ("structure_options.md", "law.md")
)


def table_after(text: str) -> dict[str, list[str]]:
    """The first table after a text, its first column to the others."""
    start = re.search(r"\s+".join(map(re.escape, text.split())), PAGE)
    assert start, text
    rows = PAGE[start.end() :].split("\n|---|")[1].split("\n\n")[0].splitlines()[1:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {first: rest for first, *rest in cells}


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.slow
def test_dose_ratios_of_the_page(structure: str) -> None:
    for drug, cell in zip(BOTH, table_after("Dose ratios at 2, 3 and 5")[structure], strict=True):
        found = measured(drug, structure, (2.0, 3.0, 5.0))
        assert ", ".join("never" if np.isnan(x) else f"{x:#.3g}" for x in found) == cell


@pytest.mark.slow
def test_ceilings_of_the_page() -> None:
    for residual, row in table_after("The most that total p53 can rise").items():
        for structure, cell in zip(("no partner", "default", "MDMX"), row, strict=True):
            model = pn.load("RG7112", cell_line="LPS-amplified", structure=structure)
            left = {"residual": float(residual)}
            most = model.steady_state({"RG7112": 1e7}, left, stable=False)["p53_total"]
            fold = float(most / model.steady_state(parameters=left)["p53_total"])
            assert fold == pytest.approx(float(cell), abs=0.006)


@pytest.mark.slow
def test_potencies_of_the_page() -> None:
    drugs = ["nutlin-3a", "navtemadlin", "milademetan"]
    for name, row in table_after("IC50 [nM]; published").items():
        found = pn.viability(drugs, ["SJSA-1"], structure=name, replicates=1)["ic50"].values.ravel()
        np.testing.assert_allclose(found, [float(one.replace(",", "")) for one in row], rtol=5e-3)


@pytest.mark.slow
def test_a_line_of_its_own_uptake() -> None:
    """The page's numbers of RS4;11, with what was fitted at what was published."""
    line, drugs = "RS4;11", ["KT-253", "MD-224", "milademetan"]
    table = table_after("IC50 [nM] in RS4;11")
    for structure in ("default", "v0.1"):
        found = pn.viability(drugs, [line], structure=structure, replicates=1)["ic50"]
        assay = pn.degradation(["MD-4251"], line, hours=[2.0], structure=structure)
        most = float(assay["dmax"].sel(loop="closed").item())
        run = pn.load("MD-224", cell_line=line, structure=structure).simulate(
            [0.0, 2.0], {"MD-224": 1.0}, observables=["MDM2_total"]
        )
        before, after = run["MDM2_total"].values
        known = [*found.values.ravel(), most, 100.0 * after / before]
        page = [float(one) for one in table[structure]]
        np.testing.assert_allclose(known, page, rtol=0.01)
        assert 0.27 < known[0] < 0.33


@pytest.mark.slow
def test_crbn_sets_how_deep_mdm2_falls_and_where_the_hook_begins() -> None:
    doses = np.geomspace(1e-2, 1e6, 81)
    lowest, at, half = [], [], []
    model = pn.load("KT-253", cell_line="HEK293T")
    for level in (50.0, 13.0, 3.0, 1.0):
        run = pn.sweep(
            model, {"KT-253": doses}, times=[0.0, 24.0], observables=["MDM2_total"],
            parameters={"CRBN_of_line": level},
        )  # fmt: skip
        left = run["MDM2_total_at_24"].values / float(model.steady_state()["MDM2_total"])
        lowest.append(left.min())
        at.append(doses[left.argmin()])
        half.append(np.interp(-0.5, -left[: left.argmin()], doses[: left.argmin()]))
    assert (np.diff(lowest) > 0.0).all()
    assert (np.diff(at) < 0.0).all()
    rows = list(table_after("Of KT-253 in HEK293T").values())
    np.testing.assert_allclose(half, [float(row[0]) for row in rows], rtol=0.06)
    np.testing.assert_allclose(
        lowest, [float(row[1].split(", ")[0]) / 100 for row in rows], rtol=0.06
    )
