"""What a fit predicts of rows is what studies and runs say of the same, and its likelihood that of
SciPy's distributions."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import p53net as pn
from p53net.fitting.noise import noises, nuisances
from p53net.fitting.points import points_of
from p53net.fitting.scenes import Scenes
from p53net.fitting.table import rows_of
from p53net.fitting.target import Target
from p53net.fitting.unknowns import Unknowns
from p53net.inference.priors import priors
from p53net.model.own import Tables
from tests.support.fitting import course, exact, plasma, plate

DOSES = (30.0, 300.0)
PLATE = (10.0, 30.0, 100.0, 300.0, 1000.0)
KILL, FREE = "RS4;11: K_PUMA_caspase", "milademetan: fu_medium_inhibitor"
CLEARANCE = "milademetan in human: CL_inhibitor"


def target(table: pd.DataFrame, names: list[str], **noise: object) -> Target:
    points = points_of(rows_of(table), None, Tables())
    kinds = noises(points, noise.pop("noise", None))  # type: ignore[arg-type]
    beside = nuisances(points, kinds, noise.pop("scale", ()), noise.pop("offset", ()))  # type: ignore[arg-type]
    known = priors()
    unknowns = Unknowns([known[name] for name in names], beside)
    return Target(points, Scenes(points, names, None, Tables()), unknowns, kinds)


@pytest.mark.slow
def test_plates_are_those_of_the_studies() -> None:
    rows = [*plate("milademetan", "RS4;11", PLATE, 1),
            *plate("milademetan", "RS4;11", PLATE, 1, "caspase", 24.0, "fold")]  # fmt: skip
    found = exact(rows, {KILL: 250.0})
    changed = {"K_PUMA_caspase": 250.0}
    live = pn.viability("milademetan", "RS4;11", concentrations=PLATE, parameters=changed)
    active = pn.caspase("milademetan", "RS4;11", hours=24.0, concentrations=PLATE,
                        parameters=changed)  # fmt: skip
    expected = [*live["viability"].values[0, 0, :, 0], *active["caspase"].values[0, :, 0]]
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-4)


@pytest.mark.slow
def test_mdm2_is_that_of_the_degradation_assay_in_lines_that_differ() -> None:
    doses = (0.01, 0.1, 1.0, 10.0, 100.0)
    rows = [*plate("KT-253", "RS4;11", doses, 1, "MDM2", 2.0),
            *plate("MD-224", "SJSA-1", doses, 1, "MDM2", 2.0)]  # fmt: skip
    found = exact(rows, {"KT-253: cooperativity": 2.0})
    parts = [("KT-253", "RS4;11", {"cooperativity": 2.0}), ("MD-224", "SJSA-1", None)]
    expected = []
    for drug, line, changed in parts:
        study = pn.degradation(drug, line, hours=2.0, concentrations=doses, parameters=changed)
        expected.append(study["MDM2"].sel(loop="closed").values.ravel())
    assert found == pytest.approx(np.concatenate(expected), rel=1e-4)


def test_two_drugs_and_an_exposure_are_those_of_a_run() -> None:
    rows = [{"observable": "p53_active", "drug": "milademetan + KT-253", "dose": "50 + 0.5",
             "exposure": 4, "time": 10, "unit": "nM", "line": "SJSA-1"}]  # fmt: skip
    (found,) = exact(rows, {"model: k_deg_p53": 0.3})
    doses = {"milademetan": pn.pulse(50.0, 4.0), "KT-253": pn.pulse(0.5, 4.0)}
    run = pn.load("milademetan", "KT-253", cell_line="SJSA-1").simulate(
        [0, 10], doses, {"k_deg_p53": 0.3}
    )
    assert found == pytest.approx(float(run["p53_active"][-1]), rel=1e-5)


@pytest.mark.slow
def test_bodies_are_those_of_runs() -> None:
    rows = [*plasma("milademetan", "human", "260 mg 3/14", (2.0, 30.0), 1),
            {"observable": "platelets", "drug": "milademetan", "regimen": "260 mg 3/14",
             "host": "human", "time": "10 d", "unit": "10^9/L"},
            {"observable": "volume", "drug": "milademetan", "regimen": "50 mg/kg daily",
             "host": "mouse", "line": "SJSA-1", "time": "5 d", "unit": "fold"}]  # fmt: skip
    found = exact(rows, {CLEARANCE: 20.0})
    given = {"milademetan": pn.regimen(260, "mg", "3/14", days=10)}
    human = pn.load("milademetan", system="marrow", host="human").simulate(
        [0, 2, 30, 240], given, {"CL_inhibitor": 20.0}
    )
    daily = {"milademetan": pn.regimen(50, "mg/kg", "daily", days=10)}
    mouse = pn.load("milademetan", system="tumour", host="mouse", cell_line="SJSA-1")
    volume = mouse.simulate(
        [0, 120], {"milademetan": pn.regimen(50, "mg/kg", "daily", days=5)},
        {"CL_inhibitor": 20.0 * (0.02 / 70) ** 0.75},
    )["tumour_volume"]  # fmt: skip
    per_mL = pn.convert(1.0, "nM", "ng/mL", "milademetan")
    curve = human["inhibitor_plasma"].values * per_mL
    assert daily["milademetan"].times[4] < 120.0
    expected = [curve[1], curve[2], float(human["platelets"][-1]), float(volume[-1] / volume[0])]
    assert found == pytest.approx(expected, rel=1e-4)


def test_units_are_converted() -> None:
    base = {"observable": "plasma", "drug": "milademetan", "host": "human", "unit": "ng/mL",
            "regimen": "260 mg once", "time": 48.0, "value": 500.0, "error": 50.0}  # fmt: skip
    other = {**base, "time": "2 d", "unit": "ug/mL", "value": 0.5, "error": 0.05}
    molar = {**base, "time": 48.0, "unit": "uM", "value": 0.5 / 0.6185, "error": 0.05 / 0.6185,
             "replicate": 2}  # fmt: skip
    points = points_of(rows_of(pd.DataFrame([base, {**other, "replicate": 1}, molar])), None,
                       Tables())  # fmt: skip
    assert {point.unit for point in points} == {"ng/mL"}
    assert [point.value for point in points] == pytest.approx([500.0] * 3)
    assert [point.error for point in points] == pytest.approx([50.0] * 3)
    header = pd.DataFrame({"observable": ["viability"], "drug": "milademetan", "dose [uM]": 0.1,
                           "time [d]": 3, "value": 50, "error": 5, "unit": "%",
                           "line": "RS4;11"})  # fmt: skip
    (point,) = points_of(rows_of(header), None, Tables())
    assert (point.dose, point.time) == (pytest.approx(100.0), 72.0)


def test_the_likelihood_is_that_of_scipy() -> None:
    rows = [*plate("milademetan", "RS4;11", DOSES, 1),
            *course("p53", "milademetan", "RS4;11", 100.0, (2.0, 8.0), 1)]  # fmt: skip
    middle = exact(rows, {KILL: 250.0})
    table = pd.DataFrame(rows).assign(value=[*(middle[:2] + 3.0), middle[2] * 1.2, 0.0])
    table["value"] = table["value"].astype(object)
    limit = float(middle[3] * 0.9)
    table.loc[3, "value"] = f"<{limit!r}"
    one = target(table, [KILL], noise={"viability": 4.0, "p53": ("log-normal", 0.2)})
    x = one.unknowns.scaled(np.array([[250.0]]))
    found = one.highest - 0.5 * (one.rows(x) ** 2).sum()
    expected = (
        stats.norm.logpdf(table["value"][:2].astype(float), middle[:2], 4.0).sum()
        + stats.lognorm.logpdf(middle[2] * 1.2, 0.2, scale=middle[2])
        + math.log(stats.lognorm.cdf(limit, 0.2, scale=middle[3]))
    )
    assert found == pytest.approx(expected, abs=1e-6)


def test_an_estimated_width_has_its_own_cost() -> None:
    rows = plate("milademetan", "RS4;11", DOSES, 2)
    middle = exact(rows, {KILL: 250.0})
    table = pd.DataFrame(rows).assign(value=middle + np.array([1.0, -2.0, 3.0, -4.0]))
    one = target(table, [KILL])
    for width in (2.0, 7.0):
        x = one.unknowns.scaled(np.array([[250.0, width]]))
        found = one.highest - 0.5 * (one.rows(x) ** 2).sum()
        expected = stats.norm.logpdf(table["value"], middle, width).sum()
        assert found == pytest.approx(expected, abs=1e-6)


def test_a_signal_has_a_scale_and_an_offset() -> None:
    like = {"observable": "viability", "time": 72, "unit": "RLU", "line": "RS4;11"}
    rows = [*({**like, "drug": "milademetan", "dose": dose} for dose in DOSES),
            {**like, "drug": "DMSO"}, {**like, "drug": "blank"}]  # fmt: skip
    table = pd.DataFrame(rows).assign(value=1000.0, error=10.0)
    one = target(table, [KILL])
    assert one.unknowns.names[1:] == ["scale of viability", "offset of viability"]
    x = one.unknowns.scaled(np.array([[250.0, 5000.0, 300.0]]))
    live = exact(plate("milademetan", "RS4;11", DOSES, 1), {KILL: 250.0}) / 100.0
    assert one.predicted(x)[0] == pytest.approx([*(300.0 + 5000.0 * live), 5300.0, 300.0], rel=1e-4)


def test_hill_finds_the_curve_that_made_the_wells() -> None:
    doses = np.geomspace(1.0, 1e4, 9)
    rows = pd.DataFrame(plate("milademetan", "RS4;11", doses, 1))
    values = 5.0 + 95.0 / (1.0 + (doses / 120.0) ** 1.7)
    (plain,) = pn.hill(rows.assign(value=values)).to_dict("records")
    assert (plain["middle"], plain["hill"]) == pytest.approx((120.0, 1.7), rel=1e-4)
    signal = rows.assign(value=40.0 + 8.0 * values, unit="AU").to_dict("records")
    like = {"observable": "viability", "time": 72.0, "unit": "AU", "line": "RS4;11"}
    controls = [{**like, "drug": "vehicle", "value": 840.0}, {**like, "drug": "blank", "value": 40}]
    (raw,) = pn.hill(pd.DataFrame([*signal, *controls])).to_dict("records")
    assert (raw["middle"], raw["top"]) == pytest.approx((120.0, plain["top"]), rel=1e-4)


def test_rows_at_the_start_and_rows_that_nothing_fitted_moves() -> None:
    like = {"observable": "viability", "drug": "milademetan", "dose": 300.0, "unit": "%",
            "line": "RS4;11"}  # fmt: skip
    rows = [{**like, "time": 0.0}, *plasma("milademetan", "human", "260 mg once", (4.0,), 1)]
    points = points_of(rows_of(pd.DataFrame(rows).assign(value=1.0)), None, Tables())
    scenes = Scenes(points, [CLEARANCE], None, Tables())
    found = scenes.predict(np.array([[10.0], [30.0]]))
    assert found[:, 0] == pytest.approx([100.0, 100.0])
    assert found[0, 1] > found[1, 1] > 0.0
