"""Published loops as cores: they are the published models, and our drugs act on them as said."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import libsbml
import numpy as np
import pytest

import p53net as pn
from p53net.errors import InputError, UnknownNameError
from p53net.model.check import findings
from p53net.model.structures import named_structures
from tests.support import published_cores as hand
from tests.support import published_drugs
from tests.support.agreement import assert_agree
from tests.support.files import FOLDER, needs_published

DRUGS = ("milademetan", "KT-253")
HOURS = np.linspace(0.0, 40.0, 161)
PULSES = {"milademetan": pn.pulse(2000.0, hours=5.0), "KT-253": pn.pulse(5.0, hours=9.0, start=2.0)}

each_core = pytest.mark.parametrize("core", hand.CORES)
each_engine = pytest.mark.parametrize(
    "engine", ["roadrunner", pytest.param("batch", marks=pytest.mark.slow)]
)
each_drug = pytest.mark.parametrize("drug", DRUGS)


@cache
def loaded(core: str, *drugs: str, **options: str) -> pn.Model:
    return pn.load(*drugs, structure={**named_structures()[core].choices, **options})


def value(model: pn.Model, name: str) -> float:
    return model.definition.parameters[name].value


def begun(core: str, starts: dict[str, float], folder: Path) -> pn.Model:
    """The core alone, as a file that starts elsewhere than at rest."""
    document = libsbml.readSBMLFromString(loaded(core).definition.sbml)
    for species in document.getModel().getListOfSpecies():
        species.setInitialConcentration(starts[species.getId()])
    path = folder / "core.xml"
    libsbml.writeSBMLToFile(document, str(path))
    return pn.read_sbml(path)


def assert_close(run: object, curves: dict[str, np.ndarray], limit: float = 1e-6) -> None:
    assert curves
    for name, curve in curves.items():
        assert np.abs(run[name].values - curve).max() <= limit * np.abs(curve).max(), name


# The published model ------------------------------------------------------------------------------


@each_core
@each_engine
def test_a_core_runs_as_the_equations_by_hand(core: str, engine: str, tmp_path: Path) -> None:
    curves = hand.by_hand(core, HOURS)
    model = begun(core, {name: curve[0] for name, curve in curves.items()}, tmp_path)
    run = model.simulate(HOURS, engine=engine)
    assert run.attrs["engine"].startswith(engine)
    assert set(curves) == set(model.definition.states)
    assert_close(run, curves)


@needs_published
@each_core
def test_a_core_runs_as_the_deposited_model(core: str, tmp_path: Path) -> None:
    """From a state of its own run on: of Proctor after the irradiation, which is an event."""
    one = hand.CORES[core]
    first = int(np.flatnonzero(HOURS == (2.0 if core == "Proctor2008" else 0.0))[0])
    deposited = pn.read_sbml(Path(FOLDER) / one.file).simulate(HOURS * one.hour, accuracy=1e-8)
    curves = {ours: deposited[name].values[first:] for name, ours in one.names.items()}
    model = begun(core, {name: curve[0] for name, curve in curves.items()}, tmp_path)
    assert_close(model.simulate(HOURS[first:] - HOURS[first]), curves)


@needs_published
@each_core
def test_a_core_rests_where_the_deposited_model_does(core: str) -> None:
    one = hand.CORES[core]
    deposited = pn.read_sbml(Path(FOLDER) / one.file)
    end = deposited.simulate([0.0, 1000.0 * one.hour], parameters=one.untouched, accuracy=1e-8)
    rest = loaded(core).steady_state()
    for name, ours in one.names.items():
        assert float(rest[ours]) == pytest.approx(float(end[name][-1]), rel=1e-6, abs=1e-9), name


@each_core
@pytest.mark.parametrize("line", ["generic", "SJSA-1"])
def test_a_core_rests_where_its_balances_say(core: str, line: str) -> None:
    balance = hand.BALANCES[core]
    dose = 15.0 if line == "SJSA-1" else 1.0
    genes = balance._replace(made=lambda p: dose * balance.made(p))
    p = hand.untreated(genes)
    bound, free = hand.of_p53(genes, p)
    rest = pn.load(structure=core, cell_line=line).steady_state()
    for name, by_hand in (("p53_active", p), ("MDM2_p53", bound), ("MDM2_free", free)):
        assert float(rest[name]) == pytest.approx(by_hand, rel=1e-8), name
    assert float(rest["p53_total"]) == pytest.approx(p + bound, rel=1e-8)
    assert float(rest["MDM2_total"]) == pytest.approx(free + bound, rel=1e-8)


def read_outs(curves: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Those of the page, of curves of species."""

    def summed(*names: str) -> np.ndarray:
        return np.sum([curves[name] for name in names if name in curves], axis=0)

    undrugged = "MDM2", "MDM2_phospho", "MDM2_p53"
    drugged = [name for name in published_drugs.DRUGS if name.startswith("MDM2_")]
    drugged.remove("MDM2_destroyed")
    return {
        "p53_active": summed("p53", "p53_phospho"),
        "p53_total": summed("p53", "p53_phospho", "MDM2_p53"),
        "MDM2_free": curves["MDM2"],
        "MDM2_undrugged": summed(*undrugged),
        "MDM2_total": summed(*undrugged, *drugged),
    }


