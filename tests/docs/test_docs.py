"""README and docs: every Python block runs, every command exists, numbers are today's."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import p53net as pn
from p53net.escape_report import TWIN
from p53net.evidence import calibration, validation
from p53net.evidence.invariants import evidence, markdown
from tests.support import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.slow
def test_python_blocks_run_in_order(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, page.name, "exec"), space)
    capsys.readouterr()


STUDIES = ("viability", "degradation", "caspase", "pk", "xenograft", "patient", "schedules")


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.slow
def test_shell_blocks_of_studies_run(
    study: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Word for word, but with few virtual patients and without figures."""
    from p53net.cli import app

    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / f"{study}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    commands = re.findall(r"^p53net (.*)$", "".join(blocks), re.MULTILINE)
    assert commands
    for command in commands:
        words = shlex.split(command)
        if "--population" in words or words[0] == "schedules":
            words += ["--population", "8"]
        if words[0] != "export":
            words += ["--no-plot"]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, f"{command}: {done.output}{done.exception}"


def test_the_example_of_the_readme_is_short() -> None:
    block = re.search(r"```python\n(.*?)```", PAGES[0].read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    assert len(block[1].splitlines()) <= 15


def test_commands_in_the_readme_exist() -> None:
    from p53net.cli import app

    known = set(get_command(app).commands)
    named = set(re.findall(r"`p53net (\w+)", PAGES[0].read_text(encoding="utf-8")))
    assert named == known


@pytest.mark.parametrize("name", ["escape_maps", "kt253_regression"])
@pytest.mark.slow
def test_the_examples_run(name: str, tmp_path: Path) -> None:
    script = ROOT / "examples" / f"{name}.py"
    command = [sys.executable, str(script), "--size", "3", "--out", str(tmp_path)]
    subprocess.run(command, check=True, cwd=tmp_path)
    assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.slow
def test_the_table_of_the_readme_is_what_the_study_gives() -> None:
    result = pn.escape()
    text = PAGES[0].read_text(encoding="utf-8")
    short, long, scarce = {"exposure": 4.0}, {"exposure": 24.0}, {"medium_volume": 2.0}
    names = ["milademetan", "KT-253", "KT-253" + TWIN]
    rows = {
        "dose [nM]": [f"{float(v):.3g}" for v in result["equal_dose"]],
        "MDM2 mRNA, fold": [f"{float(v):.3g}" for v in result["MDM2_mRNA_fold"]],
        "dose ratio: dose with the loop closed over open, at p53 2, 3, 5 times": [
            ", ".join(f"{v:#.3g}" for v in result["dose_ratio"].sel(drug=n).values) for n in names
        ],
        "escape index (0 = feedback costs nothing)": [
            f"{float(v):.2f}" for v in result["escape_index"]
        ],
        "total MDM2, fold": [f"{float(v):.3g}" for v in result["MDM2_total_fold"]],
        "fall of p53 below untreated after 4 h and washout": [
            f"{float(v):.0%}".replace("%", " %") for v in result["rebound"].sel(short)
        ],
        "fall of p53 below untreated after 24 h and washout": [
            f"{float(v):.0%}".replace("%", " %") for v in result["rebound"].sel(long)
        ],
        "drug per untreated MDM2, closed dish of 2 pL per cell": [
            f"{float(v):.3g}" for v in result["stoichiometric_load"].sel(scarce)
        ],
    }
    for name, cells in rows.items():
        assert f"| {name} | {' | '.join(cells)} |" in text


@pytest.mark.slow
def test_the_evidence_page_is_today_s() -> None:
    page = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
    wanted = markdown(evidence()).splitlines()
    missing = [line for line in wanted if line not in page]
    assert not missing, "run `p53net evidence --markdown` into docs/evidence.md:\n" + "\n".join(
        missing
    )


@pytest.mark.slow
def test_the_validation_page_is_today_s() -> None:
    page = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    missing = [line for line in validation.markdown(pn.validate()).splitlines() if line not in page]
    assert not missing, "run `p53net validate --markdown` into docs/validation.md:\n" + "\n".join(
        missing
    )


def test_the_calibration_page_holds_the_committed_values() -> None:
    page = (ROOT / "docs" / "calibration.md").read_text(encoding="utf-8")
    for block in calibration.BLOCKS:
        for one in block.parameters:
            assert f"| {one.entry} | `{one.parameter}` | {one.value.value:g} |" in page


def rows_of(page: str) -> list[list[str]]:
    """Cells of every table row of a page."""
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    return [[cell.strip() for cell in line.strip("|").split("|")]
            for line in text.splitlines() if line.startswith("|")]  # fmt: skip


def test_the_table_of_the_plasma_page_is_today_s() -> None:
    found = pn.pk("milademetan", pn.regimen(260, "mg", "3/14", cycles=1)).isel(dose=0)
    for day in (1, 2, 3):
        one = found.sel(occasion=day)
        wanted = [f"day {day}", f"{float(one['tmax']):.2f}", f"{float(one['cmax']):,.0f}",
                  f"{float(one['auc']):,.0f}", f"{float(one['clearance']):.1f}"]  # fmt: skip
        assert wanted in [row[:5] for row in rows_of("pk")]


@pytest.mark.slow
def test_the_tables_of_the_mouse_and_the_plate_are_today_s() -> None:
    arms = [pn.regimen(dose, "mg/kg", "daily", days=28) for dose in (25, 50, 100)]
    mice = pn.xenograft("milademetan", arms, "ST-02-0075")
    page = {row[0]: row for row in rows_of("xenograft")}
    names = ("ST-02-0075, milademetan 25 mg/kg daily", "50 mg/kg daily", "100 mg/kg daily")
    for name, value in zip(names, mice["tgi"].values[1:], strict=True):
        assert page[name][1] == f"{value:.1f}"
    plate = pn.viability(["KT-253", "MD-224", "milademetan", "nutlin-3a"])
    said = {row[0]: row for row in rows_of("viability")}
    for drug in plate["drug"].values:
        one, row = plate.sel(drug=drug, cell_line="RS4;11"), said[f"RS4;11, {drug}"]
        assert float(row[1]) == pytest.approx(float(one["ic50"]), rel=0.01)
        assert float(row[3]) == pytest.approx(float(one["p53_fold"]), abs=0.01)
        assert float(row[5]) == pytest.approx(float(one["PUMA_fold"]), abs=0.01)


@pytest.mark.slow
def test_the_tables_of_patients_and_schedules_are_today_s() -> None:
    found = pn.schedules("milademetan")
    said = {row[0]: row for row in rows_of("schedules")[:8]}
    for name in found["regimen"].values:
        one, row = found.sel(regimen=name), said[str(name)]
        assert row[2].startswith(f"{float(one['tgi']):.1f} (")
        for cell, toxicity in zip(row[3:], found["toxicity"].values, strict=True):
            assert float(cell.split()[0]) == round(float(one["rate"].sel(toxicity=toxicity)), 1)
    typical = pn.patient("milademetan", pn.regimen(260, "mg", "3/14", days=56))
    counts = {row[0]: row for row in rows_of("patient")}
    for name, key, digits in (("platelets [1e9/L]", "platelets", 0),
                              ("neutrophils [1e9/L]", "neutrophils", 2),
                              ("haemoglobin [g/dL]", "haemoglobin", 1)):  # fmt: skip
        assert counts[name][2].startswith(f"{float(typical[key].min()):.{digits}f} (day")


def test_no_placeholder_is_left() -> None:
    for page in [*PAGES, ROOT / "CHANGELOG.md"]:
        assert not re.search(r"^[A-Z ]{4,}$", page.read_text(encoding="utf-8"), re.MULTILINE), page


def test_nothing_of_a_private_machine_is_in_the_tree() -> None:
    for page in [*PAGES, ROOT / "CHANGELOG.md", ROOT / "pyproject.toml"]:
        assert not re.search(r"/(work|tmp|root|home)/", page.read_text(encoding="utf-8")), page
