"""The ledger: published numbers beside what the models predict, what each is to them, in or out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import xarray as xr

from p53net.errors import InputError, P53NetError, UnknownNameError
from p53net.evidence import matrix
from p53net.evidence.cells import Predictions
from p53net.evidence.predictions import GROUPS
from p53net.evidence.published import Observation, observations
from p53net.evidence.reasons import MISSED, NOT_MODELLED
from p53net.evidence.seen import Seen, uses
from p53net.evidence.trials import counted_in
from p53net.model.own import Tables, TablesLike, as_tables
from p53net.model.structures import (
    StructureLike,
    as_structure,
    differing,
    name_of,
    names_of_several,
    supposing,
)
from p53net.simulation.choice import AUTO, preferring
from p53net.simulation.model import VERSION
from p53net.simulation.provenance import recorded

MISSES = ("outside", "not predicted")
WORDS = {"fit": "fitted to", "set": "set by hand or built in", "input": "taken as input",
          "predict": "predicted"}  # fmt: skip
_NO_FUNCTION = "nothing here predicts it"


@recorded
def validate(
    *,
    tables: TablesLike = None,
    structure: StructureLike = None,
    structures: str | Sequence[str] | None = None,
    engine: str = AUTO,
    progress: Callable[[str, float], None] | None = None,
) -> xr.Dataset:
    """Every observation beside its prediction, a row each. Takes a few seconds.

    `tables` may hold `observations` of your own: rows with the id of a published one stand in its
    place, others are not modelled. `structure` is that of all models; with `structures`, names of
    them or "all", what depends on it is over `structure` too. Raises TableError, InputError.

    Returns a Dataset over `observation`: `predicted`, `observed` (NaN where only a range is
    published), `low`, `high`, `unit`, `use` (fit, set, input, predict, not modelled: computed, see
    docs/validation.md), `seen_by` which parameters, `verdict` (inside, outside, not compared, not
    predicted, not modelled), `place` in the interval (-1 low, 0 middle, 1 high; in logarithms where
    all are above 0), `counted_low` and `counted_high` (what 95 % of trials count where the rate is
    as predicted, by which counts of trials are judged), with subject, quantity, `line` of the
    observation, lines it is `predicted_in`, protocol, source, `tier` of the source,
    `interval_origin`, note and `reason` for what is outside or not modelled.

    Examples:
        >>> found = pn.validate()  # doctest: +SKIP
        >>> found["predicted"].dims, sorted(set(found["verdict"].values))  # doctest: +SKIP
        (('observation',), ['inside', 'not compared', 'not modelled', 'outside'])
    """
    if structures is not None:
        if structure is not None:
            raise InputError("structure and structures are both given; give one of them")
        return matrix.compared(
            lambda one: validate(tables=tables, structure=one, engine=engine),
            names_of_several(structures),
            progress,
        )
    rows = observations(as_tables(tables))
    predicted: Predictions = {}
    failed: dict[str, str] = {}
    lacking: dict[str, str] = {}
    with preferring(engine), supposing(structure):
        chosen, seen = as_structure(None), uses(_observations_alone(tables))
        for number, group in enumerate(GROUPS):
            if progress is not None:
                progress(group.__name__.replace("_", " "), number / len(GROUPS))
            try:
                predicted |= group([{}])[0]
            except (InputError, UnknownNameError) as error:
                if not differing(chosen):
                    raise
                lacking[group.__name__] = str(error)  # parts that this structure does not have
            except P53NetError as error:
                failed[group.__name__] = str(error)
        seen |= _lacking(seen, predicted, lacking, failed)
    known = MISSED.get(name_of(chosen), {})
    found = [
        _row(row, predicted.get(row.id, math.nan), seen[row.id], known.get(row.id, ""))
        for row in rows.values()
    ]
    result = xr.Dataset.from_dataframe(pd.DataFrame(found).set_index("observation"))
    result.attrs = {
        "study": "validate",
        "structure": name_of(chosen),
        "counts": counted(result),
        "failed": "; ".join(f"{group}: {why}" for group, why in failed.items()),
        "version": VERSION,
    }
    return result


def counted(result: xr.Dataset) -> str:
    """How many rows of each use are inside, as a sentence."""
    use, verdict = (result[name].values.astype(str) for name in ("use", "verdict"))
    pairs = Counter(zip(use, verdict, strict=True))
    parts = []
    for name in ("predict", "set", "input", "fit"):
        inside, missed = pairs[name, "inside"], sum(pairs[name, one] for one in MISSES)
        parts.append(f"of {inside + missed} rows {WORDS[name]} {inside} are inside")
    left = sum(verdict == "not modelled")
    bare = sum(verdict == "not compared")
    return f"{', '.join(parts)}; {bare} have no interval and {left} are not modelled"


def sentence(counts: str) -> str:
    """What `counted` says, to stand alone."""
    return f"{counts[:1].upper()}{counts[1:]}."


def misses(result: xr.Dataset) -> list[str]:
    """Rows that are outside, or of which the prediction failed."""
    return [str(name) for name, verdict in zip(result["observation"].values,
            result["verdict"].values, strict=True) if verdict in MISSES]  # fmt: skip


def as_table(result: xr.Dataset) -> pd.DataFrame:
    """The rows for reading: observation, subject, observed, interval, predicted, verdict, why."""
    names = ["subject", "quantity", "line", "observed", "low", "high", "unit", "predicted",
             "predicted_in", "use", "seen_by", "verdict", "reason", "source", "tier",
             "interval_origin"]  # fmt: skip
    return result[names].to_dataframe().reset_index()[["observation", *names]]


def markdown(result: xr.Dataset) -> str:
    """The rows as a Markdown table, with numbers of three digits."""
    lines = [
        "| observation | line | observed | interval | its origin | tier | predicted | unit | use | "
        "verdict | why missed or not modelled |",
        "|---" * 11 + "|",
    ]
    for row in as_table(result).to_dict("records"):
        low, high = row["low"], row["high"]
        interval = f"{_said(low)} to {_said(high)}" if math.isfinite(low + high) else (
            f"{_said(low)} or more" if math.isfinite(low) else
            f"at most {_said(high)}" if math.isfinite(high) else ""
        )  # fmt: skip
        predicted = {1.0: "yes", 0.0: "no"}[row["predicted"]] if interval == "" and (
            row["predicted"] in (0.0, 1.0)) else _said(row["predicted"])  # fmt: skip
        cells = (row["observation"], row["line"], _said(row["observed"]), interval,
                 row["interval_origin"], row["tier"], predicted, row["unit"], row["use"],
                 row["verdict"], row["reason"])  # fmt: skip
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def _lacking(
    seen: Mapping[str, Seen],
    predicted: Predictions,
    lacking: Mapping[str, str],
    failed: Mapping[str, str],
) -> dict[str, Seen]:
    """Rows that a structure has no parts for; none where a prediction failed for another reason,
    which is a miss."""
    if failed or not lacking:
        return {}
    why = "; ".join(dict.fromkeys(lacking.values()))
    return {name: Seen("not modelled", why=why) for name, row in seen.items()
            if row.use != "not modelled" and name not in predicted}  # fmt: skip


def _observations_alone(tables: TablesLike) -> Tables:
    """Predictions are of the shipped tables, and so is what their parameters saw."""
    texts = as_tables(tables).texts
    return Tables({name: text for name, text in texts.items() if name == "observations"})


def _row(row: Observation, predicted: float, seen: Seen, missed: str) -> dict[str, object]:
    verdict = _verdict(row, predicted, seen.use)
    reason = {
        "outside": missed,
        "not modelled": seen.why or NOT_MODELLED.get(row.id, _NO_FUNCTION),
    }
    return {
        "observation": row.id,
        "level": row.level,
        "subject": row.subject,
        "quantity": row.quantity,
        "line": row.line,
        "protocol": row.protocol,
        "observed": row.value,
        "low": row.low,
        "high": row.high,
        "unit": row.unit,
        "predicted": predicted,
        "predicted_in": seen.lines,
        "use": seen.use,
        "seen_by": seen.by,
        "verdict": verdict,
        **_of_trials(row, predicted),
        "place": _place(row, predicted),
        "reason": reason.get(verdict, ""),
        "source": row.source,
        "tier": row.tier,
        "interval_origin": row.interval_origin,
        "note": row.note,
    }


def _of_trials(row: Observation, predicted: float) -> dict[str, float]:
    """What 95 % of such trials count where this rate is predicted, in per cent of patients."""
    trial = counted_in(row.id, row.value, predicted)
    ends = (math.nan, math.nan) if trial is None else (trial.low, trial.high)
    share = math.nan if trial is None else 100.0 / trial.number
    return {"counted_low": ends[0] * share, "counted_high": ends[1] * share}


def _verdict(row: Observation, predicted: float, use: str) -> str:
    if use == "not modelled":
        return use
    if not row.comparable:
        return "not compared"
    if math.isnan(predicted):
        return "not predicted"
    trial = counted_in(row.id, row.value, predicted)
    holds = row.holds(predicted) if trial is None else trial.inside
    return "inside" if holds else "outside"


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
