"""Single numbers of the model texts and tables, read and replaced where they stand.

In a structure that is not the default they are replaced in `refitted.tsv`, beside the others.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from p53net.errors import UnknownNameError
from p53net.files import write_text
from p53net.model.library import models_folder
from p53net.model.statements import value_of_line
from p53net.model.structures import as_structure, differing, name_of
from p53net.model.tables import Value, refit_of, value_of_row

MODEL = "model"
"""The entry of numbers in the model texts."""

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


def replace_value(entry: str, parameter: str, value: float) -> None:
    """Write another number in the same place; in a structure that is not the default, in a row of
    its own. Raises UnknownNameError, OutputError."""
    structure = as_structure(None)
    if differing(structure) or parameter in refit_of(entry, structure):
        _refit(name_of(structure), entry, parameter, value)
        return
    path, number = _place(entry, parameter)
    lines = path.read_text(encoding="utf-8").splitlines()
    if entry == MODEL:
        old = re.match(r"(\w+ = )(\S+)( \w+)( *)(// .+)", lines[number])
        assert old is not None  # noqa: S101 - it was found by this form
        start = f"{old[1]}{value:.12g}{old[3]}"
        width = len(old[1] + old[2] + old[3] + old[4])
        lines[number] = f"{start:<{width}}{old[5]}"
    else:
        cells = lines[number].split("\t")
        cells[2] = f"{value:.12g}"
        lines[number] = "\t".join(cells)
    write_text(path, "\n".join(lines) + "\n")


def _refit(structure: str, entry: str, parameter: str, value: float) -> None:
    old = committed_value(entry, parameter)
    path = models_folder() / "refitted.tsv"
    start = f"{structure}\t{entry}\t{parameter}\t"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if not line.startswith(start)]
    cells = f"{value:.12g}", old.unit, old.kind, old.saw, old.source, ""
    write_text(path, "\n".join([*lines, start + "\t".join(cells)]) + "\n")


def _place(entry: str, parameter: str) -> tuple[Path, int]:
    for path, number, line in _lines(entry == MODEL):
        start = f"{parameter} = " if entry == MODEL else f"{entry}\t{parameter}\t"
        if line.startswith(start):
            return path, number
    raise UnknownNameError(f"'{parameter}' of '{entry}' stands in no table of {models_folder()}")


def _lines(texts: bool) -> Iterator[tuple[Path, int, str]]:
    folder = models_folder()
    names = sorted(folder.glob("*.ant")) if texts else [folder / name for name in _TABLES]
    for path in names:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
            yield path, number, line
