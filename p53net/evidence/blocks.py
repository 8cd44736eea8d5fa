"""What is fitted, to what, and what follows from it: blocks of parameters and observations.

A block is a few parameters and the observations that say something about them.
"""

from dataclasses import dataclass, replace

from p53net.evidence import marrow
from p53net.evidence import predictions as predicted
from p53net.evidence.cells import Group
from p53net.evidence.committed import committed_value
from p53net.model.structures import as_structure
from p53net.model.tables import Value


@dataclass(frozen=True)
class Fitted:
    """A fitted parameter: the entry whose row it is, its id, and the bounds of starts and fit."""

    entry: str
    parameter: str
    low: float
    high: float
    of: str = ""
    """The only structures that have it, by an option: `partner=capacity`."""

    @property
    def value(self) -> Value:
        """As it is committed."""
        return committed_value(self.entry, self.parameter)


@dataclass(frozen=True)
class Block:
    """Parameters that are fitted together, and what predicts their observations."""

    name: str
    about: str
    parameters: tuple[Fitted, ...]
    predict: Group
    observed: tuple[str, ...]
    rough: Group | None = None
    """The same, cheaper, to look for optima with."""
    near: Group | None = None
    """The same, cheaper, but close enough for profiles, corrected."""
    of: tuple[str, ...] = ()
    """The only structures that have it, by options; all, if empty."""


_HUMAN = "milademetan in human"

_LEAST_K_PUMA = 70.0
"""Lowest `K_PUMA_caspase` [nM]. With less, more than a tenth of the caspase-3/7 of an untreated
RS4;11 cell would be active, and a second solution, near 34 nM, would give both IC50s with 84 %."""

_LEAST_CAPACITY = 20.0
"""Lowest `E3_capacity` [nM]: untreated MDM2 of an unamplified cell is not beyond it. Mice with one
Mdm2 gene for two have more active p53, so that MDM2 limits it there."""


def all_blocks() -> tuple[Block, ...]:
    """All blocks, with the parameters that the structure which is supposed has."""
    chosen = {f"{switch}={option}" for switch, option in as_structure(None).items()}
    return tuple(
        replace(one, parameters=tuple(p for p in one.parameters if p.of in ("", *chosen)))
        for one in BLOCKS
        if not one.of or chosen.intersection(one.of)
    )


