"""Published numbers beside what the models predict: calibrated or predicted, in or out."""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr

from p53net.evidence.cells import Predictions
from p53net.evidence.predictions import GROUPS
from p53net.evidence.published import Observation, observations
from p53net.model.own import TablesLike, as_tables
from p53net.simulation.choice import AUTO, preferring
from p53net.simulation.model import VERSION
from p53net.simulation.provenance import recorded

_SCORED = ("fit", "predict", "set")
_MISSED = ("outside", "not predicted")

REASONS = {
    "md224_dc": "its free fraction was fitted to its IC50 of 1.5 nM, above the 1 nM at which MDM2 "
    "is said to be gone; one sensitivity of the line for KT-253 and MD-224 cannot give both",
    "platelet_nadir": "platelets mature in 264 h, as under CGM097, so they still fall a day after "
    "the next cycle has begun; with the 100 to 175 h of other drugs it would be 7 to 10 days",
    "platelet_recovery": "as platelet_nadir; with 100 h half of the loss would be regained, with "
    "134 h a tenth",
    "neutrophil_recovery": "of the loss 45 % is regained between nadir and next cycle",
    "haem_reversible": "less than half of the loss is regained before the next cycle",
    "tgi_milademetan_sjsa1": "mouse exposure is scaled from man, and SJSA-1's many MDM2 genes are "
    "assumed to shift doses up",
    "nutlin_ic50_sjsa1": "a gene dose of 15, assumed, makes amplified lines too resistant",
    "milademetan_induction_sjsa1_p53": "as nutlin_ic50_sjsa1; its plateau lies at doses never "
    "tested",
    "milademetan_induction_sjsa1_p21": "as milademetan_induction_sjsa1_p53",
    "milademetan_induction_sjsa1_mdm2": "as milademetan_induction_sjsa1_p53",
    "navtemadlin_ic50_sjsa1": "as nutlin_ic50_sjsa1; its free fraction of 0.1 is assumed too",
    "rg7112_ic50_amplified": "a gene dose of 18.3 makes amplified lines too resistant, and a free "
    "fraction of 0.1 is assumed; in SJSA-1 it is 10,134 nM",
    "kt253_over_inhibitors": "death follows p53 alone and p53 follows undrugged MDM2 alone, so two "
    "drugs stand in nearly one ratio in every line (35 to 36); navtemadlin over KT-253 is 4.4 to "
    "4.7, siremadlin 12, idasanutlin 50, nutlin-3a 354 to 362 and RG7112 511 to 523",
    "anaemia_any_intermittent": "any-grade rates count what was reported, not laboratory values; "
    "most patients have haemoglobin below 12 g/dL before treatment",
    "anaemia_any_other": "as anaemia_any_intermittent",
    "thrombocytopenia_any_other": "as anaemia_any_intermittent: reports, not laboratory values",
    "platelets_japan_any": "as thrombocytopenia_any_other",
    "kt253_haem": "its human exposure and doses are not published, nor which grades were counted; "
    "1 mg/kg is the mouse's dose, and 0.1 mg/kg gives 2 % of grade 3 or more, 41 % of any",
    "thrombocytopenia_grade34_mantra": "fitted to phase 1, of which 20 patients had this schedule; "
    "the larger trial counted all causes over many cycles",
    "neutropenia_grade34_mantra": "as thrombocytopenia_grade34_mantra",
    "anaemia_grade34_mantra": "as thrombocytopenia_grade34_mantra",
}
"""Why a prediction misses its observation, as far as is known."""


