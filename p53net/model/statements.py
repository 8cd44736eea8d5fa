"""What a line of a fragment may say, and what stands in it.

Only known forms pass: Antimony reads 0x10 as 0, and drops half of what it does not expect.
"""

import math
import re
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from p53net.errors import ModelError
from p53net.model.library import code_of
from p53net.model.tables import DRAWN, KINDS, Value

INPUT_KINDS = ("input", "computed")
"""Parameters that belong to the run and not to the cell: set by the user, or by the start."""

FUNCTIONS = ("exp", "ln")
"""What formulas may call: every engine knows these."""

BASE_UNITS = frozenset(
    "ampere becquerel candela coulomb dimensionless farad gram gray henry hertz item joule katal "
    "kelvin kilogram litre lumen lux metre mole newton ohm pascal radian second siemens sievert "
    "steradian tesla volt watt weber".split()
)
"""Units of SBML, which need no definition."""

RESERVED = frozenset(
    "abs acos acot acsc after and arccos arccosh arccot arccsc arcsec arcsin arcsinh arctan "
    "arctanh asec asin at atan avogadro bernoulli binomial cauchy ceil ceiling chisquare const "
    "constraint cos cosh cot coth created csc csch default_compartment delay delete delta dose "
    "drug e end event exp exponential exponentiale exposure ext factorial false floor formula "
    "function gamma gcd gene has hill host if implies import in inf infinity is laplace lambda ln "
    "log log10 lognormal max maximize min minimize model module nan normal not notanumber operator "
    "or pi piecewise point poisson pow quotient rateof rayleigh reaction reason rem root sec sech "
    "sin sinh species sqr sqrt status substanceonly system tan tanh time true truncatednormal "
    "uniform unit var xor".split()
)
"""Words of Antimony, of its formulas and of the package's tables, in lower case."""

DEEPEST = 20
"""Parentheses in one another."""

_STARTS_AT = "start"  # said of a number that is where a variable starts

_PARAMETER = re.compile(r"^(?P<id>\w+) = (?P<value>[-+.\deE]+) (?P<unit>\w+)\s*// (?P<said>.+)$")
_SAW = re.compile(r"\s*\{saw: (?P<saw>[^{}]*)\}$")  # published numbers that the choice of it saw
_ADDEND = re.compile(r"^(?P<id>\w+) \+= (?P<terms>.+)$")
_UNIT = re.compile(r"^unit (?P<id>\w+) = (?P<definition>.+)$")
_START = re.compile(r"^(?P<id>\w+) = (?P<parameter>[A-Za-z_]\w*)$")
_COMPUTED = re.compile(r"^untreated (?P<variable>\w+) of the same parameter set$")
_FORMULA = r"[\w\s.+\-*/^()]+"
_SIDE = r"[\w\s+]*"
_URIS = r'"[^"\s]+"(,\ "[^"\s]+")*'
_STATEMENTS = re.compile(
    rf"""(
      unit\ \w+\ =\ {_FORMULA}
    | (species\ \w+\ in|compartment)\ \w+
    | \w+\ =\ ([-+.\deE]+\ )?\w+
    | \w+\ [:+]=\ {_FORMULA}
    | \w+'\ =\ {_FORMULA}
    | \w+\ has\ \w+
    | \w+:\ {_SIDE}[=-]>{_SIDE};\ {_FORMULA}
    | \w+\.sboTerm\ =\ \d+\s*;\ \w+\ \w+\ {_URIS}
    | \w+\ \w+\ {_URIS}
    )""",
    re.VERBOSE | re.ASCII,
)
_DEFINITIONS = {
    "unit": re.compile(r"unit (\w+) = "),
    "species": re.compile(r"species (\w+) in "),
    "compartment": re.compile(r"compartment (\w+)$"),
    "parameter": re.compile(r"(\w+) = [-+.\d]"),
    "start": re.compile(r"(\w+) = [A-Za-z_]"),
    "quantity": re.compile(r"(\w+) := "),
    "reaction": re.compile(r"(\w+): "),
}
_VALUES = ("parameter", "start", "quantity", "reaction")
"""Kinds of definitions of which an id has one at most."""
_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_]\w*)(?P<call>\s*\()?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?!\w)"
    r"|[-+*/^()])",
    re.ASCII,
)


Key: TypeAlias = tuple[str, str]
"""A space of names, `unit` or `id`, and a name in lower case."""


class Defined(NamedTuple):
    """What a line defines, and where."""

    kind: str
    name: str
    where: str
    code: str

    @property
    def key(self) -> Key:
        """Two definitions of one key are in each other's way."""
        return "unit" if self.kind == "unit" else "id", self.name.casefold()


def parameters_of(lines: Iterable[str]) -> dict[str, Value]:
    """Parameters that the lines define, with unit, kind and source. Raises ModelError."""
    found: dict[str, Value] = {}
    for line in lines:
        if (match := _PARAMETER.match(line)) and not match["said"].startswith(f"{_STARTS_AT}:"):
            said = match["said"].strip()
            saw = _SAW.search(said)
            kind, source = _kind(match["id"], said[: saw.start()] if saw else said)
            number = float(match["value"])
            if not math.isfinite(number):
                raise ModelError(f"{match['id']}: {match['value']} is not a finite number")
            found[match["id"]] = Value(
                number, match["unit"], kind, source, saw["saw"].strip() if saw else ""
            )
    return found


def value_of_line(line: str) -> Value:
    """The number of a parameter's line."""
    (found,) = parameters_of([line]).values()
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


