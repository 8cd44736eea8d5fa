"""Whether two drugs do more together than each alone: a checkerboard of live cells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from p53net.dosing.medium import finite_number
from p53net.engines.base import FloatArray
from p53net.ensembles.cells import Cells, EnsembleLike, Part, together
from p53net.ensembles.fitted import FitLike
from p53net.errors import InputError
from p53net.measures import combined
from p53net.model import cell_line_entries, drug_entries
from p53net.model.own import TablesLike, as_tables
from p53net.model.structures import StructureLike
from p53net.simulation.choice import AUTO
from p53net.simulation.loading import shared
from p53net.simulation.model import VERSION, Model
from p53net.simulation.provenance import recorded
from p53net.studies.dish import plate as dish
from p53net.studies.dish.synergy_wells import SHARES, Pair, Reader
from p53net.studies.dish.viability_assay import HOURS

LEVELS = (25.0, 50.0, 75.0)
"""Effects [%] whose isoboles are drawn, unless said otherwise."""

_MOST_DOSES = 50  # of each drug
_TOGETHER = 10  # draws: each has a thousand wells
_EFFECT = "live cells that are lost, share of vehicle"


@recorded
def synergy(
    drug: str,
    other: str,
    cell_line: str = "RS4;11",
    *,
    hours: float = HOURS,
    concentrations: ArrayLike | None = None,
    other_concentrations: ArrayLike | None = None,
    switch: float | None = None,
    levels: ArrayLike = LEVELS,
    parameters: Mapping[str, float] | None = None,
    engine: str = AUTO,
    accuracy: float | None = None,
    tables: TablesLike = None,
    structure: StructureLike = None,
    ensemble: EnsembleLike = None,
    fit: FitLike = None,
    draws: bool = False,
) -> xr.Dataset:
    """Two drugs together against what each does alone, by live cells: Bliss, Loewe, HSA, CI.

    The effect of a well is the share of live cells, over vehicle, that is lost by `hours`. Both
    drugs are in the medium from the start; with `switch` [h] the other is in it alone until then,
    is washed out, and the drug comes in. Without `concentrations` the doses of each are those
    around its half effect; with an ensemble too those of the usual values.

    Returns a Dataset over `dose` and `other_dose` [nM], both from 0: `effect`; `bliss_excess`,
    `loewe_excess` and `hsa_excess`, the effect above what is expected of drugs that do not
    interact; and the `combination_index`, below 1 for synergy. Over `level` [%]: doses alone,
    `dose_alone` and `other_alone` [nM], with a `status`; and over `share`, of the other drug's dose
    alone, the `isobole`: the lowest dose [nM] of the drug that has this effect beside
    `isobole_other` [nM], and the `interaction_index`, what both are of their doses alone. The
    `*_score`s are means of excess over wells with both drugs [%].

    `structure` and `accuracy` are as in `load`, `ensemble`, `fit` and `draws` as in `escape`.
    Raises InputError, UnknownNameError.

    Examples:
        >>> found = pn.synergy("milademetan", "KT-253", "RS4;11")
        >>> found["effect"].dims, found["isobole"].dims
        (('dose', 'other_dose'), ('level', 'share'))
        >>> found["interaction_index"].sel(level=50).mean().round(2).item()
        1.0
    """
    own = as_tables(tables)
    names = dish.checked_names([drug, other], "drug", drug_entries(own))
    (line,) = dish.checked_names(cell_line, "cell_line", cell_line_entries(own))
    pair = _pair(names[0], names[1], hours, switch)
    wanted = _levels(levels)
    cells = Cells(ensemble, draws=draws, structure=structure, tables=own)

    def model_of(part: Part) -> Model:
        return shared(*names, cell_line=line, system="culture", tables=own,
                      structure=part.structure).to(accuracy)  # fmt: skip

    plates = [
        _doses(given, name) for given, name in zip((concentrations, other_concentrations), names,
                                                    strict=True)
    ]  # fmt: skip
    if any(one is None for one in plates):
        plain = Cells(structure=structure, tables=own)
        (part,) = plain.parts()
        usual = Reader(plain, part, model_of(part), pair, parameters, engine)
        plates = [one if one is not None else around
                  for one, around in zip(plates, usual.around(), strict=True)]  # fmt: skip
    doses, others = (np.concatenate([[0.0], one]) for one in plates if one is not None)
    engines: dict[str, None] = {}

    def read(part: Part) -> list[xr.Dataset]:
        reader = Reader(cells, part, model_of(part), pair, parameters, engine)
        board, singles = reader.curves(doses, others)
        lines = reader.isoboles(singles, wanted / 100.0)
        engines.update(dict.fromkeys(reader.engines))
        return [
            _measures(board[i], singles[i], doses, others)
            .merge(lines.isel(draw=i, drop=True))
            .assign_coords(draw=int(part.draws[i]))
            for i in reader.sound
        ]

    pieces = [one for many in together([partial(read, part) for part in cells.parts(_TOGETHER)])
              for one in many]  # fmt: skip
    result = _described(cells.joined(pieces), pair)
    return cells.finished(result, ("dose", "share")).assign_coords(
        {
            "dose": ("dose", doses, _about("nM", f"{pair.drug} in the medium")),
            "other_dose": ("other_dose", others, _about("nM", f"{pair.other} in the medium")),
            "level": ("level", wanted, _about("%", "effect: live cells that are lost")),
            "share": ("share", SHARES, _about("1", f"{pair.other}, of its dose alone")),
        }
    ).assign_attrs(
        {
            "study": "synergy",
            "drug": pair.drug,
            "other": pair.other,
            "cell_line": line,
            "hours": pair.hours,
            **({} if pair.switch is None else {"switch": pair.switch}),
            "engine": "; ".join(sorted(engines)),
            "parameters": json.dumps(dict(parameters or {})),
            "version": VERSION,
        }
    )  # fmt: skip


def _measures(
    effect: FloatArray,
    singles: tuple[combined.Alone, combined.Alone],
    doses: FloatArray,
    others: FloatArray,
) -> xr.Dataset:
    """A checkerboard against what drugs do that do not interact."""
    a, b = doses[:, None], others[None, :]
    one, other = effect[:, :1], effect[:1, :]
    excess = {
        "bliss": effect - combined.bliss(one, other),
        "loewe": effect - combined.loewe(a, b, *singles),
        "hsa": effect - combined.highest_alone(one, other),
    }
    board = ("dose", "other_dose")
    index = combined.combination_index(a, b, effect, *singles)
    index[0, 0] = np.nan
    return xr.Dataset(
        {
            "effect": (board, effect),
            **{f"{name}_excess": (board, values) for name, values in excess.items()},
            "combination_index": (board, index),
            **{f"{name}_score": ((), 100.0 * values[1:, 1:].mean())
               for name, values in excess.items()},
        }
    )  # fmt: skip


def _described(result: xr.Dataset, pair: Pair) -> xr.Dataset:
    """With units and meanings."""
    drug, other = pair.drug, pair.other
    meanings = {
        "effect": ("1", _EFFECT),
        "bliss_excess": ("1", "effect above that of independent drugs (Bliss)"),
        "loewe_excess": ("1", "effect above that of dilutions of one drug (Loewe)"),
        "hsa_excess": ("1", "effect above that of the better drug alone (HSA)"),
        "combination_index": ("1", "Chou and Talalay's; below 1 is synergy"),
        "bliss_score": ("%", "mean excess over Bliss in wells with both drugs"),
        "loewe_score": ("%", "mean excess over Loewe in wells with both drugs"),
        "hsa_score": ("%", "mean excess over the better drug in wells with both"),
        "dose_alone": ("nM", f"dose of {drug} alone with this effect"),
        "other_alone": ("nM", f"dose of {other} alone with this effect"),
        "status": ("1", "ok, or which drug alone has no such effect"),
        "isobole": ("nM", f"lowest dose of {drug} with this effect, beside {other}"),
        "isobole_other": ("nM", f"dose of {other} beside it"),
        "interaction_index": ("1", "both doses over those alone, added; below 1 is synergy"),
    }
    for name, (unit, meaning) in meanings.items():
        result[name].attrs = _about(unit, meaning)
    return result


def _pair(drug: str, other: str, hours: object, switch: object) -> Pair:
    length = finite_number(hours, "hours", "h")
    if length <= 0.0:
        raise InputError(f"hours is {length:g} h, but must be above 0")
    if switch is None:
        return Pair(drug, other, None, length)
    at = finite_number(switch, "switch", "h")
    if not 0.0 < at < length:
        raise InputError(
            f"switch is {at:g} h, but must be above 0 and before the plate is read at {length:g} h"
        )
    return Pair(drug, other, at, length)


def _doses(given: ArrayLike | None, drug: str) -> FloatArray | None:
    if given is None:
        return None
    doses = dish.checked_concentrations(given)
    if len(doses) > _MOST_DOSES:
        raise InputError(
            f"there are {len(doses)} concentrations of {drug}; at most {_MOST_DOSES} are allowed"
        )
    return doses


def _levels(levels: ArrayLike) -> FloatArray:
    try:
        values = [finite_number(one, "level", "%") for one in np.atleast_1d(levels).tolist()]
    except (TypeError, ValueError):
        raise InputError(f"levels is {levels!r}, but must be a list of effects [%]") from None
    if not values or len(set(values)) < len(values) or not all(1 <= one <= 99 for one in values):
        raise InputError(f"levels is {levels!r}, but must be effects from 1 to 99 %, each once")
    return np.array(sorted(values))


def _about(unit: str, meaning: str) -> dict[str, str]:
    return {"units": unit, "long_name": meaning}
