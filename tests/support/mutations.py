"""Mutations of valid SBML, and odd arguments, as Hypothesis draws them."""

import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from hypothesis import strategies as st

from tests.support.sbml_texts import INFUSION, sbml, species

_MATH = "{http://www.w3.org/1998/Math/MathML}"
_HILL = (
    '<functionDefinition id="hill"><math xmlns="http://www.w3.org/1998/Math/MathML"><lambda>'
    "<bvar><ci>x</ci></bvar><bvar><ci>n</ci></bvar><apply><divide/><apply><power/><ci>x</ci>"
    "<ci>n</ci></apply><apply><plus/><cn>1</cn><apply><power/><ci>x</ci><ci>n</ci></apply></apply>"
    "</apply></lambda></math></functionDefinition>"
)
OWN = (
    INFUSION,
    sbml(
        species("S", 1), species("P", 0, "Amount", "true"),
        reactions=(("make", "S", "2P", "cell * k * hill(S, n)"), ("lose", "P", "", "k * P")),
        constants={"k": 0.5, "n": 2.0}, rules={"share": "P / (P + S + 1)", "level": "2 * share"},
        starts={"S": "2 * n"}, functions=_HILL,
    ),
    sbml(
        species("A", 1), species("B", 0), species("C", 0),
        reactions=(("on", "A B", "C", "cell * k * A * B"), ("off", "C", "A B", "cell * C"),
                   ("feed", "", "B", "cell * input")),
        variables={"input": 0.1}, rules={"total": "A + C", "clock": "piecewise(1, time > 3, 2)"},
        events=(("dose", "time >= 2", "A", "A + 3"), ("stop", "C > 0.5", "input", "0")),
    ),
)  # fmt: skip
"""Small models of our own, with all that readers take."""

_LARGEST = 60_000  # bytes of a published model that is mutated
_OPERATORS = (
    "plus", "minus", "times", "divide", "power", "root", "exp", "ln", "log", "abs", "floor",
    "ceiling", "factorial", "sin", "tanh", "arccos", "piecewise", "gt", "eq", "neq", "and", "not",
    "xor", "min", "max", "quotient", "rem", "lambda", "csymbol", "true", "notanumber", "infinity",
    "semantics", "sbml",
)  # fmt: skip
_WORDS = (
    "", " ", "0", "-1", "1e308", "1e-320", "NaN", "INF", "-INF", "1d5", "0x10", "1_000", "1e400",
    "true", "false", "time", "reset", "model", "__init__", "k", "S", "cell", "A", "avogadro",
    "9" * 40, "\u00e4", "a b", "default", "dimensionless", "item", "4", "2",
)  # fmt: skip


def seeds() -> list[str]:
    """Our own models, and small ones of the folders that environment variables name."""
    found = list(OWN)
    for variable in ("P53NET_BIOMODELS", "P53NET_SBML_SUITE"):
        if folder := os.environ.get(variable):
            paths = sorted(Path(folder).rglob("*.xml"))
            found += [p.read_text(encoding="utf-8") for p in paths if p.stat().st_size < _LARGEST]
    return found


def mutants(texts: list[str]) -> st.SearchStrategy[bytes]:
    """A file with one to three changes of its elements, or of its bytes."""
    return st.tuples(st.sampled_from(texts), st.lists(_change, min_size=1, max_size=3)).map(
        lambda drawn: _changed(*drawn)
    )


_place = st.integers(0, 10**6)
_word = st.sampled_from(_WORDS) | st.text(max_size=8) | st.floats().map(repr)
_change = st.one_of(
    st.tuples(st.sampled_from(("drop", "double", "swap", "wrap", "move")), _place, _place),
    st.tuples(st.just("attribute"), _place, st.tuples(_place, _word)),
    st.tuples(st.just("text"), _place, _word),
    st.tuples(st.just("operator"), _place, st.sampled_from(_OPERATORS)),
    st.tuples(st.just("bytes"), _place, st.binary(max_size=6)),
)


