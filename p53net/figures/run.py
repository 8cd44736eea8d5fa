"""Figures of a time course, and of a state at rest."""

from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING, NamedTuple

import xarray as xr

if TYPE_CHECKING:
    from matplotlib.figure import Figure
from p53net.figures import bands
from p53net.figures import names as names_
from p53net.figures.style import COLOURS, NARROW, WIDE, headline

_COLUMNS = 4
_ABSENT = 1e-9  # nM: less is not drawn
_RUN_PANELS = (
    ("p53", ("p53_total", "p53_active")),
    ("MDM2 protein", ("MDM2_total", "MDM2_free")),
    ("MDM2 mRNA", ("MDM2_mRNA",)),
    ("p53 targets", ("p21", "PUMA", "GDF15")),
)


class Seen(NamedTuple):
    """Data of one quantity, in its unit."""

    times: list[float]
    """h."""
    values: list[float]
    errors: list[float]
    """Standard deviations; NaN where they are not known."""


def run_figure(run: xr.Dataset, seen: "Mapping[str, Seen] | None" = None) -> "Figure":
    """Curves by group, a panel each, and data over them."""
    from p53net.figures.inline import Figure

    panels = [(title, [name for name in names if name in run]) for title, names in _RUN_PANELS]
    panels += _own_panels(run)
    shown = {name for _, names in panels for name in names}
    panels += [(names_.of_quantity(name), [name]) for name in seen or {} if name not in shown]
    panels = [(title, names) for title, names in panels if names]
    named = {name for _, names in panels for name in names}
    if not named:
        panels = [("", [str(name) for name in run.data_vars])]
    columns = min(len(panels), _COLUMNS)
    rows = -(-len(panels) // columns)
    size = min(WIDE, NARROW * columns), 0.4 + 1.9 * rows
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel in axes[len(panels) :]:
        panel.set_axis_off()
    for panel, (title, names) in zip(axes, panels, strict=False):
        for name, colour in zip(names, cycle(COLOURS), strict=False):
            bands.shade(panel, run[name], colour)
            panel.plot(run["time"], bands.middle(run[name]), color=colour,
                       label=names_.of_quantity(name, _theirs(run, name)))  # fmt: skip
            if seen and name in seen:
                times, values, errors = seen[name]
                panel.errorbar(times, values, errors, fmt="o", ms=2.2, lw=0.5, capsize=2,
                               color=colour, alpha=0.75)  # fmt: skip
        clock = run["time"].attrs.get("units", "h")
        panel.set(title=title, xlabel=f"time [{clock}]" if clock else "time", ylim=(0, None))
        what = run[names[0]].attrs.get("units", "nM")
        if what:  # a file may have no units
            panel.set_ylabel(f"concentration [{what}]" if what == "nM" else f"[{what}]")
        panel.legend()
    note = bands.note(run)
    headline(figure, _title(run) + note)
    return figure


def rest_figure(rest: xr.Dataset) -> "Figure":
    """A dot for every quantity in nM that is there, the largest on top."""
    from p53net.figures.inline import Figure

    values = {
        str(name): float(value)
        for name, value in rest.data_vars.items()
        if value.attrs.get("units") == "nM" and float(value) > _ABSENT
    }
    names = sorted(values, key=lambda name: values[name])
    figure = Figure(figsize=(NARROW, 0.9 + 0.13 * len(names)), layout="constrained")
    panel = figure.subplots()
    rows = range(len(names))
    panel.plot([values[name] for name in names], rows, "o", ms=2.8, color=COLOURS[0])
    panel.set_yticks(rows, [names_.of_quantity(name) for name in names])
    panel.set(xscale="log", xlabel="concentration at rest [nM]")
    panel.grid(axis="both", visible=True)
    headline(figure, _title(rest))
    return figure


def _title(run: xr.Dataset) -> str:
    if "cell_line" not in run.attrs:  # of a file that is not ours
        return str(run.attrs.get("model", ""))
    drugs = run.attrs.get("drugs") or "no drug"
    return f"{drugs}, {run.attrs['cell_line']}: {_dose_text(run)}"


def _theirs(run: xr.Dataset, name: str) -> str:
    """The name of a quantity in a file that is not ours."""
    return "" if "cell_line" in run.attrs else str(run[name].attrs.get("long_name", name))


def _own_panels(run: xr.Dataset) -> list[tuple[str, list[str]]]:
    """What each of a user's fragments brings, as far as it is in one unit."""
    panels: dict[str, list[str]] = {}
    for name, curve in run.data_vars.items():
        if "fragment" in curve.attrs:
            names = panels.setdefault(str(curve.attrs["fragment"]), [str(name)])
            if str(name) not in names and run[names[0]].attrs["units"] == curve.attrs["units"]:
                names.append(str(name))
    return list(panels.items())


def _dose_text(run: xr.Dataset) -> str:
    import json

    doses = json.loads(run.attrs.get("doses", "{}"))
    text = "; ".join(f"{drug} {dose}" for drug, dose in doses.items()) or "untreated"
    return text + ("" if run.attrs.get("feedback") == "closed" else ", loop opened")
