"""Many runs of a model at once, each with what became of it."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, cast

import xarray as xr

from p53net.dosing.medium import Courses, Given
from p53net.engines.base import FloatArray
from p53net.simulation import accuracy as exact
from p53net.simulation import choice, provenance
from p53net.simulation.runs import Curves

if TYPE_CHECKING:
    from p53net.simulation.model import Model
    from p53net.simulation.workings import Workings

_OF_DRAWS = "p53net.ensembles.drawn"


class Arms(NamedTuple):
    """Several doses of one model, run together."""

    times: FloatArray
    curves: dict[str, FloatArray]
    """Of each quantity: arm, time."""
    doses: list[dict[str, Given]]
    """Of each arm, as they were understood."""
    parameters: dict[str, float]
    engine: str
    """What to say of the engine that ran them."""
    errors: FloatArray | None
    """Arm, quantity: largest error along each curve, where it was measured."""

    def error_of(self, quantity: int) -> dict[str, float]:
        """Largest error along the first arm's curve, as an attribute."""
        return {} if self.errors is None else {"error": float(self.errors[0, quantity])}

    def unmet(self, accuracy: float | None) -> dict[str, str]:
        """Quantities of the first arm that are not as exact as was asked for, as an attribute."""
        if self.errors is None or accuracy is None:
            return {}
        wide = [name for name, one in zip(self.curves, self.errors[0], strict=True)
                if one > accuracy]  # fmt: skip
        return {"accuracy_not_reached": ", ".join(wide)} if wide else {}


def attempted(
    model: "Workings",
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
