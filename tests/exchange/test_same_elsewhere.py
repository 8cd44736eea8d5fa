"""Files mean the same in other hands: doses stay masses, and untreated starts can follow."""

import re
from pathlib import Path

import libsbml
import numpy as np
import pytest

import p53net as pn
from tests.support.agreement import assert_agree
from tests.support.elsewhere import tellurium_solution, with_parameter
from tests.support.oracles import copasi_solution, scipy_solution

DRUG = "milademetan"
TIMES = np.linspace(0.0, 60.0, 31)
DISH = {DRUG: pn.course([(0.0, 100.0), (10.1, 0.0)]), "KT-253": pn.course([(3.3, 5.0)])}
BODY = {DRUG: pn.regimen([260, 130, 260], "mg", [0, 24.1, 40.3])}
SETTLING = 400.0
"""h: p53's slowest process here is MDM2's capacity for it, an hour or two."""


def settled(path: Path, changed: bool, *, feedback: bool = True) -> tuple[pn.Model, Path]:
    model = pn.load(DRUG, "KT-253")
    pn.export(model, path, DISH, feedback=feedback, settling=SETTLING)
    if changed:
        with_parameter(path, "k_deg_p53", 0.5)
    return model, path


@pytest.mark.parametrize("feedback", [True, False], ids=["closed", "opened"])
@pytest.mark.slow
def test_untreated_starts_follow_a_parameter_in_copasi(feedback: bool, tmp_path: Path) -> None:
    model, path = settled(tmp_path / "m.xml", True, feedback=feedback)
    own = model.simulate(TIMES, DISH, {"k_deg_p53": 0.5}, feedback=feedback).isel(
        time=slice(1, None)
    )
    found = copasi_solution(path, np.concatenate([[0.0], SETTLING + TIMES[1:]]))
    assert_agree(own, {name: values[1:] for name, values in found.items()})
    usual = model.simulate(TIMES, DISH, feedback=feedback)["p53_total"][1:]
    assert float(np.abs(own["p53_total"] / usual - 1).max()) > 0.02  # it does matter


@pytest.mark.slow
def test_untreated_starts_follow_a_parameter_in_tellurium(tmp_path: Path) -> None:
    model, path = settled(tmp_path / "m.xml", True)
    own = model.simulate(TIMES, DISH, {"k_deg_p53": 0.5}).isel(time=slice(1, None))
    names = list(map(str, own.data_vars))
    found = tellurium_solution(path, names, np.concatenate([[0.0], SETTLING + TIMES[1:]]))
    assert_agree(own, {name: values[1:] for name, values in found.items()})


@pytest.mark.slow
def test_settling_changes_nothing_without_a_change(tmp_path: Path) -> None:
    model, path = settled(tmp_path / "m.xml", False)
    own = model.simulate(TIMES, DISH)
    found = scipy_solution(path.read_text(), np.concatenate([[0.0], SETTLING + TIMES[1:]]))
    assert_agree(
        own.isel(time=slice(1, None)), {name: values[1:] for name, values in found.items()}
    )


@pytest.mark.slow
def test_what_is_done_to_a_cell_begins_after_settling(tmp_path: Path) -> None:
    model, path = pn.load(), tmp_path / "m.xml"
    pn.export(model, path, parameters={"DSB": 1.0}, settling=SETTLING)
    own = model.simulate(TIMES, parameters={"DSB": 1.0}).isel(time=slice(1, None))
    found = scipy_solution(path.read_text(), np.concatenate([[0.0], SETTLING + TIMES[1:]]))
    assert_agree(own, {name: values[1:] for name, values in found.items()})


AROUND = {
    "culture": (DRUG, {DRUG: pn.course([(0.0, 300.0), (20.3, 0.0)])}),
    "tumour": ("KT-253", {"KT-253": pn.regimen([2, 1], "mg", [0, 24.1], over=2.0)}),
    "marrow": (DRUG, BODY),
}
"""By system: drug and doses."""


