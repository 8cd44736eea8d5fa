"""The text of an SBML file without annotations and packages: what means something to a run."""

from collections.abc import Set
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import libsbml

_KEPT = ("http://www.w3.org/1998/Math/MathML", "/comp/", "/l3v2extendedmath/")
_LEFT_OUT = ("annotation", "notes")
_BASE = {libsbml.UnitKind_toString(i) for i in range(libsbml.UNIT_KIND_INVALID)}
_BASE = _BASE - {"avogadro"}
"""Units that need no definition, in every level."""
_OLD = {"substance", "volume", "area", "length", "time"}
"""Those that need none before Level 3."""


def plain_text(text: str) -> str:
    """The same document in as many lines, of a text that is safe to parse.

    Files of other tools have annotations of an older form, and drawings that no longer conform to
    the package they name: libSBML refuses to read them, and no run depends on them.
    """
    root = ElementTree.fromstring(text)  # noqa: S314 - `safe_text` has seen it
    core = root.tag.partition("}")[0].lstrip("{")
    ElementTree.register_namespace("", core)
    _strip(root, (core, *_KEPT))
    _strip_units(root, core)
    return ElementTree.tostring(root, encoding="unicode")


def _strip(element: Element, kept: tuple[str, ...]) -> None:
    """Take away what is of other namespaces; lines stay where they are."""
    for name in list(element.attrib):
        if name.startswith("{") and not any(part in name for part in kept):
            del element.attrib[name]
    before: Element | None = None
    for child in list(element):
        if _is_kept(child, kept):
            _strip(child, kept)
            before = child
            continue
        lines = "\n" * _lines_of(child)
        element.remove(child)
        if before is None:
            element.text = (element.text or "") + lines
        else:
            before.tail = (before.tail or "") + lines


def _strip_units(root: Element, core: str) -> None:
    """Take away definitions of units by what is no unit, and what names a unit that is not
    there."""
    known = _BASE | (set() if "/level3/" in core else _OLD)
    lists = [(model, one) for model in root for one in model
             if one.tag == f"{{{core}}}listOfUnitDefinitions"]  # fmt: skip
    for model, definitions in lists:
        for one in list(definitions):
            kinds = {unit.get("kind", "") for unit in one.iter(f"{{{core}}}unit")}
            if kinds <= _BASE:
                known.add(one.get("id", ""))
            else:
                definitions.remove(one)
        if not len(definitions):  # which must not be
            model.remove(definitions)
    _strip_names(root, known)


def _strip_names(root: Element, known: Set[str]) -> None:
    for element in root.iter():
        for name in list(element.attrib):
            plain = name.rpartition("}")[2].lower()
            if plain.endswith("units") and plain != "hasonlysubstanceunits":
                if element.attrib[name] not in known:
                    del element.attrib[name]


def _is_kept(element: Element, kept: tuple[str, ...]) -> bool:
    space, _, name = element.tag.rpartition("}")
    return name not in _LEFT_OUT and any(part in space for part in kept)


def _lines_of(element: Element) -> int:
    """Line ends in an element and behind it."""
    return sum(f"{one.text or ''}{one.tail or ''}".count("\n") for one in element.iter())
