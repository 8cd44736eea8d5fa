"""The ledger: every row has a verdict, and the committed baseline says which."""

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

import p53net as pn
from p53net.cli import app
from p53net.evidence import baseline, pages, validation
from p53net.evidence.predictions import GROUPS
from p53net.evidence.published import ORIGINS, TIERS, observations
from p53net.evidence.reasons import MISSED, NOT_MODELLED
from p53net.evidence.seen import uses
from p53net.model import library
from tests.support import ROOT
from tests.support.texts import copied_models

ROWS = observations()
HEADER = (library.models_folder() / "observations.tsv").read_text(encoding="utf-8").split("\n")[0]


@pytest.fixture(scope="module")
def result() -> xr.Dataset:
    return pn.validate()


def with_verdict(result: xr.Dataset, name: str, verdict: str) -> xr.Dataset:
    changed = result.copy(deep=True)
    changed["verdict"] = changed["verdict"].astype(object)
    changed["verdict"].loc[{"observation": name}] = verdict
    return changed


def small() -> xr.Dataset:
    """Four rows of a ledger."""
    names = ["tp53_null", "md224_dc", "kt253_mv411", "navtemadlin_kd"]
    return xr.Dataset(
        {
            "use": ("observation", ["set", "predict", "not modelled", "input"]),
            "verdict": ("observation", ["inside", "outside", "not modelled", "not compared"]),
        },
        {"observation": names},
        {"structure": "small"},
    )


# --- the committed baseline


@pytest.mark.slow
def test_every_row_is_as_the_baseline_says(result: xr.Dataset) -> None:
    assert baseline.changes(result) == []


@pytest.mark.slow
def test_a_row_that_changes_either_way_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, result: xr.Dataset
) -> None:
    monkeypatch.setattr(baseline, "models_folder", lambda: tmp_path)
    baseline.write(result)
    verdicts = dict(
        zip(result["observation"].values.tolist(), result["verdict"].values, strict=True)
    )
    met, missed = (
        next(name for name, verdict in verdicts.items() if verdict == wanted)
        for wanted in ("inside", "outside")
    )
    miss = with_verdict(result, met, "outside")
    assert baseline.changes(miss) == [f"{met}: outside, inside in the baseline (a new miss)"]
    hit = with_verdict(result, missed, "inside")
    assert baseline.changes(hit) == [
        f"{missed}: inside, outside in the baseline (an unexpected hit)"
    ]
    failed = with_verdict(result, met, "not predicted")
    assert baseline.changes(failed) == [
        f"{met}: not predicted, inside in the baseline (a new miss)"
    ]
    gone = result.sel(observation=result["observation"] != met)
    assert baseline.changes(gone) == [f"{met}: in the baseline, and no row"]


def test_a_baseline_is_of_one_structure_and_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baseline, "models_folder", lambda: tmp_path)
    ledger = small()
    assert baseline.changes(ledger) == [
        "there is no baseline of the structure 'small'; --write-baseline makes one"
    ]
    baseline.write(ledger)
    other = ledger.assign_attrs(structure="other")
    baseline.write(other)
    assert baseline.changes(ledger) == baseline.changes(other) == []
    baseline.write(with_verdict(other, "tp53_null", "outside"))
    assert baseline.changes(ledger) == [] and len(baseline.changes(other)) == 1
    added = ledger.assign_coords(observation=[*ledger["observation"].values[:3], "mine"])
    assert baseline.changes(added) == ["navtemadlin_kd: in the baseline, and no row"]


@pytest.mark.slow
def test_the_command_judges_by_the_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["validate", "--out", str(tmp_path / "out"), "--no-plot",
                                        *words])  # fmt: skip
        return done.exit_code, done.stderr

    assert run()[0] == 0
    assert run("--strict")[0] == 1
    folder = tmp_path / "models"
    folder.mkdir()
    text = (library.models_folder() / "baseline.tsv").read_text(encoding="utf-8")
    row = "tp53_null\tdefault\t"
    assert text.count(f"{row}inside") == 1
    text = text.replace(f"{row}inside", f"{row}outside")
    (folder / "baseline.tsv").write_text(text, encoding="utf-8")
    monkeypatch.setattr(baseline, "models_folder", lambda: folder)
    code, said = run()
    assert code == 1 and "tp53_null: inside, outside in the baseline (an unexpected hit)" in said
    assert run("--write-baseline")[0] == 0 and run()[0] == 0


# --- rows


@pytest.mark.slow
@pytest.mark.parametrize("structure", MISSED)
def test_a_miss_has_a_reason_and_what_is_not_modelled_too(structure: str) -> None:
    result = pn.validate(structure=structure)
    frame = result.to_dataframe()
    assert list(frame.index) == list(ROWS)
    for verdict, reasons in (("outside", MISSED[structure]), ("not modelled", NOT_MODELLED)):
        said = frame[frame["verdict"] == verdict]
        assert set(said.index) == set(reasons), verdict
        assert said["reason"].str.len().gt(10).all()
    assert set(validation.misses(result)) == set(MISSED[structure])
    assert not (frame["verdict"] == "not predicted").any() and result.attrs["failed"] == ""


@pytest.mark.slow
def test_nothing_predicted_is_left_without_an_observation() -> None:
    found: set[str] = set()
    for group in GROUPS:
        if group.__name__ not in ("toxicity", "haematology"):  # seconds each, and checked above
            found |= set(group([{}])[0])
    assert found <= {name for name, row in uses().items() if row.use != "not modelled"}


