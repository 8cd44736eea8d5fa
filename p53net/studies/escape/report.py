"""What the escape study says, in words and rows: the meaning of each measure, table and summary."""

import json
from collections.abc import Hashable, Iterator, Mapping

import numpy as np
import pandas as pd
import xarray as xr

from p53net.ensembles.banded import DEFINED, ENDS, is_banded, median, number
from p53net.measures.candidate import TWIN
from p53net.studies.escape import claimed

AFTER_WASHOUT = 96.0
"""How long after washout the study looks, in h."""

_ALIKE = 1.05  # drugs within this ratio are called alike in words
_FELT = 1.1  # a ratio below this is called no effect in words
_SMALL = ("late_swing", "rebound", "free_MDM2_rise")  # ratios near 0 say nothing
_MEASURE_DIMENSIONS = frozenset({"drug", "fold", "exposure", "medium_volume"})

_ABOUT = {
    "drug": ("1", "drug"),
    "loop": ("1", "loop closed, or opened by holding the P2 promoter"),
    "mechanism": ("1", "inhibitor, degrader, or twin: a degrader without catalysis"),
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
    "loop_factor": ("1", "sensitivity of resting active p53 to k_ub_p53, open over closed loop"),
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


def beside_in_words(result: xr.Dataset) -> str:
    """Of another drug, if there is one."""
    if "beside" not in result.attrs:
        return ""
    return f", beside {result.attrs['beside_dose']:g} nM {result.attrs['beside']}"


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
    """The measures as rows: drug, measure, condition, value, unit, status, meaning. Of an ensemble
    the value is the median of the draws, with `low` and `high`, the ends of 95 % of them, and the
    share of draws in which it is `defined`."""
    rows: list[dict[str, object]] = []
    middle = median(result)
    for name, measure in middle.data_vars.items():
        words = str(name).endswith(("_status", DEFINED))
        if words or not {"drug"} <= set(measure.dims) <= _MEASURE_DIMENSIONS:
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
                    **_ends(result, str(name), at),
                    "unit": measure.attrs["units"],
                    "status": "not applicable" if np.isnan(value) and said == "ok" else said,
                    "meaning": measure.attrs["long_name"],
                }
            )
    return pd.DataFrame(rows).sort_values("drug", kind="stable", ignore_index=True)


def beside(point: xr.Dataset, result: xr.Dataset) -> str:
    """How far the medians of an ensemble are from a point estimate, in one line."""
    values = table(point).merge(table(result), on=["drug", "measure", "condition"])
    values = values[values["value_x"].notna() & values["value_y"].notna()]
    outside = values[(values["value_x"] < values["low"]) | (values["value_x"] > values["high"])]
    ratios = values[(values["value_x"] > 0) & (values["value_y"] > 0)
                    & ~values["measure"].isin(_SMALL)]  # fmt: skip
    apart = np.abs(np.log((ratios["value_x"] / ratios["value_y"]).to_numpy(dtype=float)))
    farthest = ratios.iloc[int(apart.argmax())]
    where = f"{farthest['measure']} {farthest['condition']}".strip()
    return (
        f"The values of the tables alone give {len(values) - len(outside)} of {len(values)} "
        f"measures inside the 95 % of the draws. They are farthest from the median in {where} of "
        f"{farthest['drug']}: {farthest['value_x']:.3g}, and the median is "
        f"{farthest['value_y']:.3g}."
    )


def _ends(result: xr.Dataset, name: str, at: Mapping[Hashable, int]) -> dict[str, float]:
    """Ends of a measure's band, and how often it is defined; nothing of a point estimate."""
    if not is_banded(result):
        return {}
    low, high = (float(result[name].sel(quantile=end).isel(at)) for end in ENDS)
    return {"low": low, "high": high, "defined": float(result[f"{name}{DEFINED}"].isel(at))}


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
    hours, fold = float(result.attrs["hours"]), float(result.attrs["fold"])
    names = [str(name) for name in result["drug"].values]
    if is_banded(result):
        yield (
            f"Of {result.attrs['draws']} draws: the median of each number, and in square brackets "
            "what holds 95 % of the draws."
        )
    doses = _each(result, "{:.3g} nM", "equal_dose")
    yield (
        f"Cell line {result.attrs['cell_line']}. Doses that bring active p53 to {fold:g} times "
        f"untreated at {hours:g} h{beside_in_words(result)}: {doses}."
    )
    if is_banded(result):
        if "claim" in result.dims:
            yield from _section("Claims", claimed.sentences(result))
        yield from _section("Measures", [text for text, _ in _findings(result)])
    elif len(names) == 1:
        yield from _section(f"What {names[0]} does", [text for text, _ in _findings(result)])
    else:
        found = list(_findings(result))
        same = f"What does not differ between drugs (within {_ALIKE - 1:.0%}; twins stand beside)"
        yield from _section(same, [text for text, alike in found if alike])
        yield from _section("What differs", [text for text, alike in found if not alike])
    yield from _section("Read with care", list(_cautions(result)))


