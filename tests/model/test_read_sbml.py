"""Models that are not ours: read, run as other engines run them, changed, swept, and refused."""

from collections.abc import Callable
from pathlib import Path

import antimony
import numpy as np
import pytest
import roadrunner

import p53net as pn
from tests.support.files import (
    CHANGES,
    FOLDER,
    GRID,
    HILL,
    JUMPS,
    PUBLISHED,
    TRANSPORT,
    assert_near,
    compiled,
    grid_of,
    hill,
    needs_published,
    read,
    solved,
    transport,
    values,
)
from tests.support.oracles import copasi_solution

# Published models ---------------------------------------------------------------------------------


@needs_published
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_models_run_as_in_roadrunner_and_copasi(name: str) -> None:
    path, times = Path(FOLDER) / f"{name}.xml", grid_of(name)
    model = pn.read_sbml(path)
    run = model.simulate(times)
    assert set(run.data_vars) == {*model.definition.species, *model.definition.derived}

    plain = roadrunner.RoadRunner(str(path))
    plain.integrator.relative_tolerance = 1e-10
    plain.integrator.absolute_tolerance = 1e-16
    plain.integrator.maximum_num_steps = 1_000_000
    brackets = set(model.definition.species) - model.definition.amounts
    plain.selections = ["time", *(f"[{n}]" if n in brackets else n for n in run.data_vars)]
    # A window in time is seen by a plain loop only if it looks inside of it.
    looks = np.union1d(times, [3600.0, 3660.0, 2_592_000.0, 2_592_601.0])
    looks = looks[looks <= times[-1]]
    table = np.array(plain.simulate(times=looks))[np.searchsorted(looks, times)]
    rows = dict(zip(run.data_vars, table[:, 1:].T, strict=True))
    # Oscillators double small differences with each turn.
    assert_near(run, {str(n): c for n, c in rows.items()}, 1e-5)

    if name == "BIOMD0000000943":  # COPASI steps over the ten minutes of irradiation too
        assert float(run["DNA_double_strand_break"].max()) > 10.0
        return
    found = copasi_solution(path, times)
    assert set(run.data_vars) >= found.keys() > set()
    assert_near(run, found, 1e-5)


@needs_published
def test_a_window_of_irradiation_is_not_stepped_over() -> None:
    model = pn.read_sbml(Path(FOLDER) / "BIOMD0000000943.xml")
    end = PUBLISHED["BIOMD0000000943"]
    coarse = model.simulate([0.0, end], observables=["p53_arrester"])
    fine = model.simulate(np.linspace(0.0, end, 2000), observables=["p53_arrester"])
    assert float(coarse["p53_arrester"][-1]) == pytest.approx(
        float(fine["p53_arrester"][-1]), rel=1e-5
    )


@needs_published
def test_units_of_a_published_file() -> None:
    model = pn.read_sbml(Path(FOLDER) / "BIOMD0000000188.xml")
    run = model.simulate([0.0, 100.0])
    assert run["time"].attrs["units"] == "s"
    assert run["p53"].attrs["units"] == "mol"
    rows = model.parameters.set_index("id")
    assert rows.loc["kdegp53", ["value", "unit", "kind", "source"]].tolist() == [
        0.000825, "1/s", "file", "BIOMD0000000188.xml",
    ]  # fmt: skip


# Models written by hand, against right-hand sides written by hand ---------------------------------


@pytest.mark.parametrize("changed", [{}, {"k1": 1.4}, {"small": 0.25}], ids=str)
def test_volumes_amounts_and_boundaries(changed: dict[str, float], tmp_path: Path) -> None:
    run = read(TRANSPORT, tmp_path).simulate(GRID, parameters=changed)
    a, b, n = solved(transport, [4.0, 1.0, 3.0], **changed)
    total = 5.0 * a + changed.get("small", 0.5) * b + n
    assert_near(run, {"A": a, "B": b, "N": n, "total": total, "share": n / total}, 1e-7)
    assert set(run["E"].values) == {2.0}


def test_constant_species_are_inputs(tmp_path: Path) -> None:
    run = read(TRANSPORT, tmp_path).simulate(GRID, parameters={"E": 4.0})
    a, _, n = solved(transport, [4.0, 1.0, 3.0], k1=1.4)
    assert_near(run, {"A": a, "N": n}, 1e-7)


