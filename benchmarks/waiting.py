"""How fast is what one waits for: processor seconds of studies, sweeps and commands, as a page.

    python -m benchmarks.waiting [NAME ...] [--before PYTHON] [--rounds 4]

Each line is measured in new processes, one for each round. The first compiles, and is not counted
where there are others; the page has medians. Seconds are of all cores and processes together.
`--before` is the Python of an environment with an older commit of p53net; old and new take turns.
Without it the column stays as it was. Only lines that are named are measured again: numbers are in
`docs/waiting.tsv`, and the page is written from them.
"""

import argparse
import csv
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.sweep import machine

DOCS = Path(__file__).parents[1] / "docs"
NUMBERS, PAGE = DOCS / "waiting.tsv", DOCS / "waiting.md"
BEFORE = "e785d88"  # the commit that `--before` is taken to be


class Wait(NamedTuple):
    """What is waited for."""

    label: str
    setup: str
    statement: str
    warm: int = 0
    """How often it is done, after a first time that is not counted; 0 counts the first."""
    before: str = ""
    """The statement of the older commit, where it cannot be told the same."""
    share: float = 1.0
    """Of the work, that the older commit is given; its seconds are scaled up."""
    count: int = 0
    """Of runs, where the page says how many a second makes."""


CHILD = """
import os, resource, sys, time
setup, statement, warm = sys.argv[1], sys.argv[2], int(sys.argv[3])
def now():
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime
space = {}
exec(setup, space)
if warm:
    exec(statement, space)
start = now()
for _ in range(max(1, warm)):
    exec(statement, space)
print("", (now() - start) / max(1, warm), sep="\\n")
"""
"""Prints the seconds last."""

LOAD = "import p53net as pn\n"
CORE = ("k_syn_p53", "k_deg_p53", "k_transcr_MDM2_P2", "k_transl_MDM2", "k_deg_MDM2", "K_MDM2")
AXES = f"""
def axes(model, **doses):
    known = {{name: model.parameters.set_index("id")["value"][name] for name in {CORE}}}
    return {{n: pn.log_uniform(x / 3, 3 * x) for n, x in (known | doses).items()}}
"""
SWEEP = f"""{LOAD}{AXES}
model = pn.load("milademetan", "KT-253")
varied = axes(model, **{{"milademetan": 100.0, "KT-253": 1.0}})
def sweep(points):
    measures = ["peak:p53_active", "auc:MDM2_total"]
    pn.sweep(model, varied, points=points, design="sobol", measures=measures)
"""
RATIOS = f"""{LOAD}{AXES}
def ratios(cells):
    for drug in ("milademetan", "KT-253"):
        model = pn.load(drug)
        varied = axes(model)
        options = {{"measures": ["dose_ratio:3"], "doses": {{drug: 10.0}}}}
        pn.sweep(model, varied, points=cells, design="sobol", **options)
"""
PATIENTS = f"""{LOAD}
import numpy as np
from p53net.studies.body.population import patients
model = pn.load("milademetan", system="marrow", host="human")
known = model.parameters.set_index("id")["value"].to_dict()
def counts(number, **options):
    drawn = patients(known, number, 1)
    table = drawn[[name for name in drawn if name in known]]
    given = {{"milademetan": pn.regimen(260.0, "mg", "3/14", days=56.0)}}
    measures = [f"lowest:{{name}}" for name in ("platelets", "neutrophils", "haemoglobin")]
    times = np.arange(0.0, 56 * 24.0 + 1.0, 24.0)
    pn.sweep(model, table, doses=given, times=times, measures=measures, engine="batch", **options)
"""
SLOPES = f"""{LOAD}
import pandas as pd
model = pn.load("milademetan", "KT-253")
known = model.parameters.set_index("id")["value"]
names = [n for n in known.index if n.startswith("k_") and known[n] > 0][:17]
doses = {{"milademetan": 100.0, "KT-253": 1.0}}
measures = ["peak:p53_active", "auc:MDM2_total"]
rows = [{{**known[names], name: known[name] * f}} for name in names for f in (0.999, 1.001)]
table = pd.DataFrame(rows)
"""

