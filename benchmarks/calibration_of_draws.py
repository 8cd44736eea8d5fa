"""Whether intervals of the sampler cover what they claim: simulation-based calibration.

`python -m benchmarks.calibration_of_draws` from the repository root. Each set draws a cell from the
priors of `benchmarks/block.py`, simulates its rows with their noise, and samples the posterior of
these rows. If priors, likelihood and sampler are one, the rank of the true value among the draws is
uniform (Talts 2018 arXiv:1804.06788). Ranks are kept in a table, and a second call goes on where
the first one ended. Bands hold all of a curve in 95 % of such experiments (Sailynoja 2022 Stat
Comput 32:32), by simulation. The exit status is 1 when a curve leaves the band of all curves.
"""

import argparse
import csv
import os
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from benchmarks.block import HEADLINE, PARAMETERS, ROWS, Block, simulated
from p53net.engines.base import FloatArray
from p53net.ensembles.identity import digest
from p53net.inference.tempering import Settings, tempered

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTINGS = Settings(particles=99, moves=5, draws=1, between=14)
"""So many particles that 90 % of all ranks are a whole number of them."""

RANKS = SETTINGS.particles + 1
QUANTITIES = (*PARAMETERS, "log likelihood", HEADLINE)
SEED = 20261126
LEVEL = 0.05
"""Of bands: how often one is left by chance."""

_EXPERIMENTS = 4000  # simulated, for bands
_AHEAD = 4  # sets in work for each worker

Ranks = dict[int, list[int]]
"""Set to the rank of each quantity."""


def ranks(number: int) -> list[int]:
    """One set: how many draws of each quantity lie below the truth."""
    block = _block()
    random = np.random.default_rng([SEED, number])
    truth = random.standard_normal(len(block))
    block.observe(simulated(block, truth, random))
    found = tempered(
        block.residuals, block.likelihood.highest, len(block), random, SETTINGS
    ).chains[-1]
    return [
        int(rank)
        for rank in (_quantities(block, found) < _quantities(block, truth[None])).sum(axis=0)
    ]


@cache
def _block() -> Block:
    return Block()


def _quantities(block: Block, z: FloatArray) -> FloatArray:
    return np.column_stack([block.space.values(z), block.log_likelihood(z), block.headline(z)])


def least_tail(counts: NDArray[np.intp], sets: int) -> FloatArray:
    """Of curves (n, point), numbers of sets with at most so high a rank: twice the probability of
    the most extreme point, were ranks uniform."""
    at = np.arange(1, RANKS) / RANKS
    below, above = binom.cdf(counts, sets, at), binom.sf(counts - 1, sets, at)
    return np.asarray(2.0 * np.minimum(below, above).min(axis=-1))


def curves(found: NDArray[np.intp]) -> NDArray[np.intp]:
    """Numbers of sets (n, point) with at most so high a rank, of ranks (n, set)."""
    return np.array([np.bincount(one, minlength=RANKS).cumsum()[:-1] for one in found])


@cache
def by_chance(sets: int) -> FloatArray:
    """What `least_tail` is of so many uniform ranks, sorted."""
    random = np.random.default_rng(SEED)
    drawn = random.integers(RANKS, size=(_EXPERIMENTS, sets))
    return np.sort(least_tail(curves(drawn), sets))


def table(known: Ranks) -> list[tuple[str, float, int, float, float]]:
    """Of each quantity: the probability of so extreme a curve, points outside its band, the share
    of sets whose 90 % interval covers, and the mean rank over its greatest."""
    found = np.array(list(known.values()), dtype=np.intp).T
    sets, chance = found.shape[1], by_chance(found.shape[1])
    low, high = band(sets, LEVEL)
    edge = RANKS // 20
    rows = []
    for name, one, curve in zip(QUANTITIES, found, curves(found), strict=True):
        extreme = float(np.mean(chance <= least_tail(curve[None], sets)[0]))
        outside = int(((curve < low) | (curve > high)).sum())
        covered = float(((one >= edge) & (one < RANKS - edge)).mean())
        rows.append((name, extreme, outside, covered, float(one.mean() / (RANKS - 1))))
    return rows


def band(sets: int, level: float) -> tuple[FloatArray, FloatArray]:
    """Least and most sets at each point of a curve, together left by chance at this level."""
    tail = float(np.quantile(by_chance(sets), level)) / 2.0
    at = np.arange(1, RANKS) / RANKS
    return binom.ppf(tail, sets, at), binom.isf(tail, sets, at)


