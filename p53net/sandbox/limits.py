"""What a process gives up before it sees a stranger's file."""

import contextlib
import os
import sys

ROOM = 4 * 2**30
"""Bytes of memory that a process may take beyond what it has at its start."""

WATCHED = sys.platform != "linux"
"""Whether the memory has to be watched from outside: only Linux keeps the limit by itself."""


def lock() -> None:
    """Open nothing from now on, neither file nor connection, and write to no file; take no more
    memory than is allowed.

    What is open stays so. Sockets and files need a number, and there are none left. Windows has no
    such limits: there a process is kept apart, and its memory and time are watched.
    """
    if sys.platform == "win32":
        return
    import resource

    limits = {"RLIMIT_NOFILE": 0, "RLIMIT_FSIZE": 0, "RLIMIT_CORE": 0}
    if sys.platform == "linux":
        limits["RLIMIT_AS"] = _memory() + ROOM
    for name, most in limits.items():
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        if hard != resource.RLIM_INFINITY:
            most = min(most, hard)
        with contextlib.suppress(ValueError, OSError):  # one that this system does not know
            resource.setrlimit(kind, (most, most))


def _memory() -> int:
    """Bytes of address space of this process."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
