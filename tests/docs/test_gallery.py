"""The gallery: short notebooks with a figure each; a sample runs, and the site shows outputs."""

import ast
import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.support import ROOT

INDEX = (ROOT / "docs" / "gallery" / "index.md").read_text(encoding="utf-8")
SAMPLE = ("loop", "slopes", "stranger")
PNG = "iVBORw0KGgo="


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gallery", ROOT / "docs" / "site" / "gallery.py")
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


gallery = loaded()


def text_of(name: str) -> str:
    return (gallery.PAGES / f"{name}.md").read_text(encoding="utf-8")


def code_of(name: str) -> list[str]:
    return [source for kind, source in gallery.cells(text_of(name)) if kind == "code"]


def test_there_are_twelve_and_each_has_its_place() -> None:
    assert len(gallery.names()) >= 12
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for name in gallery.names():
        assert f"]({name}.md)" in INDEX and f": gallery/{name}.md\n" in nav, name
    assert len(re.findall(r"^\| .*\.md\) \|$", INDEX, re.MULTILINE)) == len(gallery.names())


@pytest.mark.parametrize("name", gallery.names())
def test_a_notebook_is_one_question_in_few_cells_with_a_figure(name: str) -> None:
    text = text_of(name)
    title = text.split("\n", 1)[0]
    assert title.startswith("# ") and title.endswith("?") and f"| {title[2:]} |" in INDEX
    assert 5 <= len(list(gallery.cells(text))) <= 10
    code = code_of(name)
    assert any(re.search(r"\.plot[.(]", cell) for cell in code)
    assert max(map(len, text.splitlines())) <= 120
    for cell in code:
        ast.parse(cell)
        assert max(map(len, cell.splitlines())) <= 100, cell
    names = [node.id for cell in code for node in ast.walk(ast.parse(cell))
             if isinstance(node, ast.Name)]  # fmt: skip
    assert "display" not in names  # which only a notebook has


@pytest.mark.parametrize("name", SAMPLE)
@pytest.mark.slow
def test_a_sample_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {}
    for cell in code_of(name):
        exec(compile(cell, name, "exec"), space)


def test_a_page_is_a_notebook_of_its_cells() -> None:
    text = "# A?\n\nWhy.\n\n```python\nx = 1\n```\n\n```python\nx\n```\n\n```sh\nls\n```\n"
    book = gallery.bare(text)
    assert [(cell["cell_type"], cell["source"]) for cell in book["cells"]] == [
        ("markdown", "# A?\n\nWhy."), ("code", "x = 1"), ("code", "x"),
        ("markdown", "```sh\nls\n```"),
    ]  # fmt: skip
    nbformat = pytest.importorskip("nbformat", reason="the extra [docs] is not installed")
    nbformat.validate(nbformat.from_dict(book))


def result(**data: Any) -> dict[str, Any]:
    kinds = {"html": "text/html", "plain": "text/plain", "png": "image/png"}
    return {"output_type": "execute_result", "metadata": {"image/png": {"width": 7}},
            "data": {kinds[name]: value for name, value in data.items()}}  # fmt: skip


OUTPUTS = {
    "figure": (result(png=PNG, plain="<Figure>"), '<img src="f.png"', "&lt;Figure"),
    "card": (result(html="<b>card</b>", plain="<p53net>"), "<b>card</b>", "p53net"),
    "table": (result(html='<style scoped>x</style><table border="1" class="dataframe">'),
              "<table>", "style scoped"),
    "text": (result(plain="<Figure size>"), "<code>&lt;Figure size&gt;</code>", "<Fig"),
    "said": ({"output_type": "stream", "text": ["a < ", "b\n"]}, "<code>a &lt; b</code>", "\n<"),
    "error": ({"output_type": "error", "traceback": ["\x1b[31mline", "wrong"]},
              "<code>line\nwrong</code>", "\x1b"),
}  # fmt: skip


@pytest.mark.parametrize("kind", OUTPUTS)
def test_an_output_is_shown_as_what_it_is(kind: str) -> None:
    one, there, missing = OUTPUTS[kind]
    shown = gallery._output(one, "f.png")
    assert there in shown and missing not in shown


def test_a_bar_that_is_gone_leaves_nothing() -> None:
    assert gallery._output(result(html="", plain="<HTML object>"), "f.png") == ""


def test_a_page_shows_outputs_of_its_own_text_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "BUILT", tmp_path)
    name, text = gallery.names()[0], text_of(gallery.names()[0])
    page = SimpleNamespace(file=SimpleNamespace(src_uri=f"gallery/{name}.md"))
    book = gallery.bare(text)
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    code[0]["outputs"] = [result(png=PNG)]
    code[-1]["outputs"] = [result(plain="the last")]
    (tmp_path / f"{name}.ipynb").write_text(json.dumps(book))
    places = gallery.on_page_markdown(text, page=page)
    assert f"]({name}.ipynb)" in places and places.count("<div id=") == len(code)
    shown = gallery.on_page_content(places, page=page)
    assert f'src="{name}_0_0.png"' in shown and "the last" in shown and "<div id=" not in shown
    assert list(gallery._images(name, book)) == [(f"{name}_0_0.png", b"\x89PNG\r\n\x1a\n")]
    book["metadata"]["p53net"]["sha256"] = "of another text"
    (tmp_path / f"{name}.ipynb").write_text(json.dumps(book))
    stale = gallery.on_page_content(places, page=page)
    assert "the last" not in stale and "<div id=" not in stale


def test_pages_outside_of_the_gallery_stay_as_they_are() -> None:
    for uri in ("fit.md", "gallery/index.md", "api/models.md"):
        page = SimpleNamespace(file=SimpleNamespace(src_uri=uri))
        assert gallery.on_page_markdown("```python\n1\n```", page=page) == "```python\n1\n```"


def test_a_name_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert gallery.main(["loops"]) == 2
    assert "no page loops; there are escape," in capsys.readouterr().err