def _section(title: str, sentences: list[str]) -> Iterator[str]:
    if sentences:
        yield ""
        yield title
        yield from (f"- {sentence}" for sentence in sentences)


def _findings(result: xr.Dataset) -> Iterator[tuple[str, bool]]:
    """Each finding in words, and whether the compared drugs are alike in it."""
    short, long = ({"exposure": float(value)} for value in result["exposure"].values)
    scarce, ample = ({"medium_volume": float(result["medium_volume"][i])} for i in (0, -1))
    folds = ", ".join(f"{value:g}" for value in result["fold"].values)

    mrna = _each(result, "{:.3g} times", "MDM2_mRNA_fold")
    rises = float(median(result)["MDM2_mRNA_fold"].max()) > _FELT
    text = f"MDM2 mRNA rises: {mrna}. The promoter follows p53, not the drug."
    if not rises:
        text = f"MDM2 mRNA hardly moves ({mrna}): p53 stays below what its promoter responds to."
    yield text, _alike(result, "MDM2_mRNA_fold")

    felt = bool((median(result)["dose_ratio"] > _FELT).any())
    ratio = result["dose_ratio"].transpose("fold", ...)
    ratios = "; ".join(
        f"{name} {', '.join(_number(number(one.sel(drug=name))) for one in ratio)}"
        for name in result["drug"].values
    )
    cost = "Feedback costs dose" if felt else "Feedback costs hardly any dose in this line"
    yield (
        f"{cost}: closed over open loop at rest, for active p53 {folds} times untreated: "
        f"{ratios}.{_theorem(result)}{_twin_dose_ratio(result) if felt else ''}",
        _alike(result, "dose_ratio"),
    )
    index = _each(result, "{:.2f}", "escape_index")
    yield (
        "Share of the response that feedback costs (escape index; 0 would be a full escape): "
        f"{index}.",
        _alike(result, "escape_index", absolute=True),
    )
    factor = _each(result, "{:.2f}", "loop_factor")
    yield (
        f"Local strength of the loop at equal resting p53 (loop factor; 1 = none): {factor}.",
        _alike(result, "loop_factor"),
    )
    protein = _each(result, "{:.3g} times", "MDM2_total_fold")
    yield f"Total MDM2 protein goes to {protein}.", _alike(result, "MDM2_total_fold")
    split = _each(result, "{:+.2f} {:+.2f}", "log_abundance", "log_occupancy")
    yield (
        f"Where undrugged MDM2 goes (natural logarithms, abundance and occupancy): {split}. A "
        "positive first term is MDM2 that feedback hands back and drug must hold down.",
        _alike(result, "log_abundance", absolute=True),
    )
    fall = _each(result, "{:.0%} ({:.2g} h)", "rebound", "washout_half_time", **long)
    fall = fall.replace("nan h", f"over {AFTER_WASHOUT:g} h")
    free = _each(result, "{:+.1f}", "free_MDM2_rise", **long)
    yield (
        f"After washout of {long['exposure']:g} h of exposure active p53 falls below untreated by "
        f"{fall}; free MDM2 peaks at log2 {free}. In brackets the half-time of the drug in the "
        "cell, on which this depends: rates of entry and exit are assumed, and at equal rates a "
        "degrader rebounds as well.",
        _alike(result, "rebound", long, absolute=True),
    )
    lasting = _each(result, "{:.2g} h ({:.2g} h)", "persistence", "washout_half_time", **short)
    lasting = lasting.replace("nan h", f"over {AFTER_WASHOUT:g} h")
    yield (
        f"Half-time of raised p53 after a {short['exposure']:g} h pulse, and in brackets of the "
        f"drug in the cell: {lasting}. Duration follows retention and affinity, not catalysis "
        "alone.",
        _alike(result, "persistence", short),
    )
    little, much = (_each(result, "{:.3g}", "stoichiometric_load", **at) for at in (scarce, ample))
    yield (
        f"Drug per cell in a closed dish, per basal MDM2: with {scarce['medium_volume']:g} pL per "
        f"cell {little}; with {ample['medium_volume']:g} pL {much}.",
        _alike(result, "stoichiometric_load", scarce),
    )
    degraders = result.sel(drug=result["mechanism"] == "degrader")
    if degraders.sizes["drug"]:
        turned = _each(degraders, "{:.0f}", "destroyed_per_drug")
        hours = float(result.attrs["hours"])
        yield (
            f"MDM2 molecules destroyed per drug molecule in the cell by {hours:g} h: {turned}.",
            False,
        )


