"""The hold-out: frozen, well formed, and new to everything that the models were made of."""

import csv
import hashlib
import math
import re
from collections import Counter
from pathlib import Path

import pytest

from p53net.evidence.published import observations
from p53net.model import cell_line_entries, drug_entries
from p53net.model.fragments import unit_registry
from tests.support import ROOT

FOLDER = ROOT / "models" / "holdout"
FROZEN = {
    "observations.tsv": "a3cc97b9fb09e21c94c3f2393e3f1fbf0b30ee41082fee1f969bc44197df711c",
    "lines.tsv": "e0fab8476431924b1b02965e0c1fdc5576002b195272dec1aba57dc98535d3ee",
}
"""SHA-256 of the bytes. A row is never changed, and none is added, once this stands."""
COLUMNS = ["id", "level", "quantity", "subject", "protocol", "cell_line", "value", "low", "high",
           "unit", "interval", "source", "published", "retrieved", "tier", "note"]  # fmt: skip
PAGE = (ROOT / "docs" / "holdout.md").read_text(encoding="utf-8")
REGISTRY = unit_registry({})
SERUM = "10 % serum"
"""Stands in the tables, and is no rate of 10 %."""
COMPUTED = re.compile("<!-- table: .*?<!-- end -->", re.DOTALL)
"""On pages: predictions and shares of draws, read nowhere; and rows of the ledger, for which there
is a test."""
# How a unit stands behind its number in prose.
SPELLED = {
    "nM": r"nM|nmol/L", "uM": r"uM|µM|umol/L", "mg/kg": r"mg/kg", "percent": r"%|percent",
    "dimensionless": r"-?fold|times|x\b",
}  # fmt: skip


def read(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE, strict=True))


ROWS, LINES = read("observations.tsv"), read("lines.tsv")


def published(row: dict[str, str]) -> str:
    """The number as it was published: the value, or a bound without one."""
    return row["value"] or row["low"]


def same(value: float, unit: str, other: float, other_unit: str) -> bool:
    """Whether two quantities are one; what pint cannot read, or turn, is not. A share of patients
    is no plain number."""
    if (unit == "percent") != (other_unit in ("percent", "%")):
        return False
    try:
        turned = REGISTRY.Quantity(other, other_unit).to(unit).magnitude
    except Exception:  # pint raises many kinds
        return False
    return math.isclose(float(turned), value, rel_tol=1e-9)


@pytest.mark.parametrize("name", FROZEN)
def test_the_bytes_are_those_that_were_frozen(name: str) -> None:
    digest = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()
    assert digest == FROZEN[name], f"{name} was changed after it was frozen"
    assert f"| {name} | {digest} |" in PAGE


def test_nothing_else_is_in_the_folder() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(FROZEN)


def test_rows_are_whole_and_each_is_once() -> None:
    assert list(ROWS[0]) == COLUMNS
    for row in ROWS:
        assert None not in row and None not in row.values(), row
        for name in ("id", "level", "quantity", "subject", "protocol", "source", "note"):
            assert row[name].strip(), f"{row['id']}: no {name}"
        assert re.fullmatch(r"\d{4}(-\d\d){0,2}", row["published"]), row["id"]
        assert row["published"] <= row["retrieved"] == "2026-11-26", row["id"]
        assert '"' in row["note"], f"{row['id']}: quote the sentence that was read"
    assert len({row["id"] for row in ROWS}) == len(ROWS)
    assert not {row["id"] for row in ROWS} & set(observations())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_a_number_lies_in_its_interval_and_was_read(row: dict[str, str]) -> None:
    REGISTRY.parse_units(row["unit"])
    low, high = float(row["low"] or "-inf"), float(row["high"] or "inf")
    assert low < high and (math.isfinite(low) or math.isfinite(high))
    if row["value"]:
        assert low <= float(row["value"]) <= high
    assert row["interval"] in ("published", "Wilson", "assumed")
    assert f"`{row['interval']}`" in PAGE
    quoted = row["note"].rpartition('"')[0]
    number = f"{float(published(row)):g}"
    assert re.search(rf"(?<![\d.]){re.escape(number)}(\.0)?(?![\d.]*\d)", quoted), number


def test_tiers_are_defined_and_counted_apart() -> None:
    counts = Counter(row["tier"] for row in ROWS)
    assert counts["primary"] >= 15
    defined = re.findall(r"^\| (primary|relayed) \| [^|]+ \| (\d+) \| (\d+) \|$", PAGE, re.M)
    assert {tier: int(number) for tier, number, _ in defined} == counts
    for tier, _, sources in defined:
        assert len({row["source"] for row in ROWS if row["tier"] == tier}) == int(sources)


