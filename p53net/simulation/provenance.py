"""What made a result: one record, made in one place, from which the result can be made again.

`recorded` wraps every function that users call for a result. The record is JSON in the attribute
`record`: the call with all its arguments, models and engines by name and digest, tolerances, and
versions. Files of a user's own stand in it with their text.
"""

import base64
import contextvars
import functools
import hashlib
import inspect
import json
import platform
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

import numpy as np
import pandas as pd
import xarray as xr

from p53net.children import source_of
from p53net.dosing.medium import Dose
from p53net.dosing.regimens import Regimen
from p53net.model.library import models_folder
from p53net.model.own import Tables, Text, as_fragments, as_tables
from p53net.notebook.bars import waiting

if TYPE_CHECKING:
    from p53net.simulation.workings import Workings

SCHEMA = 1

LARGEST = 5 * 2**20
"""Bytes up to which a record holds content; of what is larger it holds the digest."""

_PACKAGES = ("p53net", "libroadrunner", "llvmlite", "numpy", "scipy", "xarray")
WHERE = ("store", "resume", "scheduler", "workers", "chunk")
"""Arguments that say where and how points run; they change no value, and are not kept."""

_NOT_KEPT = ("progress", *WHERE)
_ENSEMBLES, _FITS = "p53net.ensembles.cells", "p53net.ensembles.fitted"
_P = ParamSpec("_P")

_active: contextvars.ContextVar["Call | None"] = contextvars.ContextVar("call", default=None)


