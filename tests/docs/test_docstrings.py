"""Docstrings of public names: each has an example, which runs; signatures and `help` read well."""

import ast
import doctest
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

import p53net as pn
from tests.support import ROOT

SKIPPED = {
    "infer": "takes an hour",
    "validate": "docs/validation.md runs the same, for ten seconds of CPU",
}
"""Examples that are shown and not run, and why; at most five."""
LONG = ("Ensemble", "Model", "certify", "match", "next_experiment", "patient", "schedules",
        "trial_questions", "xenograft")  # fmt: skip
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
EXAMPLE = re.compile(r"^Examples:\n    >>> ", re.MULTILINE)
RAW = re.compile(r" at 0x|array\(|<class|<function|numpy\.|collections\.abc\.|pandas\.|p53net\.")
"""What a signature shows where a default or a type has no name of its own."""


def pages() -> dict[str, list[str]]:
    """Public names by the title of their page of the site."""
    found = {}
    for page in sorted((ROOT / "docs" / "api").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        title = text.partition("\n")[0].removeprefix("# ")
        found[title] = re.findall(r"^::: p53net\.(\w+)$", text, re.MULTILINE)
    return found


NAMES = [name for names in pages().values() for name in names]


def methods(name: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Public methods of a public class, its own and those that it has of a class of ours."""
    one = getattr(pn, name)
    if inspect.isclass(one):
        for method, function in inspect.getmembers(one, inspect.isfunction):
            if not method.startswith("_") and function.__module__.startswith("p53net."):
                yield f"{name}.{method}", function


def docstrings(name: str) -> dict[str, str]:
    """Of a public name, and of its methods."""
    if name == "OBSERVABLES":  # a mapping: its docstring is for the site
        nodes = ast.parse((ROOT / "p53net/model/structures.py").read_text(encoding="utf-8")).body
        assigned = [isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == name
                    for node in nodes]  # fmt: skip
        text = nodes[assigned.index(True) + 1]
        assert isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
        return {name: inspect.cleandoc(str(text.value.value))}
    every = {name: getattr(pn, name), **dict(methods(name))}
    return {key: inspect.getdoc(one) or "" for key, one in every.items()}


def doctests(name: str) -> list[doctest.DocTest]:
    parse = doctest.DocTestParser().get_doctest
    return [
        parse(text, {"pn": pn, "__name__": "example"}, key, None, 0)
        for key, text in docstrings(name).items()
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_has_an_example(name: str) -> None:
    """As a section of its docstring, which `help` shows and the site colours."""
    lacking = [key for key, text in docstrings(name).items() if len(EXAMPLE.findall(text)) != 1]
    assert lacking == []


@pytest.mark.parametrize("name", NAMES)
def test_attributes_are_in_the_examples_of_their_class(name: str) -> None:
    one = getattr(pn, name)
    shown = "".join(part.source for test in doctests(name) for part in test.examples)
    if inspect.isclass(one):
        values = inspect.getmembers(
            one, lambda value: isinstance(value, property | cached_property)
        )
        named = [key for key, _ in values if not key.startswith("_")]
        assert [key for key in named if f".{key}" not in shown] == []


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in NAMES]
)
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder of their own; what they print is what stands below them."""
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=FLAGS)
    for test in doctests(name):
        runner.run(test, out=said.append)
    assert runner.failures == 0, "".join(said)


def test_the_example_of_the_package_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    test = doctest.DocTestParser().get_doctest(pn.__doc__ or "", {}, "p53net", None, 0)
    assert test.examples and doctest.DocTestRunner(verbose=False).run(test).failed == 0
    assert (tmp_path / "run.png").exists()


def test_few_examples_are_not_run() -> None:
    skipped = [
        test.name
        for name in NAMES
        for test in doctests(name)
        if any(part.options.get(doctest.SKIP) for part in test.examples)
    ]
    assert skipped == list(SKIPPED) and len(SKIPPED) <= 5


def test_an_example_that_is_wrong_is_found() -> None:
    """What is written below an example is compared, and each docstring begins from `pn` alone."""
    text = textwrap.dedent("""
        >>> print(pn.constant(5.0))
        5 nM from 1 h
        >>> pn.constant(-1)
        Traceback (most recent call last):
            ...
        p53net.errors.InputError: the dose is negative
    """)
    test = doctest.DocTestParser().get_doctest(text, {"pn": pn}, "wrong", None, 0)
    runner = doctest.DocTestRunner(verbose=False, optionflags=FLAGS)
    assert runner.run(test, out=lambda _: None).failed == 2


@pytest.mark.parametrize("name", [name for name in NAMES if callable(getattr(pn, name))])
def test_signatures_read_well(name: str) -> None:
    """Defaults and types by their names: no printed arrays, addresses or pages of unions."""
    one = getattr(pn, name)
    if inspect.isclass(one) and issubclass(one, Exception):
        return
    shown = {key: str(inspect.signature(each)) for key, each in [(name, one), *methods(name)]}
    assert {key: text for key, text in shown.items() if RAW.search(text)} == {}


@pytest.mark.parametrize("name", NAMES)
def test_functions_say_what_they_raise(name: str) -> None:
    one = getattr(pn, name)
    if inspect.isfunction(one) and inspect.signature(one).parameters:
        assert re.search(r"\bRaises\s+(?:\w*Error|as\b)", docstrings(name)[name])


def test_help_of_the_package_has_every_name_where_the_site_has_it() -> None:
    """Groups of names, a line each, as the pages of the API group them."""
    groups: dict[str, list[str]] = {}
    for line in (pn.__doc__ or "").splitlines():
        if heading := re.fullmatch(r"(\w[^:]*):", line):
            groups[heading[1]] = []
        elif row := re.fullmatch(r"    (\w+(?:, \w+)*)  +\S.*", line):
            list(groups.values())[-1].extend(row[1].split(", "))
    own = groups.pop("Modules")
    assert {title: sorted(names) for title, names in groups.items()} == {
        title: sorted(names) for title, names in pages().items()
    }
    listed = [name for names in groups.values() for name in names]
    assert sorted(listed + own) == sorted(pn.__all__)
