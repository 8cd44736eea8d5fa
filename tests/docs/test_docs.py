"""README and docs: every Python block runs, every command exists, links lead somewhere."""

import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from p53net.evidence.blocks import all_blocks
from tests.support import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EVERY_PAGE = [*PAGES, *sorted((ROOT / "docs" / "gallery").glob("*.md"))]
"""With the gallery, of which `test_gallery.py` runs a sample."""


def run_blocks(page: Path) -> None:
    """The Python blocks of a page, in order, as one script."""
    space: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, page.name, "exec"), space)


def commands_of(page: Path) -> list[list[str]]:
    """The words of each command of ours in the shell blocks of a page."""
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    found = re.findall(r"^p53net (.*)$", "".join(blocks).replace("\\\n", " "), re.MULTILINE)
    assert found
    return [shlex.split(command) for command in found]


def run_command(words: list[str]) -> None:
    from p53net.cli import app

    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, f"{words}: {done.output}{done.exception}"


WITH_SHELL = ("combinations", "own", "records", "regimens", "trust")
"""Pages whose shell blocks use what their Python blocks wrote."""


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.stem not in WITH_SHELL], ids=lambda page: page.name
)
@pytest.mark.slow
def test_python_blocks_run_in_order(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run_blocks(page)
    capsys.readouterr()


STUDIES = ("viability", "degradation", "caspase", "pk", "xenograft", "patient", "schedules")


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.slow
def test_shell_blocks_of_studies_run(
    study: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Word for word, but with few virtual patients and draws, and without figures."""
    monkeypatch.chdir(tmp_path)
    for words in commands_of(ROOT / "docs" / f"{study}.md"):
        few = "--population" in words or words[0] == "schedules"
        draws = ["--draws", "4"] if "--ensemble" in words else []
        plain = [] if words[0] == "export" or "--published" in words else ["--no-plot"]
        run_command([*words, *(["--population", "2"] if few else []), *draws, *plain])


@pytest.mark.parametrize("page", WITH_SHELL)
@pytest.mark.slow
def test_shell_blocks_run_after_the_python_blocks(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    run_blocks(ROOT / "docs" / f"{page}.md")
    for words in commands_of(ROOT / "docs" / f"{page}.md"):
        run_command(words)
    capsys.readouterr()


@pytest.mark.parametrize(("page", "lines"), [("README.md", 15), ("docs/fit.md", 30)])
def test_the_first_example_of_a_page_is_short(page: str, lines: int) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    block = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert block is not None
    assert len(block[1].splitlines()) <= lines


def test_the_readme_is_short() -> None:
    assert len(PAGES[0].read_text(encoding="utf-8").splitlines()) <= 150


def test_the_page_of_commands_has_all_of_them() -> None:
    known = set(tree().commands)
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `p53net ([\w-]+)", page, re.MULTILINE))
    assert named == known


@cache
def tree() -> Any:
    """All commands, which are made anew whenever Typer is asked."""
    from p53net.cli import app

    return get_command(app)


def commands_named() -> list[str]:
    """Every command in a shell block or between backticks, on any page."""
    found: dict[str, None] = {}
    for page in [*EVERY_PAGE, ROOT / "CONTRIBUTING.md"]:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        blocks = "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
        found |= dict.fromkeys(re.findall(r"^p53net .*$", blocks, re.MULTILINE))
        lines = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        found |= dict.fromkeys(re.findall(r"`(p53net [^`]*)`", lines))
    return list(found)


@pytest.mark.parametrize("command", commands_named())
def test_commands_on_pages_have_these_options(command: str) -> None:
    """Parsed, and not run. What a page leaves out may be missing."""
    words, node = shlex.split(command)[1:], tree()
    while words and hasattr(node, "commands"):
        node = node.commands[words.pop(0)]
    try:
        node.make_context("p53net", words)
    except Exception as error:
        assert type(error).__name__ in ("MissingParameter", "NoArgsIsHelpError"), error


@pytest.mark.parametrize("name", ["batch_method", "escape_maps", "kt253_regression"])
@pytest.mark.slow
def test_the_examples_run(name: str, tmp_path: Path) -> None:
    script = ROOT / "examples" / f"{name}.py"
    small = [] if name == "batch_method" else ["--size", "3"]
    command = [sys.executable, str(script), *small, "--out", str(tmp_path)]
    subprocess.run(command, check=True, cwd=tmp_path)
    assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_links_lead_somewhere() -> None:
    for page in EVERY_PAGE:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_calibration_page_holds_the_committed_values() -> None:
    page = (ROOT / "docs" / "calibration.md").read_text(encoding="utf-8")
    for block in all_blocks():
        for one in block.parameters:
            assert f"| {one.entry} | `{one.parameter}` | {one.value.value:g} |" in page


def test_paths_on_pages_exist() -> None:
    """Files and modules between backticks; those of CONTRIBUTING may leave out the package."""
    for page in [*EVERY_PAGE, ROOT / "CONTRIBUTING.md"]:
        text = page.read_text(encoding="utf-8")
        for path in re.findall(r"`((?:\w+/)+[\w.]*)`", text):
            if path.split("/")[0] not in ("p53net", "tests", "docs", "models", "examples"):
                continue
            assert (ROOT / path).exists(), f"{page.name}: {path}"
        for module in re.findall(r"python -m (benchmarks\.\w+)", text):
            assert (ROOT / f"{module.replace('.', '/')}.py").exists(), f"{page.name}: {module}"
    rooms = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for path in re.findall(r"`((?:\w+/)+[\w]*\.?\w*)`", rooms):
        assert (ROOT / path).exists() or (ROOT / "p53net" / path).exists(), path


def test_every_room_is_described() -> None:
    """In CONTRIBUTING, which says where things are."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for path in (ROOT / "p53net").iterdir():
        if not path.name.startswith("_") and (path.is_dir() or path.suffix == ".py"):
            assert f"`{path.stem}{'/' if path.is_dir() else ''}`" in text, path.name


def test_no_placeholder_is_left() -> None:
    for page in [*EVERY_PAGE, ROOT / "CHANGELOG.md"]:
        assert not re.search(r"^[A-Z ]{4,}$", page.read_text(encoding="utf-8"), re.MULTILINE), page


def test_nothing_of_a_private_machine_is_in_the_tree() -> None:
    for page in [*EVERY_PAGE, ROOT / "CHANGELOG.md", ROOT / "pyproject.toml"]:
        assert not re.search(r"/(work|tmp|root|home)/", page.read_text(encoding="utf-8")), page
