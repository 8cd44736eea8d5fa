"""Which parameters matter: a tornado, one at a time, and Sobol indices, all together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypedDict, Unpack, cast

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from p53net.dosing.medium import finite_number
from p53net.errors import InputError, MeasureError, unknown_name
from p53net.extras import need
from p53net.measures.definition import Measure
from p53net.simulation.gradients import Options
from p53net.simulation.inputs import Doses, checked_doses, checked_parameters
from p53net.simulation.model import Model
from p53net.simulation.provenance import recorded
from p53net.sweeps.design import Distribution, check_size, checked_seed
from p53net.sweeps.moved import movable
from p53net.sweeps.plan import checked_model
from p53net.sweeps.run import Progress, sweep


class SweepOptions(TypedDict, total=False):
    """Arguments of `sweep` that its studies pass on."""

    times: ArrayLike
    doses: Mapping[str, Doses] | None
    feedback: bool
    engine: str
    time_limit: float
    memory_limit: int | str
    workers: int | None
    scheduler: str | None
    progress: Callable[[Progress], None] | None


@recorded
def tornado(
    model: Model,
    measure: Measure | str,
    *,
    moved: Sequence[str] | None = None,
    factor: float = 2.0,
    local: bool = False,
    parameters: Mapping[str, float] | None = None,
    **options: Unpack[SweepOptions],
) -> xr.Dataset:
    """A measure with each parameter, and each dose, divided and multiplied by `factor`, ranked.

    `local` takes slopes instead, in this process: sides lie on the straight line through the usual
    cell, over the logarithm of the parameter, and `control` is d ln measure / d ln parameter.

    `moved` names those, by default all that are not 0. `parameters` are values to start from.
    Returns `value` over `parameter`, strongest first, and `side` (down, up), with a `baseline` and
    a `status`. A side that failed, or has no value, ranks by the other.
    Raises InputError, UnknownNameError, and MeasureError where the usual cell has no value.

    Examples:
        >>> names = ["k_deg_p53", "k_deg_MDM2", "k_syn_p53"]
        >>> found = pn.tornado(pn.load("KT-253"), "dose_ratio:3", moved=names)
        >>> found["parameter"].values.tolist(), found["value"].dims
        (['k_syn_p53', 'k_deg_MDM2', 'k_deg_p53'], ('parameter', 'side'))
        >>> found["value"].values.round(1)
        array([[1.4, 5.5],
               [2.3, 5.4],
               [4. , 3. ]])
    """
    if finite_number(factor, "factor, a number above 1,") <= 1.0:
        raise InputError(f"factor is {factor:g}, but must be above 1")
    definition = checked_model(model).definition
    changed = checked_parameters(definition, parameters)
    usual = movable(definition, changed, checked_doses(definition, options.get("doses")))
    usual = {name: value for name, value in usual.items() if value > 0}
    if moved is not None and not isinstance(moved, Sequence):
        raise InputError(f"moved is {moved!r}, but must be a list of parameters")
    named = [moved] if isinstance(moved, str) else moved
    chosen = list(usual) if named is None else list(dict.fromkeys(map(str, named)))
    for name in chosen:
        if name not in usual:
            raise unknown_name("parameter that can be scaled", name, usual)
    if not chosen:
        raise InputError("no parameter is named; leave moved out for all")
    base = {name: usual[name] for name in chosen}
    if local:
        return _local(model, measure, base, factor, changed, options)
    sides = [{**base, n: base[n] * by} for n in chosen for by in (1.0 / factor, factor)]
    held = {n: v for n, v in (parameters or {}).items() if n not in base}
    table = pd.DataFrame([base, *sides])
    found = sweep(model, table, measures=[measure], parameters=held, **options)
    name = next(str(one) for one in found.data_vars if one not in ("status", "reason"))
    if not np.isfinite(found[name].values[0]):
        raise MeasureError(f"{name} of the usual cell has no value: {found['reason'].values[0]}")
    value = found[name].values[1:].reshape(-1, 2)
    reach = np.nanmax(np.abs(np.column_stack([value - found[name].values[0], 0 * value[:, :1]])), 1)
    order = np.argsort(-np.nan_to_num(reach), kind="stable")
    about = found[name].attrs
    return xr.Dataset(
        {
            "value": (("parameter", "side"), value[order], about),
            "status": (("parameter", "side"), found["status"].values[1:].reshape(-1, 2)[order]),
            "reason": (("parameter", "side"), found["reason"].values[1:].reshape(-1, 2)[order]),
            "usual": ("parameter", np.array([base[n] for n in chosen])[order]),
            "baseline": ((), found[name].values[0], about),
        },
        coords={"parameter": np.array(chosen)[order], "side": ["down", "up"]},
        attrs={**found.attrs, "study": "tornado", "measure": name, "factor": float(factor)},
    )


@recorded
def sobol_indices(
    model: Model,
    axes: Mapping[str, Distribution],
    measure: Measure | str,
    *,
    points: int = 256,
    seed: int = 1,
    parameters: Mapping[str, float] | None = None,
    **options: Unpack[SweepOptions],
) -> xr.Dataset:
    """Shares of a measure's variance that each axis explains: alone `S1`, with the others `ST`.

    `axes` are distributions, independent of each other. Runs `points` times (number of axes + 2)
    points; `points` is a power of two. `S1_conf` and `ST_conf` are half-widths of 95 % intervals.
    Saltelli's estimators in SALib. Returns them over `parameter`. Raises InputError,
    MissingPackageError, and MeasureError where any point has no value: shares of what is left would
    mislead.

    Examples:
        >>> axes = {"k_deg_p53": pn.log_uniform(0.1, 1.0), "k_deg_MDM2": pn.log_uniform(0.5, 4.0)}
        >>> found = pn.sobol_indices(pn.load("KT-253"), axes, "auc:p53_active", points=64)
        >>> found["ST"].values.round(1)
        array([0.9, 0.2])
    """
    need("sensitivity", "an analysis by Sobol indices")
    from SALib.analyze import sobol as analysis
    from SALib.sample import sobol as sample

    if not isinstance(axes, Mapping) or len(axes) < 2:
        raise InputError("Sobol indices need two axes or more, as a mapping to distributions")
    for name, axis in axes.items():
        if not isinstance(axis, Distribution):
            raise InputError(f"axis {name} must be a distribution, such as pn.log_uniform(0.05, 1)")
    whole = isinstance(points, int | np.integer) and not isinstance(points, bool)
    if not whole or points < 2 or points & (points - 1):
        raise InputError(f"points is {points!r}, but must be a power of two, such as 256")
    seed = checked_seed(seed)
    check_size(points * (len(axes) + 2), f"{points:,} x ({len(axes)} axes + 2)")
    problem = {
        "num_vars": len(axes),
        "names": list(axes),
        "bounds": [[0.0, 1.0]] * len(axes),
    }
    shares = sample.sample(problem, int(points), calc_second_order=False, seed=seed)
    table = pd.DataFrame({n: axes[n].quantile(shares[:, i]) for i, n in enumerate(axes)})
    found = sweep(model, table, measures=[measure], parameters=parameters, **options)
    name = next(str(one) for one in found.data_vars if one not in ("status", "reason"))
    values = found[name].values
    if bad := int(np.sum(~np.isfinite(values))):
        why = next(r for r, v in zip(found["reason"].values, values, strict=True) if v != v)
        raise MeasureError(
            f"{bad} of {len(values)} points have no {name}; narrow the axes (the first: {why})"
        )
    if np.ptp(values) == 0:
        raise MeasureError(f"{name} is the same at every point; no axis moves it")
    indices = analysis.analyze(problem, values, calc_second_order=False, seed=seed)
    order = np.argsort(-np.asarray(indices["ST"]), kind="stable")
    meanings = {
        "S1": "share of the variance explained by the axis alone",
        "ST": "share explained by the axis with all others",
        "S1_conf": "half-width of the 95 % interval of S1",
        "ST_conf": "half-width of the 95 % interval of ST",
    }
    return xr.Dataset(
        {
            key: ("parameter", np.asarray(indices[key])[order], {"units": "1", "long_name": said})
            for key, said in meanings.items()
        },
        coords={"parameter": np.array([str(n) for n in axes])[order]},
        attrs={
            **found.attrs,
            "study": "sobol",
            "measure": name,
            "runs": len(values),
            "axes": "; ".join(
                f"{n} {a.low:g} to {a.high:g}{', log' * a.logarithmic}" for n, a in axes.items()
            ),
        },
    )


def _local(
    model: Model,
    measure: Measure | str,
    base: Mapping[str, float],
    factor: float,
    parameters: Mapping[str, float],
    options: SweepOptions,
) -> xr.Dataset:
    """A tornado of slopes."""
    kept = {n: v for n, v in options.items() if n in ("times", "doses", "feedback", "engine")}
    how = cast(Options, {**kept, "at": parameters})
    found = model.gradient([measure], list(base), **how).isel(measure=0)
    baseline = float(found["value"])
    if not np.isfinite(baseline):
        raise MeasureError(f"the usual cell has no value: {found['reason'].values[0]}")
    per_log = found["slope"].values * found["at"].values
    order = np.argsort(-np.nan_to_num(np.abs(per_log)), kind="stable")
    both = ("parameter", "side")
    name = str(found["measure"].values)
    about = {"units": str(found["unit"].values), "long_name": f"{name}, along its slope"}
    sides = baseline + per_log[order, None] * np.log(factor) * np.array([-1.0, 1.0])
    control = per_log[order] / baseline if baseline else np.full(len(order), np.nan)
    return xr.Dataset(
        {
            "value": (both, sides, about),
            "status": (both, np.repeat(found["status"].values[order, None], 2, axis=1)),
            "reason": (both, np.repeat(found["reason"].values[order, None], 2, axis=1)),
            "usual": ("parameter", np.array(list(base.values()))[order]),
            "baseline": ((), baseline, about),
            "control": ("parameter", control, {"units": "1"}),
        },
        coords={"parameter": np.array(list(base))[order], "side": ["down", "up"]},
        attrs={**found.attrs, "study": "tornado", "measure": name, "factor": float(factor)},
    )
