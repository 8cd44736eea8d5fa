"""A run in tellurium: only here is it imported, which takes seconds, when somebody asks for it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from p53net.errors import MissingPackageError
from p53net.model.sbml import species_of
from p53net.simulation.inputs import Doses
from p53net.simulation.one_run import sbml_of

if TYPE_CHECKING:
    from p53net.simulation.model import Model

_RELATIVE, _ABSOLUTE = 1e-10, 1e-14


def runner_in_tellurium(
    model: "Model",
    doses: Mapping[str, Doses] | None,
    parameters: Mapping[str, float] | None,
    feedback: bool,
    settling: float,
) -> Any:  # noqa: ANN401 - tellurium has no types
    """What `Model.tellurium` returns. Raises what it raises."""
    sbml = sbml_of(model, doses, parameters, feedback, settling, noted=True)
    try:
        import tellurium
    except ImportError as error:
        raise MissingPackageError(
            f"tellurium cannot be imported: {error}; install it with `pip install tellurium`"
        ) from None
    runner = tellurium.loadSBMLModel(sbml)
    runner.integrator.relative_tolerance = _RELATIVE
    runner.integrator.absolute_tolerance = _ABSOLUTE
    concentrations = set(species_of(sbml)) - model.definition.amounts
    runner.timeCourseSelections = [
        "time",
        *(f"[{name}]" if name in concentrations else name for name in model.definition.variables),
    ]
    return runner
