"""Particles of some of the evidence taken to wider priors, by degrees of the width.

Almost no draw of priors that are twice as wide fits anything, and many are cells that come to rest
slowly, so that it is dear to begin there. Where a little of the evidence is let in, particles are
cells that work, and still free: they stay where they are while the priors grow around them. Each
degree changes what the priors say of them by as much as half of them can bear, and all move.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from p53net.engines.base import FloatArray
from p53net.inference.directions import Steps
from p53net.inference.prior import Prior
from p53net.inference.space import Space
from p53net.inference.tempering import Particles, Residuals, Sampled, Told, counting

_HALF = 0.5  # of the particles still count after a degree
_HALVED = 20  # times, until a degree is known


def widened(
    at: Particles,
    priors: Sequence[Prior],
    residuals_at: Callable[[float], Residuals],
    width: float,
    degree: float,
    moves: int,
    steps: Steps,
    told: Told = lambda _share: None,
) -> Sampled:
    """Take particles from the priors as they are to those so many times as wide, at least 1.

    Coordinates are those of `priors`; `residuals_at` gives the distances of rows where these have a
    width, and so much of the evidence is let in as `degree` says. Of what is `Sampled`, degrees are
    widths, and the evidence is over that of the priors as they are: by particles of the wider
    priors, since the others reach no farther than their own. There are no draws yet.
    """
    found, now = Sampled(0.0), 1.0
    while now != width:
        here = Space(priors, now)
        now, log = _next(here, at.z, priors, now, width)
        there = Space(priors, now)
        at.carried(residuals_at(now), partial(_carried, here, there))
        at.resample(np.exp(log - log.max()))
        directions = at.directions(degree)
        shares = [at.move(degree, directions, steps) for _ in range(moves)]
        values = there.values(at.z)
        back = here.log_density(values) - there.log_density(values)
        found.log_evidence -= float(np.log(np.mean(np.exp(back))))
        found.degrees.append(now)
        found.note(float(np.mean(shares)), tuple(steps.sizes.values()), directions.informed)
        told(float(np.log(now) / np.log(width)))
    return found


def _next(
    here: Space, z: FloatArray, priors: Sequence[Prior], now: float, width: float
) -> tuple[float, FloatArray]:
    """The farthest width, no farther than the one wanted, that half of the particles can bear, and
    the logarithm of what each then weighs."""
    values = here.values(z)
    before = here.log_density(values)

    def weighed(share: float) -> tuple[float, FloatArray]:
        there = width if share == 1.0 else now * (width / now) ** share
        return there, Space(priors, there).log_density(values) - before

    whole = weighed(1.0)
    if counting(whole[1]) >= _HALF:
        return whole
    low, high = 0.0, 1.0
    for _ in range(_HALVED):
        middle = (low + high) / 2
        low, high = (middle, high) if counting(weighed(middle)[1]) >= _HALF else (low, middle)
    return weighed(low)


def _carried(here: Space, there: Space, z: FloatArray) -> FloatArray:
    """Coordinates of the same values."""
    return there.coordinates(here.values(z))
