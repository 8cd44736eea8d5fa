"""The biology against closed forms, limits and invariants, over random parameter sets."""

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

import p53net as pn
from p53net.errors import SteadyStateError

TIMES = np.linspace(0.0, 48.0, 97)
FACTORS = st.floats(0.5, 2.0)
VARIED = ("k_syn_p53", "k_deg_p53", "k_ub_p53", "k_deg_MDM2", "k_transl_MDM2", "MDM2_gene_dose")


ALONE = "v0.1"
"""A structure in which MDM2 alone limits the ubiquitination of p53."""


def speed(p: dict[str, float], total: float) -> float:
    """Ubiquitination of p53 in its complex [1/h] beside so much MDM2 [nM], by hand."""
    if "E3_capacity" not in p:
        return p["k_ub_p53"]
    return p["k_ub_p53"] * (p["E3_capacity"] + p["E3_reference"]) / (p["E3_capacity"] + total)


def changed(model: pn.Model, factors: list[float]) -> dict[str, float]:
    values = model.definition.parameters
    return {name: values[name].value * f for name, f in zip(VARIED, factors, strict=True)}


@settings(max_examples=25)
@given(st.lists(FACTORS, min_size=len(VARIED), max_size=len(VARIED)))
def test_untreated_state_satisfies_the_balances(factors: list[float]) -> None:
    """At rest: p53 made = p53 lost; MDM2 total = translation / turnover; mRNA by its rates."""
    model = MODELS["loop"]
    parameters = changed(model, factors)
    p = {name: value.value for name, value in model.definition.parameters.items()} | parameters
    try:
        s = model.steady_state(parameters=parameters)
    except SteadyStateError:
        reject()  # this set pulses, and the model says so
    made = p["k_syn_p53"]
    lost = p["k_deg_p53"] * s["p53"] + speed(p, float(s["MDM2_total"])) * s["MDM2_p53"]
    assert float(lost) == pytest.approx(made, rel=1e-9)
    activity = s["p53"] ** p["n_MDM2"] / (p["K_MDM2"] ** p["n_MDM2"] + s["p53"] ** p["n_MDM2"])
    made = p["MDM2_gene_dose"] * (p["k_transcr_MDM2_P1"] + p["k_transcr_MDM2_P2"] * activity)
    assert float(s["MDM2_mRNA_cytoplasmic"]) == pytest.approx(
        float(made) / p["k_deg_MDM2_mRNA"], rel=1e-9
    )
    total = p["k_transl_MDM2"] * s["MDM2_mRNA_cytoplasmic"] / p["k_deg_MDM2"]
    assert float(s["MDM2_total"]) == pytest.approx(float(total), rel=1e-9)


@settings(max_examples=15)
@given(st.lists(FACTORS, min_size=len(VARIED), max_size=len(VARIED)))
def test_without_drug_nothing_moves(factors: list[float]) -> None:
    model = MODELS["both"]
    parameters = changed(model, factors)
    try:
        run = model.simulate(TIMES, {"milademetan": 0.0, "KT-253": 0.0}, parameters)
    except SteadyStateError:
        reject()  # this set pulses, and the model says so
    for name in pn.OBSERVABLES:
        assert float(abs(run[name] / run[name][0] - 1.0).max()) < 1e-7


@settings(max_examples=15)
@given(st.floats(0.0, 4.0), st.floats(-1.0, 3.0), st.floats(0.5, 3.5))
def test_closed_dish_conserves_drugs_and_crbn(first: float, second: float, volume: float) -> None:
    model, medium = MODELS["both"], 10.0**volume
    one, other = (pn.closed_dish(10**level, medium) for level in (first, second))
    doses = {"milademetan": one, "KT-253": other}
    run = model.simulate(TIMES, doses)
    cell = model.definition.parameters["cell"].value
    for role in ("inhibitor", "degrader"):
        total = medium * run[f"{role}_medium"] + cell * run[f"{role}_in_cell"]
        assert float(abs(total / total[0] - 1.0).max()) < 1e-9
    crbn = sum(run[n] for n in run.data_vars if str(n).startswith("CRBN") or "_CRBN" in str(n))
    assert float(abs(crbn / crbn[0] - 1.0).max()) < 1e-9


