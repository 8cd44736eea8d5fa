"""Plasma, tumour, marrow and culture against closed forms, invariants and other engines."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import lambertw

import p53net as pn
from p53net.exchange.files import SHIPPED, Shipped
from p53net.model import drug_entries, molar_masses
from p53net.model.systems import SYSTEMS
from p53net.simulation.model import Model
from tests.support import ROOT
from tests.support.agreement import assert_agree
from tests.support.oracles import copasi_solution, scipy_solution

# Dose times lie between grid points: engines may differ exactly at an event.
TIMES = np.linspace(0.0, 120.0, 241)
DOSE_TIMES = [0.0, 24.1, 48.3, 72.2]
SYSTEM_IDS = [f"{'+'.join(one.drugs)} {one.system}" for one in SHIPPED if one.system != "dish"]
IN_SYSTEMS = [one for one in SHIPPED if one.system != "dish"]


def loaded(one: Shipped) -> Model:
    return pn.load(*one.drugs, system=one.system, host=one.host)


def doses_for(model: Model) -> dict[str, object]:
    """Inhibitors by mouth, degraders intravenously, or both in a dish."""
    if not model.definition.in_body:
        return {drug: [(0.0, 300.0), (30.2, 0.0)] for drug in model.definition.drugs}
    unit = "mg" if model.definition.host == "human" else "mg/kg"
    amount = {"inhibitor": 260.0, "degrader": 0.5}
    if unit == "mg/kg":
        amount = {"inhibitor": 50.0, "degrader": 0.3}
    roles = model.definition.drugs
    return {drug: pn.regimen(amount[role], unit, DOSE_TIMES) for drug, role in roles.items()}


@pytest.mark.parametrize("one", IN_SYSTEMS, ids=SYSTEM_IDS)
@pytest.mark.slow
def test_copasi_scipy_and_batch_give_the_same_curves(one: Shipped, tmp_path: Path) -> None:
    model = loaded(one)
    doses = doses_for(model)
    path = pn.export(model, tmp_path / "model.xml", doses)
    run = model.simulate(TIMES, doses)
    assert_agree(run, scipy_solution(path.read_text(), TIMES))
    assert_agree(run, copasi_solution(path, TIMES))
    batch = model.simulate(TIMES, doses, engine="batch")
    assert_agree(run, {str(name): batch[name].values for name in batch.data_vars})


@pytest.mark.slow
def test_two_drugs_in_one_mouse(tmp_path: Path) -> None:
    """Each has its own plasma; both compete for MDM2 in the tumour."""
    model = pn.load("milademetan", "KT-253", system="tumour", host="mouse")
    doses = doses_for(model)
    path = pn.export(model, tmp_path / "model.xml", doses)
    both = model.simulate(TIMES, doses)
    assert_agree(both, scipy_solution(path.read_text(), TIMES))
    alone = pn.load("KT-253", system="tumour", host="mouse")
    single = alone.simulate(TIMES, {"KT-253": doses["KT-253"]})
    np.testing.assert_allclose(both["degrader_plasma"], single["degrader_plasma"], rtol=1e-7)
    assert float(both["MDM2_degrader"].max()) < float(single["MDM2_degrader"].max())


# --- pharmacokinetics against closed forms


def curve_of(times, dose_times, amount, p, *, oral: bool):
    """Two compartments, by superposition of the closed form of one dose [nM]."""
    k10, k12, k21 = p["CL"] / p["Vc"], p["Q"] / p["Vc"], p["Q"] / p["Vp"]
    total, product = k10 + k12 + k21, k10 * k21
    alpha = (total + np.sqrt(total**2 - 4 * product)) / 2
    beta = product / alpha
    start, found = amount / p["Vc"], np.zeros(len(times))
    for dose in dose_times:
        t = np.where(times >= dose, times - dose, 0.0)
        if oral:
            ka = p["ka"]
            one = ka * start * (
                (k21 - ka) / ((alpha - ka) * (beta - ka)) * np.exp(-ka * t)
                + (k21 - alpha) / ((ka - alpha) * (beta - alpha)) * np.exp(-alpha * t)
                + (k21 - beta) / ((ka - beta) * (alpha - beta)) * np.exp(-beta * t)
            )  # fmt: skip
        else:
            one = start / (alpha - beta) * (
                (alpha - k21) * np.exp(-alpha * t) + (k21 - beta) * np.exp(-beta * t)
            )  # fmt: skip
        found += np.where(times >= dose, one, 0.0)
    return found


def numbers(model: Model, role: str) -> dict[str, float]:
    names = {"CL": "CL", "Vc": "V_central", "Q": "Q", "Vp": "V_peripheral", "ka": "ka"}
    rows = model.definition.parameters
    return {k: rows[f"{n}_{role}"].value for k, n in names.items() if f"{n}_{role}" in rows}


@pytest.mark.parametrize("engine", ["roadrunner", "batch"])
@pytest.mark.parametrize("schedule", ["once", "3/14", "daily"])
@pytest.mark.parametrize(("drug", "role", "host"), [("milademetan", "inhibitor", "human"),
                                                    ("KT-253", "degrader", "mouse")])  # fmt: skip
def test_plasma_follows_its_closed_form(
    drug: str, role: str, host: str, schedule: str, engine: str
) -> None:
    """Bolus, repeated, and 300 doses; whatever the grid."""
    unit = "mg" if host == "human" else "mg/kg"
    how = {"once": {}, "3/14": {"cycles": 2}, "daily": {"days": 300}}[schedule]
    given = pn.regimen(10.0, unit, schedule, **how)
    assert len(given.times) == {"once": 1, "3/14": 6, "daily": 300}[schedule]
    model = pn.load(drug, system="plasma", host=host)
    nanomoles = 10.0 * 1e6 / model.definition.molar_masses[drug][""]
    nanomoles *= model.definition.body_weight if unit == "mg/kg" else 1.0
    end = given.times[-1] + 48.0
    for times in (np.linspace(0.0, end, 13), np.linspace(0.0, end, 4001)):
        run = model.simulate(times, {drug: given}, observables=[f"{role}_plasma"], engine=engine)
        p = numbers(model, role)
        expected = curve_of(times, given.times, nanomoles, p, oral=role == "inhibitor")
        found = run[f"{role}_plasma"].values
        assert float(np.abs(found - expected).max()) <= 1e-6 * expected.max()


@settings(max_examples=15)
@given(
    st.floats(0.05, 5.0),
    st.floats(0.5, 2.0),
    st.floats(0.5, 2.0),
    st.floats(0.2, 5.0),
    st.sampled_from(["roadrunner", "batch"]),
)
def test_plasma_conserves_the_drug(
    ka: float, clearance: float, volume: float, flow: float, engine: str
) -> None:
    """Dose in = amount present + eliminated, at every time, to 1e-8."""
    model = PLASMA
    rows = model.definition.parameters
    changed = {
        "ka_inhibitor": ka,
        "CL_inhibitor": rows["CL_inhibitor"].value * clearance,
        "V_central_inhibitor": rows["V_central_inhibitor"].value * volume,
        "Q_inhibitor": rows["Q_inhibitor"].value * flow,
    }
    given = pn.regimen(260.0, "mg", [0.0, 24.0, 48.0, 336.0])
    times = np.linspace(0.0, 500.0, 501)
    run = model.simulate(times, {"milademetan": given}, changed, engine=engine)
    parts = ("gut", "plasma", "peripheral", "eliminated")
    present = sum(run[f"inhibitor_{part}"].values for part in parts)
    dose = 260.0 * 1e6 / 618.5 / changed["V_central_inhibitor"]
    taken = dose * np.searchsorted(given.times, times, side="right")
    assert float(np.abs(present - taken).max()) <= 1e-8 * taken.max()


def test_doses_add_to_what_is_there() -> None:
    """The second dose does not reset the gut, and a dose at the very end shows in the last row."""
    given = pn.regimen(100.0, "mg", [0.0, 0.5, 2.0])
    for engine in ("roadrunner", "batch"):
        run = PLASMA.simulate([0.0, 0.5, 1.0, 2.0], {"milademetan": given}, engine=engine)
        gut = run["inhibitor_gut"].values
        one = 100.0 * 1e6 / 618.5 / PLASMA.definition.parameters["V_central_inhibitor"].value
        ka = PLASMA.definition.parameters["ka_inhibitor"].value
        after = one * np.exp(-ka * 0.5) + one
        assert gut[0] == pytest.approx(one)
        assert gut[1] == pytest.approx(after, rel=1e-8)
        assert gut[3] == pytest.approx(after * np.exp(-ka * 1.5) + one, rel=1e-8)


def test_a_late_first_dose_leaves_the_body_empty_before() -> None:
    given = pn.regimen(100.0, "mg", [10.0])
    for engine in ("roadrunner", "batch"):
        run = PLASMA.simulate([0.0, 9.9, 12.0], {"milademetan": given}, engine=engine)
        assert run["inhibitor_plasma"].values[:2].tolist() == [0.0, 0.0]
        assert float(run["inhibitor_plasma"][2]) > 0.0


def test_free_drug_around_the_cell_follows_plasma() -> None:
    run = PLASMA.simulate(
        [0.0, 3.0], {"milademetan": pn.regimen(260, "mg", "once")}, {"Kp_uu_inhibitor": 0.5}
    )
    free = PLASMA.definition.parameters["fu_plasma_inhibitor"].value
    expected = 0.5 * free * float(run["inhibitor_plasma"][1])
    assert float(run["inhibitor_outside"][1]) == pytest.approx(expected)


# --- tumour, marrow, culture


@pytest.mark.slow
def test_an_untreated_tumour_grows_exponentially_and_then_linearly() -> None:
    """ln(w/w0) + (k/limit)(w - w0) = k t: the closed form is a Lambert function."""
    model = pn.load("milademetan", system="tumour", host="mouse", cell_line="ST-02-0075")
    rows = model.definition.parameters
    k, limit = rows["k_growth_tumour"].value, rows["growth_limit_tumour"].value
    start = rows["tumour_start"].value
    times = np.linspace(0.0, 60000.0, 6001)
    ratio = k / limit
    # W(exp(x)) for large x by its own equation, where exp would overflow
    x = np.log(ratio * start) + ratio * start + k * times
    volume = lambertw(np.exp(np.minimum(x, 700.0))).real / ratio
    for engine in ("roadrunner", "batch"):
        run = model.simulate(times, observables=["tumour_volume"], engine=engine)
        np.testing.assert_allclose(run["tumour_volume"].values, volume, rtol=1e-6)
    assert np.diff(volume)[-1] / 10.0 == pytest.approx(limit, rel=0.05)
    assert volume[10] / volume[0] == pytest.approx(np.exp(100 * k), rel=0.05)


@pytest.mark.parametrize("engine", ["roadrunner", "batch"])
def test_marrow_without_drug_stays_as_it_is(engine: str) -> None:
    model = pn.load("milademetan", system="marrow")
    for changed in ({}, {"k_deg_p53": 0.1, "MTT_platelets": 100.0, "platelets_baseline": 150.0}):
        run = model.simulate(np.linspace(0.0, 3000.0, 61), parameters=changed, engine=engine)
        for name in ("platelets", "neutrophils", "haemoglobin", "GDF15_serum"):
            assert float(abs(run[name] / run[name][0] - 1.0).max()) < 1e-8
        assert float(run["platelets"][0]) == changed.get("platelets_baseline", 276.0)


def test_counts_fall_and_come_back() -> None:
    model = pn.load("milademetan", system="marrow")
    run = model.simulate(
        np.linspace(0.0, 24 * 400.0, 801), {"milademetan": pn.regimen(260, "mg", "3/14", cycles=1)}
    )
    for name in ("platelets", "neutrophils", "haemoglobin"):
        curve = run[name].values
        assert curve.min() < 0.99 * curve[0]
        assert curve[-1] == pytest.approx(curve[0], rel=0.02)


@settings(max_examples=10)
@given(st.floats(1.0, 4.0), st.floats(0.0, 3.0))
def test_nothing_in_a_body_becomes_negative(dose: float, sensitivity: float) -> None:
    given = pn.regimen(10**dose, "mg", "daily", days=20)
    changed = {"slope_platelets": 1e-3 * 10**sensitivity}
    run = MARROW.simulate(
        np.linspace(0.0, 800.0, 201), {"milademetan": given}, changed, engine="batch"
    )  # RoadRunner gives up where hardly a platelet is left
    for name in run.data_vars:
        if name != "PUMA_rise":
            assert float(run[name].min()) > -1e-6 * max(1.0, float(run[name].max())), name


def test_cells_of_a_culture_grow_at_their_rate_and_without_p53_do_not_notice_the_drug() -> None:
    times = np.linspace(0.0, 72.0, 73)
    model = pn.load("milademetan", system="culture")
    run = model.simulate(times)
    k = model.definition.parameters["k_growth"].value
    np.testing.assert_allclose(run["live_cells"].values, np.exp(k * times), rtol=1e-6)
    null = pn.load("milademetan", system="culture", cell_line="TP53-null")
    treated = null.simulate(times, {"milademetan": 1e5})
    np.testing.assert_allclose(treated["live_cells"], null.simulate(times)["live_cells"], rtol=1e-6)


def test_untreated_growth_does_not_depend_on_the_sensitivity_of_a_line() -> None:
    model = pn.load("milademetan", system="tumour", host="mouse")
    times = [0.0, 300.0]
    usual = model.simulate(times, observables=["tumour_volume"])["tumour_volume"][-1]
    sensitive = model.simulate(times, parameters={"K_PUMA_caspase": 50.0, "K_arrest": 20.0},
                               observables=["tumour_volume"])["tumour_volume"][-1]  # fmt: skip
    assert float(sensitive) == pytest.approx(float(usual), rel=1e-7)


def test_a_tumour_starts_from_the_untreated_state_of_its_cell() -> None:
    model = pn.load("KT-253", system="tumour", host="mouse", cell_line="RS4;11")
    changed = {"k_deg_p53": 0.15, "CL_degrader": 0.1, "tumour_start": 77.0}
    run = model.simulate([0.0, 1.0], parameters=changed)
    rest = model.cell.steady_state(parameters={"k_deg_p53": 0.15})
    for name in ("p53_active", "MDM2_total", "PUMA", "caspase"):
        assert float(run[name][0]) == pytest.approx(float(rest[name]), rel=1e-12)
    assert float(run["tumour_volume"][0]) == 77.0
    assert float(run["p53_active"][1]) == pytest.approx(float(rest["p53_active"]), rel=1e-6)


@pytest.mark.slow
def test_the_loop_can_be_opened_in_a_body() -> None:
    given = {"milademetan": pn.regimen(260, "mg", "once")}
    times = np.linspace(0.0, 48.0, 97)
    shut, opened = (MARROW.simulate(times, given, feedback=f) for f in (True, False))
    assert float(opened["MDM2_mRNA"].max()) == pytest.approx(float(shut["MDM2_mRNA"][0]), rel=1e-6)
    # with a capacity that MDM2 shares the feedback costs less than without
    old = pn.load("milademetan", system="marrow", structure="v0.1")
    gains = []
    for model in (MARROW, old):
        shut, opened = (model.simulate(times, given, feedback=f) for f in (True, False))
        gains.append(float(opened["p53_active"].max()) / float(shut["p53_active"].max()))
    assert 1.0 < gains[0] < gains[1]


def test_gdf15_clearance_stands_in_one_fragment_only() -> None:
    folder = ROOT / "models"
    holders = [path.name for path in folder.glob("*.ant") if "k_out_GDF15" in path.read_text()]
    assert holders == ["biomarker.ant"]


def test_a_body_without_a_drug_can_be_simulated() -> None:
    for system in ("tumour", "marrow"):
        run = pn.load(system=system).simulate([0.0, 24.0])
        assert float(run["p53_active"][1]) == pytest.approx(float(run["p53_active"][0]), rel=1e-7)


def test_every_system_is_described() -> None:
    assert all(kind.description for kind in SYSTEMS.values())


# --- masses and moles


def test_ng_per_ml_and_nm() -> None:
    assert pn.convert(1503.0, "ng/mL", "nM", "milademetan") == pytest.approx(2430.07, rel=1e-5)
    assert pn.convert(2430.07, "nM", "ng/mL", "milademetan") == pytest.approx(1503.0, rel=1e-5)
    assert pn.convert(260.0, "mg", "umol", "DS-3032b") == pytest.approx(420.37, rel=1e-4)
    salt = pn.convert(260.0, "mg", "umol", "milademetan", form="tosylate hydrate")
    assert salt == pytest.approx(260e3 / 808.7, rel=1e-9)
    assert pn.convert(1.0, "mg/L", "ng/mL", "KT-253") == pytest.approx(1000.0)


def test_a_salt_is_less_drug_than_its_mass() -> None:
    base, salt = (
        PLASMA.simulate([0.0, 3.0], {"milademetan": pn.regimen(260, "mg", "once", **form)})[
            "inhibitor_plasma"
        ][1]
        for form in ({}, {"form": "tosylate hydrate"})
    )
    assert float(salt / base) == pytest.approx(618.5 / 808.7, rel=1e-9)


def test_molar_masses_are_numbers_of_the_table() -> None:
    assert molar_masses(drug_entries()["milademetan"]) == {"": 618.5, "tosylate hydrate": 808.7}


PLASMA = pn.load("milademetan", system="plasma")
MARROW = pn.load("milademetan", system="marrow")
