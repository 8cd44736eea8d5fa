"""Which parameters the data tell, and in plain words which they do not and what would."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.fitting.candidates import Advice
from p53net.fitting.optimum import Optimum
from p53net.fitting.profiles import Profile

CORRELATED = 0.95
"""Correlation from which two parameters are named together."""

PLAIN = {
    "fu_medium_": "free fraction in medium",
    "fu_plasma_": "free fraction in plasma",
    "K_PUMA_caspase": "killing threshold",
    "k_death": "rate of death",
    "k_growth": "rate of growth",
    "Ki_": "affinity",
    "Kd_MDM2_": "affinity for MDM2",
    "Kd_CRBN_": "affinity for CRBN",
    "k_perm_": "permeability",
    "uptake_of_line": "uptake",
    "CL_": "clearance",
    "V_central_": "central volume",
    "V_peripheral_": "peripheral volume",
    "ka_": "absorption",
    "MDM2_gene_dose": "MDM2 gene copies",
}
"""Beginnings of parameters, in words."""


@dataclass(frozen=True)
class Identified:
    """What is said of each parameter."""

    identified: list[bool]
    reasons: list[str]
    correlated: list[str]
    pairs: list[tuple[int, int, float]]
    """Of parameters, with their correlation."""


def plain(name: str) -> str:
    """The name of a parameter, with words where there are such."""
    words = next((w for b, w in PLAIN.items() if name.partition(": ")[2].startswith(b)), "")
    return f"{name} ({words})" if words else name


def identified_by(
    names: Sequence[str], profiles: Sequence[Profile], optimum: Optimum, low: FloatArray,
    high: FloatArray, count: int,
) -> Identified:  # fmt: skip
    """Of the first `count` unknowns, the parameters: one whose profile stays below 95 % up to a
    bound, or that has another value in an optimum as good, is not identified."""
    reasons = []
    for i in range(count):
        one, open_ = profiles[i], []
        if math.isinf(one.low):
            open_.append("low")
        if math.isinf(one.high):
            open_.append("high")
        reason = ""
        if open_:
            reason = f"the profile stays within 95 % up to the {' and the '.join(open_)} bound"
        elif any(not one.low <= other[i] <= one.high for other in optimum.others):
            reason = "another optimum is as good, with another value"
        reasons.append(reason)
    correlation = optimum.correlation
    pairs = [(i, j, float(correlation[i, j])) for i in range(count) for j in range(i)
             if abs(correlation[i, j]) > CORRELATED]  # fmt: skip
    with_ = [
        ", ".join(f"{names[j if k == i else k]} ({value:.3f})" for k, j, value in pairs
                  if i in (k, j))
        for i in range(count)
    ]  # fmt: skip
    return Identified([not one for one in reasons], reasons, with_, pairs)


def open_places(found: Identified) -> NDArray[np.intp]:
    """Parameters that a further measurement is looked for: not identified, or of a pair."""
    places = {i for i, one in enumerate(found.identified) if not one}
    places |= {i for pair in found.pairs for i in pair[:2]}
    return np.array(sorted(places), dtype=np.intp)


def in_words(names: Sequence[str], found: Identified, advice: Sequence[Advice]) -> str:
    """All of that in sentences."""
    said = []
    for i, j, value in sorted(found.pairs, key=lambda one: -abs(one[2])):
        both = all(found.identified[k] for k in (i, j))
        how = (
            "each is known, and their ratio better" if both else "these data cannot tell them apart"
        )
        said.append(f"{plain(names[j])} and {plain(names[i])} are correlated {value:.3f}: {how}.")
    lost = [i for i, one in enumerate(found.identified) if not one]
    for i in lost:
        said.append(f"{plain(names[i])} is not identified: {found.reasons[i]}.")
    if not lost:
        said.append(f"All {len(names)} parameters are identified." if len(names) > 1
                    else f"{plain(names[0])} is identified.")  # fmt: skip
    if (lost or found.pairs) and advice:
        best = advice[0]
        widths = "; ".join(f"{name} within a factor of {_factor(width)}"
                           for name, width in best.widths.items())  # fmt: skip
        if best.cures and lost:
            more = [one.words for one in advice[1:3] if one.cures]
            so = f" So would {', or '.join(more)}." if more else ""
            said.append(f"{_capital(best.words)} would tell them (expected: {widths}).{so}")
        elif best.cures:
            said.append(f"{_capital(best.words)} would narrow both most (expected: {widths}).")
        else:
            said.append(
                f"None of {len(advice)} further measurements that were tried would do alone; the "
                f"best is {best.words}."
            )
    return " ".join(said)


def _factor(width: float) -> str:
    return f"{math.exp(min(width, 50.0)):.3g}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
