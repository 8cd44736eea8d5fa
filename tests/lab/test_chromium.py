"""The page in a real browser, opened from disk."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
import roadrunner

import p53net as pn
from p53net.lab.page import html_of
from p53net.lab.pieces import Contents
from tests.support.browser import Page, browser, found
from tests.support.lab import apart, in_python, setting

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(found() is None, reason="there is no Chromium on this machine"),
]

LINK = {
    "drug1": "KT-253 2 0 6 10 1 21", "drug2": "milademetan 50 6 0 260 3 14", "line": "RS4;11",
    "read": "p21", "structure": "default", "hours": "48", "closed": "0", "at": "24",
    "opened": "1", "band": "0", "fold": "0", "p.k_deg_p53": "0.4",
}  # fmt: skip


@pytest.fixture(scope="module")
def address(contents: Contents, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("page") / "lab.html"
    path.write_text(html_of(contents), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def page(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as made:
        made.size(1280, 900)
        made.open(address)
        yield made


def curves(page: Page, one: dict[str, Any]) -> dict[str, Any]:
    """What the page's worker gives."""
    script = f"""p53lab.single.ask("curves", {json.dumps(one)}).then((found) => JSON.parse(
        JSON.stringify(found, (_, x) => x instanceof Float64Array ? Array.from(x) : x)))"""
    return page.run(script)


def test_it_asks_for_nothing_and_says_nothing(page: Page, address: str) -> None:
    page.open(address)
    assert {one.partition("#")[0] for one in page.asked if not one.startswith("blob:")} <= {
        address, "about:blank",
    }  # fmt: skip
    assert page.said == []
    assert "times untreated" in page.run("document.getElementById('summary').textContent")
    assert page.run("document.querySelectorAll('figure svg[role=img][aria-label]').length") == 7
    refused = page.run("fetch('http://127.0.0.1:9/').then(() => 'sent', (e) => e.name)")
    assert refused == "TypeError"
    assert "Content Security Policy" in "".join(page.said)
    page.said.clear()


def test_random_settings_are_those_of_python(page: Page, contents: Contents) -> None:
    """In the page's worker; `python -m benchmarks.lab` does it 200 times, in all structures."""
    random = np.random.default_rng(5)
    for _ in range(4):
        one = setting(contents, random)
        result = curves(page, one)
        run = in_python(one, feedback=True)
        differences = [apart(curve, run, name) for name, curve in result["closed"].items()]
        assert max(differences) < 1e-8, one  # measured 2.7e-9 over 200


def test_a_link_gives_the_picture_again(page: Page, address: str) -> None:
    page.open(f"{address}#{urlencode(LINK)}")
    summary = page.run("document.getElementById('summary').textContent")
    chosen = page.run(
        "['drug1', 'drug2', 'line', 'read'].map((id) => document.getElementById(id).value)"
    )
    assert chosen == ["KT-253", "milademetan", "RS4;11", "p21"]
    page.run("document.getElementById('opened').click()")
    page.settled()
    page.run("document.getElementById('opened').click()")
    page.settled()
    hash_ = page.run("location.hash")
    page.open(f"{address}{hash_}")
    assert page.run("document.getElementById('summary').textContent") == summary


def test_a_slider_by_keyboard_changes_runs_and_link(page: Page, address: str) -> None:
    page.open(address)
    before = page.run("document.getElementById('summary').textContent")
    page.run("document.getElementById('drug1-dose').focus()")
    for _ in range(30):
        for kind in ("keyDown", "keyUp"):
            page.call("Input.dispatchKeyEvent", type=kind, key="ArrowRight", code="ArrowRight",
                      windowsVirtualKeyCode=39)  # fmt: skip
    page.settled()
    assert page.run("document.getElementById('summary').textContent") != before
    assert (
        page.run("document.getElementById('drug1-dose').getAttribute('aria-valuetext')")
        == "0.603 nM"
    )
    assert "KT-253+0.603+0+24+10+1+21" in page.run("location.hash")


def test_a_hostile_link_is_said_and_left_out(page: Page, address: str) -> None:
    bad = {"drug1": "<img/src=x> 1 0 0 1 1 1", "line": "<script>alert(1)</script>", "hours": "-4",
           "p.k_deg_p53": "NaN", "p.<b>": "1", "read": "constructor", "other": "1",
           "p.constructor": "2"}  # fmt: skip
    page.open(f"{address}#{urlencode(bad)}")
    said = page.run("document.getElementById('problem').textContent")
    for name in ("drug1", "line", "hours", "p.k_deg_p53", "p.<b>", "other", "p.constructor"):
        assert name in said
    assert page.run("document.querySelectorAll('main img, main script').length") == 0
    assert page.run("document.getElementById('line').value") == "generic"


