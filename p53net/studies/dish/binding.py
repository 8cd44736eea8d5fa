"""A biochemical competition assay, simulated: the IC50 that a Ki gives at its concentrations."""

import numpy as np

from p53net.engines.base import FloatArray
from p53net.measures.dose_response import fit_logistic

MDM2, PROBE, KD_PROBE = 2.0, 2.0, 2.0
"""nM, assumed: a tight assay of the kind that shows IC50s of a few nM, its probe at its Kd. Neither
assay's concentrations are published where they could be read."""

_DOSES = np.geomspace(1e-2, 1e5, 71)
_MOST_STEPS, _LEAST_STEP = 100, 1e-15


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
    """Bound probe [nM] at equilibrium: free MDM2 is the root of its mass balance.

    That rises and is concave, so Newton's steps from 0 never pass the root.
    """
    free = np.zeros(len(doses))
    for _ in range(_MOST_STEPS):
        missing = mdm2 - free * (1 + probe / (kd + free) + doses / (ki + free))
        step = missing / (1 + probe * kd / (kd + free) ** 2 + doses * ki / (ki + free) ** 2)
        free += step
        if (step <= _LEAST_STEP * free).all():
            break
    return np.asarray(probe * free / (kd + free))
