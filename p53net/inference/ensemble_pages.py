"""The tables of docs/ensemble.md, and what studies of assays and bodies say in the README: all from
the shipped ensemble."""

import io
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import pandas as pd
import xarray as xr

from p53net.dosing.regimens import regimen
from p53net.engines.base import FloatArray
from p53net.ensembles.banded import DEFINED, quantiles
from p53net.ensembles.cells import SHIPPED
from p53net.ensembles.draws import QUANTILES, ensemble
from p53net.evidence import pages
from p53net.evidence.escape_pages import over_draws
from p53net.evidence.markdown import asked, interval, rows_of, shown
from p53net.evidence.pages import Table
from p53net.evidence.published import observation
from p53net.evidence.trials import COUNTED
from p53net.files import read_bytes
from p53net.inference import likelihood_pages
from p53net.inference.answers import answers_of
from p53net.measures.candidate import TWIN
from p53net.studies.body.xenografts import xenograft
from p53net.studies.escape.report import about

ROWS = "docs/ensemble_rows.csv"
"""What `p53net infer` wrote as rows.csv, from the root of a checkout."""

_LARGEST = 2**22
_EXTREME = 0.025  # of a p-value, at either end
_PLACES = {"fold": "p53 {:g} times", "exposure": "{:g} h", "medium_volume": "{:g} pL"}
_NEAR_ZERO, _NOTHING = ("late_swing", "rebound", "free_MDM2_rise"), 1e-3
"""Measures that are 0 where nothing happens, and below which they are rounding errors."""

_TRIALS = '"milademetan","260 mg 3/14"'
_SEEN = ("thrombocytopenia_grade3plus_intermittent", "thrombocytopenia_grade34_mantra")
_OTHERS = ("daily", "21/28", "7/28")


def weights() -> str:
    """What the evidence says of each structure."""
    found, shares = _about("weights"), ensemble().structures
    rows = [
        [name, f"{one['log_evidence']:.1f} ± {one['error']:.1f}",
         f"{_percent(one['weight'])} ± {_percent(one['weight_error'])}",
         _percent(shares.get(name, 0.0))]
        for name, one in ((name, found[name]) for name in _structures())
    ]  # fmt: skip
    return rows_of("structure | logarithm of the evidence of cells | weight | share of the draws, "
                   "after bodies", rows)  # fmt: skip


def convergence() -> str:
    """Of each headline in each structure: R-hat, and effective draws."""
    table = pd.DataFrame(cast(Any, ensemble().about["convergence"]))
    names, rows = _structures(), []
    for headline, part in table.groupby("headline", sort=False):
        here = part.set_index("structure").to_dict("index")
        cells = [
            f"{here[n]['r_hat']:.3f}; {shown(here[n]['ess_bulk'])}, {shown(here[n]['ess_tail'])}"
            + (f"; {_percent(here[n]['undefined'])} without" if here[n]["undefined"] else "")
            for n in names
        ]
        rows.append([f"`{headline}`", *cells])
    return rows_of(" | ".join(["headline", *names]), rows)