def test_every_query_is_logged() -> None:
    """Numbered without a gap, each with what it gave."""
    log = re.findall(r"^\| (\d+) \| (\S[^|]*) \| (\S[^|]*) \|$", PAGE, re.M)
    assert [int(number) for number, _, _ in log] == list(range(1, len(log) + 1))
    assert len(log) > 50


def test_new_lines_have_status_and_gene_dose_from_a_source() -> None:
    known = set(cell_line_entries())
    new = {row["cell_line"] for row in ROWS} - known - {""}
    assert {line["cell_line"] for line in LINES} - {"SAOS-2"} == new
    assert Counter(line["cell_line"] for line in LINES) == dict.fromkeys([*new, "SAOS-2"], 2)
    for line in LINES:
        assert line["parameter"] in ("TP53", "MDM2_gene_dose")
        assert (line["source"] == "none read") <= (line["value"] == "unknown"), line


def test_none_is_an_observation_of_the_models() -> None:
    for row in ROWS:
        value = float(published(row))
        for name, seen in observations().items():
            if not shares_subject(row["subject"], seen.subject):
                continue
            numbers = (seen.low, seen.high) if math.isnan(seen.value) else (seen.value,)
            unit = seen.unit.removesuffix(" of patients")
            assert not any(same(value, row["unit"], one, unit) for one in numbers), (
                row["id"],
                name,
            )


def test_none_is_a_number_of_a_drug_or_a_line() -> None:
    for row in ROWS:
        value, unit = float(published(row)), row["unit"]
        for entry in (*drug_entries().values(), *cell_line_entries().values()):
            if entry.name not in (row["subject"], row["cell_line"]):
                continue
            for name, one in entry.values.items():
                assert not same(value, unit, one.value, one.unit), (row["id"], entry.name, name)


def shares_subject(one: str, other: str) -> bool:
    return not set(re.findall(r"[\w-]+", one.lower())).isdisjoint(
        set(re.findall(r"[\w-]+", other.lower())) - {"over"}
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_none_stands_in_a_text_of_the_models_or_a_page(row: dict[str, str]) -> None:
    """Number, unit and subject in one line. What no rule can tell is told in the page."""
    names = {row["subject"], *row["subject"].split(" over ")}
    for entry in drug_entries().values():
        if entry.name in names:
            names |= set(entry.synonyms)
    number = f"{float(published(row)):g}"
    pattern = re.compile(rf"(?<![\d.,]){re.escape(number)}(\.0)? ?({SPELLED[row['unit']]})")
    for path in texts():
        for line in COMPUTED.sub("", path.read_text(encoding="utf-8")).splitlines():
            if any(name.lower() in line.lower() for name in names):
                line = line.replace(SERUM, "")
                assert not pattern.search(line), f"{path.name}: {line}"


def texts() -> list[Path]:
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]
    models = [one for one in (ROOT / "models").iterdir() if one.suffix in (".ant", ".tsv")]
    return [one for one in [*pages, *models] if one.name != "holdout.md"]


def test_one_file_reads_it() -> None:
    """The comparison; so that nothing can be fitted to it, or chosen by it. What is said of the
    package's credibility counts the verdicts of its page, and names tests."""
    names = (
        "evidence/holdout.py",
        "cli/judging.py",
        "inference/facts.py",
        "inference/credibility.py",
    )
    readers = {ROOT / "p53net" / name for name in names}
    for path in set((ROOT / "p53net").rglob("*.py")) - readers:
        assert not re.search("hold_?out", path.read_text(encoding="utf-8"), re.I), path


def test_the_comparison_stays() -> None:
    """Rows of the page's table are rows of the hold-out, with their numbers, judged rightly."""
    known = {row["id"]: row for row in ROWS}
    table = re.findall(
        r"^\| `(\w+)`[^|]*\| (\w+) \| ([^|]+)\| ([^|]+)\| ([^|]+)\| (\w+)", PAGE, re.M
    )
    assert len(table) == 6
    for name, tier, observed, interval, predicted, verdict in table:
        row = known[name]
        assert row["tier"] == tier
        assert float(published(row)) == float(observed.split()[-1])
        low, high = (float(row[end] or other) for end, other in (("low", "-inf"), ("high", "inf")))
        assert interval.split()[0] == row["low"]
        value = math.inf if predicted.startswith("no effect") else float(predicted)
        assert verdict == ("inside" if low <= value <= high else "outside")
