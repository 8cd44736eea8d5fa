"""Which engine runs a model, and why. Only here, and in their own files, engines are named."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from importlib import import_module
from typing import TYPE_CHECKING, cast

from p53net.engines.base import Engine, Tolerances
from p53net.errors import InputError, UnsupportedError
from p53net.model.definition import Definition

if TYPE_CHECKING:
    from p53net.simulation.workings import Workings

ENGINES = {
    "roadrunner": "p53net.engines.roadrunner:RoadRunner",
    "batch": "p53net.engines.batch:Batch",
    "copasi": "p53net.engines.copasi:Copasi",
}
"""Name to the class of each engine, which is imported on use."""

AUTO = "auto"
"""The engine that costs least for so many runs."""

REFERENCE = "roadrunner"
"""It runs every model, and what other engines give up."""

_FEW = 10  # runs below which `AUTO` is the reference: others are not worth their compilation
MANY = "batch"
"""It is made for many runs at once."""

_preferred: ContextVar[str] = ContextVar("engine", default=AUTO)
_TRUSTED = ("batch",)  # with a stranger's model, once it was tried: its code is plain arithmetic
_ALONE = ("copasi",)  # a second opinion: what it cannot run is an error, and no other engine's


def made(name: str, definition: Definition, tolerances: Tolerances) -> Engine:
    """An engine of this name for one model. Raises UnsupportedError, MissingPackageError, and for
    a stranger's model ModelError."""
    if blind := _blind(name, definition):
        raise UnsupportedError(f"{blind}; on this engine the grid of output would decide")
    if definition.external:
        from p53net.engines import apart

        if name not in _TRUSTED:
            return cast(Engine, apart.Apart(ENGINES[name], definition, tolerances))
        apart.trial(ENGINES[name], definition, tolerances)
    module, _, kind = ENGINES[name].partition(":")
    return cast(Engine, getattr(import_module(module), kind)(definition, tolerances))


def helper_of(name: str, definition: Definition) -> str | None:
    """The engine that takes what this one gives up."""
    alone = name in (REFERENCE, *_ALONE) or _blind(REFERENCE, definition)
    return None if alone else REFERENCE


def usual(definition: Definition) -> str:
    """The engine for few runs."""
    return MANY if _blind(REFERENCE, definition) else REFERENCE


def _blind(name: str, definition: Definition) -> str:
    """An event that an engine may step over, and why; empty where there is none."""
    found = definition.windows if name == REFERENCE else {}
    return next((f"event {event}, {why}" for event, why in found.items()), "")


def checked(wanted: str) -> str:
    """An engine's name. Raises InputError."""
    if wanted not in (*ENGINES, AUTO):
        allowed = ", ".join((*ENGINES, AUTO))
        raise InputError(f"engine is {wanted!r}, but must be one of {allowed}")
    return wanted


@contextlib.contextmanager
def preferring(wanted: str) -> Iterator[None]:
    """Within it `AUTO` means this engine: for studies of many parts, which all follow. Raises
    InputError."""
    token = _preferred.set(checked(wanted))
    try:
        yield
    finally:
        _preferred.reset(token)


def warning_of(definition: Definition) -> str:
    """What a user should know of events that are ill posed; empty where none is."""
    if not definition.windows:
        return ""
    from p53net.model.external.windows import EQUALITY

    found = [event for event, why in definition.windows.items() if why == EQUALITY]
    return f"{', '.join(found)}: == in a trigger holds at its moment alone" if found else ""


def chosen(model: "Workings", wanted: str, runs: int = 1) -> tuple[str, str]:
    """The engine for so many runs of a model, and what to say of it. Raises InputError."""
    name = checked(wanted)
    if name == AUTO:
        name = _preferred.get()
    if name == AUTO:
        name = MANY if runs >= _FEW else usual(model.definition)
    try:
        label = model.runner(name).engine.label
        remarks = *model.definition.remarks, warning_of(model.definition)
        return name, "; ".join(filter(None, [label, *remarks]))
    except UnsupportedError as error:
        if helper_of(name, model.definition) is None:
            raise
        label = model.runner(REFERENCE).engine.label
        said = f"{label} instead of {name}, which cannot run {error}"
        return REFERENCE, "; ".join([said, *model.definition.remarks])
