"""Archives run: ours and others'; and what is refused of them, with nothing written outside."""

import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import p53net as pn
from p53net.cli import app
from p53net.exchange import unpacking

DRUG = "milademetan"
SBML = """<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1">
 <model id="decay" timeUnits="second" substanceUnits="mole" volumeUnits="litre" extentUnits="mole">
  <listOfCompartments><compartment id="c" size="2" constant="true" spatialDimensions="3"/>
  </listOfCompartments>
  <listOfSpecies><species id="A" compartment="c" initialConcentration="10" constant="false"
   hasOnlySubstanceUnits="false" boundaryCondition="false"/></listOfSpecies>
  <listOfParameters><parameter id="k" value="0.5" constant="true"/></listOfParameters>
  <listOfReactions><reaction id="r" reversible="false" fast="false">
   <listOfReactants><speciesReference species="A" stoichiometry="1" constant="true"/>
   </listOfReactants>
   <kineticLaw><math xmlns="http://www.w3.org/1998/Math/MathML"><apply><times/>
    <ci>c</ci><ci>k</ci><ci>A</ci></apply></math></kineticLaw></reaction></listOfReactions>
 </model></sbml>"""
MODEL = '<model id="m" language="urn:sedml:language:sbml" source="model.xml"/>'
COURSE = (
    '<uniformTimeCourse id="u" initialTime="0" outputStartTime="1" outputEndTime="5" '
    'numberOfPoints="8"/>'
)
TASK = '<task id="t" modelReference="m" simulationReference="u"/>'
OF_A = "/sbml:sbml/sbml:model/sbml:listOfSpecies/sbml:species[@id='A']"
DATA = f"""
 <dataGenerator id="time"><listOfVariables>
  <variable id="v1" symbol="urn:sedml:symbol:time" taskReference="t"/></listOfVariables>
  <math xmlns="http://www.w3.org/1998/Math/MathML"><ci>v1</ci></math></dataGenerator>
 <dataGenerator id="twice"><listOfVariables>
  <variable id="v2" target="{OF_A}" taskReference="t"/></listOfVariables>
  <listOfParameters><parameter id="two" value="2"/></listOfParameters>
  <math xmlns="http://www.w3.org/1998/Math/MathML"><apply><times/><ci>two</ci><ci>v2</ci></apply>
  </math></dataGenerator>"""
OUTPUT = """
 <report id="table"><listOfDataSets>
  <dataSet id="d1" label="clock" dataReference="time"/>
  <dataSet id="d2" label="2 A" dataReference="twice"/></listOfDataSets></report>"""


def sedml(
    models: str = MODEL,
    courses: str = COURSE,
    tasks: str = TASK,
    data: str = DATA,
    outputs: str = OUTPUT,
) -> str:
    return (
        '<sedML xmlns="http://sed-ml.org/sed-ml/level1/version3" level="1" version="3">'
        f"<listOfModels>{models}</listOfModels><listOfSimulations>{courses}</listOfSimulations>"
        f"<listOfTasks>{tasks}</listOfTasks><listOfDataGenerators>{data}</listOfDataGenerators>"
        f"<listOfOutputs>{outputs}</listOfOutputs></sedML>"
    )


