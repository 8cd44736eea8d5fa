"""Bad input: the exact error class, and a message that names the field and what to do."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import p53net as pn
from p53net import errors
from p53net.exchange import files as files_out
from p53net.figures import style
from p53net.files import write_text
from p53net.measures.curves import abundance_occupancy, escape_index, half_time
from p53net.measures.searching import effective_dose
from p53net.model import sbml, statements, tables

GRID = np.linspace(0.0, 24.0, 25)
MODEL = pn.load("KT-253")
BOTH = pn.load("milademetan", "KT-253")
PULSING = pn.load("KT-253", structure="v0.1")
"""Without a partner it pulses at values at which it rests with a capacity."""
LOOP = pn.load()
NAN, INF = math.nan, math.inf
ROW = "drug\tparameter\tvalue\tunit\tkind\tsource\tnote\n"
LINE_ROW = "cell_line\tparameter\tvalue\tunit\tkind\tsource\tnote\n"


def simulate(**changes: object) -> Callable[[Path], object]:
    arguments = {"times": GRID, "doses": {"KT-253": 10.0}} | changes
    return lambda _folder: MODEL.simulate(**arguments)  # type: ignore[arg-type]


def table(text: str, key: str = "drugs", name: str = "x") -> Callable[[Path], object]:
    def run(folder: Path) -> object:
        path = folder / "my.tsv"
        path.write_text(text, encoding="utf-8")
        if key == "drugs":
            return pn.load(name, tables={"drugs": path})
        return pn.load(cell_line=name, tables={"cell_lines": path})

    return run


def drug(rows: str) -> Callable[[Path], object]:
    return table(ROW + "x\tmechanism\tinhibitor\t\t\t\t\n" + rows)


def antimony(text: str) -> Callable[[Path], object]:
    return lambda _folder: sbml.to_sbml(text, "m")


def fragment(line: str) -> Callable[[Path], object]:
    return lambda _folder: statements.parameters_of([line])


def statement(line: str) -> Callable[[Path], object]:
    return lambda _folder: statements.refuse_unknown([line])


CASES: list[tuple[str, Callable[[Path], object], type[Exception], str]] = [
    # names
    ("drug", lambda _: pn.load("milademetn"), pn.UnknownNameError, "did you mean 'milademetan'"),
    ("drug not text", lambda _: pn.load(3), pn.UnknownNameError, "unknown drug '3'"),  # type: ignore[arg-type]
    ("empty drug", lambda _: pn.load(""), pn.UnknownNameError, "unknown drug ''"),
    ("cell line", lambda _: pn.load(cell_line="SJSA2"), pn.UnknownNameError, "cell line 'SJSA2'"),
    ("two inhibitors", lambda _: pn.load("milademetan", "idasanutlin"), pn.InputError, "both"),
    ("same drug twice", lambda _: pn.load("KT-253", "seldegamadlin"), pn.InputError, "twice"),
    ("parameter", simulate(parameters={"kdeg_MDM2": 1.0}), pn.UnknownNameError, "'k_deg_MDM2'"),
    ("parameter case", simulate(parameters={"K_deg_p53": 1}), pn.UnknownNameError, "'k_deg_p53'"),
    ("other drug's parameter", simulate(parameters={"Ki_inhibitor": 1.0}), pn.UnknownNameError,
     "parameter 'Ki_inhibitor'"),
    ("observable", simulate(observables=["p53_activ"]), pn.UnknownNameError, "'p53_active'"),
    ("no observable", simulate(observables=[]), pn.InputError, "observables is empty"),
    # doses
    ("dose NaN", simulate(doses={"KT-253": NAN}), pn.InputError, "dose of KT-253"),
    ("dose infinite", simulate(doses={"KT-253": INF}), pn.InputError, "inf, but must be finite"),
    ("dose negative", simulate(doses={"KT-253": -1.0}), pn.InputError, "-1, but must be"),
    ("dose text", simulate(doses={"KT-253": "10 nM"}), pn.InputError, "dose of KT-253"),
    ("dose none", simulate(doses={"KT-253": None}), pn.InputError, "must be a number"),
    ("dose true", simulate(doses={"KT-253": True}), pn.InputError, "must be a number"),
    ("dose array", simulate(doses={"KT-253": np.ones(3)}), pn.InputError, "must be a number"),
    ("dose complex", simulate(doses={"KT-253": 1j}), pn.InputError, "must be a number"),
    ("dose mapping", simulate(doses={"KT-253": {"nM": 1}}), pn.InputError, "must be a number"),
    ("doses not a mapping", simulate(doses=[10.0]), pn.InputError, "doses is [10.0]"),
    ("doses a number", simulate(doses=10.0), pn.InputError, "must map drug names"),
    ("drug that the model lacks", simulate(doses={"milademetan": 1.0}), pn.InputError,
     "pn.load('KT-253', 'milademetan')"),
    ("unknown dosed drug", simulate(doses={"aspirin": 1.0}), pn.UnknownNameError, "'aspirin'"),
    ("dose for the loop", lambda _: LOOP.simulate(GRID, {"KT-253": 1.0}), pn.InputError,
     "this model has no drug"),
    ("dosed twice", simulate(doses={"KT-253": 1.0, "seldegamadlin": 1.0}), pn.InputError, "twice"),
    ("dose of 401 digits", simulate(doses={"KT-253": 10**400}), pn.InputError, "dose of KT-253"),
    ("dose of a NumPy truth", simulate(doses={"KT-253": np.True_}), pn.InputError, "must be a number"),
    ("dose of NumPy text", simulate(doses={"KT-253": np.str_("10")}), pn.InputError, "must be a number"),
    ("Dose without steps", lambda _: pn.Dose(()), pn.InputError, "starts at time 0"),
    ("Dose below zero", lambda _: pn.Dose(((0.0, -5.0),)), pn.InputError, "concentration is -5"),
    ("Dose unsorted", lambda _: pn.Dose(((0, 1), (4, 2), (2, 3))), pn.InputError, "2 h follows 4 h"),
    ("Dose in no medium", lambda _: pn.Dose(((0, 1),), -1.0), pn.InputError, "medium_volume is -1"),
    ("two volumes of medium", simulate(doses={"KT-253": pn.closed_dish(1, 20)}, parameters={"medium": 50}),
     pn.InputError, "leave one out"),
    ("half a feedback", simulate(feedback=0.5), pn.InputError, "feedback is 0.5"),
    ("feedback as text", simulate(feedback="no"), pn.InputError, "feedback is 'no'"),
    ("observables a number", simulate(observables=5), pn.InputError, "observables is 5"),
    ("empty schedule", simulate(doses={"KT-253": []}), pn.InputError, "course is empty"),
    ("unsorted schedule", simulate(doses={"KT-253": [(4, 1), (0, 2)]}), pn.InputError, "rise"),
    ("two doses at one time", simulate(doses={"KT-253": [(0, 1), (0, 2)]}), pn.InputError, "rise"),
    ("schedule of triples", simulate(doses={"KT-253": [(0, 1, 2)]}), pn.InputError, "pairs"),
    ("schedule before zero", simulate(doses={"KT-253": [(-1, 1)]}), pn.InputError, "time is -1"),
    ("schedule NaN time", simulate(doses={"KT-253": [(NAN, 1)]}), pn.InputError, "time is nan"),
    ("schedule of text", lambda _: pn.course("ab"), pn.InputError, "course 'ab'"),
    ("pulse of zero hours", lambda _: pn.pulse(1.0, 0.0), pn.InputError, "hours is 0"),
    ("pulse of negative hours", lambda _: pn.pulse(1.0, -4.0), pn.InputError, "hours is -4"),
    ("pulse of NaN hours", lambda _: pn.pulse(1.0, NAN), pn.InputError, "hours is nan"),
    ("pulse start negative", lambda _: pn.pulse(1.0, 1.0, start=-1), pn.InputError, "start is -1"),
    ("pulse longer than the run", simulate(doses={"KT-253": pn.pulse(1.0, 25.0)}), pn.InputError,
     "after the run ends at 24 h"),
    ("dose after the run", simulate(doses={"KT-253": [(30, 1)]}), pn.InputError, "after the run"),
    ("closed without medium", lambda _: pn.closed_dish(1.0, 0.0), pn.InputError, "medium_volume is 0"),
    ("closed negative medium", lambda _: pn.closed_dish(1.0, -2.0), pn.InputError, "medium_volume is -2"),
    ("one dish closed", lambda _: BOTH.simulate(GRID, {"KT-253": pn.closed_dish(1), "milademetan": 1}),
     pn.InputError, "both share the medium"),
    ("pulse at rest", lambda _: MODEL.steady_state({"KT-253": pn.pulse(1, 4)}), pn.InputError,
     "needs a constant dose"),
    # parameters
    ("parameter NaN", simulate(parameters={"k_deg_p53": NAN}), pn.InputError, "k_deg_p53 is nan"),
    ("parameter infinite", simulate(parameters={"k_deg_p53": INF}), pn.InputError, "k_deg_p53 is"),
    ("parameter negative", simulate(parameters={"k_deg_p53": -1}), pn.InputError, "k_deg_p53 is -1"),
    ("parameter text", simulate(parameters={"k_deg_p53": "fast"}), pn.InputError, "k_deg_p53"),
    ("parameter none", simulate(parameters={"k_deg_p53": None}), pn.InputError, "k_deg_p53"),
    ("parameter below a fraction", simulate(parameters={"K_MDM2": 0}), pn.InputError, "K_MDM2 is 0"),
    ("no cell volume", simulate(parameters={"cell": 0.0}), pn.InputError, "cell is 0"),
    ("parameters not a mapping", simulate(parameters=[1.0]), pn.InputError, "parameters is"),
    ("feedback as a parameter", simulate(parameters={"feedback": 0}), pn.InputError, "feedback=False"),
    ("closed dish as a parameter", simulate(parameters={"closed_dish": 1}), pn.InputError, "closed"),
    # times
    ("times unsorted", simulate(times=[0, 2, 1, 24]), pn.InputError, "1 h follows 2 h"),
    ("times duplicate", simulate(times=[0, 1, 1, 24]), pn.InputError, "rise strictly"),
    ("times empty", simulate(times=[]), pn.InputError, "at least two"),
    ("times of one", simulate(times=[0.0]), pn.InputError, "at least two"),
    ("times not from zero", simulate(times=[1, 2, 24]), pn.InputError, "starts at 1 h"),
    ("times negative", simulate(times=[-1, 0, 24]), pn.InputError, "starts at -1 h"),
    ("times NaN", simulate(times=[0, NAN, 24]), pn.InputError, "NaN"),
    ("times infinite", simulate(times=[0, INF]), pn.InputError, "infinity"),
    ("times text", simulate(times=["0", "24"]), pn.InputError, "times must be numbers"),
    ("times a number", simulate(times=24.0), pn.InputError, "at least two"),
    ("times a table", simulate(times=np.zeros((3, 2))), pn.InputError, "at least two"),
    ("times ragged", simulate(times=[[0], [1, 2]]), pn.InputError, "times must be numbers"),
    ("times a set", simulate(times={0.0, 1.0}), pn.InputError, "times must be numbers"),
    ("times masked", simulate(times=np.ma.masked_less([0.0, 1.0, 2.0], 0.5)), pn.InputError, "numbers"),
    ("times none", simulate(times=None), pn.InputError, "times must be numbers"),
    ("more than a million points", simulate(times=np.arange(1_000_001.0)), pn.InputError,
     "1,000,001 points"),
    # runs
    ("integration fails", simulate(doses={"KT-253": 1e300}), pn.SimulationError, "integration failed"),
    ("untreated cell that pulses for ever",
     lambda _: PULSING.simulate(
         GRID, parameters={"k_syn_p53": 150.0, "n_MDM2": 8.5, "k_deg_MDM2_mRNA": 1.6}),
     pn.SteadyStateError, "it pulses"),
    ("no state at rest", lambda _: PULSING.steady_state({"KT-253": 12.0}, {"k_ub_MDM2": 0.0}),
     pn.SteadyStateError, "does not come to rest"),
    # escape
    ("escape without p53", lambda _: pn.escape(["KT-253"], "TP53-null"), pn.MeasureError, "no p53"),
    ("escape of nothing", lambda _: pn.escape([]), pn.InputError, "no drug is named"),
    ("escape of one drug twice", lambda _: pn.escape(["KT-253", "kt-253"]), pn.InputError, "twice"),
    ("escape to 1 fold", lambda _: pn.escape(["KT-253"], fold=1.0), pn.InputError, "fold is 1"),
    ("escape to 100 fold", lambda _: pn.escape(["KT-253"], fold=100.0), pn.MeasureError, "not 100"),
    ("escape in no time", lambda _: pn.escape(["KT-253"], hours=0.0), pn.InputError, "hours is 0"),
    ("escape pulse as long as the exposure", lambda _: pn.escape(["KT-253"], hours=4.0), pn.InputError,
     "must be shorter than hours"),
    ("escape pulse of NaN", lambda _: pn.escape(["KT-253"], pulse_hours=NAN), pn.InputError,
     "pulse_hours is nan"),
    ("index without response", lambda _: escape_index(GRID, GRID * 0, GRID * 0, 0.0),
     pn.MeasureError, "raises active p53"),
    ("half-time not reached", lambda _: half_time(GRID, GRID * 0 + 1.0, 0.0), pn.MeasureError,
     "not lost half"),
    ("half-time of nothing", lambda _: half_time(GRID, GRID * 0, 0.0), pn.MeasureError, "above"),
    ("effect at no dose", lambda _: effective_dose(lambda d: d, 1e-9, "x"), pn.MeasureError, "above"),
    ("split of nothing", lambda _: abundance_occupancy(0.0, 0.0, 1.0), pn.MeasureError, "need MDM2"),
    # files
    ("suffix", lambda f: pn.export(MODEL, f / "m.json"), pn.InputError, ".xml, .sbml, .ant, .cps"),
    ("export of a name", lambda f: pn.export("KT-253", f / "m.xml"), pn.InputError, "loaded model"),  # type: ignore[arg-type]
    ("export to nowhere", lambda _: pn.export(MODEL, None), pn.InputError, "a path"),  # type: ignore[arg-type]
    ("plot of a number", lambda _: pn.plot(5), pn.InputError, "not int"),  # type: ignore[arg-type]
    ("escape of None", lambda _: pn.escape(None), pn.InputError, "drugs is None"),  # type: ignore[arg-type]
    ("table a number", lambda _: pn.load("x", tables={"drugs": 5}), pn.TableError, "not a path"),  # type: ignore[arg-type]
    ("table with NUL", lambda _: pn.load("x", tables={"drugs": "a\0b"}), pn.TableError, "cannot read the table"),
    ("folder missing", lambda f: pn.export(MODEL, f / "no" / "m.xml"), pn.OutputError, "m.xml"),
    ("a folder as a file", lambda f: write_text(f, "x"), pn.OutputError, "cannot write"),
    ("NUL in a path", lambda f: write_text(f / "a\0b", "x"), pn.OutputError, "cannot write"),
    ("figure suffix", lambda f: style.save(pn.plot(MODEL.simulate(GRID)), f / "x.gif"),
     pn.InputError, ".png, .svg, .pdf"),
    ("figure of what has none", lambda _: pn.plot(MODEL.steady_state().expand_dims("cell")), pn.InputError,
     "time courses"),
    # tables
    ("table missing", lambda f: pn.load("x", tables={"drugs": f / "no.tsv"}), pn.TableError, "no.tsv"),
    ("table without columns", table("a\tb\n1\t2\n"), pn.TableError, "columns drug, parameter"),
    ("table not text", lambda f: ((f / "t").write_bytes(b"\xff\xfe\0"), pn.load("x", tables={"drugs": f / "t"})),
     pn.TableError, "cannot read the table"),
    ("mechanism", table(ROW + "x\tmechanism\tglue\t\t\t\t\n"), pn.TableError, "inhibitor, degrader"),
    ("no mechanism", table(ROW + "x\tKi_inhibitor\t1\tnM\tassumed\t\tn\n"), pn.TableError, "mechanism"),
    ("row parameter", drug("x\tKd_inhibitor\t1\tnM\tassumed\t\tn\n"), pn.TableError, "Ki_inhibitor"),
    ("row of the other kind", drug("x\tk_ub_MDM2\t1\tper_hour\tassumed\t\tn\n"), pn.TableError,
     "k_ub_MDM2"),
    ("row value", drug("x\tKi_inhibitor\tlow\tnM\tassumed\t\tn\n"), pn.TableError, "'low'"),
    ("row negative", drug("x\tKi_inhibitor\t-1\tnM\tassumed\t\tn\n"), pn.TableError, "'-1'"),
    ("row NaN", drug("x\tKi_inhibitor\tnan\tnM\tassumed\t\tn\n"), pn.TableError, "'nan'"),
    ("row without unit", drug("x\tKi_inhibitor\t1\t\tassumed\t\tn\n"), pn.TableError, "unit is missing"),
    ("row of a wrong unit", drug("x\tKi_inhibitor\t1\thour\tassumed\t\tn\n"), pn.TableError, "hour"),
    ("row of no unit", drug("x\tKi_inhibitor\t1\tbanana\tassumed\t\tn\n"), pn.TableError, "banana"),
    ("row of an endless unit", drug("x\tKi_inhibitor\t1\t9**9**9**9 nM\tassumed\t\tn\n"), pn.TableError,
     "is not a unit"),
    ("row of a power of a power", drug("x\tKi_inhibitor\t1\tnM**9**9**9\tassumed\t\tn\n"), pn.TableError,
     "is not a unit"),
    ("row without a word", drug("x\tKi_inhibitor\t1\tnM\tassumed\t\t\n"), pn.TableError, "comes from"),
    ("row with underscores", drug("x\tKi_inhibitor\t1_000\tnM\tassumed\t\tn\n"), pn.TableError, "1_000"),
    ("names by case", table(ROW + "x\tmechanism\tinhibitor\t\t\t\t\nX\tmechanism\tdegrader\t\t\t\t\n"),
     pn.TableError, "differ only by case"),
    ("a volume of zero", table(LINE_ROW + "x\tcell\t0\tpL\tassumed\t\tn\n", "cell"), pn.TableError,
     "cell is 0 in a table"),
    ("row kind", drug("x\tKi_inhibitor\t1\tnM\tguessed\t\tn\n"), pn.TableError, "guessed"),
    ("measured without source", drug("x\tKi_inhibitor\t1\tnM\tmeasured\t\tn\n"), pn.TableError,
     "needs a source"),
    ("row twice", drug(2 * "x\tKi_inhibitor\t1\tnM\tassumed\t\tn\n"), pn.TableError, "stands twice"),
    ("row InChIKey", drug("x\tinchikey\tABC\t\t\t\t\n"), pn.TableError, "not an InChIKey"),
    ("drug name", table(ROW + 'a"b\tmechanism\tinhibitor\t\t\t\t\n'), pn.TableError, "not a drug name"),
    ("cell line row", table(LINE_ROW + "x\tk_no\t1\tnM\tassumed\t\tn\n", "cell"), pn.TableError, "k_no"),
    # model text
    ("Antimony syntax", antimony("model *m()\nr: A => B; k*(\nend"), pn.ModelError, "cannot be read"),
    ("Antimony import", antimony('import "/etc/passwd"\nmodel *m()\nend'), pn.ModelError, "import"),
    ("NUL in Antimony", antimony("model *m()\n\0end"), pn.ModelError, "NUL"),
    ("broken SBML", lambda _: sbml.read("<sbml/>"), pn.ModelError, "cannot be read"),
    ("value without source", fragment("k = 1 per_hour  // about right"), pn.ModelError, "no source"),
    ("bare assumed", fragment("k = 1 per_hour  // assumed"), pn.ModelError, "no source"),
    ("number as hexadecimal", statement("k = 0x10 nM  // assumed: x"), pn.ModelError, "0x10"),
    ("number with a Fortran exponent", statement("k = 1d5 nM  // assumed: x"), pn.ModelError, "1d5"),
    ("number too large", fragment("k = 1e400 nM  // assumed: x"), pn.ModelError, "1e400"),
    ("several species a line", statement("species A, B in cell"), pn.ModelError, "species A, B"),
    ("an event in a fragment", statement("at time >= 0: A = 1"), pn.ModelError, "at time"),
    ("id twice", lambda _: statements.refuse_duplicates(["k = 1 nM", "k = 2 nM"]), pn.ModelError,
     "defined twice"),
    ("ids by case", lambda _: statements.refuse_duplicates(["ka = 1 nM", "Ka = 2 nM"]), pn.ModelError,
     "only by case"),
    ("reaction twice", lambda _: statements.refuse_duplicates(["r: A => ; k", "r: B => ; k"]),
     pn.ModelError, "defined twice"),
]  # fmt: skip


def test_there_are_many_cases_and_each_is_named_once() -> None:
    assert len(CASES) >= 60
    assert len({name for name, *_ in CASES}) == len(CASES)


@pytest.mark.parametrize(("call", "kind", "said"), [case[1:] for case in CASES],
                         ids=[case[0] for case in CASES])  # fmt: skip
def test_bad_input(
    call: Callable[[Path], object], kind: type[Exception], said: str, tmp_path: Path
) -> None:
    with pytest.raises(kind) as caught:
        call(tmp_path)
    assert type(caught.value) is kind
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_error_derives_from_the_base() -> None:
    kinds = [
        e
        for e in vars(errors).values()
        if isinstance(e, type) and e.__module__ == errors.__name__ and not issubclass(e, Warning)
    ]
    assert len(kinds) >= 10
    assert all(issubclass(kind, pn.P53NetError) for kind in kinds)


def test_a_missing_optional_package_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "COPASI", None)
    with pytest.raises(pn.MissingPackageError, match=r"p53net\[copasi\].*, or write \.xml"):
        files_out.export(MODEL, tmp_path / "m.cps")


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = write_text(tmp_path / "a.txt", "old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(pn.OutputError, match="No space left"):
        write_text(target, "new")
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_user_table_cannot_write_model_text(tmp_path: Path) -> None:
    """Names and units from a table never reach Antimony as text."""
    for row in ("Ki_inhibitor\t1\tnM; import\tassumed", "x = 1; y\t1\tnM\tassumed"):
        with pytest.raises(pn.TableError):
            drug(f"x\t{row}\t\tn\n")(tmp_path)
    quiet = drug('x\tKi_inhibitor\t1\tnM\tassumed\t\tnote\u2028import "/etc/passwd"\n')(tmp_path)
    assert isinstance(quiet, pn.Model)
    assert "import" not in "".join(
        line.split("//")[0] for line in quiet.definition.antimony.splitlines()
    )
    assert tables.KINDS == ("measured", "assumed", "fitted")
