"""Studies from the dish to the patient: what they return, and what they must show."""

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import p53net as pn
from p53net.measures.dose_response import fit_logistic, logistic
from p53net.simulation.runs import Runner
from p53net.studies.body.blood import lowest_counts, nadir
from p53net.studies.body.pharmacokinetics import occasion
from p53net.studies.body.population import GRADES, grades, patients, rate
from p53net.studies.body.xenografts import days_below, tgi
from p53net.studies.dish.binding import binding_ic50
from tests.support.commands import Command

DOSES = np.geomspace(1e-2, 1e4, 19)


# --- fits


@settings(max_examples=25)
@given(
    st.floats(-1.0, 3.0), st.floats(0.5, 4.0), st.floats(50.0, 150.0), st.floats(-20.0, 20.0)
)  # fmt: skip
def test_a_logistic_curve_is_found_again(
    log: float, hill: float, top: float, bottom: float
) -> None:
    fit = fit_logistic(DOSES, logistic(DOSES, top, bottom, 10**log, hill))
    assert fit.status == "ok"
    assert fit.middle == pytest.approx(10**log, rel=1e-4)
    assert (fit.top, fit.bottom, fit.hill) == pytest.approx((top, bottom, hill), rel=1e-3, abs=1e-3)


@pytest.mark.slow
def test_the_interval_of_a_midpoint_holds_the_truth_as_often_as_it_says() -> None:
    """95 of 100 at least nine times in ten, over 200 noisy curves."""
    random, inside = np.random.default_rng(7), 0
    for _ in range(200):
        noisy = logistic(DOSES, 100.0, 0.0, 10.0, 1.5) + random.normal(0.0, 5.0, len(DOSES))
        fit = fit_logistic(DOSES, noisy)
        inside += fit.low <= 10.0 <= fit.high
    assert 180 <= inside <= 198


def test_noise_has_no_midpoint() -> None:
    random = np.random.default_rng(3)
    for spread in (0.0, 1.0, 8.0):
        fit = fit_logistic(np.repeat(DOSES, 3), 100.0 + random.normal(0.0, spread, 57))
        assert fit.status.startswith("no effect") and np.isnan(fit.middle)


def test_a_midpoint_outside_of_the_doses_is_none() -> None:
    fit = fit_logistic(DOSES, logistic(DOSES, 100.0, 0.0, 3e4, 1.0))
    assert "outside" in fit.status and np.isnan(fit.middle)


# --- assays


def test_the_binding_assay_obeys_its_limits() -> None:
    """With little MDM2 and no depletion IC50 = Ki (1 + probe/Kd); with tight binding MDM2/2."""
    assert binding_ic50(10.0, mdm2=1e-4, probe=5.0, Kd_probe=5.0) == pytest.approx(20.0, rel=2e-3)
    assert binding_ic50(1e-3, mdm2=10.0, probe=0.01, Kd_probe=1e3) == pytest.approx(5.0, rel=0.1)


@pytest.fixture(scope="module")
def plates() -> xr.Dataset:
    return pn.viability(["KT-253", "milademetan"], ["RS4;11", "TP53-null", "SJSA-1"], replicates=1)


@pytest.mark.slow
def test_ic50s_of_a_plate(plates: xr.Dataset) -> None:
    found = plates["ic50"].to_pandas()
    assert 0.2 <= found.loc["KT-253", "RS4;11"] <= 0.45
    assert np.isnan(found["TP53-null"]).all()
    assert (found["SJSA-1"] > 3 * found["RS4;11"])["KT-253"]
    null = plates["viability"].sel(cell_line="TP53-null")
    assert float(abs(null - 100.0).max()) < 5.0