@pytest.mark.slow
def test_the_ledger_has_a_row_for_each_and_says_no_middle_of_a_range(result: xr.Dataset) -> None:
    lines = validation.markdown(result).splitlines()
    assert len(lines) == len(ROWS) + 2
    assert all(line.count(" | ") == 10 for line in lines[2:])
    (gdf15,) = (line for line in lines if line.startswith("| gdf15_fold "))
    assert "|  |  | 3 to 10 | assumed width |" in gdf15
    for name, row in ROWS.items():
        one = result.sel(observation=name)
        assert np.isnan(one["observed"]) == np.isnan(row.value)


@pytest.mark.slow
def test_a_structure_is_judged_as_the_default_is(result: xr.Dataset) -> None:
    other = pn.validate(structure="v0.1")
    assert (result.attrs["structure"], other.attrs["structure"]) == ("default", "v0.1")
    assert other.attrs["failed"] == ""
    names = [f"milademetan_induction_sjsa1_{name}" for name in ("p53", "p21", "mdm2")]
    assert (result["verdict"].sel(observation=names) == "inside").all()
    assert (other["verdict"].sel(observation=names) == "outside").all()
    core = pn.validate(structure="Proctor2008")
    assert core["verdict"].sel(observation="platelet_nadir").item() == "not modelled"
    assert "core=Proctor2008" in core["reason"].sel(observation="platelet_nadir").item()


def test_tiers_and_origins_are_defined_in_the_docs() -> None:
    page = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    for word in (*TIERS, *ORIGINS):
        assert re.search(rf"^\| {word} \| \w", page, re.M), word
    used = {row.tier for row in ROWS.values()}, {row.interval_origin for row in ROWS.values()}
    assert used[0] <= set(TIERS) and used[1] == set(ORIGINS)


def test_an_interval_has_an_origin_and_what_has_none_says_so() -> None:
    for row in ROWS.values():
        bare = not (np.isfinite(row.low) or np.isfinite(row.high))
        assert (row.interval_origin == "none") == bare, row.id
        if row.interval_origin == "Wilson":
            assert row.unit.startswith("% of") and row.low <= row.value <= row.high, row.id


# --- the sentence follows the labels


def test_the_sentence_counts_labels() -> None:
    assert validation.counted(small()) == (
        "of 1 rows predicted 0 are inside, of 1 rows set by hand or built in 1 are inside, "
        "of 0 rows taken as input 0 are inside, of 0 rows fitted to 0 are inside; "
        "1 have no interval and 1 are not modelled"
    )


@pytest.mark.slow
def test_one_flipped_entry_changes_label_and_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, result: xr.Dataset
) -> None:
    path = copied_models(tmp_path, monkeypatch) / "cell_lines.tsv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("set: tp53_null, ", "set: "), encoding="utf-8")
    found = pn.validate()
    assert result["use"].sel(observation="tp53_null").item() == "set"
    assert found["use"].sel(observation="tp53_null").item() == "predict"

    def numbers(said: str, words: str) -> tuple[int, int]:
        match = re.search(rf"of (\d+) rows {words} (\d+) are inside", said)
        assert match is not None
        return int(match[1]), int(match[2])

    before, after = (one.attrs["counts"] for one in (result, found))
    for words, step in (("predicted", 1), ("set by hand or built in", -1)):
        (all_before, in_before), (all_after, in_after) = (
            numbers(said, words) for said in (before, after)
        )
        assert (all_after, in_after) == (all_before + step, in_before + step)
    page = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    (table,) = (one for one in pages.TABLES if one.name == "counts")
    standing = pages.standing(page, table)
    assert standing == f"{validation.sentence(before)}\n" != f"{validation.sentence(after)}\n"


# --- rows of one's own


def test_own_observations_stand_in_the_ledger(tmp_path: Path) -> None:
    """A row of one's own takes the place of a published one, or is added."""
    row = "\tcell\tDC50\tKT-253\tmine\tassay\t0.5\t0.3\t0.6\tnM\tme\tprimary table\tpublished\t"
    own = tmp_path / "observations.tsv"
    own.write_text(f"{HEADER}\nkt253_dc50{row}\nmine{row}\n")
    tables = {"observations": own}
    found = observations(pn.model.own.as_tables(tables))
    assert found["kt253_dc50"].value == 0.5 and ROWS["kt253_dc50"].value == 0.4
    assert list(found) == [*ROWS, "mine"]
    assert uses(tables)["mine"].use == "not modelled"
    assert uses(tables)["kt253_dc50"].use == "fit"


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        (HEADER, "x\ty", "a row has 14 cells, separated by tabs"),
        (
            HEADER.replace("line\t", "").replace("tier", "trust"),
            "x",
            "the columns line, tier are missing; a table of observations has id, level",
        ),
        (HEADER, "x\tcell\tq\ts\t\tp\t1\t\t\tnM\tme\tV\tnone\t", "tier is 'V'; write primary"),
        (
            HEADER,
            "x\tcell\tq\ts\t\tp\t1\t\t\tnM\tme\tvendor page\tmine\t",
            "interval_origin is 'mine'; write published",
        ),
        (HEADER, "x\tcell\tq\ts\t\tp\t1\t\t\tnM\t\tvendor page\tnone\t", "say in `source`"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, header: str, row: str, message: str) -> None:
    own = tmp_path / "observations.tsv"
    own.write_text(f"{header}\n{row}\n")
    with pytest.raises(pn.TableError, match=re.escape(message)):
        observations(pn.model.own.as_tables({"observations": own}))
