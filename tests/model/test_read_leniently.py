"""Files that SBML allows, or that other tools write: read as they are meant, and run."""

from pathlib import Path

import libsbml
import numpy as np
import pytest
import xarray as xr

import p53net as pn
from p53net.model.definition import Definition
from p53net.model.external import definition_of, read_definition
from tests.support.files import assert_near

T = np.linspace(0.0, 4.0, 9)
DECAY = {"A": 4.0 * np.exp(-0.5 * T)}
MATH = '<math xmlns="http://www.w3.org/1998/Math/MathML">{}</math>'
LAW = "<apply><times/><ci>k</ci><ci>A</ci></apply>"
CLOCK = '<csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/time">t</csymbol>'


def level2(
    *, about: str = "", more: str = "", inside: str = "", units: str = "", product: str = "",
    version: int = 4,
) -> str:  # fmt: skip
    """A decay of A in a file of Level 2."""
    space = "http://www.sbml.org/sbml/level2" + (f"/version{version}" if version > 1 else "")
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="{space}" level="2" version="{version}"{about}><model id="m">{more}
<listOfCompartments><compartment id="out" size="1"/><compartment id="c" size="1"{inside}/>
</listOfCompartments>
<listOfSpecies><species id="A" compartment="c" initialConcentration="4"/>
<species id="B" compartment="c" initialConcentration="0"/></listOfSpecies>
<listOfParameters><parameter id="k" value="0.5"{units}/></listOfParameters>
<listOfReactions><reaction id="J" reversible="false">
<listOfReactants><speciesReference species="A"/></listOfReactants>
<listOfProducts><speciesReference species="B">{product}</speciesReference></listOfProducts>
<kineticLaw>{MATH.format(LAW)}</kineticLaw></reaction></listOfReactions></model></sbml>"""


def level3(
    body: str, *, version: int = 2, about: str = "", beside: str = "", size: str = 'size="1"'
) -> str:
    """A model with these lists after its compartment and its one species."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="http://www.sbml.org/sbml/level3/version{version}/core" level="3"
 version="{version}"{about}><model id="m">
