"""Cells with a body, or without: what an ensemble's table is made of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from p53net.engines.base import FloatArray
from p53net.ensembles.draws import QUANTILES
from p53net.files import write_bytes
from p53net.inference import agreement as judged
from p53net.inference.bodies import Bodies, CellDraw, read_by_bodies
from p53net.inference.body_draws import BLOCK, block, put_together, settled
from p53net.inference.body_rows import Rows
from p53net.inference.handling import of_plasma, taken
from p53net.inference.parts import HANDLED
from p53net.inference.running import run_all, run_stored, stored_run
from p53net.inference.target import Target
from p53net.inference.tempering import Sampled
from p53net.model.own import Tables

_PLASMA = 0.05  # share of the time, about


@dataclass
class Embodied:
    """A body for each cell, and how far to trust it."""

    bodies: Bodies
    handled: Sampled
    sampled: Sampled
    agreement: pd.DataFrame
    """`quantity`, `r_hat`, `apart`."""

    def table(self) -> pd.DataFrame:
        """Values of every prior of each draw's structure."""
        z, labels = self.sampled.chains[-1], self.sampled.labels
        whole = self.bodies.whole(z, labels)
        cells = [CellDraw(self.bodies.cells[label].structure, one)
                 for label, one in zip(labels, whole, strict=True)]  # fmt: skip
        return _table(self.bodies.targets, cells)

    def predicted(self) -> Rows:
        """Rows of bodies in each draw."""
        made = self.bodies.predicted(self.sampled.chains[-1], self.sampled.labels)
        return {name: made[name] for name in self.bodies.rows}

    def about(self) -> dict[str, object]:
        """What the ensemble says of how its bodies were made."""
        spread = np.quantile(self.sampled.log_likelihood[-1], QUANTILES)
        return {
            "cells": len(self.bodies.cells),
            "rows": self.bodies.rows,
            "accepted": self.sampled.accepted,
            "plasma_evaluations": self.handled.evaluations,
            "agreement": self.agreement.to_dict("records"),
            "log_likelihood": {f"q{100 * q:g}": float(one)
                               for q, one in zip(QUANTILES, spread, strict=True)},
        }  # fmt: skip


@dataclass
class Disembodied:
    """Cells alone: no value of what bodies read."""

    targets: Mapping[str, Target]
    cells: Sequence[CellDraw]

    @property
    def agreement(self) -> pd.DataFrame:
        """Of nothing."""
        return pd.DataFrame({"quantity": [], "r_hat": np.empty(0), "apart": np.empty(0)})

    def table(self) -> pd.DataFrame:
        """Values of every prior of each draw's structure that some cell reads, or nothing."""
        read = {name for target in self.targets.values() for name in read_by_bodies(target)}
        return _table(self.targets, self.cells).drop(columns=sorted(read))

    def predicted(self) -> Rows:
        """No row."""
        return {}

    def about(self) -> None:
        """There is nothing to say."""


def with_bodies(
    bodies: Bodies,
    seed: int,
    place: Path,
    own: Tables,
    workers: int,
    told: Callable[[float], None],
) -> Embodied:
    """Plasma first, then blocks of cells side by side, each stored as it ends."""
    handled = run_stored(place / "plasma.npz", partial(of_plasma, bodies, seed),
                         lambda share: told(_PLASMA * share))  # fmt: skip
    each = taken(handled, len(bodies.cells), seed)
    jobs = {}
    for first in range(0, len(bodies.cells), BLOCK):
        some = slice(first, first + BLOCK)
        job = partial(block, [*bodies.targets], bodies.cells[some], each[some], own,
                      [seed, first, *b"bodies"])  # fmt: skip
        jobs[place / f"bodies-{first}.npz"] = job
    left = {file.name: job for file, job in jobs.items() if not file.exists()}
    ended = run_all(left, workers, lambda _, share: told(_PLASMA + (1 - _PLASMA) * share))
    for name, content in ended:
        write_bytes(place / name, content)
    sampled, twins = put_together([stored_run(file) for file in jobs])
    table = pd.concat([judged.of_runs(HANDLED, handled), settled(bodies.names, twins)])
    return Embodied(bodies, handled, sampled, table)


def _table(targets: Mapping[str, Target], cells: Sequence[CellDraw]) -> pd.DataFrame:
    rows = []
    for cell in cells:
        space = targets[cell.structure].space
        values: FloatArray = space.values(cell.z[None])[0]
        rows.append(dict(zip(space.names, values, strict=True)))
    frame = pd.DataFrame(rows, dtype=float)
    frame.insert(0, "structure", [cell.structure for cell in cells])
    return frame
