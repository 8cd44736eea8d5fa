"""A sweep on disk: Parquet chunks that any reader opens, and a manifest that says whose they are.

A chunk is written to a temporary file, synced and renamed; its name holds the digest of its bytes,
so that a chunk is whole or is found out. A lock keeps a second writer away and ends with its owner.
"""

import contextlib
import hashlib
import json
import math
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p53net.errors import StoreError
from p53net.files import made_folder, write_bytes, write_text
from p53net.sweeps.design import MOST_RUNS

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT, REDUCED = 1, 2
"""Of a manifest: chunks are rows of points, or parts of reductions."""
_MANIFEST, _LOCK, _CHUNKS = "manifest.json", ".lock", "chunks"
_DIGITS = 32  # of the SHA-256 in a chunk's name
_LARGEST_MANIFEST, _LARGEST_CHUNK = 1 << 28, 1 << 30  # bytes
_CHUNK_NAME = re.compile(r"[0-9]{12}-[0-9a-f]{32}\.parquet")
_TEMPORARY_NAME = re.compile(rf"\.{_CHUNK_NAME.pattern}\..*")
# What a crafted file can make Python and Arrow raise.
UNSOUND = (ArithmeticError, AttributeError, LookupError, MemoryError, NotImplementedError, OSError,
           RecursionError, TypeError, ValueError)  # fmt: skip


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

    @property
    def stored(self) -> int:
        """Points in the chunks that are there, by their names alone: at once, damaged or not.

        Raises StoreError where there is no folder of chunks.
        """
        try:
            starts = {_start(path) for path in self._named_as(_CHUNK_NAME)}
        except OSError as error:
            raise StoreError(f"{self.folder} is not a sound sweep: {error}") from None
        return sum(min(self.chunk_size, self.size - start) for start in starts if start < self.size)

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
        for path in self._named_as(_CHUNK_NAME):
            table = self.sound(path)
            if table is None:
                self.corrupt += 1
            else:
                yield _start(path), table

    def done(self) -> set[int]:
        """First points of the sound chunks. Damaged ones and left-over temporary files go away.

        Files with other names than the store gives are not touched.
        """
        for path in self._named_as(_TEMPORARY_NAME):
            path.unlink()
        found = set()
        for path in self._named_as(_CHUNK_NAME):
            if self.sound(path) is None:
                self.corrupt += 1
                path.unlink()
            else:
                found.add(_start(path))
        return found

    def sound(self, path: Path, columns: Sequence[str] | None = None) -> "pa.Table | None":
        """The chunk's table, or these columns of it, or None if it is not what was written.

        Raises StoreError for a chunk of another sweep.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        start, _, name = path.stem.partition("-")
        expected = min(self.chunk_size, self.size - int(start))
        m, texts = self.manifest, ["status", "reason"]
        wanted = [*m["axes"], *m["variables"], *m["curves"], *texts]
        if "reductions" in m:
            expected, wanted, texts = int(m["chunk_rows"]), list(m["chunk_columns"]), []
        chosen = wanted if columns is None else list(columns)
        try:
            data = _content(path, _LARGEST_CHUNK)
            if name != _named(data):
                return None
            file = pq.ParquetFile(pa.BufferReader(data), read_dictionary=texts)
            stamp = file.schema_arrow.metadata or {}
            if stamp.get(b"p53net_sweep") != str(self.manifest["key"]).encode():
                raise StoreError(
                    f"{path} is a chunk of another sweep; take it out of the folder to go on"
                )
            if stamp.get(b"p53net_start") != str(int(start)).encode():
                return None
            if file.metadata.num_rows != expected:
                return None
            return file.read(columns=chosen)
        except UNSOUND:
            return None

    def places(self) -> dict[int, list[Path]]:
        """Files of chunks by their first point, sound or not."""
        found: dict[int, list[Path]] = {}
        for path in self._named_as(_CHUNK_NAME):
            found.setdefault(_start(path), []).append(path)
        return found

    @property
    def _folder(self) -> Path:
        return self.folder / _CHUNKS

    def _named_as(self, pattern: re.Pattern[str]) -> list[Path]:
        if self._folder.is_symlink():
            raise StoreError(
                f"{self._folder} is a link; a sweep keeps its chunks in its own folder"
            )
        return sorted(path for path in self._folder.iterdir() if pattern.fullmatch(path.name))


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
        if not others <= {_LOCK, _CHUNKS} or _holds_files(path / _CHUNKS):
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
    try:
        path = Path(folder)
        content = _content(path / _MANIFEST, _LARGEST_MANIFEST)
    except (OSError, TypeError) as error:
        raise StoreError(f"{folder} holds no sweep: {error}; name a folder of `sweep`") from None
    try:
        manifest = json.loads(content)
        if manifest["format"] != (REDUCED if "reductions" in manifest else FORMAT):
            raise ValueError(f"its format is {manifest['format']!r}, not {FORMAT} or {REDUCED}")
        if manifest["digest"] != digest_of(manifest):
            raise ValueError("it was changed after it was written")
        if manifest["attributes"]["study"] != "sweep" or not manifest["axes"]:
            raise ValueError("it is of another study")
        store = Store(path, manifest)
        if not 0 < store.size <= MOST_RUNS or store.chunk_size < 1:
            raise ValueError("its size is not that of a sweep")
    except UNSOUND as error:
        raise StoreError(f"{path / _MANIFEST} is not the manifest of a sweep: {error}") from None
    return store


def digest_of(record: Mapping[str, Any]) -> str:
    """SHA-256 of a record as JSON, without its own digest."""
    kept = {name: value for name, value in record.items() if name != "digest"}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


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
    # What is true now, in the chunks that are there: not what a file says.
    return Store(path, {**manifest, "chunk_size": store.chunk_size})


def _new(path: Path, manifest: Mapping[str, Any]) -> Store:
    made_folder(path / _CHUNKS)
    content = {**manifest, "digest": digest_of(manifest)}
    write_text(path / _MANIFEST, json.dumps(content, indent=1) + "\n")
    return Store(path, manifest)


def _named(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:_DIGITS]


def _content(path: Path, most: int) -> bytes:
    """Bytes of an ordinary file; a link, a device or a larger one is a ValueError or OSError."""
    about = path.lstat()
    if not stat.S_ISREG(about.st_mode) or about.st_size > most:
        raise OSError(f"{path} is not an ordinary file of at most {most:,} bytes")
    return path.read_bytes()


def _holds_files(folder: Path) -> bool:
    """Whether a chunk folder without a manifest holds what no killed start leaves."""
    return folder.is_symlink() or (folder.is_dir() and any(folder.iterdir()))


def _start(path: Path) -> int:
    return int(path.stem.partition("-")[0])
