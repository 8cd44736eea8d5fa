"""Which errors are planted: all that the rules below give, of which a fixed draw is taken."""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tests.referee.mutants.texts import NAME, Statement, kinds, species, statements

MOST = {"core": 44}
"""Of the fragment with the most equations; of others, the `USUAL` number."""
USUAL, OF_A_SWITCH = 11, 5
"""The second is of texts that are one option of a switch, of which there are many."""
SPECIES = "a species"

Change = Iterator[Statement]


@dataclass(frozen=True)
class Mutant:
    """One planted error."""

    fragment: str
    kind: str
    number: int
    name: str
    was: str
    became: str
    text: str
    """Of the whole fragment."""


def mutants(fragment: str, texts: dict[str, str]) -> list[Mutant]:
    """A draw of errors in a fragment, the same at every call."""
    text, chance = texts[fragment], random.Random(fragment)
    lines = text.splitlines()
    known = kinds("\n".join((texts["core"], texts.get("cell_fate", ""), text)))
    own = kinds(text)
    known |= dict.fromkeys(species(texts["core"] + text), SPECIES)
    is_option = re.search(
        r"^// structure: (?!core = p53net|death = threshold|marrow = friberg)", text, re.MULTILINE
    )
    most = MOST.get(fragment, OF_A_SWITCH if is_option else USUAL)
    drawn: list[Mutant] = []
    for kind, rule in RULES.items():
        every = [
            Mutant(fragment, kind, one.number, one.name, one.line, new.line, "")
            for one in statements(fragment, text)
            for new in rule(one, own, known)
            if new.line != one.line
        ]
        every = list({(one.number, one.became): one for one in every}.values())
        drawn += chance.sample(every, min(len(every), -(-most // 10)))
    chosen = set(chance.sample(drawn, min(len(drawn), most)))
    return [_with_text(one, lines) for one in drawn if one in chosen]


def _with_text(one: Mutant, lines: list[str]) -> Mutant:
    """The mutant with the whole text as it became."""
    changed = [*lines[: one.number - 1], one.became, *lines[one.number :]]
    if not one.became:  # nor is anything said of it
        changed = [line for line in changed if not _is_about(line, one.name)]
    return replace(one, text="".join(f"{line}\n" for line in changed))


def _sign(one: Statement, _own: dict[str, str], _known: dict[str, str]) -> Change:
    """Plus for minus, and minus for plus."""
    for match in re.finditer(r"(?<=[\w)]) ?([+-]) ?(?=[\w(])", one.formula):
        yield _with(one, match.span(1), "-" if match[1] == "+" else "+")


def _factor(one: Statement, _own: dict[str, str], _known: dict[str, str]) -> Change:
    """One per cent more of something."""
    for match in _names(one):
        if not _is_exponent(one, match.start()):
            yield _with(one, match.span(), f"(1.01*{match[0]})")


def _swapped(one: Statement, own: dict[str, str], known: dict[str, str]) -> Change:
    """One quantity or parameter for another of the same unit."""
    for match in _names(one):
        for other, unit in own.items():
            if own.get(match[0], known.get(match[0])) == unit and other not in (match[0], one.name):
                if not _is_exponent(one, match.start()):
                    yield _with(one, match.span(), other)


def _exponent(one: Statement, own: dict[str, str], _known: dict[str, str]) -> Change:
    """Another exponent, or none."""
    for match in re.finditer(r"\^(\w+)", one.formula):
        yield _with(one, match.span(), "")
        yield _with(one, match.span(), f"^(1.01*{match[1]})")
        for other in own:
            if other != match[1] and other.partition("_")[0] == match[1].partition("_")[0]:
                yield _with(one, match.span(), f"^{other}")


def _operation(one: Statement, _own: dict[str, str], _known: dict[str, str]) -> Change:
    """Times for divided by, and the other way round."""
    for match in re.finditer(r"[*/]", one.formula):
        yield _with(one, match.span(), "/" if match[0] == "*" else "*")


def _missing_term(one: Statement, _own: dict[str, str], _known: dict[str, str]) -> Change:
    """A term of a sum is left out."""
    for match in re.finditer(r" [+-] ((?:[\w*/^]|\([^()]*\))+)", one.formula):
        yield _with(one, match.span(), "")
    for match in re.finditer(r"(?<=\()((?:[\w*/^])+) \+ ", one.formula):
        yield _with(one, match.span(), "")


def _missing_factor(one: Statement, _own: dict[str, str], _known: dict[str, str]) -> Change:
    """A factor of a product is left out."""
    for match in re.finditer(r"\*\w+(?![\w^])", one.formula):
        yield _with(one, match.span(), "")
    for match in re.finditer(r"(?<![\w*/^])\w+\*", one.formula):
        yield _with(one, match.span(), "")


def _reversed(one: Statement, _own: dict[str, str], _known: dict[str, str]) -> Change:
    """What a reaction takes is what it makes."""
    if one.arrow:
        arrow = one.arrow.strip()
        yield replace(one, left=one.right.strip(), arrow=f" {arrow} ", right=one.left.strip())


def _other_species(one: Statement, own: dict[str, str], known: dict[str, str]) -> Change:
    """A reaction takes or makes something else, or less."""
    for side in ("left", "right"):
        words = [word for word in getattr(one, side).replace("+", " ").split() if word]
        for i in range(len(words)):
            fewer = [*words[:i], *words[i + 1 :]]
            yield replace(one, **{side: f" {' + '.join(fewer)} "})
            for other in own:
                if known[other] == SPECIES and other not in words:
                    yield replace(one, **{side: f" {' + '.join([*fewer, other])} "})


def _start(one: Statement, _own: dict[str, str], _known: dict[str, str]) -> Change:
    """Another number to start from."""
    if "// start:" in one.tail and (match := re.match(r"\d+", one.formula)):
        yield _with(one, match.span(), str(int(match[0]) + 1))


def _computed(one: Statement, own: dict[str, str], known: dict[str, str]) -> Change:
    """A value of the untreated cell is that of something else."""
    if match := re.search(r"(?<=// computed: untreated )\w+", one.tail):
        for other in known:
            if known[other] == SPECIES and other != match[0] and known.get(match[0]) == SPECIES:
                yield replace(one, tail=one.tail.replace(match[0], other))


def _dropped(one: Statement, _own: dict[str, str], _known: dict[str, str]) -> Change:
    """The whole reaction or rule is left out."""
    yield replace(one, head="", left="", arrow="", right="", gap="", formula="", tail="")


RULES: dict[str, Callable[[Statement, dict[str, str], dict[str, str]], Change]] = {
    "sign": _sign,
    "factor": _factor,
    "swapped": _swapped,
    "exponent": _exponent,
    "operation": _operation,
    "missing term": _missing_term,
    "missing factor": _missing_factor,
    "reversed": _reversed,
    "species": _other_species,
    "start": _start,
    "computed": _computed,
    "dropped": _dropped,
}


def _with(one: Statement, span: tuple[int, int], new: str) -> Statement:
    begin, end = span
    return replace(one, formula=one.formula[:begin] + new + one.formula[end:])


def _is_about(line: str, name: str) -> bool:
    return re.match(rf"{name}(\.sboTerm| has) ", line) is not None


def _names(one: Statement) -> list[re.Match[str]]:
    """Of a formula; a number to start from has only a unit."""
    return [] if one.formula[0].isdigit() else list(NAME.finditer(one.formula))


def _is_exponent(one: Statement, place: int) -> bool:
    return place > 0 and one.formula[place - 1] == "^"
