"""How likely the evidence is, for many parameter sets at once: the one likelihood of the package.

Each row of the ledger has a family by its kind. Numbers with an interval are log-normal, or normal
where they may be 0; rates of a trial are binomial, with odds that differ between trials; a bound
and a statement are steps as wide as the error of what they compare.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from p53net.engines.base import FloatArray
from p53net.errors import InputError, unknown_name
from p53net.evidence.published import Observation
from p53net.evidence.trials import COUNTED, chances

ALREADY = {
    "rg7112_p21_matched": "the same biopsies as rg7112_p21",
    "rg7112_mdm2_mrna_matched": "the same biopsies as rg7112_mdm2_mrna",
    "rg7112_amplified_over_normal": "rg7112_ic50_amplified over rg7112_ic50_normal",
    "nutlin_sjsa1_over_wild_type": "nutlin_ic50_sjsa1 over nutlin_ic50_wild_type",
    "thrombocytopenia_order": "the rates of both arms are rows",
    "haem_reversible": "made of the nadirs and recoveries that are rows",
    "gdf15_kout": "the prior of the parameter that it measures",
    "platelet_life_span": "the prior of the parameter that it measures",
    "gdf15_monotone": "holds in every draw: the more p53, the more GDF-15",
}
"""Rows that say again what another one says: counted once."""

UNDEFINED = 4.0
"""Standard deviations that a row counts which a parameter set does not have, such as a period where
nothing pulses: assumed; enough that such cells are rare, and no wall for a sampler."""

_INTERVAL, _QUARTILES = 2 * 1.959964, 2 * 0.67449  # standard deviations that an interval spans
_POTENCY = math.log(1.5) / 1.959964
"""Standard deviation of the logarithm of a dose: what the ledger assumes of one IC50."""

_RATIO = math.sqrt(2.0) * _POTENCY  # of two doses
_BETWEEN_LINES = 0.7
"""Standard deviation of the logarithm of an IC50 between lines of one kind: 95 % within a factor of
four either way. Assumed; wild-type lines differ so much in published panels."""

STANDS_IN = {
    "rg7112_ic50_amplified": (_BETWEEN_LINES, "glioblastoma lines, by an amplified liposarcoma"),
    "rg7112_ic50_normal": (_BETWEEN_LINES, "glioblastoma lines, by a generic cell"),
    "nutlin_ic50_wild_type": (_BETWEEN_LINES, "HCT116 and RKO, by a generic cell"),
    "idasanutlin_ic50_wild_type": (_BETWEEN_LINES, "lines not named, by a generic cell"),
    "md224_dc": (_BETWEEN_LINES, "leukaemia cells not named, by RS4;11"),
    "kt253_over_inhibitors": (_BETWEEN_LINES, "a panel not named, by the least of four lines"),
    "kt253_apoptosis_ratio": (_BETWEEN_LINES, "a panel not named, by the least of four lines"),
}
"""Rows whose cells are none of ours: what lines of a kind differ by adds to a row's width."""

_MORE_COUNTED = {
    "thrombocytopenia_any_intermittent": (9, 20),
    "neutropenia_any_intermittent": (2, 20),
    "anaemia_any_intermittent": (4, 20),
    "thrombocytopenia_any_other": (52, 78),
    "neutropenia_any_other": (23, 78),
    "anaemia_any_other": (33, 78),
}
"""Patients with any grade and all patients, of the same trials as in `trials.COUNTED`."""

_SHARE, _LIVE = 5.0, 0.05  # of a growth inhibition [%], and of a share of cells that live
_REGAINED = 0.1  # of the share of a loss of blood cells that is regained: assumed


@dataclass(frozen=True)
class Family:
    """What one row says of a prediction: its logarithm of likelihood is `highest - residual^2/2`,
    with a residual that is smooth in the prediction, so that least squares can look for optima."""

    highest: float
    residual: Callable[[FloatArray], FloatArray]

    def __call__(self, value: FloatArray) -> FloatArray:
        """Logarithm of likelihood."""
        return np.asarray(self.highest - 0.5 * self.residual(value) ** 2)


@dataclass(frozen=True)
class Step:
    """A bound or a statement as a likelihood of its own: how a prediction is compared."""

    limit: float
    width: float
    above: bool = True
    logarithm: bool = True


STEPS = {
    "md224_dc": Step(1.0, _POTENCY, above=False),
    "kt253_over_inhibitors": Step(200.0, _RATIO),
    "kt253_apoptosis_ratio": Step(200.0, _RATIO),
    "sar405838_over_nutlin": Step(1.0, _RATIO),
    "nutlin_mdm2_sensitivity": Step(1.0, _RATIO),
    "nutlin_lethal_sjsa1": Step(0.1, _LIVE, above=False, logarithm=False),
    "kt253_mdm2_rebound": Step(1.0, 0.1),
    "caspase": Step(1.0, 0.1),
    "tgi_milademetan_sjsa1": Step(90.0, _SHARE, logarithm=False),
    "milademetan_biopsy": Step(1.1, 0.1),
    "kt253_regression": Step(14.0, 2.0, logarithm=False),
    "platelet_recovery": Step(0.5, _REGAINED, logarithm=False),
    "neutrophil_recovery": Step(0.5, _REGAINED, logarithm=False),
}
"""Observation to its step. What is compared is that of the quick predictions: the live share at the
stated dose for a lethal dose, the smallest of several changes for a statement."""


