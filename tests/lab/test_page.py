"""The page stands alone, and says what the tables say."""

import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import p53net as pn
from p53net.cli import app
from p53net.errors import ModelError, OutputError, UnknownNameError
from p53net.lab import linking
from p53net.lab.contents import SLIDERS, contents_of
from p53net.lab.page import FOLDER, html_of
from p53net.lab.pieces import Contents
from p53net.model import cell_line_entries, drug_entries
from p53net.model.definition import values_behind


@pytest.fixture(scope="module")
def html(contents: Contents) -> str:
    return html_of(contents)


@pytest.mark.slow
def test_it_is_one_file_that_loads_nothing(html: str) -> None:
    assert len(html) < 5_000_000
    own = re.sub(r'<script id="libraries">.*?</script>', "", html, flags=re.DOTALL)
    assert not re.search(r'(src|href)\s*=\s*"(?!#)', own)
    assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|importScripts|eval)\s*\(", own)
    assert "innerHTML" not in own
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', html)
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    (scripts,) = re.findall(r"script-src ([^;]*)", policy)
    assert "unsafe-inline" not in scripts
    assert "unsafe-eval" not in scripts.replace("wasm-unsafe-eval", "")
    assert scripts.count("sha256-") == html.count("<script id=") == 3
    assert "<!--" not in html.replace(html[html.index('<script id="libraries">') :], "")


@pytest.mark.slow
def test_it_is_the_same_each_time(contents: Contents, html: str) -> None:
    assert html_of(contents) == html


@pytest.mark.parametrize("drugs", [("MD-224",), ("RG7112",), ("siremadlin", "MD-4251")])
@pytest.mark.slow
def test_values_of_drugs_and_lines_are_those_of_models(
    node: Any, contents: Contents, drugs: tuple[str, ...]
) -> None:
    lines = list(cell_line_entries())
    settings = [
        {"drugs": [{"name": name, "dose": 1, "from": 0, "hours": 9} for name in drugs],
         "line": line, "structure": structure, "parameters": {}}
        for line in lines for structure in ("default", "residual")
    ]  # fmt: skip
    for one, found in zip(settings, node([["values", one] for one in settings]), strict=True):
        rows = values_behind(*drugs, cell_line=one["line"], structure=str(one["structure"]))
        assert found["result"] == {name: row.value for name, row in rows.items()}, one


@pytest.mark.slow
def test_every_value_has_its_unit_kind_and_source(contents: Contents) -> None:
    data: Any = contents.data
    for name, row in pn.load("milademetan").definition.parameters.items():
        value, unit, source, kind = data["kinds"]["default|inhibitor"]["rows"][name]
        assert (value, unit, data["sources"][source], kind) == (
            row.value, row.unit, row.source, row.kind,
        )  # fmt: skip


@pytest.mark.slow
def test_drugs_lines_and_sliders_are_those_of_the_package(contents: Contents) -> None:
    data: Any = contents.data
    assert {one["name"] for one in data["drugs"]} == set(drug_entries())
    assert [one["name"] for one in data["lines"]] == list(cell_line_entries())
    rows = data["kinds"]["default|degrader+inhibitor"]["rows"]
    assert set(SLIDERS) <= set(rows)


@pytest.mark.slow
def test_a_patient_takes_drugs_with_pharmacokinetics(contents: Contents) -> None:
    data: Any = contents.data
    assert set(data["patients"]["masses"]) == {"milademetan", "KT-253"}
    assert data["patients"]["masses"]["milademetan"] == 618.5
    both = {**data["bodies"]["marrow|degrader+inhibitor"]["rows"],
            **data["bodies"]["tumour|degrader+inhibitor"]["rows"]}  # fmt: skip
    assert set(data["patients"]["sliders"]) <= set(both)
    line = data["bodies"]["tumour|inhibitor"]["lines"]["SJSA-1"]
    rows = values_behind("milademetan", system="tumour", host="human", cell_line="SJSA-1")
    assert all(line[name][0] == rows[name].value for name in line)


def test_structures_that_differ_in_marrow_alone_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("p53net.lab.contents.bodies_of", lambda *_: {})
    data: Any = contents_of(["default", "pool"]).data
    assert [one["name"] for one in data["structures"]] == ["default"]
    assert data["draws"] is None  # made in other structures


def test_an_unknown_structure_is_named() -> None:
    with pytest.raises(UnknownNameError, match="residul"):
        contents_of(["residul"])


def test_objects_that_need_a_linker_are_refused() -> None:
    magic = b"\0asm\1\0\0\0"
    with pytest.raises(ModelError, match="no WebAssembly"):
        linking.linked(b"ELF", ["rest"])
    with pytest.raises(ModelError, match="needs a linker"):
        linking.linked(magic + b"\x0b\x01\x00", ["rest"])
    imports = b"\x01\x03env\x03exp\x00\x00"
    with pytest.raises(ModelError, match="calls exp"):
        linking.linked(magic + b"\x02" + bytes([len(imports)]) + imports, ["rest"])
    with pytest.raises(ModelError, match="no function rest"):
        linking.linked(magic, ["rest"])


def test_libraries_have_their_licences() -> None:
    folder: Path = FOLDER / "vendor"
    for name in ("d3", "plot"):
        assert "Permission to use, copy, modify" in (folder / f"{name}.LICENSE").read_text(
            encoding="utf-8"
        )


@pytest.mark.slow
def test_the_command_writes_it(
    tmp_path: Path, contents: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = CliRunner().invoke(app, ["lab", "--structures", "nothing"])
    assert isinstance(missing.exception, UnknownNameError)
    monkeypatch.setattr("p53net.lab.page.contents_of", lambda *_: contents)
    path = tmp_path / "own.html"
    done = CliRunner().invoke(app, ["lab", "--out", str(path)])
    assert done.exit_code == 0, done.output
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    nowhere = CliRunner().invoke(app, ["lab", "--out", "/no/folder/x"])
    assert isinstance(nowhere.exception, OutputError)
