"""From model text to SBML Level 3 Version 1, and back to what engines and readers need of it."""

import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from threading import Lock
from xml.sax.saxutils import escape

import antimony
import libsbml

from p53net.errors import ModelError
from p53net.model.dose_events import (
    Event as Event,
)
from p53net.model.dose_events import (
    Given,
    add_amounts,
    add_event,
    add_start,
    antimony_with_exact_times,
    with_exact_times,
)

_ANTIMONY = Lock()  # one loader with global state in the whole process
_KEPT = 64
"""Models of which it is remembered what was compiled and found: 100 kB each."""


@lru_cache(maxsize=_KEPT)
def to_sbml(text: str, model_id: str, *, trusted: bool = False) -> str:
    """Compile Antimony into flat, annotated SBML L3V1 that libSBML accepts.

    A text that is `trusted`, which `p53net check` has seen, is not checked for consistency, which
    takes half of the time. Raises ModelError with the engine's own message. The loader is cleared
    first and its return code is checked, because a failed load otherwise hands out the previous
    model.
    """
    if "\0" in text:
        raise ModelError("the model text contains a NUL byte, which would cut it short; remove it")
    if re.search(r"^\s*import\b", text, re.MULTILINE):
        raise ModelError("`import` reads other files and is not allowed; join fragments instead")
    with _ANTIMONY:
        antimony.clearPreviousLoads()
        if antimony.loadAntimonyString(text) < 0:
            raise ModelError(f"the model text cannot be read: {antimony.getLastError().strip()}")
        sbml = antimony.getSBMLString(model_id)
        antimony.clearPreviousLoads()
    document = read(sbml)
    turned = document.setLevelAndVersion(3, 1, not trusted)
    if not turned or document.getNumErrors(libsbml.LIBSBML_SEV_ERROR):
        raise ModelError("the model uses features that SBML Level 3 Version 1 does not have")
    model = document.getModel()
    model.setName(model_id)  # COPASI shows the name, and "NoName" without one
    _whole_multipliers(model)
    for species in model.getListOfSpecies():
        species.setSubstanceUnits(model.getSubstanceUnits())
        if not species.isSetInitialConcentration() and not _assigned(model, species.getId()):
            species.setInitialConcentration(0.0)
    _creator(model)
    return str(libsbml.writeSBMLToString(document))


def to_antimony(sbml: str) -> str:
    """Antimony text of an SBML model, for tellurium and for readers."""
    with _ANTIMONY:
        antimony.clearPreviousLoads()
        if antimony.loadSBMLString(sbml) < 0:
            raise ModelError(f"the SBML cannot be read: {antimony.getLastError().strip()}")
        text = str(antimony.getAntimonyString(antimony.getMainModuleName()))
        antimony.clearPreviousLoads()
    return antimony_with_exact_times(text, sbml)


def read(sbml: str) -> "libsbml.SBMLDocument":
    """The parsed document, to be changed at will; an unreadable one is a ModelError, not an empty
    model."""
    document = libsbml.readSBMLFromString(sbml)
    if document.getNumErrors(libsbml.LIBSBML_SEV_ERROR) or document.getModel() is None:
        problems = [document.getError(i).getMessage() for i in range(document.getNumErrors())]
        raise ModelError("the SBML cannot be read: " + " ".join(" ".join(problems).split())[:600])
    return document


def with_values(
    sbml: str,
    parameters: Mapping[str, float],
    start: Mapping[str, float],
    events: Sequence[Event] = (),
    *,
    amounts: Mapping[str, float] | None = None,
    given: Sequence[Given] = (),
    note: str = "",
) -> str:
    """The model with these parameter values, start concentrations and dose events written in.

    `amounts` are parameters [nmol] that hold doses, which events name; `given` are those at the
    start. `note` is a text for those who open the file.
    """
    document = read(sbml)
    model = document.getModel()
    for name, value in parameters.items():
        compartment = model.getCompartment(name)
        if compartment is not None:
            compartment.setSize(_rounded(value))
        else:
            model.getParameter(name).setValue(_rounded(value))
    for name, value in start.items():
        if model.getInitialAssignmentBySymbol(name) is not None:
            continue
        if (species := model.getSpecies(name)) is not None:
            species.setInitialConcentration(_rounded(value))
        else:
            model.getParameter(name).setValue(_rounded(value))
    add_amounts(model, amounts or {})
    for dose in given:
        add_start(model, dose)
    for number, event in enumerate(events, start=1):
        add_event(model, number, event)
    if note:
        lines = "".join(f"<p>{escape(line)}</p>" for line in note.splitlines())
        model.setNotes(f'<body xmlns="http://www.w3.org/1999/xhtml">{lines}</body>')
    return with_exact_times(str(libsbml.writeSBMLToString(document)), events)


@lru_cache(maxsize=2)
def _seen(sbml: str) -> "libsbml.SBMLDocument":
    """The same for those who only read, one after the other."""
    return read(sbml)


def units_of(sbml: str) -> dict[str, str]:
    """Unit of every species (its concentration), compartment, parameter and derived quantity."""
    document = _seen(sbml)
    model = document.getModel()
    found = {item.getId(): item.getUnits() for item in model.getListOfParameters()}
    found.update({item.getId(): item.getUnits() for item in model.getListOfCompartments()})
    found.update({item.getId(): "nM" for item in model.getListOfSpecies()})
    return found


