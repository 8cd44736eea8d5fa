"""Figures of studies in mice and patients. Matplotlib is imported on use."""

from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from p53net.ensembles.banded import ENDS, is_banded, median, number
from p53net.figures import bands
from p53net.figures.style import COLOURS, SMALL, WIDE, headline
from p53net.studies.body.population import GRADES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LIMITS = "#999999"
_FEW = 4  # doses whose legend has room in a panel
_OTHER = "#555555"  # another drug, dashed
_FIRST = 168.0  # h, of what a study shows in detail
_NAMES = {
    "platelets": "platelets [1e9/L]",
    "neutrophils": "neutrophils [1e9/L]",
    "haemoglobin": "haemoglobin [g/dL]",
    "GDF15_serum": "GDF-15 in serum [fold]",
    "p53_active": "active p53, tumour [nM]",
    "MDM2_total": "total MDM2, tumour [nM]",
    "p21": "p21, tumour [nM]",
    "tumour_volume": "tumour [mm³]",
}


def pk_figure(result: xr.Dataset) -> "Figure":
    """Concentrations over time, linear and logarithmic, and exposure over dose."""
    from p53net.figures.inline import Figure

    several = "slope" in result
    figure = Figure(figsize=(WIDE, 2.9), layout="constrained")
    panels = figure.subplots(1, 3 if several else 2)
    unit = result["dose"].attrs["units"]
    for panel, scale in zip(panels[:2], ("linear", "log"), strict=True):
        for dose, colour in zip(result["dose"].values, shades(len(result["dose"])), strict=True):
            curve = result["plasma"].sel(dose=dose)
            bands.shade(panel, curve.where(curve > 0), colour)
            curve = bands.middle(curve)
            seen = curve if scale == "linear" else curve.where(curve > 0)
            panel.plot(result["time"], seen, color=colour, label=f"{dose:g} {unit}")
        if "beside_plasma" in result:  # the same beside all doses
            curve = bands.middle(result["beside_plasma"].isel(dose=0))
            panel.plot(
                result["time"],
                curve.where(curve > 0),
                color=_OTHER,
                ls="--",
                lw=0.7,
                label=f"{result.attrs['beside']} {result.attrs['beside_regimen']}",
            )
        panel.set(xlabel="time [h]", yscale=scale)
        panel.set_ylabel("plasma [ng/mL]")
    panels[0].set_ylim(0, None)
    top = float(result["plasma"].max())
    panels[1].set_ylim(top * 1e-4, top * 2)
    panels[0].set_title("linear")
    panels[1].set_title("logarithmic")
    many = len(result["dose"]) > _FEW
    if many:
        named = panels[0].get_legend_handles_labels()
        figure.legend(*named, loc="outside lower center", ncols=min(len(named[1]), 10))
    else:
        panels[0].legend()
    if several:
        last = median(result).isel(occasion=-1)
        for name, colour, marker in (("cmax", COLOURS[0], "o"), ("auc", COLOURS[1], "s")):
            slope = float(last["slope"].sel(exposure=name))
            measured_in = last[name].attrs["units"].replace("*", " ")
            label = f"{'AUC' if name == 'auc' else 'Cmax'} [{measured_in}]"
            bands.shade(panels[2], result[name].isel(occasion=-1), colour)
            panels[2].plot(last["dose"], last[name], marker + "-", color=colour,
                           label=f"{label}: slope {slope:.2f}")  # fmt: skip
        panels[2].set(xscale="log", yscale="log", xlabel=f"dose [{unit}]")
        doses = [f"{dose:g}" for dose in result["dose"].values]
        panels[2].set_xticks(result["dose"].values, doses, rotation=90 if many else 0)
        panels[2].set_xticks([], minor=True)
        panels[2].set_ylabel("Cmax and AUC, last dose")
        panels[2].set_title("slopes are 1 by construction")
        panels[2].set_ylim(None, 8.0 * panels[2].get_ylim()[1])  # room for the legend
        panels[2].legend(loc="upper left")
    headline(
        figure,
        f"{result.attrs['drug']} in plasma, {result.attrs['host']}: {result.attrs['regimen']} "
        f"({result.attrs['molar_mass']}){_beside(result)}{bands.note(result)}",
    )
    return figure