def test_every_control_has_a_name(page: Page, address: str) -> None:
    page.open(address)
    page.run("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    page.call("Accessibility.enable")
    tree = page.call("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "checkbox", "combobox", "slider", "spinbutton", "image", "region"}
    seen = [one for one in tree if not one.get("ignored")]
    kinds = [one["role"]["value"] for one in seen]
    nameless = [kind for kind, one in zip(kinds, seen, strict=True)
                if kind in roles and not one["name"]["value"]]  # fmt: skip
    assert nameless == []
    assert kinds.count("slider") >= 15
    assert kinds.count("image") == 7


@pytest.mark.parametrize("closed", ["0", "30"])
def test_sbml_is_the_run_elsewhere(page: Page, address: str, tmp_path: Path, closed: str) -> None:
    page.open(f"{address}#{urlencode(LINK | {'closed': closed})}")
    path = tmp_path / "run.xml"
    path.write_text(page.run("p53lab.model()"), encoding="utf-8")
    runner = roadrunner.RoadRunner(str(path))
    runner.integrator.relative_tolerance, runner.integrator.absolute_tolerance = 1e-10, 1e-14
    runner.timeCourseSelections = ["time", "[p53]", "[p53_phospho]", "[MDM2]"]
    table = runner.simulate(0, 48, 97)
    model = pn.load("KT-253", "milademetan", cell_line="RS4;11")
    if closed == "0":
        doses: dict[str, Any] = {
            "KT-253": pn.pulse(2, hours=6),
            "milademetan": pn.course([(6, 50)]),
        }
    else:
        doses = {"KT-253": pn.closed_dish(2, 30), "milademetan": pn.closed_dish(50, 30)}
    run = model.simulate(np.linspace(0, 48, 97), doses, {"k_deg_p53": 0.4})
    for column, name in enumerate(("p53", "p53_phospho", "MDM2"), start=1):
        # measured 4e-9; start values have twelve digits, and runs an accuracy of 1e-6
        assert apart(table[:, column], run, name) < 1e-6, name
    assert pn.read_sbml(path).definition.id == "p53net_lab"


def test_lines_of_python_give_the_run(page: Page, address: str) -> None:
    page.open(f"{address}#{urlencode(LINK)}")
    names: dict[str, Any] = {}
    exec(page.run("p53lab.python()"), names)
    text = page.run("p53lab.csv()")
    rows = list(csv.DictReader(io.StringIO(text)))
    for name in ("p53_total", "MDM2_free"):  # measured 1.4e-10
        assert apart([float(row[f"{name}_nM"]) for row in rows], names["run"], name) < 1e-7
        own = [float(row[f"{name}_opened_nM"]) for row in rows]
        assert apart(own, names["opened"], name) < 1e-7


PATIENT = {"place": "patient", "drug1": "KT-253 1 0 0 10 1 21", "tumour": "SJSA-1", "days": "28",
           "p.CL_degrader": "2", "p.k_deg_p53": "0.3"}  # fmt: skip


def test_a_patient_is_that_of_the_lines_of_python(page: Page, address: str) -> None:
    page.open(f"{address}#{urlencode(PATIENT)}")
    assert page.said == []
    assert page.run("document.querySelectorAll('figure svg[role=img][aria-label]').length") == 8
    assert "Platelets fall to" in page.run("document.getElementById('summary').textContent")
    assert page.run("document.getElementById('sbml').disabled")
    names: dict[str, Any] = {}
    exec(page.run("p53lab.python()"), names)
    rows = list(csv.DictReader(io.StringIO(page.run("p53lab.csv()"))))
    for place, name, unit in (("marrow", "platelets", "1e9_L"), ("tumour", "p53_active", "nM")):
        own = [float(row[f"{place}_{name}_{unit}"]) for row in rows]
        assert apart(own, names[f"{place}_run"], name) < 1e-7  # measured 8e-10
    bad = PATIENT | {"drug1": "nutlin-3a 1 0 0 10 1 21"}  # without pharmacokinetics in man
    page.open(f"{address}#{urlencode(bad)}")
    assert "drug1" in page.run("document.getElementById('problem').textContent")


def test_pictures_are_made(page: Page, address: str) -> None:
    page.open(f"{address}#{urlencode(LINK)}")
    text = page.run("p53lab.svg().text")
    assert text.startswith("<svg")
    assert text.count('role="img"') == 7
    for said in ("RS4;11", "free MDM2", "loop opened", "time [h]"):
        assert said in text
    size = page.run("p53lab.png().then((blob) => createImageBitmap(blob)).then((x) => x.width)")
    assert size > 1000


def test_it_fits_a_phone(page: Page, address: str) -> None:
    page.size(390, 844)
    page.open(address)
    assert page.run("document.documentElement.scrollWidth") <= 390
    page.size(1280, 900)
