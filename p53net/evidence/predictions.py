"""What the models predict for each published number: one function for each group of them.

A function takes trials, values {entry: {parameter: value}} that stand for those of the tables, so
that the same code predicts and is fitted; many trials run together. An entry is a drug, a cell
line, a `drug in host`, or `model` for the model texts. It returns predictions of each trial by the
id of the observation: a number, or 1 and 0 where the observation is a statement.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from p53net.dosing.regimens import Regimen, regimen
from p53net.engines.base import FloatArray, Tolerances
from p53net.evidence.assays import (
    BETWEEN,
    FIRST,
    PLATE,
    ROUNDS,
    cells_of,
    dead,
    destroyed,
    first_below,
    half_effects,
    ic50s,
    keyed,
)
from p53net.evidence.behind import AMPLIFIED, GASTRIC, KIDNEY, LEUKAEMIA, LIPOSARCOMA, WILD_TYPE
from p53net.evidence.cells import Group, Predictions, in_body, in_dish, model_of
from p53net.evidence.marrow import biomarker, haematology, toxicity
from p53net.evidence.panels import PANELS
from p53net.evidence.published import observation
from p53net.evidence.pulses import peaks
from p53net.model import drug_entries
from p53net.simulation.trials import Cell, Trial, value_of
from p53net.studies.body.pharmacokinetics import exposure_slopes, read, samples_of
from p53net.studies.body.xenografts import DAYS, days_below, tgi
from p53net.studies.dish.binding import binding_ic50
from p53net.studies.dish.degradation_assay import fit_below_hook

_DAY_8 = 192.0  # h


def biochemistry(trials: Sequence[Trial]) -> list[Predictions]:
    """IC50s of the competition assay."""
    names = {"milademetan": "milademetan", "nutlin": "nutlin-3a", "rg7112": "RG7112",
             "idasanutlin": "idasanutlin", "navtemadlin": "navtemadlin"}  # fmt: skip
    return [
        {
            f"{key}_htrf_ic50": binding_ic50(value_of(trial, drug, "Ki_inhibitor"))
            for key, drug in names.items()
        }
        for trial in trials
    ]


def taken(trials: Sequence[Trial]) -> list[Predictions]:
    """Published numbers that are parameters as they are."""
    places = {
        "sar405838_ki": ("SAR405838", "Ki_inhibitor"),
        "navtemadlin_kd": ("navtemadlin", "Ki_inhibitor"),
        "siremadlin_ki": ("siremadlin", "Ki_inhibitor"),
        "rg7112_kd": ("RG7112", "Ki_inhibitor"),
        "mi1061_ki": ("MD-224", "Kd_MDM2_degrader"),
        "lps_gene_dose": (LIPOSARCOMA, "MDM2_gene_dose"),
    }
    return [{key: value_of(trial, *place) for key, place in places.items()} for trial in trials]


def degradation(trials: Sequence[Trial]) -> list[Predictions]:
    """DC50 and Dmax after 2 h; KT-253's where p53 is inactive."""
    without_p53 = destroyed([Cell(trial, "KT-253", KIDNEY) for trial in trials])
    closed = destroyed([Cell(trial, "MD-4251", LEUKAEMIA) for trial in trials])
    return [
        {
            "kt253_dc50": fit_below_hook(PLATE, kt253)[0].middle,
            "md4251_dc50": fit_below_hook(PLATE, md4251)[0].middle,
            "md4251_dmax": 100.0 - float(md4251.min()),
        }
        for kt253, md4251 in zip(without_p53, closed, strict=True)
    ]


def sensitivity(trials: Sequence[Trial]) -> list[Predictions]:
    """IC50s of RS4;11 after three days, and where MD-224 clears its MDM2."""
    keys = {"kt253_ic50_rs411": ("KT-253", LEUKAEMIA), "md224_ic50_rs411": ("MD-224", LEUKAEMIA)}
    halves = keyed(keys, ic50s(cells_of(trials, keys.values())))
    left = destroyed([Cell(trial, "MD-224", LEUKAEMIA) for trial in trials])
    return [{**both, "md224_dc": first_below(PLATE, one, 10.0)}
            for both, one in zip(halves, left, strict=True)]  # fmt: skip


