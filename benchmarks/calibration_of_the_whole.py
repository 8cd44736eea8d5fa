"""Whether intervals of the whole posterior cover what they claim: all parameters, all dish rows.

`python -m benchmarks.calibration_of_the_whole` from the repository root. As
`benchmarks.calibration_of_draws`, which has many sets of a block, but of one structure with
everything that `infer` samples there, so that few sets can be afforded. A truth is a draw of the
priors in which every row is defined. What is observed of it are its predictions with their noise; a
bound or a statement is observed to hold, or not to, with the chance that its step gives.
"""

import argparse
import csv
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from p53net.engines.base import FloatArray
from p53net.ensembles.draws import Ensemble
from p53net.ensembles.identity import digest
from p53net.inference.agreement import HEADLINES
from p53net.inference.answers import answers_of
from p53net.inference.directions import Steps
from p53net.inference.guided import follow
from p53net.inference.likelihood import STEPS, UNDEFINED, Family
from p53net.inference.target import Target
from p53net.inference.tempering import Particles, Settings, let_in

STRUCTURE = "default"
SETTINGS = Settings(particles=256, moves=6, draws=12, between=6)
_ALL = 10**6  # rounds of evaluations
SEED = 20261127
INSIDE = 0.9
"""Share of the draws that an interval holds."""


def one(number: int) -> dict[str, float]:
    """Of one set: the share of draws below the truth, by quantity."""
    target, random = _target(), np.random.default_rng([SEED, number])
    truth = _truth(target, random)
    families = observed(target, truth, random)
    predictions = target.predictions

    def residuals(moved: FloatArray, _labels: object = None) -> FloatArray:
        found = predictions(target.whole(moved))
        return np.column_stack(
            [family.residual(found[row]) for row, family in zip(target.rows, families, strict=True)]
        )

    start = random.standard_normal((SETTINGS.particles, len(target.moved)))
    at = Particles(residuals, random, start, remember=_ALL)
    drawn = let_in(at, 0.0, SETTINGS, Steps(), lambda _share: None)
    follow([at], [drawn], 0.0, SETTINGS)
    last = target.whole(drawn.chains[-1])
    there, here = _quantities(target, residuals, last), _quantities(target, residuals, truth[None])
    return {name: float((there[name] < here[name]).mean()) for name in here}


def observed(target: Target, truth: FloatArray, random: np.random.Generator) -> list[Family]:
    """What each row says after a datum was drawn for this truth (coordinate)."""
    predicted = target.predictions(truth[None])
    found = []
    for row, family in zip(target.rows, target.likelihood.families, strict=True):
        there = float(family.residual(predicted[row])[0])
        if row in STEPS:
            holds = random.random() < np.exp(-0.5 * there**2)
            found.append(family if holds else _against(family))
        else:
            found.append(_around(family, there + float(random.standard_normal())))
    return found


def _around(family: Family, middle: float) -> Family:
    """The same row with its datum so many standard deviations away from the published one."""

    def residual(value: FloatArray) -> FloatArray:
        return np.where(np.isfinite(value), family.residual(value) - middle, UNDEFINED)

    return Family(0.0, residual)


def _against(family: Family) -> Family:
    """A statement that was seen not to hold."""

    def residual(value: FloatArray) -> FloatArray:
        fails = -np.expm1(-0.5 * family.residual(value) ** 2)
        return np.asarray(np.sqrt(-2.0 * np.log(np.maximum(fails, 1e-300))))

    return Family(0.0, residual)


@cache
def _target() -> Target:
    return Target(STRUCTURE)


def _truth(target: Target, random: np.random.Generator) -> FloatArray:
    while True:
        z = np.zeros(len(target.space))
        z[target.moved] = random.standard_normal(len(target.moved))
        found = target.predictions(z[None])
        if all(np.isfinite(found[row]).all() for row in target.rows):
            return z


def _quantities(target: Target, residuals: object, z: FloatArray) -> dict[str, FloatArray]:
    import pandas as pd

    table = pd.DataFrame(target.space.values(z), columns=target.space.names)
    table.insert(0, "structure", STRUCTURE)
    answers = answers_of(Ensemble(table, {"models": digest(), "converged": False}), HEADLINES)
    away = residuals(z[:, target.moved])  # type: ignore[operator]
    found = {name: np.nan_to_num(answers.values[name].to_numpy(dtype=float), nan=np.inf)
             for name in answers.values}  # fmt: skip
    return {"log likelihood": -0.5 * (away**2).sum(axis=1), **found}


def main() -> int:
    """Run what is missing, and print how many intervals cover."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sets", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--ranks", type=Path, default=Path("docs/coverage_whole.csv"))
    given = parser.parse_args()
    known = _read(given.ranks)
    missing = [number for number in range(given.sets) if number not in known]
    with ProcessPoolExecutor(given.workers, get_context("spawn")) as pool:
        for number, found in zip(missing, pool.map(one, missing), strict=True):
            known[number] = found
            _write(given.ranks, known)
            print(f"{len(known)} of {given.sets} sets", file=sys.stderr)
    tail = (1.0 - INSIDE) / 2.0
    print("| quantity | mean rank | 90 % interval holds the truth |\n|---|---|---|")
    for name in next(iter(known.values())):
        ranks = np.array([row[name] for row in known.values()])
        inside = int(((ranks > tail) & (ranks < 1.0 - tail)).sum())
        print(f"| {name} | {ranks.mean():.2f} | {inside} of {len(ranks)} |")
    return 0


def _notes() -> str:
    used = ", ".join(f"{name} {value}" for name, value in vars(SETTINGS).items())
    return f"# models {digest()}; structure {STRUCTURE}; seed {SEED}; {used}"


def _read(path: Path) -> dict[int, dict[str, float]]:
    if not path.exists():
        return {}
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    if first != _notes():
        sys.exit(f"{path} is of other models or settings; move it away")
    rows = list(csv.DictReader(lines))
    return {int(row.pop("set")): {name: float(value) for name, value in row.items()}
            for row in rows}  # fmt: skip


def _write(path: Path, known: dict[int, dict[str, float]]) -> None:
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8", newline="") as file:
        file.write(_notes() + "\n")
        names = list(next(iter(known.values())))
        table = csv.DictWriter(file, ["set", *names], lineterminator="\n")
        table.writeheader()
        table.writerows({"set": number, **row} for number, row in sorted(known.items()))
    part.replace(path)


if __name__ == "__main__":
    sys.exit(main())
