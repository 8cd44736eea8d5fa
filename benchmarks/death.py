"""Can one way of dying meet three published rows of SJSA-1? Every structure of death on a grid.

    python -m benchmarks.death

Rows: IC50 of nutlin-3a after 72 h (nutlin_ic50_sjsa1), cells dead after 48 h of 10 uM
(nutlin_death_sjsa1), growth inhibition by milademetan, the lower of 25 and 50 mg/kg a day over two
weeks (tgi_milademetan_sjsa1). The grid is of the line's threshold, its rate of death, and what the
structure adds. Then what each structure costs beside the shipped one: 2,048 wells of a viability
plate in the batch engine, CPU time, the median of nine.
"""

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

import p53net as pn
from p53net.dosing.regimens import Regimen, regimen
from p53net.evidence.assays import dead, ic50s
from p53net.evidence.cells import in_body
from p53net.evidence.published import observations
from p53net.model.structures import supposing
from p53net.simulation.trials import Cell
from p53net.studies.body.xenografts import tgi

LINE = "SJSA-1"
ROWS = ("nutlin_ic50_sjsa1", "nutlin_death_sjsa1", "tgi_milademetan_sjsa1")
PARTNERS: tuple[dict[str, str], ...] = (
    {"partner": "none"}, {"partner": "capacity"}, {"partner": "capacity", "residual": "on"},
    {"partner": "MDMX"}, {"partner": "MDMX", "residual": "on"},
)  # fmt: skip
COMMON = {
    "K_PUMA_caspase": (70, 80, 90, 100, 115, 130, 155, 180, 210, 250, 300),  # 70: see blocks.py
    "k_death": (0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.14, 0.2),
}
ADDED: dict[str, dict[str, tuple[float, ...]]] = {
    "threshold": {},
    "spread": {"spread_K_PUMA": (0.15, 0.25, 0.4, 0.6)},
    "rising": {"IAP_doubling": (30, 50, 100, 200)},
    "delayed": {"stage_death": (4, 8, 12, 16)},
}
OTHERS: tuple[dict[str, str], ...] = (
    *({"death": death} for death in ADDED), {"clone": "mutant"}, {"p73": "readout"},
    {"death": "spread", "clone": "mutant", "p73": "readout", "partner": "capacity",
     "residual": "on"},
)  # fmt: skip
Array = NDArray[np.float64]


def trials(death: str) -> Iterator[dict[str, dict[str, float]]]:
    """Values of the line, point by point."""
    grid = {**COMMON, **ADDED[death]}
    for values in itertools.product(*grid.values()):
        yield {LINE: dict(zip(grid, map(float, values), strict=True))}


def predicted(points: Sequence[Mapping[str, Mapping[str, float]]]) -> Array:
    """Row, point."""
    nutlin = [Cell(one, "nutlin-3a", LINE) for one in points]
    arms: list[Regimen | None] = [None]
    arms += [regimen(dose, "mg/kg", "daily", days=14.0) for dose in (25.0, 50.0)]
    volumes = in_body([Cell(one, "milademetan", LINE) for one in points], "tumour", "mouse", arms,
                      np.array([0.0, 14.0 * 24.0]), ["tumour_volume"])[..., 0]  # fmt: skip
    inhibition = np.array([tgi(one)[1:].min() for one in volumes])
    return np.array([ic50s(nutlin), dead(nutlin, 1e4, 48.0), inhibition])


def missed(found: Array) -> Array:
    """Logarithm of how far each is outside its interval: row, point."""
    known = observations()
    ends = np.array([(known[row].low, known[row].high) for row in ROWS], dtype=float)
    low, high = np.nan_to_num(ends[:, :1], nan=0.0), np.nan_to_num(ends[:, 1:], nan=np.inf)
    positive = np.maximum(found, 1e-9)
    return np.maximum(0.0, np.maximum(np.log(low / positive), np.log(positive / high)))


def rows() -> None:
    """Print how many points of each structure meet the rows, and the nearest point."""
    for partner, death in itertools.product(PARTNERS, ADDED):
        with supposing({**partner, "death": death}):
            points = list(trials(death))
            found = predicted(points)
        off = missed(found)
        met = off == 0.0
        best = int(off.sum(axis=0).argmin())
        name = ", ".join(f"{k}={v}" for k, v in {**partner, "death": death}.items())
        pairs = [int((met[list(two)].all(axis=0)).sum()) for two in ((0, 1), (0, 2), (1, 2))]
        print(f"{name}: all three {int(met.all(axis=0).sum())} of {len(points)}; IC50 and dead, "
              f"IC50 and TGI, dead and TGI: {pairs}")  # fmt: skip
        values = ", ".join(f"{k} {v:g}" for k, v in points[best][LINE].items())
        print(f"  nearest: {values}: {found[0, best]:.0f} nM, {found[1, best]:.0f} % dead, "
              f"TGI {found[2, best]:.0f} %")  # fmt: skip


def costs(wells: int = 2048, rounds: int = 9) -> None:
    """Print the CPU time of a plate in each structure over that of the shipped one."""
    models = [
        pn.load("milademetan", cell_line=LINE, system="culture", structure=one) for one in OTHERS
    ]
    random, spent = np.random.default_rng(1), np.empty((rounds + 1, len(models)))
    for number in range(rounds + 1):  # the first compiles
        doses = np.exp(random.uniform(np.log(1e-2), np.log(1e5), wells))
        arms = [{"milademetan": float(dose)} for dose in doses]
        for i, model in enumerate(models):
            begun = time.process_time()
            model.arms(np.linspace(0.0, 72.0, 4), arms, None, observables=["live_cells"],
                       engine="batch")  # fmt: skip
            spent[number, i] = time.process_time() - begun
    middle = np.median(spent[1:], axis=0)
    for structure, ratio in zip(OTHERS, middle / middle[0], strict=True):
        print(f"{', '.join(f'{k}={v}' for k, v in structure.items())}: {ratio:.2f}")


if __name__ == "__main__":
    rows()
    costs()
