"""`python -m benchmarks.models FOLDER`: every SBML file of a folder, on all engines.

    python -m benchmarks.models FOLDER [--part K/N] [--again] [--ends 10 200] [--time-limit 150]

Of each file: which engine runs it and why not the batch engine, or why it is refused; how far
batch, RoadRunner and COPASI are apart, with a reason where that is more than 1e-6 of a curve's
peak; and CPU time of a sweep of 200 sets of a parameter, beside that of a loop of libRoadRunner by
hand. Each file has a process of its own (`benchmarks.one_model`) and a time limit. What was found
is kept in `benchmarks/results/models`, a file each, so that a run that was stopped goes on;
`--again` forgets it. At the end it writes a page and a table, `published_models`, into `docs`; with
`--part K/N` it looks at every N-th file, from the K-th on, and leaves that to a run without it.
Time limits are by the clock, speeds are CPU time of all processes together.
"""

import argparse
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import psutil

from benchmarks import models_page
from p53net.children import command, environment
from p53net.files import made_folder, write_text

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "benchmarks" / "results" / "models"


def main(arguments: Sequence[str] | None = None) -> None:
    """Look at all files, then write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", default="0/1", help="every N-th file, from K on (0 first): K/N")
    parser.add_argument("--again", action="store_true", help="forget what was kept")
    parser.add_argument("--ends", type=float, nargs="+", default=[10.0, 200.0])
    parser.add_argument("--accuracy", type=float, default=1e-7)
    parser.add_argument("--time-limit", type=float, default=150.0, help="of a file, seconds")
    parser.add_argument("--keep", type=Path, default=KEPT, help="folder of what was found")
    parser.add_argument("--to", type=Path, default=ROOT / "docs", help="folder of the page")
    asked = parser.parse_args(arguments)
    start, step = (int(number) for number in asked.part.split("/"))
    if not 0 <= start < step:
        parser.error(f"--part is {asked.part}; give K/N with K from 0 to N - 1")
    files = sorted(path for path in asked.folder.iterdir() if path.suffix in (".xml", ".sbml"))
    if not files:
        parser.error(f"{asked.folder} has no file that ends in .xml or .sbml")
    made_folder(asked.keep)
    options = [*("--ends", *map(str, asked.ends)), "--accuracy", str(asked.accuracy)]
    found = list(looked(files[start::step], options, asked.time_limit, asked.keep, asked.again))
    if step == 1:
        models_page.write(found, asked.ends, asked.to)
        print(f"written: {asked.to / models_page.PAGE}", file=sys.stderr)


def looked(
    files: Sequence[Path], options: list[str], limit: float, folder: Path, again: bool
) -> Iterator[dict[str, Any]]:
    """What is found of each file, from what was kept where that is of this file and these options;
    how far it is goes to the standard error."""
    known = {file: None if again else kept(folder, file, options) for file in files}
    missing, done, begun = sum(one is None for one in known.values()), 0, perf_counter()
    for file, one in known.items():
        if one is None:
            one = look(file, options, limit)
            write_text(place(folder, file), json.dumps(one, indent=1) + "\n")
            done += 1
            left = (perf_counter() - begun) / done * (missing - done) / 60.0
            said = one.get("refused") or one.get("engine", "")
            print(
                f"{done}/{missing} {file.name}: {said}, {one['ended'] or 'done'}, "
                f"{one['seconds']:.0f} s; about {left:.0f} min left",
                file=sys.stderr,
                flush=True,
            )
        yield one


def place(folder: Path, file: Path) -> Path:
    """Where what is found of a file is kept."""
    return folder / f"{file.name}.json"


def kept(folder: Path, file: Path, options: list[str]) -> dict[str, Any] | None:
    """What was found of this very file with these options, if it was."""
    try:
        one: dict[str, Any] = json.loads(place(folder, file).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return one if one.get("of") == [digest(file), *options] else None


def digest(file: Path) -> str:
    """Of its content."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def look(file: Path, options: list[str], limit: float) -> dict[str, Any]:
    """What a process of its own finds of a file, up to its end or the time limit."""
    inherited, begun = environment(), perf_counter()
    child = subprocess.Popen(  # noqa: S603 - this very interpreter
        command("-m", "benchmarks.one_model", str(file.absolute()), *options),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**inherited, "PYTHONPATH": f"{ROOT}:{inherited['PYTHONPATH']}"},
    )  # fmt: skip
    try:
        said, _ = child.communicate(timeout=limit)
        ended = "" if child.returncode == 0 else f"ended with status {child.returncode}"
    except subprocess.TimeoutExpired:
        ended = f"more than {limit:g} s"
        end(child)
        said = child.communicate()[0]
    found = {"file": file.stem, "of": [digest(file), *options], "ended": ended,
             "seconds": round(perf_counter() - begun, 1)}  # fmt: skip
    for line in said.splitlines():
        if line.endswith("}"):  # the last may be cut off
            found |= json.loads(line)
    return found


def end(child: "subprocess.Popen[str]") -> None:
    """End a process and those that it has started."""
    started = psutil.Process(child.pid).children(recursive=True)
    child.kill()
    for one in started:
        try:
            one.kill()
        except psutil.NoSuchProcess:  # it has ended with its parent
            continue


if __name__ == "__main__":
    main()
