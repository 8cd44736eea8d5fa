"""Fragments of a user's own, from outside the package: read with suspicion, checked line by line.

They may add to a model: species, parameters, quantities, reactions, and terms of quantities. They
cannot change what the package's fragments define. Every error names the file and the line.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

from p53net.errors import InputError, ModelError, unknown_name
from p53net.model.headers import Fragment, described
from p53net.model.library import Library, Part, Place, code_of, in_order
from p53net.model.own import FragmentsLike, Text, as_fragments
from p53net.model.statements import (
    BASE_UNITS,
    RESERVED,
    Defined,
    Key,
    addend,
    computed_from,
    defined,
    definition,
    needs,
    parameters_of,
    rate_of,
    refuse_unknown,
    start_of,
    subjects,
    symbols,
    unit_defined,
    unit_of_line,
)
from p53net.model.tables import ODD

_UNIT_FACTOR = re.compile(r"\d+(\.\d*)?(e[+-]?\d+)?( [A-Za-z]\w*(\^-?\d)?)?|[A-Za-z]\w*(\^-?\d)?")
_LONGEST = 1000  # characters of a statement
_NEEDED = ("{}", "k_perm_{}", "{}_in_cell")
"""What medium, plasma and measures want of a mechanism."""
_PAIRS = ({"compartment", "parameter"}, {"species", "start"}, {"rate", "start"})
"""Kinds of two lines that may define one id together."""


class Line(NamedTuple):
    """A line of a user's fragment, as it is joined."""

    text: str
    where: str
    """File and number of the line."""


def with_own(library: Library, given: FragmentsLike) -> Library:
    """The library with a user's fragments in it. Raises InputError for what cannot be read,
    ModelError for what is no sound fragment."""
    fragments = [_read(text) for text in as_fragments(given)]
    if not fragments:
        return library
    names = {one.name for one in (*library.fragments, *fragments)}
    for one in fragments:
        _check_header(one, names)
    whole = replace(in_order((*library.fragments, *fragments)), structure=library.structure)
    for one in fragments:
        for number, text in enumerate(one.lines, start=1):
            with _at(line := Line(text, _place(one, number))):
                _check_line(line, one)
    theirs: dict[Key, Defined] = {}
    for one in library.chosen:
        for text in Part(one, whole.mechanisms).lines:
            for found in defined(text, one.where):
                theirs.setdefault(found.key, found)
    lines = list(_lines(Part(one, whole.mechanisms) for one in fragments))
    mine: dict[Key, list[Defined]] = {}
    for line in lines:
        with _at(line):
            _check_ids(line, theirs, mine)
    for line in lines:
        with _at(line):
            _check_subjects(line, theirs, mine)
    for mechanism in set(whole.mechanisms) - set(library.mechanisms):
        file = next(one.where for one in fragments if one.mechanism == mechanism)
        needed = [form.format(mechanism) for form in _NEEDED]
        if missing := [name for name in needed if ("id", name.casefold()) not in mine]:
            raise ModelError(
                f"{file}: a drug of the mechanism {mechanism} needs {', '.join(missing)}; define "
                "that as models/inhibitor.ant does"
            )
    return whole


def refuse_other_systems(library: Library, system: str) -> None:
    """Raise InputError where a user's fragment is not for this system."""
    for one in library.fragments:
        if one.own and system not in one.systems:
            raise InputError(
                f"{one.where} is for {', '.join(one.systems)}, and this is the system {system}; "
                "leave it out, or change `// for:` in its header"
            )


def refuse_unknown_names(parts: Sequence[Part], library: Library, system: str) -> None:
    """Raise ModelError where a user's fragment uses what this model does not have, of which
    Antimony would make a parameter."""
    own = list(_lines(parts))
    if not own:
        return
    theirs = [line for part in parts if not part.fragment.own for line in part.lines]
    here = [found for line in theirs for found in defined(line)]
    here += [found for line in own for found in defined(line.text, sums=False)]
    known = {found.name for found in here if found.kind not in ("unit", "reaction")}
    units = {found.name for found in here if found.kind == "unit"} | BASE_UNITS
    for line in own:
        unit = unit_of_line(line.text)
        if unit is not None and unit not in units:
            raise ModelError(
                f"{line.where}: {_unknown('unit', unit, units)}, or define it as models/units.ant "
                "does"
            )
        for name in needs(line.text):
            if name not in known:
                raise ModelError(f"{line.where}: {_missing(name, known, library, system)}")


