"""All scenarios, and which parameters each moves alone."""

from collections.abc import Mapping
from typing import Any

import numpy as np

import p53net as pn
from tests.referee.scenarios import BOTH, ROLES, Course, Scenario

CORE = (
    *("k_syn_p53", "k_deg_p53", "k_on_p53", "Kd_p53", "Kd_p53_phospho", "k_ub_p53", "k_phos_p53"),
    *("k_dephos_p53", "MDM2_gene_dose", "k_transcr_MDM2_P1", "k_transcr_MDM2_P2", "K_MDM2"),
    *("n_MDM2", "k_export_MDM2_mRNA", "k_deg_MDM2_mRNA", "k_transl_MDM2", "k_deg_MDM2"),
    *("k_deg_MDM2_ATM", "ATM_total", "k_on_ATM", "k_off_ATM", "k_off_ATM_WIP1", "K_ATM", "n_ATM"),
    *(
        f"{stem}{gene}{end}"
        for gene in ("WIP1", "p21", "PUMA", "GDF15")
        for stem, end in (
            *(("k_transcr_", ""), ("k_transcr_", "_p53"), ("K_", ""), ("n_", "")),
            *(("k_deg_", "_mRNA"), ("k_transl_", "")),
        )
    ),
    *("k_deg_WIP1", "k_deg_p21", "k_deg_PUMA", "k_secr_GDF15", "DSB"),
)
DRUGS = (
    *("residual", "stabilisation", "k_perm_inhibitor", "k_on_inhibitor", "Ki_inhibitor"),
    *("k_perm_degrader", "k_on_degrader", "Kd_MDM2_degrader", "Kd_CRBN_degrader"),
    *("cooperativity", "CRBN_total", "k_ub_MDM2", "k_deub_MDM2", "k_deg_MDM2_ubiquitinated"),
    *("cell", "fu_medium_inhibitor", "fu_medium_degrader"),
)
FATE = (
    *("K_arrest", "n_arrest", "caspase_total", "k_act_caspase", "k_deact_caspase"),
    *("feedback_caspase", "K_PUMA_caspase", "n_PUMA_caspase", "k_death"),
)
TUMOUR = ("tumour_start", "k_growth_tumour", "growth_limit_tumour", "k_clear_tumour")
PLASMA = (
    "ka_inhibitor",
    *(
        f"{stem}_{role}"
        for role in ROLES.values()
        for stem in ("CL", "V_central", "Q", "V_peripheral", "fu_plasma", "Kp_uu")
    ),
)
MARROW = (
    *("platelets_baseline", "MTT_platelets", "feedback_platelets", "slope_platelets"),
    *("neutrophils_baseline", "MTT_neutrophils", "feedback_neutrophils", "slope_neutrophils"),
    *("haemoglobin_baseline", "MTT_red_cells", "life_red_cells", "feedback_red_cells"),
    *("slope_red_cells", "maturation_steps", "k_out_GDF15"),
)

WITHOUT_EFFECT = {
    "plasma": "a volume that cancels, for all in it is a concentration",
}
"""Parameters that change no curve anywhere, and why."""
NOT_MOVED = {
    "medium": "of a closed dish, set with the dose: two scenarios have two volumes",
}

ROWS = np.array([0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 12.0, 16.0, 20.0, 24.0, 30.0, 36.0, 42.0, 48.0])
WEEKS = np.array([*np.linspace(0.0, 96.0, 33), 144.0, 192.0, 264.0, 336.0])
DAMAGED = {"DSB": 0.5, "residual": 0.03, "stabilisation": 2.0}


def at(*hours: float, amount: float) -> Course:
    return [(hour, amount) for hour in hours]


def mg(amount: float, *hours: float) -> pn.Regimen:
    return pn.regimen(amount, "mg", hours)


def dish(name: str, milademetan: float = 0.0, kt253: float = 0.0, **more: object) -> Scenario:
    """A constant dose of one drug or both."""
    doses = {d: v for d, v in zip(BOTH, (milademetan, kt253), strict=True) if v}
    given = {drug: [(0.0, value)] for drug, value in doses.items()}
    return Scenario(name, tuple(doses), doses, given, **more)  # type: ignore[arg-type]


def closed(name: str, volume: float, milademetan: float, kt253: float, **more: object) -> Scenario:
    """Both drugs in a closed dish."""
    both = dict(zip(BOTH, (milademetan, kt253), strict=True))
    doses = {drug: pn.closed_dish(nM, medium_volume=volume) for drug, nM in both.items()}
    given = {drug: [(0.0, value)] for drug, value in both.items()}
    return Scenario(name, BOTH, doses, given, medium_volume=volume, **more)  # type: ignore[arg-type]


