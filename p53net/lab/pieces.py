"""What contents of a page are made of: pieces of bytes by number, and rows that share sources."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from p53net.lab.systems import system_for_page
from p53net.model import Definition
from p53net.model.tables import Entry, Value

Row = tuple[float, str, int, str]
"""Value, unit, number of the source, kind."""


@dataclass
class Contents:
    """What a page holds: data as JSON, and pieces of bytes that they name by number."""

    data: dict[str, object] = field(default_factory=dict)
    pieces: list[bytes] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)

    def place(self, piece: bytes) -> int:
        """The number of a piece; equal ones are kept once."""
        name = hashlib.sha256(piece).hexdigest()
        if name not in self._places:
            self._places[name] = len(self.pieces)
            self.pieces.append(piece)
        return self._places[name]


class Sources:
    """Texts that many rows share."""

    def __init__(self) -> None:
        self.texts: dict[str, int] = {}

    def row(self, value: Value) -> Row:
        """A value with the number of its source."""
        number = self.texts.setdefault(value.source, len(self.texts))
        return value.value, value.unit, number, value.kind


def lines_over(
    base: Mapping[str, Value], sources: Sources, lines: Mapping[str, Entry]
) -> dict[str, dict[str, Row]]:
    """What is another value in each line than in a model of the generic one."""
    return {
        line: {name: sources.row(row) for name, row in entry.values.items()
               if name in base and row != base[name]}
        for line, entry in lines.items()
    }  # fmt: skip


def system_in(definition: Definition, found: Contents) -> dict[str, object]:
    """Equations, as a module and as SBML."""
    made = system_for_page(definition)
    return {
        "system": {name: value for name, value in made.about.items() if name != "id"},
        "module": found.place(made.module),
        "sbml": found.place(definition.sbml.encode()),
    }