@recorded
def validate(
    *,
    tables: TablesLike = None,
    engine: str = AUTO,
    progress: Callable[[str, float], None] | None = None,
) -> xr.Dataset:
    """Every observation beside its prediction, a row each. Takes a few seconds.

    `tables` may hold `observations` of your own: rows with the id of a published one stand in its
    place, others are shown as not predicted.

    Returns a Dataset over `observation`: `predicted`, `observed`, `low`, `high`, `unit`, `use`
    (fit, predict, set, show, input), `verdict` (inside, outside, not compared, not predicted),
    `place` in the interval (-1 low, 0 middle, 1 high; in logarithms where all are above 0), with
    subject, quantity, protocol, source, trust, note and `reason` for what is outside.
    """
    rows = observations(as_tables(tables))
    predicted: Predictions = {}
    with preferring(engine):
        for number, group in enumerate(GROUPS):
            if progress is not None:
                progress(group.__name__.replace("_", " "), number / len(GROUPS))
            predicted |= group([{}])[0]
    found = [_row(row, predicted.get(row.id, math.nan)) for row in rows.values()]
    frame = pd.DataFrame(found).set_index("observation")
    result = xr.Dataset.from_dataframe(frame)
    met = frame[frame["use"].isin(_SCORED)]
    missed = met[met["verdict"].isin(_MISSED)]
    words = {"fit": "calibrated", "predict": "predicted", "set": "set by hand or built in"}
    counts = ", ".join(f"{(met['use'] == use).sum()} {word}" for use, word in words.items())
    result.attrs = {
        "study": "validate",
        "counts": f"{counts}, of these {len(missed)} outside",
        "version": VERSION,
    }
    return result


def misses(result: xr.Dataset) -> list[str]:
    """Rows that are meant to hold and do not, or of which the prediction failed."""
    meant = np.isin(result["use"].values.astype(str), _SCORED)
    outside = np.isin(result["verdict"].values.astype(str), _MISSED)
    return [str(name) for name in result["observation"].values[meant & outside]]


def as_table(result: xr.Dataset) -> pd.DataFrame:
    """The rows for reading: observation, subject, observed, interval, predicted, verdict, why."""
    names = ["subject", "quantity", "observed", "low", "high", "unit", "predicted", "use",
             "verdict", "reason", "source", "trust"]  # fmt: skip
    return result[names].to_dataframe().reset_index()[["observation", *names]]


def markdown(result: xr.Dataset) -> str:
    """The rows as a Markdown table, with numbers of three digits."""
    lines = [
        "| observation | observed | interval | predicted | unit | how | verdict | why missed |",
        "|---" * 8 + "|",
    ]
    for row in as_table(result).to_dict("records"):
        low, high = row["low"], row["high"]
        interval = f"{_said(low)} to {_said(high)}" if math.isfinite(low + high) else (
            f"{_said(low)} or more" if math.isfinite(low) else
            f"at most {_said(high)}" if math.isfinite(high) else ""
        )  # fmt: skip
        predicted = {1.0: "yes", 0.0: "no"}[row["predicted"]] if interval == "" and (
            row["predicted"] in (0.0, 1.0)) else _said(row["predicted"])  # fmt: skip
        cells = (row["observation"], _said(row["observed"]), interval, predicted, row["unit"],
                 row["use"], row["verdict"], row["reason"])  # fmt: skip
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def _row(row: Observation, predicted: float) -> dict[str, object]:
    verdict = "inside" if row.holds(predicted) else "outside"
    if math.isnan(predicted):
        verdict = "not predicted"
    elif not row.comparable:
        verdict = "not compared"
    return {
        "observation": row.id,
        "level": row.level,
        "subject": row.subject,
        "quantity": row.quantity,
        "protocol": row.protocol,
        "observed": row.value,
        "low": row.low,
        "high": row.high,
        "unit": row.unit,
        "predicted": predicted,
        "use": row.use,
        "verdict": verdict,
        "place": _place(row, predicted),
        "reason": REASONS.get(row.id, "") if verdict == "outside" else "",
        "source": row.source,
        "trust": row.trust,
        "note": row.note,
    }


def _place(row: Observation, value: float) -> float:
    """-1 at the low end of the interval, 1 at the high end; NaN without an interval."""
    if not math.isfinite(row.low + row.high) or not math.isfinite(value) or row.low == row.high:
        return math.nan
    low, high, at = row.low, row.high, value
    if low > 0 and value > 0 and row.unit not in ("% of patients", "%"):
        low, high, at = math.log(low), math.log(high), math.log(value)
    return (at - (low + high) / 2) / ((high - low) / 2)


def _said(value: float) -> str:
    if math.isnan(value):
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