def test_damage_breaks_dna_up_to_the_published_number() -> None:
    """120 breaks: 2 a second for the minute of the published irradiation."""
    run = loaded("Proctor2008").simulate(HOURS, parameters={"DSB": 1.0})
    assert_close(run, {"DNA_breaks": 120.0 * (1.0 - np.exp(-2e-5 * 3600.0 * HOURS))})
    assert float(run["p53_active"].max()) > 10.0 * float(run["p53_active"][0])
    assert_close(run, read_outs({str(name): run[name].values for name in run.data_vars}))


@each_core
@each_engine
def test_a_cell_without_p53_is_empty(core: str, engine: str) -> None:
    rest = pn.load(structure=core, cell_line="TP53-null").steady_state(engine=engine)
    assert [float(rest[name]) for name in ("p53_total", "MDM2_total", "MDM2_mRNA")] == [0.0] * 3


# Our drugs on it ----------------------------------------------------------------------------------


@each_core
@pytest.mark.parametrize(
    "drugs",
    [pytest.param(one, marks=[] if len(one) == 2 else [pytest.mark.slow])
     for one in ((), *((drug,) for drug in DRUGS), DRUGS)],
    ids=str,
)  # fmt: skip
def test_a_core_has_no_finding(core: str, drugs: tuple[str, ...]) -> None:
    made = loaded(core, *drugs).definition
    assert findings(made.sbml, made.parameters) == []


SOURCES = {"MDM2_translation": ("MDM2", 1), "p53_synthesis": ("p53", 1)}
SINKS = {
    "MDM2": "MDM2_degradation MDM2_p53_MDM2_degradation MDM2_phospho_degradation MDM2_destruction "
    "MDM2_inhibitor_MDM2_degradation MDM2_degrader_MDM2_degradation ternary_MDM2_degradation "
    "ubiquitinated_MDM2_degradation",
    "p53": "p53_degradation p53_ubiquitination p53_residual_degradation",
    "inhibitor": "inhibitor_efflux inhibitor_medium_depletion",
    "degrader": "degrader_efflux degrader_medium_depletion",
}
ENTRIES = {f"{drug}_{way}": (drug, 1) for drug in ("inhibitor", "degrader")
           for way in ("influx", "medium_return")}  # fmt: skip


@each_core
def test_molecules_are_kept_but_where_they_are_made_or_lost(core: str) -> None:
    """Ids say what a species is made of; what a medium holds counts as drug."""
    document = libsbml.readSBMLFromString(loaded(core, *DRUGS).definition.sbml)
    changes = {(name, part) for part, names in SINKS.items() for name in names.split()}
    seen = set()
    for reaction in document.getModel().getListOfReactions():
        for part in ("MDM2", "p53", "inhibitor", "degrader", "CRBN"):
            kept = sum(
                sign * item.getStoichiometry()
                for sign, side in ((1, reaction.getListOfProducts()),
                                   (-1, reaction.getListOfReactants()))
                for item in side
                if part in item.getSpecies().split("_")
                and not item.getSpecies().endswith(("mRNA", "destroyed"))
            )  # fmt: skip
            name = reaction.getId()
            made = {**SOURCES, **ENTRIES}.get(name)
            due = 1 if made and made[0] == part else -1 if (name, part) in changes else 0
            assert kept == due, (name, part)
            seen |= {name} if due else set()
    assert {"MDM2_translation", "MDM2_destruction", "p53_ubiquitination"} <= seen


