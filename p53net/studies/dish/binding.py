"""A biochemical competition assay, simulated: the IC50 that a Ki gives at its concentrations."""

import numpy as np

from p53net.measures.dose_response import fit_logistic

MDM2, PROBE, KD_PROBE = 2.0, 2.0, 2.0
"""nM, assumed: a tight assay of the kind that shows IC50s of a few nM, its probe at its Kd. Neither
assay's concentrations are published where they could be read."""

_DOSES = np.geomspace(1e-2, 1e5, 71)


def binding_ic50(
    Ki: float,
    mdm2: float = MDM2,
    probe: float = PROBE,
    Kd_probe: float = KD_PROBE,
) -> float:
    """IC50 [nM] of an inhibitor with this Ki, from a logistic fit of the bound probe.

    Both compete for one pocket, and MDM2 takes them out of solution: the exact solution, by the
    cubic equation of Wang 1995 FEBS Lett 360:111. An IC50 is at least Ki + MDM2/2.
    """
    bound = np.array([_bound(dose, Ki, mdm2, probe, Kd_probe) for dose in _DOSES])
    return fit_logistic(_DOSES, bound / _bound(0.0, Ki, mdm2, probe, Kd_probe)).middle


def _bound(dose: float, ki: float, mdm2: float, probe: float, kd: float) -> float:
    """Bound probe [nM] at equilibrium: free MDM2 is the root of its mass balance."""
    from scipy.optimize import brentq

    def balance(free: float) -> float:
        return float(free * (1 + probe / (kd + free) + dose / (ki + free)) - mdm2)

    free = float(brentq(balance, 0.0, mdm2, xtol=1e-15, rtol=1e-14))
    return probe * free / (kd + free)
