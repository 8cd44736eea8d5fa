"""Points to rows: what each point gave, or why it gave nothing."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray, Tolerances
from p53net.errors import (
    MeasureError,
    SimulationError,
    SteadyStateError,
    TimeLimitError,
    WorkersError,
)
from p53net.measures.parsing import value_of
from p53net.model import shown_unit
from p53net.simulation.choice import warning_of
from p53net.simulation.model import Model
from p53net.sweeps.bars import Bars, refine
from p53net.sweeps.plan import Plan, package_versions
from p53net.sweeps.points import Points, one_at_a_time, values_of
from p53net.sweeps.slopes import slopes_at

if TYPE_CHECKING:
    import pyarrow as pa

UNMET = "accuracy not reached"
RERUNS = "reruns"
"""Column of how often a point was run again, more tightly."""

STATUSES = {
    "ok": "the run and all its measures",
    UNMET: "the values are there, but an error bar is wider than the accuracy asked for",
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
_SHARE = 0.1  # of the time for one point that several may take, where each call costs
_MODELS_KEPT = 4  # a compiled model takes megabytes

_compiled: dict[tuple[str, Tolerances, float | None], Model] = {}


class Rows(NamedTuple):
    """What points gave."""

    values: FloatArray
    """Point, measure."""
    errors: FloatArray
    """Point; bars of measures and curves."""
    reruns: NDArray[np.intp]
    """How often each point was run again, more tightly."""
    statuses: list[str]
    reasons: list[str]
    curves: FloatArray | None
    """Point, curve, time."""


class Row(NamedTuple):
    """What one point gave."""

    values: FloatArray
    errors: FloatArray
    """Those that are not known of all points together."""
    reruns: int
    status: str
    reason: str
    curves: FloatArray | None


def use(model: Model) -> None:
    """Run points of this model on the engine that it has compiled, in this process."""
    with one_at_a_time:
        key = model.definition.sha256, model.base.tolerances, model.accuracy
        _compiled.pop(key, None)
        while len(_compiled) >= _MODELS_KEPT:
            _compiled.pop(next(iter(_compiled)))
        _compiled[key] = model


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
    key = plan.definition.sha256, plan.tolerances, plan.accuracy
    if (known := _compiled.get(key)) is not None:  # no thread waits for the points of another
        return known
    with one_at_a_time:
        if key not in _compiled:
            use(Model(plan.definition, plan.tolerances).to(plan.accuracy))
        return _compiled[key]


def ready(plan: Plan) -> None:
    """Compile the plan's model before points are timed; RoadRunner's even for the batch engine,
    which may need it."""
    model = model_of(plan)
    for runner in {plan.engine: model.runner(plan.engine), "": model.runner()}.values():
        runner.ready()


def rows_of(plan: Plan, values: FloatArray, before_each: Callable[[], None] = lambda: None) -> Rows:
    """What points give. On an engine that runs many together, threads may do this at once.

    There, measures are taken of all points together; a point for which one has no value that way,
    or that has a user's measure of single curves, is looked at by itself, and a point that the
    engine gave up is run by another.
    """
    model = model_of(plan)
    return _all([_part(plan, model, part, before_each) for part in _parts(plan, values)])


def _all(parts: Sequence[Rows]) -> Rows:
    """Rows of several parts, one after the other."""
    curves = [part.curves for part in parts if part.curves is not None]
    return Rows(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.errors for part in parts]),
        np.concatenate([part.reruns for part in parts]),
        [status for part in parts for status in part.statuses],
        [reason for part in parts for reason in part.reasons],
        np.concatenate(curves) if curves else None,
    )


def _parts(plan: Plan, values: FloatArray) -> Iterator[FloatArray]:
    """Points in groups whose curves fit into memory; one by one where that costs no more. On an
    engine apart as many as take little of the time for one, which the first says."""
    most, start = 1, 0
    if plan.capabilities.together or plan.capabilities.apart:
        most = max(most, _CURVE_BYTES // (8 * len(plan.needed) * len(plan.times)))
    size = 1 if plan.capabilities.apart else most
    while start < len(values):
        begun = perf_counter()
        yield values[start : start + size]
        start += size
        if plan.capabilities.apart:
            each = max(perf_counter() - begun, 1e-6) / size
            size = max(1, min(most, int(_SHARE * plan.time_limit / each)))


def _part(plan: Plan, model: Model, values: FloatArray, before_each: Callable[[], None]) -> Rows:
    points, size = Points(plan, model, values, plan.engine), len(values)
    found = np.full((size, len(plan.measures)), np.nan)
    bars = _none(plan, size)
    curves, alone = None, set(range(size))
    if plan.capabilities.together or plan.capabilities.apart:
        begun = perf_counter()
        with _limited(plan, model, before_each):
            # All runs come first, so that it is known which points the engine gave up.
            if plan.watched:
                points.run()
            found[:, plan.arrays] = values_of([plan.measures[i] for i in plan.arrays], points)
            if plan.accuracy is not None:
                bars = refine(plan, points, found, plan.accuracy, points.sound, plan.arrays)
        late = plan.capabilities.apart and perf_counter() - begun > plan.time_limit
        if late and size > 1:  # they shared the time of one
            each = np.array_split(values, size)
            return _all([_part(plan, model, row, before_each) for row in each])
        curves = points.curves(plan.curves) if plan.curves else None
        alone = set(np.flatnonzero(~np.isfinite(found).all(axis=1)).tolist())
        alone |= points.given_up.keys() | points.errors.keys()
    elif plan.curves:
        curves = np.empty((size, len(plan.curves), len(plan.times)))
    statuses = [UNMET if i in bars.wide else "ok" for i in range(size)]
    rows = Rows(found, bars.errors, bars.reruns, statuses, [""] * size, curves)
    for i, why in bars.wide.items():
        rows.reasons[i] = why
    for i in sorted(alone):
        before_each()
        single = _single(plan, model, points, values, i, found[i])
        rows.values[i] = single.values[: len(plan.measures)]
        rows.statuses[i], rows.reasons[i] = single.status, single.reason
        rows.errors[i] = np.fmax(rows.errors[i], single.errors)
        rows.reruns[i] = max(rows.reruns[i], single.reruns)
        if curves is not None and single.curves is not None:
            curves[i] = single.curves
    if warning := warning_of(model.definition):
        rows.reasons[:] = [
            _short("; ".join(filter(None, [reason, warning]))) for reason in rows.reasons
        ]
    return _with_slopes(plan, model, values, rows) if plan.moved else rows


@contextlib.contextmanager
def _limited(plan: Plan, model: Model, before_each: Callable[[], None]) -> Iterator[None]:
    """Points of an engine apart, run together within the time for one."""
    if not plan.capabilities.apart:
        yield
        return
    before_each()
    model.set_deadline(plan.time_limit)
    try:
        yield
    finally:
        model.set_deadline(np.inf)


def _with_slopes(plan: Plan, model: Model, values: FloatArray, rows: Rows) -> Rows:
    """The same with slopes of the measures, of points that have run."""
    sound = np.flatnonzero(
        [status in ("ok", UNMET, "measure undefined") for status in rows.statuses]
    )
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


def _none(plan: Plan, size: int) -> Bars:
    """Bars of points that have none."""
    columns = len(plan.measured) + len(plan.curves)
    return Bars(np.full((size, columns), np.nan), {}, np.zeros(size, dtype=np.intp))


def _single(
    plan: Plan, model: Model, points: Points, values: FloatArray, i: int, known: FloatArray
) -> Row:
    """The row of one point: from the curves and measures that are there, or by another engine."""
    with one_at_a_time:  # engines that serve one thread, and functions that threads may not share
        model.set_deadline(plan.time_limit)
        try:
            helper = model.runner(plan.engine).helper
            if i not in points.given_up or helper is None:
                return measured(plan, points, i, known)
            again = Points(plan, model, values[i : i + 1], helper.name)
            found = measured(plan, again, 0, np.full(len(known), np.nan))
        finally:
            model.set_deadline(np.inf)
    why = f"by {helper.name}, for {plan.engine} gave up: {points.given_up[i]}; {found.reason}"
    return found._replace(reason=_short(why.removesuffix("; ")))


def measured(plan: Plan, points: Points, i: int, known: FloatArray) -> Row:
    """The measures of a point, or why there are none; finite ones may be known, with their bars."""
    found: list[float] = []
    undefined: list[str] = []
    curves = None
    point = points.point(i)
    try:
        for name in plan.curves:
            point.curve(name)
        for name, one, value in zip(plan.measured, plan.measures, known, strict=True):
            try:
                found.append(float(value) if np.isfinite(value) else value_of(one, point))
            except MeasureError as error:
                found.append(np.nan)
                undefined.append(f"{name}: {error}")
        bars, which = _none(plan, len(points)), np.flatnonzero(~np.isfinite(known))
        numbers = np.full((len(points), len(found)), np.nan)
        numbers[i] = found
        if plan.accuracy is not None and i in points.sound:
            bars = refine(plan, points, numbers, plan.accuracy, np.array([i]), which)
        if plan.curves:
            curves = np.array([point.curve(name) for name in plan.curves])
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
    status, said = ("measure undefined", "; ".join(undefined)) if undefined else ("ok", "")
    if bars.wide and not undefined:
        status, said = UNMET, bars.wide[i]
    return Row(numbers[i], bars.errors[i], int(bars.reruns[i]), status, _short(said), curves)


def failed(plan: Plan, status: str, reason: str) -> Row:
    """The row of a point that gave nothing."""
    curves = np.full((len(plan.curves), len(plan.times)), np.nan) if plan.curves else None
    nothing = np.full(len(plan.columns), np.nan)
    return Row(nothing, _none(plan, 1).errors[0], 0, status, _short(reason), curves)


def joined(rows: Sequence[Row]) -> Rows:
    """Rows of single points together."""
    curves = [one.curves for one in rows if one.curves is not None]
    return Rows(
        np.array([one.values for one in rows], dtype=float),
        np.array([one.errors for one in rows]),
        np.array([one.reruns for one in rows], dtype=np.intp),
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
    for i, name in enumerate(plan.error_columns):
        columns[name] = pa.array(np.ascontiguousarray(rows.errors[:, i]), from_pandas=False)
    if plan.accuracy is not None:
        columns[RERUNS] = pa.array(rows.reruns.astype(np.int32))
    columns["status"] = pa.array(rows.statuses, pa.string())
    columns["reason"] = pa.array(rows.reasons, pa.string())
    if rows.curves is not None:
        for i, name in enumerate(plan.curves):
            flat = np.ascontiguousarray(rows.curves[:, i]).ravel()
            columns[name] = pa.FixedSizeListArray.from_arrays(pa.array(flat), len(plan.times))
    units = {name: plan.unit(name) for name in plan.axes}
    units |= {name: unit for name, (unit, _) in {**plan.columns, **plan.error_columns}.items()}
    units |= {name: shown_unit(plan.definition.units[name]) for name in plan.curves}
    fields = [
        pa.field(name, column.type, metadata={"units": units[name]} if name in units else None)
        for name, column in columns.items()
    ]
    return pa.table(list(columns.values()), schema=pa.schema(fields))


def _short(reason: str) -> str:
    return " ".join(reason.split())[:_LONGEST_REASON]
