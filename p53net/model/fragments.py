"""Model text: fragments of Antimony joined into one flat model, and what each line says.

A fragment is plain Antimony, one statement a line, with one extension: `name += terms` adds to a
sum to which several fragments contribute. Joining writes each such sum as one rule.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from p53net.errors import ModelError, TableError, unknown_name
from p53net.model.tables import KINDS, MECHANISMS, Entry, Value, models_folder

if TYPE_CHECKING:
    import pint

CORE, SHARED = "core", "drug"
INPUT_KINDS = ("input", "computed")
"""Parameters that belong to the run and not to the cell: set by the user, or by the start."""

_PARAMETER = re.compile(r"^(?P<id>\w+) = (?P<value>[-+.\deE]+) (?P<unit>\w+)\s*// (?P<said>.+)$")
_ADDEND = re.compile(r"^(?P<id>\w+) \+= (?P<terms>.+)$")
_UNIT = re.compile(r"^unit (?P<id>\w+) = (?P<definition>.+)$")
_START = re.compile(r"^(?P<id>\w+) = (?P<parameter>[A-Za-z_]\w*)$")
_NAME_AND_POWER = r"[A-Za-zµμ%][\wµμ]*\ *((\*\*|\^)\ *-?[0-9])?"
_PLAIN_UNIT = re.compile(rf"(1|{_NAME_AND_POWER})(\ *[*/]\ *{_NAME_AND_POWER})*", re.VERBOSE)
"""Pint evaluates what it is given, so that a power of a power could run for ever."""
_STATEMENTS = re.compile(
    r"""(
      unit\ \w+\ =\ .+
    | (species\ \w+\ in|compartment)\ \w+
    | \w+\ =\ ([-+.\deE]+\ )?\w+
    | \w+\ :=\ .+
    | \w+\ has\ \w+
    | \w+:\ .*[=-]>.*;\ .+
    | \w+\.sboTerm\ =\ \d+\s*;\ \w+\ \w+\ "\S+"(,\ "\S+")*
    | (model|\w+)\ \w+\ "\S+"
    )""",
    re.VERBOSE,
)
_DEFINITION = re.compile(r"^(?:species |compartment |unit )?(?P<id>\w+)(?: in \w+| =| :=|: )")


@dataclass(frozen=True)
class Text:
    """A joined model: its Antimony, and the parameters with unit, source and kind."""

    antimony: str
    parameters: Mapping[str, Value]
    starts: Mapping[str, str]
    """Species that start at the value of a parameter, such as CRBN at CRBN_total."""


def fragment(name: str) -> str:
    """The text of one fragment of `models/`."""
    return (models_folder() / f"{name}.ant").read_text(encoding="utf-8")


def join(model_id: str, drugs: Sequence[Entry], cell_line: Entry) -> Text:
    """One flat model of the loop, the modules of `drugs` and the values of their rows."""
    mechanisms = [drug.facts["mechanism"] for drug in drugs]
    modules = [name for name in MECHANISMS if name in mechanisms]
    lines = [
        line
        for name in (CORE, *([SHARED] if modules else []), *modules)
        for line in fragment(name).splitlines()
    ]
    lines = _summed(lines)
    _refuse_unknown_statements(lines)
    parameters = _parameters(lines)
    units = {match["id"]: match["definition"] for line in lines if (match := _UNIT.match(line))}
    for entry in (*drugs, cell_line):
        own = _settable(entry)
        for name, row in entry.values.items():
            if name not in own:
                raise TableError(f"{entry.name}: {unknown_name('parameter', name, own)}")
            if name not in parameters:
                continue  # a cell line's value for a module that this model does not have
            parameters[name] = _in_units(row, parameters[name].unit, units, f"{entry.name}, {name}")
    lines = [_written(line, parameters) for line in lines]
    lines += [_identity(drug) for drug in drugs if "inchikey" in drug.facts]
    _refuse_duplicates(lines)
    return Text(
        antimony="\n".join([f"model *{model_id}()", *lines, "end", ""]),
        parameters=parameters,
        starts={
            match["id"]: match["parameter"]
            for line in lines
            if (match := _START.match(_code(line)))
        },
    )


def _settable(entry: Entry) -> list[str]:
    """What the rows of an entry may set: a drug its own module, a cell line any parameter."""
    mechanism = entry.facts.get("mechanism")
    parts = (CORE, SHARED, *MECHANISMS) if mechanism is None else (mechanism,)
    found = _parameters(line for part in parts for line in fragment(part).splitlines())
    return [name for name, value in found.items() if value.kind not in INPUT_KINDS]


def _summed(lines: Iterable[str]) -> list[str]:
    """The lines with every `name += terms` gathered into one rule, or taken out where none adds."""
    addends: dict[str, list[str]] = {}
    kept: list[str] = []
    for line in lines:
        if match := _ADDEND.match(line):
            addends.setdefault(match["id"], []).append(match["terms"].strip())
        else:
            kept.append(line)
    return kept + [f"{name} := {' + '.join(terms)}" for name, terms in addends.items()]


def _parameters(lines: Iterable[str]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for line in lines:
        if match := _PARAMETER.match(line):
            kind, source = _kind(match["id"], match["said"].strip())
            number = float(match["value"])
            if not math.isfinite(number):
                raise ModelError(f"{match['id']}: {match['value']} is not a finite number")
            found[match["id"]] = Value(number, match["unit"], kind, source)
    return found


def _kind(name: str, said: str) -> tuple[str, str]:
    word, _, rest = said.partition(":")
    if word in (*KINDS, *INPUT_KINDS) and rest.strip():
        return word, rest.strip()
    if re.search(r"\[[^\]]+\]$", said):
        return "measured", said
    raise ModelError(
        f"{name}: '{said}' names no source; end it with [source], or begin it with "
        f"{', '.join(f'`{kind}:`' for kind in (*KINDS[1:], *INPUT_KINDS))}"
    )


def _written(line: str, parameters: Mapping[str, Value]) -> str:
    match = _PARAMETER.match(line)
    if match is None:
        return line
    value = parameters[match["id"]]
    assignment = f"{match['id']} = {value.value:.12g} {value.unit}"
    said = value.source if value.kind == "measured" else f"{value.kind}: {value.source}"
    return f"{assignment:<40}// {said}"


def _in_units(row: Value, unit: str, units: Mapping[str, str], where: str) -> Value:
    """The row's value in the unit of the model: 1 uM becomes 1000 nM."""
    if row.unit == unit:
        return row
    if len(row.unit) > 60 or not _PLAIN_UNIT.fullmatch(re.sub(r"[()]", "", row.unit)):
        raise TableError(f"{where}: '{row.unit[:40]}' is not a unit; write one like {unit} or 1/h")
    registry = unit_registry(units)
    try:
        value = float(registry.Quantity(row.value, row.unit).to(unit).magnitude)
    except Exception as error:  # pint raises many kinds, and tokenize errors of its own
        raise TableError(
            f"{where}: unit '{row.unit}' cannot be turned into {unit}: {error}"
        ) from None
    return replace(row, value=float(f"{value:.12g}"), unit=unit)


