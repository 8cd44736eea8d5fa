"""The observable table: what is measured, as formulas of the model, and how it scatters."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from p53net.errors import InputError, unknown_name
from p53net.model.expressions import Expressions, Node
from p53net.model.formula_text import parsed
from p53net.model.symbols import TIME
from p53net.petab.noise import DISTRIBUTIONS, TRANSFORMATIONS, Noise
from p53net.petab.tables import Row, by_id

_V2 = {
    "normal": Noise("lin", "normal"),
    "log-normal": Noise("log", "normal"),
    "laplace": Noise("lin", "laplace"),
    "log-laplace": Noise("log", "laplace"),
}
_KINDS = ("observable", "noise")


class Observable(NamedTuple):
    """One row."""

    id: str
    value: Node
    width: Node
    """Of the noise."""
    placeholders: Mapping[str, tuple[str, ...]]
    """Names in formulas for which each measurement has its own: in columns `observableParameters`
    and `noiseParameters`."""
    noise: Noise


def observables_of(
    rows: Sequence[Row], known: Expressions, names: Collection[str], version: int
) -> dict[str, Observable]:
    """All observables. `names` are the quantities of the model and the parameters of the problem.
    Raises InputError."""
    by_name = by_id(rows, "observableId")
    values = {name: _formula(row, "observableFormula", known) for name, row in by_name.items()}
    return {
        name: _observable(name, row, values, known, names, version) for name, row in by_name.items()
    }


def _observable(
    name: str,
    row: Row,
    values: Mapping[str, Node],
    known: Expressions,
    names: Collection[str],
    version: int,
) -> Observable:
    inner = {one: node for one, node in values.items() if one not in names}
    width = known.with_nodes(_formula(row, "noiseFormula", known), inner)
    value = values[name]
    used = known.symbols(value) | known.symbols(width)
    placeholders = {
        f"{kind}Parameters": _numbered(row, kind, used) if version == 1 else _listed(row, kind)
        for kind in _KINDS
    }
    own = {one for some in placeholders.values() for one in some}
    for symbol in sorted(used - {TIME} - own):
        if symbol not in names:
            raise InputError(f"{row}: {unknown_name('name', symbol, {*names, *own})}")
    return Observable(name, value, width, placeholders, _noise(row, version))


def _formula(row: Row, column: str, known: Expressions) -> Node:
    try:
        return parsed(row.needed(column), known)
    except InputError as error:
        where = "" if str(error).startswith(str(row)) else f"{row}: {column}: "
        raise InputError(f"{where}{error}") from None


def _numbered(row: Row, kind: str, used: Collection[str]) -> tuple[str, ...]:
    """Placeholders of format 1, such as `noiseParameter1_x`, in order."""
    form = re.compile(rf"{kind}Parameter([1-9]\d*)_{re.escape(row.needed('observableId'))}")
    found = {int(match[1]) for one in used if (match := form.fullmatch(one))}
    if found and max(found) != len(found):
        raise InputError(f"{row}: {kind}Parameter{len(found)} is not in the formula; number from 1")
    name = row.needed("observableId")
    return tuple(f"{kind}Parameter{i}_{name}" for i in sorted(found))


def _listed(row: Row, kind: str) -> tuple[str, ...]:
    """Placeholders of format 2, which the row names."""
    return tuple(row.several(f"{kind}Placeholders"))


def _noise(row: Row, version: int) -> Noise:
    if version == 2:
        return _V2[row.one_of("noiseDistribution", tuple(_V2), "normal")]
    return Noise(
        row.one_of("observableTransformation", TRANSFORMATIONS, "lin"),
        row.one_of("noiseDistribution", DISTRIBUTIONS, "normal"),
    )
