"""Many runs of one model, each at times, doses, parameters and starts of its own."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from p53net.dosing.medium import Given, courses_of
from p53net.engines.base import FloatArray
from p53net.errors import InputError
from p53net.simulation import choice, external_runs, many
from p53net.simulation.inputs import (
    Doses,
    check_run,
    checked_doses,
    checked_observables,
    checked_parameters,
    checked_times,
)
from p53net.simulation.runs import Curves

if TYPE_CHECKING:
    from p53net.simulation.model import Model

MOST = 20_000_000
"""Runs times output times times quantities that one call may ask for: 160 MB."""


class Options(TypedDict, total=False):
    """What runs may have, each one value for all or one for each."""

    doses: "Mapping[str, Doses] | Sequence[Mapping[str, Doses] | None] | None"
    parameters: Mapping[str, ArrayLike] | None
    start: Mapping[str, ArrayLike] | None
    feedback: bool
    observables: Sequence[str] | None
    engine: str
    accuracy: float | None


def curves_of_runs(
    model: "Model",
    times: object,
    *,
    doses: "Mapping[str, Doses] | Sequence[Mapping[str, Doses] | None] | None" = None,
    parameters: Mapping[str, ArrayLike] | None = None,
    start: Mapping[str, ArrayLike] | None = None,
    feedback: bool = True,
    observables: Sequence[str] | None = None,
    engine: str = choice.AUTO,
    accuracy: float | None = None,
) -> xr.Dataset:
    """What `Model.simulate_many` returns."""
    model = model.to(accuracy)
    grids = _grids(times)
    given = [doses] if doses is None or isinstance(doses, Mapping) else list(doses)
    columns, starts = _columns(parameters, "parameters"), _columns(start, "start")
    sizes = {"times": len(grids), "doses": len(given)}
    sizes |= {f"{name} of parameters": len(one) for name, one in columns.items()}
    sizes |= {f"{name} of start": len(one) for name, one in starts.items()}
    size = _size(sizes)
    definition = model.definition
    arms = [checked_doses(definition, one) for one in given]
    _check(model, columns, starts, arms, feedback, grids)
    model, moved = _started(model, starts)
    names = checked_observables(definition, observables)
    width = max(map(len, grids))
    if size * width * len(names) > MOST:
        raise InputError(
            f"{size:,} runs at {width:,} times of {len(names)} quantities are more than {MOST:,} "
            "numbers; ask for fewer observables, or in parts"
        )
    columns |= moved
    table, at = _table(grids, width)
    whole = np.arange(size)
    found, said = many.attempted(
        model, table if len(table) == size else np.broadcast_to(table, (size, width)).copy(),
        courses_of(arms).of(whole % len(arms)),
        {name: np.broadcast_to(one, size).copy() for name, one in columns.items()},
        names, feedback=feedback, engine=engine,
    )  # fmt: skip
    own = whole % len(grids)
    known = at >= 0
    place = np.maximum(at, 0)
    clock = np.where(known, np.take_along_axis(table, place, axis=1), np.nan)[own]
    values = np.take_along_axis(found.values, place[own][:, np.newaxis, :], axis=2)
    values = np.where(known[own][:, np.newaxis, :], values, np.nan)
    failed = [i in found.errors for i in range(size)]
    values[failed] = np.nan
    sound = np.flatnonzero(~np.array(failed))
    data = {name: (("run", "point"), values[:, i], {**model.about(name), **_error(found, sound, i)})
            for i, name in enumerate(names)}  # fmt: skip
    reasons = [str(found.errors.get(i, "")) for i in range(size)]
    unit = {"units": definition.time_unit, "long_name": "time"}
    about = model.about_run({}, {}, feedback)
    attrs = {name: value for name, value in about.items() if name not in ("doses", "parameters")}
    return xr.Dataset(
        {**data, "reason": ("run", reasons, {"long_name": "why a run failed"})},
        coords={"time": (("run", "point"), clock, unit)},
        attrs={**attrs, "engine": said},
    )


def _error(found: Curves, runs: NDArray[np.intp], quantity: int) -> dict[str, float]:
    """Largest error along any curve, where it was measured, as an attribute."""
    if found.bars is None or not len(runs):
        return {}
    return {"error": float(found.bars[runs, quantity].max())}


def _grids(times: object) -> list[FloatArray]:
    """Times of each run, or one row for all. Raises InputError."""
    first = times[0] if isinstance(times, list | tuple | np.ndarray) and len(times) else None
    if not isinstance(first, list | tuple | np.ndarray):
        return [checked_times(times)]  # type: ignore[arg-type]
    found = []
    for number, one in enumerate(times):  # type: ignore[arg-type,var-annotated]
        try:
            found.append(checked_times(one))
        except InputError as error:
            raise InputError(f"run {number}: {error}") from None
    return found


def _columns(given: object, what: str) -> dict[str, FloatArray]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InputError(f"{what} is {str(given)[:60]!r}, but must map names to numbers, one for "
                         "all runs or one for each")  # fmt: skip
    found = dict[str, FloatArray]()
    for name, value in given.items():
        try:
            found[name] = np.atleast_1d(np.asarray(value, dtype=float))
        except (TypeError, ValueError):
            raise InputError(f"{name} of {what} is {str(value)[:60]!r}; give numbers") from None
        if found[name].ndim > 1 or not len(found[name]):
            raise InputError(f"{name} of {what} has the shape {found[name].shape}; give a number "
                             "for all runs, or one for each")  # fmt: skip
    return found


def _size(sizes: Mapping[str, int]) -> int:
    """How many runs there are. Raises InputError."""
    size = max(sizes.values())
    for name, one in sizes.items():
        if one not in (1, size):
            largest = next(other for other, n in sizes.items() if n == size)
            raise InputError(f"{name} has {one} and {largest} {size}; give one for all runs, or as "
                             "many for each")  # fmt: skip
    return size


def _check(
    model: "Model", columns: Mapping[str, FloatArray], starts: Mapping[str, FloatArray],
    arms: Sequence[Mapping[str, Given]], feedback: bool, grids: Sequence[FloatArray],
) -> None:  # fmt: skip
    """Raise what `simulate` raises of these."""
    definition = model.definition
    for name, column in columns.items():
        for value in np.unique(column).tolist():
            checked_parameters(definition, {name: value})
    for name, column in starts.items():
        for value in np.unique(column).tolist():
            external_runs.started(model, None, {name: value})
    ends = [float(grid[-1]) for grid in grids]
    several = max(len(arms), len(ends))
    first = {name: float(column[0]) for name, column in columns.items()}
    for i in range(several):
        check_run(definition, arms[i % len(arms)], first, feedback, ends[i % len(ends)])


def _started(
    model: "Model", starts: Mapping[str, FloatArray]
) -> "tuple[Model, dict[str, FloatArray]]":
    """The model whose states begin elsewhere, and the parameters that say where."""
    one = {name: float(column[0]) for name, column in starts.items()}
    begun, moved = external_runs.started(model, None, one)
    return begun, dict(zip(moved or {}, starts.values(), strict=True))


def _table(grids: Sequence[FloatArray], width: int) -> "tuple[FloatArray, NDArray[np.intp]]":
    """Times of one length, and where each row's own are in it, -1 after its last. Rows that have
    fewer get more points before their last one, so that no run goes on beyond its end."""
    table, at = np.empty((len(grids), width)), np.full((len(grids), width), -1)
    for row, places, grid in zip(table, at, grids, strict=True):
        more = width - len(grid)
        row[: len(grid) - 1] = grid[:-1]
        row[len(grid) - 1 :] = np.linspace(grid[-2], grid[-1], more + 2)[1:]
        row[-1] = grid[-1]
        places[: len(grid) - 1] = np.arange(len(grid) - 1)
        places[len(grid) - 1] = width - 1
    return table, at
