"""Cases in processes of their own: one that ends its process, or never ends, has a verdict too."""

import json
import os
import selectors
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from p53net.children import command, environment
from tests.support import ROOT
from tests.support.suite_cases import Case
from tests.support.suite_verdicts import Verdict, verdict

PATIENCE = 600.0
"""Seconds that one case may take, on a machine that is busy."""

_MOST = 60  # cases of one process, whose memory they fill


def verdicts(cases: Sequence[Case], *, four: bool = True) -> Iterator[Verdict]:
    """Of each case, in order."""
    waiting = list(cases)
    while waiting:
        chunk = waiting[:_MOST]
        done = 0
        for found in _chunk(chunk, four):
            yield found
            done += 1
        waiting = waiting[done:]


def _chunk(cases: Sequence[Case], four: bool) -> Iterator[Verdict]:
    """Verdicts of one process, up to a case that ends it."""
    names = [str(case.folder) for case in cases]
    inherited = environment()
    child = subprocess.Popen(
        command("-m", "tests.support.suite_child", str(int(four)), *names),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**inherited, "PYTHONPATH": f"{ROOT}{os.pathsep}{inherited['PYTHONPATH']}"},
    )  # fmt: skip
    try:
        for case in cases:
            line = _line(child)
            if line is None:
                end = "hang" if child.poll() is None else "crash"
                yield Verdict(case.name, end, end)
                return
            yield Verdict(*json.loads(line))
    finally:
        child.kill()
        child.wait()


def _line(child: "subprocess.Popen[str]") -> str | None:
    """The next line that is a verdict; None where none comes."""
    assert child.stdout is not None
    with selectors.DefaultSelector() as ready:
        ready.register(child.stdout, selectors.EVENT_READ)
        while ready.select(PATIENCE):
            line = child.stdout.readline()
            if not line:
                child.wait()
                return None
            if line.startswith('["'):
                return line
    return None


def main() -> None:
    """Verdicts of the folders that the command line names, a line for each."""
    four, *folders = sys.argv[1:]
    for folder in folders:
        found = verdict(Case(Path(folder)), four=four == "1")
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
