"""Writing results so that nothing is lost: a temporary file beside the target, synced, renamed."""

import contextlib
import os
import tempfile
from pathlib import Path

from p53net.errors import OutputError


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