def _missing(name: str, ids: Iterable[str], library: Library, system: str) -> str:
    """What to say of a name that nothing in a model defines."""
    if name == "time":
        return "a formula cannot know the time; what changes in time is a dose, or a species"
    for one in library.chosen:
        names = [found.name for line in Part(one, library.mechanisms).lines
                 for found in defined(line) if found.kind not in ("unit", "reaction")]  # fmt: skip
        if name in names:
            of = {
                "drug": f"of drugs of the mechanism {one.mechanism}"
                if one.mechanism
                else "of drugs",
                "around": "around the cell, not in it",
            }.get(one.place, f"for {', '.join(one.systems)}")
            return (
                f"'{name}' is not in this model of the system {system}: {one.where} is {of}; say "
                "so in the header too, or do without"
            )
    return _unknown("name", name, ids)


def read_outs(parts: Iterable[Part]) -> dict[str, str]:
    """What users' fragments bring, and what it is: as a `// read-out` line says, as the comment of
    its own line says, or as the fragment says where it brings nothing else."""
    found: dict[str, str] = {}
    for part in parts:
        if part.fragment.own:
            said = {
                name: line.partition(code_of(line))[2].strip().removeprefix("//").strip()
                for line in part.lines
                if (name := _shown(line)) is not None
            }
            only = part.fragment.description if len(said) == 1 else ""
            named = {name: part.read_outs.get(name) or text for name, text in said.items()}
            found |= {name: text or only or name for name, text in named.items()}
    return found


def sources(parts: Iterable[Part]) -> tuple[Text, ...]:
    """The record of users' fragments."""
    own = [part.fragment for part in parts if part.fragment.own]
    return tuple(Text(one.where, one.text) for one in own)


def places(parts: Iterable[Part], *, sums: bool = False) -> dict[str, Place]:
    """Where users' fragments define what they bring; with `sums`, also where they add to what is
    there."""
    found: dict[str, Place] = {}
    for part in parts:
        for line in _lines([part]):
            for one in defined(line.text, sums=sums):
                found.setdefault(one.name, Place(part.fragment.name, line.where))
    return found


def ids(library: Library) -> set[str]:
    """All that users' fragments define, in lower case."""
    parts = [Part(one, library.mechanisms) for one in library.fragments]
    return {name.casefold() for name in places(parts)}


def _read(text: Text) -> Fragment:
    if odd := ODD.search(text.text):
        raise ModelError(
            f"{text.name}: it holds the character {odd[0]!r}, which is no text; remove it"
        )
    return described(text.name.removesuffix(".ant"), text.text, text.name, own=True)


def _check_header(one: Fragment, names: Collection[str]) -> None:
    unknown = [f"there is no fragment '{name}' to come after" for name in one.after
               if name not in names]  # fmt: skip
    for fault in (*one.faults, *unknown):
        raise ModelError(f"{one.where}: {fault}")


def _check_line(line: Line, one: Fragment) -> None:
    """Raise ModelError for a line that no fragment may hold, whatever else is in the model."""
    code = code_of(line.text)
    if len(code) > _LONGEST:
        raise ModelError(
            f"the line has {len(code):,} characters, and at most {_LONGEST:,} are allowed; divide "
            "it into several quantities"
        )
    refuse_unknown([code])
    symbols(code)
    unit = unit_defined(code)
    pieces = [] if unit is None else re.split(r"[*/]", re.sub(r"[()]", " ", unit[1]))
    if not all(_UNIT_FACTOR.fullmatch(piece.strip()) for piece in pieces):
        raise ModelError(f"`{code}` is no unit; write one as models/units.ant does")
    found = definition(code)
    if found and found[0] == "parameter" and not code_of(line.text).split()[3:]:
        raise ModelError(f"`{code}` has no unit; write `{code} dimensionless` where there is none")
    if found and found[0] == "parameter" and code == line.text.strip():
        raise ModelError(
            f"`{code}` does not say where the number comes from; add `// assumed: why`"
        )
    for row in parameters_of([line.text]).values():
        if row.kind == "computed" and computed_from(row) is None:
            raise ModelError(
                f"'{row.source}' cannot be computed; write `// computed: untreated NAME of the "
                "same parameter set`"
            )
    if rate_of(code) and one.place not in ("around", "outside"):
        raise ModelError(
            f"`{code}`: in a cell only species move, so that it has a state at rest; make it a "
            "species with reactions, or say `// in: around` in the header"
        )


