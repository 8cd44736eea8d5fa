"""What a datum teaches by refits, where it is known: a normal posterior of 105 coordinates.

`python -m benchmarks.refits` from the repository root. The posterior of cells is bent, so that only
short steps are accepted, and those once in four times. Here steps are kept as short, and a round of
moves, nearly all accepted, stands for four rounds there.
"""

import argparse
import sys
import time

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.inference import nested, shrinkage
from p53net.inference.directions import Steps
from p53net.inference.tempering import renewed

COORDINATES, ROWS, DATA, ENSEMBLES = 105, 36, 32, 6


class Known:
    """An answer, and an experiment of two numbers with an error (a share of their spread)."""

    def __init__(self, error: float) -> None:
        random = np.random.default_rng(0)
        slopes = random.standard_normal((COORDINATES, ROWS)) / np.sqrt(COORDINATES)
        self.slopes = slopes * np.exp(random.normal(0.5, 1.0, ROWS))
        self.read = random.standard_normal((2, COORDINATES))
        other = random.standard_normal(COORDINATES)
        self.answer = 0.7 * self.read[0] + 0.3 * self.read[1] + other
        self.covariance = np.linalg.inv(np.eye(COORDINATES) + self.slopes @ self.slopes.T)
        self.error = error * float(np.sqrt(self.read[0] @ self.covariance @ self.read[0]))

    def exact(self) -> float:
        """The share by which the answer's interval shrinks."""
        told = self.covariance @ self.read.T
        seen = self.read @ told + self.error**2 * np.eye(2)
        left = self.covariance - told @ np.linalg.inv(seen) @ told.T
        after, before = (self.answer @ one @ self.answer for one in (left, self.covariance))
        return 1.0 - float(np.sqrt(after / before))

    def found(self, draws: int, moves: int, seed: int) -> tuple[float, float, float, float]:
        """By refits where weights do not suffice, by weights alone, and as promised; and the
        effective draws of a datum."""
        random = np.random.default_rng(seed)
        z = random.standard_normal((draws, COORDINATES)) @ np.linalg.cholesky(self.covariance).T
        value, read = z @ self.answer, z @ self.read.T

        def anew(datum: FloatArray, truth: int) -> FloatArray:
            def rows(z: FloatArray, _labels: NDArray[np.intp]) -> FloatArray:
                return np.hstack([z @ self.slopes, (z @ self.read.T - datum) / self.error])

            again = renewed(rows, ROWS, np.delete(z, truth, axis=0),
                            np.random.default_rng([seed, truth]), moves)  # fmt: skip
            return np.asarray(again.chains[0] @ self.answer)

        def confirmed(by: nested.Anew | None) -> nested.Confirmed:
            return nested.confirmed(value, read, self.error, False, claim=False, data=DATA,
                                    seed=seed, anew=by)  # fmt: skip

        weighted = confirmed(None)
        promise = shrinkage.of_interval(value, read, self.error, False, seed)
        return confirmed(anew).shrinkage, weighted.shrinkage, promise.shrinkage, weighted.effective


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args(arguments)
    Steps.adapt = lambda *_: None  # type: ignore[method-assign]
    print("| draws | error | rounds | effective | exact | by refits | by weights | promised |")
    print("|---|---|---|---|---|---|---|---|")
    since = time.process_time()
    for draws, error, moves in ((240, 0.3, 1), (500, 0.3, 1), (240, 0.15, 1), (240, 0.15, 3)):
        known = Known(error)
        each = np.array([known.found(draws, moves, seed) for seed in range(ENSEMBLES)])
        means, errors = each.mean(axis=0), each.std(axis=0, ddof=1) / np.sqrt(ENSEMBLES)
        cells = [f"{m:.3f} ± {e:.3f}" for m, e in zip(means[:3], errors[:3], strict=True)]
        print(f"| {draws} | {error} | {moves} | {means[3]:.0f} | {known.exact():.3f} | "
              f"{' | '.join(cells)} |")  # fmt: skip
    print(f"{time.process_time() - since:.0f} s of CPU", file=sys.stderr)


if __name__ == "__main__":
    main()
