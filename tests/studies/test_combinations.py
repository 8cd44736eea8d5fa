"""Another drug beside that of a study: nothing of it changes nothing, order does not matter, single
runs of both agree, and bad input is one clear error."""

import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import p53net as pn
from tests.support.commands import Command
from tests.support.draws import drawn

A, B = "milademetan", "KT-253"
WELLS: dict[str, Any] = {"concentrations": [30.0, 100.0, 200.0, 400.0, 1000.0], "accuracy": 1e-8}
OTHERS: dict[str, Any] = {"concentrations": [0.1, 0.2, 0.4, 0.8, 1.6], "accuracy": 1e-8}
MILADEMETAN = pn.regimen(260, "mg", "3/14", days=14)
KT253 = pn.regimen(2, "mg", "q3w", days=14)
LATER = pn.regimen(2, "mg", "once").later(48)
IN_MICE = pn.regimen(50, "mg/kg", "daily", days=7)
ONCE_IN_MICE = pn.regimen(0.3, "mg/kg", "once").later(24)


@cache
def both(system: str, line: str | None = "RS4;11", host: str | None = None) -> pn.Model:
    return pn.load(A, B, cell_line=line, system=system, host=host, accuracy=1e-8)


@pytest.mark.slow
def test_nothing_of_another_drug_changes_no_assay() -> None:
    """The models of one drug and of two, in different numbers of equations, to 1e-9."""
    plate = pn.viability(A, replicates=1, beside={B: 0.0}, **WELLS)
    alone = pn.viability(A, replicates=1, **WELLS)
    np.testing.assert_allclose(plate["viability"].squeeze("beside"), alone["viability"], atol=1e-7)
    np.testing.assert_allclose(plate["beside_alone"], 100.0, atol=1e-9)
    for assay, name in ((pn.degradation, "MDM2"), (pn.caspase, "active")):
        found = assay(A, "RS4;11", hours=24.0, beside={B: [0.0]}, **WELLS)
        single = assay(A, "RS4;11", hours=24.0, **WELLS)
        np.testing.assert_allclose(found[name].squeeze("beside"), single[name], rtol=1e-7)


@pytest.mark.slow
def test_a_well_is_the_same_whichever_drug_is_named_first() -> None:
    one = pn.viability(A, replicates=1, beside={B: OTHERS["concentrations"]}, **WELLS)
    other = pn.viability(B, replicates=1, beside={A: WELLS["concentrations"]}, **OTHERS)
    mine = one["viability"].squeeze().transpose("dose", "beside")
    theirs = other["viability"].squeeze().transpose("beside", "dose")
    np.testing.assert_allclose(mine, theirs, atol=1e-5)
    alone = pn.viability(B, replicates=1, **OTHERS)["viability"]
    np.testing.assert_allclose(one["beside_alone"].squeeze(), alone.squeeze(), atol=1e-5)


@pytest.mark.slow
def test_assays_are_single_runs_of_both() -> None:
    """A degrader for a day, then the inhibitor: MDM2 and caspase of one well, at one time."""
    course = pn.pulse(0.5, hours=24)
    given = {A: [(24, 200.0)], B: course}
    options: dict[str, Any] = {"beside": {B: course}, "start": 24.0, **WELLS}
    for loop in (True, False):
        run, free = (both("dish").simulate([0.0, 48.0], doses, feedback=loop) for doses in
                     (given, None))  # fmt: skip
        found = pn.degradation(A, "RS4;11", hours=[30.0, 48.0], **options)
        well = found["MDM2"].sel(dose=200.0, hours=48.0, loop="closed" if loop else "open")
        expected = 100.0 * float(run["MDM2_total"][-1] / free["MDM2_total"][-1])
        assert float(well.squeeze()) == pytest.approx(expected, rel=1e-5)
    alone = both("culture").simulate([0.0, 48.0], {B: course}, observables=["caspase"])
    total = both("culture").definition.parameters["caspase_total"].value
    found = pn.caspase(A, "RS4;11", hours=[48.0], **options)
    share = 100.0 * float(alone["caspase"][-1]) / total
    assert float(found["beside_alone"].squeeze()) == pytest.approx(share, rel=1e-5)
    assert found["beside"].values[0] == "0.5 nM from 0 h, 0 nM from 24 h"
    assert found.attrs["start"] == 24.0 and found.attrs["beside"] == B
    assert pn.rerun(found).equals(found)