@pytest.mark.parametrize(("changed", "given"), CHANGES, ids=str)
@pytest.mark.parametrize("formulas", [True, False], ids=["formulas", "engine"])
def test_rules_functions_and_start_values_that_follow(
    changed: dict[str, float], given: dict[str, float], formulas: bool, tmp_path: Path
) -> None:
    """`formulas=False`: something in the file has no formula, so RoadRunner gives the starts."""
    more = "" if formulas else JUMPS
    model = read(HILL + more, tmp_path)
    assert (model.starts.of({}) is not None) is formulas
    run = model.simulate(GRID, parameters=changed)
    base = given.get("base", 0.5)
    x0 = changed.get("x0", 2.0 * base)
    x, y, p, b = solved(hill, [3.0 * x0, 0.1, 1.0, 2.0], **given)
    expected = {"x": x, "y": y, "p": p, "B": b, "K": base * (1.0 + 0.1 * GRID)}
    assert_near(run, expected, 1e-7)
    if formulas:
        shown = model.parameters.set_index("id")["value"]
        assert (shown["start"], shown["x0"]) == (1.5, 1.0)


def test_an_amount_at_the_start_is_diluted_by_a_changed_volume(tmp_path: Path) -> None:
    text = (
        compiled("compartment c = 2; species S in c = 3; R: S => ; 0.1*S*c", tmp_path)
        .read_text()
        .replace('initialConcentration="3"', 'initialAmount="6"')
    )
    path = tmp_path / "amount.xml"
    path.write_text(text)
    run = pn.read_sbml(path).simulate(GRID, parameters={"c": 4.0})
    assert_near(run, {"S": 1.5 * np.exp(-0.1 * GRID)}, 1e-7)


def test_local_parameters_keep_their_own_values(tmp_path: Path) -> None:
    law = (
        '<kineticLaw><math xmlns="http://www.w3.org/1998/Math/MathML"><apply><times/><ci>k</ci>'
        "<ci>{}</ci></apply></math><listOfLocalParameters>"
        '<localParameter id="k" value="{}"/></listOfLocalParameters></kineticLaw>'
    )
    side = (
        '<listOf{0}><speciesReference species="{1}" stoichiometry="1" constant="true"/></listOf{0}>'
    )
    made = "".join(
        f'<reaction id="{name}" reversible="false" fast="false">{side.format("Reactants", left)}'
        f"{side.format('Products', right)}{law.format(left, value)}</reaction>"
        for name, left, right, value in (("r", "A", "B", 0.5), ("q", "B", "A", 0.1))
    )
    path = tmp_path / "local.xml"
    path.write_text(core(SPECIES.format("A", 1) + SPECIES.format("B", 0), reactions=made))
    model = pn.read_sbml(path)
    assert sorted(model.definition.parameters) == ["c", "q_k", "r_k"]
    run = model.simulate(GRID, parameters={"q_k": 0.3})
    assert_near(run, {"A": (0.3 + 0.5 * np.exp(-0.8 * GRID)) / 0.8}, 1e-7)


@pytest.mark.parametrize("window", [False, True], ids=["lasting", "window"])
def test_timed_events_on_any_grid(window: bool, tmp_path: Path) -> None:
    """Also where the condition holds for a thousandth of a step, and starts at a parameter."""
    until = " && time < begin + 0.001" if window else ""
    text = f"""
        compartment c = 1; species S in c = 1; k = 0.2; dose = 5; begin = 3.3
        R: S => ; k*S
        at (time > begin{until}): S = S + dose, k = 0.4
    """
    model = read(text, tmp_path)
    for changed in ({}, {"dose": 2.0}, {"begin": 5.1}, {}):
        begin, dose = changed.get("begin", 3.3), changed.get("dose", 5.0)
        after = (np.exp(-0.2 * begin) + dose) * np.exp(-0.4 * (GRID - begin))
        expected = np.where(begin > GRID, np.exp(-0.2 * GRID), after)
        assert_near(model.simulate(GRID, parameters=changed), {"S": expected}, 1e-6)
        coarse = model.simulate([0.0, 10.0], parameters=changed)
        assert float(coarse["S"][-1]) == pytest.approx(expected[-1], rel=1e-6)


