"""Every study: what it is called, what runs it, and what draws it. A study of a user's own too.

A study is a function that takes plain arguments and returns a Dataset. It is a row here, or a
function with the decorator `study`, in a file or in an installed package that names it as an entry
point of the group `p53net.studies`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Generic, ParamSpec

import xarray as xr

from p53net.errors import InputError
from p53net.simulation.provenance import digest_of, recorded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GROUP = "p53net.studies"
"""Entry points that hold studies of other packages."""

_P = ParamSpec("_P")
_own: dict[str, Study[Any]] = {}


@dataclass(frozen=True)
class Shipped:
    """A study of the package, as `module:function`."""

    function: str
    figure: str = ""


SHIPPED = {
    "escape": Shipped(
        "p53net.studies.escape.study:escape", "p53net.studies.escape.figure:escape_figure"
    ),
    "structures": Shipped(
        "p53net.studies.escape.study:escape", "p53net.studies.escape.rivals_drawn:rivals_figure"
    ),
    "viability": Shipped(
        "p53net.studies.dish.viability_assay:viability",
        "p53net.studies.dish.figures:viability_figure",
    ),
    "degradation": Shipped(
        "p53net.studies.dish.degradation_assay:degradation",
        "p53net.studies.dish.figures:degradation_figure",
    ),
    "caspase": Shipped(
        "p53net.studies.dish.caspase_assay:caspase", "p53net.studies.dish.figures:caspase_figure"
    ),
    "pk": Shipped(
        "p53net.studies.body.pharmacokinetics:pk", "p53net.studies.body.figures:pk_figure"
    ),
    "xenograft": Shipped(
        "p53net.studies.body.xenografts:xenograft", "p53net.studies.body.figures:xenograft_figure"
    ),
    "patient": Shipped(
        "p53net.studies.body.patients:patient", "p53net.studies.body.figures:patient_figure"
    ),
    "schedules": Shipped(
        "p53net.studies.body.comparison:schedules", "p53net.studies.body.figures:schedules_figure"
    ),
    "synergy": Shipped(
        "p53net.studies.dish.synergy_assay:synergy",
        "p53net.studies.dish.synergy_drawn:synergy_figure",
    ),
    "match": Shipped(
        "p53net.studies.body.matching:match", "p53net.studies.body.matching_drawn:match_figure"
    ),
    "validate": Shipped(
        "p53net.evidence.validation:validate", "p53net.evidence.figures:validate_figure"
    ),
    "matrix": Shipped(
        "p53net.evidence.validation:validate", "p53net.evidence.matrix_drawn:matrix_figure"
    ),
    "calibrate": Shipped(
        "p53net.evidence.calibration:calibrate", "p53net.evidence.figures:calibrate_figure"
    ),
    "trial_questions": Shipped(
        "p53net.inference.questions:trial_questions", "p53net.inference.front_drawn:front_figure"
    ),
    "sweep": Shipped("p53net.sweeps.run:sweep", "p53net.sweeps.figures:sweep_figure"),
    "tornado": Shipped(
        "p53net.sweeps.sensitivity:tornado", "p53net.sweeps.sensitivity_figures:tornado_figure"
    ),
    "sobol": Shipped(
        "p53net.sweeps.sensitivity:sobol_indices", "p53net.sweeps.sensitivity_figures:sobol_figure"
    ),
}
"""By the name that a result carries in the attribute `study`."""


@dataclass(frozen=True)
class Study(Generic[_P]):
    """A study of a user's own: call it as the function that it was made of."""

    name: str
    function: Callable[_P, xr.Dataset]
    figure: Callable[[xr.Dataset], Figure] | None = None

    def __call__(self, *positional: _P.args, **named: _P.kwargs) -> xr.Dataset:
        """Its result, with a record."""
        return self.function(*positional, **named)

    @property
    def digest(self) -> str:
        """Tells one function from another of the same name, for the record."""
        return digest_of(self.function)


def study(
    *, figure: Callable[[xr.Dataset], Figure] | None = None
) -> Callable[[Callable[_P, xr.Dataset]], Study[_P]]:
    """Make a study of a function: a record in its result, `pn.plot`, and a command of its name.

    The function returns a Dataset whose variables have `units` and `long_name`. Its arguments are
    options of the command: text, numbers, True or False, and lists of text. `figure` draws the
    result; without one only a time course or a state at rest is drawn. A file with studies runs by
    `p53net run FILE NAME`. Raises InputError for the name of a study of p53net.

    Examples:
        >>> @pn.study()
        ... def peaks(drug: str, dose: float = 5.0):
        ...     return pn.load(drug).simulate([0, 12, 24], {drug: dose})
        >>> found = peaks("KT-253")
        >>> pn.record(found)["call"], found.attrs["study"]
        ('peaks', 'peaks')
    """

    def made(function: Callable[_P, xr.Dataset]) -> Study[_P]:
        name = function.__name__
        if name in SHIPPED:
            raise InputError(f"{name} is a study of p53net; give yours another name")

        def named(*positional: _P.args, **options: _P.kwargs) -> xr.Dataset:
            result = function(*positional, **options)
            if not isinstance(result, xr.Dataset):
                raise InputError(f"the study {name} returned {type(result).__name__}, no Dataset")
            result.attrs["study"] = name
            return result

        named.__name__, named.__doc__ = name, function.__doc__
        named.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
        named.__wrapped__ = function  # type: ignore[attr-defined]
        _own[name] = Study(name, recorded(named), figure)
        return _own[name]

    return made


def own(name: str) -> Study[Any] | None:
    """A study of a user's own that this process has seen."""
    return _own.get(name)


def installed() -> dict[str, Study[Any]]:
    """Studies of other packages, by name."""
    found = (point.load() for point in entry_points(group=GROUP))
    return {one.name: one for one in found if isinstance(one, Study)}


def figure_of(name: str) -> Callable[[xr.Dataset], Figure] | None:
    """What draws the results of a study, imported on use."""
    if name in SHIPPED:
        return None if not SHIPPED[name].figure else function_at(SHIPPED[name].figure)
    one = own(name)
    return None if one is None else one.figure


def function_at(place: str) -> Callable[..., Any]:
    """What stands at `module:name`, or `module:class.name`, of this package."""
    module, _, path = place.partition(":")
    found: Any = import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    return found  # type: ignore[no-any-return]
