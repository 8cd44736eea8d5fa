"""The COPASI engine against RoadRunner and closed forms, and what it must not carry over."""

import gc
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import p53net as pn
from p53net.dosing.medium import same_courses
from p53net.engines.base import DosingEvents, Engine, Problem, Tolerances
from p53net.errors import TimeLimitError
from p53net.model.definition import Definition
from p53net.model.structures import named_structures
from p53net.simulation import choice
from p53net.simulation.inputs import checked_doses
from p53net.simulation.model import Model
from tests.support.files import (
    CHANGES,
    FOLDER,
    GRID,
    HILL,
    JUMPS,
    TRANSPORT,
    compiled,
    needs_published,
    read,
)
from tests.support.pulsing import PULSING

COPASI = pytest.importorskip("COPASI", reason="COPASI's Python package is not installed")

TIMES = np.linspace(0.0, 48.0, 33)
DOSE_TIMES = [0.0, 6.1, 24.0, 48.0]  # at the start, between, at a time of output, at the end
ABSENT = 1e-9
"""nM: below this, the largest value of a curve is rounding."""
LIMIT = 1e-6
"""Of each curve's peak; most differ by 1e-8."""


def assert_agree(model: Model, times: np.ndarray, *doses: object, **about: object) -> None:
    one = model.simulate(times, *doses, engine="copasi", **about)
    other = model.simulate(times, *doses, engine="roadrunner", **about)
    assert one.attrs["engine"] == f"copasi {COPASI.__version__}"
    assert other.attrs["engine"].startswith("roadrunner")
    floor = 0.0 if model.definition.external else ABSENT
    for name in other.data_vars:
        peak = float(np.abs(other[name]).max()) or 1.0
        if peak < floor:  # rounding, of what is not there
            assert float(np.abs(one[name]).max()) < floor, name
            continue
        assert float(np.abs(one[name] - other[name]).max()) <= LIMIT * peak, name


def engine_of(definition: Definition) -> Engine:
    return choice.made("copasi", definition, Tolerances())


# The same curves as RoadRunner --------------------------------------------------------------------

DISHES: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "constant": ({"milademetan": 1000.0}, {}),
    "trace": ({"milademetan": 1e-6}, {}),
    "damage": ({"milademetan": 30.0}, {"parameters": {"DSB": 10.0}}),
    "schedule, loop opened": (
        {"milademetan": pn.course([(0.0, 100.0), (6.1, 0.0), (24.0, 300.0), (48.0, 0.0)])},
        {"feedback": False},
    ),
    "late": ({"milademetan": pn.pulse(100.0, hours=4.0, start=7.3)}, {}),
}


@pytest.mark.slow
@pytest.mark.parametrize("structure", named_structures())
def test_every_named_structure(structure: str) -> None:
    """In a dish; and where there is death and blood, in a culture and in marrow."""
    both = pn.load("milademetan", "KT-253", structure=structure)
    assert_agree(both, TIMES, {"milademetan": 100.0, "KT-253": pn.pulse(1.0, 6.0)})
    if both.definition.structure["core"] != "p53net":
        return
    culture = pn.load("KT-253", cell_line="RS4;11", system="culture", structure=structure)
    assert_agree(culture, TIMES, {"KT-253": 1.0})
    marrow = pn.load("milademetan", system="marrow", structure=structure)
    dose = pn.regimen(260, "mg", "3/14", days=14)
    assert_agree(marrow, np.linspace(0.0, 336.0, 57), {"milademetan": dose})


@pytest.mark.slow
@pytest.mark.parametrize(
    "choice_", [{"clone": "mutant"}, {"p73": "readout"}, {"marrow": "friberg"}], ids=str
)
def test_every_other_option(choice_: dict[str, str]) -> None:
    model = pn.load("milademetan", cell_line="SJSA-1", system="culture", structure=choice_)
    assert_agree(model, TIMES, {"milademetan": 300.0})


@pytest.mark.parametrize("name", DISHES)
def test_a_dish(name: str, inhibitor: pn.Model) -> None:
    doses, about = DISHES[name]
    assert_agree(inhibitor, TIMES, doses, **about)