@pytest.mark.slow
def test_each_level_has_noise_of_its_own() -> None:
    found = pn.viability(A, noise=0.1, beside={B: [0.0, 1e-9]}, concentrations=[1, 2, 3, 4, 5])
    one, other = found["viability"].values
    assert abs(one - other).max() > 1.0 and found.sizes["beside"] == 2


def test_both_drugs_compete_and_nothing_is_lost() -> None:
    """One pocket and one pool of CRBN: what is bound adds up to what there is."""
    times = np.linspace(0.0, 24.0, 13)
    run = both("dish").simulate(times, {A: 200.0, B: 0.5})
    crbn = sum(run[name] for name in ("CRBN", "CRBN_degrader", "MDM2_degrader_CRBN",
                                      "MDM2_degrader_CRBN_ubiquitinated"))  # fmt: skip
    np.testing.assert_allclose(crbn, float(crbn[0]), rtol=1e-7)
    drugged = sum(run[name] for name in ("MDM2_inhibitor", "MDM2_degrader", "MDM2_degrader_CRBN",
                                         "MDM2_degrader_CRBN_ubiquitinated"))  # fmt: skip
    np.testing.assert_allclose(run["MDM2_drugged"], drugged, rtol=1e-7)
    degrader = both("dish").simulate(times, {B: 0.5})
    bound = "MDM2_degrader_CRBN"
    share, lone = (one[bound][-1] / one["MDM2_total"][-1] for one in (run, degrader))
    assert float(share) < 0.5 * float(lone)  # the inhibitor takes the pocket


@pytest.mark.slow
def test_an_equal_dose_beside_another_drug_gives_the_fold() -> None:
    found = pn.escape([A], "RS4;11", beside={B: 0.02})
    dose = float(found["equal_dose"].squeeze())
    run = both("dish").simulate([0.0, 24.0], {A: dose, B: 0.02}, observables=["p53_active"])
    free = both("dish").steady_state()["p53_active"]
    assert float(run["p53_active"][-1] / free) == pytest.approx(3.0, rel=1e-5)
    rest = float(found["resting_dose_closed"].sel(fold=3.0).squeeze())
    state = both("dish").steady_state({A: rest, B: 0.02})["p53_active"]
    assert float(state / free) == pytest.approx(3.0, rel=1e-5)
    assert np.isnan(found["destroyed_per_drug"]).all()  # what is destroyed is the other's work
    assert found.attrs["beside_dose"] == 0.02 and pn.rerun(found).equals(found)
    pn.plot(found)


@pytest.mark.slow
def test_nothing_of_another_drug_changes_no_escape() -> None:
    found, alone = (pn.escape([A], beside=beside) for beside in ({B: 0.0}, None))
    for name in ("equal_dose", "dose_ratio", "rebound", "closed_dish_dose", "escape_index"):
        np.testing.assert_allclose(found[name], alone[name], rtol=1e-5, atol=1e-8, err_msg=name)


@pytest.mark.slow
def test_plasma_of_both_is_that_of_each() -> None:
    found = pn.pk(A, MILADEMETAN, hours=400.0, beside={B: LATER}, accuracy=1e-8)
    one = pn.pk(A, MILADEMETAN, hours=400.0, accuracy=1e-8)
    other = pn.pk(B, LATER, hours=400.0, accuracy=1e-8)
    np.testing.assert_allclose(found["plasma"], one["plasma"], atol=1e-8 * float(one["cmax"].max()))
    same = np.isin(np.round(found["time"], 9), np.round(other["time"], 9))
    np.testing.assert_allclose(
        found["beside_plasma"].values[:, same],
        other["plasma"].sel(time=found["time"].values[same], method="nearest"),
        atol=1e-7 * float(other["plasma"].max()),
    )
    assert found.attrs["beside_regimen"] == LATER.label
    pn.plot(found)


