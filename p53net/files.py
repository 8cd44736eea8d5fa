"""Files: results are written so that nothing is lost, and users' files are read with suspicion."""

import contextlib
import csv
import io
import os
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path

from p53net.errors import InputError, OutputError

_PIECE = 2**20  # bytes that are read at once
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def as_path(path: object, what: str) -> Path:
    """The path of a file that a user names. Raises InputError, which says `what` it is."""
    try:
        if isinstance(path, str | os.PathLike):
            return Path(os.fsdecode(path))
    except (TypeError, ValueError):
        pass
    raise InputError(f"cannot read {what}: {path!r} is not a path; give the name of a file")


def read_bytes(path: object, limit: int, what: str) -> bytes:
    """A user's file, whole: a regular file, or a link to one, of at most `limit` bytes.

    `what` begins the error, such as "the SBML file". Nothing is waited for: a pipe or a device is
    refused. Raises InputError.
    """
    file = as_path(path, what)
    allowed = f"MiB, but at most {limit / 2**20:,.4g} are allowed; name a smaller file"

    def check(about: os.stat_result) -> None:
        if not stat.S_ISREG(about.st_mode):
            kind = _KINDS.get(stat.S_IFMT(about.st_mode), "no file")
            raise ValueError(f"it is {kind}; name a regular file")
        if about.st_size > limit:
            raise ValueError(f"it is too large: it has {about.st_size / 2**20:,.1f} {allowed}")

    try:
        # Some devices act when they are opened, so the kind is asked for before; and again
        # afterwards, as another file may stand there by then.
        check(os.stat(file))
        flags = (getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY"))
        handle = os.open(file, os.O_RDONLY | sum(flags))
        try:
            check(os.fstat(handle))
            pieces, size = list[bytes](), 0
            while piece := os.read(handle, _PIECE):
                pieces.append(piece)
                size += len(piece)
                if size > limit:  # it grows, or says that it has 0, as files in /proc do
                    raise ValueError(
                        f"it is larger than it says: it has {size / 2**20:,.1f} {allowed}"
                    )
        finally:
            os.close(handle)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {what} {file}: {error}") from None
    return b"".join(pieces)


def read_delimited(path: object, limit: int, what: str) -> tuple[str, list[tuple[int, list[str]]]]:
    """A user's table of text, with commas or tabs: what to call it, and its lines with their
    numbers, the header first and empty ones left out. Raises InputError."""
    content = read_bytes(path, limit, what)
    name = f"{what} {Path(str(path)).name}"
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not text in UTF-8: {error.reason}; save it as such") from None
    if "\0" in text:
        raise InputError(f"{name} holds a NUL byte; it is no table")
    mark = "\t" if "\t" in text.partition("\n")[0] else ","
    try:
        lines = list(csv.reader(io.StringIO(text), delimiter=mark, strict=True))
    except csv.Error as error:
        raise InputError(f"{name} cannot be read: {error}; write it as CSV") from None
    return name, [
        (number, line) for number, line in enumerate(lines, start=1) if any(map(str.strip, line))
    ]


def fields(name: str, number: int, columns: Sequence[str], texts: Sequence[str]) -> dict[str, str]:
    """What a line of such a table has in each column. Raises InputError for too many or few."""
    if len(texts) != len(columns):
        raise InputError(
            f"{name}, row {number}: it has {len(texts)} fields, and there are {len(columns)} "
            "columns; correct it"
        )
    return dict(zip(columns, (text.strip() for text in texts), strict=True))


def write_bytes(path: str | Path, content: bytes) -> Path:
    """Write the file whole or not at all; a failure leaves the old file as it was.

    Raises OutputError where the folder is missing, read-only or full.
    """
    target = Path(path)
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except (OSError, ValueError) as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise OutputError(
            f"cannot write {target}: {error}; choose a path in an existing, writable folder"
        ) from None
    return target


def write_text(path: str | Path, content: str) -> Path:
    """Write UTF-8 text whole or not at all."""
    return write_bytes(path, content.encode("utf-8"))


def made_folder(path: str | Path) -> Path:
    """The folder, made where it is missing."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot make the folder {path}: {error}; choose a path that can be written"
        ) from None
    return Path(path)
