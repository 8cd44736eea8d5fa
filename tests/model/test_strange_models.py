"""Legal models that used to break the process, or to end in an exception that is not ours."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import p53net as pn
from tests.support.files import compiled, read

IDS = (
    "reset", "model", "simulate", "integrator", "selections", "resetToOrigin", "getValue",
    "__init__", "__setitem__", "__class__",
)  # fmt: skip
DECAY = "compartment c = 1; species A in c = 1; kkkk = 0.5; J: A => ; kkkk*A"
IN_A_PROCESS = """
import sys, p53net as pn, roadrunner
for path in sys.argv[1:]:
    for engine in ("roadrunner", "batch"):
        run = pn.read_sbml(path).simulate([0.0, 2.0], engine=engine)
        assert run.attrs["engine"].startswith(engine)
        print(float(run["A"][-1]))
print(float(pn.load("milademetan").simulate([0.0, 1.0])["p53"][-1]) > 0)
of_the_user = roadrunner.RoadRunner(sys.argv[-1])
print(of_the_user.rate)
"""


def decay(name: str, folder: Path) -> Path:
    """A model with a parameter of this name; Antimony itself refuses some."""
    path = compiled(DECAY, folder)
    renamed = folder / f"{name}.xml"
    renamed.write_text(path.read_text().replace("kkkk", name), encoding="utf-8")
    return renamed


@pytest.mark.slow
def test_names_of_methods_do_not_break_later_models(tmp_path: Path) -> None:
    """In a process of its own, which a failure would spoil for other tests. What is loaded without
    p53net has RoadRunner's properties as before."""
    paths = [str(decay(name, tmp_path)) for name in (*IDS, "rate")]
    done = subprocess.run(
        [sys.executable, "-c", IN_A_PROCESS, *paths], capture_output=True, text=True, check=False
    )
    assert not done.stderr
    *ends, loaded, rate = done.stdout.split()
    assert [float(end) for end in ends] == pytest.approx([math.exp(-1.0)] * 2 * len(paths))
    assert (loaded, rate) == ("True", "0.5")


STOICHIOMETRY = """
    compartment c = 1; species A in c = 1; species B in c = 0; k = 0.5; n = 3
    J: A => {0}B; k*A
    {1}
"""


@pytest.mark.parametrize("engine", ["batch", "roadrunner"])
@pytest.mark.parametrize("rule", ["ratio := n", "ratio = n"], ids=["rule", "start"])
def test_a_computed_stoichiometry(rule: str, engine: str, tmp_path: Path) -> None:
    """What nothing sets in a run comes back if it is asked for."""
    model = read(STOICHIOMETRY.format("ratio ", rule), tmp_path)
    times = np.linspace(0.0, 4.0, 9)
    run = model.simulate(times, engine=engine, accuracy=1e-8)
    assert run.attrs["engine"].startswith(engine)
    assert set(run.data_vars) == {"A", "B"} | ({"ratio"} if ":" in rule else set())
    np.testing.assert_allclose(run["B"], 3.0 * (1.0 - np.exp(-0.5 * times)), rtol=1e-7, atol=1e-9)
    changed = model.simulate(times, parameters={"n": 2.0}, engine=engine, accuracy=1e-8)
    np.testing.assert_allclose(changed["B"], run["B"] * 2.0 / 3.0, rtol=1e-7, atol=1e-9)
    asked = model.simulate(times, observables=["n", "ratio", "J"], engine=engine, accuracy=1e-8)
    assert set(asked["n"].values) == set(asked["ratio"].values) == {3.0}
    np.testing.assert_allclose(asked["J"], 0.5 * np.exp(-0.5 * times), rtol=1e-7)


def test_a_stoichiometry_in_a_formula(tmp_path: Path) -> None:
    model = read(STOICHIOMETRY.format("ratio ", "ratio := n; twice := 2*ratio*A"), tmp_path)
    times = np.linspace(0.0, 4.0, 9)
    run = model.simulate(times, engine="batch")
    np.testing.assert_allclose(run["twice"], 6.0 * np.exp(-0.5 * times), rtol=1e-7)


