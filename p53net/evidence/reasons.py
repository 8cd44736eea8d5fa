"""Why a prediction misses its observation, as far as is known, and why a row has no prediction."""

_DEFAULT = {
    "rg7112_htrf_ic50": "its Kd of 10.7 nM, and concentrations as in milademetan's assay, "
    "give more; both numbers are quoted from memory",
    "idasanutlin_htrf_ic50": "a Ki of 1 nM was guessed from it by analogy with milademetan's",
    "navtemadlin_htrf_ic50": "2 nM of MDM2 in the assumed assay take up half as much drug",
    "rg7112_p53": "one concentration is fitted to the folds of p53, p21 and MDM2 mRNA, and more of "
    "it, which p53 asks for, takes p21 further out",
    "rg7112_p21": "as rg7112_p53; p21's basal transcription is assumed: five times of it, or with "
    "it a higher concentration, brings p21 inside",
    "rg7112_p21_matched": "as rg7112_p21: with five times its basal transcription p21 is inside "
    "where p53 is as published",
    "rg7112_mdm2_mrna_matched": "three quarters of untreated p53 are bound to MDM2 in this cell, "
    "so where total p53 has risen 4.86-fold active p53, which P2 follows, has risen 9-fold",
    "rg7112_ic50_normal": "its free fraction was fitted to the amplified lines' 0.52 uM, and in no "
    "structure here is a line without the amplification 15 times as resistant",
    "rg7112_amplified_over_normal": "more MDM2 genes make a line more resistant in every structure "
    "here, less so with a partner that runs short; measured lines with many are the more sensitive",
    "nutlin_ic50_wild_type": "its free fraction and the threshold of death were fitted in SJSA-1, "
    "which comes out more resistant than a line with one gene, not alike as published",
    "nutlin_mdm2_sensitivity": "as rg7112_amplified_over_normal",
    "nutlin_lethal_sjsa1": "the greatest rate of death was fitted to the share of SJSA-1 that is "
    "dead after two days, and at that rate no dose leaves less than a tenth after a week",
    "kt253_over_inhibitors": "what is shown is the smallest ratio of four lines, to milademetan: "
    "lines with many MDM2 genes, where a degrader has more MDM2 to destroy; lines with one gene "
    "are above 200. The published inhibitors and lines have no names",
    "kt253_apoptosis_ratio": "as kt253_over_inhibitors",
    "platelet_life_span": "the life that was taken is another measurement's, 205 h (Harker 2000)",
    "thrombocytopenia_any_intermittent": "any-grade rates count what was reported, not laboratory "
    "values: every fall below the lower limit of normal counts here",
    "neutropenia_any_intermittent": "as thrombocytopenia_any_intermittent",
    "anaemia_any_intermittent": "as thrombocytopenia_any_intermittent; most patients have "
    "haemoglobin below 12 g/dL before treatment",
    "anaemia_any_other": "as anaemia_any_intermittent",
    "thrombocytopenia_any_other": "as thrombocytopenia_any_intermittent",
    "anaemia_grade34_mantra": "the slope of red cells was fitted to phase 1 alone, where none of "
    "20 had it; nothing else than it, as bleeding or disease, lowers haemoglobin here",
}
_VERSION_0_1 = {
    "rg7112_htrf_ic50": "its Kd of 10.7 nM, and concentrations as in milademetan's assay, "
    "give more; both numbers are quoted from memory",
    "idasanutlin_htrf_ic50": "a Ki of 1 nM was guessed from it by analogy with milademetan's",
    "md224_dc": "its free fraction was fitted to its IC50 of 1.5 nM, above the 1 nM at which MDM2 "
    "is said to be gone; one sensitivity of the line for KT-253 and MD-224 cannot give both",
    "platelet_nadir": "platelets mature in 264 h, as under CGM097, so they still fall a day after "
    "the next cycle has begun; with the 100 to 175 h of other drugs it would be 7 to 10 days",
    "platelet_recovery": "as platelet_nadir; with 100 h half of the loss would be regained, with "
    "134 h a tenth",
    "neutrophil_recovery": "of the loss 45 % is regained between nadir and next cycle",
    "haem_reversible": "less than half of the loss is regained before the next cycle",
    "tgi_milademetan_sjsa1": "mouse exposure is scaled from man, and SJSA-1's many MDM2 genes are "
    "assumed to shift doses up",
    "nutlin_ic50_sjsa1": "a gene dose of 15, assumed, makes amplified lines too resistant",
    "milademetan_induction_sjsa1_p53": "as nutlin_ic50_sjsa1; its plateau lies at doses never "
    "tested; milademetan's free fraction was set by hand in the generic line, which has one gene",
    "milademetan_induction_sjsa1_p21": "as milademetan_induction_sjsa1_p53",
    "milademetan_induction_sjsa1_mdm2": "as milademetan_induction_sjsa1_p53",
    "navtemadlin_ic50_sjsa1": "as nutlin_ic50_sjsa1; its free fraction of 0.1 is assumed too",
    "rg7112_ic50_amplified": "a gene dose of 18.3 makes amplified lines too resistant, and a free "
    "fraction of 0.1 is assumed; in SJSA-1 it is 10,134 nM",
    "rg7112_mdm2_mrna_matched": "with a gene dose of 18.3 p53 hardly reaches P2",
    "kt253_over_inhibitors": "death follows p53 alone and p53 follows undrugged MDM2 alone, so two "
    "drugs stand in nearly one ratio in every line (35 to 36); navtemadlin over KT-253 is 4.4 to "
    "4.7, siremadlin 12, idasanutlin 50, nutlin-3a 354 to 362 and RG7112 511 to 523",
    "navtemadlin_htrf_ic50": "2 nM of MDM2 in the assumed assay take up half as much drug",
    "rg7112_ic50_normal": "RG7112's free fraction of 0.1 and one sensitivity of all lines without "
    "data are assumed",
    "rg7112_amplified_over_normal": "more MDM2 genes make a line more resistant here; measured "
    "lines with many are the more sensitive",
    "nutlin_ic50_wild_type": "the sensitivity of the generic cell was set by hand in SJSA-1, whose "
    "many MDM2 genes shift doses up",
    "nutlin_sjsa1_over_wild_type": "as rg7112_amplified_over_normal",
    "nutlin_lethal_sjsa1": "as nutlin_ic50_sjsa1",
    "nutlin_mdm2_sensitivity": "as rg7112_amplified_over_normal",
    "idasanutlin_ic50_wild_type": "its Ki and free fraction are assumed",
    "kt253_apoptosis_ratio": "as kt253_over_inhibitors",
    "platelet_life_span": "blood leaves at the rate of the steps of maturation, 66 h each",
    "anaemia_any_intermittent": "any-grade rates count what was reported, not laboratory values; "
    "most patients have haemoglobin below 12 g/dL before treatment",
    "anaemia_any_other": "as anaemia_any_intermittent",
    "thrombocytopenia_any_other": "as anaemia_any_intermittent: reports, not laboratory values",
    "thrombocytopenia_grade34_mantra": "fitted to phase 1, of which 20 patients had this schedule; "
    "the larger trial counted all causes over many cycles",
    "neutropenia_grade34_mantra": "as thrombocytopenia_grade34_mantra",
    "anaemia_grade34_mantra": "as thrombocytopenia_grade34_mantra",
}
MISSED = {"default": _DEFAULT, "v0.1": _VERSION_0_1}
"""Of what is outside, by the structure that the reason is true of."""

