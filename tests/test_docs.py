"""README and docs: every Python block runs, every command exists, numbers are today's."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

import p53net as pn
from p53net.escape_report import TWIN
from p53net.evidence import evidence, markdown
from p53net.studies import calibration, validation

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_blocks_run_in_order(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, page.name, "exec"), space)
    capsys.readouterr()


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
def test_the_examples_run(name: str, tmp_path: Path) -> None:
    script = ROOT / "examples" / f"{name}.py"
    command = [sys.executable, str(script), "--size", "3", "--out", str(tmp_path)]
    subprocess.run(command, check=True, cwd=tmp_path)
    assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


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


def test_the_evidence_page_is_today_s() -> None:
    page = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
    wanted = markdown(evidence()).splitlines()
    missing = [line for line in wanted if line not in page]
    assert not missing, "run `p53net evidence --markdown` into docs/evidence.md:\n" + "\n".join(
        missing
    )


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


def test_no_placeholder_is_left() -> None:
    for page in [*PAGES, ROOT / "CHANGELOG.md"]:
        assert not re.search(r"^[A-Z ]{4,}$", page.read_text(encoding="utf-8"), re.MULTILINE), page


def test_nothing_of_a_private_machine_is_in_the_tree() -> None:
    for page in [*PAGES, ROOT / "CHANGELOG.md", ROOT / "pyproject.toml"]:
        assert not re.search(r"/(work|tmp|root|home)/", page.read_text(encoding="utf-8")), page