@functools.cache
def software() -> dict[str, str]:
    """Versions of what can change the bytes of a result; p53net by the digest of its code too, and
    its models by that of their texts and tables."""
    code, models = hashlib.sha256(), hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        code.update(path.read_bytes())
    for path in sorted(models_folder().iterdir()):
        if path.suffix in (".ant", ".tsv"):
            models.update(path.name.encode() + b"\0" + path.read_bytes())
    return {
        **{name: version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "code": code.hexdigest()[:16],
        "models": models.hexdigest()[:16],
        "machine": f"{platform.system()} {platform.machine()}",
    }


class Call:
    """A call on its way to a record: what runs, and on what, is noted as it does."""

    def __init__(self, function: Callable[..., object], arguments: Mapping[str, object]) -> None:
        self._function, self._arguments = function, arguments
        self._engines = dict[str, None]()
        self._models = dict[str, str]()
        self._tolerances = dict[str, None]()

    def note(self, model: "Workings", engine: str) -> None:
        """A model that was run, and what was said of the engine."""
        self._engines[engine] = None
        self._models[model.definition.id] = model.definition.sha256
        self._tolerances[model.tolerances_text] = None

    def _of_the_user(self) -> dict[str, str]:
        """What tells a function that is not ours."""
        if not hasattr(self._function, "__wrapped__"):
            return {}
        return {"function": digest_of(self._function)}

    def text(self) -> str:
        """The record as JSON."""
        kept = {n: encoded(v) for n, v in self._arguments.items() if n not in _NOT_KEPT}
        return json.dumps(
            {
                "schema": SCHEMA,
                "call": self._function.__name__,
                **self._of_the_user(),
                "arguments": kept,
                # sorted, for threads note what they run in any order
                "engine": "; ".join(sorted(self._engines)),
                "tolerances": "; ".join(sorted(self._tolerances)),
                "models": dict(sorted(self._models.items())),
                "software": software(),
            }
        )


def digest_of(function: Callable[..., object]) -> str:
    """Of a function's source: tells one from another of the same name."""
    return hashlib.sha256(source_of(inspect.unwrap(function)).encode()).hexdigest()


def recorded(function: Callable[_P, xr.Dataset]) -> Callable[_P, xr.Dataset]:
    """The function, with the record of each call in the attributes of what it returns. What it
    calls itself is part of its own call."""
    return recorded_with()(function)


def recorded_with(
    **readers: Callable[[Any], object],
) -> Callable[[Callable[_P, xr.Dataset]], Callable[_P, xr.Dataset]]:
    """The same, of a function some of whose arguments are files: they are read before, once, so
    that the record holds what the function got."""
    reading = {"tables": as_tables, "fragments": as_fragments, "ensemble": _as_ensemble, **readers}

    def made(function: Callable[_P, xr.Dataset]) -> Callable[_P, xr.Dataset]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def call(*positional: _P.args, **named: _P.kwargs) -> xr.Dataset:
            if named.get("fit") is not None and "fit" in signature.parameters:
                named = _with_fit(named, "tables" in signature.parameters)  # type: ignore[assignment]
            if _active.get() is not None:
                return function(*positional, **named)
            try:
                bound = signature.bind(*positional, **named)
            except TypeError as error:  # which does not say of what
                raise TypeError(f"{function.__name__}() {error}") from None
            for name, value in bound.arguments.items():
                if name in reading:
                    bound.arguments[name] = reading[name](value)
                elif isinstance(value, Iterator):  # which can be read only once
                    bound.arguments[name] = list(value)
            run = Call(function, _named(bound))
            takes = "progress" in signature.parameters and "progress" not in bound.arguments
            token = _active.set(run)
            try:
                with waiting(function, takes) as more:
                    result = function(*bound.args, **bound.kwargs, **more)
            finally:
                _active.reset(token)
            result.attrs["record"] = run.text()
            return result

        return call

    return made


def _with_fit(named: Mapping[str, object], tables: bool) -> dict[str, object]:
    """Arguments with what a fit gives in place of it, so that no study has to know of fits."""
    found: dict[str, object] = import_module(_FITS).with_fit(named, tables=tables)
    return found


def _as_ensemble(given: object) -> object:
    """An ensemble that is named by its file. It is above this room, which knows it by name only."""
    return None if given is None else import_module(_ENSEMBLES).as_ensemble(given)


def _named(bound: inspect.BoundArguments) -> dict[str, object]:
    """Arguments by name; those that a function passes on stand beside its own."""
    kept = dict(bound.arguments)
    for name, parameter in bound.signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            kept |= kept.pop(name, {})
    return kept


def note(model: "Workings", engine: str) -> None:
    """Note for the record of the call that is running, if there is one, what ran on what."""
    if (call := _active.get()) is not None:
        call.note(model, engine)


def so_far() -> str:
    """The record of the call that is running."""
    call = _active.get()
    return "" if call is None else call.text()


def encoded(value: object) -> Any:  # noqa: ANN401 - JSON
    """An argument as JSON that says what it was. What cannot be made again is there by its name."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.generic) and value.dtype.kind in "biufU":
        return encoded(value.item())
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else {"number": repr(value)}
    if isinstance(value, list | tuple | range):
        return [encoded(one) for one in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Text):
        return {"text": _text(value)}
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, Mapping):
        return {"mapping": [[encoded(k), encoded(v)] for k, v in value.items()]}
    return _object(value)


def _object(value: object) -> dict[str, Any]:
    if isinstance(value, Dose):
        return {"dose": [encoded(value.steps), value.medium_volume]}
    if isinstance(value, Regimen):
        if value.parts:
            return {"regimens": [*map(encoded, value.parts), value.allow_flat]}
        given = (value.amount, value.unit, value.times, value.schedule, value.form)
        more = (value.amounts, value.over, value.start)
        other = [encoded(more)] if any(more) else []
        return {"regimen": [*map(encoded, given), value.allow_flat, *other]}
    if isinstance(value, Tables):
        return {"tables": {kind: _text(text) for kind, text in value}}
    if isinstance(value, pd.DataFrame):
        return {"frame": [[str(name), encoded(value[name].to_numpy())] for name in value]}
    if isinstance(value, pd.Series | xr.DataArray):
        return _array(np.asarray(value))
    if (own := getattr(value, "as_record", None)) is not None:
        return dict(own())
    return {"unknown": f"{type(value).__name__}: {value!r}"[:200]}


def _text(value: Text) -> dict[str, str]:
    held = {"text": value.text} if len(value.text) <= LARGEST else {"path": value.path}
    return {"name": value.name, "sha256": value.sha256, **held}


def _array(value: np.ndarray[Any, Any]) -> dict[str, Any]:
    if value.dtype.kind not in "biuf":
        return {"unknown": f"array of {value.dtype}"}
    data = np.ascontiguousarray(value).tobytes()
    about = {"dtype": value.dtype.str, "shape": list(value.shape)}
    if len(data) > LARGEST:
        return {"array": {**about, "sha256": hashlib.sha256(data).hexdigest()}}
    return {"array": {**about, "base64": base64.b64encode(data).decode()}}
