"""What is fitted and to what, where the numbers stand, and what the models then say."""

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from p53net.errors import P53NetError, UnknownNameError
from p53net.evidence import committed
from p53net.evidence.blocks import BLOCKS, DERIVED, Derived
from p53net.evidence.calibration import calibrate
from p53net.evidence.committed import committed_value, replace_value
from p53net.evidence.fit import rounded
from p53net.evidence.predictions import GROUPS
from p53net.evidence.published import observations
from p53net.evidence.validation import REASONS, markdown, misses, validate
from p53net.model import tables

ROWS = observations()
# What is meant to hold and does not: it must stay in the table until it is mended.
KNOWN_MISSES = {
    "md224_dc", "tgi_milademetan_sjsa1", "platelet_nadir", "platelet_recovery",
    "neutrophil_recovery", "haem_reversible",
}  # fmt: skip


def test_what_says_fitted_is_fitted_and_nothing_else() -> None:
    known = {(one.entry, one.parameter) for block in BLOCKS for one in block.parameters}
    said = set()
    holders = [*tables.drug_entries().values(), *tables.cell_line_entries().values(),
               *tables._entries("pharmacokinetics", tables.NONE).values()]  # fmt: skip
    for entry in holders:
        for name, row in {**entry.values, **entry.quantities}.items():
            if row.kind == "fitted":
                said.add((entry.name, name))
                assert "p53net calibrate" in row.source
    for path in tables.models_folder().glob("*.ant"):
        for name in re.findall(r"(?m)^(\w+) = .*// fitted: p53net calibrate", path.read_text()):
            said.add(("model", name))
    assert said == known
    assert all(one.value.kind == "fitted" for block in BLOCKS for one in block.parameters)


def test_every_observation_that_is_fitted_to_is_marked_and_the_reverse() -> None:
    used = [name for block in BLOCKS for name in block.observed]
    assert len(used) == len(set(used))
    assert set(used) == {name for name, row in ROWS.items() if row.use == "fit"}
    assert sum(len(block.parameters) for block in BLOCKS) < len(used)


@pytest.mark.parametrize("row", DERIVED, ids=lambda row: f"{row.entry} {row.parameter}")
def test_what_follows_from_a_fit_follows_from_it(row: Derived) -> None:
    source = committed_value(*row.source).value
    assert committed_value(row.entry, row.parameter).value == rounded(row.function(source))
    assert committed_value(row.entry, row.parameter).kind == "assumed"


# --- where the numbers stand


def test_numbers_are_replaced_where_they_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in tables.models_folder().iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(committed, "models_folder", lambda: tmp_path)
    places = [("milademetan", "Ki_inhibitor"), ("RS4;11", "K_PUMA_caspase"),
              ("milademetan in human", "CL_inhibitor"), ("model", "slope_platelets")]  # fmt: skip
    for entry, parameter in places:
        old = committed_value(entry, parameter)
        replace_value(entry, parameter, 1.234)
        assert committed_value(entry, parameter) == replace(old, value=1.234)
        replace_value(entry, parameter, old.value)
    for path in tables.models_folder().iterdir():
        if path.is_file():
            assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name
    with pytest.raises(UnknownNameError, match="'nothing' of 'milademetan'"):
        committed_value("milademetan", "nothing")


def test_an_unknown_block_is_refused() -> None:
    with pytest.raises(P53NetError, match="unknown block 'tumor'; did you mean 'tumour'"):
        calibrate(["tumor"])


# --- validation


@pytest.fixture(scope="module")
def result():
    return validate()


@pytest.mark.slow
def test_what_is_missed_is_known_and_explained(result) -> None:
    """No new miss, and none that goes away by a row's being dropped or no longer scored."""
    assert set(misses(result)) == KNOWN_MISSES
    outside = result["observation"].values[result["verdict"].values == "outside"]
    for name in outside:
        assert result["reason"].sel(observation=name).item(), name


@pytest.mark.slow
def test_a_prediction_that_failed_is_a_miss(result) -> None:
    broken = result.copy(deep=True)
    where = {"observation": "milademetan_tmax"}
    broken["verdict"] = broken["verdict"].astype(object)
    broken["verdict"].loc[where] = "not predicted"
    assert set(misses(broken)) == {*KNOWN_MISSES, "milademetan_tmax"}


@pytest.mark.slow
def test_every_observation_has_a_prediction_or_is_an_input(result) -> None:
    assert list(result["observation"].values) == list(ROWS)
    without = result["observation"].values[result["verdict"].values == "not predicted"]
    for name in without:
        assert ROWS[str(name)].use in ("input", "show"), name
    assert set(REASONS) <= set(ROWS)


@pytest.mark.slow
def test_nothing_predicted_is_left_without_an_observation() -> None:
    predicted: set[str] = set()
    for group in GROUPS:
        if group.__name__ not in ("toxicity", "haematology"):  # seconds each, and checked above
            predicted |= set(group([{}])[0])
    assert predicted <= set(ROWS)


@pytest.mark.slow
def test_what_the_issue_of_these_studies_asks_for(result) -> None:
    value = dict(zip(result["observation"].values, result["predicted"].values, strict=True))
    assert 2.5 <= value["milademetan_tmax"] <= 3.7
    assert value["milademetan_cmax"] == pytest.approx(1503, rel=0.1)
    assert value["milademetan_auc"] == pytest.approx(18432, rel=0.1)
    assert 9 <= value["milademetan_thalf"] <= 11
    assert 5.2 <= value["thrombocytopenia_grade3plus_intermittent"] <= 36
    assert 25 <= value["thrombocytopenia_grade3plus_other"] <= 46
    assert value["thrombocytopenia_order"] == 1.0
    assert 3 <= value["gdf15_fold"] <= 10 and value["gdf15_monotone"] == 1.0
    assert value["kt253_regression"] == 1.0


@pytest.mark.slow
def test_the_markdown_table_has_a_row_for_each(result) -> None:
    lines = markdown(result).splitlines()
    assert len(lines) == len(ROWS) + 2
    assert all(line.count(" | ") == 7 for line in lines[2:])


def test_the_interval_of_a_row_decides_and_a_statement_holds_or_not() -> None:
    row = replace(ROWS["kt253_dc50"], value=10.0, low=5.0, high=20.0)
    assert row.holds(5.0) and row.holds(20.0) and not row.holds(20.1)
    statement = replace(row, value=math.nan, low=-math.inf, high=math.inf, unit="increase")
    assert statement.comparable and statement.holds(1.0) and not statement.holds(0.0)
    assert not replace(statement, unit="nM").comparable
    bound = replace(row, value=math.nan, low=90.0, high=math.inf)
    assert bound.holds(95.0) and not bound.holds(89.0)
