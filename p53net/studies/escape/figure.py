"""The figure of feedback escape."""

from itertools import cycle
from typing import TYPE_CHECKING

import xarray as xr

from p53net.ensembles.banded import is_banded, median
from p53net.measures.candidate import TWIN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
from p53net.figures import bands
from p53net.figures.axes import powers_of_ten
from p53net.figures.style import COLOURS
from p53net.studies.escape.report import beside_in_words

_WIDTHS = (2.8, 2.0, 1.3)  # by drug: where curves coincide, each still shows


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
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15.0, 11.5), layout="constrained")
    panels = figure.subplot_mosaic(
        [["a", "a", "A", "A"], ["b", "B", "f", "m"], ["c", "C", "d", "e"]],
        height_ratios=[1.15, 1, 1],
    )
    colours = dict(zip(result["drug"].values.tolist(), cycle(COLOURS), strict=False))
    middle = median(result)
    hours, fold = result.attrs["hours"], result.attrs["fold"]
    _responses(panels["a"], result, colours, "p53_active")
    _responses(panels["A"], result, colours, "MDM2_total")
    panels["a"].set_title(f"(a) active p53 after {hours:g} h of constant exposure", loc="left")
    panels["A"].set_title(f"(a) total MDM2 after {hours:g} h of constant exposure", loc="left")
    for key, name in zip(
        "bBfm", ("p53_active", "MDM2_total", "MDM2_free", "MDM2_mRNA"), strict=True
    ):
        _courses(panels[key], result, colours, name)
        panels[key].set_title(f"(b) {_LABELS[name].split(' [')[0]} at equal effect", loc="left")
    pulse = float(result["exposure"][0])
    for key, name in (("c", "p53_active"), ("C", "MDM2_free")):
        _washout(panels[key], result, colours, name)
        title = f"(c) {_LABELS[name].split(' [')[0]}, {pulse:g} h pulse and washout\n"
        panels[key].set_title(title, loc="left")
    _closed_dish(panels["d"], result, colours)
    _hook(panels["e"], middle, colours)
    _legend(figure, middle, colours)
    figure.suptitle(
        f"Feedback escape in the {result.attrs['cell_line']} line. Equal effect: the dose that "
        f"brings active p53 to {fold:g} times untreated at {hours:g} h{beside_in_words(result)}."
        f"{_of_draws(result)}",
        fontsize=12,
    )
    return figure


def _of_draws(result: xr.Dataset) -> str:
    if not is_banded(result):
        return ""
    number = result.attrs["draws"].split()[0]
    return (
        f"\n{number} draws of an ensemble: medians; bands hold 50 and 95 % of the draws. Medians "
        "only: loop opened, twin (but in d), and (e)."
    )


def _responses(panel: "Axes", result: xr.Dataset, colours: dict[str, str], name: str) -> None:
    _both_loops(panel, result[f"response_{name}"], colours)
    panel.set(xscale="log", yscale="log", xlabel="drug in the medium [nM]", ylabel=_LABELS[name])
    powers_of_ten(panel.xaxis)
    _plain_numbers(panel)
    _untreated_line(panel, result, name)


def _courses(panel: "Axes", result: xr.Dataset, colours: dict[str, str], name: str) -> None:
    _both_loops(panel, result[f"course_{name}"], colours)
    panel.axvline(float(result.attrs["hours"]), color="#777777", lw=0.8, ls=":")
    panel.set(xlabel="time [h]", ylabel=_LABELS[name], ylim=(0, None))
    _untreated_line(panel, result, name)


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
    panel.set(xlabel="time since washout [h]", ylabel=_LABELS[name], ylim=(0, None))
    panel.set_xlim(-1.5 * pulse, 24.0)
    panel.axvspan(-pulse, 0.0, color="#bbbbbb", alpha=0.35, lw=0)
    panel.text(
        -pulse / 2, 1.0, "drug", ha="center", va="bottom", transform=panel.get_xaxis_transform()
    )
    _untreated_line(panel, result, name)


def _closed_dish(panel: "Axes", result: xr.Dataset, colours: dict[str, str]) -> None:
    for drug, colour in colours.items():
        load = result["stoichiometric_load"].sel(drug=drug)
        bands.shade(panel, load, colour)
        panel.plot(result["medium_volume"], bands.middle(load), "o-", color=colour)
    panel.axhline(1.0, color="#777777", lw=0.8)
    panel.text(
        0.98,
        1.0,
        "one drug per MDM2",
        ha="right",
        va="bottom",
        fontsize=8,
        color="#555555",
        transform=panel.get_yaxis_transform(),
    )
    panel.set(xscale="log", yscale="log", xlabel="medium for each cell [pL]")
    panel.set_ylabel("drug per basal MDM2 [molecules per molecule]")
    powers_of_ten(panel.xaxis, panel.yaxis)
    panel.set_title("(d) closed dish: drug for equal effect", loc="left")


def _hook(panel: "Axes", result: xr.Dataset, colours: dict[str, str]) -> None:
    degraders = [drug for drug in colours if drug + TWIN in colours]
    if not degraders:
        panel.set_axis_off()
        panel.text(0.5, 0.5, "(e) hook: no degrader in this comparison", ha="center", va="center")
        return
    panel.set_title("(e) hook: MDM2 returns, p53 stays", loc="left")
    for drug in degraders:
        for name, style in (("MDM2_total", "-"), ("p53_active", ":")):
            start = float(result[f"course_{name}"].sel(drug=drug).isel(loop=0, time=0))
            curve = result[f"response_{name}"].sel(drug=drug, loop="closed") / start
            label = f"{drug} {_LABELS[name].split(' [')[0]}"
            panel.plot(result["dose"], curve, style, color=colours[drug], label=label)
    panel.axhline(1.0, color="#777777", lw=0.8)
    panel.set(xscale="log", yscale="log", xlabel="drug in the medium [nM]")
    panel.set_ylabel("multiples of untreated [1]")
    powers_of_ten(panel.xaxis)
    _plain_numbers(panel)
    panel.legend(fontsize=8)


def _plain_numbers(panel: "Axes") -> None:
    """20, 50, 100 on a logarithmic axis instead of 2 x 10^1."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    panel.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:g}"))
    panel.yaxis.set_minor_locator(NullLocator())


def _untreated_line(panel: "Axes", result: xr.Dataset, name: str) -> None:
    value = float(bands.middle(result[f"course_{name}"].isel(drug=0, loop=0, time=0)))
    panel.axhline(value, color="#777777", lw=0.8, zorder=0)
    panel.text(
        0.995,
        value,
        "untreated",
        ha="right",
        va="bottom",
        fontsize=7.5,
        color="#555555",
        transform=panel.get_yaxis_transform(),
    )


def _legend(figure: "Figure", result: xr.Dataset, colours: dict[str, str]) -> None:
    from matplotlib.lines import Line2D

    doses = result["equal_dose"].values
    handles = [
        Line2D([], [], color=colour, label=f"{drug} (equal effect at {dose:.3g} nM)")
        for (drug, colour), dose in zip(colours.items(), doses, strict=True)
    ]
    handles += [
        Line2D(
            [], [], color="#444444", ls=style, label=f"loop {'opened' if loop == 'open' else loop}"
        )
        for loop, style in _LOOP_STYLES.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 5))
