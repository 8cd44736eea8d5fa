"""Quick predictions of the ledger's rows about cells in a dish, for a likelihood.

They say what `evidence.predictions` says of the same rows, to a few per cent, in a fiftieth of the
time: fewer doses, quick runs, and all trials at once. A test compares the two.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache

import numpy as np

from p53net.engines.base import FloatArray
from p53net.errors import unknown_name
from p53net.evidence.behind import AMPLIFIED, KIDNEY, LEUKAEMIA, LIPOSARCOMA, WILD_TYPE
from p53net.evidence.pulses import peaks
from p53net.inference.reading import between, half_dose, level_dose
from p53net.inference.wells import Kind, Wells
from p53net.model import drug_entries
from p53net.model.own import Tables
from p53net.model.structures import StructureLike, as_structure
from p53net.model.tables import NONE
from p53net.simulation.loading import shared
from p53net.studies.dish.binding import binding_ic50

Rows = dict[str, FloatArray]
"""Observation to a prediction for each trial; NaN where it has none."""

_GENERIC = "generic"
_INHIBITORS = np.geomspace(1e-1, 1e5, 7)
_INDUCED = np.geomspace(1e-1, 1e6, 22)
_DEGRADERS = np.geomspace(1e-4, 1e3, 8)
_DEGRADED_AT = np.geomspace(1e-4, 1e3, 15)
_NEAR = 5  # doses where half of the cells die
_INHIBITED = tuple(
    Kind(*pair) for pair in (
        ("milademetan", LEUKAEMIA), ("nutlin-3a", LEUKAEMIA), ("nutlin-3a", AMPLIFIED),
        ("navtemadlin", AMPLIFIED), ("milademetan", AMPLIFIED), ("RG7112", LIPOSARCOMA),
        ("milademetan", LIPOSARCOMA), ("nutlin-3a", LIPOSARCOMA), ("SAR405838", LIPOSARCOMA),
        ("RG7112", _GENERIC), ("nutlin-3a", _GENERIC), ("idasanutlin", _GENERIC),
        ("milademetan", _GENERIC),
    )
)  # fmt: skip
_MANY_GENES = Kind("nutlin-3a", LEUKAEMIA, (("MDM2_gene_dose", 3.0),))
_DEGRADED = (*(Kind("KT-253", line) for line in WILD_TYPE), Kind("MD-224", LEUKAEMIA))
_CAUSED = np.array([100.0, 300.0, 1e3, 3e3, 1e4])  # nM, of the caspase assay
_DEATH = np.concatenate([np.arange(0.0, 49.0, 3.0), [168.0]])
_DAMAGE = np.linspace(0.0, 40.0, 401)
_PROMINENT = 1e-3  # of the highest: a pulse that dies away still has a period
_WEEK, _DEADLY = -1, 3
_OF_CELLS = ("drugs", "cell_lines")  # tables that cells in a dish are made of


class DishRows:
    """Predictions of all dish rows in one structure.

    `parameters` name the columns of the values that are given, `ENTRY: PARAMETER`; all others are
    as committed. `own` may hold drugs and cell lines for `wells`; no row of the ledger has them.
    Raises UnknownNameError for a part that is not among `PARTS`, by default all.
    """

    def __init__(
        self,
        parameters: Sequence[str],
        structure: StructureLike = None,
        parts: Sequence[str] | None = None,
        own: Tables = NONE,
    ) -> None:
        for name in parts or ():
            if name not in PARTS:
                raise unknown_name("part", name, PARTS)
        self.parts = tuple(PARTS if parts is None else parts)
        self.parameters = {name: i for i, name in enumerate(parameters)}
        self.structure = as_structure(structure)
        self.own = Tables({name: own.texts[name] for name in _OF_CELLS if name in own.texts})
        self.failures: Counter[str] = Counter()
        """Why runs failed, and how often."""
        self.read: set[str] = set()
        """Those of `parameters` that some row was made of."""

    def __call__(self, values: FloatArray) -> Rows:
        """Of trials (trial, parameter)."""
        found: Rows = {}
        for part in self.parts:
            found |= PARTS[part](self, np.atleast_2d(values))
        return found

    def wells(
        self, kinds: Sequence[Kind], system: str, doses: FloatArray, times: FloatArray,
        names: Sequence[str],
    ) -> Wells:  # fmt: skip
        """What runs these cells, made once."""
        rows = np.broadcast_to(doses, (len(kinds), np.shape(doses)[-1]))
        key = tuple(kinds), system, rows.tobytes(), times.tobytes(), tuple(names)
        if key not in self._made:
            model = shared(kinds[0].drug, system=system, structure=self.structure,
                           tables=self.own)  # fmt: skip
            self._made[key] = Wells(model, kinds, rows, times, names, self.failures, self.read)
        return self._made[key]

    def value(self, values: FloatArray, entry: str, parameter: str) -> FloatArray:
        """A parameter of the tables or the model in each trial."""
        name = f"{entry}: {parameter}"
        if name in self.parameters:
            self.read.add(name)
            return values[:, self.parameters[name]]
        if entry == "model":
            model = shared("milademetan", structure=self.structure)
            return np.full(len(values), model.definition.parameters[parameter].value)
        row = drug_entries()[entry]
        known = row.quantities if parameter in row.quantities else row.values
        return np.full(len(values), known[parameter].value)

    @cached_property
    def _made(self) -> dict[object, Wells]:
        return {}


def _loop(rows: DishRows, values: FloatArray) -> Rows:
    kind = (Kind("milademetan", _GENERIC),)
    wells = rows.wells(kind, "dish", np.empty(0), np.array([0.0, 1e-3]), ["p53_total"])
    rest = wells.run(rows.parameters, values)[:, 0, 0, 0, 0]
    made, lost = (rows.value(values, "model", name) for name in ("k_syn_p53", "k_deg_MDM2"))
    return {
        "p53_half_life": 60.0 * np.log(2.0) * rest / made,
        "mdm2_half_life": 60.0 * np.log(2.0) / lost,
    }


def _damage(rows: DishRows, values: FloatArray) -> Rows:
    kind = (Kind("milademetan", _GENERIC, (("DSB", 1.0),)),)
    wells = rows.wells(kind, "dish", np.empty(0), _DAMAGE, ["p53_total", "MDM2_total"])
    curves = wells.run(rows.parameters, values)[:, 0, 0]
    period, lag = np.full((2, len(values)), np.nan)
    for i, curve in enumerate(curves):
        if np.isfinite(curve).all():
            p53, mdm2 = (_tops(one) for one in curve.T)
            if len(p53) > 1:
                period[i] = np.diff(p53).mean()
            if len(p53) and len(mdm2):
                lag[i] = mdm2[0] - p53[0]
    return {"p53_pulse_period": period, "mdm2_lag": np.where(lag > 0, lag, np.nan)}


def _tops(curve: FloatArray) -> FloatArray:
    """Times of the peaks, between points of the grid by a parabola."""
    at = peaks(curve, _PROMINENT * float(curve.max()))
    left, here, right = curve[at - 1], curve[at], curve[at + 1]
    return np.asarray(_DAMAGE[at] + (_DAMAGE[1] / 2) * (left - right) / (left - 2 * here + right))


def _binding(rows: DishRows, values: FloatArray) -> Rows:
    names = {"milademetan": "milademetan", "nutlin": "nutlin-3a", "rg7112": "RG7112",
             "idasanutlin": "idasanutlin", "navtemadlin": "navtemadlin"}  # fmt: skip
    return {
        f"{short}_htrf_ic50": _ic50_of(rows.value(values, drug, "Ki_inhibitor"))
        for short, drug in names.items()
    }


def _ic50_of(ki: FloatArray) -> FloatArray:
    from scipy.interpolate import CubicSpline

    grid, halves = _binding_table()
    return np.asarray(np.exp(CubicSpline(grid, halves)(np.clip(np.log(ki), grid[0], grid[-1]))))


@lru_cache(maxsize=1)
def _binding_table() -> tuple[FloatArray, FloatArray]:
    """Logarithms of Ki, and of the IC50s of the assay."""
    grid = np.geomspace(1e-4, 1e4, 65)
    return np.log(grid), np.log([binding_ic50(one) for one in grid])


def _degradation(rows: DishRows, values: FloatArray) -> Rows:
    kinds = (Kind("KT-253", KIDNEY), Kind("MD-4251", LEUKAEMIA), Kind("MD-224", LEUKAEMIA))
    wells = rows.wells(kinds, "dish", _DEGRADED_AT, np.array([0.0, 2.0]), ["MDM2_total"])
    left = wells.run(rows.parameters, values)[..., 1, 0]
    left = left / left[..., :1]
    halves = half_dose(_DEGRADED_AT, left)
    return {
        "kt253_dc50": halves[:, 0],
        "md4251_dc50": halves[:, 1],
        "md4251_dmax": 100.0 * (1.0 - left[:, 1].min(axis=-1)),
        "md224_dc": _or_nan(left[:, 2], level_dose(_DEGRADED_AT, 1.0 - left[:, 2, 1:], 0.9)),
    }


def _induction(rows: DishRows, values: FloatArray) -> Rows:
    known = shared("milademetan", structure=rows.structure).definition.variables
    names = {"p53": "p53_total", "p21": "p21", "mdm2": "MDM2_total"}
    names = {short: name for short, name in names.items() if name in known}
    kind = (Kind("milademetan", AMPLIFIED),)
    wells = rows.wells(kind, "dish", _INDUCED, np.array([0.0, 24.0]), list(names.values()))
    found = wells.run(rows.parameters, values)[:, 0, :, 1]
    halves = half_dose(_INDUCED, np.moveaxis(found, -1, 1))
    return {f"milademetan_induction_sjsa1_{short}": halves[:, i] for i, short in enumerate(names)}


def _biopsies(rows: DishRows, values: FloatArray) -> Rows:
    names = {"rg7112_p53": "p53_total", "rg7112_p21": "p21", "rg7112_mdm2_mrna": "MDM2_mRNA"}
    kind = (Kind("RG7112", LIPOSARCOMA),)
    wells = rows.wells(kind, "dish", np.zeros(1), np.array([0.0, 192.0]), list(names.values()))
    dose = rows.value(values, "RG7112", "tumour_concentration")
    levels = np.stack([np.zeros_like(dose), dose], axis=-1)[:, None]
    found = wells.under(levels, rows.parameters, values)[:, 0, :, 1]
    return {key: found[:, 1, i] / found[:, 0, i] for i, key in enumerate(names)}


def _handed_back(rows: DishRows, values: FloatArray) -> Rows:
    folds = []
    for drug, dose in (("KT-253", 10.0), ("milademetan", 1e3)):
        wells = rows.wells((Kind(drug, LEUKAEMIA),), "dish", np.array([dose]),
                           np.array([0.0, 24.0]), ["MDM2_total"])  # fmt: skip
        found = wells.run(rows.parameters, values)[:, 0, :, 1, 0]
        folds.append(found[:, 1] / found[:, 0])
    return {"kt253_mdm2_rebound": np.minimum(1.0 / folds[0], folds[1])}


def _viability(rows: DishRows, values: FloatArray) -> Rows:
    ic50: dict[Kind, FloatArray] = {}
    active: dict[Kind, FloatArray] = {}
    for kinds, doses in (((*_INHIBITED, _MANY_GENES), _INHIBITORS), (_DEGRADED, _DEGRADERS)):
        at, found = plate(rows, values, kinds, doses)
        ic50 |= dict(zip(kinds, half_dose(at, found[..., 2, 0]).T, strict=True))
        active |= dict(zip(kinds, half_dose(at, found[..., 1, 1]).T, strict=True))

    def of(drug: str, line: str) -> FloatArray:
        return ic50[Kind(drug, line)]

    def least_ratio(halves: Mapping[Kind, FloatArray]) -> FloatArray:
        ratios = [halves[Kind("milademetan", line)] / halves[Kind("KT-253", line)]
                  for line in WILD_TYPE]  # fmt: skip
        return np.asarray(np.min(ratios, axis=0))

    return {
        "kt253_ic50_rs411": of("KT-253", LEUKAEMIA),
        "md224_ic50_rs411": of("MD-224", LEUKAEMIA),
        "milademetan_nutlin_ratio": of("milademetan", LEUKAEMIA) / of("nutlin-3a", LEUKAEMIA),
        "nutlin_ic50_sjsa1": of("nutlin-3a", AMPLIFIED),
        "navtemadlin_ic50_sjsa1": of("navtemadlin", AMPLIFIED),
        "rg7112_ic50_amplified": of("RG7112", LIPOSARCOMA),
        "rg7112_ic50_normal": of("RG7112", _GENERIC),
        "nutlin_ic50_wild_type": of("nutlin-3a", _GENERIC),
        "idasanutlin_ic50_wild_type": of("idasanutlin", _GENERIC),
        "sar405838_over_nutlin": of("nutlin-3a", LIPOSARCOMA) / of("SAR405838", LIPOSARCOMA),
        "nutlin_mdm2_sensitivity": of("nutlin-3a", LEUKAEMIA) / ic50[_MANY_GENES],
        "kt253_over_inhibitors": least_ratio(ic50),
        "kt253_apoptosis_ratio": least_ratio(active),
    }


def plate(
    rows: DishRows, values: FloatArray, kinds: Sequence[Kind], doses: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Doses (trial, kind, dose) and wells with vehicle first: a plate, and more doses where half of
    the cells die."""
    times, names = np.array([0.0, 48.0, 72.0]), ["live_cells", "caspase"]
    wells = rows.wells(kinds, "culture", doses, times, names)
    first = wells.run(rows.parameters, values)
    near = between(doses, first[..., 2, 0], _NEAR)
    more = wells.under(near, rows.parameters, values)
    at = np.concatenate([np.broadcast_to(doses, (*near.shape[:2], len(doses))), near], axis=2)
    order = at.argsort(axis=2)
    found = np.concatenate([first[:, :, 1:], more], axis=2)
    found = np.take_along_axis(found, order[..., None, None], 2)
    return np.take_along_axis(at, order, 2), np.concatenate([first[:, :, :1], found], axis=2)


