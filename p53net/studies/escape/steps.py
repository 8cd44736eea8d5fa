"""The steps of the study of feedback escape, for one drug in many cells at once.

Each gives a Dataset over `draw`, the candidate's cells. A cell that a step fails in has NaN there,
and `Failed` is told why.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from p53net.dosing.medium import Dose, constant, courses_of, pulse
from p53net.errors import MeasureError, P53NetError
from p53net.measures import curves as of_curves
from p53net.measures.candidate import Candidate
from p53net.measures.curves import FloatArray
from p53net.measures.equieffective import (
    DOSES,
    closed_dish_doses,
    crossings,
    equal_doses,
    loads,
    loop_factors,
    responses,
    resting_doses,
)
from p53net.measures.searching import Found, Places
from p53net.studies.escape.report import AFTER_WASHOUT

FOLDS = (2.0, 3.0, 5.0)
"""Levels of active p53, in multiples of untreated, at which dose ratios are taken."""
MEDIUM_VOLUMES = (2.0, 20.0, 1000.0)
"""Medium for each cell [pL] in the closed dish."""
NUMBER = 6
"""Of steps, for the progress."""

Failed: TypeAlias = Callable[[int, P53NetError, str], None]
"""Is told of a cell without a result, and of which step; raises the error of a point estimate."""

_Told: TypeAlias = Callable[[int, P53NetError], None]
_UNRESTED = "no steady state"
_SHOWN = ("p53_active", "p53_total", "MDM2_total", "MDM2_free", "MDM2_mRNA")
_CLOSED, _BOTH = (True,), (True, False)


def each_step(
    one: Candidate, hours: float, pulse_hours: float, fold: float, failed: Failed
) -> Iterator[tuple[str, xr.Dataset]]:
    """Each step by what it does, and what it gives."""
    alive, size = _without(one, one.start.errors), len(one)

    def told(rows: Places, what: str) -> _Told:
        return lambda i, error: failed(int(rows[i]), error, what)

    what = "dose-response"
    curves = _responses(one.of(alive), hours, told(alive, what))
    yield what, _spread(curves, alive, size, _UNRESTED)
    what = "equally effective dose"
    active = curves["response_p53_active"].sel(loop="closed").values
    there = np.isfinite(active).all(axis=1)
    rows = alive[there]
    cells = one.of(rows)
    found, only = equal_doses(cells, active[there], hours, fold)
    for i, error in found.errors.items():
        failed(int(rows[i]), error, what)
    dosed = _without(cells, found.errors)
    status = np.full(size, "no run", dtype=object)
    status[rows] = "not reached"
    pulses = "the lowest of several: active p53 pulses, so the response is not monotone"
    status[rows[dosed]] = np.where(only[dosed], "ok", pulses)
    rows, doses = rows[dosed], found.values[dosed]
    cells = one.of(rows)
    at_dose = _spread(_at_dose(cells, doses, hours, told(rows, what)), rows, size)
    yield what, at_dose.assign(equal_dose_status=("draw", status))
    what = "time courses"
    yield what, _spread(_courses(cells, doses, hours, told(rows, what)), rows, size)
    what = "washout"
    washed = _washouts(cells, doses, (pulse_hours, hours), told(rows, what))
    yield what, _spread(washed, rows, size)
    what, living = "state at rest", one.of(alive)
    rests = _at_rest(living, curves["response_p53_active"].values, fold, told(alive, what))
    yield what, _spread(rests, alive, size, _UNRESTED)
    what = "closed dish"
    taken = _loads(living, hours, fold, told(alive, what))
    yield what, _spread(taken, alive, size, _UNRESTED)


def _without(one: Candidate, errors: Mapping[int, P53NetError]) -> Places:
    return np.flatnonzero(~np.isin(np.arange(len(one)), list(errors)))


def _spread(found: xr.Dataset, rows: Places, size: int, status: str = "no dose") -> xr.Dataset:
    """What some rows have, beside those that have nothing."""
    if len(rows) == size:
        return found
    data = {}
    for name, one in found.data_vars.items():
        words = one.dtype.kind == "O"
        values = np.full((size, *one.shape[1:]), status if words else np.nan, dtype=one.dtype)
        values[rows] = one.values
        data[name] = (one.dims, values)
    return xr.Dataset(data, found.coords)


def _run(
    one: Candidate,
    times: FloatArray,
    doses: Sequence[Dose],
    names: Sequence[str],
    loops: Sequence[bool],
    failed: _Told,
) -> dict[str, FloatArray]:
    """Curves (cell, loop, time) of each quantity, under a dose for each cell."""
    number = len(loops)
    many = one.of(np.repeat(np.arange(len(one)), number))
    courses = courses_of([one.given(dose) for dose in doses for _ in loops])
    values, errors = many.run(times, courses, names, np.tile(loops, len(one)))
    for i, error in errors.items():
        failed(i // number, error)
    shaped = values.reshape(len(one), number, len(names), len(times))
    return {name: shaped[:, :, i] for i, name in enumerate(names)}


def _each(
    measure: Callable[..., float | tuple[float, ...]], *rows: FloatArray
) -> tuple[FloatArray, dict[int, P53NetError]]:
    """A measure, or several, of each cell's curves, and why a cell has none."""
    found: dict[int, FloatArray] = {}
    errors: dict[int, P53NetError] = {}
    for i, values in enumerate(zip(*rows, strict=True)):
        try:
            found[i] = np.asarray(measure(*values), dtype=float)
        except MeasureError as error:
            errors[i] = error
    shape = next(iter(found.values())).shape if found else ()
    nothing = np.full(shape, np.nan)
    return np.array([found.get(i, nothing) for i in range(len(rows[0]))]), errors


