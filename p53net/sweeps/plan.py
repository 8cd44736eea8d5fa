"""What every point of a sweep has in common: checked once, sent to workers, and told apart."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from p53net.dosing.medium import Courses, Given, constant, finite_number, same_courses
from p53net.dosing.regimens import Regimen
from p53net.engines.base import Capabilities, FloatArray, Tolerances
from p53net.errors import InputError, UnknownNameError, unknown_name
from p53net.measures.candidate import RUNS
from p53net.measures.definition import Measure
from p53net.measures.kinds import COMPARING, SEARCHING
from p53net.measures.parsing import described, is_array_measure, observables_of, settled
from p53net.model import Definition, shown_unit
from p53net.simulation import choice
from p53net.simulation.inputs import (
    Doses,
    check_run,
    checked_doses,
    checked_observables,
    checked_parameters,
    checked_times,
)
from p53net.simulation.model import Model
from p53net.sweeps.design import Design
from p53net.sweeps.moved import checked_moved, highest, slope_unit
from p53net.sweeps.reduced import checked_reductions
from p53net.sweeps.reductions import Reduction

EXPOSURE = "exposure"
"""Axis of the time [h] after which every drug is washed out."""

RESERVED = ("point", "time", "status", "reason", "reruns")
_PACKAGES = ("p53net", "libroadrunner", "llvmlite", "numpy", "scipy")


@cache
def package_versions() -> dict[str, str]:
    """Of what can change the bytes of a row; p53net by the digest of its code too."""
    code = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        code.update(path.read_bytes())
    return {**{name: version(name) for name in _PACKAGES}, "code": code.hexdigest()[:16]}


@dataclass(frozen=True)
class Plan:
    """How a point becomes a row."""

    definition: Definition
    tolerances: Tolerances
    """For which engines are made."""
    accuracy: float | None
    """None for runs at the tolerances, without error bars."""
    axes: tuple[str, ...]
    """Drugs [nM in a medium, or the unit of their regimen], parameters and `exposure` [h], in the
    order of a point's values."""
    times: FloatArray
    doses: Mapping[str, Given]
    """Of drugs that are no axis; of one that is, the shape that the axis scales."""
    parameters: Mapping[str, float]
    feedback: bool
    measures: tuple[Measure, ...]
    curves: tuple[str, ...]
    time_limit: float
    """Seconds for one point."""
    memory_limit: int
    """Bytes for the process of one worker."""
    engine: str
    capabilities: Capabilities
    """Of the engine."""
    engine_said: str
    """With its version, and why it is not the one that was asked for."""
    versions: Mapping[str, str]
    moved: tuple[str, ...] = ()
    """Parameters and drugs with respect to which measures have slopes."""
    reductions: tuple[Reduction, ...] = ()
    """What is kept instead of rows."""

    @cached_property
    def measured(self) -> dict[str, tuple[str, str]]:
        """Name of each measure's column to its unit and meaning."""
        found = (described(one, self.definition) for one in self.measures)
        return {name: (unit, meaning) for name, unit, meaning in found}

    @cached_property
    def columns(self) -> dict[str, tuple[str, str]]:
        """The same, and those of slopes: for each measure one for each parameter."""
        slopes = {
            f"d_{name}_d_{by}": (slope_unit(unit, self.unit(by)), f"slope of {name} with {by}")
            for name, (unit, _) in self.measured.items()
            for by in self.moved
        }
        return {**self.measured, **slopes}

    @cached_property
    def error_columns(self) -> dict[str, tuple[str, str]]:
        """Name of each error bar's column to its unit and meaning."""
        if self.accuracy is None:
            return {}
        found = {
            f"{name}_error": (unit, f"error bar of {name}")
            for name, (unit, _) in self.measured.items()
        }
        along = "largest error along the curve, relative to the value"
        return found | {f"{name}_error": ("1", along) for name in self.curves}

    @cached_property
    def arrays(self) -> NDArray[np.intp]:
        """Numbers of the measures that are taken of many points at once."""
        return np.flatnonzero([is_array_measure(one) for one in self.measures])

    @cached_property
    def watched(self) -> tuple[str, ...]:
        """Quantities that measures and curves read of a run."""
        names = [n for one in self.measures for n in observables_of(one, self.definition)]
        return tuple(dict.fromkeys([*self.curves, *names]))

    @cached_property
    def needed(self) -> tuple[str, ...]:
        """Quantities that a run must return."""
        return self.watched or ("p53_active",)

    @cached_property
    def together(self) -> bool:
        """Whether points cost less together: not in a user's function of single curves, which takes
        them one after the other on any engine."""
        return self.capabilities.together and all(map(is_array_measure, self.measures))

    def inputs(self, values: FloatArray) -> tuple[Courses, dict[str, FloatArray]]:
        """Doses of the points with these values of the axes, a row for each, and parameters of one
        value for each."""
        size, place = len(values), {name: i for i, name in enumerate(self.axes)}
        drugs = tuple(dict.fromkeys([*self.doses, *(n for n in self.axes if n in self.drugs)]))
        shapes: dict[str, Given] = {d: self.doses.get(d, constant(1.0)) for d in drugs}
        courses = same_courses(shapes, size)
        for drug, shape in shapes.items():
            if drug in place:
                courses = courses.scaled(drug, values[:, place[drug]], shape.highest)
        if EXPOSURE in place:
            hours = values[:, place[EXPOSURE]]
            at = np.column_stack([np.zeros(size), np.where(hours < self.times[-1], hours, np.inf)])
            first = np.where(hours[:, None] > 0, courses.levels[:, 0], 0.0)
            levels = np.stack([first, np.zeros_like(first)], axis=1)
            courses = replace(courses, at=np.where(at > 0, at, [0.0, np.inf]), levels=levels)
        parameters = {name: np.full(size, value) for name, value in self.parameters.items()}
        for name, i in place.items():
            if name not in self.drugs and name != EXPOSURE:
                parameters[name] = np.ascontiguousarray(values[:, i])
        return courses, parameters

    @property
    def drugs(self) -> Mapping[str, str]:
        """Of the model, to their modules."""
        return self.definition.drugs

    def unit(self, axis: str) -> str:
        """Of the values of an axis."""
        if axis == EXPOSURE:
            return "h"
        if axis in self.definition.drugs:
            dose = self.doses.get(axis)
            return dose.unit if isinstance(dose, Regimen) else "nM"
        return shown_unit(self.definition.parameters[axis].unit)

    def record(self, design: Design) -> dict[str, object]:
        """All that decides the bytes of the rows, as JSON; equal records mean an equal table."""
        return {
            "model": self.definition.id,
            "model_sha256": self.definition.sha256,
            "cell_line": self.definition.cell_line,
            "engine": self.engine,
            "tolerances": [self.tolerances.relative, self.tolerances.absolute],
            "accuracy": self.accuracy,
            "axes": list(self.axes),
            "grid": {name: len(values) for name, values in design.grid.items()},
            "points_sha256": hashlib.sha256(design.content()).hexdigest(),
            "times_h": [float(t) for t in self.times],
            "doses": {drug: str(dose) for drug, dose in self.doses.items()},
            "parameters": dict(self.parameters),
            "feedback": self.feedback,
            "measures": [
                [one.kind, *((one.own.digest, *one.own.observables) if one.own else one.arguments)]
                for one in self.measures
            ],
            "curves": list(self.curves),
            **({"gradient": list(self.moved)} if self.moved else {}),
            "time_limit_s": self.time_limit,
            "memory_limit_bytes": self.memory_limit,
            "versions": dict(self.versions),
            **(
                {"reductions": [one.as_record() for one in self.reductions]}
                if self.reductions
                else {}
            ),
        }