BODY_DOSES = {"milademetan": mg(120.0, 0.0, 24.0, 50.0), "KT-253": mg(8.0, 10.0)}
BODY_GIVEN = {
    "milademetan": at(0.0, 24.0, 50.0, amount=120.0),
    "KT-253": at(10.0, amount=8.0),
}
PULSE = {"milademetan": pn.pulse(1000.0, 12.0, start=5.0)}
PULSED = {"milademetan": [(5.0, 1000.0), (17.0, 0.0)]}
COURSES = {"milademetan": pn.course([(3.0, 50.0), (20.0, 800.0), (41.0, 0.0)]),
           "KT-253": pn.pulse(30.0, 8.0)}  # fmt: skip
COURSED = {
    "milademetan": [(3.0, 50.0), (20.0, 800.0), (41.0, 0.0)],
    "KT-253": [(0.0, 30.0), (8.0, 0.0)],
}

WIDE = (
    dish("damage", base={"DSB": 1.0}, scattered=True, moved=CORE, times=ROWS),
    closed("closed dish", 20.0, 300.0, 20.0, base=DAMAGED, scattered=True, moved=CORE + DRUGS,
           times=ROWS),
    dish("culture", 300.0, 2.0, system="culture", base=DAMAGED, scattered=True,
         moved=(*FATE, "k_growth"), times=ROWS),
    Scenario("plasma", BOTH, BODY_DOSES, BODY_GIVEN, "plasma", scattered=True,
             moved=(*PLASMA, "plasma"), times=WEEKS),
    Scenario("tumour", BOTH, BODY_DOSES, BODY_GIVEN, "tumour", base=DAMAGED, scattered=True,
             moved=(*FATE, *TUMOUR), times=WEEKS),
    Scenario("marrow", BOTH, BODY_DOSES, BODY_GIVEN, "marrow", base=DAMAGED, scattered=True,
             moved=MARROW, times=WEEKS),
)  # fmt: skip
"""In these each parameter of the shipped structure is moved alone."""


def varied(
    name: str, structure: Mapping[str, str], moved: tuple[str, ...], **more: Any
) -> Scenario:
    """Both drugs in a closed dish, in another structure."""
    usual = {"base": DAMAGED, "scattered": True, "times": ROWS}
    return closed(name, 20.0, 300.0, 20.0, structure=structure, moved=moved, **{**usual, **more})


def grown(name: str, structure: Mapping[str, str], moved: tuple[str, ...]) -> Scenario:
    """Cells that divide and die, in another structure."""
    return dish(name, 300.0, 2.0, system="culture", structure=structure, moved=moved,
                base=DAMAGED, scattered=True, times=ROWS)  # fmt: skip


HUNZIKER = (
    *("k_syn_p53", "k_deg_p53", "k_on_p53", "Kd_p53", "k_ub_p53", "MDM2_gene_dose"),
    *("k_transcr_MDM2_P2", "k_deg_MDM2_mRNA", "k_transl_MDM2", "k_deg_MDM2", "residual"),
)
PROCTOR = (
    *(name for name in HUNZIKER if name != "k_deg_p53"),
    *("k_phos_p53", "k_dephos_p53", "k_phos_MDM2", "k_dephos_MDM2", "k_deg_MDM2_phospho"),
    *("k_break_DNA", "k_repair_DNA", "ATM_total", "k_on_ATM", "k_off_ATM", "DSB"),
)
MDMX = (
    *("activity_alone", "activity_heterodimer", "k_on_MDMX", "Kd_MDMX", "k_syn_MDMX"),
    *("k_deg_MDMX", "k_deg_MDMX_MDM2", "k_deg_MDMX_ATM"),
)
RISING = ("IAP_max", "K_IAP", "n_IAP", "k_deg_IAP", "IAP_doubling")
STAGED = (
    *("progenitors_hit_platelets", "progenitors_hit_neutrophils", "life_platelets"),
    *("life_neutrophils", "PUMA_kill", "marrow_steps", "least_circulating"),
)
POOL = ("k_thrombopoietin", "life_reserve", "renewal_platelets")
SPREAD = ("spread_K_PUMA", "class_outer", "class_inner", "k_mix_classes")
CAPACITY = ("E3_capacity", "E3_reference")
BLOCKED = {"residual": 0.03, "stabilisation": 2.0}
VARIED = (
    varied("capacity", {"partner": "capacity", "residual": "on"}, CAPACITY),
    varied("MDMX", {"partner": "MDMX"}, MDMX),
    varied("CRBN of the line", {"CRBN": "line"}, ("CRBN_of_line", "uptake_of_line")),
    varied("p73", {"p73": "readout"}, ("K_MDM2_p73", "hold_p73")),
    varied("Hunziker", {"core": "Hunziker2010"}, HUNZIKER, base=BLOCKED),
    varied("Proctor", {"core": "Proctor2008"}, PROCTOR),
    grown("delayed", {"death": "delayed"}, ("stage_death",)),
    grown("rising", {"death": "rising"}, RISING),
    grown("spread", {"death": "spread"}, SPREAD),
    grown("clone", {"clone": "mutant"}, ("share_mutant_start",)),
    Scenario("staged", BOTH, BODY_DOSES, BODY_GIVEN, "marrow", times=WEEKS,
             base={**DAMAGED, "least_circulating": 0.05}, structure={"marrow": "staged"},
             scattered=True, moved=STAGED),
    Scenario("pool", BOTH, BODY_DOSES, BODY_GIVEN, "marrow", base=DAMAGED, times=WEEKS,
             structure={"marrow": "pool"}, scattered=True, moved=POOL),
    Scenario("clone in a tumour", BOTH, BODY_DOSES, BODY_GIVEN, "tumour", base=DAMAGED,
             structure={"clone": "mutant", "death": "spread"}, scattered=True, times=WEEKS,
             moved=("share_mutant_start",)),
)  # fmt: skip
"""In these what each switch adds is moved alone."""

