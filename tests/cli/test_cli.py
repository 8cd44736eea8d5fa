"""The command line from end to end, in processes of its own, as a user runs it. Lists of refusals
are run in this one, where each takes a tenth of the time."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import p53net as pn
from p53net.exchange.files import SHIPPED
from tests.support.commands import Command

pytestmark = pytest.mark.slow  # processes of their own


def p53net(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "p53net", *arguments],
        capture_output=True,
        encoding="utf-8",
        check=False,
        cwd=cwd,
        env={**__import__("os").environ, "COLUMNS": "100", "NO_COLOR": "1"},
    )


def csv(done: subprocess.CompletedProcess[str]) -> pd.DataFrame:
    assert done.returncode == 0, done.stderr
    return pd.read_csv(io.StringIO(done.stdout))


def test_simulate_prints_what_python_gives(tmp_path: Path) -> None:
    options = "--dose 10 --hours 24 --points 49 --pulse 4 --cell-line RS4;11 --set k_deg_p53=0.1"
    table = csv(p53net("simulate", "KT-253", *options.split()))
    run = pn.load("KT-253", cell_line="RS4;11").simulate(
        np.linspace(0, 24, 49), {"KT-253": pn.pulse(10.0, 4.0)}, {"k_deg_p53": 0.1}
    )
    assert list(table.columns) == ["time", *run.data_vars]
    np.testing.assert_array_equal(table["p53_active"], run["p53_active"])


def test_simulate_writes_files(tmp_path: Path) -> None:
    done = p53net("simulate", "milademetan", "KT-253", "--dose", "milademetan=100", "--dose",
                  "seldegamadlin=1", "--closed", "20", "--open-loop", "--out", "x.csv", "--plot",
                  "x.png", cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert len(pd.read_csv(tmp_path / "x.csv")) == 145
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def test_damage_pulses_without_a_drug() -> None:
    table = csv(p53net("simulate", "--set", "DSB=1", "--hours", "40"))
    p53 = table["p53_total"].to_numpy()
    peaks = np.flatnonzero((p53[1:-1] > p53[:-2]) & (p53[1:-1] > p53[2:]))
    assert len(peaks) >= 2


def test_escape_writes_everything(tmp_path: Path) -> None:
    done = p53net("escape", "nutlin-3a", "MD-224", "--out", "found/here", "--ensemble", "none",
                  cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    folder = tmp_path / "found" / "here"
    assert {p.name for p in folder.iterdir()} == {
        "escape.csv", "escape.json", "escape.png", "escape.svg", "summary.txt"
    }  # fmt: skip
    assert "What does not differ" in done.stderr
    table = pd.read_csv(folder / "escape.csv")
    assert set(table["drug"]) == {"nutlin-3a", "MD-224", "MD-224 (non-catalytic twin)"}
    record = json.loads((folder / "escape.json").read_text())
    assert record["call"] == "escape" and record["arguments"]["pulse_hours"] == 4.0
    assert b"<svg" in (folder / "escape.svg").read_bytes()[:600]


def test_escape_without_a_figure_and_without_a_degrader(tmp_path: Path) -> None:
    done = p53net("escape", "siremadlin", "--hours", "12", "--pulse", "2", "--no-plot",
                  "--cell-line", "RS4;11", "--ensemble", "none", cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    names = {p.name for p in (tmp_path / "escape").iterdir()}
    assert names == {"escape.csv", "escape.json", "summary.txt"}


def test_list_names_all_that_can_be_named() -> None:
    table = csv(p53net("list"))
    assert set(table["kind"]) == {
        "drug", "cell line", "system", "host", "observable", "measure"
    }  # fmt: skip
    named = table[table["kind"] == "observable"].set_index("name")["unit"]
    assert set(pn.OBSERVABLES) < set(named.index)
    assert (named[list(pn.OBSERVABLES)] == "nM").all()
    assert named["platelets"] == "1e9/L" and named["tumour_volume"] == "mm3"


@pytest.mark.parametrize("name", ["both.xml", "both.ant", "both.cps", "both.sbml"])
def test_export(name: str, tmp_path: Path, command: Command) -> None:
    if name.endswith(".cps"):
        pytest.importorskip("COPASI")
    done = command("export", "milademetan+KT-253", name, "--dose", "KT-253=1")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / name).stat().st_size > 5_000


def test_export_of_the_loop_alone(tmp_path: Path) -> None:
    assert p53net("export", "loop", "loop.xml", cwd=tmp_path).returncode == 0
    assert "MDM2_p53" in (tmp_path / "loop.xml").read_text()


def test_check_finds_nothing_in_the_shipped_models() -> None:
    done = p53net("check")
    assert done.returncode == 0, done.stdout
    assert done.stdout == "model,check,subject,message\n"
    assert done.stderr.count("no findings") == len(SHIPPED)


def test_doctor_looks_at_the_installation() -> None:
    table = csv(p53net("doctor")).set_index("item")
    assert table.loc["tellurium imports", "status"] == "ok"
    assert table.loc["engine runs", "status"] == "ok"
    assert table.loc["batch engine runs", "status"] == "ok"
    assert table.loc["libroadrunner", "found"]


def test_build_writes_the_shipped_models(tmp_path: Path) -> None:
    assert p53net("build", "out", cwd=tmp_path).returncode == 0
    assert len(list((tmp_path / "out").iterdir())) == 2 * len(SHIPPED)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["simulate", "KT25"], "did you mean"),
        (["simulate", "KT-253", "--dose", "nan"], "nan, but must be finite"),
        (["simulate", "KT-253", "--dose", "ten"], "'ten' is not a number"),
        (["simulate", "KT-253", "--dose", "a=1"], "unknown drug 'a'"),
        (["simulate", "--dose", "1"], "does not say of which drug"),
        (["simulate", "KT-253", "--pulse", "4"], "need a --dose"),
        (["simulate", "KT-253", "--dose", "1", "--pulse", "4", "--closed", "9"], "exclude"),
        (["simulate", "KT-253", "--dose", "1", "--dose", "2"], "twice"),
        (["simulate", "KT-253", "--dose", "1", "--pulse", "100"], "after the run ends"),
        (["simulate", "--hours", "0"], "hours is 0"),
        (["simulate", "--hours", "-3"], "hours is -3"),
        (["simulate", "--hours", "inf"], "hours is inf"),
        (["simulate", "--points", "1"], "points is 1"),
        (["simulate", "--points", "2000000"], "2,000,000"),
        (["simulate", "--set", "DSB"], "not id=value"),
        (["simulate", "--set", "DSB=x"], "'x' is not a number"),
        (["simulate", "--set", "DSB=1", "--set", "DSB=2"], "twice"),
        (["simulate", "--set", "nothing=1"], "unknown parameter"),
        (["simulate", "--out", "/nowhere/x.csv"], "cannot write"),
        (["simulate", "--plot", "x.doc"], "end the name in .png"),
        (["simulate", "--cell-line", "HeLa"], "unknown cell line"),
        (["escape", "--cell-line", "TP53-null", "--no-plot"], "no p53"),
        (["escape", "--out", "/proc/nothing"], "cannot make the folder"),
        (["export", "KT-253", "x.txt"], "end the name in"),
        (["export", "KT-253+MD-224", "x.xml"], "are both degraders"),
        (["check", "aspirin"], "unknown drug"),
        (["simulate", "KT-253", "--dose", "1_0"], "not a number"),
        (["simulate", "KT-253", "--dose", "=5"], "names no drug"),
    ],
)
def test_errors_are_one_line_on_stderr(arguments: list[str], said: str, command: Command) -> None:
    done = command(*arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_option_exits_with_2() -> None:
    assert p53net("simulate", "--nonsense").returncode == 2


def test_help_names_every_command() -> None:
    done = p53net("--help")
    assert done.returncode == 0
    for command in ("list", "simulate", "escape", "export", "check", "doctor", "build", "validate"):
        assert command in done.stdout


def test_figures_of_another_run_do_not_stay(tmp_path: Path) -> None:
    folder = tmp_path / "escape"
    folder.mkdir()
    for name in ("escape.png", "mine.txt"):
        (folder / name).write_text("old")
    done = p53net("escape", "milademetan", "--no-plot", "--ensemble", "none", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not (folder / "escape.png").exists()
    assert (folder / "mine.txt").read_text() == "old"
    assert "wrote escape.csv, escape.json, summary.txt to escape/" in done.stderr


def test_a_refused_study_leaves_no_folder(tmp_path: Path) -> None:
    assert p53net("escape", "--cell-line", "TP53-null", cwd=tmp_path).returncode == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("where", [">&-", "> /dev/full"])
def test_a_stdout_that_cannot_be_written_is_one_error(where: str) -> None:
    line = f"{sys.executable} -m p53net list {where}"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_closed_pipe_is_not_a_traceback() -> None:
    line = f"{sys.executable} -m p53net simulate --points 20000 | head -n 1"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("time,")
    assert "Traceback" not in done.stderr


def test_a_sweep_is_stored_resumed_and_drawn(tmp_path: Path) -> None:
    asked = "sweep milademetan --vary milademetan=1:1e3:4:log --vary k_deg_p53=0.1,0.4 --hours 24"
    asked += " --times 49 --measure peak:p53_active --measure rebound --chunk 3 --out s"
    done = p53net(*asked.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "8 points: 8 measure undefined" in done.stderr
    assert "no washout" in done.stderr
    assert done.stdout == ""
    chunks = sorted((tmp_path / "s" / "chunks").iterdir())
    assert len(chunks) == 3
    again = p53net(*asked.split(), cwd=tmp_path)
    assert again.returncode == 1 and "holds a sweep already" in again.stderr
    chunks[1].write_bytes(chunks[1].read_bytes()[:-7])
    resumed = p53net(*asked.split(), "--resume", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert "1 damaged chunk" in resumed.stderr
    drawn = p53net("plot", "s", cwd=tmp_path)
    assert drawn.returncode == 0, drawn.stderr
    assert (tmp_path / "s" / "sweep.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "s" / "sweep.svg").read_text().startswith("<?xml")
    lines = p53net("plot", "s", "--y", "peak_p53_active", "--at", "k_deg_p53=0.1", "--out", "l.png",
                   cwd=tmp_path)  # fmt: skip
    assert lines.returncode == 0, lines.stderr


def test_a_random_sweep_from_a_table_and_on_workers(tmp_path: Path) -> None:
    pd.DataFrame({"KT-253": [1.0, 10.0], "CRBN_of_line": [13.0, 50.0]}).to_csv(
        tmp_path / "points.csv", index=False
    )
    asked = "sweep KT-253 --table points.csv --measure fold:MDM2_total --out t --workers 1"
    done = p53net(*asked.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    asked = "sweep KT-253 --vary KT-253=1:100:log --design sobol --points 4 --seed 3 --out r"
    done = p53net(*asked.split(), "--measure", "fold:MDM2_total", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert pn.read_sweep(tmp_path / "r")["MDM2_total_fold"].shape == (4,)


def test_tornado_and_sobol_print_tables(tmp_path: Path) -> None:
    table = csv(p53net("tornado", "milademetan", "--dose", "100", "--measure", "escape_index",
                       "--parameter", "k_deg_p53", "--parameter", "milademetan", "--hours", "24",
                       "--plot", "t.png", cwd=tmp_path))  # fmt: skip
    assert set(table["parameter"]) == {"k_deg_p53", "milademetan"}
    assert (table["down_status"] == "ok").all()
    assert (tmp_path / "t.png").exists()
    table = csv(p53net("sobol", "milademetan", "--dose", "100", "--vary", "k_deg_p53=0.1:0.5:log",
                       "--vary", "K_MDM2=50:200", "--points", "8", "--plot", "s.svg",
                       cwd=tmp_path))  # fmt: skip
    assert list(table.columns) == ["parameter", "S1", "ST", "S1_conf", "ST_conf", "measure"]


def test_slopes_are_printed_and_stored(tmp_path: Path) -> None:
    table = csv(p53net("tornado", "milademetan", "--dose", "100", "--local", "--parameter",
                       "k_deg_p53", "--hours", "24", cwd=tmp_path))  # fmt: skip
    doses = {"milademetan": 100.0}
    times = np.linspace(0.0, 24.0, 145)
    found = pn.load("milademetan").gradient(
        ["peak:p53_active"], ["k_deg_p53"], times=times, doses=doses, scaled=True
    )
    assert table["control"].to_list() == pytest.approx([float(found["slope"][0, 0])])
    assert "control" not in csv(p53net("tornado", "milademetan", "--dose", "100", "--parameter",
                                       "k_deg_p53", "--hours", "6", cwd=tmp_path))  # fmt: skip
    asked = "sweep milademetan --vary milademetan=10,100 --gradient k_deg_p53 --out r --hours 24"
    done = p53net(*asked.split(), "--measure", "peak:p53_active", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert pn.read_sweep(tmp_path / "r")["d_peak_p53_active_d_k_deg_p53"].shape == (2,)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("sweep milademetan --vary milademetan=1,2 --measure peak:p21 --gradient nothing",
         "unknown parameter 'nothing'"),
        ("sweep milademetan --measure peak:p21", "--vary"),
        ("sweep milademetan --vary milademetan --measure peak:p21", "NAME=values"),
        ("sweep milademetan --vary milademetan=0:10:5:log --measure peak:p21", "cannot start at 0"),
        ("sweep milademetan --vary milademetan=1:10:2.5 --measure peak:p21", "count is 2.5"),
        ("sweep milademetan --vary milademetan=a:10:5 --measure peak:p21", "not a number"),
        ("sweep milademetan --vary milademetan=1:2:3:4 --measure peak:p21", "low:high:count"),
        ("sweep milademetan --vary milademetan=1 --vary milademetan=3 --measure fold:p21", "twice"),
        ("sweep milademetan --vary milademetan=1:9 --measure peak:p21", "whole number"),
        ("sweep milademetan --vary milademetan=1,2", "nothing would be kept"),
        ("sweep milademetan --vary milademetan=1,2 --measure peak:p21 --scheduler tcp://127.0.0.1:1",
         "no scheduler answers"),
        ("sweep milademetan --vary milademetan=1:2:nan --measure peak:p21", "count is nan"),
        ("sobol milademetan --vary k_deg_p53=0.1:1 --vary K_MDM2=1:2 --seed -1", "seed is -1"),
        ("sobol milademetan --vary k_deg_p53=0.1:1 --vary K_MDM2=1:2 --points 1125899906842624",
         "too many"),
        ("plot nowhere", "holds no sweep"),
        ("sobol milademetan --vary k_deg_p53=0.1:1:5 --vary K_MDM2=1:2", "without a count"),
        ("tornado milademetan --parameter nothing", "parameter that can be scaled"),
    ],
)  # fmt: skip
def test_sweeps_refuse_in_one_line(
    arguments: str, said: str, tmp_path: Path, command: Command
) -> None:
    done = command(*arguments.split())
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir()) or "scheduler" in arguments
