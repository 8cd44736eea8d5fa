"""Copies of the package's model texts and tables, to edit."""

import shutil
import sys
from pathlib import Path

import pytest

from p53net.model.library import models_folder

_NAME = "models_folder"


def copied_models(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the models, from which the whole package reads in this test."""
    models = folder / "models"
    shutil.copytree(models_folder(), models)
    for name, module in list(sys.modules.items()):
        if name.startswith("p53net") and hasattr(module, _NAME):
            monkeypatch.setattr(module, _NAME, lambda: models)
    return models
