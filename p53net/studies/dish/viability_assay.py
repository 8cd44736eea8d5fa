"""A viability plate: live cells after three days, as their ATP shows them, and the IC50."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import partial

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from p53net.dosing.beside import BesideLike
from p53net.dosing.medium import finite_number
from p53net.engines.base import FloatArray
from p53net.ensembles.cells import Cells, EnsembleLike, Part, together
from p53net.ensembles.fitted import FitLike
from p53net.errors import InputError
from p53net.measures.dose_response import fit_logistic
from p53net.model import cell_line_entries, drug_entries
from p53net.model.own import TablesLike, as_tables
from p53net.model.structures import StructureLike
from p53net.simulation.choice import AUTO
from p53net.simulation.loading import shared
from p53net.simulation.model import VERSION
from p53net.simulation.provenance import recorded
from p53net.studies.dish import levels
from p53net.studies.dish import plate as dish
from p53net.sweeps.design import checked_seed

HOURS = 72.0
_MOST_REPLICATES = 100
_KILLERS = ("p53_active", "PUMA")
_WITHOUT_P53 = (
    "no p53 is made, and TAp73, through which a degrader can kill (Cancer Discov 2023, 13:1210), "
    "is left out"
)
_ABOUT = {
    "ic50": ("nM", "dose of half the effect"),
    "ic50_low": ("nM", "lower end of its 95 % interval"),
    "ic50_high": ("nM", "upper end of its 95 % interval"),
    "hill": ("1", "steepness"),
    "top": ("%", "viability without drug, fitted"),
    "bottom": ("%", "viability under the highest doses, fitted"),
    "p53_fold": ("1", "active p53 at the IC50 over vehicle"),
    "PUMA_fold": ("1", "PUMA at the IC50 over vehicle"),
}


@recorded
@levels.each_level
def viability(
    drugs: str | Iterable[str],
    cell_lines: str | Iterable[str] = ("RS4;11",),
    *,
    hours: float = HOURS,
    concentrations: ArrayLike | None = None,
    replicates: int = 3,
    noise: float = 0.0,
    seed: int = 1,
    beside: BesideLike = None,
    start: float = 0.0,
    parameters: Mapping[str, float] | None = None,
    engine: str = AUTO,
    accuracy: float | None = None,
    tables: TablesLike = None,
    structure: StructureLike = None,
    ensemble: EnsembleLike = None,
    fit: FitLike = None,
    draws: bool = False,
) -> xr.Dataset:
    """Viability under constant concentrations, with a four-parameter logistic fit of each curve.

    Luminescence is taken as proportional to live cells. `noise` is the coefficient of variation of
    a well (log-normal); each plate has as many vehicle wells as all others of a drug together, and
    is normalised to their mean. `seed` fixes the noise of a drug in a line, whatever else is read.

    Returns a Dataset over `drug`, `cell_line`, `dose` [nM] and `replicate`: `viability` [% of
    vehicle], and per curve `ic50` with `ic50_low` and `ic50_high` [nM], `hill`, `top`, `bottom`,
    `p53_fold` and `PUMA_fold` (active p53 and PUMA at the IC50 over vehicle) and a `status`.
    With another drug `beside` the drug, a checkerboard: all is over the levels of that, `beside`
    [nM], too, in per cent of wells without either drug, and `beside_alone` is the other drug alone.
    Its level is a number, a list, or a course such as `pn.pulse(1, hours=24)`, and the drug comes
    in at `start` [h]: see docs/combinations.md.
    The attribute `boundary` says what lines without p53 leave out. `structure` and `accuracy` are
    as in `load`, `ensemble`, `fit` and `draws` as in `escape`: each draw has a plate and fits of
    its own, with the same noise. Raises InputError, UnknownNameError.

    Examples:
        >>> plate = pn.viability(["milademetan", "KT-253"], "RS4;11")
        >>> plate["ic50"].values.round(2), plate["ic50"].attrs["units"]
        (array([[179.68],
               [  0.3 ]]), 'nM')
        >>> plate["viability"].dims
        ('drug', 'cell_line', 'dose', 'replicate')
    """
    own = as_tables(tables)
    names = dish.checked_names(drugs, "drug", drug_entries(own))
    lines = dish.checked_names(cell_lines, "cell_line", cell_line_entries(own))
    plate = dish.checked_concentrations(concentrations)
    at = dish.checked_hours(hours)
    if len(at) != 1:
        raise InputError("a viability plate is read once; give one time [h]")
    other, begin = levels.one_level(beside, names, own, start, at)
    second = () if other is None else (other.drug,)
    wells, spread = _wells(replicates), _spread(noise)
    fixed = checked_seed(seed)
    cells = Cells(ensemble, draws=draws, structure=structure, tables=own)
    shape = len(cells), len(names), len(lines)
    percent = np.full((*shape, len(plate), wells), np.nan)
    fits = {name: np.full(shape, np.nan) for name in _ABOUT}
    status = np.full(shape, "no run", dtype=object)
    alone = np.full(shape, np.nan)
    engines: dict[str, None] = {}
    null: dict[str, None] = {}

    def read(part: Part, i: int, j: int) -> None:
        name, line = names[i], lines[j]
        model = shared(
            name, *second, cell_line=line, system="culture", tables=own, structure=part.structure
        ).to(accuracy)
        if model.definition.parameters["k_syn_p53"].value == 0.0:
            null[line] = None
        where = f"{name} in {line}" if other is None else f"{name} in {line} beside {other.said}"
        plates = dish.Plates(cells, part, where)
        live = plates.read(model, name, plate, at, ["live_cells"], parameters, engine=engine,
                           beside=other, start=begin)  # fmt: skip
        engines.setdefault(live.engine)
        middles = np.full(len(part.draws), np.nan)
        for row, place in plates.each():
            random = np.random.default_rng([fixed, *where.encode()])
            alone[place, i, j] = 100.0 * live.alone[row, 0, 0] / live.values[row, 0, 0, 0]
            wells_of = _luminescence(live.values[row, :, 0, 0], wells, spread, random)
            copies = wells if spread > 0 else 1  # equal wells say no more than one
            fit = fit_logistic(np.repeat(plate, copies), wells_of[:, :copies].ravel(), 100.0)
            values = (fit.middle, fit.low, fit.high, fit.hill, fit.top, fit.bottom)
            for key, value in zip(fits, values, strict=False):
                fits[key][place, i, j] = value
            percent[place, i, j], status[place, i, j] = wells_of, fit.status
            middles[row] = fit.middle if fit.status == "ok" else np.nan
        rows = np.flatnonzero(np.isfinite(middles))
        if not len(rows):
            return
        halved = dish.Plates(cells, part._replace(draws=part.draws[rows]), where)
        there = halved.read(model, name, middles[rows, None], at, _KILLERS, parameters,
                            engine=engine, beside=other, start=begin)  # fmt: skip
        vehicle, treated = there.values[:, 0, 0], there.values[:, 1, 0]
        folds = np.full_like(treated, np.nan)
        np.divide(treated, vehicle, out=folds, where=vehicle > 0)
        fits["p53_fold"][part.draws[rows], i, j], fits["PUMA_fold"][part.draws[rows], i, j] = (
            folds.T
        )

    together([partial(read, part, i, j) for part in cells.parts(dish.TOGETHER)
              for i in range(len(names)) for j in range(len(lines))])  # fmt: skip
    both = ("draw", "drug", "cell_line")
    data = {
        key: (both, values, {"units": _ABOUT[key][0], "long_name": _ABOUT[key][1]})
        for key, values in fits.items()
    }
    result = xr.Dataset(
        {
            "viability": (
                (*both, "dose", "replicate"),
                percent,
                {"units": "%", "long_name": "luminescence, per cent of vehicle"},
            ),
            **data,
            "status": (both, status, {"units": "1", "long_name": "ok, or why there is no IC50"}),
        },
        coords={
            "drug": names,
            "cell_line": lines,
            "dose": ("dose", plate, {"units": "nM", "long_name": "drug in the medium"}),
            "replicate": np.arange(1, wells + 1),
        },
    )
    if other is not None:
        about = {"units": "%", "long_name": f"viability under {other.drug} alone, of vehicle"}
        result["beside_alone"] = (both, alone, about)
    without = [line for line in lines if line in null]
    return cells.finished(result, ("dose",)).assign_attrs(
        {
            "study": "viability",
            **levels.about(other, begin),
            "hours": float(at[0]),
            "noise": spread,
            "seed": seed,
            **({"boundary": f"{', '.join(without)}: {_WITHOUT_P53}"} if without else {}),
            "engine": "; ".join(sorted(engines)),
            "parameters": json.dumps(dict(parameters or {})),
            "version": VERSION,
        }
    )


def _luminescence(
    live: FloatArray, replicates: int, noise: float, random: np.random.Generator
) -> FloatArray:
    """Wells (dose, replicate) in per cent of the mean of vehicle wells."""
    deviation = np.sqrt(np.log1p(noise**2))  # of the logarithm
    factors, vehicle = (
        np.exp(random.normal(-(deviation**2) / 2, deviation, (len(live) - 1, replicates)))
        for _ in range(2)
    )
    return np.asarray(100.0 * live[1:, None] * factors / (live[0] * vehicle.mean()))


def _wells(replicates: object) -> int:
    whole = isinstance(replicates, int | np.integer) and not isinstance(replicates, bool)
    if not whole or not 1 <= int(str(replicates)) <= _MOST_REPLICATES:
        raise InputError(
            f"replicates is {replicates!r}, but must be a whole number, 1 to {_MOST_REPLICATES}"
        )
    return int(str(replicates))


def _spread(noise: object) -> float:
    number = finite_number(noise, "noise, a coefficient of variation,")
    if number > 1:
        raise InputError(f"noise is {number:g}, but is a share of the signal: give at most 1")
    return number
