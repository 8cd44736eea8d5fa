"""Assays of a drug beside several levels of another: each level is a plate of its own."""

import functools
import inspect
import json
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec

import xarray as xr

from p53net.dosing.beside import Beside, BesideLike, in_medium, other_of
from p53net.dosing.medium import Dose, finite_number
from p53net.engines.base import FloatArray
from p53net.errors import InputError
from p53net.model.own import TablesLike

_P = ParamSpec("_P")


def each_level(assay: Callable[_P, xr.Dataset]) -> Callable[_P, xr.Dataset]:
    """An assay that reads one level of another drug, made one that reads several: over `beside`."""

    @functools.wraps(assay)
    def read(*positional: _P.args, **named: _P.kwargs) -> xr.Dataset:
        beside: Any = named.get("beside")
        if beside is None:
            return assay(*positional, **named)
        tables: Any = named.get("tables")
        other, value = other_of(beside, (), tables)
        doses = in_medium(other, value)
        return _joined([_read(assay, other, dose, *positional, **named) for dose in doses], doses)

    read.__signature__ = inspect.signature(assay)  # type: ignore[attr-defined]
    del read.__wrapped__  # by which a record tells a study of a user's own
    return read


def _read(
    assay: Callable[_P, xr.Dataset], other: str, dose: Dose, *given: _P.args, **named: _P.kwargs
) -> xr.Dataset:
    return assay(*given, **{**named, "beside": {other: dose}})  # type: ignore[arg-type]


def _joined(found: Sequence[xr.Dataset], doses: Sequence[Dose]) -> xr.Dataset:
    """Plates of all levels in one Dataset."""
    constant = all(dose.is_constant for dose in doses)
    levels = [dose.highest if constant else str(dose) for dose in doses]
    about = {
        "units": "nM" if constant else "1",
        "long_name": f"{found[0].attrs['beside']} in the medium",
    }
    whole = xr.concat(found, xr.Variable("beside", levels, about), data_vars="all",
                      coords="minimal", compat="override", join="exact",
                      combine_attrs="override")  # fmt: skip
    engines = dict.fromkeys(str(one.attrs["engine"]) for one in found)
    failed: dict[str, int] = {}
    for one in found:
        for reason, number in json.loads(one.attrs.get("failed", "{}")).items():
            failed[reason] = max(number, failed.get(reason, 0))
    attrs = {"engine": "; ".join(sorted(engines))}
    if "failed" in whole.attrs:
        attrs["failed"] = json.dumps(failed)
    return whole.assign_attrs(attrs)


def one_level(
    beside: BesideLike,
    drugs: Sequence[str],
    tables: TablesLike,
    start: float,
    hours: FloatArray,
) -> tuple[Beside | None, float]:
    """What is beside the drugs of a plate that is read at `hours`, and from when on [h] those are
    in the medium. Raises InputError, UnknownNameError."""
    begin = finite_number(start, "start", "h")
    if begin >= hours[0]:
        raise InputError(
            f"start is {begin:g} h, but the plate is read at {hours[0]:g} h; let the drug in before"
        )
    if beside is None:
        if begin > 0.0:
            raise InputError(
                "start is about a drug that follows another; name that in beside, such as "
                "beside={'KT-253': pn.pulse(1, hours=24)}"
            )
        return None, 0.0
    other, value = other_of(beside, drugs, tables)
    (dose,) = in_medium(other, value)
    if dose.changes[-1] > hours[-1]:
        raise InputError(
            f"beside: {other} changes at {dose.changes[-1]:g} h, after the plate is read at "
            f"{hours[-1]:g} h; read later or change it earlier"
        )
    return Beside(other, dose), begin


def about(beside: Beside | None, start: float) -> dict[str, object]:
    """For the attributes of an assay."""
    if beside is None:
        return {}
    return {"beside": beside.drug, **({"start": start} if start else {})}
