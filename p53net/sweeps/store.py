"""A sweep on disk: Parquet chunks that any reader opens, and a manifest that says whose they are.

A chunk is written to a temporary file, synced and renamed; its name holds the digest of its bytes,
so that a chunk is whole or is found out. A lock keeps a second writer away and ends with its owner.
"""

import contextlib
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p53net.errors import StoreError
from p53net.files import made_folder, write_bytes, write_text
from p53net.sweeps.design import MOST_RUNS

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
_MANIFEST, _LOCK, _CHUNKS = "manifest.json", ".lock", "chunks"
_DIGITS = 32  # of the SHA-256 in a chunk's name
_LARGEST_MANIFEST = 1 << 28  # bytes


class Store:
    """The folder of one sweep. `opened` or `read` makes it."""

    def __init__(self, folder: Path, manifest: Mapping[str, Any]) -> None:
        self.folder = folder
        self.manifest = manifest
        self.corrupt = 0
        """Chunks that were found damaged, and dropped."""

    @property
    def chunk_size(self) -> int:
        """Points of each chunk but the last."""
        return int(self.manifest["chunk_size"])

    @property
    def size(self) -> int:
        """Points of the sweep."""
        return math.prod(int(length) for length in self.manifest["shape"])

    def write(self, start: int, table: "pa.Table") -> None:
        """Add a chunk, whole or not at all. Raises OutputError."""
        import pyarrow.parquet as pq

        stamp = {"p53net_sweep": self.manifest["key"], "p53net_start": str(start)}
        content = BytesIO()
        pq.write_table(table.replace_schema_metadata(stamp), content, compression="zstd")
        data = content.getvalue()
        write_bytes(self.folder / _CHUNKS / f"{start:012d}-{_named(data)}.parquet", data)

    def chunks(self) -> "Iterator[tuple[int, pa.Table]]":
        """Each sound chunk with its first point. Damaged ones are counted and left out.

        Raises StoreError for a chunk of another sweep.
        """
        for path in sorted(self._folder.glob("*.parquet")):
            table = self._sound(path)
            if table is None:
                self.corrupt += 1
            else:
                yield _start(path), table

    def done(self) -> set[int]:
        """First points of the sound chunks. Damaged ones and left-over temporary files go away."""
        found = set()
        for path in sorted(path for path in self._folder.iterdir() if path.is_file()):
            if path.name.startswith(".") or self._sound(path) is None:
                self.corrupt += not path.name.startswith(".")
                path.unlink()
            else:
                found.add(_start(path))
        return found

    @property
    def _folder(self) -> Path:
        return self.folder / _CHUNKS

    def _sound(self, path: Path) -> "pa.Table | None":
        """The chunk's table, or None if it is not what was written."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            data = path.read_bytes()
        except OSError:
            return None
        start, _, name = path.stem.partition("-")
        if path.suffix != ".parquet" or name != _named(data) or not start.isdecimal():
            return None
        try:
            table = pq.read_table(pa.BufferReader(data))
        except (pa.ArrowException, OSError):
            return None
        stamp = table.schema.metadata or {}
        if stamp.get(b"p53net_sweep") != str(self.manifest["key"]).encode():
            raise StoreError(
                f"{path} is a chunk of another sweep; take it out of the folder to go on"
            )
        expected = min(self.chunk_size, self.size - _start(path))
        if stamp.get(b"p53net_start") != str(_start(path)).encode() or len(table) != expected:
            return None
        return table


@contextlib.contextmanager
def opened(folder: str | Path, manifest: Mapping[str, Any], resume: bool) -> Iterator[Store]:
    """The store of this sweep, new or resumed, locked against other writers.

    Raises StoreError for a folder that holds something else, or that another process writes;
    OutputError where it cannot be written.
    """
    import filelock

    path = Path(folder)
    if path.is_dir() and any(path.iterdir()) and not (path / _MANIFEST).is_file():
        # A start that was killed leaves a manifest that is not yet renamed.
        others = {one.name for one in path.iterdir() if not one.match(f".{_MANIFEST}.*")}
        if not others <= {_LOCK, _CHUNKS}:
            raise StoreError(f"{path} holds other files; name an empty or new folder")
    made_folder(path)
    lock = filelock.FileLock(path / _LOCK)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise StoreError(
            f"another process is writing {path}; wait for it, or name another folder"
        ) from None
    except OSError as error:
        raise StoreError(
            f"cannot lock {path}: {error}; name a folder that can be written"
        ) from None
    try:
        yield _matched(path, manifest, resume)
    finally:
        lock.release()


def read(folder: str | Path) -> Store:
    """A store for reading, finished or not. Raises StoreError where there is none."""
    path = Path(folder)
    file = path / _MANIFEST
    try:
        if file.stat().st_size > _LARGEST_MANIFEST:
            raise ValueError("it is too large")
        manifest = json.loads(file.read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            raise StoreError(
                f"{path} has format {manifest['format']}, and this version reads {FORMAT}"
            )
        store = Store(path, manifest)
        if not 0 < store.size <= MOST_RUNS or store.chunk_size < 1:
            raise ValueError("its size is not that of a sweep")
    except OSError as error:
        raise StoreError(f"{path} holds no sweep: {error}; name a folder of `sweep`") from None
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{file} is not the manifest of a sweep: {error}") from None
    return store


def _matched(path: Path, manifest: Mapping[str, Any], resume: bool) -> Store:
    if not (path / _MANIFEST).is_file():
        return _new(path, manifest)
    store = read(path)
    if not resume and any((path / _CHUNKS).glob("*.parquet")):
        raise StoreError(f"{path} holds a sweep already; resume it, or name another folder")
    if not resume:  # one that ended before its first chunk
        return _new(path, manifest)
    if store.manifest["key"] != manifest["key"]:
        old, new = store.manifest.get("record", {}), manifest["record"]
        differ = [name for name in new if old.get(name) != new[name]]
        raise StoreError(
            f"{path} holds another sweep: it differs in {', '.join(differ) or 'its key'}; repeat "
            "what it was started with, or name another folder"
        )
    made_folder(path / _CHUNKS)
    return store


def _new(path: Path, manifest: Mapping[str, Any]) -> Store:
    made_folder(path / _CHUNKS)
    write_text(path / _MANIFEST, json.dumps(manifest, indent=1) + "\n")
    return Store(path, manifest)


def _named(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:_DIGITS]


def _start(path: Path) -> int:
    return int(path.stem.partition("-")[0])