@pytest.mark.slow
def test_arms_of_mice_are_each_alone_and_both() -> None:
    options: dict[str, Any] = {"cell_line": "RS4;11", "days": 7, "accuracy": 1e-8}
    found = pn.xenograft(A, IN_MICE, beside={B: ONCE_IN_MICE}, **options)
    label = f"{B} {ONCE_IN_MICE.label}"
    assert found["arm"].values.tolist() == [
        "untreated", label, IN_MICE.label, f"{IN_MICE.label} + {label}"
    ]  # fmt: skip
    for drug, regimen, arm in ((A, IN_MICE, IN_MICE.label), (B, ONCE_IN_MICE, label)):
        alone = pn.xenograft(drug, regimen, **options)
        assert float(found["tgi"].sel(arm=arm)) == pytest.approx(float(alone["tgi"][1]), rel=1e-6)
    given = {A: IN_MICE, B: ONCE_IN_MICE}
    model = both("tumour", "RS4;11", "mouse")
    run = model.simulate([0.0, 7 * 24.0], given, observables=["tumour_volume"])
    assert float(found["tumour_volume"][-1, -1]) == pytest.approx(
        float(run["tumour_volume"][-1]), rel=1e-6
    )
    pn.plot(found)


@pytest.mark.slow
def test_a_patient_of_both_is_a_run_of_both_in_any_order() -> None:
    found = pn.patient(A, MILADEMETAN, days=14, beside={B: LATER})
    other = pn.patient(B, LATER, days=14, beside={A: MILADEMETAN})
    run = both("marrow", None).simulate(
        found["time"].values, {A: MILADEMETAN, B: LATER}, observables=["platelets"]
    )
    np.testing.assert_allclose(found["platelets"], run["platelets"], rtol=1e-5)
    for name, same in (("platelets", "platelets"), ("tumour_volume", "tumour_volume"),
                       ("plasma", "beside_plasma"), ("beside_plasma", "plasma")):  # fmt: skip
        most = float(found[name].max())
        np.testing.assert_allclose(found[name], other[same], atol=1e-5 * most, err_msg=name)
    alone = [pn.patient(*one, days=14)["platelets"].min() for one in ((A, MILADEMETAN), (B, LATER))]
    assert float(found["platelets"].min()) < float(min(alone))
    assert pn.rerun(found).equals(found)
    pn.plot(found)


@pytest.mark.slow
def test_what_is_held_is_both() -> None:
    later = pn.regimen(20, "mg", [0.0, 240.0])
    rules = [pn.hold_rule("neutrophils", 1.5, 1.6, left=0.5)]
    options: dict[str, Any] = {"days": 28, "population": 12, "beside": {B: later}}
    long = pn.regimen(260, "mg", "3/14", days=28)
    found = pn.patient(A, long, hold=rules, **options)
    free = pn.patient(A, long, **options)
    for name in ("given", "beside_given"):
        assert (found[name] <= 100.0).all() and (found[name] < 100.0).any(), name
    counts = ("lowest", {"toxicity": "neutropenia"})
    assert float(found[counts[0]].sel(counts[1]).sum()) >= float(
        free[counts[0]].sel(counts[1]).sum()
    )
    pn.plot(found)


@pytest.mark.slow
def test_schedules_are_given_beside_each_other() -> None:
    options: dict[str, Any] = {"days": 14, "population": 8}
    halved = MILADEMETAN.scaled(0.5)
    found = pn.schedules(A, [MILADEMETAN, halved], beside={B: [None, KT253]}, **options)
    assert found["regimen"].values.tolist() == [
        MILADEMETAN.label, halved.label, f"{MILADEMETAN.label} + {B} {KT253.label}",
        f"{halved.label} + {B} {KT253.label}",
    ]  # fmt: skip
    assert found["beside_dose_28_days"].values.tolist() == [0.0, 0.0, 2.0, 2.0]
    alone = pn.schedules(A, [MILADEMETAN, halved], **options)
    np.testing.assert_allclose(found["tgi"][:2], alone["tgi"], rtol=1e-4)
    np.testing.assert_array_equal(found["rate"][:2], alone["rate"])
    one = pn.patient(A, MILADEMETAN, beside={B: KT253}, **options)
    grade3 = found["rate"].sel(toxicity="thrombocytopenia")[2]
    assert float(grade3) == float(one["rate"].sel(toxicity="thrombocytopenia", grade=3))
    pn.plot(found)


