"""How often intervals hold the truth in simulated sets of evidence, from kept ranks.

`benchmarks.calibration_of_the_whole` makes them.
"""

import csv

import numpy as np

from p53net.engines.base import FloatArray
from p53net.evidence.markdown import rows_of
from p53net.evidence.pages import Table, root

HELD = 0.9
"""Share of the draws in an interval, and of the truths that should be inside."""

TRUTHS = ("ensemble", "priors")
"""What truths are drawn from."""


def ranks(truths: str) -> dict[str, FloatArray]:
    """Of each quantity: the share of draws below the truth (set)."""
    _, *lines = (root() / "docs" / f"coverage_whole_{truths}.csv").read_text("utf-8").splitlines()
    sets = list(csv.DictReader(lines))
    return {
        name: np.array([float(one[name]) for one in sets])
        for name in sets[0]
        if name == "log likelihood" or "[" in name
    }


def inside(of: FloatArray) -> int:
    """In how many sets the truth is inside."""
    tail = (1.0 - HELD) / 2.0
    return int(((of > tail) & (of < 1.0 - tail)).sum())


def whole() -> str:
    """Intervals of all quantities beside truths of both kinds."""
    kinds = [ranks(one) for one in TRUTHS]
    rows = []
    for name in kinds[0]:
        cells = [f"{inside(one[name])} of {len(one[name])} | {one[name].mean():.2f}"
                 for one in kinds]  # fmt: skip
        rows.append([f"`{name}`" if "[" in name else name, *cells])
    held = f"{100 * HELD:.0f} % intervals hold truths"
    return rows_of(
        f"quantity | {held} of the shipped draws in | mean rank | of the priors in | mean rank",
        rows,
    )


TABLES = (Table("docs/sampler.md", "coverage-whole", whole),)
