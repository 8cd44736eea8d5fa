"""What the models predict for each published number: one function for each group of them.

A function takes trial values, {entry: {parameter: value}}, that stand for those of the tables, so
that the same code predicts and is fitted. An entry is a drug, a cell line, a `drug in host`, or
`model` for the model texts. It returns predictions by the id of the observation: a number, or 1
and 0 where the observation is a statement.
"""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache

import numpy as np

from p53net.dosing.regimens import regimen
from p53net.engines.base import FloatArray
from p53net.evidence.invariants import half_effect_dose
from p53net.evidence.published import observations
from p53net.measures.dose_response import fit_logistic
from p53net.model import drug_entries
from p53net.simulation.loading import load
from p53net.simulation.model import Model
from p53net.studies.body import blood
from p53net.studies.body.pharmacokinetics import sampled
from p53net.studies.body.population import GRADES, grades
from p53net.studies.body.xenografts import DAYS, days_below, tgi
from p53net.studies.dish import plate as dish
from p53net.studies.dish.binding import binding_ic50
from p53net.studies.dish.degradation_assay import fit_below_hook

Trial = Mapping[str, Mapping[str, float]]
Predictions = dict[str, float]

_LEUKAEMIA = "RS4;11"
_LIPOSARCOMA = "LPS-amplified"
_GASTRIC = "ST-02-0075"
_WILD_TYPE = ("generic", _LEUKAEMIA, "SJSA-1", _LIPOSARCOMA)  # of which KT-253's ratio is taken
_PLATE = np.geomspace(1e-3, 1e5, 33)  # nM, four in each decade
_DAY_8 = 192.0  # h
_CYCLES = 8  # of a typical patient, among which the one with the lowest counts is looked for
_MEASURED = 0.05  # standard deviation of a count's logarithm, which smooths shares for a fit


def biochemistry(trial: Trial) -> Predictions:
    """IC50s of the competition assay."""
    names = {"milademetan_htrf_ic50": "milademetan", "nutlin_htrf_ic50": "nutlin-3a"}
    return {key: binding_ic50(_value(trial, drug, "Ki_inhibitor")) for key, drug in names.items()}


def degradation(trial: Trial) -> Predictions:
    """DC50 and Dmax after 2 h; KT-253's with the loop opened."""
    kt253 = _destroyed(trial, "KT-253", "generic", feedback=False)
    md4251 = _destroyed(trial, "MD-4251", _LEUKAEMIA)
    md224 = _destroyed(trial, "MD-224", _LEUKAEMIA)
    fits = [fit_below_hook(_PLATE, curve)[0] for curve in (kt253, md4251, md224)]
    near_complete = _PLATE[md224 < 10.0]
    return {
        "kt253_dc50": fits[0].middle,
        "md4251_dc50": fits[1].middle,
        "md4251_dmax": 100.0 - float(md4251.min()),
        "md224_dc": float(near_complete[0]) if len(near_complete) else np.inf,
    }


def sensitivity(trial: Trial) -> Predictions:
    """IC50s of RS4;11 after three days."""
    return {
        "kt253_ic50_rs411": _ic50(trial, "KT-253", _LEUKAEMIA),
        "md224_ic50_rs411": _ic50(trial, "MD-224", _LEUKAEMIA),
    }


def relative_potency(trial: Trial) -> Predictions:
    """Of milademetan over nutlin-3a, in one of the leukaemia lines that the paper used the like of,
    and what is not fitted of viability."""
    potent = _ic50(trial, "milademetan", _LEUKAEMIA)
    return {"milademetan_nutlin_ratio": potent / _ic50(trial, "nutlin-3a", _LEUKAEMIA)}


