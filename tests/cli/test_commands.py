"""What commands refuse, say and show: flat doses, text as written, unfinished sweeps, help."""

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from rich.console import Console

import p53net as pn
from p53net.cli import app, sweeps, terminal
from p53net.dosing.labels import labels_of
from tests.support.commands import Command, Done

FLAT = pn.regimen(25, "mg", "once")
GIVEN = {"milademetan": FLAT}
HOURS = [0.0, 1.0, 4.0]
ODD = ":100: [red]x[/red] :smile:"


def mouse(system: str) -> pn.Model:
    return pn.load("milademetan", system=system, host="mouse")


# --- mg to a mouse


@pytest.mark.parametrize(
    "dosed",
    [
        lambda _: mouse("plasma").simulate(HOURS, GIVEN),
        lambda _: mouse("tumour").simulate(HOURS, GIVEN),
        lambda _: mouse("tumour").simulate(HOURS, GIVEN, engine="batch"),
        lambda _: mouse("plasma").sbml(GIVEN),
        lambda _: pn.antimony(mouse("plasma"), GIVEN),
        lambda folder: pn.export(mouse("plasma"), folder / "x.xml", GIVEN),
        lambda _: pn.sweep(mouse("plasma"), {"milademetan": [1.0, 2.0]}, doses=GIVEN, times=HOURS,
                           measures=["peak:inhibitor_plasma"]),
        lambda _: pn.sweep(mouse("plasma"), {"CL_inhibitor": [1.0, 2.0]}, doses=GIVEN,
                           times=HOURS, measures=["peak:inhibitor_plasma"]),
        lambda _: pn.tornado(mouse("plasma"), "peak:inhibitor_plasma", doses=GIVEN, times=HOURS),
        lambda _: pn.pk("milademetan", FLAT, host="mouse"),
        lambda _: pn.xenograft("milademetan", FLAT, "ST-02-0075"),
        lambda _: pn.xenograft("milademetan", [pn.regimen(25, "mg/kg", "once"), FLAT], "RS4;11"),
    ],
)  # fmt: skip
def test_mg_to_a_mouse_is_refused(dosed: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises(pn.InputError, match=r"25 mg to a mouse of 0.02 kg is 1,250 mg/kg.*flat"):
        dosed(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        "xenograft milademetan --dose 25mg",
        "xenograft milademetan --dose 25mg --dose 25",
        "pk milademetan --dose 25mg --host BALB/c_nude",
        "simulate milademetan --dose 25mg --system tumour --host mouse",
        "export milademetan x.xml --dose milademetan=25mg --system plasma --host mouse",
        "sweep milademetan --dose 25mg --system plasma --host mouse --vary milademetan=1,2 "
        "--measure peak:inhibitor_plasma",
        "tornado milademetan --dose 25mg --system plasma --host mouse --measure fold:p53_active",
        "sobol milademetan --dose 25mg --system plasma --host mouse --vary CL_inhibitor=1:2 "
        "--vary ka_inhibitor=1:2 --measure peak:inhibitor_plasma",
    ],
)
def test_commands_refuse_mg_to_a_mouse(arguments: str, command: Command, tmp_path: Path) -> None:
    done = command(*(word.replace("_nude", " nude") for word in arguments.split()))
    assert done.returncode == 1 and done.stdout == ""
    assert "1,250 mg/kg" in done.stderr and "--flat" in done.stderr
    assert not list(tmp_path.iterdir())


