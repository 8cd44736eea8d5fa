"""Tables of docs/ensemble.md from what `p53net infer` wrote beside the shipped ensemble: rows of
evidence, weights of structures under other assumptions, and the rows that carry each answer.

What was written lies in docs as CSV, since the draws that it was made of are not kept.
"""

import io
import math
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pandas as pd

from p53net.engines.base import FloatArray
from p53net.ensembles.draws import QUANTILES
from p53net.evidence import pages
from p53net.evidence.markdown import interval, percent, rows_of, shown
from p53net.evidence.pages import Table
from p53net.evidence.published import observation
from p53net.files import read_bytes
from p53net.inference.pareto import POOR

_LARGEST = 2**22  # bytes
_EXTREME = 0.025  # of a p-value, at either end
_MOVED = 0.1  # of a weight, from which on a row that is left out is worth a line
_CERTAIN = 2.0  # standard errors by which a structure must lead
_CARRY = 3  # rows of each headline that are shown
_WIDTHS: Mapping[float, str] = {1.0: "as they are", 0.5: "half", 2.0: "double"}
_WHOLE, _STACKED = "nothing", "nothing, stacked"  # in the column `without`


def stored(name: str) -> pd.DataFrame:
    """What lies in docs as `ensemble_NAME.csv`. Raises InputError."""
    path = pages.root() / "docs" / f"ensemble_{name}.csv"
    content = read_bytes(path, _LARGEST, "the table of the shipped ensemble")
    return pd.read_csv(io.BytesIO(content))


def evidence() -> str:
    """Each row of evidence beside what the posterior predicts of it."""
    table = stored("rows")
    ends = [f"q{100 * q:g}" for q in QUANTILES]
    rows = []
    for one in table.to_dict("records"):
        name = str(one["observation"])
        row = observation(name)
        unit = "" if row.statement or row.unit in ("dimensionless", "1") else f" [{row.unit}]"
        seen = interval(name) if not row.statement else "as stated"
        lost = f"; {percent(one['undefined'])} without" if one["undefined"] > 0 else ""
        rows.append([f"`{name}`{unit}", str(one["stage"]), seen,
                     banded(np.array([one[end] for end in ends])) + lost,
                     f"{one['p_value']:.3f}"])  # fmt: skip
    values = table["p_value"].to_numpy()
    extreme = int(((values < _EXTREME) | (values > 1 - _EXTREME)).sum())
    head = rows_of("row | stage | observed | median, 50 and 95 % of the draws | p", rows)
    return f"{len(table)} rows; p below 0.025 or above 0.975 in {extreme} of them.\n\n{head}"


def at_widths() -> str:
    """Weights of structures where every assumed width is half or double, and who leads there."""
    table = stored("weights_at_widths")
    names = list(dict.fromkeys(table["structure"].astype(str)))
    rows, leaders = [], {}
    for width, word in _WIDTHS.items():
        here = table[table["width"] == width].set_index("structure")
        if here.empty:
            rows.append([word, "not run", *([""] * len(names))])
            continue
        here = here.loc[names]
        leaders[word] = _leading(here["log_evidence"], here["error"])
        cells = [f"{one['log_evidence']:.1f} ± {one['error']:.1f}; {percent(one['weight'])} ± "
                 f"{percent(one['weight_error'])}" for one in here.to_dict("records")]  # fmt: skip
        rows.append([word, leaders[word], *cells])
    said = _verdict({f"with widths {word}": leader for word, leader in leaders.items()})
    return f"{said}\n\n" + rows_of(" | ".join(["widths of priors", "leads", *names]), rows)