def test_a_degrader_in_a_dish(degrader: pn.Model) -> None:
    assert_agree(degrader, TIMES, {"KT-253": pn.pulse(10.0, hours=4.0)})


def test_two_drugs_in_a_closed_dish(both: pn.Model) -> None:
    """The volume of the medium is that of a compartment."""
    assert_agree(both, TIMES, {"milademetan": pn.closed_dish(500.0), "KT-253": pn.closed_dish(3.0)})


def test_no_drug(loop: pn.Model) -> None:
    assert_agree(loop, TIMES)


SYSTEMS = [
    ("milademetan", "culture", None),
    ("milademetan", "plasma", "human"),
    ("milademetan", "tumour", "human"),
    ("KT-253", "tumour", "mouse"),
    ("milademetan", "marrow", "human"),
]


@pytest.mark.parametrize(("drug", "system", "host"), SYSTEMS, ids=str)
@pytest.mark.slow
def test_a_system_around_the_cell(drug: str, system: str, host: str | None) -> None:
    model = pn.load(drug, system=system, host=host)
    amount, unit = (260.0, "mg") if host == "human" else (0.3, "mg/kg")
    dose = pn.regimen(amount, unit, DOSE_TIMES) if host else [(0.0, 300.0), (6.1, 0.0)]
    assert_agree(model, TIMES, {drug: dose})


@pytest.mark.parametrize("changed", [{}, {"k1": 1.4}, {"small": 0.25}, {"E": 4.0}], ids=str)
def test_volumes_amounts_and_boundaries(changed: dict[str, float], tmp_path: Path) -> None:
    assert_agree(read(TRANSPORT, tmp_path), GRID, parameters=changed)


@pytest.mark.parametrize("changed", [changed for changed, _ in CHANGES], ids=str)
@pytest.mark.parametrize("more", ["", JUMPS], ids=["formulas", "engine"])
def test_rules_and_start_values_that_follow(
    changed: dict[str, float], more: str, tmp_path: Path
) -> None:
    """The second: without formulas for them, COPASI gives the start values."""
    model = read(HILL + more, tmp_path)
    assert (model.starts.of({}) is None) is bool(more)
    assert_agree(model, GRID, parameters=changed)


MODELS = {
    "an event at a time": "x = 1; x' = -x; at (time >= 2.5): x = x + 1",
    "an event between outputs": "x = 1; x' = -x; at (time > 3.3 && time < 3.301): x = x + 1",
    "an event of a state": "x = 0; x' = 1; y = 0; y' = 0; at (x > 1.13): y = y + 1, x = 0",
    "events at the start": "x = 0; x' = 0; at (time >= 0), t0=false: x = x + 2",
    "a delay": "x = 1; x' = -x; at 0.55 after (x < 0.8): x = 2",
    "priorities": "x = 0; x' = 1; y = 1; y' = 0; at (x > 1), priority=1: y = y + 1; "
    "at (x > 1), priority=5: y = 3*y",
    "the time": "k = 2; x := k*time; y = 0; y' = x*sin(time)",
    "a growing volume": "compartment c = 2; c' = 0.1*c; species $E in c = 3; species S in c = 1; "
    "substanceOnly species N in c = 2; R: S => N; 0.1*S*E; x := N/c",
    "a computed volume": "compartment c := 2 + time; species $E in c = 3; species S in c = 1; "
    "substanceOnly species N in c = 2; R: S => N; 0.1*S*E",
    "a volume that jumps": "compartment c = 2; species S in c = 1; R: S => ; 0.1*S*c; "
    "at (time > 1.6): c = 4",
    "a computed start of a stoichiometry": "compartment c = 1; species A in c = 1; "
    "species B in c = 0; n = 3; R: A => ratio B; 0.5*A; ratio = n",
}


@pytest.mark.parametrize("name", MODELS)
def test_what_files_may_have(name: str, tmp_path: Path) -> None:
    model = read(MODELS[name], tmp_path)
    assert_agree(model, GRID)
    if "n" in model.definition.parameters:
        assert_agree(model, GRID, parameters={"n": 2.0})
        assert_agree(model, GRID)


