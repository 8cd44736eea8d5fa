"""A result from its record again: what was called, with the same arguments, on the same models.

Only functions and classes that are named here are called, and nothing is unpickled, so a record may
come from anybody. Files that a record names are not opened unless that is asked for.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from inspect import signature
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from p53net.dosing.medium import Dose
from p53net.dosing.regimens import Regimen
from p53net.engines.base import Tolerances
from p53net.ensembles.cells import SHIPPED, as_ensemble
from p53net.ensembles.draws import Ensemble
from p53net.errors import InputError, unknown_name
from p53net.files import read_bytes
from p53net.measures.definition import Measure, own
from p53net.model.own import Tables, Text, read_text
from p53net.simulation.loading import load, read_sbml
from p53net.simulation.model import Model
from p53net.simulation.provenance import LARGEST, SCHEMA, WHERE, software
from p53net.simulation.recalled import regimen_of
from p53net.studies.body.rules import Rule
from p53net.studies.catalogue import SHIPPED as STUDIES
from p53net.studies.catalogue import Study, function_at
from p53net.sweeps.design import Distribution
from p53net.sweeps.reductions import reduction_of

CALLS = {
    "simulate": "p53net.simulation.model:Model.simulate",
    "simulate_many": "p53net.simulation.model:Model.simulate_many",
    "steady_state": "p53net.simulation.model:Model.steady_state",
    "gradient": "p53net.simulation.model:Model.gradient",
    **{one.function.partition(":")[2]: one.function for one in STUDIES.values()},
}
"""What a record may name, and where it is."""

_LARGEST_RECORD = 64 * 2**20  # bytes of a file


def record(result: xr.Dataset | Mapping[str, Any] | str | Path) -> dict[str, Any]:
    """What made a result: the call, its arguments, engine, tolerances, models and versions.

    `result` is a Dataset of p53net's, or a JSON file that a command wrote beside one. Raises
    InputError where there is no record.

    Examples:
        >>> found = pn.load("KT-253").simulate([0, 24], {"KT-253": 5.0})
        >>> pn.record(found)["call"], sorted(pn.record(found))
        ('simulate', ['arguments', 'call', 'engine', 'models', 'schema', 'software',
         'tolerances'])
    """
    if isinstance(result, Mapping) and not isinstance(result, xr.Dataset):
        found = dict(result)
    else:
        if isinstance(result, xr.Dataset):
            text = result.attrs.get("record", "")
        else:
            text = read_bytes(result, _LARGEST_RECORD, "the record").decode("utf-8", "replace")
        try:
            found = json.loads(str(text))
        except (ValueError, RecursionError):
            raise InputError("there is no record; give what a function of p53net returned, or the "
                             ".json that a command wrote") from None  # fmt: skip
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise InputError(f"this is no record of p53net, schema {SCHEMA}")
    for name, kind in (("call", str), ("arguments", dict), ("software", dict)):
        if not isinstance(found.get(name), kind):
            raise InputError(f"the record is not sound: it has no {name}")
    return found


def rerun(
    result: xr.Dataset | Mapping[str, Any] | str | Path,
    *,
    functions: Mapping[str, Callable[..., Any]] | None = None,
    files: bool = False,
    anyway: bool = False,
) -> xr.Dataset:
    """Make a result again from its record: the same values to the last bit, with the same software
    on the same kind of processor.

    `functions` are measures and studies of your own by name, of which a record holds the digest.
    `files` allows to read files above 5 MB, which a record holds by path and digest. A record of
    other versions or other models is refused, unless `anyway`. Raises InputError.

    Examples:
        >>> found = pn.load("KT-253").simulate([0, 24], {"KT-253": 5.0})
        >>> pn.rerun(found).identical(found)
        True
    """
    made = record(result)
    differ = {
        name: (before, now)
        for name, now in software().items()
        if (before := made.get("software", {}).get(name)) != now
    }
    if differ and not anyway:
        name, (before, now) = next(iter(differ.items()))
        raise InputError(
            f"the record was made with {name} {before}, and here is {now}; install the same, or "
            "say anyway=True and expect other numbers"
        )
    call, given = made["call"], dict(functions or {})
    if call not in CALLS and call not in given and "function" in made:
        raise InputError(
            f"{call} is a study of your own, of which a record holds only the digest; pass it "
            f"again: pn.rerun(..., functions={{'{call}': ...}})"
        )
    if call not in CALLS and call not in given:
        raise unknown_name("call", call, (*CALLS, *given))
    with ExitStack() as stack:
        reader = _Reader(given, files, stack)
        arguments = {
            name: reader.value(value)
            for name, value in made["arguments"].items()
            if name not in WHERE
        }
        function = function_at(CALLS[call]) if call in CALLS else _own_study(call, made, given)
        try:
            signature(function).bind(**arguments)
        except TypeError as error:
            raise InputError(f"the record is not sound: {call}: {error}") from None
        found: xr.Dataset = function(**arguments)
    return found


def _own_study(
    name: str, made: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]
) -> Callable[..., Any]:
    """A study of a user's own, if it is the one that the record was made with."""
    one = functions[name]
    if not isinstance(one, Study) or one.digest != made["function"]:
        raise InputError(f"the study {name} is not the one that the record was made with")
    return one


