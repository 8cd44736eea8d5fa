"""A model inside COPASI, its parts by SBML id, and what COPASI says of it."""

import re
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from p53net.errors import ModelError, UnsupportedError
from p53net.extras import COPASI as EXTRA
from p53net.extras import need
from p53net.model.definition import Definition

need(EXTRA, "the engine copasi")

import COPASI as COPASI  # noqa: E402

LOCK = threading.RLock()  # models share COPASI's root, its functions and its list of messages
_SBML = 6700  # numbers of its messages on SBML begin here
_ASSIGNED = re.compile(r'<initialAssignment\b[^>]*\bsymbol="([^"]+)"')
_CHANGES_MEANING = {
    15, 38, 39, 47, 61, 62, 74, 76, 80, 85, 88,  # formulas that it does not understand
    31, 32, 33, 34, 48, 57, 58, 59, 68, 72, 94, 96, 97, 98, 99, 102,  # what it leaves out
    10, 65, 100, 101,  # stoichiometries that it sets itself
    36, 51,  # delays, and rate rules in volumes that change
}  # fmt: skip
"""Numbers of warnings of the import, after which COPASI would run another model than the file's."""


class Parts:
    """A model inside COPASI, and its parts by SBML id. It is removed together with this."""

    def __init__(self, sbml: str, definition: Definition) -> None:
        self.name, self.amounts = definition.id, definition.amounts
        self.data = COPASI.CRootContainer.addDatamodel()
        weakref.finalize(self, _removed, self.data).atexit = False
        with messages() as said:
            sound = self.data.importSBMLFromString(sbml)
        if not sound:
            raise ModelError(f"COPASI cannot read {self.name}; simplify it: {line(said)}")
        changing = [one for one in said if one[0] - _SBML in _CHANGES_MEANING]
        if changing:
            raise self._unsupported(line(changing))
        self.model = self.data.getModel()
        self.species = {item.getSBMLId(): item for item in self.model.getMetabolites()}
        others = (*self.model.getCompartments(), *self.model.getModelValues())
        self.all = {item.getSBMLId(): item for item in others} | self.species
        self.fixed = any(name not in self.all for name in _ASSIGNED.findall(definition.sbml))
        """Whether it has a stoichiometry that COPASI works out once, in the import."""
        self.particles = float(self.model.getQuantity2NumberFactor())
        """Particles in an amount of 1: what COPASI calculates with."""
        for name, one in self.species.items():
            still = one.getCompartment().getStatus() == COPASI.CModelEntity.Status_FIXED
            if one.getStatus() == COPASI.CModelEntity.Status_ODE and not still:
                raise self._unsupported(f"species {name} has a rate rule in a changing compartment")

        for name in definition.flows:  # COPASI keeps fixed values apart from the state
            self.all[name].setStatus(COPASI.CModelEntity.Status_ODE)
            self.all[name].setExpression("0")

    def initial(self, name: str) -> float:
        """A start value: of species concentrations, or amounts where these are shown."""
        part = self.all[name]
        if name not in self.species:
            return float(part.getInitialValue())
        if name in self.amounts:
            return float(part.getInitialValue()) / self.particles
        return float(part.getInitialConcentration())

    def need(self, names: Sequence[str]) -> None:
        """Raise UnsupportedError for what COPASI has no object for: rates and stoichiometries."""
        if hidden := [name for name in names if name not in self.all]:
            raise self._unsupported(f"it does not show {', '.join(hidden)}")

    def _unsupported(self, what: str) -> UnsupportedError:
        return UnsupportedError(f"COPASI cannot run {self.name}; use another engine: {what}")


@contextmanager
def messages() -> Iterator[list[tuple[int, str]]]:
    """What COPASI says meanwhile, number and text, which is taken off its list."""
    said = list[tuple[int, str]]()
    before = COPASI.CCopasiMessage.size()
    try:
        yield said
    finally:
        while COPASI.CCopasiMessage.size() > before:
            last = COPASI.CCopasiMessage.getLastMessage()
            said.insert(0, (last.getNumber(), last.getText()))


def line(said: Sequence[tuple[int, str]]) -> str:
    """Messages without their dates, in one line."""
    bare = [text.partition("<\n")[2] or text for _, text in said]
    return " ".join(" ".join(bare).split())[:300] or "COPASI does not say why"


def _removed(data: object) -> None:
    with LOCK:
        COPASI.CRootContainer.removeDatamodel(data)