@needs_published
def test_a_published_model() -> None:
    model = pn.read_sbml(Path(FOLDER) / "BIOMD0000000252.xml")
    assert_agree(model, np.linspace(0.0, 48.0, 98))


def test_a_concentration_in_a_file_is_kept_in_another_volume(tmp_path: Path) -> None:
    """One of a constant species, which the file gives as such, or as an amount."""
    path = compiled("compartment c = 2; species $E in c = 3; x = 1; x' = -0.1*E*x", tmp_path)
    run = pn.read_sbml(path).simulate(GRID, parameters={"c": 4.0}, engine="copasi")
    assert run["E"].values == pytest.approx(np.full(len(GRID), 3.0))
    np.testing.assert_allclose(run["x"], np.exp(-0.3 * GRID), rtol=1e-7)
    path.write_text(path.read_text().replace('initialConcentration="3"', 'initialAmount="6"'))
    for jumps in (False, True):
        diluted = read_again(path, jumps).simulate(GRID, parameters={"c": 4.0}, engine="copasi")
        np.testing.assert_allclose(diluted["x"], np.exp(-0.15 * GRID), rtol=1e-7)


def read_again(path: Path, jumps: bool) -> pn.Model:
    """With a volume that has no formula, so that COPASI has to compute the starts."""
    if jumps:
        parts = {
            "Rules": '<assignmentRule variable="v">'
            '<math xmlns="http://www.w3.org/1998/Math/MathML"><apply><plus/><cn>1</cn><apply>'
            '<floor/><csymbol encoding="text" '
            'definitionURL="http://www.sbml.org/sbml/symbols/time"> t </csymbol>'
            "</apply></apply></math></assignmentRule>",
            "Compartments": '<compartment id="v" spatialDimensions="3" constant="false"/>',
            "Species": '<species id="odd" compartment="v" initialConcentration="1" '
            'hasOnlySubstanceUnits="false" boundaryCondition="true" constant="false"/>',
        }
        text = path.read_text()
        for name, part in parts.items():
            text = text.replace(f"</listOf{name}>", f"{part}</listOf{name}>")
        path.write_text(text)
    model = pn.read_sbml(path)
    assert (model.starts.of({}) is None) is jumps
    return model


def test_parts_are_found_by_id(tmp_path: Path) -> None:
    """Names may be ids of something else, or be shared."""
    text = """
        compartment c = 2; species p in c = 1; k = 0.3; q = 0.1; R: p => ; k*p*c; R2: => p; q*c
        y := p + k; p is "k"; k is "p"; q is "R"; c is "p"; y is "time"
    """
    model = read(text, tmp_path)
    for changed in ({}, {"k": 1.0}, {"q": 0.5}, {"c": 3.0}, {}):
        k, q = changed.get("k", 0.3), changed.get("q", 0.1)
        run = model.simulate(GRID, parameters=changed, engine="copasi")
        expected = q / k + (1.0 - q / k) * np.exp(-k * GRID)
        np.testing.assert_allclose(run["p"], expected, rtol=1e-7)
        np.testing.assert_allclose(run["y"], expected + k, rtol=1e-7)


def test_the_error_falls_with_the_tolerance(inhibitor: pn.Model) -> None:
    """The absolute one too, under a dose that is far below it in COPASI's particles."""
    dose = {"milademetan": pn.closed_dish(1e-6)}
    exact = Model(inhibitor.definition, Tolerances(1e-12, 1e-20)).simulate(
        TIMES, dose, engine="roadrunner"
    )["MDM2_inhibitor"]
    for tolerances, limit in ((Tolerances(1e-6), 1e-5), (Tolerances(), 1e-7)):
        run = Model(inhibitor.definition, tolerances).simulate(TIMES, dose, engine="copasi")
        error = float(np.abs(run["MDM2_inhibitor"] - exact).max() / exact.max())
        assert 0.0 < error <= limit


# Events of a problem ------------------------------------------------------------------------------

CLOCK = "compartment c = 2; species A in c = 1; t := time; R: A => ; c*0.1*time*A"


def clocked(folder: Path) -> tuple[Engine, Definition]:
    definition = read(CLOCK, folder).definition
    return engine_of(definition), definition


