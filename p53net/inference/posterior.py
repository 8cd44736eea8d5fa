"""Priors and evidence to a posterior over parameters and structures: `infer`.

Cells come first, each structure in independent runs; then how the drug is handled, from plasma;
then a body for each of some cells, drawn from all structures by their weight. What comes out is an
ensemble, and tables that say how far to trust it.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from p53net.engines.base import FloatArray
from p53net.ensembles.draws import QUANTILES, Ensemble
from p53net.ensembles.identity import digest
from p53net.errors import InputError, MissingPackageError, unknown_name
from p53net.evidence.published import Observation
from p53net.evidence.published import observations as rows_of
from p53net.files import write_bytes
from p53net.inference import agreement as judged
from p53net.inference.bodies import Bodies, CellDraw
from p53net.inference.body_draws import BLOCK, block, put_together, settled
from p53net.inference.handling import handling, taken
from p53net.inference.likelihood import family
from p53net.inference.own_evidence import own_rows, refuse_replaced
from p53net.inference.own_predicted import checked
from p53net.inference.parts import HANDLED
from p53net.inference.rows_predicted import predictive
from p53net.inference.running import Progress, run_all, run_stored, run_units, stored_run
from p53net.inference.target import Target
from p53net.inference.tempering import Sampled, Settings
from p53net.inference.units import Drawn, Unit
from p53net.inference.weighing import evidence_of, most_plausible, weights
from p53net.inference.widths import weights_at_widths
from p53net.model.own import LARGEST_TABLE, Tables, TablesLike, as_tables, read_text
from p53net.model.structures import as_structure
from p53net.model.tables import NONE
from p53net.simulation.model import VERSION

STRUCTURES = ("default", "no partner", "MDMX", "residual")
"""Structures that are weighed, unless said otherwise; at most eight."""

MOST_STRUCTURES = 8
_CELLS, _PLASMA = 0.7, 0.05  # shares of the time, about


@dataclass
class Posterior:
    """Draws of cells in each structure, an ensemble of them with bodies, and how it was made."""

    units: Mapping[Unit, Drawn]
    weights: pd.DataFrame
    """Of each structure: `log_evidence`, its `error` between runs, `weight`, `weight_error`."""
    convergence: pd.DataFrame
    """Of each headline in each structure: `r_hat`, `ess_bulk`, `ess_tail`, `mcse_mean`."""
    rows: pd.DataFrame
    """Of each row of evidence: quantiles of its prediction, and `p_value`."""
    ensemble: Ensemble
    evidence: Mapping[str, Observation]
    """Rows about cells that counted."""
    at_widths: pd.DataFrame
    """`weights` at each `width` of all priors, a factor on their spread; others than 1 only where
    they were asked for."""
    own: Tables = NONE
    """A user's own tables that it was made with."""

    @property
    def best(self) -> str:
        """The structure with the largest weight."""
        return most_plausible(self.weights)

    def of(self, structure: str) -> list[Drawn]:
        """Runs of one structure, in order. Raises UnknownNameError."""
        found = [one for unit, one in self.units.items() if unit.structure == structure]
        if not found:
            raise unknown_name("structure", structure, {one.structure for one in self.units})
        return found


