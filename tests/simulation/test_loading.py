"""Models that studies keep: the same numbers whatever ran before, and tables as they are now."""

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import xarray as xr

import p53net as pn
from p53net.engines.base import Tolerances
from p53net.model import content, library, sbml, tables
from p53net.simulation import loading
from p53net.simulation.loading import shared
from tests.support import ROOT

STUDIES: dict[str, Callable[[], xr.Dataset]] = {
    "viability": lambda: pn.viability("KT-253", ["RS4;11", "generic"], noise=0.1),
    "with a parameter": lambda: pn.viability("KT-253", "RS4;11", parameters={"k_syn_p53": 40.0}),
    "without p53": lambda: pn.viability("KT-253", "RS4;11", parameters={"k_syn_p53": 0.0}),
    "reference engine": lambda: pn.degradation("KT-253", engine="roadrunner"),
    "degradation": lambda: pn.degradation(["KT-253", "milademetan"]),
    "caspase": lambda: pn.caspase("KT-253", "RS4;11"),
    "xenograft": lambda: pn.xenograft("KT-253", pn.regimen(1, "mg/kg", "once"), "RS4;11", days=7),
    "pk": lambda: pn.pk("milademetan", pn.regimen(260, "mg", "3/14", cycles=1)),
}


@pytest.fixture(autouse=True)
def no_models_of_other_tests() -> Iterator[None]:
    forget()
    yield
    forget()


def forget() -> None:
    loading._kept.cache_clear()
    loading._defined.cache_clear()


def test_the_same_question_gets_the_same_model() -> None:
    assert shared("KT-253") is shared("KT-253")
    others = (
        shared("milademetan"),
        shared("KT-253", cell_line="RS4;11"),
        shared("KT-253", system="culture"),
        shared("KT-253", tolerances=Tolerances(1e-6)),
    )
    assert all(one is not shared("KT-253") for one in others)
    assert others[-1].definition is shared("KT-253").definition
    assert shared("KT-253").definition == pn.load("KT-253").definition
    assert pn.load("KT-253") is not pn.load("KT-253")


@pytest.mark.slow
def test_studies_give_the_same_bytes_in_either_order() -> None:
    alone = {}
    for name, study in STUDIES.items():
        forget()
        alone[name] = study()
    for names in (list(STUDIES), list(STUDIES)[::-1]):
        forget()
        for name in (*names, names[0]):
            assert STUDIES[name]().identical(alone[name]), name


@pytest.mark.slow
def test_studies_give_the_same_bytes_in_threads() -> None:
    names = ["viability", "with a parameter", "degradation", "caspase"] * 2
    alone = {name: STUDIES[name]() for name in names}
    forget()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda name: STUDIES[name](), names))
    assert all(one.identical(alone[name]) for name, one in zip(names, found, strict=True))


@pytest.mark.parametrize("as_before", [False, True], ids=["new times", "same size and times"])
def test_a_table_that_was_edited_is_read_again(tmp_path: Path, as_before: bool) -> None:
    header, *rows = (ROOT / "models/drugs.tsv").read_text(encoding="utf-8").splitlines()
    own = [row for row in rows if row.startswith("KT-253\t")]
    file = tmp_path / "drugs.tsv"
    file.write_text("\n".join([header, *own]) + "\n", encoding="utf-8")
    before = pn.viability("KT-253", tables=tmp_path)
    text, about = file.read_text(encoding="utf-8"), file.stat()
    (row,) = (row for row in own if "\tfu_medium_degrader\t" in row)
    cells = row.split("\t")
    cells[2] = f"{float(cells[2]) / 2:.12f}"[: len(cells[2])]
    file.write_text(text.replace(row, "\t".join(cells)), encoding="utf-8")
    if as_before:
        assert file.stat().st_size == about.st_size
        os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))
    after = pn.viability("KT-253", tables=tmp_path)
    assert after["ic50"].item() > 1.5 * before["ic50"].item()
    file.write_text(text, encoding="utf-8")
    assert pn.viability("KT-253", tables=tmp_path).identical(before)


def test_a_text_of_the_package_that_was_edited_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "models"
    shutil.copytree(ROOT / "models", folder, ignore=shutil.ignore_patterns("sbml"))
    for module in (library, tables, loading):
        monkeypatch.setattr(module, "models_folder", lambda: folder)
    before = shared().definition.parameters["k_deg_MDM2"].value
    core = folder / "core.ant"
    text = core.read_text(encoding="utf-8")
    for value in ("2.8", "3.1", "1.9"):  # of one size, and one after the other
        changed = text.replace(f"k_deg_MDM2 = {before:g}", f"k_deg_MDM2 = {value}")
        assert changed != text
        core.write_text(changed, encoding="utf-8")
        assert shared().definition.parameters["k_deg_MDM2"].value == float(value)


def test_a_settled_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "one.ant"
    file.write_text("a = 1\n")
    (tmp_path / "other.txt").write_text("no model")
    ((name, first),) = content.content_of(tmp_path)
    assert (name, first) == ("one.ant", "a = 1\n")
    now = content.time.time_ns
    monkeypatch.setattr(content.time, "time_ns", lambda: now() + 10**12)
    ((_, again),) = content.content_of(tmp_path)
    assert again is first
    monkeypatch.setattr(Path, "read_text", lambda *_a, **_k: pytest.fail("it was read"))
    assert content.content_of(tmp_path) == (("one.ant", first),)
    monkeypatch.undo()
    file.write_text("a = 22\n")
    assert content.content_of(tmp_path) == (("one.ant", "a = 22\n"),)


def test_few_models_are_kept() -> None:
    assert loading._kept.cache_parameters()["maxsize"] == loading._KEPT <= 32


@pytest.mark.parametrize("system", ["dish", "culture", "plasma", "tumour", "marrow"])
def test_a_trusted_text_becomes_the_same_sbml(system: str) -> None:
    """What is left out of a load of the package's own texts is a check, and nothing else."""
    made = pn.load("milademetan", system=system).definition
    assert sbml.to_sbml(made.antimony, made.id) == made.sbml