@pytest.mark.slow
def test_noise_of_a_plate_is_fixed_by_its_seed() -> None:
    options = {"cell_lines": "RS4;11", "noise": 0.1, "concentrations": np.geomspace(0.01, 10, 9)}
    one, same, other = (pn.viability("KT-253", seed=s, **options) for s in (1, 1, 2))
    assert one.identical(same)
    assert not np.array_equal(one["viability"], other["viability"])
    assert float(one["ic50"].item()) == pytest.approx(float(other["ic50"].item()), rel=0.3)
    assert one["ic50_low"].item() < one["ic50"].item() < one["ic50_high"].item()
    beside = pn.viability(["milademetan", "KT-253"], seed=1, **options)["viability"]
    np.testing.assert_array_equal(beside.sel(drug="KT-253"), one["viability"].sel(drug="KT-253"))


@pytest.mark.slow
def test_noise_is_the_coefficient_of_variation_of_a_well() -> None:
    found = pn.viability("KT-253", "TP53-null", concentrations=np.geomspace(1e-3, 1.0, 50),
                         replicates=100, noise=0.5)["viability"]  # fmt: skip
    assert float(found.std() / found.mean()) == pytest.approx(0.5, rel=0.04)
    assert float(found.mean()) == pytest.approx(100.0, rel=0.03)


@pytest.mark.slow
def test_wells_that_are_equal_narrow_no_interval() -> None:
    one, many = (pn.viability("KT-253", replicates=n) for n in (1, 50))
    assert float(one["ic50_low"].item()) == float(many["ic50_low"].item())


def test_doses_that_all_kill_are_not_called_without_effect() -> None:
    found = pn.viability("KT-253", concentrations=[100, 200, 300, 400, 500])
    assert "one plateau" in str(found["status"].item()) and np.isnan(found["ic50"]).all()


@pytest.mark.slow
def test_folds_at_the_ic50_are_those_of_that_dose() -> None:
    plate = pn.viability("KT-253", "RS4;11").isel(drug=0, cell_line=0)
    model = pn.load("KT-253", cell_line="RS4;11", system="culture")
    run, rest = (
        model.simulate([0.0, 72.0], {"KT-253": dose}) for dose in (plate["ic50"].item(), 0)
    )
    for name, fold in (("p53_active", "p53_fold"), ("PUMA", "PUMA_fold")):
        assert float(plate[fold]) == pytest.approx(float(run[name][-1] / rest[name][-1]), rel=1e-6)


def test_degradation_shows_dc50_dmax_and_the_hook() -> None:
    measured = pn.degradation("KT-253", "HEK293T", hours=2.0).squeeze()  # where it was
    assert 0.27 <= float(measured["dc50"].sel(loop="open")) <= 0.6
    assert 100.0 < float(measured["hook"].sel(loop="closed")) < 1e4
    found = pn.degradation(["KT-253", "milademetan"], hours=2.0)
    kt253, blocked = found.sel(drug="KT-253", hours=2.0), found.sel(drug="milademetan", hours=2.0)
    assert float(kt253["dmax"].sel(loop="closed")) > 95.0
    hooks = [float(one["hook"].sel(loop="closed")) for one in (kt253, measured)]
    assert hooks[0] < hooks[1]  # cells of the generic line take up more
    assert np.isnan(blocked["dc50"]).all() and np.isnan(blocked["hook"]).all()
    assert "blocked" in str(blocked["status"].sel(loop="closed").item())
    opened = kt253.sel(loop="open")
    assert float(opened["dmax_low"]) < float(opened["dmax_fit"]) < float(opened["dmax_high"])
    assert abs(float(opened["dmax_fit"] - opened["dmax"])) < 5.0
    assert np.isnan(blocked["dmax_fit"]).all()


def test_caspase_rises_with_dose_and_time() -> None:
    found = pn.caspase("milademetan", concentrations=[100, 300, 1000, 3000, 1e4])["active"].isel(
        drug=0
    )
    assert (found.diff("dose") > 0).all()
    assert (found.isel(dose=slice(1, None)).diff("hours") > 0).all()
    assert float(found.max()) < 100.0


