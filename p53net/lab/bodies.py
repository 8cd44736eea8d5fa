"""The patient of a page: one plasma drives a tumour and the marrow, in the default structure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from p53net.lab.pieces import Contents, Row, Sources, lines_over, system_in
from p53net.model import cell_line_entries
from p53net.model.definition import GENERIC, define, values_behind
from p53net.model.tables import Entry, pharmacokinetic_entries
from p53net.studies.body.patients import TUMOUR
from p53net.studies.body.population import GRADES

HOST = "human"
SEVERE = 3
"""The grade whose limit a page draws."""

SLIDERS = (
    "CL_inhibitor", "V_central_inhibitor", "fu_plasma_inhibitor", "CL_degrader",
    "fu_plasma_degrader", "platelets_baseline", "slope_platelets", "life_platelets",
    "k_growth_tumour", "K_PUMA_caspase", "k_death", "E3_capacity",
)  # fmt: skip
"""Parameters that a page shows at first: exposure, platelets, and what kills a tumour."""


class _Place(NamedTuple):
    """A system in the body, with a line of its own, or any over the generic one."""

    system: str
    line: str | None
    lines: Mapping[str, Entry]


def bodies_of(
    roles: Mapping[str, Sequence[str]], found: Contents, sources: Sources
) -> dict[str, object]:
    """Systems of a patient, by the place and the mechanisms of its drugs: those with a row of
    pharmacokinetics in man."""
    known = pharmacokinetic_entries()
    able = {role: [name for name in names if f"{name} in {HOST}" in known]
            for role, names in roles.items()}  # fmt: skip
    able = {role: names for role, names in able.items() if names}
    groups: list[tuple[str, ...]] = [(role,) for role in sorted(able)]
    if len(able) > 1:
        groups.append(tuple(sorted(able)))
    lines = {name: one for name, one in cell_line_entries().items() if name != "progenitor"}
    places = _Place("marrow", None, {}), _Place("tumour", GENERIC, lines)
    bodies: dict[str, object] = {}
    masses: dict[str, float] = {}
    for place in places:
        for group in groups:
            kind, own = _kind(place, [able[role] for role in group], found, sources)
            bodies[f"{place.system}|{'+'.join(group)}"] = kind
            masses |= own
    limits = {count: below[SEVERE - 1] for count, below in GRADES.values()}
    return {
        "bodies": bodies,
        "patients": {
            "line": TUMOUR,
            "lines": list(lines),
            "masses": masses,
            "grade": SEVERE,
            "limits": limits,
            "sliders": list(SLIDERS),
        },
    }


def _kind(
    place: _Place, able: Sequence[Sequence[str]], found: Contents, sources: Sources
) -> tuple[dict[str, object], dict[str, float]]:
    """One system with its cell, its values, and what differs with drug and line; and g/mol of the
    drugs."""
    first = [names[0] for names in able]
    definition = define(*first, system=place.system, host=HOST, cell_line=place.line)
    base = definition.parameters

    def differing(drugs: Sequence[str]) -> dict[str, Row]:
        own = values_behind(*drugs, system=place.system, host=HOST, cell_line=place.line)
        return {name: sources.row(row) for name, row in own.items() if row != base[name]}

    drugs = {
        drug: differing([drug if one == names[0] else one for one in first])
        for names in able
        for drug in names
    }
    kind = system_in(definition, found) | {
        "rows": {name: sources.row(row) for name, row in base.items()},
        "drugs": drugs,
        "lines": lines_over(base, sources, place.lines),
        "volumes": {definition.drugs[d]: v for d, v in definition.central_volumes.items()},
    }
    if definition.cell is not None:
        kind["cell"] = system_in(definition.cell, found)
    return kind, {name: forms[""] for name, forms in definition.molar_masses.items()}
