"""Many runs of a model at once, each with what became of it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from p53net.dosing.medium import Courses
from p53net.engines.base import FloatArray
from p53net.simulation import accuracy as exact
from p53net.simulation import choice, provenance
from p53net.simulation.runs import Curves

if TYPE_CHECKING:
    from p53net.simulation.model import Model


def attempted(
    model: "Model",
    times: FloatArray,
    courses: Courses,
    parameters: Mapping[str, FloatArray],
    outputs: Sequence[str],
    *,
    feedback: bool = True,
    engine: str = choice.AUTO,
    runs: int = 1,
) -> tuple[Curves, str]:
    """What `Model.curves` gives, with the error of each run that failed in place of raising it."""
    name, said = choice.chosen(model, engine, max(runs, len(courses.at)))
    found = exact.curves_to(
        model.accuracy, model.runner(name), times, courses, parameters, outputs, feedback=feedback
    )
    said += model.runner(name).said(found.given_up)
    provenance.note(model, said)
    return found, said
