"""Exported files against real COPASI, SciPy and tellurium; the committed ones letter by letter."""

import math
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import libsbml
import numpy as np
import pytest

import p53net as pn
from p53net.exchange.files import SHIPPED, build
from tests.support import ROOT
from tests.support.agreement import assert_agree
from tests.support.oracles import copasi_solution, scipy_solution

TIMES = np.linspace(0.0, 72.0, 145)
IN_DISHES = [one.drugs for one in SHIPPED if one.system == "dish"]
MODELS_FOLDER = ROOT / "models" / "sbml"
# Dose times lie between grid points: engines may differ exactly at an event.
COURSES = {
    "untreated": {},
    "constant": {"inhibitor": 300.0, "degrader": 5.0},
    "schedule": {
        "inhibitor": [(0.0, 300.0), (4.1, 0.0), (24.3, 1000.0), (30.7, 0.0)],
        "degrader": [(2.2, 10.0), (12.9, 0.0), (40.1, 3.0)],
    },
}


def doses_for(model: pn.Model, course: Mapping[str, object]) -> dict[str, object]:
    return {d: course[role] for d, role in model.definition.drugs.items() if role in course}


@pytest.mark.parametrize("course", COURSES)
@pytest.mark.parametrize("drugs", IN_DISHES, ids="+".join)
@pytest.mark.slow
def test_copasi_and_scipy_give_the_same_curves(
    drugs: tuple[str, ...], course: str, tmp_path: Path
) -> None:
    model = pn.load(*drugs)
    doses = doses_for(model, COURSES[course])
    path = pn.export(model, tmp_path / "model.xml", doses)
    run = model.simulate(TIMES, doses)
    assert_agree(run, scipy_solution(path.read_text(), TIMES))
    assert_agree(run, copasi_solution(path, TIMES))


@pytest.mark.parametrize("variant", ["closed dish", "open loop", "small cell", "damage", "twin"])
@pytest.mark.slow
def test_other_settings_travel_too(variant: str, tmp_path: Path) -> None:
    line = "RS4;11" if variant == "small cell" else "generic"
    model = pn.load("milademetan", "KT-253", cell_line=line)
    doses = {"milademetan": 100.0, "KT-253": 5.0}
    parameters = {}
    if variant == "closed dish":
        doses = {"milademetan": pn.closed_dish(100.0, 20.0), "KT-253": pn.closed_dish(5.0, 20.0)}
    if variant == "damage":
        parameters = {"DSB": 1.0, "MDM2_gene_dose": 2.0}
    if variant == "twin":
        parameters = {"k_ub_MDM2": 0.0}
    feedback = variant != "open loop"
    path = pn.export(model, tmp_path / "model.xml", doses, parameters, feedback=feedback)
    run = model.simulate(TIMES, doses, parameters, feedback=feedback)
    assert_agree(run, scipy_solution(path.read_text(), TIMES))
    assert_agree(run, copasi_solution(path, TIMES))


@pytest.mark.slow
def test_the_copasi_file_gives_the_same_curves(tmp_path: Path) -> None:
    model = pn.load("milademetan", "KT-253")
    doses = doses_for(model, COURSES["schedule"])
    path = pn.export(model, tmp_path / "model.cps", doses)
    assert_agree(model.simulate(TIMES, doses), copasi_solution(path, TIMES))


def test_what_copasi_shows(tmp_path: Path) -> None:
    """Names equal ids, hours are hours, only bindings are reversible, the creator is kept."""
    basico = pytest.importorskip("basico")
    model = pn.load("milademetan", "KT-253")
    path = pn.export(model, tmp_path / "model.xml", {"KT-253": pn.pulse(10.0, 4.0)})
    loaded = basico.load_model(str(path))
    try:
        copasi = loaded.getModel()
        for things in (copasi.getMetabolites(), copasi.getModelValues(), copasi.getReactions(),
                       copasi.getCompartments(), copasi.getEvents()):  # fmt: skip
            assert things.size() > 0
            for thing in things:
                assert thing.getObjectName() == thing.getSBMLId()
        assert copasi.getTimeUnit() in ("h", "3600*s")
        units = basico.get_model_units(model=loaded)
        assert units["time_unit"] == "h"
        reactions = basico.get_reactions(model=loaded)
        reversible = {
            name for name in reactions.index if "=" in reactions.scheme[name].replace("->", "")
        }
        expected = {name for name in reactions.index if "binding" in name or "formation" in name}
        assert reversible == expected
        creators = basico.get_miriam_annotation(model=loaded)["creators"]
        assert creators[0]["last_name"] == "p53net"
    finally:
        basico.remove_datamodel(loaded)


