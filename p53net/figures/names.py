"""Names of quantities, parameters and published numbers, as people write them, for figures."""

import re
from collections import Counter
from collections.abc import Sequence
from textwrap import fill
from typing import NamedTuple

import xarray as xr

_QUANTITIES = {
    "p53_total": "total p53",
    "p53_active": "active p53",
    "MDM2_total": "total MDM2",
    "MDM2_free": "free MDM2",
    "MDM2_mRNA": "MDM2 mRNA",
    "MDMX_total": "total MDMX",
    "MDMX_free": "free MDMX",
    "GDF15": "GDF-15",
    "GDF15_serum": "GDF-15 in serum",
    "caspase": "active caspase-3/7",
    "tumour_volume": "tumour volume",
}
_PARAMETERS = {
    "Ki": "Ki",
    "fu_medium": "free in medium",
    "fu_plasma": "free in plasma",
    "ka": "absorption",
    "CL": "clearance",
    "V_central": "central volume",
    "V_peripheral": "peripheral volume",
    "Q": "flow between volumes",
    "uptake_of_line": "uptake by cells",
    "K_PUMA_caspase": "PUMA at half caspase",
    "tumour_concentration": "level in tumours",
    "k_death": "death",
    "E3_capacity": "capacity of the partner",
    "slope_red_cells": "slope of red cells",
    "k_deg_MDM2": "loss of MDM2",
    "k_deg_p53": "loss of p53 without MDM2",
    "k_syn_p53": "synthesis of p53",
    "k_ub_p53": "ubiquitination of p53",
    "k_transcr_MDM2_P1": "transcription of MDM2, P1",
    "k_transcr_MDM2_P2": "transcription of MDM2, P2",
    "k_perm": "entry into cells",
    "k_ub_MDM2": "ubiquitination of MDM2",
}
_ROLES = re.compile(r"_(inhibitor|degrader)$")
_SHORT = {
    "tumour growth inhibition": "TGI",
    "days 1-3 and 15-17 of 28": "3/14",
    "once daily": "daily",
    "grade 3 or more": "grade ≥ 3",
    "all other schedules": "other schedules",
    "at the concentration that gives the observed p53": "p53 as observed",
    "dedifferentiated liposarcoma": "DD liposarcoma",
    "concentration of near-complete MDM2 loss": "dose of near-complete MDM2 loss",
    "TP53 wild-type lines with normal MDM2 and MDM4": "other lines",
    "fold over baseline": "fold",
    "maximum fold within 24 h of the first dose": "highest fold, first 24 h",
    "maximum rises": "rises",
    "days from the last dose of a cycle to the lowest count": "days from last dose to lowest count",
    "share of the loss that is regained before the next cycle": "regained before the next cycle",
    "highest dose every three weeks, of the assumed exposure, that no neutropenia or "
    "thrombocytopenia in 18 patients allows at 95 %": "highest dose that 18 patients allow",
    "is more frequent under the other schedules than under": "is rarer under",
    "platelets and neutrophils recover in the drug holiday; nadir several days after the last "
    "dose of a cycle": "counts recover between cycles",
    "IC50 of MDM2 inhibitors / IC50 of KT-253, growth inhibition": "IC50 of inhibitors / KT-253's",
    "concentration at which viability is lost after one week": "dose that kills in one week",
    "MDM2 protein under KT-253 stays below, under inhibitors above, untreated": "MDM2 falls under "
    "KT-253, rises under inhibitors",
    "median progression-free survival": "progression-free survival",
    "acute lymphoblastic leukaemia": "ALL",
    "sensitivity rises with MDM2 expression": "sensitivity rises with MDM2",
    "MDM2 inhibitors over KT-253": "inhibitors over KT-253",
    "IC50 in SJSA-1 over IC50 in HCT116 and RKO, nutlin-3a, SJSA-1, HCT116 and RKO": "IC50 in "
    "SJSA-1 over HCT116 and RKO, nutlin-3a",
    "glioblastoma lines": "glioblastoma",
    "days from grade 3-4 thrombocytopenia to 75e9/L or more": "days to 75e9/L after grade 3-4",
}
_NOBODY = ("none", "any", "")
_LONGEST = 64  # letters of a line of the name of a published number


def of_quantity(name: str, theirs: str = "") -> str:
    """A read-out or species; of a file that is not ours the name that the file has for it."""
    return _QUANTITIES.get(name) or theirs or name.replace("_", " ").replace("GDF15", "GDF-15")


def of_parameter(name: str) -> str:
    """An entry of a table and what it sets: `milademetan: fu_medium_inhibitor`."""
    entry, _, parameter = name.rpartition(": ")
    bare = _ROLES.sub("", parameter)
    said = _PARAMETERS.get(bare, parameter)
    return said if entry in ("model", "") else f"{entry}: {said}"


class Row(NamedTuple):
    """What a published number is, in the words of the ledger."""

    id: str
    quantity: str
    subject: str
    line: str
    protocol: str


def of_ledger(result: xr.Dataset) -> dict[str, str]:
    """As `of_observations`, of the rows of a result of `validate`."""
    columns = [result[name].values.astype(str) for name in ("observation", *Row._fields[1:])]
    return of_observations([Row(*map(str, row)) for row in zip(*columns, strict=True)])


def of_observations(rows: Sequence[Row]) -> dict[str, str]:
    """What each row of the ledger is, by its id: quantity, drug, line, and, where rows have these
    in common, what else tells them apart. Long names have two lines; none is cut."""
    bare = [_named(row) for row in rows]
    found = {}
    for i, (row, name) in enumerate(zip(rows, bare, strict=True)):
        twins = [k for k, other in enumerate(bare) if other == name and k != i]
        others = {clause for k in twins for clause in _clauses(rows[k].protocol)}
        own = [clause for clause in _clauses(row.protocol) if clause not in others]
        found[row.id] = f"{name}, {own[0]}" if twins and own else name
    counts = Counter(found.values())
    said = {one: name if counts[name] == 1 else f"{one.split('_')[0]}: {name}"
            for one, name in found.items()}  # fmt: skip
    return {
        one: fill(_shortened(name), _LONGEST, break_on_hyphens=False) for one, name in said.items()
    }


def _shortened(name: str) -> str:
    for long, short in _SHORT.items():
        name = name.replace(long, short)
    return name


def _named(row: Row) -> str:
    where = [part for part in (row.subject, row.line)
             if part not in _NOBODY and part.lower() not in row.quantity.lower()]  # fmt: skip
    return ", ".join([row.quantity, *where])


def _clauses(protocol: str) -> Sequence[str]:
    return [clause.strip() for clause in re.split("[;,]", protocol) if clause.strip()]
