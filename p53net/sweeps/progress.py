"""What is told of a sweep while it runs."""

from typing import NamedTuple


class Progress(NamedTuple):
    """How far a sweep is.

    Examples:
        >>> said = []
        >>> found = pn.sweep(pn.load("KT-253"), {"KT-253": [1.0, 10.0]}, measures=["peak:p21"],
        ...                  progress=said.append)
        >>> said[-1]
        Progress(done=2, failed=0, total=2, resumed=0, recomputed=0)
        >>> said[-1].done, said[-1].total, said[-1].failed, said[-1].resumed, said[-1].recomputed
        (2, 2, 0, 0, 0)
    """

    done: int
    failed: int
    total: int
    resumed: int
    """Of those done, how many were in the store."""
    recomputed: int
    """Damaged chunks that the store had."""