@pytest.mark.parametrize("first", [True, False])
def test_events_at_the_very_start_follow_changed_parameters(first: bool, tmp_path: Path) -> None:
    """An event that is false before the start happens at it, if the changed start says so."""
    text = """
        k = 1; q = 3*k; q' = 0; counted = 0; hits := counted
        at (q > 10), t0=false: counted = counted + k
        marks = 0; always := marks
        at (time >= 0), t0=false: marks = marks + k
    """
    model = read(text, tmp_path)
    runs = [({}, 0.0), ({"k": 9.0}, 9.0), ({"k": 4.0}, 4.0)]
    for changed, hits in runs if first else runs[::-1]:
        run = model.simulate([0.0, 1.0, 2.0], parameters=changed)
        assert float(run["hits"][-1]) == hits
        assert float(run["always"][-1]) == changed.get("k", 1.0)


def test_numbers_may_be_negative_and_small(tmp_path: Path) -> None:
    model = read("compartment c = 1; species S in c = 3e-20; k = 0.5; R: S => ; k*S", tmp_path)
    run = model.simulate(GRID, parameters={"k": -0.5})
    assert_near(run, {"S": 3e-20 * np.exp(0.5 * GRID)}, 1e-6)


# Runs are pure, and go on to sweeps and files -----------------------------------------------------


def test_the_same_bytes_whatever_ran_before(tmp_path: Path) -> None:
    path = compiled(HILL + "at time >= 4.3: y = y + start, n = 3", tmp_path)
    one, other = pn.read_sbml(path), pn.read_sbml(path)
    first = one.simulate(GRID)
    for changed in ({"base": 0.8}, {"start": 9.0}, {"c": 3.0}, {"n": 1.5}):
        there = one.simulate(GRID, parameters=changed)
        assert not there.equals(first) or changed == {"c": 3.0}  # the volume cancels
        assert values(there).keys() == values(first).keys()
        assert other.simulate(GRID, parameters=changed).identical(there)
    one.simulate(GRID[:5], observables=["y"])
    assert one.simulate(GRID).identical(first)


def test_sweeps_take_parameters_as_axes(tmp_path: Path) -> None:
    model = read(HILL, tmp_path)
    size = pn.measures.own("size", lambda _times, y: float(y.max() - y[0]), ["y"])
    result = pn.sweep(
        model, {"base": [0.3, 0.8], "n": [2.0, 3.0, 4.0]}, times=GRID,
        measures=["auc:y", "peak:x", "at:p:5", "fold:y", "lowest:B", "swing:y", size],
        observables=["K"], keep_trajectories=True,
    )  # fmt: skip
    assert set(result["status"].values.ravel()) == {"ok"}
    run = model.simulate(GRID, parameters={"base": 0.8, "n": 3.0})
    there = result.sel(base=0.8, n=3.0)
    apart = abs(float(there["auc_y"]) - np.trapezoid(run["y"], GRID))
    assert apart <= 1e-6 * float(there["auc_y"])  # of which each may be as wrong
    assert float(there["peak_x"]) == float(run["x"][0]) == pytest.approx(4.8)
    np.testing.assert_array_equal(there["K"], run["K"])
    assert result["time"].attrs["units"] == model.definition.time_unit != "h"


@pytest.mark.slow
def test_workers_run_them_too(tmp_path: Path) -> None:
    model, axes = read(HILL, tmp_path), {"base": [0.3, 0.8]}
    here = pn.sweep(model, axes, times=GRID, measures=["peak:y"], workers=0)
    there = pn.sweep(model, axes, times=GRID, measures=["peak:y"], workers=1)
    np.testing.assert_array_equal(here["peak_y"], there["peak_y"])


@pytest.mark.parametrize("suffix", [".xml", ".ant", ".cps"])
@pytest.mark.parametrize("changed", [{}, {"base": 0.8, "x0": 1.7}], ids=str)
def test_exported_files_hold_the_changed_model(
    suffix: str, changed: dict[str, float], tmp_path: Path
) -> None:
    model = read(HILL, tmp_path)
    run = model.simulate(GRID, parameters=changed)
    path = pn.export(model, tmp_path / f"out{suffix}", parameters=changed)
    if suffix == ".ant":
        antimony.clearPreviousLoads()
        assert antimony.loadAntimonyString(path.read_text()) >= 0
        path = tmp_path / "again.xml"
        path.write_text(antimony.getSBMLString(antimony.getMainModuleName()))
    if suffix != ".cps":
        assert_near(pn.read_sbml(path).simulate(GRID), values(run), 1e-7)
    found = copasi_solution(path, GRID)
    assert found.keys() >= {"x", "y", "B", "K"}
    assert_near(run, {name: found[name] for name in ("x", "y", "B", "K")})


