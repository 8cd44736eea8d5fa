"""`python -m benchmarks.models FOLDER`: every SBML file of a folder, on all engines.

    python -m benchmarks.models FOLDER [--part K/N] [--again] [--ends 10 200] [--time-limit 150]

Of each file: which engine runs it and why not the batch engine, or why it is refused; how far
batch, RoadRunner and COPASI are apart, with a reason where that is more than 1e-6 of a curve's
peak; and CPU time of a sweep of 200 sets of a parameter, beside that of a loop of libRoadRunner by
hand. Each file has a process of its own and a time limit. What was found is kept in
`benchmarks/results/models`, a file each, so that a run that was stopped goes on; `--again` forgets
it. At the end it writes a page and a table, `published_models`, into `docs`; with
`--part K/N` it looks at every N-th file, from the K-th on, and leaves that to a run without it.
Time limits are by the clock, speeds are CPU time of all processes together.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.sweep import machine
from p53net.files import made_folder
from tests.support import ROOT, published_page
from tests.support.published_looks import looked

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
    tell = partial(print, file=sys.stderr, flush=True)
    found = list(
        looked(
            files[start::step], options, asked.time_limit, asked.keep, again=asked.again, tell=tell
        )
    )
    if step == 1:
        packages = ["p53net", "llvmlite", "libroadrunner", "python-copasi", "numpy"]
        published_page.write(found, asked.ends, machine(packages), asked.to)
        print(f"written: {asked.to / published_page.PAGE}", file=sys.stderr)


if __name__ == "__main__":
    main()
