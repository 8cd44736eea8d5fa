"""What a check of a stranger's file says, and where."""

from typing import NamedTuple

import libsbml

ERROR, WARNING, NOTE = "error", "warning", "note"
"""It cannot be run, or not rightly; its numbers may not be what is meant; good to know."""


class Finding(NamedTuple):
    """One thing about a file."""

    severity: str
    """`error`, `warning` or `note`."""
    check: str
    subject: str
    """Id of the element."""
    line: int
    """In the file; 0 where there is none."""
    message: str


class Lines:
    """Where elements stand in a file."""

    def __init__(self, document: "libsbml.SBMLDocument") -> None:
        items = [item for item in document.getListOfAllElements() if item.getId()]
        placed = ((int(item.getLine()), str(item.getId())) for item in items)
        self._placed = sorted(placed, key=lambda one: one[0])
        self._lines: dict[str, int] = {}
        for line, name in self._placed:
            self._lines.setdefault(name, line)

    def of(self, name: str) -> int:
        """The line of an id; 0 where there is none."""
        return self._lines.get(name, 0)

    def subject_at(self, line: int) -> str:
        """The last id at or before a line."""
        before = [name for at, name in self._placed if at <= line]
        return before[-1] if before else "sbml"