@pytest.mark.parametrize("engine", ["batch", "roadrunner"])
def test_a_stoichiometry_with_a_rate(engine: str, tmp_path: Path) -> None:
    """B gains (1 + 0.1 t) 0.5 exp(-0.5 t), which has an integral by parts."""
    model = read(STOICHIOMETRY.format("ratio ", "ratio' = 0.1; ratio = 1"), tmp_path)
    times = np.linspace(0.0, 4.0, 9)
    run = model.simulate(times, engine=engine, accuracy=1e-8)
    gained = 1.2 - (1.2 + 0.1 * times) * np.exp(-0.5 * times)
    np.testing.assert_allclose(run["B"], gained, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(run["ratio"], 1.0 + 0.1 * times, rtol=1e-9)


def test_a_model_in_which_nothing_moves_but_rules(tmp_path: Path) -> None:
    model = read("k = 2; x := k*time; y := x + 1", tmp_path)
    times = np.linspace(0.0, 4.0, 9)
    for engine in ("batch", "roadrunner"):
        run = model.simulate(times, parameters={"k": 3.0}, engine=engine)
        assert run.attrs["engine"].startswith(engine)
        np.testing.assert_allclose(run["y"], 3.0 * times + 1.0)


@pytest.mark.parametrize("engine", ["roadrunner", "batch"])
def test_a_constant_species_keeps_its_concentration_in_another_volume(
    engine: str, tmp_path: Path
) -> None:
    """As SBML says of one that is given as a concentration."""
    text = "compartment c = 2; species A in c = 1; species $E in c = 3; k = 0.1; J: A => ; c*k*A*E"
    model, times = read(text, tmp_path), np.linspace(0.0, 4.0, 9)
    for volume in (2.0, 4.0):
        run = model.simulate(times, parameters={"c": volume}, engine=engine, accuracy=1e-8)
        np.testing.assert_allclose(run["E"], 3.0, rtol=1e-12)
        np.testing.assert_allclose(run["A"], np.exp(-0.3 * times), rtol=1e-7)
    changed = {"c": 4.0, "E": 1.0}
    run = model.simulate(times, parameters=changed, engine=engine, accuracy=1e-8)
    np.testing.assert_allclose(run["A"], np.exp(-0.1 * times), rtol=1e-7)


LEVEL_2 = """<sbml xmlns="http://www.sbml.org/sbml/level2/version4" level="2" version="4">
<model id="m"><listOfCompartments><compartment id="c" size="1"/></listOfCompartments>
<listOfSpecies><species id="A" compartment="c" initialConcentration="1"/></listOfSpecies>
<listOfReactions><reaction id="J"><listOfProducts><speciesReference species="A">
<stoichiometryMath><math xmlns="http://www.w3.org/1998/Math/MathML"><apply>{}</apply></math>
</stoichiometryMath></speciesReference></listOfProducts>
<kineticLaw><math xmlns="http://www.w3.org/1998/Math/MathML"><cn>1</cn></math></kineticLaw>
</reaction></listOfReactions></model></sbml>"""

DELAY = (
    '<csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/delay"> d </csymbol>'
    "<ci>A</ci><cn>1</cn>"
)


@pytest.mark.parametrize(
    ("formula", "said"),
    [(DELAY, r"reaction J, line 5, looks into the past with delay\(\)"),
     ("<exp/><cn>1</cn><cn>2</cn>", "number of arguments"),
     ("<plus/><cn>1</cn><cn>2</cn>", "")],
)  # fmt: skip
def test_a_computed_stoichiometry_of_level_2(formula: str, said: str) -> None:
    """Its formula is looked at as all others are."""
    if said:
        with pytest.raises(pn.ModelError, match=said):
            pn.read_sbml(LEVEL_2.format(formula))
    else:
        run = pn.read_sbml(LEVEL_2.format(formula)).simulate([0.0, 2.0])
        np.testing.assert_allclose(run["A"], [1.0, 7.0], rtol=1e-9)