@each_core
@each_drug
def test_drug_is_kept_in_a_closed_dish(core: str, drug: str) -> None:
    model = loaded(core, drug)
    role = model.definition.drugs[drug]
    run = model.simulate(HOURS, {drug: pn.closed_dish(20.0, medium_volume=10.0)})
    amount = 2.0 * run[f"{role}_in_cell"] + 10.0 * run[f"{role}_medium"]
    assert float(amount[0]) == pytest.approx(200.0)
    assert float(abs(amount - 200.0).max()) < 2e-4
    assert float(run[f"{role}_in_cell"].max()) > 1.0


@each_core
def test_no_dose_is_rest(core: str) -> None:
    run = loaded(core, *DRUGS).simulate(HOURS, dict.fromkeys(DRUGS, 0.0))
    rest = loaded(core).steady_state()
    for name in ("p53_total", "p53_active", "MDM2_total", "MDM2_free", "MDM2_mRNA"):
        assert np.abs(run[name] / float(rest[name]) - 1.0).max() < 1e-6, name


def scattered(model: pn.Model) -> dict[str, float]:
    """Every parameter off its value, each by a factor of its own."""
    values = {name: row.value for name, row in model.definition.parameters.items()}
    own = sorted(n for n, row in model.definition.parameters.items()
                 if row.kind not in ("input", "computed") and n != "medium")  # fmt: skip
    factors = np.random.default_rng(15).permutation(np.geomspace(0.8, 1.25, len(own)))
    return {n: values[n] * float(f) for n, f in zip(own, factors, strict=True)}


@each_core
@pytest.mark.parametrize("closed", [True, False], ids=["closed", "opened"])
@pytest.mark.slow
def test_both_drugs_run_as_the_equations_of_the_page(core: str, closed: bool) -> None:
    """In a closed dish, with residual activity and, where there is any, damage."""
    model = loaded(core, *DRUGS)
    changed = {**scattered(model), "residual": 0.02, "stabilisation": 2.0}
    if core == "Proctor2008":
        changed["DSB"] = 0.02
    doses = {"milademetan": 300.0, "KT-253": 2.0}
    run = model.simulate(
        HOURS, {name: pn.closed_dish(dose, 30.0) for name, dose in doses.items()}, changed,
        feedback=closed, accuracy=1e-8,
    )  # fmt: skip
    values = {name: row.value for name, row in model.definition.parameters.items()}
    by_hand = published_drugs.curves(
        core, {**values, **changed, "closed_dish": 1.0, "medium": 30.0},
        {model.definition.drugs[name]: dose for name, dose in doses.items()}, HOURS, closed=closed,
    )  # fmt: skip
    assert set(by_hand) == set(model.definition.species)
    assert_close(run, {**by_hand, **read_outs(by_hand)})


def taken_by(model: pn.Model, drug: str) -> tuple[hand.Taken, float]:
    """What the drug takes, by the balances, and its free concentration in the cell over the dose:
    what enters leaves again, and complexes give it back."""
    role = model.definition.drugs[drug]
    free = value(model, f"fu_medium_{role}")
    if role == "inhibitor":
        return hand.by_inhibitor(value(model, "k_on_inhibitor"), value(model, "Ki_inhibitor")), free
    p = {n: v.value for n, v in model.definition.parameters.items()}
    return hand.by_degrader(p), free * p["uptake_of_line"]


@each_core
@each_drug
@pytest.mark.parametrize("loop", [True, False], ids=["closed", "opened"])
def test_states_at_rest_are_the_roots_of_the_balances(core: str, drug: str, loop: bool) -> None:
    model, balance = loaded(core, drug), hand.BALANCES[core]
    taken, free = taken_by(model, drug)
    held = None if loop else hand.untreated(balance)
    for dose in (0.5, 20.0, 3000.0):
        rest = model.steady_state({drug: dose}, feedback=loop)
        p = hand.resting(balance, taken, free * dose, held)
        assert float(rest["p53_active"]) == pytest.approx(p, rel=1e-6)
        made = balance.made(p if loop else held)
        assert float(rest["MDM2_mRNA"]) * value(model, "k_transl_MDM2") == pytest.approx(made)
        assert_close(rest, read_outs({str(name): rest[name].values for name in rest.data_vars}))


