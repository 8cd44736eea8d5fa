"""A cell that pulses without drug and without damage, and so has no rest."""

PULSING = {"k_syn_p53": 150.0, "n_MDM2": 8.5, "k_deg_MDM2_mRNA": 1.6, "E3_capacity": 1e6}
"""Its ubiquitination has all the capacity that MDM2 can use: one that runs short damps pulses."""
