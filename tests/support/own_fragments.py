"""Model text and tables of a user, as tests of fragments and their errors need them."""

TABLE = "{}\tparameter\tvalue\tunit\tkind\tsource\tnote\n"

NOXA = """// NOXA, a p53 target
species NOXA in cell
k_syn_NOXA = 2 nM_per_hour  // assumed: a read-out's scale
k_deg_NOXA = 1 per_hour     // assumed: half-life 40 min
NOXA_synthesis: => NOXA; cell*k_syn_NOXA*p53_active/(K_p21 + p53_active)
NOXA_degradation: NOXA =>; cell*k_deg_NOXA*NOXA
"""
COVALENT = """// A covalent inhibitor: it takes the pocket of MDM2 for good
// mechanism: covalent

species covalent in cell        // covalent inhibitor, free in the cell
species MDM2_covalent in cell   // MDM2 whose pocket is taken for good
species covalent_spent in cell  // covalent inhibitor that was lost with its MDM2

k_perm_covalent = 10 per_hour         // assumed: as of an inhibitor
k_inact_covalent = 1 per_nM_per_hour  // assumed: every drug has a row of its own

MDM2_drugged += MDM2_covalent
covalent_in_cell := covalent + MDM2_covalent  // covalent inhibitor, free and bound
covalent_in_cell has nM

covalent_influx: => covalent; cell*k_perm_covalent*covalent_outside
covalent_efflux: covalent =>; cell*k_perm_covalent*covalent
MDM2_covalent_binding: MDM2 + covalent => MDM2_covalent; cell*k_inact_covalent*MDM2*covalent
MDM2_covalent_degradation: MDM2_covalent => covalent_spent; cell*MDM2_turnover*MDM2_covalent
"""
DRUG = (
    TABLE.format("drug")
    + "mydrug\tmechanism\tcovalent\t\t\t\t\n"
    + "mydrug\tmolar_mass\t500\tg/mol\tassumed\t\ta round number\n"
    + "mydrug\tk_inact_covalent\t0.0005\t1/nM/s\tassumed\t\tkinact/KI\n"
    + "mydrug\tfu_medium_covalent\t0.2\tdimensionless\tassumed\t\tguess\n"
)
PLASMA = (
    TABLE.format("drug_in_host")
    + "mydrug in human\troute\toral\t\t\t\t\n"
    + "mydrug in human\tCL_covalent\t10\tL_per_hour\tassumed\t\tguess\n"
    + "mydrug in human\tV_central_covalent\t50\tL\tassumed\t\tguess\n"
)