def test_mg_that_is_meant_is_mg_per_kg_times_the_weight(command: Command) -> None:
    meant = pn.regimen(1, "mg", "once", allow_flat=True)
    by_weight = pn.regimen(50, "mg/kg", "once")
    model = mouse("plasma")
    runs = [model.simulate(HOURS, {"milademetan": one}) for one in (meant, by_weight)]
    np.testing.assert_allclose(*(run["inhibitor_plasma"] for run in runs), rtol=1e-6)
    curves = pn.pk("milademetan", pn.regimen(1, "mg", "once"), host="mouse", allow_flat=True)
    same = pn.pk("milademetan", by_weight, host="mouse")
    np.testing.assert_allclose(curves["plasma"], same["plasma"], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(curves["clearance"], same["clearance"], rtol=1e-6)
    swept = pn.sweep(model, {"milademetan": [1.0, 2.0]}, doses={"milademetan": meant},
                     times=HOURS, measures=["peak:inhibitor_plasma"])  # fmt: skip
    assert (swept["status"] == "ok").all()
    tumours = pn.xenograft("milademetan", [pn.regimen(1, "mg", "once")], "RS4;11", days=1,
                           allow_flat=True)  # fmt: skip
    assert list(tumours["arm"].values) == ["untreated", "1 mg once"]
    asked = "simulate milademetan --dose 1mg --flat --system plasma --host mouse --hours 4"
    assert command(*asked.split(), "--points", "3").returncode == 0
    asked = "pk milademetan --dose 1mg --schedule once --flat --host mouse --no-plot"
    assert command(*asked.split()).returncode == 0


def test_the_permission_is_no_part_of_a_dose() -> None:
    meant = pn.regimen(25, "mg", "once", allow_flat=True)
    assert meant == FLAT and hash(meant) == hash(FLAT)
    assert (meant.label, str(meant)) == (FLAT.label, str(FLAT))
    with pytest.raises(pn.InputError, match="are the same"):
        labels_of([meant, FLAT], "regimens")
    pn.load("milademetan", system="plasma").simulate(HOURS, GIVEN)  # a patient takes mg
    with pytest.raises(pn.InputError, match="allow_flat is 'no', but must be True or False"):
        pn.regimen(25, "mg", "once", allow_flat="no")  # type: ignore[arg-type]


def test_flat_is_for_bodies(command: Command) -> None:
    done = command("simulate", "milademetan", "--dose", "10", "--flat")
    assert done.returncode == 1 and "--flat are for a body" in done.stderr


# --- text as written


@pytest.mark.parametrize(
    "arguments", [("simulate", ODD), ("plot", ODD), ("list", "--tables", ODD), (ODD,)]
)
def test_errors_show_text_as_written(arguments: tuple[str, ...], command: Command) -> None:
    done = command(*arguments)
    assert done.returncode in (1, 2)
    assert ODD in done.stderr


def test_notes_show_text_as_written(command: Command, tmp_path: Path) -> None:
    done = command("export", "loop", f"{ODD.replace('/', '|')}.xml")
    assert f"wrote {ODD.replace('/', '|')}.xml" in done.stderr


def test_tables_at_a_terminal_show_text_as_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    terminal.show(pd.DataFrame({f"head {ODD}": [f"cell {ODD}"]}))
    shown = capsys.readouterr().out
    assert f"head {ODD}" in shown and f"cell {ODD}" in shown


def test_progress_shows_text_as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    at_terminal = Console(file=shown, force_terminal=True, width=200, markup=False, emoji=False)
    monkeypatch.setattr(terminal, "said", at_terminal)
    with terminal.progress() as told:
        told(ODD, 0.5)
    assert ODD in shown.getvalue()


# --- unfinished sweeps


@pytest.fixture
def interrupted(command: Command, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Done]:
    """A sweep of 6 points in chunks of 2, in the folder sw, interrupted once so many are done."""

    def run(after: int) -> Done:
        @contextlib.contextmanager
        def bar() -> Iterator[Callable[[pn.Progress], None]]:
            def tell(now: pn.Progress) -> None:
                if now.done >= after:
                    raise KeyboardInterrupt

            yield tell

        with monkeypatch.context() as patched:
            patched.setattr(sweeps, "points_bar", bar)
            done = command(
                *"sweep milademetan --vary milademetan=1,10,100 --vary k_deg_p53=0.1,0.2".split(),
                *"--measure peak:p21 --hours 5 --chunk 2 --workers 0 --out sw".split(),
            )
        assert done.returncode == 130 and "interrupted" in done.stderr
        return done

    return run


def test_an_interrupt_says_what_is_stored_only_if_something_is(
    interrupted: Callable[[int], Done], tmp_path: Path
) -> None:
    assert interrupted(0).stderr == "interrupted\n"
    assert not list((tmp_path / "sw" / "chunks").iterdir())
    assert "4 of 6 points are in sw/; --resume goes on" in interrupted(4).stderr


@pytest.mark.slow
def test_plot_of_an_unfinished_sweep_says_so_first(
    interrupted: Callable[[int], Done],
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    interrupted(4)
    done = command("plot", "sw")
    assert done.returncode == 0
    first, *others = done.stderr.splitlines()
    assert first.startswith("sw is not finished: 4 of 6 points") and "--resume" in first
    assert len(others) == 2 and all(line.startswith("wrote sw/sweep.") for line in others)
    drawn = (tmp_path / "sw" / "sweep.svg").read_text()
    assert "2 not run" in drawn

    assert command("plot", "sw", "--out", "s.svg", "--size", "slide").returncode == 0
    wide = [float((tmp_path / name).read_text().partition('<svg ')[2].partition('width="')[2]
                  .partition('pt"')[0]) for name in ("sw/sweep.svg", "s.svg")]  # fmt: skip
    assert wide[1] > 1.5 * wide[0]
    done = command("plot", "sw", "--size", "large")
    assert done.returncode == 1 and "must be one of print, slide" in done.stderr

    monkeypatch.setattr(sweeps, "read_sweep", lambda _: (_ for _ in ()).throw(pn.StoreError("x")))
    done = command("plot", "sw")
    assert done.stderr.startswith("sw is not finished") and done.returncode == 1


def test_plot_tells_damaged_chunks_from_missing_ones(
    interrupted: Callable[[int], Done], command: Command, tmp_path: Path
) -> None:
    interrupted(4)
    last = max((tmp_path / "sw" / "chunks").iterdir())
    last.write_bytes(last.read_bytes()[:-7])
    done = command("plot", "sw", "--out", "x.png")
    assert done.returncode == 0
    assert "2 points are in damaged chunks; --resume computes them again" in done.stderr


def test_plot_refuses_a_sweep_without_a_point(
    interrupted: Callable[[int], Done], command: Command, tmp_path: Path
) -> None:
    interrupted(0)
    done = command("plot", "sw")
    assert done.returncode == 1 and "no point of sw has run yet" in done.stderr
    assert "--resume" in done.stderr
    (tmp_path / "sw" / "chunks").rmdir()
    done = command("plot", "sw")
    assert done.returncode == 1 and "is not a sound sweep" in done.stderr


def test_a_finished_sweep_is_drawn_without_a_word(command: Command) -> None:
    asked = "sweep milademetan --vary milademetan=1,10 --measure peak:p21 --hours 5 --out sw"
    assert command(*asked.split()).returncode == 0
    done = command("plot", "sw", "--out", "x.png")
    assert done.returncode == 0 and done.stderr == "wrote x.png\n"


# --- units of a dish


@pytest.mark.parametrize(
    ("dose", "number"),
    [
        ("10nM", "here 10"), ("10 nM", "here 10"), ("10nm", "here 10"), ("milademetan=10nM", "10"),
        ("1e1nM", "here 10"), (".5uM", "here 500"), ("0.5 \u00b5M", "here 500"),
        ("0.5\u03bcM", "here 500"), ("1mM", "here 1000000"), ("100pM", "here 0.1"),
        ("260mg", "mg to a body"), ("50 mg/kg", "mg to a body"), ("5ng/mL", "mg to a body"),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_a_unit_in_a_dish_is_told_how_to_write_it(dose: str, number: str, command: Command) -> None:
    done = command("simulate", "milademetan", "--dose", dose)
    assert done.returncode == 1
    assert f"--dose {dose}: a dish takes nM; give nM as a plain number" in done.stderr
    assert number in done.stderr


@pytest.mark.parametrize("doses", ["1nM,10nM", "1nM:10nM:3", "1,10uM"])
def test_a_plate_takes_plain_numbers_too(doses: str, command: Command) -> None:
    done = command("assay", "caspase", "milademetan", "--concentrations", doses)
    assert done.returncode == 1 and "give nM as a plain number" in done.stderr


def test_a_unit_after_a_space_is_no_drug(command: Command) -> None:
    done = command("simulate", "milademetan", "--dose", "10", "nM")
    assert done.returncode == 1 and "write a dose as one word, --dose 10" in done.stderr


@pytest.mark.parametrize("dose", ["1e3x", "10%", "ten", "1e", "nM"])
def test_other_words_are_no_numbers(dose: str, command: Command) -> None:
    done = command("simulate", "milademetan", "--dose", dose)
    assert done.returncode == 1 and "is not a number" in done.stderr


# --- help, version, completion


def words_of_commands() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [()]
    waiting = [((), typer.main.get_command(app))]
    while waiting:
        words, one = waiting.pop()
        for name, inner in getattr(one, "commands", {}).items():
            found.append((*words, name))
            waiting.append(((*words, name), inner))
    return sorted(found)


@pytest.mark.parametrize("words", words_of_commands(), ids=" ".join)
def test_every_command_has_help_in_both_spellings(words: tuple[str, ...], command: Command) -> None:
    short, long = command(*words, "-h"), command(*words, "--help")
    assert short == long
    assert short.returncode == 0 and short.stderr == ""
    assert " ".join(["Usage: p53net", *words]) in short.stdout


def test_version_and_completion_exist(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert command("--version") == Done(0, f"p53net {version('p53net')}\n", "")
    shown = command("--help").stdout
    for option in ("--version", "--install-completion", "--show-completion"):
        assert option in shown
    monkeypatch.setenv("_P53NET_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "p53net xen")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert command().stdout.split() == ["xenograft"]