def with_value(line: str, value: Value) -> str:
    """A parameter's line with another number, and where that one comes from."""
    name, _, _ = line.partition(" = ")
    # A drawn number is kept to the last bit, so that its draw runs as it does in an ensemble.
    number = repr(value.value) if value.kind == DRAWN else f"{value.value:.12g}"
    assignment = f"{name} = {number} {value.unit}"
    said = value.source if value.kind == "measured" else f"{value.kind}: {value.source}"
    return f"{assignment:<40}// {said}"


def addend(line: str) -> tuple[str, str] | None:
    """Name and terms of a line that adds to a sum."""
    match = _ADDEND.match(code_of(line))
    return None if match is None else (match["id"], match["terms"].strip())


def unit_defined(line: str) -> tuple[str, str] | None:
    """Name and definition of a line that defines a unit."""
    match = _UNIT.match(code_of(line))
    return None if match is None else (match["id"], match["definition"].strip())


def start_of(line: str) -> tuple[str, str] | None:
    """A variable that starts at the value of a parameter, and that parameter."""
    match = _START.match(code_of(line))
    return None if match is None else (match["id"], match["parameter"])


def computed_from(value: Value) -> str | None:
    """Of a computed parameter: the variable whose untreated value it holds."""
    match = _COMPUTED.match(value.source) if value.kind == "computed" else None
    return None if match is None else match["variable"]


def definition(line: str) -> tuple[str, str] | None:
    """What a line defines: its kind and its id. A `start` is that of a species or a compartment."""
    code = code_of(line)
    for kind, form in _DEFINITIONS.items():
        if match := form.match(code):
            return kind, match[1]
    return None


def rate_of(line: str) -> str | None:
    """The variable whose rate a line gives."""
    match = re.match(r"(\w+)' = ", code_of(line))
    return None if match is None else match[1]


def subjects(line: str) -> list[str]:
    """Ids that a line gives a unit or an annotation; `model` is one of them."""
    code = code_of(line)
    if definition(line) or rate_of(line) or addend(line):
        return []
    if match := re.match(r"(\w+)\.sboTerm = \d+\s*; (\w+) ", code):
        return [match[1], match[2]]
    match = re.match(r"(\w+) ", code)
    return [match[1]] if match else []


def unit_of_line(line: str) -> str | None:
    """The unit that a line names: of a parameter, or after `has`."""
    match = re.match(r"\w+ (?:= [-+.\deE]+|has) (\w+)$", code_of(line))
    return None if match is None else match[1]


def symbols(line: str) -> list[str]:
    """Names in the formula, and in the equation, of a line: of a rule, a rate or a reaction.

    Raises ModelError for what no engine knows.
    """
    code = code_of(line)
    if unit_defined(line) or not re.match(r"\w+(:| [:+]=|' =)", code):
        return []
    left, _, right = re.sub(r"^\w+(:|'? [:+]?=)", "", code).rpartition(";")
    equation = [name for name in re.findall(r"[A-Za-z_]\w*", left)]
    depth, deepest = 0, 0
    for letter in right:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        deepest = max(deepest, depth)
    if depth or deepest > DEEPEST or "**" in right:
        raise ModelError(
            f"`{right.strip()[:60]}` is no formula: as many ( as ), at most {DEEPEST} in one "
            "another, and ^ for powers"
        )
    place, found = 0, list[str]()
    while right[place:].strip():
        match = _TOKEN.match(right, place)
        if match is None:
            raise ModelError(
                f"`{right.strip()}` is no formula from '{right[place:].strip()[:20]}' on; write "
                "names, plain numbers and + - * / ^ ( )"
            )
        if match["call"] and match["name"] not in FUNCTIONS:
            raise ModelError(
                f"`{match['name']}(...)` is no function that a formula may call; "
                f"use {', '.join(FUNCTIONS)} and + - * / ^"
            )
        if match["name"] and not match["call"]:
            found.append(match["name"])
        place = match.end()
    return [*equation, *found]


def defined(line: str, where: str = "", *, sums: bool = True) -> list[Defined]:
    """What a line defines. With `sums`, one that adds to a quantity, or gives it a unit, does."""
    found = definition(line)
    if found is None and sums and (sum_ := addend(line)) is not None:
        found = "quantity", sum_[0]
    if found is None and sums and (match := re.match(r"(\w+) has ", code_of(line))):
        found = "quantity", match[1]
    if found is None and (rate := rate_of(line)) is not None:
        found = "rate", rate
    if found is not None and found[0] == "parameter" and not parameters_of([line]):
        found = "start", found[1]
    return [] if found is None else [Defined(*found, where, code_of(line))]


def needs(line: str) -> list[str]:
    """What a line needs to be defined elsewhere."""
    names = symbols(line)
    if match := re.match(r"species \w+ in (\w+)", code_of(line)):
        names.append(match[1])
    if (sum_ := addend(line)) is not None:
        names.append(sum_[0])
    if (start := start_of(line)) is not None:
        names.append(start[1])
    names += [of for row in parameters_of([line]).values() if (of := computed_from(row))]
    return names


def refuse_unknown(lines: Iterable[str]) -> None:
    """Raise ModelError for a line that is none of the known forms."""
    for line in lines:
        code = code_of(line)
        if code and not _STATEMENTS.fullmatch(code):
            raise ModelError(
                f"`{code}` is not a statement that a fragment may hold; "
                "see the ones in models/core.ant"
            )


def refuse_duplicates(lines: Iterable[str]) -> None:
    """Antimony lets a second definition replace the first in silence; here it is an error."""
    seen: dict[tuple[str, str], str] = {}
    for line in lines:
        found = definition(line)
        if found is None:
            continue
        kind, name = found
        key = "value" if kind in _VALUES else kind, name.casefold()
        if key in seen:
            raise ModelError(
                f"'{name}' is defined twice: `{seen[key]}` and `{code_of(line)}`; keep one "
                "(ids that differ only by case count as the same)"
            )
        seen[key] = code_of(line)
