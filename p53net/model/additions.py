"""What is added to a file for those who set and fit its parameters: numbers, and other scales."""

from collections.abc import Collection, Mapping

import libsbml

from p53net.model.sbml import read

LOGIT = "logit"


def logit_of(parameter: str) -> str:
    """The parameter that another one, a share, follows."""
    return f"{LOGIT}_{parameter}"


def with_additions(
    sbml: str, numbers: Mapping[str, str], shares: Collection[str], values: Mapping[str, float]
) -> str:
    """The model with new parameters of these units, at 0, and with shares that follow their logits,
    which begin at `values`."""
    document = read(sbml)
    model = document.getModel()
    for name, unit in numbers.items():
        _parameter(model, name, unit, 0.0)
    for name in shares:
        _parameter(model, logit_of(name), "dimensionless", values[name])
        share = model.getParameter(name)
        share.setConstant(False)
        share.unsetValue()
        rule = model.createAssignmentRule()
        rule.setVariable(name)
        rule.setMath(libsbml.parseL3Formula(
            f"1 dimensionless / (1 dimensionless + exp(-{logit_of(name)}))"
        ))  # fmt: skip
    return str(libsbml.writeSBMLToString(document))


def _parameter(model: "libsbml.Model", name: str, unit: str, value: float) -> None:
    made = model.createParameter()
    made.setId(name)
    made.setName(name)
    made.setValue(value)
    made.setUnits(unit)
    made.setConstant(True)
