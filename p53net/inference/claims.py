"""How plausible a claim is: the share of an ensemble's draws in which it holds."""

import math

import numpy as np
import pandas as pd

from p53net.ensembles.draws import Ensemble
from p53net.ensembles.probability import Probability, made
from p53net.errors import InputError
from p53net.inference.answers import answers_of
from p53net.measures.claims import is_claim

HALF = 0.5
"""A claim holds in a structure where it holds in more than this share of its draws."""


def probability(ensemble: Ensemble, claim: str) -> Probability:
    """The probability of a claim in an ensemble. Raises InputError where it is no claim, or is
    defined in no draw, UnknownNameError for a name in it that is none."""
    if not isinstance(claim, str):
        raise InputError(f"a claim is {claim!r}, but must be a text")
    if not is_claim(claim):
        raise InputError(
            f"`{claim}` compares nothing, so it has no probability; write, for example, "
            'dose_ratio:3["KT-253"] < dose_ratio:3["milademetan"]'
        )
    found = answers_of(ensemble, [claim])
    (name,) = found.names
    held = found.values[name].to_numpy()
    undefined = found.undefined(name)
    defined = held[np.isfinite(held)]
    if not len(defined):
        why = ", ".join(f"{reason} ({number})" for reason, number in undefined.items())
        raise InputError(f"`{claim}` is defined in no draw: {why}")
    rows = []
    for structure, draws in ensemble.parts():
        there = held[draws][np.isfinite(held[draws])]
        share = float(there.mean()) if len(there) else math.nan
        rows.append(
            {
                "structure": structure,
                "share": share,
                "error": standard_error(float(there.sum()), len(there)),
                "draws": len(there),
                "undefined": len(draws) - len(there),
                "holds": share > HALF,
            }
        )
    about = {
        "claim": name,
        "error": standard_error(float(defined.sum()), len(defined)),
        "draws": len(defined),
        "undefined": undefined,
        "structures": pd.DataFrame(rows),
    }
    return made(float(defined.mean()), about)


def standard_error(events: float, draws: int) -> float:
    """Of a share of so many draws: the spread of Beta(events + 1/2, others + 1/2), which is not 0
    where all draws agree. NaN without draws."""
    if not draws:
        return math.nan
    share = (events + 0.5) / (draws + 1.0)
    return math.sqrt(share * (1.0 - share) / (draws + 2.0))
