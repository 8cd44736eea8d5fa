"""Rates of change of what an SBML model moves: by reactions, by rules, and by volumes that move."""

from functools import cached_property
from typing import TypeAlias

import libsbml

from p53net.errors import UnsupportedError
from p53net.model.expressions import Node
from p53net.model.relations import steps_in
from p53net.model.symbols import TIME, Symbols, states_of

_Side: TypeAlias = "tuple[libsbml.SpeciesReference, str, float]"
"""What of a species takes part in which reaction, and the sign of what comes of it."""


class Changes:
    """The rate of change of every name of a model, per unit of time."""

    def __init__(self, model: "libsbml.Model") -> None:
        self.symbols = Symbols(model, self.rate)
        self._model, self._known = model, self.symbols.known
        self._states = states_of(model)
        self._done: dict[str, Node] = {}
        self._open = list[str]()

    def rate(self, name: str) -> Node:
        """Of a state, of what a rule computes from states, or 0 of what stays."""
        if name in self._open:
            raise UnsupportedError(f"rates go round in a circle: {', '.join(self._open)}")
        if name not in self._done:
            self._open.append(name)
            self._done[name] = self._rate(name)
            self._open.pop()
        return self._done[name]

    def _rate(self, name: str) -> Node:
        rule = self.symbols.rules.get(name)
        if rule is not None:
            if rule.isRate():
                return self.symbols.node(rule.getMath(), f"rate rule of {name}", {})
            return self._along(self.symbols.symbol(name))
        if name not in self._states:
            return self._known.number(0.0)
        species = self._model.getSpecies(name)
        found = self._by_reactions(species)
        if species.getHasOnlySubstanceUnits():
            return found
        where = species.getCompartment()
        if where in self.symbols.rules and steps_in([self.symbols.symbol(where)]):
            raise UnsupportedError(f"compartment {where}, whose volume jumps")
        growth = self.rate(where)
        if growth.kind == "number" and growth.value == 0.0:
            return found
        # The amount stays where the volume grows, so the concentration falls.
        volume = self.symbols.symbol(where)
        share = self._known.power(volume, self._known.number(-1.0))
        thinned = self._known.product(self._known.symbol(name), growth, share)
        return self._known.sum([(found, 1.0), (thinned, -1.0)])

    def _along(self, node: Node) -> Node:
        """The rate of change of a formula."""
        known = self._known
        names = sorted(known.symbols(node) & {*self._states, TIME})
        rates = [known.number(1.0) if name == TIME else self.rate(name) for name in names]
        slopes = [known.derivative(node, known.symbol(name)) for name in names]
        return known.sum(
            (known.product(slope, rate), 1.0) for slope, rate in zip(slopes, rates, strict=True)
        )

    def _by_reactions(self, species: "libsbml.Species") -> Node:
        known = self._known
        if species.getBoundaryCondition() or species.getConstant():
            return known.number(0.0)
        found = [
            self._term(item, self.symbols.symbol(reaction), sign)
            for item, reaction, sign in self._sides.get(species.getId(), ())
        ]
        volume = self.symbols.symbol(species.getCompartment())
        # Divided one by one, so that the volume in a rate and the one below it cancel.
        share = known.number(1.0) if species.getHasOnlySubstanceUnits() else known.power(
            volume, known.number(-1.0)
        )  # fmt: skip
        factor = species.getConversionFactor() or self._model.getConversionFactor()
        if factor:
            share = known.product(share, self.symbols.symbol(factor))
        return known.sum((known.product(rate, share), count) for rate, count in found)

    @cached_property
    def _sides(self) -> dict[str, list[_Side]]:
        """Where each species takes part."""
        found: dict[str, list[_Side]] = {}
        for reaction in self._model.getListOfReactions():
            sides = (reaction.getListOfReactants(), -1.0), (reaction.getListOfProducts(), 1.0)
            for side, sign in sides:
                for item in side:
                    found.setdefault(item.getSpecies(), []).append((item, reaction.getId(), sign))
        return found

    def _term(
        self, item: "libsbml.SpeciesReference", rate: Node, sign: float
    ) -> tuple[Node, float]:
        """A rate and how often it counts."""
        computed = item.getId() and (
            item.getId() in self.symbols.rules or self.symbols.is_free(item.getId())
        )
        if computed:
            return self._known.product(rate, self.symbols.symbol(item.getId())), sign
        return rate, sign * float(item.getStoichiometry())
