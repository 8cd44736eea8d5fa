"""A user's folder with model text and tables."""

from pathlib import Path

import pytest

from tests.support.own_fragments import COVALENT, DRUG, NOXA, PLASMA


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user is."""
    monkeypatch.chdir(tmp_path)
    texts = {"noxa.ant": NOXA, "covalent.ant": COVALENT, "drugs.tsv": DRUG, "plasma.tsv": PLASMA}
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path
