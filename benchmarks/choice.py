"""From how many runs on is the batch engine quicker? Processor time of both, once compiled.

`python -m benchmarks.choice` takes two minutes. Each run has its error bar, at the default
accuracy, and its own untreated state. The engines take turns. What `auto` does is in
`p53net/simulation/choice.py`.
"""

from time import process_time

import numpy as np

import p53net as pn
from benchmarks.sweep import machine

SIZES = (1, 2, 5, 10, 20)
ROUNDS = 3
REGIMEN = pn.regimen(260.0, "mg", "3/14", days=56.0)
HOURS = {"dish": np.linspace(0.0, 72.0, 145), "body": np.arange(0.0, 56 * 24.0 + 1.0, 24.0)}
MEASURES = {
    "dish": "peak:p53_active",
    "tumour": "at:tumour_volume:1344",
    "marrow": "lowest:platelets",
}


def row(system: str) -> str:
    """A line of the table."""
    in_dish = system == "dish"
    model = pn.load("milademetan", system=system, host=None if in_dish else "human")
    value = model.definition.parameters["k_deg_p53"].value
    axes = {"k_deg_p53": pn.log_uniform(value / 2, value * 2)}
    options = {
        "times": HOURS["dish" if in_dish else "body"],
        "doses": {"milademetan": 100.0 if in_dish else REGIMEN},
        "measures": [MEASURES[system]],
        "workers": 0,
    }

    def seconds(points: int, engine: str) -> float:
        begun = process_time()
        pn.sweep(model, axes, points=points, design="sobol", engine=engine, **options)
        return process_time() - begun

    cells = []
    for points in SIZES:
        took = [
            [seconds(points, engine) for engine in ("roadrunner", "batch")]
            for _ in range(ROUNDS + 1)
        ]
        cells.append("{:.1f}, {:.1f}".format(*(1e3 * np.median(took[1:], axis=0))))
    return f"| {system} | {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    print(machine(["p53net", "llvmlite", "libroadrunner", "numpy"]))
    print("Command: python -m benchmarks.choice\n")
    print(f"| system | {' | '.join(f'{points} runs' for points in SIZES)} |")
    print("|---" * (1 + len(SIZES)) + "|")
    for system in MEASURES:
        print(row(system), flush=True)
    print(f"\nMilliseconds on RoadRunner, and on the batch engine; medians of {ROUNDS}.")


if __name__ == "__main__":
    main()