@settings(max_examples=15)
@given(st.floats(-1.0, 4.0), st.booleans())
def test_concentrations_stay_non_negative(log_dose: float, feedback: bool) -> None:
    doses = {"milademetan": pn.pulse(10**log_dose, 4.0), "KT-253": 10 ** (log_dose - 1.0)}
    run = MODELS["both"].simulate(TIMES, doses, feedback=feedback)
    assert min(float(run[name].min()) for name in run.data_vars) > -1e-9


def test_free_drug_in_an_open_dish_follows_its_closed_form() -> None:
    """Without MDM2 the drug in the cell is fu * medium * (1 - exp(-k_perm t))."""
    model = MODELS["inhibitor"]
    run = model.simulate(TIMES, {"milademetan": 100.0}, {"k_transl_MDM2": 0.0})
    fu = model.definition.parameters["fu_medium_inhibitor"].value
    k_perm = model.definition.parameters["k_perm_inhibitor"].value
    expected = fu * 100.0 * (1.0 - np.exp(-k_perm * TIMES))
    np.testing.assert_allclose(run["inhibitor"].values, expected, atol=1e-7 * fu * 100.0)


def test_bound_and_free_drug_obey_mass_action_at_rest() -> None:
    """Turnover of bound MDM2 adds to the off-rate: MDM2 * I / bound = Ki + k_deg / k_on."""
    model = MODELS["inhibitor"]
    p = {name: value.value for name, value in model.definition.parameters.items()}
    s = model.steady_state({"milademetan": 100.0})
    expected = p["Ki_inhibitor"] + p["k_deg_MDM2"] / p["k_on_inhibitor"]
    assert float(s["MDM2"] * s["inhibitor"] / s["MDM2_inhibitor"]) == pytest.approx(expected)


def test_the_ternary_complex_is_in_detailed_balance() -> None:
    """With hardly any turnover, the two ways to the ternary complex agree."""
    still = {"k_ub_MDM2": 0.0, "k_deg_MDM2": 0.01, "k_transl_MDM2": 4.0}
    model = MODELS["degrader"]
    s = {k: float(v) for k, v in model.steady_state({"KT-253": 10.0}, still, stable=False).items()}
    p = {name: value.value for name, value in model.definition.parameters.items()}
    by_crbn = s["MDM2_degrader"] * s["CRBN"] / s["MDM2_degrader_CRBN"]
    by_mdm2 = s["CRBN_degrader"] * s["MDM2"] / s["MDM2_degrader_CRBN"]
    assert by_crbn == pytest.approx(p["Kd_CRBN_degrader"] / p["cooperativity"], rel=1e-2)
    assert by_mdm2 == pytest.approx(p["Kd_MDM2_degrader"] / p["cooperativity"], rel=1e-2)


def undrugged_by_the_p53_balance(p: dict[str, float], active: float, total: float) -> float:
    """MDM2 without drug [nM] that rests beside this active p53 [nM], by hand and without a drug;
    `total` MDM2 [nM] matters where it has a capacity.

    p53 made = lost by itself + lost in the complex gives the complex; the complex, made by binding
    and lost by unbinding, ubiquitination and turnover of MDM2, gives free MDM2.
    """
    ubiquitination = speed(p, total)
    bound = (p["k_syn_p53"] - p["k_deg_p53"] * active) / ubiquitination
    free = bound * (p["Kd_p53"] + (ubiquitination + p["k_deg_MDM2"]) / p["k_on_p53"]) / active
    return free + bound


def made_by_hand(p: dict[str, float], active: float) -> float:
    """MDM2 protein made at rest [nM/h], loop closed."""
    activity = active ** p["n_MDM2"] / (p["K_MDM2"] ** p["n_MDM2"] + active ** p["n_MDM2"])
    mrna = (p["k_transcr_MDM2_P1"] + p["k_transcr_MDM2_P2"] * activity) / p["k_deg_MDM2_mRNA"]
    return p["MDM2_gene_dose"] * p["k_transl_MDM2"] * mrna


