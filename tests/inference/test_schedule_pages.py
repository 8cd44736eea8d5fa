"""Tables of docs/schedules.md: sentences by hand, and few draws beside all."""

import numpy as np
import pandas as pd
import pytest

from p53net.ensembles.draws import ensemble
from p53net.evidence import pages
from p53net.inference import schedule_pages
from p53net.inference.virtual import Trials
from p53net.studies.body.population import GRADES
from tests.support import ROOT

HOLDS = {  # of four draws below, by the first words of a statement
    "the tumour of the median patient shrinks": 75,  # not in the last
    "the four differ by at most 5 points": 50,  # in the first and second
    "260 mg 3/14 does at least as much there as 90 mg daily": 50,  # in the first and third
    "260 mg 3/14 gives thrombocytopenia to fewer than 90 mg daily": 50,  # of two halves
    "160 mg 7/28 gives it to fewest": 0,  # as few as 260 mg 3/14 are not fewer
    "120 mg 21/28 gives it to most": 50,
    "260 mg 3/14 gives anaemia to fewer than 90 mg daily": 0,
}


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> Trials:
    """Two patients alike in four draws: 260 mg 3/14, 90 mg daily, 120 mg 21/28, 160 mg 7/28."""
    tgi = np.array(
        [[205, 200, 190, 99], [203, 202, 150, 99], [204, 203, 160, 120], [201, 202, 0, 90]]
    )
    tgi[3, 2] = 101
    worse = np.zeros((3, 4, 4, 2))
    worse[0, 1, :2, 0] = 1.0  # under 90 mg daily half of the patients of two draws are worse
    worse[0, 2, :2] = 1.0  # under 120 mg 21/28 all of them
    found = Trials(np.repeat(tgi[:, :, None].astype(float), 2, axis=2), worse)
    monkeypatch.setattr(schedule_pages, "_of_today", lambda: found)
    monkeypatch.setattr(schedule_pages, "_DRAWS", 4)
    return found


@pytest.mark.usefixtures("by_hand")
def test_statements_hold_in_the_draws_in_which_they_do() -> None:
    rows = [line.strip("| ").split(" | ") for line in schedule_pages.statements().splitlines()[2:]]
    for words, share in HOLDS.items():
        (row,) = (one for one in rows if one[0].startswith(words))
        assert row[1].startswith(f"{share} % ± "), row
    structures = {row[2].split(" of ")[1] for row in rows}
    assert structures == {str(len(ensemble().thinned(4).structures))}


def test_numbers_are_quantiles_over_draws(by_hand: Trials) -> None:
    rows = [line.strip("| ").split(" | ") for line in schedule_pages.numbers().splitlines()[2:]]
    assert len(rows) == 4 * 5
    values = np.sort(by_hand.tgi[0, :, 0])  # 260 mg 3/14: 99, 190, 200, 205
    assert rows[0][1] == f"{values[1:3].mean():g}" == "195"
    assert rows[0][2] == "167 to 201"  # 99 + 0.75*91 and 200 + 0.25*5
    assert rows[6][0].startswith("90 mg daily: TGI that 95 % of patients surpass")
    titled = {row[0]: row for row in rows}
    assert titled["90 mg daily: thrombocytopenia, grade 3 or more [% of patients]"][1] == "25"


@pytest.mark.slow
def test_few_draws_are_where_the_table_has_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the same patients, for 16 of them are not what 200 are."""
    table, *_ = schedule_pages.TABLES
    standing = pages.standing((ROOT / table.page).read_text(encoding="utf-8"), table)
    monkeypatch.setattr(schedule_pages, "_DRAWS", 5)
    rows = zip(table.make().splitlines()[2:], standing.splitlines()[2:], strict=True)
    inside = []
    for ours, whole in rows:
        (title, median, *_), (named, _, half, most, _) = (
            [cell.replace(",", "") for cell in row.strip("| ").split(" | ")]
            for row in (ours, whole)
        )
        assert title == named
        low, high = map(float, most.split(" to "))
        assert low <= float(median) <= high, title
        low, high = map(float, half.split(" to "))
        inside.append(low <= float(median) <= high)
    assert sum(inside) >= 16  # 18 with 5 draws


def standing_of(name: str) -> list[list[str]]:
    (table,) = (one for one in schedule_pages.TABLES if one.name == name)
    text = pages.standing((ROOT / table.page).read_text(encoding="utf-8"), table)
    return [line.strip("| ").split(" | ") for line in text.splitlines()[2:]]


def test_rates_in_all_patients_are_the_rows_that_the_draws_were_made_with() -> None:
    """As `infer` left them. Printed to three digits, and quantiles of weighted draws there."""
    rows = pd.read_csv(ROOT / "docs" / "ensemble_rows.csv", index_col="observation")
    table = {row[0]: row for row in standing_of("schedules-everyone")}
    for toxicity in GRADES:
        for arm, title in schedule_pages._ARMS.items():
            whole = rows.loc[f"{toxicity}_grade3plus_{arm}"]
            _, median, _, most, *_ = table[f"{toxicity}: {title}"]
            assert float(median) == pytest.approx(whole["q50"], rel=0.01)
            low, high = map(float, most.split(" to "))
            assert (low, high) == pytest.approx((whole["q2.5"], whole["q97.5"]), rel=0.02)


def test_rates_in_all_patients_of_few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within what holds 95 % of all; and the shares are those of the numbers beside them."""
    few = ensemble().thinned(10)
    monkeypatch.setattr(schedule_pages, "ensemble", lambda: few)
    rows = [line.strip("| ").split(" | ") for line in schedule_pages.everyone().splitlines()[2:]]
    for row, whole in zip(rows, standing_of("schedules-everyone"), strict=True):
        low, high = map(float, whole[3].split(" to "))
        assert row[0] == whole[0] and low <= float(row[1]) <= high
        share, median, limit = float(row[5].split(" %")[0]), float(row[1]), float(row[4])
        assert share >= 50.0 if median < limit else share <= 50.0
