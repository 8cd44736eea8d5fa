"""The files of a PEtab problem: a YAML file that names tables and a model, all in one folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from p53net.errors import InputError, UnsupportedError
from p53net.files import as_path, read_bytes

LARGEST_YAML = 2**16
"""Bytes of the YAML file, which only names others."""

LARGEST_TABLE = 20 * 2**20
"""Bytes of each table."""

MOST_FILES = 100
"""Files of one kind."""

_V1 = ("condition", "measurement", "observable")
_V2 = (*_V1, "experiment", "mapping")
_OPTIONAL = ("condition", "experiment", "mapping")


class File(NamedTuple):
    """A table, as it is in its file."""

    name: str
    """What the YAML file calls it."""
    content: bytes


class Files(NamedTuple):
    """What a problem consists of."""

    name: str
    """Of the YAML file."""
    version: int
    """Of the format: 1 or 2."""
    model: Path
    tables: Mapping[str, tuple[File, ...]]
    """Kind, such as `measurement`, to its files."""


def files_of(path: object, folder: object = None) -> Files:
    """The files that a YAML file names.

    They have to be in its folder, or in `folder`, or below. Raises InputError for what is missing,
    elsewhere, too large or no such YAML; UnsupportedError for other versions of the format.
    """
    file = as_path(path, "the PEtab problem")
    known = _parsed(read_bytes(file, LARGEST_YAML, "the PEtab problem"), file.name)
    root = file.parent if folder is None else as_path(folder, "the folder of the PEtab problem")
    given = _Listed(file, known, root)
    version = _version(known, file.name)
    return given.first() if version == 1 else given.second()


def _parsed(content: bytes, name: str) -> Mapping[str, Any]:
    try:
        text = content.decode("utf-8-sig")
        if any(getattr(event, "value", "") == "<<" for event in yaml.parse(text)):
            raise ValueError("it merges mappings (<<)")  # a few of which can fill the memory
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, TypeError, LookupError, RecursionError) as error:
        first = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{name} is no YAML: {first}; correct the file") from None
    if not isinstance(found, dict):
        raise InputError(f"{name} names no files; give the YAML file of a PEtab problem")
    return found


def _version(known: Mapping[str, Any], name: str) -> int:
    if "format_version" not in known:
        raise InputError(f"{name} has no format_version; give the YAML file of a PEtab problem")
    written = _text(known["format_version"])
    major = written.partition(".")[0]
    if major not in ("1", "2"):
        raise UnsupportedError(
            f"{name} has the format_version {written[:20]}, and 1 and 2 can be read"
        )
    return int(major)


class _Listed:
    """What one YAML file lists."""

    def __init__(self, file: Path, known: Mapping[str, Any], root: Path) -> None:
        self._file, self._known, self._root = file, known, root.resolve()

    def first(self) -> Files:
        """Of format 1."""
        problems = self._known.get("problems")
        if not isinstance(problems, list) or not all(isinstance(one, dict) for one in problems):
            raise InputError(f"{self._file.name} has no list of problems; correct the file")
        if len(problems) != 1:
            raise UnsupportedError(
                f"{self._file.name} has {len(problems)} problems, and one can be read; divide it"
            )
        own = problems[0]
        tables = {kind: self._tables(own, f"{kind}_files", kind) for kind in _V1}
        tables["parameter"] = self._tables(self._known, "parameter_file", "parameter")
        return Files(self._file.name, 1, self._model(self._names(own, "sbml_files")), tables)

    def second(self) -> Files:
        """Of format 2."""
        extensions = self._known.get("extensions")
        for name, about in extensions.items() if isinstance(extensions, dict) else ():
            if not isinstance(about, dict) or about.get("required", True):
                raise UnsupportedError(
                    f"{self._file.name} needs the extension {_text(name)}, and none can be read"
                )
        models = self._known.get("model_files")
        if not isinstance(models, dict) or not all(isinstance(m, dict) for m in models.values()):
            raise InputError(f"{self._file.name} has no model_files; name the SBML file of one")
        if any(one.get("language") != "sbml" for one in models.values()):
            raise UnsupportedError(f"{self._file.name} has a model that is not SBML")
        tables = {kind: self._tables(self._known, f"{kind}_files", kind) for kind in _V2}
        tables["parameter"] = self._tables(self._known, "parameter_files", "parameter")
        where = [one.get("location") for one in models.values()]
        return Files(self._file.name, 2, self._model(where), tables)

    def _model(self, names: Sequence[object]) -> Path:
        if len(names) != 1:
            raise UnsupportedError(f"{self._file.name} names {len(names)} models, not one")
        return self._inside(names[0])

    def _tables(self, where: Mapping[str, Any], key: str, kind: str) -> tuple[File, ...]:
        names = self._names(where, key)
        if not names and kind not in _OPTIONAL:
            raise InputError(f"{self._file.name} has no {key}; name the {kind} table there")
        what = f"the {kind} table"
        return tuple(
            File(_text(name), read_bytes(self._inside(name), LARGEST_TABLE, what)) for name in names
        )

    def _names(self, where: Mapping[str, Any], key: str) -> list[object]:
        found = where.get(key)
        names = list(found) if isinstance(found, list) else [] if found is None else [found]
        if len(names) > MOST_FILES:
            raise InputError(f"{self._file.name}: {key} names more than {MOST_FILES} files")
        return names

    def _inside(self, name: object) -> Path:
        """The path of a file, which must not lead out of the folder."""
        try:
            found = (self._file.parent / _text(name)).resolve()
            inside = isinstance(name, str) and found.is_relative_to(self._root)
        except (OSError, ValueError, RuntimeError):  # a NUL, or links in a circle
            inside = False
        if not inside:
            raise InputError(
                f"{self._file.name} names '{_text(name)[:100]}', which is outside the folder "
                f"{self._root.name}; put all files into one folder, or name it: folder="
            )
        return found


def _text(value: object) -> str:
    """What a file says, or what it is: a list may hold itself many times over."""
    return str(value) if isinstance(value, str | int | float) else f"a {type(value).__name__}"
