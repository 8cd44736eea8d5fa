"""What a user hands over as a model: the name of a file, its text, or its bytes."""

from pathlib import Path
from typing import NamedTuple, TypeAlias

from p53net.errors import InputError
from p53net.files import as_path, read_bytes

LARGEST_FILE = 20 * 2**20
"""Bytes that a file may have."""

FILE = "the SBML file"
"""What errors call it."""

TEXT = "SBML text"
"""The name of what comes without a file."""

SourceLike: TypeAlias = str | bytes | Path
"""A path, text that begins with `<`, or bytes."""


class Source(NamedTuple):
    """An SBML document, and where it is from."""

    name: str
    """Of the file, without its folder."""
    content: bytes
    place: str
    """The whole path; "" without a file."""

    @property
    def path(self) -> Path:
        """The name as a path."""
        return Path(self.name)


def source_of(given: SourceLike) -> Source:
    """What a user hands over. Raises InputError for what cannot be read, or is too large."""
    if isinstance(given, str) and given.lstrip("\ufeff \t\r\n").startswith("<"):
        try:
            given = given.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InputError(f"cannot read the {TEXT}: {error}; give its bytes") from None
    if isinstance(given, bytes | bytearray | memoryview):
        content = bytes(given)
        if len(content) > LARGEST_FILE:
            raise InputError(
                f"cannot read the {TEXT}: it is too large: it has {len(content) / 2**20:,.1f} MiB, "
                f"but at most {LARGEST_FILE / 2**20:g} are allowed; give a smaller one"
            )
        return Source(TEXT, content, "")
    file = as_path(given, FILE)
    return Source(file.name, read_bytes(file, LARGEST_FILE, FILE), str(file.absolute()))