def plan_of(
    model: Model,
    design: Design,
    *,
    times: ArrayLike,
    observables: Sequence[str] | None,
    measures: Sequence[Measure | str],
    doses: Mapping[str, Doses] | None,
    parameters: Mapping[str, float] | None,
    feedback: bool,
    time_limit: float,
    memory_limit: int,
    engine: str,
    keep_trajectories: bool,
    gradient: Sequence[str] | None = None,
    reduce: Sequence[Reduction] = (),
) -> tuple[Plan, Design]:
    """The plan of a sweep, and its design with the axes' names as the model writes them.

    Raises InputError or UnknownNameError for whatever no point could run with.
    """
    checked_model(model)
    grid = checked_times(times)
    axes = [_axis(name, model) for name in design.names]
    for name in axes:
        if axes.count(name) > 1:
            raise InputError(f"{name} is an axis twice; give each axis once")
    names = dict(zip(design.names, axes, strict=True))
    renamed = design.renamed(names)
    given, changed = (
        checked_doses(model.definition, doses),
        checked_parameters(model.definition, parameters),
    )
    _check_axes(model, renamed, given, changed)
    watched = checked_observables(model.definition, observables) if _given(observables) else ()
    wanted = [settled(one, model.definition, grid) for one in _listed(measures)]
    if not keep_trajectories:
        ends = [Measure("at", (name, float(grid[-1]))) for name in watched]
        wanted += [settled(one, model.definition, grid) for one in ends]
    columns = [described(one, model.definition)[0] for one in wanted]
    columns += [f"{name}_error" for name in columns]
    for name in columns:
        taken = (*RESERVED, *axes, *(watched if keep_trajectories else ()))
        if columns.count(name) > 1 or name in taken:
            raise InputError(f"two columns would be called {name}; give each measure once")
    if keep_trajectories and not watched:
        raise InputError("keep_trajectories keeps the curves of observables; name at least one")
    if keep_trajectories and (both := set(axes) & set(watched)):
        raise InputError(f"{min(both)} is an axis and an observable; leave it out of observables")
    reductions = checked_reductions(reduce, columns, keep_trajectories)
    if not wanted and not watched:
        raise InputError("nothing would be kept: name measures, or observables")
    searches = [one for one in wanted if one.own is None and one.kind in SEARCHING]
    if searches and (model.definition.in_body or model.definition.cell is not None):
        raise InputError(f"measure {searches[0]} looks for a dose in a dish; leave it out")
    if not feedback:
        for one in wanted:
            if one.own is None and one.kind in COMPARING:
                raise InputError(
                    f"measure {one} compares the loop closed and opened; leave feedback=False out"
                )
    chosen, said = choice.chosen(model, engine, design.size * (RUNS if searches else 1))
    plan = Plan(
        definition=model.definition,
        tolerances=model.base.tolerances,
        accuracy=model.accuracy,
        axes=tuple(axes),
        times=grid,
        doses=given,
        parameters=changed,
        feedback=feedback,
        measures=tuple(wanted),
        curves=watched if keep_trajectories else (),
        time_limit=time_limit,
        memory_limit=memory_limit,
        engine=chosen,
        capabilities=model.runner(chosen).engine.capabilities,
        engine_said=said,
        versions=package_versions(),
        moved=() if gradient is None else _moved(model, gradient, given, axes),
        reductions=reductions,
    )
    named = [name for name in (*axes, *plan.moved) if name in model.definition.parameters]
    settings = {**changed, **dict.fromkeys(named, 0.0)}
    check_run(model.definition, given, settings, feedback, float(grid[-1]))
    return plan, renamed


