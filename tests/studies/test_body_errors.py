"""Bad input of regimens, systems and studies: one clear error each, which says what to do."""

import math
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pytest

import p53net as pn
from p53net.dosing.regimens import regimen
from tests.support.commands import Command

GRID = np.linspace(0.0, 48.0, 49)
PLASMA = pn.load("milademetan", system="plasma")
DISH = pn.load("milademetan")
MOUSE = pn.load("milademetan", system="tumour", host="mouse")
ONCE = regimen(260, "mg", "once")
DAILY = regimen(50, "mg/kg", "daily", days=2)


def given(*args: object, **kwargs: object) -> Callable[[], object]:
    return lambda: pn.regimen(*args, **kwargs)  # type: ignore[arg-type]


def dosed(dose: object, model: pn.Model = PLASMA, **options: object) -> Callable[[], object]:
    return lambda: model.simulate(GRID, {"milademetan": dose}, **options)  # type: ignore[arg-type,dict-item]


CASES: list[tuple[str, Callable[[], object], type[Exception], str]] = [
    # regimens
    ("negative dose", given(-5, "mg", "once"), pn.InputError, "dose is -5"),
    ("dose of zero", given(0, "mg", "once"), pn.InputError, "dose is 0"),
    ("dose NaN", given(math.nan, "mg", "once"), pn.InputError, "dose is nan"),
    ("dose infinite", given(math.inf, "mg", "once"), pn.InputError, "dose is inf"),
    ("dose as text", given("260 mg", "mg", "once"), pn.InputError, "must be a number"),
    ("unknown unit", given(260, "mcg", "once"), pn.InputError, "'mcg' is not one"),
    ("nM for a body", given(260, "nM", "once"), pn.InputError, "'nM' is not one"),
    ("no schedule", given(260, "mg"), pn.InputError, "not said when"),
    ("unknown schedule", given(260, "mg", "sometimes", days=2), pn.InputError, "not understood"),
    ("days on longer than the cycle", given(260, "mg", "15/14", cycles=1), pn.InputError,
     "15 days on in a cycle of 14"),
    ("zero interval", given(260, "mg", "q0d", cycles=1), pn.InputError, "interval of 0 days"),
    ("zero cycle", given(260, "mg", "3/0", cycles=1), pn.InputError, "cycle is 0"),
    ("half a day on", given(260, "mg", "1.5/14", cycles=1), pn.InputError, "days_on is 1.5"),
    ("days_on alone", given(260, "mg", days_on=3), pn.InputError, "go together"),
    ("two schedules", given(260, "mg", "daily", days_on=3, cycle=14), pn.InputError, "one of them"),
    ("no end", given(260, "mg", "3/14"), pn.InputError, "say how often"),
    ("two ends", given(260, "mg", "3/14", cycles=2, days=28), pn.InputError, "say how often"),
    ("once, twice", given(260, "mg", "once", cycles=2), pn.InputError, "one dose"),
    ("negative days", given(260, "mg", "daily", days=-1), pn.InputError, "days is -1"),
    ("no days", given(260, "mg", "daily", days=0), pn.InputError, "days is 0"),
    ("no cycles", given(260, "mg", "3/14", cycles=0), pn.InputError, "cycles is 0"),
    ("a million doses", given(260, "mg", "daily", cycles=10**6), pn.InputError, "1,000,000 doses"),
    ("a million times", given(260, "mg", range(10**6)), pn.InputError, "more than the 10,000"),
    ("times without end", given(260, "mg", count()), pn.InputError, "more than the 10,000"),
    ("times as bytes", given(260, "mg", b"ab"), pn.InputError, "schedule is b'ab'"),
    ("cycles beyond number", given(260, "mg", "3/14", cycles=1e308), pn.InputError, "cycles is"),
    ("a cycle beyond number", given(260, "mg", "3/1e308", cycles=1), pn.InputError, "cycle is"),
    ("a Regimen of less than nothing", lambda: pn.Regimen(-260.0, "mg", (0.0,), "once"),
     pn.InputError, "dose is -260"),
    ("a Regimen in furlongs", lambda: pn.Regimen(260.0, "furlong", (0.0,), "once"),
     pn.InputError, "'furlong' is not one"),
    ("a Regimen without times", lambda: pn.Regimen(260.0, "mg", (), "once"),
     pn.InputError, "is empty"),
    ("a Regimen before the start", lambda: pn.Regimen(260.0, "mg", (-5.0,), "once"),
     pn.InputError, "dose time is -5"),
    ("times that fall", given(260, "mg", [0, 24, 12]), pn.InputError, "12 h follows 24 h"),
    ("times that repeat", given(260, "mg", [0, 24, 24]), pn.InputError, "rise strictly"),
    ("no times", given(260, "mg", []), pn.InputError, "is empty"),
    ("negative time", given(260, "mg", [-1, 24]), pn.InputError, "dose time is -1"),
    ("times as one number", given(260, "mg", 24), pn.InputError, "schedule is 24"),
    ("times and cycles", given(260, "mg", [0, 24], cycles=2), pn.InputError, "says it all"),
    ("empty form", given(260, "mg", "once", form=" "), pn.InputError, "form is"),
    # doses and systems
    ("unknown salt", dosed(regimen(260, "mg", "once", form="citrate")), pn.UnknownNameError,
     "'citrate' is not known"),
    ("nM in a body", dosed(100.0), pn.InputError, "is a concentration, but a human takes a mass"),
    ("mg in a dish", dosed(ONCE, DISH), pn.InputError, "is a mass, but cells in a dish"),
    ("a closed dish in a body", dosed(pn.closed_dish(10.0)), pn.InputError, "is a concentration"),
    ("a regimen after the end", dosed(regimen(260, "mg", "daily", days=4)), pn.InputError,
     "after the run ends at 48 h"),
    ("a bare list of doses", lambda: PLASMA.simulate(GRID, [ONCE]), pn.InputError,  # type: ignore[arg-type]
     "pn.regimen(260"),
    ("a rest of a body", lambda: MOUSE.steady_state(), pn.InputError, "model.cell.steady_state()"),
    ("unknown system", lambda: pn.load(system="liver"), pn.UnknownNameError, "system 'liver'"),
    ("unknown host", lambda: pn.load("milademetan", system="tumour", host="rat"),
     pn.UnknownNameError, "host 'rat'"),
    ("unknown strain", lambda: pn.load("milademetan", system="tumour", host="C57BL/6"),
     pn.UnknownNameError, "C57BL/6"),
    ("host of a dish", lambda: pn.load("milademetan", host="mouse"), pn.InputError, "in no body"),
    ("marrow of a mouse", lambda: pn.load("milademetan", system="marrow", host="mouse"),
     pn.InputError, "no marrow of mouse"),
    ("plasma of no drug", lambda: pn.load(system="plasma"), pn.InputError, "name one"),
    ("a drug without pharmacokinetics", lambda: pn.load("nutlin-3a", system="tumour"),
     pn.UnknownNameError, "no pharmacokinetics of nutlin-3a in human"),
    ("a volume of zero", lambda: PLASMA.simulate(GRID, {"milademetan": ONCE},
     {"V_central_inhibitor": 0.0}), pn.InputError, "divides by it"),
    ("a parameter of the dish", lambda: PLASMA.simulate(GRID, {"milademetan": ONCE},
     {"fu_medium_inhibitor": 0.1}), pn.UnknownNameError, "fu_medium_inhibitor"),
    # conversions
    ("concentration as amount", lambda: pn.convert(1.0, "nM", "mg", "milademetan"), pn.InputError,
     "one is a concentration"),
    ("unknown unit to convert", lambda: pn.convert(1.0, "nM", "furlong", "milademetan"),
     pn.InputError, "furlong"),
    ("no molar mass", lambda: pn.convert(1.0, "nM", "ng/mL", "MD-4251"), pn.UnknownNameError,
     "molar mass of MD-4251"),
    # studies
    ("no drug in an assay", lambda: pn.viability([]), pn.InputError, "no drug is named"),
    ("a drug twice", lambda: pn.viability(["KT-253", "KT-253"]), pn.InputError, "named twice"),
    ("four doses", lambda: pn.viability("KT-253", concentrations=[1, 2, 3, 4]), pn.InputError,
     "five different doses"),
    ("a dose of zero on a plate", lambda: pn.degradation("KT-253", concentrations=[0, 1, 2, 3, 4]),
     pn.InputError, "above 0"),
    ("no replicates", lambda: pn.viability("KT-253", replicates=0), pn.InputError, "replicates is 0"),
    ("negative noise", lambda: pn.viability("KT-253", noise=-0.1), pn.InputError, "noise"),
    ("noise in per cent", lambda: pn.viability("KT-253", noise=8), pn.InputError, "noise is 8"),
    ("exposure of zero", lambda: pn.caspase("KT-253", hours=0.0), pn.InputError, "above 0"),
    ("two readings of viability", lambda: pn.viability("KT-253", hours=[24, 72]),  # type: ignore[arg-type]
     pn.InputError, "read once"),
    ("pk of no regimen", lambda: pn.pk("milademetan", 260), pn.InputError, "needs a regimen"),  # type: ignore[arg-type]
    ("pk of two schedules", lambda: pn.pk("milademetan", [ONCE, regimen(60, "mg", "daily", days=2)]),
     pn.InputError, "one schedule"),
    ("pk that ends before the dose", lambda: pn.pk("milademetan", regimen(60, "mg", "daily", days=9),
     hours=24), pn.InputError, "after the last dose"),
    ("xenograft of no regimen", lambda: pn.xenograft("milademetan", 50.0, "SJSA-1"),  # type: ignore[arg-type]
     pn.InputError, "needs a regimen"),
    ("the same arm twice", lambda: pn.xenograft("milademetan", [DAILY, DAILY], "SJSA-1"),
     pn.InputError, "are the same"),
    ("a study of no days", lambda: pn.xenograft("milademetan", DAILY, "SJSA-1", days=0),
     pn.InputError, "days is 0"),
    ("a patient on nM", lambda: pn.patient("milademetan", 260.0), pn.InputError, "takes a regimen"),  # type: ignore[arg-type]
    ("nobody", lambda: pn.patient("milademetan", ONCE, population=0), pn.InputError,
     "population is 0"),
    ("too many patients", lambda: pn.patient("milademetan", ONCE, population=10**9), pn.InputError,
     "1 to 100,000"),
    ("a negative seed", lambda: pn.patient("milademetan", ONCE, population=2, seed=-1),
     pn.InputError, "seed is -1"),
    ("grade five", lambda: pn.schedules("milademetan", grade=5), pn.InputError, "grade is 5"),
    ("usual schedules of another drug", lambda: pn.schedules("KT-253"), pn.InputError,
     "only milademetan has usual schedules"),
    ("schedules in two units", lambda: pn.schedules("milademetan", [ONCE, DAILY]), pn.InputError,
     "differ in unit"),
    ("a grade of yes", lambda: pn.schedules("milademetan", grade=True), pn.InputError, "grade is True"),
    ("the same schedule twice", lambda: pn.schedules("milademetan", [ONCE, ONCE]), pn.InputError,
     "two schedules are the same"),
    ("a plate without doses", lambda: pn.viability("KT-253", concentrations=[]), pn.InputError, "is empty"),
    ("a plate without times", lambda: pn.degradation("KT-253", hours=[]), pn.InputError, "is empty"),
    ("a drug by number", lambda: pn.viability(5), pn.UnknownNameError, "unknown drug"),  # type: ignore[arg-type]
    ("a list in a list", lambda: pn.viability([["KT-253"]]), pn.UnknownNameError, "unknown drug"),  # type: ignore[list-item]
    ("a drug and its synonym", lambda: pn.degradation(["KT-253", "KT253"]), pn.InputError, "named twice"),
    ("a line and its synonym", lambda: pn.viability("KT-253", ["SJSA-1", "sjsa1"]), pn.InputError,
     "cell line is named twice"),
    ("cells without MDM2", lambda: pn.degradation("KT-253", parameters={"MDM2_gene_dose": 0.0}),
     pn.InputError, "no MDM2 to compare with"),
    ("cells without caspase", lambda: pn.caspase("KT-253", parameters={"k_act_caspase": 0.0}),
     pn.InputError, "no active caspase"),
    ("no tumour", lambda: pn.xenograft("milademetan", DAILY, "SJSA-1", parameters={"tumour_start": 0.0}),
     pn.InputError, "does not grow"),
    ("patients whose runs all fail", lambda: pn.patient(
        "milademetan", ONCE, days=2, population=4, workers=0, parameters={"n_PUMA_caspase": 500.0}),
     pn.SimulationError, "reached its end"),
    ("hours as text", lambda: pn.pk("milademetan", ONCE, hours="x"), pn.InputError, "hours"),  # type: ignore[arg-type]
    ("a system in a list", lambda: pn.load("milademetan", system=["tumour"]),  # type: ignore[arg-type]
     pn.UnknownNameError, "unknown system"),
    ("an opened loop in plasma", dosed(ONCE, feedback=False), pn.InputError, "has no loop"),
    ("a mass beyond number", lambda: pn.convert(1e308, "g", "nmol", "milademetan"), pn.InputError,
     "finite"),
    ("no schedules", lambda: pn.schedules("milademetan", []), pn.InputError, "schedules needs a regimen"),
    ("unknown block", lambda: pn.calibrate(["everything"]), pn.UnknownNameError, "'everything'"),
    # sweeps
    ("a dose axis without a regimen", lambda: pn.sweep(PLASMA, {"milademetan": [60, 260]},
     times=GRID, measures=["peak:inhibitor_plasma"]), pn.InputError, "give it a regimen"),
    ("exposure in a body", lambda: pn.sweep(PLASMA, {"exposure": [4, 8]}, times=GRID,
     doses={"milademetan": ONCE}, measures=["peak:inhibitor_plasma"]), pn.InputError,
     "vary the regimen"),
    ("a search for a dose in a body", lambda: pn.sweep(MOUSE, {"k_deg_p53": [0.1, 0.2]},
     times=GRID, doses={"milademetan": DAILY}, measures=["equal_dose:3"]), pn.InputError,
     "looks for a dose in a dish"),
    ("a search for a dose in a culture", lambda: pn.sweep(pn.load("KT-253", system="culture"),
     {"k_deg_p53": [0.1, 0.2]}, times=GRID, measures=["dose_ratio:3"]), pn.InputError,
     "looks for a dose in a dish"),
]  # fmt: skip


