"""The package as it is installed: the wheel elsewhere, what an import loads, the typed marker."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support import ROOT

RUN_ELSEWHERE = """
import numpy as np, p53net as pn, pathlib
where = pathlib.Path(pn.__file__).resolve()
assert where.is_relative_to(pathlib.Path({site!r}).resolve()), where
assert (where.parent / "_models" / "core.ant").is_file()
assert (where.parent / "py.typed").is_file()
run = pn.load("milademetan", "KT-253").simulate(np.linspace(0, 72, 145), {{"KT-253": 10.0}})
print(round(float(run["p53_active"][-1] / run["p53_active"][0]), 3))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder),
         str(ROOT)], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("p53net-*.whl")
    return built


@pytest.mark.slow
def test_the_wheel_carries_models_and_licences(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for part in ("core.ant", "drug.ant", "inhibitor.ant", "degrader.ant", "drugs.tsv",
                 "cell_lines.tsv", "sources.tsv", "LICENSE", "sbml/KT_253.xml"):  # fmt: skip
        assert f"p53net/_models/{part}" in names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "models/"))]


@pytest.mark.slow
def test_the_wheel_simulates_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    """Only the wheel is new: its dependencies are those of this environment."""
    site = tmp_path / "site"
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site),
         str(wheel)], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(site)!r})"
         + RUN_ELSEWHERE.format(site=str(site))],
        capture_output=True, text=True, check=False, cwd=elsewhere,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert float(run.stdout) > 3.0


def test_an_import_is_light() -> None:
    code = "import p53net, sys; print([m for m in {heavy} if m in sys.modules])".format(
        heavy=("tellurium", "matplotlib", "roadrunner", "libsbml", "scipy", "pint", "COPASI")
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


@pytest.mark.slow
def test_the_benchmarks_find_what_they_import() -> None:
    names = sorted(path.stem for path in (ROOT / "benchmarks").glob("[a-z]*.py"))
    code = f"import {', '.join(f'benchmarks.{name}' for name in names)}"
    assert "truth" in names
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_sources_of_the_models_are_listed() -> None:
    """Every [key] beside a number is in sources.tsv."""
    import re

    listed = {
        line.split("\t")[0]
        for line in (ROOT / "models" / "sources.tsv").read_text(encoding="utf-8").splitlines()[1:]
    }
    for path in (ROOT / "models").glob("*.ant"):
        for cited in re.findall(r"//.*\[([^\]]+)\]", path.read_text(encoding="utf-8")):
            for key in cited.split(";"):
                assert key.strip().split()[0] in listed, f"{path.name}: {key}"


def test_engines_stay_in_their_rooms() -> None:
    """The linter's rule, held by a test too."""
    rooms = {"antimony": "model/", "libsbml": "model/", "roadrunner": "engines/roadrunner.py"}
    for path in (ROOT / "p53net").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for engine, room in rooms.items():
            if f"import {engine}\n" in text:
                assert str(path.relative_to(ROOT / "p53net")).startswith(room), path
