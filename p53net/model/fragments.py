"""Model text: fragments of Antimony joined into one flat model, and the values of all tables in it.

A fragment is plain Antimony, one statement a line, with three extensions. `name += terms` adds to a
sum to which several fragments contribute; joining writes each such sum as one rule. `drug` as a
word of a name stands for the mechanism of a drug; joining writes such a line once for each drug of
the model. In a fragment of one structure, `replace` before a line puts it where the line with the
same id stands.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from p53net.errors import ModelError, TableError, unknown_name
from p53net.model import strangers
from p53net.model.library import (
    Library,
    Part,
    Place,
    code_of,
    for_each,
    is_template,
    read_outs,
)
from p53net.model.own import Text
from p53net.model.replacing import with_replaced
from p53net.model.statements import (
    INPUT_KINDS,
    addend,
    computed_from,
    definition,
    parameters_of,
    refuse_duplicates,
    refuse_unknown,
    start_of,
    unit_defined,
    unit_of_line,
    with_value,
)
from p53net.model.tables import Entry, Value, refit_of

if TYPE_CHECKING:
    import pint

_NAME_AND_POWER = r"[A-Za-zµμ%][\wµμ]*\ *((\*\*|\^)\ *-?[0-9])?"
_PLAIN_UNIT = re.compile(rf"(1|{_NAME_AND_POWER})(\ *[*/]\ *{_NAME_AND_POWER})*", re.VERBOSE)
"""Pint evaluates what it is given, so that a power of a power could run for ever."""


@dataclass(frozen=True)
class Joined:
    """A joined model: its Antimony, and the parameters with unit, source and kind."""

    antimony: str
    parameters: Mapping[str, Value]
    starts: Mapping[str, str]
    """What starts at the value of a parameter, such as CRBN at CRBN_total."""
    computed: Mapping[str, str]
    """Parameters that hold the untreated value of a quantity."""
    dosed: Mapping[str, str]
    """Mechanism to the species that doses of its drug go into."""
    read_outs: Mapping[str, str]
    """What is shown first, in order, and what it is."""
    sources: tuple[Text, ...]
    """The fragments in it that came from outside the package."""
    places: Mapping[str, Place]
    """Where such a fragment defines an id."""
    touched: Mapping[str, Place]
    """The same, and where it adds to a quantity of the package."""

    def with_place(self, error: ModelError) -> ModelError:
        """An error of Antimony, which counts the lines of the whole text, with the file and line of
        the fragment that is meant."""
        match = re.search(r"line (\d+)", str(error))
        lines = self.antimony.splitlines()
        if match is None or not 0 < int(match[1]) <= len(lines):
            return error
        found = definition(lines[int(match[1]) - 1])
        place = self.touched.get(found[1]) if found else None
        said = re.sub(r"Error in model string, line \d+:\s*", "", str(error))
        return error if place is None else ModelError(f"{place.line}: {said}")


def join(
    model_id: str,
    library: Library,
    system: str,
    drugs: Sequence[Entry],
    cell_line: Entry,
    pharmacokinetics: Mapping[str, Entry],
    *,
    alone: bool = False,
    drawn: Mapping[str, Value] | None = None,
) -> Joined:
    """One flat model of a system with the modules of `drugs`, and the values of all rows.

    `pharmacokinetics` are those of each drug by name, in a body; `drawn` are values that win over
    all others. `alone` takes the cell out of what
    surrounds it. Raises ModelError, TableError.
    """
    roles = {drug.facts["mechanism"]: drug for drug in drugs}
    bodies = {role: pharmacokinetics.get(drug.name) for role, drug in roles.items()}
    routes = {
        role: body.facts["route"] if (body := bodies[role]) else ""
        for role in library.mechanisms
        if role in roles
    }
    parts = list(library.parts(system, routes, alone=alone))
    lines = _summed(_units_once(with_replaced(parts)))
    refuse_unknown(lines)
    refuse_duplicates(lines)
    strangers.refuse_unknown_names(parts, library, system)
    parameters = parameters_of(lines)
    for name, value in refit_of("model", library.structure).items():
        if name in parameters:
            parameters[name] = value
    units = dict(found for line in lines if (found := unit_defined(line)))
    rows = [(drug, _of_drug(library, role)) for role, drug in roles.items()]
    rows += [(body, _of_plasma(library, role, body)) for role, body in bodies.items() if body]
    for entry, names in (*rows, (cell_line, _of_cell_line(library))):
        for name, row in entry.values.items():
            if name not in names:
                raise TableError(f"{entry.name}: {unknown_name('parameter', name, names)}")
            if name not in parameters:
                continue  # a value for a module that this model does not have
            if parameters[name].kind in INPUT_KINDS:
                raise TableError(
                    f"{entry.name}: {name} is worked out in this structure, so that a row would do "
                    "nothing; see docs/structures.md for what gives it, or choose another structure"
                )
            parameters[name] = _in_units(row, parameters[name].unit, units, f"{entry.name}, {name}")
    parameters |= {name: value for name, value in (drawn or {}).items() if name in parameters}
    lines = [_written(line, parameters) for line in lines]
    lines += [line for drug in drugs if "inchikey" in drug.facts for line in _identity(drug, lines)]
    return Joined(
        antimony="\n".join([f"model *{model_id}()", *lines, "end", ""]),
        parameters=parameters,
        starts=dict(found for line in lines if (found := start_of(line))),
        computed={name: of for name, row in parameters.items() if (of := computed_from(row))},
        dosed={
            role: for_each([role], part.fragment.dose)[0]
            for part in parts
            for role in part.mechanisms
            if part.fragment.dose
        },
        read_outs={**read_outs(parts), **strangers.read_outs(parts)},
        sources=strangers.sources(parts),
        places=strangers.places(parts),
        touched=strangers.places(parts, sums=True),
    )


def all_read_outs(library: Library) -> list[tuple[str, str, str]]:
    """Name, unit and meaning of every read-out that a model may have, in the order of display."""
    parts = [Part(one, library.mechanisms) for one in library.chosen]
    lines = [line for part in parts for line in part.lines]
    named = {code_of(line).split()[0]: unit for line in lines if (unit := unit_of_line(line))}
    shown = {**read_outs(parts), **strangers.read_outs(parts)}
    return [(name, named.get(name, "nM"), meaning) for name, meaning in shown.items()]


def _of_drug(library: Library, role: str) -> list[str]:
    """Parameters that rows of a drug may set: those of its mechanism, and of its medium."""
    return _settable(
        text
        for part in library.parts_of_drug(role)
        for line in part.fragment.lines
        if part.fragment.mechanism or is_template(code_of(line))
        for text in for_each(part.mechanisms, line)
    )


def _of_plasma(library: Library, role: str, body: Entry) -> list[str]:
    for needed in (f"CL_{role}", f"V_central_{role}"):
        if needed not in body.values:
            raise TableError(f"{body.name}: the row {needed} is missing; add it to the table")
    return _settable(
        text
        for part in library.parts_of_plasma(role, body.facts["route"])
        for line in part.fragment.lines
        if is_template(code_of(line))
        for text in for_each(part.mechanisms, line)
    )


def _of_cell_line(library: Library) -> list[str]:
    return _settable(line for part in library.parts_of_line() for line in part.lines)


def _settable(lines: Iterable[str]) -> list[str]:
    return [name for name, value in parameters_of(lines).items() if value.kind not in INPUT_KINDS]


def _units_once(lines: Iterable[str]) -> list[str]:
    """The lines without units that an earlier fragment has declared in the same words."""
    seen: set[tuple[str, str]] = set()
    kept: list[str] = []
    for line in lines:
        found = unit_defined(line)
        if found is None or found not in seen:
            kept.append(line)
        if found is not None:
            seen.add(found)
    return kept


def _summed(lines: Iterable[str]) -> list[str]:
    """The lines with every `name += terms` gathered into one rule, or taken out where none adds.

    Terms that are added to what has a rule go to the end of that rule.
    """
    addends: dict[str, list[str]] = {}
    kept: list[str] = []
    for line in lines:
        if (found := addend(line)) is not None:
            addends.setdefault(found[0], []).append(found[1])
        else:
            kept.append(line)
    for number, line in enumerate(kept):
        rule = re.match(r"(\w+) := ", line)
        if rule and rule[1] in addends:
            kept[number] = " + ".join([code_of(line), *addends.pop(rule[1])])
    return kept + [f"{name} := {' + '.join(terms)}" for name, terms in addends.items()]


def _written(line: str, parameters: Mapping[str, Value]) -> str:
    name = next(iter(parameters_of([line])), None)
    return line if name is None else with_value(line, parameters[name])


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
    for name, formula in definitions.items():
        if name in ("substance", "extent", "volume", "time_unit", "length", "area"):
            continue
        if name in registry:  # hour, nM and L mean the same there
            continue
        registry.define(f"{name} = {_pint_definition(formula)}")
    return registry


def _pint_definition(definition: str) -> str:
    """Antimony's `1 / 3600 second` is one over 3600 seconds; its power takes the number along."""
    found = re.sub(r"([\d.e+-]+) (\w+)\^(\d)", r"(\1 * \2)**\3", definition.strip())
    found = re.sub(r"([\d.]+(?:e[+-]?\d+)?) ([A-Za-z]\w*)", r"(\1 * \2)", found)
    return found


def _identity(drug: Entry, lines: Iterable[str]) -> list[str]:
    """Annotation of the drug's own species with its structure."""
    role = drug.facts["mechanism"]
    key = drug.facts["inchikey"]
    if not re.fullmatch(r"[A-Z]{14}-[A-Z]{10}-[A-Z]", key):
        raise TableError(f"{drug.name}: '{key}' is not an InChIKey; correct the row or drop it")
    own = re.compile(rf"^species (?P<id>{role}(_\w+)?) in \w+")
    species = [match["id"] for line in lines if (match := own.match(line))]
    return [f'{name} identity "https://identifiers.org/inchikey:{key}"' for name in species]