@pytest.mark.slow
def test_a_caspase_well_is_its_live_cells_times_each() -> None:
    found = pn.caspase("milademetan", concentrations=[1000.0], hours=[24.0]).isel(
        drug=0, dose=0, hours=0
    )
    model = pn.load("milademetan", cell_line="SJSA-1", system="culture")
    live, active = [], []
    for dose in (0.0, 1000.0):
        run = model.simulate([0.0, 24.0], {"milademetan": dose})
        live.append(float(run["live_cells"][-1]))
        active.append(float(run["caspase"][-1]))
    assert float(found["caspase"]) == pytest.approx(active[1] / active[0], rel=1e-6)
    assert float(found["live_cells"]) == pytest.approx(100.0 * live[1] / live[0], rel=1e-6)
    well = active[1] * live[1] / (active[0] * live[0])
    assert float(found["caspase_well"]) == pytest.approx(well, rel=1e-6)
    assert float(found["active"]) == pytest.approx(100.0 * active[1] / 200.0, rel=1e-6)


# --- plasma


def test_pharmacokinetics_of_milademetan_on_the_third_day() -> None:
    arms = [pn.regimen(dose, "mg", "3/14", cycles=1) for dose in (15, 60, 260, 340)]
    found = pn.pk("milademetan", arms)
    day_3 = found.sel(dose=260.0, occasion=3)
    assert 2.5 <= float(day_3["tmax"]) <= 3.7
    assert float(day_3["cmax"]) == pytest.approx(1503, rel=0.1)
    assert float(day_3["auc"]) == pytest.approx(18432, rel=0.1)
    assert 9.0 <= float(day_3["half_life"]) <= 11.0
    np.testing.assert_allclose(found["slope"], 1.0, atol=1e-6)
    assert "by construction" in found["slope"].attrs["long_name"]
    assert found.attrs["molar_mass"] == "618.5 g/mol, free base"


def test_an_occasion_is_read_from_a_known_curve() -> None:
    times = np.union1d(np.linspace(0.0, 48.0, 481), [24.0])
    curve = np.exp(-0.1 * times) - np.exp(-1.0 * times)
    seen = occasion(times, curve, 0.0, 24.0)
    assert seen.tmax == pytest.approx(np.log(10) / 0.9, abs=2e-3)
    assert seen.cmax == pytest.approx(10 ** (-1 / 9) - 10 ** (-10 / 9), rel=1e-5)
    area = (1 - np.exp(-2.4)) / 0.1 - (1 - np.exp(-24.0))
    assert seen.auc == pytest.approx(area, rel=1e-3)
    assert np.isnan(occasion(times, curve, 30.0, 54.0).auc)


def test_an_occasion_ends_before_the_next_dose() -> None:
    apart = pn.pk("KT-253", pn.regimen(1, "mg/kg", "q3w", cycles=2), host="mouse")
    daily = pn.pk("KT-253", pn.regimen(1, "mg/kg", "daily", days=4), host="mouse")
    assert float(abs(daily["tmax"]).max()) == 0.0  # intravenous: the peak is at the dose
    assert float(daily["auc"][0, 0]) == pytest.approx(float(apart["auc"][0, 0]), rel=1e-6)
    assert float(daily["cmax"][0, 0]) == pytest.approx(float(apart["cmax"][0, 0]), rel=1e-9)


def test_the_area_until_the_next_dose_gives_clearance_at_steady_state() -> None:
    twice = pn.regimen(100, "mg", list(np.arange(0.0, 240.0, 12.0)))
    found = pn.pk("milademetan", twice)
    cl = pn.load("milademetan", system="plasma", host="human").definition.parameters["CL_inhibitor"]
    assert float(found["clearance"][0, -2]) == pytest.approx(cl.value, rel=1e-3)
    assert float(found["tmax"].max()) < 12.0


