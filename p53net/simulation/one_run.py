"""One run as SBML: its own start values, parameters and doses in the model's text."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from p53net.dosing.medium import same_courses
from p53net.model.external import with_parameters
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
    begun = runner.begin(same_courses(given), columns, feedback=feedback)
    for error in begun.errors.values():
        raise error.with_traceback(None)
    setting = {name: float(column[0]) for name, column in begun.parameters.items()}
    values = dict(zip(runner.engine.states, begun.starts[0].tolist(), strict=True))
    events = [
        Event(
            time,
            definition.dosed[drug],
            amount * dose.per_unit,
            definition.central_volumes[drug] if definition.in_body else None,
        )
        for drug, dose in given.items()
        for time, amount in dose.steps
        if time > 0
    ]
    return with_values(definition.sbml, setting, values, events)
