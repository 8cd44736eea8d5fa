"""What the escape study says, in words and rows: the meaning of each measure, table and summary."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr

TWIN = " (non-catalytic twin)"
"""Added to a degrader's name for the same molecule with `k_ub_MDM2` = 0."""

AFTER_WASHOUT = 96.0
"""How long after washout the study looks, in h."""

_FELT = 1.1  # a ratio below this is called no effect in words
_MEASURE_DIMENSIONS = frozenset({"drug", "fold", "exposure", "medium_volume"})

_ABOUT = {
    "drug": ("1", "drug"),
    "loop": ("1", "loop closed, or opened by holding the P2 promoter"),
    "dose": ("nM", "concentration in the medium"),
    "time": ("h", "time"),
    "since_washout": ("h", "time since washout"),
    "fold": ("1", "active p53, in multiples of untreated"),
    "exposure": ("h", "exposure before washout"),
    "medium_volume": ("pL", "medium for each cell, closed dish"),
    "equal_dose": ("nM", "constant dose that gives the chosen fold of active p53"),
    "p53_active_fold": ("1", "active p53 over untreated, at the equal dose"),
    "p53_total_fold": ("1", "total p53 over untreated, at the equal dose"),
    "MDM2_total_fold": ("1", "total MDM2 over untreated, at the equal dose"),
    "MDM2_mRNA_fold": ("1", "MDM2 mRNA over untreated, at the equal dose"),
    "loop_factor": ("1", "sensitivity of active p53 to k_ub_p53 at rest, open over closed loop"),
    "escape_index": ("1", "share of the open-loop response that feedback costs: 0 none, 1 all"),
    "log_undrugged": ("1", "ln of undrugged MDM2 over untreated"),
    "log_abundance": ("1", "part of it from total MDM2: what feedback hands back"),
    "log_occupancy": ("1", "part of it from the undrugged share: what the drug takes"),
    "destroyed_per_drug": ("1", "MDM2 molecules destroyed per drug molecule in the cell"),
    "late_swing": ("1", "swing of active p53 late in constant exposure, over its mean"),
    "rebound": ("1", "fall of active p53 below untreated after washout: 0 none, 1 to nothing"),
    "free_MDM2_rise": ("1", "log2 of the highest free MDM2 after washout over untreated"),
    "persistence": ("h", "half-time of raised active p53 after washout"),
    "washout_half_time": ("h", "half-time of all drug in the cell after washout"),
    "dose_ratio": ("1", "dose with the loop closed over open, for the same active p53 at rest"),
    "resting_dose_closed": ("nM", "dose for that active p53 at rest, loop closed"),
    "resting_dose_open": ("nM", "dose for that active p53 at rest, loop opened"),
    "closed_dish_dose": ("nM", "first concentration in a closed dish for the chosen fold"),
    "stoichiometric_load": ("1", "drug molecules per cell for the chosen fold, per basal MDM2"),
}


def about(name: str) -> tuple[str, str]:
    """Unit and meaning of a variable of the study."""
    if name in _ABOUT:
        return _ABOUT[name]
    if name.endswith("_status"):
        return "1", f"ok, or why {name.removesuffix('_status')} has no value"
    kind, _, observable = name.partition("_")
    course = {"response": "at the end of exposure", "course": "at the equal dose"}
    return "nM", f"{observable}, {course.get(kind, 'around washout, at the equal dose')}"


def table(result: xr.Dataset) -> pd.DataFrame:
    """The measures as rows: drug, measure, condition, value, unit, status, meaning."""
    rows: list[dict[str, object]] = []
    for name, measure in result.data_vars.items():
        if not set(measure.dims) <= _MEASURE_DIMENSIONS or str(name).endswith("_status"):
            continue
        status = result.get(f"{name}_status")
        for place in np.ndindex(*measure.shape):
            at = dict(zip(measure.dims, place, strict=True))
            value = float(measure.isel(at))
            said = "ok" if status is None else str(status.isel(at).values)
            rows.append(
                {
                    "drug": str(result["drug"].values[at["drug"]]),
                    "measure": name,
                    "condition": _condition(measure.isel(at)),
                    "value": value if np.isfinite(value) else None,
                    "unit": measure.attrs["units"],
                    "status": "not applicable" if np.isnan(value) and said == "ok" else said,
                    "meaning": measure.attrs["long_name"],
                }
            )
    return pd.DataFrame(rows).sort_values("drug", kind="stable", ignore_index=True)


def summary(result: xr.Dataset) -> str:
    """What differs between the drugs and what does not, in plain words with this run's numbers."""
    return "\n".join(_sentences(result))


def _condition(cell: xr.DataArray) -> str:
    words = {
        "fold": "p53_active {:g} x untreated",
        "exposure": "after {:g} h",
        "medium_volume": "{:g} pL per cell",
    }
    given = [text.format(float(cell[name])) for name, text in words.items() if name in cell.coords]
    return ", ".join(given)