@each_core
def test_residual_activity_takes_p53_by_the_capture_of_free_mdm2(core: str) -> None:
    """Drug-bound MDM2 degrades p53 as free MDM2 would, if slower: k_on*k_ub/(k_off + k_ub)."""
    model, balance, inside = loaded(core, "milademetan", residual="on"), hand.BALANCES[core], 125.0
    ki, on = value(model, "Ki_inhibitor"), value(model, "k_on_inhibitor")
    drug = inside / value(model, "fu_medium_inhibitor")
    held = inside / (ki + balance.turnover / on)
    capture = balance.on * balance.ubiquitination / (balance.off + balance.ubiquitination)
    rest = model.steady_state({"milademetan": drug})
    p = float(rest["p53_active"])
    assert value(model, "residual") == 0.03
    bound, free = hand.of_p53(balance, p, 0.03 * capture * held)
    assert float(rest["MDM2_p53"]) == pytest.approx(bound, rel=1e-6)
    lost = balance.turnover * free * (1.0 + held) + balance.bound_turnover * bound
    assert balance.made(p) == pytest.approx(lost, rel=1e-6)
    assert p < 0.7 * float(loaded(core, "milademetan").steady_state({"milademetan": drug})["p53"])


@each_core
@each_drug
def test_the_opened_loop_holds_transcription_at_its_untreated_rate(core: str, drug: str) -> None:
    model = loaded(core, drug)
    run = model.simulate(HOURS, {drug: 500.0}, feedback=False)
    mrna = run["MDM2_mRNA"]
    assert np.abs(mrna / float(mrna[0]) - 1.0).max() < 1e-6
    assert float(run["p53_active"][-1]) > 5.0 * float(run["p53_active"][0])


def test_published_nutlin_is_our_inhibitor_of_the_same_occupancy() -> None:
    """They bind p53 ten times more slowly; we hold nine of ten MDM2 that p53 leaves free."""
    model = loaded("Hunziker2010", "milademetan")
    k = value(model, "Ki_inhibitor") + 0.2 / value(model, "k_on_inhibitor")
    dose = 9.0 * k / value(model, "fu_medium_inhibitor")
    ours = model.steady_state({"milademetan": dose})
    weaker = hand.BALANCES["Hunziker2010"]._replace(on=500.0)
    p = hand.untreated(weaker)
    bound, free = hand.of_p53(weaker, p)
    changed = {"k_on_p53": 500.0, "Kd_p53": 7200.0 / 500.0}
    for rest in (ours, loaded("Hunziker2010").steady_state(parameters=changed)):
        assert float(rest["p53_active"]) == pytest.approx(p, rel=1e-8)
        assert float(rest["MDM2_p53"]) == pytest.approx(bound, rel=1e-8)
        assert float(rest["MDM2_total"]) == pytest.approx(free + bound, rel=1e-8)
    assert float(ours["MDM2_free"]) == pytest.approx(free / 10.0, rel=1e-8)
    assert float(ours["MDM2_inhibitor"]) == pytest.approx(0.9 * free, rel=1e-8)


# What it costs ------------------------------------------------------------------------------------


@cache
def ratios(core: str, drug: str, **options: str) -> list[float]:
    found = pn.sweep(
        loaded(core, drug, **options), {drug: [1.0]}, measures=["dose_ratio:2", "dose_ratio:3"]
    )
    assert found["status"].item() == "ok"
    return [found[f"dose_ratio_{fold}"].item() for fold in (2, 3)]


@each_core
@each_drug
@pytest.mark.slow
def test_dose_ratios_are_those_of_the_balances(core: str, drug: str) -> None:
    taken, _ = taken_by(loaded(core, drug), drug)
    by_hand = [hand.dose_ratio(hand.BALANCES[core], taken, fold) for fold in (2.0, 3.0)]
    assert ratios(core, drug) == pytest.approx(by_hand, rel=1e-5)