def xenograft_figure(result: xr.Dataset) -> "Figure":
    """Tumour volumes, with growth inhibition in the legend; below them p53 and plasma."""
    from p53net.figures.inline import Figure

    figure = Figure(figsize=(WIDE, 4.6), layout="constrained")
    panels = figure.subplot_mosaic([["v", "v"], ["p", "c"]], height_ratios=[1.6, 1])
    days = result["time"] / 24.0
    week = result["time"].values <= _FIRST
    plasma, *others = (str(name) for name in result.data_vars if str(name).endswith("_plasma"))
    colours = ["#000000", *COLOURS]
    for arm, colour in zip(result["arm"].values, cycle(colours), strict=False):
        whole = result.sel(arm=arm)
        one = median(whole)
        inhibited = number(whole["tgi"])
        said = "" if arm == result["arm"].values[0] else f": TGI {inhibited:.0f} %"
        bands.shade(panels["v"], whole["tumour_volume"], colour, days)
        panels["v"].plot(days, one["tumour_volume"], color=colour, label=f"{arm}{said}")
        panels["p"].plot(days[week], one["p53_active"][week], color=colour, lw=0.6)
        for name, style in ((plasma, "-"), *((other, "--") for other in others)):
            seen = one[name].where(one[name] > 0)[week]
            panels["c"].plot(days[week], seen, style, color=colour, lw=0.6)
    start = float(median(result)["tumour_volume"].isel(arm=0, time=0))
    panels["v"].axhline(start, color=_LIMITS, lw=0.5, ls=":")
    panels["v"].set(xlabel="time [d]", ylabel="tumour volume [mm³]", ylim=(0, None))
    panels["v"].legend()
    formula = f"{result.attrs['tgi'].split(',')[0]} at day {result.attrs['days']:g}"
    panels["v"].set_title(f"(a) volume; dotted: start. TGI = {formula}", loc="left")
    panels["p"].set(xlabel="time [d]", ylabel="active p53, tumour [nM]", ylim=(0, None))
    panels["p"].set_title("(b) active p53, first week", loc="left")
    top = float(median(result)[plasma].max())
    panels["c"].set(
        xlabel="time [d]", ylabel="plasma [nM]", yscale="log", ylim=(top * 1e-5, top * 2)
    )
    dashed = f"; dashed: {result.attrs['beside']}" if others else ""
    panels["c"].set_title(f"(c) drug in plasma, first week{dashed}", loc="left")
    headline(
        figure,
        f"{' and '.join(_drugs(result))} in {result.attrs['cell_line']} xenografts, "
        f"{result.attrs['days']:g} days{bands.note(result)}",
    )
    return figure


def patient_figure(result: xr.Dataset) -> "Figure":
    """Plasma, tumour and blood over time; of a population the median with two bands."""
    from p53net.figures.inline import Figure

    figure = Figure(figsize=(WIDE, 5.4), layout="constrained")
    names = ("plasma", "p53_active", "MDM2_total", "p21", "GDF15_serum", "platelets",
             "neutrophils", "haemoglobin", "tumour_volume")  # fmt: skip
    panels = figure.subplots(3, 3).ravel()
    days = result["time"] / 24.0
    limits = {count: values for count, values in GRADES.values()}
    for panel, name, colour in zip(panels, names, cycle(COLOURS[:3]), strict=False):
        curves = result[name]
        top = float(curves.max())
        if "percentile" not in curves.dims:
            bands.shade(panel, curves, colour, days)
        elif "quantile" in curves.dims:  # between draws, of the patient in the middle
            _outlined(panel, days, curves, colour)
        curves = bands.middle(curves)
        if "percentile" in curves.dims:
            for low, high, shade in ((5.0, 95.0, 0.15), (25.0, 75.0, 0.3)):
                ends = (curves.sel(percentile=p) for p in (low, high))
                panel.fill_between(days, *ends, color=colour, alpha=shade, lw=0)
            curves = curves.sel(percentile=50.0)
        panel.plot(days, curves, color=colour, lw=0.8)
        if name == "plasma" and "beside_plasma" in result:
            other = bands.middle(result["beside_plasma"])
            other = other.sel(percentile=50.0) if "percentile" in other.dims else other
            panel.plot(days, other, color=_OTHER, lw=0.7, ls="--")
            panel.set_title(f"dashed: {result.attrs['beside']}", loc="left")
        panel.set(xlabel="time [d]", ylim=(0, None))
        if name == "tumour_volume" and is_banded(result):  # draws differ by orders of magnitude
            panel.set(yscale="log", ylim=(1e-4 * top, 2.0 * top))
        panel.set_ylabel(_NAMES.get(name, "plasma [ng/mL]"))
        for grade, limit in enumerate(limits.get(name, ()), start=1):
            if grade in (3, 4) and limit > 0:
                panel.axhline(limit, color=_LIMITS, lw=0.5, ls=":")
                right = grade == 3  # each at its end: they can be near each other and 0
                panel.text(1.0 if right else 0.01, limit, f"grade {grade}", fontsize=SMALL,
                           ha="right" if right else "left", va="bottom", color="#555555",
                           transform=panel.get_yaxis_transform())  # fmt: skip
    many = int(result.attrs["population"])
    who = f"{many} virtual patients: median, 25-75 % and 5-95 %" if many else "typical patient"
    if many and is_banded(result):
        count = result.attrs["draws"].split()[0]
        who = (
            f"{many} virtual patients\nShaded: 50 and 90 % of the patients (medians of {count} "
            "draws). Dashed: 95 % of the draws, of the median patient"
        )
    elif is_banded(result):
        who += bands.note(result)
    headline(
        figure,
        f"{result.attrs['drug']} {result.attrs['regimen']}{_beside(result)}, "
        f"{result.attrs['tumour']} tumour; {who}",
    )
    return figure


