"""What tests of the lab share: its contents, made once, and node."""

import json
import os
import pickle
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from p53net.lab.contents import contents_of
from p53net.lab.page import packed
from p53net.lab.pieces import Contents
from tests.support import ROOT

Answers = list[dict[str, Any]]
Node = Callable[[list[list[object]]], Answers]


@pytest.fixture(scope="session")
def contents(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """Of the structures of the shipped ensemble; processes of one run make them once."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    path = folder / "lab.pickle"
    with FileLock(folder / "lab.lock"):
        if not path.exists():
            path.write_bytes(pickle.dumps(contents_of(["default", "residual"])))
        return pickle.loads(path.read_bytes())


@pytest.fixture(scope="session")
def node(contents: Contents, tmp_path_factory: pytest.TempPathFactory) -> Node:
    """Jobs of the page's engine, in node."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("there is no node on this machine")
    folder = tmp_path_factory.mktemp("lab")
    (folder / "data.gz").write_bytes(packed(contents))

    def ask(jobs: list[list[object]]) -> Answers:
        (folder / "jobs.json").write_text(json.dumps(jobs), encoding="utf-8")
        script: Path = ROOT / "tests/support/lab_in_node.cjs"
        done = subprocess.run(
            [program, str(script), str(folder / "data.gz"), str(folder / "jobs.json")],
            capture_output=True, check=True, text=True, timeout=100,
        )  # fmt: skip
        return json.loads(done.stdout)

    return ask
