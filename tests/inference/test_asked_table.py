"""What questions about trials found, kept as one table, and pages made of it."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import p53net as pn
from p53net.ensembles.draws import Ensemble
from p53net.ensembles.identity import digest
from p53net.inference import asked_table, kept_pages, questions
from p53net.inference.virtual import Trials
from tests.support import ROOT

LABELS = ["160 mg 7/28", "260 mg 3/14", "60 mg daily"]
ASKED = [1, 0]  # the reference first, which is not the first of all


@pytest.fixture
def several() -> Ensemble:
    return pn.ensemble().thinned(4)


@pytest.fixture
def result(several: Ensemble) -> xr.Dataset:
    """Of numbers by hand, as the study puts them together."""
    effects = [[90.0, 91.0, 92.0, 93.0], [95.0, 90.0, 80.0, 95.0], [10.0, 20.0, 30.0, 40.0]]
    tgi = np.repeat(np.array(effects)[:, :, None], 2, axis=2)  # regimen, draw, patient
    worse = np.zeros((3, 3, 4, 2))
    worse[0, 1, :3] = 1.0  # thrombocytopenia, 3/14, in three of four draws
    found = Trials(tgi, worse)
    again = questions._resampled(found, 0, ASKED, 1)
    about = {"drug": "milademetan", "tumour": "LPS-amplified", "days": 56.0, "grade": 3, "seed": 1,
             "toxicity": "thrombocytopenia", "population": 2, "draws": 4}  # fmt: skip
    return xr.Dataset(
        questions._data(found, 0, ASKED, LABELS, again, several),
        coords={
            "regimen": LABELS,
            "toxicity": list(questions.GRADES),
            "quantile": list(questions.QUANTILES),
            **questions._questions(LABELS, ASKED, "thrombocytopenia", 3),
        },
        attrs=about,
    )


def test_each_regimen_has_what_was_asked_of_it(result: xr.Dataset) -> None:
    table = asked_table.regimens_of(result).set_index("regimen")
    assert table.index.tolist() == LABELS
    assert table.loc["160 mg 7/28", "as_much"] == 0.5  # 95 and 95, of 90 to 93
    assert table.loc["160 mg 7/28", "within_margin"] == 0.75  # 90 is 1 less than 91, 80 is 12 less
    assert table.loc["160 mg 7/28", "below_rate"] == 1.0
    assert table.loc["260 mg 3/14", "below_rate"] == 0.25
    assert np.isnan(table.loc["260 mg 3/14", ["as_much", "within_margin"]].astype(float)).all()
    assert np.isnan(table.loc["60 mg daily", list(questions.ASKS)].astype(float)).all()
    assert table.loc["60 mg daily", "tgi"] == 25.0
    assert table.loc["60 mg daily", "tgi_high"] == pytest.approx(39.25)  # 30 + 10*0.925


def test_a_table_reads_as_it_was_written(
    result: xr.Dataset, several: Ensemble, tmp_path: Path
) -> None:
    path = tmp_path / "kept.csv"
    path.write_text(asked_table.kept(result, several), encoding="utf-8")
    about, rows = asked_table.read_kept(path)
    assert about["models"] == digest() and about["ensemble"] == several.sha256[:16]
    assert (about["days"], about["population"], about["draws"]) == ("56", "2", "4")
    usual = asked_table.regimens_of(result).set_index("regimen")
    np.testing.assert_allclose(rows.to_numpy(float), usual.to_numpy(float), rtol=5e-6)


@pytest.mark.parametrize("text", ["", "regimen,tgi\n", "# models 1; draws 4\nname\n"])
def test_another_file_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(pn.InputError, match="is no table that `p53net trial-questions --table`"):
        asked_table.read_kept(path)


def test_a_page_says_what_a_table_has(
    result: xr.Dataset, several: Ensemble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "docs").mkdir()
    text = asked_table.kept(result, several)
    (tmp_path / kept_pages.TRIALS).write_text(text, encoding="utf-8")
    monkeypatch.setattr(kept_pages, "root", lambda: tmp_path)
    said = kept_pages.statements().splitlines()[2:]
    first, within, below, other = (line.strip("| ").split(" | ") for line in said)
    assert first[0] == "260 mg 3/14 does at least as much to the tumour as 160 mg 7/28"
    assert first[1].startswith("50 % ± ")
    assert within[0].endswith("as 160 mg 7/28, or less by 5 points")
    assert within[1].startswith("75 % ± ")
    assert below[0].startswith("260 mg 3/14 gives thrombocytopenia of grade 3 or more to fewer")
    assert below[1].startswith("25 % ± ") and other[0] == "160 mg 7/28"
    assert len(kept_pages.regimens().splitlines()) == 2 + len(ASKED)


def test_the_kept_table_is_of_today_s_models_and_draws() -> None:
    about, rows = asked_table.read_kept(ROOT / kept_pages.TRIALS)
    again = f"run `p53net trial-questions milademetan --table {kept_pages.TRIALS}`"
    assert about["models"] == digest(), again
    assert about["ensemble"] == pn.ensemble().sha256[:16], again
    assert len(rows) == len(questions.SCHEDULES) * len(questions.DOSES)
