"""The benchmark of published models: what it keeps, what it says of differences, and its page."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from tests.support import ROOT
from tests.support import published_looks as looks
from tests.support import published_page as page_of
from tests.support import published_runs as runs
from tests.support.files import compiled

DECAY = "compartment c = 1; species S in c = 2; k = 0.5; J: S => ; c*k*S"
REFUSED = "a.xml: reaction J, line 12, is fast; give it a rate of its own"
BOTH, FIRST, SECOND = "roadrunner, copasi", "batch, roadrunner", "batch, copasi"


def canned(file: Path, options: list[str], _limit: float) -> dict[str, Any]:
    """What a process would find: `a` is refused, others run and are apart."""
    found: dict[str, Any] = {"file": file.stem, "ended": "", "seconds": 1.0}
    found["of"] = [looks.digest(file), *options]
    if file.stem == "a":
        return found | {"refused": REFUSED, "plain": ""}
    part = {"errors": {}, "apart": {FIRST: (2e-5, "S"), SECOND: (1e-9, "S")}, "reason": "because"}
    seconds = {"loop": 0.1, "runs": 0.11, "sweep": 0.12}
    return found | {
        "states": 1, "engine": "batch", "why": "", "to 10": part, "plain": "", "sets": 200,
        "roadrunner": seconds, "batch": {"loop": 0.1, "runs": 0.005, "sweep": 0.01},
    }  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two files, of which canned things are found."""
    made = tmp_path / "files"
    made.mkdir()
    for name in "ab":
        (made / f"{name}.xml").write_text(f"<sbml id='{name}'/>", encoding="utf-8")
    monkeypatch.setattr(looks, "look", canned)
    return made


def look_at(folder: Path, *options: str, again: bool = False) -> list[dict[str, Any]]:
    """All files, with what was found kept beside them."""
    kept = folder.parent / "kept"
    kept.mkdir(exist_ok=True)
    return list(looks.looked(sorted(folder.iterdir()), list(options), 60.0, kept, again=again))


def test_what_was_found_is_kept_until_a_file_or_an_option_changes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []

    def counted(file: Path, options: list[str], limit: float) -> dict[str, Any]:
        looked.append(file.stem)
        return canned(file, options, limit)

    monkeypatch.setattr(looks, "look", counted)
    found = look_at(folder)
    assert look_at(folder) == json.loads(json.dumps(found))
    assert looked == ["a", "b"]
    (folder / "b.xml").write_text("<sbml id='other'/>", encoding="utf-8")
    look_at(folder)
    (folder.parent / "kept" / "a.xml.json").write_text("{", encoding="utf-8")
    look_at(folder)
    assert looked == ["a", "b", "b", "a"]
    look_at(folder, "--ends", "5")
    look_at(folder, "--ends", "5", again=True)
    assert looked == ["a", "b", "b", "a", *"abab"]


def test_the_page_and_the_table_say_what_was_found(folder: Path, tmp_path: Path) -> None:
    page_of.write(look_at(folder), [10.0], "where", tmp_path)
    page = (tmp_path / page_of.PAGE).read_text(encoding="utf-8")
    assert (
        "Plain libRoadRunner runs 2 of them. Of these the batch engine itself runs 1\n(50%)" in page
    )
    assert "| reaction is fast | 1 | 1 |" in page
    assert "| b | 10 | 2e-05 | batch and roadrunner | S | because |" in page
    assert "| b | 1 | batch | 2.0e-05 | 10, 20 | 1.2, 1.1 | because (to 10) |" in page
    with (tmp_path / page_of.NUMBERS).open(encoding="utf-8") as file:
        a, b = csv.DictReader(file, delimiter="\t")
    assert a["engine"] == "refused" and a["remark"].startswith("reaction J, line 12, is fast")
    assert (b["batch_sweep"], b["roadrunner_runs"], b["loop_ms"]) == ("10", "1.1", "0.5")


def test_a_difference_is_in_units_of_the_peak() -> None:
    one, other = (
        xr.Dataset({"S": ("time", [0.0, 4.0 + by]), "flat": ("time", [0.0, 0.0])})
        for by in (0.0, -1.0)
    )
    assert runs.apart(one, other) == (0.25, "S")
    assert runs.apart(one, one) == (0.0, "")


@pytest.mark.parametrize(
    ("after", "moved", "said"),
    [
        ({FIRST: 1e-9, SECOND: 1e-9}, {"roadrunner": 1e-4}, "gone .* roadrunner moves by 1e-04"),
        ({FIRST: 1e-4, SECOND: 2e-9, BOTH: 1e-4}, {}, "batch and copasi agree .* roadrunner is"),
        ({FIRST: 2e-9, SECOND: 1e-4, BOTH: 1e-4}, {"copasi": 1.0}, "copasi is 1e-04 .* copasi m"),
        ({FIRST: 0.1, SECOND: 0.2, BOTH: 0.3}, {}, "no two agree: 3e-01 off"),
        ({SECOND: 0.2}, {"copasi": 0.1}, "no third engine runs it: 2e-01 .* copasi moves by 1e-01"),
        ({}, {}, "no two engines run"),
    ],
)  # fmt: skip
def test_a_third_engine_says_which_of_two_is_off(
    after: dict[str, float], moved: dict[str, float], said: str
) -> None:
    tight = {pair: (size, "S") for pair, size in after.items()}
    assert re.search(said, runs.reason({FIRST: (1e-4, "S")}, tight, moved))


def test_each_engine_has_the_loosest_tolerance_that_is_exact_enough() -> None:
    truth = np.ones((2, 3, 1))
    found = runs.loosest(lambda at: truth + 50.0 * at.relative, truth, 1.0)
    assert found is not None and found.relative == pytest.approx(1e-8)
    assert runs.loosest(lambda _at: truth + 1e-5, truth, 1.0) is None


@pytest.mark.slow
def test_files_are_looked_at_in_processes_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    text = compiled(DECAY, tmp_path).read_text(encoding="utf-8")
    (tmp_path / "files" / "decay.xml").write_text(text, encoding="utf-8")
    refused = text.replace("<reaction ", '<reaction fast="true" ').replace(' fast="false"', "")
    (tmp_path / "files" / "refused.xml").write_text(refused, encoding="utf-8")
    words = [str(tmp_path / "files"), "--keep", str(tmp_path / "kept"), "--to", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "benchmarks.models", *words], check=True, cwd=ROOT)
    with (tmp_path / page_of.NUMBERS).open(encoding="utf-8") as file:
        decay, other = csv.DictReader(file, delimiter="\t")
    assert (decay["states"], decay["engine"], decay["plain"]) == ("1", "batch", "runs")
    assert float(decay["difference"]) < 1e-6 and float(decay["loop_ms"]) > 0.0
    assert all(float(decay[f"{engine}_sweep"]) > 0.0 for engine in ("batch", "roadrunner"))
    assert other["engine"] == "refused" and "is not valid" not in other["plain"]


@pytest.mark.slow
def test_a_file_that_takes_too_long_is_one_file(tmp_path: Path) -> None:
    found = looks.look(compiled(DECAY, tmp_path), [], 0.05)
    assert found["ended"] == "more than 0.05 s"
    assert page_of.row(found)["engine"] == "not read"
