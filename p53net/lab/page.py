"""The page: one HTML file with scripts, data and engine in it, which loads nothing."""

import base64
import gzip
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from p53net.errors import ModelError
from p53net.files import write_bytes
from p53net.lab.contents import Told, contents_of
from p53net.lab.files import contents_of_file
from p53net.lab.pieces import Contents

FOLDER = Path(__file__).with_name("static")
"""Scripts, style and frame of the page, and the libraries that it holds."""

ENGINE_SCRIPTS = ("engine.js", "cells.js", "bodies.js", "files.js", "packed.js")
"""What runs without a document: in a worker, and in node."""

_PAGE_SCRIPTS = ("figures.js", "exports.js", "elements.js", "calculator.js")
OF_CELLS, OF_A_FILE = ("state.js", "controls.js", "lab.js"), ("model.js",)
"""What a page of our cells, and one of a model from a file, have besides."""
_LIBRARIES = ("vendor/d3.min.js", "vendor/plot.umd.min.js")

_POLICY = (
    "default-src 'none'; script-src {scripts} 'wasm-unsafe-eval'; worker-src blob:; "
    "style-src 'unsafe-inline'; img-src data:; connect-src 'none'; base-uri 'none'; "
    "form-action 'none'"
)
"""No connection, no script but those of the page, whose digests are named."""


def write_lab(
    path: str | Path, structures: Sequence[str] | None = None, told: Told | None = None
) -> Path:
    """Write the lab as one HTML file; returns its path.

    `structures` are those that it can choose from, by default all that differ in a dish; `told`
    hears what is being made, and the share done. The first time modules are compiled, a second of
    the processor for each; they are kept. Raises UnknownNameError, OutputError.

        write_lab("lab.html", structures=["default", "residual"])
    """
    return write_bytes(path, html_of(contents_of(structures, told)).encode())


def write_model(path: str | Path, source: str | Path) -> Path:
    """Write a page of the model in an SBML file that is not ours; returns its path.

    Raises what `read_sbml` raises, UnsupportedError for events, rates that jump, fast reactions and
    what else the batch engine or the page does not run, and OutputError.

        write_model("lab.html", "BIOMD0000000010.xml")
    """
    return write_bytes(path, html_of(contents_of_file(source), OF_A_FILE).encode())


def packed(contents: Contents) -> bytes:
    """JSON and pieces in one row of bytes, compressed: the length of the JSON, the JSON with the
    lengths of the pieces, and the pieces, each from a multiple of eight on."""
    lengths = [len(piece) for piece in contents.pieces]
    text = json.dumps({**contents.data, "lengths": lengths}, allow_nan=False).encode()
    rows = [len(text).to_bytes(8, "little"), text, *contents.pieces]
    whole = b"".join(row + b"\0" * (-len(row) % 8) for row in rows)
    return gzip.compress(whole, 9, mtime=0)


def html_of(contents: Contents, own: Sequence[str] = OF_CELLS) -> str:
    """The text of the page, of our cells or of a model from a file."""
    scripts = {
        "libraries": "\n".join(map(_text, _LIBRARIES)),
        "engine": "\n".join(map(_text, ENGINE_SCRIPTS)),
        "page": "\n".join(map(_text, (*_PAGE_SCRIPTS, *own))),
    }
    digests = (hashlib.sha256(text.encode()).digest() for text in scripts.values())
    allowed = " ".join(f"'sha256-{base64.b64encode(one).decode()}'" for one in digests)
    parts = {
        "policy": _POLICY.format(scripts=allowed),
        "style": _text("lab.css"),
        "data": base64.b64encode(packed(contents)).decode(),
        "worker": _text("worker.js"),
        "scripts": "\n".join(f'<script id="{n}">{t}</script>' for n, t in scripts.items()),
    }
    frame = (FOLDER / "page.html").read_text(encoding="utf-8")
    for name, text in parts.items():
        frame = frame.replace(f"<!--{name}-->", text, 1)
    return frame


def _text(name: str) -> str:
    """A file that stands in the page. What would end a script there is refused, for it would be
    another text in a worker."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    if "</script" in text.lower() or "<!--" in text:
        raise ModelError(f"{name} holds what ends or hides a script in HTML")
    return text
