"""Priors and evidence to a posterior over parameters and structures: `infer`.

Cells come first, each structure in independent runs; then how the drug is handled, from plasma;
then a body for each of some cells, drawn from all structures by their weight. What comes out is an
ensemble, and tables that say how far to trust it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from p53net.engines.base import FloatArray
from p53net.ensembles.draws import Ensemble
from p53net.ensembles.identity import digest
from p53net.errors import InputError, unknown_name
from p53net.evidence.published import Observation
from p53net.evidence.published import observations as rows_of
from p53net.extras import need
from p53net.inference import agreement as judged
from p53net.inference.bodies import Bodies, CellDraw
from p53net.inference.embodied import Disembodied, Embodied, with_bodies
from p53net.inference.likelihood import family
from p53net.inference.own_evidence import own_rows, refuse_replaced
from p53net.inference.own_predicted import checked
from p53net.inference.rows_predicted import predictive
from p53net.inference.running import Progress, run_units
from p53net.inference.target import Target
from p53net.inference.tempering import Settings
from p53net.inference.units import Drawn, Unit
from p53net.inference.weighing import by_structure, most_plausible, weights
from p53net.inference.widths import ALL, at_width, weights_at_assumed, weights_at_widths
from p53net.model.own import LARGEST_TABLE, Tables, TablesLike, as_tables, read_text
from p53net.model.structures import as_structure
from p53net.model.tables import NONE
from p53net.notebook.bars import waited
from p53net.notebook.cards import card, of_frame
from p53net.simulation.model import VERSION

STRUCTURES = ("default", "no partner", "MDMX", "residual")
"""Structures that are weighed, unless said otherwise; at most eight."""

MOST_STRUCTURES = 8
_CELLS, _ASSUMED = 0.5, 0.05  # shares of the time, about


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
    """`weights` at each `width`, a factor on the spread of `priors`: of those without information,
    and of all, these only where they were asked for."""
    own: Tables = NONE
    """A user's own tables that it was made with."""

    def __repr__(self) -> str:
        names = ", ".join(self.weights["structure"])
        return f"<p53net posterior: {len(self.ensemble):,} draws of {names}>"

    def _repr_html_(self) -> str:
        tables = [
            of_frame("weights", self.weights.set_index("structure"), shown=True),
            of_frame("convergence", self.convergence.set_index("structure")),
            of_frame("rows of evidence", self.rows),
        ]
        facts = {
            "draws of the ensemble": len(self.ensemble),
            "most plausible": self.best,
            "not converged": self.ensemble.about.get("why", ""),
        }
        return card("Posterior", facts, tables)

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


@waited
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
    bodies: bool = True,
    seed: int = 1,
    folder: str | Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Posterior:
    """What the evidence leaves of parameters and structures: a posterior, and an ensemble of it.

    `structures` are names, at most eight. `observations` is a table of your own, `tables` a folder
    of your own tables, as all studies take it. With `bodies=False` it ends with cells: the ensemble
    is for assays in a dish, and bodies refuse it. Structures are weighed also where priors without
    information are half and twice as wide, with `widths` where all are.
    With a `folder`, what is done is stored there and taken up again. The same `seed` gives the same
    draws on one kind of processor, for any number of `workers`. Takes an hour or more.

    Returns a `Posterior`: `ensemble`, `weights` of structures, `convergence`, `rows`.
    Raises InputError, TableError, UnknownNameError, StoreError, MissingPackageError.

    Examples:
        >>> posterior = pn.infer(folder="posterior", progress=print)  # doctest: +SKIP
        >>> pn.escape(ensemble=posterior.ensemble)  # doctest: +SKIP
    """
    need("infer", "a posterior")
    told = progress or _untold
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
    assumed_end = 0.5 if widths else 1.0
    bodies_end = assumed_end - _ASSUMED
    cells_end = bodies_end * (_CELLS if bodies else 1.0)
    with TemporaryDirectory() as nowhere:
        place = Path(nowhere if folder is None else folder)
        found = run_units(units, settings, base, place, own, several,
                          lambda what, share: told(what, cells_end * share))  # fmt: skip
        table = weights(
            by_structure((unit.structure, one.log_evidence) for unit, one in found.items())
        )
        shares = dict(zip(table["structure"], table["weight"], strict=True))
        random = np.random.default_rng([base, *b"ensemble"])
        cells = _cells(found, shares, number, random)
        targets = {one.structure: Target(one.structure, own=own) for one in _first(cells)}
        drawn = None if not bodies else with_bodies(
            Bodies(targets, cells, rows_of(own)), base, place, own, several,
            lambda share: told("bodies", cells_end + (bodies_end - cells_end) * share),
        )  # fmt: skip
        others = weights_at_assumed(
            found, settings.moves, seed=base, own=own, workers=several,
            progress=lambda what, share: told(what, bodies_end + _ASSUMED * share),
        )  # fmt: skip
        every = [weights_at_widths(
            names, settings, place / "widths", seed=base, own=own, workers=several,
            progress=lambda what, share: told(what, assumed_end + (1.0 - assumed_end) * share),
        )] if widths else []  # fmt: skip
    made = _made(found, table, drawn or Disembodied(targets, cells), base, own, held)
    made.at_widths = pd.concat([made.at_widths, others, *every], ignore_index=True)
    return made


def _untold(_what: str, _share: float) -> None:
    """Where nobody is told how far it is."""


def _made(
    found: Mapping[Unit, Drawn],
    table: pd.DataFrame,
    drawn: Embodied | Disembodied,
    seed: int,
    own: Tables,
    held: list[str],
) -> Posterior:
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
        "bodies": drawn.about(),
        "convergence": states.to_dict("records"),
        "converged": not why,
        "why": why,
    }  # fmt: skip
    shares = dict(zip(table["structure"], table["weight"], strict=True))
    used = next(iter(found.values())).rows
    evidence = {name: row for name, row in rows_of(own).items() if name in used}
    return Posterior(found, table, states, predictive(found, shares, drawn.predicted(), own),
                     Ensemble(drawn.table(), about), evidence,
                     at_width(table, 1.0, ALL), own)  # fmt: skip


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
