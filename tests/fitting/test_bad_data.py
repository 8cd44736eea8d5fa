"""What is no sound data: one clear error each, which names the row."""

import re

import pandas as pd
import pytest

import p53net as pn
from tests.support.fitting import plate

PLATE = plate("milademetan", "RS4;11", (10.0, 100.0, 1000.0), wells=2)
KILL = ["RS4;11: K_PUMA_caspase"]


def good() -> pd.DataFrame:
    return pd.DataFrame(PLATE).assign(value=[99.0, 101.0, 60.0, 55.0, 2.0, 3.0]).astype(object)


# Row, column, what is put there, and what the error says. Rows are counted from 1.
CELLS = [
    (3, "observable", "", "row 3: observable is empty"),
    (3, "observable", "viabilty", "row 3: unknown observable 'viabilty'; did you mean 'viability'"),
    (3, "drug", "milademetann", "row 3: unknown drug 'milademetann'; did you mean 'milademetan'"),
    (3, "drug", "", "row 3: a dose is given, but no drug"),
    (3, "drug", "milademetan + milademetan", "row 3: the drug milademetan is named twice"),
    (3, "drug", "milademetan + KT-253", "row 3: 2 drugs and 1 doses"),
    (3, "dose", "", "row 3: dose is empty"),
    (3, "dose", "ten", "row 3: dose is 'ten', which is no number"),
    (3, "dose", "-10", "row 3: dose is -10, but must be at least 0"),
    (3, "dose", "10 mg", "row 3: dose: the unit 'mg' is not turned into nM"),
    (3, "dose", "10 bananas", "row 3: dose: the unit 'bananas' is not turned into nM"),
    (3, "dose", "inf", "row 3: dose is inf"),
    (3, "time", "", "row 3: time is empty"),
    (3, "time", "-1", "row 3: time is -1"),
    (3, "time", "1e9", "row 3: time is 1e.09 h, but at most 672 h"),
    (3, "time", "3 nM", "row 3: time: the unit 'nM' is not turned into h"),
    (3, "value", "", "row 3: value is empty"),
    (3, "value", "1,5", "row 3: value is '1,5', which is no number"),
    (3, "value", "nan", "row 3: value is empty"),
    (3, "value", "<0", "row 3: value is below 0; give the limit"),
    (3, "value", "<x", "row 3: value is 'x', which is no number"),
    (3, "unit", "", "row 3: unit is empty"),
    (3, "unit", "nM", "row 3: the unit 'nM' is not one of viability; use % or fold of vehicle"),
    (3, "unit", "AU", "row 3: viability is in AU, and in % in row 1"),
    (3, "line", "", "row 3: line is empty"),
    (3, "line", "RS4-12", "row 3: unknown cell line 'RS4-12'"),
    (3, "error", "-1", "row 3: error is -1, but a standard deviation is above 0"),
    (3, "error", "0", "row 3: error is 0, but"),
    (3, "error", "5", "row 1: error is empty, but other rows of viability have one"),
    (3, "exposure", "0", "row 3: exposure is 0"),
    (3, "exposure", "2 pL", "row 3: exposure: the unit 'pL' is not turned into h"),
    (3, "host", "human", "row 3: dose and exposure are of a dish"),
    (3, "regimen", "260 mg once", "row 3: dose and exposure are of a dish"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "column", "text", "said"), CELLS, ids=lambda one: str(one)[:30])
def test_a_wrong_cell_is_named_with_its_row(row: int, column: str, text: str, said: str) -> None:
    table = good()
    if column not in table:
        table[column] = ""
    table.loc[row - 1, column] = text
    with pytest.raises((pn.InputError, pn.UnknownNameError), match=said):
        pn.fit(table, KILL, draws=0)


BODY = {"observable": "plasma", "drug": "milademetan", "regimen": "260 mg once", "host": "human",
        "time": 2.0, "value": 1000.0, "unit": "ng/mL", "line": "", "dose": ""}  # fmt: skip
# What is changed in a row of a body, and what the error says.
BODIES = [
    ({"host": ""}, "host is empty, but the row has a regimen"),
    ({"host": "rat"}, "unknown host 'rat'"),
    ({"regimen": ""}, "regimen is empty"),
    ({"regimen": "260 pints"}, "260 pints"),
    ({"drug": "", "regimen": ""}, "plasma of an untreated host holds no drug"),
    ({"unit": "%"}, "plasma in % is relative to nothing"),
    ({"unit": "giga/L"}, "the unit 'giga/L' is not turned into nM"),
    ({"dose": "10"}, "dose and exposure are of a dish"),
    ({"observable": "viability", "line": "SJSA-1"}, "viability is measured in a dish"),
    ({"observable": "volume", "unit": "mm3"}, "line is empty"),
    ({"drug": "milademetan + KT-253"}, "two drugs in a body are not read"),
    ({"host": "mouse", "regimen": "260 mg once"}, "mg/kg"),
    ({"drug": "nutlin-3a"}, "nutlin-3a"),
    ({"drug": "", "regimen": "", "observable": "platelets", "unit": "10^9/L"}, "no row has a drug"),
    ({"observable": "platelets", "unit": "mg"}, "the unit 'mg' is not turned into giga_per_L"),
    ({"value": "-5", "error": "1"}, "value is -5, but logarithms of plasma are compared"),
    ({"time": "1000 d"}, "time is 24000 h, but at most 17520 h"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "said"), BODIES, ids=lambda one: str(one)[:40])
