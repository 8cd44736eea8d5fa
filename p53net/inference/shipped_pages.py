"""Tables about the ensemble that is shipped, from its draws and what it says of itself."""

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np

from p53net.ensembles.draws import ensemble
from p53net.evidence.markdown import rows_of, shown
from p53net.evidence.pages import Table
from p53net.inference.answers import answers_of
from p53net.inference.claims import probability
from p53net.studies.escape.rivals import claims

_ENDS = (0.025, 0.25, 0.5, 0.75, 0.975)
_ANSWERS = {
    "dose_ratio:3": "dose ratio, p53 three times untreated",
    "escape_index": "escape index",
    "MDM2_total_fold": "total MDM2, fold of untreated",
    "equal_dose:3": "dose that triples p53, nM",
}


def _about() -> Mapping[str, Any]:
    return ensemble().about


def structures() -> str:
    """Weights of structures."""
    about, table = _about(), ensemble().table
    rows = [
        [name, f"{one['log_evidence']:.2f} ± {one['error']:.2f}",
         f"{100 * one['weight']:.1f} ± {100 * one['weight_error']:.1f} %",
         str(int((table["structure"] == name).sum()))]
        for name, one in about["weights"].items()
    ]  # fmt: skip
    return rows_of("structure | logarithm of the evidence of cells | weight | draws", rows)


def agreement() -> str:
    """How far independent runs of cells agree."""
    rows = [
        [one["structure"], f"`{one['headline']}`", f"{one['r_hat']:.3f}",
         f"{one['ess_bulk']:.0f}", f"{one['ess_tail']:.0f}"]
        for one in _about()["convergence"]
    ]  # fmt: skip
    return rows_of("structure | headline | R-hat | effective draws, bulk | tail", rows)


def headlines() -> str:
    """Answers of both drugs with what holds half and 95 % of the draws."""
    values = answers_of(ensemble(), list(_ANSWERS)).values
    rows = []
    for name in values:
        key, _, drug = str(name).partition("[")
        numbers = values[name].to_numpy(dtype=float)
        low, under, middle, over, high = np.nanquantile(numbers, _ENDS)
        rows.append(
            [_ANSWERS[key], drug.strip('"]'), shown(middle), f"{shown(under)} to {shown(over)}",
             f"{shown(low)} to {shown(high)}"]
        )  # fmt: skip
    return rows_of("answer | drug | median | half of the draws | 95 %", rows)


def sentences() -> str:
    """Claims, how plausible each is, and in how many structures it holds."""
    found = ensemble()
    rows = []
    for one in claims():
        chance = probability(found, one.expression)
        rows.append([one.sentence, f"{100 * float(chance):.0f} % ± {100 * chance.error:.1f}",
                     f"{chance.holds_in} of {chance.of}"])  # fmt: skip
    return rows_of("claim | holds in | structures", rows)


def answer() -> str:
    """The question of the project, answered in one paragraph."""
    found, known = ensemble(), {one.claim: one.expression for one in claims()}
    both, more, less = (
        f"{100 * float(chance):.0f} % ± {100 * chance.error:.1f}"
        for chance in (probability(found, known[name])
                       for name in ("feedback_costs", "degrader_pays_more", "drug_per_cell"))
    )  # fmt: skip
    ratios = answers_of(found, ["dose_ratio:3"]).values
    milademetan, kt253 = (
        "{1} (95 %: {0} to {2})".format(
            *(shown(v) for v in np.nanquantile(ratios[name].to_numpy(dtype=float),
                                               (0.025, 0.5, 0.975)))
        )
        for name in ('dose_ratio:3["milademetan"]', 'dose_ratio:3["KT-253"]')
    )  # fmt: skip
    said = (
        "**No, as far as published numbers tell.** To hold p53 at three times untreated, the "
        f"feedback multiplies the dose of KT-253 by {kt253}, that of milademetan by {milademetan}. "
        f"It costs both drugs more than a tenth of dose in {both} of the cells that these leave "
        f"plausible, and the degrader more in {more}. What the degrader saves is drug: milademetan "
        f"takes more than ten times as many molecules for each cell in {less}."
    )
    return textwrap.fill(said, 110) + "\n"


TABLES = (
    Table("docs/ensemble.md", "shipped-structures", structures),
    Table("docs/ensemble.md", "shipped-headlines", headlines),
    Table("docs/ensemble.md", "shipped-sentences", sentences),
    Table("docs/ensemble.md", "shipped-agreement", agreement),
    Table("README.md", "answer", answer),
    Table("docs/index.md", "home", answer),
    Table("README.md", "plausible", sentences),
)