class Likelihood:
    """The evidence of some rows, given a function that predicts them.

    `predict` takes parameter sets (n, parameter) and gives a prediction for each by row, NaN where
    there is none. Raises UnknownNameError for a row that is not among the observations.
    """

    def __init__(
        self,
        predict: Callable[[FloatArray], Mapping[str, FloatArray]],
        rows: Sequence[str],
        observations: Mapping[str, Observation],
    ) -> None:
        for name in rows:
            if name not in observations:
                raise unknown_name("observation", name, observations)
        self.predict, self.rows = predict, tuple(rows)
        self.families = [family(observations[name]) for name in rows]
        self.highest = sum(one.highest for one in self.families)

    def residuals(self, values: FloatArray) -> FloatArray:
        """How far each row is from what is observed (n, row)."""
        return self.of(self.predict(values), len(values))

    def of(self, predicted: Mapping[str, FloatArray], number: int) -> FloatArray:
        """The same of predictions that were made already."""
        found = np.empty((number, len(self.rows)))
        for i, (name, one) in enumerate(zip(self.rows, self.families, strict=True)):
            found[:, i] = one.residual(np.asarray(predicted[name], dtype=float))
        return found

    def each(self, values: FloatArray) -> FloatArray:
        """Logarithm of the likelihood of each row (n, row)."""
        highest = np.array([one.highest for one in self.families])
        return np.asarray(highest - 0.5 * self.residuals(values) ** 2)

    def __call__(self, values: FloatArray) -> FloatArray:
        """Logarithm of the likelihood of all rows (n)."""
        return np.asarray(self.each(values).sum(axis=1))


def family(row: Observation) -> Family:
    """What a row says of a prediction. Raises InputError for a row that says nothing."""
    if row.id in COUNTED or row.id in _MORE_COUNTED:
        return _counted(row)
    if row.id in STEPS:
        step = STEPS[row.id]
        return _step(replace(step, width=math.hypot(step.width, _more(row.id))))
    if not (math.isfinite(row.low) and math.isfinite(row.high)):
        raise InputError(
            f"{row.id}: without an interval a row does not say how likely a value is; give low and "
            "high, or leave it out of the evidence"
        )
    if not row.low < row.high:
        raise InputError(f"{row.id}: its interval from {row.low:g} to {row.high:g} is empty")
    if not row.low <= row.middle <= row.high:
        raise InputError(
            f"{row.id}: its value {row.value:g} is outside its interval from {row.low:g} to "
            f"{row.high:g}"
        )
    wide = _QUARTILES if row.interval_origin == "quartiles" else _INTERVAL
    if row.low > 0:
        width = math.hypot(math.log(row.high / row.low) / wide, _more(row.id))
        return _normal(math.log(row.middle), width, logarithm=True)
    middle = row.value if math.isfinite(row.value) else (row.low + row.high) / 2
    return _normal(middle, (row.high - row.low) / wide, logarithm=False)


def _more(name: str) -> float:
    return STANDS_IN[name][0] if name in STANDS_IN else 0.0


def away(
    value: FloatArray, middle: "FloatArray | float", width: "FloatArray | float", *, logarithm: bool
) -> FloatArray:
    """How far values are from a middle, in widths, of logarithms or as they are; `UNDEFINED` where
    a value has none. Arrays that go together."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = ((np.log(value) if logarithm else value) - middle) / width
    return np.where(np.isfinite(found), found, UNDEFINED)


def beyond(distance: FloatArray) -> FloatArray:
    """The residual of a bound, of so many widths inside it: half of its square is the logarithm of
    the chance that what is seen with that width is inside."""
    from scipy.special import log_ndtr

    return np.asarray(np.sqrt(-2.0 * log_ndtr(distance)))


def _normal(middle: float, width: float, *, logarithm: bool) -> Family:
    def residual(value: FloatArray) -> FloatArray:
        return away(value, middle, width, logarithm=logarithm)

    return Family(-math.log(width) - 0.5 * math.log(2.0 * math.pi), residual)


def _step(step: Step) -> Family:
    def residual(value: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            inside = np.log(value / step.limit) if step.logarithm else value - step.limit
        inside = inside / step.width if step.above else -inside / step.width
        nothing = np.isnan(inside) | np.isneginf(inside)  # no end of what a step asks for is a miss
        return beyond(np.where(nothing, -UNDEFINED, inside))

    return Family(0.0, residual)


def _counted(row: Observation) -> Family:
    """A binomial whose rate differs between trials."""
    events, number = (COUNTED | _MORE_COUNTED)[row.id]
    rates = np.linspace(0.0, 1.0, 201)[1:-1]
    table = np.array([np.log(chances(100.0 * rate, number)[events]) for rate in rates])
    best = int(table.argmax())
    away = np.sign(np.arange(len(rates)) - best) * np.sqrt(2.0 * (table[best] - table))

    def residual(value: FloatArray) -> FloatArray:
        share = np.clip(value / 100.0, rates[0], rates[-1])
        return np.where(np.isfinite(value), np.interp(share, rates, away), UNDEFINED)

    return Family(float(table[best]), residual)
