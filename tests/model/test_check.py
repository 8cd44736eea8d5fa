"""The model check: silent on the shipped models, and one planted fault of each kind is found."""

import re
from dataclasses import replace
from pathlib import Path

import libsbml
import pytest

from p53net.model import check, fragments, sbml, tables
from p53net.model.check import Finding, findings
from p53net.model.definition import define
from p53net.model.structures import library_of
from p53net.model.systems import SYSTEMS
from p53net.model.tables import Value

SMALL = """model *small()
unit zmol = 1e-21 mole
unit pL = 1e-12 litre
unit hour = 3600 second
unit um = 1e-6 metre
unit um2 = 1e-6 metre^2
unit nM = 1e-21 mole / 1e-12 litre
unit micromolar = 1e-18 mole / 1e-12 litre
unit nM_per_hour = 1e-21 mole / (1e-12 litre * 3600 second)
unit per_hour = 1 / 3600 second
unit per_second = 1 / 1 second
unit per_nM_per_hour = 1e-12 litre / (1e-21 mole * 3600 second)
unit substance = zmol
unit extent = zmol
unit volume = pL
unit time_unit = hour
unit length = um
unit area = um2
compartment cell
cell = 2 pL
species p53 in cell
species MDM2 in cell
k_syn_p53 = 52 nM_per_hour
k_deg_MDM2 = 1.4 per_hour
k_deg_MDM2_ATM = 3.7 per_nM_per_hour
k_on_p53 = 3.6 per_nM_per_hour
k_transcr_MDM2 = 0.35 nM_per_hour
K_MDM2 = 100 nM
n_MDM2 = 3 dimensionless
n_p21 = 2 dimensionless
p53_start = 25 nM
p53 = p53_start
MDM2_turnover := k_deg_MDM2 + k_deg_MDM2_ATM*p53
MDM2_turnover has per_hour
p53_synthesis: => p53; cell*k_syn_p53
p53_degradation: p53 => ; cell*k_on_p53*MDM2*p53
MDM2_synthesis: => MDM2; cell*k_transcr_MDM2*p53^n_MDM2/(K_MDM2^n_MDM2 + p53^n_MDM2)
MDM2_degradation: MDM2 => ; cell*MDM2_turnover*MDM2
cell.sboTerm = 290; cell hypernym "https://identifiers.org/CL:0000000"
p53.sboTerm = 252; p53 identity "https://identifiers.org/uniprot:P04637"
MDM2.sboTerm = 252; MDM2 identity "https://identifiers.org/uniprot:Q00987"
p53_synthesis.sboTerm = 184; p53_synthesis hypernym "https://identifiers.org/GO:0006412"
p53_degradation.sboTerm = 179; p53_degradation hypernym "https://identifiers.org/GO:0030163"
MDM2_synthesis.sboTerm = 184; MDM2_synthesis hypernym "https://identifiers.org/GO:0006412"
MDM2_degradation.sboTerm = 179; MDM2_degradation hypernym "https://identifiers.org/GO:0030163"
end
"""
DOSE = sbml.Event(24.0, "p53", 100.0)


def table_of(antimony: str) -> dict[str, Value]:
    rows = re.findall(r"^(\w+) = ([\d.]+) (\w+)$", antimony, re.MULTILINE)
    return {name: Value(float(value), unit, "assumed", "a test") for name, value, unit in rows}


def compiled(antimony: str) -> str:
    return sbml.with_values(sbml.to_sbml(antimony, "small"), {}, {}, [DOSE])


