"""Tables of docs/likelihood.md about the likelihood: which rows count how."""

import math

from p53net.evidence.markdown import rows_of, shown
from p53net.evidence.pages import Table
from p53net.inference.likelihood import ALREADY, STANDS_IN, STEPS
from p53net.inference.target import BUILT_IN


def steps() -> str:
    """Bounds and statements: what a prediction is compared with, and how sharply."""
    rows = [
        [f"`{name}`", f"{'above' if one.above else 'below'} {shown(one.limit)}",
         f"a factor of {shown(math.exp(one.width))}" if one.logarithm else shown(one.width)]
        for name, one in STEPS.items()
    ]  # fmt: skip
    return rows_of("row | asks for | standard deviation of the step", rows)


def stands_in() -> str:
    """Rows whose cells are none of ours."""
    rows = [[f"`{name}`", what, shown(width)] for name, (width, what) in STANDS_IN.items()]
    return rows_of("row | cells observed, and by what they are predicted | added to the standard "
                   "deviation of the logarithm", rows)  # fmt: skip


def left_out() -> str:
    """Rows that do not count, and why."""
    return rows_of("row | why it does not count",
                   [[f"`{name}`", why] for name, why in (ALREADY | BUILT_IN).items()])  # fmt: skip


TABLES = (
    Table("docs/likelihood.md", "steps", steps),
    Table("docs/likelihood.md", "stands-in", stands_in),
    Table("docs/likelihood.md", "left-out", left_out),
)
