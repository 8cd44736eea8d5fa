"""How patients handle a drug, from plasma alone, in independent runs.

What tumours and blood would say of it is not heard: first the curve in plasma, then its effects,
given draws of the curve (Lunn 2009 J Pharmacokinet Pharmacodyn 36:19), so that an effect that a
model gets wrong does not bend the curve.
"""

from collections.abc import Callable

import numpy as np

from p53net.engines.base import FloatArray
from p53net.inference.bodies import Bodies
from p53net.inference.parts import HANDLED
from p53net.inference.tempering import Sampled, Settings, tempered

_RUNS = 4
_SETTINGS = Settings(particles=128, moves=6, draws=8, between=6)


def of_plasma(
    bodies: Bodies, seed: int, told: Callable[[float], None] = lambda _share: None
) -> Sampled:
    """Draws (run, draw, coordinate) of how the drug is handled."""
    highest = sum(bodies.likelihood.families[i].highest for i in bodies.of_plasma.tolist())
    runs = []
    for run in range(_RUNS):
        random = np.random.default_rng([seed, run, *b"plasma"])
        runs.append(tempered(bodies.residuals_of_plasma, highest, len(HANDLED), random, _SETTINGS))
        told((run + 1) / _RUNS)
    return Sampled(
        float(np.mean([one.log_evidence for one in runs])),
        np.array([one.chains.reshape(-1, len(HANDLED)) for one in runs]),
        np.array([one.log_likelihood.ravel() for one in runs]),
        evaluations=sum(one.evaluations for one in runs),
    )


def taken(handled: Sampled, number: int, seed: int) -> FloatArray:
    """So many draws (draw, coordinate) from all runs, evenly."""
    every = handled.chains.reshape(-1, handled.chains.shape[-1])
    random = np.random.default_rng([seed, *b"handling"])
    return np.asarray(every[random.choice(len(every), number, replace=number > len(every))])