def without() -> str:
    """Weights of structures by stacking and with each row left out: who leads, and the rows
    without which a weight is another."""
    table = stored("weights_without").set_index("without")
    names = [str(name) for name in table.columns.drop("largest_k")]
    usual = table.loc[_WHOLE, names]
    singly = table.drop([_WHOLE, _STACKED])
    moved = (singly[names] - usual).abs().max(axis=1).sort_values(ascending=False)
    shown_rows = [_WHOLE, _STACKED, *moved.index[moved >= _MOVED]]
    leaders = table[names].idxmax(axis=1).astype(str)
    rows = []
    for name, one in table.loc[shown_rows].iterrows():
        row, k = str(name), float(one["largest_k"])
        cells = [percent(float(one[structure])) for structure in names]
        rows.append([row if row in (_WHOLE, _STACKED) else f"`{row}`", leaders[row], *cells,
                     _k(k) if math.isfinite(k) else ""])  # fmt: skip
    said = _verdict({"with all rows": leaders[_WHOLE], "by stacking": leaders[_STACKED],
                     **{f"without `{row}`": leaders[row] for row in singly.index}})  # fmt: skip
    rest = (
        f"{len(singly)} rows were left out, one at a time; those that move no weight by "
        f"{_MOVED * 100:.0f} points are not shown. Pareto's k is above {POOR} in "
        f"{int((singly['largest_k'] > POOR).sum())}: there only a new run could tell."
    )
    head = " | ".join(["without", "leads", *names, "largest k"])
    return f"{said} {rest}\n\n" + rows_of(head, rows)


def other_weights() -> list[Mapping[Hashable, float]]:
    """Weights of structures at half and double widths, by stacking, and without each row of which
    the draws can tell."""
    widths = stored("weights_at_widths")
    table = stored("weights_without").set_index("without")
    told = table[~(table["largest_k"] > POOR)].drop(columns="largest_k")
    by_width = [part.set_index("structure")["weight"] for _, part in widths.groupby("width")]
    return [*(one.to_dict() for one in by_width), *told.to_dict("records")]


def influence() -> str:
    """Of each headline the rows that carry it: how far its median moves without each."""
    table = stored("influence")
    rows = []
    for headline, part in table.groupby("headline", sort=False):
        order = part["shift"].abs().sort_values(ascending=False).index[:_CARRY]
        cells = [f"`{one['row']}`: {one['shift']:+.2f}, to {shown(one['without'])}; "
                 f"k {_k(one['k'])}" for one in part.loc[order].to_dict("records")]  # fmt: skip
        rows.append([f"`{headline}`", shown(float(part["median"].iloc[0])), *cells])
    (structure,) = table["structure"].unique()
    head = " | ".join(["headline", "median", "first row", "second row", "third row"])
    return f"Structure: {structure}.\n\n" + rows_of(head, rows)


def banded(ends: FloatArray) -> str:
    """Median, and 50 and 95 % of draws, of their quantiles."""
    low, quarter, middle, three, high = (shown(float(one)) for one in ends)
    return f"{middle} ({quarter} to {three}; {low} to {high})"


def _leading(logs: "pd.Series[float]", errors: "pd.Series[float]") -> str:
    """The structure with most evidence, or all that may be it within their errors."""
    best = int(np.argmax(logs.to_numpy()))
    near = logs.iloc[best] - logs <= _CERTAIN * np.hypot(errors, errors.iloc[best])
    return " or ".join(logs.index[near].astype(str))


def _verdict(leaders: Mapping[str, str]) -> str:
    """Who leads under all assumptions, or that it is undecided, and who leads under which."""
    groups: dict[str, list[str]] = {}
    for assumed, leader in leaders.items():
        groups.setdefault(leader, []).append(assumed)
    if len(groups) == 1:
        (only,) = groups
        return f"In all of them {only} leads." if " or " not in only else f"Undecided: {only}."
    first, *others = groups
    rest = "; ".join(f"{name} {_listed(groups[name])}" for name in others)
    return f"**Undecided.** {first} leads {groups[first][0]}, but {rest}."


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _k(k: float) -> str:
    return f"{k:.2f}" + (" (poor)" if k > POOR else "")


TABLES = (
    Table("docs/ensemble.md", "weights-at-widths", at_widths),
    Table("docs/ensemble.md", "weights-without", without),
    Table("docs/ensemble.md", "influence", influence),
    Table("docs/ensemble.md", "evidence", evidence),
)