def infer(
    structures: Sequence[str] = STRUCTURES,
    *,
    observations: str | Path | None = None,
    tables: TablesLike = None,
    runs: int = 4,
    particles: int = 256,
    moves: int = 6,
    kept: int = 12,
    between: int = 6,
    draws: int = 500,
    widths: bool = False,
    seed: int = 1,
    folder: str | Path | None = None,
    workers: int | None = None,
    progress: Progress = lambda _what, _share: None,
) -> Posterior:
    """What the evidence leaves of parameters and structures: a posterior, and an ensemble of it.

    `structures` are names, at most eight. `observations` is a table of your own, `tables` a folder
                     Ensemble(frame, about), evidence, table.assign(width=1.0), own)  # fmt: skip
    With a `folder`, what is done is stored there and taken up again. The same `seed` gives the same
    draws on one kind of processor, for any number of `workers`. Takes an hour or more.

        posterior = pn.infer(folder="posterior", progress=print)
        pn.escape(ensemble=posterior.ensemble)

    Raises InputError, TableError, UnknownNameError, StoreError, MissingPackageError.
    """
    _need_libraries()
    names = _checked(structures)
    settings = Settings(
        _whole(particles, "particles"), _whole(moves, "moves"), _whole(kept, "kept"),
        _whole(between, "between"),
    )  # fmt: skip
    own = _own(observations, tables)
    held = _held(names, own)
    units = [Unit(name, run) for name in names for run in range(_whole(runs, "runs"))]
    number, base = _whole(draws, "draws"), _whole(seed, "seed", least=0)
    several = os.cpu_count() or 1 if workers is None else _whole(workers, "workers")
    cells_end, bodies_end = (_CELLS / 2, 0.5) if widths else (_CELLS, 1.0)
    with TemporaryDirectory() as nowhere:
        place = Path(nowhere if folder is None else folder)
        found = run_units(units, settings, base, place, own, several,
                          lambda what, share: progress(what, cells_end * share))  # fmt: skip
        table = weights({name: evidence_of(_evidence(found, name)) for name in names})
        shares = dict(zip(table["structure"], table["weight"], strict=True))
        random = np.random.default_rng([base, *b"ensemble"])
        cells = _cells(found, shares, number, random)
        targets = {one.structure: Target(one.structure, own=own) for one in _first(cells)}
        bodies = Bodies(targets, cells, rows_of(own))
        drawn = _bodies(
            bodies, base, place, own, several,
            lambda share: progress("bodies", cells_end + (bodies_end - cells_end) * share),
        )  # fmt: skip
        others = [weights_at_widths(
            names, settings, place / "widths", seed=base, own=own, workers=several,
            progress=lambda what, share: progress(what, bodies_end + (1.0 - bodies_end) * share),
        )] if widths else []  # fmt: skip
    made = _made(found, table, bodies, drawn, base, own, held)
    made.at_widths = pd.concat([made.at_widths, *others], ignore_index=True)
    return made


@dataclass
class _Bodies:
    """A body for each cell, and how far to trust it."""

    handled: Sampled
    sampled: Sampled
    agreement: pd.DataFrame


def _bodies(
    bodies: Bodies,
    seed: int,
    place: Path,
    own: Tables,
    workers: int,
    told: Callable[[float], None],
) -> _Bodies:
    """Plasma first, then blocks of cells side by side, each stored as it ends."""
    handled = run_stored(place / "plasma.npz", partial(handling, bodies, seed),
                         lambda share: told(_PLASMA * share))  # fmt: skip
    each = taken(handled, len(bodies.cells), seed)
    files = {}
    for first in range(0, len(bodies.cells), BLOCK):
        some = slice(first, first + BLOCK)
        job = partial(block, [*bodies.targets], bodies.cells[some], each[some], own,
                      [seed, first, *b"bodies"])  # fmt: skip
        files[place / f"bodies-{first}.npz"] = job
    left = {file.name: job for file, job in files.items() if not file.exists()}
    ended = run_all(left, workers, lambda _, share: told(_PLASMA + (1 - _PLASMA) * share))
    for name, content in ended:
        write_bytes(place / name, content)
    sampled, twins = put_together([stored_run(file) for file in files])
    table = settled(bodies.names, twins)
    return _Bodies(handled, sampled, pd.concat([judged.of_runs(HANDLED, handled), table]))


