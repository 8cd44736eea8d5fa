"""What a folder of model texts and tables holds, read again only where a file has changed."""

import os
import time
from pathlib import Path
from typing import NamedTuple

Content = tuple[tuple[str, str], ...]
"""Names and texts, by name. They are the same objects while a file is the same, so that comparing
and hashing them costs nothing."""

_SUFFIXES = (".ant", ".tsv")
_SETTLED = 2 * 10**9  # ns: a change sooner after another may leave the file's times as they were
_MOST = 256  # files


class _Known(NamedTuple):
    stamp: tuple[int, ...]
    settled: bool
    """Whether the stamp tells every later change."""
    text: str


_known: dict[str, _Known] = {}


def content_of(folder: Path) -> Content:
    """The `.ant` and `.tsv` files of a folder, as they lie there now."""
    with os.scandir(folder) as entries:
        found = sorted((one.name, one.path) for one in entries if one.name.endswith(_SUFFIXES))
    return tuple((name, _text(path)) for name, path in found)


def _text(path: str) -> str:
    about = os.stat(path)
    stamp = about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns
    known = _known.get(path)
    if known is not None and known.settled and known.stamp == stamp:
        return known.text
    settled = time.time_ns() - max(about.st_mtime_ns, about.st_ctime_ns) > _SETTLED
    text = Path(path).read_text(encoding="utf-8-sig", errors="replace")
    if known is not None and known.text == text:
        text = known.text
    if len(_known) >= _MOST:
        _known.clear()
    _known[path] = _Known(stamp, settled, text)
    return text