@pytest.mark.slow
def test_committed_files_are_what_the_text_gives(tmp_path: Path) -> None:
    """`p53net build` rebuilds models/sbml byte for byte, but for the last digits of numbers, which
    other versions of RoadRunner, NumPy or LLVM may round otherwise."""
    fresh = {path.name: path.read_bytes() for path in build(tmp_path)}
    committed = {path.name: path.read_bytes() for path in MODELS_FOLDER.iterdir()}
    assert set(fresh) == set(committed)
    for name, content in fresh.items():
        assert alike(content.decode(), committed[name].decode()), (
            f"{name} differs; run `p53net build` and look at the diff"
        )


NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w.])")


def alike(text: str, other: str) -> bool:
    """Equal, but for numbers that are 1e-9 of themselves apart; the same versions give none."""
    if NUMBER.split(text) != NUMBER.split(other):
        return False
    numbers = zip(NUMBER.findall(text), NUMBER.findall(other), strict=True)
    return all(math.isclose(float(a), float(b), rel_tol=1e-9) for a, b in numbers)


def test_texts_that_differ_in_more_than_a_last_digit_are_not_alike() -> None:
    text = '<species id="p53" initialConcentration="20.0312345678"/> 3e-05'
    assert alike(text, text.replace("5678", "5679"))
    for old, new in (("5678", "9678"), ("p53", "p54"), ("3e-05", "3.1e-05"), ("3e-05", "-3e-05")):
        assert not alike(text, text.replace(old, new))


def test_start_values_are_written_with_twelve_digits() -> None:
    document = libsbml.readSBMLFromFile(str(MODELS_FOLDER / "p53_loop.xml"))
    for species in document.getModel().getListOfSpecies():
        value = species.getInitialConcentration()
        assert value == float(f"{value:.12g}")


def test_exported_sbml_is_level_3_version_1_and_plain() -> None:
    for path in MODELS_FOLDER.glob("*.xml"):
        document = libsbml.readSBMLFromFile(str(path))
        assert (document.getLevel(), document.getVersion()) == (3, 1)
        assert document.getNumPlugins() == 0


def test_equations_name_every_parameter_species_and_reaction() -> None:
    text = (MODELS_FOLDER / "milademetan_KT_253.md").read_text(encoding="utf-8")
    definition = pn.load("milademetan", "KT-253").definition
    for name in (*definition.parameters, *definition.species, *definition.derived):
        assert f"`{name}" in text or f"*{name})/dt" in text
    assert text.count("| assumed |") > 50


def test_antimony_round_trip(tmp_path: Path) -> None:
    """The .ant file is the same model again."""
    from p53net.model import sbml

    model = pn.load("KT-253")
    doses = {"KT-253": pn.pulse(10.0, 4.1)}
    text = pn.export(model, tmp_path / "m.ant", doses).read_text()
    assert text == pn.antimony(model, doses)
    again = sbml.to_sbml(text, model.definition.id)
    assert_agree(model.simulate(TIMES, doses), scipy_solution(again, TIMES))


LOADA = """
import sys
{first}
{second}
import numpy as np
text = pn.antimony("KT-253", {{"KT-253": 10.0}})
runner = te.loada(text)
runner.integrator.relative_tolerance = 1e-10
runner.integrator.absolute_tolerance = 1e-14
table = np.array(runner.simulate(0, 72, 145, ["time", "[MDM2]", "p53_active"]))
own = pn.load("KT-253").simulate(table[:, 0], {{"KT-253": 10.0}})
for column, name in enumerate(["MDM2", "p53_active"], start=1):
    np.testing.assert_allclose(table[:, column], own[name], rtol=1e-6)
print("same")
"""


@pytest.mark.parametrize("order", ["p53net first", "tellurium first"])
@pytest.mark.slow
def test_tellurium_runs_the_antimony_text(order: str) -> None:
    """In a process of its own: tellurium and libSBML disturb each other by import order."""
    lines = ["import p53net as pn", "import tellurium as te"]
    first, second = lines if order == "p53net first" else lines[::-1]
    done = subprocess.run(
        [sys.executable, "-c", LOADA.format(first=first, second=second)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip().endswith("same"), done.stderr