<listOfCompartments><compartment id="c" {size} constant="true"/></listOfCompartments>
<listOfSpecies><species id="A" compartment="c" initialAmount="4" hasOnlySubstanceUnits="false"
 boundaryCondition="false" constant="false"/></listOfSpecies>
{body}</model>{beside}</sbml>"""


def parameters(*ids: str, value: str = "1", constant: str = "false") -> str:
    one = '<parameter id="{}" value="{}" constant="{}"/>'
    inside = "".join(one.format(name, value, constant) for name in ids)
    return f"<listOfParameters>{inside}</listOfParameters>"


def run(text: str, engine: str = "batch", **more: object) -> xr.Dataset:
    found = pn.read_sbml(text).simulate(T, engine=engine, **more)  # type: ignore[arg-type]
    assert found.attrs["engine"].startswith(engine)
    return found


OLD = '<annotation><a:x xmlns:a="http://a.b/a"/><a:y xmlns:a="http://a.b/a"/></annotation>'
LAYOUT = (
    ' xmlns:layout="http://www.sbml.org/sbml/level3/version1/layout/version1" '
    'layout:required="false"'
)
RENDER = (
    ' xmlns:render="http://www.sbml.org/sbml/level3/version1/render/version1" '
    'render:required="false"'
)
ODD_UNIT = (
    '<listOfUnitDefinitions><unitDefinition id="u"><listOfUnits><unit kind="avogadro"/>'
    "</listOfUnits></unitDefinition></listOfUnitDefinitions>"
)
MEANT: dict[str, str] = {
    "an old annotation": level2(more=OLD, version=1),
    "what lies outside": level2(inside=' outside="out"'),
    "a unit that is not defined": level2(units=' units="per_hour"'),
    "a unit of no kind": level2(more=ODD_UNIT, units=' units="u"'),
    "a package of another level": level2(about=LAYOUT),
    "a broken drawing": level3(
        f"{parameters('k', value='0.5')}<listOfReactions><reaction id='J' reversible='false'>"
        "<listOfReactants><speciesReference species='A' stoichiometry='1' constant='true'/>"
        f"</listOfReactants><kineticLaw>{MATH.format(LAW)}</kineticLaw></reaction>"
        "</listOfReactions>", about=RENDER,
        beside="<render:globalRenderInformation xmlns:render='http://www.sbml.org/sbml/level3/"
               "version1/render/version1'><render:odd/></render:globalRenderInformation>"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", MEANT)
def test_what_no_run_depends_on_is_left_out(name: str) -> None:
    for engine in ("batch", "roadrunner"):
        assert_near(run(MEANT[name], engine), DECAY)


def test_a_plain_file_keeps_its_annotation() -> None:
    text = level2(more=OLD.replace('<a:y xmlns:a="http://a.b/a"/>', ""))
    assert "http://a.b/a" in read_definition_of(text).sbml


def read_definition_of(text: str) -> Definition:
    return definition_of("m.xml", text.encode(), "")


def test_a_stoichiometry_by_a_formula_of_level_2() -> None:
    formula = "<apply><times/><cn>4</cn><ci>k</ci></apply>"
    text = level2(product=f"<stoichiometryMath>{MATH.format(formula)}</stoichiometryMath>")
    for engine in ("batch", "roadrunner"):
        assert_near(run(text, engine), {"B": 2 * (4.0 - DECAY["A"])})


@pytest.mark.parametrize("engine", ["batch", "roadrunner"])
def test_what_is_called_as_the_clock_is(engine: str) -> None:
    rule = f"<rateRule variable='time'>{MATH.format('<cn>2</cn>')}</rateRule>"
    found = run(level3(f"{parameters('time')}<listOfRules>{rule}</listOfRules>"), engine)
    assert_near(found, {"time_": 1.0 + 2.0 * T})


def test_nothing_but_constants_and_an_event() -> None:
    late = MATH.format(f"<apply><gt/>{CLOCK}<cn>1.25</cn></apply>")
    event = (
        "<listOfEvents><event id='E' useValuesFromTriggerTime='true'>"
        f"<trigger initialValue='true' persistent='true'>{late}</trigger><listOfEventAssignments>"
        f"<eventAssignment variable='p'>{MATH.format('<cn>3</cn>')}</eventAssignment>"
        "<eventAssignment variable='q'/></listOfEventAssignments></event></listOfEvents>"
    )
    found = run(level3(parameters("p", "q") + event))
    assert_near(found, {"p": np.where(T > 1.25, 3.0, 1.0)})


COMP = ' xmlns:comp="http://www.sbml.org/sbml/level3/version1/comp/version1" comp:required="true"'
INNER = (
    "<comp:listOfModelDefinitions><comp:modelDefinition id='inner'>"
    f"{parameters('x')}<listOfRules><rateRule variable='x'>{MATH.format('<cn>3</cn>')}</rateRule>"
    "</listOfRules></comp:modelDefinition></comp:listOfModelDefinitions>"
)
USED = (
    "<comp:listOfSubmodels><comp:submodel comp:id='s1' comp:modelRef='inner'/>"
    "<comp:submodel comp:id='s2' comp:modelRef='inner'/></comp:listOfSubmodels>"
)


def test_models_within_models_are_written_out() -> None:
    found = run(level3(USED, version=1, about=COMP, beside=INNER))
    assert_near(found, {"s1__x": 1.0 + 3.0 * T, "s2__x": 1.0 + 3.0 * T})


def test_models_in_other_files_are_not_opened(tmp_path: Path) -> None:
    other = tmp_path / "other.xml"
    other.write_text(level3("", version=1))
    outside = (
        "<comp:listOfExternalModelDefinitions><comp:externalModelDefinition comp:id='inner' "
        f"comp:source='{other}'/></comp:listOfExternalModelDefinitions>"
    )
    with pytest.raises(
        pn.ModelError, match=r"externalModelDefinition, line 8, is a model in anoth"
    ):
        pn.read_sbml(level3(USED, version=1, about=COMP, beside=f"\n{outside}"))


# --- algebraic rules


def algebraic(*formulas: str) -> str:
    texts = (libsbml.writeMathMLToString(libsbml.parseL3Formula(one)) for one in formulas)
    rules = [f"\n<algebraicRule>{text.partition('?>')[2]}</algebraicRule>" for text in texts]
    clock = f"<rateRule variable='s'>{MATH.format('<cn>1</cn>')}</rateRule>"
    return f"{parameters('s', 'x', 'y', 'z')}<listOfRules>{clock}{''.join(rules)}</listOfRules>"


SOLVED = {
    ("x + 2*s - 5", "y - 1", "z - 2"): {"x": 5 - 2 * (1 + T)},
    ("x*(s + 1) - 6", "y - 1", "z - 2"): {"x": 6 / (2 + T)},
    ("x + y - s", "x - y - 4", "z - x"): {
        "x": (5 + T) / 2, "y": (T - 3) / 2, "z": (5 + T) / 2,
    },
    ("z*z*x - s", "y - 1", "z - 2"): {"x": (1 + T) / 4, "z": 2.0 + 0.0 * T},
}  # fmt: skip


@pytest.mark.parametrize("rules", SOLVED, ids=str)
def test_algebraic_rules_are_solved(rules: tuple[str, ...]) -> None:
    """On RoadRunner, which has no algebraic rules of its own."""
    assert_near(run(level3(algebraic(*rules)), "roadrunner"), SOLVED[rules])


def test_an_algebraic_rule_that_is_not_linear() -> None:
    with pytest.raises(pn.ModelError, match=r"algebraicRule, line 8, is not linear in a quantity"):
        pn.read_sbml(level3(algebraic("x*x - s")))


def test_where_there_is_no_volume_amounts_are_concentrations() -> None:
    text = level3(parameters("p", constant="true"), size='spatialDimensions="0"')
    assert read_definition_of(text).parameters["c"].value == 1.0


def test_a_file_by_its_name_is_read_as_its_text_is(tmp_path: Path) -> None:
    path = tmp_path / "m.xml"
    path.write_text(level2())
    assert read_definition(path).sbml == read_definition_of(level2()).sbml
