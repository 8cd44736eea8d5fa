"""The drugs that a study compares: each a model with one drug, and a degrader's twin."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from p53net.dosing import Dose
from p53net.errors import InputError, MeasureError
from p53net.escape_report import TWIN
from p53net.measures import FloatArray
from p53net.model import GENERIC
from p53net.simulate import Model, load


@dataclass(frozen=True)
class Candidate:
    """One drug of the comparison: a model, and what makes it a twin."""

    name: str
    drug: str
    model: Model
    parameters: Mapping[str, float] = field(default_factory=dict)
    untreated: Mapping[str, float] = field(default_factory=dict)

    @property
    def mechanism(self) -> str:
        """`inhibitor`, `degrader`, or `twin` for a degrader without its catalysis."""
        return "twin" if self.parameters else self.model.definition.drugs[self.drug]

    @property
    def in_cell(self) -> str:
        """Name of the drug's total concentration in the cell."""
        return f"{self.model.definition.drugs[self.drug]}_in_cell"

    def run(
        self, times: FloatArray, dose: Dose, names: Sequence[str], *, feedback: bool = True
    ) -> dict[str, FloatArray]:
        """Curves of the named quantities under this dose."""
        table = self.model.simulate(
            times, {self.drug: dose}, self.parameters, feedback=feedback, observables=names
        )
        return {name: np.asarray(table[name].values) for name in names}

    def fold_at(self, hours: float, dose: Dose, *, feedback: bool = True) -> float:
        """Active p53 at a time, in multiples of untreated."""
        curve = self.run(np.array([0.0, hours]), dose, ["p53_active"], feedback=feedback)
        return float(curve["p53_active"][-1] / self.untreated["p53_active"])

    def resting_fold(
        self, nanomolar: float, *, feedback: bool, changed: Mapping[str, float] | None = None
    ) -> float:
        """Active p53 at rest under constant exposure, in multiples of untreated."""
        state = self.model.steady_state(
            {self.drug: nanomolar},
            {**self.parameters, **(changed or {})},
            feedback=feedback,
            stable=False,
        )
        return float(state["p53_active"]) / self.untreated["p53_active"]


def candidates(
    drugs: Iterable[str],
    cell_line: str = GENERIC,
    drug_table: str | Path | None = None,
    cell_line_table: str | Path | None = None,
) -> list[Candidate]:
    """The drugs, each degrader followed by its twin. Refuses cells without p53."""
    made: list[Candidate] = []
    for name in drugs:
        model = load(name, cell_line=cell_line, drugs=drug_table, cell_lines=cell_line_table)
        ((drug, role),) = model.definition.drugs.items()
        rest = model.steady_state()
        untreated = {str(key): float(value) for key, value in rest.items()}
        if untreated["p53_active"] <= 0:
            raise MeasureError(
                f"{cell_line} has no p53, so there is no feedback to escape and no response to "
                "measure; choose a TP53 wild-type cell line"
            )
        made.append(Candidate(drug, drug, model, {}, untreated))
        if role == "degrader":
            made.append(Candidate(drug + TWIN, drug, model, {"k_ub_MDM2": 0.0}, untreated))
    if not made:
        raise InputError("no drug is named; give at least one")
    if len({one.name for one in made}) < len(made):
        raise InputError("a drug is named twice; give each once")
    return made