BLOCKS = (
    Block(
        "biochemistry",
        "affinities from the IC50s of the competition assay, simulated",
        (
            Fitted("milademetan", "Ki_inhibitor", 0.1, 20.0),
            Fitted("nutlin-3a", "Ki_inhibitor", 2.0, 400.0),
        ),
        predicted.biochemistry,
        ("milademetan_htrf_ic50", "nutlin_htrf_ic50"),
    ),
    Block(
        "degradation",
        "free fractions of degraders in medium from their DC50s",
        (
            Fitted("KT-253", "fu_medium_degrader", 0.01, 1.0, "CRBN=generic"),
            Fitted("MD-4251", "fu_medium_degrader", 0.01, 1.0),
            Fitted("HEK293T", "uptake_of_line", 0.1, 200.0, "CRBN=line"),
        ),
        predicted.degradation,
        ("kt253_dc50", "md4251_dc50", "md4251_dmax"),
    ),
    Block(
        "viability",
        "one sensitivity of RS4;11 for both degraders, and MD-224's free fraction",
        (
            Fitted("RS4;11", "K_PUMA_caspase", _LEAST_K_PUMA, 600.0),
            Fitted("MD-224", "fu_medium_degrader", 0.003, 1.0),
            Fitted("model", "uptake_of_line", 0.1, 200.0, "CRBN=line"),
        ),
        predicted.sensitivity,
        ("kt253_ic50_rs411", "md224_ic50_rs411", "md224_dc"),
    ),
    Block(
        "potency",
        "nutlin-3a's free fraction from its potency relative to milademetan",
        (Fitted("nutlin-3a", "fu_medium_inhibitor", 0.03, 1.0),),
        predicted.relative_potency,
        ("milademetan_nutlin_ratio",),
    ),
    Block(
        "biopsies",
        "the concentration that stands for RG7112 in tumours, from three folds",
        (Fitted("RG7112", "tumour_concentration", 100.0, 1e5),),
        predicted.biopsies,
        ("rg7112_p53", "rg7112_p21", "rg7112_mdm2_mrna"),
    ),
    Block(
        "amplified",
        "death, free fractions and, where MDM2 has a partner, its capacity, from amplified lines",
        (
            Fitted("model", "k_death", 0.003, 1.0),
            Fitted("model", "K_PUMA_caspase", _LEAST_K_PUMA, 600.0),
            Fitted("milademetan", "fu_medium_inhibitor", 0.03, 1.0),
            Fitted("navtemadlin", "fu_medium_inhibitor", 0.01, 1.0),
            Fitted("RG7112", "fu_medium_inhibitor", 0.01, 1.0),
            Fitted("model", "E3_capacity", _LEAST_CAPACITY, 1e4, "partner=capacity"),
        ),
        predicted.amplified,
        ("milademetan_induction_sjsa1_p53", "milademetan_induction_sjsa1_p21",
         "milademetan_induction_sjsa1_mdm2", "nutlin_ic50_sjsa1", "nutlin_death_sjsa1",
         "navtemadlin_ic50_sjsa1", "rg7112_ic50_amplified", "tgi_milademetan_sjsa1",
         "p53_pulse_period"),
    ),
    Block(
        "pharmacokinetics",
        "milademetan in patients, third day of 260 mg; Q/F is fixed",
        (
            Fitted(_HUMAN, "ka_inhibitor", 0.1, 3.0),
            Fitted(_HUMAN, "CL_inhibitor", 5.0, 40.0),
            Fitted(_HUMAN, "V_central_inhibitor", 10.0, 400.0),
            Fitted(_HUMAN, "V_peripheral_inhibitor", 10.0, 300.0),
        ),
        predicted.third_day,
        ("milademetan_tmax", "milademetan_cmax", "milademetan_auc", "milademetan_clf",
         "milademetan_thalf"),
    ),
    Block(
        "biomarker",
        "free fraction times penetration in patients, from serum GDF-15",
        (Fitted(_HUMAN, "fu_plasma_inhibitor", 0.003, 0.3),),
        marrow.biomarker,
        ("gdf15_fold",),
    ),
    Block(
        "tumour",
        "sensitivity of the gastric xenograft, from growth inhibition at two doses",
        (Fitted("ST-02-0075", "K_PUMA_caspase", _LEAST_K_PUMA, 600.0),),
        predicted.tumour_growth,
        ("tgi_milademetan_25", "tgi_milademetan_50"),
    ),
    Block(
        "haematology",
        "sensitivity of each lineage, from grade 3 or more in two arms",
        (
            Fitted("model", "slope_platelets", 1e-3, 0.1),
            Fitted("model", "slope_neutrophils", 3e-4, 0.03),
            Fitted("model", "slope_red_cells", 1e-4, 0.01),
        ),
        marrow.smooth_toxicity,
        tuple(f"{name}_grade3plus_{arm}" for name in ("thrombocytopenia", "neutropenia", "anaemia")
              for arm in ("intermittent", "other")),
        rough=marrow.rough_toxicity,
        near=marrow.near_toxicity,
        of=("marrow=friberg",),
    ),
    Block(
        "red cells",
        "sensitivity of red cells; the other lineages: python -m benchmarks.marrow",
        (Fitted("model", "slope_red_cells", 1e-4, 0.01),),
        marrow.smooth_toxicity,
        ("anaemia_grade3plus_intermittent", "anaemia_grade3plus_other"),
        rough=marrow.rough_toxicity,
        near=marrow.near_toxicity,
        of=("marrow=staged", "marrow=pool"),
    ),
)  # fmt: skip