def events(times: list[float], values: list[float], *, added: bool = False) -> DosingEvents:
    return DosingEvents(
        np.array([times]),
        ("A",),
        np.array(values).reshape(1, -1, 1),
        frozenset({"A"} if added else ()),
    )


def by_hand(times: np.ndarray, what: DosingEvents) -> np.ndarray:
    """The rate follows the time since the start, also after an event."""
    rows = []
    for time in times:
        value, since = 1.0, 0.0
        for at, new in zip(what.times[0], what.values[0, :, 0], strict=True):
            if at <= time:
                value *= np.exp(-0.05 * (at**2 - since**2))
                kept = value if what.added else 0.0
                value, since = value if np.isnan(new) else kept + new, at
        rows.append(value * np.exp(-0.05 * (time**2 - since**2)))
    return np.array(rows)


@pytest.mark.parametrize("added", [False, True])
@pytest.mark.parametrize(
    ("at", "values"),
    [
        ([0.0], [2.0]),
        ([3.0], [2.0]),
        ([2.9], [2.0]),
        ([0.1 + 0.2], [2.0]),
        ([6.0], [2.0]),
        ([0.0, 0.0, 3.0, 3.0, 4.5, 6.0, 6.0], [3.0, 2.0, 5.0, 4.0, np.nan, 7.0, 8.0]),
        ([1.0, 6.1, np.inf], [2.0, 3.0, 4.0]),
    ],
    ids=str,
)
def test_events_go_on_in_the_time_of_the_run(
    at: list[float], values: list[float], added: bool, tmp_path: Path
) -> None:
    """At the start and the end, on, between and beside times of output."""
    engine, _ = clocked(tmp_path)
    times = np.array([0.0, 0.3, 1.0, 3.0, 3.0, 5.5, 6.0])
    what = events(at, values, added=added)
    found = engine.integrate(Problem({}, np.ones((1, 1)), times, ("t", "A"), what))
    assert not found.errors
    assert found.values[0, 0] == pytest.approx(times, abs=1e-14)
    np.testing.assert_allclose(found.values[0, 1], by_hand(times, what), rtol=1e-7)


@pytest.mark.parametrize("at", [[], [0.0]], ids=str)
def test_a_run_of_no_length_gives_its_start(at: list[float], tmp_path: Path) -> None:
    engine, _ = clocked(tmp_path)
    what = events(at, [2.0] * len(at))
    found = engine.integrate(Problem({}, np.full((1, 1), 3.0), np.zeros(2), ("A", "t"), what))
    assert found.values[0, 0] == pytest.approx([2.0 if at else 3.0] * 2, rel=1e-15)
    assert found.values[0, 1].tolist() == [0.0, 0.0]


def test_each_run_has_its_own_times(tmp_path: Path) -> None:
    engine, _ = clocked(tmp_path)
    times = np.linspace(0.0, 1.0, 5) * np.array([[3.0], [4.0], [1.0]])
    found = engine.integrate(Problem({}, np.ones((3, 1)), times, ("A",), DosingEvents.none(3)))
    np.testing.assert_allclose(found.values[:, 0], np.exp(-0.05 * times**2), rtol=1e-7)


# Nothing is carried over --------------------------------------------------------------------------


def problem(model: Model, changed: Mapping[str, list[float]]) -> Problem:
    size = len(next(iter(changed.values())))
    courses = same_courses(
        checked_doses(model.definition, {"milademetan": [(0, 50), (5, 9)]}), size
    )
    columns = {name: np.array(values) for name, values in changed.items()}
    begun = model.runner("copasi").begin(courses, columns)
    assert not begun.errors
    return Problem(begun.parameters, begun.starts, TIMES, ("p53", "MDM2_total"), begun.events)


def test_the_same_bytes_in_any_order(inhibitor: pn.Model) -> None:
    """On one grid of times, where COPASI would show the table of the run before."""
    engine = engine_of(inhibitor.definition)
    rates = [0.2, 0.4, 0.1, 0.4, 0.2]
    whole = problem(inhibitor, {"k_deg_p53": rates})
    first = engine.integrate(whole).values
    assert not np.array_equal(first[0], first[1])
    np.testing.assert_array_equal(first[[0, 1]], first[[4, 3]])
    for i in (3, 0, 2):
        one = problem(inhibitor, {"k_deg_p53": rates[i : i + 1]})
        engine.integrate(replace(one, times=TIMES[:7], outputs=("p21",)))
        np.testing.assert_array_equal(engine.integrate(one).values[0], first[i])