def relative_potency(trials: Sequence[Trial]) -> list[Predictions]:
    """Of milademetan over nutlin-3a, in one of the leukaemia lines that the paper used the like of,
    and what is not fitted of viability."""
    pairs = [(drug, LEUKAEMIA) for drug in ("milademetan", "nutlin-3a")]
    both = ic50s(cells_of(trials, pairs)).reshape(-1, 2)
    return [{"milademetan_nutlin_ratio": float(one / other)} for one, other in both]


def viability(trials: Sequence[Trial]) -> list[Predictions]:
    """A cell without p53, under a hundred times what halves cells with it."""
    effects = []
    for drug in ("milademetan", "KT-253"):
        doses = 100.0 * ic50s(cells_of(trials, [(drug, "generic")]))
        null = cells_of(trials, [(drug, "TP53-null")])
        live = in_dish(null, "culture", doses[:, None], [0.0, 72.0], ["live_cells"])[:, :, 1, 0]
        effects.append(100.0 * (1.0 - live[:, 1] / live[:, 0]))
    return [{"tp53_null": max(map(float, both), key=abs)} for both in zip(*effects, strict=True)]


def nutlin(trials: Sequence[Trial]) -> list[Predictions]:
    """Nutlin-3a in SJSA-1: its IC50, and the share that is dead after two days."""
    cells = cells_of(trials, [("nutlin-3a", AMPLIFIED)])
    return [
        {"nutlin_ic50_sjsa1": float(half), "nutlin_death_sjsa1": float(share)}
        for half, share in zip(ic50s(cells), dead(cells, 1e4, 48.0), strict=True)
    ]


def caspase(trials: Sequence[Trial]) -> list[Predictions]:
    """Whether caspase-3/7 in SJSA-1 rises with dose and with time, at every step."""
    doses = np.array([100.0, 300.0, 1e3, 3e3, 1e4])
    wells = in_dish(cells_of(trials, [("milademetan", AMPLIFIED)]), "culture", doses,
                    [0.0, 6.0, 12.0, 24.0, 48.0], ["caspase"])[:, :, 1:, 0]  # fmt: skip
    return [
        {"caspase": float((np.diff(one, axis=0) > 0).all() and (np.diff(one[1:]) > 0).all())}
        for one in wells
    ]


def induction(trials: Sequence[Trial]) -> list[Predictions]:
    """Doses of milademetan that give half of the rise of p53, p21 and MDM2 in SJSA-1, as far as
    the model has them."""
    known = model_of("milademetan", "dish").definition.variables
    names = {"p53": "p53_total", "p21": "p21", "mdm2": "MDM2_total"}
    names = {short: name for short, name in names.items() if name in known}
    cells = cells_of(trials, [("milademetan", AMPLIFIED)])
    halves = np.array([half_effects(cells, name, 24.0) for name in names.values()]).T
    return keyed([f"milademetan_induction_sjsa1_{short}" for short in names], halves)


def amplified_potency(trials: Sequence[Trial]) -> list[Predictions]:
    """IC50s of inhibitors in amplified lines."""
    keys = {
        "navtemadlin_ic50_sjsa1": ("navtemadlin", AMPLIFIED),
        "rg7112_ic50_amplified": ("RG7112", LIPOSARCOMA),
    }
    return keyed(keys, ic50s(cells_of(trials, keys.values())))


def over_inhibitors(trials: Sequence[Trial]) -> list[Predictions]:
    """KT-253's potency over milademetan's, the smallest of the wild-type lines."""
    over, under = (
        ic50s(cells_of(trials, [(drug, line) for line in WILD_TYPE])).reshape(len(trials), -1)
        for drug in ("milademetan", "KT-253")
    )
    return keyed(["kt253_over_inhibitors"], (over / under).min(axis=1))


def amplified(trials: Sequence[Trial]) -> list[Predictions]:
    """What is known of lines with many MDM2 genes, and of the loop of one that pulses."""
    found: list[Predictions] = [{} for _ in trials]
    for group in (induction, nutlin, amplified_potency, amplified_growth, damage):
        for one, more in zip(found, group(trials), strict=True):
            one |= more
    return found


