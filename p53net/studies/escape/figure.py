"""The figure of feedback escape."""

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import xarray as xr

from p53net.ensembles.banded import is_banded, median
from p53net.measures.candidate import TWIN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
from p53net.figures import bands
from p53net.figures.powers import powers_of_ten
from p53net.figures.style import COLOURS, SMALL, WIDE, headline
from p53net.studies.escape.report import beside_in_words

_WIDTHS = (1.8, 1.3, 0.8)  # by drug: where curves coincide, each still shows


_LOOP_STYLES = {"closed": "-", "open": "--"}


_LABELS = {
    "p53_active": "active p53 [nM]",
    "p53_total": "total p53 [nM]",
    "MDM2_total": "total MDM2 [nM]",
    "MDM2_free": "free MDM2 [nM]",
    "MDM2_mRNA": "MDM2 mRNA [nM]",
}


def escape_figure(result: xr.Dataset) -> "Figure":
    """Responses, time courses, washout, loads and hook of every drug."""
    from p53net.figures.inline import Figure

    figure = Figure(figsize=(WIDE, 6.6), layout="constrained")
    panels = figure.subplot_mosaic(
        [["a", "a", "b", "b"], ["c", "d", "e", "f"], ["g", "h", "i", "j"]],
        height_ratios=[1.15, 1, 1],
    )
    colours = dict(zip(result["drug"].values.tolist(), cycle(COLOURS), strict=False))
    middle = median(result)
    hours, fold = result.attrs["hours"], result.attrs["fold"]
    for key, name in (("a", "p53_active"), ("b", "MDM2_total")):
        _responses(panels[key], result, colours, name)
        _title(panels[key], key, f"{_bare(name)} after {hours:g} h of constant exposure")
    for key, name in zip(
        "cdef", ("p53_active", "MDM2_total", "MDM2_free", "MDM2_mRNA"), strict=True
    ):
        _courses(panels[key], result, colours, name)
        _title(panels[key], key, f"{_bare(name)} over time")
    pulse = float(result["exposure"][0])
    for key, name in (("g", "p53_active"), ("h", "MDM2_free")):
        _washout(panels[key], result, colours, name)
        _title(panels[key], key, f"{_bare(name)}, {pulse:g} h pulse")
    _closed_dish(panels["i"], result, colours)
    _hook(panels["j"], middle, colours)
    _legend(figure, middle, colours)
    headline(
        figure,
        f"Feedback escape in the {result.attrs['cell_line']} line. Equal effect: the dose that "
        f"brings active p53 to {fold:g} times untreated at {hours:g} h{beside_in_words(result)}."
        f"{_of_draws(result)}",
    )
    return figure


def _title(panel: "Axes", letter: str, text: str) -> None:
    panel.set_title(f"({letter}) {text}")


def _bare(name: str) -> str:
    return _LABELS[name].split(" [")[0]


def _of_draws(result: xr.Dataset) -> str:
    if not is_banded(result):
        return ""
    number = result.attrs["draws"].split()[0]
    return (
        f"\n{number} draws of an ensemble: medians; bands hold 50 and 95 % of the draws. Medians "
        "only: loop opened, twin (but in i), and (j)."
    )


def _responses(panel: "Axes", result: xr.Dataset, colours: dict[str, str], name: str) -> None:
    _both_loops(panel, result[f"response_{name}"], colours)
    panel.set(xscale="log", yscale="log", xlabel="drug in the medium [nM]", ylabel=_LABELS[name])
    powers_of_ten(panel.xaxis)
    _plain_numbers(panel)
    _untreated_line(panel, result, name)


def _courses(panel: "Axes", result: xr.Dataset, colours: dict[str, str], name: str) -> None:
    _both_loops(panel, result[f"course_{name}"], colours)
    panel.axvline(float(result.attrs["hours"]), color="#777777", lw=0.5, ls=":")
    panel.set(xlabel="time [h]", ylabel=_LABELS[name])
    _from_below(panel, result)
    _untreated_line(panel, result, name)


def _from_below(panel: "Axes", result: xr.Dataset) -> None:
    """From 0; with draws, which differ by factors, logarithmic: the widest band would leave the
    medians no room."""
    if not is_banded(result):
        panel.set_ylim(0.0, None)
        return
    panel.set_yscale("log")
    _plain_numbers(panel, (1.0, 3.0))


def _both_loops(panel: "Axes", curves: xr.DataArray, colours: dict[str, str]) -> None:
    (along,) = (name for name in curves.dims if name not in ("quantile", "drug", "loop"))
    for (drug, colour), width in zip(colours.items(), cycle(_WIDTHS), strict=False):
        for loop, style in _LOOP_STYLES.items():
            curve = curves.sel(drug=drug, loop=loop)
            if loop == "closed" and not drug.endswith(TWIN):
                bands.shade(panel, curve, colour)
            panel.plot(curves[along], bands.middle(curve), style, color=colour, lw=width)