def test_our_own_files_can_be_read_too(tmp_path: Path) -> None:
    own = pn.load("KT-253")
    dose = {"KT-253": pn.pulse(10.0, hours=4.1)}
    times = np.linspace(0.0, 24.0, 49)
    model = pn.read_sbml(pn.export(own, tmp_path / "own.xml", dose))
    assert model.definition.time_unit == "h"
    run = model.simulate(times)
    assert run["p53"].attrs["units"] == "zmol/pL"  # which is nM
    assert_near(run, values(own.simulate(times, dose)), 1e-6)


def test_it_says_what_it_is_and_can_be_drawn(tmp_path: Path) -> None:
    model = read(TRANSPORT, tmp_path)
    assert repr(model) == "<p53net model: m, read from a file>"
    run = model.simulate(GRID)
    assert {"model", "parameters", "engine", "tolerances"} <= run.attrs.keys()
    assert "doses" not in run.attrs
    assert pn.plot(run).axes[0].get_xlabel() == "time"  # the file names no unit of it


# Refused ------------------------------------------------------------------------------------------

MATH = '<math xmlns="http://www.w3.org/1998/Math/MathML">{}</math>'
SPECIES = (
    '<species id="{}" compartment="c" initialConcentration="{}" hasOnlySubstanceUnits="false" '
    'boundaryCondition="false" constant="false"/>'
)
PARAMETER = '<parameter id="{}" {} constant="false"/>'
RULE = '<assignmentRule variable="{}">' + MATH + "</assignmentRule>"
FUNCTION = (
    '<functionDefinition id="{}">'
    + MATH.format("<lambda><bvar><ci>x</ci></bvar>{}</lambda>")
    + "</functionDefinition>"
)


def core(
    species: str = "", *, parameters: str = "", rules: str = "", reactions: str = "",
    functions: str = "", initial: str = "", about: str = "", extra: str = "",
) -> str:  # fmt: skip
    """A whole SBML file."""
    lists = (
        ("FunctionDefinitions", functions),
        ("Compartments", '<compartment id="c" size="1" constant="true"/>'),
        ("Species", species),
        ("Parameters", parameters),
        ("InitialAssignments", initial),
        ("Rules", rules),
        ("Reactions", reactions),
    )
    body = "".join(f"<listOf{name}>{text}</listOf{name}>" for name, text in lists if text)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1" '
        f'{about}><model id="m">{body}{extra}</model></sbml>'
    )


def nested(depth: int) -> str:
    deep = "<apply><minus/>" * depth + "<cn>1</cn>" + "</apply>" * depth
    return core(parameters=PARAMETER.format("p", ""), rules=RULE.format("p", deep))


def doubling() -> str:
    """Functions that call the one before twice."""
    made = FUNCTION.format("f0", "<ci>x</ci>")
    for i in range(1, 60):
        call = f"<apply><ci>f{i - 1}</ci><ci>x</ci></apply>"
        made += FUNCTION.format(f"f{i}", f"<apply><plus/>{call}{call}</apply>")
    used = "<apply><ci>f59</ci><cn>1</cn></apply>"
    return core(parameters=PARAMETER.format("p", ""), rules=RULE.format("p", used), functions=made)


def reaction(law: str) -> str:
    reactant = '<speciesReference species="A" stoichiometry="1" constant="true"/>'
    sides = f"<listOfReactants>{reactant}</listOfReactants>"
    return f'<reaction id="r" reversible="false" fast="false">{sides}{law}</reaction>'


def starts(symbol: str, of: str) -> str:
    math_ = MATH.format(f"<ci>{of}</ci>")
    return f'<initialAssignment symbol="{symbol}">{math_}</initialAssignment>'