def _made(
    found: Mapping[Unit, Drawn],
    table: pd.DataFrame,
    bodies: Bodies,
    drawn: _Bodies,
    seed: int,
    own: Tables,
    held: list[str],
) -> Posterior:
    sampled = drawn.sampled
    z, labels = sampled.chains[-1], sampled.labels
    structures = [bodies.cells[label].structure for label in labels]
    values = [
        bodies.targets[name].space.values(whole[None])[0]
        for name, whole in zip(structures, bodies.whole(z, labels), strict=True)
    ]
    rows = [dict(zip(bodies.targets[name].space.names, one, strict=True))
            for name, one in zip(structures, values, strict=True)]  # fmt: skip
    frame = pd.DataFrame(rows, dtype=float)
    frame.insert(0, "structure", structures)
    states = judged.convergence(found, own)
    why = judged.why_not(states, drawn.agreement)
    about = {
        "models": digest(),
        "version": VERSION,
        "seed": seed,
        "own": {name: text.sha256 for name, text in own},
        "held": held,
        "weights": table.set_index("structure").to_dict("index"),
        "runs": {unit.name: one.about for unit, one in found.items()},
        "bodies": {"cells": len(bodies.cells), "rows": bodies.rows, "accepted": sampled.accepted,
                   "plasma_evaluations": drawn.handled.evaluations,
                   "agreement": drawn.agreement.to_dict("records"),
                   "log_likelihood": _spread_of(sampled.log_likelihood[-1])},
        "convergence": states.to_dict("records"),
        "converged": not why,
        "why": why,
    }  # fmt: skip
    shares = dict(zip(table["structure"], table["weight"], strict=True))
    used = next(iter(found.values())).rows
    evidence = {name: row for name, row in rows_of(own).items() if name in used}
    return Posterior(found, table, states, predictive(found, shares, bodies, sampled, own),
                     Ensemble(frame, about), evidence, table.assign(width=1.0), own)  # fmt: skip


def _evidence(found: Mapping[Unit, Drawn], structure: str) -> list[float]:
    return [one.log_evidence for unit, one in found.items() if unit.structure == structure]


def _first(cells: Sequence[CellDraw]) -> list[CellDraw]:
    """One of each structure."""
    return list({one.structure: one for one in cells}.values())


def _cells(
    found: Mapping[Unit, Drawn],
    shares: Mapping[str, float],
    number: int,
    random: np.random.Generator,
) -> list[CellDraw]:
    """Draws of cells from the structures by their weight, evenly from all that each kept."""
    ends = np.cumsum([shares[name] for name in shares])
    places = (random.random() + np.arange(number)) / number
    chosen = np.minimum(np.searchsorted(ends / ends[-1], places), len(ends) - 1)
    cells: list[CellDraw] = []
    for i, name in enumerate(shares):
        parts = [one.z.reshape(-1, one.z.shape[-1]) for unit, one in found.items()
                 if unit.structure == name]  # fmt: skip
        every: FloatArray = np.concatenate(parts)
        count = int((chosen == i).sum())
        taken = random.choice(len(every), count, replace=count > len(every))
        cells += [CellDraw(name, z) for z in every[taken]]
    return cells


def _spread_of(values: FloatArray) -> dict[str, float]:
    return {f"q{100 * q:g}": float(np.quantile(values, q)) for q in QUANTILES}


def _own(observations: str | Path | None, tables: TablesLike) -> Tables:
    texts = dict(as_tables(tables).texts)
    if observations is not None:
        if "observations" in texts:
            raise InputError("observations stand in `tables` too; give them once")
        texts["observations"] = read_text(observations, LARGEST_TABLE, "the table of observations")
    own = Tables(texts)
    refuse_replaced(own)
    return own


def _held(structures: Sequence[str], own: Tables) -> list[str]:
    """Values that stay what the tables say, though own rows read them. Raises InputError for a row
    of a user's own that says nothing, or that a structure cannot predict: all are weighed by the
    same rows."""
    evidence, found = rows_of(own), dict[str, None]()
    for name in own_rows(own):
        family(evidence[name])
    for structure in structures:
        found |= dict.fromkeys(checked(structure, own).held)
    return list(found)


def _checked(structures: Sequence[str]) -> list[str]:
    names = [structures] if isinstance(structures, str) else list(structures)
    for name in names:
        as_structure(name)
    if not names or len(set(names)) < len(names) or len(names) > MOST_STRUCTURES:
        raise InputError(f"structures are {names}; give one to {MOST_STRUCTURES} names, each once")
    return names


def _whole(value: object, name: str, least: int = 1) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InputError(f"{name} is {value!r}, but must be a whole number, {least} or more")
    return value


def _need_libraries() -> None:
    try:
        import arviz  # noqa: F401
        import emcee  # noqa: F401
        import sklearn  # noqa: F401
    except ImportError as error:
        raise MissingPackageError(
            f"{error.name} is not installed: pip install 'p53net[infer]'"
        ) from None
