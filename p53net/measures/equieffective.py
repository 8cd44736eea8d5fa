"""The drugs that a study compares, each a model with one drug, and the doses at which it does so.

A degrader brings its non-catalytic twin: the same molecule with `k_ub_MDM2` = 0, as the header of
its fragment says.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from p53net.dosing.medium import Dose, closed_dish, constant
from p53net.engines.base import FloatArray
from p53net.errors import InputError, MeasureError
from p53net.measures import curves
from p53net.model import GENERIC
from p53net.model.own import TablesLike, as_tables
from p53net.simulation.choice import AUTO
from p53net.simulation.loading import load
from p53net.simulation.model import Model

TWIN = " (non-catalytic twin)"
"""Added to a degrader's name for the same molecule with `k_ub_MDM2` = 0."""

DOSES = np.geomspace(1e-2, 1e6, 33)
"""Constant concentrations [nM] of a dose-response curve."""


@dataclass(frozen=True)
class Candidate:
    """One drug of the comparison: a model, and what makes it a twin."""

    name: str
    drug: str
    model: Model
    parameters: Mapping[str, float] = field(default_factory=dict)
    untreated: Mapping[str, float] = field(default_factory=dict)
    engine: str = AUTO
    engines: set[str] = field(default_factory=set)
    """What was said of the engines that ran it."""

    @property
    def mechanism(self) -> str:
        """That of the drug, such as `inhibitor`, or `twin` for one without its catalysis."""
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
            times,
            {self.drug: dose},
            self.parameters,
            feedback=feedback,
            observables=names,
            engine=self.engine,
        )
        self.engines.add(table.attrs["engine"])
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
            engine=self.engine,
        )
        self.engines.add(state.attrs["engine"])
        return float(state["p53_active"]) / self.untreated["p53_active"]


def candidates(
    drugs: Iterable[str],
    cell_line: str = GENERIC,
    tables: TablesLike = None,
    engine: str = AUTO,
) -> list[Candidate]:
    """The drugs, each degrader followed by its twin. Refuses cells without p53."""
    own = as_tables(tables)
    made: list[Candidate] = []
    for name in drugs:
        model = load(name, cell_line=cell_line, tables=own)
        (drug,) = model.definition.drugs
        rest = model.steady_state(engine=engine)
        untreated = {str(key): float(value) for key, value in rest.items()}
        if untreated["p53_active"] <= 0:
            raise MeasureError(
                f"{cell_line} has no p53, so there is no feedback to escape and no response to "
                "measure; choose a TP53 wild-type cell line"
            )
        made.append(Candidate(drug, drug, model, {}, untreated, engine))
        if twin := model.definition.twins.get(drug):
            made.append(Candidate(drug + TWIN, drug, model, twin, untreated, engine))
    if not made:
        raise InputError("no drug is named; give at least one")
    if len({one.name for one in made}) < len(made):
        raise InputError("a drug is named twice; give each once")
    return made


def resting_dose(one: Candidate, fold: float, *, feedback: bool) -> float:
    """The constant dose [nM] under which active p53 rests at `fold` times untreated."""
    return curves.effective_dose(
        partial(one.resting_fold, feedback=feedback),
        fold,
        "active p53 at rest, in multiples of untreated,",
    )


def loop_factor(one: Candidate, dose: float) -> float:
    """(d ln A / d ln k_ub_p53) opened at the treated state, over the same with the loop closed."""
    treated = one.model.steady_state(
        {one.drug: dose}, one.parameters, stable=False, engine=one.engine
    )
    usual = one.model.definition.parameters["k_ub_p53"].value
    rate = one.parameters.get("k_ub_p53", usual)
    held = {"P2_activity_held": float(treated["P2_activity_closed"])}

    def sensitivity(feedback: bool) -> float:
        changed: Mapping[str, float] = {} if feedback else held
        return curves.log_sensitivity(
            lambda factor: one.resting_fold(
                dose, feedback=feedback, changed={"k_ub_p53": rate * factor, **changed}
            )
        )

    return sensitivity(False) / sensitivity(True)


def responses(
    one: Candidate, hours: float, names: Sequence[str], *, feedback: bool = True
) -> FloatArray:
    """Values at `hours` under each of `DOSES`, constant: a row for each, a column for each name."""
    ends = np.array([0.0, hours])
    runs = [one.run(ends, constant(dose), names, feedback=feedback) for dose in DOSES]
    return np.array([[run[name][-1] for name in names] for run in runs])


def equal_dose(one: Candidate, active: FloatArray, hours: float, fold: float) -> tuple[float, bool]:
    """The lowest constant dose [nM] that gives the fold at `hours`, and whether it is the only one.

    `active` is active p53 under each of `DOSES`. Where p53 pulses, a response at one time can cross
    a level more than once.
    """
    above = active / one.untreated["p53_active"] >= fold
    crossings = np.flatnonzero(above[1:] != above[:-1])
    between = (DOSES[crossings[0]], DOSES[crossings[0] + 1]) if len(crossings) else None
    dose = curves.effective_dose(
        lambda nanomolar: one.fold_at(hours, constant(nanomolar)),
        fold,
        f"active p53 under {one.name} at {hours:g} h, in multiples of untreated,",
        between,
    )
    return dose, len(crossings) <= 1


def closed_dish_dose(one: Candidate, volume: float, hours: float, fold: float) -> float:
    """First concentration [nM] that gives the fold with `volume` [pL] of medium for each cell."""
    return curves.effective_dose(
        lambda nanomolar: one.fold_at(hours, closed_dish(nanomolar, volume)),
        fold,
        f"active p53 under {one.name} in {volume:g} pL per cell, in multiples of untreated,",
    )


def stoichiometric_load(one: Candidate, dose: float, volume: float) -> float:
    """Drug molecules for each MDM2 molecule of the untreated cell, at a closed dish's dose [nM]."""
    usual = one.model.definition.parameters["cell"].value
    cell = one.parameters.get("cell", usual)
    return dose * volume / (one.untreated["MDM2_total"] * cell)