def test_clearance_counts_body_weight_and_salt() -> None:
    daily = pn.pk("KT-253", pn.regimen(1, "mg/kg", "daily", days=10), host="mouse")
    cl = pn.load("KT-253", system="plasma", host="mouse").definition.parameters["CL_degrader"]
    assert float(daily["clearance"][0, -2]) == pytest.approx(cl.value, rel=1e-3)
    base, salt = (
        pn.pk("milademetan", pn.regimen(260, "mg", "once", form=form))
        for form in ("free base", "tosylate hydrate")
    )
    assert float(salt["clearance"][0, 0]) == pytest.approx(float(base["clearance"][0, 0]), rel=1e-6)
    assert float(salt["cmax"][0, 0]) == pytest.approx(float(base["cmax"][0, 0]) * 618.5 / 808.7,
                                                      rel=1e-3)  # fmt: skip


@pytest.mark.parametrize("later", [0.3, 0.6, 1.2, 2.3, 8.2, 1e-7])
def test_doses_at_times_that_rounding_moves(later: float) -> None:
    found = pn.pk("milademetan", pn.regimen(100, "mg", [0.0, later]))
    once = pn.pk("milademetan", pn.regimen(200, "mg", "once"))
    assert float(found["half_life"][0]) == pytest.approx(float(once["half_life"][0]), rel=1e-3)
    assert np.isfinite(found["cmax"]).all()


def test_no_half_life_is_read_before_the_end_of_distribution() -> None:
    dose = pn.regimen(260, "mg", "3/14", cycles=1)
    for hours in (50.0, 60.0, 72.0, 95.0):
        assert np.isnan(pn.pk("milademetan", dose, hours=hours)["half_life"]).all()
    for hours in (96.5, 144.0, 400.0):
        assert float(pn.pk("milademetan", dose, hours=hours)["half_life"][0]) == pytest.approx(
            10.0, rel=0.01
        )
    mouse = pn.pk("milademetan", pn.regimen(25, "mg/kg", "once"), host="mouse")
    assert 1.0 < float(mouse["half_life"][0]) < 2.0  # 10 h times (0.02/70)^0.25, gone in a day


# --- mice


@pytest.fixture(scope="module")
def mice() -> xr.Dataset:
    arms = [pn.regimen(dose, "mg/kg", "daily", days=28) for dose in (25, 50, 100)]
    return pn.xenograft("milademetan", arms, "ST-02-0075")


@pytest.mark.slow
def test_growth_inhibition_rises_with_dose(mice: xr.Dataset) -> None:
    found = mice["tgi"].values
    assert found[0] == 0.0
    assert 57 <= found[1] <= 77 and 120 <= found[2] <= 141
    assert (np.diff(found) > 0).all()
    assert "T0" in mice.attrs["tgi"] and "day 28" in mice.attrs["tgi"]
    volume = mice["tumour_volume"]
    wanted = 100.0 * (volume[:, -1] / volume[:, 0] - 1.0)
    np.testing.assert_allclose(mice["change"], wanted, rtol=1e-12)


def test_regimens_that_are_called_the_same_are_told_apart() -> None:
    arms = [pn.regimen(25, "mg/kg", [0, 24]), pn.regimen(25, "mg/kg", [0, 72]),
            pn.regimen(25, "mg/kg", "3/14", cycles=1), pn.regimen(25, "mg/kg", "3/14", cycles=2),
            pn.regimen(25, "mg/kg", "once"),
            pn.regimen(25, "mg/kg", "once", form="tosylate hydrate")]  # fmt: skip
    found = pn.xenograft("milademetan", arms, "ST-02-0075")
    assert len(set(found["arm"].values.tolist())) == 7
    assert (np.diff(np.sort(found["tgi"].values)) > 0).all()


@pytest.mark.slow
def test_one_dose_of_kt253_keeps_a_tumour_small_and_milademetan_does_not() -> None:
    kt253 = pn.xenograft("KT-253", pn.regimen(1, "mg/kg", "once"), "RS4;11", days=42)
    other = pn.xenograft("milademetan", pn.regimen(100, "mg/kg", "once"), "RS4;11", days=42)
    assert float(kt253["days_below"][1]) >= 14.0
    assert float(kt253["lowest"][1]) < 0.1 * float(kt253["tumour_volume"][1, 0])
    assert float(other["days_below"][1]) < float(kt253["days_below"][1])


