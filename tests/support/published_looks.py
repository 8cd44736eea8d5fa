"""What is found of many SBML files: a process for each, and what was found before."""

import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import psutil

from p53net.children import command, environment
from p53net.files import write_text
from tests.support import ROOT


def looked(
    files: Sequence[Path],
    options: list[str],
    limit: float,
    folder: Path,
    *,
    again: bool = False,
    tell: Callable[[str], None] = lambda _said: None,
) -> Iterator[dict[str, Any]]:
    """What is found of each file, from what was kept where that is of this file and these options,
    unless `again`; `tell` is told how far it is."""
    known = {file: None if again else kept(folder, file, options) for file in files}
    missing, done, begun = sum(one is None for one in known.values()), 0, perf_counter()
    for file, one in known.items():
        if one is None:
            one = look(file, options, limit)
            write_text(place(folder, file), json.dumps(one, indent=1) + "\n")
            done += 1
            left = (perf_counter() - begun) / done * (missing - done) / 60.0
            said = one.get("refused") or one.get("engine", "")
            tell(
                f"{done}/{missing} {file.name}: {said}, {one['ended'] or 'done'}, "
                f"{one['seconds']:.0f} s; about {left:.0f} min left"
            )
        yield one


def place(folder: Path, file: Path) -> Path:
    """Where what is found of a file is kept."""
    return folder / f"{file.name}.json"


def kept(folder: Path, file: Path, options: list[str]) -> dict[str, Any] | None:
    """What was found of this very file with these options, if it was."""
    try:
        one: dict[str, Any] = json.loads(place(folder, file).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return one if one.get("of") == [digest(file), *options] else None


def digest(file: Path) -> str:
    """Of its content."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def look(file: Path, options: list[str], limit: float) -> dict[str, Any]:
    """What a process of its own finds of a file, up to its end or the time limit."""
    inherited, begun = environment(), perf_counter()
    child = subprocess.Popen(
        command("-m", "tests.support.published_runs", str(file.absolute()), *options),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**inherited, "PYTHONPATH": f"{ROOT}{os.pathsep}{inherited['PYTHONPATH']}"},
    )  # fmt: skip
    try:
        said, _ = child.communicate(timeout=limit)
        ended = "" if child.returncode == 0 else f"ended with status {child.returncode}"
    except subprocess.TimeoutExpired:
        ended = f"more than {limit:g} s"
        end(child)
        said = child.communicate()[0]
    found = {"file": file.stem, "of": [digest(file), *options], "ended": ended,
             "seconds": round(perf_counter() - begun, 1)}  # fmt: skip
    for line in said.splitlines():
        if line.endswith("}"):  # the last may be cut off
            found |= json.loads(line)
    return found


def end(child: "subprocess.Popen[str]") -> None:
    """End a process and those that it has started."""
    started = psutil.Process(child.pid).children(recursive=True)
    child.kill()
    for one in started:
        try:
            one.kill()
        except psutil.NoSuchProcess:  # it has ended with its parent
            continue
