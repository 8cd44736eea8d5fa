"""What questions about trials found, as one table: a row for each regimen.

A file of it begins with a line that says of which models and draws it is, so that a page made from
it can be told to be of other ones.
"""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import xarray as xr

from p53net.ensembles.draws import Ensemble
from p53net.ensembles.identity import digest
from p53net.errors import InputError
from p53net.files import read_bytes
from p53net.inference.questions import ASKS

_LARGEST = 2**20  # bytes
_SAID = ("drug", "tumour", "days", "toxicity", "grade", "population", "draws", "seed")
_DIGITS = "%.6g"


class Kept(NamedTuple):
    """A table that was read."""

    about: Mapping[str, str]
    """What its first line says: `models`, `ensemble`, `drug` and so on."""
    rows: pd.DataFrame
    """A row for each regimen, by its name."""


def regimens_of(result: xr.Dataset) -> pd.DataFrame:
    """A row for each regimen of `trial_questions`: medians over draws with their 95 % band and
    Monte-Carlo errors [%]; then of each question about it the probability with its error, and in
    how many structures it holds. NaN where nothing was asked of it."""
    rate = result["rate"].sel(toxicity=result.attrs["toxicity"])
    columns = {"regimen": result["regimen"].values}
    for name, band in (("tgi", result["tgi"]), ("rate", rate)):
        for end, quantile in (("", 0.5), ("_low", 0.025), ("_high", 0.975)):
            columns[f"{name}{end}"] = band.sel(quantile=quantile).values
    columns["tgi_error"] = result["tgi_error"].values
    columns["rate_error"] = result["rate_error"].sel(toxicity=result.attrs["toxicity"]).values
    for name in ("on_front", "on_front_error", "lost"):
        columns[name] = result[name].values
    found = pd.DataFrame(columns)
    for asks in ASKS:
        some = result.isel(question=result["asks"].values == asks)
        for end, name in (("", "probability"), ("_error", "probability_error"),
                          ("_holds_in", "holds_in")):  # fmt: skip
            answers = pd.Series(some[name].values, index=some["about"].values)
            found[f"{asks}{end}"] = found["regimen"].map(answers)
    return found.assign(structures=int(result["of"][0]))


def kept(result: xr.Dataset, ensemble: Ensemble) -> str:
    """The table as CSV to six digits, below a line that says what it was made of."""
    about = {"models": digest(), "ensemble": ensemble.sha256[:16]}
    about |= {name: f"{result.attrs[name]:g}" if name == "days" else str(result.attrs[name])
              for name in _SAID}  # fmt: skip
    line = "; ".join(f"{name} {value}" for name, value in about.items())
    table = regimens_of(result).to_csv(index=False, lineterminator="\n", float_format=_DIGITS)
    return f"# {line}\n{table}"


def read_kept(path: Path) -> Kept:
    """Such a table. Raises InputError where the file is none."""
    text = read_bytes(path, _LARGEST, "the table of regimens").decode("utf-8", "replace")
    first, _, rest = text.partition("\n")
    pairs = (one.partition(" ") for one in first.removeprefix("# ").split("; "))
    about = {name: value for name, _, value in pairs}
    if not first.startswith("# models ") or "regimen," not in rest:
        raise InputError(
            f"{path} is no table that `p53net trial-questions --table` wrote: its first line must "
            "say of which models it is, as in '# models 0123456789abcdef; ensemble ...'"
        )
    return Kept(about, pd.read_csv(io.StringIO(rest)).set_index("regimen"))