def at_rest(
    model: pn.Model, drug: str, dose: float, changed: dict[str, float]
) -> tuple[dict[str, float], dict[str, float]]:
    """Parameters and the state at rest, as plain numbers."""
    p = {name: value.value for name, value in model.definition.parameters.items()} | changed
    state = model.steady_state({drug: dose}, changed, stable=False)
    return p, {str(name): float(value) for name, value in state.items()}


KINDS = {
    "inhibitor": ("inhibitor", "milademetan", {}, (8.0, 25.0, 100.0, 500.0)),
    "degrader": ("degrader", "KT-253", {}, (0.2, 0.65, 2.6, 14.0)),
    "twin": ("degrader", "KT-253", {"k_ub_MDM2": 0.0}, (1.3, 4.0, 18.0, 110.0)),
}


@pytest.mark.parametrize("structure", [None, ALONE])
@pytest.mark.parametrize("line", [{}, {"MDM2_gene_dose": 4.0}, {"k_deg_p53": 0.46}])
@pytest.mark.parametrize("kind", KINDS)
def test_the_p53_balance_alone_fixes_undrugged_mdm2(
    kind: str, line: dict[str, float], structure: str | None
) -> None:
    """At a given p53, whatever takes MDM2 away: each state is compared with numbers by hand that
    know nothing of a drug, but for all MDM2 there is where it shares a capacity."""
    key, drug, twin, doses = KINDS[kind]
    model = MODELS[key] if structure is None else pn.load(drug, structure=structure)
    uptake, levels = model.definition.parameters.get("uptake_of_line"), []
    for dose in doses:
        p, s = at_rest(model, drug, dose / (uptake.value if uptake else 1.0), twin | line)
        expected = undrugged_by_the_p53_balance(p, s["p53_active"], s["MDM2_total"])
        assert s["MDM2_undrugged"] == pytest.approx(expected, rel=1e-7)
        levels.append(s["p53_active"])
    assert levels[-1] > 2.0 * levels[0]  # several levels, not one


@pytest.mark.parametrize("kind", KINDS)
def test_residual_activity_of_drugged_mdm2_breaks_the_p53_balance(kind: str) -> None:
    """The control of the test above: then drug-bound MDM2 takes p53 too."""
    key, drug, twin, doses = KINDS[kind]
    p, s = at_rest(MODELS[key], drug, doses[2], twin | {"residual": 0.03})
    drugs = s["MDM2_undrugged"] / undrugged_by_the_p53_balance(p, s["p53_active"], s["MDM2_total"])
    assert drugs < (0.999 if kind == "degrader" else 0.9)


@pytest.mark.parametrize("kind", KINDS)
def test_destruction_in_the_ternary_complex_counts_in_the_mdm2_balance(kind: str) -> None:
    """Made = turnover of all MDM2 + destruction. Without the last term undrugged MDM2 would be made
    / (k_deg (1 + X)), X drugged over undrugged: so for what only blocks, and 8 times off for KT-253
    at three times untreated p53."""
    key, drug, twin, doses = KINDS[kind]
    p, s = at_rest(MODELS[key], drug, doses[2], twin)
    made = made_by_hand(p, s["p53_active"])
    destroyed = 0.0
    if key == "degrader":
        destroyed = p["k_deg_MDM2_ubiquitinated"] * s["MDM2_degrader_CRBN_ubiquitinated"]
    assert p["k_deg_MDM2"] * s["MDM2_total"] + destroyed == pytest.approx(made, rel=1e-7)
    x = s["MDM2_total"] / s["MDM2_undrugged"] - 1.0
    without = made / (p["k_deg_MDM2"] * (1.0 + x))
    if kind == "degrader":
        assert without > 8.0 * s["MDM2_undrugged"]
    else:
        assert without == pytest.approx(s["MDM2_undrugged"], rel=1e-7)


def test_residual_activity_caps_the_inhibitor_and_not_the_degrader() -> None:
    fold = {}
    for drug in ("milademetan", "KT-253"):
        model = pn.load(drug, structure=ALONE)
        rest = float(model.steady_state()["p53_active"])
        high = model.steady_state({drug: 1e4}, {"residual": 0.05}, stable=False)
        fold[drug] = float(high["p53_active"]) / rest
    assert fold["milademetan"] < 4.0
    assert fold["KT-253"] > 8.0
    left, usual = {"residual": 0.05}, MODELS["inhibitor"]  # with a capacity: later, and lower
    most, more = (float(usual.steady_state({"milademetan": dose}, left, stable=False)["p53_active"])
                  for dose in (1e6, 1e8))  # fmt: skip
    assert most == pytest.approx(more, rel=1e-3)
    destroyed = MODELS["degrader"].steady_state({"KT-253": 30.0}, left, stable=False)["p53_active"]
    assert float(destroyed) > 1.3 * most


