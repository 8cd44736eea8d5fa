"""What is added to a file for those who set and fit its parameters: numbers, and other scales."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import libsbml

from p53net.model.sbml import read

LOGIT = "logit"
_BASE, _FACTOR, _BEND = "base", "factor", "bend"


class Bent(NamedTuple):
    """A value that follows another one: `factor * x / (1 - bend * x)`."""

    factor: float = 1.0
    bend: float = 0.0


def named(parameter: str, *, share: bool, bent: bool) -> str:
    """The parameter that says what another one is: its logit, what it follows, or itself."""
    return f"{LOGIT if share else _BASE}_{parameter}" if share or bent else parameter


def names_of(parameter: str, bent: Bent) -> dict[str, float]:
    """The numbers by which a parameter follows another, by the parameters that hold them."""
    return {f"{_FACTOR}_{parameter}": bent.factor, f"{_BEND}_{parameter}": bent.bend}


def with_additions(
    sbml: str, numbers: Mapping[str, str], shares: Mapping[str, float], bent: Collection[str]
) -> str:
    """The model with new parameters of these units, at 0; with shares that follow their logits, by
    the value of these; and with parameters that follow others, as `Bent` says, at first as they
    are."""
    document = read(sbml)
    model = document.getModel()
    for name, unit in numbers.items():
        _parameter(model, name, unit, 0.0)
    for name in {**shares, **dict.fromkeys(bent)}:
        own = model.getParameter(name)
        unit, source = own.getUnits(), named(name, share=name in shares, bent=True)
        if name in shares:
            _parameter(model, source, "dimensionless", shares[name])
            formula = f"1 dimensionless / (1 dimensionless + exp(-{source}))"
        else:
            _parameter(model, source, unit, own.getValue())
            formula = source
        if name in bent:
            factor, bend = names_of(name, Bent())
            _parameter(model, factor, "dimensionless", 1.0)
            _parameter(model, bend, "dimensionless", 0.0)
            formula = f"{factor} * ({formula}) / (1 dimensionless - {bend} * ({formula}))"
        own.setConstant(False)
        own.unsetValue()
        rule = model.createAssignmentRule()
        rule.setVariable(name)
        rule.setMath(libsbml.parseL3Formula(formula))
    return str(libsbml.writeSBMLToString(document))


def _parameter(model: "libsbml.Model", name: str, unit: str, value: float) -> None:
    made = model.createParameter()
    made.setId(name)
    made.setName(name)
    made.setValue(value)
    made.setUnits(unit)
    made.setConstant(True)
