"""How often the claims about escape hold among the draws of an ensemble."""

import numpy as np
import xarray as xr

from p53net.engines.base import FloatArray
from p53net.ensembles.banded import DEFINED, is_banded
from p53net.ensembles.draws import Ensemble
from p53net.measures.claims import Value, holds
from p53net.studies.escape.rivals import Claim, claims, lookup_in

HOLDS_IN = 0.5
"""Share of the draws of a structure above which a claim holds in it, in words."""


def with_claims(finished: xr.Dataset, result: xr.Dataset, ensemble: Ensemble) -> xr.Dataset:
    """The finished result with what `result`, over draws, says of the claims about its drugs:
    `holds` by `claim`, the share of draws in which it does where it is defined; or of each draw 1,
    0 or NaN, where the draws are kept."""
    known = [one for one in claims() if _is_about(one, result)]
    if not known:
        return finished
    held = np.stack([_held(one, result) for one in known], axis=1)
    finished = finished.assign_coords(claim=[one.claim for one in known]).assign(
        sentence=("claim", [one.sentence for one in known]),
        expression=("claim", [one.expression for one in known]),
    )
    if not is_banded(finished):
        meaning = "1 holds, 0 does not, NaN not defined"
        return finished.assign(holds=(("draw", "claim"), held, _about(meaning)))
    parts = {str(structure): draws for structure, draws in ensemble.parts()}
    within = np.stack([_share(held[draws]) for draws in parts.values()], axis=1)
    return finished.assign_coords(structure=list(parts)).assign(
        {
            "holds": ("claim", _share(held), _about("share of draws in which it holds")),
            f"holds{DEFINED}": ("claim", np.isfinite(held).mean(axis=0),
                                _about("share of draws with a value: whether it holds")),
            "holds_in": (("claim", "structure"), within,
                         _about("share of draws of a structure in which it holds")),
        }
    )  # fmt: skip


def in_words(result: xr.Dataset, claim: str) -> str:
    """`holds in 87 % of draws, in 3 of 4 structures`."""
    share = float(result["holds"].sel(claim=claim))
    within = result["holds_in"].sel(claim=claim).values
    within = within[np.isfinite(within)]
    if not np.isfinite(share):
        return "is defined in no draw"
    number = int((within > HOLDS_IN).sum())
    return f"holds in {100 * share:.0f} % of draws, in {number} of {len(within)} structures"


def sentences(result: xr.Dataset) -> list[str]:
    """Every claim with how often it holds."""
    return [
        f"{result['sentence'].sel(claim=claim).item()}: {in_words(result, str(claim))}."
        for claim in result["claim"].values
    ]


def _held(claim: Claim, result: xr.Dataset) -> FloatArray:
    return np.broadcast_to(holds(claim.expression, lookup_in(result)), result.sizes["draw"])


def _is_about(claim: Claim, result: xr.Dataset) -> bool:
    """Whether all drugs of a claim are compared."""
    drugs: list[str] = []

    def lookup(value: Value) -> FloatArray:
        drugs.append(value.drug)
        return np.asarray(np.nan)

    holds(claim.expression, lookup)
    return set(drugs) <= set(result["drug"].values.tolist())


def _share(held: FloatArray) -> FloatArray:
    """Of the draws where each claim is defined; NaN where it is in none."""
    defined = np.isfinite(held).sum(axis=0)
    total = np.nansum(held, axis=0)
    share = np.full(len(total), np.nan)
    np.divide(total, defined, out=share, where=defined > 0)
    return share


def _about(meaning: str) -> dict[str, str]:
    return {"units": "1", "long_name": meaning}
