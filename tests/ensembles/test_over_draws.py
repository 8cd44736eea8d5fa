"""Studies over draws: one draw of the committed values is the point estimate; each draw is what a
model of its structure and values gives; what fails is counted."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import p53net as pn
from p53net.ensembles.draws import Ensemble
from p53net.measures.candidate import TWIN
from p53net.studies.escape import report
from p53net.studies.escape.rivals import claims
from tests.support.draws import changed, drawn
from tests.support.pulsing import PULSING

DOSE = pn.regimen(260, "mg", "3/14", days=14)
MOUSE = pn.regimen(50, "mg/kg", "daily", days=7)
PLATE = np.geomspace(0.1, 1e4, 6)
STUDIES: dict[str, Callable[..., xr.Dataset]] = {
    "escape": lambda **more: pn.escape(**more),
    "viability": lambda **more: pn.viability(
        ["milademetan"], ["RS4;11"], concentrations=PLATE, noise=0.05, **more
    ),
    "degradation": lambda **more: pn.degradation("KT-253", concentrations=PLATE, **more),
    "caspase": lambda **more: pn.caspase("KT-253", "RS4;11", concentrations=PLATE, **more),
    "pk": lambda **more: pn.pk("milademetan", DOSE, **more),
    "xenograft": lambda **more: pn.xenograft("milademetan", MOUSE, "RS4;11", days=7.0, **more),
    "patient": lambda **more: pn.patient("milademetan", DOSE, days=14.0, **more),
    "population": lambda **more: pn.patient("milademetan", DOSE, days=14.0, population=12, **more),
    "held": lambda **more: pn.patient(
        "milademetan", DOSE, days=14.0, population=12, hold=True, **more
    ),
    "schedules": lambda **more: pn.schedules(
        "milademetan", [DOSE], days=14.0, population=12, **more
    ),
}


def studies(*fast: str) -> list[object]:
    """All of them; but for these in slow tests."""
    return [n if n in fast else pytest.param(n, marks=pytest.mark.slow) for n in STUDIES]


@pytest.fixture(scope="module")
def four() -> Ensemble:
    return drawn(4)


@pytest.mark.parametrize("study", studies("viability", "pk"))
@pytest.mark.slow
def test_one_draw_of_the_committed_values_is_the_point_estimate(study: str) -> None:
    """Each quantile is that very number, to the last bit; nothing is lost but what differs from
    draw to draw."""
    one = drawn(1, spread=0.0)
    if study == "xenograft":  # the tables round what a mouse has of the clearance in man
        one = replace(one, table=one.table.drop(columns="milademetan in human: CL_inhibitor"))
    point, found = STUDIES[study](), STUDIES[study](ensemble=one)
    for name, values in point.data_vars.items():
        if values.dtype.kind in "OU":
            assert (found[name].values == values.values).all(), name
            continue
        for quantile in found["quantile"].values:
            np.testing.assert_array_equal(
                found[name].sel(quantile=quantile).transpose(*values.dims), values, str(name)
            )
        assert found[name].attrs == values.attrs
    lost = {name for name in point.coords if name not in found.coords}
    assert all(str(name).startswith("patient_") for name in lost)
    assert found.attrs["draws"] == "1" and json.loads(found.attrs["failed"]) == {}
    assert found.attrs["structures"] == '{"default": 1.0}'
    kept = {name for name in point.attrs if name not in ("record", "structure")}
    assert {name: found.attrs[name] for name in kept} == {name: point.attrs[name] for name in kept}


@pytest.mark.filterwarnings("ignore:All-NaN slice")
@pytest.mark.parametrize("study", studies("pk"))
def test_quantiles_are_those_of_the_draws(study: str, four: Ensemble) -> None:
    bands, each = (STUDIES[study](ensemble=four, draws=kept) for kept in (False, True))
    assert each["structure"].values.tolist() == ["default", "MDMX"] * 2
    assert each["draw"].values.tolist() == [0, 1, 2, 3]
    for name, values in each.data_vars.items():
        if "draw" not in values.dims or values.dtype.kind in "OU" or name == "holds":
            continue
        expected = np.nanquantile(values.transpose("draw", ...), bands["quantile"], axis=0)
        np.testing.assert_allclose(bands[name], expected, rtol=1e-12, err_msg=str(name))
        if f"{name}_defined" in bands:
            share = np.isfinite(values.transpose("draw", ...)).mean(axis=0)
            np.testing.assert_array_equal(bands[f"{name}_defined"], share)


@pytest.mark.slow
@pytest.mark.parametrize("draw", [0, 1])
def test_a_draw_is_the_study_of_its_structure_and_values(draw: int, four: Ensemble) -> None:
    found = STUDIES["viability"](ensemble=four, draws=True).isel(draw=draw)
    own = changed(four, draw, "milademetan", cell_line="RS4;11", system="culture")
    alone = STUDIES["viability"](structure=four.structure(draw), parameters=own)
    assert "K_PUMA_caspase" in own and len(own) > 5
    for name in ("viability", "ic50", "p53_fold", "PUMA_fold"):
        np.testing.assert_allclose(found[name], alone[name], rtol=1e-5, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("draw", [0, 1])
def test_a_draw_of_escape_is_what_its_model_measures(draw: int, four: Ensemble) -> None:
    """The same by another way: a model of this draw, and measures of a sweep."""
    found = pn.escape(ensemble=four, draws=True).isel(draw=draw)
    for drug in ("milademetan", "KT-253"):
        model = pn.load(drug, ensemble=four, draw=draw)
        dose = float(found["equal_dose"].sel(drug=drug))
        measures = ["dose_ratio:3", "equal_dose:3", "escape_index"]
        point = pn.sweep(model, {drug: [dose]}, measures=measures, times=np.linspace(0, 24, 481))
        one = found.sel(drug=drug)
        pairs = {"dose_ratio": one["dose_ratio"].sel(fold=3.0), "equal_dose": one["equal_dose"],
                 "escape_index": one["escape_index"]}  # fmt: skip
        for name, value in pairs.items():
            (column,) = (n for n in point.data_vars if str(n).startswith(name)
                         and not str(n).endswith("_error"))  # fmt: skip
            assert float(value) == pytest.approx(float(point[column][0]), rel=1e-5), name


@pytest.mark.slow
def test_escape_has_bands_claims_and_shares(four: Ensemble) -> None:
    found, each = pn.escape(ensemble=four), pn.escape(ensemble=four, draws=True)
    assert found["dose_ratio"].dims == ("quantile", "drug", "fold")
    assert found["response_p53_active"].dims == ("quantile", "drug", "loop", "dose")
    assert found["claim"].values.tolist() == [one.claim for one in claims()]
    ratio = each["dose_ratio"].sel(fold=3.0)
    costs = ((ratio.sel(drug="milademetan") > 1.1) & (ratio.sel(drug="KT-253") > 1.1)).values
    assert (each["holds"].sel(claim="feedback_costs") == costs).all()
    assert float(found["holds"].sel(claim="feedback_costs")) == costs.mean()
    within = found["holds_in"].sel(claim="feedback_costs")
    assert within.sel(structure="MDMX") == costs[[1, 3]].mean()
    words = report.summary(found)
    assert "holds in" in words and "of 2 structures" in words and "Of 4 draws" in words
    table = report.table(found)
    assert {"low", "high", "defined"} <= set(table.columns)
    row = table[(table["measure"] == "equal_dose") & (table["drug"] == "KT-253")].iloc[0]
    assert row["low"] < row["value"] < row["high"] and row["defined"] == 1.0
    line = report.beside(pn.escape(), found)
    assert "farthest from the median in" in line and "\n" not in line


@pytest.mark.slow
def test_draws_without_a_result_are_counted_and_the_others_go_on() -> None:
    """The second draw pulses without drug; in the third MDM2 does nothing to p53, so that no dose
    reaches the fold."""
    usual = pn.load("milademetan").definition.parameters
    values = {name: [usual[name].value, pulsing, usual[name].value]
              for name, pulsing in PULSING.items()}  # fmt: skip
    ub = usual["k_ub_p53"].value
    odd = drawn(3, spread=0.0, structures=["default"],
                given={**values, "k_ub_p53": [ub, ub, ub * 1e-6]})  # fmt: skip
    found, point = pn.escape(["milademetan"], ensemble=odd), pn.escape(["milademetan"])
    failed = json.loads(found.attrs["failed"])
    assert failed == {"milademetan: no steady state": 1, "milademetan, closed dish: not defined": 1,
                      "milademetan, equally effective dose: not defined": 1}  # fmt: skip
    assert float(found["equal_dose_defined"][0]) == pytest.approx(1 / 3)
    said = found["equal_dose_status"].item(0)
    assert said == "ok in 1 of 3 draws; no run: 1; not reached: 1"
    assert float(found["equal_dose"].sel(quantile=0.025)[0]) == float(point["equal_dose"][0])
    assert "Draws without a result" in report.summary(found)


def test_simulate_takes_all_draws_in_their_structures(four: Ensemble) -> None:
    model, times, dose = pn.load("milademetan"), np.linspace(0, 24, 25), {"milademetan": 100.0}
    bands = model.simulate(times, dose, ensemble=four)
    each = model.simulate(times, dose, ensemble=four, draws=True)
    assert bands["p53_active"].dims == ("quantile", "time")
    expected = np.quantile(each["p53_active"], bands["quantile"], axis=0)
    np.testing.assert_allclose(bands["p53_active"], expected, rtol=1e-12)
    for i in range(2):
        alone = pn.load("milademetan", ensemble=four, draw=i).simulate(times, dose)
        np.testing.assert_allclose(each["p53_active"][i], alone["p53_active"], rtol=1e-5)
    other = model.simulate(times, dose, {"k_syn_p53": 50.0}, feedback=False, ensemble=four,
                           observables=["p53_total"])  # fmt: skip
    assert set(other.data_vars) == {"p53_total"}
    assert not np.allclose(other["p53_total"], bands["p53_total"])
    for wrong in (pn.load("milademetan", structure="MDMX"),
                  pn.load("milademetan", ensemble=four, draw=0)):  # fmt: skip
        with pytest.raises(pn.InputError, match="of its own"):
            wrong.simulate(times, dose, ensemble=four)


@pytest.mark.slow
def test_a_sweep_runs_each_point_in_all_draws(four: Ensemble) -> None:
    model = pn.load("milademetan")
    axes = {"milademetan": np.array([10.0, 300.0]), "k_syn_p53": np.array([60.0, 90.0])}
    more = {"measures": ["peak:p53_active"], "times": np.linspace(0, 24, 25)}
    found = pn.sweep(model, axes, ensemble=four, **more)
    each = pn.sweep(model, axes, ensemble=four, draws=True, **more)["peak_p53_active"]
    assert found["peak_p53_active"].dims == ("quantile", "milademetan", "k_syn_p53")
    assert (found["status"] == "ok").all()
    for i in range(2):
        alone = pn.sweep(pn.load("milademetan", ensemble=four, draw=i), axes, **more)
        np.testing.assert_allclose(each[i], alone["peak_p53_active"], rtol=1e-5)
    expected = np.quantile(each, found["quantile"], axis=0)
    np.testing.assert_allclose(found["peak_p53_active"], expected, rtol=1e-12)


@pytest.mark.parametrize(
    "more", [{"store": "here"}, {"resume": True}, {"gradient": ["k_syn_p53"]},
             {"reduce": [pn.best_of("peak_p53_active", 1)]}],
)  # fmt: skip
def test_a_sweep_over_draws_is_made_in_one_piece(four: Ensemble, more: dict) -> None:
    with pytest.raises(pn.InputError, match=f"{next(iter(more))} and ensemble"):
        pn.sweep(pn.load("milademetan"), {"milademetan": [1.0]}, measures=["peak:p53_active"],
                 ensemble=four, **more)  # fmt: skip


@pytest.mark.slow
def test_every_drug_is_drawn_and_so_is_its_twin(four: Ensemble) -> None:
    found = pn.escape(["KT-253"], ensemble=four, draws=True)
    assert found["mechanism"].values.tolist() == ["degrader", "twin"]
    twin = found["MDM2_total_fold"].sel(drug="KT-253" + TWIN)
    assert (twin > found["MDM2_total_fold"].sel(drug="KT-253")).all()
    assert len(np.unique(twin)) == 4


@pytest.mark.slow
@pytest.mark.parametrize("study", ["escape", "viability"])
def test_threads_change_no_bit_and_parts_nothing_that_counts(
    study: str, four: Ensemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = STUDIES[study](ensemble=four)
    assert STUDIES[study](ensemble=four).identical(first)
    module = {"escape": "p53net.studies.escape.study",
              "viability": "p53net.studies.dish.viability_assay"}[study]  # fmt: skip
    monkeypatch.setattr(f"{module}.together", lambda jobs: [job() for job in jobs])
    assert STUDIES[study](ensemble=four).identical(first)
    monkeypatch.setattr("p53net.studies.escape.study._TOGETHER", 1)
    monkeypatch.setattr("p53net.studies.dish.plate.TOGETHER", 1)
    parts = STUDIES[study](ensemble=four)
    for name in ("equal_dose", "dose_ratio", "escape_index") if study == "escape" else ("ic50",):
        np.testing.assert_allclose(parts[name], first[name], rtol=1e-5, err_msg=name)


OPTIONS: dict[str, Callable[..., xr.Dataset]] = {
    "escape": lambda **more: pn.escape(
        ["KT-253"], "RS4;11", hours=12.0, pulse_hours=2.0, fold=2.0, accuracy=1e-4, **more
    ),
    "escape by RoadRunner": lambda **more: pn.escape(["milademetan"], engine="roadrunner", **more),
    "viability": lambda **more: pn.viability(
        ["milademetan"], ["RS4;11"], concentrations=PLATE, hours=48.0, replicates=2, noise=0.1,
        seed=4, parameters={"k_death": 0.05}, accuracy=1e-4, **more,
    ),
    "degradation": lambda **more: pn.degradation(
        "KT-253", "RS4;11", hours=[1.0, 3.0], concentrations=PLATE,
        parameters={"k_syn_p53": 50.0}, **more,
    ),
    "pk": lambda **more: pn.pk(
        "milademetan", pn.regimen(60, "mg", "daily", days=3), hours=80.0,
        parameters={"CL_inhibitor": 9.0}, **more,
    ),
    "patient": lambda **more: pn.patient(
        "milademetan", DOSE, cell_line="SJSA-1", days=7.0 + 7.0, hold=True,
        parameters={"platelets_baseline": 120.0, "k_syn_p53": 50.0}, **more,
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("study", OPTIONS)
def test_every_option_means_the_same_with_an_ensemble(study: str) -> None:
    """One draw of the committed values again, with other options; what is set by hand stands for
    what is drawn."""
    point, found = OPTIONS[study](), OPTIONS[study](ensemble=drawn(1, spread=0.0))
    for name, values in point.data_vars.items():
        if values.dtype.kind not in "OU":
            middle = found[name].sel(quantile=0.5).transpose(*values.dims)
            np.testing.assert_array_equal(middle, values, str(name))
    for name in ("hours", "fold", "noise", "seed", "parameters", "tolerances", "engine", "hold"):
        assert found.attrs.get(name) == point.attrs.get(name), name


@pytest.mark.slow
def test_a_record_makes_results_over_draws_again(four: Ensemble, tmp_path: Path) -> None:
    saved = pn.ensemble(four.save(tmp_path / "four.parquet"))
    axes = {"milademetan": np.array([10.0, 300.0])}
    swept = pn.sweep(pn.load("milademetan"), axes, measures=["peak:p53_active"], ensemble=saved)
    for found in (pn.escape(["KT-253"], ensemble=saved.thinned(2)), swept):
        assert pn.rerun(found, files=True).identical(found)
