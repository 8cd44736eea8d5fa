"""Structures of death, of a subclone with mutant TP53, and the read-out of TAp73."""

import itertools
import math
from functools import cache
from statistics import NormalDist

import numpy as np
import pytest

import p53net as pn
from p53net.model import cell_line_entries, define
from p53net.model.check import findings
from p53net.model.tables import KINDS
from tests.support.deaths import PARTS, Fate
from tests.support.generated import Array

DEATHS = ("threshold", "spread", "rising", "delayed")
CLONES = ("none", "mutant")
OTHERS = {"partner": "capacity", "residual": "on"}
PLACES = {"culture": {}, "tumour": {"host": "mouse"}}
LEVELS = [0.0, 300.0, 1000.0, 1e4]
FAST = ("spread", "mutant", "culture")
DENSE = np.concatenate([[0.0], np.geomspace(1e-4, 1.0, 300), np.linspace(1.0, 72.0, 1421)[1:]])
"""Hours: p53 rises within minutes, and is read between these times."""

all_of_them = pytest.mark.parametrize(
    ("death", "clone", "system"),
    [
        pytest.param(*one, marks=[pytest.mark.slow] * (one != FAST))
        for one in itertools.product(DEATHS, CLONES, PLACES)
    ],
)


@cache
def model(system: str = "culture", **structure: str) -> pn.Model:
    """SJSA-1 under milademetan: it dies at doses that can be given."""
    return pn.load(
        "milademetan", cell_line="SJSA-1", system=system, structure=structure, **PLACES[system]
    )


def dosed(system: str, level: float) -> dict[str, object]:
    if system == "culture":
        return {"milademetan": level}
    return {"milademetan": pn.regimen(level, "mg/kg", [0.0])} if level else {}


def ended(of: pn.Model, level: float, name: str = "live_cells", **values: float) -> float:
    run = of.simulate([0.0, 72.0], {"milademetan": level}, values, observables=[name])
    return float(run[name][-1])


def usual(of: pn.Model) -> dict[str, float]:
    """Values of the default for what this structure shares with it, which has values of its own."""
    rows = model().definition.parameters
    known = of.definition.parameters
    return {n: row.value for n, row in rows.items() if row.kind in KINDS and n in known}


def scattered(of: pn.Model) -> dict[str, float]:
    """Every parameter off its value, so that one in the place of another is seen."""
    rows = {n: row for n, row in of.definition.parameters.items() if row.kind in KINDS}
    values = {n: r.value * (1.0 + 0.2 * math.sin(i)) for i, (n, r) in enumerate(rows.items(), 1)}
    weighty = {"share_mutant_start": 0.3, "K_arrest": 20.0}  # else next to nothing without drug
    return values | {name: value for name, value in weighty.items() if name in values}


def gap(one: Array, other: Array) -> float:
    """The largest difference, of the maximum."""
    return float(np.abs(one - other).max() / np.abs(other).max())


@all_of_them
def test_no_structure_has_a_fault(death: str, clone: str, system: str) -> None:
    found = define(
        "milademetan", system=system, structure={"death": death, "clone": clone, "p73": "readout",
                                                 **OTHERS}, **PLACES[system],
    )  # fmt: skip
    assert findings(found.sbml, found.parameters) == []


@pytest.mark.slow
def test_without_spread_all_classes_die_as_one() -> None:
    spread = model(death="spread")
    for level in (300.0, 1e4):
        none = ended(spread, level, **usual(spread), spread_K_PUMA=0.0)
        assert none == pytest.approx(ended(model(), level), rel=1e-6)
    some = ended(spread, 300.0, **usual(spread))
    assert some != pytest.approx(ended(model(), 300.0), rel=1e-3)