def _washout(panel: "Axes", result: xr.Dataset, colours: dict[str, str], name: str) -> None:
    pulse = float(result["exposure"][0])
    for (drug, colour), width in zip(colours.items(), cycle(_WIDTHS), strict=False):
        curve = result[f"washout_{name}"].sel(drug=drug).isel(exposure=0)
        if not drug.endswith(TWIN):
            bands.shade(panel, curve, colour)
        panel.plot(result["since_washout"], bands.middle(curve), color=colour, lw=width)
    panel.set(xlabel="time since washout [h]", ylabel=_LABELS[name])
    _from_below(panel, result)
    panel.set_xlim(-1.5 * pulse, 24.0)
    panel.axvspan(-pulse, 0.0, color="#bbbbbb", alpha=0.35, lw=0)
    panel.text(
        -pulse / 2,
        0.99,
        "drug",
        ha="center",
        va="top",
        fontsize=SMALL,
        transform=panel.get_xaxis_transform(),
    )
    _untreated_line(panel, result, name)


def _closed_dish(panel: "Axes", result: xr.Dataset, colours: dict[str, str]) -> None:
    for drug, colour in colours.items():
        load = result["stoichiometric_load"].sel(drug=drug)
        bands.shade(panel, load, colour)
        panel.plot(result["medium_volume"], bands.middle(load), "o-", color=colour)
    panel.axhline(1.0, color="#777777", lw=0.5)
    _say_beside(panel, 1.0, "one drug per MDM2", below=True)
    panel.set(xscale="log", yscale="log", xlabel="medium for each cell [pL]")
    panel.set_ylabel("drug per untreated MDM2 [1]")
    powers_of_ten(panel.xaxis, panel.yaxis)
    _title(panel, "i", "drug in a closed dish")


def _hook(panel: "Axes", result: xr.Dataset, colours: dict[str, str]) -> None:
    degraders = [drug for drug in colours if drug + TWIN in colours]
    if not degraders:
        panel.set_axis_off()
        panel.text(0.5, 0.5, "(j) hook: no degrader here", ha="center", va="center")
        return
    _title(panel, "j", "hook at high doses")
    for drug in degraders:
        for name, style in (("MDM2_total", "-"), ("p53_active", ":")):
            start = float(result[f"course_{name}"].sel(drug=drug).isel(loop=0, time=0))
            curve = result[f"response_{name}"].sel(drug=drug, loop="closed") / start
            label = _bare(name) if len(degraders) == 1 else f"{drug} {_bare(name)}"
            panel.plot(result["dose"], curve, style, color=colours[drug], label=label)
    panel.axhline(1.0, color="#777777", lw=0.5)
    panel.set(xscale="log", yscale="log", xlabel="drug in the medium [nM]")
    panel.set_ylabel("multiples of untreated [1]")
    powers_of_ten(panel.xaxis)
    _plain_numbers(panel)
    panel.legend(loc="lower right", handlelength=1.2, handletextpad=0.4, borderaxespad=0.1)


def _plain_numbers(panel: "Axes", steps: Sequence[float] = (1.0, 2.0, 5.0)) -> None:
    """20, 50, 100 on a logarithmic axis instead of 2 x 10^1."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    panel.yaxis.set_major_locator(LogLocator(subs=steps))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:g}"))
    panel.yaxis.set_minor_locator(NullLocator())


def _untreated_line(panel: "Axes", result: xr.Dataset, name: str) -> None:
    value = float(bands.middle(result[f"course_{name}"].isel(drug=0, loop=0, time=0)))
    panel.axhline(value, color="#777777", lw=0.5, zorder=0)
    _say_beside(panel, value, "untreated")


def _say_beside(panel: "Axes", value: float, text: str, *, below: bool = False) -> None:
    """Above a level line at its right, or below it at its left, with an edge in white, for curves
    and bands lie there."""
    from matplotlib.patheffects import withStroke

    panel.text(
        0.02 if below else 0.995,
        value,
        text,
        ha="left" if below else "right",
        va="top" if below else "bottom",
        fontsize=SMALL,
        color="#333333",
        transform=panel.get_yaxis_transform(),
        path_effects=[withStroke(linewidth=1.5, foreground="white")],
        zorder=5,
    )


def _legend(figure: "Figure", result: xr.Dataset, colours: dict[str, str]) -> None:
    from matplotlib.lines import Line2D

    doses = result["equal_dose"].values
    handles = [
        Line2D([], [], color=colour, label=f"{drug}: {dose:.3g} nM")
        for (drug, colour), dose in zip(colours.items(), doses, strict=True)
    ]
    handles += [
        Line2D(
            [], [], color="#444444", ls=style, label=f"loop {'opened' if loop == 'open' else loop}"
        )
        for loop, style in _LOOP_STYLES.items()
    ]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=min(len(handles), 5), columnspacing=1.2
    )
