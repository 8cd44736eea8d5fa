"""The package as it is installed: the wheel elsewhere, what an import loads, the typed marker."""

import json
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest
import yaml

import p53net as pn
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
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel, made offline."""
    pytest.importorskip("hatchling", reason="hatchling builds the package, and is not installed")
    folder = tmp_path_factory.mktemp("built")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-t", "wheel", "-d",
         str(folder)], cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("p53net-*.whl")
    return found


def tracked() -> set[str]:
    """Files under version control; skips where there is none, as in an unpacked sdist."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if done.returncode or not done.stdout:
        pytest.skip("not a checkout under version control")
    return {name for name in done.stdout.decode().split("\0") if name and (ROOT / name).exists()}


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_the_models_and_nothing_else(wheel: Path) -> None:
    names = {one for one in zipfile.ZipFile(wheel).namelist() if not one.endswith("/")}
    inside = {one for one in names if ".dist-info/" not in one}
    wanted = {one for one in tracked() if one.startswith("p53net/")}
    wanted |= {f"p53net/_{one}" for one in tracked() if one.startswith("models/")}
    assert inside == wanted
    assert {"p53net/py.typed", "p53net/_models/ensemble.parquet"} <= inside
    about = {one.partition(".dist-info/")[2] for one in names - inside}
    assert {"METADATA", "WHEEL", "entry_points.txt", "licenses/LICENSE"} <= about


@pytest.mark.slow
def test_the_sdist_holds_what_is_needed_to_test_it(built: Path) -> None:
    """All that is under version control, but what is for those who commit."""
    (archive,) = built.glob("p53net-*.tar.gz")
    with tarfile.open(archive) as file:
        names = {one.name.partition("/")[2] for one in file.getmembers() if one.isfile()}
    assert names - {"PKG-INFO"} == tracked() - {".pre-commit-config.yaml"} | {".gitignore"}


@pytest.mark.slow
def test_an_index_would_take_both(built: Path) -> None:
    pytest.importorskip("twine", reason="twine, which checks what is sent, is not installed")
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, built.iterdir())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2


@pytest.fixture(scope="module")
def stamps() -> ModuleType:
    """`.ci/release`, a script without a suffix."""
    loader = SourceFileLoader("release_script", str(ROOT / ".ci" / "release"))
    module = module_from_spec(spec_from_loader(loader.name, loader))  # type: ignore[arg-type]
    loader.exec_module(module)
    return module


def test_what_names_the_version_agrees(stamps: ModuleType) -> None:
    assert stamps.faults(ROOT) == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert pn.__version__ == project["version"], "pip install -e . again"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What a release writes, apart from here, with nothing released so far."""
    for name in ("pyproject.toml", "CITATION.cff", "codemeta.json"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n", encoding="utf-8")
    citation = yaml.safe_load((tmp_path / "CITATION.cff").read_text(encoding="utf-8"))
    bare = {key: citation[key] for key in citation.keys() - {"date-released", "references"}}
    (tmp_path / "CITATION.cff").write_text(yaml.safe_dump(bare), encoding="utf-8")
    return tmp_path


def test_releases_are_dated_and_each_can_be_cited(checkout: Path, stamps: ModuleType) -> None:
    for version, date in (("97.0.0", "2031-01-02"), ("98.0.0", "2031-02-03")):
        stamps.begin(checkout, version)
        assert stamps.faults(checkout) == []
        stamps.release(checkout, version, date)
        assert stamps.faults(checkout) == []
        with pytest.raises(ValueError, match="does not begin with an unreleased section"):
            stamps.release(checkout, "99.0.0", date)
    stamps.begin(checkout, "99.0.0")
    undated = (checkout / "CITATION.cff").read_text(encoding="utf-8").partition("references")[0]
    assert "date-released" not in undated
    with pytest.raises(ValueError, match=r"99\.0\.0, which is not released"):
        stamps.begin(checkout, "100.0.0")
    for version, day, said in (("98.0.0", "2031-03-04", "released already"),
                               ("two", "2031-03-04", "no version"),
                               ("99.0.0", "today", "today")):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            stamps.release(checkout, version, day)
    stamps.release(checkout, "99.0.0", "2031-04-05")
    citation = yaml.safe_load((checkout / "CITATION.cff").read_text(encoding="utf-8"))
    assert (citation["version"], citation["date-released"]) == ("99.0.0", "2031-04-05")
    assert [(one["version"], one["date-released"]) for one in citation["references"]] == [
        ("99.0.0", "2031-04-05"), ("98.0.0", "2031-02-03"), ("97.0.0", "2031-01-02")]  # fmt: skip
    about = json.loads((checkout / "codemeta.json").read_text(encoding="utf-8"))
    assert (about["version"], about["datePublished"]) == ("99.0.0", "2031-04-05")
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == "99.0.0"


@pytest.mark.parametrize(("name", "old", "new", "said"), [
    ("CITATION.cff", "version: 97.0.0", "version: 97.0.1", "CITATION.cff is 97.0.1"),
    ("CHANGELOG.md", "(2031-01-02)", "(2031-01-03)", "different dates"),
    ("CHANGELOG.md", "## 97.0.0", "## 97.1.0", "the references of CITATION.cff"),
    ("pyproject.toml", 'version = "97.0.0"', 'version = "0.3.0"', "but CHANGELOG.md begins with"),
    ("codemeta.json", "97.0.0", "0.0.9", "codemeta.json is not made of"),
])  # fmt: skip
def test_a_place_that_was_forgotten_is_found(
    checkout: Path, stamps: ModuleType, name: str, old: str, new: str, said: str
) -> None:
    stamps.begin(checkout, "97.0.0")
    stamps.release(checkout, "97.0.0", "2031-01-02")
    text = (checkout / name).read_text(encoding="utf-8")
    assert old in text
    (checkout / name).write_text(text.replace(old, new), encoding="utf-8")
    assert any(said in one for one in stamps.faults(checkout))


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
