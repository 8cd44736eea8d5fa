"""Whether intervals of the whole posterior cover what they claim: all parameters, all dish rows.

`python -m benchmarks.calibration_of_the_whole` from the repository root. As
`benchmarks.calibration_of_draws`, which has many sets of a block, but of one structure with
everything that `infer` samples there, and as it does, so that few sets can be afforded.

A truth is a draw of the shipped ensemble. What is observed of it are its predictions with their
noise; a bound or a statement is observed to hold, or not to, with the chance that its step gives.
The posterior of the published rows and of these together is sampled: the rank of the truth is
uniform, if the ensemble and the sampler are right (Sailynoja 2025 arXiv:2502.03279). With `--truths
priors` a truth is a draw of the priors in which every row is defined, and only what is observed of
it counts (Talts 2018 arXiv:1804.06788): also in corners of the priors that no published row allows.
"""

import argparse
import csv
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from p53net.engines.base import FloatArray
from p53net.ensembles.draws import Ensemble, ensemble
from p53net.ensembles.identity import digest
from p53net.inference.agreement import HEADLINES, LARGEST_R_HAT, convergence
from p53net.inference.answers import answers_of
from p53net.inference.directions import Steps
from p53net.inference.guided import follow
from p53net.inference.likelihood import STEPS, UNDEFINED, Family
from p53net.inference.target import Target
from p53net.inference.tempering import Particles, Sampled, Settings, let_in
from p53net.inference.units import Drawn, Unit

STRUCTURE = "default"
SETTINGS = Settings(particles=256, moves=6, draws=12, between=6)
_ALL = 10**6  # rounds of evaluations
SEED = 20261127
INSIDE = 0.9
"""Share of the draws that an interval holds."""

ENSEMBLE, PRIORS = "ensemble", "priors"
R_HAT = "largest R-hat"


def one(truths: str, runs: int, number: int) -> dict[str, float]:
    """Of one set: the share of draws below the truth, by quantity, and how far runs agree."""
    target, random = _target(), np.random.default_rng([SEED, number])
    truth = _truth(target, random) if truths == PRIORS else _drawn(target, number)
    families = observed(target, truth, random)
    published = [] if truths == PRIORS else target.likelihood.families
    rows = [*target.rows[: len(published)], *target.rows]
    families = [*published, *families]

    def residuals(moved: FloatArray, _labels: object = None) -> FloatArray:
        found = target.predictions(target.whole(moved))
        return np.column_stack(
            [family.residual(found[row]) for row, family in zip(rows, families, strict=True)]
        )

    several = [random, *(np.random.default_rng([SEED, number, run]) for run in range(1, runs))]
    particles = [
        Particles(residuals, one, one.standard_normal((SETTINGS.particles, len(target.moved))),
                  remember=_ALL)
        for one in several
    ]  # fmt: skip
    drawn = [let_in(at, 0.0, SETTINGS, Steps(), lambda _share: None) for at in particles]
    follow(particles, drawn, 0.0, SETTINGS)
    last = np.concatenate([target.whole(one.chains[-1]) for one in drawn])
    there, here = _quantities(target, residuals, last), _quantities(target, residuals, truth[None])
    ranks = {name: float((there[name] < here[name]).mean()) for name in here}
    return ranks | ({R_HAT: _apart(target, drawn)} if runs > 1 else {})


def _apart(target: Target, drawn: list[Sampled]) -> float:
    """The largest R-hat of a headline between runs, as `infer` has it."""
    units = {
        Unit(STRUCTURE, run): Drawn(
            target.space.names,
            np.array([target.whole(z) for z in one.chains]),
            one.log_likelihood, {}, one.log_evidence, list(target.rows), {},
        )
        for run, one in enumerate(drawn)
    }  # fmt: skip
    return float(convergence(units)["r_hat"].max())


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


def _drawn(target: Target, number: int) -> FloatArray:
    """A draw of the shipped ensemble (coordinate), a different one for each set."""
    table = ensemble().table
    table = table[table["structure"] == STRUCTURE]
    place = np.random.default_rng(SEED).permutation(len(table))[number]
    values = table[target.space.names].to_numpy(dtype=float)[[place]]
    return target.whole(target.space.coordinates(values)[:, target.moved])[0]


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
    parser.add_argument("--truths", choices=[ENSEMBLE, PRIORS], default=ENSEMBLE)
    parser.add_argument("--sets", type=int, default=10)
    parser.add_argument(
        "--runs", type=int, default=2, help="that share a net, as the four of infer"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--ranks", type=Path, help="docs/coverage_whole_TRUTHS.csv if not given")
    given = parser.parse_args()
    file = given.ranks or Path(f"docs/coverage_whole_{given.truths}.csv")
    notes = _notes(given.truths, given.runs)
    known = _read(file, notes)
    missing = [number for number in range(given.sets) if number not in known]
    with ProcessPoolExecutor(given.workers, get_context("spawn")) as pool:
        job = partial(one, given.truths, given.runs)
        waiting = {pool.submit(job, number): number for number in missing}
        for ended in as_completed(waiting):
            if error := ended.exception():  # the other sets are not lost
                print(f"set {waiting[ended]} failed: {error}", file=sys.stderr)
                continue
            known[waiting[ended]] = ended.result()
            _write(file, notes, known)
            print(f"{len(known)} of {given.sets} sets", file=sys.stderr)
    tail = (1.0 - INSIDE) / 2.0
    print("| quantity | mean rank | 90 % interval holds the truth |\n|---|---|---|")
    for name in next(iter(known.values())):
        ranks = np.array([row[name] for row in known.values()])
        if name == R_HAT:
            print(f"\nlargest R-hat: {ranks.max():.3f}; {(ranks > LARGEST_R_HAT).sum()} refused")
            continue
        inside = int(((ranks > tail) & (ranks < 1.0 - tail)).sum())
        print(f"| {name} | {ranks.mean():.2f} | {inside} of {len(ranks)} |")
    return int(len(known) < given.sets)


def _notes(truths: str, runs: int) -> str:
    used = ", ".join(f"{name} {value}" for name, value in vars(SETTINGS).items())
    of = truths if truths == PRIORS else f"{truths} {ensemble().sha256[:16]}"
    return (f"# models {digest()}; structure {STRUCTURE}; seed {SEED}; truths of {of}; "
            f"runs {runs}; {used}")  # fmt: skip


def _read(path: Path, notes: str) -> dict[int, dict[str, float]]:
    if not path.exists():
        return {}
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    if first != notes:
        sys.exit(f"{path} is of other models or settings; move it away")
    rows = list(csv.DictReader(lines))
    return {int(row.pop("set")): {name: float(value) for name, value in row.items()}
            for row in rows}  # fmt: skip


def _write(path: Path, notes: str, known: dict[int, dict[str, float]]) -> None:
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8", newline="") as file:
        file.write(notes + "\n")
        names = list(next(iter(known.values())))
        table = csv.DictWriter(file, ["set", *names], lineterminator="\n")
        table.writeheader()
        table.writerows({"set": number, **row} for number, row in sorted(known.items()))
    part.replace(path)


if __name__ == "__main__":
    sys.exit(main())