def _sentences(result: xr.Dataset) -> Iterator[str]:
    names = [str(drug) for drug in result["drug"].values]
    hours, fold = float(result.attrs["hours"]), float(result.attrs["fold"])

    def each(text: str, *measures: str, among: list[str] = names, **at: float) -> str:
        parts = []
        for name in among:
            values = [
                float(
                    result[m].sel({"drug": name, **{k: at[k] for k in at if k in result[m].dims}})
                )
                for m in measures
            ]
            parts.append(f"{name} {text.format(*values)}")
        return "; ".join(parts)

    short, long = (float(value) for value in result["exposure"].values)
    scarce, ample = (float(result["medium_volume"].values[i]) for i in (0, -1))
    folds = ", ".join(f"{value:g}" for value in result["fold"].values)
    real = [name for name in names if not name.endswith(TWIN)]
    twins = [name for name in names if name.endswith(TWIN)]
    yield (
        f"Cell line {result.attrs['cell_line']}. All drugs are compared at the dose that brings "
        f"active p53 to {fold:g} times untreated at {hours:g} h: {each('{:.3g} nM', 'equal_dose')}."
    )
    yield ""
    yield "What does not differ"
    mrna = each("{:.3g} times", "MDM2_mRNA_fold")
    if float(result["MDM2_mRNA_fold"].max()) > _FELT:
        yield f"- MDM2 mRNA rises under every drug: {mrna}. Equal p53 means equal transcription."
    else:
        yield f"- MDM2 mRNA hardly moves ({mrna}): p53 stays below what its promoter responds to."
    ratios = "; ".join(
        f"{name} " + ", ".join(_number(v) for v in result["dose_ratio"].sel(drug=name).values)
        for name in names
    )
    felt = bool((result["dose_ratio"] > _FELT).any())
    cost = "Feedback costs dose" if felt else "Feedback costs hardly any dose in this line"
    yield (
        f"- {cost}: closed over open loop at rest, for active p53 {folds} times untreated: "
        f"{ratios}. {_theorem(result, real)}"
    )
    if twins and felt:
        yield f"  {_twin_dose_ratio(result, twins)}"
    yield (
        f"- Share of the response that feedback costs (escape index, 0 would be a full escape): "
        f"{each('{:.2f}', 'escape_index')}."
    )
    yield (
        f"- The local strength of the loop at equal p53 (loop factor, 1 = no feedback): "
        f"{each('{:.2f}', 'loop_factor')}."
    )
    yield ""
    yield "What differs"
    yield f"- The sign of the MDM2 protein change: {each('{:.3g} times', 'MDM2_total_fold')}."
    yield (
        "- Where undrugged MDM2 goes (natural logarithms, abundance + occupancy): "
        f"{each('{:+.2f} {:+.2f}', 'log_abundance', 'log_occupancy')}. A positive first term is "
        "MDM2 that feedback hands back and drug must hold down."
    )
    yield (
        f"- After washout, {long:g} h exposure: active p53 falls below untreated by "
        f"{each('{:.0%}', 'rebound', exposure=long)}; free MDM2 peaks at log2 "
        f"{each('{:+.1f}', 'free_MDM2_rise', exposure=long)}."
    )
    lasting = each("{:.2g} h ({:.2g} h)", "persistence", "washout_half_time", exposure=short)
    lasting = lasting.replace("nan h", f"over {AFTER_WASHOUT:g} h")
    yield (
        f"- Half-time of raised p53 after a {short:g} h pulse, and in brackets of the drug in the "
        f"cell: {lasting}. Duration follows retention and affinity, not catalysis alone."
    )
    yield (
        f"- Drug per cell in a closed dish, per basal MDM2: with {scarce:g} pL per cell "
        f"{each('{:.3g}', 'stoichiometric_load', medium_volume=scarce)}; with {ample:g} pL "
        f"{each('{:.3g}', 'stoichiometric_load', medium_volume=ample)}."
    )
    if twins:
        degraders = [name.removesuffix(TWIN) for name in twins]
        turned = each("{:.0f}", "destroyed_per_drug", among=degraders)
        yield f"- MDM2 molecules destroyed per drug molecule in the cell by {hours:g} h: {turned}."
    moving = [name for name in names if float(result["late_swing"].sel(drug=name)) > 0.05]
    if moving:
        yield ""
        yield (
            f"Note: late in constant exposure active p53 has not come to rest: it pulses or still "
            f"rises, over {each('{:.0%} of its mean', 'late_swing', among=moving)}. Drug that "
            "enters slowly and is held tightly is outrun by new MDM2. Read its value at one time "
            "with care."
        )


def _number(value: float) -> str:
    return f"{value:.3g}" if np.isfinite(value) else "not reached"


def _theorem(result: xr.Dataset, real: list[str]) -> str:
    ratios = result["dose_ratio"].sel(drug=real)
    if len(real) < 2 or not np.isfinite(ratios).all():
        return "At rest and equal p53 the ratio does not depend on how the drug works."
    spread = float((ratios.max("drug") / ratios.min("drug")).max()) - 1.0
    if spread <= 0.05:
        return (
            f"They agree within {spread:.1%}: at constant exposure and equal p53, catalysis by "
            "itself does not weaken the feedback."
        )
    return (
        f"They differ by up to {spread:.0%}: they are equal only while CRBN is not limiting and "
        "drug-bound MDM2 is inactive."
    )


def _twin_dose_ratio(result: xr.Dataset, twins: list[str]) -> str:
    twin = twins[0]
    ratios = result["dose_ratio"].sel(drug=twin).values
    parent = result["dose_ratio"].sel(drug=twin.removesuffix(TWIN)).values
    if not np.isfinite(ratios).all() or abs(ratios[-1] / parent[-1] - 1.0) <= 0.05:
        return f"{twin} has the same ratio here."
    return (
        f"{twin} departs because its MDM2 is not destroyed: it outgrows CRBN, which would hold "
        "drug and MDM2 together, and with the loop opened it does not."
    )