def viability(trial: Trial) -> Predictions:
    """What nothing was fitted to: a cell without p53, and an amplified line."""
    effects = []
    for drug in ("milademetan", "KT-253"):
        dose = 100.0 * _ic50(trial, drug, "generic")
        model = _model(drug, "TP53-null", "culture")
        live = dish.read_plate(model, drug, np.array([dose]), np.array([72.0]), ["live_cells"],
                          _changed(trial, drug, "TP53-null")).values[:, 0, 0]  # fmt: skip
        effects.append(100.0 * (1.0 - live[1] / live[0]))
    return {
        "tp53_null": max(effects, key=abs),
        "nutlin_ic50_sjsa1": _ic50(trial, "nutlin-3a", "SJSA-1"),
        "nutlin_death_sjsa1": _dead(trial, "nutlin-3a", "SJSA-1", 1e4, 48.0),
        "milademetan_ic50_rs411": _ic50(trial, "milademetan", _LEUKAEMIA),
    }


def caspase(trial: Trial) -> Predictions:
    """Whether caspase-3/7 in SJSA-1 rises with dose and with time, at every step."""
    model, hours = _model("milademetan", "SJSA-1", "culture"), np.array([6.0, 12.0, 24.0, 48.0])
    doses = np.array([100.0, 300.0, 1e3, 3e3, 1e4])
    found = dish.read_plate(model, "milademetan", doses, hours, ["caspase"],
                       _changed(trial, "milademetan", "SJSA-1")).values[:, :, 0]  # fmt: skip
    rises = (np.diff(found, axis=0) > 0).all() and (np.diff(found[1:], axis=1) > 0).all()
    return {"caspase": float(rises)}


def induction(_trial: Trial) -> Predictions:
    """The EC50 farthest from the middle of the published range, of p53, p21 and MDM2, in the
    generic line; and each of them in SJSA-1, which has many MDM2 genes."""
    found = _half_effects("generic").values()
    middle = np.log(np.sqrt(30.0 * 1000.0))
    return {
        "milademetan_induction": max(found, key=lambda dose: abs(np.log(dose) - middle)),
        **{
            f"milademetan_induction_sjsa1_{name.removesuffix('_total').lower()}": dose
            for name, dose in _half_effects("SJSA-1").items()
        },
    }


def resistant_lines(trial: Trial) -> Predictions:
    """Potencies in amplified lines, and KT-253's over milademetan: missed, and shown."""
    ratios = [_ic50(trial, "milademetan", line) / _ic50(trial, "KT-253", line)
              for line in _WILD_TYPE]  # fmt: skip
    return {
        "navtemadlin_ic50_sjsa1": _ic50(trial, "navtemadlin", "SJSA-1"),
        "rg7112_ic50_amplified": _ic50(trial, "RG7112", _LIPOSARCOMA),
        "kt253_over_inhibitors": min(ratios),
    }


def biopsies(trial: Trial) -> Predictions:
    """Folds in amplified liposarcoma on day 8 of RG7112, at one concentration."""
    names = {"rg7112_p53": "p53_total", "rg7112_p21": "p21", "rg7112_mdm2_mrna": "MDM2_mRNA"}
    dose = trial.get("RG7112", {}).get("tumour_concentration")
    if dose is None:
        dose = drug_entries()["RG7112"].quantities["tumour_concentration"].value
    model = _model("RG7112", _LIPOSARCOMA, "dish")
    changed = {n: v for n, v in _changed(trial, "RG7112", _LIPOSARCOMA).items()
               if n != "tumour_concentration"}  # fmt: skip
    wells = dish.read_plate(model, "RG7112", np.array([dose]), np.array([_DAY_8]),
                       list(names.values()), changed).values[:, 0]  # fmt: skip
    return dict(zip(names, (wells[1] / wells[0]).tolist(), strict=True))


def third_day(trial: Trial) -> Predictions:
    """Milademetan in patients, third day of 260 mg once a day."""
    dose = regimen(260.0, "mg", "3/14", cycles=1)
    model = _model("milademetan", "generic", "plasma", "human")
    found = sampled(model, [dose], parameters=_changed(trial, "milademetan in human"))
    day_3 = found.isel(dose=0, occasion=2)
    return {
        "milademetan_tmax": float(day_3["tmax"]),
        "milademetan_cmax": float(day_3["cmax"]),
        "milademetan_auc": float(day_3["auc"]),
        "milademetan_clf": float(day_3["clearance"]),
        "milademetan_thalf": float(day_3["half_life"]),
    }


