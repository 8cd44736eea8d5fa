"""Fitting what the models' tables call `fitted`, block by block, to the observations marked for it.

A block is a few parameters and the observations that say something about them. Blocks are fitted in
order, each with the values that earlier ones found, rounded as they are written. Least squares of
logarithms, each observation weighted by its interval; shares of patients are compared as they are,
for some are 0.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from p53net.engines.base import FloatArray
from p53net.errors import unknown_name
from p53net.model.committed import committed_value
from p53net.model.observations import Observation, observation
from p53net.model.tables import Value
from p53net.simulation.model import VERSION
from p53net.studies import predictions as predicted
from p53net.studies.predictions import Predictions, Trial

STARTS, SEED = 6, 20261125
"""Random starts of each fit, besides the committed values, and their seed."""

DIGITS = 4
"""Of a fitted value, as it is written."""

_INTERVAL = 2 * 1.959964  # standard deviations that a 95 % interval spans
_QUARTILES = 2 * 0.67449  # and an interquartile range
_LEVEL = 3.841  # of chi-squared with one degree of freedom, 95 %
_STEPS = np.array([*(0.005 * 2.0 ** np.arange(9)), math.log(8.0)])
# Of a profile, from the estimate to both sides, in logarithms: fine where the interval may be
# narrow, and as far as a factor of eight.
_NUDGE = 1e-3  # relative to a logarithm, for slopes by differences
_SAME = 1e-3  # starts that end within this share of the best sum of squares, or this, found it
_APART = 0.05  # in a logarithm: starts that found it further from the best are another solution


@dataclass(frozen=True)
class Fitted:
    """A fitted parameter: the entry whose row it is, its id, and the bounds of starts and fit."""

    entry: str
    parameter: str
    low: float
    high: float

    @property
    def value(self) -> Value:
        """As it is committed."""
        return committed_value(self.entry, self.parameter)


@dataclass(frozen=True)
class Block:
    """Parameters that are fitted together, and what predicts their observations."""

    name: str
    about: str
    parameters: tuple[Fitted, ...]
    predict: Callable[[Trial], Predictions]
    observed: tuple[str, ...]
    separate: bool = False
    """Each parameter has its own observations, in order, as many each."""


@dataclass(frozen=True)
class Derived:
    """A row of a table that follows from a fitted one."""

    entry: str
    parameter: str
    source: tuple[str, str]
    function: Callable[[float], float]
    words: str


def _in_plasma(share: float) -> float:
    """Free fraction in plasma of a drug with this one in medium with 10 % serum."""
    return share / (10.0 - 9.0 * share)


def _allometric(power: float) -> Callable[[float], float]:
    return lambda human: float(human * (0.02 / 70.0) ** power)


_HUMAN, _MOUSE = "milademetan in human", "milademetan in mouse"

DERIVED = (
    *(
        Derived(_MOUSE, name, (_HUMAN, name), _allometric(power), f"times (0.02/70)^{power:g}")
        for name, power in (
            ("ka_inhibitor", -0.25),
            ("CL_inhibitor", 0.75),
            ("V_central_inhibitor", 1.0),
            ("Q_inhibitor", 0.75),
            ("V_peripheral_inhibitor", 1.0),
            ("fu_plasma_inhibitor", 0.0),
        )
    ),
    *(
        Derived(
            f"KT-253 in {host}",
            "fu_plasma_degrader",
            ("KT-253", "fu_medium_degrader"),
            _in_plasma,
            "f/(10 - 9 f)",
        )
        for host in ("mouse", "human")
    ),
)
"""Rows that move with fitted ones: mouse by allometry, plasma from medium with a tenth of serum."""

_LEAST_K_PUMA = 70.0
"""Lowest `K_PUMA_caspase` [nM]. With less, more than a tenth of the caspase-3/7 of an untreated
RS4;11 cell would be active, and a second solution, near 34 nM, would give both IC50s with 84 %."""

BLOCKS = (
    Block(
        "biochemistry",
        "affinities from the IC50s of the competition assay, simulated",
        (
            Fitted("milademetan", "Ki_inhibitor", 0.1, 20.0),
            Fitted("nutlin-3a", "Ki_inhibitor", 2.0, 400.0),
        ),
        predicted.biochemistry,
        ("milademetan_htrf_ic50", "nutlin_htrf_ic50"),
    ),
    Block(
        "degradation",
        "free fractions of degraders in medium from their DC50s",
        (
            Fitted("KT-253", "fu_medium_degrader", 0.01, 1.0),
            Fitted("MD-4251", "fu_medium_degrader", 0.01, 1.0),
        ),
        predicted.degradation,
        ("kt253_dc50", "md4251_dc50", "md4251_dmax"),
    ),
    Block(
        "viability",
        "one sensitivity of RS4;11 for both degraders, and MD-224's free fraction",
        (
            Fitted("RS4;11", "K_PUMA_caspase", _LEAST_K_PUMA, 600.0),
            Fitted("MD-224", "fu_medium_degrader", 0.003, 0.5),
        ),
        predicted.sensitivity,
        ("kt253_ic50_rs411", "md224_ic50_rs411"),
    ),
    Block(
        "potency",
        "nutlin-3a's free fraction from its potency relative to milademetan",
        (Fitted("nutlin-3a", "fu_medium_inhibitor", 0.03, 1.0),),
        predicted.relative_potency,
        ("milademetan_nutlin_ratio",),
    ),
    Block(
        "biopsies",
        "the concentration that stands for RG7112 in tumours, from three folds",
        (Fitted("RG7112", "tumour_concentration", 100.0, 1e5),),
        predicted.biopsies,
        ("rg7112_p53", "rg7112_p21", "rg7112_mdm2_mrna"),
    ),
    Block(
        "pharmacokinetics",
        "milademetan in patients, third day of 260 mg; Q/F is fixed",
        (
            Fitted(_HUMAN, "ka_inhibitor", 0.1, 3.0),
            Fitted(_HUMAN, "CL_inhibitor", 5.0, 40.0),
            Fitted(_HUMAN, "V_central_inhibitor", 10.0, 400.0),
            Fitted(_HUMAN, "V_peripheral_inhibitor", 10.0, 300.0),
        ),
        predicted.third_day,
        ("milademetan_tmax", "milademetan_cmax", "milademetan_auc", "milademetan_clf",
         "milademetan_thalf"),
    ),
    Block(
        "biomarker",
        "free fraction times penetration in patients, from serum GDF-15",
        (Fitted(_HUMAN, "fu_plasma_inhibitor", 0.003, 0.3),),
        predicted.biomarker,
        ("gdf15_fold",),
    ),
    Block(
        "tumour",
        "sensitivity of the gastric xenograft, from growth inhibition at two doses",
        (Fitted("ST-02-0075", "K_PUMA_caspase", _LEAST_K_PUMA, 600.0),),
        predicted.tumour_growth,
        ("tgi_milademetan_25", "tgi_milademetan_50"),
    ),
    Block(
        "haematology",
        "sensitivity of each lineage, from grade 3 or more in two arms",
        (
            Fitted("model", "slope_platelets", 1e-3, 0.1),
            Fitted("model", "slope_neutrophils", 3e-4, 0.03),
            Fitted("model", "slope_red_cells", 1e-4, 0.01),
        ),
        predicted.smooth_toxicity,
        tuple(f"{name}_grade3plus_{arm}" for name in ("thrombocytopenia", "neutropenia", "anaemia")
              for arm in ("intermittent", "other")),
        separate=True,
    ),
)  # fmt: skip


@dataclass
class Fit:
    """What a block gave."""

    block: Block
    estimates: dict[Fitted, float]
    predictions: Predictions
    chi_squared: float
    correlation: pd.DataFrame
    solutions: FloatArray
    """Where starts that fitted as well ended: (start, parameter)."""
    starts: int
    """How many there were."""
    profiles: dict[Fitted, pd.DataFrame] = field(default_factory=dict)
    """Value of each parameter, fixed, and the least chi-squared then."""

    def interval(self, one: Fitted) -> tuple[float, float]:
        """95 % interval from the profile; infinite or 0 where the profile does not close it."""
        profile = self.profiles[one]
        rise = np.maximum(profile["chi_squared"].to_numpy() - self.chi_squared, 0.0)
        logs = np.log(profile["value"].to_numpy())
        middle = int(np.argmin(np.abs(logs - math.log(self.estimates[one]))))
        above = _crossing(logs[middle:], rise[middle:])
        below = _crossing(logs[middle::-1], rise[middle::-1])
        return (0.0 if below is None else math.exp(below),
                math.inf if above is None else math.exp(above))  # fmt: skip

    def elsewhere(self, one: Fitted) -> FloatArray:
        """Other values of a parameter at which starts fitted as well."""
        values = self.solutions[:, list(self.estimates).index(one)]
        return values[np.abs(np.log(values / self.estimates[one])) > _APART]

    def identified(self, one: Fitted) -> bool:
        """Whether the profile closes the interval on both sides, with all solutions inside."""
        low, high = self.interval(one)
        others = self.elsewhere(one)
        return low > 0 and math.isfinite(high) and bool(((others > low) & (others < high)).all())


def calibrate(
    blocks: Iterable[str] | None = None,
    *,
    profiles: bool = True,
    starts: int = STARTS,
    progress: Callable[[str, float], None] | None = None,
) -> list[Fit]:
    """Fit all blocks in order, or those named, with later ones on the values of earlier ones.

    Blocks that are not fitted keep their committed values. Raises UnknownNameError.
    """
    known = {block.name: block for block in BLOCKS}
    chosen = [blocks] if isinstance(blocks, str) else list(known if blocks is None else blocks)
    for name in chosen:
        if name not in known:
            raise unknown_name("block", name, known)
    trial: dict[str, dict[str, float]] = {}
    fits: list[Fit] = []
    parts = [block for block in BLOCKS if block.name in chosen]
    for number, block in enumerate(parts):
        if progress is not None:
            progress(f"fitting {block.name}", number / len(parts))
        fit = fit_block(block, trial, starts)
        for one, value in fit.estimates.items():
            trial.setdefault(one.entry, {})[one.parameter] = value
        for row in DERIVED:
            if (row.source[1]) in trial.get(row.source[0], {}):
                value = row.function(trial[row.source[0]][row.source[1]])
                trial.setdefault(row.entry, {})[row.parameter] = rounded(value)
        if profiles:
            _profile(fit, trial)
        fits.append(fit)
    return fits


def fit_block(block: Block, trial: Trial, starts: int = STARTS) -> Fit:
    """The best of several least-squares fits of one block, around values of earlier blocks."""
    from scipy.optimize import least_squares

    residuals = _residuals(block, trial)
    low, high = _bounds(block)
    committed = np.log([one.value.value for one in block.parameters])
    random = np.random.default_rng(SEED)
    begin = [np.clip(committed, low + 1e-6, high - 1e-6)]
    begin += [random.uniform(low, high) for _ in range(starts)]
    each = len(block.observed) // len(block.parameters)
    sparsity = np.kron(np.eye(len(block.parameters)), np.ones((each, 1)))
    options: dict[str, Any] = {"jac_sparsity": sparsity} if block.separate else {}
    options |= {"bounds": (low, high), "diff_step": [_NUDGE] * len(low), "max_nfev": 60}
    ends = [least_squares(residuals, one, xtol=1e-8, ftol=1e-10, **options) for one in begin]
    best = min(ends, key=lambda end: float(end.cost))
    as_good = [np.exp(end.x) for end in ends if end.cost <= best.cost * (1 + _SAME) + _SAME]
    names = [f"{one.entry}: {one.parameter}" for one in block.parameters]
    jacobian = np.asarray(best.jac.todense() if hasattr(best.jac, "todense") else best.jac)
    covariance = np.linalg.pinv(jacobian.T @ jacobian)
    spread = np.sqrt(np.diag(covariance))
    with np.errstate(invalid="ignore"):  # what nothing depends on has no correlation
        correlation = pd.DataFrame(covariance / np.outer(spread, spread), names, names)
    estimates = {one: rounded(math.exp(x)) for one, x in zip(block.parameters, best.x, strict=True)}
    final = _with(trial, estimates)
    chi = float((_residuals(block, trial)(np.log(list(estimates.values()))) ** 2).sum())
    found = block.predict(final)
    return Fit(block, estimates, found, chi, correlation, np.array(as_good), len(begin))


def residual(row: Observation, value: float) -> float:
    """How far a prediction is from its observation, in standard deviations of the latter."""
    wide = _QUARTILES if "interquartile" in row.note else _INTERVAL
    if row.unit == "% of patients":
        return (value - row.middle) * wide / (row.high - row.low)
    if not value > 0:
        return -1e3
    return math.log(value / row.middle) * wide / math.log(row.high / row.low)


def rounded(value: float) -> float:
    """As fitted values are written."""
    return float(f"{value:.{DIGITS}g}")


def table(fits: Iterable[Fit]) -> pd.DataFrame:
    """Estimates: block, entry, parameter, value, unit, committed value, interval, identified.

    `found_by`: starts that fitted as well; `elsewhere`: how many of these with other values.
    """
    rows = []
    for fit in fits:
        for one, value in fit.estimates.items():
            low, high = fit.interval(one) if fit.profiles else (math.nan, math.nan)
            rows.append(
                {
                    "block": fit.block.name,
                    "entry": one.entry,
                    "parameter": one.parameter,
                    "value": value,
                    "unit": one.value.unit,
                    "committed": one.value.value,
                    "low": low,
                    "high": high,
                    "identified": fit.identified(one) if fit.profiles else "not looked at",
                    "found_by": f"{len(fit.solutions)} of {fit.starts} starts",
                    "elsewhere": len(fit.elsewhere(one)),
                }
            )
    return pd.DataFrame(rows)


def residual_table(fits: Iterable[Fit]) -> pd.DataFrame:
    """Observations of the fits beside predictions, and how far apart, in standard deviations."""
    rows = []
    for fit in fits:
        for name in fit.block.observed:
            row, value = observation(name), fit.predictions[name]
            rows.append(
                {
                    "block": fit.block.name,
                    "observation": name,
                    "observed": row.middle,
                    "low": row.low,
                    "high": row.high,
                    "predicted": value,
                    "unit": row.unit,
                    "residual": residual(row, value),
                    "inside": row.holds(value),
                }
            )
    return pd.DataFrame(rows)


def correlation_table(fits: Sequence[Fit]) -> pd.DataFrame:
    """Correlation of each pair of estimates within a block; blocks are fitted apart."""
    columns = ["block", "one", "other", "correlation"]
    rows = [
        (fit.block.name, one, other, fit.correlation.loc[one, other])
        for fit in fits
        for one, other in combinations(fit.correlation.index, 2)
    ]
    return pd.DataFrame(rows, columns=columns)


def profiles_of(fits: Sequence[Fit]) -> xr.Dataset:
    """Profiles over `parameter` and `point`: fixed `value` and least `chi_squared`; `estimate`."""
    named = {f"{one.entry}: {one.parameter}": (one, fit) for fit in fits for one in fit.profiles}
    value, chi = (  # a short profile, at a bound, is filled up with NaN
        pd.DataFrame({name: fit.profiles[one][key] for name, (one, fit) in named.items()}).T
        for key in ("value", "chi_squared")
    )
    return xr.Dataset(
        {
            "value": (("parameter", "point"), value.to_numpy()),
            "chi_squared": (("parameter", "point"), chi.to_numpy()),
            "estimate": ("parameter", [fit.estimates[one] for one, fit in named.values()]),
            "unit": ("parameter", [one.value.unit for one, _ in named.values()]),
        },
        coords={"parameter": list(named)},
        attrs={
            "study": "calibrate",
            "parameters": sum(len(fit.estimates) for fit in fits),
            "observations": sum(len(fit.block.observed) for fit in fits),
            "seed": SEED,
            "starts": fits[0].starts,
            "version": VERSION,
        },
    )


def _residuals(block: Block, trial: Trial) -> Callable[[FloatArray], FloatArray]:
    rows = [observation(name) for name in block.observed]

    def residuals(logs: FloatArray) -> FloatArray:
        values = dict(zip(block.parameters, np.exp(logs).tolist(), strict=True))
        found = block.predict(_with(trial, values))
        return np.array([residual(row, found[row.id]) for row in rows])

    return residuals


def _with(trial: Trial, values: Mapping[Fitted, float]) -> Trial:
    """The trial with these values, and what follows from them."""
    made = {entry: dict(rows) for entry, rows in trial.items()}
    for one, value in values.items():
        made.setdefault(one.entry, {})[one.parameter] = value
        for row in DERIVED:
            if row.source == (one.entry, one.parameter):
                made.setdefault(row.entry, {})[row.parameter] = row.function(value)
    return made


def _profile(fit: Fit, trial: Trial) -> None:
    """The least chi-squared with each parameter fixed at values around its estimate."""
    from scipy.optimize import least_squares

    block = fit.block
    residuals = _residuals(block, trial)
    best = np.log(list(fit.estimates.values()))
    if block.separate:
        _profile_together(fit, residuals, best)
        return
    low, high = _bounds(block)
    for place, one in enumerate(block.parameters):
        others = [i for i in range(len(best)) if i != place]
        rows = [(fit.estimates[one], fit.chi_squared)]
        for fixed in best[place] + _both_sides(best[place] - low[place], high[place] - best[place]):

            def remaining(free: FloatArray, fixed: float = fixed, place: int = place) -> FloatArray:
                return residuals(np.insert(free, place, fixed))

            if others:
                options: dict[str, Any] = {"diff_step": [_NUDGE] * len(others), "max_nfev": 15}
                options["bounds"] = low[others], high[others]
                chi = 2.0 * float(least_squares(remaining, best[others], **options).cost)
            else:
                chi = float((remaining(best[others]) ** 2).sum())
            rows.append((math.exp(fixed), chi))
        fit.profiles[one] = pd.DataFrame(sorted(rows), columns=["value", "chi_squared"])


def _profile_together(
    fit: Fit, residuals: Callable[[FloatArray], FloatArray], best: FloatArray
) -> None:
    """The same where each parameter has its own observations: all are moved at once."""
    shape = len(best), -1
    usual = (residuals(best) ** 2).reshape(shape).sum(axis=1)
    steps = np.sort([0.0, *_both_sides(math.inf, math.inf)])
    moved = np.array([(residuals(best + s) ** 2).reshape(shape).sum(axis=1) for s in steps])
    for place, one in enumerate(fit.block.parameters):
        chi = moved[:, place] + usual.sum() - usual[place]
        values = np.exp(best[place] + steps)
        fit.profiles[one] = pd.DataFrame({"value": values, "chi_squared": chi})


def _bounds(block: Block) -> tuple[FloatArray, FloatArray]:
    """Of the logarithms of a block's parameters."""
    return (
        np.log([one.low for one in block.parameters]),
        np.log([one.high for one in block.parameters]),
    )


def _both_sides(below: float, above: float) -> FloatArray:
    """Steps of a profile that has this much room to each side, up to the bounds."""
    sides = [-np.unique(np.minimum(_STEPS, below)), np.unique(np.minimum(_STEPS, above))]
    return np.concatenate(sides)


def _crossing(x: FloatArray, rise: FloatArray) -> float | None:
    """Where `rise` first passes the level; None if it does not.

    Between two points its root is taken as straight, as it is near a minimum.
    """
    past = np.flatnonzero(rise > _LEVEL)
    if not len(past):
        return None
    i = past[0]
    (x0, x1), (y0, y1) = x[i - 1 : i + 1], np.sqrt(rise[i - 1 : i + 1])
    return float(x0 + (math.sqrt(_LEVEL) - y0) * (x1 - x0) / (y1 - y0))
