"""Which models a prediction is made with: drug, cell line, system and host, for each observation.

The parameters of these models are behind the prediction. A test compares the list with the models
that the predictions run.
"""

from collections.abc import Iterable
from typing import NamedTuple


class Place(NamedTuple):
    """One model. Without a line it is that of the system."""

    drug: str
    line: str | None = None
    system: str = "dish"
    host: str | None = None


LEUKAEMIA = "RS4;11"
KIDNEY = "HEK293T"
"""Its p53 is inactive, so that nothing feeds back."""
LIPOSARCOMA = "LPS-amplified"
GASTRIC = "ST-02-0075"
AMPLIFIED = "SJSA-1"
NULL = "TP53-null"
WILD_TYPE = ("generic", LEUKAEMIA, AMPLIFIED, LIPOSARCOMA)
"""Lines of which KT-253's ratio to milademetan is taken."""

_PLASMA = Place("milademetan", None, "plasma", "human")
_MARROW = Place("milademetan", None, "marrow", "human")
_BIOPSY = Place("RG7112", LIPOSARCOMA)
_LOOP = Place("milademetan")
_GRADES = tuple(
    f"{name}_{grade}"
    for name in ("thrombocytopenia", "neutropenia", "anaemia")
    for grade in ("any_intermittent", "grade3plus_intermittent", "any_other", "grade3plus_other",
                  "grade34_mantra")
)  # fmt: skip


def _culture(drugs: Iterable[str], *lines: str) -> tuple[Place, ...]:
    return tuple(Place(drug, line, "culture") for drug in drugs for line in lines)


PLACES: dict[str, tuple[Place, ...]] = {
    "milademetan_htrf_ic50": (_LOOP,),
    "nutlin_htrf_ic50": (Place("nutlin-3a"),),
    "rg7112_htrf_ic50": (Place("RG7112"),),
    "idasanutlin_htrf_ic50": (Place("idasanutlin"),),
    "navtemadlin_htrf_ic50": (Place("navtemadlin"),),
    "sar405838_ki": (Place("SAR405838"),),
    "navtemadlin_kd": (Place("navtemadlin"),),
    "siremadlin_ki": (Place("siremadlin"),),
    "mi1061_ki": (Place("MD-224"),),
    "rg7112_kd": (Place("RG7112"),),
    "lps_gene_dose": (_BIOPSY,),
    "kt253_dc50": (Place("KT-253", KIDNEY),),
    **dict.fromkeys(("md4251_dc50", "md4251_dmax"), (Place("MD-4251", LEUKAEMIA),)),
    "md224_dc": (Place("MD-224", LEUKAEMIA),),
    "milademetan_nutlin_ratio": _culture(("milademetan", "nutlin-3a"), LEUKAEMIA),
    "kt253_ic50_rs411": _culture(["KT-253"], LEUKAEMIA),
    "md224_ic50_rs411": _culture(["MD-224"], LEUKAEMIA),
    "tp53_null": _culture(("milademetan", "KT-253"), "generic", NULL),
    "caspase": _culture(["milademetan"], AMPLIFIED),
    **dict.fromkeys(("rg7112_p53", "rg7112_p21", "rg7112_mdm2_mrna", "rg7112_p21_matched",
                     "rg7112_mdm2_mrna_matched"), (_BIOPSY,)),
    "milademetan_biopsy": (Place("milademetan", LIPOSARCOMA, "tumour", "human"),),
    **dict.fromkeys((f"milademetan_{name}" for name in ("tmax", "cmax", "auc", "clf", "thalf",
                 "linearity", "japan",
                     "linearity_aml")), (_PLASMA,)),
    **dict.fromkeys(("gdf15_fold", "gdf15_monotone", "gdf15_kout"), (_MARROW,)),
    **dict.fromkeys((f"tgi_milademetan_{dose}" for dose in (25, 50, 100)),
                    (Place("milademetan", GASTRIC, "tumour", "mouse"),)),
    "tgi_milademetan_sjsa1": (Place("milademetan", AMPLIFIED, "tumour", "mouse"),),
    "kt253_regression": (Place("KT-253", LEUKAEMIA, "tumour", "mouse"),),
    **dict.fromkeys((*_GRADES, "thrombocytopenia_order", "platelets_japan_any", "haem_reversible",
                     "friberg_platelets", "platelet_recovery_time"), (_MARROW,)),
    **dict.fromkeys((f"{cell}_{what}" for cell in ("platelet", "neutrophil")
                     for what in ("nadir", "recovery")), (_MARROW,)),
    "kt253_haem": (Place("KT-253", None, "marrow", "human"),),
    **dict.fromkeys(("p53_pulse_period", "mdm2_lag", "p53_half_life", "mdm2_half_life"), (_LOOP,)),
    "nutlin_ic50_sjsa1": _culture(["nutlin-3a"], AMPLIFIED),
    "nutlin_death_sjsa1": _culture(["nutlin-3a"], AMPLIFIED),
    **dict.fromkeys((f"milademetan_induction_sjsa1_{name}" for name in ("p53", "p21", "mdm2")),
                    (Place("milademetan", AMPLIFIED),)),
    "navtemadlin_ic50_sjsa1": _culture(["navtemadlin"], AMPLIFIED),
    "rg7112_ic50_amplified": _culture(["RG7112"], LIPOSARCOMA),
    "rg7112_ic50_normal": _culture(["RG7112"], "generic"),
    "rg7112_amplified_over_normal": _culture(["RG7112"], "generic", LIPOSARCOMA),
    "nutlin_ic50_wild_type": _culture(["nutlin-3a"], "generic"),
    "nutlin_sjsa1_over_wild_type": _culture(["nutlin-3a"], "generic", AMPLIFIED),
    "idasanutlin_ic50_wild_type": _culture(["idasanutlin"], "generic"),
    "sar405838_over_nutlin": _culture(("nutlin-3a", "SAR405838"), LIPOSARCOMA),
    "nutlin_null_leukaemia": _culture(["nutlin-3a"], NULL),
    "md4251_mutant": _culture(["MD-4251"], NULL),
    "nutlin_mdm2_sensitivity": _culture(["nutlin-3a"], LEUKAEMIA),
    "nutlin_lethal_sjsa1": _culture(["nutlin-3a"], AMPLIFIED),
    "kt253_mdm2_rebound": tuple(Place(drug, LEUKAEMIA) for drug in ("KT-253", "milademetan")),
    "kt253_apoptosis_ratio": _culture(("milademetan", "KT-253"), *WILD_TYPE),
    "platelet_life_span": (_MARROW,),
    "kt253_over_inhibitors": _culture(("milademetan", "KT-253"), *WILD_TYPE),
}  # fmt: skip
"""Observation to models; what is not here is not modelled."""