LAW = f"<kineticLaw>{MATH.format('<cn>1</cn>')}</kineticLaw>"
P, Q = PARAMETER.format("p", 'value="1"'), PARAMETER.format("q", 'value="1"')
NEW = 'xmlns:new="http://www.sbml.org/sbml/level3/version1/new/version1" new:required="true"'

REFUSED: list[tuple[str, "str | bytes", type[Exception], str]] = [
    ("text", "k = 1", pn.ModelError, "is not XML"),
    ("nothing", "", pn.ModelError, "is not XML"),
    ("other XML", "<html/>", pn.ModelError, "is not SBML: it holds <html>"),
    ("bare sbml", "<sbml/>", pn.ModelError, "is not SBML"),
    ("no model", core().split("<model")[0] + "</sbml>", pn.ModelError, "model"),
    ("cut off", core(SPECIES.format("A", 1))[:-20], pn.ModelError, "is not XML"),
    ("NUL", core() + "\0", pn.ModelError, "is not XML"),
    ("Latin letters", core(extra="<notes>\xe4</notes>").encode("latin-1"), pn.ModelError, "XML"),
    ("other encoding", core().replace("UTF-8", "ISO-8859-1").replace("<model", "<!--\xe4--><model")
     .encode("latin-1"), pn.ModelError, "is not UTF-8"),
    ("DOCTYPE", core().replace("?><sbml", '?><!DOCTYPE sbml SYSTEM "http://a.b/c"><sbml'),
     pn.ModelError, "DOCTYPE"),
    ("entities", core().replace("?><sbml", '?><!DOCTYPE sbml [<!ENTITY a "b">]><sbml'),
     pn.ModelError, "DOCTYPE"),
    ("a package to come", core(about=NEW), pn.ModelError, "package new"),
    ("deep", nested(300), pn.ModelError, "200 elements inside each other"),
    ("very deep", nested(100_000), pn.ModelError, "inside each other"),
    ("long", core(parameters=PARAMETER.format("p", ""), rules=RULE.format(
        "p", f"<apply><plus/>{'<cn>1</cn>' * 5000}</apply>")), pn.ModelError, "1000 terms"),
    ("functions that explode", doubling(), pn.ModelError, "functions are written out"),
    ("function that calls itself", core(parameters=P, functions=FUNCTION.format(
        "f", "<apply><ci>f</ci><ci>x</ci></apply>")), pn.ModelError, "not valid SBML"),
    ("ids twice", core(SPECIES.format("A", 1) * 2), pn.ModelError, "not valid SBML"),
    ("circular rules", core(parameters=P + Q, rules=RULE.format("p", "<ci>q</ci>")
                            + RULE.format("q", "<ci>p</ci>")), pn.ModelError, "not valid SBML"),
    ("circular starts", core(parameters=P + Q, initial=starts("p", "q") + starts("q", "p")),
     pn.ModelError, "not valid SBML"),
    ("power of one", core(parameters=P, rules=RULE.format(
        "p", "<apply><power/><cn>1</cn></apply>")), pn.ModelError, "not valid SBML"),
    ("unknown symbol", core(parameters=P, rules=RULE.format("p", "<ci>z</ci>")), pn.ModelError,
     "not valid SBML"),
    ("reaction without a rate", core(SPECIES.format("A", 1), reactions=reaction("")),
     pn.ModelError, "reaction r, line 1, has no rate"),
    ("algebraic rule", core(parameters=P, rules="<algebraicRule>" + MATH.format(
        "<apply><times/><ci>p</ci><ci>p</ci></apply>") + "</algebraicRule>"), pn.ModelError,
     "algebraicRule, line 1,"),
    ("delay", core(parameters=P + Q, rules=RULE.format(
        "p", '<apply><csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/delay"'
        "> d </csymbol><ci>q</ci><cn>1</cn></apply>")), pn.ModelError, "delay()"),
    ("parameter without a value", core(parameters=PARAMETER.format("p", "")),
     pn.ModelError, "parameter p, line 1, has no value"),
    ("species without a value",
     core(SPECIES.format("A", 1).replace("initialConcentration", "name")), pn.ModelError,
     "species A, line 1, has no value"),
    ("volume without a value", core(SPECIES.format("A", 1)).replace(' size="1"', ""),
     pn.ModelError, "compartment c, line 1, has no value"),
    ("nothing to do", core().replace('<compartment id="c" size="1" constant="true"/>', "")
     .replace("<listOfCompartments></listOfCompartments>", ""), pn.ModelError,
     "neither species nor parameters"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "kind", "said"), [case[1:] for case in REFUSED],
                         ids=[case[0] for case in REFUSED])  # fmt: skip