def species_of(sbml: str) -> tuple[str, ...]:
    """Species in the order of the model."""
    document = _seen(sbml)
    return tuple(item.getId() for item in document.getModel().getListOfSpecies())


def compartments_of(sbml: str) -> dict[str, str]:
    """Compartment of every species."""
    document = _seen(sbml)
    return {item.getId(): item.getCompartment() for item in document.getModel().getListOfSpecies()}


def language_of(sbml: str) -> str:
    """Level and version, as in `level-3.version-1`."""
    document = _seen(sbml)
    return f"level-{document.getLevel()}.version-{document.getVersion()}"


def targets_of(sbml: str, names: Sequence[str]) -> dict[str, str]:
    """XPaths of quantities, with the prefix `sbml`; what is no species, parameter or compartment
    has none."""
    model, found = _seen(sbml).getModel(), dict[str, str]()
    for name in names:
        for kind in ("Species", "Parameter", "Compartment"):
            if getattr(model, f"get{kind}")(name) is not None:
                listed = kind if kind == "Species" else f"{kind}s"
                found[name] = (
                    f"/sbml:sbml/sbml:model/sbml:listOf{listed}/sbml:{kind.lower()}[@id='{name}']"
                )
    return found


def rules_of(sbml: str) -> tuple[str, ...]:
    """Derived quantities (assignment rules) in the order of the model."""
    document = _seen(sbml)
    rules = document.getModel().getListOfRules()
    return tuple(rule.getVariable() for rule in rules if rule.isAssignment())


def rate_variables_of(sbml: str) -> dict[str, float]:
    """What has a rate of its own, in the order of the model, and the number that it starts at;
    NaN where it starts at a parameter."""
    document = _seen(sbml)
    model = document.getModel()
    names = [rule.getVariable() for rule in model.getListOfRules() if rule.isRate()]
    parameters = {name: model.getParameter(name) for name in names}
    return {n: p.getValue() if p.isSetValue() else math.nan for n, p in parameters.items()}


@lru_cache(maxsize=_KEPT)
def counters_of(sbml: str) -> tuple[str, ...]:
    """Species that only accumulate: produced, never consumed, and without effect on any rate."""
    document = _seen(sbml)
    model = document.getModel()
    busy: set[str] = set()
    for reaction in model.getListOfReactions():
        busy |= {item.getSpecies() for item in reaction.getListOfReactants()}
        busy |= _symbols(reaction.getKineticLaw().getMath())
    for rule in model.getListOfRules():
        busy |= _symbols(rule.getMath())
    return tuple(item for item in species_of(sbml) if item not in busy)


@lru_cache(maxsize=_KEPT)
def divisors_of(sbml: str) -> frozenset[str]:
    """Symbols below a fraction line, and all compartments: values that must not be zero."""
    document = _seen(sbml)
    model = document.getModel()
    laws = [reaction.getKineticLaw().getMath() for reaction in model.getListOfReactions()]
    laws += [rule.getMath() for rule in model.getListOfRules()]
    fixed = {item.getId() for item in model.getListOfParameters() if item.getConstant()}
    below = frozenset[str]().union(*(_below(law) for law in laws)) & fixed
    return below | {item.getId() for item in model.getListOfCompartments()}


def _below(node: "libsbml.ASTNode") -> frozenset[str]:
    children = [node.getChild(i) for i in range(node.getNumChildren())]
    own = _symbols(children[1]) if node.getType() == libsbml.AST_DIVIDE else set[str]()
    return frozenset(own).union(*(_below(child) for child in children))


def _symbols(node: "libsbml.ASTNode") -> set[str]:
    own = {node.getName()} if node.isName() else set()
    return own.union(*(_symbols(node.getChild(i)) for i in range(node.getNumChildren())))


def _assigned(model: "libsbml.Model", species: str) -> bool:
    by_rule = model.getRuleByVariable(species) is not None
    return by_rule or model.getInitialAssignmentBySymbol(species) is not None


def _rounded(value: float) -> float:
    """Twelve significant digits: what the solvers agree on, so that files are reproducible."""
    return float(f"{value:.12g}")


def _whole_multipliers(model: "libsbml.Model") -> None:
    """Write an hour as 3600 s. Antimony writes 3.6 ks, and COPASI then shows 3.6*ks."""
    for definition in model.getListOfUnitDefinitions():
        for unit in definition.getListOfUnits():
            if unit.getScale() > 0:
                unit.setMultiplier(round(unit.getMultiplier() * 10 ** unit.getScale(), 9))
                unit.setScale(0)


def _creator(model: "libsbml.Model") -> None:
    """Creator, date and licence. vCard 3, which L3V1 asks for, is the only form COPASI keeps."""
    history = libsbml.ModelHistory()
    creator = libsbml.ModelCreator()
    creator.setFamilyName("p53net")
    creator.setGivenName("contributors")
    creator.setOrganization("p53net")
    history.addCreator(creator)
    for write in (history.setCreatedDate, history.setModifiedDate):
        write(libsbml.Date("2026-11-20T00:00:00Z"))
    model.setModelHistory(history)