def unit_registry(definitions: Mapping[str, str]) -> "pint.UnitRegistry[float]":
    """Pint's registry with the units of the model text, so that per_hour and nM mean the same."""
    import pint  # a quarter of the package's import time, and needed only for foreign units

    registry: pint.UnitRegistry[float] = pint.UnitRegistry()
    for name, definition in definitions.items():
        if name in ("substance", "extent", "volume", "time_unit", "length", "area"):
            continue
        registry.define(f"{name} = {_pint_definition(definition)}")
    return registry


def _pint_definition(definition: str) -> str:
    """Antimony's `1 / 3600 second` is one over 3600 seconds; its power takes the number along."""
    found = re.sub(r"([\d.e+-]+) (\w+)\^(\d)", r"(\1 * \2)**\3", definition.strip())
    found = re.sub(r"([\d.]+(?:e[+-]?\d+)?) ([A-Za-z]\w*)", r"(\1 * \2)", found)
    return found


def _code(line: str) -> str:
    """The statement of a line, without its comment; a resource's address keeps its slashes."""
    return re.split(r"(?<!:)//", line)[0].strip()


def _identity(drug: Entry) -> str:
    role = drug.facts["mechanism"]
    key = drug.facts["inchikey"]
    if not re.fullmatch(r"[A-Z]{14}-[A-Z]{10}-[A-Z]", key):
        raise TableError(f"{drug.name}: '{key}' is not an InChIKey")
    resource = f"https://identifiers.org/inchikey:{key}"
    return f'{role} identity "{resource}"\n{role}_medium identity "{resource}"'


def _refuse_unknown_statements(lines: Iterable[str]) -> None:
    """Antimony reads 0x10 as 0 and drops half of what it does not expect; only known forms pass."""
    for line in lines:
        code = _code(line)
        if code and not _STATEMENTS.fullmatch(code):
            raise ModelError(
                f"`{code}` is not a statement that a fragment may hold; "
                "see the ones in models/core.ant"
            )


def _refuse_duplicates(lines: Iterable[str]) -> None:
    """Antimony lets a second definition replace the first in silence; here it is an error."""
    seen: dict[tuple[str, str], str] = {}
    for line in lines:
        code = _code(line)
        match = _DEFINITION.match(code)
        if match is None:
            continue
        what = code.split()[0] if code.split()[0] in ("species", "compartment", "unit") else "value"
        if (what, match["id"].casefold()) in seen:
            raise ModelError(
                f"'{match['id']}' is defined twice: `{seen[what, match['id'].casefold()]}` and "
                f"`{code}`; keep one (ids that differ only by case count as the same)"
            )
        seen[what, match["id"].casefold()] = code