def test_a_wrong_row_of_a_body_is_named(changed: dict[str, object], said: str) -> None:
    table = pd.DataFrame([{**BODY, **changed}])
    with pytest.raises(pn.P53NetError, match=re.escape(said)) as caught:
        pn.fit(table, ["milademetan in human: CL_inhibitor"], draws=0)
    assert "row 1" in str(caught.value)


# Arguments of a sound table, and what the error says.
ARGUMENTS = [
    ({"parameters": "K_PUMA_caspase"}, "does not say whose"),
    ({"parameters": "RS4;11: K_PUMA_caspas"}, "unknown parameter"),
    ({"parameters": []}, "parameters is empty"),
    ({"parameters": KILL * 2}, "named twice"),
    ({"parameters": "model: K_PUMA_caspase"}, "the data depend on RS4;11: K_PUMA_caspase"),
    ({"parameters": "model: MDM2_gene_dose"}, "is fixed"),
    ({"parameters": "MD-224: cooperativity"}, "no row of the data depends on MD-224"),
    ({"priors": {KILL[0]: ("log-uniform", 1.0)}}, "the prior of RS4;11: K_PUMA_caspase is"),
    ({"priors": {KILL[0]: ("uniform", 1.0, 2.0)}}, "unknown distribution 'uniform'"),
    ({"priors": {KILL[0]: ("log-uniform", 5.0, 2.0)}}, "low bound below the high one"),
    ({"priors": {"x: y": ("log-uniform", 1.0, 2.0)}}, "unknown parameter in priors"),
    ({"priors": 5}, "must be a path or a mapping"),
    ({"noise": {"plasma": 0.1}}, "unknown observable of the data 'plasma'"),
    ({"noise": {"viability": "poisson"}}, "allowed are normal and log-normal"),
    ({"noise": {"viability": 0.0}}, "a standard deviation is above 0"),
    ({"noise": "normal"}, "must be a mapping"),
    ({"scale": "plasma"}, "unknown observable in scale"),
    ({"offset": ["p53"]}, "unknown observable in offset"),
    ({"subject": "A"}, "no column subject"),
    ({"draws": -1}, "draws is -1"),
    ({"draws": 1.5}, "draws is 1.5"),
    ({"starts": 0}, "starts is 0"),
    ({"seed": -1}, "seed is -1"),
    ({"structure": "no such"}, "no such"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "said"), ARGUMENTS, ids=lambda one: str(one)[:40])
def test_a_wrong_argument_is_named(changed: dict[str, object], said: str) -> None:
    arguments = {"parameters": KILL, "draws": 0, **changed}
    with pytest.raises(pn.P53NetError, match=re.escape(said)):
        pn.fit(good(), **arguments)  # type: ignore[arg-type]


# What becomes of the whole table, and what the error says.
TABLES = [
    (lambda t: t.drop(columns="unit"), "no column 'unit'"),
    (lambda t: t.rename(columns={"line": "cells"}), "unknown column 'cells'"),
    (lambda t: t.assign(cell_line="RS4;11"), "two columns 'line'"),
    (lambda t: t.rename(columns={"value": "value [%]"}), "write it in the column unit"),
    (lambda t: t.rename(columns={"time": "time [nM]"}), "the unit 'nM' is not turned into h"),
    (lambda t: t.iloc[:0], "has no rows"),
    (lambda t: t.iloc[::2], "row 1: viability has neither errors nor replicates"),
    (lambda t: pd.concat([t, t.iloc[[3]]]), "row 7: it says the same as row 4"),
    (lambda t: t.assign(value=0.0, replicate=range(6)), "all values of viability are 0"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "said"), TABLES, ids=range(len(TABLES)))
def test_a_wrong_table_is_named(change: object, said: str) -> None:
    with pytest.raises(pn.P53NetError, match=re.escape(said)):
        pn.fit(change(good()), KILL, draws=0)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"observable,time\n", "no column 'value'"),
        (b"observable,time,value,unit\np53,1\n", "row 2: it has 2 fields"),
        (b"\xff\xfe", "is not text in UTF-8"),
        (b"a\0b", "NUL byte"),
        (b'observable,"time\n', "cannot be read"),
    ],
)
def test_a_file_that_is_no_table(content: bytes, said: str, tmp_path: object) -> None:
    file = tmp_path / "data.csv"  # type: ignore[operator]
    file.write_bytes(content)
    with pytest.raises(pn.InputError, match=said):
        pn.fit(file, KILL, draws=0)


def test_a_unit_is_not_run_as_arithmetic() -> None:
    table = good()
    table.loc[0, "dose"] = "1 9**9**9"
    with pytest.raises(pn.InputError, match="row 1: dose: the unit"):
        pn.fit(table, KILL, draws=0)
