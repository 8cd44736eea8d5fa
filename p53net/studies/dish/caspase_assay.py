"""A caspase-3/7 assay: its activity by dose and time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import partial

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from p53net.dosing.beside import BesideLike
from p53net.ensembles.cells import Cells, EnsembleLike, Part, together
from p53net.ensembles.fitted import FitLike
from p53net.model import cell_line_entries, drug_entries
from p53net.model.own import TablesLike, as_tables
from p53net.model.structures import StructureLike
from p53net.simulation.choice import AUTO
from p53net.simulation.loading import shared
from p53net.simulation.model import VERSION
from p53net.simulation.provenance import recorded
from p53net.studies.dish import levels
from p53net.studies.dish import plate as dish

HOURS = (6.0, 12.0, 24.0, 48.0)


@recorded
@levels.each_level
def caspase(
    drugs: str | Iterable[str],
    cell_line: str = "SJSA-1",
    *,
    hours: ArrayLike = HOURS,
    concentrations: ArrayLike | None = None,
    beside: BesideLike = None,
    start: float = 0.0,
    parameters: Mapping[str, float] | None = None,
    engine: str = AUTO,
    accuracy: float | None = None,
    tables: TablesLike = None,
    structure: StructureLike = None,
    ensemble: EnsembleLike = None,
    fit: FitLike = None,
    draws: bool = False,
) -> xr.Dataset:
    """Active caspase-3/7 under constant concentrations, per live cell and per well.

    Returns a Dataset over `drug`, `dose` [nM] and `hours`: `active` [% of all caspase-3/7 of a live
    cell], `caspase` [the same as fold of vehicle], `caspase_well` [the fold of a well, with its
    live cells over those of vehicle] and `live_cells` [% of vehicle]. `structure` and `accuracy`
    are as in `load`, `ensemble`, `fit` and `draws` as in `escape`, `beside` and `start` as in
    `viability`; `beside_alone` is `active` under the other drug alone.
    Raises InputError, UnknownNameError.

    Examples:
        >>> assay = pn.caspase("KT-253", hours=24, concentrations=[1, 10, 100])
        >>> assay["caspase"].dims, assay["caspase"].values.squeeze().round(1)
        (('drug', 'dose', 'hours'), array([ 37.6, 258.2, 258.3]))
    """
    own = as_tables(tables)
    names = dish.checked_names(drugs, "drug", drug_entries(own))
    (line,) = dish.checked_names(cell_line, "cell_line", cell_line_entries(own))
    plate, times = dish.checked_concentrations(concentrations), dish.checked_hours(hours)
    other, begin = levels.one_level(beside, names, own, start, times)
    second = () if other is None else (other.drug,)
    cells = Cells(ensemble, draws=draws, structure=structure, tables=own)
    activity = np.full((len(cells), len(names), len(plate), len(times)), np.nan)
    live, share = np.full_like(activity, np.nan), np.full_like(activity, np.nan)
    alone = np.full((len(cells), len(names), len(times)), np.nan)
    engines: dict[str, None] = {}

    def read(part: Part, i: int) -> None:
        name = names[i]
        model = shared(
            name, *second, cell_line=line, system="culture", tables=own, structure=part.structure
        ).to(accuracy)
        plates = dish.Plates(cells, part, name)
        wells = plates.read(model, name, plate, times, ["caspase", "live_cells"], parameters,
                            engine=engine, beside=other, start=begin)  # fmt: skip
        engines.setdefault(wells.engine)
        plates.check_vehicle(wells, "active caspase")
        usual = model.definition.parameters["caspase_total"].value
        total = cells.columns(model, part, parameters).get("caspase_total")
        for row, place in plates.each():
            own_wells = wells.values[row]
            activity[place, i], live[place, i] = np.moveaxis(own_wells[1:] / own_wells[0], -1, 0)
            whole = usual if total is None else total[row]
            share[place, i] = 100.0 * own_wells[1:, :, 0] / whole
            alone[place, i] = 100.0 * wells.alone[row, :, 0] / whole

    together([partial(read, part, i) for part in cells.parts(dish.TOGETHER)
              for i in range(len(names))])  # fmt: skip
    dims = ("draw", "drug", "dose", "hours")
    result = xr.Dataset(
        {
            "active": (dims, share, _about("%", "active caspase-3/7 in a live cell, of all")),
            "caspase": (dims, activity, _about("1", "active caspase-3/7 in a live cell, fold")),
            "caspase_well": (dims, activity * live, _about("1", "the same of a whole well, fold")),
            "live_cells": (dims, 100.0 * live, _about("%", "live cells, per cent of vehicle")),
        },
        coords={
            "drug": names,
            "dose": ("dose", plate, _about("nM", "drug in the medium")),
            "hours": ("hours", times, _about("h", "exposure")),
        },
    )
    if other is not None:
        what = _about("%", f"active caspase-3/7 in a live cell under {other.drug} alone, of all")
        result["beside_alone"] = (("draw", "drug", "hours"), alone, what)
    return cells.finished(result).assign_attrs(
        {
            "study": "caspase",
            **levels.about(other, begin),
            "cell_line": line,
            "engine": "; ".join(sorted(engines)),
            "parameters": json.dumps(dict(parameters or {})),
            "version": VERSION,
        }
    )


def _about(unit: str, meaning: str) -> dict[str, str]:
    return {"units": unit, "long_name": meaning}