def plasma(trial: Trial) -> Predictions:
    """The same, and exposure over dose."""
    arms = [regimen(d, "mg", "3/14", cycles=1) for d in (15.0, 60.0, 90.0, 120.0, 260.0, 340.0)]
    model = _model("milademetan", "generic", "plasma", "human")
    found = sampled(model, arms, parameters=_changed(trial, "milademetan in human"))
    japan = found["auc"].sel(dose=[60.0, 90.0, 120.0], occasion=3)
    slopes = found["slope"].values
    return {
        **third_day(trial),
        "milademetan_linearity": float(slopes.flat[np.abs(slopes - 1.0).argmax()]),
        "milademetan_japan": float((np.diff(japan) > 0).all()),
    }


def on_treatment(trial: Trial) -> Predictions:
    """Whether p53, p21 and MDM2 rise in a patient's amplified liposarcoma under 260 mg."""
    model = _model("milademetan", _LIPOSARCOMA, "tumour", "human")
    names = ["p53_total", "p21", "MDM2_total"]
    run = model.simulate([0.0, 52.0], {"milademetan": regimen(260.0, "mg", "3/14", cycles=1)},
                         _changed(trial, "milademetan", "milademetan in human", _LIPOSARCOMA),
                         observables=names)  # fmt: skip
    return {"milademetan_biopsy": float(all(float(run[n][1] / run[n][0]) > 1.1 for n in names))}


def biomarker(trial: Trial) -> Predictions:
    """Serum GDF-15 in the first day of 260 mg, typical patient."""
    model, times = blood.marrow("milademetan"), np.linspace(0.0, 24.0, 97)
    changed = _marrow_changed(trial)
    peaks = [
        float(
            model.simulate(times, {"milademetan": regimen(dose, "mg", "once")}, changed,
                           observables=["GDF15_serum"])["GDF15_serum"].max()
        )
        for dose in (15.0, 60.0, 120.0, 260.0, 340.0)
    ]  # fmt: skip
    return {
        "gdf15_fold": peaks[-2],
        "gdf15_monotone": float((np.diff(peaks) > 0).all()),
        "gdf15_kout": _value(trial, "model", "k_out_GDF15", model),
    }


def toxicity(trial: Trial) -> Predictions:
    """Grade 3 or more in virtual patients, and any grade."""
    return _toxicity(trial)


def smooth_toxicity(trial: Trial) -> Predictions:
    """The same as smooth functions of the parameters, for a fit."""
    return _toxicity(trial, _MEASURED)


def haematology(trial: Trial) -> Predictions:
    """When counts are lowest in a typical patient and whether they recover, and rates that nothing
    was fitted to."""
    model, changed = blood.marrow("milademetan"), _marrow_changed(trial)
    times = np.arange(0.0, _CYCLES * 14 * 24.0 + 1.0, 6.0)
    given = regimen(260.0, "mg", "3/14", cycles=_CYCLES)
    run = model.simulate(times, {"milademetan": given}, changed,
                         observables=["platelets", "neutrophils"])  # fmt: skip
    found: Predictions = {}
    for name, key in (("platelets", "platelet"), ("neutrophils", "neutrophil")):
        lowest = blood.nadir(times, run[name].values, 14 * 24.0, 48.0)
        found |= {f"{key}_nadir": lowest.days, f"{key}_recovery": lowest.regained}
    rows = observations()
    found["haem_reversible"] = float(all(rows[key].holds(value) for key, value in found.items()))
    japan = [regimen(d, "mg", "21/28", days=blood.DAYS) for d in (60.0, 90.0, 120.0)]
    counts = [blood.lowest_counts(model, "milademetan", arm, changed, 200) for arm in japan]
    found["platelets_japan_any"] = blood.percent_at_least(
        np.concatenate(counts), "thrombocytopenia", 1
    )
    kt253 = blood.marrow("KT-253")
    every_three_weeks = regimen(1.0, "mg/kg", "q3w", days=blood.DAYS)
    counts_kt253 = blood.lowest_counts(
        kt253, "KT-253", every_three_weeks, _changed(trial, "KT-253", "KT-253 in human"), 500
    )
    either = [grades(counts_kt253[:, i], name) >= 3 for i, name in enumerate(GRADES)][:2]
    found["kt253_haem"] = float(100.0 * np.logical_or(*either).mean())
    return found


