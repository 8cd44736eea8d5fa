"""How the package is built: what imports what, how long a file is, and who names an engine."""

import ast
from collections.abc import Iterator, Set
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import pytest

from p53net.simulation.choice import ENGINES
from tests.support import ROOT

PACKAGE = "p53net"
ORDER: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("children", "extras", "files", "notebook"),
    ("sandbox",),
    ("model",),
    ("dosing", "engines"),
    ("simulation",),
    ("ensembles",),
    ("figures", "linting", "measures", "petab"),
    ("exchange",),
    ("sweeps",),
    ("studies",),
    ("evidence",),
    ("inference",),
    ("fitting",),
    ("certifying", "doctor", "drawing", "lab", "repeating"),
    ("cli",),
    ("__init__", "__main__"),
)
"""Rooms, and files that stand alone, from the ground up. What stands in one line is apart."""

MOST_LINES = 400


class Import(NamedTuple):
    """One import of a module of ours."""

    module: str
    of: str
    """Where it stands: "module", "function" or "typing", which is for the type checker only."""


@cache
def sources() -> dict[str, Path]:
    """Modules without the name of the package, and their files."""
    found = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT / PACKAGE).with_suffix("").parts
        inner = len(parts) > 1 and parts[-1] == "__init__"
        found[".".join(parts[:-1] if inner else parts)] = path
    return found


def imports_of(path: Path, own: str = PACKAGE) -> list[Import]:
    """What a file imports of a package, without its name, wherever in it."""
    return list(_imports(_parsed(path), "module", own))


@lru_cache(maxsize=1)
def _parsed(path: Path) -> ast.AST:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imports(node: ast.AST, where: str, own: str) -> Iterator[Import]:
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        for child in node.body:
            yield from _imports(child, "typing", own)
        for child in node.orelse:
            yield from _imports(child, where, own)
        return
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        where = "function" if where == "module" else where
    names: list[str] = []
    if isinstance(node, ast.Import):
        names = [each.name for each in node.names]
    elif isinstance(node, ast.ImportFrom):
        assert not node.level, "imports are absolute"
        names = [f"{node.module}.{each.name}" for each in node.names]
    for name in names:
        package, _, rest = name.partition(".")
        if package == own:
            yield Import(rest, where)
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.expr):  # which has no imports in it
            yield from _imports(child, where, own)


@cache
def imports() -> dict[str, list[Import]]:
    """Of each module, those of other modules. A name in a module is an import of the module."""
    known, found = sources(), {}
    for module, path in known.items():
        found[module] = []
        for name, where in imports_of(path):
            of = name
            while of and of not in known:
                of = of.rpartition(".")[0]
            of = of or "__init__"
            if of != module:
                found[module].append(Import(of, where))
    return found


def circles(kinds: Set[str]) -> set[frozenset[str]]:
    """Modules that import each other in a circle, by imports of these kinds."""
    reached = {module: _reached(module, kinds) for module in imports()}
    return {
        frozenset(other for other in reached[module] if module in reached[other])
        for module in imports()
        if module in reached[module]
    }


def _reached(module: str, kinds: Set[str]) -> set[str]:
    """Modules that an import of this one leads to; itself only in a circle."""
    found, waiting = set[str](), [module]
    while waiting:
        for one in imports()[waiting.pop()]:
            if one.of in kinds and one.module not in found:
                found.add(one.module)
                waiting.append(one.module)
    return found


def room(module: str) -> str:
    return module.partition(".")[0]


def test_every_room_has_its_place() -> None:
    assert {room(module) for module in sources()} == {name for line in ORDER for name in line}
    assert sum(map(len, ORDER)) == len({name for line in ORDER for name in line})


def test_imports_point_downwards() -> None:
    level = {name: number for number, line in enumerate(ORDER) for name in line}
    upwards = {
        (room(module), room(one.module))
        for module, own in imports().items()
        for one in own
        if room(module) != room(one.module) and level[room(module)] <= level[room(one.module)]
    }
    assert upwards == set()


def test_there_are_no_circles() -> None:
    assert circles({"module"}) == set()
    assert circles({"module", "function"}) == set()


def test_circles_for_the_type_checker_stay_in_their_room() -> None:
    """A class that holds what it makes: the types of both name each other."""
    for circle in circles({"module", "typing"}):
        assert len({room(module) for module in circle}) == 1, circle


def test_files_are_short() -> None:
    lengths = {
        str(path.relative_to(ROOT / PACKAGE)): len(path.read_text(encoding="utf-8").splitlines())
        for path in sources().values()
    }
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_only_the_choice_and_the_engines_name_an_engine() -> None:
    naming = set()
    for module, path in sources().items():
        if room(module) == "engines" or module in ("simulation.choice", "extras"):
            continue
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if any(isinstance(node, ast.Constant) and node.value in ENGINES for node in nodes):
            naming.add(str(path.relative_to(ROOT / PACKAGE)))
    assert naming == set()


def test_an_import_is_found_wherever_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "some.py"
    path.write_text(
        "from typing import TYPE_CHECKING\nimport p53net.a.b, numpy\nfrom p53net.c import d\n"
        "if TYPE_CHECKING:\n    from p53net import e\nelse:\n    import p53net.f as g\n"
        "class K:\n    def m(self):\n        from p53net.h import i, j\n"
    )
    found = [("a.b", "module"), ("c.d", "module"), ("e", "typing"), ("f", "module")]
    assert imports_of(path) == [*found, ("h.i", "function"), ("h.j", "function")]


TESTS = sorted((ROOT / "tests").rglob("*.py"))


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT / "tests")))
def test_tests_import_no_benchmark_and_no_other_test(path: Path) -> None:
    """What they share is in `support`, where no tests are; the referee is a room by itself, with
    equations beside its tests."""
    inside = path.relative_to(ROOT / "tests").parts[0]
    known = {"support", inside} if inside == "referee" else {"support"}
    modules = [one.module for one in imports_of(path, "tests")]
    assert imports_of(path, "benchmarks") == []
    assert [one for one in modules if room(one) not in known or ".test_" in one] == []
    if inside != "referee":
        assert path.name.startswith("test_") == (
            path.parent.name != "support" and path.stem not in ("__init__", "conftest")
        )


def test_tests_mirror_rooms() -> None:
    """A folder of tests is a room, but for what looks at pages, at two rooms, or at all laws."""
    folders = {path.name for path in (ROOT / "tests").iterdir() if (path / "__init__.py").exists()}
    rooms = {room(module) for module in sources()}
    assert folders - rooms == {"docs", "referee", "support"}


def test_no_module_is_named_as_a_function_of_its_own() -> None:
    """`from p53net.x import x` reads as two things."""
    named = {
        module
        for module, path in sources().items()
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == module.rpartition(".")[2]
    }
    assert named == set()
