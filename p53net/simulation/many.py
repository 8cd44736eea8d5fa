"""Many runs of a model at once, each with what became of it."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, cast

import xarray as xr

from p53net.dosing.medium import Courses
from p53net.engines.base import FloatArray
from p53net.simulation import accuracy as exact
from p53net.simulation import choice, provenance
from p53net.simulation.runs import Curves

if TYPE_CHECKING:
    from p53net.simulation.model import Model

_OF_DRAWS = "p53net.ensembles.drawn"


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


def curves_over(model: "Model", *given: object) -> xr.Dataset:
    """Curves of each draw of an ensemble. Ensembles are above this room, which knows them by name
    only."""
    return cast(xr.Dataset, import_module(_OF_DRAWS).curves_over(model, *given))