def _changed(text: str, changes: list[tuple[str, int, Any]]) -> bytes:
    root = ElementTree.fromstring(text)
    for kind, place, how in changes:
        if kind != "bytes":
            _change_tree(root, kind, place, how)
    content = ElementTree.tostring(root, encoding="utf-8")
    for kind, place, how in changes:
        if kind == "bytes":
            at = place % len(content)
            content = content[:at] + how + content[at + len(how) // 2 :]
    return content


def _change_tree(root: ElementTree.Element, kind: str, place: int, how: Any) -> None:
    if kind == "operator":
        chosen = [one for one in root.iter() if one.tag.startswith(_MATH)]
    elif kind == "text":
        chosen = [one for one in root.iter() if one.text and one.text.strip()]
    else:
        chosen = list(root.iter())[1:]
    if not chosen:
        return
    element = chosen[place % len(chosen)]
    if kind == "operator":
        element.tag = _MATH + how
    elif kind == "text":
        element.text = _plain(how)
    elif kind == "attribute":
        which, word = how
        if names := sorted(element.attrib):
            element.set(names[which % len(names)], _plain(word))
    else:
        _change_place(root, element, kind, how)


def _change_place(
    root: ElementTree.Element, element: ElementTree.Element, kind: str, how: int
) -> None:
    inside = next((one for one in root.iter() if element in list(one)), None)
    if inside is None:
        return
    children = list(inside)
    at = children.index(element)
    if kind == "drop":
        inside.remove(element)
    elif kind == "double":
        inside.insert(at, element)
    elif kind == "swap":
        other = how % len(children)
        inside[at], inside[other] = children[other], element
    elif kind == "wrap":
        apply = ElementTree.Element(f"{_MATH}apply")
        apply.append(element)
        inside[at] = apply
    else:
        homes = [one for one in root.iter() if one not in list(element.iter())]
        inside.remove(element)
        homes[how % len(homes)].append(element)


def _plain(word: str) -> str:
    """Text that XML can hold."""
    return "".join(c for c in word if c.isprintable() and not 0xD800 <= ord(c) <= 0xDFFF)


_odd = st.one_of(
    st.floats(), st.integers(-(10**20), 10**20), st.none(), st.booleans(), st.text(max_size=5),
    st.just(b"x"), st.just([]), st.just({}), st.complex_numbers(),
)  # fmt: skip
_name = st.sampled_from(("S", "k", "cell", "input", "nothing", "", "time", 3, None))


_USUAL = {
    "times": [0.0, 0.5, 3.0], "parameters": {"k": 0.7}, "observables": ["S"], "doses": None,
    "feedback": True, "engine": "auto", "accuracy": 1e-6,
}  # fmt: skip
_ODD = {
    "times": st.lists(st.floats(-1.0, 30.0), max_size=5).map(sorted)
    | st.lists(_odd, max_size=4) | _odd,
    "parameters": st.dictionaries(_name, _odd | st.floats(0.0, 10.0), max_size=3) | _odd,
    "observables": st.lists(_name, max_size=3) | _odd,
    "doses": st.dictionaries(_name, _odd, max_size=2) | _odd,
    "feedback": _odd,
    "engine": st.sampled_from(("roadrunner", "batch", "other", None, 3)),
    "accuracy": st.sampled_from((1e-9, 1e-2, 0.0, -1.0, 1e9, "x", None)) | _odd,
}  # fmt: skip


def arguments() -> st.SearchStrategy[dict[str, Any]]:
    """Keyword arguments of `simulate`, one or two of them odd, for a model with S, k, cell and
    input."""
    one = st.sampled_from(sorted(_ODD)).flatmap(lambda name: st.tuples(st.just(name), _ODD[name]))
    return st.lists(one, min_size=1, max_size=2).map(lambda odd: _USUAL | dict(odd))
