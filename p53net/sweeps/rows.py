"""Points to rows: what each point gave, or why it gave nothing."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from p53net.engines.base import FloatArray, Tolerances
from p53net.errors import (
    MeasureError,
    SimulationError,
    SteadyStateError,
    TimeLimitError,
    WorkersError,
)
from p53net.measures.parsing import is_array_measure, observables_of, value_of, value_of_many
from p53net.model import shown_unit
from p53net.simulation.model import Model
from p53net.sweeps.plan import Plan, package_versions
from p53net.sweeps.points import Point, Points, one_at_a_time
from p53net.sweeps.slopes import slopes_at

if TYPE_CHECKING:
    import pyarrow as pa

STATUSES = {
    "ok": "the run and all its measures",
    "measure undefined": "a measure has no value here; the others have theirs",
    "steady state failed": "no untreated state to start from: the cell pulses or drifts",
    "integration failed": "the run did not reach its end",
    "time limit": "the point took longer than it was allowed to",
    "memory limit": "the point took more memory than it was allowed to",
    "worker lost": "the point ended its process twice, when it ran alone",
    "failed": "another error; the reason says which",
    "not run": "not yet in the store",
}
_LONGEST_REASON = 300
_CURVE_BYTES = 64 * 2**20  # of points that are looked at together
_MODELS_KEPT = 4  # a compiled model takes megabytes

_compiled: dict[tuple[str, Tolerances], Model] = {}


class Rows(NamedTuple):
    """What points gave."""

    values: FloatArray
    """Point, measure."""
    statuses: list[str]
    reasons: list[str]
    curves: FloatArray | None
    """Point, curve, time."""


class Row(NamedTuple):
    """What one point gave."""

    values: tuple[float, ...]
    status: str
    reason: str
    curves: FloatArray | None


def use(model: Model) -> None:
    """Run points of this model on the engine that it has compiled, in this process."""
    with one_at_a_time:
        _compiled.pop((model.definition.sha256, model.tolerances), None)
        while len(_compiled) >= _MODELS_KEPT:
            _compiled.pop(next(iter(_compiled)))
        _compiled[model.definition.sha256, model.tolerances] = model


def table(
    plan: Plan, start: int, values: FloatArray, before_each: Callable[[], None] = lambda: None
) -> "pa.Table":
    """Rows of the points from `start` on, with these values of the axes."""
    if package_versions() != plan.versions:
        raise WorkersError(
            f"a worker has {package_versions()}, but the sweep was started with "
            f"{dict(plan.versions)}; install the same versions on every machine"
        )
    return as_table(plan, start, values, rows_of(plan, values, before_each))


def model_of(plan: Plan) -> Model:
    """The plan's model, compiled once in each process."""
    key = plan.definition.sha256, plan.tolerances
    if (known := _compiled.get(key)) is not None:  # no thread waits for the points of another
        return known
    with one_at_a_time:
        if key not in _compiled:
            use(Model(plan.definition, plan.tolerances))
        return _compiled[key]


def ready(plan: Plan) -> None:
    """Compile the plan's model before points are timed; RoadRunner's even for the batch engine,
    which may need it."""
    model = model_of(plan)
    for runner in {plan.engine: model.runner(plan.engine), "": model.runner()}.values():
        runner.ready()


def rows_of(plan: Plan, values: FloatArray, before_each: Callable[[], None] = lambda: None) -> Rows:
    """What points give. On an engine that runs many together, threads may do this at once.

    There, measures that work on arrays are taken of all points together; a point for which one has
    no value that way, or that has other measures, is looked at by itself, and a point that the
    engine gave up is run by another.
    """
    model = model_of(plan)
    parts = [_part(plan, model, part, before_each) for part in _parts(plan, values)]
    curves = [part.curves for part in parts if part.curves is not None]
    return Rows(
        np.concatenate([part.values for part in parts]),
        [status for part in parts for status in part.statuses],
        [reason for part in parts for reason in part.reasons],
        np.concatenate(curves) if curves else None,
    )


