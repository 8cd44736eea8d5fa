"""Points to rows: what each point gave, or why it gave nothing."""

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from p53net.engines import FloatArray, Tolerances
from p53net.errors import (
    MeasureError,
    SimulationError,
    SteadyStateError,
    TimeLimitError,
    WorkersError,
)
from p53net.model import shown_unit
from p53net.simulate import Model
from p53net.sweeps.measure import value_of
from p53net.sweeps.plan import Plan, package_versions
from p53net.sweeps.point import Point

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

_compiled: dict[tuple[str, Tolerances], Model] = {}
one_at_a_time = threading.RLock()
"""An engine serves one thread, and a process has one watchdog."""


class Row(NamedTuple):
    """What one point gave."""

    values: tuple[float, ...]
    status: str
    reason: str
    curves: FloatArray | None


def use(model: Model) -> None:
    """Run points of this model on the engine that it has compiled, in this process."""
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
    with one_at_a_time:
        model = model_of(plan)
        rows = []
        for point in values:
            before_each()
            rows.append(row(plan, model, point))
    return as_table(plan, start, values, rows)


def model_of(plan: Plan) -> Model:
    """The plan's model, compiled once in each process."""
    key = plan.definition.sha256, plan.tolerances
    if key not in _compiled:
        _compiled.clear()  # one at a time: a compiled model takes megabytes
        _compiled[key] = Model(plan.definition, plan.tolerances)
    return _compiled[key]


def row(plan: Plan, model: Model, values: FloatArray) -> Row:
    """What one point gives. An error is a status and a reason, not an exception."""
    model.set_deadline(plan.time_limit)
    doses, parameters = plan.inputs(values.tolist())
    point = Point(model, plan.times, doses, parameters, plan.feedback, plan.needed)
    found: list[float] = []
    undefined: list[str] = []
    curves = None
    try:
        if plan.curves:
            curves = np.array([point.curve(name) for name in plan.curves])
        for name, one in zip(plan.columns, plan.measures, strict=True):
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
    finally:
        model.set_deadline(np.inf)
    status = "measure undefined" if undefined else "ok"
    return Row(tuple(found), status, _short("; ".join(undefined)), curves)


def failed(plan: Plan, status: str, reason: str) -> Row:
    """The row of a point that gave nothing."""
    curves = np.full((len(plan.curves), len(plan.times)), np.nan) if plan.curves else None
    return Row((np.nan,) * len(plan.measures), status, _short(reason), curves)


def as_table(plan: Plan, start: int, values: FloatArray, rows: Sequence[Row]) -> "pa.Table":
    """Rows as an Arrow table: point, axes, measures, status, reason, curves."""
    import pyarrow as pa

    measured = np.array([one.values for one in rows], dtype=float)
    columns: dict[str, pa.Array] = {"point": pa.array(np.arange(start, start + len(rows)))}
    for i, name in enumerate(plan.axes):
        columns[name] = pa.array(np.ascontiguousarray(values[:, i]))
    for i, name in enumerate(plan.columns):
        # NaN, not null: no value, as the status says; every reader shows it as such
        columns[name] = pa.array(np.ascontiguousarray(measured[:, i]), from_pandas=False)
    columns["status"] = pa.array([one.status for one in rows], pa.string())
    columns["reason"] = pa.array([one.reason for one in rows], pa.string())
    for i, name in enumerate(plan.curves):
        flat = np.concatenate([one.curves[i] for one in rows if one.curves is not None])
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
