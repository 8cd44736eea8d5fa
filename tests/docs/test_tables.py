"""Tables of README and docs are those that the code makes today, and `p53net docs` writes them."""

import re
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from p53net.cli import app
from p53net.ensembles.draws import ensemble
from p53net.errors import InputError
from p53net.evidence import fitted_tables, markdown, pages, predictions
from p53net.evidence.calibration import calibrate
from p53net.evidence.pages import Table
from p53net.inference import prior_checks, prior_pages, schedule_pages, study_pages
from p53net.inference.every_table import TABLES
from tests.support import ROOT

SAMPLED = "prior-predictive"  # takes minutes, for all of its rows
THINNED = [one for one in study_pages.TABLES if one.name != "caspase-plausible"]
ELSEWHERE = schedule_pages.TABLES  # by few draws too, in tests/inference/test_schedule_pages.py
WHOLE = [
    one
    for one in TABLES
    if not one.slow and one.name != SAMPLED and one not in (*THINNED, *ELSEWHERE)
]


@cache
def made(make: Callable[[], str]) -> str:
    """Some tables stand on two pages."""
    return make()


@pytest.mark.slow
@pytest.mark.parametrize("table", WHOLE, ids=lambda one: one.name)
def test_the_table_is_today_s(table: Table) -> None:
    page = (ROOT / table.page).read_text(encoding="utf-8")
    assert pages.standing(page, table) == made(table.make), f"run `p53net docs {table.name}`"


SLOW = [one for one in TABLES if one.slow]


@pytest.mark.parametrize("table", SLOW, ids=lambda one: one.name)
def test_a_slow_table_was_made_of_what_is_here(table: Table) -> None:
    page = (ROOT / table.page).read_text(encoding="utf-8")
    assert pages.made_of(page, table) == pages.inputs(), f"run `p53net docs {table.name}`"


@pytest.mark.slow
def test_a_sample_of_slow_tables_is_today_s() -> None:
    """The kidney line's uptake, which shares no observation with another parameter."""
    fits, known = calibrate(["degradation"], starts=2), {table.name: table for table in SLOW}
    for name, sign in (("estimates", "HEK293T"), ("fit", "kt253_dc50")):
        page = (ROOT / known[name].page).read_text(encoding="utf-8")
        lines = pages.standing(page, known[name]).splitlines()
        (found,) = (one for one in fitted_tables.MADE[name](fits).splitlines() if sign in one)
        assert found in lines


@pytest.mark.slow
def test_a_sample_of_what_priors_predict_is_today_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of cells, of a dish and of plasma, in every structure of the table."""
    groups = predictions.loop, predictions.damage, predictions.degradation, predictions.plasma
    monkeypatch.setattr(prior_checks, "GROUPS", groups)
    (table,) = (one for one in TABLES if one.name == SAMPLED)
    page = (ROOT / table.page).read_text(encoding="utf-8")
    found = table.make().splitlines()
    prior_pages._made.cache_clear()
    assert len(found) > 12 and set(found) <= set(pages.standing(page, table).splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("table", THINNED, ids=lambda one: one.name)
def test_few_draws_are_where_the_table_has_all(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their median is inside of what holds half of all draws."""
    few = ensemble().thinned(40)
    monkeypatch.setattr(study_pages, "ensemble", lambda: few)
    monkeypatch.setattr(study_pages, "_ESCAPES", 40)
    monkeypatch.setattr(study_pages, "_PAIRS", 20)
    monkeypatch.setattr(study_pages, "_MATCHED", 20)
    standing = pages.standing((ROOT / table.page).read_text(encoding="utf-8"), table)
    rows = zip(table.make().splitlines()[2:], standing.splitlines()[2:], strict=True)
    for ours, whole in rows:
        (title, median, *_), (named, _, half, *_) = (
            [cell.replace(",", "") for cell in row.strip("| ").split(" | ")]
            for row in (ours, whole)
        )
        low, high = map(float, half.split(" to "))
        assert title == named and low <= float(median) <= high, title


def test_another_model_makes_slow_tables_stale(checkout: Path) -> None:
    table, before = SLOW[0], pages.inputs()
    path = checkout / table.page
    text = path.read_text(encoding="utf-8")
    again = pages.written(text, table, pages.standing(text, table))
    assert pages.made_of(again, table) == before
    with (checkout / "models" / "drugs.tsv").open("a", encoding="utf-8") as file:
        file.write("\n")
    assert pages.made_of(again, table) != pages.inputs()


def test_every_marker_is_of_a_table_and_every_table_has_one() -> None:
    marked = [
        (str(page.relative_to(ROOT)), name)
        for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
        for name in re.findall(
            "<!-- table: (.*?)(?:, made of .*)? -->", page.read_text(encoding="utf-8")
        )
    ]
    assert sorted(marked) == sorted((one.page, one.name) for one in TABLES)
    assert len({one.name for one in TABLES}) == len(TABLES)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of a checkout's pages and models, from which the package seems to run."""
    for name in ("docs", "models"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("*.png"))
    shutil.copy(ROOT / "README.md", tmp_path)
    monkeypatch.setattr(pages, "models_folder", lambda: tmp_path / "models")
    return tmp_path


def test_a_number_that_is_not_today_s_is_written_again(checkout: Path) -> None:
    page = checkout / "docs" / "pk.md"
    today = page.read_text(encoding="utf-8")
    table = pages.standing(today, next(one for one in TABLES if one.name == "plasma"))
    page.write_text(today.replace(table, table.replace("| day 1 |", "| day 4 |")), encoding="utf-8")
    done = CliRunner().invoke(app, ["docs", "plasma"])
    assert done.exit_code == 0, done.output
    assert page.read_text(encoding="utf-8") == today
    assert "docs/pk.md: plasma is another now" in done.stderr and "changed: 1" in done.stderr
    again = CliRunner().invoke(app, ["docs", "plasma"])
    assert "tables: 1, changed: 0" in again.stderr


def test_what_cannot_be_written_is_said(checkout: Path) -> None:
    with pytest.raises(Exception, match="unknown table 'plasm'; did you mean 'plasma'"):
        CliRunner().invoke(app, ["docs", "plasm"], catch_exceptions=False)
    page = checkout / "docs" / "pk.md"
    page.write_text(page.read_text(encoding="utf-8").replace("<!-- end -->", ""), encoding="utf-8")
    with pytest.raises(InputError, match="should have one place for a table, and has 0"):
        CliRunner().invoke(app, ["docs", "plasma"], catch_exceptions=False)
    shutil.rmtree(checkout / "docs")
    with pytest.raises(InputError, match="run this from a checkout"):
        CliRunner().invoke(app, ["docs", "plasma"], catch_exceptions=False)


def test_an_interval_is_said_as_the_observation_has_it() -> None:
    assert markdown.interval("kt253_dc50") == "0.27 to 0.6"
    assert markdown.interval("md224_dc") == "at most 1"
    assert pages.asked("tgi_milademetan_sjsa1") == "90 or more, fitted"
