"""Tables of pages of studies that say how sure their numbers are: medians and bands over the
draws of the ensemble that is shipped."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from p53net.dosing.regimens import regimen
from p53net.engines.base import FloatArray
from p53net.ensembles.draws import ensemble
from p53net.evidence.markdown import rows_of, shown
from p53net.evidence.pages import Table
from p53net.studies.body.blood import COUNTS, INTERMITTENT
from p53net.studies.body.matching import match
from p53net.studies.body.patients import patient
from p53net.studies.body.pharmacokinetics import pk
from p53net.studies.body.xenografts import xenograft
from p53net.studies.dish.caspase_assay import caspase
from p53net.studies.dish.degradation_assay import degradation
from p53net.studies.dish.synergy_assay import synergy
from p53net.studies.dish.viability_assay import viability
from p53net.studies.escape.study import escape

_DRUG, _DEGRADER = "milademetan", "KT-253"
_COLUMNS = " | median of the draws | half of them | 95 % | draws that have it"
_ENDS = (0.5, 0.25, 0.75, 0.025, 0.975)
_ESCAPES = 100  # draws: each takes a tenth of a second
_PAIRS = 100  # draws: each takes most of a second
_MATCHED = 40  # draws: each takes a second and a half
_MEASURES = (*(f"lowest:{count}" for count in COUNTS), "peak:GDF15_serum", "tgi")
_QUARTER, _MIDDLE = 0.25, 0.5  # of the degrader's dose alone
_LEAST = 1e-6  # of any number here: less is noise
_HALF_ACTIVE = 50.0  # % of a live cell's caspase


def _band(title: str, values: xr.DataArray | FloatArray) -> list[str]:
    """A row: numbers of draws without a value of it stand apart."""
    numbers = np.asarray(values, dtype=float).ravel()
    there = numbers[~np.isnan(numbers)]
    ends = np.quantile(there, _ENDS)
    middle, under, over, low, high = (shown(v) for v in np.where(abs(ends) < _LEAST, 0.0, ends))
    share = f"{100 * len(there) / len(numbers):.0f} %"
    return [title, middle, f"{under} to {over}", f"{low} to {high}", share]


def plates() -> str:
    """Doses that halve viability."""
    rows = []
    for line, drugs in (
        ("RS4;11", [_DEGRADER, "MD-224", _DRUG, "nutlin-3a"]), ("SJSA-1", [_DEGRADER, _DRUG])
    ):  # fmt: skip
        plate = viability(drugs, line, ensemble=ensemble(), draws=True).sel(cell_line=line)
        ic50 = plate["ic50"]
        rows += [_band(f"{line}, {drug}: IC50 [nM]", ic50.sel(drug=drug)) for drug in drugs]
        ratio = ic50.sel(drug=_DRUG, drop=True) / ic50.sel(drug=_DEGRADER, drop=True)
        rows.append(_band(f"{line}: {_DRUG}'s over {_DEGRADER}'s", ratio))
        folds = plate["p53_fold"].sel(drug=_DEGRADER)
        rows.append(_band(f"{line}: active p53 at {_DEGRADER}'s, fold", folds))
    return rows_of(f"line, drug{_COLUMNS}", rows)


def degraded() -> str:
    """MDM2 by dose and time."""
    rows = []
    for drug, line, hours in (
        (_DEGRADER, "HEK293T", [2.0]),
        ("MD-4251", "RS4;11", [2.0]),
        (_DEGRADER, "generic", [2.0, 24.0]),
    ):
        found = degradation([drug], line, hours=hours, ensemble=ensemble(), draws=True)
        found = found.sel(drug=drug)
        for hour in hours:
            where = f"{line}, {drug}, {hour:g} h"
            closed = found.sel(hours=hour, loop="closed")
            if hour == hours[0]:
                rows.append(_band(f"{where}: DC50 [nM]", closed["dc50"]))
            rows.append(_band(f"{where}: most that is lost [%]", closed["dmax"]))
    opened = found.sel(hours=24.0, loop="open")
    rows.append(_band(f"{where}, loop opened: most that is lost [%]", opened["dmax"]))
    return rows_of(f"line, drug, time{_COLUMNS}", rows)


def killed() -> str:
    """Doses that have half of the caspase of a live cell active."""
    found = caspase([_DRUG, _DEGRADER], "SJSA-1", ensemble=ensemble(), draws=True)
    active = found["active"].sel(hours=48.0).transpose("drug", "draw", "dose").values
    doses = {name: _reached(found["dose"].values, curves)
             for name, curves in zip((_DRUG, _DEGRADER), active, strict=True)}  # fmt: skip
    rows = [_band(f"{name} [nM]", one) for name, one in doses.items()]
    rows.append(_band(f"{_DRUG}'s over {_DEGRADER}'s", doses[_DRUG] / doses[_DEGRADER]))
    return rows_of(f"half of caspase-3/7 active after 48 h, SJSA-1{_COLUMNS}", rows)


def _reached(doses: FloatArray, curves: Sequence[FloatArray]) -> FloatArray:
    """The lowest dose of each curve at which half is active, between those of the study."""
    found = np.full(len(curves), np.nan)
    for i, curve in enumerate(curves):
        above = np.flatnonzero(curve >= _HALF_ACTIVE)
        if len(above) and above[0] > 0:
            k = above[0]
            found[i] = np.exp(np.interp(_HALF_ACTIVE, curve[k - 1 : k + 1],
                                        np.log(doses[k - 1 : k + 1])))  # fmt: skip
    return found


def compared() -> str:
    """Both drugs at three times untreated p53."""
    found = escape([_DRUG, _DEGRADER], ensemble=ensemble().thinned(_ESCAPES), draws=True)
    rows = []
    for drug in (_DRUG, _DEGRADER):
        one = found.sel(drug=drug)
        rows += [
            _band(f"{drug}: dose [nM]", one["equal_dose"]),
            _band(f"{drug}: MDM2 mRNA, fold", one["MDM2_mRNA_fold"]),
            *(_band(f"{drug}: dose ratio at {fold:g} times", one["dose_ratio"].sel(fold=fold))
              for fold in one["fold"].values),
            _band(f"{drug}: escape index", one["escape_index"]),
            _band(f"{drug}: total MDM2, fold", one["MDM2_total_fold"]),
            *(_band(f"{drug}: fall of p53 after {hours:g} h and washout [%]",
                    100.0 * one["rebound"].sel(exposure=hours)) for hours in (4.0, 24.0)),
            _band(f"{drug}: drug per untreated MDM2, 2 pL of medium",
                  one["stoichiometric_load"].sel(medium_volume=2.0)),
        ]  # fmt: skip
    return rows_of(f"at three times untreated p53{_COLUMNS}", rows)


def combined() -> str:
    """Interaction indices of both drugs in RS4;11, and how often less is needed than of a sum."""
    rows = []
    for title, switch, shares in (
        ("together", None, [_MIDDLE]), (f"{_DEGRADER} first", 24.0, [_QUARTER, _MIDDLE])
    ):  # fmt: skip
        found = synergy(_DRUG, _DEGRADER, "RS4;11", switch=switch, draws=True,
                        ensemble=ensemble().thinned(_PAIRS))["interaction_index"]  # fmt: skip
        for share in shares:
            for level in found["level"].values:
                index = found.sel(level=level, share=share).values.ravel()
                below = float(np.mean(index[~np.isnan(index)] < 1.0))
                named = f"{title}, {level:g} % effect, {share:g} of {_DEGRADER}'s dose alone"
                rows.append([*_band(named, index), f"{100 * below:.0f} %"])
    return rows_of(f"interaction index, RS4;11{_COLUMNS} | of these below 1", rows)


def plasma() -> str:
    """Milademetan in patients, the third day of 260 mg."""
    found = pk(_DRUG, regimen(260, "mg", "3/14", cycles=1), ensemble=ensemble(), draws=True)
    third = found.isel(dose=0).sel(occasion=3)
    rows = [
        _band("Tmax [h]", third["tmax"]),
        _band("Cmax [ng/mL]", third["cmax"]),
        _band("AUC0-24 [ng h/mL]", third["auc"]),
        _band("dose/AUC [L/h]", third["clearance"]),
        _band("half-life [h]", third["half_life"]),
    ]
    return rows_of(f"day 3{_COLUMNS}", rows)


def mice() -> str:
    """Growth inhibition, and regression."""
    doses = (25.0, 50.0, 100.0)
    arms = [regimen(dose, "mg/kg", "daily", days=28) for dose in doses]
    found = xenograft(_DRUG, arms, "ST-02-0075", ensemble=ensemble(), draws=True)
    rows = [
        _band(
            f"ST-02-0075, {_DRUG} {dose:g} mg/kg daily: TGI, day 28 [%]", found["tgi"].isel(arm=i)
        )
        for i, dose in enumerate(doses, start=1)
    ]
    once = xenograft(_DEGRADER, regimen(1.0, "mg/kg", "once"), "RS4;11", days=63.0,
                     ensemble=ensemble(), draws=True)  # fmt: skip
    below = once["days_below"].isel(arm=1)
    rows.append(_band(f"RS4;11, {_DEGRADER} 1 mg/kg once: days below start, of 63", below))
    return rows_of(f"arm{_COLUMNS}", rows)


def patients() -> str:
    """A typical patient in each of 50 draws."""
    found = patient(_DRUG, INTERMITTENT, ensemble=ensemble(), draws=True)
    highest = [
        ("p53_active", "active p53, tumour [nM]: highest"),
        ("GDF15_serum", "GDF-15 in serum, fold: highest"),
    ]
    lowest = [
        ("platelets", "platelets [1e9/L]: lowest"),
        ("neutrophils", "neutrophils [1e9/L]: lowest"),
        ("haemoglobin", "haemoglobin [g/dL]: lowest"),
    ]
    rows = [_band(said, found[name].max("time")) for name, said in highest]
    rows += [_band(said, found[name].min("time")) for name, said in lowest]
    return rows_of(f"260 mg 3/14, 56 days{_COLUMNS}", rows)


def matched() -> str:
    """Doses of KT-253 that equal a schedule of milademetan in one measure, in a typical patient."""
    draws = ensemble().thinned(_MATCHED)
    every = regimen(10.0, "mg", "q3w", days=56.0)
    found = match(_DEGRADER, every, _DRUG, INTERMITTENT, _MEASURES, between=(1e-3, 1e3),
                  ensemble=draws, draws=True)["dose"]  # fmt: skip
    rows = [_band(f"`{name}` [mg]", found.sel(measure=name)) for name in _MEASURES]
    rows.append(_band("the highest of these over the lowest",
                      found.max("measure", skipna=False) / found.min("measure")))  # fmt: skip
    return rows_of(f"equal in{_COLUMNS}", rows)


TABLES = (
    Table("docs/viability.md", "viability-plausible", plates),
    Table("docs/degradation.md", "degradation-plausible", degraded),
    Table("docs/caspase.md", "caspase-plausible", killed),
    Table("docs/measures.md", "escape-plausible", compared),
    Table("docs/combinations.md", "combinations-plausible", combined),
    Table("docs/pk.md", "plasma-plausible", plasma),
    Table("docs/xenograft.md", "xenograft-plausible", mice),
    Table("docs/patient.md", "patient-plausible", patients),
    Table("docs/regimens.md", "matched-plausible", matched),
)
"""In the order in which they are made."""