def biopsies(trials: Sequence[Trial]) -> list[Predictions]:
    """Folds in amplified liposarcoma on day 8 of RG7112, at one concentration."""
    names = {"rg7112_p53": "p53_total", "rg7112_p21": "p21", "rg7112_mdm2_mrna": "MDM2_mRNA"}
    usual = drug_entries()["RG7112"].quantities["tumour_concentration"].value
    doses = [trial.get("RG7112", {}).get("tumour_concentration", usual) for trial in trials]
    wells = in_dish(cells_of(trials, [("RG7112", LIPOSARCOMA)]), "dish", np.array(doses)[:, None],
                    [0.0, _DAY_8], list(names.values()))[:, :, 1]  # fmt: skip
    folds = wells[:, 1] / wells[:, 0]
    return [dict(zip(names, one.tolist(), strict=True)) for one in folds]


def matched(trials: Sequence[Trial]) -> list[Predictions]:
    """The other two folds at the concentration that gives the observed one of p53: tumour exposure
    is not published."""
    wanted, cells = observation("rg7112_p53").value, cells_of(trials, [("RG7112", LIPOSARCOMA)])
    doses, names = np.tile(FIRST, (len(cells), 1)), ["p53_total", "p21", "MDM2_mRNA"]
    rows = np.arange(len(cells))
    for _ in range(ROUNDS):
        wells = in_dish(cells, "dish", doses, [0.0, _DAY_8], names)[:, :, 1]
        folds = wells[:, 1:] / wells[:, :1]
        at = np.maximum((folds[..., 0] >= wanted).argmax(axis=1), 1)
        doses = np.geomspace(doses[rows, at - 1], doses[rows, at], BETWEEN, axis=1)
    found = np.where(folds[rows, at, :1] >= wanted, folds[rows, at, 1:], np.nan)  # no dose gives it
    return keyed(["rg7112_p21_matched", "rg7112_mdm2_mrna_matched"], found)


def third_day(trials: Sequence[Trial]) -> list[Predictions]:
    """Milademetan in patients, third day of 260 mg once a day."""
    keys = {"tmax": "tmax", "cmax": "cmax", "auc": "auc", "clearance": "clf"}
    return [
        {
            **{f"milademetan_{short}": float(table[key][0, 2]) for key, short in keys.items()},
            "milademetan_thalf": float(table["half_life"][0]),
        }
        for table in _in_plasma(trials, (260.0,))
    ]


def plasma(trials: Sequence[Trial]) -> list[Predictions]:
    """The same, and exposure over dose."""
    doses, found = (15.0, 60.0, 90.0, 120.0, 160.0, 260.0, 340.0), third_day(trials)
    for one, table in zip(found, _in_plasma(trials, doses), strict=True):
        slopes = exposure_slopes(np.array(doses), table)
        one["milademetan_linearity"] = float(slopes.flat[np.abs(slopes - 1.0).argmax()])
        one["milademetan_japan"] = float((np.diff(table["auc"][1:4, 2]) > 0).all())
        one["milademetan_linearity_aml"] = float((np.diff(table["cmax"][2:5, 2]) > 0).all())
    return found


def on_treatment(trials: Sequence[Trial]) -> list[Predictions]:
    """Whether p53, p21 and MDM2 rise in a patient's amplified liposarcoma under 260 mg."""
    runs = in_body(cells_of(trials, [("milademetan", LIPOSARCOMA)]), "tumour", "human",
                   [regimen(260.0, "mg", "3/14", cycles=1)], np.array([0.0, 52.0]),
                   ["p53_total", "p21", "MDM2_total"])[:, 0]  # fmt: skip
    return [{"milademetan_biopsy": float((one[1] / one[0] > 1.1).all())} for one in runs]


def tumour_growth(
    trials: Sequence[Trial], tolerances: Tolerances | None = None
) -> list[Predictions]:
    """Growth inhibition of the gastric xenograft after four weeks."""
    doses = (25.0, 50.0, 100.0)
    return [
        {f"tgi_milademetan_{dose:g}": value for dose, value in zip(doses, row, strict=True)}
        for row in _inhibition(trials, GASTRIC, doses, DAYS, tolerances)
    ]


