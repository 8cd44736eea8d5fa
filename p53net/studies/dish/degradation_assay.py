"""A degradation assay: MDM2 by concentration and time, DC50 and Dmax, and the hook."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import partial

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from p53net.dosing.beside import BesideLike
from p53net.engines.base import FloatArray
from p53net.ensembles.cells import Cells, EnsembleLike, Part, together
from p53net.ensembles.fitted import FitLike
from p53net.measures.dose_response import Logistic, fit_logistic
from p53net.model import GENERIC, cell_line_entries, drug_entries
from p53net.model.own import TablesLike, as_tables
from p53net.model.structures import StructureLike
from p53net.simulation.choice import AUTO
from p53net.simulation.loading import shared
from p53net.simulation.model import VERSION
from p53net.simulation.provenance import recorded
from p53net.studies.dish import levels
from p53net.studies.dish import plate as dish

HOURS = (2.0, 24.0)
_LOOPS = {"closed": True, "open": False}
_HOOK = 0.05  # of untreated MDM2: what has to come back at high doses


@recorded
@levels.each_level
def degradation(
    drugs: str | Iterable[str],
    cell_line: str = GENERIC,
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
    """Total MDM2 under constant concentrations, the loop closed and opened.

    Returns a Dataset over `drug`, `loop`, `hours` and `dose` [nM]: `MDM2` [% of vehicle], and per
    curve `dc50` with `dc50_low` and `dc50_high` [nM], `dmax` [% destroyed at the lowest point], the
    fitted `dmax_fit` with `dmax_low` and `dmax_high`, a `status`, and `hook`: the dose [nM] of the
    lowest MDM2 where it comes back above. The logistic fit leaves out what lies above that dose,
    unless too few doses lie below.
    `structure` and `accuracy` are as in `load`, `ensemble`, `fit` and `draws` as in `escape`,
    `beside` and `start` as in `viability`.
    Raises InputError, UnknownNameError.

    Examples:
        >>> blot = pn.degradation("KT-253", hours=2)
        >>> blot["dc50"].sel(loop="closed").values.round(3), blot["MDM2"].dims
        (array([[0.017]]), ('drug', 'loop', 'hours', 'dose'))
    """
    own = as_tables(tables)
    names = dish.checked_names(drugs, "drug", drug_entries(own))
    (line,) = dish.checked_names(cell_line, "cell_line", cell_line_entries(own))
    plate, times = dish.checked_concentrations(concentrations), dish.checked_hours(hours)
    other, begin = levels.one_level(beside, names, own, start, times)
    second = () if other is None else (other.drug,)
    cells = Cells(ensemble, draws=draws, structure=structure, tables=own)
    shape = len(cells), len(names), len(_LOOPS), len(times)
    percent = np.full((*shape, len(plate)), np.nan)
    keys = ("dc50", "dc50_low", "dc50_high", "dmax", "dmax_fit", "dmax_low", "dmax_high", "hook")
    found = {key: np.full(shape, np.nan) for key in keys}
    status = np.full(shape, "no run", dtype=object)
    alone = np.full(shape, np.nan)
    engines: dict[str, None] = {}

    def read(part: Part, i: int, j: int) -> None:
        name, feedback = names[i], list(_LOOPS.values())[j]
        model = shared(name, *second, cell_line=line, tables=own, structure=part.structure).to(
            accuracy
        )
        plates = dish.Plates(cells, part, name)
        wells = plates.read(model, name, plate, times, ["MDM2_total"], parameters,
                            feedback=feedback, engine=engine, beside=other,
                            start=begin)  # fmt: skip
        engines.setdefault(wells.engine)
        plates.check_vehicle(wells, "MDM2")
        for row, place in plates.each():
            own_wells = wells.values[row, :, :, 0]
            alone[place, i, j] = 100.0 * wells.alone[row, :, 0] / own_wells[0]
            percent[place, i, j] = 100.0 * (own_wells[1:] / own_wells[0]).T
            for k in range(len(times)):
                curve = percent[place, i, j, k]
                fit, hook = fit_below_hook(plate, curve)
                ends = (fit.bottom, fit.bottom_high, fit.bottom_low)
                fitted = [100.0 - end if fit.status == "ok" else np.nan for end in ends]
                values = (fit.middle, fit.low, fit.high, 100.0 - curve.min(), *fitted, hook)
                for key, value in zip(keys, values, strict=True):
                    found[key][place, i, j, k] = value
                status[place, i, j, k] = fit.status

    together([partial(read, part, i, j) for part in cells.parts(dish.TOGETHER)
              for i in range(len(names)) for j in range(len(_LOOPS))])  # fmt: skip
    about = {
        "dc50": ("nM", "dose of half the fall of MDM2"),
        "dc50_low": ("nM", "lower end of its 95 % interval"),
        "dc50_high": ("nM", "upper end of its 95 % interval"),
        "dmax": ("%", "largest fall of MDM2"),
        "dmax_fit": ("%", "largest fall of MDM2, fitted"),
        "dmax_low": ("%", "lower end of its 95 % interval"),
        "dmax_high": ("%", "upper end of its 95 % interval"),
        "hook": ("nM", "dose of the lowest MDM2, which comes back above"),
    }
    dims = ("draw", "drug", "loop", "hours")
    data = {
        key: (dims, values, {"units": about[key][0], "long_name": about[key][1]})
        for key, values in found.items()
    }
    result = xr.Dataset(
        {
            "MDM2": (
                (*dims, "dose"),
                percent,
                {"units": "%", "long_name": "total MDM2, per cent of vehicle"},
            ),
            **data,
            "status": (dims, status, {"units": "1", "long_name": "ok, or why there is no DC50"}),
        },
        coords={
            "drug": names,
            "loop": list(_LOOPS),
            "hours": ("hours", times, {"units": "h", "long_name": "exposure"}),
            "dose": ("dose", plate, {"units": "nM", "long_name": "drug in the medium"}),
        },
    )
    if other is not None:
        what = {"units": "%", "long_name": f"total MDM2 under {other.drug} alone, of vehicle"}
        result["beside_alone"] = (dims, alone, what)
    return cells.finished(result, ("dose",)).assign_attrs(
        {
            "study": "degradation",
            **levels.about(other, begin),
            "cell_line": line,
            "engine": "; ".join(sorted(engines)),
            "parameters": json.dumps(dict(parameters or {})),
            "version": VERSION,
        }
    )


def fit_below_hook(doses: FloatArray, percent: FloatArray) -> tuple[Logistic, float]:
    """The logistic fit up to the lowest point, and the dose of that point if MDM2 comes back."""
    lowest = int(percent.argmin())
    returns = percent[lowest:].max() - percent[lowest] > 100.0 * _HOOK
    falls = percent.min() < 100.0 * (1.0 - _HOOK)
    hook = float(doses[lowest]) if returns and falls else float("nan")
    below = slice(None) if np.isnan(hook) or lowest < 4 else slice(lowest + 1)
    fit = fit_logistic(doses[below], percent[below], 100.0)
    if fit.bottom > fit.top:
        rises = "MDM2 rises: it is blocked, not destroyed"
        nothing = float("nan")
        fit = fit._replace(middle=nothing, low=nothing, high=nothing, status=rises)
    return fit, hook
