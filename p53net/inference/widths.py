"""Weights of structures where priors are narrower or wider: does what is assumed decide?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.inference.prior import LOG_NORMAL
from p53net.inference.running import Job, Progress, run_all, run_units
from p53net.inference.space import Space
from p53net.inference.target import Target
from p53net.inference.tempering import Settings, renewed
from p53net.inference.units import Drawn, Told, Unit
from p53net.inference.weighing import by_structure, weights
from p53net.model.own import Tables
from p53net.model.tables import NONE

WIDTHS = (0.5, 2.0)
"""Factors on the spread of priors."""

ALL, ASSUMED = "all", "without information"
"""Whose spread is another: every prior's, or that of priors whose spread is itself assumed."""

RUNS = 2
"""Independent runs of each structure at each width."""


def weights_at_widths(
    structures: Sequence[str],
    settings: Settings,
    folder: Path,
    *,
    seed: int = 1,
    own: Tables = NONE,
    workers: int = 1,
    progress: Progress = lambda _what, _share: None,
) -> pd.DataFrame:
    """Weights of structures by their evidence at each of `WIDTHS` of all priors: `priors`, `width`
    and what `weighing.weights` gives. Runs lie in `folder`, and are taken up again. Raises
    StoreError."""
    tables = []
    for width in WIDTHS:  # one after the other: what is narrow is quick, and is there first
        units = [Unit(name, run, width) for name in structures for run in range(RUNS)]
        found = run_units(units, settings, seed, folder, own, workers, progress)
        evidence = by_structure((unit.structure, one.log_evidence) for unit, one in found.items())
        tables.append(at_width(weights(evidence), width, ALL))
    return pd.concat(tables, ignore_index=True)


def at_width(table: pd.DataFrame, width: float, priors: str) -> pd.DataFrame:
    """Weights, and of which priors' width they are."""
    return table.assign(priors=priors, width=width)[["priors", "width", *table]]


def weights_at_assumed(
    units: Mapping[Unit, Drawn],
    moves: int,
    *,
    seed: int = 1,
    own: Tables = NONE,
    workers: int = 1,
    progress: Progress = lambda _what, _share: None,
) -> pd.DataFrame:
    """The same where only priors without information are narrower or wider, from what units drew:
    the last draw of each is taken there by degrees, with so many moves at each."""
    jobs: dict[Unit, Job[float]] = {
        replace(unit, width=width): partial(_change, unit, one.z[-1], width, moves, seed, own)
        for width in WIDTHS
        for unit, one in units.items()
    }
    changed = dict(run_all(jobs, workers, progress))
    tables = []
    for width in WIDTHS:
        evidence = by_structure(
            (unit.structure, one.log_evidence + changed[replace(unit, width=width)])
            for unit, one in units.items()
        )
        tables.append(at_width(weights(evidence), width, ASSUMED))
    return pd.concat(tables, ignore_index=True)


def _change(
    unit: Unit, z: FloatArray, width: float, moves: int, seed: int, own: Tables, _told: Told
) -> float:
    """By how much the logarithm of the evidence changes, by particles of the posterior (particle,
    coordinate). The narrower of two normal curves is the wider one times one row for each
    coordinate: these rows are let in for a narrower prior, and out for a wider one."""
    from threadpoolctl import threadpool_limits

    target = Target(unit.structure, own=own)
    places = np.flatnonzero(np.isin(target.moved, _alone(target.space)))
    wide = np.ones(len(target.moved))
    wide[places] = max(width, 1.0)
    narrow = np.sqrt(max(width, 1.0 / width) ** 2 - 1.0)

    def residuals(there: FloatArray, _labels: NDArray[np.intp]) -> FloatArray:
        return np.hstack([target.residuals_of(there * wide), narrow * there[:, places]])

    random = np.random.default_rng([*unit.seed(seed), *f"width {width:g}".encode()])
    with threadpool_limits(1):
        found = renewed(residuals, len(target.rows), z[:, target.moved] / wide, random, moves,
                        out=width > 1.0)  # fmt: skip
    return found.log_evidence - len(places) * float(np.log(width))


def _alone(space: Space) -> list[int]:
    """Coordinates of priors without information that are log-normal and go with no other."""
    leaders = {one.with_ for one in space.priors}
    return [
        i
        for i, one in enumerate(space.priors)
        if one.uninformed
        and one.distribution == LOG_NORMAL
        and not (np.isfinite(one.high) or one.low > 0.0 or one.with_ or one.name in leaders)
    ]