def runs() -> str:
    """How the sampler went in each structure: sums of its independent runs."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for one in _about("runs").values():
        found.setdefault(str(one["unit"]["structure"]), []).append(one)
    rows = []
    for name in _structures():
        each = found[name]
        failed = sum((Counter(one["failures"]) for one in each), Counter[str]())
        words = ", ".join(f"{reason}: {shown(n)}" for reason, n in failed.most_common())
        accepted = float(np.mean([one["accepted"][-1] for one in each]))
        rows.append([name, str(len(each)), str(len(each[0]["moved"])),
                     f"{np.mean([len(one['degrees']) for one in each]):.0f}", _percent(accepted),
                     shown(sum(one["evaluations"] for one in each)), words or "none"])  # fmt: skip
    return rows_of("structure | runs | coordinates | degrees | accepted at the end | evaluations | "
                   "failed runs of a model, by reason", rows)  # fmt: skip


def bodies() -> str:
    """What the second stage did, in a sentence."""
    one = _about("bodies")
    return (
        f"{shown(one['cells'])} draws of cells went into the second stage, and "
        f"{shown(one['left'])} of them are left; {len(one['rows'])} rows, {len(one['degrees'])} "
        f"degrees, {_percent(one['accepted'][-1])} of moves accepted at the end, "
        f"{shown(one['evaluations'])} evaluations.\n"
    )


def headlines() -> str:
    """Each answer of the escape study: median, 50 and 95 % of the draws, and how many have one."""
    result, rows = over_draws(), []
    for name, measure in result.data_vars.items():
        if f"{name}{DEFINED}" not in result or "drug" not in measure.dims:
            continue
        place = next((str(one) for one in measure.dims if one in _PLACES), "")
        for at in result[place].values.tolist() if place else [math.nan]:
            cells = [_cell(result, str(name), drug, {place: at} if place else {})
                     for drug in result["drug"].values if not str(drug).endswith(TWIN)]  # fmt: skip
            unit, meaning = about(str(name))
            where = f", {_PLACES[place].format(at)}" if place else ""
            rows.append([f"`{name}`{where}", meaning + (f" [{unit}]" if unit != "1" else ""),
                         *cells])  # fmt: skip
    return rows_of("answer | what it is | milademetan | KT-253", rows)


def _cell(result: xr.Dataset, name: str, drug: str, at: Mapping[Any, float]) -> str:
    here = {"drug": drug, **at}
    ends = result[name].sel(here).values
    if name in _NEAR_ZERO:
        ends = np.where(np.abs(ends) < _NOTHING, 0.0, ends)
    said = "" if np.isnan(ends).all() else _words(ends)
    defined = float(result[f"{name}{DEFINED}"].sel(here))
    return said + (f"; {_percent(defined)} of draws" if said and defined < 1 else "")


def claims() -> str:
    """Every claim with its probability, in all draws and in those of each structure."""
    result = over_draws()
    names = [name for name in _structures() if name in result["structure"].values]
    number = int(result.attrs["draws"].split()[0])
    rows = []
    for claim in result["claim"].values.tolist():
        one = result.sel(claim=claim)
        share, defined = float(one["holds"]), float(one[f"holds{DEFINED}"])
        used = number * defined
        error = math.sqrt((share * used + 0.5) * ((1 - share) * used + 0.5)) / (used + 1) ** 1.5
        lost = f"; defined in {_percent(defined)}" if defined < 1 else ""
        within = one["holds_in"].sel(structure=names).values.tolist()
        rows.append([one["sentence"].item(), f"{_percent(share)} ± {_percent(error)}{lost}",
                     *("none" if math.isnan(v) else _percent(v) for v in within)])  # fmt: skip
    return rows_of(" | ".join(["claim", "probability", *names]), rows)


def rows_table(csv: str) -> str:
    """Each row of evidence beside what the posterior predicts of it, from the text of rows.csv."""
    table = pd.read_csv(io.StringIO(csv))
    ends = [f"q{100 * q:g}" for q in QUANTILES]
    rows = []
    for one in table.to_dict("records"):
        name = str(one["observation"])
        row = observation(name)
        unit = "" if row.statement or row.unit == "dimensionless" else f" [{row.unit}]"
        seen = interval(name) if not row.statement else "as stated"
        lost = f"; {_percent(one['undefined'])} without" if one["undefined"] > 0 else ""
        rows.append([f"`{name}`{unit}", str(one["stage"]), seen,
                     _words(np.array([one[end] for end in ends])) + lost,
                     f"{one['p_value']:.3f}"])  # fmt: skip
    values = table["p_value"].to_numpy()
    extreme = int(((values < _EXTREME) | (values > 1 - _EXTREME)).sum())
    head = rows_of("row | stage | observed | median, 50 and 95 % of the draws | p", rows)
    return f"{len(table)} rows; p below 0.025 or above 0.975 in {extreme} of them.\n\n{head}"


def evidence() -> str:
    """The table of rows that is stored in docs."""
    path = pages.root() / ROWS
    return rows_table(read_bytes(path, _LARGEST, "the rows of evidence").decode())


def studies() -> str:
    """What the studies of assays and bodies say, each number with 95 % of the draws."""
    names = {
        "kt253": 'ic50["KT-253","RS4;11"]',
        "milademetan": 'ic50["milademetan","RS4;11"]',
        "dc50": 'dc50["KT-253","RS4;11"]',
        "platelets": f"thrombocytopenia:3[{_TRIALS}]",
        "longer": " and ".join(f'tgi[{_TRIALS}] > tgi["milademetan","{one}"] - 5'
                               for one in _OTHERS),
        "cleared": " and ".join(f'tgi["milademetan","{one}"] > 100' for one in ("3/14", *_OTHERS)),
    }  # fmt: skip
    found = answers_of(ensemble(), names.values())
    numbers = dict(zip(names, found.values.to_numpy(dtype=float).T, strict=True))
    said = {name: _band(values) for name, values in numbers.items()}
    likely = {name: _percent(float(np.nanmean(values))) for name, values in numbers.items()}
    once = regimen(1.0, "mg/kg", "once")
    mice = xenograft("KT-253", once, "RS4;11", days=63.0, ensemble=SHIPPED)
    days = _ends_of(mice["days_below"].isel(arm=1).values)
    few, many = (COUNTED[name] for name in _SEEN)
    seen = f"{few[0]} of {few[1]} and {many[0]} of about {many[1]}"
    rows = [
        ["[viability](docs/viability.md)",
         f"KT-253 halves RS4;11 at {said['kt253']} nM ({asked('kt253_ic50_rs411')}); milademetan "
         f"at {said['milademetan']} nM (goes with the free fraction in medium, which nobody "
         "published)"],
        ["[degradation](docs/degradation.md), [caspase](docs/caspase.md)",
         f"KT-253 halves the MDM2 of RS4;11 in two hours at {said['dc50']} nM; largest fall and "
         "hook; caspase-3/7 by dose and time"],
        ["[pharmacokinetics](docs/pk.md)",
         "milademetan's plasma curve, fitted; nobody published KT-253's, so it is assumed"],
        ["[xenografts](docs/xenograft.md)",
         f"one dose of 1 mg/kg KT-253 keeps RS4;11 tumours below their start for {days} d of 63 "
         "(published: regression); its exposure is assumed"],
        ["[patients](docs/patient.md), [schedules](docs/schedules.md)",
         f"thrombocytopenia of grade 3 or more under 260 mg 3/14 in {said['platelets']} % of "
         f"virtual patients ({seen} in two trials, both used); 260 mg 3/14 does as much to the "
         f"tumour as each longer schedule, or at most 5 points less, in {likely['longer']} of the "
         f"draws; tumours shrink under all of them in {likely['cleared']}, and in trials in few "
         "patients"],
        ["[validation](docs/validation.md)",
         "the ledger: amplified lines are met, because they were fitted to; unamplified lines are "
         "too sensitive to inhibitors, and the causes of all misses are named"],
    ]  # fmt: skip
    return rows_of("study | what it says: median and 95 % of the draws", rows)


def _about(name: str) -> Mapping[str, Any]:
    """A part of the notes of the shipped ensemble."""
    return cast(Mapping[str, Any], ensemble().about[name])


def _structures() -> list[str]:
    """Those that were weighed, the most plausible first."""
    found = _about("weights")
    return sorted(found, key=lambda name: -float(found[name]["weight"]))


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _words(ends: FloatArray) -> str:
    low, quarter, middle, three, high = (shown(float(one)) for one in ends)
    return f"{middle} ({quarter} to {three}; {low} to {high})"


def _band(values: FloatArray) -> str:
    """Median and 95 % of draws."""
    return _ends_of(quantiles(values))


def _ends_of(ends: FloatArray) -> str:
    return f"{shown(float(ends[2]))} [{shown(float(ends[0]))} to {shown(float(ends[-1]))}]"


TABLES = (
    *likelihood_pages.TABLES,
    Table("README.md", "studies", studies),
    Table("docs/ensemble.md", "weights", weights),
    Table("docs/ensemble.md", "convergence", convergence),
    Table("docs/ensemble.md", "runs", runs),
    Table("docs/ensemble.md", "bodies", bodies),
    Table("docs/ensemble.md", "headlines", headlines),
    Table("docs/ensemble.md", "claim-probabilities", claims),
    Table("docs/ensemble.md", "evidence", evidence),
)
