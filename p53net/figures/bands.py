"""Bands of an ensemble: what holds 50 and 95 % of the draws, below the median of each curve."""

from typing import TYPE_CHECKING

import xarray as xr

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHADES = ((0.025, 0.975, 0.13), (0.25, 0.75, 0.24))
"""Quantiles below and above, and how dark it is between them."""


def note(result: xr.Dataset, *, last: str = "") -> str:
    """A line of a title that says what lines and bands are, of how many draws; `last` is of what
    the bands are, where not of all. Empty for a result without quantiles."""
    if "quantile" not in result.dims:
        return ""
    count = str(result.attrs.get("draws", "the")).split()[0]
    return f"\nLines: medians of {count} draws. Bands{last}: 50 and 95 % of them."


def shade(panel: "Axes", curve: xr.DataArray, colour: str, x: xr.DataArray | None = None) -> None:
    """Bands of one curve over its only other dimension, or over `x`; nothing where there are no
    quantiles."""
    if "quantile" not in curve.dims:
        return
    (along,) = (name for name in curve.dims if name != "quantile")
    at = curve[along] if x is None else x
    for low, high, dark in _SHADES:
        below, above = (curve.sel(quantile=one) for one in (low, high))
        panel.fill_between(at, below, above, color=colour, alpha=dark, lw=0, zorder=1)


def middle(curve: xr.DataArray) -> xr.DataArray:
    """The median where there are quantiles, or the curve itself."""
    return curve.sel(quantile=0.5, drop=True) if "quantile" in curve.dims else curve
