"""Fast reactions, which by the specification are always at equilibrium: limits of infinite speed.

The limit has two parts. A run begins where the fast reactions alone have come to rest: that is a
model of its own, in which all else stands still. From there on their laws are multiplied by one
large number, so that they follow what the slow ones do. It is one for all of them, because where
two compete for a species the ratio of their speeds decides. It is a parameter, because runs with
two values of it say what an infinite one would give.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import libsbml
import numpy as np

from p53net.errors import ModelError, UnsupportedError
from p53net.model.definition import Definition
from p53net.model.external.formulas import formulas_of, nodes_of
from p53net.model.external.initial import Starts
from p53net.model.external.scales import slopes_of
from p53net.model.rates import system_of
from p53net.model.symbols import TIME

_FASTER = 1e8
"""How much faster than all slow ones the slowest fast reaction is made."""

_MOST = 1e10
"""The same of the fastest one. Rounding errors of a law that is multiplied by 1e11 can stop CVODE,
by 1e12 the batch engine."""

_LEAST = 1e5  # the same of the slowest one, where fast ones differ so much that both cannot be

_SMALL = 1e-3  # of the largest state: a smaller one counts as this

_WILD = 1e100  # a speed above this, or below its inverse, is none

_OTHERS = 1e6  # times as fast as a fast reaction is written: what no slow one may be

_SHOWN = 3  # names in a message


def fast_ones(model: "libsbml.Model") -> list["libsbml.Reaction"]:
    """Reactions that the file calls fast."""
    return [one for one in model.getListOfReactions() if one.isSetFast() and one.getFast()]


def said_of(fast: Sequence[str], every: bool) -> str:
    """What to say of them; `every` where the model has no other reactions."""
    more = f" and {len(fast) - _SHOWN} more" if len(fast) > _SHOWN else ""
    plural = "s" if len(fast) > 1 else ""
    alone = "; no other reaction moves anything" if every else ""
    return (
        f"fast reaction{plural} {', '.join(fast[:_SHOWN])}{more} run{'' if plural else 's'} at "
        "equilibrium, as SBML says; COPASI would take the written speed, "
        f"RoadRunner refuses them{alone}"
    )


def at_equilibrium(definition: Definition, fast: Sequence[str], name: str) -> Definition:
    """The same model with these reactions at equilibrium. Raises ModelError where their speeds
    cannot be worked out, or are too far apart.

    Speeds are those at the start of the file, with its parameters.
    """
    others = [one for one in _reactions(definition.sbml) if one not in fast]
    try:
        slow, speeds = _speeds(definition, fast)
    except (UnsupportedError, RecursionError) as error:
        raise ModelError(
            f"{name}: reaction {fast[0]} is fast, but its speed cannot be worked out ({error}); "
            "give it a rate of its own"
        ) from None
    least, most = (min(speeds), max(speeds)) if speeds else (1.0, 1.0)
    slow = slow or least  # nothing to compare with but themselves
    if slow > _OTHERS * least:
        raise ModelError(
            f"{name}: reactions such as {fast[0]} are called fast, but others are up to "
            f"{slow / least:.0e} times as fast as these are written, so that is not meant as "
            "equilibrium; take the mark away, or write their rates as they are"
        )
    factor = min(_FASTER * slow / least, _MOST * slow / most)
    if factor * least < _LEAST * slow and others:
        raise ModelError(
            f"{name}: the fast reactions {', '.join(fast[:_SHOWN])} differ in speed by a factor of "
            f"{most / least:.0e}, so that they cannot all be kept at equilibrium; give them rates "
            "of their own"
        )
    hurry = {_fresh_name(definition.sbml): 10.0 ** round(math.log10(factor))}
    alone = _with_laws(
        definition.sbml, {**dict.fromkeys(fast, 1.0 / least), **dict.fromkeys(others, 0.0)}
    )
    return replace(
        definition,
        sbml=_hurried(definition.sbml, fast, hurry),
        hurry=hurry,
        equilibrium=replace(
            definition, sbml=_frozen(alone), switches=(), windows={}, delayed=False
        ),
        remarks=(*definition.remarks, said_of(fast, not others)),
    )


def _speeds(definition: Definition, fast: Sequence[str]) -> tuple[float, list[float]]:
    """Of the fastest slow process, and of each fast reaction that has one, per unit of time."""
    values = Starts(definition).of({})
    if values is None:
        raise UnsupportedError("start values that have no formulas")
    whole = system_of(definition.sbml, events=False)
    known = {**whole.parameters, **values, TIME: 0.0}
    rest = system_of(_with_laws(definition.sbml, dict.fromkeys(fast, 0.0)), events=False)
    sizes = np.abs([known[name] for name in rest.states])
    sizes = np.maximum(sizes, _SMALL * sizes.max(initial=0.0))
    with np.errstate(all="ignore"):
        slow = np.abs(slopes_of(rest, rest.rates, known)).sum(axis=1)
        turnover = np.abs(rest.values(list(rest.rates), known)) / sizes
        laws = np.abs(slopes_of(whole, [whole.fluxes[one] for one in fast], known))
        known |= {n: float(whole.values([node], known)[0]) for n, node in whole.derived.items()}
    weights = _weights(definition.sbml, fast, whole.states, known)
    speeds = (laws * weights).sum(axis=1)
    slow = np.concatenate([slow, turnover])
    finite = slow[np.isfinite(slow)]
    return (
        float(finite.max(initial=0.0)),
        speeds[(speeds > 1.0 / _WILD) & (speeds < _WILD)].tolist(),
    )


def _weights(
    sbml: str, fast: Sequence[str], states: Sequence[str], known: Mapping[str, float]
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Reaction, state: how much of a state, as formulas mean it, a unit of a reaction moves."""
    document = libsbml.readSBMLFromString(sbml)
    model = document.getModel()
    weights = np.zeros((len(fast), len(states)))
    for row, name in enumerate(fast):
        reaction = model.getReaction(name)
        for item in (*reaction.getListOfReactants(), *reaction.getListOfProducts()):
            species = model.getSpecies(item.getSpecies())
            if species.getId() not in states:
                continue
            count = known.get(item.getId(), item.getStoichiometry())
            factor = known.get(species.getConversionFactor() or model.getConversionFactor(), 1.0)
            volume = (
                1.0 if species.getHasOnlySubstanceUnits()
                else known.get(species.getCompartment(), 1.0)
            )  # fmt: skip
            weight = abs(count * factor / volume) if volume else 1.0
            column = list(states).index(species.getId())
            weights[row, column] += 1.0 if math.isnan(weight) else weight
    return weights


