"""From a WebAssembly object to a module: no linker is needed, for an object of the batch engine has
no data, and calls nothing outside itself. What is missing is a list of what it exports."""

from collections.abc import Iterator, Sequence

from p53net.errors import ModelError

_MAGIC = b"\0asm\1\0\0\0"
_CUSTOM, _IMPORT, _EXPORT, _CODE, _DATA, _DATA_COUNT = 0, 2, 7, 10, 11, 12
_SYMBOL_TABLE = 8
_FUNCTION, _DATA_SYMBOL, _SECTION_SYMBOL = 0, 1, 3
_UNDEFINED, _EXPLICIT_NAME = 0x10, 0x40
_EXPECTED = (b"__linear_memory", b"__stack_pointer")


def linked(code: bytes, names: Sequence[str]) -> bytes:
    """The module of one object that exports these functions. It imports `env.__linear_memory` and
    `env.__stack_pointer`. Raises ModelError where the object needs more than that."""
    if not code.startswith(_MAGIC):
        raise ModelError("this is no WebAssembly object")
    sections, exports = list[tuple[int, bytes]](), dict[bytes, int]()
    for kind, body in _sections(code):
        if kind == _DATA:
            raise ModelError("a WebAssembly object with data needs a linker")
        if kind == _IMPORT:
            _check_imports(body)
        if kind != _CUSTOM:
            sections.append((kind, body))
            continue
        size, at = _number(body, 0)
        if body[at : at + size] == b"linking":
            exports = dict(_functions(body, at + size))
    wanted = [name.encode() for name in names]
    if missing := [name for name in wanted if name not in exports]:
        raise ModelError(f"a WebAssembly object has no function {missing[0].decode()}")
    listed = b"".join(
        _written(len(name)) + name + bytes([_FUNCTION]) + _written(exports[name]) for name in wanted
    )
    sections.append((_EXPORT, _written(len(wanted)) + listed))
    # The count of data stands before the code, against its number.
    sections.sort(key=lambda one: _CODE - 0.5 if one[0] == _DATA_COUNT else one[0])
    return _MAGIC + b"".join(bytes([k]) + _written(len(body)) + body for k, body in sections)


def _sections(code: bytes) -> Iterator[tuple[int, bytes]]:
    at = len(_MAGIC)
    while at < len(code):
        kind = code[at]
        size, at = _number(code, at + 1)
        yield kind, code[at : at + size]
        at += size


def _check_imports(body: bytes) -> None:
    """Raise ModelError for an import of anything but memory and the stack's pointer."""
    count, at = _number(body, 0)
    for _ in range(count):
        size, at = _number(body, at)
        size, at = _number(body, at + size)
        name = body[at : at + size]
        if name not in _EXPECTED:
            raise ModelError(f"a WebAssembly object calls {name.decode(errors='replace')}")
        at = _behind_import(body, at + size)


def _behind_import(body: bytes, at: int) -> int:
    """Where the next import begins: a memory has limits, a global a type and whether it varies."""
    if body[at] != 2:  # a global
        return at + 3
    bounded = body[at + 1] & 1
    _, at = _number(body, at + 2)
    return _number(body, at)[1] if bounded else at


def _functions(section: bytes, at: int) -> Iterator[tuple[bytes, int]]:
    """Name and number of each function that an object defines."""
    _, at = _number(section, at)  # version
    while at < len(section):
        kind = section[at]
        size, at = _number(section, at + 1)
        if kind == _SYMBOL_TABLE:
            yield from _symbols(section, at)
        at += size


def _symbols(section: bytes, at: int) -> Iterator[tuple[bytes, int]]:
    count, at = _number(section, at)
    for _ in range(count):
        kind = section[at]
        flags, at = _number(section, at + 1)
        outside, named = flags & _UNDEFINED, flags & _EXPLICIT_NAME
        if kind == _DATA_SYMBOL:
            size, at = _number(section, at)
            at += size
            for _ in range(0 if outside else 3):
                _, at = _number(section, at)
        elif kind == _SECTION_SYMBOL:
            _, at = _number(section, at)
        else:
            index, at = _number(section, at)
            if not outside or named:
                size, at = _number(section, at)
                if kind == _FUNCTION:
                    yield section[at : at + size], index
                at += size


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number in LEB128, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
        if byte < 128:
            return value, at


def _written(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])