def _parts(plan: Plan, values: FloatArray) -> Iterator[FloatArray]:
    """Points in groups whose curves fit into memory; one by one where that costs no more."""
    most = 1
    if plan.capabilities.together:
        most = max(most, _CURVE_BYTES // (8 * len(plan.needed) * len(plan.times)))
    return (values[start : start + most] for start in range(0, len(values), most))


def _part(plan: Plan, model: Model, values: FloatArray, before_each: Callable[[], None]) -> Rows:
    points = Points(plan, model, values, plan.engine)
    found = np.full((len(values), len(plan.measures)), np.nan)
    statuses, reasons = ["ok"] * len(values), [""] * len(values)
    curves, alone, width = None, set(range(len(values))), found.shape[1]
    if plan.capabilities.together:
        # All runs come first, so that it is known which points the engine gave up.
        with np.errstate(all="ignore"):  # what has no value is looked at by itself
            for column, one in enumerate(plan.measures):
                if is_array_measure(one):
                    found[:, column] = value_of_many(one, points)
                elif observables_of(one, plan.definition):
                    points.run()
        curves = points.curves(plan.curves) if plan.curves else None
        alone = set(np.flatnonzero(~np.isfinite(found).all(axis=1)).tolist())
        alone |= points.given_up.keys() | points.errors.keys()
    elif plan.curves:
        curves = np.empty((len(values), len(plan.curves), len(plan.times)))
    for i in sorted(alone):
        before_each()
        single = _single(plan, model, points, values, i)
        found[i], statuses[i], reasons[i] = single.values[:width], single.status, single.reason
        if curves is not None and single.curves is not None:
            curves[i] = single.curves
    rows = Rows(found, statuses, reasons, curves)
    return _with_slopes(plan, model, values, rows) if plan.moved else rows


def _with_slopes(plan: Plan, model: Model, values: FloatArray, rows: Rows) -> Rows:
    """The same with slopes of the measures, of points that have run."""
    sound = np.flatnonzero([status in ("ok", "measure undefined") for status in rows.statuses])
    slopes = np.full((len(values), len(plan.measures), len(plan.moved)), np.nan)
    names = list(plan.columns)[len(plan.measures) :]
    each = 8 * len(plan.needed) * len(plan.times) * (2 + 4 * len(plan.moved))
    for part in np.array_split(sound, -(-len(sound) * each // _CURVE_BYTES) or 1):
        if not len(part):
            continue
        found = slopes_at(plan, model, values[part], plan.engine)
        slopes[part] = found.slopes
        for i, status, reason in zip(part, found.statuses, found.reasons, strict=True):
            why = [
                f"{name}: {said or kind}"
                for name, kind, said in zip(names, status.ravel(), reason.ravel(), strict=True)
                if kind not in ("ok", "flat") or said
            ]
            rows.reasons[i] = _short("; ".join(filter(None, [rows.reasons[i], *why])))
            if "measure undefined" in status or "failed" in status:
                rows.statuses[i] = "measure undefined"
    return rows._replace(values=np.hstack([rows.values, slopes.reshape(len(values), -1)]))


def _single(plan: Plan, model: Model, points: Points, values: FloatArray, i: int) -> Row:
    """The row of one point: from the curves that are there, or by another engine."""
    with one_at_a_time:  # engines that serve one thread, and functions that threads may not share
        model.set_deadline(plan.time_limit)
        try:
            helper = model.runner(plan.engine).helper
            if i not in points.given_up or helper is None:
                return measured(plan, points.point(i))
            again = Points(plan, model, values[i : i + 1], helper.name)
            found = measured(plan, again.point(0))
        finally:
            model.set_deadline(np.inf)
    why = f"by {helper.name}, for {plan.engine} gave up: {points.given_up[i]}; {found.reason}"
    return found._replace(reason=_short(why.removesuffix("; ")))


def measured(plan: Plan, point: Point) -> Row:
    """The measures of a point, or why there are none."""
    found: list[float] = []
    undefined: list[str] = []
    curves = None
    try:
        if plan.curves:
            curves = np.array([point.curve(name) for name in plan.curves])
        for name, one in zip(plan.measured, plan.measures, strict=True):
            try:
                found.append(value_of(one, point))
            except MeasureError as error:
                found.append(np.nan)
                undefined.append(f"{name}: {error}")
    except SteadyStateError as error:
        return failed(plan, "steady state failed", str(error))
    except SimulationError as error:
        return failed(plan, "integration failed", str(error))
    except TimeLimitError:
        return failed(plan, "time limit", f"more than {plan.time_limit:g} s")
    except MemoryError:
        return failed(plan, "memory limit", "the process could get no more memory")
    except (Exception, SystemExit) as error:  # a measure that calls sys.exit ends its point only
        return failed(plan, "failed", f"{type(error).__name__}: {error}")
    status = "measure undefined" if undefined else "ok"
    return Row(tuple(found), status, _short("; ".join(undefined)), curves)


def failed(plan: Plan, status: str, reason: str) -> Row:
    """The row of a point that gave nothing."""
    curves = np.full((len(plan.curves), len(plan.times)), np.nan) if plan.curves else None
    return Row((np.nan,) * len(plan.columns), status, _short(reason), curves)


def joined(rows: Sequence[Row]) -> Rows:
    """Rows of single points together."""
    curves = [one.curves for one in rows if one.curves is not None]
    return Rows(
        np.array([one.values for one in rows], dtype=float),
        [one.status for one in rows],
        [one.reason for one in rows],
        np.array(curves) if curves else None,
    )


def as_table(plan: Plan, start: int, values: FloatArray, rows: Rows) -> "pa.Table":
    """Rows as an Arrow table: point, axes, measures, status, reason, curves."""
    import pyarrow as pa

    columns: dict[str, pa.Array] = {"point": pa.array(np.arange(start, start + len(values)))}
    for i, name in enumerate(plan.axes):
        columns[name] = pa.array(np.ascontiguousarray(values[:, i]))
    for i, name in enumerate(plan.columns):
        # NaN, not null: no value, as the status says; every reader shows it as such
        columns[name] = pa.array(np.ascontiguousarray(rows.values[:, i]), from_pandas=False)
    columns["status"] = pa.array(rows.statuses, pa.string())
    columns["reason"] = pa.array(rows.reasons, pa.string())
    if rows.curves is not None:
        for i, name in enumerate(plan.curves):
            flat = np.ascontiguousarray(rows.curves[:, i]).ravel()
            columns[name] = pa.FixedSizeListArray.from_arrays(pa.array(flat), len(plan.times))
    units = {name: plan.unit(name) for name in plan.axes}
    units |= {name: unit for name, (unit, _) in plan.columns.items()}
    units |= {name: shown_unit(plan.definition.units[name]) for name in plan.curves}
    fields = [
        pa.field(name, column.type, metadata={"units": units[name]} if name in units else None)
        for name, column in columns.items()
    ]
    return pa.table(list(columns.values()), schema=pa.schema(fields))


def _short(reason: str) -> str:
    return " ".join(reason.split())[:_LONGEST_REASON]
