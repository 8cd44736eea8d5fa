"""Time of a population study: 500 virtual patients, three schedules, 56 days, tumour and marrow.

`python -m benchmarks.patients` from the repository root takes some minutes: RoadRunner on two
worker processes, and the batch engine in threads of one. Rates are printed beside the times.
"""

import argparse
import platform
from datetime import date
from importlib.metadata import version
from time import perf_counter

import numpy as np
import xarray as xr

import p53net as pn

DAYS, PATIENTS = 56.0, 500
SCHEDULES = (
    pn.regimen(260, "mg", "3/14", days=DAYS),
    pn.regimen(120, "mg", "21/28", days=DAYS),
    pn.regimen(90, "mg", "daily", days=DAYS),
)
RUNS = {
    "RoadRunner, 2 workers": {"engine": "roadrunner", "workers": 2},
    "batch engine": {"engine": "batch"},
}


def study(options: dict[str, object], patients: int) -> tuple[float, xr.Dataset]:
    """Seconds, and the result."""
    start = perf_counter()
    found = pn.schedules("milademetan", SCHEDULES, days=DAYS, population=patients, **options)  # type: ignore[arg-type]
    return perf_counter() - start, found


def main() -> None:
    """Print one row for each engine, and how far their rates are apart."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--patients", type=int, default=PATIENTS)
    parser.add_argument("--skip-roadrunner", action="store_true")
    chosen = parser.parse_args()
    packages = ", ".join(f"{name} {version(name)}" for name in ("p53net", "libroadrunner", "numpy"))
    print(f"{date.today()}, {platform.processor() or platform.machine()}, Python "
          f"{platform.python_version()}, {packages}\n")  # fmt: skip
    print("| engine | patients | schedules | days | time [s] | grade >= 3 thrombocytopenia [%] |")
    print("|---|---|---|---|---|---|")
    kept: list[xr.Dataset] = []
    for name, options in RUNS.items():
        if chosen.skip_roadrunner and "RoadRunner" in name:
            continue
        seconds, found = study(options, chosen.patients)
        kept.append(found)
        rates = ", ".join(f"{v:.1f}" for v in found["rate"].sel(toxicity="thrombocytopenia").values)
        print(f"| {name} | {chosen.patients} | 3 | {DAYS:g} | {seconds:.1f} | {rates} |")
    if len(kept) == 2:
        apart = float(np.abs(kept[0]["tgi"] - kept[1]["tgi"]).max())
        print(f"\nLargest difference of median TGI between the engines: {apart:.2g} points.")


if __name__ == "__main__":
    main()
