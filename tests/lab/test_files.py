"""The page of a model from a file."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from typer.testing import CliRunner

import p53net as pn
from p53net.cli import app
from p53net.engines.base import Tolerances
from p53net.errors import InputError, UnsupportedError
from p53net.lab.files import contents_of_file
from p53net.lab.page import packed, write_model
from p53net.simulation.model import Model
from tests.support import ROOT, sbml_texts
from tests.support.browser import Page, browser, found
from tests.support.lab import apart

TEXT = sbml_texts.sbml(
    sbml_texts.species("S", 5), sbml_texts.species("P", 1, "Amount", "true"),
    reactions=(
        ("inflow", "", "S", "cell * a * (1 + sin(time))"),
        ("turning", "S", "P", "cell * k * S^n / (h^n + S^n)"), ("loss", "P", "", "k * P"),
    ),
    constants={"k": 0.5, "a": 0.7, "n": 2.5, "h": 2.0, "b": 1.0},
    starts={"S": "3 * a + b", "b": "2 * k"},
    rules={"ratio": "P / (1 + S)", "clock": "time * a"},
)  # fmt: skip
"""Start values that follow parameters, the time in a rate, an amount, and rules."""

GIVEN: dict[str, Any] = {"parameters": {"k": 0.8, "n": 1.5}, "end": 20.0, "points": 81}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "mine & <own>.xml"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node on this machine")
def test_curves_are_those_of_python(file: Path, tmp_path: Path) -> None:
    (tmp_path / "data.gz").write_bytes(packed(contents_of_file(file)))
    (tmp_path / "jobs.json").write_text(json.dumps([["file", GIVEN]]), encoding="utf-8")
    script = ROOT / "tests/support/lab_in_node.cjs"
    done = subprocess.run(
        ["node", str(script), str(tmp_path / "data.gz"), str(tmp_path / "jobs.json")],
        capture_output=True, check=True, text=True, timeout=100,
    )  # fmt: skip
    (answer,) = json.loads(done.stdout)
    assert "error" not in answer, answer
    model = Model(pn.read_sbml(file).definition, Tolerances(1e-9, 1e-16))
    run = model.simulate(np.linspace(0, 20, 81), parameters=GIVEN["parameters"], engine="batch")
    curves = answer["result"]["curves"]
    assert set(curves) == {"S", "P", "ratio", "clock"}
    for name, curve in curves.items():
        assert apart(curve, run, name) < 1e-8, name  # measured 4e-14


def test_what_follows_others_is_no_slider(file: Path) -> None:
    data: Any = contents_of_file(file).data
    assert set(data["file"]["free"]) == {"k", "a", "n", "h", "cell"}
    assert data["file"]["variables"] == ["S", "P", "ratio", "clock"]


def test_events_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "events.xml"
    path.write_text(sbml_texts.INFUSION, encoding="utf-8")
    with pytest.raises(UnsupportedError, match="small has events"):
        contents_of_file(path)
    done = CliRunner().invoke(app, ["lab", str(path), "--structures", "default"])
    assert isinstance(done.exception, InputError)


@pytest.fixture(scope="module")
def page(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Page, str]]:
    path = write_model(tmp_path_factory.mktemp("page") / "own.html", file)
    with browser(tmp_path_factory.mktemp("profile")) as made:
        made.size(1280, 900)
        yield made, path.as_uri()


@pytest.mark.slow
@pytest.mark.skipif(found() is None, reason="there is no Chromium on this machine")
def test_the_page_runs_it(page: tuple[Page, str], file: Path) -> None:
    made, address = page
    made.open(f"{address}#{urlencode({'end': '20', 'show': 'S ratio', 'p.k': '0.8', 'x': '1'})}")
    assert made.said == []
    assert made.run("document.getElementById('title').textContent") == file.name
    assert made.run("document.querySelectorAll('figure svg[role=img][aria-label]').length") == 2
    assert "left out: x" in made.run("document.getElementById('problem').textContent")
    rows = [line.split(",") for line in made.run("p53lab.csv()").split()]
    column = rows[0].index("ratio")
    run = pn.read_sbml(file, accuracy=1e-8).simulate(
        np.linspace(0, 20, 201), parameters={"k": 0.8}, engine="batch"
    )
    # measured 2e-8
    assert apart([float(row[column]) for row in rows[1:]], run, "ratio") < 1e-7
    assert 'parameters={"k": 0.8}' in made.run("p53lab.python()")
