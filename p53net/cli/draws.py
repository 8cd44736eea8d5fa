"""What commands share that take an ensemble: options, and tables of results over its draws."""

from collections.abc import Mapping, Sequence
from typing import Annotated, TypedDict

import numpy as np
import pandas as pd
import typer
import xarray as xr

from p53net.cli.terminal import said, tables_of
from p53net.ensembles.banded import DEFINED, ENDS, is_banded
from p53net.ensembles.cells import SHIPPED, as_ensemble
from p53net.ensembles.draws import Ensemble, is_shipped
from p53net.ensembles.fitted import draws_of
from p53net.errors import InputError
from p53net.figures.axes import short
from p53net.model.own import Tables

NONE = "none"

Ensembles = Annotated[
    str | None,
    typer.Option(
        "--ensemble",
        metavar="FILE",
        help="Bands over the draws of an ensemble: shipped, a file that `p53net infer` wrote, or "
        "none (default).",
    ),
]
EnsemblesOrShipped = Annotated[
    str | None,
    typer.Option(
        "--ensemble",
        metavar="FILE",
        help="Bands over the draws of an ensemble: shipped (default, if the package has one and "
        "nothing of your own or of one structure is asked for), a file that `p53net infer` wrote, "
        "or none.",
    ),
]
Draws = Annotated[
    int | None,
    typer.Option("--draws", help="At most so many draws of the ensemble, evenly spaced."),
]
Fits = Annotated[
    str | None,
    typer.Option(
        "--fit",
        metavar="FOLDER",
        help="Bands over the draws of a fit, with the tables that it had: what `p53net fit -o` "
        "wrote.",
    ),
]


class Drawn(TypedDict):
    """What a study is run with."""

    ensemble: Ensemble | None
    tables: Tables


def drawn_of(
    ensemble: str | None, draws: int | None, fit: str | None, tables: list[str] | None,
    *, usual: bool = False,
) -> Drawn:  # fmt: skip
    """An ensemble and tables as written, or those of a fit. Raises InputError."""
    own = tables_of(tables)
    if fit is None:
        return {"ensemble": ensemble_of(ensemble, draws, usual=usual), "tables": own}
    if ensemble not in (None, NONE):
        raise InputError("--fit and --ensemble are both given; give one of them")
    given = draws_of(fit)
    several = given.ensemble if draws is None else given.ensemble.thinned(draws)
    return {"ensemble": several, "tables": own if tables else given.tables}


def ensemble_of(text: str | None, draws: int | None, *, usual: bool = False) -> Ensemble | None:
    """The ensemble as written; without a word the shipped one if that is `usual`, else none.
    Raises InputError."""
    if text is None and usual and is_shipped():
        try:
            found = as_ensemble(SHIPPED)
        except InputError as error:  # nobody has asked for it
            said.print(f"without bands: {error}", soft_wrap=True)
            found = None
    else:
        found = None if text in (None, NONE) else as_ensemble(text)
    if draws is not None and found is None:
        raise InputError("--draws is about an ensemble; give --ensemble shipped, a file, or --fit")
    return found if found is None or draws is None else found.thinned(draws)


def with_bands(
    result: xr.Dataset, tables: Mapping[str, pd.DataFrame], along: Sequence[str]
) -> dict[str, pd.DataFrame]:
    """Tables of a study, the first of its measures. Of an ensemble that has medians with the ends
    of 95 % of the draws, and all quantiles stand in a table of their own."""
    if not is_banded(result):
        return dict(tables)
    first, *others = tables
    measures = result.drop_dims([one for one in along if one in result.dims])
    return {
        first: in_words(measures),
        "quantiles": measures.to_dataframe().reset_index(),
        **{name: tables[name] for name in others},
    }


def in_words(measures: xr.Dataset) -> pd.DataFrame:
    """Measures as `4.3 (1.2 to 13)`: the median, and what holds 95 % of the draws."""
    data = {}
    for name, one in measures.data_vars.items():
        if str(name).endswith(DEFINED) and bool((one == 1.0).all()):
            continue
        if "quantile" not in one.dims:
            data[str(name)] = one
            continue
        middle, low, high = (one.sel(quantile=at, drop=True) for at in (0.5, *ENDS))
        words = np.array([_words(*place) for place in zip(middle.values.ravel(),
                          low.values.ravel(), high.values.ravel(), strict=True)],
                         dtype=object)  # fmt: skip
        data[str(name)] = middle.copy(data=words.reshape(middle.shape))
    found = xr.Dataset(data)
    return found.to_dataframe().reset_index() if found.sizes else pd.DataFrame(
        [{name: one.item() for name, one in found.data_vars.items()}])  # fmt: skip


def _words(middle: float, low: float, high: float) -> str:
    if np.isnan(middle):
        return ""
    said = [short(one) for one in (middle, low, high)]
    return said[0] if len(set(said)) == 1 else f"{said[0]} ({said[1]} to {said[2]})"
