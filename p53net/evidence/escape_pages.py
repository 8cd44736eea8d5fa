"""Tables of the README about feedback escape: the values of the tables, and what is left of them in
the draws of the shipped ensemble."""

from functools import cache

import numpy as np
import xarray as xr

from p53net.ensembles.banded import number
from p53net.ensembles.cells import SHIPPED
from p53net.evidence.markdown import rows_of, shown
from p53net.measures.candidate import TWIN
from p53net.studies.escape import claimed
from p53net.studies.escape.rivals import claim_table
from p53net.studies.escape.study import DRUGS, escape

NAMES = (*DRUGS, DRUGS[-1] + TWIN)
_PRICE = ("degrader_pays_more", "inhibitor_pays_more", "equal_price")


@cache
def over_draws() -> xr.Dataset:
    """The study in all draws of the shipped ensemble."""
    return escape(ensemble=SHIPPED)


def measures() -> str:
    """Of each drug the value of the tables, then the median and 95 % of the draws."""
    point, draws = escape(), over_draws()

    def row(title: str, name: str, form: str, **at: float) -> list[str]:
        both = [[one[name].sel({"drug": drug, **at}) for one in (point, draws)] for drug in NAMES]
        return [title, *(f"{_format(a, form)}; {_format(b, form)}" for a, b in both)]

    rows = [
        row("dose [nM]", "equal_dose", ".3g"),
        row("MDM2 mRNA, fold", "MDM2_mRNA_fold", ".3g"),
        *(row(f"dose ratio at p53 {fold:g} times", "dose_ratio", "#.3g", fold=fold)
          for fold in point["fold"].values.tolist()),
        row("escape index (0 = feedback costs nothing)", "escape_index", ".2f"),
        row("total MDM2, fold", "MDM2_total_fold", ".3g"),
        *(row(f"fall of p53 below untreated after {hours:g} h and washout", "rebound", ".0%",
              exposure=hours) for hours in (4.0, 24.0)),
        row("drug per untreated MDM2, closed dish of 2 pL per cell", "stoichiometric_load", ".3g",
            medium_volume=2.0),
    ]  # fmt: skip
    return rows_of(" | milademetan | KT-253 | its non-catalytic twin", rows)


def _format(values: xr.DataArray, form: str) -> str:
    one = number(values)
    return "not reached" if np.isnan(one) else format(one, form).replace("%", " %")


def claims() -> str:
    """Of each claim in how many draws it holds, and how it stands at the values of the tables."""
    result, draws, rows = escape(structures="all"), over_draws(), []
    for one in claim_table(result).to_dict("records"):
        held = [name for name in result["structure"].values if one[name] == "holds"]
        fails = [name for name in result["structure"].values if one[name] == "does not"]
        fewer = f"only {', '.join(held)}" if len(held) <= len(fails) else f"not {', '.join(fails)}"
        here = {"holds": "yes", "does not": "no"}.get(one["default"], "not defined")
        likely = claimed.in_words(draws, str(one["claim"])).removeprefix("holds in ")
        rows.append([one["sentence"], likely, here, f"{one['holds']} of {one['of']}",
                     fewer if held and fails else ""])  # fmt: skip
    return rows_of("claim | holds in | default | structures | where", rows)


def price() -> str:
    """Which drug pays more, in a sentence."""
    draws = over_draws()
    ratios = [draws["dose_ratio"].sel(drug=drug, fold=3.0) for drug in DRUGS]
    shares = [float(draws["holds"].sel(claim=name)) for name in _PRICE]
    words = [f"{100 * share:.0f} %" for share in shares]
    bands = [_ends(one) for one in ratios]
    return (
        f"In the draws that the evidence leaves the degrader pays more in {words[0]}, the "
        f"inhibitor in {words[1]}, and both alike (within 5 %) in {words[2]}; at three times "
        f"untreated p53 the dose ratio of milademetan is {bands[0]}, of KT-253 {bands[1]}.\n"
    )


def _ends(values: xr.DataArray) -> str:
    low, middle, high = (shown(float(values.sel(quantile=q))) for q in (0.025, 0.5, 0.975))
    return f"{middle} (95 % of the draws: {low} to {high})"
