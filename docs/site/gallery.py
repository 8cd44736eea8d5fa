"""The gallery: pages of Markdown whose Python blocks are the cells of a notebook.

    python docs/site/gallery.py            # runs all
    python docs/site/gallery.py law loop   # runs two

It writes notebooks with their outputs to `build/gallery/`, of which the site then shows the
outputs below each cell. A page that has changed since is shown without any.
"""

import base64
import hashlib
import html
import json
import re
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "gallery"
BUILT = ROOT / "build" / "gallery"

_FENCE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_TERMINAL = re.compile(r"\x1b\[[0-9;]*m")
_KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
_LIMIT = 300  # seconds for a cell


def names() -> list[str]:
    """Pages with cells."""
    return sorted(page.stem for page in PAGES.glob("*.md") if page.stem != "index")


def cells(text: str) -> Iterator[tuple[str, str]]:
    """Cells of a page in order: "markdown" or "code", and what is in it."""
    end = 0
    for found in _FENCE.finditer(text):
        if prose := text[end : found.start()].strip():
            yield "markdown", prose
        yield "code", found[1].rstrip("\n")
        end = found.end()
    if prose := text[end:].strip():
        yield "markdown", prose


def bare(text: str) -> dict[str, Any]:
    """A page as a notebook without outputs."""
    made: list[dict[str, Any]] = []
    for i, (kind, source) in enumerate(cells(text)):
        code = {"execution_count": None, "outputs": []} if kind == "code" else {}
        made.append(
            {"id": f"cell-{i}", "cell_type": kind, "metadata": {}, "source": source, **code}
        )
    about = {"kernelspec": _KERNEL, "p53net": {"sha256": _digest(text)}}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": about, "cells": made}


def execute(name: str) -> float:
    """Run a page in a kernel of its own, in an empty folder, and write the notebook. Gives the
    seconds of the processor; raises the error of the first cell that fails."""
    import nbformat
    from nbclient import NotebookClient
    from traitlets.config import Config

    before = _processor()
    book = nbformat.from_dict(bare((PAGES / f"{name}.md").read_text(encoding="utf-8")))
    with TemporaryDirectory() as folder, TemporaryDirectory() as sockets:
        # Files as sockets: no port is opened.
        talk = {"transport": "ipc", "connection_file": f"{sockets}/kernel.json"}
        options = {"resources": {"metadata": {"path": folder}}, "kernel_name": "python3"}
        about = Config({"KernelManager": talk})
        NotebookClient(book, timeout=_LIMIT, config=about, **options).execute()
    for cell in book.cells:
        cell.metadata.pop("execution", None)  # times: the file would differ each time
    BUILT.mkdir(parents=True, exist_ok=True)
    nbformat.write(book, BUILT / f"{name}.ipynb")
    return _processor() - before


def main(asked: list[str]) -> int:
    """Run pages and say what each took."""
    if unknown := [name for name in asked if name not in names()]:
        print(f"no page {unknown[0]}; there are {', '.join(names())}", file=sys.stderr)
        return 2
    total = 0.0
    for name in asked or names():
        seconds = execute(name)
        total += seconds
        print(f"{name:12} {seconds:6.1f} s", flush=True)
    print(f"{'in all':12} {total:6.1f} s of the processor")
    return 0


def _processor() -> float:
    """Seconds of this process and of kernels that have ended."""
    used = [resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _executed(name: str, text: str) -> dict[str, Any]:
    """The notebook with outputs, if it is of this very text; else without."""
    path = BUILT / f"{name}.ipynb"
    if path.is_file():
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if found["metadata"].get("p53net") == {"sha256": _digest(text)}:
            return found
    return bare(text)


# What MkDocs calls when it builds the site.


def on_files(files: Any, config: Any) -> Any:  # noqa: ANN401 - MkDocs' own types
    """Each page as a notebook to take along, and the images in it."""
    from mkdocs.structure.files import File

    for name in names():
        text = (PAGES / f"{name}.md").read_text(encoding="utf-8")
        book = _executed(name, text)
        content = json.dumps(book, indent=1) + "\n"
        files.append(File.generated(config, f"gallery/{name}.ipynb", content=content))
        for path, image in _images(name, book):
            files.append(File.generated(config, f"gallery/{path}", content=image))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:  # noqa: ANN401
    """A place for the outputs of each cell, and the notebook itself below the title."""
    if (name := _name(page)) is None:
        return markdown
    count = -1

    def with_place(found: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return f"{found[0]}\n\n{_place(count)}\n"

    made = _FENCE.sub(with_place, markdown)
    title, rest = made.split("\n", 1)
    return f"{title}\n\n[This page as a notebook]({name}.ipynb)\n{rest}"


def on_page_content(content: str, page: Any, **_: Any) -> str:  # noqa: ANN401
    """What each cell gave, in its place."""
    if (name := _name(page)) is None:
        return content
    book = _executed(name, (PAGES / f"{name}.md").read_text(encoding="utf-8"))
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    for i, cell in enumerate(code):
        shown = [_output(one, f"{name}_{i}_{j}.png") for j, one in enumerate(cell["outputs"])]
        content = content.replace(_place(i), "\n".join(filter(None, shown)))
    return content


def _name(page: Any) -> str | None:  # noqa: ANN401
    folder, _, file = page.file.src_uri.rpartition("/")
    name = file.removesuffix(".md")
    return name if folder == "gallery" and name in names() else None


def _place(number: int) -> str:
    return f'<div id="output-{number}"></div>'


def _images(name: str, book: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    for i, cell in enumerate(code):
        for j, one in enumerate(cell["outputs"]):
            if image := one.get("data", {}).get("image/png"):
                yield f"{name}_{i}_{j}.png", base64.b64decode(image)


def _output(one: dict[str, Any], image: str) -> str:
    """HTML of one output: a figure, else what shows itself as HTML, else text."""
    data = one.get("data", {})
    if "image/png" in data:
        size = one["metadata"].get("image/png", {})
        width = f' width="{size["width"]}"' if size else ""
        return f'<p><img src="{image}" alt="What the cell above draws"{width}></p>'
    if "text/html" in data:
        text = _joined(data["text/html"])
        # A plain table is styled by the theme, as all tables of the site are.
        text = re.sub(r"<style scoped>.*?</style>", "", text, flags=re.DOTALL)
        text = text.replace('<table border="1" class="dataframe">', "<table>")
        return f'<div style="overflow-x:auto">{text}</div>' if text.strip() else ""
    if one["output_type"] == "error":
        text = "\n".join(one["traceback"])
    else:
        text = _joined(one.get("text") or data.get("text/plain", ""))
    text = html.escape(_TERMINAL.sub("", text).rstrip("\n"))
    return f"<pre><code>{text}</code></pre>" if text else ""


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