@pytest.mark.slow
def test_without_more_inhibitors_of_apoptosis_the_threshold_does_not_rise() -> None:
    rising = model(death="rising")
    alike = {**usual(rising), "K_PUMA_caspase": 155.0, "k_death": 0.2}
    none = ended(rising, 1e4, **{**alike, "IAP_max": 0.0})
    assert none == pytest.approx(ended(model(), 1e4, **alike), rel=1e-6)
    assert ended(rising, 300.0, **alike) > 1.2 * ended(model(), 300.0, **alike)


@pytest.mark.slow
def test_a_shorter_delay_comes_nearer_to_none_in_proportion() -> None:
    known, delayed = ended(model(), 1e4), model(death="delayed")
    alike = usual(delayed)
    short, half = (
        ended(delayed, 1e4, **alike, stage_death=hours) - known for hours in (0.04, 0.02)
    )
    assert short / known > 1e-4
    assert short / half == pytest.approx(2.0, rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("system", PLACES)
def test_without_a_subclone_all_is_as_before(system: str) -> None:
    name = {"culture": "live_cells", "tumour": "tumour_volume"}[system]
    times, dose = np.linspace(0.0, 72.0, 7), dosed(system, 50.0)
    none = model(system, clone="mutant").simulate(
        times, dose, {"share_mutant_start": 0.0}, observables=[name], accuracy=1e-9
    )
    bare = model(system).simulate(times, dose, observables=[name], accuracy=1e-9)
    assert gap(none[name].values, bare[name].values) < 1e-9


@pytest.mark.slow
def test_a_subclone_alone_grows_as_without_drug() -> None:
    alone = ended(model(clone="mutant"), 1e4, share_mutant_start=1.0)
    untreated = math.exp(72.0 * model().definition.parameters["k_growth"].value)
    assert alone == pytest.approx(untreated, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("clone", CLONES)
@pytest.mark.parametrize("death", DEATHS)
def test_without_drug_cells_grow_as_they_do(death: str, clone: str) -> None:
    of = model(death=death, clone=clone, **OTHERS)
    run = of.simulate([0.0, 72.0], {"milademetan": 0.0})
    growth = of.definition.parameters["k_growth"].value
    assert math.log(run["live_cells"][-1]) / 72.0 == pytest.approx(growth, rel=1e-6)
    kept = [name for name in run if str(name).startswith("share")]
    assert all(
        float(run[name][-1]) == pytest.approx(float(run[name][0]), rel=1e-6) for name in kept
    )


def test_classes_are_fifths_with_the_spread_of_a_normal_curve() -> None:
    medians = np.array([NormalDist().inv_cdf(p) for p in (0.1, 0.3, 0.5, 0.7, 0.9)])
    places = medians / medians.std()
    rows = define("milademetan", system="culture", structure={"death": "spread"}).parameters
    ours = [rows["class_inner"].value, rows["class_outer"].value]
    assert places[[3, 4]] == pytest.approx(ours, rel=1e-6)


@pytest.mark.slow
def test_the_sensitive_die_first_and_are_forgotten() -> None:
    times = [0.0, 24.0, 48.0, 400.0]
    course = pn.pulse(3000.0, 24.0)
    fast = {"k_death": 0.2, "K_PUMA_caspase": 155.0}  # so that shares move while there is drug
    run = model(death="spread").simulate(times, {"milademetan": course}, fast)
    shares = np.array([run[f"share_{i}"].values for i in range(1, 6)])
    assert (np.diff(shares[:, 1]) > 0.0).all()
    assert shares[:, 3] == pytest.approx(0.2, rel=0.02)
    assert shares.sum(axis=0) == pytest.approx(1.0, rel=1e-6)


@all_of_them
@pytest.mark.slow
def test_equations_written_by_hand_agree(death: str, clone: str, system: str) -> None:
    of = model(system, death=death, clone=clone, **OTHERS)
    level = {"tumour": 50.0, "culture": 3000.0}[system]
    values = scattered(of)
    run = of.simulate(DENSE, dosed(system, level), values, accuracy=1e-8)
    for name, curve in Fate(run, values, death, tumour=system == "tumour").solved().items():
        assert gap(curve, run[name].values) < 1e-6, name


@pytest.mark.slow
@pytest.mark.parametrize("system", PLACES)
@pytest.mark.parametrize("clone", CLONES)
@pytest.mark.parametrize("death", DEATHS)
def test_the_batch_engine_agrees(death: str, clone: str, system: str) -> None:
    of = model(system, death=death, clone=clone, p73="readout", **OTHERS)
    times = np.linspace(0.0, 72.0, 13)
    for level in LEVELS:
        one, other = (
            of.simulate(times, dosed(system, level), engine=engine)
            for engine in ("batch", "roadrunner")
        )
        assert "batch" in one.attrs["engine"]
        for name in of.definition.read_outs:
            if name in one and float(np.abs(other[name]).max()) > 0.0:
                assert gap(one[name].values, other[name].values) < 1e-6, (name, level)


@pytest.mark.slow
def test_tap73_is_silenced_by_mdm2_in_proportion() -> None:
    """By all of it, unless drug-bound MDM2 lets go: then by what no drug holds."""
    for drug in ("milademetan", "KT-253"):
        of = pn.load(drug, cell_line="TP53-null", structure={"p73": "readout"})
        half = of.definition.parameters["K_MDM2_p73"].value
        for hold in (0.0, 0.4, 1.0):
            run = of.simulate([0.0, 24.0], {drug: 100.0}, {"hold_p73": hold})
            drugged = run["MDM2_total"] - run["MDM2_undrugged"]
            known = half / (half + run["MDM2_undrugged"] + hold * drugged)
            assert run["p73_active"].values == pytest.approx(known.values, rel=1e-9)


def test_a_degrader_frees_tap73_without_p53_and_an_inhibitor_does_not() -> None:
    freed = {}
    for drug in ("milademetan", "KT-253"):
        of = pn.load(drug, cell_line="TP53-null", structure={"p73": "readout"})
        before, after = of.simulate([0.0, 24.0], {drug: 100.0})["p73_active"].values
        freed[drug] = (after - before) / (1.0 - before)
    assert freed["milademetan"] == pytest.approx(0.0, abs=1e-6)
    assert freed["KT-253"] > 0.9


@pytest.mark.slow
def test_what_drives_is_never_moved_by_what_follows() -> None:
    """Fate reads the loop and does nothing to it, in every structure."""
    times, known = np.linspace(0.0, 48.0, 7), None
    for death in DEATHS:
        of = model(death=death, clone="mutant", p73="readout")
        run = of.simulate(times, {"milademetan": 1000.0}, usual(of), observables=list(PARTS))
        curves = np.array([run[name].values for name in PARTS])
        known = curves if known is None else known
        assert np.abs(curves / known - 1.0).max() < 1e-6


@pytest.mark.slow
def test_what_a_line_without_p53_leaves_out_is_said() -> None:
    """Wherever it is shown: in the result, on its figure, and in the list of lines."""
    doses = np.geomspace(0.1, 1e4, 9)
    plate = pn.viability("KT-253", ["SJSA-1", "TP53-null"], concentrations=doses)
    assert plate.attrs["boundary"].startswith("TP53-null: ")
    assert "TAp73" in plate.attrs["boundary"]
    texts = [" ".join(text.get_text().split()) for text in pn.plot(plate).texts]
    assert any(plate.attrs["boundary"] in text for text in texts)
    assert "boundary" not in pn.viability("KT-253", "SJSA-1", concentrations=doses).attrs
    assert "TAp73" in cell_line_entries()["TP53-null"].facts["description"]


def test_cores_without_puma_refuse_these_structures_by_name() -> None:
    with pytest.raises(pn.InputError, match="core"):
        define(system="culture", structure={"core": "Hunziker2010", "death": "spread"})
    with pytest.raises(pn.InputError, match="core"):
        define("milademetan", structure={"core": "Hunziker2010", "p73": "readout"})
