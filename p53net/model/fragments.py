"""Model text: fragments of Antimony joined into one flat model, and what each line says.

A fragment is plain Antimony, one statement a line, with two extensions. `name += terms` adds to a
sum to which several fragments contribute; joining writes each such sum as one rule. In fragments
that surround a cell, `drug` as a word of a name stands for the mechanism of a drug; joining writes
such a line once for each drug of the model.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from p53net.errors import ModelError, TableError, unknown_name
from p53net.model.systems import FOLLOWING, FRAME, LOOP, SHARED, System, templates
from p53net.model.tables import KINDS, MECHANISMS, Entry, Value, models_folder

if TYPE_CHECKING:
    import pint

INPUT_KINDS = ("input", "computed")
"""Parameters that belong to the run and not to the cell: set by the user, or by the start."""

_STARTS_AT = "start"  # said of a number that is where a variable starts

_PARAMETER = re.compile(r"^(?P<id>\w+) = (?P<value>[-+.\deE]+) (?P<unit>\w+)\s*// (?P<said>.+)$")
_ADDEND = re.compile(r"^(?P<id>\w+) \+= (?P<terms>.+)$")
_UNIT = re.compile(r"^unit (?P<id>\w+) = (?P<definition>.+)$")
_START = re.compile(r"^(?P<id>\w+) = (?P<parameter>[A-Za-z_]\w*)$")
_COMPUTED = re.compile(r"^untreated (?P<variable>\w+) of the same parameter set$")
_DRUG = re.compile(r"(?<![A-Za-z0-9])drug(?![A-Za-z0-9])")
_NAME_AND_POWER = r"[A-Za-zµμ%][\wµμ]*\ *((\*\*|\^)\ *-?[0-9])?"
_PLAIN_UNIT = re.compile(rf"(1|{_NAME_AND_POWER})(\ *[*/]\ *{_NAME_AND_POWER})*", re.VERBOSE)
"""Pint evaluates what it is given, so that a power of a power could run for ever."""
_STATEMENTS = re.compile(
    r"""(
      unit\ \w+\ =\ .+
    | (species\ \w+\ in|compartment)\ \w+
    | \w+\ =\ ([-+.\deE]+\ )?\w+
    | \w+\ :=\ .+
    | \w+'\ =\ .+
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
    """What starts at the value of a parameter, such as CRBN at CRBN_total."""
    computed: Mapping[str, str]
    """Parameters that hold the untreated value of a quantity."""


def fragment(name: str) -> str:
    """The text of one fragment of `models/`."""
    return (models_folder() / f"{name}.ant").read_text(encoding="utf-8")


def join(
    model_id: str,
    system: System,
    drugs: Sequence[Entry],
    cell_line: Entry,
    pharmacokinetics: Mapping[str, Entry],
    *,
    alone: bool = False,
) -> Text:
    """One flat model of a system with the modules of `drugs`, and the values of all rows.

    `pharmacokinetics` are those of each drug by name, in a body. `alone` takes the cell out of what
    surrounds it.
    """
    roles = {drug.facts["mechanism"]: drug.name for drug in drugs}
    routes = {
        role: pharmacokinetics[roles[role]].facts["route"]
        if roles[role] in pharmacokinetics
        else ""
        for role in MECHANISMS
        if role in roles
    }
    lines = fragment(FRAME).splitlines()
    if system.cell is not None:
        for name in (LOOP, *((SHARED, *routes) if routes else ()), *system.cell):
            lines += fragment(name).splitlines()
    for name, mechanisms in system.surroundings(routes, alone):
        lines += _for_each(mechanisms, fragment(name).splitlines())
    lines = _summed(_units_once(lines))
    _refuse_unknown_statements(lines)
    parameters = _parameters(lines)
    units = {match["id"]: match["definition"] for line in lines if (match := _UNIT.match(line))}
    rows = [(drug, _of_drug(drug)) for drug in drugs]
    rows += [
        (pharmacokinetics[name], _of_pharmacokinetics(pharmacokinetics[name], role))
        for role, name in roles.items()
        if name in pharmacokinetics
    ]
    for entry, own in (*rows, (cell_line, _of_cell_line())):
        for name, row in entry.values.items():
            if name not in own:
                raise TableError(f"{entry.name}: {unknown_name('parameter', name, own)}")
            if name not in parameters:
                continue  # a value for a module that this model does not have
            parameters[name] = _in_units(row, parameters[name].unit, units, f"{entry.name}, {name}")
    lines = [_written(line, parameters) for line in lines]
    lines += [line for drug in drugs if "inchikey" in drug.facts for line in _identity(drug, lines)]
    _refuse_duplicates(lines)
    return Text(
        antimony="\n".join([f"model *{model_id}()", *lines, "end", ""]),
        parameters=parameters,
        starts={
            match["id"]: match["parameter"]
            for line in lines
            if (match := _START.match(_code(line)))
        },
        computed={
            name: match["variable"]
            for name, row in parameters.items()
            if row.kind == "computed" and (match := _COMPUTED.match(row.source))
        },
    )


def _of_drug(drug: Entry) -> list[str]:
    """Parameters that rows of a drug may set: those of its module, and of its medium."""
    role = drug.facts["mechanism"]
    return _settable([*fragment(role).splitlines(), *_for_each([role], _templates("dish"))])


def _of_pharmacokinetics(entry: Entry, role: str) -> list[str]:
    for needed in (f"CL_{role}", f"V_central_{role}"):
        if needed not in entry.values:
            raise TableError(f"{entry.name}: the row {needed} is missing; add it to the table")
    return _settable(_for_each([role], _templates(*templates(entry.facts["route"]))))


def _of_cell_line() -> list[str]:
    names = (LOOP, SHARED, *MECHANISMS, "dish", *FOLLOWING)
    lines = (line for name in names for line in fragment(name).splitlines())
    return _settable(line for line in lines if not _DRUG.search(_code(line)))


def _templates(*names: str) -> list[str]:
    """Lines of fragments that hold for one drug."""
    lines = [line for name in names for line in fragment(name).splitlines()]
    return [line for line in lines if _DRUG.search(_code(line))]


def _settable(lines: Iterable[str]) -> list[str]:
    return [name for name, value in _parameters(lines).items() if value.kind not in INPUT_KINDS]


def _for_each(mechanisms: Sequence[str], lines: Iterable[str]) -> list[str]:
    """The lines, those about `drug` once for each mechanism."""
    written: list[str] = []
    for line in lines:
        code = _code(line)
        if not _DRUG.search(code):
            written.append(line)
            continue
        start = line.index(code)
        end = start + len(code)
        written += [line[:start] + _DRUG.sub(role, code) + line[end:] for role in mechanisms]
    return written


def _units_once(lines: Iterable[str]) -> list[str]:
    """The lines without units that an earlier fragment has declared in the same words."""
    seen: set[str] = set()
    kept: list[str] = []
    for line in lines:
        if not (_UNIT.match(line) and line in seen):
            kept.append(line)
        seen.add(line)
    return kept


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
        if (match := _PARAMETER.match(line)) and not match["said"].startswith(f"{_STARTS_AT}:"):
            kind, source = _kind(match["id"], match["said"].strip())
            number = float(match["value"])
            if not math.isfinite(number):
                raise ModelError(f"{match['id']}: {match['value']} is not a finite number")
            found[match["id"]] = Value(number, match["unit"], kind, source)
    return found


def value_of_line(line: str) -> Value:
    """The number of a parameter's line."""
    (found,) = _parameters([line]).values()
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
    if match is None or match["id"] not in parameters:
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
        if name in registry:  # hour, nM and L mean the same there
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


def _identity(drug: Entry, lines: Iterable[str]) -> list[str]:
    """Annotation of the drug's own species with its structure."""
    role = drug.facts["mechanism"]
    key = drug.facts["inchikey"]
    if not re.fullmatch(r"[A-Z]{14}-[A-Z]{10}-[A-Z]", key):
        raise TableError(f"{drug.name}: '{key}' is not an InChIKey; correct the row or drop it")
    own = re.compile(rf"^species (?P<id>{role}(_\w+)?) in \w+")
    species = [match["id"] for line in lines if (match := own.match(line))]
    return [f'{name} identity "https://identifiers.org/inchikey:{key}"' for name in species]


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
