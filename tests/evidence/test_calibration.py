"""Fits: the committed values are what the command gives, and what it says of them is true."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from p53net.errors import P53NetError, UnknownNameError
from p53net.evidence import calibration, committed, fit
from p53net.evidence.blocks import BLOCKS, DERIVED, Block, Derived, Fitted
from p53net.evidence.calibration import as_dataset, calibrate, table
from p53net.evidence.cells import Trial
from p53net.evidence.committed import committed_value, replace_value
from p53net.evidence.fit import STARTS, fit_block, residual, residuals_of, rounded
from p53net.evidence.predictions import GROUPS
from p53net.evidence.profiles import add_profiles
from p53net.evidence.published import Observation, observations
from p53net.evidence.validation import REASONS, markdown, misses, validate
from p53net.model import tables

ROWS = observations()
QUICK = [block for block in BLOCKS if block.name != "haematology"]

# What is meant to hold and does not: it must stay in the table until it is mended.
KNOWN_MISSES = {
    "md224_dc", "tgi_milademetan_sjsa1", "platelet_nadir", "platelet_recovery",
    "neutrophil_recovery", "haem_reversible",
}  # fmt: skip


@pytest.mark.parametrize("block", QUICK, ids=lambda block: block.name)
@pytest.mark.slow
def test_committed_values_are_what_the_fit_gives(block: Block) -> None:
    """From the committed values and one start far away; earlier blocks as committed."""
    found = fit_block(block, {}, starts=1)
    for one, value in found.estimates.items():
        assert value == pytest.approx(one.value.value, rel=2e-3), one
    for name in block.observed:
        assert ROWS[name].holds(found.predictions[name]), name


@pytest.mark.slow
def test_blood_is_at_its_optimum() -> None:
    """The whole fit takes minutes: here, no slope does better 4 % to either side."""
    (block,) = [block for block in BLOCKS if block.name == "haematology"]
    residuals = residuals_of(block, {})
    best = np.log([one.value.value for one in block.parameters])
    usual, down, up = (
        (residuals(best + step) ** 2).reshape(3, 2).sum(axis=1) for step in (0.0, -0.04, 0.04)
    )
    assert (usual <= down + 1e-6).all() and (usual <= up + 1e-6).all()


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


# --- the method, on problems with known answers


def toy(name: str, low: float, high: float, value: float) -> Observation:
    template = ROWS["kt253_dc50"]
    return replace(template, id=name, value=value, low=low, high=high, use="fit", unit="nM")


@pytest.fixture
def problem(monkeypatch: pytest.MonkeyPatch) -> Block:
    """y1 = a b, y2 = a b^2 / c, y3 = c: a and b are known only where both rows are."""
    rows = {"y1": toy("y1", 5.0, 20.0, 10.0), "y2": toy("y2", 10.0, 40.0, 20.0)}
    values = {"a": 4.0, "b": 1.0}
    for module in (calibration, fit):
        monkeypatch.setattr(module, "observation", rows.__getitem__)
    monkeypatch.setattr(
        Fitted,
        "value",
        property(lambda self: tables.Value(values[self.parameter], "nM", "fitted", "x")),
    )  # fmt: skip

    def predict(trials: Sequence[Trial]) -> list[dict[str, float]]:
        sets = [{**values, **trial.get("toy", {})} for trial in trials]
        return [{"y1": own["a"] * own["b"], "y2": own["a"] * own["b"] ** 2} for own in sets]

    fitted = (Fitted("toy", "a", 0.1, 100.0), Fitted("toy", "b", 0.1, 100.0))
    return Block("toy", "a toy", fitted, predict, ("y1", "y2"))


def test_a_fit_finds_a_known_optimum_interval_and_correlation(problem: Block) -> None:
    found = fit_block(problem, {})
    a, b = found.estimates.values()
    assert (a, b) == pytest.approx((5.0, 2.0), rel=1e-3)
    assert len(found.solutions) == STARTS + 1
    add_profiles(found, {})
    # ln a = 2 y1 - y2, each with s = ln(4)/3.92: variance 5 s^2; ln b = y2 - y1: 2 s^2
    s = math.log(4.0) / (2 * 1.959964)
    for one, variance in zip(problem.parameters, (5.0, 2.0), strict=True):
        low, high = found.interval(one)
        width = 1.959964 * s * math.sqrt(variance)
        assert math.log(high / low) == pytest.approx(2 * width, rel=0.01)
        assert found.identified(one)
    assert found.correlation.iloc[0, 1] == pytest.approx(-3 / math.sqrt(10), rel=1e-2)


def test_a_second_solution_is_counted_and_takes_identification_away(problem: Block) -> None:
    # a + 16/a is 10 at a = 2 and at a = 8
    def predict(trials: Sequence[Trial]) -> list[dict[str, float]]:
        values = [trial.get("toy", {}).get("a", 4.0) for trial in trials]
        return [{"y1": a + 16.0 / a} for a in values]

    twofold = replace(problem, predict=predict, parameters=problem.parameters[:1], observed=("y1",))
    found = fit_block(twofold, {})
    assert found.chi_squared == pytest.approx(0.0, abs=1e-4)
    (one,) = found.estimates
    assert 0 < len(found.elsewhere(one)) < len(found.solutions)
    assert found.estimates[one] * found.elsewhere(one) == pytest.approx(16.0, rel=0.05)
    add_profiles(found, {})
    assert not found.identified(one)


def test_a_profile_ends_at_the_bounds(problem: Block) -> None:
    near = replace(problem.parameters[0], high=5.5)
    found = fit_block(replace(problem, parameters=(near, problem.parameters[1])), {})
    add_profiles(found, {})
    assert found.profiles[near]["value"].max() == pytest.approx(5.5)
    assert found.interval(near)[1] == math.inf


def test_a_parameter_without_influence_is_called_not_identified(problem: Block) -> None:
    blind = replace(problem, predict=lambda trials: [{"y1": 10.0, "y2": 20.0}] * len(trials))
    found = fit_block(blind, {}, starts=0)
    add_profiles(found, {})
    assert not any(found.identified(one) for one in problem.parameters)
    rows = table(as_dataset([found]))
    assert (rows["high"] == math.inf).all() and (rows["low"] == 0.0).all()
    assert (rows["identified"] == "False").all()


def test_residuals_count_in_widths_of_the_interval() -> None:
    row = toy("y", 5.0, 20.0, 10.0)
    assert residual(row, 20.0) == pytest.approx(1.959964)
    assert residual(row, 10.0) == 0.0
    share = replace(row, unit="% of patients", value=0.0, low=0.0, high=16.1)
    assert residual(share, 0.0) == 0.0
    assert residual(share, 8.05) == pytest.approx(1.959964)
    assert residual(row, 0.0) == -1e3
    quartiles = replace(row, note="interquartile range")
    assert residual(quartiles, 20.0) == pytest.approx(0.67449)


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
    row = toy("y", 5.0, 20.0, 10.0)
    assert row.holds(5.0) and row.holds(20.0) and not row.holds(20.1)
    statement = replace(row, value=math.nan, low=-math.inf, high=math.inf, unit="increase")
    assert statement.comparable and statement.holds(1.0) and not statement.holds(0.0)
    assert not replace(statement, unit="nM").comparable
    bound = replace(row, value=math.nan, low=90.0, high=math.inf)
    assert bound.holds(95.0) and not bound.holds(89.0)
