"""One run as SBML: its own start values, parameters and doses in the model's text."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from p53net.dosing.medium import Courses, Given, finite_number, same_courses
from p53net.errors import InputError
from p53net.model import dose_events
from p53net.model.definition import Definition
from p53net.model.dose_events import Event
from p53net.model.external import with_parameters
from p53net.model.inflows import FLOW_UNIT, infusion_of, with_infusions
from p53net.model.sbml import with_values
from p53net.model.waiting import CLOCK, made_to_wait
from p53net.simulation.inputs import Doses, check_run, checked_doses, checked_parameters

if TYPE_CHECKING:
    from p53net.simulation.model import Model

_STARTS = (
    "Start values are numbers: the untreated state at rest of these very parameters. They have no "
    "closed form, so they do not follow a parameter that is changed here."
)
_AGAIN = (
    "After a change, bring the model to rest without drug and begin there (a pre-equilibration), "
    "or have p53net write the file again with `parameters=`, or once with `settling=`, which does "
    "the former in the file."
)
_SETTLING = (
    "The model first runs without drug for {hours!r} h, so that it comes to rest with whatever "
    "parameters it has; what is done to it begins then, and so does the time of p53net's results. "
    "What is around a cell, in a culture or a body, waits for so long."
)
_AMOUNTS = (
    "Doses are amounts [nmol], in {names}, over the volume of distribution at the time that they "
    "are given: a change of the volume leaves them as they are."
)
_LONGEST = 1e6  # h


def sbml_of(
    model: "Model",
    doses: Mapping[str, Doses] | None,
    parameters: Mapping[str, float] | None,
    feedback: bool,
    settling: float = 0.0,
    *,
    noted: bool = False,
) -> str:
    """What `Model.sbml` returns; `noted` for other tools, with words on what starts and doses are.
    Raises what it raises."""
    definition = model.definition
    given, changed = checked_doses(definition, doses), checked_parameters(definition, parameters)
    check_run(definition, given, changed, feedback)
    hours = _checked_settling(definition, settling)
    if definition.external:
        return with_parameters(definition.sbml, changed)
    before = {n: v for n, v in changed.items() if not (hours and _acts_later(definition, n))}
    columns = {name: np.array([value]) for name, value in before.items()}
    runner = model.runner()
    courses = same_courses(given)
    undosed = replace(same_courses({}), medium_volume=courses.medium_volume)
    first = undosed if hours else courses
    begun = runner.begin(first, columns, feedback=feedback or bool(hours))
    for error in begun.errors.values():
        raise error.with_traceback(None)
    setting = {name: float(column[0]) for name, column in begun.parameters.items()}
    values = dict(zip(runner.engine.states, begun.starts[0].tolist(), strict=True))
    amounts, starts, events = _doses(definition, given, hours)
    events += _flows(definition, courses, hours)
    flows = tuple(infusion_of(definition.drugs[drug]) for drug in courses.infusions)
    text = with_infusions(definition).sbml if flows else definition.sbml
    if hours:
        events += _after(definition, changed, feedback, hours)
        if (inner := definition.cell) is not None:
            clock = _free(CLOCK, definition, amounts)
            text = made_to_wait(text, {*inner.species, *inner.rate_variables}, clock)
            events.append(Event(hours, clock, 1.0, unit="dimensionless"))
    events.sort(key=lambda event: event.time)
    said = _note(definition, hours, amounts) if noted else ""
    return with_values(text, setting, values, events, amounts=amounts, given=starts, note=said)


def _checked_settling(definition: Definition, settling: float) -> float:
    hours = finite_number(settling, "settling", "h")
    if hours > _LONGEST:
        raise InputError(f"settling is {hours:g} h; at most {_LONGEST:g} are allowed")
    if hours and not definition.has_loop:
        raise InputError(
            f"settling is {hours:g} h, but {definition.id} has no cell that comes to rest; leave "
            "it out, and give what changes by parameters="
        )
    return hours


def _acts_later(definition: Definition, name: str) -> bool:
    """Whether a parameter is done to a cell that has come to rest without it."""
    return definition.parameters[name].kind in ("input", "computed")


def _after(
    definition: Definition,
    changed: Mapping[str, float],
    feedback: bool,
    hours: float,
) -> Iterator[Event]:
    """What begins when the cell has come to rest, beside doses."""
    for name, of in definition.computed.items():
        yield Event(hours, name, np.nan, of=of)
    if not feedback:
        yield Event(hours, "feedback", 0.0, unit=definition.units["feedback"])
    for name, value in changed.items():
        if _acts_later(definition, name):
            yield Event(hours, name, value, unit=definition.units[name])


def _doses(
    definition: Definition, given: Mapping[str, Given], hours: float
) -> tuple[dict[str, float], list[dose_events.Given], list[Event]]:
    """What is given at once, to a cell that settles for so many hours: into a body amounts by the
    parameter that holds them, those at the start, and those after it; in a dish, where the start is
    a concentration, events alone."""
    amounts = dict[str, float]()
    starts, events = list[dose_events.Given](), list[Event]()
    for drug, dose in given.items():
        volume = definition.central_volumes[drug] if definition.in_body else None
        species, names = definition.dosed[drug], dict[float, str]()
        for time, value in dose.steps:
            amount = value * dose.per_unit
            if volume is None:
                if time > 0 or (hours and value > 0):
                    events.append(Event(hours + time, species, amount))
                continue
            if amount not in names:
                names[amount] = _free(f"dose_{definition.drugs[drug]}", definition, amounts)
                amounts[names[amount]] = amount
            if hours + time > 0:
                events.append(Event(hours + time, species, amount, volume, of=names[amount]))
            else:
                starts.append(dose_events.Given(species, names[amount], volume))
    return amounts, starts, events


def _free(name: str, definition: Definition, amounts: Mapping[str, float]) -> str:
    """A name that nothing has."""
    taken = {*definition.parameters, *definition.variables, *definition.compartment_of.values()}
    number, free = 1, name
    while free in taken or free in amounts:
        number += 1
        free = f"{name}_{number}"
    return free


def _flows(definition: Definition, courses: Courses, hours: float) -> Iterator[Event]:
    """Begins and ends of infusions, after the start."""
    for drug, several in courses.infusions.items():
        rates = several.at(courses.at)[0]
        name = infusion_of(definition.drugs[drug])
        places = (np.flatnonzero(np.diff(rates)) + 1).tolist()
        for place in [0, *places] if hours and rates[0] else places:
            at = hours + float(courses.at[0, place])
            yield Event(at, name, float(rates[place]), unit=FLOW_UNIT)


def _note(definition: Definition, hours: float, amounts: Mapping[str, float]) -> str:
    lines = list[str]()
    if hours:
        lines.append(_SETTLING.format(hours=hours))
    elif definition.has_loop:
        lines += [_STARTS, _AGAIN]
    if amounts:
        lines.append(_AMOUNTS.format(names=", ".join(amounts)))
    return "\n".join(lines)
