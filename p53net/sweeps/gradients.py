"""`Model.gradient`: slopes as a labelled table, and what parameters can be told from curves."""

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np
import xarray as xr

from p53net.engines.base import FloatArray
from p53net.measures.definition import Measure
from p53net.model import shown_unit
from p53net.simulation import choice, provenance
from p53net.simulation.gradients import Options
from p53net.simulation.model import Model
from p53net.sweeps.design import Design
from p53net.sweeps.moved import checked_moved, highest, movable, slope_unit
from p53net.sweeps.plan import Plan, plan_of
from p53net.sweeps.run import DEFAULT_TIMES
from p53net.sweeps.slopes import STATUSES, PointSlopes, slopes_at

_RUNS = 1000  # for which an engine is chosen: slopes cost many runs, and want lanes
_BOTH = ("measure", "parameter")


def gradient(
    model: Model,
    measures: Sequence[Measure | str],
    parameters: Sequence[str] | None,
    **options: Unpack[Options],
) -> xr.Dataset:
    """What `Model.gradient` says."""
    name, said = choice.chosen(model, options.get("engine", choice.AUTO), _RUNS)
    scaled, observables = options.get("scaled", False), options.get("observables")
    plan, _ = plan_of(
        model,
        Design({}, {}),
        times=options.get("times", DEFAULT_TIMES),
        observables=observables,
        measures=measures,
        doses=options.get("doses"),
        parameters=options.get("at"),
        feedback=options.get("feedback", True),
        time_limit=np.inf,
        memory_limit=0,
        engine=name,
        keep_trajectories=observables is not None,
    )
    doses = highest(plan.doses)
    usual = movable(model.definition, plan.parameters, plan.doses)
    wanted = list(usual) if parameters is None else parameters
    moved = checked_moved(wanted, model.definition, plan.measures, doses)
    found = slopes_at(plan, model, np.empty((1, 0)), moved, name)
    provenance.note(model, said)
    attributes = {
        **model.about_run(plan.doses, plan.parameters, plan.feedback),
        "engine": said,
        "study": "gradient",
    }
    return _dataset(plan, found, moved, scaled).assign_attrs(attributes)


def _dataset(plan: Plan, found: PointSlopes, moved: Sequence[str], scaled: bool) -> xr.Dataset:
    rows = plan.definition.parameters
    known = {**{name: row.value for name, row in rows.items()}, **plan.parameters}
    at = np.array([{**known, **highest(plan.doses)}[name] for name in moved])
    slope, statuses = found.slopes[0], found.statuses[0]
    if scaled:
        slope = _logarithmic(slope, at, found.values[0][:, None])
        statuses[(statuses == "ok") & ~np.isfinite(slope)] = "measure undefined"
    units = [plan.unit(name) for name in moved]
    of = "d ln measure / d ln parameter" if scaled else "d measure / d parameter"
    own = [unit for unit, _ in plan.measured.values()]
    data: dict[str, Any] = {
        "value": ("measure", found.values[0], {"long_name": "the measure"}),
        "slope": (_BOTH, slope, {"long_name": of}),
        "status": (_BOTH, statuses, {"long_name": ", ".join(STATUSES)}),
        "reason": (_BOTH, found.reasons[0], {"long_name": "why not ok"}),
    }
    coordinates: dict[str, Any] = {
        "parameter": ("parameter", list(moved)),
        "at": ("parameter", at, {"long_name": "value of the parameter"}),
        "parameter_unit": ("parameter", units),
        "measure": ("measure", list(plan.measured)),
        "unit": ("measure", own),
        "slope_unit": (_BOTH, _units(own, units, scaled)),
    }
    if plan.curves:
        along = ("observable", "parameter", "time")
        curve_slope = found.curve_slopes[0]
        if scaled:
            curve_slope = _logarithmic(curve_slope, at[:, None], found.curves[0][:, None])
        shown = [shown_unit(plan.definition.units[name]) for name in plan.curves]
        data["curve"] = (("observable", "time"), found.curves[0], {"long_name": "the curve"})
        data["curve_slope"] = (along, curve_slope, {"long_name": of.replace("measure", "curve")})
        about = {"units": plan.definition.time_unit, "long_name": "time"}
        coordinates |= {
            "time": ("time", plan.times, about),
            "observable": ("observable", list(plan.curves)),
            "curve_unit": ("observable", shown),
            "curve_slope_unit": (along[:2], _units(shown, units, scaled)),
        }
    return xr.Dataset(data, coords=coordinates)


def _logarithmic(slopes: FloatArray, at: FloatArray, values: FloatArray) -> FloatArray:
    """Slopes of logarithms; NaN where a value is 0."""
    with np.errstate(all="ignore"):
        return np.asarray(np.where(values != 0.0, slopes * at / values, np.nan))


def _units(own: Sequence[str], parameters: Sequence[str], scaled: bool) -> FloatArray:
    return np.array([["1" if scaled else slope_unit(a, b) for b in parameters] for a in own])