def test_tgi_and_days_below_of_known_volumes() -> None:
    volumes = np.array([[100.0, 300.0], [100.0, 200.0], [100.0, 50.0], [100.0, 300.0]])
    np.testing.assert_allclose(tgi(volumes), [0.0, 50.0, 125.0, 0.0])
    times = np.arange(0.0, 24.0 * 11, 24.0)
    volume = np.array([100, 110, 90, 50, 50, 50, 90, 100, 120, 130, 140.0])
    assert days_below(times, volume) == 5.0
    assert days_below(times, np.full(11, 100.0)) == 0.0
    assert days_below(times, np.linspace(100, 0, 11)) == 9.0


# --- patients


def test_virtual_patients_are_those_of_their_seed_and_of_the_table() -> None:
    rows = pn.load("milademetan", system="marrow").definition.parameters
    typical = {name: row.value for name, row in rows.items()}
    one, same = patients(typical, 300, 5), patients(typical, 300, 5)
    pd.testing.assert_frame_equal(one, same)
    assert not one.equals(patients(typical, 300, 6))
    many = np.log(patients(typical, 20_000, 1))
    assert many["CL_inhibitor"].std() == pytest.approx(0.555, rel=0.03)
    assert many["CL_inhibitor"].mean() == pytest.approx(np.log(typical["CL_inhibitor"]), abs=0.02)
    together = np.corrcoef(many["CL_inhibitor"], many["V_central_inhibitor"])[0, 1]
    assert together == pytest.approx(0.65, abs=0.02)
    assert one["haemoglobin_baseline"].min() >= 9.0
    assert one["platelets_baseline"].min() >= 100.0


def test_a_patient_has_one_plasma_in_tumour_and_marrow() -> None:
    marrow, tumour = (
        {n: r.value for n, r in pn.load("milademetan", system=s).definition.parameters.items()}
        for s in ("marrow", "tumour")
    )
    both = patients(tumour | marrow, 50, 2)
    alone = patients(marrow, 50, 2)
    pd.testing.assert_frame_equal(both[list(alone)], alone)


def test_grades_and_rates() -> None:
    counts = np.array([200.0, 149.0, 74.0, 49.0, 24.0])
    assert grades(counts, "thrombocytopenia").tolist() == [0, 1, 2, 3, 4]
    assert grades(np.array([13.0, 11.9, 9.9, 7.9]), "anaemia").tolist() == [0, 1, 2, 3]
    found = rate(3, 20)
    assert (found.percent, round(found.low, 1), round(found.high, 1)) == (15.0, 5.2, 36.0)
    assert rate(0, 20)[:2] == (0.0, 0.0)
    assert round(rate(0, 20).high, 1) == 16.1


def test_the_nadir_of_a_known_curve() -> None:
    times = np.arange(0.0, 673.0, 1.0)
    counts = 100.0 - 50.0 * np.exp(-(((times - 240.0) / 60.0) ** 2))
    found = nadir(times, counts, 336.0, 48.0)
    assert found.days == pytest.approx(8.0)
    assert found.regained == pytest.approx(1 - np.exp(-((96 / 60) ** 2)), rel=1e-6)
    late = 100.0 - 50.0 * np.exp(-(((times - 360.0) / 60.0) ** 2))
    assert nadir(times, late, 336.0, 48.0) == (pytest.approx(13.0), 0.0)


@pytest.fixture(scope="module")
def cohort() -> xr.Dataset:
    dose = pn.regimen(260, "mg", "3/14", days=56)
    return pn.patient("milademetan", dose, population=100, seed=3)


