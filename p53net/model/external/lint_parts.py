"""Parts of a stranger's model: what is not used, never changes, has no name of its own or does not
say what it is, and which sums are conserved."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from math import lcm

import libsbml

from p53net.model.external.findings import NOTE, WARNING, Finding, Lines
from p53net.model.external.formulas import formulas_of, nodes_of

Check = Callable[["libsbml.Model", Lines], Iterator[Finding]]
_Row = dict[int, Fraction]
"""Of a matrix: what is not zero, by its place."""

_RESERVED = frozenset(
    "time pi e exponentiale avogadro true false infinity inf nan notanumber delay rateof piecewise "
    "abs ceil ceiling exp factorial floor ln log log10 pow power root sqrt sin cos tan min max "
    "quotient rem and or not xor implies".split()
)
"""Words of formulas: an id like this is another thing to a tool that writes formulas as text."""

_MOST_SPECIES = 400  # for which conserved sums are looked for
_MOST_TERMS = 12  # of a sum that is written


def _unused(model: "libsbml.Model", lines: Lines) -> Iterator[Finding]:
    """Nothing refers to it."""
    used = {node.getName() for formula in formulas_of(model) for node in nodes_of(formula)
            if node.getName()}  # fmt: skip
    used |= _targets(model) | _in_reactions(model)
    used |= {item.getCompartment() for item in model.getListOfSpecies()}
    used |= {item.getConversionFactor() for item in model.getListOfSpecies()}
    used.add(model.getConversionFactor())
    for kind, items in (
        ("parameter", model.getListOfParameters()), ("species", model.getListOfSpecies()),
        ("compartment", model.getListOfCompartments()),
        ("function", model.getListOfFunctionDefinitions()),
    ):  # fmt: skip
        for item in items:
            if item.getId() not in used:
                yield _note("unused", item, lines, f"no formula and no reaction uses this {kind}")
    for item in _local(model):
        law = item.getAncestorOfType(libsbml.SBML_KINETIC_LAW)
        if law.getMath() is not None and item.getId() not in {
            node.getName() for node in nodes_of(law.getMath())
        }:
            yield _note("unused", item, lines, "the rate that it belongs to does not use it")


def _constant(model: "libsbml.Model", lines: Lines) -> Iterator[Finding]:
    """It may change, as the file says, and never does."""
    moved = _targets(model) | {
        item.getSpecies()
        for reaction in model.getListOfReactions()
        for item in (*reaction.getListOfReactants(), *reaction.getListOfProducts())
    }
    moved.discard("")
    started = {item.getSymbol() for item in model.getListOfInitialAssignments()}
    ruled = {rule.getVariable() for rule in model.getListOfRules()}
    moved -= started - ruled - _set_by_events(model) - _moved_by_reactions(model)
    for item in (*model.getListOfParameters(), *model.getListOfCompartments()):
        if not item.getConstant() and item.getId() not in moved:
            text = "it is not constant, but nothing changes it"
            yield _note("constant", item, lines, text)
    for item in model.getListOfSpecies():
        still = item.getId() not in moved or (
            item.getBoundaryCondition() and item.getId() not in ruled | _set_by_events(model)
        )
        if still and not item.getConstant():
            text = "it is not constant, but no reaction, rule or event changes it"
            yield _note("constant", item, lines, text)


def _names(model: "libsbml.Model", lines: Lines) -> Iterator[Finding]:
    """Ids and names that others may take for something else."""
    lists = (model.getListOfSpecies(), model.getListOfParameters(), model.getListOfCompartments(),
             model.getListOfReactions(), model.getListOfFunctionDefinitions())  # fmt: skip
    first: dict[str, str] = {}
    for item in (one for items in lists for one in items):
        name = str(item.getId())
        if name.casefold() in _RESERVED:
            text = "the id is a word of formulas; tools that write them as text mistake it"
            yield Finding(WARNING, "names", name, lines.of(name), text)
        other = first.setdefault(name.casefold(), name)
        if other != name:
            text = f"the id differs from '{other}' only by case"
            yield _note("names", item, lines, text)
    for items in lists[:-1]:
        counts = Counter(item.getName() for item in items if item.getName())
        for item in items:
            if counts[item.getName()] > 1:
                text = f"{counts[item.getName()]} of its kind have the name '{item.getName()}'"
                yield _note("names", item, lines, text)


def _annotation(model: "libsbml.Model", _lines: Lines) -> Iterator[Finding]:
    """How many parts do not say what they are."""
    for kind, items in (("species", model.getListOfSpecies()),
                        ("reactions", model.getListOfReactions()),
                        ("compartments", model.getListOfCompartments())):  # fmt: skip
        total = len(items)
        bare = [item.getId() for item in items if not (item.getNumCVTerms() or item.isSetSBOTerm())]
        if bare:
            some = ", ".join(bare[:3]) + (" ..." if len(bare) > 3 else "")
            text = f"{len(bare)} of {total} {kind} have no annotation and no SBO term: {some}"
            yield Finding(NOTE, "annotation", model.getId() or "model", 0, text)


def _conserved(model: "libsbml.Model", lines: Lines) -> Iterator[Finding]:
    """Sums of amounts that no reaction changes, by exact elimination."""
    outside = _ruled_or_set(model)
    names = [
        str(item.getId()) for item in model.getListOfSpecies()
        if not (item.getBoundaryCondition() or item.getConstant() or item.getId() in outside)
    ]  # fmt: skip
    if not 1 < len(names) <= _MOST_SPECIES:
        return
    places = {name: place for place, name in enumerate(names)}
    columns = list[_Row]()
    for reaction in model.getListOfReactions():
        column: _Row = {}
        for sign, items in ((-1, reaction.getListOfReactants()), (1, reaction.getListOfProducts())):
            for item in items:
                if item.isSetStoichiometryMath() or not _is_number(item.getStoichiometry()):
                    return
                place = places.get(item.getSpecies())
                if place is not None:
                    more = sign * Fraction(item.getStoichiometry()).limit_denominator(10**6)
                    column[place] = column.get(place, Fraction(0)) + more
        columns.append({place: count for place, count in column.items() if count})
    for weights in _kernel(columns, len(names)):
        terms = [(names[place], weight) for place, weight in weights.items()]
        if len(terms) > 1:
            first = terms[0][0]
            text = f"the amounts {_sum(terms)} keep their sum"
            yield Finding(NOTE, "conserved", first, lines.of(first), text)


def _sum(terms: list[tuple[str, Fraction]]) -> str:
    """A sum as people write it, of the first terms."""
    scale = -1 if terms[0][1] < 0 else 1
    words = list[str]()
    for name, weight in terms[:_MOST_TERMS]:
        size = "" if abs(weight) == 1 else f"{abs(weight)} "
        sign = "- " if weight * scale < 0 else "+ " if words else ""
        words.append(f"{sign}{size}{name}")
    more = len(terms) - _MOST_TERMS
    return " ".join(words) + (f" and {more} more" if more > 0 else "")


def _kernel(rows: list[_Row], size: int) -> Iterator[_Row]:
    """Vectors whose product with every row is 0, with whole numbers."""
    reduced: dict[int, _Row] = {}  # pivot to its row, which has no other pivot
    for row in rows:
        for pivot in row.keys() & reduced.keys():
            row = _without(row, pivot, reduced[pivot])
        if not row:
            continue
        first = min(row)
        row = {place: value / row[first] for place, value in row.items()}
        for pivot, other in reduced.items():
            if first in other:
                reduced[pivot] = _without(other, first, row)
        reduced[first] = row
    for free in (i for i in range(size) if i not in reduced):
        vector = {pivot: -row[free] for pivot, row in reduced.items() if free in row}
        vector[free] = Fraction(1)
        scale = lcm(*(value.denominator for value in vector.values()))
        yield {place: vector[place] * scale for place in sorted(vector)}


def _without(row: _Row, pivot: int, other: _Row) -> _Row:
    """A row less as much of another, which is 1 at its pivot, as leaves nothing there."""
    size = row[pivot]
    less = {place: row.get(place, Fraction(0)) - size * value for place, value in other.items()}
    return {place: value for place, value in (row | less).items() if value}


def _targets(model: "libsbml.Model") -> set[str]:
    """What rules, events and initial assignments set."""
    found = {item.getSymbol() for item in model.getListOfInitialAssignments()}
    return found | _ruled_or_set(model)


def _ruled_or_set(model: "libsbml.Model") -> set[str]:
    return {rule.getVariable() for rule in model.getListOfRules()} | _set_by_events(model)


def _set_by_events(model: "libsbml.Model") -> set[str]:
    return {
        item.getVariable()
        for event in model.getListOfEvents()
        for item in event.getListOfEventAssignments()
    }


def _moved_by_reactions(model: "libsbml.Model") -> set[str]:
    return {
        item.getSpecies()
        for reaction in model.getListOfReactions()
        for item in (*reaction.getListOfReactants(), *reaction.getListOfProducts())
    }


def _in_reactions(model: "libsbml.Model") -> set[str]:
    modifiers = {
        item.getSpecies()
        for reaction in model.getListOfReactions()
        for item in reaction.getListOfModifiers()
    }
    return modifiers | _moved_by_reactions(model)


def _local(model: "libsbml.Model") -> "Iterable[libsbml.Parameter]":
    laws = [reaction.getKineticLaw() for reaction in model.getListOfReactions()]
    return [
        item
        for law in laws
        if law is not None
        for item in (*law.getListOfParameters(), *law.getListOfLocalParameters())
    ]


def _is_number(value: float) -> bool:
    return value == value and abs(value) != float("inf")


def _note(check: str, item: "libsbml.SBase", lines: Lines, text: str) -> Finding:
    name = str(item.getId())
    return Finding(NOTE, check, name, int(item.getLine()) or lines.of(name), text)


CHECKS: tuple[Check, ...] = (_unused, _constant, _names, _annotation, _conserved)
