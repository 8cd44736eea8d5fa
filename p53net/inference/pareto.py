"""How heavy the tail of some weights is: whether draws suffice for what is asked of them.

The shape k of a Pareto law of the largest weights (Zhang & Stephens 2009 Technometrics 51:316, with
the prior of Vehtari 2024 J Mach Learn Res 25:72), as ArviZ has it, which need not be installed.
"""

import numpy as np

from p53net.engines.base import FloatArray

POOR = 0.7
"""Shape above which weights do not tell what they are to (Vehtari 2017 Stat Comput 27:1413)."""

_FEWEST = 5  # weights of a tail that has a shape
_PRIOR, _PRIOR_SHAPE = 10.0, 0.5  # draws that the prior is worth, and its shape
_LEAST = float(np.finfo(float).tiny)


def tail_shape(weights: FloatArray) -> float:
    """Pareto's k of weights (draw): -inf where the largest are all alike, so that there is no tail,
    and inf where hardly one draw has weight."""
    ordered = np.sort(weights / weights.max())
    number = int(np.ceil(min(len(ordered) / 5.0, 3.0 * np.sqrt(len(ordered)))))
    cutoff = max(float(ordered[-number - 1]), _LEAST)
    tail = ordered[ordered > cutoff] - cutoff
    if cutoff == 1.0:
        return -np.inf
    return _shape(tail) if len(tail) >= _FEWEST else np.inf


def _shape(tail: FloatArray) -> float:
    """Of sorted numbers above 0, by the mean over a grid of scales."""
    n = len(tail)
    grid = 30 + int(np.sqrt(n))
    steps = 1.0 - np.sqrt(grid / (np.arange(1, grid + 1) - 0.5))
    scales = steps / (3.0 * tail[int(n / 4 + 0.5) - 1]) + 1.0 / tail[-1]
    shapes = np.log1p(-scales[:, None] * tail).mean(axis=1)
    likely = n * (np.log(-scales / shapes) - shapes - 1.0)
    shares = np.exp(likely - likely.max())
    scale = float(scales @ shares / shares.sum())
    shape = float(np.log1p(-scale * tail).mean())
    return (n * shape + _PRIOR * _PRIOR_SHAPE) / (n + _PRIOR)