def swapped(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
    return text.replace(old, new)


def seen(found: list[Finding]) -> set[tuple[str, str]]:
    return {(finding.check, finding.subject) for finding in found}


MODELS = {
    "none": (),
    "inhibitor": ("milademetan",),
    "degrader": ("KT-253",),
    "both": ("milademetan", "KT-253"),
}


def shipped(drugs: tuple[str, ...], cell_line: str = "generic") -> tuple[str, dict[str, Value]]:
    known = tables.drug_entries()
    line = tables.cell_line_entries()[cell_line]
    text = fragments.join(
        "shipped", library_of(), "dish", [known[name] for name in drugs], line, {}
    )
    return sbml.to_sbml(text.antimony, "shipped"), dict(text.parameters)


@pytest.mark.parametrize("drugs", MODELS.values(), ids=MODELS)
def test_shipped_models_have_no_finding(drugs: tuple[str, ...]) -> None:
    assert findings(*shipped(drugs)) == []


@pytest.mark.slow
def test_every_shipped_drug_and_cell_line_has_no_finding() -> None:
    found = {name: findings(*shipped((name,))) for name in tables.drug_entries()}
    found |= {line: findings(*shipped((), line)) for line in tables.cell_line_entries()}
    assert {name: faults for name, faults in found.items() if faults} == {}


@pytest.mark.parametrize("system", [name for name in SYSTEMS if name != "dish"])
@pytest.mark.parametrize("drugs", [("milademetan",), ("KT-253",), ("milademetan", "KT-253")])
@pytest.mark.slow
def test_no_system_has_a_finding(system: str, drugs: tuple[str, ...]) -> None:
    made = define(*drugs, system=system)
    assert findings(made.sbml, made.parameters) == []


@pytest.mark.slow
def test_no_parameter_of_the_shipped_model_can_be_a_thousand_times_off() -> None:
    """Each is put in a unit of a thousandth, one after the other, in the SBML and in the table."""
    text, table = shipped(MODELS["both"])
    fine = {name for name, row in table.items() if not missed_when_scaled(text, table, name, row)}
    assert set(table) - fine == {"CRBN_total"}  # computed, and in no equation


def missed_when_scaled(text: str, table: dict[str, Value], name: str, row: Value) -> bool:
    document = libsbml.readSBMLFromString(text)
    model = document.getModel()
    unit = model.createUnitDefinition()
    unit.setId("planted")
    original = model.getUnitDefinition(row.unit)
    for part in original.getListOfUnits() if original is not None else ():
        unit.addUnit(part)
    extra = unit.createUnit()
    extra.setKind(libsbml.UNIT_KIND_DIMENSIONLESS)
    extra.setExponent(1)
    extra.setScale(-3)
    extra.setMultiplier(1)
    model.getElementBySId(name).setUnits("planted")
    found = findings(
        libsbml.writeSBMLToString(document), table | {name: replace(row, unit="planted")}
    )
    return "units" not in {finding.check for finding in found}


def test_the_small_model_has_no_finding() -> None:
    assert findings(compiled(SMALL), table_of(SMALL)) == []


@pytest.mark.parametrize(
    ("formula", "unit"),
    [
        ("(p53/K_MDM2)^n_MDM2", "dimensionless"),
        ("p53^2/K_MDM2", "nM"),
        ("p53^-1", "per_nM"),
        ("p53*exp(-k_deg_MDM2*time)", "nM"),
        ("abs(p53 - K_MDM2)", "nM"),
        ("k_syn_p53/k_deg_MDM2", "nM"),
        ("piecewise(p53, p53 > K_MDM2 && MDM2 > p53, K_MDM2)", "nM"),
        ("K_MDM2^n_MDM2*(p53/K_MDM2)^n_MDM2/p53^n_MDM2", "dimensionless"),
        ("p53_synthesis/cell", "nM_per_hour"),
    ],
)
def test_sound_formulas_have_no_finding(formula: str, unit: str) -> None:
    text = swapped(
        SMALL, "compartment cell\n", "unit per_nM = 1e-12 litre / 1e-21 mole\ncompartment cell\n"
    )
    text = swapped(text, "p53_synthesis:", f"extra := {formula}\nextra has {unit}\np53_synthesis:")
    assert findings(compiled(text), table_of(text)) == []


# What is replaced by what in the text of the model, and what must be reported: (check, subject).
# The table of parameters is read from the same text, so that it has the same fault.
IN_TEXT = {
    "rate per second": (
        "k_deg_MDM2 = 1.4 per_hour",
        "k_deg_MDM2 = 1.4 per_second",
        {("units", "MDM2_turnover"), ("libsbml", "MDM2_turnover")},
    ),
    "rate of a reaction per second": (
        "MDM2_turnover*MDM2",
        "k_planted*MDM2\nk_planted = 1 per_second",
        {("units", "MDM2_degradation")},
    ),
    "Hill constant in uM": (
        "K_MDM2 = 100 nM",
        "K_MDM2 = 0.1 micromolar",
        {("units", "MDM2_synthesis")},
    ),
    "start value in uM": ("p53_start = 25 nM", "p53_start = 25 micromolar", {("units", "p53")}),
    "nM added to per_hour": (
        "k_deg_MDM2 + k_deg_MDM2_ATM*p53",
        "k_deg_MDM2 + k_deg_MDM2_ATM*p53 + K_MDM2",
        {("units", "MDM2_turnover"), ("libsbml", "MDM2_turnover")},
    ),
    "bare number in a sum": (
        "k_deg_MDM2 + k_deg_MDM2_ATM*p53",
        "k_deg_MDM2 + k_deg_MDM2_ATM*p53 + 1",
        {("units", "MDM2_turnover"), ("libsbml", "MDM2_turnover")},
    ),
    "derived quantity in another unit": (
        "MDM2_turnover has per_hour",
        "MDM2_turnover has per_second",
        {("units", "MDM2_turnover"), ("units", "MDM2_degradation")},
    ),
    "kinetic law without the compartment": (
        "cell*k_syn_p53",
        "k_syn_p53",
        {  # libSBML also complains that the other rates are not like the first
            ("units", "p53_synthesis"),
            ("libsbml", "p53_synthesis"),
            ("libsbml", "p53_degradation"),
            ("libsbml", "MDM2_synthesis"),
            ("libsbml", "MDM2_degradation"),
        },
    ),
    "compartment in fL": (
        "cell = 2 pL",
        "unit fL = 1e-15 litre\ncell = 2000 fL",
        {
            ("units", "p53_synthesis"),
            ("units", "p53_degradation"),
            ("units", "MDM2_synthesis"),
            ("units", "MDM2_turnover"),
            ("libsbml", "MDM2_turnover"),
            ("units", "p53"),
            ("units", "dose_1"),
        },
    ),
    "two exponents in one Hill term": (
        "K_MDM2^n_MDM2",
        "K_MDM2^n_p21",
        {("units", "MDM2_synthesis"), ("libsbml", "MDM2_synthesis")},
    ),
    "two number exponents in one Hill term": (
        "p53^n_MDM2/(K_MDM2^n_MDM2 + p53^n_MDM2)",
        "p53^2/(K_MDM2^2 + p53^3)",
        {("units", "MDM2_synthesis"), ("libsbml", "MDM2_synthesis")},
    ),
    "exponent with a unit": (
        "n_MDM2 = 3 dimensionless",
        "n_MDM2 = 3 nM",
        {("units", "MDM2_synthesis"), ("libsbml", "MDM2_synthesis")},
    ),
    "exponent in percent": (
        "n_MDM2 = 3 dimensionless",
        "unit percent = 1e-2 dimensionless\nn_MDM2 = 300 percent",
        {("units", "MDM2_synthesis"), ("libsbml", "MDM2_synthesis")},
    ),
    "comparison of nM with uM": (
        "cell*k_syn_p53",
        "cell*piecewise(k_syn_p53, p53 < limit, k_transcr_MDM2)\nlimit = 1 micromolar",
        {("units", "p53_synthesis"), ("libsbml", "p53_synthesis")},
    ),
    "piecewise of two units": (
        "cell*k_syn_p53",
        "cell*piecewise(k_syn_p53, p53 < K_MDM2, other)\nunit other_unit = 1 mole/(litre*second)"
        "\nother = 1 other_unit",
        {("units", "p53_synthesis")},
    ),
    "exponential of nM": (
        "cell*k_syn_p53",
        "cell*k_syn_p53*exp(p53)",
        {("units", "p53_synthesis"), ("libsbml", "p53_synthesis")},
    ),
    "operator without a known unit": (
        "cell*k_syn_p53",
        "cell*k_syn_p53*sin(n_p21)",
        {("units", "p53_synthesis")},
    ),
    "hour of another length": (
        "unit hour = 3600 second",
        "unit hour = 60 second",
        {
            ("time_unit", "hour"),
            ("units", "p53_synthesis"),
            ("units", "p53_degradation"),
            ("units", "MDM2_synthesis"),
            ("units", "MDM2_degradation"),
        },
    ),
    "parameter without a unit": (
        "K_MDM2 = 100 nM",
        "K_MDM2 = 100",
        {
            ("no_unit", "K_MDM2"),
            ("parameter", "K_MDM2"),
            ("libsbml", "K_MDM2"),
            ("libsbml", "MDM2_synthesis"),
        },
    ),
    "derived quantity without a unit": (
        "MDM2_turnover has per_hour\n",
        "",
        {
            ("no_unit", "MDM2_turnover"),
            ("libsbml", "MDM2_turnover"),
            ("libsbml", "MDM2_degradation"),
        },
    ),
    "compartment without a size": (
        "cell = 2 pL",
        "cell has pL",
        {("compartment", "cell"), ("libsbml", "cell")},
    ),
    "compartment without a unit": (
        "cell = 2 pL",
        "cell = 2",
        {("compartment", "cell"), ("parameter", "cell")},
    ),
    "case twins": (
        "n_p21 = 2 dimensionless",
        "n_p21 = 2 dimensionless\nn_mdm2 = 2 dimensionless",
        {("ids", "n_mdm2")},
    ),
    "case twins among units": (
        "unit micromolar = 1e-18 mole / 1e-12 litre",
        "unit micromolar = 1e-18 mole / 1e-12 litre\nunit Hour = 3600 second",
        {("ids", "Hour")},
    ),
    "species without an SBO term": ("p53.sboTerm = 252; ", "", {("sbo", "p53")}),
    "reaction without an SBO term": (
        "p53_synthesis.sboTerm = 184; ",
        "",
        {("sbo", "p53_synthesis")},
    ),
    "SBO term of the wrong branch": (
        "p53.sboTerm = 252",
        "p53.sboTerm = 184",
        {("libsbml", "p53")},
    ),
    "species without a resource": (
        '; p53 identity "https://identifiers.org/uniprot:P04637"',
        "",
        {("miriam", "p53")},
    ),
    "resource that is not an identifier": (
        "https://identifiers.org/CL:0000000",
        "https://example.org/cell",
        {("miriam", "cell")},
    ),
    "area unit not set": ("unit area = um2\n", "", {("model_units", "small")}),
    "function definition": (
        "model *small()",
        "function twice(x)\n  2*x\nend\nmodel *small()",
        {("construct", "twice")},
    ),
    "delay": (
        "cell*MDM2_turnover*MDM2",
        "cell*MDM2_turnover*delay(MDM2, wait)\nwait = 1 hour",
        {("construct", "MDM2_degradation")},
    ),
    "piecewise in time": (
        "cell*k_syn_p53",
        "cell*piecewise(k_syn_p53, time < pulse, k_transcr_MDM2)\npulse = 5 hour",
        {("construct", "p53_synthesis")},
    ),
    "piecewise in a function of time": (
        "cell*k_syn_p53",
        "cell*piecewise(k_syn_p53, phase < n_p21, k_transcr_MDM2)\nphase := clock*k_deg_MDM2\n"
        "phase has dimensionless\nclock := time\nclock has hour",
        {("construct", "p53_synthesis")},
    ),
    "unit without a magnitude": (
        "n_p21 = 2 dimensionless",
        "unit nothing = 0 second\nn_p21 = 2 nothing",
        {("units", "nothing")},
    ),
}


@pytest.mark.parametrize(("old", "new", "expected"), IN_TEXT.values(), ids=IN_TEXT)
def test_a_fault_in_the_text(old: str, new: str, expected: set[tuple[str, str]]) -> None:
    text = swapped(SMALL, old, new)
    assert seen(findings(compiled(text), table_of(text))) == expected


# Faults that Antimony would not write, planted in the SBML.
IN_SBML = {
    "species without a start value": (
        'id="MDM2" compartment="cell" initialConcentration="0"',
        'id="MDM2" compartment="cell"',
        {("start", "MDM2"), ("libsbml", "MDM2")},
    ),
    "species in an undeclared compartment": (
        'id="MDM2" compartment="cell"',
        'id="MDM2" compartment="cytosol"',
        {("compartment", "MDM2"), ("libsbml", "MDM2")},
    ),
    "species counted in another unit": (
        'id="MDM2" compartment="cell" initialConcentration="0" substanceUnits="zmol"',
        'id="MDM2" compartment="cell" initialConcentration="0" substanceUnits="mole"',
        {
            ("units", "MDM2"),
            ("units", "p53_degradation"),
            ("units", "MDM2_degradation"),
            ("libsbml", "p53_degradation"),
            ("libsbml", "MDM2_degradation"),
        },
    ),
    "hour written as 3.6 ks": (
        '<unit kind="second" exponent="1" scale="0" multiplier="3600"/>',
        '<unit kind="second" exponent="1" scale="3" multiplier="3.6"/>',
        {("time_unit", "hour")},
    ),
    "id defined twice": (
        '<parameter id="n_p21"',
        '<parameter id="n_MDM2"',
        {("ids", "n_MDM2"), ("libsbml", "n_MDM2"), ("parameter", "n_MDM2")},
    ),
    "name that is not the id": (
        '<parameter id="n_p21"',
        '<parameter id="n_p21" name="Hill coefficient"',
        {("name", "n_p21")},
    ),
    "time unit not set": (
        ' timeUnits="hour"',
        "",
        {("model_units", "small"), ("libsbml", "small"), ("libsbml", "dose_1")},
    ),
    "dose in uM": (
        '<cn sbml:units="nM"> 100 </cn>',
        '<cn sbml:units="micromolar"> 100 </cn>',
        {("units", "dose_1")},
    ),
    "dose time in seconds": (
        '<cn sbml:units="hour"> 24 </cn>',
        '<cn sbml:units="second"> 24 </cn>',
        {("units", "dose_1"), ("libsbml", "dose_1")},
    ),
    "value that the table does not have": (
        'id="K_MDM2" value="100"',
        'id="K_MDM2" value="101"',
        {("parameter", "K_MDM2")},
    ),
    "size that the table does not have": (
        'id="cell" spatialDimensions="3" size="2"',
        'id="cell" spatialDimensions="3" size="3"',
        {("parameter", "cell")},
    ),
    "SBO term that does not exist": (
        'sboTerm="SBO:0000290"',
        'sboTerm="SBO:0990290"',
        {("libsbml", "cell")},
    ),
    "SBO term that is no number": (
        'sboTerm="SBO:0000290"',
        'sboTerm="SBO:cell"',
        {("libsbml", "cell")},
    ),
    "power without a base": (
        "<ci> K_MDM2 </ci>",
        "",
        {("libsbml", "MDM2_synthesis")},
    ),
    "symbol that does not exist": (
        "<ci> k_syn_p53 </ci>",
        "<ci> k_syn_typo </ci>",
        {("units", "p53_synthesis"), ("libsbml", "p53_synthesis")},
    ),
    "more equations than unknowns": (
        "<listOfRules>",
        '<listOfRules><algebraicRule><math xmlns="http://www.w3.org/1998/Math/MathML">'
        "<ci> p53_start </ci></math></algebraicRule>",
        {("libsbml", "small")},
    ),
    "text that is not SBML": ("</sbml>", "", {("libsbml", "sbml")}),
}


@pytest.mark.parametrize(("old", "new", "expected"), IN_SBML.values(), ids=IN_SBML)
def test_a_fault_in_the_sbml(old: str, new: str, expected: set[tuple[str, str]]) -> None:
    text = swapped(compiled(SMALL), old, new)
    assert seen(findings(text, table_of(SMALL))) == expected


IN_TABLE = {
    "no row": (None, {("parameter", "K_MDM2")}),
    "unit": ({"unit": "uM"}, {("parameter", "K_MDM2")}),
    "value": ({"value": 100.1}, {("parameter", "K_MDM2")}),
    "kind": ({"kind": "guessed"}, {("source", "K_MDM2")}),
    "no source": ({"source": " "}, {("source", "K_MDM2")}),
    "a kind for a source": ({"source": "Assumed"}, {("source", "K_MDM2")}),
}


@pytest.mark.parametrize(("change", "expected"), IN_TABLE.values(), ids=IN_TABLE)
def test_a_fault_in_the_table(
    change: dict[str, str] | None, expected: set[tuple[str, str]]
) -> None:
    table = table_of(SMALL)
    row = table.pop("K_MDM2")
    if change is not None:
        table["K_MDM2"] = replace(row, **change)
    assert seen(findings(compiled(SMALL), table)) == expected


def test_the_compartment_that_antimony_makes_up() -> None:
    text = re.sub(r"\bcell\b", "default_compartment", SMALL)
    found = findings(compiled(text), table_of(text))
    assert seen(found) == {("compartment", "default_compartment")}


def test_a_reaction_without_a_rate_and_a_local_parameter() -> None:
    document = libsbml.readSBMLFromString(compiled(SMALL))
    model = document.getModel()
    model.getReaction("p53_synthesis").unsetKineticLaw()
    local = model.getReaction("MDM2_degradation").getKineticLaw().createLocalParameter()
    local.setId("MDM2_turnover")  # hides the derived quantity, in another unit
    local.setValue(1.0)
    local.setUnits("per_second")
    found = seen(findings(libsbml.writeSBMLToString(document), table_of(SMALL)))
    assert ("units", "p53_synthesis") in found
    assert ("units", "MDM2_degradation") in found
    assert ("ids", "MDM2_turnover") in found


def test_a_message_names_both_units_and_the_formula() -> None:
    text = swapped(SMALL, "K_MDM2 = 100 nM", "K_MDM2 = 0.1 micromolar")
    (finding,) = findings(compiled(text), table_of(text))
    assert finding.message == (
        "the rate needs p53^n_MDM2 in micromolar^(n_MDM2), but it is in nM^(n_MDM2): "
        "cell * k_transcr_MDM2 * p53^n_MDM2 / (K_MDM2^n_MDM2 + p53^n_MDM2)"
    )


def test_every_check_has_a_planted_fault() -> None:
    source = Path(check.__file__).read_text(encoding="utf-8")
    planted = {
        kind for faults in (IN_TEXT, IN_SBML) for *_, due in faults.values() for kind, _ in due
    }
    planted |= {kind for _, due in IN_TABLE.values() for kind, _ in due}
    planted |= {"fragment"}  # in test_own_fragments.py
    assert set(re.findall(r'Finding\("(\w+)"', source)) == planted
