"""How right the batch engine is, on random parameter sets and doses, as Markdown.

`python -m benchmarks.truth` from the repository root. Every model of the package runs sets with all
parameters from a third to three times their value, many at once, with different doses side by side.
Each run is compared with RoadRunner at tight tolerances, and some with SciPy's Radau on equations
that are generated from the SBML by another way: `tests/support/truth.py`, which the tests run on a
few sets. The exit status is 1 when a limit is missed.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from benchmarks.peers.job import Array
from benchmarks.sweep import machine
from tests.support.truth import (
    ABSENT,
    CONSERVED,
    LIMIT,
    MODELS,
    Reference,
    Verdict,
    ladder,
    made_of,
    order_of,
    verdict,
    worst,
)

SMOOTH = 100  # sets for errors against tolerance


def row_of(one: Verdict) -> str:
    """A model's row of the table."""
    number, state = np.unravel_index(np.nanargmax(one.errors), one.errors.shape)
    each = np.nanmax(one.errors[~np.isnan(one.errors).all(axis=1)], axis=1)
    compared = f"{worst(one.radau):.0e} ({_compared(one.radau)})"
    gone = ", ".join(f"{n}: {why}" for why, n in one.by_roadrunner.items()) or "none"
    cells = (
        one.name, _compared(one.errors), f"{worst(one.errors):.0e}",
        f"{np.median(each):.0e}", f"{one.states[state]}, {number}", compared,
        f"{one.drift:.0e}", gone, one.restless,
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def _compared(errors: Array) -> int:
    return int((~np.isnan(errors).all(axis=1)).sum())


def main() -> int:
    """Measure, print the tables; 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sets", type=int, default=1000, help="for each model")
    parser.add_argument("--radau", type=int, default=50, help="of them, also by SciPy's Radau")
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:

        def over(
            function: Callable[..., Reference], *columns: Sequence[object]
        ) -> Iterable[Reference]:
            return pool.map(function, *columns, chunksize=4)

        verdicts = []
        for name in options.models:
            verdicts.append(verdict(name, options.sets, options.radau, options.seed, over))
            print(f"{name} is done", file=sys.stderr)
        last = options.models[-1]
        rows = ladder(last, min(options.sets, SMOOTH), options.seed + 1, over)
    packages = ["p53net", "llvmlite", "libroadrunner", "scipy", "numpy"]
    print(f"{machine(packages)}\nCommand: python -m benchmarks.truth {' '.join(sys.argv[1:])}")
    print(f"Made of engine and models {made_of()}.\n")
    print("| model | sets compared | worst | median | worst in | worst from Radau (sets) "
          "| drift | to RoadRunner | without rest |")  # fmt: skip
    print("|---" * 9 + "|")
    for one in verdicts:
        print(row_of(one))
    print("\nError: largest difference of any state over 72 h, as a fraction of its largest value")
    print(f"in that run; states that stay below {ABSENT:g} nM are left out. Limit {LIMIT:g}.")
    print("Worst in: state, number of the set. Drift: of conserved totals, relative to what is")
    print(
        f"summed up; limit {CONSERVED:g}. Without rest: sets whose untreated cell pulses, as both"
    )
    print("engines say.")
    for one in verdicts:
        for text in one.disagreed:
            print(f"Only one engine could run {one.name}, {text}.")
        for text in one.judged:
            print(f"Judged by Radau, whose errors count above: {one.name}, {text}.")
    print(f"\nErrors of {last} at other tolerances:\n")
    print("| relative tolerance of the engine | worst | median | mean steps |\n|---|---|---|---|")
    for tolerance, largest, median, steps in rows:
        print(f"| {tolerance:.0e} | {largest:.0e} | {median:.0e} | {steps:.0f} |")
    print(f"\nObserved order, of the median error over steps: {order_of(rows):.1f}.")
    return int(not all(one.good for one in verdicts))


if __name__ == "__main__":
    sys.exit(main())
