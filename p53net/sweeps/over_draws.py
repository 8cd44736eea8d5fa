"""A sweep in which every point is run in all draws of an ensemble."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from p53net.ensembles.cells import Cells, EnsembleLike
from p53net.ensembles.drawn import of_structure, tables_of
from p53net.errors import InputError
from p53net.simulation.inputs import checked_parameters
from p53net.simulation.model import Model
from p53net.sweeps.rows import RERUNS

MOST = 200
"""Draws that a sweep takes of an ensemble."""

_ALONE = ("store", "resume", "scheduler", "gradient", "reduce")
"""What a sweep over draws does not do."""


def swept(
    run: Callable[..., xr.Dataset],
    model: Model,
    axes: Any,  # noqa: ANN401 - as `sweep` takes them
    given: EnsembleLike,
    draws: bool,
    design: Mapping[str, Any],
    options: Mapping[str, Any],
) -> xr.Dataset:
    """The result of `run`, a sweep, over the draws: measures and curves with `quantile`, or each
    `draw`; a `status` says in how many draws a point is ok. `design` is how points are laid out,
    `options` are all others of the sweep."""
    for name in _ALONE:
        if options[name]:
            raise InputError(
                f"{name} and ensemble are both given, but a sweep over draws is made in one piece, "
                "in memory, of measures and curves; give one of them"
            )
    cells = Cells(given, draws=draws, most=MOST, tables=tables_of(model))
    parts = [(part, of_structure(model, part)) for part in cells.parts()]
    template = run(model, axes, **design, **options)
    shape = tuple(template["status"].shape)
    points = _points(template)
    pieces: list[xr.Dataset] = []
    engines = dict[str, None]()
    for part, one in parts:
        changed = checked_parameters(one.definition, options["parameters"])
        drawn = {name: values for name, values in cells.columns(one, part).items()
                 if name not in changed and name not in points}  # fmt: skip
        size = len(part.draws)
        table = pd.concat([points] * size, ignore_index=True)
        columns = {name: np.repeat(values, len(points)) for name, values in drawn.items()}
        found = run(one, pd.concat([table, pd.DataFrame(columns)], axis=1), **options)
        engines.setdefault(found.attrs["engine"])
        pieces.append(
            xr.Dataset(
                {
                    name: (("draw", *values.dims),
                           found[name].values.reshape(size, *shape, *found[name].shape[1:]),
                           values.attrs)
                    for name, values in _kept(template).items()
                },
                {"draw": part.draws},
            )
        )  # fmt: skip
    result = cells.finished(cells.joined(pieces).assign_coords(template.coords), ("time",))
    settings = {name: said for name, said in template.attrs.items() if name != "structure"}
    return result.assign_attrs(settings, engine="; ".join(engines))


def _points(template: xr.Dataset) -> pd.DataFrame:
    """The axes' values of each point, in order."""
    dims = template["status"].dims
    axes = [template[name] for name in template.coords if name not in ("time", "point")]
    like = xr.DataArray(np.empty(template["status"].shape), dims=dims)
    return pd.DataFrame(
        {str(one.name): one.broadcast_like(like).transpose(*dims).values.ravel() for one in axes}
    )


def _kept(template: xr.Dataset) -> dict[str, xr.DataArray]:
    """Measures, curves and the status; no error bars, which are those of single runs."""
    return {
        str(name): one
        for name, one in template.data_vars.items()
        if name not in (RERUNS, "reason") and not str(name).endswith("_error")
    }