def _cautions(result: xr.Dataset) -> Iterator[str]:
    moving = result.sel(drug=median(result)["late_swing"] > _ALIKE - 1)
    if moving.sizes["drug"]:
        yield (
            "Late in constant exposure active p53 has not come to rest: it pulses or still rises, "
            f"over {_each(moving, '{:.0%} of its mean', 'late_swing')}. Drug that enters slowly "
            "and is held tightly is outrun by new MDM2."
        )
    if is_banded(result):
        yield from _undefined(result)
    for name in result["drug"].values[result["equal_dose_status"] != "ok"]:
        yield f"{name}: the dose is {result['equal_dose_status'].sel(drug=name).item()}."


def _undefined(result: xr.Dataset) -> Iterator[str]:
    """Draws without a result, and measures that are not defined in all draws."""
    failed = json.loads(result.attrs["failed"])
    if failed:
        words = "; ".join(f"{reason}: {count}" for reason, count in failed.items())
        yield f"Draws without a result. {words}."
    shares = {
        name.removesuffix(DEFINED): float(share.min())
        for name, share in ((str(n), v) for n, v in result.data_vars.items())
        if name.endswith(DEFINED) and "drug" in share.dims and 0 < float(share.min()) < 1
    }
    if shares:
        words = ", ".join(f"{name} {100 * share:.3g} %" for name, share in shares.items())
        yield (
            f"Not defined in all draws, at the least in so many: {words}; quantiles are of the "
            "draws in which a measure is defined."
        )


def _each(result: xr.Dataset, text: str, *measures: str, **at: float) -> str:
    """`drug value; drug value ...` for one place of the measures."""
    parts = []
    for name in result["drug"].values:
        here = [result[measure].sel({"drug": name, **at}) for measure in measures]
        parts.append(f"{name} {text.format(*map(number, here))}")
    return "; ".join(parts)


def _alike(
    result: xr.Dataset,
    measure: str,
    at: Mapping[str, float] | None = None,
    *,
    absolute: bool = False,
) -> bool:
    """Whether the drugs agree: as ratios, or as differences for shares and logarithms.

    A twin is only compared where there is no other drug than its own.
    """
    result = median(result)
    real = result.sel(drug=result["mechanism"] != "twin")
    values = (real if real.sizes["drug"] > 1 else result)[measure].sel(at or {})
    if not np.isfinite(values).all():
        return False
    low, high = values.min("drug"), values.max("drug")
    if absolute:
        return bool((high - low <= _ALIKE - 1).all())
    return bool((high <= _ALIKE * low).all())


def _number(value: float) -> str:
    return f"{value:.3g}" if np.isfinite(value) else "not reached"


def _theorem(result: xr.Dataset) -> str:
    """What equal ratios mean; said only where an inhibitor stands beside a degrader. Of an ensemble
    claims say it."""
    if is_banded(result):
        return ""
    compared = result.sel(drug=result["mechanism"] != "twin")
    ratios = compared["dose_ratio"]
    if set(compared["mechanism"].values) != {"inhibitor", "degrader"} or not _finite(ratios):
        return ""
    spread = float((ratios.max("drug") / ratios.min("drug")).max()) - 1.0
    if spread <= _ALIKE - 1:
        return (
            f" Inhibitor and degrader agree within {spread:.1%}: in this structure, at constant "
            "exposure and equal p53, catalysis by itself does not weaken the feedback."
        )
    return (
        f" They differ by up to {spread:.0%}: they are equal only while CRBN is not limiting, "
        "drug-bound MDM2 is inactive, and MDM2 has no capacity beyond which it degrades p53 no "
        "faster."
    )


def _twin_dose_ratio(result: xr.Dataset) -> str:
    if is_banded(result):
        return ""
    said = []
    for twin in result["drug"].values[result["mechanism"] == "twin"]:
        own, parent = (
            result["dose_ratio"].sel(drug=name) for name in (twin, twin.removesuffix(TWIN))
        )
        if not _finite(own) or not _finite(parent):
            continue
        more = float(own[-1] / parent[-1])
        if more > _ALIKE:
            said.append(
                f" {twin} pays more because its MDM2 is not destroyed: closed, it outgrows CRBN, "
                "which holds drug and MDM2 together; opened, it does not."
            )
        elif more < 1 / _ALIKE:
            said.append(
                f" {twin} pays less because its MDM2 is not destroyed: what piles up is more than "
                "can degrade p53."
            )
    return "".join(said)


def _finite(values: xr.DataArray) -> bool:
    return bool(np.isfinite(values).all())