@pytest.mark.slow
def test_a_population_has_percentiles_grades_and_rates(cohort: xr.Dataset) -> None:
    assert cohort["rate"].dims == ("toxicity", "grade")
    assert list(cohort["toxicity"].values) == list(GRADES)
    assert (cohort["status"] == "ok").all()
    assert (cohort["rate"].diff("grade") <= 0).all()
    assert (cohort["rate_low"] <= cohort["rate"]).all()
    assert (cohort["rate"] <= cohort["rate_high"]).all()
    assert (cohort["platelets"].diff("percentile") >= 0).all()
    by_hand = 100.0 * float((cohort["worst_grade"].sel(toxicity="thrombocytopenia") >= 3).mean())
    assert float(cohort["rate"].sel(toxicity="thrombocytopenia", grade=3)) == by_hand


@pytest.mark.slow
def test_a_population_is_the_same_on_roadrunner(cohort: xr.Dataset) -> None:
    dose = pn.regimen(260, "mg", "3/14", days=14)
    one, other = (
        pn.patient("milademetan", dose, days=14, population=12, engine=engine, workers=0)
        for engine in ("batch", "roadrunner")
    )
    np.testing.assert_array_equal(one["worst_grade"], other["worst_grade"])
    np.testing.assert_allclose(one["platelets"], other["platelets"], rtol=1e-5)
    assert "roadrunner" in other.attrs["engine"] and "batch" in one.attrs["engine"]


def test_gdf15_tracks_plasma_and_a_patient_is_the_sum_of_two_models() -> None:
    dose = pn.regimen(260, "mg", "once")
    found = pn.patient("milademetan", dose, days=7)
    assert 3.0 <= float(found["GDF15_serum"].sel(time=slice(0, 24)).max()) <= 10.0
    assert float(found["GDF15_serum"][-1]) == pytest.approx(1.0, rel=0.02)
    curve = pn.pk("milademetan", dose, hours=168)["plasma"].isel(dose=0)
    np.testing.assert_allclose(found["plasma"], curve.sel(time=found["time"]), rtol=1e-6)


@pytest.mark.slow
def test_schedules_trade_effect_for_toxicity() -> None:
    arms = [pn.regimen(260, "mg", "3/14", days=56), pn.regimen(120, "mg", "21/28", days=56)]
    found = pn.schedules("milademetan", arms, population=150)
    rates = found["rate"].sel(toxicity="thrombocytopenia").values
    assert rates[0] < rates[1]
    assert found["dose_28_days"].values.tolist() == [1560.0, 2520.0]
    assert (found["tgi"] > 0).all() and (found["tgi_low"] <= found["tgi"]).all()


def each(system: str, names: list[str], drawn: pd.DataFrame, days: float) -> list[xr.Dataset]:
    """Patients run one by one."""
    line = "LPS-amplified" if system == "tumour" else None
    model = pn.load("milademetan", system=system, host="human", cell_line=line)
    dose = pn.regimen(260, "mg", "3/14", days=days)
    own = [name for name in drawn if name in model.definition.parameters]
    return [
        model.simulate(np.arange(0.0, days * 24 + 1, 2.0), {"milademetan": dose},
                       {name: float(row[name]) for name in own}, observables=names)
        for _, row in drawn.iterrows()
    ]  # fmt: skip