def _toxicity(trial: Trial, spread: float = 0.0) -> Predictions:
    model, changed = blood.marrow("milademetan"), _marrow_changed(trial)
    regimens = (blood.INTERMITTENT, *blood.OTHERS)
    model.ready(runs=blood.PATIENTS)  # before threads share it
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = list(
            pool.map(
                lambda one: one[0].run(blood.lowest_counts, model, "milademetan", one[1], changed),
                [(copy_context(), one) for one in regimens],  # so that records see their runs
            )
        )
    arms = {"intermittent": counts[0], "other": np.concatenate(counts[1:])}
    found: Predictions = {}
    for arm, lowest in arms.items():
        for name in GRADES:
            for key, grade in (("any", 1), ("grade3plus", 3)):
                share = blood.percent_at_least(lowest, name, grade, spread)
                found[f"{name}_{key}_{arm}"] = share
    for name in GRADES:
        found[f"{name}_grade34_mantra"] = found[f"{name}_grade3plus_intermittent"]
    more = found["thrombocytopenia_grade3plus_other"]
    found["thrombocytopenia_order"] = float(
        more > found["thrombocytopenia_grade3plus_intermittent"]
    )
    return found


def _marrow_changed(trial: Trial) -> dict[str, float]:
    return _changed(trial, "milademetan", "milademetan in human", "progenitor")


def tumour_growth(trial: Trial) -> Predictions:
    """Growth inhibition of the gastric xenograft after four weeks."""
    doses = (25.0, 50.0, 100.0)
    found = _inhibition(trial, _GASTRIC, doses, DAYS)
    return {f"tgi_milademetan_{dose:g}": value for dose, value in zip(doses, found, strict=True)}


def regression(trial: Trial) -> Predictions:
    """What one dose of KT-253 does to leukaemia, and milademetan to SJSA-1 in two weeks. RS4;11
    stands in for a patient's leukaemia."""
    return {
        "kt253_regression": float(kt253_days_below(trial) >= 14.0),
        "kt253_pdx": float(kt253_days_below(trial, "q3w") >= 14.0),
        "tgi_milademetan_sjsa1": min(_inhibition(trial, "SJSA-1", (25.0, 50.0), 14.0)),
    }


def kt253_days_below(
    trial: Trial,
    schedule: str = "once",
    changed: Mapping[str, float] | None = None,
    dose: float = 1.0,
) -> float:
    """Days that an RS4;11 tumour stays below its start under 1 mg/kg of KT-253."""
    model = _model("KT-253", _LEUKAEMIA, "tumour", "mouse")
    times = np.linspace(0.0, 63 * 24.0, 63 * 24 + 1)
    given = regimen(dose, "mg/kg", schedule, cycles=None if schedule == "once" else 3)
    run = model.simulate(
        times,
        {"KT-253": given},
        {**_changed(trial, "KT-253", _LEUKAEMIA, "KT-253 in mouse"), **(changed or {})},
        observables=["tumour_volume"],
    )
    return days_below(times, run["tumour_volume"].values)


def loop(_trial: Trial) -> Predictions:
    """The untreated loop, and its pulses after damage."""
    from scipy.signal import find_peaks

    model = _model(None, "generic", "dish")
    run = model.simulate(np.linspace(0.0, 40.0, 4001), parameters={"DSB": 1.0},
                         observables=["p53_total", "MDM2_total"])  # fmt: skip
    peaks = []
    for name in ("p53_total", "MDM2_total"):
        curve = run[name].values
        peaks.append(run["time"].values[find_peaks(curve, prominence=0.02 * curve.max())[0]])
    rest = model.steady_state()
    made = model.definition.parameters["k_syn_p53"].value
    return {
        "p53_pulse_period": float(np.diff(peaks[0]).mean()),
        "mdm2_lag": float(peaks[1][0] - peaks[0][0]),
        "p53_half_life": 60.0 * np.log(2.0) * float(rest["p53_total"]) / made,
        "mdm2_half_life": 60.0 * np.log(2.0) / model.definition.parameters["k_deg_MDM2"].value,
    }


