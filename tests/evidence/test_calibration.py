"""What is fitted and to what, where the numbers stand, and what the models then say."""

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

import p53net as pn
from p53net.errors import P53NetError, UnknownNameError
from p53net.evidence import committed, fitted_tables
from p53net.evidence.blocks import BLOCKS, all_blocks
from p53net.evidence.calibration import calibrate
from p53net.evidence.committed import committed_value, fitted_by, replace_value
from p53net.evidence.fit import rounded
from p53net.evidence.published import observations
from p53net.evidence.seen import uses
from p53net.model import tables
from p53net.model.derived import DERIVED, Derived
from p53net.model.structures import supposing
from tests.support.texts import copied_models

ROWS = observations()
FITTED = [one for block in all_blocks() for one in block.parameters if one.value.kind == "fitted"]
"""What the default structure has, and a fit was committed of."""


def test_what_says_fitted_is_fitted_and_nothing_else() -> None:
    """Of the tables and of the texts of all structures."""
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
    parameters = [one for block in BLOCKS for one in block.parameters]
    known = {(one.entry, one.parameter) for one in parameters if one.value.kind == "fitted"}
    assert said == known >= {(one.entry, one.parameter) for one in FITTED}


def test_there_are_fewer_parameters_than_observations() -> None:
    for structure in ("default", "v0.1"):
        with supposing(structure):
            blocks = all_blocks()
        used = {name for block in blocks for name in block.observed}
        assert sum(len(block.parameters) for block in blocks) < len(used)


def test_an_aim_is_no_observation() -> None:
    """Where only a range is published, the fit aims inside it and says so."""
    row = ROWS["gdf15_fold"]
    assert math.isnan(row.value) and row.low < row.middle < row.high
    found = calibrate(["biomarker"], starts=1, profiles=False)
    assert math.isnan(float(found["observed"].sel(observation="gdf15_fold")))
    assert float(found["aim"].sel(observation="gdf15_fold")) == pytest.approx(row.middle)
    assert "| gdf15_fold | | 3 to 10 |" in fitted_tables.residuals(found)


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
        replace_value(entry, parameter, replace(old, value=1.234))
        assert committed_value(entry, parameter) == replace(old, value=1.234)
        replace_value(entry, parameter, old)
    for path in tables.models_folder().iterdir():
        if path.is_file():
            assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name
    with pytest.raises(UnknownNameError, match="'nothing' of 'milademetan'"):
        committed_value("milademetan", "nothing")


def test_an_unknown_block_is_refused() -> None:
    with pytest.raises(P53NetError, match="unknown block 'tumor'; did you mean 'tumour'"):
        calibrate(["tumor"])


def test_the_interval_of_a_row_decides_and_a_statement_holds_or_not() -> None:
    row = replace(ROWS["kt253_dc50"], value=10.0, low=5.0, high=20.0)
    assert row.holds(5.0) and row.holds(20.0) and not row.holds(20.1)
    statement = replace(row, value=math.nan, low=-math.inf, high=math.inf, unit="increase")
    assert statement.comparable and statement.holds(1.0) and not statement.holds(0.0)
    assert not replace(statement, unit="nM").comparable
    bound = replace(row, value=math.nan, low=90.0, high=math.inf)
    assert bound.holds(95.0) and not bound.holds(89.0)


@pytest.mark.slow
def test_what_was_set_by_hand_and_is_fitted_says_what_it_saw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied_models(tmp_path, monkeypatch)
    row = "idasanutlin_ic50_wild_type"
    for entry, parameter in (("model", "k_dephos_p53"), ("idasanutlin", "fu_medium_inhibitor")):
        old = committed_value(entry, parameter)
        assert old.kind == "assumed" and uses()[row].use == "predict"
        new = fitted_by(old, 0.05, "amplified", [row])
        replace_value(entry, parameter, new)
        assert committed_value(entry, parameter) == new
        assert (new.kind, new.source) == ("fitted", "p53net calibrate amplified")
        assert uses()[row].use == "fit"
        replace_value(entry, parameter, old)
    with supposing("v0.1"):
        slope = committed_value("model", "slope_platelets")
        (blood,) = (block for block in all_blocks() if block.name == "haematology")
        assert fitted_by(slope, slope.value, "haematology", blood.observed[:2]) == slope


@pytest.mark.slow
def test_a_structure_keeps_fitted_values_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied_models(tmp_path, monkeypatch)
    place, row = ("idasanutlin", "fu_medium_inhibitor"), "idasanutlin_ic50_wild_type"
    before = committed_value(*place)
    with supposing("residual"):
        new = fitted_by(before, 0.3, "amplified", [row])
        replace_value(*place, new)
        assert committed_value(*place) == new
        assert uses()[row].use == "fit"
        assert pn.load("idasanutlin").definition.parameters["fu_medium_inhibitor"].value == 0.3
    assert committed_value(*place) == before
    assert uses()[row].use == "predict"