@pytest.mark.parametrize("other", ["copasi", "tellurium"])
@pytest.mark.parametrize("system", AROUND)
@pytest.mark.slow
def test_what_is_around_a_cell_waits_for_it(system: str, other: str, tmp_path: Path) -> None:
    (drug, doses), name = AROUND[system], "k_deg_p53"
    model, path = pn.load(drug, system=system), tmp_path / "m.xml"
    value = 1.6 * model.definition.parameters[name].value
    pn.export(model, path, doses, settling=SETTLING)
    with_parameter(path, name, value)
    own = model.simulate(TIMES, doses, {name: value})
    names, grid = list(map(str, own.data_vars)), np.concatenate([[0.0], SETTLING + TIMES[1:]])
    if other == "copasi":
        found = copasi_solution(path, grid)
    else:
        found = tellurium_solution(path, names, grid)
    own = own.isel(time=slice(1, None))
    assert_agree(own, {name: values[1:] for name, values in found.items()})
    usual = model.simulate(TIMES, doses)[names[0]][1:]
    assert float(np.abs(own[names[0]] / usual - 1).max()) > 1e-3  # it does matter


@pytest.mark.parametrize("settling", [10.0, -1.0, np.nan, 1e7, "long"])
def test_what_cannot_settle_is_refused(settling: object, tmp_path: Path) -> None:
    with pytest.raises(pn.InputError, match="settling"):
        pn.export(pn.load(DRUG, system="plasma"), tmp_path / "m.xml", BODY, settling=settling)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("settling", [-1.0, np.nan, 1e7, "long"])
def test_how_long_is_checked(settling: object, tmp_path: Path) -> None:
    with pytest.raises(pn.InputError, match="settling"):
        pn.export(pn.load(DRUG, system="tumour"), tmp_path / "m.xml", BODY, settling=settling)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("other", ["copasi", "tellurium"])
@pytest.mark.slow
def test_a_changed_volume_leaves_the_dose(other: str, tmp_path: Path) -> None:
    """Before, an oral dose was a concentration, so that it grew with the volume."""
    model, path = pn.load(DRUG, system="plasma"), tmp_path / "m.xml"
    pn.export(model, path, BODY)
    with_parameter(path, "V_central_inhibitor", 50.0)
    own = model.simulate(TIMES, BODY, {"V_central_inhibitor": 50.0})
    if other == "copasi":
        found = copasi_solution(path, TIMES)
    else:
        found = tellurium_solution(path, list(map(str, own.data_vars)), TIMES)
    assert_agree(own, found)


def test_doses_are_amounts_in_parameters(tmp_path: Path) -> None:
    path = pn.export(pn.load(DRUG, system="plasma"), tmp_path / "m.xml", BODY)
    document = libsbml.readSBMLFromFile(str(path))
    assert document.checkConsistency() == 0
    model = document.getModel()
    amounts = {
        one.getId(): one for one in model.getListOfParameters() if one.getId().startswith("dose_")
    }
    assert {one.getUnits() for one in amounts.values()} == {"nmol"}
    expected = [pn.convert(mass, "mg", "nmol", DRUG) for mass in (260, 130)]
    np.testing.assert_allclose([one.getValue() for one in amounts.values()], expected, rtol=1e-12)
    start = model.getInitialAssignmentBySymbol("inhibitor_gut").getMath()
    assert libsbml.formulaToL3String(start) == "dose_inhibitor / V_central_inhibitor"


@pytest.mark.parametrize("suffix", [".xml", ".ant"])
def test_times_of_events_have_all_their_digits(suffix: str, tmp_path: Path) -> None:
    times = [0.1 + 0.2, 1 / 3, 24.000000000000004, 1e-5 / 3]
    doses = {DRUG: pn.regimen(10, "mg", sorted(times))}
    path = pn.export(pn.load(DRUG, system="plasma"), tmp_path / f"m{suffix}", doses)
    pattern = r'units="hour"> (\S+) </cn>' if suffix == ".xml" else r"time >= (\S+) hour"
    assert [float(one) for one in re.findall(pattern, path.read_text())] == sorted(times)


def test_the_file_says_what_its_starts_are(tmp_path: Path) -> None:
    cell, body = pn.load(DRUG), pn.load(DRUG, system="plasma")
    numbers = pn.export(cell, tmp_path / "a.xml", {DRUG: 1.0}).read_text()
    assert "they do not follow a parameter that is changed here" in numbers
    assert "settling" in numbers
    settles = pn.export(cell, tmp_path / "b.xml", {DRUG: 1.0}, settling=100.0).read_text()
    assert "runs without drug for 100.0 h" in settles
    assert "Start values are numbers" not in settles
    masses = pn.export(body, tmp_path / "c.xml", BODY).read_text()
    assert "dose_inhibitor, dose_inhibitor_2, over the volume" in masses
