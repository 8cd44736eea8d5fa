"""Regimens and tables as they stand in the record of a result."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import xarray as xr

from p53net.dosing.regimens import Regimen, joined
from p53net.model.own import Tables, Text


def arguments_of(result: xr.Dataset) -> dict[str, Any]:
    """What the call that made a result was given, as JSON; nothing where there is no record."""
    try:
        found = json.loads(str(result.attrs.get("record", "")))["arguments"]
    except (ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def regimens_of(given: object) -> list[Regimen]:
    """All regimens in an argument, in their order."""
    if isinstance(given, list):
        return [one for item in given for one in regimens_of(item)]
    if not isinstance(given, Mapping):
        return []
    return [regimen_of(given)] if set(given) & {"regimen", "regimens"} else []


def regimen_of(given: Mapping[str, Any]) -> Regimen:
    """One regimen, or a sum."""
    if "regimens" in given:
        *parts, flat = given["regimens"]
        return replace(joined([regimen_of(part) for part in parts]), allow_flat=flat)
    amount, unit, times, schedule, form, flat, *other = given["regimen"]
    amounts, over, start = other[0] if other else ([], [], 0.0)
    return Regimen(amount, unit, tuple(times), schedule, form, amounts=tuple(amounts),
                   over=tuple(over), start=start, allow_flat=flat)  # fmt: skip


def tables_in(arguments: Mapping[str, Any]) -> Tables:
    """A user's own tables that a study was given, or its model was loaded with, as far as the
    record has their texts."""
    given = arguments.get("tables")
    if given is None:
        model = arguments.get("self") or {}
        loaded = model.get("model", {}).get("loaded", {}).get("mapping", [])
        given = dict(loaded).get("tables")
    texts = (given or {}).get("tables", {})
    return Tables({kind: Text(one["name"], one["text"]) for kind, one in texts.items()
                   if "text" in one})  # fmt: skip
