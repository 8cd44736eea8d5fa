"""Fit of a marrow to what trials counted, on 500 virtual patients.

`python -m benchmarks.marrow staged platelets` (or `neutrophils`; `pool platelets`) from the
repository root takes a minute or two. It looks for the values under which the counts of phase 1,
MANTRA and the other schedules are likeliest, each a binomial with a spread between trials
(`p53net.evidence.trials`), and adds a penalty where the typical patient, or half of all patients,
would not have the lowest count 3 to 12 days after the last dose of a cycle and half of the loss
back by its end, from the second cycle on. It prints values, rates and cycles, and changes nothing.
"""

import argparse
from collections.abc import Mapping

import numpy as np
from scipy.optimize import minimize

from p53net.dosing.regimens import regimen
from p53net.engines.base import FloatArray
from p53net.evidence.trials import COUNTED, log_chance
from p53net.simulation.loading import shared
from p53net.simulation.model import Model
from p53net.studies.body import blood

FREE = {
    ("staged", "platelets"): ("MTT_platelets", "slope_platelets", "progenitors_hit_platelets"),
    ("staged", "neutrophils"): ("slope_neutrophils", "progenitors_hit_neutrophils"),
    ("pool", "platelets"): ("MTT_platelets", "slope_platelets", "progenitors_hit_platelets",
                            "renewal_platelets"),
}  # fmt: skip
TOXICITY = {"platelets": "thrombocytopenia", "neutrophils": "neutropenia"}
CYCLES, CYCLE, LAST_DOSE = 8, 336.0, 48.0  # of 3/14 [h]
SMOOTH = 0.1  # standard deviation of a measured count's logarithm
MARGIN = 0.05  # above half, so that other patients than these meet it too
HIGHEST = 1.15  # times the untreated count, that a typical count may reach


def predicted(model: Model, lineage: str, changed: Mapping[str, float]) -> dict[str, FloatArray]:
    """Rates [%] in patients, and cycles of the typical patient and of all."""
    toxicity, place = TOXICITY[lineage], blood.COUNTS.index(lineage)
    times = np.arange(0.0, CYCLES * CYCLE + 1.0, 6.0)
    given = regimen(260.0, "mg", "3/14", cycles=CYCLES)
    columns, courses = blood.population(model, "milademetan", given, changed)
    many = model.curves(times, courses, columns, blood.COUNTS)[0].values
    _, typical = blood.population(model, "milademetan", given, changed, 1)
    alone = {name: np.full(1, value) for name, value in changed.items()}
    single = model.curves(times, typical, alone, [lineage], engine="batch")[0].values[:, 0]
    others = [blood.lowest_counts(model, "milademetan", arm, changed) for arm in blood.OTHERS]
    late = times <= blood.DAYS * 24.0
    return {
        "phase 1": blood.percent_at_least(many[..., late].min(axis=2), toxicity, 3, SMOOTH),
        "MANTRA": blood.percent_at_least(many.min(axis=2), toxicity, 3, SMOOTH),
        "others": blood.percent_at_least(np.concatenate(others), toxicity, 3, SMOOTH),
        "typical": blood.by_cycle(times, single, CYCLE, LAST_DOSE),
        "patients": blood.by_cycle(times, many[:, place], CYCLE, LAST_DOSE),
        "highest": single.max() / single[0, 0],
    }


def cost(found: Mapping[str, FloatArray], lineage: str) -> float:
    """Minus the logarithm of the chance of all counts, and penalties."""
    toxicity = TOXICITY[lineage]
    rows = {
        "phase 1": f"{toxicity}_grade3plus_intermittent",
        "MANTRA": f"{toxicity}_grade34_mantra",
        "others": f"{toxicity}_grade3plus_other",
    }
    total = -sum(log_chance(found[arm], *COUNTED[row]) for arm, row in rows.items())
    days, regained = (values[0, 1:] for values in found["typical"])
    total += 20.0 * np.maximum(0.0, 0.5 + MARGIN - regained).sum()
    total += 5.0 * (np.maximum(0.0, 3.2 - days) + np.maximum(0.0, days - 11.0)).sum()
    total += 20.0 * np.maximum(0.0, 0.5 + MARGIN - share(found)[1:]).sum()
    return float(total + 10.0 * max(0.0, found["highest"] - HIGHEST))


def share(found: Mapping[str, FloatArray]) -> FloatArray:
    """Of every cycle, patients whose count falls and comes back in time."""
    days, regained = found["patients"]
    return np.asarray(((days >= 3) & (days <= 12) & (regained >= 0.5)).mean(axis=0))


def main() -> None:
    """Fit, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("option", choices=("staged", "pool"))
    parser.add_argument("lineage", choices=tuple(TOXICITY))
    parser.add_argument("--evaluations", type=int, default=80, help="0 only shows what is")
    asked = parser.parse_args()
    names = FREE[asked.option, asked.lineage]
    model = shared("milademetan", system="marrow", host="human", tolerances=blood.COUNTED,
                   structure={"marrow": asked.option})  # fmt: skip
    begin = np.log([model.definition.parameters[name].value for name in names])
    values = begin
    if asked.evaluations:
        around = np.vstack([begin, begin + 0.25 * np.eye(len(begin))])
        options = {"maxfev": asked.evaluations, "initial_simplex": around}

        def tried(at: FloatArray) -> float:
            changed = dict(zip(names, np.exp(at), strict=True))
            return cost(predicted(model, asked.lineage, changed), asked.lineage)

        values = minimize(tried, begin, method="Nelder-Mead", options=options).x
    changed = dict(zip(names, np.exp(values), strict=True))
    found = predicted(model, asked.lineage, changed)
    for name, value in changed.items():
        print(f"{name} {value:.4g}")
    print("cost", round(cost(found, asked.lineage), 2))
    for arm in ("phase 1", "MANTRA", "others"):
        print(f"{arm}: {found[arm]:.1f} % of grade 3 or more")
    print("days to the lowest count, typical:", found["typical"][0][0].round(1))
    print("regained, typical:", found["typical"][1][0].round(2))
    print("patients with both in time:", share(found).round(2))


if __name__ == "__main__":
    main()
