"""The definition of a model in an SBML file that is not ours, as engines can take it."""

import re
from dataclasses import replace
from pathlib import Path

import libsbml

from p53net.errors import ModelError
from p53net.model.definition import Definition
from p53net.model.external.arguments import refuse_wrong_arguments
from p53net.model.external.fast import at_equilibrium, fast_ones
from p53net.model.external.gate import check_sound, refuse_packages, safe_text
from p53net.model.external.initial import Starts
from p53net.model.external.normal import flattened, normalise
from p53net.model.external.plain import plain_text
from p53net.model.external.quantities import numbers_of, unit_of, units_of
from p53net.model.external.runnable import refuse_unrunnable
from p53net.model.external.sources import source_of
from p53net.model.external.still import stand_still
from p53net.model.external.switches import switches_of
from p53net.model.external.windows import windows_of
from p53net.model.own import Text
from p53net.model.symbols import references_of, rules_of, set_by_events, states_of
from p53net.model.tables import Value


def read_definition(path: str | Path) -> Definition:
    """What `definition_of` gives of a file, read in this very process: for files that are known.

    Raises InputError for a file that cannot be read, ModelError.
    """
    return definition_of(*source_of(path))


def definition_of(name: str, content: bytes, place: str) -> Definition:
    """The definition of the model in an SBML file, as Level 3 Version 1 without packages.

    `name` and `place` are those of the file. Raises ModelError for one that is no sound model or
    that uses what no engine here runs.
    """
    file = Path(name)
    text = safe_text(file, content)
    document = _sound(text, file.name)
    refuse_wrong_arguments(document.getModel(), file.name)
    try:
        normalise(document, file.name)
    except RecursionError:
        raise ModelError(
            f"{file.name} has functions inside each other too deep; use fewer"
        ) from None
    model = document.getModel()
    if not model.getId():
        model.setId(_identifier(file.stem))
    still = stand_still(model, file.name)
    refuse_unrunnable(model, file.name)
    fast = [reaction.getId() for reaction in fast_ones(model)]
    for one in fast:
        model.getReaction(one).setFast(False)
    rules, changed, references = rules_of(model), set_by_events(model), references_of(model)
    assigned = {item.getSymbol() for item in model.getListOfInitialAssignments()}
    species = [item.getId() for item in model.getListOfSpecies()]
    states = states_of(model)
    compartments = [item.getId() for item in model.getListOfCompartments()]
    units = units_of(model)
    numbers = numbers_of(model)
    derived = tuple(name for name in dict.fromkeys([*rules, *changed]) if name not in species)
    if not species and not derived:  # nothing moves: what there is
        derived = tuple(numbers)
    rates = [one.getId() for one in model.getListOfReactions()]
    definition = Definition(
        id=model.getId(),
        drugs={},
        cell_line="",
        drug_names={},
        antimony="",
        sbml=str(libsbml.writeSBMLToString(document)),
        parameters={
            name: Value(value, units[name], "file", file.name)
            for name, value in numbers.items()
            if name not in rules and name not in states
        },
        starts={},
        species=tuple(species),
        derived=derived,
        on_request=tuple(
            name
            for name in dict.fromkeys([*rates, *references, *numbers])
            if name not in species and name not in derived
        ),
        counters=(),
        divisors=frozenset(compartments) - rules.keys(),
        units=units,
        compartment_of={item.getId(): item.getCompartment() for item in model.getListOfSpecies()},
        external=True,
        time_unit=unit_of(model, model.getTimeUnits()),
        states=states,
        amounts=frozenset(
            item.getId() for item in model.getListOfSpecies() if item.getHasOnlySubstanceUnits()
        ),
        names={
            item.getId(): " ".join(item.getName().split())
            for item in (*model.getListOfSpecies(), *model.getListOfParameters())
            if item.getName()
        },
        switches=switches_of(model),
        windows=windows_of(model),
        fixed_at_reset=any(
            event.isSetTrigger() and not event.getTrigger().getInitialValue()
            for event in model.getListOfEvents()
        )
        or bool(assigned & references.keys()),
        delayed=any(_waits(event) for event in model.getListOfEvents()),
        loaded={"file": Text(file.name, text, place)},
        remarks=(still,) if still else (),
    )
    begun = Starts(definition)
    computed = begun.constants | (begun.of({}) or {})
    known = numbers | computed
    amounts = [  # what an engine's absolute tolerance is about
        abs(known[name] * (1.0 if item is None or item.getHasOnlySubstanceUnits() else
                           known.get(item.getCompartment(), 1.0)))
        for name, item in ((name, model.getSpecies(name)) for name in states)
    ]  # fmt: skip
    largest = max((value for value in amounts if value > 0.0), default=1.0)
    definition = replace(
        definition,
        scale=min(1.0, largest),
        parameters={
            name: replace(row, value=computed.get(name, row.value))
            for name, row in definition.parameters.items()
        },
    )
    return at_equilibrium(definition, fast, file.name) if fast else definition


def _waits(event: "libsbml.Event") -> bool:
    """Whether it happens some time after it is triggered."""
    if not event.isSetDelay() or not event.getDelay().isSetMath():
        return False
    delay = event.getDelay().getMath()
    return not (delay.isNumber() and delay.getValue() == 0.0)


def _sound(text: str, name: str) -> "libsbml.SBMLDocument":
    """The document, without submodels; where that is not sound, without what no run depends on."""
    try:
        return _checked(text, name)
    except ModelError:
        return _checked(plain_text(text), name)


def _checked(text: str, name: str) -> "libsbml.SBMLDocument":
    document = libsbml.readSBMLFromString(text)
    refuse_packages(document, name)
    flattened(document, name)
    check_sound(document, name)
    return document


def _identifier(stem: str) -> str:
    letters = re.sub(r"\W", "_", stem, flags=re.ASCII) or "model"
    return letters if letters[0].isalpha() else f"model_{letters}"
