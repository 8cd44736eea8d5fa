"""Generated equations in Markdown: what a reviewer reads instead of SBML."""

from collections.abc import Collection, Iterator, Mapping

import libsbml

from p53net.model.sbml import read
from p53net.model.tables import Value


def markdown(sbml: str, parameters: Mapping[str, Value], observables: Collection[str]) -> str:
    """Markdown of one model: compartments, parameters with source, rates, ODEs, start values."""
    document = read(sbml)
    return "\n".join(_lines(document.getModel(), parameters, observables)) + "\n"


def _lines(
    model: "libsbml.Model", parameters: Mapping[str, Value], observables: Collection[str]
) -> Iterator[str]:
    yield f"# {model.getId()}"
    yield ""
    yield "Generated from `models/`; do not edit. Concentrations in nM, time in h, volumes in pL,"
    yield "amounts in zmol (zmol/pL = nM). Rates are amounts per hour."
    yield ""
    yield "## Parameters"
    yield ""
    yield "| id | value | unit | kind | source |"
    yield "|---|---|---|---|---|"
    for name, row in parameters.items():
        element = model.getCompartment(name) or model.getParameter(name)
        value = element.getSize() if model.getCompartment(name) else element.getValue()
        yield f"| `{name}` | {value:.12g} | {row.unit} | {row.kind} | {row.source} |"
    yield ""
    yield "## Derived quantities"
    yield ""
    for rule in (rule for rule in model.getListOfRules() if rule.isAssignment()):
        name = rule.getVariable()
        mark = " (observable)" if name in observables else ""
        yield f"- `{name} = {_formula(rule)}` [{model.getParameter(name).getUnits()}]{mark}"
    yield ""
    yield "## Reactions"
    yield ""
    yield "| reaction | equation | rate [zmol/h] |"
    yield "|---|---|---|"
    for reaction in model.getListOfReactions():
        rate = _formula(reaction.getKineticLaw())
        yield f"| `{reaction.getId()}` | {_equation(reaction)} | `{rate}` |"
    yield ""
    yield "## Differential equations"
    yield ""
    yield "Each is the rate of change of an amount, in zmol/h, as a sum of the reactions above."
    yield ""
    for species in model.getListOfSpecies():
        terms = list(_terms(model, species.getId()))
        yield f"- d({species.getCompartment()}*{species.getId()})/dt = {' '.join(terms) or '0'}"
    rated = [rule for rule in model.getListOfRules() if rule.isRate()]
    if rated:
        yield ""
        yield "What is no amount has a rate of its own, per hour:"
        yield ""
    for rule in rated:
        unit = model.getParameter(rule.getVariable()).getUnits()
        yield f"- d({rule.getVariable()})/dt = `{_formula(rule)}` [{unit} per hour]"
    yield ""
    yield "## Start values"
    yield ""
    yield "The untreated steady state, computed."
    yield ""
    yield "| species | nM | compartment |"
    yield "|---|---|---|"
    for species in model.getListOfSpecies():
        assigned = model.getInitialAssignmentBySymbol(species.getId())
        value = (
            f"`{_formula(assigned)}`" if assigned else f"{species.getInitialConcentration():.12g}"
        )
        yield f"| `{species.getId()}` | {value} | {species.getCompartment()} |"
    for rule in rated:
        name = rule.getVariable()
        assigned = model.getInitialAssignmentBySymbol(name)
        start = f"{model.getParameter(name).getValue():.12g}"
        unit = model.getParameter(name).getUnits()
        yield f"| `{name}` | {f'`{_formula(assigned)}`' if assigned else start} [{unit}] | |"


def _formula(element: "libsbml.SBase") -> str:
    return str(libsbml.formulaToL3String(element.getMath()))


def _equation(reaction: "libsbml.Reaction") -> str:
    arrow = "⇌" if reaction.getReversible() else "→"
    sides = (reaction.getListOfReactants(), reaction.getListOfProducts())
    left, right = (" + ".join(item.getSpecies() for item in side) or "∅" for side in sides)
    return f"{left} {arrow} {right}"


def _terms(model: "libsbml.Model", species: str) -> Iterator[str]:
    for reaction in model.getListOfReactions():
        change = sum(
            p.getStoichiometry() for p in reaction.getListOfProducts() if p.getSpecies() == species
        )
        change -= sum(
            r.getStoichiometry() for r in reaction.getListOfReactants() if r.getSpecies() == species
        )
        if change:
            factor = "" if abs(change) == 1 else f"{abs(change):g}*"
            yield f"{'+' if change > 0 else '-'} {factor}`{reaction.getId()}`"