def _needed(found: tuple[FloatArray, dict[int, P53NetError]], failed: _Told) -> FloatArray:
    """Numbers that every cell should have."""
    for i, error in found[1].items():
        failed(i, error)
    return found[0]


def _at_dose(one: Candidate, doses: FloatArray, hours: float, failed: _Told) -> xr.Dataset:
    times = np.linspace(0.0, hours, 481)
    counter = one.model.definition.counters
    if one.beside is not None and one.drug not in one.model.definition.twins:
        counter = ()  # which is of the drug beside
    names = [*_SHOWN, "MDM2_undrugged", one.in_cell, *counter]
    curves = _run(one, times, [constant(dose) for dose in doses], names, _BOTH, failed)
    end = {name: curve[:, 0, -1] for name, curve in curves.items()}
    shut, opened = curves["p53_active"][:, 0], curves["p53_active"][:, 1]
    untreated = one.untreated
    logs = _needed(
        _each(of_curves.abundance_occupancy, end["MDM2_total"], end["MDM2_undrugged"],
              untreated["MDM2_total"]),
        failed,
    ).reshape(len(one), -1)  # fmt: skip
    index = _each(lambda *row: of_curves.escape_index(times, *row), shut, opened,
                  untreated["p53_active"])  # fmt: skip
    folds = {f"{name}_fold": end[name] / untreated[name]
             for name in ("p53_active", "p53_total", "MDM2_total", "MDM2_mRNA")}  # fmt: skip
    nothing = np.full(len(one), np.nan)
    return _over_draws(
        {
            "equal_dose": doses,
            **folds,
            "escape_index": _needed(index, failed),
            **{
                name: logs[:, i] if logs.shape[1] == 3 else nothing
                for i, name in enumerate(("log_undrugged", "log_abundance", "log_occupancy"))
            },
            "destroyed_per_drug": end[counter[0]] / end[one.in_cell] if counter else nothing,
        }
    )


def _responses(one: Candidate, hours: float, failed: _Told) -> xr.Dataset:
    names = ["p53_active", "MDM2_total"]
    found = []
    for feedback in _BOTH:
        values, errors = responses(one, hours, names, feedback)
        for i, error in errors.items():
            failed(i, error)
        found.append(values)
    both = np.stack(found, axis=1)
    data = {f"response_{name}": both[..., i] for i, name in enumerate(names)}
    return _over_draws(data, loop=["closed", "open"], dose=DOSES)


def _courses(one: Candidate, doses: FloatArray, hours: float, failed: _Told) -> xr.Dataset:
    times = np.linspace(0.0, 2.0 * hours, 289)
    curves = _run(one, times, [constant(dose) for dose in doses], _SHOWN, _BOTH, failed)
    late = curves["p53_active"][:, 0, times >= 1.5 * hours]
    swing = _over_draws({"late_swing": np.ptp(late, axis=1) / late.mean(axis=1)})
    data = {f"course_{name}": curve for name, curve in curves.items()}
    return swing.merge(_over_draws(data, loop=["closed", "open"], time=times))