@pytest.mark.slow
def test_every_study_of_both_takes_an_ensemble() -> None:
    draws = drawn(2, structures=("default",))
    found: dict[str, Any] = {
        "dc50": pn.degradation(B, "RS4;11", beside={A: 10.0}, ensemble=draws)["beside_alone"],
        "ic50": pn.viability(A, beside={B: [0.1]}, ensemble=draws)["beside_alone"],
        "active": pn.caspase(A, "RS4;11", hours=24, beside={B: 0.1}, ensemble=draws)["active"],
        "dose": pn.escape([A], beside={B: 0.02}, ensemble=draws)["equal_dose"],
        "cmax": pn.pk(A, MILADEMETAN, beside={B: KT253}, ensemble=draws)["beside_plasma"],
        "tgi": pn.xenograft(A, IN_MICE, "RS4;11", days=7, beside={B: ONCE_IN_MICE}, ensemble=draws)[
            "tgi"
        ],
        "counts": pn.patient(A, MILADEMETAN, days=14, beside={B: KT253}, ensemble=draws)[
            "platelets"
        ],
        "rate": pn.schedules(
            A, [MILADEMETAN], days=14, population=4, beside={B: KT253}, ensemble=draws
        )["tgi"],
    }
    for name, one in found.items():
        assert one.sizes["quantile"] == 5 and np.isfinite(one).any(), name


COMMANDS = {
    "viability": "assay viability milademetan --cell-line RS4;11 --beside KT-253=0,0.3",
    "degradation": "assay degradation milademetan --beside KT-253=0.3 --beside-hours 12 --start 12 "
    "--hours 24",
    "caspase": "assay caspase milademetan --hours 24 --beside KT-253=0.1:1:3",
    "escape": "escape milademetan --beside KT-253=0.02 --ensemble none",
    "pk": "pk milademetan --dose 260 --beside KT-253=2_mg_once_over_2_h",
    "xenograft": "xenograft milademetan --dose 50 --days 7 --beside KT-253=0.3_mg/kg_once_from_1_d",
    "patient": "patient milademetan --dose 260 --days 14 --beside KT-253=2_mg_once_from_3_d",
    "schedules": "schedules milademetan --regimen 260_mg_3/14 --days 14 --population 4 "
    "--beside KT-253=none --beside KT-253=2_mg_once",
}  # fmt: skip


