"""COMBINE archives and COPASI's files: what is in them, and that others run them alike."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import p53net as pn
from tests.support.agreement import AGREEMENT
from tests.support.elsewhere import archive_in_tellurium, assert_sound_sedml, run_in_copasi

DRUG = "milademetan"
CASES = {
    "constant": ((DRUG,), {}, {DRUG: 300.0}, {}),
    "pulse": (("KT-253",), {}, {"KT-253": pn.pulse(5.0, hours=6.1)}, {}),
    "settling": (("KT-253",), {}, {"KT-253": 5.0}, {"settling": 300.0, "feedback": False}),
    "tumour": (("KT-253",), {"system": "tumour"}, {"KT-253": pn.regimen(2, "mg", [0, 24.2])},
               {"settling": 300.0}),
    "body": ((DRUG,), {"system": "plasma"}, {DRUG: pn.regimen(260, "mg", [0.2, 24.2])}, {}),
}  # fmt: skip


def made(case: str, folder: Path, name: str = "study.omex") -> tuple[Path, pd.DataFrame]:
    drugs, where, doses, more = CASES[case]
    path = pn.export(pn.load(*drugs, **where), folder / name, doses, **more)
    with zipfile.ZipFile(path) as held:
        return path, pd.read_csv(io.BytesIO(held.read("curves.csv")))


def assert_same(own: pd.DataFrame, other: dict[str, np.ndarray]) -> None:
    names = [name for name in own if name != "time"]
    assert len(names) > 4 and set(names) <= set(other)
    for name in names:
        scale = max(float(np.abs(own[name]).max()), 1e-9)
        assert float(np.abs(own[name].to_numpy() - other[name]).max()) <= AGREEMENT * scale, name


@pytest.mark.parametrize("case", CASES)
@pytest.mark.slow
def test_tellurium_runs_an_archive_alike(case: str, tmp_path: Path) -> None:
    path, own = made(case, tmp_path)
    (tmp_path / "other").mkdir()
    table = pd.read_csv(archive_in_tellurium(path, tmp_path / "other"))
    np.testing.assert_allclose(table["time"], own["time"], atol=1e-9)
    assert_same(own, {str(name): table[name].to_numpy() for name in table})
    assert (tmp_path / "other" / "simulation_figure.pdf").stat().st_size > 1000


@pytest.mark.parametrize("case", CASES)
@pytest.mark.slow
def test_copasi_runs_an_archive_alike(case: str, tmp_path: Path) -> None:
    path, own = made(case, tmp_path)
    curves, plots = run_in_copasi(path, tmp_path / "report.txt")
    assert_same(own, curves)
    assert plots == ["figure"]


@pytest.mark.parametrize("case", ["pulse", "body"])
@pytest.mark.slow
def test_a_copasi_file_runs_its_study_and_shows_read_outs(case: str, tmp_path: Path) -> None:
    _, own = made(case, tmp_path)
    path = tmp_path / "study.cps"
    drugs, where, doses, more = CASES[case]
    pn.export(pn.load(*drugs, **where), path, doses, **more)
    curves, plots = run_in_copasi(path, tmp_path / "report.txt")
    assert_same(own, curves)
    assert plots == ["read-outs"]
    report = pd.read_csv(tmp_path / "report.txt", sep="\t")
    assert len(report) == len(own) and report.shape[1] == own.shape[1]
    assert float(report.iloc[-1, 0]) == own["time"].iloc[-1]


@pytest.mark.slow
def test_an_archive_holds_a_petab_problem(tmp_path: Path) -> None:
    model = pn.load(DRUG, system="plasma")
    doses = {DRUG: pn.regimen(260, "mg", [0.0])}
    data = pd.DataFrame({"observable": "inhibitor_plasma", "time": [2.0, 8.0], "value": [9e3, 5e3],
                         "error": 0.1})  # fmt: skip
    yaml = pn.write_petab(model, data, {"CL_inhibitor": (1, 100)}, tmp_path / "problem",
                          doses=doses, noise="log-normal")  # fmt: skip
    paths = [pn.export(model, tmp_path / name, doses, petab=given)
             for name, given in (("a.omex", yaml), ("b.omex", yaml.parent))]  # fmt: skip
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert len(pn.run_archive(paths[0])["curves"]) == 145
    with zipfile.ZipFile(paths[0]) as held:
        held.extractall(tmp_path / "out")
    again = pn.read_petab(tmp_path / "out" / "petab" / "problem.yaml")
    assert again.log_likelihood(again.nominal) == pn.read_petab(yaml).log_likelihood(again.nominal)
    manifest = (tmp_path / "out" / "manifest.xml").read_text()
    assert all(f"./petab/{one.name}" in manifest for one in yaml.parent.iterdir())


@pytest.mark.parametrize("name", ["m.xml", "m.cps"])
def test_only_archives_hold_petab(name: str, tmp_path: Path) -> None:
    with pytest.raises(pn.InputError, match="holds no data"):
        pn.export(pn.load(), tmp_path / name, petab=tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_is_no_sound_problem_is_not_packed(tmp_path: Path) -> None:
    (tmp_path / "problem.yaml").write_text("format_version: 1\n")
    with pytest.raises(pn.InputError, match="no list of problems"):
        pn.export(pn.load(), tmp_path / "m.omex", petab=tmp_path)
    assert not (tmp_path / "m.omex").exists()


def test_an_archive_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    one, _ = made("pulse", tmp_path, "one.omex")
    two, _ = made("pulse", tmp_path, "two.omex")
    assert one.read_bytes() == two.read_bytes()
    with zipfile.ZipFile(one) as held:
        assert held.namelist() == sorted(held.namelist())
        assert {about.date_time for about in held.infolist()} == {(2026, 11, 20, 0, 0, 0)}


def test_what_is_in_an_archive(tmp_path: Path) -> None:
    path, own = made("pulse", tmp_path)
    with zipfile.ZipFile(path) as held:
        texts = {name: held.read(name).decode() for name in held.namelist()}
        held.extractall(tmp_path / "out")
    for name in texts:
        assert f'location="./{name}"' in texts["manifest.xml"]
    assert 'location="./simulation.sedml"' in texts["manifest.xml"]
    assert texts["manifest.xml"].count('master="true"') == 1
    assert "CC0-1.0" in texts["metadata.rdf"] and "p53net" in texts["metadata.rdf"]
    assert_sound_sedml(tmp_path / "out" / "simulation.sedml")
    again = pn.rerun(tmp_path / "out" / "record.json")  # the very run
    assert np.array_equal(again["time"], own["time"])
    assert json.loads(texts["record.json"])["call"] == "simulate"
    np.testing.assert_allclose(again["p53_total"], own["p53_total"], rtol=1e-14)


def test_times_are_those_of_the_file(tmp_path: Path) -> None:
    path = pn.export(pn.load(), tmp_path / "s.omex", times=np.linspace(0, 10, 6))
    with zipfile.ZipFile(path) as held:
        table = pd.read_csv(io.BytesIO(held.read("curves.csv")))
    np.testing.assert_array_equal(table["time"], [0, 2, 4, 6, 8, 10])


def test_a_model_of_others_goes_into_an_archive_without_our_licence(tmp_path: Path) -> None:
    file = pn.export(pn.load(), tmp_path / "loop.xml")
    path = pn.export(pn.read_sbml(file), tmp_path / "s.omex", times=np.linspace(0, 10, 6))
    with zipfile.ZipFile(path) as held:
        assert "LICENSE" not in held.namelist()
        assert b"license" not in held.read("metadata.rdf")


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("s.omex", {"times": [0.0, 1.0, 3.0]}, "no equal steps"),
        ("s.cps", {"times": [0.0, 1.0, 3.0]}, "no equal steps"),
        ("s.omex", {"times": [1.0, 2.0]}, "starts at 1"),
        ("s.xml", {"times": [0.0, 1.0]}, "holds a model and not its run"),
        ("s.omex", {"doses": {DRUG: pn.pulse(1.0, 90.0)}, "times": [0.0, 72.0]}, "after the run"),
        ("s.zip", {}, "does not say what to write"),
    ],
)
def test_what_is_refused(
    name: str, arguments: dict[str, object], said: str, tmp_path: Path
) -> None:
    with pytest.raises(pn.InputError, match=said):
        pn.export(pn.load(DRUG), tmp_path / name, **arguments)
    assert not list(tmp_path.iterdir())
