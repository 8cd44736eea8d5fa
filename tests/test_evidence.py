"""What the models must show: the rows of `p53net evidence`, and that a row can be missed."""

import numpy as np
import pandas as pd
import pytest

from p53net.evidence import Row, evidence

SHOWN_ONLY = ("twin over milademetan", "SJSA-1", "share of the rise", "gene dose 5,",
              "gene dose 10,", "gene dose 25,")  # fmt: skip


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return evidence()


def test_no_row_that_must_hold_is_missed(table: pd.DataFrame) -> None:
    missed = table[table["verdict"] == "miss"]
    assert missed.empty, missed[["check", "value", "low", "high"]].to_string()


def test_only_named_rows_are_left_unscored(table: pd.DataFrame) -> None:
    """A miss cannot be hidden by not scoring its row."""
    shown = table.loc[table["verdict"].str.startswith("shown"), "check"]
    assert all(any(part in check for part in SHOWN_ONLY) for check in shown)
    assert (table["verdict"] == "met").sum() >= 38


def test_every_row_has_a_number_and_a_source(table: pd.DataFrame) -> None:
    assert np.isfinite(table["value"]).all()
    assert table["source"].str.len().gt(0).all()
    assert not table["check"].duplicated().any()


def test_the_twin_departs_from_the_theorem(table: pd.DataFrame) -> None:
    value = table.set_index("check")["value"]["dose ratio at p53 5 x: twin over milademetan"]
    assert value > 1.2


def test_a_row_outside_its_range_is_a_miss() -> None:
    assert Row("x", 2.0, 0.0, 1.0, "1", "test").verdict == "miss"
    assert Row("x", float("nan"), 0.0, 1.0, "1", "test").verdict == "miss"
    assert Row("x", 0.5, 0.0, 1.0, "1", "test").verdict == "met"
    assert Row("x", 2.0, 0.0, 1.0, "1", "test", scored=False).verdict == "shown outside"