@pytest.mark.parametrize("study", COMMANDS)
@pytest.mark.slow
def test_commands_take_another_drug(study: str, command: Command, tmp_path: Path) -> None:
    words = [word.replace("_", " ") for word in COMMANDS[study].split()]
    done = command(*words, "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    made = pn.record(tmp_path / "out" / f"{study}.json")
    assert made["arguments"]["beside"]["mapping"][0][0] == "KT-253"
    assert (tmp_path / "out" / f"{study}.png").is_file()


def plate(**options: object) -> pn.InputError | None:
    return pn.viability(A, **{"concentrations": WELLS["concentrations"], **options})  # type: ignore[arg-type,return-value]


BAD: dict[str, tuple[Any, type[Exception], str]] = {
    "a name alone": (lambda: plate(beside="KT-253"), pn.InputError, "must map one drug"),
    "nobody": (lambda: plate(beside={}), pn.InputError, "must map one drug"),
    "two": (lambda: plate(beside={B: 1, "MD-224": 1}), pn.InputError, "must map one drug"),
    "unknown": (lambda: plate(beside={"KT-252": 1}), pn.UnknownNameError, "KT-253"),
    "itself": (lambda: plate(beside={"DS-3032b": 1}), pn.InputError, "beside itself"),
    "same mechanism": (lambda: plate(beside={"nutlin-3a": 1}), pn.InputError, "both inhibitors"),
    "no level": (lambda: plate(beside={B: []}), pn.InputError, "0 levels of KT-253"),
    "many levels": (lambda: plate(beside={B: range(101)}), pn.InputError, "101 levels"),
    "a level twice": (lambda: plate(beside={B: [1, 1.0]}), pn.InputError, "twice"),
    "negative": (lambda: plate(beside={B: -1}), pn.InputError, "dose of KT-253 in beside"),
    "NaN": (lambda: plate(beside={B: [math.nan]}), pn.InputError, "concentration is nan"),
    "text": (lambda: plate(beside={B: "1 nM"}), pn.InputError, "must be a number"),
    "a mass": (lambda: plate(beside={B: KT253}), pn.InputError, "is a mass"),
    "pairs": (lambda: plate(beside={B: [(0, 1), (4, 0)]}), pn.InputError, "pn.course"),
    "closed": (lambda: plate(beside={B: pn.closed_dish(1)}), pn.InputError, "closed dish"),
    "late": (lambda: plate(beside={B: pn.pulse(1, 80)}), pn.InputError, "changes at 80 h"),
    "start alone": (lambda: plate(start=4), pn.InputError, "follows another"),
    "start after": (lambda: plate(beside={B: 1}, start=72), pn.InputError, "start is 72 h"),
    "start NaN": (lambda: plate(beside={B: 1}, start=math.nan), pn.InputError, "start is nan"),
    "escape of levels": (lambda: pn.escape([A], beside={B: [0, 1]}), pn.InputError, "one constant"),
    "escape of a pulse": (lambda: pn.escape([A], beside={B: pn.pulse(1, 4)}), pn.InputError,
                          "one constant"),
    "escape of itself": (lambda: pn.escape([A, B], beside={B: 1}), pn.InputError, "beside itself"),
    "escape at the fold": (lambda: pn.escape([A], beside={B: 5}), pn.MeasureError, "already at"),
    "nM into a body": (lambda: pn.patient(A, MILADEMETAN, beside={B: 10}), pn.InputError,
                       "is no regimen"),
    "two regimens": (lambda: pn.patient(A, MILADEMETAN, beside={B: [KT253, LATER]}), pn.InputError,
                     "takes one"),
    "no regimen": (lambda: pn.pk(A, MILADEMETAN, beside={B: None}), pn.InputError, "no regimen of"),
    "a regimen twice": (lambda: pn.schedules(A, [MILADEMETAN], beside={B: [KT253, KT253]}),
                        pn.InputError, "twice"),
    "two units": (lambda: pn.schedules(A, [MILADEMETAN], beside={B: [KT253, ONCE_IN_MICE]}),
                  pn.InputError, "differ in unit"),
    "mg in mice": (lambda: pn.xenograft(A, IN_MICE, "RS4;11", beside={B: KT253}), pn.InputError,
                   "mg/kg"),
    "after the end": (lambda: pn.patient(A, MILADEMETAN, days=14, beside={B: LATER.later(400)}),
                      pn.InputError, "after the run ends"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error(case: str) -> None:
    call, kind, said = BAD[case]
    with pytest.raises(kind, match=said):
        call()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["assay", "viability", A, "--beside", "KT-253"], "is not DRUG=DOSE"),
        (["assay", "viability", A, "--beside", "=1"], "is not DRUG=DOSE"),
        (["assay", "viability", A, "--beside", "KT-253=1 uM"], "a dish takes nM"),
        (["assay", "viability", A, "--beside", "KT-253=1:2"], "low:high:count"),
        (["assay", "viability", A, "--beside-hours", "4"], "about another drug"),
        (["patient", A, "--beside", "KT-253=10"], "10"),
        (["schedules", A, "--beside", "KT-253=none", "--beside", "MD-224=1 mg once"], "two drugs"),
    ],
)
def test_bad_options_are_one_clear_line(words: list[str], said: str, command: Command) -> None:
    done = command(*words)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("error: ") and said in done.stderr
