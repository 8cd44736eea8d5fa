"""One fit of a plate, a blot and a plasma curve together: what it costs, and its figure.

    python -m benchmarks.one_fit [FIGURE]

Data are simulated, with noise of 5 % of vehicle, or of 15 %. Prints seconds of the processor for
the optimum, for profiles with what is advised, and for 1,000 draws, and how far estimates are from
the truth; writes docs/fit.png, or another figure.
"""

import sys
import time
from pathlib import Path

import numpy as np

from p53net.fitting.fitted import fit
from tests.support.fitting import Rows, course, plasma, plate, simulated

TRUTH = {
    "milademetan: fu_medium_inhibitor": 0.02,
    "RS4;11: K_PUMA_caspase": 200.0,
    "milademetan in human: CL_inhibitor": 14.0,
    "milademetan in human: V_central_inhibitor": 40.0,
    "milademetan in human: ka_inhibitor": 0.6,
}
ROWS: Rows = [
    *plate("milademetan", "RS4;11", np.geomspace(10.0, 3000.0, 8)),
    *course("p53", "milademetan", "RS4;11", 200.0, (1.0, 2.0, 4.0, 8.0, 24.0)),
    *plasma("milademetan", "human", "260 mg once", (1.0, 2.0, 4.0, 8.0, 12.0, 24.0)),
]


def main(figure: str = "docs/fit.png") -> None:
    """Print the costs and write the figure."""
    data = simulated(ROWS, TRUTH, seed=1)
    fit(data, list(TRUTH), draws=0, starts=1)  # models are compiled once, and not counted
    clock, last, spent = time.process_time(), "optimum", {}

    def told(what: str, _share: float) -> None:
        nonlocal clock, last
        if what != last:
            now = time.process_time()
            spent[last] = spent.get(last, 0.0) + now - clock
            clock, last = now, what

    found = fit(data, list(TRUTH), progress=told)
    spent[last] = time.process_time() - clock
    for what, seconds in spent.items():
        print(f"{what}: {seconds:.1f} CPU-s")
    table = found.parameters.assign(truth=list(TRUTH.values()))
    print(table[["truth", "value", "low", "high", "unit", "identified"]].to_string())
    print(found.said)
    found.plot(Path(figure))


if __name__ == "__main__":
    main(*sys.argv[1:])