class _Reader:
    """Arguments from JSON."""

    def __init__(
        self, functions: dict[str, Callable[..., Any]], files: bool, stack: ExitStack
    ) -> None:
        self._functions, self._files, self._stack = functions, files, stack

    def value(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """What an argument was."""
        if isinstance(value, list):
            return [self.value(one) for one in value]
        if not isinstance(value, dict):
            return value
        (kind, inner), *others = value.items()
        if others or kind not in self._KINDS:
            raise InputError(f"the record holds {str(value)[:200]}, which cannot be made again")
        try:
            return self._KINDS[kind](self, inner)
        except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
            raise InputError(f"the record is not sound: {kind}: {error!r}") from None

    def _mapping(self, pairs: Any) -> dict[Any, Any]:  # noqa: ANN401
        return {self.value(key): self.value(value) for key, value in pairs}

    def _array(self, about: dict[str, Any]) -> np.ndarray[Any, Any]:
        if "base64" not in about:
            raise InputError(
                f"an array of {about['shape']} is in the record by its digest only; call the "
                "function itself"
            )
        data = base64.b64decode(about["base64"], validate=True)
        return np.frombuffer(data, np.dtype(about["dtype"])).reshape(about["shape"]).copy()

    def _frame(self, columns: Any) -> pd.DataFrame:  # noqa: ANN401
        return pd.DataFrame({name: self.value(values) for name, values in columns})

    def _regimen(self, given: Any) -> Regimen:  # noqa: ANN401
        return regimen_of({"regimen": given})

    def _regimens(self, given: Any) -> Regimen:  # noqa: ANN401
        return regimen_of({"regimens": given})

    def _dose(self, given: Any) -> Dose:  # noqa: ANN401
        steps, volume = given
        return Dose(tuple((time, level) for time, level in steps), volume)

    def _measure(self, given: Any) -> Measure:  # noqa: ANN401
        kind, *arguments = given
        return Measure(kind, tuple(arguments))

    def _own_measure(self, given: Any) -> Measure:  # noqa: ANN401
        name, digest, observables, unit = given
        if name not in self._functions:
            raise InputError(
                f"{name} is a measure of your own, of which a record holds only the digest; pass "
                f"its function again: functions={{'{name}': ...}}"
            )
        made = own(name, self._functions[name], observables, unit)
        if made.own is None or made.own.digest != digest:
            raise InputError(f"the function of {name} is not the one that the record was made with")
        return made

    def _tables(self, texts: dict[str, Any]) -> Tables:
        return Tables({kind: self._text(text) for kind, text in texts.items()})

    def _text(self, about: dict[str, str]) -> Text:
        if "text" in about:
            found = Text(about["name"], about["text"])
        elif not self._files:
            raise InputError(
                f"{about['name']} is in the record by path and digest only; allow to read it with "
                "files=True"
            )
        else:
            found = read_text(about["path"], 4 * LARGEST, f"the file {about['name']}")
        if found.sha256 != about["sha256"]:
            raise InputError(f"{about['name']} is not what the record was made with")
        return found

    def _ensemble(self, about: dict[str, Any]) -> Ensemble:
        source = about["source"]
        if not source:
            raise InputError("the ensemble was made by hand; a record cannot make it again")
        if source != SHIPPED and not self._files:
            raise InputError(f"the ensemble {source} is in the record by path and digest only; "
                             "allow to read it with files=True")  # fmt: skip
        whole = as_ensemble(source)
        found = None if whole is None else whole.numbered(about["draws"])
        if found is None or found.sha256 != about["sha256"]:
            raise InputError(f"the ensemble {source} is not what the record was made with")
        return found

    def _model(self, about: dict[str, Any]) -> Model:
        loaded = self.value(about["loaded"])
        if "file" in loaded:
            model = read_sbml(self._written(loaded["file"]))
        elif loaded:
            model = load(*loaded.pop("names"), **loaded)
        else:
            raise InputError(f"{about['id']} was made by hand; a record cannot make it again")
        relative, absolute = about["tolerances"]
        if about["accuracy"] is None:
            model = Model(model.definition, Tolerances(relative, absolute))
        else:
            model = Model(model.definition, accuracy=about["accuracy"])
        if model.definition.sha256 != about["sha256"]:
            raise InputError(f"{about['id']} is not the model that the record was made with")
        return model

    def _written(self, text: Text) -> Path:
        folder = Path(self._stack.enter_context(TemporaryDirectory()))
        path = folder / Path(text.name).name
        path.write_text(text.text, encoding="utf-8")
        return path

    _KINDS: Mapping[str, Callable[[_Reader, Any], Any]] = {
        "mapping": _mapping,
        "number": lambda _self, text: float(text),
        "array": _array,
        "frame": _frame,
        "regimen": _regimen,
        "regimens": _regimens,
        "hold rule": lambda _self, given: Rule(*given),
        "dose": _dose,
        "distribution": lambda _self, given: Distribution(*given),
        "measure": _measure,
        "own measure": _own_measure,
        "reduction": lambda _self, given: reduction_of(given),
        "tables": _tables,
        "text": _text,
        "ensemble": _ensemble,
        "model": _model,
    }
