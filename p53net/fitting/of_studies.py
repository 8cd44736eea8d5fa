"""What a study gave, as a table of data: to fit again, to plan a fit, and to hand on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from p53net.dosing.labels import FREE_BASE
from p53net.dosing.medium import finite_number
from p53net.errors import InputError
from p53net.notebook.bars import waited
from p53net.simulation.inputs import checked_times

_LARGEST_RECORD = 64 * 2**20
_POINTS = 12  # of a curve
_REFUSED = ("beside", "parameters", "ensemble", "draws")
_Rows = Iterator[dict[str, object]]


@waited
def data_of(
    study: xr.Dataset, times: ArrayLike | None = None, *, noise: float = 0.1
) -> pd.DataFrame:
    """The measurements of a study of one drug a well as a table that `fit` reads.

    Of `viability` live cells, of `degradation` MDM2 with the loop closed, of `caspase` caspase of a
    live cell and live cells, of `pk` plasma and of `xenograft` volumes, at `times` [h], by default
    twelve along each curve. Values are those of the models; `error` is `noise` of the value, of
    viability of vehicle. A study with `tables` or a `structure` is fitted with the same. Raises
    InputError for other studies, and for those with `beside`, `parameters` or an `ensemble`.

    Examples:
        >>> table = pn.data_of(pn.viability("KT-253", "RS4;11"), noise=0.05)
        >>> table.columns.tolist(), len(table)
        (['observable', 'drug', 'line', 'time', 'dose', 'unit', 'value', 'replicate', 'error'],
         25)
    """
    made = _record(study)
    width = finite_number(noise, "noise")
    if not 0.0 < width <= 1.0:
        raise InputError(
            f"noise is {noise!r}; give a coefficient of variation up to 1, such as 0.1"
        )
    kind = made["call"]
    if kind not in _KINDS:
        raise InputError(
            f"what {kind} gives is no table of measurements; that of {', '.join(_KINDS)} is"
        )
    for name in _REFUSED:
        value = made["arguments"].get(name)
        if value and value != {"mapping": []}:
            raise InputError(
                f"the study was made with {name}, which a table of data does not hold; make it "
                "without, or write the table by hand"
            )
    grid = None if times is None else checked_times(times)[1:].tolist()
    if grid is not None and kind not in _CURVES:
        raise InputError(f"times are given, but those of {kind} are in the study; leave them out")
    found = pd.DataFrame(_KINDS[kind](study, made["arguments"], grid))
    normal = found["observable"] == "viability"
    found["error"] = width * np.where(normal, 100.0, found["value"])
    return found[(found["value"] > 0) | normal].reset_index(drop=True)


def _record(study: object) -> dict[str, Any]:
    text = study.attrs.get("record", "") if isinstance(study, xr.Dataset) else ""
    try:
        found = json.loads(text) if len(text) <= _LARGEST_RECORD else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("arguments"), dict):
        raise InputError("study is no result of a study of p53net; give what pn.viability returned")
    return found


def _viability(study: xr.Dataset, _arguments: Mapping[str, Any], _times: object) -> _Rows:
    wells = study["viability"] if float(study.attrs["noise"]) else study["viability"][..., :1]
    for drug in study["drug"].values.tolist():
        for line in study["cell_line"].values.tolist():
            own = wells.sel(drug=drug, cell_line=line)
            like = {"drug": drug, "line": line, "time": float(study.attrs["hours"])}
            for dose, several in zip(study["dose"].values.tolist(), own.values, strict=True):
                for number, value in enumerate(several.tolist(), start=1):
                    yield {"observable": "viability", **like, "dose": dose, "unit": "%",
                           "value": value, "replicate": number}  # fmt: skip


def _degradation(study: xr.Dataset, _arguments: Mapping[str, Any], _times: object) -> _Rows:
    closed = study["MDM2"].sel(loop="closed")
    yield from _plates(closed, "MDM2", str(study.attrs["cell_line"]), "%")


def _caspase(study: xr.Dataset, _arguments: Mapping[str, Any], _times: object) -> _Rows:
    line = str(study.attrs["cell_line"])
    yield from _plates(study["caspase"], "caspase", line, "fold")
    yield from _plates(study["live_cells"], "viability", line, "%")


def _plates(values: xr.DataArray, observable: str, line: str, unit: str) -> _Rows:
    """Over drugs, doses and hours."""
    for drug in values["drug"].values.tolist():
        table = values.sel(drug=drug).transpose("hours", "dose")
        for hour, row in zip(table["hours"].values.tolist(), table.values.tolist(), strict=True):
            for dose, value in zip(table["dose"].values.tolist(), row, strict=True):
                if hour > 0:
                    yield {"observable": observable, "drug": drug, "line": line, "time": hour,
                           "dose": dose, "unit": unit, "value": value}  # fmt: skip


def _pk(study: xr.Dataset, arguments: Mapping[str, Any], times: Sequence[float] | None) -> _Rows:
    like = {"observable": "plasma", "drug": study.attrs["drug"], "host": study.attrs["host"],
            "unit": study["plasma"].attrs["units"]}  # fmt: skip
    for curve, regimen in zip(study["plasma"], _regimens(arguments), strict=True):
        yield from _curve(curve, {**like, "regimen": regimen}, times)


def _xenograft(
    study: xr.Dataset, arguments: Mapping[str, Any], times: Sequence[float] | None
) -> _Rows:
    like = {"observable": "volume", "line": study.attrs["cell_line"], "host": study.attrs["host"],
            "unit": study["tumour_volume"].attrs["units"]}  # fmt: skip
    arms = [{}, *({"drug": study.attrs["drug"], "regimen": one} for one in _regimens(arguments))]
    for curve, arm in zip(study["tumour_volume"], arms, strict=True):
        yield from _curve(curve, {**like, **arm}, times)


def _curve(curve: xr.DataArray, like: Mapping[str, object], times: Sequence[float] | None) -> _Rows:
    known = curve["time"].values
    chosen = known[1:][:: max((len(known) - 1) // _POINTS, 1)] if times is None else times
    for time in chosen:
        place = int(np.abs(known - time).argmin())
        if abs(known[place] - time) > 1e-9 * max(time, 1.0):
            raise InputError(f"the study has no value at {time:g} h; it has {known[1]:g}, "
                             f"{known[2]:g} and so on to {known[-1]:g} h")  # fmt: skip
        yield {**like, "time": float(known[place]), "value": float(curve[place])}


def _regimens(arguments: Mapping[str, Any]) -> list[str]:
    """In words, of the record."""
    given = arguments["regimens"]
    return [_words(one) for one in (given if isinstance(given, list) else [given])]


def _words(given: Mapping[str, Any]) -> str:
    if "regimens" in given:
        return " + ".join(_words(one) for one in given["regimens"][:-1])
    amount, unit, times, _, form, _, *more = given["regimen"]
    if form != FREE_BASE:
        raise InputError(f"doses are of the {form}, which regimens in words do not say; give the "
                         "free base")  # fmt: skip
    amounts, over, _ = more[0] if more else ((), (), 0.0)
    amounts, over = amounts or [amount] * len(times), over or [0.0] * len(times)
    together: dict[tuple[float, float], list[float]] = {}
    for time, one, hours in zip(times, amounts, over, strict=True):
        together.setdefault((one, hours), []).append(time)
    return " + ".join(
        f"{one!r} {unit} {','.join(map(repr, own))}" + (f" over {hours!r} h" if hours else "")
        for (one, hours), own in together.items()
    )


_KINDS = {"viability": _viability, "degradation": _degradation, "caspase": _caspase, "pk": _pk,
          "xenograft": _xenograft}  # fmt: skip
_CURVES = ("pk", "xenograft")
