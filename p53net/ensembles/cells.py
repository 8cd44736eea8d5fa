"""The cells that a study runs in: one with the values as they are, or one for each draw.

One code runs both: a point estimate is a single cell in which nothing is changed. An error of that
cell is raised; of a draw it is counted, and the other draws go on.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.ensembles import banded
from p53net.ensembles.draws import Ensemble, ensemble
from p53net.errors import (
    InputError,
    MeasureError,
    P53NetError,
    SimulationError,
    SteadyStateError,
)
from p53net.model.own import TablesLike, as_tables
from p53net.model.structures import StructureLike
from p53net.notebook.bars import told
from p53net.simulation.model import Model

EnsembleLike: TypeAlias = "Ensemble | str | Path | None"
"""What users give: an ensemble, the path of one, or "shipped"."""

SHIPPED = "shipped"
"""A word for the ensemble of the package."""

MOST = 500
"""Draws that a study takes of an ensemble, unless said otherwise."""

_UNDEFINED = "not defined"
_KINDS: Mapping[type[P53NetError], str] = {
    SteadyStateError: "no steady state",
    SimulationError: "integration failed",
    MeasureError: _UNDEFINED,
}
_NUMBER = re.compile(r"(?<![\w-])[-+]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?(?![\w-])")
_Result = TypeVar("_Result")


class Part(NamedTuple):
    """Cells of one structure."""

    structure: StructureLike
    draws: NDArray[np.intp]
    """Their places among all cells."""


class Cells:
    """Where a study runs: `parts` of one structure each, and what became of each cell."""

    def __init__(
        self,
        given: EnsembleLike = None,
        *,
        draws: bool = False,
        structure: StructureLike = None,
        tables: TablesLike = None,
        most: int = MOST,
    ) -> None:
        """At most so many draws, evenly spaced; with `draws` the result keeps each. Raises
        InputError where what is given contradicts an ensemble."""
        if not isinstance(draws, bool):
            raise InputError(f"draws is {draws!r}, but must be True (keep each draw) or False")
        if given is None and draws:
            raise InputError("draws=True keeps the draws of an ensemble; give ensemble= too")
        whole = as_ensemble(given)
        if whole is not None and structure is not None:
            raise InputError(
                "structure and ensemble are both given, but each draw has a structure of its own; "
                "give one of them"
            )
        if whole is not None and not whole.knows(as_tables(tables)):
            raise InputError(
                "tables and ensemble are both given, but this ensemble was drawn without these "
                "tables; give one of them, or make an ensemble with them by `p53net infer`"
            )
        self.ensemble = None if whole is None else whole.thinned(most)
        self._whole = 0 if whole is None else len(whole)
        self._keep, self._structure = draws, structure
        self._failed: dict[tuple[int, str], None] = {}

    def __len__(self) -> int:
        return 1 if self.ensemble is None else len(self.ensemble)

    def parts(self, most: int | None = None) -> Iterator[Part]:
        """Cells of one structure, at most so many in one part."""
        if self.ensemble is None:
            yield Part(self._structure, np.zeros(1, dtype=np.intp))
            return
        for structure, places in self.ensemble.parts():
            for some in np.array_split(places, -(-len(places) // (most or len(places)))):
                yield Part(structure, some)

    def columns(
        self,
        model: Model,
        part: Part,
        changed: Mapping[str, float] | None = None,
        copies: int = 1,
    ) -> dict[str, FloatArray]:
        """What the cells of a part change in a model of its structure, a value for each, `copies`
        times one after the other. What a user changes stands for what was drawn."""
        drawn = {} if self.ensemble is None else self.ensemble.columns(model, part.draws)
        own = {name: np.full(len(part.draws), value) for name, value in (changed or {}).items()}
        return {name: np.repeat(values, copies) for name, values in {**drawn, **own}.items()}

    def one_by_one(self, run: Callable[[Part], xr.Dataset]) -> xr.Dataset:
        """What a study gives of each cell alone, over `draw`; of cells that fail, NaN. Raises the
        error of a point estimate."""
        found: list[xr.Dataset] = []
        for number, part in enumerate(self.parts(1)):
            if self.ensemble is not None:
                told("draws", number / len(self))
            try:
                one = run(part)
            except P53NetError as error:
                self.fail(part.draws[0], error)
            else:
                found.append(one.assign_coords(draw=int(part.draws[0])))
        return self.joined(found)

    def joined(self, pieces: Sequence[xr.Dataset]) -> xr.Dataset:
        """Pieces, each of one `draw` or of several, in order and beside draws without any. Raises
        InputError where every draw has failed."""
        if not pieces:
            raise InputError(f"no draw has a result: {next(iter(self._failed))[1]}")
        together = xr.concat(pieces, "draw", data_vars="all", coords="minimal", compat="override",
                             join="exact", combine_attrs="override").sortby("draw")  # fmt: skip
        if together.sizes["draw"] == len(self):
            return together
        words = {name: "no run" for name, one in together.data_vars.items()
                 if one.dtype.kind in "OU"}  # fmt: skip
        return together.reindex(draw=np.arange(len(self)), fill_value={
            name: words.get(name, np.nan) for name in together.data_vars})  # fmt: skip

    def fail(self, draw: int, error: P53NetError, where: str = "") -> None:
        """Note that a cell has no result, and of what. Raises the error of a point estimate."""
        if self.ensemble is None:
            raise error.with_traceback(None)
        kind = next((w for k, w in _KINDS.items() if isinstance(error, k)), "refused")
        if kind == "refused" or (kind == _UNDEFINED and not where):
            kind += f": {without_numbers(str(error))}"
        self._failed[int(draw), f"{where}: {kind}" if where else kind] = None

    def finished(self, result: xr.Dataset, along: Sequence[str] = ()) -> xr.Dataset:
        """The result of all cells, over `draw`: that of the only one, or quantiles of the draws, or
        the draws themselves. Curves are what goes `along` one of these dimensions."""
        if self.ensemble is None:
            return result.isel(draw=0, drop=True)
        table = self.ensemble.table
        about = banded.about(self.ensemble, self._whole, self._failed)
        if self._keep:
            own = {"draw": table.index.to_numpy(), "structure": ("draw", list(table["structure"]))}
            return result.assign_coords(own).assign_attrs(about)
        return banded.with_bands(result, along).assign_attrs(about)


def as_ensemble(given: object) -> Ensemble | None:
    """An ensemble as users give it. Raises InputError."""
    if given is None or isinstance(given, Ensemble):
        return given
    if isinstance(given, str | Path):
        return ensemble() if given == SHIPPED else ensemble(given)
    raise InputError(
        f"ensemble is {str(given)[:60]!r}, a {type(given).__name__}; give what pn.ensemble() "
        f"returns, '{SHIPPED}', or the path of a file that `p53net infer` wrote"
    )


def without_numbers(text: str) -> str:
    """What is common to reasons that differ in their numbers, without the remedy."""
    first = text.partition(";")[0]
    return " ".join(
        re.sub(r"(?<![\w-])[-+]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?(?![\w-])", "#", first).split()
    )


def together(jobs: Sequence[Callable[[], _Result]]) -> list[_Result]:
    """What jobs give, which run in as many threads as there are processors; one alone runs here."""
    if len(jobs) == 1:
        return [jobs[0]()]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # Records see the runs of threads, each in a copy of what is about it.
        waiting = [pool.submit(copy_context().run, job) for job in jobs]
        return [one.result() for one in waiting]
