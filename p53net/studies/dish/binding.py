"""A biochemical competition assay, simulated: the IC50 that a Ki gives at its concentrations."""

import numpy as np

from p53net.engines.base import FloatArray
from p53net.measures.dose_response import fit_logistic

MDM2, PROBE, KD_PROBE = 2.0, 2.0, 2.0
"""nM, assumed: a tight assay of the kind that shows IC50s of a few nM, its probe at its Kd. Neither
assay's concentrations are published where they could be read."""

_DOSES = np.geomspace(1e-2, 1e5, 71)
_HALVINGS = 64


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
    bound = _bound(np.concatenate([[0.0], _DOSES]), Ki, mdm2, probe, Kd_probe)
    return fit_logistic(_DOSES, bound[1:] / bound[0]).middle


def _bound(doses: FloatArray, ki: float, mdm2: float, probe: float, kd: float) -> FloatArray:
    """Bound probe [nM] at equilibrium: free MDM2 is the root of its mass balance, which rises."""
    low, high = np.zeros(len(doses)), np.full(len(doses), mdm2)
    for _ in range(_HALVINGS):
        free = (low + high) / 2
        over = free * (1 + probe / (kd + free) + doses / (ki + free)) > mdm2
        low, high = np.where(over, low, free), np.where(over, free, high)
    return np.asarray(probe * high / (kd + high))
