"""Event tables and regimens in words: read, written, and refused with the row or the words."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import p53net as pn
from p53net.dosing.regimens import Administration, Regimen, given_at
from p53net.dosing.schedules import MOST_DOSES
from p53net.dosing.words import from_words, is_whole
from p53net.studies.body.rules import USUAL, rule_from_words
from tests.support.commands import Command

NONMEM = """#ID,TIME,AMT,RATE,II,ADDL,CMT,EVID,DV
1,0,100,50,24,2,1,1,.
1,1,.,.,.,.,.,0,3.2

1,80,20,0,,,,1,
"""


def written(folder: Path, text: str, name: str = "doses.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_a_table_is_read_row_by_row(tmp_path: Path) -> None:
    found = pn.read_events(written(tmp_path, NONMEM))
    assert found.doses == (
        Administration(0.0, 2.0, 100.0), Administration(24.0, 2.0, 100.0),
        Administration(48.0, 2.0, 100.0), Administration(80.0, 0.0, 20.0),
    )  # fmt: skip
    assert (found.unit, found.form) == ("mg", "free base")


def test_units_in_names_of_columns_are_turned_into_ours(tmp_path: Path) -> None:
    text = "time [d]\tamt [ug]\trate [ug/min]\tii [min]\taddl\n0.5\t6000\t100\t1440\t1\n"
    found = pn.read_events(written(tmp_path, text, "doses.tsv"))
    assert [d.time for d in found.doses] == [12.0, 36.0] and found.unit == "mg"
    np.testing.assert_allclose([d[1:] for d in found.doses], [(1.0, 6.0)] * 2, rtol=1e-14)
    by_weight = pn.read_events(pd.DataFrame({"time": [0.0], "amt [ug/g]": [2.0]}))
    assert (by_weight.unit, by_weight.amount) == ("mg/kg", 2.0)


def test_a_subject_and_a_drug_are_chosen() -> None:
    table = pd.DataFrame({"id": [1, 1, 2, 2], "drug": ["a", "b", "a", "b"],
                          "time": [0, 5, 0, 9], "amt": [1, 2, 3, 4]})  # fmt: skip
    one = pn.read_events(table, subject="2", drug="b", unit="mg/kg", form="tosylate hydrate")
    assert (one.amount, one.times, one.unit, one.form) == (4.0, (9.0,), "mg/kg", "tosylate hydrate")


@st.composite
def doses(draw: Callable[..., float]) -> Regimen:
    times = st.sampled_from([0.0, 0.1, 0.2, 0.3, 24.0, 48.0, 72.0, 96.0, 7.7])
    amounts, over = st.sampled_from([1.0, 0.3, 260.0]), st.sampled_from([0.0, 0.0, 0.5, 0.7])
    rows = st.lists(st.builds(Administration, times, over, amounts), min_size=1, max_size=12)
    return given_at(sorted(draw(rows)), "mg/kg")  # type: ignore[call-overload]


@given(doses())
@settings(max_examples=30)
def test_what_is_written_is_read(regimen: Regimen) -> None:
    again = pn.read_events(regimen.to_events())
    assert again.unit == regimen.unit and len(again.doses) == len(regimen.doses)
    for one, other in zip(again.doses, regimen.doses, strict=True):
        assert (one.time, one.amount) == pytest.approx((other.time, other.amount), rel=1e-15)
        assert one.over == pytest.approx(other.over, rel=1e-15)


def test_equal_doses_are_one_row() -> None:
    rows = pn.regimen(260, "mg", "3/14", cycles=2, over=1.0).to_events()
    assert rows.values.tolist() == [[0, 260, 260, 24, 2, 1], [336, 260, 260, 24, 2, 1]]
    assert list(rows)[:3] == ["time [h]", "amt [mg]", "rate [mg/h]"]


HEAD = "time,amt\n"
BAD_TABLES = {
    "nothing": ("", "is empty"),
    "a header alone": (HEAD, "has no rows"),
    "no time": ("amt\n1\n", "has no column 'time'"),
    "no amount": ("time\n1\n", "has no column 'amt'"),
    "a strange column": ("time,amt,dosage\n0,1,1\n", "column 'dosage' is not known"),
    "a column twice": ("time,amt,AMT\n0,1,1\n", "two columns 'amt'"),
    "a field too many": (HEAD + "0,1\n1,2,3\n", "row 3: it has 3 fields"),
    "no number": (HEAD + "0,1\n1,two\n", "row 3: amt is 'two', which is no number"),
    "digits apart": (HEAD + "0,1_0\n", "row 2: amt is '1_0', which is no number"),
    "a negative amount": (HEAD + "0,-1\n", "row 2: amt is -1"),
    "an infinite time": (HEAD + "inf,1\n", "row 2: time is inf"),
    "a time before the start": (HEAD + "-1,1\n", "row 2: time is -1"),
    "a missing time": (HEAD + ".,1\n", "row 2: time is missing"),
    "observations alone": (HEAD + "0,0\n1,.\n", "holds no dose"),
    "a reset": ("time,amt,evid\n0,1,3\n", "row 2: evid is 3"),
    "a dose of nothing": ("time,amt,evid\n0,0,1\n", "row 2: amt is 0"),
    "an observation with an amount": ("time,amt,evid\n0,1,0\n", "row 2: evid is 0"),
    "a steady state of no length": ("time,amt,ss,ii\n0,1,1,24\n", "row 2: ss is 1: the same doses"),
    "a steady state without ii": ("time,amt,ss\n0,1,1\n", "row 2: ss is 1, but ii"),
    "another steady state": ("time,amt,ss,ii\n0,1,3,24\n", "row 2: ss is 3, but 1 and 2"),
    "another compartment": ("time,amt,cmt\n0,1,2\n", "row 2: cmt is 2"),
    "an estimated duration": ("time,amt,rate\n0,1,-2\n", "row 2: rate is -2"),
    "half a dose more": ("time,amt,ii,addl\n0,1,24,1.5\n", "row 2: addl is 1.5"),
    "no interval": ("time,amt,addl\n0,1,3\n", "row 2: addl is 3, but ii"),
    "too many": (f"time,amt,ii,addl\n0,1,24,{MOST_DOSES}\n", "row 2: with it there are more than"),
    "two subjects": ("id,time,amt\n1,0,1\n2,0,1\n", "holds 2 of 'id': 1, 2; choose one"),
    "a unit of length": ("time [m],amt\n0,1\n", "unit of 'time', 'm', is not turned into h"),
    "a unit of amount of substance": ("time,amt [nmol]\n0,1\n", "'nmol', is not turned into mg"),
    "a unit that computes": ("time,amt [mg**9]\n0,1\n", "unit of 'amt'"),
    "an unknown unit": ("time,amt [furlong]\n0,1\n", "unit of 'amt'"),
    "a unit of a number": ("time,amt,addl [h]\n0,1,1\n", "column 'addl' has no unit"),
    "a NUL byte": ("time,amt\n0,\0\n", "NUL byte"),
    "an open quote": ('time,amt\n0,"1\n', "cannot be read"),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_a_bad_table_is_one_clear_error(name: str, tmp_path: Path) -> None:
    text, said = BAD_TABLES[name]
    with pytest.raises(pn.InputError) as error:
        pn.read_events(written(tmp_path, text))
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_steady_state_is_doses_before() -> None:
    table = pd.DataFrame({"time": [5.0], "amt": [10.0], "ii": [12.0], "addl": [1], "ss": [1]})
    found = pn.read_events(table, past=2)
    assert found.times == (5.0, 17.0, 29.0, 41.0, 53.0, 65.0)  # 5 and 17 h after 48 h, and before
    back = found.to_events(past=2)
    assert back.loc[0, ["time [h]", "ii [h]", "addl", "ss"]].tolist() == [5.0, 12.0, 1.0, 1.0]
    assert pn.read_events(back, past=2).doses == found.doses


def test_steady_states_stand_beside_each_other() -> None:
    """Mornings and evenings: the second is added to the first."""
    table = pd.DataFrame({"time": [0, 10], "amt": [2, 1], "ii": [24, 24], "ss": [1, 2],
                          "rate": [0, 0.5]})  # fmt: skip
    found = pn.read_events(table, past=1)
    assert found.doses == (
        Administration(0.0, 0.0, 2.0), Administration(10.0, 2.0, 1.0),
        Administration(24.0, 0.0, 2.0), Administration(34.0, 2.0, 1.0),
    )  # fmt: skip
    assert pn.read_events(found.to_events(past=1), past=1).doses == found.doses


@pytest.mark.parametrize("times", [[0, 1], [1, 1]])
def test_a_body_with_other_doses_is_not_put_to_a_steady_state(times: list[float]) -> None:
    table = pd.DataFrame({"time": times, "amt": 1, "ii": 24, "ss": [2, 1]})
    with pytest.raises(pn.InputError, match="row 2: ss is 1, which puts a body"):
        pn.read_events(table, past=1)


def test_what_is_no_steady_state_is_not_written_as_one() -> None:
    for regimen in (pn.regimen(1, "mg", [0, 30]), pn.regimen(1, "mg", "daily", days=2),
                    pn.regimen(1, "mg", "daily", days=9, start=30)):  # fmt: skip
        with pytest.raises(pn.InputError, match="is no steady state"):
            regimen.to_events(past=2)


@pytest.mark.parametrize("past", [-1, "long", np.nan])
def test_how_long_is_a_number_of_days(past: object) -> None:
    with pytest.raises(pn.InputError, match="past"):
        pn.read_events(pd.DataFrame({"time": [0], "amt": [1]}), past=past)


@pytest.mark.parametrize("rate", [0.0, 5.0])
def test_a_steady_state_is_that_of_the_formula(rate: float) -> None:
    """One compartment, daily: what is left of all doses is a geometric series."""
    row = {"time": [0.0], "amt": [10.0], "ii": [24.0], "ss": [1], "rate": [rate]}
    model = pn.load("KT-253", system="plasma")
    values = {"Q_degrader": 0.0, "CL_degrader": 3.0, "V_central_degrader": 50.0}
    days = 14  # what was longer ago has left exp(-0.06*24*14) = 2e-9
    given = pn.read_events(pd.DataFrame(row), past=days)
    hours = np.array([3.0, 10.0, 23.0])
    run = model.simulate([0.0, *(24 * days + hours)], {"KT-253": given}, values)
    k, dose = 3.0 / 50.0, pn.convert(10, "mg", "nmol", "KT-253") / 50.0
    over = 10.0 / rate if rate else 0.0
    single = dose * np.exp(-k * hours)
    if over:
        single = dose / over / k * (np.exp(k * over) - 1) * np.exp(-k * hours)
    exact = single / (1 - np.exp(-k * 24))
    np.testing.assert_allclose(run["degrader_plasma"].values[1:], exact, rtol=3e-6)


def test_the_compartment_of_doses_has_a_name() -> None:
    table = pd.DataFrame({"time": [0, 1], "amt": [1, 2], "cmt": ["CENTRAL", "."]})
    assert pn.read_events(table, cmt="central").times == (0.0, 1.0)
    assert pn.read_events(table.assign(cmt=["2", "2.0"]), cmt=2).times == (0.0, 1.0)
    with pytest.raises(pn.InputError, match="row 1: cmt is CENTRAL, but doses go into 1"):
        pn.read_events(table)


CALLS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no file": (lambda folder: pn.read_events(folder / "none.csv"), "cannot read the event table"),
    "a folder": (lambda folder: pn.read_events(folder), "it is a folder"),
    "no path": (lambda _: pn.read_events(7), "is not a path"),  # type: ignore[arg-type]
    "a dish's unit": (lambda _: pn.read_events("x.csv", unit="nM"), "doses are in mg or mg/kg"),
    "an unknown subject": (
        lambda folder: pn.read_events(written(folder, NONMEM), subject="9"), "no subject '9'"),
    "a drug without a column": (
        lambda folder: pn.read_events(written(folder, NONMEM), drug="x"), "no column 'drug'"),
    "latin text": (lambda folder: _latin(folder), "is not text in UTF-8"),
    "both rate and over": (
        lambda _: pn.regimen(1, "mg", "once", rate=1, over=1), "give one of them"),
    "a rate of nothing": (lambda _: pn.regimen(1, "mg", "once", rate=0), "rate is 0"),
    "an endless infusion": (
        lambda _: pn.regimen(1, "mg", "once", over=float("inf")), "over is inf"),
    "an infusion of no length": (
        lambda _: pn.regimen(1, "mg", "once", over=1e-9), "give at least 1e-06 h"),
    "an infusion back in time": (lambda _: pn.regimen(1, "mg", "once", over=-1), "over is -1"),
    "too few amounts": (lambda _: pn.regimen([1, 2], "mg", [0, 1, 2]), "2 amounts and 3 dose"),
    "an amount of nothing": (lambda _: pn.regimen([1, 0], "mg", [0, 1]), "dose is 0"),
    "a loading dose of nothing": (
        lambda _: pn.regimen(1, "mg", "once", loading=0), "dose is 0"),
    "a start before the start": (
        lambda _: pn.regimen(1, "mg", "once", start=-1), "hours later is -1"),
    "a dose that is not there": (
        lambda _: pn.regimen(1, "mg", "once", skip=[2]), "dose 2 is to be skipped"),
    "a dose by name": (
        lambda _: pn.regimen(1, "mg", [0, 1], skip=["first"]), "dose 'first' is to be"),  # type: ignore[list-item]
    "all doses skipped": (
        lambda _: pn.regimen(1, "mg", [0, 1], skip=[1, 2]), "all doses are skipped"),
    "other units": (
        lambda _: pn.regimen(1, "mg", "once") + pn.regimen(1, "mg/kg", "once"), "differ in unit"),
    "a sum with a number": (lambda _: pn.regimen(1, "mg", "once") + 1, "unsupported operand"),
    "then a number": (lambda _: pn.regimen(1, "mg", "once").then(1), "then takes a regimen"),  # type: ignore[arg-type]
    "one dose, then": (
        lambda _: pn.regimen(1, "mg", "once").then(pn.regimen(2, "mg", "once")), "gap=24"),
    "a factor of nothing": (lambda _: pn.regimen(1, "mg", "once").scaled(0), "factor is 0"),
    "lengths that do not fit": (
        lambda _: pn.Regimen(1.0, "mg", (0.0, 1.0), "once", over=(1.0,)), "1 lengths of infusions"),
    "an infusion to cells": (
        lambda _: pn.load("KT-253").simulate(
            [0, 1], {"KT-253": pn.regimen(1, "mg", "once", over=1)}), "cells in a dish take"),
    "an infusion after the end": (
        lambda _: pn.load("KT-253", system="plasma").simulate(
            [0, 1], {"KT-253": pn.regimen(1, "mg", "once", over=2)}), "it changes at 2 h"),
    "mg to a mouse": (
        lambda _: pn.load("KT-253", system="plasma", host="mouse").simulate(
            [0, 9], {"KT-253": pn.regimen(1, "mg", [0, 1], over=2)}), "allow_flat"),
    "pk of two courses": (
        lambda _: pn.pk("KT-253", [pn.regimen([1, 2], "mg", [0, 9]),
                                   pn.regimen([2, 2], "mg", [0, 9])]), "in more than their dose"),
    "a rule without a limit": (lambda _: pn.hold_rule("platelets"), "give a limit"),
    "a rule of both": (lambda _: pn.hold_rule("platelets", 50, 75, grade=3), "give a limit"),
    "a rule without an end": (lambda _: pn.hold_rule("platelets", 50), "given again"),
    "a rule that ends before": (lambda _: pn.hold_rule("platelets", 50, 40), "not lower"),
    "a rule that leaves nothing": (
        lambda _: pn.hold_rule("platelets", grade=3, left=0), "left is 0"),
    "a rule of grade 5": (lambda _: pn.hold_rule("platelets", grade=5), "grade is 5"),
    "a rule of no count": (lambda _: pn.hold_rule("hair", grade=3), "unknown count with grades"),
    "a grade without a number": (lambda _: pn.hold_rule("anaemia", grade=4), "has no number"),
    "resume at the same": (
        lambda _: pn.hold_rule("platelets", grade=1, resume=1), "resume at a lower one"),
    "rules in words": (lambda _: rule_from_words("platelets low"), "is not understood"),
    "hold by text": (
        lambda _: pn.patient("KT-253", pn.regimen(1, "mg", "once"), hold="yes"), "hold is 'yes'"),
    "a rule of what no marrow has": (
        lambda _: pn.patient("KT-253", pn.regimen(1, "mg", [0, 24]), days=2,
                             hold=pn.hold_rule("hair", 1, 2)), "unknown count 'hair'"),
}  # fmt: skip


def _latin(folder: Path) -> object:
    (folder / "x.csv").write_bytes("time,amt\n0,1 \xb5g\n".encode("latin-1"))
    return pn.read_events(folder / "x.csv")


@pytest.mark.parametrize("name", CALLS)
def test_bad_input_is_one_clear_error(name: str, tmp_path: Path) -> None:
    call, said = CALLS[name]
    with pytest.raises(TypeError if "operand" in said else pn.P53NetError) as error:
        call(tmp_path)
    assert said in str(error.value) and "\n" not in str(error.value)


# --- in words

WORDS = {
    "260 mg 3/14": pn.regimen(260, "mg", "3/14", days=14),
    "260 once": pn.regimen(260, "mg", "once"),
    "2 mg/kg q3w over 90 min": pn.regimen(2, "mg/kg", "q3w", days=14, over=1.5),
    "100 0, 24,48 over 30 min": pn.regimen(100, "mg", [0, 24, 48], over=0.5),
    "520 mg once + 260 mg daily from 1 d":
        pn.regimen(520, "mg", "once") + pn.regimen(260, "mg", "daily", days=13, start=24),
    "520 mg once then 260 mg daily after 1 d for 4 d":
        pn.regimen(520, "mg", "once") + pn.regimen(260, "mg", "daily", days=4, start=24),
    "260 mg daily for 1 w then 130 mg daily":
        pn.regimen(260, "mg", "daily", days=7) + pn.regimen(130, "mg", "daily", days=7, start=168),
    "260 mg daily skip 3,4 for 5 d": pn.regimen(260, "mg", "daily", days=5, skip=[3, 4]),
}  # fmt: skip


@pytest.mark.parametrize("text", WORDS)
def test_words_mean_a_regimen(text: str) -> None:
    assert from_words(text, 14.0, "mg") == WORDS[text]
    assert is_whole(text)
    assert not is_whole(text.partition(" ")[0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not understood"),
        ("260 mg", "is not understood"),
        ("260 g daily", "'g daily' is not understood"),
        ("260 mg sometimes", "is not understood"),
        ("-5 mg daily", "dose is -5"),
        ("260 mg daily over 3", "'3' is not a time"),
        ("260 mg daily over 3 h over 2 h", "'over' twice"),
        ("260 mg daily after 3 h", "behind 'then' only"),
        ("260 mg once for 3 d", "does not repeat"),
        ("260 mg daily from 20 d", "begins after 20 days"),
        ("260 mg daily skip x", "numbers of doses"),
        ("260 mg daily skip 40", "doses 1 to 14"),
        ("260 mg daily then 130 mg daily", "would begin after 14 days"),
        ("260 mg once then 130 mg daily", "gap=24"),
        ("260 mg once then 130 mg daily after", "is not understood"),
    ],
)
def test_bad_words_are_one_clear_error(text: str, said: str) -> None:
    with pytest.raises(pn.InputError) as error:
        from_words(text, 14.0, "mg")
    assert said in str(error.value) and "\n" not in str(error.value)


def test_rules_in_words_are_those_of_python() -> None:
    assert rule_from_words("neutropenia grade 3 until 1 leave 75%") == USUAL[1]
    assert rule_from_words("platelets grade 3") == USUAL[0]
    assert rule_from_words("haemoglobin 8 until 10 leave 50 %") == pn.hold_rule(
        "haemoglobin", 8, 10, left=0.5
    )


# --- on the command line


def test_commands_take_words_and_tables(command: Command, tmp_path: Path) -> None:
    words = "9 mg once over 1 h + 3 mg daily from 1 d for 2 d"
    same = from_words(words, 28.0, "mg")
    same.to_events().to_csv(tmp_path / "doses.csv", index=False)
    base = ("simulate", "KT-253", "--system", "plasma", "--hours", "72", "--points", "10")
    one, other = (command(*base, "--dose", dose) for dose in (words, "KT-253=doses.csv"))
    assert one.returncode == other.returncode == 0
    assert one.stdout == other.stdout
    rows = [float(line.split(",")[1]) for line in one.stdout.splitlines()[1:]]
    run = pn.load("KT-253", system="plasma").simulate(np.linspace(0, 72, 10), {"KT-253": same})
    np.testing.assert_allclose(rows, run["degrader_plasma"], rtol=1e-12)


@pytest.mark.slow
def test_other_commands_do_so_too(command: Command, tmp_path: Path) -> None:
    words = "9 mg once over 1 h + 3 mg daily from 1 d for 2 d"
    base = ("simulate", "KT-253", "--system", "plasma")
    from_words(words, 28.0, "mg").to_events().to_csv(tmp_path / "doses.csv", index=False)
    done = command(*base, "--dose", words, "--schedule", "daily")
    assert done.returncode == 1 and "leave that out" in done.stderr
    done = command("pk", "KT-253", "--dose", "4", "--schedule", "q2d over 2 h", "--days", "4",
                   "--no-plot")  # fmt: skip
    assert done.returncode == 0 and "2.0," in done.stdout
    done = command("export", "KT-253", "x.xml", "--system", "plasma", "--dose", "doses.csv")
    assert done.returncode == 0 and "infusion_degrader" in (tmp_path / "x.xml").read_text()


@pytest.mark.slow
def test_a_patient_takes_any_regimen_by_any_rule(command: Command, tmp_path: Path) -> None:
    done = command("patient", "KT-253", "--dose", "20 mg q3w over 2 h", "--days", "42",
                   "--population", "12", "--hold-rule", "platelets grade 2 leave 50%",
                   "--hold-rule", "haemoglobin 8 until 10", "--out", "o")  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = pn.patient(
        "KT-253", pn.regimen(20, "mg", "q3w", days=42, over=2.0), days=42, population=12,
        hold=[pn.hold_rule("platelets", grade=2, left=0.5), pn.hold_rule("haemoglobin", 8, 10)],
    )  # fmt: skip
    table = pd.read_csv(tmp_path / "o" / "patient.csv")
    np.testing.assert_allclose(table["rate"], found["rate"].values.ravel())
    assert set(found["given"].values) <= {50.0, 75.0, 100.0} and found["given"].min() < 100.0
    assert (tmp_path / "o" / "patient.png").exists()
