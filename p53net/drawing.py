"""`plot`: the figure of any result."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import xarray as xr

from p53net.ensembles.banded import median
from p53net.errors import InputError
from p53net.figures.run import rest_figure, run_figure
from p53net.figures.style import PRINT, STYLE, chosen_size, resized
from p53net.studies import catalogue

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from p53net.fitting.table import Data


def _run(result: xr.Dataset, data: Data | None) -> Figure:
    if data is None:
        return run_figure(result)
    from p53net.fitting.overlay import seen_in
    from p53net.fitting.spots import draw_over

    seen, lost = seen_in(data, result)
    return draw_over(run_figure(result, seen), [], 0, lost)


def _over(figure: Figure, result: xr.Dataset, data: Data | None, published: bool) -> Figure:
    """The figure of a study with points over its curves."""
    from p53net.fitting.over_studies import places_in
    from p53net.fitting.overlay import points_in
    from p53net.fitting.published_points import published_in
    from p53net.fitting.spots import draw_over, spots_of

    spots = published_in(result) if published else []
    lost: Counter[str] = Counter()
    rows = 0
    if data is not None:
        points = points_in(data, result)
        own, lost = spots_of(points, places_in(result))
        spots, rows = [*spots, *own], len(points) - sum(lost.values())
    return draw_over(figure, spots, rows, lost)


def plot(
    result: xr.Dataset,
    x: str | None = None,
    y: str | None = None,
    colour: str | None = None,
    *,
    data: Data | None = None,
    published: bool = False,
    size: str = PRINT,
) -> Figure:
    """The figure for what `Model.simulate`, a study, `sweep` or a sensitivity study returned.

    A sweep of two axes or more is a heat map of a measure, `colour`, over the axes `x` and `y`, or,
    where `y` is a measure, one line over `x` for each value of the axis `colour`; of one axis, a
    line. What is left out is the first that fits. Choose values of further axes with `.sel`.

    `data` is a table as `fit` takes it, whose points are drawn over the curves of a time course, or
    of `viability`, `degradation`, `caspase`, `pk`, `xenograft` and `patient`: those that measured
    what a curve shows. What has no place is said below the figure. `published` adds numbers of the
    ledger that are points of such curves. `size` is "print" (89 or 183 mm wide) or "slide" (as wide
    as a screen, with larger text). Raises InputError, also where no row has a place.

    Examples:
        >>> run = pn.load("KT-253").simulate(range(73), {"KT-253": 5.0})
        >>> pn.plot(run).savefig("run.png")
        >>> plate = pn.viability("KT-253", "RS4;11")
        >>> figure = pn.plot(plate, data=pn.data_of(plate), published=True)
    """
    import matplotlib

    chosen_size(size)  # or an error, before anything is drawn
    if not isinstance(result, xr.Dataset):
        raise InputError(
            f"plot takes what simulate, escape or sweep returned, not {type(result).__name__}"
        )
    study = result.attrs.get("study")
    if study != "sweep" and (x, y, colour) != (None, None, None):
        raise InputError("x, y and colour are for the figure of a sweep; leave them out")
    if "draw" in result.dims:
        raise InputError("the figure of an ensemble shows quantiles; leave draws=True out")
    with matplotlib.rc_context(STYLE):
        return resized(_drawn(result, (x, y, colour), data, published), size)


def _drawn(
    result: xr.Dataset,
    axes: tuple[str | None, str | None, str | None],
    data: Data | None,
    published: bool,
) -> Figure:
    study = result.attrs.get("study")
    over = data is not None or published
    timed = set(result.sizes) <= {"time", "quantile"} and "time" in result.sizes
    run = study is None and timed and "doses" in result.attrs
    if published and run:
        raise InputError("published numbers are drawn over studies, not over a run; give a study")
    if study == "sweep" and not over:
        from p53net.sweeps.figures import sweep_figure

        return sweep_figure(median(result), *axes)
    if data is not None and not run:
        from p53net.fitting.over_studies import places_in

        places_in(result)  # or an error, before anything is drawn
    if (draw := catalogue.figure_of(str(study))) is not None:
        figure = draw(result)
        return _over(figure, result, data, published) if over else figure
    if timed:
        return _run(result, data)
    if not result.sizes and "p53_active" in result:
        return rest_figure(result)
    raise InputError(
        "only time courses, states at rest, studies, sweeps and their sensitivity have a figure; "
        "give one of those"
    )