@pytest.mark.slow
def test_schedules_and_percentiles_are_those_of_patients_run_one_by_one() -> None:
    typical = {
        n: r.value
        for s in ("marrow", "tumour")
        for n, r in pn.load("milademetan", system=s).definition.parameters.items()
    }
    drawn = patients(typical, 5, 4)
    dose = pn.regimen(260, "mg", "3/14", days=14)
    tumours = each("tumour", ["tumour_volume", "p53_active"], drawn, 14.0)
    blood = each("marrow", ["platelets"], drawn, 14.0)
    found = pn.schedules("milademetan", [dose], days=14, population=5, seed=4)
    model = pn.load("milademetan", system="tumour", host="human", cell_line="LPS-amplified")
    grown = model.simulate([0.0, 336.0], observables=["tumour_volume"])["tumour_volume"].values
    ends = np.array([float(run["tumour_volume"][-1]) for run in tumours])
    lost = 100.0 * (1.0 - (ends - grown[0]) / (grown[1] - grown[0]))
    for name, percent in (("tgi", 50), ("tgi_low", 5), ("tgi_high", 95)):
        assert float(found[name][0]) == pytest.approx(np.percentile(lost, percent), rel=1e-5)
    change = np.percentile(100.0 * (ends / grown[0] - 1.0), 50)
    assert float(found["change"][0]) == pytest.approx(change, rel=1e-5)
    rises = [np.trapezoid(run["p53_active"] - run["p53_active"][0], run["time"]) for run in tumours]
    assert float(found["p53_rise"][0]) == pytest.approx(np.median(rises), rel=1e-2)
    assert int(found["lost"][0]) == 0
    many = pn.patient("milademetan", dose, days=14, population=5, seed=4)
    for name, runs in (("platelets", blood), ("tumour_volume", tumours)):
        curves = np.array([run[name].values for run in runs])
        wanted = np.percentile(curves, many["percentile"].values, axis=0)
        np.testing.assert_allclose(many[name], wanted, rtol=1e-5)


def test_a_patient_whose_tumour_fails_has_a_status(monkeypatch: pytest.MonkeyPatch) -> None:
    from p53net.studies.body import patients as module

    def one_fails(model: pn.Model, *args: object, **options: object) -> xr.Dataset:
        run = original(model, *args, **options)
        if model.definition.system == "tumour":
            run["status"][1], run["reason"][1] = "failed", "for a test"
            for name in ("tumour_volume", "p53_active"):
                run[name][1] = np.nan
        return run

    original = module.many_patients
    monkeypatch.setattr(module, "many_patients", one_fails)
    dose = pn.regimen(260, "mg", "once")
    found = pn.patient("milademetan", dose, days=2, population=3)
    assert found["status"].values.tolist() == ["ok", "tumour: failed, for a test", "ok"]
    assert np.isfinite(found["tumour_volume"]).all()
    assert (found["worst_grade"][1] == -1).all()


@pytest.mark.slow
def test_lowest_counts_of_a_run_that_the_batch_engine_gives_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, dose = pn.load("milademetan", system="marrow"), pn.regimen(260, "mg", "3/14", days=14)
    usual = lowest_counts(model, "milademetan", dose, {}, number=12, days=14)
    original, asked = Runner.follow, list[str]()

    def gives_up(self: Runner, *args: object, **options: object) -> object:
        runs = original(self, *args, **options)  # type: ignore[arg-type]
        asked.append(self.name)
        if self.name == "batch" and len(runs.values) == 12:  # all, and not those that are refined
            runs.values[1] = np.nan
            runs.given_up[1] = "for a test"
        return runs

    monkeypatch.setattr(Runner, "follow", gives_up)
    again = lowest_counts(model, "milademetan", dose, {}, number=12, days=14)
    assert asked[:2] == ["batch", "batch"] and asked[-1] == "roadrunner"  # two tolerances, and one
    assert asked.count("roadrunner") == 1
    np.testing.assert_allclose(again, usual, rtol=1e-5)


# --- figures, and the command line from end to end


@pytest.mark.slow
def test_every_study_has_a_figure(
    plates: xr.Dataset, mice: xr.Dataset, cohort: xr.Dataset, tmp_path: Path
) -> None:
    from p53net.figures.style import save

    dose = pn.regimen(260, "mg", "3/14", cycles=1)
    results = [
        plates, mice, cohort, pn.degradation("KT-253", hours=2.0), pn.caspase("KT-253", hours=24.0),
        pn.pk("milademetan", dose), pn.patient("milademetan", dose, days=14),
        pn.schedules("milademetan", [dose], days=14, population=10),
    ]  # fmt: skip
    for number, result in enumerate(results):
        figure = pn.plot(result)
        assert all(axes.get_xlabel() for axes in figure.axes if axes.axison)
        path = save(figure, tmp_path / f"{number}.svg")
        assert path.read_text(encoding="utf-8").startswith("<?xml")


