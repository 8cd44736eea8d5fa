"""Parts of a body: which rows read which parameters.

Given how a drug is handled, tumours and counts of blood have nothing in common but the cell, so
that each part can be moved by itself, all in one run. A test asks the models whether it is so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

_PATIENT = "milademetan in human: "

PLASMA = "plasma"
"""The part whose rows are plasma curves: they read `HANDLED` and nothing of a cell."""

HANDLED = tuple(
    f"{_PATIENT}{name}_inhibitor" for name in ("CL", "V_central", "Q", "V_peripheral", "ka")
)
"""How patients handle milademetan, and mice after them."""

_FREE, _CLEARED = f"{_PATIENT}fu_plasma_inhibitor", "model: k_clear_tumour"

SHARED = (_FREE, _CLEARED)
"""What several parts read."""

_READERS = {
    _FREE: frozenset({"GDF-15", "liposarcoma", "gastric", "SJSA-1", "platelets", "neutrophils",
                      "red cells"}),
    _CLEARED: frozenset({"liposarcoma", "gastric", "SJSA-1", "leukaemia"}),
}  # fmt: skip

_ROWS_AND_PARAMETERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "GDF-15": (("gdf15_*",), ("model: k_out_GDF15",)),
    "liposarcoma": (("milademetan_biopsy",), ("LPS-amplified: *",)),
    "gastric": (
        ("tgi_milademetan_25", "tgi_milademetan_50", "tgi_milademetan_100"),
        ("ST-02-0075: *", "model: tumour_start", "model: *growth*_tumour"),
    ),
    "SJSA-1": (("tgi_milademetan_sjsa1",), ("SJSA-1: *",)),
    "leukaemia": (
        ("kt253_regression",),
        ("KT-253 in mouse: *", "model: Kp_uu_degrader", "RS4;11: *"),
    ),
    "platelets": (("thrombocytopenia_*", "platelet*"), ("model: *_platelets",)),
    "neutrophils": (("neutropenia_*", "neutrophil*"), ("model: *_neutrophils",)),
    "red cells": (("anaemia_*",), ("model: *_red_cells",)),
}


QUICK = frozenset({"GDF-15", "liposarcoma", "gastric", "SJSA-1", "leukaemia"})
"""Parts that are one patient or one mouse: together a fifth of the time of the others."""


@dataclass(frozen=True)
class Part:
    """Some rows, and coordinates that no other rows read."""

    name: str
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    shared: NDArray[np.intp]
    """Coordinates that it reads with others."""


def parts_of(names: Sequence[str], rows: Sequence[str]) -> list[Part]:
    """Places of each part's coordinates among `names`, and of its rows among `rows`."""
    return [
        Part(part, _places(wanted, rows), _places(read, names),
             np.array([names.index(one) for one in SHARED if part in _READERS[one]], dtype=np.intp))
        for part, (wanted, read) in _ROWS_AND_PARAMETERS.items()
    ]  # fmt: skip


def _places(patterns: Sequence[str], names: Sequence[str]) -> NDArray[np.intp]:
    found = [i for i, name in enumerate(names) if any(fnmatchcase(name, one) for one in patterns)]
    return np.array(found, dtype=np.intp)
