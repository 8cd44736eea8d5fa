"""The docs as a site: built strictly, with every page in its place and every public name."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import p53net as pn
from tests.support import ROOT

API = ROOT / "docs" / "api"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
REFERENCE = {"benchmarks.md", "cores.md"}  # to look things up in
_NOT_PROSE = re.compile(
    r"^```.*?^```|^<!-- table.*?^<!-- end -->|^ {4}.*?$|^(?:\||!\[).*?$", re.DOTALL | re.MULTILINE
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_are_short_and_so_are_their_lines(page: Path) -> None:
    prose = _NOT_PROSE.sub("", page.read_text(encoding="utf-8"))
    assert [line for line in prose.splitlines() if len(line) > 120] == []
    assert page.name in REFERENCE or len(prose.split()) <= 1_500


def test_every_public_name_has_its_place() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in API.glob("*.md"))
    named = re.findall(r"^::: p53net\.(\w+)$", pages, re.MULTILINE)
    assert sorted(named) == sorted(set(pn.__all__) - {"errors", "measures"})


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    """Strictly: links and anchors lead somewhere, no page is left out, names are found."""
    pytest.importorskip("mkdocs", reason="the extra [docs] is not installed")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "api" / "studies.html").read_text(encoding="utf-8")
    assert 'id="p53net.escape"' in page and "most 500 of them" in page
    assert (tmp_path / "files" / "models" / "core.ant").read_bytes() == (
        ROOT / "models" / "core.ant"
    ).read_bytes()
    assert not list(tmp_path.rglob("hooks.py"))
    assert (tmp_path / "gallery" / "loop.ipynb").is_file()
    assert 'href="loop.ipynb"' in (tmp_path / "gallery" / "loop.html").read_text(encoding="utf-8")
    for one in tmp_path.rglob("*.html"):  # nothing is fetched from elsewhere
        text = one.read_text(encoding="utf-8")
        assert not re.search(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//', text), one
