"""A process of its own for each thing that is measured, so that its peak of memory is its own."""

import importlib
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any, Self


class Child:
    """A new Python process that calls functions by name, one after the other.

    It knows no class of the module that runs as `__main__`.
    """

    def __init__(self) -> None:
        command = [sys.executable, "-m", "benchmarks.peers.child"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen(command, **pipes)  # type: ignore[call-overload]  # noqa: S603

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait()

    def call(self, module: str, function: str, *arguments: object) -> tuple[Any, float]:
        """What the function returns, and the peak of the process's memory until then [MiB]."""
        pickle.dump((module, function, arguments), self._process.stdin)
        self._process.stdin.flush()
        answer, peak = pickle.load(self._process.stdout)  # noqa: S301 - our own child
        return answer, peak


def peak_memory() -> float:
    """Largest resident memory of this process so far [MiB]."""
    status = Path("/proc/self/status")
    if status.is_file():  # on Linux `getrusage` also counts the parent before this one began
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 2**10
    import resource

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main() -> None:
    """Serve calls from stdin; what the functions print goes to stderr."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        try:
            module, function, arguments = pickle.load(sys.stdin.buffer)  # noqa: S301 - the parent
        except EOFError:
            return
        answer = getattr(importlib.import_module(module), function)(*arguments)
        pickle.dump((answer, peak_memory()), out)
        out.flush()


if __name__ == "__main__":
    main()
