"""SBML written by hand: small models of one cell, some of them with known solutions."""

import libsbml
import numpy as np

TIMES = np.linspace(0.0, 12.0, 49)
VOLUME = 2.0
K = 0.5
DECAY = ("decay", "S", "", "k * S")
AFTER = np.maximum(TIMES - 4, 0)


def mathml(formula: str) -> str:
    return libsbml.writeMathMLToString(libsbml.parseL3Formula(formula)).split("?>", 1)[1]


def species(name: str, start: float, kind: str = "Concentration", only: str = "false") -> str:
    return (
        f'<species id="{name}" compartment="cell" initial{kind}="{start}" '
        f'hasOnlySubstanceUnits="{only}" boundaryCondition="false" constant="false"/>'
    )


def reaction(name: str, reactants: str, products: str, rate: str) -> str:
    def side(tag: str, names: str) -> str:
        one = '<speciesReference species="{}" stoichiometry="{}" constant="true"/>'
        return listed(tag, *(one.format(n.lstrip("2"), "2" * (n[0] == "2") or 1)
                             for n in names.split()))  # fmt: skip

    return (
        f'<reaction id="{name}" reversible="false" fast="false">{side("Reactants", reactants)}'
        f"{side('Products', products)}<kineticLaw>{mathml(rate)}</kineticLaw></reaction>"
    )


def event(name: str, trigger: str, target: str, value: str) -> str:
    assignment = f'<eventAssignment variable="{target}">{mathml(value)}</eventAssignment>'
    return (
        f'<event id="{name}" useValuesFromTriggerTime="true"><trigger initialValue="true" '
        f'persistent="true">{mathml(trigger)}</trigger>{listed("EventAssignments", assignment)}'
        "</event>"
    )


def listed(tag: str, *items: str) -> str:
    return f"<listOf{tag}>{''.join(items)}</listOf{tag}>" if items else ""


def sbml(
    *pools: str,
    reactions: tuple[tuple[str, str, str, str], ...] = (),
    constants: dict[str, float] | None = None,
    variables: dict[str, float] | None = None,
    starts: dict[str, str] | None = None,
    rules: dict[str, str] | None = None,
    events: tuple[tuple[str, str, str, str], ...] = (),
    functions: str = "",
) -> str:
    """SBML of a cell with volume 2 and, unless given, the one constant k = 0.5."""
    parameter = '<parameter id="{}" value="{}" constant="{}"/>'
    quantities = [
        parameter.format(name, value, "true")
        for name, value in ({"k": K} if constants is None else constants).items()
    ]
    changing = {name: 0.0 for name in rules or {}} | (variables or {})
    quantities += [parameter.format(name, value, "false") for name, value in changing.items()]
    first = [
        f'<initialAssignment symbol="{name}">{mathml(text)}</initialAssignment>'
        for name, text in (starts or {}).items()
    ]
    always = [
        f'<assignmentRule variable="{name}">{mathml(text)}</assignmentRule>'
        for name, text in (rules or {}).items()
    ]
    size = f'<compartment id="cell" spatialDimensions="3" size="{VOLUME}" constant="true"/>'
    return (
        '<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1">'
        '<model id="small">'
        + listed("FunctionDefinitions", *([functions] if functions else []))
        + listed("Compartments", size)
        + listed("Species", *pools)
        + listed("Parameters", *quantities)
        + listed("InitialAssignments", *first)
        + listed("Rules", *always)
        + listed("Reactions", *(reaction(*item) for item in reactions))
        + listed("Events", *(event(*item) for item in events))
        + "</model></sbml>"
    )


INFUSION = sbml(
    species("S", 0),
    reactions=(("infusion", "", "S", "cell * input"), ("loss", "S", "", "cell * k * S")),
    variables={"input": 3},
    events=(("stop", "time >= 4", "input", "0"),),
)


def infusion(times: np.ndarray) -> np.ndarray:
    rising = 3 / K * (1 - np.exp(-K * np.minimum(times, 4)))
    return rising * np.exp(-K * np.maximum(times - 4, 0))
