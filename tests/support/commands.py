"""The command line, as tests call it."""

from collections.abc import Callable
from typing import NamedTuple


class Done(NamedTuple):
    """What a command gave."""

    returncode: int
    stdout: str
    stderr: str


Command = Callable[..., Done]