def schedules_figure(result: xr.Dataset) -> "Figure":
    """Tumour effect against each toxicity: a point a schedule, with intervals."""
    from p53net.figures.inline import Figure

    toxicities = [str(name) for name in result["toxicity"].values]
    figure = Figure(figsize=(WIDE, 3.1), layout="constrained")
    panels = figure.subplots(1, len(toxicities), squeeze=False, sharey=True)[0]
    lowest = 0.0
    for panel, toxicity in zip(panels, toxicities, strict=True):
        for name, colour, marker in zip(
            result["regimen"].values, cycle(COLOURS), cycle("osD^vP*"), strict=False
        ):
            one = result.sel(regimen=name, toxicity=toxicity)
            x, y = (float(bands.middle(one[key])) for key in ("rate", "tgi"))
            if is_banded(result):
                xerr, yerr = (_ends(one[key]) for key in ("rate", "tgi"))
            else:
                xerr, yerr = [[x - float(one["rate_low"])], [float(one["rate_high"]) - x]], None
            spread = [float(bands.middle(one[f"tgi_{end}"])) for end in ("low", "high")]
            panel.vlines(x, *spread, color=colour, lw=2.4, alpha=0.35, zorder=1)
            lowest = min(lowest, spread[0])
            panel.errorbar(
                x, y, xerr=xerr, yerr=yerr, fmt=marker, color=colour, ms=4.3, capsize=2, label=name
            )
        panel.set_xlabel(f"grade {result.attrs['grade']} or more {toxicity}\n[% of patients]")
        panel.set_xlim(0, None)
    drawn = is_banded(result)
    panels[0].set_ylabel(f"tumour growth inhibition, day {result.attrs['days']:g} [%]")
    panels[0].set_ylim(1.08 * lowest, 1.08 * float(result["tgi_high"].max()))
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 4))
    headline(
        figure,
        f"{' and '.join(_drugs(result))}, {result.attrs['tumour']} tumour: effect against "
        f"toxicity in {result.attrs['population']} virtual patients\nMarks: median patient, with "
        f"95 % {'of the draws' if drawn else 'intervals of the rates'}. Broad lines: what 90 % of "
        "the patients have.",
    )
    return figure


def _ends(values: xr.DataArray) -> list[list[float]]:
    """Below and above the median, what holds 95 % of the draws."""
    low, middle, high = (float(values.sel(quantile=one)) for one in (ENDS[0], 0.5, ENDS[1]))
    return [[middle - low], [high - middle]]


def _outlined(panel: "Axes", days: xr.DataArray, curves: xr.DataArray, colour: str) -> None:
    for end in ENDS:
        curve = curves.sel(percentile=50.0, quantile=end)
        panel.plot(days, curve, color=colour, lw=0.5, ls="--")


def _drugs(result: xr.Dataset) -> list[str]:
    """The drug, and another beside it."""
    return [str(result.attrs[key]) for key in ("drug", "beside") if key in result.attrs]


def _beside(result: xr.Dataset) -> str:
    """Of another drug, if there is one."""
    if "beside" not in result.attrs:
        return ""
    return f", beside {result.attrs['beside']} {result.attrs['beside_regimen']}"


def shades(count: int) -> list[str]:
    """Blue, darker with dose: an order that grey shows too."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(colour) for colour in colormaps["viridis_r"](np.linspace(0.15, 1.0, count))]