@each_core
@pytest.mark.slow
def test_both_drugs_pay_alike_while_they_take_mdm2_by_dose(core: str) -> None:
    """The p53 balance fixes free MDM2; the rest is the share that a dose takes of it, and more CRBN
    is less used up."""
    inhibitor, degrader = (ratios(core, drug, CRBN="generic") for drug in DRUGS)
    assert degrader == pytest.approx(inhibitor, rel=5e-3)
    if core == "Proctor2008":
        assert inhibitor == pytest.approx([3.0, 4.0], rel=1e-6)  # fold + 1


# Engines and systems ------------------------------------------------------------------------------


@each_core
@pytest.mark.parametrize("feedback", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_engines_agree(core: str, feedback: bool) -> None:
    model, about = loaded(core, *DRUGS), {"feedback": feedback}
    run = model.simulate(HOURS, PULSES, engine="batch", **about)
    assert run.attrs["engine"].startswith("batch")
    other = model.simulate(HOURS, PULSES, engine="roadrunner", **about)
    assert_agree(run, {str(name): other[name].values for name in other.data_vars})


@each_core
@pytest.mark.slow
def test_the_copasi_export_runs(core: str, tmp_path: Path) -> None:
    pytest.importorskip("COPASI")
    from tests.support.oracles import copasi_solution

    model = loaded(core, *DRUGS)
    path = pn.export(model, tmp_path / "core.cps", {"KT-253": 5.0, "milademetan": 200.0})
    run = model.simulate(HOURS, {"KT-253": 5.0, "milademetan": 200.0}, accuracy=1e-8)
    assert_agree(run, copasi_solution(path, HOURS))


def refused(load: Callable[[], object], *words: str) -> None:
    with pytest.raises(InputError) as error:
        load()
    assert all(word in str(error.value) for word in words)


@each_core
def test_what_needs_p21_or_puma_is_refused(core: str) -> None:
    for system, host in (("culture", None), ("tumour", "mouse"), ("marrow", "human")):
        refused(
            lambda: pn.load("milademetan", structure=core, system=system, host=host),  # noqa: B023
            f"core={core}", "choose core=p53net",
        )  # fmt: skip
    with pytest.raises(UnknownNameError, match="p21"):
        loaded(core, "milademetan").simulate(HOURS, observables=["p21"])


@each_core
def test_a_partner_of_mdm2_is_refused(core: str) -> None:
    refused(lambda: loaded(core, partner="capacity"), "partner=capacity", f"core={core}")


REGIMEN = pn.regimen(50, "mg/kg", "once")
STUDIES: dict[str, Callable[..., object]] = {
    "viability": lambda core: pn.viability(["milademetan"], structure=core),
    "caspase": lambda core: pn.caspase(["milademetan"], structure=core),
    "xenograft": lambda core: pn.xenograft("milademetan", REGIMEN, "SJSA-1", structure=core),
    "patient": lambda core: pn.patient("milademetan", REGIMEN, structure=core),
}


@each_core
@pytest.mark.parametrize("study", STUDIES)
def test_a_study_that_needs_them_is_refused(core: str, study: str) -> None:
    refused(lambda: STUDIES[study](core), f"core={core}", "choose core=p53net")


@pytest.mark.slow
def test_escape_has_every_measure_in_both_cores() -> None:
    found = pn.escape(structures=list(hand.CORES))
    assert (found["status"] == "ok").all()
    drugs = found.sel(drug=list(DRUGS))
    missing = {
        str(n) for n, v in drugs.data_vars.items() if v.dtype.kind == "f" and v.isnull().any()
    }
    assert missing == {"destroyed_per_drug"}  # an inhibitor destroys none
    held = found["holds"].to_series().unstack("claim")
    assert held["equal_price"].eq(1.0).all()
    assert held["equal_index"].eq(1.0).all()
    assert held["protein_apart"].eq(1.0).all()
    rebounds = held["rebound_inhibitor"].to_dict()
    assert rebounds == {"Hunziker2010": 1.0, "Proctor2008": 0.0}  # KT-253 rebounds there too
    assert (drugs["MDM2_total_fold"].sel(drug="KT-253") > 0.9).all()  # the complex keeps it


@pytest.mark.slow
def test_degradation_needs_no_target_of_p53() -> None:
    found = pn.degradation(["KT-253"], structure="Hunziker2010")
    lowest = found["MDM2"].min(("drug", "hours", "dose"))
    assert float(lowest.sel(loop="closed")) > 80.0
    assert float(lowest.sel(loop="open")) < 5.0
