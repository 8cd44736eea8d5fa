"""Single numbers of the model texts and tables, read and replaced where they stand.

In a structure that is not the default they are replaced in `refitted.tsv`, beside the others.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from p53net.errors import UnknownNameError
from p53net.files import write_text
from p53net.model.library import models_folder
from p53net.model.statements import value_of_line
from p53net.model.structures import as_structure, differing, library_of, name_of
from p53net.model.tables import Value, refit_of, value_of_row

MODEL = "model"
"""The entry of numbers in the model texts."""

_FIT, _FITTED = "fit: ", "fitted"
_TABLES = ("drugs.tsv", "cell_lines.tsv", "pharmacokinetics.tsv")


def committed_value(entry: str, parameter: str) -> Value:
    """A number of a drug, a cell line, a `drug in host`, or of the model texts (`model`), in the
    structure that is supposed. Raises UnknownNameError.
    """
    if (found := refit_of(entry, as_structure(None)).get(parameter)) is not None:
        return found
    path, number = _place(entry, parameter)
    line = path.read_text(encoding="utf-8").splitlines()[number]
    if entry == MODEL:
        return value_of_line(line)
    return value_of_row(line.split("\t"), str(path))


def fitted_by(old: Value, value: float, block: str, observed: Iterable[str]) -> Value:
    """The number that a block of a fit gave in place of another: it saw what it was fitted to. What
    a fitted number saw besides stays."""
    kept = [one for one in re.split(r";\s+", old.saw) if one and not one.startswith(_FIT)]
    saw = [f"{_FIT}{', '.join(observed)}", *(kept if old.kind == _FITTED else ())]
    return Value(value, old.unit, _FITTED, f"p53net calibrate {block}", "; ".join(saw))


def replace_value(entry: str, parameter: str, new: Value) -> None:
    """Write another number in the same place, with its kind, its source and what it saw; in a
    structure that is not the default, in a row of its own. Raises UnknownNameError, OutputError."""
    structure = as_structure(None)
    if differing(structure) or parameter in refit_of(entry, structure):
        _refit(name_of(structure), entry, parameter, new)
        return
    path, number = _place(entry, parameter)
    lines = path.read_text(encoding="utf-8").splitlines()
    old = committed_value(entry, parameter)
    if entry == MODEL:
        lines[number] = _line(lines[number], old, new)
    else:
        cells = lines[number].split("\t")
        cells[2] = f"{new.value:.12g}"
        if new.kind != old.kind:
            cells[4], cells[5], cells[6] = new.kind, new.source, ""  # a note on another choice
        cells[7] = new.saw
        lines[number] = "\t".join(cells)
    write_text(path, "\n".join(lines) + "\n")


def _line(line: str, old: Value, new: Value) -> str:
    found = re.match(r"(\w+ = )(\S+)( \w+)( *)(// .+)", line)
    assert found is not None  # noqa: S101 - it was found by this form
    start = f"{found[1]}{new.value:.12g}{found[3]}"
    width = len(found[1] + found[2] + found[3] + found[4])
    said = re.sub(r" \{saw: .*\}$", "", found[5])
    if new.kind != old.kind:
        said = f"// {new.kind}: {new.source}"
    return f"{start:<{width}}{said}{f' {{saw: {new.saw}}}' if new.saw else ''}"


def _refit(structure: str, entry: str, parameter: str, new: Value) -> None:
    path = models_folder() / "refitted.tsv"
    start = f"{structure}\t{entry}\t{parameter}\t"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if not line.startswith(start)]
    cells = f"{new.value:.12g}", new.unit, new.kind, new.saw, new.source, ""
    write_text(path, "\n".join([*lines, start + "\t".join(cells)]) + "\n")


def _place(entry: str, parameter: str) -> tuple[Path, int]:
    for path, number, line in _lines(entry == MODEL):
        start = f"{parameter} = " if entry == MODEL else f"{entry}\t{parameter}\t"
        if line.startswith(start):
            return path, number
    raise UnknownNameError(f"'{parameter}' of '{entry}' stands in no table of {models_folder()}")


def _lines(texts: bool) -> Iterator[tuple[Path, int, str]]:
    folder = models_folder()
    chosen = sorted(f"{one.name}.ant" for one in library_of().chosen)
    names = [folder / name for name in (chosen if texts else _TABLES)]
    for path in names:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
            yield path, number, line