def _check_ids(
    line: Line,
    theirs: Mapping[Key, Defined],
    mine: dict[Key, list[Defined]],
) -> None:
    """Raise ModelError for a definition of what there is already, or cannot be."""
    for found in defined(line.text, line.where, sums=False):
        if found.name.casefold() in RESERVED or found.name.startswith(("_", "dose_")):
            raise ModelError(f"'{found.name}' is a reserved word; choose another name")
        if found.kind == "unit" and found.name in BASE_UNITS:
            raise ModelError(f"'{found.name}' is a unit of SBML; choose another name")
        other = theirs.get(found.key)
        if found.kind == "unit" and other is not None and other.code == found.code:
            continue
        if other is not None:
            raise ModelError(
                f"`{code_of(line.text)}` defines '{found.name}', but '{other.name}' is defined in "
                f"{other.where}; choose another name (upper and lower case count as the same)"
            )
        before = mine.setdefault(found.key, [])
        for other in before:
            same = other.kind == "unit" and other.code == found.code
            pair = other.name == found.name and {other.kind, found.kind} in _PAIRS
            if not same and not pair:
                raise ModelError(
                    f"'{found.name}' is defined twice: '{other.name}' in {other.where} too; keep "
                    "one (a species starts at a parameter: `NAME = PARAMETER`)"
                )
        before.append(found)


def _check_subjects(
    line: Line,
    theirs: Mapping[Key, Defined],
    mine: Mapping[Key, list[Defined]],
) -> None:
    """Raise ModelError for a line about what another file defines, or that nothing defines."""

    def kinds(name: str) -> set[str]:
        return {found.kind for found in mine.get(("id", name.casefold()), ()) if found.name == name}

    code = code_of(line.text)
    for name in subjects(code):
        if not kinds(name):
            raise ModelError(
                f"`{code}` is about '{name}', which this fragment does not define; leave it out"
            )
    if (sum_ := addend(code)) is not None:
        other = theirs.get(("id", sum_[0].casefold()))
        if other is None or other.name != sum_[0] or other.kind != "quantity":
            known = [found.name for found in theirs.values() if found.kind == "quantity"]
            raise ModelError(
                f"`{code}` adds to what is no quantity of the package: "
                f"{_unknown('quantity', sum_[0], known)}; write := for one of your own"
            )
    found = defined(line.text)
    if found and found[0].kind == "start" and not kinds(found[0].name) & {"species", "rate"}:
        raise ModelError(f"`{code}`: '{found[0].name}' is no species, so it starts nowhere")
    if start_of(code) is None and found and {"start", "species"} <= kinds(found[0].name):
        raise ModelError(
            f"`{code}`: a species starts untreated, or at a parameter: `{found[0].name} = NAME`"
        )
    if (rate := rate_of(code)) is not None and "start" not in kinds(rate):
        raise ModelError(f"`{code}`: say where it starts: `{rate} = 0 nM  // start: why`")


def _shown(line: str) -> str | None:
    """What a line brings that changes in time."""
    found = definition(line)
    if found is not None and found[0] in ("species", "quantity"):
        return found[1]
    return rate_of(line)


def _lines(parts: Iterable[Part]) -> Iterator[Line]:
    """Lines of users' fragments, as they are joined."""
    for part in parts:
        if part.fragment.own:
            for number, text in part.numbered():
                yield Line(text, _place(part.fragment, number))


def _place(one: Fragment, number: int) -> str:
    return f"{one.where}, line {number}"


@contextmanager
def _at(line: Line) -> Iterator[None]:
    """Say where the line of an error stands."""
    try:
        yield
    except ModelError as error:
        raise ModelError(f"{line.where}: {error}") from None


def _unknown(kind: str, name: str, allowed: Iterable[str]) -> str:
    """What to say of a name that is not known, without a list of hundreds that are."""
    message = str(unknown_name(kind, name, allowed))
    return message if "did you mean" in message else f"unknown {kind} '{name}'; nothing defines it"