@cache
def _model(drug: str | None, cell_line: str, system: str, host: str | None = None) -> Model:
    """Compiled once."""
    return load(*([drug] if drug else []), cell_line=cell_line, system=system, host=host)


def _changed(trial: Trial, *entries: str) -> dict[str, float]:
    """Trial values of these entries, and of the model texts, as parameters of a run."""
    names = (*entries, "model")
    return {name: value for entry in names for name, value in trial.get(entry, {}).items()}


def _value(trial: Trial, entry: str, parameter: str, model: Model | None = None) -> float:
    if parameter in trial.get(entry, {}):
        return trial[entry][parameter]
    if model is not None:
        return model.definition.parameters[parameter].value
    return drug_entries()[entry].values[parameter].value


def _half_effects(cell_line: str) -> dict[str, float]:
    """Doses [nM] of milademetan that give half of the largest rise of p53, p21 and MDM2 at 24 h."""
    model = _model("milademetan", cell_line, "dish")
    return {name: half_effect_dose(model, "milademetan", name, 24.0)[0]
            for name in ("p53_total", "p21", "MDM2_total")}  # fmt: skip


def _ic50(trial: Trial, drug: str, cell_line: str) -> float:
    model = _model(drug, cell_line, "culture")
    live = dish.read_plate(model, drug, _PLATE, np.array([72.0]), ["live_cells"],
                      _changed(trial, drug, cell_line)).values[:, 0, 0]  # fmt: skip
    return fit_logistic(_PLATE, live[1:] / live[0]).middle


def _dead(trial: Trial, drug: str, cell_line: str, dose: float, hours: float) -> float:
    """Per cent of cells that die within some hours, were there no division."""
    model, times = _model(drug, cell_line, "culture"), np.linspace(0.0, hours, 97)
    run = model.simulate(times, {drug: dose}, _changed(trial, drug, cell_line),
                         observables=["death_rate"])  # fmt: skip
    return float(100.0 * -np.expm1(-np.trapezoid(run["death_rate"].values, times)))


def _destroyed(trial: Trial, drug: str, cell_line: str, *, feedback: bool = True) -> FloatArray:
    """Total MDM2 after 2 h, per cent of vehicle, under each dose of the plate."""
    model = _model(drug, cell_line, "dish")
    plate = dish.read_plate(model, drug, _PLATE, np.array([2.0]), ["MDM2_total"],
                       _changed(trial, drug, cell_line), feedback=feedback)  # fmt: skip
    wells = plate.values[:, 0, 0]
    return np.asarray(100.0 * wells[1:] / wells[0])


def _inhibition(trial: Trial, cell_line: str, doses: tuple[float, ...], days: float) -> list[float]:
    model = _model("milademetan", cell_line, "tumour", "mouse")
    times = np.array([0.0, days * 24.0])
    changed = _changed(trial, "milademetan", cell_line, "milademetan in mouse")
    arms = [regimen(dose, "mg/kg", "daily", days=days) for dose in doses]
    given = [None, *({"milademetan": arm} for arm in arms)]
    volumes = model.arms(times, given, changed, observables=["tumour_volume"]).curves
    return [float(value) for value in tgi(volumes["tumour_volume"])[1:]]


GROUPS: tuple[Callable[[Trial], Predictions], ...] = (
    loop, biochemistry, degradation, induction, sensitivity, relative_potency, viability,
    resistant_lines, caspase, biopsies, plasma, on_treatment, biomarker, tumour_growth, regression,
    toxicity, haematology,
)  # fmt: skip
