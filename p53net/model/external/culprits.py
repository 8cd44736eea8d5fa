"""Which formula of a file ends the process that has it: found by putting 1 in the place of some."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.parsers import expat

_MOST = 60.0  # s of looking
_PARTS = (
    "functionDefinition", "initialAssignment", "assignmentRule", "rateRule", "algebraicRule",
    "reaction", "event", "constraint",
)  # fmt: skip
"""What has formulas."""

_NAMED = ("id", "symbol", "variable")
_MATHML = "{http://www.w3.org/1998/Math/MathML}"
_CONDITIONS = ("trigger", "constraint")


class _Part(NamedTuple):
    """An element with formulas, and where it stands."""

    element: Element
    line: int

    def __str__(self) -> str:
        name = next((self.element.get(key) for key in _NAMED if self.element.get(key)), "")
        return f"{_plain(self.element)} {name}, line {self.line}".replace("  ", " ")


def culprit_of(content: bytes, ends: Callable[[bytes, float], bool], time_limit: float) -> str:
    """The likely cause, to be added to an error. `ends` tells whether a file still ends its
    process, or keeps it for so many seconds."""
    try:
        root, parts = _parsed(content)
    except (expat.ExpatError, ValueError, LookupError):
        return "; correct the file"
    due = monotonic() + min(_MOST, 2.0 * time_limit)

    def mended(some: list[_Part]) -> bool:
        with _without_formulas(some):
            text = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
        left = due - monotonic()
        return left > 0 and not ends(text, min(left, time_limit))

    if not ends(content, time_limit):
        return "; it does not do that each time, so run it again"
    found = _narrowed(parts, mended)
    if found is None:
        return "; no single formula is the cause, so make the model smaller, or validate the file"
    return f"; the likely cause is {found}: with 1 in the place of its formula that does not happen"


def _narrowed(parts: list[_Part], mended: Callable[[list[_Part]], bool]) -> _Part | None:
    """The one part that has to go, found by halves; None where there is none."""
    if not parts or not mended(parts):
        return None
    while len(parts) > 1:
        half = len(parts) // 2
        parts = next((some for some in (parts[:half], parts[half:]) if mended(some)), [])
    return parts[0] if parts else None


@contextmanager
def _without_formulas(parts: list[_Part]) -> Iterator[None]:
    """Within it the formulas of these parts are 1, or false."""
    kept: list[tuple[Element, list[Element]]] = []
    for part in parts:
        for holder in part.element.iter():
            for math in [one for one in holder if one.tag == f"{_MATHML}math"]:
                body = next((one for one in math if one.tag == f"{_MATHML}lambda"), math)
                kept.append((body, list(body)))
                body[:] = [one for one in body if one.tag == f"{_MATHML}bvar"]
                body.append(_plain_formula(_plain(holder) in _CONDITIONS))
    try:
        yield
    finally:
        for body, children in kept:
            body[:] = children


def _plain_formula(condition: bool) -> Element:
    if condition:
        return Element(f"{_MATHML}false")
    number = Element(f"{_MATHML}cn")
    number.text = "1"
    return number


def _parsed(content: bytes) -> tuple[Element, list[_Part]]:
    """The document, and its parts with formulas. Raises ValueError for a DOCTYPE."""
    lines: dict[Element, int] = {}
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")

    def name(text: str) -> str:
        return "{" + text if "}" in text else text

    def opened(tag: str, attributes: dict[str, str]) -> None:
        own = {name(key): value for key, value in attributes.items()}
        lines[builder.start(name(tag), own)] = parser.CurrentLineNumber

    def doctype(*_about: object) -> None:
        raise ValueError("a DOCTYPE")

    parser.StartElementHandler = opened
    parser.EndElementHandler = lambda tag: builder.end(name(tag))
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = doctype
    parser.Parse(content, True)
    root = builder.close()
    return root, [_Part(one, lines[one]) for one in root.iter() if _plain(one) in _PARTS]


def _plain(element: Element) -> str:
    return element.tag.rpartition("}")[2]