def test_there_are_many_cases() -> None:
    assert len(CASES) >= 60
    assert len({name for name, *_ in CASES}) == len(CASES)


@pytest.mark.parametrize(("call", "kind", "said"), [case[1:] for case in CASES],
                         ids=[case[0] for case in CASES])  # fmt: skip
def test_bad_input(call: Callable[[], object], kind: type[Exception], said: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


BOTH = (
    "nutlin-3a in mouse|CL_inhibitor|1|L_per_hour|assumed||x\n"
    "nutlin-3a in mouse|V_central_inhibitor|1|L|assumed||x\n"
)


def table(folder: Path, rows: str) -> Path:
    path = folder / "pk.tsv"
    head = "drug_in_host\tparameter\tvalue\tunit\tkind\tsource\tnote\n"
    path.write_text(head + rows.replace("|", "\t"))
    return path


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("nutlin-3a in mouse|CL_inhibitor|1|L_per_hour|assumed||x\n", "route '' is unknown"),
        ("nutlin-3a in mouse|route|rectal||assumed||x\n", "route 'rectal'"),
        (BOTH + "nutlin-3a in mouse|route|oral||||\nnutlin-3a in mouse|CL_degrader|1|L_per_hour|assumed||x\n",
         "unknown parameter 'CL_degrader'"),
        ("nutlin-3a in mouse|route|oral||||\nnutlin-3a in mouse|V_central_inhibitor|1|L|assumed||x\nnutlin-3a in mouse|CL_inhibitor|1|nM|assumed||x\n",
         "cannot be turned into L_per_hour"),
        (BOTH + "nutlin-3a in mouse|route|intravenous||||\nnutlin-3a in mouse|ka_inhibitor|1|per_hour|assumed||x\n",
         "unknown parameter 'ka_inhibitor'"),
        ("nutlin-3a in mouse|route|oral||||\nnutlin-3a in mouse|CL_inhibitor|1|L_per_hour|assumed||x\n",
         "row V_central_inhibitor is missing"),
    ],
)  # fmt: skip
def test_a_table_of_pharmacokinetics_is_checked(rows: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(pn.TableError) as caught:
        pn.load(
            "nutlin-3a",
            system="tumour",
            host="mouse",
            tables={"pharmacokinetics": table(tmp_path, rows)},
        )
    assert said in str(caught.value)


def test_own_pharmacokinetics_are_used(tmp_path: Path) -> None:
    rows = (
        "nutlin-3a in mouse|route|oral||||\n"
        "nutlin-3a in mouse|CL_inhibitor|16|mL/hour|measured|ours|\n"
        "nutlin-3a in mouse|V_central_inhibitor|20|mL|measured|ours|\n"
    )
    model = pn.load("nutlin-3a", system="plasma", host="mouse",
                    tables={"pharmacokinetics": table(tmp_path, rows)})  # fmt: skip
    values = model.definition.parameters
    assert values["CL_inhibitor"].value == pytest.approx(0.016)
    assert values["V_central_inhibitor"].value == pytest.approx(0.02)
    run = model.simulate(GRID, {"nutlin-3a": pn.regimen(50, "mg/kg", "once")})
    highest = 50.0 * 0.02 * 1e6 / 581.5 / 0.02
    assert 0.2 * highest < float(run["inhibitor_plasma"].max()) < highest


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("pk aspirin", "unknown drug"),
        ("pk milademetan --dose x", "not a dose"),
        ("pk milademetan --dose 260nM", "mg or mg/kg"),
        ("pk milademetan --schedule 15/14", "15 days on"),
        ("pk milademetan --schedule 0,12,6", "rise strictly"),
        ("xenograft milademetan --cell-line HeLa", "unknown cell line"),
        ("xenograft nutlin-3a --dose 25 --schedule daily", "no pharmacokinetics"),
        ("xenograft KT-253", "--dose is usual of milademetan alone"),
        ("patient KT-253 --dose 1mg/kg", "--schedule is usual of milademetan alone"),
        ("pk KT-253", "--dose is usual of milademetan alone"),
        ("simulate milademetan --dose 260 --schedule 3/14", "this is a dish"),
        ("export milademetan x.xml --dose 260 --days 14", "this is a dish"),
        (
            "sweep milademetan --dose 260 --schedule 3/14 --vary k_deg_p53=1:2:2 --measure peak:p21",
            "this is a dish",
        ),
        ("simulate milademetan --system tumour --dose 260 --days 14", "--schedule daily"),
        ("patient milademetan --population 0", "population is 0"),
        ("schedules milademetan --regimen often", "not understood"),
        ("assay viability KT-253 --concentrations 1:2", "low:high:count"),
        ("assay viability KT-253 --concentrations 1:10:nan", "count 2 to 1,000"),
        ("assay caspase KT-253 --concentrations 1:inf:5", "below high"),
        ("assay viability KT-253 --noise 2", "noise is 2"),
        ("assay degradation KT-253 --hours 0", "above 0"),
        ("calibrate nothing", "unknown block"),
        ("simulate milademetan --system tumour --dose 260 --pulse 4", "--schedule"),
        ("simulate milademetan --system tumour --host cat --dose 260", "unknown host"),
        ("export milademetan x.xml --system liver", "unknown system"),
    ],
)
def test_commands_refuse_in_one_line(
    arguments: str, said: str, tmp_path: Path, command: Command
) -> None:
    done = command(*arguments.split())
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert not list(tmp_path.iterdir())