def test_two_engines_of_one_model_at_once(inhibitor: pn.Model) -> None:
    """Each repeats its own bytes; between imports, COPASI's last digits differ."""
    one, other = engine_of(inhibitor.definition), engine_of(inhibitor.definition)
    slow, fast = (problem(inhibitor, {"k_deg_p53": [rate]}) for rate in (0.1, 0.5))
    alone = one.integrate(slow).values
    elsewhere = other.integrate(fast).values
    np.testing.assert_array_equal(one.integrate(slow).values, alone)
    np.testing.assert_array_equal(other.integrate(fast).values, elsewhere)
    del one
    gc.collect()
    np.testing.assert_allclose(other.integrate(slow).values, alone, rtol=1e-7)


def test_a_failing_row_beside_good_ones(
    inhibitor: pn.Model, capfd: pytest.CaptureFixture[str]
) -> None:
    engine = engine_of(inhibitor.definition)
    whole = problem(inhibitor, {"k_deg_p53": [0.2, 0.2, 0.2, 0.2]})
    good = engine.integrate(whole)
    fast, starts = np.array([0.2, 1e300, 0.2, 0.2]), whole.starts.copy()
    starts[2, 0] = np.nan
    found = engine.integrate(
        replace(whole, starts=starts, parameters={**whole.parameters, "k_deg_p53": fast})
    )
    assert sorted(found.errors) == [1, 2]
    for error in found.errors.values():
        assert isinstance(error, pn.SimulationError)
        assert "\n" not in str(error)
        assert "milademetan: integration failed between 0 h and 5 h; check doses" in str(error)
    np.testing.assert_array_equal(found.values[[0, 3]], good.values[[0, 3]])
    assert np.isnan(found.values[[1, 2]]).all()
    assert np.isnan(found.steps).all()
    assert capfd.readouterr() == ("", "")


def test_threads_are_kept_apart(inhibitor: pn.Model, degrader: pn.Model) -> None:
    runs = [(inhibitor, {"milademetan": 10.0}), (degrader, {"KT-253": 1.0})]
    expected = [model.simulate(TIMES, dose, engine="copasi") for model, dose in runs]
    same: list[bool] = []

    def work(i: int) -> None:
        model, dose = runs[i % 2]
        for _ in range(5):
            there = model.simulate(TIMES, dose, engine="copasi")
            same.append(there.identical(expected[i % 2]))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert same == [True] * 20


@pytest.fixture
def own() -> Iterator[None]:
    """A data model that is the user's, with a message that it has caused."""
    gc.collect()
    model = COPASI.CRootContainer.addDatamodel()
    assert not model.importSBMLFromString("<x/>")
    yield
    COPASI.CRootContainer.removeDatamodel(model)
    COPASI.CCopasiMessage.clearDeque()


@pytest.mark.usefixtures("own")
def test_the_users_own_copasi_is_left_alone(inhibitor: pn.Model) -> None:
    """Its models stay, and so do its messages; ours go with the engine."""
    usual = problem(inhibitor, {"k_deg_p53": [0.2, 0.2]})
    models, messages = COPASI.CRootContainer.getDatamodelList(), COPASI.CCopasiMessage.size()
    assert messages > 0
    before = models.size()
    engine = engine_of(inhibitor.definition)
    extreme = {**usual.parameters, "k_deg_p53": np.array([0.2, 1e300])}
    assert [*engine.integrate(replace(usual, parameters=extreme)).errors] == [1]
    assert (models.size(), COPASI.CCopasiMessage.size()) == (before + 1, messages)
    del engine
    gc.collect()
    assert models.size() == before


def test_a_time_limit(inhibitor: pn.Model) -> None:
    engine = engine_of(inhibitor.definition)
    whole = problem(inhibitor, {"k_deg_p53": [0.2]})
    engine.deadline = 0.0
    assert isinstance(engine.integrate(whole).errors[0], TimeLimitError)
    engine.deadline = np.inf
    assert not engine.integrate(whole).errors


