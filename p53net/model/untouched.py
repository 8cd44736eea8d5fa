"""What a file says of cells without drug beside the treated ones: levels at rest, and what is
around them, once more.

A file holds one run, so what is relative to another run, of vehicle, has to be in it too.
"""

from collections.abc import Callable, Collection

import libsbml

from p53net.errors import UnsupportedError
from p53net.model.sbml import read

REST, VEHICLE = "rest", "vehicle"


class Untouched:
    """One model, to which such quantities are added when they are asked for."""

    def __init__(
        self, sbml: str, inside: Collection[str] | None, computed: Collection[str] = ()
    ) -> None:
        """`inside` are the states of a cell that comes to rest, None where there is no cell;
        `computed` are parameters that take a value of the cell when it has."""
        self._document = read(sbml)
        self._model = self._document.getModel()
        rules = list(self._model.getListOfRules())
        self._assigned = {
            r.getVariable(): r.getMath().deepCopy() for r in rules if r.isAssignment()
        }
        self._rates = {r.getVariable(): r.getMath().deepCopy() for r in rules if r.isRate()}
        species = {one.getId() for one in self._model.getListOfSpecies()}
        self._states = {*species, *self._rates}
        self._around = self._states - set(inside or ())
        self._computed = frozenset(computed)
        self.tracked: dict[str, str] = {}
        """Parameters that take the value of a quantity when the cell has come to rest."""

    @property
    def sbml(self) -> str:
        """The model as it has become."""
        return str(libsbml.writeSBMLToString(self._document))

    def at_start(self, name: str) -> str:
        """The parameter that holds what a quantity is when the cell has come to rest."""
        if self._leans(name, self._computed):  # on what is set at that very time
            return self._rule(REST, name, self.at_start)
        of = {of: parameter for parameter, of in self.tracked.items()}
        if name not in of:
            made = self._parameter(f"{REST}_{name}", self._unit(name))
            made.setValue(0.0)
            of[name] = made.getId()
            self.tracked[of[name]] = name
        return of[name]

    def of_vehicle(self, name: str) -> str:
        """What a quantity is at the same time in cells that get nothing. Raises UnsupportedError
        where what is around them takes part in reactions."""
        if name in self._around:
            return self._twin(name)
        if self._leans(name, self._around):
            return self._rule(VEHICLE, name, self.of_vehicle)
        return self.at_start(name)

    def _rule(self, kind: str, name: str, other: Callable[[str], str]) -> str:
        """A parameter that is what an assigned quantity is of other quantities."""
        made = f"{kind}_{name}"
        if self._model.getParameter(made) is None:
            self._parameter(made, self._unit(name))
            rule = self._model.createAssignmentRule()
            rule.setVariable(made)
            rule.setMath(self._with(self._assigned[name], other))
        return made

    def _twin(self, name: str) -> str:
        """A state around vehicle cells."""
        made = f"{VEHICLE}_{name}"
        if self._model.getParameter(made) is not None:
            return made
        if name not in self._rates:
            raise UnsupportedError(
                f"{name} reacts around the cell, so that of vehicle cannot be written beside it"
            )
        own = self._model.getParameter(name)
        twin = self._parameter(made, self._unit(name))
        if own.isSetValue():
            twin.setValue(own.getValue())
        if (start := self._model.getInitialAssignmentBySymbol(name)) is not None:
            assigned = self._model.createInitialAssignment()
            assigned.setSymbol(made)
            assigned.setMath(start.getMath().deepCopy())
        formula = self._with(self._rates[name], self.of_vehicle)
        rule = self._model.createRateRule()
        rule.setVariable(made)
        rule.setMath(formula)
        return made

    def _with(self, math: "libsbml.ASTNode", other: Callable[[str], str]) -> "libsbml.ASTNode":
        """A formula of other quantities in place of those that move."""
        if math.getType() == libsbml.AST_NAME:
            name = math.getName()
            if name not in self._states and name not in self._assigned:
                return math.deepCopy()  # a number of the model
            found = libsbml.ASTNode(libsbml.AST_NAME)
            found.setName(other(name))
            return found
        node = math.deepCopy()
        for i in range(math.getNumChildren()):
            node.replaceChild(i, self._with(math.getChild(i), other), True)
        return node

    def _leans(self, name: str, on: Collection[str]) -> bool:
        """Whether a quantity is one of these, or is worked out with one."""
        if name not in self._assigned:
            return name in on
        return any(self._leans(one, on) for one in _names(self._assigned[name]))

    def _parameter(self, name: str, unit: str) -> "libsbml.Parameter":
        made = self._model.createParameter()
        made.setId(name)
        made.setUnits(unit)
        made.setConstant(False)
        return made

    def _unit(self, name: str) -> str:
        own = self._model.getParameter(name)
        return "nM" if own is None else str(own.getUnits())


def _names(math: "libsbml.ASTNode") -> set[str]:
    own = {math.getName()} if math.getType() == libsbml.AST_NAME else set[str]()
    return own.union(*(_names(math.getChild(i)) for i in range(math.getNumChildren())))
