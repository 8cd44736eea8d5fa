"""Tables of the page on calibration: estimates, optima, and the fit."""

from functools import cache

import numpy as np
import xarray as xr

from p53net.evidence import calibration
from p53net.evidence.markdown import interval, rows_of, shown

_DIFFERS = 0.01  # of a logarithm: parameters that an optimum has elsewhere


@cache
def calibrated() -> xr.Dataset:
    """All of it, once."""
    return calibration.calibrate()


def estimates(fits: xr.Dataset) -> str:
    """The estimates of a calibration."""
    rows = []
    for row in calibration.table(fits).to_dict("records"):
        rows.append([row["entry"], f"`{row['parameter']}`", f"{row['committed']:g}", row["unit"],
                     f"{row['estimate']:g}", f"{row['low']:.3g} to {row['high']:.3g}",
                     "yes" if row["identified"] == "True" else "no"])  # fmt: skip
    return rows_of("of | parameter | committed | unit | fitted together | 95 % interval | "
                   "identified", rows)  # fmt: skip


def optima(fits: xr.Dataset) -> str:
    """The optima of a calibration: how good, how often found, and what differs from the best."""
    rows = []
    values, names = fits["optimum_value"].values, fits["symbol"].values
    for number, row in enumerate(values):
        moved = np.flatnonzero(np.abs(np.log(row / values[0])) > _DIFFERS)
        rows.append([str(number + 1), f"{float(fits['optimum_chi_squared'][number]):.3f}",
                     f"{int(fits['optimum_found_by'][number])} of {fits.attrs['starts']}",
                     ", ".join(f"`{names[i]}` {row[i]:.4g}" for i in moved)])  # fmt: skip
    return rows_of("optimum | chi-squared | starts | values that differ from the first", rows)


def residuals(fits: xr.Dataset) -> str:
    """The observations of a calibration."""
    rows = []
    for row in calibration.residual_table(fits).to_dict("records"):
        rows.append([row["block"], row["observation"], shown(row["observed"]),
                     interval(row["observation"]), shown(row["predicted"]), row["unit"],
                     f"{row['residual'] + 0.0:.2f}".replace("-0.00", "0.00")])  # fmt: skip
    return rows_of("block | observation | observed | interval | fitted | unit | distance", rows)


MADE = {"estimates": estimates, "optima": optima, "fit": residuals}
"""Table to what makes it of a calibration."""
