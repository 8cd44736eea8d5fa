"""The page of words has every argument of public functions, once, and none that is not there."""

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import p53net as pn
from tests.support import ROOT

RETIRED = ("drug_table", "cell_line_table", "pharmacokinetics", "given")
"""Of earlier versions, or words that say nothing."""
OF_DRUGS = ("load", "escape", "viability", "degradation", "caspase")
PAGE = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    for name in pn.__all__:
        one = getattr(pn, name)
        if callable(one) and not inspect.isclass(one):
            yield name, one
    for name in ("simulate", "simulate_many", "steady_state", "gradient", "sbml"):
        yield f"Model.{name}", getattr(pn.Model, name)
    for name in dir(pn.measures):
        yield f"measures.{name}", getattr(pn.measures, name)


def arguments() -> dict[str, set[str]]:
    """Functions by the arguments that they have."""
    found: dict[str, set[str]] = {}
    for name, function in functions():
        for argument in inspect.signature(function).parameters:
            if argument != "self":
                found.setdefault(argument, set()).add(name)
    return found


def listed() -> list[str]:
    table = PAGE.partition("\n## Arguments\n")[2]
    return re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)


def test_every_argument_is_in_the_table_and_no_other() -> None:
    assert listed() == sorted(arguments())


def test_every_argument_has_a_meaning() -> None:
    table = PAGE.partition("\n## Arguments\n")[2]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    assert all(re.fullmatch(r"\| `\w+` \| (?:[^|]+ )?\| [^|]{5,} \|", row) for row in rows)


def test_retired_words_are_no_arguments() -> None:
    assert set(RETIRED) & set(arguments()) == set()
    assert arguments().get("names", set()) <= {"tornado"}
    for name in OF_DRUGS:
        assert name in arguments()["drugs"]
    assert arguments()["drugs"] == set(OF_DRUGS)


def test_every_word_stands_once() -> None:
    words = PAGE.partition("\n## Arguments\n")[0]
    found = re.findall(r"^\| ([a-zA-Z][^|]*) \|", words, re.MULTILINE)
    heads = [word for row in found for word in row.split(", ") if word != "word"]
    assert len(set(heads)) == len(heads)
