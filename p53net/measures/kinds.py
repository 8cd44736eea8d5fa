"""Every kind of measure: areas, peaks, values, and those of feedback escape."""

from collections.abc import Callable, Mapping

import numpy as np

from p53net.measures import curves as of_curves
from p53net.measures.definition import Curves, Kind, Number
from p53net.measures.equieffective import (
    Search,
    dose_ratio,
    equal_dose,
    loop_factor,
    stoichiometric_load,
)

_GONE = 1e-9  # of the most degrader that was in the cell: less is the integrator's noise


def _fold(curves: Curves, name: str) -> Number:
    curve = curves.curve(name)
    return of_curves.where_defined(
        curve[..., 0] > 0,
        lambda: curve[..., -1] / curve[..., 0],
        f"untreated {name} is 0, so there is no fold",
    )


def _swing(curves: Curves, name: str) -> Number:
    first = np.searchsorted(curves.times, 0.75 * curves.times[-1])
    late = curves.curve(name)[..., first:]  # a slice: a sum has one order for one curve and many
    mean = late.mean(axis=-1)
    return of_curves.where_defined(
        mean > 0, lambda: np.ptp(late, axis=-1) / mean, f"{name} is 0, so it has no swing"
    )


def _escape_index(curves: Curves) -> Number:
    active = curves.curve("p53_active")
    return of_curves.escape_index(curves.times, active, curves.opened("p53_active"), active[..., 0])


def _undrugged(curves: Curves) -> tuple[Number, Number, Number]:
    total = curves.curve("MDM2_total")
    return of_curves.abundance_occupancy(
        total[..., -1], curves.curve("MDM2_undrugged")[..., -1], total[..., 0]
    )


def _destroyed_per_drug(curves: Curves) -> Number:
    degrader = curves.curve("degrader_in_cell")
    in_cell = degrader[..., -1]
    return of_curves.where_defined(
        in_cell > _GONE * degrader.max(axis=-1),
        lambda: curves.curve(curves.model.definition.counters[0])[..., -1] / in_cell,
        "there is no degrader in the cell at the end; read while it is there",
    )


def _rebound(curves: Curves) -> Number:
    untreated = curves.curve("p53_active")[..., 0]
    return of_curves.where_defined(
        untreated > 0,
        lambda: of_curves.rebound(curves.since_washout("p53_active")[1], untreated),
        "the cell has no p53, so nothing rebounds",
    )


def _free_rise(curves: Curves) -> Number:
    highest = np.fmax.reduce(curves.since_washout("MDM2_free")[1], axis=-1)
    untreated = curves.curve("MDM2_free")[..., 0]
    return of_curves.where_defined(
        (untreated > 0) & (highest > 0),
        lambda: np.log2(highest / untreated),
        "the cell has no free MDM2, so there is no rise",
    )


def _persistence(curves: Curves) -> Number:
    after = curves.since_washout("p53_active")
    return of_curves.half_time(*after, curves.curve("p53_active")[..., 0])


def _washout_half_time(curves: Curves, drug: str) -> Number:
    after = curves.since_washout(f"{curves.model.definition.drugs[drug]}_in_cell")
    return of_curves.half_time(*after, np.zeros(after[1].shape[:-1]))


def _by(search: Search) -> Callable[..., Number]:
    """A measure that a search gives, of its numbers and, last, its drug."""
    return lambda curves, *given: curves.searched(search, str(given[-1]), *given[:-1])


_ACTIVE, _MDM2 = ("p53_active",), ("MDM2_total", "MDM2_undrugged")

