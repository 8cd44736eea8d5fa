"""What a model says of itself: a line, and in notebooks a card."""

from collections import Counter
from typing import TYPE_CHECKING

from p53net.model import Definition, shown_unit
from p53net.model.structures import name_of
from p53net.notebook.cards import Table, card

if TYPE_CHECKING:
    from p53net.simulation.model import Model

_KINDS = ("assumed", "fitted", "measured", "input", "computed", "file")


def line_of(definition: Definition) -> str:
    """In a line: drugs, where they are, the cell."""
    return f"<p53net model: {_title(definition)}>"


def _title(definition: Definition) -> str:
    if definition.external:
        return f"{definition.id}, read from a file"
    drugs = " + ".join(definition.drugs) or "no drug"
    if definition.in_body:
        where = f", {definition.system} of a {definition.host}"
    else:
        where = "" if definition.system == "dish" else f", {definition.system}"
    line = f", cell line {definition.cell_line}" if definition.has_loop else ""
    return f"{drugs}{where}{line}"


def card_of(model: "Model") -> str:
    """HTML: what it is, what is in it with units, and what each number rests on."""
    definition = model.definition
    rows = definition.parameters
    kinds = Counter(row.kind for row in rows.values())
    known = [*(kind for kind in _KINDS if kind in kinds), *sorted(kinds.keys() - {*_KINDS})]
    counts = ", ".join(f"{kinds[kind]} {kind}" for kind in known)
    read = (*definition.rate_variables, *definition.derived)
    tables = [
        Table(
            f"species, {len(definition.species)}",
            ("id", "unit", "what it is"),
            [_about(model, name) for name in definition.species],
        ),
        Table(
            f"volumes and read-outs, {len(read)}",
            ("id", "unit", "what it is"),
            [_about(model, name) for name in read],
        ),
        *(
            Table(
                f"parameters {kind}, {kinds[kind]}",
                ("id", "value", "unit", "source"),
                [(name, row.value, shown_unit(row.unit), row.source)
                 for name, row in rows.items() if row.kind == kind],
            )
            for kind in known
        ),
    ]  # fmt: skip
    return card(_title(definition), {**_facts(definition), "parameters": counts}, tables)


def _facts(definition: Definition) -> dict[str, object]:
    if definition.external:
        times = definition.time_unit or "units of the file"
        return {
            "read from": "a file; runs begin at its own start values",
            "time": times,
            "remarks": "; ".join(definition.remarks),
        }
    host = f" of a {definition.host}" if definition.in_body else ""
    drugs = ", ".join(f"{drug} ({role})" for drug, role in definition.drugs.items())
    kilograms = f"{definition.body_weight:g} kg"
    masses = f"masses, mg or mg/kg: pn.regimen; the host weighs {kilograms}"
    return {
        "model": definition.id,
        "drugs": drugs or "none",
        "system": f"{definition.system}{host}",
        "cell line": definition.cell_line if definition.has_loop else "",
        "structure": name_of(definition.structure) if definition.structure else "",
        "draw": definition.loaded.get("draw"),
        "doses": (masses if definition.in_body else "nM in the medium") if drugs else "",
        "time": definition.time_unit,
        "own fragments": ", ".join(text.name for text in definition.fragments),
    }


def _about(model: "Model", name: str) -> tuple[str, str, str]:
    told = model.about(name)
    meaning = told["long_name"]
    return name, told["units"], "" if meaning == name else meaning
