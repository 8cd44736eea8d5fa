"""A net that says quickly, and about, how far each row is from the evidence.

It learns from everything that a run evaluates. What it says only proposes where particles go: the
models decide (`guided.py`), so a poor net makes a run slower and never wrong.
"""

import warnings

import numpy as np

from p53net.engines.base import FloatArray

_HIDDEN = (192, 192)
_PENALTY = 1e-2  # on squares of weights
_BATCH = 256
_FIRST = ((1e-3, 10), (3e-4, 4), (1e-4, 3))  # rates of learning, and passes with each
_AGAIN = ((1e-3, 4), (3e-4, 3), (1e-4, 2))
_LINEAR = 4.0  # standard deviations up to which a residual is learned as it is
_WORTH = 100.0  # below the best logarithm of likelihood: what is farther away teaches nothing


class Emulator:
    """Learns rows of coordinates; the same evaluations and seed give the same net, bit for bit, in
    one thread."""

    def __init__(self, seed: int) -> None:
        from sklearn.neural_network import MLPRegressor

        self._net = MLPRegressor(
            hidden_layer_sizes=_HIDDEN, alpha=_PENALTY, batch_size=_BATCH, tol=0.0,
            n_iter_no_change=10**6, warm_start=True, random_state=seed,
        )  # fmt: skip
        self._learned = False

    def learn(self, z: FloatArray, rows: FloatArray) -> None:
        """Go on learning, from evaluations (n, coordinate), (n, row)."""
        from sklearn.exceptions import ConvergenceWarning

        log = -0.5 * (rows**2).sum(axis=1)
        near = np.flatnonzero(log > log.max() - _WORTH)
        seen, squeezed = z[near].astype(np.float32), _squeezed(rows[near]).astype(np.float32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # passes are counted, not judged
            for rate, passes in _AGAIN if self._learned else _FIRST:
                self._net.set_params(learning_rate_init=rate, max_iter=passes)
                self._net.fit(seen, squeezed)
        self._learned = True

    def log_likelihood(self, z: FloatArray) -> FloatArray:
        """Below its highest, of coordinates (n, coordinate)."""
        said = self._net.predict(z.astype(np.float32)).astype(float)
        return np.asarray(-0.5 * (_spread(said) ** 2).sum(axis=1))


def _squeezed(rows: FloatArray) -> FloatArray:
    """Rows that are far away count less."""
    return np.asarray(_LINEAR * np.arcsinh(rows / _LINEAR))


def _spread(squeezed: FloatArray) -> FloatArray:
    return np.asarray(_LINEAR * np.sinh(squeezed / _LINEAR))