def drawn(known: Ranks) -> "Figure":
    """Each curve less the diagonal, in its band and in that of all curves."""
    import matplotlib
    from matplotlib.figure import Figure

    from p53net.figures import names
    from p53net.figures.style import COLOURS, STYLE, WIDE, headline

    found = np.array(list(known.values()), dtype=np.intp).T
    sets, at = found.shape[1], np.arange(1, RANKS) / RANKS
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDE, 4.6), layout="constrained")
        grid = figure.subplots(3, 3, sharex=True, sharey=True)
        for axes, name, curve in zip(grid.flat, QUANTITIES, curves(found), strict=True):
            for level, shade in ((LEVEL / len(QUANTITIES), "#e6e6e6"), (LEVEL, "#c8c8c8")):
                low, high = band(sets, level)
                axes.fill_between(at, low / sets - at, high / sets - at, color=shade, linewidth=0)
            axes.step(at, curve / sets - at, where="mid", color=COLOURS[0], linewidth=1.0)
            axes.set_title(names.of_parameter(name))
        for axes in grid[-1]:
            axes.set_xlabel("rank of the truth, as a share [1]")
        for axes in grid[:, 0]:
            axes.set_ylabel("share of sets below,\nless uniform ranks [1]")
        headline(
            figure,
            f"How the truth ranks among draws of {sets} simulated sets. Grey: 95 % bands of one "
            "curve and, paler, of all nine",
        )
    return figure


def _notes() -> str:
    used = ", ".join(f"{name} {value}" for name, value in vars(SETTINGS).items())
    return (
        f"# models {digest()}; seed {SEED}; {used}; rows {' '.join(ROWS)}\n"
        f"set,{','.join(QUANTITIES)}\n"
    )


def read(path: Path) -> Ranks:
    """Ranks that are there already; a last line that was cut off does not count."""
    if not path.exists():
        return {}
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if not whole.startswith(_notes()):
        sys.exit(f"{path} is of other models or settings; move it away")
    if whole != text:
        path.write_text(whole, encoding="utf-8")
    lines = whole.splitlines()
    return {int(row[0]): [int(cell) for cell in row[1:]] for row in csv.reader(lines[2:])}


def made(missing: Iterator[int], workers: int) -> Iterator[tuple[int, list[int]]]:
    """Each set as it ends, in order."""
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        while some := list(islice(missing, _AHEAD * workers)):
            yield from zip(some, pool.map(ranks, some), strict=True)


def append(path: Path, number: int, found: list[int]) -> None:
    """One line more, which is on the disk when this returns."""
    new = not path.exists()
    with path.open("a", encoding="utf-8") as file:
        if new:
            file.write(_notes())
        file.write(",".join(map(str, (number, *found))) + "\n")
        file.flush()
        os.fsync(file.fileno())


def report(known: Mapping[int, list[int]]) -> int:
    """Print the table; 1 if a curve leaves the band of all."""
    rows = table(dict(known))
    print(f"{len(known)} sets, {SETTINGS.particles} draws each\n")
    print("| quantity | so extreme by chance | points outside 95 % | 90 % covers | mean rank |")
    print("|---|---|---|---|---|")
    for name, extreme, outside, covered, mean in rows:
        print(f"| {name} | {extreme:.2f} | {outside} of {RANKS - 1} | {covered:.0%} | {mean:.2f} |")
    least = min(row[1] for row in rows)
    print(f"\nThe most extreme of {len(rows)} curves: {min(1.0, least * len(rows)):.2f} by chance")
    return int(least * len(rows) < LEVEL)


def main() -> int:
    """Run what is missing, then the table and the figure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sets", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--ranks", type=Path, default=Path("docs/coverage.csv"))
    parser.add_argument("--figure", type=Path, default=Path("docs/coverage.png"))
    given = parser.parse_args()
    known = read(given.ranks)
    missing = iter([number for number in range(given.sets) if number not in known])
    for number, found in made(missing, given.workers):
        append(given.ranks, number, found)
        known[number] = found
        print(f"{len(known)} of {given.sets} sets", file=sys.stderr)
    from p53net.figures.style import save

    figure = drawn(known)
    for kind in (".png", ".svg"):
        save(figure, given.figure.with_suffix(kind))
    return report(known)


if __name__ == "__main__":
    sys.exit(main())