WAITS = {
    "import": Wait("`import p53net`", "", "import p53net"),
    "first": Wait(
        "the first `simulate` of a new process, with the import",
        "",
        f"{LOAD}pn.load('milademetan').simulate(range(73), {{'milademetan': 1000.0}})",
    ),
    "escape": Wait("`pn.escape()`, two drugs", LOAD, "pn.escape()"),
    "escape_again": Wait("the same, once warm", LOAD, "pn.escape()", warm=2),
    "escape_command": Wait(
        "`p53net escape`, tables and figure",
        "import subprocess, sys",
        "subprocess.run([sys.executable, '-m', 'p53net', 'escape', '--out', 'escape'], check=True)",
    ),
    "validate": Wait("`pn.validate()`", LOAD, "pn.validate()"),
    "calibrate": Wait("`pn.calibrate()`", LOAD, "pn.calibrate()"),
    "patient": Wait(
        "`pn.patient`, 260 mg 3/14, 56 days",
        LOAD,
        "pn.patient('milademetan', pn.regimen(260.0, 'mg', '3/14', days=56.0))",
    ),
    "schedules": Wait("`pn.schedules`, 500 patients", LOAD, "pn.schedules('milademetan')"),
    "counts": Wait(
        "blood counts of 1,000 patients, 3/14, 56 days, accuracy 1e-3",
        PATIENTS,
        "counts(1000, accuracy=1e-3)",
        warm=1,
        before="counts(1000)",
        count=1000,
    ),
    "counts_fine": Wait(
        "the same, accuracy 1e-6",
        PATIENTS,
        "counts(1000, accuracy=1e-6)",
        warm=1,
        before="counts(1000)",
        count=1000,
    ),
    "sweep_100": Wait("a sweep of 100 points", SWEEP, "sweep(100)", warm=10, count=100),
    "sweep_10000": Wait("a sweep of 10,000 points", SWEEP, "sweep(10_000)", warm=2, count=10_000),
    "ratios_300": Wait(
        "`dose_ratio` of 300 cells, both drugs",
        RATIOS,
        "ratios(300)",
        before="ratios(30)",
        share=0.1,
    ),
    "ratios_1000": Wait(
        "`dose_ratio` of 1,000 cells, both drugs",
        RATIOS,
        "ratios(1000)",
        before="ratios(30)",
        share=0.03,
    ),
    "plate": Wait(
        "a plate of `pn.viability`", LOAD, "pn.viability('milademetan', 'RS4;11')", warm=5
    ),
    "slopes": Wait(
        "17 slopes of a peak and an area",
        SLOPES,
        "model.gradient(measures, names, times=range(73), doses=doses)",
        warm=5,
        before="pn.sweep(model, table, measures=measures, times=range(73), doses=doses, "
        "engine='roadrunner', workers=0)",
    ),
}


HEAD = f"""# How fast is what you wait for

Seconds of the processor, of all cores and processes together, in a new process with compiled code
on disk. Before: commit {BEFORE}, in turn with today's code on the same machine; its runs are at
nominal tolerances of 1e-9 and have no error bars. Now: accuracy 1e-6 with error bars, unless a line
says otherwise.
"""
FOOT = """
Counts, sweeps, plates and slopes: once warm. Sweeps have 8 axes, 72 h and 145 times, and find each
point's untreated state. The 17 slopes were a sweep of 34 points by RoadRunner before.
`dose_ratio` before is scaled up from 30 cells.
"""


def seconds_of(python: str, wait: Wait, statement: str, folder: Path) -> float:
    """Of one new process."""
    words = [python, "-c", CHILD, wait.setup, statement, str(wait.warm)]
    kept = {**os.environ, "P53NET_CACHE": str(folder / "code")}
    (folder / "code").mkdir(mode=0o700, exist_ok=True)
    done = subprocess.run(words, cwd=folder, env=kept, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeError(f"{wait.label}: {done.stderr}")
    return float(done.stdout.rsplit(maxsplit=1)[-1])


def measured(wait: Wait, before: str | None, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds before and now, of each round."""
    older: list[float] = []
    newer: list[float] = []
    with TemporaryDirectory() as place, TemporaryDirectory() as other:
        for _ in range(rounds):
            if before:
                statement = wait.before or wait.statement
                older.append(seconds_of(before, wait, statement, Path(other)) / wait.share)
            newer.append(seconds_of(sys.executable, wait, wait.statement, Path(place)))
    return older[1:] or older, newer[1:] or newer


def kept_numbers() -> dict[str, dict[str, str]]:
    """Rows of the table of numbers, by name."""
    if not NUMBERS.is_file():
        return {}
    with NUMBERS.open(encoding="utf-8", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file, delimiter="\t")}


def keep(rows: Mapping[str, Mapping[str, str]]) -> None:
    """Write the table of numbers."""
    with NUMBERS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(
            file, ("name", "before", "now", "on"), delimiter="\t", lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(rows[name] for name in WAITS if name in rows)


def page(rows: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Lines of Markdown."""
    yield HEAD
    yield "| what | before [s] | now [s] | times less | runs per second of a core | measured on |"
    yield "|---|---|---|---|---|---|"
    yield from (_line(wait, rows[name]) for name, wait in WAITS.items() if name in rows)
    yield FOOT
    yield machine(["p53net", "llvmlite", "libroadrunner", "numpy"])
    yield "That is of the last line measured; each line's two numbers are of one machine."
    yield "Command: `python -m benchmarks.waiting --before PYTHON`"


def _line(wait: Wait, row: Mapping[str, str]) -> str:
    older, newer = (float(row[name]) if row[name] else None for name in ("before", "now"))
    times = f"{older / newer:.3g}" if older and newer else ""
    rate = f"{wait.count / newer:,.0f}" if wait.count and newer else ""
    return f"| {wait.label} | {row['before']} | {row['now']} | {times} | {rate} | {row['on']} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, keep the numbers, write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(WAITS)}")
    parser.add_argument("--before", metavar="PYTHON", help="of an environment with older code")
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args(arguments)
    rows = kept_numbers()
    for name in options.names or WAITS:
        older, newer = measured(WAITS[name], options.before, options.rounds)
        was = f"{median(older):.3g}" if older else rows.get(name, {}).get("before", "")
        rows[name] = {
            "name": name, "before": was, "now": f"{median(newer):.3g}", "on": f"{date.today()}"
        }  # fmt: skip
        print(WAITS[name].label, was, rows[name]["now"], sep="\t", flush=True)
        keep(rows)
        PAGE.write_text("\n".join(page(rows)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