_LINE = "no such line is modelled"
_MOUSE = "the drug's exposure in mice is not in the tables"
_NORMAL = "no normal cell is modelled in a dish"
_RESPONSE = "responses and survival of patients are not modelled"
_CLONE = "the default has no clone of TP53-mutant cells (`clone` = none)"
_BLOOD = "a number of the chain of maturation, not predicted by it"

NOT_MODELLED = {
    "siremadlin_ki_mdmx": "the drug's binding to MDMX is in no model",
    "crbn_molm14": "what MOLM-14 is given, and, as an assumption, every other line",
    **dict.fromkeys(("tgi_milademetan_molm13", "kt253_mv411", "milademetan_p53_mcc",
                     "milademetan_mcc_dose"), _LINE),
    "kt253_pdx": "no such tumour is modelled",
    "friberg_wbc": "granulocytes are neutrophils under eribulin here",
    "rg7112_ic50_mutant": "nothing kills a cell without working p53 here",
    "degrader_null_breast": "nothing kills a cell without working p53 here: a cell that TAp73 can "
    "kill when MDM2 is destroyed lies outside of what the null line stands for",
    "gdf15_siremadlin": "siremadlin's exposure in man is not in the tables; the ceiling of the "
    "gene's induction was set with it in view",
    "kt253_gdf15": "KT-253's exposure in man is not published",
    **dict.fromkeys(("nutlin_ic50_skin", "nutlin_ic50_3t3", "nutlin_spares_fibroblasts"), _NORMAL),
    **dict.fromkeys(("sar405838_puma", "nutlin_tgi_sjsa1", "nutlin_volume_neuroblastoma",
                     "sar405838_single_sjsa1", "sar405838_rs411", "md224_rs411", "md4251_single"),
                    _MOUSE),
    **dict.fromkeys(("siremadlin_pulse_puma", "kt253_brief"), "doses and times are not published"),
    **dict.fromkeys(("progenitor_death_rg7112", "progenitor_all_stages"),
                    "what was built in, not predicted: PUMA kills progenitors and all maturing "
                    "cells here"),
    **dict.fromkeys(("milademetan_response_mantra2", "milademetan_pfs_mantra2", "rg7112_response",
                     "milademetan_dcr_ddlps", "milademetan_pfs_ddlps",
                     "milademetan_dcr_ddlps_intermittent"), _RESPONSE),
    **dict.fromkeys(("clone_rise_sar405838", "clone_fall_idasanutlin",
                     "clone_patients_idasanutlin"), _CLONE),
    "rg7112_ki67": "no share of cells in cycle is modelled",
    "rg7112_reversible": "the time since the last dose is not published",
    "thrombocytopenia_any_class": "of several drugs and schedules together",
    **dict.fromkeys(("platelet_production", "neutrophil_half_life", "neutrophil_transit"), _BLOOD),
}  # fmt: skip
"""Of what has no prediction."""
