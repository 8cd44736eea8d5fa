"""`Model.gradient`: slopes as a labelled table, and what parameters can be told from curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from p53net.dosing.medium import finite_number
from p53net.engines.base import FloatArray
from p53net.errors import InputError
from p53net.measures.definition import Measure
from p53net.model import shown_unit
from p53net.simulation import choice, provenance
from p53net.simulation.inputs import Doses, checked_doses, checked_parameters
from p53net.simulation.model import Model
from p53net.sweeps.design import Design, Listed
from p53net.sweeps.moved import highest, movable, slope_unit
from p53net.sweeps.plan import Plan, plan_of
from p53net.sweeps.run import DEFAULT_TIMES
from p53net.sweeps.slopes import STATUSES, PointSlopes, slopes_at

_RUNS = 1000  # for which an engine is chosen: slopes cost many runs, and want lanes
_TOLD = 1e-10  # of the most certain combination of parameters: less tells nothing
_BOTH = ("measure", "parameter")


def gradient(
    model: Model,
    measures: Sequence[Measure | str],
    parameters: Sequence[str] | None,
    *,
    times: ArrayLike | None = None,
    doses: Mapping[str, Doses] | None = None,
    at: Mapping[str, float] | None = None,
    observables: Sequence[str] | None = None,
    feedback: bool = True,
    scaled: bool = False,
    engine: str = choice.AUTO,
) -> xr.Dataset:
    """What `Model.gradient` says."""
    if not isinstance(scaled, bool | np.bool_):
        raise InputError(f"scaled is {scaled!r}, but must be True (of logarithms) or False")
    name, said = choice.chosen(model, engine, _RUNS)
    if parameters is None:
        changed = checked_parameters(model.definition, at)
        given = checked_doses(model.definition, doses)
        parameters = list(movable(model.definition, changed, given))
    plan, _ = plan_of(
        model,
        Design({}, Listed({})),
        times=DEFAULT_TIMES if times is None else times,
        observables=observables,
        measures=measures,
        doses=doses,
        parameters=at,
        feedback=feedback,
        time_limit=np.inf,
        memory_limit=0,
        engine=name,
        keep_trajectories=observables is not None and np.size(observables) > 0,
        gradient=parameters,
    )
    found = slopes_at(plan, model, np.empty((1, 0)), name)
    provenance.note(model, said)
    attributes = {
        **model.about_run(plan.doses, plan.parameters, plan.feedback),
        "engine": said,
        "study": "gradient",
    }
    return _dataset(plan, found, scaled).assign_attrs(attributes)


def fisher_information(gradient: xr.Dataset, noise: float | Mapping[str, float]) -> xr.Dataset:
    """What curves tell of parameters, if each point is seen once with independent normal noise.

    `gradient` is one of a model with curves; points are its `observable` and `time`, which can be
    selected before. `noise` is the standard deviation, in the unit of each curve, of all or by
    observable; of a `scaled` gradient that of logarithms, and points of 0 tell nothing there.
    Returns `information` over `parameter` and `other`, and for each parameter `alone`, the standard
    error with all others known, and `together`, with none known: infinite where curves cannot tell
    it from others. Raises InputError.

    Examples:
        >>> slopes = pn.load("KT-253").gradient(
        ...     parameters=["k_deg_p53", "k_syn_p53"], observables=["p53_total"],
        ...     times=[0, 2, 4, 8], doses={"KT-253": 5.0}, scaled=True)
        >>> told = pn.fisher_information(slopes, noise=0.1)
        >>> told["alone"].values.round(2), told["together"].values.round(2)
        (array([0.13, 0.05]), array([0.25, 0.1 ]))
    """
    if not isinstance(gradient, xr.Dataset) or "curve_slope" not in gradient:
        raise InputError(
            "fisher_information needs slopes of curves; name observables in model.gradient"
        )
    names = [str(name) for name in gradient["observable"].values]
    if isinstance(noise, Mapping):
        for name in names:
            if name not in noise:
                raise InputError(f"noise has no value for {name}; give one, or select others")
        sizes = [finite_number(noise[name], f"noise of {name}") for name in names]
    else:
        sizes = [finite_number(noise, "noise")] * len(names)
    if min(sizes) <= 0.0:
        raise InputError("noise is 0, but must be above 0")
    slopes = gradient["curve_slope"].transpose("parameter", "observable", "time").values
    slopes = slopes / np.array(sizes)[:, None]
    flat = slopes[:, np.isfinite(slopes).all(axis=0)]
    information = flat @ flat.T
    own = np.sqrt(np.diag(information))
    with np.errstate(divide="ignore"):
        alone = 1.0 / own
    scale = np.where(own > 0.0, own, 1.0)
    sizes_of, directions = np.linalg.eigh(information / np.outer(scale, scale))
    told = sizes_of > _TOLD * max(float(sizes_of.max(initial=0.0)), 1e-300)
    with np.errstate(divide="ignore"):
        variances = (directions[:, told] ** 2 / sizes_of[told]).sum(axis=1)
    hidden = (directions[:, ~told] ** 2).sum(axis=1) > _TOLD
    together = np.where(hidden | (own == 0.0), np.inf, np.sqrt(variances) / scale)
    listed = gradient["parameter"].values
    return xr.Dataset(
        {
            "information": (("parameter", "other"), information),
            "alone": ("parameter", alone, {"long_name": "standard error, all others known"}),
            "together": ("parameter", together, {"long_name": "standard error, none known"}),
        },
        coords={"parameter": listed, "other": listed},
        attrs={
            **{name: said for name, said in gradient.attrs.items() if name != "record"},
            "study": "fisher_information",
        },
    )


def _dataset(plan: Plan, found: PointSlopes, scaled: bool) -> xr.Dataset:
    rows = plan.definition.parameters
    known = {**{name: row.value for name, row in rows.items()}, **plan.parameters}
    at = np.array([{**known, **highest(plan.doses)}[name] for name in plan.moved])
    slope, statuses = found.slopes[0], found.statuses[0]
    if scaled:
        slope = _logarithmic(slope, at, found.values[0][:, None])
        statuses[(statuses == "ok") & ~np.isfinite(slope)] = "measure undefined"
    units = [plan.unit(name) for name in plan.moved]
    of = "d ln measure / d ln parameter" if scaled else "d measure / d parameter"
    own = [unit for unit, _ in plan.measured.values()]
    data: dict[str, Any] = {
        "value": ("measure", found.values[0], {"long_name": "the measure"}),
        "slope": (_BOTH, slope, {"long_name": of}),
        "status": (_BOTH, statuses, {"long_name": ", ".join(STATUSES)}),
        "reason": (_BOTH, found.reasons[0], {"long_name": "why not ok"}),
    }
    coordinates: dict[str, Any] = {
        "parameter": ("parameter", list(plan.moved)),
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


def _units(own: Sequence[str], parameters: Sequence[str], scaled: bool) -> NDArray[np.str_]:
    each = ["1" if scaled else slope_unit(a, b) for a in own for b in parameters]
    return np.array(each, dtype=np.str_).reshape(len(own), len(parameters))
