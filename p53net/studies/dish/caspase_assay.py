"""A caspase-3/7 assay: its activity by dose and time."""

import json
from collections.abc import Iterable, Mapping

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from p53net.model import cell_line_entries, drug_entries
from p53net.model.own import TablesLike, as_tables
from p53net.model.structures import StructureLike
from p53net.simulation.choice import AUTO
from p53net.simulation.loading import shared
from p53net.simulation.model import VERSION, Model
from p53net.simulation.provenance import recorded
from p53net.studies.dish import plate as dish

HOURS = (6.0, 12.0, 24.0, 48.0)


@recorded
def caspase(
    drugs: str | Iterable[str],
    cell_line: str = "SJSA-1",
    *,
    hours: ArrayLike = HOURS,
    concentrations: ArrayLike | None = None,
    parameters: Mapping[str, float] | None = None,
    engine: str = AUTO,
    accuracy: float | None = None,
    tables: TablesLike = None,
    structure: StructureLike = None,
) -> xr.Dataset:
    """Active caspase-3/7 under constant concentrations, per live cell and per well.

    Returns a Dataset over `drug`, `dose` [nM] and `hours`: `active` [% of all caspase-3/7 of a live
    cell], `caspase` [the same as fold of vehicle], `caspase_well` [the fold of a well, with its
    live cells over those of vehicle] and `live_cells` [% of vehicle]. `structure` and `accuracy`
    are as in `load`.
    Raises InputError, UnknownNameError.
    """
    own = as_tables(tables)
    names = dish.checked_names(drugs, "drug", drug_entries(own))
    (line,) = dish.checked_names(cell_line, "cell_line", cell_line_entries(own))
    plate, times = dish.checked_concentrations(concentrations), dish.checked_hours(hours)
    activity = np.empty((len(names), len(plate), len(times)))
    live, share = np.empty_like(activity), np.empty_like(activity)
    engines: dict[str, None] = {}
    for i, name in enumerate(names):
        model = shared(name, cell_line=line, system="culture", tables=own, structure=structure).to(
            accuracy
        )
        read = dish.read_plate(model, name, plate, times, ["caspase", "live_cells"], parameters,
                          engine=engine)  # fmt: skip
        wells = read.values
        engines |= {read.engine: None}
        dish.check_vehicle(wells, "active caspase")
        activity[i], live[i] = np.moveaxis(wells[1:] / wells[0], -1, 0)
        share[i] = 100.0 * wells[1:, :, 0] / _total(model, parameters)
    dims = ("drug", "dose", "hours")
    return xr.Dataset(
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
        attrs={
            "study": "caspase",
            "cell_line": line,
            "engine": "; ".join(engines),
            "parameters": json.dumps(dict(parameters or {})),
            "version": VERSION,
        },
    )


def _total(model: Model, parameters: Mapping[str, float] | None) -> float:
    """All caspase-3/7 of a cell [nM]."""
    usual = model.definition.parameters["caspase_total"].value
    return float((parameters or {}).get("caspase_total", usual))


def _about(unit: str, meaning: str) -> dict[str, str]:
    return {"units": unit, "long_name": meaning}
