"""A patient of one cell of a study: the tumour and the marrow, and what is changed in each."""

from collections.abc import Mapping
from typing import NamedTuple

from p53net.ensembles.cells import Cells, Part
from p53net.errors import unknown_name
from p53net.model.own import TablesLike
from p53net.simulation.inputs import checked_parameters
from p53net.simulation.loading import shared
from p53net.simulation.model import Model

MOST = 50
"""Draws that studies of patients take of an ensemble."""


class Bodies(NamedTuple):
    """Models of one patient by system, and the values of this patient in each."""

    models: dict[str, Model]
    changed: dict[str, dict[str, float]]
    """By system what differs from the model: what is drawn, and what a user changed."""
    given: dict[str, float]
    """What a user changed, as it was understood."""

    def drug(self, beside: str | None = None) -> str:
        """The drug by its own name; `beside` is that of another."""
        (name,) = (one for one in self.models["tumour"].definition.drugs if one != beside)
        return name

    @property
    def typical(self) -> dict[str, float]:
        """Parameters of all models."""
        return {
            name: self.changed[system].get(name, row.value)
            for system, model in self.models.items()
            for name, row in model.definition.parameters.items()
        }


def bodies_of(
    cells: Cells,
    part: Part,
    drug: str,
    cell_line: str,
    tables: TablesLike,
    accuracy: float | None,
    parameters: Mapping[str, float] | None,
    beside: str | None = None,
) -> Bodies:
    """The patient of the only cell of a part, who may get another drug beside. Raises InputError,
    UnknownNameError."""
    models = {
        system: shared(drug, *([beside] if beside else []), system=system, host="human",
                       cell_line=line, tables=tables, structure=part.structure).to(accuracy)
        for system, line in (("tumour", cell_line), ("marrow", None))
    }  # fmt: skip
    known = {name: model for model in models.values() for name in model.definition.parameters}
    for name in parameters or {}:
        if name not in known:
            raise unknown_name("parameter", name, known)
    given = {
        name: checked_parameters(known[name].definition, {name: value})[name]
        for name, value in (parameters or {}).items()
    }
    changed = {}
    for system, model in models.items():
        own = {n: v for n, v in given.items() if n in model.definition.parameters}
        columns = cells.columns(model, part, own)
        changed[system] = {name: float(values[0]) for name, values in columns.items()}
    return Bodies(models, changed, given)
