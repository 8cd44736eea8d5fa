"""Feedback escape in rival structures: every measure in each, and which claims hold where.

The claims are rows of `models/claims.tsv`: a sentence, and the comparison of measures it means.
"""

import csv
import io
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from p53net.engines.base import FloatArray
from p53net.errors import InputError, P53NetError
from p53net.measures.claims import Lookup, Value, holds
from p53net.model.content import content_of
from p53net.model.library import models_folder
from p53net.model.structures import as_structure, refitted
from p53net.simulation.loading import shared

_PLACES = ("fold", "exposure", "medium_volume")


class Claim(NamedTuple):
    """A sentence, and what it means."""

    claim: str
    sentence: str
    expression: str


def claims() -> tuple[Claim, ...]:
    """All claims about the escape of milademetan and KT-253."""
    text = dict(content_of(models_folder()))["claims.tsv"]
    rows = csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
    return tuple(Claim(**row) for row in rows)


def distinct(structures: Sequence[str], drugs: Sequence[str], cell_line: str) -> list[str]:
    """The first of those structures that are the same model of these drugs in a dish, but for what
    was fitted in each, so that none counts twice: they differ in blood or in death."""
    first: dict[tuple[str, ...], str] = {}
    fitted = {key for name in structures for entry in refitted(as_structure(name)).values()
              for key in entry}  # fmt: skip
    for name in structures:
        texts = (shared(one, cell_line=cell_line, structure=name).definition.antimony
                 for one in drugs)  # fmt: skip
        first.setdefault(tuple(_but_for(fitted, text) for text in texts), name)
    return list(first.values())


def _but_for(parameters: Collection[str], text: str) -> str:
    """A model's text without its name and the values of these parameters."""
    lines = text.splitlines()[1:]
    return "\n".join(line for line in lines if line.split(" =")[0].strip() not in parameters)


def compared(
    run: Callable[[str, str], xr.Dataset],
    drugs: Sequence[str],
    structures: Sequence[str],
    progress: Callable[[str, float], None],
) -> xr.Dataset:
    """Measures over `structure` and `drug`, with a `status` of each pair, and `holds` over
    `structure` and `claim`: 1, 0, or NaN where the claim is not defined.

    `run` is the study of one drug in one structure. What is refused or not reached there is NaN,
    and `status` says why.
    """
    parts, status = [], []
    for number, (structure, drug) in enumerate((s, d) for s in structures for d in drugs):
        progress(f"{structure}: {drug}", number / (len(structures) * len(drugs)))
        try:
            found = run(structure, drug)
        except P53NetError as error:
            status.append(_status(structure, [drug], str(error)))
            continue
        measures = found[[n for n, v in found.data_vars.items() if set(v.dims) <= {"drug", *_PLACES}
                          and v.dtype.kind == "f"]].drop_vars("mechanism")  # fmt: skip
        parts.append(measures.expand_dims(structure=[structure]))
        status.append(_status(structure, [str(name) for name in found["drug"].values], "ok"))
    if not parts:
        raise InputError(f"no structure has these measures: {status[0]['status'].item()}")
    order = dict.fromkeys(str(name) for part in status for name in part["drug"].values)
    result = xr.merge([*parts, *status], join="outer", compat="no_conflicts")
    result = result.reindex(structure=list(structures), drug=list(order))
    result["status"] = result["status"].fillna("as its parent")
    for name, measure in parts[0].data_vars.items():
        result[name].attrs = measure.attrs
    known = claims()
    held = np.array([[_holds(one, result.isel(structure=i)) for one in known]
                     for i in range(len(structures))])  # fmt: skip
    return result.assign(
        holds=(("structure", "claim"), held,
               {"units": "1", "long_name": "1 holds, 0 does not, NaN not defined"}),
        sentence=("claim", [one.sentence for one in known]),
        expression=("claim", [one.expression for one in known]),
    ).assign_coords(claim=[one.claim for one in known])  # fmt: skip


def _status(structure: str, drugs: list[str], said: str) -> xr.Dataset:
    words = np.full((1, len(drugs)), said, dtype=object)
    coords = {"structure": [structure], "drug": drugs}
    return xr.Dataset({"status": (("structure", "drug"), words)}, coords=coords)


def _holds(claim: Claim, here: xr.Dataset) -> float:
    return float(holds(claim.expression, lookup_in(here)))


def lookup_in(here: xr.Dataset) -> Lookup:
    """Finds values of claims among measures over `drug`: one of each, or one for each `draw`."""

    def lookup(value: Value) -> FloatArray:
        if value.name not in here or value.drug not in here["drug"].values:
            return np.asarray(np.nan)
        measure = here[value.name].sel(drug=value.drug)
        if places := [one for one in measure.dims if one != "draw"]:
            measure = measure.sel({places[0]: value.at})
        return np.asarray(measure)

    return lookup


def claim_table(result: xr.Dataset) -> pd.DataFrame:
    """A row for each claim: in how many structures it holds, of how many where it is defined, and
    how it stands in each."""
    words = {1.0: "holds", 0.0: "does not"}
    rows = []
    for name in result["claim"].values:
        held = result["holds"].sel(claim=name).to_series()
        defined = held.dropna()
        each = {str(one): words.get(value, "not defined") for one, value in held.items()}
        rows.append({"claim": str(name), "holds": int(defined.sum()), "of": len(defined),
                     "sentence": result["sentence"].sel(claim=name).item(), **each})  # fmt: skip
    return pd.DataFrame(rows)


def measure_table(result: xr.Dataset) -> pd.DataFrame:
    """A row for each measure of a drug in a structure."""
    rows = []
    for name, measure in result.drop_vars(["holds", "status", "sentence", "expression"]).items():
        flat = measure.to_series().reset_index(name="value")
        place = [one for one in _PLACES if one in flat]
        at = flat[place[0]].map("{:g}".format) if place else ""
        rows.append(flat.assign(measure=str(name), at=at, unit=measure.attrs["units"]))
    table = pd.concat(rows)[["structure", "drug", "measure", "at", "value", "unit"]]
    return table.sort_values(["structure", "drug"], kind="stable", ignore_index=True)
