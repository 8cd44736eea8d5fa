"""`plot`: the figure of any result."""

from typing import TYPE_CHECKING

import xarray as xr

from p53net.ensembles.banded import median
from p53net.errors import InputError
from p53net.figures.run import rest_figure, run_figure
from p53net.figures.style import STYLE
from p53net.studies import catalogue

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from p53net.figures.run import Seen
    from p53net.fitting.table import Data


def _seen(data: "Data", result: xr.Dataset) -> "dict[str, Seen]":
    from p53net.fitting.overlay import seen_in

    return seen_in(data, result)


def plot(
    result: xr.Dataset,
    x: str | None = None,
    y: str | None = None,
    colour: str | None = None,
    *,
    data: "Data | None" = None,
) -> "Figure":
    """The figure for what `Model.simulate`, a study, `sweep` or a sensitivity study returned.

    A sweep of two axes or more is a heat map of a measure, `colour`, over the axes `x` and `y`, or,
    where `y` is a measure, one line over `x` for each value of the axis `colour`; of one axis, a
    line. What is left out is the first that fits. Choose values of further axes with `.sel`.

    `data` is a table as `fit` takes it, whose points of what ran in a time course are drawn over
    its curves. Raises InputError.
    """
    import matplotlib

    if not isinstance(result, xr.Dataset):
        raise InputError(
            f"plot takes what simulate, escape or sweep returned, not {type(result).__name__}"
        )
    study = result.attrs.get("study")
    if study != "sweep" and (x, y, colour) != (None, None, None):
        raise InputError("x, y and colour are for the figure of a sweep; leave them out")
    if "draw" in result.dims:
        raise InputError("the figure of an ensemble shows quantiles; leave draws=True out")
    timed = set(result.sizes) <= {"time", "quantile"} and "time" in result.sizes
    if data is not None and (study is not None or not timed or "doses" not in result.attrs):
        raise InputError("data are drawn over a time course that `simulate` returned; give one")
    with matplotlib.rc_context(STYLE):
        if study == "sweep":
            from p53net.sweeps.figures import sweep_figure

            return sweep_figure(median(result), x, y, colour)
        if (draw := catalogue.figure_of(str(study))) is not None:
            return draw(result)
        if timed:
            return run_figure(result, None if data is None else _seen(data, result))
        if not result.sizes and "p53_active" in result:
            return rest_figure(result)
    raise InputError(
        "only time courses, states at rest, studies, sweeps and their sensitivity have a figure; "
        "give one of those"
    )