def regression(trials: Sequence[Trial]) -> list[Predictions]:
    """What one dose of KT-253 does to leukaemia."""
    times = np.linspace(0.0, 63 * 24.0, 63 * 24 + 1)
    once = [regimen(1.0, "mg/kg", "once")]
    volumes = in_body(cells_of(trials, [("KT-253", LEUKAEMIA)]), "tumour", "mouse", once, times,
                      ["tumour_volume"])[:, 0, :, 0]  # fmt: skip
    return [{"kt253_regression": float(days_below(times, one) >= 14.0)} for one in volumes]


def amplified_growth(
    trials: Sequence[Trial], tolerances: Tolerances | None = None
) -> list[Predictions]:
    """What the lower and the higher dose of milademetan do to SJSA-1 in two weeks, the less."""
    rows = _inhibition(trials, AMPLIFIED, (25.0, 50.0), 14.0, tolerances)
    return [{"tgi_milademetan_sjsa1": min(row)} for row in rows]


def loop(trials: Sequence[Trial]) -> list[Predictions]:
    """The untreated loop: half-lives from its rates."""
    names = ["p53_total", "MDM2_total"]
    rests = in_dish([Cell(trial, "milademetan") for trial in trials], "dish", np.empty(0),
                    [0.0, 1.0], names)[:, 0, 0, 0]  # fmt: skip
    model, found = model_of("milademetan", "dish"), []
    for trial, rest in zip(trials, rests.tolist(), strict=True):
        made, lost = (value_of(trial, "model", n, model) for n in ("k_syn_p53", "k_deg_MDM2"))
        found.append(
            {
                "p53_half_life": 60.0 * math.log(2.0) * rest / made,
                "mdm2_half_life": 60.0 * math.log(2.0) / lost,
            }
        )
    return found


def damage(trials: Sequence[Trial]) -> list[Predictions]:
    """Pulses of the loop after damage; NaN where there are none."""
    times, names = np.linspace(0.0, 40.0, 4001), ["p53_total", "MDM2_total"]
    damaged = [
        Cell({**trial, "model": {**trial.get("model", {}), "DSB": 1.0}}, "milademetan")
        for trial in trials
    ]
    found = []
    for curve in in_dish(damaged, "dish", np.empty(0), times, names)[:, 0]:
        p53, mdm2 = (times[peaks(one, 0.02 * float(one.max()))] for one in curve.T)
        period = float(np.diff(p53).mean()) if len(p53) > 1 else math.nan
        lag = float(mdm2[0] - p53[0]) if len(p53) and len(mdm2) else math.nan
        found.append({"p53_pulse_period": period, "mdm2_lag": lag})
    return found


def _in_plasma(
    trials: Sequence[Trial], doses: tuple[float, ...]
) -> Iterator[dict[str, FloatArray]]:
    """What plasma shows of three daily doses [mg] of milademetan, in each trial."""
    arms = [regimen(dose, "mg", "3/14", cycles=1) for dose in doses]
    samples, model = samples_of(arms[0]), model_of("milademetan", "plasma", "human")
    curves = in_body([Cell(trial, "milademetan") for trial in trials], "plasma", "human", arms,
                     samples.times, ["inhibitor_plasma"])[..., 0]  # fmt: skip
    return (read(model, arms, samples, one) for one in curves)


def _inhibition(
    trials: Sequence[Trial],
    line: str,
    doses: tuple[float, ...],
    days: float,
    tolerances: Tolerances | None = None,
) -> list[list[float]]:
    """Growth inhibition [%] of a xenograft under each dose of milademetan, in each trial."""
    arms: list[Regimen | None] = [None]
    arms += [regimen(dose, "mg/kg", "daily", days=days) for dose in doses]
    volumes = in_body(cells_of(trials, [("milademetan", line)]), "tumour", "mouse", arms,
                      np.array([0.0, days * 24.0]), ["tumour_volume"],
                      tolerances)[..., 0]  # fmt: skip
    return [[float(value) for value in tgi(one)[1:]] for one in volumes]


GROUPS: tuple[Group, ...] = (
    loop, damage, biochemistry, taken, degradation, induction, sensitivity, relative_potency,
    viability, nutlin, amplified_potency, over_inhibitors, caspase, biopsies, matched, plasma,
    on_treatment, biomarker, tumour_growth, regression, amplified_growth, *PANELS, toxicity,
    haematology,
)  # fmt: skip
"""All of them: each predicts observations of its own."""
