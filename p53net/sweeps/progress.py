"""What is told of a sweep while it runs."""

from typing import NamedTuple


class Progress(NamedTuple):
    """How far a sweep is."""

    done: int
    failed: int
    total: int
    resumed: int
    """Of those done, how many were in the store."""
    recomputed: int
    """Damaged chunks that the store had."""