KINDS: Mapping[str, Kind] = {
    "auc": Kind(
        ("observable",), "auc_{0}", "{unit} h", "area under {0} over the run",
        lambda curves, name: np.trapezoid(curves.curve(name), curves.times),
    ),
    "peak": Kind(
        ("observable",), "peak_{0}", "{unit}", "highest {0}",
        lambda curves, name: curves.curve(name).max(axis=-1),
    ),
    "lowest": Kind(
        ("observable",), "lowest_{0}", "{unit}", "lowest {0}",
        lambda curves, name: curves.curve(name).min(axis=-1), scale="peak",
    ),
    "at": Kind(
        ("observable", "hours"), "{0}_at_{1}", "{unit}", "{0} at {1} h",
        lambda curves, name, hours: curves.curve(name)[
            ..., np.searchsorted(curves.times, hours)
        ],
        scale="peak",
    ),
    "fold": Kind(
        ("observable",), "{0}_fold", "1", "{0} at the end over untreated", _fold,
    ),
    "swing": Kind(
        ("observable",), "{0}_swing", "1",
        "swing of {0} in the last quarter of the run over its mean: does it pulse?", _swing,
        scale="one",
    ),
    "escape_index": Kind(
        (), "escape_index", "1",
        "share of the open-loop response that feedback costs: 0 none, 1 all",
        _escape_index, _ACTIVE, scale="one",
    ),
    "log_undrugged": Kind(
        (), "log_undrugged", "1", "ln of undrugged MDM2 over untreated, at the end",
        lambda curves: _undrugged(curves)[0], _MDM2, scale="one",
    ),
    "log_abundance": Kind(
        (), "log_abundance", "1", "part of it from total MDM2: what feedback hands back",
        lambda curves: _undrugged(curves)[1], _MDM2, scale="one",
    ),
    "log_occupancy": Kind(
        (), "log_occupancy", "1", "part of it from the undrugged share: what the drug takes",
        lambda curves: _undrugged(curves)[2], _MDM2, scale="one",
    ),
    "destroyed_per_drug": Kind(
        (), "destroyed_per_drug", "1",
        "MDM2 molecules destroyed by the end for each degrader molecule in the cell",
        _destroyed_per_drug, ("degrader_in_cell", "MDM2_destroyed"),
    ),
    "rebound": Kind(
        (), "rebound", "1", "fall of active p53 below untreated after washout", _rebound, _ACTIVE,
        scale="one",
    ),
    "free_MDM2_rise": Kind(
        (), "free_MDM2_rise", "1", "log2 of the highest free MDM2 after washout over untreated",
        _free_rise, ("MDM2_free",), scale="one",
    ),
    "persistence": Kind(
        (), "persistence", "h", "half-time of raised active p53 after washout",
        _persistence, _ACTIVE,
    ),
    "washout_half_time": Kind(
        ("drug",), "washout_half_time", "h", "half-time of all {0} in the cell after washout",
        _washout_half_time, ("{role}_in_cell",),
    ),
    "dose_ratio": Kind(
        ("fold", "drug"), "dose_ratio_{0}", "1",
        "dose of {1} alone, loop closed over open, for active p53 {0} times untreated at rest",
        _by(dose_ratio), error=1e-8,
    ),
    "loop_factor": Kind(
        ("fold", "drug"), "loop_factor_{0}", "1",
        "sensitivity of resting active p53 to k_ub_p53, open over closed loop, where {1} alone "
        "rests it at {0} times untreated",
        _by(loop_factor), error=1e-6,
    ),
    "equal_dose": Kind(
        ("fold", "drug"), "equal_dose_{0}", "nM",
        "lowest constant dose of {1} alone for active p53 {0} times untreated at the end",
        _by(equal_dose), error=1e-7,
    ),
    "stoichiometric_load": Kind(
        ("fold", "medium_volume", "drug"), "stoichiometric_load_{0}_{1}", "1",
        "drug molecules per untreated MDM2 for {0} times active p53 at the end, {1} pL per cell",
        _by(stoichiometric_load), error=1e-7,
    ),
}  # fmt: skip
"""Every kind of measure. `drug` may be left out where the model has one."""

GENERAL = tuple(name for name, kind in KINDS.items() if "observable" in kind.arguments)
"""Kinds that any model has."""

SEARCHING = ("dose_ratio", "loop_factor", "equal_dose", "stoichiometric_load")
"""Kinds that look for a dose: many runs for each point."""

COMPARING = ("escape_index", "dose_ratio", "loop_factor")
"""Kinds that run the loop closed and opened."""
