"""SBML files that used to end the process, to reach for other files, or to spoil later models."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import p53net as pn
from p53net.model.external import culprits
from p53net.sandbox import locked
from tests.support.sbml_texts import INFUSION, TIMES, infusion, sbml, species

MATH = '<math xmlns="http://www.w3.org/1998/Math/MathML">'
FUNCTION = (
    f'<functionDefinition id="f">{MATH}<lambda><bvar><ci>x</ci></bvar><bvar><ci>y</ci></bvar>'
    "<bvar><ci>z</ci></bvar><apply><exp/><ci>x</ci><ci>y</ci><ci>z</ci></apply></lambda></math>"
    "</functionDefinition>"
)
DECAY = sbml(species("S", 1), reactions=(("J", "S", "", "k * S"),))
FACTORIAL = sbml(
    species("S", 1),
    reactions=(("J", "S", "", "k * S"), ("K", "S", "", "factorial(ceil(1000000000 * S))")),
)
EDITION = """<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="http://www.sbml.org/sbml/level2/version4" level="2" version="1d5"><model id="m">
<listOfCompartments><compartment id="C" size="1"/></listOfCompartments>
<listOfSpecies><species id="S" compartment="C" initialAmount="2"/></listOfSpecies>
<listOfReactions><reaction id="J"><listOfProducts><speciesReference id="n" species="S">
<stoichiometryMath><math xmlns="http://www.w3.org/1998/Math/MathML"><cn>2</cn></math>
</stoichiometryMath></speciesReference></listOfProducts><kineticLaw>
<math xmlns="http://www.w3.org/1998/Math/MathML"><ci>n</ci></math></kineticLaw></reaction>
</listOfReactions></model></sbml>"""


@pytest.mark.parametrize("form", [str, bytes, bytearray])
def test_text_and_bytes_are_read(form: type) -> None:
    given = INFUSION if form is str else form(INFUSION.encode())
    model = pn.read_sbml(given)
    run = model.simulate(TIMES, accuracy=1e-8)
    np.testing.assert_allclose(run["S"], infusion(TIMES), rtol=1e-7, atol=1e-9)
    text = model.definition.loaded["file"]
    assert (text.name, text.text, text.path) == ("SBML text", INFUSION, "")  # type: ignore[attr-defined]


@pytest.mark.parametrize(("given", "error", "said"), [
    ("<a/>", pn.ModelError, "SBML text is not SBML"),
    (b"", pn.ModelError, "SBML text is not XML"),
    (b"<" * (20 * 2**20 + 1), pn.InputError, "too large"),
    ("<\ud800/>", pn.InputError, "give its bytes"),
    (3, pn.InputError, "is not a path"),
])  # fmt: skip
def test_what_is_no_model_is_refused(given: object, error: type, said: str) -> None:
    with pytest.raises(error, match=said):
        pn.read_sbml(given)  # type: ignore[arg-type]


@pytest.mark.parametrize("limit", [0.0, -1.0, np.nan, np.inf, "60", None, 1e9])
def test_limits_that_are_none(limit: object) -> None:
    with pytest.raises(pn.InputError, match="time_limit"):
        pn.read_sbml(DECAY, time_limit=limit)  # type: ignore[arg-type]


def test_a_function_with_too_many_arguments_is_named() -> None:
    text = sbml(species("S", 1), reactions=(("J", "S", "", "2 * f(S, k, S)"),), functions=FUNCTION)
    with pytest.raises(
        pn.ModelError, match=r"functionDefinition f, line \d+, gives exp 3 arguments"
    ):
        pn.read_sbml(text)


def test_an_edition_that_is_no_number_is_refused() -> None:
    with pytest.raises(pn.ModelError, match="its version is '1d5'"):
        pn.read_sbml(EDITION)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["roadrunner", "batch"])
def test_a_factorial_that_grows_ends_no_caller(engine: str) -> None:
    """It ended RoadRunner by a signal; now it is that process, or a refusal."""
    with pytest.raises(pn.P53NetError):
        pn.read_sbml(FACTORIAL).simulate([0.0, 0.5, 1.0, 2.5], engine=engine)
    assert pn.read_sbml(DECAY).simulate([0.0, 1.0])["S"][-1] == pytest.approx(np.exp(-0.25))


def _dies_of(element: str):
    """Whether a file holds an operator, as a process that dies of it would show."""

    def ends(content: bytes, _seconds: float) -> bool:
        return f"<{element}".encode() in content.replace(b"ns1:", b"").replace(b"ns0:", b"")

    return ends


@pytest.mark.parametrize(("rate", "element", "said"), [
    ("k * S * tanh(S)", "tanh", r"the likely cause is reaction K, line \d+: with 1 in the place"),
    ("k * S", "tanh", "it does not do that each time"),
    ("k * S", "species", "no single formula is the cause"),
])  # fmt: skip
def test_the_likely_cause_is_found(rate: str, element: str, said: str) -> None:
    reactions = tuple((name, "S", "", "k * S") for name in "ABCDEFGHIJ")
    text = sbml(species("S", 1), reactions=(*reactions[:4], ("K", "S", "", rate), *reactions[4:]))
    found = culprits.culprit_of(text.encode(), _dies_of(element), 60.0)
    assert re.match(f"; {said}", found)


@pytest.fixture
def deadly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A reader that dies of every tanh, in the place of ours."""
    (tmp_path / "deadly_reader.py").write_text(
        "import os\nfrom p53net.model.external.reader import definition_of as read\n"
        "def definition_of(name, content, place):\n"
        "    if b'tanh' in content: os.abort()\n"
        "    return read(name, content, place)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(locked, "_ready", locked._Ready())
    monkeypatch.setattr("p53net.model.external.apart.READER", "deadly_reader")
    yield


@pytest.mark.slow
def test_a_file_that_ends_its_process_is_an_error_that_names_the_part(deadly: None) -> None:
    rules = {"fast": "tanh(k)", "slow": "exp(k)"}
    text = sbml(species("S", 1), reactions=(("J", "S", "", "k * S"),), rules=rules)
    with pytest.raises(pn.ModelError) as error:
        pn.read_sbml(text)
    said = r"SIGABRT; the likely cause is assignmentRule fast, line \d+: with 1"
    assert re.search(said, str(error.value))
    assert pn.read_sbml(DECAY).definition.states == ("S",)


OUTSIDE = {
    "an entity": '<!DOCTYPE sbml [<!ENTITY x SYSTEM "{0}">]>' + DECAY.replace("small", "&x;"),
    "a definition of types": '<!DOCTYPE sbml SYSTEM "{0}">' + DECAY,
    "a schema": DECAY.replace(
        "<sbml ", '<sbml xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:schemaLocation="http://www.sbml.org {0}" ',
    ),
    "an inclusion": DECAY.replace(
        "<model ", '<annotation><x xmlns="http://x.org"><include '
        'xmlns="http://www.w3.org/2001/XInclude" href="{0}" parse="text"/></x></annotation><model ',
    ),
    "a style": '<?xml-stylesheet type="text/xsl" href="{0}"?>' + DECAY,
    "a model outside": DECAY.replace(
        "<sbml ", '<sbml xmlns:comp="http://www.sbml.org/sbml/level3/version1/comp/version1" '
        'comp:required="true" ',
    ).replace(
        "</model>", '</model><comp:listOfExternalModelDefinitions><comp:externalModelDefinition '
        'comp:id="e" comp:source="{0}"/></comp:listOfExternalModelDefinitions>',
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_nothing_else_is_opened_or_fetched(name: str, tmp_path: Path) -> None:
    """Each names a server, then a file, as what to fetch."""
    secret = tmp_path / "secret.xml"
    secret.write_text("a secret")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        port = listening.getsockname()[1]
        for place in (f"http://127.0.0.1:{port}/x.xml", str(secret), secret.as_uri()):
            try:
                model = pn.read_sbml(OUTSIDE[name].replace("{0}", place))
            except pn.ModelError as error:
                assert "a secret" not in str(error)
            else:
                assert "a secret" not in model.definition.sbml
        with pytest.raises(BlockingIOError):
            listening.accept()
    assert [path.name for path in tmp_path.iterdir()] == ["secret.xml"]


IDS = ("reset", "simulate", "model", "selections", "integrator", "resetToOrigin", "__init__",
       "__setitem__", "getValue", "main", "values")  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", IDS)
def test_ids_that_are_names_of_methods(name: str) -> None:
    """They became properties of RoadRunner's class, and broke what came later."""
    text = DECAY.replace('id="k"', f'id="{name}"').replace("<ci> k </ci>", f"<ci> {name} </ci>")
    run = pn.read_sbml(text).simulate([0.0, 2.0], parameters={name: 0.7})
    assert run["S"][-1] == pytest.approx(np.exp(-0.7), rel=1e-6)
    later = pn.read_sbml(DECAY).simulate([0.0, 2.0], parameters={"k": 0.7})
    assert later["S"][-1] == pytest.approx(np.exp(-0.7), rel=1e-6)


def test_a_parameter_called_time_gets_another_name() -> None:
    text = DECAY.replace('id="k"', 'id="time"').replace("<ci> k </ci>", "<ci> time </ci>")
    run = pn.read_sbml(text).simulate([0.0, 2.0], parameters={"time_": 0.7})
    assert run["S"][-1] == pytest.approx(np.exp(-0.7), rel=1e-6)
