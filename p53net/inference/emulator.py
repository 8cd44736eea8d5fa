"""A net that says quickly, and about, how far each row is from the evidence.

It learns from everything that a run evaluates. What it says only proposes where particles go: the
models decide (`guided.py`), so a poor net makes a run slower and never wrong.
"""

import warnings
from dataclasses import dataclass

import numpy as np

from p53net.engines.base import FloatArray

_LINEAR = 4.0  # standard deviations up to which a residual is learned as it is


@dataclass(frozen=True)
class Learning:
    """How large a net is, and how it learns."""

    hidden: tuple[int, ...] = (192, 192)
    penalty: float = 1e-2
    """On squares of weights."""
    batch: int = 256
    first: tuple[tuple[float, int], ...] = ((1e-3, 10), (3e-4, 4), (1e-4, 3))
    """Rates of learning, and passes with each."""
    again: tuple[tuple[float, int], ...] = ((1e-3, 4), (3e-4, 3), (1e-4, 2))
    worth: float = 100.0
    """How far below the best logarithm of likelihood an evaluation still teaches something."""


_OF_CELLS = Learning()


class Emulator:
    """Learns rows of coordinates; the same evaluations and seed give the same net, bit for bit, in
    one thread."""

    def __init__(self, seed: int, learning: Learning = _OF_CELLS) -> None:
        from sklearn.neural_network import MLPRegressor

        self._net = MLPRegressor(
            hidden_layer_sizes=learning.hidden, alpha=learning.penalty, batch_size=learning.batch,
            tol=0.0, n_iter_no_change=10**6, warm_start=True, random_state=seed,
        )  # fmt: skip
        self._learning, self._learned = learning, False

    def learn(self, z: FloatArray, rows: FloatArray) -> None:
        """Go on learning, from evaluations (n, coordinate), (n, row)."""
        from sklearn.exceptions import ConvergenceWarning

        log = -0.5 * (rows**2).sum(axis=1)
        near = np.flatnonzero(log > log.max() - self._learning.worth)
        seen, wanted = z[near].astype(np.float32), squeezed(rows[near]).astype(np.float32)
        wanted = wanted[:, 0] if wanted.shape[1] == 1 else wanted  # as scikit-learn asks
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # passes are counted, not judged
            how = self._learning
            for rate, passes in how.again if self._learned else how.first:
                self._net.set_params(learning_rate_init=rate, max_iter=passes,
                                     batch_size=min(how.batch, len(seen)))  # fmt: skip
                self._net.fit(seen, wanted)
        self._learned = True

    def rows(self, z: FloatArray) -> FloatArray:
        """How far each row is from the evidence (n, row), at coordinates (n, coordinate)."""
        return _spread(self._net.predict(z.astype(np.float32)).astype(float).reshape(len(z), -1))

    def log_likelihood(self, z: FloatArray) -> FloatArray:
        """Below its highest, of coordinates (n, coordinate)."""
        return np.asarray(-0.5 * (self.rows(z) ** 2).sum(axis=1))


def squeezed(rows: FloatArray) -> FloatArray:
    """Rows that are far away count less."""
    return np.asarray(_LINEAR * np.arcsinh(rows / _LINEAR))


def _spread(squeezed: FloatArray) -> FloatArray:
    return np.asarray(_LINEAR * np.sinh(squeezed / _LINEAR))
