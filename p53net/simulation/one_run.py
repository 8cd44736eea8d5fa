"""One run as SBML: its own start values, parameters and doses in the model's text."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from p53net.dosing.medium import Courses, Given, same_courses
from p53net.model.definition import Definition
from p53net.model.external import with_parameters
from p53net.model.inflows import FLOW_UNIT, infusion_of, with_infusions
from p53net.model.sbml import Event, with_values
from p53net.simulation.inputs import Doses, check_run, checked_doses, checked_parameters

if TYPE_CHECKING:
    from p53net.simulation.model import Model


def sbml_of(
    model: "Model",
    doses: Mapping[str, Doses] | None,
    parameters: Mapping[str, float] | None,
    feedback: bool,
) -> str:
    """What `Model.sbml` returns. Raises what it raises."""
    definition = model.definition
    given, changed = checked_doses(definition, doses), checked_parameters(definition, parameters)
    check_run(definition, given, changed, feedback)
    if definition.external:
        return with_parameters(definition.sbml, changed)
    columns = {name: np.array([value]) for name, value in changed.items()}
    runner = model.runner()
    courses = same_courses(given)
    begun = runner.begin(courses, columns, feedback=feedback)
    for error in begun.errors.values():
        raise error.with_traceback(None)
    setting = {name: float(column[0]) for name, column in begun.parameters.items()}
    values = dict(zip(runner.engine.states, begun.starts[0].tolist(), strict=True))
    events = [*_doses(definition, given), *_flows(definition, courses)]
    events.sort(key=lambda event: event.time)
    text = with_infusions(definition).sbml if begun.inputs else definition.sbml
    return with_values(text, setting, values, events)


def _doses(definition: Definition, given: Mapping[str, Given]) -> Iterator[Event]:
    """What is given at once, after the start."""
    for drug, dose in given.items():
        volume = definition.central_volumes[drug] if definition.in_body else None
        for time, amount in dose.steps:
            if time > 0:
                yield Event(time, definition.dosed[drug], amount * dose.per_unit, volume)


def _flows(definition: Definition, courses: Courses) -> Iterator[Event]:
    """Begins and ends of infusions, after the start."""
    for drug, several in courses.infusions.items():
        rates = several.at(courses.at)[0]
        name = infusion_of(definition.drugs[drug])
        for place in np.flatnonzero(np.diff(rates)) + 1:
            yield Event(float(courses.at[0, place]), name, float(rates[place]), unit=FLOW_UNIT)