def _death(rows: DishRows, values: FloatArray) -> Rows:
    kinds = (Kind("nutlin-3a", AMPLIFIED), Kind("milademetan", AMPLIFIED))
    wells = rows.wells(kinds, "culture", _CAUSED, _DEATH, ["live_cells", "death_rate", "caspase"])
    found = wells.run(rows.parameters, values)
    lost = np.trapezoid(found[:, 0, -1, :_WEEK, 1], _DEATH[:_WEEK])
    active = found[:, 1, 1:, :_WEEK, 2][..., [2, 4, 8, 16]]  # at 6, 12, 24 and 48 h
    steps = np.concatenate(
        [np.diff(np.log(active), axis=2).reshape(len(values), -1),
         np.diff(np.log(active[:, 1:]), axis=1).reshape(len(values), -1)], axis=1)  # fmt: skip
    return {
        "nutlin_death_sjsa1": -100.0 * np.expm1(-lost),
        "nutlin_lethal_sjsa1": found[:, 0, 1 + _DEADLY, _WEEK, 0],
        "caspase": np.exp(steps.min(axis=1)),
    }


def _or_nan(curves: FloatArray, found: FloatArray) -> FloatArray:
    return np.where(np.isfinite(curves).all(axis=-1), found, np.nan)


PARTS: dict[str, Callable[[DishRows, FloatArray], Rows]] = {
    "loop": _loop, "damage": _damage, "binding": _binding, "degradation": _degradation,
    "induction": _induction, "biopsies": _biopsies, "handed back": _handed_back,
    "viability": _viability, "death": _death,
}  # fmt: skip
"""What is run together for some rows."""
