"""Tables and sentences of the pages that are computed, and where they stand: between two markers.

`p53net docs` writes them into the pages of a checkout; tests compare what stands there with what is
made here. A table takes seconds to half a minute. A `slow` one takes minutes: its marker holds the
digest of what it was made of, and a test says when that is another, and makes a sample of its rows.
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr

from p53net.dosing.regimens import regimen
from p53net.errors import InputError
from p53net.evidence import fitted_tables, validation
from p53net.evidence.bare_code import bare
from p53net.evidence.markdown import asked, interval, rows_of, shown, used
from p53net.measures.candidate import TWIN
from p53net.model.library import models_folder
from p53net.simulation.loading import load
from p53net.studies.body.blood import INTERMITTENT, nadir
from p53net.studies.body.comparison import schedules
from p53net.studies.body.matching import match
from p53net.studies.body.patients import patient
from p53net.studies.body.pharmacokinetics import pk
from p53net.studies.body.xenografts import most_tgi, xenograft
from p53net.studies.dish.viability_assay import viability
from p53net.studies.escape.rivals import claim_table
from p53net.studies.escape.study import escape

_DRUG = "milademetan"
_GASTRIC = "ST-02-0075"
_DAY = 24.0  # h
_FITS = ("blocks", "calibration", "cells", "descent", "fit", "joint", "marrow", "predictions",
         "profiles", "residuals")  # fmt: skip
_UNUSED = ("baseline.tsv", "claims.tsv", "experiments.tsv", "priors.tsv")  # of no fit
_CODE = Path(__file__).parent
_NOISE = 1e-6  # of a prediction: rounding errors differ between machines


@dataclass(frozen=True)
class Table:
    """A table, or a sentence, between the markers `<!-- table: name -->` and `<!-- end -->` of a
    page; in a slow one the first is `<!-- table: name, made of DIGEST -->`."""

    page: str
    """From the root of a checkout."""
    name: str
    make: Callable[[], str]
    slow: bool = False


def root() -> Path:
    """The checkout that this package runs from. Raises InputError where it was installed."""
    folder = models_folder().parent
    if not (folder / "docs").is_dir() or not (folder / "README.md").is_file():
        raise InputError(
            "the pages are not part of an installed p53net; run this from a checkout, after "
            "pip install -e ."
        )
    return folder


def standing(text: str, table: Table) -> str:
    """What a page has between the markers of a table. Raises InputError."""
    return _match(text, table)[3]


def made_of(text: str, table: Table) -> str | None:
    """The digest that the marker of a slow table holds. Raises InputError."""
    found: str | None = _match(text, table)[2]
    return found


def inputs() -> str:
    """Digest of what slow tables are made of: model texts, tables, and the code of the fits, of
    which comments and docstrings are no part."""
    digest = hashlib.sha256()
    for path in sorted(models_folder().iterdir()):
        if path.suffix in (".ant", ".tsv") and path.name not in _UNUSED:
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    for path in (_CODE / f"{name}.py" for name in _FITS):
        code = bare(path.read_text(encoding="utf-8"))
        digest.update(path.name.encode() + b"\0" + code.encode())
    return digest.hexdigest()[:16]


def written(text: str, table: Table, content: str) -> str:
    """The page with this content between the markers of a table. Raises InputError."""
    match = _match(text, table)
    made = f", made of {inputs()}" if table.slow else ""
    start = f"<!-- table: {table.name}{made} -->\n\n"
    return text[: match.start()] + start + content + match[4] + text[match.end() :]


def _match(text: str, table: Table) -> "re.Match[str]":
    mark = f"<!-- table: {re.escape(table.name)}(?:, made of ([0-9a-f]+))? -->\n\n"
    found = list(re.finditer(f"({mark})((?:[^<\n].*\n)*)(\n<!-- end -->)", text))
    if len(found) != 1:
        raise InputError(
            f"{table.page} should have one place for a table, and has {len(found)}: "
            f"<!-- table: {table.name} -->, an empty line, the table, an empty line, <!-- end -->"
        )
    return found[0]


def _escape() -> str:
    result = escape()
    names = [_DRUG, "KT-253", "KT-253" + TWIN]
    ratios = [result["dose_ratio"].sel(drug=name).values for name in names]

    def row(title: str, values: xr.DataArray, form: str) -> list[str]:
        return [title, *(format(float(v), form).replace("%", " %") for v in values.values)]

    rows = [
        row("dose [nM]", result["equal_dose"], ".3g"),
        row("MDM2 mRNA, fold", result["MDM2_mRNA_fold"], ".3g"),
        ["dose ratio: dose with the loop closed over open, at p53 2, 3, 5 times"]
        + [", ".join(f"{value:#.3g}" for value in ratio) for ratio in ratios],
        row("escape index (0 = feedback costs nothing)", result["escape_index"], ".2f"),
        row("total MDM2, fold", result["MDM2_total_fold"], ".3g"),
    ]
    for hours in (4.0, 24.0):
        fall = result["rebound"].sel({"exposure": hours})
        rows.append(row(f"fall of p53 below untreated after {hours:g} h and washout", fall, ".0%"))
    load_of = result["stoichiometric_load"].sel({"medium_volume": 2.0})
    rows.append(row("drug per untreated MDM2, closed dish of 2 pL per cell", load_of, ".3g"))
    return rows_of(" | milademetan | KT-253 | its non-catalytic twin", rows)


def _claims() -> str:
    """Of each claim in how many structures it holds, and which are the fewer."""
    result, rows = escape(structures="all"), []
    for one in claim_table(result).to_dict("records"):
        held = [name for name in result["structure"].values if one[name] == "holds"]
        fails = [name for name in result["structure"].values if one[name] == "does not"]
        fewer = f"only {', '.join(held)}" if len(held) <= len(fails) else f"not {', '.join(fails)}"
        here = {"holds": "yes", "does not": "no"}.get(one["default"], "not defined")
        share = f"{one['holds']} of {one['of']}"
        rows.append([one["sentence"], here, share, fewer if held and fails else ""])
    return rows_of("claim | default | holds in | where", rows)


def _validation() -> str:
    result = _validated().copy(deep=True)
    value = result["predicted"]
    result["predicted"] = value.where(~(abs(value) < _NOISE), 0.0)  # what is not predicted stays so
    return validation.markdown(result)


def _counts() -> str:
    return f"{validation.sentence(_validated().attrs['counts'])}\n"


@cache
def _validated() -> xr.Dataset:
    return validation.validate()


def _plasma() -> str:
    result = pk(_DRUG, regimen(260, "mg", "3/14", cycles=1)).isel(dose=0)
    rows = []
    for day in (1, 2, 3):
        one = result.sel(occasion=day)
        half_life = f"{float(one['half_life']):.1f}" if day == 3 else ""
        rows.append([f"day {day}", f"{float(one['tmax']):.2f}", f"{float(one['cmax']):,.0f}",
                     f"{float(one['auc']):,.0f}", f"{float(one['clearance']):.1f}",
                     half_life])  # fmt: skip
    published = ("tmax", "cmax", "auc", "clf", "thalf")
    rows.append(
        ["published for day 3, fitted", *(interval(f"milademetan_{name}") for name in published)]
    )
    return rows_of("dose of | Tmax [h] | Cmax [ng/mL] | AUC0-24 [ng h/mL] | dose/AUC [L/h] | "
                   "half-life [h]", rows)  # fmt: skip


def _mice() -> str:
    doses = (25.0, 50.0, 100.0)
    mice = xenograft(_DRUG, [regimen(d, "mg/kg", "daily", days=28) for d in doses], _GASTRIC)
    rows = []
    for number, dose in enumerate(doses, start=1):
        name = f"{_GASTRIC}, milademetan " if number == 1 else ""
        rows.append([f"{name}{dose:g} mg/kg daily", f"{float(mice['tgi'][number]):.1f}",
                     asked(f"tgi_milademetan_{dose:g}"), *_volumes(mice, number)])  # fmt: skip
    once, thrice = regimen(1.0, "mg/kg", "once"), regimen(1.0, "mg/kg", "q3w", cycles=3)
    regression = f"regression for at least 14 days, {used('kt253_regression')}"
    for drug, given, words, days, said in (
        ("KT-253", once, "1 mg/kg once", 63.0, regression),
        (_DRUG, regimen(100.0, "mg/kg", "once"), "100 mg/kg once", 42.0, "nothing published"),
        ("KT-253", thrice, "1 mg/kg q3w, three doses", 200.0,
         "responses in leukaemia of patients, which is not modelled"),
    ):  # fmt: skip
        arm = xenograft(drug, given, "RS4;11", days=days)
        rows.append([f"RS4;11, {drug} {words} ({days:g} days)", "", said, *_volumes(arm, 1)])
    return rows_of("arm | TGI, day 28 [%] | asked | lowest volume [mm3] | days below start", rows)


def _volumes(mice: xr.Dataset, arm: int) -> tuple[str, str]:
    """The lowest volume of an arm, and how long it is below its start."""
    volume, low = mice["tumour_volume"].values[arm], float(mice["lowest"][arm])
    small = f"{low:.1g}" if low < 1 else f"{low:.{1 if low < 10 else 0}f}"
    cut = ", to the end" if volume[-1] < volume[0] else ""
    return small, shown(float(mice["days_below"][arm])) + cut


def _growth() -> str:
    model = load(_DRUG, system="tumour", host="mouse", cell_line=_GASTRIC)
    usual, rows = model.definition.parameters["k_growth_tumour"].value, []
    for day in (21, 28, 35):
        arms = [regimen(dose, "mg/kg", "daily", days=day) for dose in (25, 50, 100)]
        for factor in (0.5, 1.0, 2.0):
            changed = {"k_growth_tumour": factor * usual}
            mice = xenograft(_DRUG, arms, _GASTRIC, days=day, parameters=changed)
            rows.append([f"{day}", f"{factor:g}", f"{most_tgi(model, day, changed):.0f}",
                         _listed(mice["tgi"].values[1:], ".0f")])  # fmt: skip
    return rows_of("day | growth, times that of CTG-3021 | largest TGI possible [%] | "
                   "25, 50, 100 mg/kg [%]", rows)  # fmt: skip


def _plates() -> str:
    sensitive = {
        "KT-253": asked("kt253_ic50_rs411"),
        "MD-224": asked("md224_ic50_rs411"),
        _DRUG: "not published",
        "nutlin-3a": "ten times milademetan's, fitted",
    }
    amplified = dict.fromkeys(("KT-253", _DRUG), "not published")
    rows = []
    for line, drugs in (("RS4;11", sensitive), ("SJSA-1", amplified)):
        plate = viability(list(drugs), line).sel(cell_line=line)
        for drug, said in drugs.items():
            dose = float(plate["ic50"].sel(drug=drug))
            rows.append([f"{line}, {drug}", shown(dose), said, *_folds(drug, line, dose)])
    line, drug, dose = "TP53-null", "KT-253", 30.0  # of `tp53_null`
    status = str(viability(drug, line)["status"].item())
    ic50 = "none" if status != "ok" else "?"
    rows.append([f"{line}, {drug} at {dose:g} nM", ic50, asked("tp53_null", " % lost"),
                 *_folds(drug, line, dose)])  # fmt: skip
    return rows_of("line, drug | IC50 [nM] | asked | active p53, fold | total p53, fold | "
                   "PUMA, fold | total MDM2, fold", rows)  # fmt: skip


def _folds(drug: str, line: str, dose: float) -> list[str]:
    """Over untreated, after three days."""
    names = ["p53_active", "p53_total", "PUMA", "MDM2_total"]
    model = load(drug, cell_line=line, system="culture")
    run = model.simulate([0.0, 72.0], {drug: dose}, observables=names)
    ends = {name: run[name].values for name in names}
    return ["no p53" if first == 0 else f"{last / first:.{2 if last < 10 * first else 1}f}"
            for first, last in ends.values()]  # fmt: skip


def _schedules() -> str:
    result = schedules(_DRUG)
    rows = []
    for name in result["regimen"].values:
        one = result.sel(regimen=name)
        rates = [f"{float(one['rate'].sel(toxicity=tox)):.1f}" for tox in one["toxicity"].values]
        low, high = (
            float(one[f"rate_{end}"].sel(toxicity="thrombocytopenia")) for end in ("low", "high")
        )
        rates[0] += f" ({low:.1f} to {high:.1f})"
        tgi, least, most = (float(one[f"tgi{end}"]) for end in ("", "_low", "_high"))
        rows.append([str(name), f"{float(one['dose_28_days']):,.0f}",
                     f"{tgi:.1f} ({least:.1f} to {most:.1f})", *rates])  # fmt: skip
    first, *others = (str(name) for name in result["toxicity"].values)
    head = "regimen | in 28 days [mg] | TGI, median and 5 to 95 % [%] | grade 3 or more: "
    return rows_of(f"{head}{first} [%] | {' | '.join(f'{one} [%]' for one in others)}", rows)


def _free_fractions_of_schedules() -> str:
    rows = []
    for share in _free_fractions():
        changed = {"fu_plasma_inhibitor": share}
        result = schedules(_DRUG, population=300, parameters=changed)
        rates = result["rate"].sel(toxicity="thrombocytopenia").values
        rows.append([f"{share:.3g}", _listed(result["tgi"].values, ".3g"), _listed(rates, ".2g")])
    return rows_of("free fraction | TGI [%] | thrombocytopenia, grade 3 or more [%]", rows)


def _free_fractions() -> list[float]:
    """A third of the fitted one times penetration, that itself, and three times it."""
    body = load(_DRUG, system="plasma", host="human")
    usual = body.definition.parameters["fu_plasma_inhibitor"].value
    return [usual / 3.0, usual, usual * 3.0]


def _patient() -> str:
    result = patient(_DRUG, INTERMITTENT)
    rows = []
    for name, about, form in (
        ("p53_active", "active p53, tumour [nM]", ".3g"),
        ("MDM2_total", "MDM2 protein, tumour [nM]", ",.0f"),
        ("p21", "p21, tumour [nM]", ".3g"),
        ("GDF15_serum", "GDF-15 in serum, fold", ".2g"),
        ("platelets", "platelets [1e9/L]", ".0f"),
        ("neutrophils", "neutrophils [1e9/L]", ".2f"),
        ("haemoglobin", "haemoglobin [g/dL]", ".1f"),
    ):
        curve = result[name].values
        day = float(result["time"].values[int(curve.argmin())]) / _DAY
        low, high = format(curve.min(), form), format(curve.max(), form)
        if name == "GDF15_serum":
            first = float(result[name].sel(time=slice(0.0, _DAY)).max())
            high += f"; {first:.2g} in the first 24 h, fitted"
        fell = f"{low} (day {day:.0f})" if curve.min() < 0.99 * curve[0] else low
        rows.append([about, format(curve[0], form), fell, high])
    return rows_of("quantity | untreated | lowest | highest", rows)


def _free_fractions_of_a_patient() -> str:
    rows = []
    for share in _free_fractions():
        result = patient(_DRUG, INTERMITTENT, parameters={"fu_plasma_inhibitor": share})
        lows = [float(result[n].min()) for n in ("platelets", "neutrophils", "haemoglobin")]
        rows.append([f"{share:.3g}", f"{float(result['p53_active'].max()):.1f}",
                     f"{float(result['GDF15_serum'].max()):.1f}", f"{lows[0]:.0f}",
                     f"{lows[1]:.1f}", f"{lows[2]:.1f}"])  # fmt: skip
    head = "free fraction | active p53 in the tumour, highest [nM] | GDF-15, fold | "
    return rows_of(f"{head}platelets, lowest [1e9/L] | neutrophils | haemoglobin [g/dL]", rows)


def _matched() -> str:
    arms = "KT-253", regimen(10, "mg", "q3w", days=56), _DRUG, INTERMITTENT
    counts = ["lowest:platelets", "lowest:neutrophils", "lowest:haemoglobin"]
    typical, rate = [*counts, "peak:GDF15_serum", "tgi"], "rate:thrombocytopenia:3"
    rows = {name: [f"`{name}`"] for name in (*typical, rate)}
    for structure in (None, "v0.1"):
        for names, number in ((typical, None), ([rate], 500)):
            found = match(*arms, names, population=number, structure=structure)
            for name, target, dose in zip(names, found["target"], found["dose"], strict=True):
                rows[name] += [f"{float(target):.3g}", f"{float(dose):.3g}"]
    head = "measure | 260 mg 3/14 | KT-253 [mg] | the same in `v0.1` | KT-253 [mg]"
    return rows_of(head, list(rows.values()))


def _maturation() -> str:
    marrow = load(_DRUG, system="marrow", host="human")
    times = np.arange(0.0, 56 * _DAY + 1, 6.0)
    rows = []
    for hours in (100.0, 134.0, 175.0, 264.0):
        run = marrow.simulate(times, {_DRUG: INTERMITTENT}, {"MTT_platelets": hours},
                              observables=["platelets"])  # fmt: skip
        found = nadir(times, run["platelets"].values, cycle=14 * _DAY, last_dose=2 * _DAY)
        regained = f"{found.regained:.0%}".replace("%", " %") if found.regained > 0 else "none"
        rows.append([f"{hours:g}", f"{found.days:.1f}", regained])
    return rows_of("mean maturation [h] | nadir after last dose [d] | regained before the next "
                   "cycle", rows)  # fmt: skip


def _listed(values: Iterable[float], form: str) -> str:
    return ", ".join(format(float(value), form) for value in values)


def _fitted(make: Callable[[xr.Dataset], str]) -> str:
    return make(fitted_tables.calibrated())


TABLES = (
    Table("docs/measures.md", "escape", _escape),
    Table("docs/structures.md", "claims", _claims),
    Table("README.md", "ledger", _counts),
    Table("docs/validation.md", "counts", _counts),
    Table("docs/validation.md", "validation", _validation),
    Table("docs/viability.md", "viability", _plates),
    Table("docs/pk.md", "plasma", _plasma),
    Table("docs/xenograft.md", "xenograft", _mice),
    Table("docs/xenograft.md", "growth", _growth),
    Table("docs/patient.md", "patient", _patient),
    Table("docs/patient.md", "patient-free-fraction", _free_fractions_of_a_patient),
    Table("docs/patient.md", "maturation", _maturation),
    Table("docs/regimens.md", "matched", _matched),
    Table("docs/schedules.md", "schedules", _schedules),
    Table("docs/schedules.md", "schedules-free-fraction", _free_fractions_of_schedules),
    Table(
        "docs/calibration.md",
        "estimates",
        lambda: fitted_tables.estimates(fitted_tables.calibrated()),
        slow=True,
    ),
    Table(
        "docs/calibration.md",
        "optima",
        lambda: fitted_tables.optima(fitted_tables.calibrated()),
        slow=True,
    ),
    Table(
        "docs/calibration.md",
        "fit",
        lambda: fitted_tables.residuals(fitted_tables.calibrated()),
        slow=True,
    ),
)
"""In the order in which they are made."""
