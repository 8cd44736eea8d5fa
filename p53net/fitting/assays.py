"""What a row of data may have measured: assays by name, and quantities of the models."""

from dataclasses import dataclass

NORMAL, LOG_NORMAL = "normal", "log-normal"

DISH, CULTURE, PLASMA, TUMOUR, MARROW = "dish", "culture", "plasma", "tumour", "marrow"


@dataclass(frozen=True)
class Assay:
    """One way to measure."""

    quantity: str
    """Of the models; DRUG stands for the mechanism of the row's drug."""
    words: str
    noise: str = LOG_NORMAL
    system: str = ""
    """Where it can be measured alone; else wherever a model has the quantity."""


ASSAYS = {
    "viability": Assay("live_cells", "live cells", NORMAL, CULTURE),
    "caspase": Assay("caspase", "active caspase-3/7 of a live cell"),
    "MDM2": Assay("MDM2_total", "all MDM2"),
    "MDM2_mRNA": Assay("MDM2_mRNA", "MDM2 mRNA"),
    "p53": Assay("p53_total", "all p53"),
    "p21": Assay("p21", "p21"),
    "PUMA": Assay("PUMA", "PUMA"),
    "plasma": Assay("DRUG_plasma", "total drug in plasma", system=PLASMA),
    "volume": Assay("tumour_volume", "volume of the tumour", system=TUMOUR),
    "platelets": Assay("platelets", "platelets", system=MARROW),
    "neutrophils": Assay("neutrophils", "neutrophils", system=MARROW),
    "haemoglobin": Assay("haemoglobin", "haemoglobin", system=MARROW),
    "GDF15": Assay("GDF15_serum", "GDF-15 in serum", system=MARROW),
}
"""Assays by name. Any quantity of a model is one too, by its own name."""

OF_CULTURE = ("live_cells", "caspase", "proliferation", "death_rate", "net_growth")
"""Quantities that only a dish with dividing cells has."""

VEHICLES = ("", "vehicle", "dmso", "control", "untreated", "none")
BLANKS = ("blank", "no cells", "background")
"""What stands in place of a drug in wells of control."""

ARBITRARY = ("au", "a.u.", "rlu", "rfu", "raw", "od")
"""Units of a signal whose scale is estimated, in lower case."""

FOLDS = {"%": 100.0, "percent": 100.0, "fold": 1.0, "1": 1.0, "ratio": 1.0, "x": 1.0}
"""Units of what is relative to vehicle, or in a body to the start, and what 1 is in them."""