def _washouts(
    one: Candidate, doses: FloatArray, exposures: tuple[float, float], failed: _Told
) -> xr.Dataset:
    names = [*_SHOWN, one.in_cell]
    since = np.linspace(-max(exposures), AFTER_WASHOUT, 2401)
    untreated = one.untreated
    active0, free0 = untreated["p53_active"], untreated["MDM2_free"]
    found: dict[str, list[NDArray[np.generic]]] = {}
    for exposure in exposures:
        times = np.unique(np.concatenate([[0.0, exposure], since[since > -exposure] + exposure]))
        given = [pulse(dose, exposure) for dose in doses]
        run = {n: c[:, 0] for n, c in _run(one, times, given, names, _CLOSED, failed).items()}
        after = times >= exposure
        active = run["p53_active"][:, after]
        free = np.log2(run["MDM2_free"][:, after].max(axis=1) / free0)
        falls, _ = _each(lambda *row: float(of_curves.rebound(*row)), active, active0)
        piece: dict[str, NDArray[np.generic]] = {"rebound": falls, "free_MDM2_rise": free}
        for name, curves, floor in (
            ("persistence", active, active0),
            ("washout_half_time", run[one.in_cell][:, after], np.zeros(len(one))),
        ):
            halves = _each(lambda *row, at=times[after]: of_curves.half_time(at, *row),
                           curves, floor)  # fmt: skip
            piece |= {name: halves[0], f"{name}_status": _words(halves[1], len(one))}
        for name in _SHOWN:
            inside = since >= -exposure
            curve = np.repeat(untreated[name][:, None], len(since), axis=1)
            curve[:, inside] = [np.interp(since[inside] + exposure, times, c) for c in run[name]]
            piece[f"washout_{name}"] = curve
        for name, values in piece.items():
            found.setdefault(name, []).append(values)
    stacked = {name: np.stack(values, axis=1) for name, values in found.items()}
    followed = {f"washout_{name}": stacked.pop(f"washout_{name}") for name in _SHOWN}
    exposed = list(exposures)
    return _over_draws(stacked, exposure=exposed).merge(
        _over_draws(followed, exposure=exposed, since_washout=since)
    )


def _words(errors: Mapping[int, P53NetError], size: int) -> NDArray[np.object_]:
    """A status of each cell."""
    return np.array([str(errors.get(i, "ok")) for i in range(size)], dtype=object)


def _at_rest(one: Candidate, active: FloatArray, fold: float, failed: _Told) -> xr.Dataset:
    """Dose ratios, and the loop factor where active p53 rests at `fold` times untreated, so that
    drugs compare. Doses are near those of the dose-response (cell, loop, dose)."""
    size, number = len(one), len(FOLDS)
    asked = FOLDS if fold in FOLDS else (*FOLDS, fold)
    folds = np.array([*asked, *FOLDS])
    each = len(folds)
    loops = np.arange(each) < len(asked)  # closed
    many = one.of(np.repeat(np.arange(size), each))
    levels = folds * one.untreated["p53_active"][:, None]
    near = crossings(active[:, np.where(loops, 0, 1)].reshape(size * each, -1), levels.ravel())
    found = resting_doses(many, np.tile(folds, size), np.tile(loops, size), near)
    values = found.values.reshape(size, each)
    closed, opened = values[:, :number], values[:, len(asked) :]
    status = np.full((size, number), "ok", dtype=object)
    ends: dict[int, P53NetError] = {}
    for i, error in sorted(found.errors.items()):
        cell, place = divmod(i, each)
        if place == asked.index(fold):
            ends[cell] = error
        level = place if loops[place] else place - len(asked)
        if level < number:
            status[cell, level] = _not_reached(error, cell, failed)
    last = Found(values[:, asked.index(fold)], ends)
    factor = last.then(lambda rows: loop_factors(one.of(rows), last.values[rows]))
    said = np.full(size, "ok", dtype=object)
    for cell, error in factor.errors.items():
        said[cell] = _not_reached(error, cell, failed)
    alone = _over_draws({"loop_factor": factor.values, "loop_factor_status": said})
    doses = {"dose_ratio": closed / opened, "resting_dose_closed": closed,
             "resting_dose_open": opened}  # fmt: skip
    ratios = {name: part for key, values in doses.items()
              for name, part in ((key, values), (f"{key}_status", status))}  # fmt: skip
    return _over_draws(ratios, fold=list(FOLDS)).merge(alone)


def _not_reached(error: P53NetError, cell: int, failed: _Told) -> str:
    """Why a search has no dose; what is not a matter of the dose is a failure."""
    if not isinstance(error, MeasureError):
        failed(cell, error)
    return f"not reached: {error}"


def _loads(one: Candidate, hours: float, fold: float, failed: _Told) -> xr.Dataset:
    number = len(MEDIUM_VOLUMES)
    many = one.of(np.repeat(np.arange(len(one)), number))
    volumes = np.tile(MEDIUM_VOLUMES, len(one))
    doses = closed_dish_doses(many, volumes, hours, fold)
    for i, error in doses.errors.items():
        failed(i // number, error)
    data = {"closed_dish_dose": doses.values,
            "stoichiometric_load": loads(many, doses.values, volumes)}  # fmt: skip
    shaped = {name: values.reshape(-1, number) for name, values in data.items()}
    return _over_draws(shaped, medium_volume=list(MEDIUM_VOLUMES))


def _over_draws(
    data: Mapping[str, NDArray[np.generic]], **coords: "Sequence[object] | NDArray[np.generic]"
) -> xr.Dataset:
    """Variables over `draw` and these dimensions, in order."""
    dims = ("draw", *coords)
    return xr.Dataset({name: (dims, values) for name, values in data.items()}, dict(coords))
