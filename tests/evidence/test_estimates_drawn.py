"""The figure of the page on calibration shows the numbers of its table."""

import math
import re

import pytest

from p53net.evidence.estimates_drawn import estimates_figure, standing_estimates
from tests.support import ROOT


def test_the_figure_has_the_numbers_of_the_page() -> None:
    page = (ROOT / "docs" / "calibration.md").read_text(encoding="utf-8")
    cell = r"([\d.e+-]+)"
    rows = re.findall(rf"^\| [^|]+ \| `\w+` \| {cell} \| \w+ \| {cell} \| {cell} to ({cell}|inf) "
                      r"\| (yes|no) \|$", page, re.MULTILINE)  # fmt: skip
    assert len(rows) == len(standing_estimates()) > 20
    figure = estimates_figure()
    axes = figure.axes[0]
    marks = [line for line in axes.lines if line.get_marker() == "o"]
    assert len(marks) == len(rows)
    for row, mark in zip(rows, marks, strict=True):
        assert mark.get_xdata()[0] == pytest.approx(float(row[1]) / float(row[0]))
        assert (mark.get_markerfacecolor() == "white") == (row[-1] == "no")
    arrows = [line for line in axes.lines if line.get_marker() in ("<", ">")]
    open_ends = sum((float(row[2]) == 0.0) + math.isinf(float(row[3])) for row in rows)
    assert len(arrows) == open_ends > 0
    assert figure.get_suptitle().startswith(f"{sum(row[-1] == 'yes' for row in rows)} of ")
