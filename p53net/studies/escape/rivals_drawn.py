"""The figure of rival structures: which claims hold in which, and every measure in each."""

from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from p53net.figures.style import COLOURS, SMALL, WIDE, headline
from p53net.measures.candidate import TWIN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LETTERS = 64  # of a line of a claim
_WIDE = 300.0  # a range that is labelled at decades alone
_MARKERS = "osD^v"
_MEASURES: tuple[tuple[str, dict[str, float], str, bool], ...] = (
    ("dose_ratio", {"fold": 2.0}, "dose ratio at\np53 2 times", True),
    ("dose_ratio", {"fold": 3.0}, "dose ratio at\np53 3 times", True),
    ("dose_ratio", {"fold": 5.0}, "dose ratio at\np53 5 times", True),
    ("escape_index", {}, "escape\nindex", False),
    ("loop_factor", {}, "loop\nfactor", False),
    ("equal_dose", {}, "equal dose\n[nM]", True),
    ("MDM2_total_fold", {}, "total MDM2,\nfold", True),
    ("MDM2_mRNA_fold", {}, "MDM2 mRNA,\nfold", False),
    ("rebound", {"exposure": -1}, "fall of p53 after\nlong exposure", False),
    ("stoichiometric_load", {"medium_volume": 2.0}, "drug per MDM2,\n2 pL a cell", True),
)
"""Measure, where it is taken, its title, and whether its axis is logarithmic."""


def rivals_figure(result: xr.Dataset) -> "Figure":
    """Claims over structures, and below every measure of each drug in each structure."""
    from p53net.figures.inline import Figure

    structures, claims = result.sizes["structure"], result.sizes["claim"]
    figure = Figure(figsize=(WIDE, 1.5 + 0.3 * claims + 0.34 * structures), layout="constrained")
    heights = [1.0 + 0.3 * claims, 0.5 + 0.34 * structures]
    above, below = np.ravel(np.array(figure.subfigures(2, 1, height_ratios=heights)))
    _claims(above.subplots(), result)
    panels = below.subplots(2, len(_MEASURES) // 2, sharey=True)
    for panel, (name, at, title, logarithmic) in zip(panels.flat, _MEASURES, strict=True):
        _measure(panel, result, name, at, logarithmic)
        panel.set_title(title, loc="left")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    below.legend(handles, [label.replace(TWIN, ", non-catalytic twin") for label in labels],
                 loc="outside lower center", ncols=len(labels))  # fmt: skip
    hours, fold = result.attrs["hours"], result.attrs["fold"]
    headline(
        figure,
        f"Feedback escape in {structures} structures, {result.attrs['cell_line']} line, at the "
        f"dose that brings active p53 to {fold:g} times untreated at {hours:g} h",
    )
    return figure


def _claims(axes: "Axes", result: xr.Dataset) -> None:
    held = result["holds"].transpose("claim", "structure").values
    for row, values in enumerate(held):
        for column, value in enumerate(values):
            if np.isnan(value):
                axes.text(column, row, "x", ha="center", va="center", color="0.5")
            else:
                axes.plot(column, row, "o", markersize=5, color=COLOURS[0],
                          markerfacecolor=COLOURS[0] if value else "none")  # fmt: skip
    defined = np.isfinite(held).sum(axis=1)
    sentences = [str(one) for one in result["sentence"].values]
    counts = [f"{np.nansum(row):.0f} of {of}" for row, of in zip(held, defined, strict=True)]
    said = [fill(f"{s}: {c}", _LETTERS) for s, c in zip(sentences, counts, strict=True)]
    axes.set_yticks(range(len(held)), said, fontsize=SMALL)
    axes.set_xticks(range(held.shape[1]), [str(one) for one in result["structure"].values],
                    rotation=40, ha="left", rotation_mode="anchor")  # fmt: skip
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.set_xlim(-0.5, held.shape[1] - 0.5)
    axes.set_ylim(len(held) - 0.5, -0.5)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("filled: holds in this structure; open: does not; x: not defined there")


def _measure(
    axes: "Axes", result: xr.Dataset, name: str, at: dict[str, float], logarithmic: bool
) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    values = result[name]
    for dimension, place in at.items():
        values = values.isel({dimension: -1}) if place < 0 else values.sel({dimension: place})
    rows = np.arange(result.sizes["structure"])
    for number, drug in enumerate(result["drug"].values):
        axes.plot(values.sel(drug=drug), rows, _MARKERS[number % len(_MARKERS)], label=str(drug),
                  color=COLOURS[number % len(COLOURS)], markersize=3.7, alpha=0.85)  # fmt: skip
    if logarithmic:
        axes.set_xscale("log")
        wide = float(values.max() / values.min()) > _WIDE
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 3.0), numticks=5))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_yticks(rows, [str(one) for one in result["structure"].values])
    axes.set_ylim(len(rows) - 0.5, -0.5)
