"""What a page holds: systems of equations, values with their sources, and draws of the ensemble."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from p53net.ensembles.draws import ensemble, is_shipped
from p53net.lab.bodies import bodies_of
from p53net.lab.pieces import Contents, Row, Sources, lines_over, system_in
from p53net.lab.systems import LAYOUTS
from p53net.model import Definition, cell_line_entries, drug_entries
from p53net.model.definition import define, values_behind
from p53net.model.structures import as_structure, choices_text, named_structures
from p53net.simulation.attributes import VERSION

SLIDERS = (
    "DSB", "k_syn_p53", "k_ub_p53", "Kd_p53", "k_deg_p53", "k_transcr_MDM2_P1", "K_MDM2",
    "k_deg_MDM2", "k_deg_MDM2_mRNA", "E3_capacity", "Ki_inhibitor", "fu_medium_inhibitor",
    "k_perm_inhibitor", "uptake_of_line", "fu_medium_degrader", "CRBN_of_line", "k_perm_degrader",
)  # fmt: skip
"""Parameters that a page shows at first, as far as a model has them: what active p53 at 24 h
depends on most, damage, and how fast drugs leave the cell (docs/lab.md)."""

Told = Callable[[str, float], None]


def contents_of(structures: Sequence[str] | None = None, told: Told | None = None) -> Contents:
    """All that the page needs, in these structures; by default in all that differ in a dish.

    `told` hears what is being made, and the share done. Raises UnknownNameError.
    """
    found, sources = Contents(), Sources()
    drugs = drug_entries()
    roles: dict[str, list[str]] = {}
    for name, entry in drugs.items():
        roles.setdefault(entry.facts["mechanism"], []).append(name)
    names = list(structures or named_structures())
    for name in names:
        as_structure(name)
    whole = tuple(sorted(roles))
    kinds: dict[str, object] = {}
    kept, seen = list[str](), set[str]()
    for number, structure in enumerate(names):
        if told is not None:
            told(structure, number / len(names))
        both = define(*(roles[role][0] for role in whole), structure=structure)
        values = _values(both, whole, structure, roles, sources)
        what = repr((both.sbml.replace(both.id, ""), values))
        if what in seen:  # it differs in culture, tumour or marrow alone
            continue
        seen.add(what)
        kept.append(structure)
        kinds[_key(structure, whole)] = {**system_in(both, found), **values}
        for role in whole:
            one = define(roles[role][0], structure=structure)
            own = _part_of(values, one, role, roles, sources)
            kinds[_key(structure, (role,))] = {**system_in(one, found), **own}
    if told is not None:
        told("the patient", 0.9)
    bodies = bodies_of(roles, found, sources)
    lines = cell_line_entries()
    found.data = {
        "version": VERSION,
        "layouts": LAYOUTS,
        "structures": [_structure(name) for name in kept],
        "lines": [{"name": one.name, "about": one.facts.get("description", "")}
                  for one in lines.values()],
        "drugs": [{"name": name, "mechanism": role} for role in sorted(roles, reverse=True)
                  for name in roles[role]],
        "tabled": {name: list(entry.values) for name, entry in {**drugs, **lines}.items()},
        "kinds": kinds,
        **bodies,
        "sources": list(sources.texts),
        "sliders": list(SLIDERS),
        "draws": _draws(kept, found),
    }  # fmt: skip
    return found


def _structure(name: str) -> dict[str, str]:
    one = named_structures()[name]
    return {"name": name, "choices": choices_text(one.choices), "note": one.note}


def _key(structure: str, group: Sequence[str]) -> str:
    return f"{structure}|{'+'.join(group)}"


def _values(
    definition: Definition,
    group: Sequence[str],
    structure: str,
    roles: Mapping[str, list[str]],
    sources: Sources,
) -> dict[str, dict[str, Any]]:
    """Parameters of the first drugs of these mechanisms, and what of them is another for each drug
    and each cell line."""
    first, base = [roles[role][0] for role in group], definition.parameters

    def differing(drugs: Sequence[str]) -> dict[str, Row]:
        own = values_behind(*drugs, structure=structure)
        return {name: sources.row(row) for name, row in own.items() if row != base[name]}

    others = {
        drug: differing([drug if one == roles[role][0] else one for one in first])
        for role in group
        for drug in roles[role]
    }
    return {
        "rows": {name: sources.row(row) for name, row in base.items()},
        "drugs": others,
        "lines": lines_over(base, sources, cell_line_entries(structure=as_structure(structure))),
    }


def _part_of(
    values: Mapping[str, Mapping[str, Any]],
    definition: Definition,
    role: str,
    roles: Mapping[str, list[str]],
    sources: Sources,
) -> dict[str, object]:
    """The values of a model with drugs of one mechanism, from those of one with two."""
    names = definition.parameters

    def inside(differing: Mapping[str, Mapping[str, Row]]) -> dict[str, Mapping[str, Row]]:
        return {of: {name: row for name, row in rows.items() if name in names}
                for of, rows in differing.items()}  # fmt: skip

    drugs = {drug: values["drugs"][drug] for drug in roles[role]}
    return {
        "rows": {name: sources.row(row) for name, row in names.items()},
        "drugs": inside(drugs),
        "lines": inside(values["lines"]),
    }


def _draws(structures: Sequence[str], found: Contents) -> dict[str, object] | None:
    """The shipped ensemble, if there is one and its structures are in the page."""
    if not is_shipped():
        return None
    shipped = ensemble()
    if not set(shipped.structures) <= set(structures):
        return None
    known = {*drug_entries(), *cell_line_entries(), "model"}
    columns = [name for name in shipped.parameters if name.partition(": ")[0] in known]
    values = shipped.table[columns].to_numpy(dtype=np.float64)
    return {
        "structures": shipped.table["structure"].tolist(),
        "columns": columns,
        "values": found.place(np.ascontiguousarray(values).tobytes()),
        "sha256": shipped.sha256,
    }