def _reactions(sbml: str) -> list[str]:
    document = libsbml.readSBMLFromString(sbml)
    return [one.getId() for one in document.getModel().getListOfReactions()]


def _fresh_name(sbml: str) -> str:
    document, name = libsbml.readSBMLFromString(sbml), "hurry"
    while document.getModel().getElementBySId(name) is not None:
        name += "_"
    return name


def _hurried(sbml: str, fast: Sequence[str], hurry: Mapping[str, float]) -> str:
    """The model with the laws of some reactions multiplied by a new parameter."""
    document = libsbml.readSBMLFromString(sbml)
    model = document.getModel()
    ((name, value),) = hurry.items()
    parameter = model.createParameter()
    parameter.setId(name)
    parameter.setValue(value)
    parameter.setConstant(True)
    factor = libsbml.parseL3Formula(name)
    for one in fast:
        law = model.getReaction(one).getKineticLaw()
        law.setMath(_product(factor, law.getMath()))
    return str(libsbml.writeSBMLToString(document))


def _product(first: "libsbml.ASTNode", second: "libsbml.ASTNode") -> "libsbml.ASTNode":
    product = libsbml.ASTNode(libsbml.AST_TIMES)
    product.addChild(first.deepCopy())
    product.addChild(second.deepCopy())
    return product


def _with_laws(sbml: str, factors: Mapping[str, float]) -> str:
    """The model with the laws of some reactions multiplied."""
    document = libsbml.readSBMLFromString(sbml)
    for name, factor in factors.items():
        law = document.getModel().getReaction(name).getKineticLaw()
        node = libsbml.ASTNode(libsbml.AST_REAL)
        node.setValue(float(factor))
        law.setMath(_product(node, law.getMath()) if factor else node)
    return str(libsbml.writeSBMLToString(document))


def _frozen(sbml: str) -> str:
    """The model at its start for ever: no events, no rate rules, and a clock that stands."""
    document = libsbml.readSBMLFromString(sbml)
    model = document.getModel()
    while model.getNumEvents():
        model.removeEvent(0)
    for rule in model.getListOfRules():
        if rule.isRate():
            rule.setMath(libsbml.parseL3Formula("0"))
    for node in (node for formula in formulas_of(model) for node in nodes_of(formula)):
        if node.getType() == libsbml.AST_NAME_TIME:
            node.setValue(0.0)
    return str(libsbml.writeSBMLToString(document))