def test_refused_files(
    content: "str | bytes", kind: type[Exception], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "bad.xml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(kind) as caught:
        pn.read_sbml(path)
    assert type(caught.value) is kind
    assert said in str(caught.value)
    assert "bad.xml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_frame_of_the_refused_files_is_sound(tmp_path: Path) -> None:
    path = tmp_path / "good.xml"
    path.write_text(core(SPECIES.format("A", 1), reactions=reaction(LAW), parameters=P))
    run = pn.read_sbml(path).simulate(GRID)
    assert_near(run, {"A": 1.0 - GRID}, 1e-7)


@pytest.mark.parametrize("where", ["no.xml", ".", 5, None, "a\0b"])
def test_refused_paths(where: object, tmp_path: Path) -> None:
    with pytest.raises(pn.InputError, match=r"cannot read|must name an SBML file"):
        pn.read_sbml(tmp_path / where if isinstance(where, str) else where)  # type: ignore[arg-type]


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "large.xml"
    with path.open("wb") as file:
        file.truncate(20 * 2**20 + 1)
    with pytest.raises(pn.InputError, match="at most 20 are allowed"):
        pn.read_sbml(path)


ASKED: list[tuple[str, Callable[[pn.Model], object], type[Exception], str]] = [
    ("dose", lambda m: m.simulate(GRID, {"milademetan": 1.0}), pn.InputError, "has no drugs"),
    ("feedback", lambda m: m.simulate(GRID, feedback=False), pn.InputError, "no loop"),
    ("rest", lambda m: m.steady_state({"milademetan": 1.0}), pn.InputError, "has no drugs"),
    ("parameter", lambda m: m.simulate(GRID, parameters={"K1": 1.0}), pn.UnknownNameError, "'k1'"),
    ("rule", lambda m: m.simulate(GRID, parameters={"total": 1.0}), pn.UnknownNameError, "total"),
    ("no volume", lambda m: m.simulate(GRID, parameters={"big": 0.0}), pn.InputError, "big is 0"),
    ("NaN", lambda m: m.simulate(GRID, parameters={"k1": np.nan}), pn.InputError, "k1 is nan"),
    ("observable", lambda m: m.simulate(GRID, observables=["p53_total"]), pn.UnknownNameError,
     "p53_total"),
    ("open sweep", lambda m: pn.sweep(m, {"k1": [1.0]}, measures=["peak:A"], feedback=False),
     pn.InputError, "no loop"),
    ("drug axis", lambda m: pn.sweep(m, {"milademetan": [1.0]}, measures=["peak:A"]), pn.InputError,
     "has no drugs"),
    ("exposure", lambda m: pn.sweep(m, {"exposure": [1.0]}, measures=["peak:A"]), pn.InputError,
     "no drug"),
    ("escape", lambda m: pn.sweep(m, {"k1": [1.0]}, measures=["escape_index"]), pn.InputError,
     "about drugs and p53"),
    ("dose ratio", lambda m: pn.sweep(m, {"k1": [1.0]}, measures=["dose_ratio:3"]), pn.InputError,
     "a measure of your own"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "said"), [case[1:] for case in ASKED],
                         ids=[case[0] for case in ASKED])  # fmt: skip
def test_what_such_a_model_cannot_do(
    call: Callable[[pn.Model], object], kind: type[Exception], said: str, tmp_path: Path
) -> None:
    model = read(TRANSPORT, tmp_path)
    with pytest.raises(kind) as caught:
        call(model)
    assert type(caught.value) is kind
    assert said in str(caught.value)


def test_a_start_that_is_no_number_is_an_error(tmp_path: Path) -> None:
    model = read("compartment c = 1; species S in c; k = 2; d = 1; S = k/(k - d); R: S => ; k*S",
                 tmp_path)  # fmt: skip
    with pytest.raises(pn.P53NetError):
        model.simulate(GRID, parameters={"d": 2.0})