def test_opened_loop_holds_the_promoter_and_leaves_the_untreated_state() -> None:
    model = MODELS["inhibitor"]
    run = model.simulate(TIMES, {"milademetan": 1000.0}, {"MDM2_gene_dose": 3.0}, feedback=False)
    assert float(abs(run["MDM2_mRNA"] / run["MDM2_mRNA"][0] - 1.0).max()) < 1e-7
    start = model.steady_state(parameters={"MDM2_gene_dose": 3.0})
    opened = model.steady_state(parameters={"MDM2_gene_dose": 3.0}, feedback=False)
    for name in pn.OBSERVABLES:
        assert float(opened[name]) == pytest.approx(float(start[name]), rel=1e-9)


def test_stabilised_bound_mdm2_accumulates() -> None:
    model = MODELS["inhibitor"]
    plain = model.steady_state({"milademetan": 300.0})["MDM2_total"]
    stable = model.steady_state({"milademetan": 300.0}, {"stabilisation": 3.0}, stable=False)
    assert float(stable["MDM2_total"]) > 1.5 * float(plain)


def test_inhibitor_and_degrader_compete_for_mdm2() -> None:
    """A pocket filled by the inhibitor is not destroyed."""
    model = MODELS["both"]
    alone = model.simulate(TIMES, {"KT-253": 1.0})["MDM2_destroyed"][-1]
    blocked = model.simulate(TIMES, {"KT-253": 1.0, "milademetan": 1e5})["MDM2_destroyed"][-1]
    assert float(blocked) < 0.2 * float(alone)


def test_a_degrader_destroys_many_times_its_own_number() -> None:
    run = MODELS["degrader"].simulate(TIMES, {"KT-253": pn.closed_dish(5.0, 20.0)})
    per_cell = 5.0 * 20.0 / MODELS["degrader"].definition.parameters["cell"].value
    assert float(run["MDM2_destroyed"][-1]) > 10.0 * per_cell
    twin = MODELS["degrader"].simulate(TIMES, {"KT-253": 10.0}, {"k_ub_MDM2": 0.0})
    assert float(twin["MDM2_destroyed"].max()) == 0.0


def test_cell_volume_cancels_in_an_open_dish_and_not_in_a_closed_one() -> None:
    model = MODELS["degrader"]
    big, small = ({"cell": volume} for volume in (2.0, 0.5))
    opened = [model.simulate(TIMES, {"KT-253": 5.0}, p)["p53_active"].values for p in (big, small)]
    np.testing.assert_allclose(opened[0], opened[1], rtol=1e-6)
    dose = {"KT-253": pn.closed_dish(5.0, 2.0)}
    shut = [model.simulate(TIMES, dose, p)["p53_active"].values for p in (big, small)]
    assert abs(shut[0][-1] / shut[1][-1] - 1.0) > 0.05


def test_a_pulsing_twin_has_no_stable_state() -> None:
    """Near 12 nM the twin's p53 pulses for ever: a state at rest exists, but is left."""
    model, twin = pn.load("KT-253", structure=ALONE), {"k_ub_MDM2": 0.0}
    with pytest.raises(SteadyStateError, match="pulses"):
        model.steady_state({"KT-253": 12.0}, twin)
    rest = float(model.steady_state({"KT-253": 12.0}, twin, stable=False)["p53_active"])
    late = model.simulate(np.linspace(0, 400, 4001), {"KT-253": 12.0}, twin)["p53_active"]
    swing = late.sel(time=slice(350, 400))
    assert float(swing.max() - swing.min()) > 0.05 * rest


MODELS = {
    "loop": pn.load(),
    "inhibitor": pn.load("milademetan"),
    "degrader": pn.load("KT-253"),
    "both": pn.load("milademetan", "KT-253"),
}