def _moved(
    model: Model,
    names: Sequence[str],
    doses: Mapping[str, Given],
    axes: Sequence[str],
) -> tuple[str, ...]:
    there = {**highest(doses), **{name: 1.0 for name in axes if name in model.definition.drugs}}
    return checked_moved(names, model.definition, there)


def checked_model(model: object) -> Model:
    """A model, or an InputError that says where to get one."""
    if not isinstance(model, Model):
        raise InputError(f"the model is {model!r}, but must be one that pn.load returns")
    return model


def _axis(name: str, model: Model) -> str:
    definition = model.definition
    if name == EXPOSURE or name in definition.parameters:
        return name
    if name.strip().casefold() in definition.drug_names:
        return definition.drug_names[name.strip().casefold()]
    allowed = [EXPOSURE, *definition.drugs, *definition.parameters]
    try:  # a drug that exists but is not in the model says how to load it
        checked_doses(model.definition, {name: 1.0})
    except UnknownNameError:
        raise unknown_name("axis", name, allowed) from None
    raise unknown_name("axis", name, allowed)


def _check_axes(
    model: Model, design: Design, doses: Mapping[str, Given], parameters: Mapping[str, float]
) -> None:
    drugs = model.definition.drugs
    for name, *ends in design.extremes():
        if name in parameters:
            raise InputError(f"{name} is an axis and a fixed parameter; give it once")
        for value in ends:
            _check_value(model, name, value, doses.get(name))
        if name in doses and doses[name].highest == 0:
            raise InputError(f"the dose of {name} is 0, so its axis has no shape to scale")
        if name in drugs and name not in doses and model.definition.in_body:
            raise InputError(
                f"{name} is an axis, but it is not said when it is given; give it a regimen in "
                "doses, whose amount the axis then sets"
            )
    if EXPOSURE in design.names:
        if model.definition.in_body:
            raise InputError("exposure is an axis of cells in a dish; in a body vary the regimen")
        shaped = [drug for drug, dose in doses.items() if not dose.is_constant or dose.closed]
        if shaped:
            raise InputError(f"exposure is an axis, but {shaped[0]} has a schedule of its own")
        if not any(drug in doses or drug in design.names for drug in drugs):
            raise InputError("exposure is an axis, but no drug is given; dose one")


def _check_value(model: Model, name: str, value: float, shape: Given | None) -> None:
    """Raise InputError for a value that no point could have on this axis."""
    if name == EXPOSURE:
        finite_number(value, EXPOSURE, "h")
    elif name not in model.definition.drugs:
        checked_parameters(model.definition, {name: value})
    elif isinstance(shape, Regimen):
        replace(shape, amount=value)
    else:
        constant(value)


def _given(observables: Sequence[str] | None) -> bool:
    if observables is None:
        return False
    if not isinstance(observables, Sequence | Set | np.ndarray):
        raise InputError(f"observables is {observables!r}, but must be a list of names")
    return len(observables) > 0


def _listed(measures: object) -> list[Measure | str]:
    if isinstance(measures, str | Measure):
        return [measures]
    if not isinstance(measures, Iterable):
        raise InputError(f"measures is {measures!r}, but must be a list; write ['peak:p53_active']")
    return list(measures)