NARROW = (
    dish("damage, loop opened", base={"DSB": 1.0}, closed_loop=False),
    dish("damage, capacity", base={"DSB": 1.0}, structure={"partner": "capacity"}),
    dish("damage, MDMX", base={"DSB": 1.0}, structure={"partner": "MDMX"}),
    dish("MDMX, loop opened", 300.0, 5.0, structure={"partner": "MDMX"}, closed_loop=False),
    dish("Hunziker, loop opened", 300.0, structure={"core": "Hunziker2010"}, closed_loop=False),
    dish("Proctor, damage", kt253=5.0, structure={"core": "Proctor2008"}, base={"DSB": 1.0}),
    dish("inhibitor", 300.0),
    dish("inhibitor, loop opened", 300.0, closed_loop=False),
    dish("a pocket that is never free", 1e5, base={"residual": 0.05}),
    dish("degrader", kt253=5.0),
    dish("degrader far above its best dose", kt253=1e5, base={"stabilisation": 4.0}),
    dish("twin", kt253=20.0, base={"k_ub_MDM2": 0.0}),
    dish("no CRBN", kt253=20.0, base={"CRBN_total": 0.0}),
    dish("much CRBN", kt253=20.0, base={"CRBN_total": 1e4, "DSB": 1.0}),
    dish("no MDM2", 100.0, 5.0, base={"MDM2_gene_dose": 0.0}),
    dish("no p53", 100.0, 5.0, cell_line="TP53-null", base={"DSB": 1.0}),
    dish("amplified", 300.0, 5.0, cell_line="SJSA-1", base={"DSB": 1.0}),
    Scenario("a pulse that starts late", BOTH[:1], PULSE, PULSED, base={"residual": 0.03}),
    Scenario("medium changed", BOTH, COURSES, COURSED, closed_loop=False, base={"DSB": 0.3}),
    closed("closed dish, much medium", 1000.0, 300.0, 5.0),
    closed("closed culture", 5.0, 300.0, 5.0, system="culture", cell_line="RS4;11"),
    Scenario("tumour in a mouse", BOTH[:1], {"milademetan": pn.regimen(50.0, "mg/kg", [0.0, 24.0])},
             {"milademetan": at(0.0, 24.0, amount=50.0 * 0.02)}, "tumour", "SJSA-1", "mouse"),
    Scenario("tumour, intravenous", BOTH[1:], {"KT-253": mg(70.0, 0.0, 24.0, 40.0)},
             {"KT-253": at(0.0, 24.0, 40.0, amount=70.0)}, "tumour", "LPS-amplified"),
    Scenario("marrow, one drug", BOTH[:1], {"milademetan": mg(260.0, 0.0, 24.0, 48.0)},
             {"milademetan": at(0.0, 24.0, 48.0, amount=260.0)}, "marrow", times=WEEKS),
    Scenario("plasma, one compartment", BOTH[:1], {"milademetan": mg(260.0, 1.0)},
             {"milademetan": at(1.0, amount=260.0)}, "plasma", base={"Q_inhibitor": 0.0}),
)  # fmt: skip
"""One run each."""

SCENARIOS = (*NARROW, *WIDE, *VARIED)
