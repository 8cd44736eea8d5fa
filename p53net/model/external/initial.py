"""Start values of a model that was read from a file, and the file with other values in it."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import libsbml
import numpy as np

from p53net.errors import UnsupportedError
from p53net.model.definition import Definition
from p53net.model.external.formulas import nodes_of
from p53net.model.rates import System, system_of
from p53net.model.tables import Value


def with_parameters(sbml: str, changed: Mapping[str, float]) -> str:
    """The model with these values in it; other start values follow them as the file says."""
    document = libsbml.readSBMLFromString(sbml)
    model = document.getModel()
    for name, value in changed.items():
        model.removeInitialAssignment(name)
        if (compartment := model.getCompartment(name)) is not None:
            compartment.setSize(value)
        elif (parameter := model.getParameter(name)) is not None:
            parameter.setValue(value)
        elif (species := model.getSpecies(name)) is None:
            model.getSpeciesReference(name).setStoichiometry(value)
        else:
            if species.getHasOnlySubstanceUnits():
                species.setInitialAmount(value)
            else:
                species.setInitialConcentration(value)
    return str(libsbml.writeSBMLToString(document))


def assigned_of(sbml: str) -> tuple[str, ...]:
    """Species, parameters, compartments and stoichiometries with an initial assignment."""
    document = libsbml.readSBMLFromString(sbml)
    model = document.getModel()
    assigned = [item.getSymbol() for item in model.getListOfInitialAssignments()]
    parts = (model.getCompartment, model.getParameter, model.getSpecies,
             model.getSpeciesReference)  # fmt: skip
    return tuple(name for name in assigned if any(part(name) is not None for part in parts))


def names_in_starts(sbml: str) -> dict[str, frozenset[str]]:
    """What each initial assignment of a file depends on, by name."""
    document = libsbml.readSBMLFromString(sbml)
    return {
        item.getSymbol(): frozenset(
            node.getName() for node in nodes_of(item.getMath()) if node.isName()
        )
        for item in document.getModel().getListOfInitialAssignments()
        if item.isSetMath()
    }


def with_start_parameters(
    definition: Definition, states: Iterable[str]
) -> tuple[Definition, dict[str, str]]:
    """The model with a parameter that each of these states starts at, so that all start values
    which follow the state follow that; and the parameter's name."""
    document = libsbml.readSBMLFromString(definition.sbml)
    model, usual = document.getModel(), Starts(definition).of({}) or {}
    names, rows = dict[str, str](), dict(definition.parameters)
    for state in states:
        name = f"start_of_{state}"
        while model.getElementBySId(name) is not None:
            name += "_"
        value = float(usual.get(state, math.nan))
        parameter = model.createParameter()
        parameter.setId(name)
        parameter.setConstant(True)
        parameter.setValue(value)
        own = model.getInitialAssignmentBySymbol(state)
        if own is None:
            own = model.createInitialAssignment()
            own.setSymbol(state)
        else:
            of_parameter = model.createInitialAssignment()
            of_parameter.setSymbol(name)
            of_parameter.setMath(own.getMath())
        own.setMath(libsbml.parseL3Formula(name))
        names[state] = name
        rows[name] = Value(value, definition.units[state], "file", state)
    sbml = str(libsbml.writeSBMLToString(document))
    return replace(definition, sbml=sbml, parameters=rows), names


class Starts:
    """Where runs begin: the states' start values, which may depend on parameters."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._systems: dict[frozenset[str], System | None] = {}
        self._usual: dict[frozenset[str], dict[str, Any]] = {}

    def of(self, changed: Mapping[str, Any]) -> dict[str, Any] | None:
        """Start values of states, and of all else that the file computes at the start: numbers, or
        arrays where changed parameters are arrays.

        None where there are no formulas for them, so that an engine has to compute them.
        """
        free = frozenset(
            name for name in self._assigned if name in changed
        )  # computed in the file, but now given
        if free not in self._systems:
            sbml = self._definition.sbml
            first = {name: float(np.ravel(changed[name])[0]) for name in free}
            text = with_parameters(sbml, first) if free else sbml
            try:
                self._systems[free] = system_of(text, events=False)
            except (UnsupportedError, RecursionError):
                self._systems[free] = None
        system = self._systems[free]
        if system is None:
            return None
        if free not in self._usual:
            known = {**system.parameters, **{name: changed[name] for name in free}}
            self._usual[free] = _evaluated(system, list(system.starts), known)
        symbols = system.expressions.symbols
        moved = [n for n, node in system.starts.items() if symbols(node) & changed.keys()]
        values = {
            **self._usual[free],
            **_evaluated(system, moved, {**system.parameters, **changed}),
        }
        return {name: value for name, value in values.items() if name not in changed}

    @property
    def constants(self) -> dict[str, float]:
        """What the file gives or works out as a number, and does not depend on anything."""
        self.of({})
        system = self._systems[frozenset()]
        found = {} if system is None else dict(system.parameters)
        return {name: value for name, value in found.items() if np.isfinite(value)}

    @cached_property
    def _assigned(self) -> tuple[str, ...]:
        return assigned_of(self._definition.sbml)


def _evaluated(system: System, names: list[str], known: Mapping[str, Any]) -> dict[str, Any]:
    with np.errstate(all="ignore"):  # what is not finite is found by the caller
        found = system.values([system.starts[name] for name in names], known)
    return {n: v if np.ndim(v) else float(v) for n, v in zip(names, found, strict=True)}
