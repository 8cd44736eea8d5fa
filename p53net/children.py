"""Python processes of ours: where they import from, and how they find a user's own modules.

The current folder is never on the import path of a child: a file in it that is named like a package
would run in place of that package. A user's functions come as code, with the names and places of
the modules that this process would import from there, and a child imports no others from there.
"""

import ast
import importlib.util
import inspect
import os
import pickle
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from p53net.errors import InputError

_places: dict[str, str] = {}
"""Modules of a user to their folders, in a child."""


def command(*arguments: str) -> list[str]:
    """This very interpreter; `-P` keeps the processes that it starts from adding the folder too."""
    return [sys.executable, "-P", *arguments]


def environment() -> dict[str, str]:
    """That of this process, with its import path but for the current folder, whoever put it there:
    Python does in notebooks, for `-c` and `-m`, and for a script that is in it."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(_path())}


def as_code(function: Callable[..., object]) -> bytes:
    """A pickle for `function_of`, in a child of ours or in a worker of a cluster.

    Raises InputError for a function that holds what cannot be pickled.
    """
    import cloudpickle

    try:
        return pickle.dumps((_own_modules(), cloudpickle.dumps(function)))
    except Exception as error:  # whatever a value raises that cannot be sent
        raise InputError(
            f"a measure of your own holds what cannot be sent to workers: {error}; make it within "
            "the function, or use workers=0"
        ) from None


def function_of(code: bytes) -> Callable[..., Any]:
    """The function, and in this process the modules that it was sent with."""
    places, function = pickle.loads(code)  # noqa: S301 - from who sent the work
    _places.update(places)
    if _places and _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)
    found: Callable[..., Any] = pickle.loads(function)  # noqa: S301
    return found


class _Finder:
    """Imports a user's modules, and nothing else, from their folders."""

    @classmethod
    def find_spec(
        cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return PathFinder.find_spec(name, [_places[name]]) if name in _places else None


def _path() -> list[str]:
    return [entry for entry in sys.path if not _is_here(entry)]


def _is_here(entry: str) -> bool:
    try:
        return os.path.samefile(entry or os.curdir, os.curdir)
    except OSError:  # nothing is there
        return False


_SHARED = ("<string>", "<stdin>")
"""File names that many texts have: Python 3.13 gives all of them the source of `python -c`."""


def source_of(function: Callable[..., object]) -> str:
    """What tells a function from others: its source, or its code where it was typed at a prompt."""
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType) or code.co_filename not in _SHARED:
        with suppress(OSError, TypeError):
            return inspect.getsource(function)
    return _code(code) if isinstance(code, CodeType) else repr(function)


def _code(code: CodeType) -> str:
    """Code with its names and constants, the same in every process."""
    constants = [
        _code(one) if isinstance(one, CodeType)
        else repr(sorted(map(repr, one))) if isinstance(one, frozenset)
        else repr(one)
        for one in code.co_consts
    ]  # fmt: skip
    return repr((code.co_code, code.co_names, code.co_varnames, constants))


def _own_modules() -> dict[str, str]:
    """Modules that a child could not find, to their folders: those that this process has imported,
    and those that they would import later, within functions."""
    kept = {os.path.abspath(entry) for entry in _path()}
    own: dict[str, str] = {}

    def is_own(name: str) -> bool:
        folder = _folder(name)
        if folder is None or folder in kept or name == __package__:
            return False
        own[name] = folder
        return True

    loaded = list(sys.modules)
    for name in loaded:
        if "." not in name:
            is_own(name)
    files = [_file(name) for name in loaded if name.partition(".")[0] in own or name == "__main__"]
    while files:
        if (file := files.pop()) is not None:
            files += [_file(name) for name in _imports(file) if name not in own and is_own(name)]
    return own


def _spec(name: str) -> ModuleSpec | None:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):  # made by hand, or `__main__`
        return None
    return spec if spec is not None and spec.name == name else None  # an alias is no module


def _folder(name: str) -> str | None:
    """Where a module or package is, if it is a file."""
    spec = _spec(name)
    if spec is None or not (spec.has_location or spec.submodule_search_locations):
        return None
    place = next(iter(spec.submodule_search_locations or ()), spec.origin)
    return os.path.dirname(os.path.abspath(place)) if place else None


def _file(name: str) -> str | None:
    """The source of a module, if it has one."""
    if name == "__main__":
        return getattr(sys.modules[name], "__file__", None)
    spec = _spec(name)
    return spec.origin if spec is not None and spec.has_location else None


@cache
def _imports(file: str) -> frozenset[str]:
    """Modules and packages that a source names in its imports."""
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):  # no source
        return frozenset()
    return frozenset(_names(tree))


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name.partition(".")[0] for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
