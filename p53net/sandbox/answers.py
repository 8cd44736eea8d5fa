"""Messages to and from a locked process: pickles, and from it only of what answers are made of.

A file that takes over the process that reads it must not get further, so nothing that comes back
can run code: numbers, texts, collections, arrays, and the records and errors named here.
"""

import io
import pickle
import struct
from typing import IO, Any

from p53net.errors import P53NetError

MOST = 2**31
"""Bytes of a message."""

_LENGTH = struct.Struct("<Q")
_RECORDS = {
    "builtins": {"frozenset", "set", "slice", "complex", "bytearray"},
    "collections": {"OrderedDict"},
    "numpy": {"dtype", "ndarray"},
    "numpy._core.multiarray": {"_reconstruct", "scalar"},
    "numpy.core.multiarray": {"_reconstruct", "scalar"},
    "numpy._core.numeric": {"_frombuffer"},
    "numpy.core.numeric": {"_frombuffer"},
    "p53net.engines.base": {"AtRest", "Capabilities", "Runs"},
    "p53net.model.definition": {"Definition"},
    "p53net.model.external.findings": {"Finding"},
    "p53net.model.own": {"Text"},
    "p53net.model.tables": {"Value"},
}
_ERRORS = "p53net.errors"


class _Answer(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        """Only what answers are made of."""
        error = module == _ERRORS and name.endswith("Error") and "." not in name
        if error or name in _RECORDS.get(module, ()):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"an answer holds {module}.{name}")


class _Sent(pickle.Pickler):
    def reducer_override(self, given: object) -> Any:  # noqa: ANN401
        """Errors as what they are made of: other packages give exceptions ways of their own."""
        if isinstance(given, P53NetError):
            return type(given), given.args
        return NotImplemented


def dumps(given: object) -> bytes:
    """An answer, to be sent."""
    content = io.BytesIO()
    _Sent(content, protocol=5).dump(given)
    return content.getvalue()


def loads(content: bytes) -> Any:  # noqa: ANN401
    """An answer. Raises pickle.UnpicklingError for what cannot be in one."""
    return _Answer(io.BytesIO(content)).load()


def send(stream: IO[bytes], content: bytes) -> None:
    """A message, with its length before it."""
    stream.write(_LENGTH.pack(len(content)) + content)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """The next message, whole; None at the end of the stream."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > MOST:
        return None
    content = stream.read(length)
    return content if len(content) == length else None