# States at rest, sweeps ---------------------------------------------------------------------------

RESTS: list[tuple[dict[str, float], dict[str, object]]] = [
    ({}, {}),
    ({}, {"parameters": {"k_deg_MDM2": 3.0, "DSB": 5.0}}),
    ({"milademetan": 100.0}, {}),
    ({"KT-253": 1.0}, {"feedback": False}),
    ({"milademetan": 30.0, "KT-253": 0.3}, {}),
]


@pytest.mark.parametrize(("doses", "about"), RESTS, ids=str)
def test_states_at_rest(doses: dict[str, float], about: dict[str, object], both: pn.Model) -> None:
    one = both.steady_state(doses, engine="copasi", **about)
    other = both.steady_state(doses, engine="roadrunner", **about)
    assert one.attrs["engine"].startswith("copasi")
    assert one.data_vars.keys() == other.data_vars.keys()
    for name in other.data_vars:
        assert float(one[name]) == pytest.approx(float(other[name]), rel=1e-9, abs=1e-12), name


def test_a_pulsing_cell_does_not_rest(loop: pn.Model) -> None:
    for engine in ("roadrunner", "copasi"):
        with pytest.raises(pn.SteadyStateError, match="pulses"):
            loop.steady_state(parameters=PULSING, engine=engine)


def test_a_sweep(inhibitor: pn.Model) -> None:
    def swept(engine: str) -> object:
        return pn.sweep(
            inhibitor, {"k_deg_p53": [0.1, 0.4], "milademetan": [1.0, 100.0]}, times=TIMES,
            measures=["peak:p53"], engine=engine, workers=0,
        )  # fmt: skip

    one, other = swept("copasi"), swept("roadrunner")
    assert set(one["status"].values.ravel()) == {"ok"}
    assert one.attrs["engine"].startswith("copasi")
    np.testing.assert_allclose(one["peak_p53"], other["peak_p53"], rtol=LIMIT)


# What it refuses ----------------------------------------------------------------------------------

REFUSED = {
    "ratio": "compartment c = 1; species A in c = 1; species B in c = 0; n = 3; "
    "R: A => ratio B; 0.5*A; ratio := n",
    "S has a rate rule in a changing compartment": "compartment c = 2; c' = 0.1*c; "
    "species $S in c = 1; S' = 0.3",
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_copasi_would_run_wrongly(what: str, tmp_path: Path) -> None:
    """No other engine takes its place: this one is there to be compared with."""
    with pytest.raises(pn.ModelError, match=rf"COPASI cannot run m; use another engine: .*{what}"):
        read(REFUSED[what], tmp_path).simulate(GRID, engine="copasi")


def test_conversion_factors_are_refused(tmp_path: Path) -> None:
    """COPASI says that it takes them into account, and does not."""
    path = compiled("compartment c = 2; species A in c = 3; f = 2; R: A => ; 0.2*A", tmp_path)
    path.write_text(path.read_text().replace("<model ", '<model conversionFactor="f" '))
    model = pn.read_sbml(path)
    run = model.simulate(GRID, engine="roadrunner")
    np.testing.assert_allclose(run["A"], 3.0 * np.exp(-0.2 * GRID), rtol=1e-7)
    with pytest.raises(pn.ModelError, match=r"COPASI cannot run m; .*conversion factors"):
        model.simulate(GRID, engine="copasi")


def test_text_that_copasi_cannot_read(loop: pn.Model, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(pn.ModelError, match=r"COPASI cannot read p53_loop; .*LIBSBML ERROR"):
        engine_of(replace(loop.definition, sbml="<x/>"))
    assert capfd.readouterr() == ("", "")


def test_without_the_package(loop: pn.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "COPASI", None)
    for name in ("p53net.engines.copasi", "p53net.engines.copasi_parts"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(pn.MissingPackageError, match=r'pip install "p53net\[copasi\]"'):
        Model(loop.definition).simulate([0.0, 1.0], engine="copasi")
    assert float(loop.simulate([0.0, 1.0], engine="roadrunner")["p53"][-1]) > 0.0