@pytest.mark.parametrize(
    ("arguments", "folder", "columns"),
    [
        (["assay", "viability", "KT-253", "--noise", "0.05", "--concentrations", "0.01:100:9"],
         "viability", {"drug", "cell_line", "ic50", "ic50_low", "ic50_high", "status"}),
        (["assay", "degradation", "KT-253", "--hours", "2", "--concentrations", "0.01:1e5:15"],
         "degradation", {"drug", "loop", "hours", "dc50", "dmax", "hook"}),
        (["assay", "caspase", "KT-253", "--concentrations", "1,10,100"], "caspase",
         {"drug", "dose", "hours", "active", "caspase"}),
        (["pk", "milademetan", "--dose", "260", "--dose", "60mg"], "pk",
         {"dose", "occasion", "tmax", "cmax", "auc", "clearance", "half_life"}),
        (["xenograft", "KT-253", "--dose", "1", "--schedule", "once", "--cell-line", "RS4;11"],
         "xenograft", {"arm", "tgi", "change", "days_below"}),
        (["patient", "milademetan", "--days", "14"], "patient", {"quantity", "lowest", "highest"}),
        (["patient", "milademetan", "--days", "14", "--population", "5", "--seed", "2"], "patient",
         {"toxicity", "grade", "rate", "rate_low", "rate_high"}),
        (["schedules", "milademetan", "--days", "14", "--population", "5", "--regimen",
          "260 mg 3/14", "--regimen", "90 daily"], "schedules",
         {"regimen", "tgi", "thrombocytopenia_rate"}),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_commands_write_a_table_a_record_and_a_figure(
    arguments: list[str], folder: str, columns: set[str], tmp_path: Path, command: Command
) -> None:
    done = command(*arguments)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(io.StringIO(done.stdout))
    assert columns <= set(table.columns)
    where = tmp_path / folder
    pd.testing.assert_frame_equal(table, pd.read_csv(where / f"{folder}.csv"))
    assert json.loads((where / f"{folder}.json").read_text())["call"] == folder
    assert (where / f"{folder}.png").read_bytes().startswith(b"\x89PNG")
    assert (where / f"{folder}.svg").read_text(encoding="utf-8").startswith("<?xml")
    again = command(*arguments, "--no-plot")
    assert again.returncode == 0 and again.stdout == done.stdout
    assert not (where / f"{folder}.png").exists()


@pytest.mark.slow
def test_regimens_travel_into_sbml_and_sweeps_on_the_command_line(
    tmp_path: Path, command: Command
) -> None:
    asked = "export milademetan patient.xml --system marrow --dose 260mg --schedule 3/14 --days 28"
    assert command(*asked.split()).returncode == 0
    text = (tmp_path / "patient.xml").read_text()
    assert text.count("<event ") == 5  # six doses, the first of them at the start
    asked = (
        "sweep milademetan --system marrow --dose 260 --schedule 3/14 --days 14 --hours 336 "
        "--times 57 --vary milademetan=60,120,260 --measure lowest:platelets --out s"
    )
    done = command(*asked.split())
    assert done.returncode == 0, done.stderr
    found = pn.read_sweep(tmp_path / "s")
    assert found["milademetan"].attrs["units"] == "mg"
    assert (np.diff(found["lowest_platelets"]) < 0).all()


def test_help_of_studies_reads_well(command: Command) -> None:
    for words in (["assay"], ["assay", "viability"], ["pk"], ["xenograft"], ["patient"],
                    ["schedules"], ["validate"], ["calibrate"]):  # fmt: skip
        done = command(*words, "--help")
        assert done.returncode == 0
        assert "Usage" in done.stdout
