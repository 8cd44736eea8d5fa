"""Whether 95 % intervals of fits hold the truth in 95 %: simulated data of fixed scenarios.

    python -m benchmarks.coverage_of_fits [SETS]

A table for docs/fit.md: by scenario and parameter the share of data sets whose interval holds the
truth, with the 95 % that chance allows such a share, simultaneous over all parameters of a
scenario (Clopper and Pearson's, Bonferroni), and how often the parameter is called not identified.
"""

import sys
import time

import numpy as np
from scipy.stats import beta

from p53net.fitting.fitted import fit
from tests.support.fitting import Rows, plasma, plate, simulated

FREE, KILLING = "KT-253: fu_medium_degrader", "RS4;11: K_PUMA_caspase"
CLEARANCE, VOLUME = (
    "milademetan in human: CL_inhibitor",
    "milademetan in human: V_central_inhibitor",
)
TRUTH = {FREE: 0.03, KILLING: 200.0, CLEARANCE: 14.0, VOLUME: 40.0}
DOSES = np.geomspace(0.03, 30.0, 8)

ONE: Rows = plate("KT-253", "RS4;11", DOSES)
MORE: Rows = [
    *ONE,
    *plate("KT-253", "RS4;11", DOSES[1::2], 2, "MDM2", 2.0, "fold"),
    *plasma("milademetan", "human", "260 mg once", (1.0, 2.0, 4.0, 8.0, 12.0, 24.0)),
]
SCENARIOS = {
    "one plate": (ONE, (FREE, KILLING)),
    "plate, 2 h MDM2, plasma": (MORE, (FREE, KILLING, CLEARANCE, VOLUME)),
}


def main(sets: int = 200) -> None:
    """Print the table."""
    began = time.process_time()
    print("| scenario | parameter | holds the truth | by chance | not identified |")
    print("|---|---|---|---|---|")
    for name, (rows, parameters) in SCENARIOS.items():
        truth = {one: TRUTH[one] for one in parameters}
        held, lost = np.zeros(len(parameters)), np.zeros(len(parameters))
        for seed in range(sets):
            found = fit(simulated(rows, truth, seed), list(parameters), draws=0, starts=2)
            table = found.parameters.loc[list(parameters)]
            value = np.array(list(truth.values()))
            held += ((table["low"] <= value) & (value <= table["high"])).to_numpy()
            lost += ~table["identified"].to_numpy(bool)
        tail = 0.025 / len(parameters)
        for one, inside, open_ in zip(parameters, held, lost, strict=True):
            low = beta.ppf(tail, inside, sets - inside + 1) if inside else 0.0
            high = beta.ppf(1 - tail, inside + 1, sets - inside) if inside < sets else 1.0
            print(f"| {name} | {one} | {inside / sets:.1%} | {low:.1%}-{high:.1%} "
                  f"| {open_ / sets:.1%} |", flush=True)  # fmt: skip
    print(f"\n{sets} sets of each, {time.process_time() - began:.0f} CPU-s", file=sys.stderr)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