def zipped(members: dict[str, str | bytes], path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return path


def study(path: Path, text: str = "", **parts: str) -> Path:
    return zipped({"run.sedml": text or sedml(**parts), "model.xml": SBML}, path)


# --- what runs


@pytest.mark.parametrize("case", [
    (("KT-253",), {}, {"KT-253": pn.pulse(5.0, hours=6.1)}, {}),
    (("KT-253",), {}, {"KT-253": 5.0}, {"settling": 300.0, "feedback": False}),
    ((DRUG,), {"system": "plasma"}, {DRUG: pn.regimen(260, "mg", [0.2, 24.2])}, {}),
], ids=["pulse", "settling", "body"])  # fmt: skip
@pytest.mark.slow
def test_our_own_archives_give_the_same_curves(case: tuple, tmp_path: Path) -> None:
    drugs, where, doses, more = case
    path = pn.export(pn.load(*drugs, **where), tmp_path / "s.omex", doses, **more)
    with zipfile.ZipFile(path) as held:
        own = pd.read_csv(io.BytesIO(held.read("curves.csv")))
    found = pn.run_archive(path, tmp_path / "out")["curves"]
    assert list(found) == list(own)
    for name in own:
        scale = max(float(np.abs(own[name]).max()), 1e-9)
        assert float(np.abs(own[name] - found[name]).max()) <= 1e-6 * scale, name
    written = sorted(one.name for one in (tmp_path / "out").iterdir())
    assert written == ["curves.csv", "figure.png", "run.json"]


def test_a_uniform_time_course_of_others(tmp_path: Path) -> None:
    path = study(tmp_path / "s.omex")
    table = pn.run_archive(path)["table"]
    assert list(table) == ["clock", "2 A"]
    np.testing.assert_allclose(table["clock"], np.linspace(1, 5, 9))
    np.testing.assert_allclose(table["2 A"], 20 * np.exp(-0.5 * table["clock"]), rtol=1e-6)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["s.omex"]


def test_changes_of_a_model_follow_its_chain(tmp_path: Path) -> None:
    at = "/sbml:sbml/sbml:model/sbml:listOfParameters/sbml:parameter[@id='k']/@value"
    change = '<listOfChanges><changeAttribute target="{}" newValue="{}"/></listOfChanges>'
    models = MODEL.replace('"m"', '"base"').replace("/>", f">{change.format(at, 3)}</model>")
    models += f'<model id="m" source="#base">{change.format(at, 0.1)}</model>'
    table = pn.run_archive(study(tmp_path / "s.omex", models=models))["table"]
    np.testing.assert_allclose(table["2 A"], 20 * np.exp(-0.1 * table["clock"]), rtol=1e-6)


def test_a_start_value_is_changed(tmp_path: Path) -> None:
    change = f'<changeAttribute target="{OF_A}/@initialConcentration" newValue="4"/>'
    models = MODEL.replace("/>", f"><listOfChanges>{change}</listOfChanges></model>")
    table = pn.run_archive(study(tmp_path / "s.omex", models=models))["table"]
    np.testing.assert_allclose(table["2 A"], 8 * np.exp(-0.5 * table["clock"]), rtol=1e-6)


def test_a_document_without_outputs_gives_all_its_data(tmp_path: Path) -> None:
    assert list(pn.run_archive(study(tmp_path / "s.omex", outputs=""))["curves"]) == [
        "time", "twice"
    ]  # fmt: skip


def test_the_command_writes_a_folder(tmp_path: Path) -> None:
    path = study(tmp_path / "s.omex")
    done = CliRunner().invoke(app, ["run", str(path), "-o", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    about = json.loads((tmp_path / "out" / "run.json").read_text())
    assert about["runs"]["t"]["model"] == "model.xml"
    assert (tmp_path / "out" / "table.csv").read_text().startswith("clock,2 A\n1.0,")
    assert (tmp_path / "out" / "table.png").read_bytes()[:4] == b"\x89PNG"


# --- what does not


def link(path: Path) -> Path:
    about = zipfile.ZipInfo("model.xml")
    about.create_system, about.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("run.sedml", sedml())
        made.writestr(about, "/etc/passwd")
    return path


def encrypted(path: Path) -> Path:
    content = bytearray(study(path).read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    path.write_bytes(bytes(content))
    return path


def broken(path: Path) -> Path:
    content = bytearray(study(path).read_bytes())
    content[60:90] = bytes(30)
    path.write_bytes(bytes(content))
    return path


def bomb(path: Path) -> Path:
    return zipped({"run.sedml": sedml(), "model.xml": b" " * (unpacking.LARGEST_MEMBER + 1)}, path)


def twice(path: Path) -> Path:
    with pytest.warns(UserWarning), zipfile.ZipFile(path, "w") as made:
        made.writestr("run.sedml", sedml())
        made.writestr("run.sedml", sedml())
    return path


def members(**named: str) -> Callable[[Path], Path]:
    """An archive with other members, whose names have `_S_` for a slash and so on."""
    said = {"S": "/", "B": "\\", "D": ".", "C": ":"}

    def name_of(name: str) -> str:
        for short, mark in said.items():
            name = name.replace(f"_{short}_", mark)
        return name

    return lambda path: zipped(
        {"run.sedml": sedml(), "model.xml": SBML, **{name_of(n): t for n, t in named.items()}}, path
    )


def text(content: str | bytes) -> Callable[[Path], Path]:
    return lambda path: zipped({"run.sedml": content, "model.xml": SBML}, path)


def parts(**named: str) -> Callable[[Path], Path]:
    return lambda path: study(path, **named)


def plain(content: bytes) -> Callable[[Path], Path]:
    def made(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return made


def source(place: str) -> Callable[[Path], Path]:
    return parts(models=MODEL.replace("model.xml", place))


CIRCLE = '<model id="m" source="#n"/><model id="n" source="#m"/>'
ENTITY = '<!DOCTYPE sedML [<!ENTITY a "aaaa">]>'
BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "no zip": (plain(b"no zip at all"), "no COMBINE archive"),
    "empty file": (plain(b""), "no COMBINE archive"),
    "cut off": (lambda p: plain(study(p).read_bytes()[:200])(p), "no COMBINE archive"),
    "broken data": (broken, "cannot be unpacked|no COMBINE archive"),
    "path upwards": (members(_D__D__S_out="x"), "is not the path of a file in the archive"),
    "path upwards within": (members(a_S__D__D__S__D__D__S_out="x"), "is not the path"),
    "absolute path": (members(_S_etc_S_passwd="x"), "is not the path"),
    "drive": (members(C_C_file="x"), "is not the path"),
    "a link": (link, "is a link or a device"),
    "encrypted": (encrypted, "is encrypted"),
    "twice": (twice, "is there twice"),
    "a bomb": (bomb, "is too large"),
    "too many members": (
        lambda p: zipped({f"f{i}": "" for i in range(unpacking.MOST_MEMBERS + 1)}, p),
        "1,001 members",
    ),
    "no SED-ML": (lambda p: zipped({"model.xml": SBML}, p), "has no SED-ML"),
    "no XML": (text("hello"), "cannot be read as XML"),
    "empty SED-ML": (text(""), "cannot be read as XML"),
    "not UTF-8": (text(sedml().encode("utf-16")), "cannot be read as XML"),
    "an entity": (text(ENTITY + sedml()), "declares a document type"),
    "too deep": (text("<a>" * 5000 + "</a>" * 5000), "deep"),
    "other XML": (text(SBML), "its root is <sbml>"),
    "bad manifest": (members(manifest_D_xml="<a>"), "the manifest of"),
    "a manifest that leads outside": (
        members(manifest_D_xml='<m><content location="../x" format="sed-ml"/></m>'),
        "is not the path",
    ),
    "a manifest of what is not there": (
        members(manifest_D_xml='<m><content location="./x.sedml" format="sed-ml"/></m>'),
        "has no member 'x.sedml'",
    ),
    "model outside": (source("../model.xml"), "is not the path"),
    "model on the net": (source("https://example.org/model.xml"), "nothing is fetched"),
    "model in a database": (source("urn:miriam:biomodels.db:BIOMD1"), "nothing is fetched"),
    "model not there": (source("other.xml"), "has no member 'other.xml'"),
    "models in a circle": (parts(models=CIRCLE), "in a circle: m, n, m"),
    "no SBML": (parts(models=MODEL.replace(":sbml", ":cellml")), "not in SBML"),
    "a change by XML": (
        parts(models=MODEL.replace("/>", "><listOfChanges><addXML/></listOfChanges></model>")),
        "changed by <addXML>",
    ),
    "a changed amount": (
        parts(models=MODEL.replace("/>", "><listOfChanges><changeAttribute newValue='1' "
              "target=\"/sbml:sbml/sbml:model/sbml:listOfSpecies/sbml:species[@id='A']/"
              "@initialAmount\"/></listOfChanges></model>")),
        "a change of an initialAmount",
    ),
    "steady state": (parts(courses='<steadyState id="u"/>'), "uniform time courses are run"),
    "a begin before": (parts(courses=COURSE.replace('"0"', '"-1"')), "every run begins at 0"),
    "an end before": (parts(courses=COURSE.replace('"5"', '"0.5"')), "times must rise"),
    "no number": (parts(courses=COURSE.replace('"5"', '"late"')), "is 'late', and no number"),
    "not finite": (parts(courses=COURSE.replace('"5"', '"inf"')), "must be finite"),
    "half a step": (parts(courses=COURSE.replace('"8"', '"8.5"')), "8.5 steps"),
    "endless": (parts(courses=COURSE.replace('"8"', '"1e9"')), "1e\\+09 steps"),
    "a repeated task": (parts(tasks='<repeatedTask id="t"/>'), "only single tasks"),
    "no task": (parts(tasks="", data="", outputs=""), "it has no task"),
    "unknown model": (parts(tasks=TASK.replace('"m"', '"x"')), "the model of task t is 'x'"),
    "unknown data": (parts(outputs=OUTPUT.replace('"twice"', '"x"')), "is 'x', which is not there"),
    "unknown quantity": (parts(data=DATA.replace("@id='A'", "@id='B'")), "unknown quantity 'B'"),
    "unknown function": (parts(data=DATA.replace("<times/>", "<sin/>")), "is not worked out"),
    "an id that is a path": (parts(outputs=OUTPUT.replace('"table"', '"../out"')), "is no id"),
    "an id twice": (parts(tasks=TASK + TASK), "is there twice"),
    "an odd output": (parts(outputs='<plot3D id="p"/>'), "is a plot3D"),
    "a model that is none": (
        lambda p: zipped({"run.sedml": sedml(), "model.xml": "<sbml>"}, p), "SBML",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_archives(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make, said = BAD[case]
    inner = tmp_path / "inner"
    inner.mkdir()
    monkeypatch.chdir(inner)
    path = make(inner / "bad.omex")
    with pytest.raises(pn.P53NetError, match=said):
        pn.run_archive(path, inner / "out")
    assert [one.name for one in tmp_path.iterdir()] == ["inner"]
    assert [one.name for one in inner.iterdir()] == ["bad.omex"]


def test_what_is_no_file(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.omex", 3):
        with pytest.raises(pn.InputError, match="cannot read the archive"):
            pn.run_archive(path)


def test_an_archive_that_says_it_is_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = study(tmp_path / "s.omex")
    monkeypatch.setattr(unpacking, "LARGEST_TOGETHER", 1000)
    with pytest.raises(pn.InputError, match="unpacked it has"):
        pn.run_archive(path)
    monkeypatch.setattr(unpacking, "LARGEST", 100)
    with pytest.raises(pn.InputError, match="too large"):
        pn.run_archive(path)
