"""COMBINE archives of others, read with suspicion: in memory, piece by piece, nothing unpacked."""

import io
import posixpath
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as Tree

from p53net.errors import InputError
from p53net.files import read_bytes

LARGEST = 64 * 2**20
"""Bytes of an archive."""

LARGEST_MEMBER = 20 * 2**20
"""Bytes of a member that is read, unpacked."""

LARGEST_TOGETHER = 256 * 2**20
"""Bytes that all members say they have, unpacked."""

MOST_MEMBERS = 1000

_LARGEST_XML = 8 * 2**20
_DEEPEST = 60  # elements of XML in each other
_DECLARED = re.compile(r"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, RuntimeError,
           ValueError)  # fmt: skip
"""What reading a damaged or locked member ends in; an unknown method is a RuntimeError too."""

_MANIFEST = "manifest.xml"
_SEDML = "sed-ml"


class Archive(NamedTuple):
    """An archive whose members are known, and can be read."""

    name: str
    content: bytes
    members: Mapping[str, str]
    """Path in the archive to the name in the zip."""

    def read(self, member: str) -> bytes:
        """A member, whole. Raises InputError where it is not there, or larger than allowed."""
        if member not in self.members:
            known = ", ".join(sorted(self.members)[:8])
            raise InputError(f"{self.name} has no member '{member[:80]}'; it has {known}")
        try:
            with (
                zipfile.ZipFile(io.BytesIO(self.content)) as held,
                held.open(self.members[member]) as file,
            ):
                found = file.read(LARGEST_MEMBER + 1)
        except _BROKEN as error:
            raise self.broken(f"'{member}' cannot be unpacked: {error}") from None
        if len(found) > LARGEST_MEMBER:
            raise self.broken(
                f"'{member}' is too large: at most {LARGEST_MEMBER // 2**20} MiB are read"
            )
        return found

    def runs(self) -> list[str]:
        """The SED-ML files: the master, or all."""
        listed = [one for one in self._listed() if _SEDML in one[1]]
        masters = [name for name, _, master in listed if master]
        if masters or listed:
            return masters or [name for name, _, _ in listed]
        found = sorted(name for name in self.members if name.lower().endswith((".sedml", ".sedx")))
        if not found:
            raise InputError(
                f"{self.name} has no SED-ML file, which says how to run its models; give an "
                "archive with one, or read a model of it with pn.read_sbml"
            )
        return found

    def _listed(self) -> list[tuple[str, str, bool]]:
        """What the manifest lists: path, format, and whether it is the master."""
        if _MANIFEST not in self.members:
            return []
        root = xml(self.read(_MANIFEST), f"the manifest of {self.name}")
        found = []
        for element in root.iter():
            place = element.get("location")
            if place is None or place in (".", "./", "/"):
                continue
            master = element.get("master", "").lower() in ("true", "1")
            found.append((inside(place, "", self.name), element.get("format", ""), master))
        return found

    def broken(self, what: str) -> InputError:
        """The error that says so."""
        return InputError(f"{self.name}: {what}; it is not run")


def opened(path: object) -> Archive:
    """An archive, with its members looked at: their paths, kinds, number and sizes.

    Raises InputError for one that is none, or that no honest tool writes: members outside of it,
    links, members twice, what is encrypted, or too large when unpacked.
    """
    content = read_bytes(path, LARGEST, "the archive")
    made = Archive(Path(str(path)).name, content, {})
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as held:
            infos = held.infolist()
    except _BROKEN as error:
        raise InputError(
            f"{made.name} is no COMBINE archive, which is a zip file: {error}; name another"
        ) from None
    if len(infos) > MOST_MEMBERS:
        raise made.broken(f"it has {len(infos):,} members, and at most {MOST_MEMBERS:,} are read")
    size = sum(info.file_size for info in infos)
    if size > LARGEST_TOGETHER:
        raise made.broken(
            f"unpacked it has {size / 2**20:,.0f} MiB, and at most {LARGEST_TOGETHER // 2**20} are "
            "read"
        )
    members = dict[str, str]()
    for info in infos:
        if info.is_dir():
            inside(info.filename.rstrip("/"), "", made.name)
            continue
        _check(made, info)
        place = inside(info.filename, "", made.name)
        if place in members:
            raise made.broken(f"'{place}' is there twice")
        members[place] = info.filename
    return made._replace(members=members)


def _check(made: Archive, info: zipfile.ZipInfo) -> None:
    mode = info.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise made.broken(f"'{info.filename[:80]}' is a link or a device, and no file")
    if info.flag_bits & _ENCRYPTED:
        raise made.broken(f"'{info.filename[:80]}' is encrypted")
    if info.compress_type not in _METHODS:
        raise made.broken(f"'{info.filename[:80]}' is compressed in a way that is not read")


def inside(place: str, folder: str, archive: str) -> str:
    """A path in an archive, from one of its folders. Raises InputError where it leads outside."""
    bad = "\\" in place or "\0" in place or place.startswith("/") or _SCHEME.match(place)
    found = posixpath.normpath(posixpath.join(folder, place)) if place else ""
    if bad or found in ("", ".", "..") or found.startswith("../") or len(found) > 500:
        raise InputError(
            f"{archive}: '{place[:80]}' is not the path of a file in the archive; nothing else is "
            "opened, and nothing is fetched"
        )
    return found


def xml(content: bytes, what: str) -> Tree.Element:
    """The root of an XML text in UTF-8 without declarations of its own. Raises InputError."""
    try:
        if len(content) > _LARGEST_XML:
            raise ValueError(f"it has more than {_LARGEST_XML // 2**20} MiB")
        text = content.decode("utf-8-sig")
        if _DECLARED.search(text):
            raise ValueError("it declares a document type or entities")
        return _parsed(text)
    except (Tree.ParseError, ValueError) as error:
        raise InputError(f"{what} cannot be read as XML: {error}; correct it") from None


def _parsed(text: str) -> Tree.Element:
    """The root, of a text whose elements are not so deep that a tree of them is dangerous."""
    builder, depth = Tree.TreeBuilder(), 0

    class Shallow:
        """Passes on what the parser finds."""

        def start(self, tag: str, attributes: dict[str, str]) -> None:
            nonlocal depth
            depth += 1
            if depth > _DEEPEST:
                raise ValueError(f"its elements are more than {_DEEPEST} deep")
            builder.start(tag, attributes)

        def end(self, tag: str) -> None:
            nonlocal depth
            depth -= 1
            builder.end(tag)

        def data(self, text: str) -> None:
            builder.data(text)

        def close(self) -> Tree.Element:
            return builder.close()

    parser = Tree.XMLParser(target=Shallow())  # noqa: S314 - it declares nothing, as seen above
    parser.feed(text)
    root: Tree.Element = parser.close()
    return root
