"""Whether states at rest are stable: the fastest growth of what is near them."""

from contextlib import suppress

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from p53net.engines.base import FloatArray


def growth(
    entries: NDArray[np.int64], slopes: FloatArray, resting: NDArray[np.bool_]
) -> FloatArray:
    """The largest real part of an eigenvalue of each matrix, given by its entries.

    States that influence each other in a circle have eigenvalues of their own, so the matrix is
    taken apart first: most of these groups have few states.
    """
    rows, columns = entries.T
    slopes = np.where(resting[rows] & resting[columns], slopes, 0.0)
    found, size = np.full(len(slopes), -np.inf), len(resting)
    waiting = np.arange(len(slopes))
    while len(waiting):  # all that have zeros in the same places at once
        pattern = slopes[waiting[0]] != 0.0
        same = ((slopes[waiting] != 0.0) == pattern).all(axis=1)
        chosen, waiting = waiting[same], waiting[~same]
        edges = rows[pattern], columns[pattern]
        graph = coo_matrix((np.ones(pattern.sum()), edges), shape=(size, size))
        count, part = connected_components(graph, connection="strong")
        for one in np.flatnonzero(np.bincount(part[resting], minlength=count)):
            inside = np.flatnonzero(part == one)
            within = np.flatnonzero((part[rows] == one) & (part[columns] == one))
            block = np.zeros((len(chosen), len(inside), len(inside)))
            places = (np.searchsorted(inside, of[within]) for of in (rows, columns))
            block[:, *places] = slopes[np.ix_(chosen, within)]
            found[chosen] = np.maximum(found[chosen], _abscissa(block))
    return found


def _abscissa(block: FloatArray) -> FloatArray:
    if block.shape[1] == 1:
        return block[:, 0, 0]
    real = np.full(len(block), np.inf)
    finite = np.isfinite(block).all(axis=(1, 2))
    try:
        real[finite] = np.linalg.eigvals(block[finite]).real.max(axis=1)
    except np.linalg.LinAlgError:  # of one of them: it counts as unstable, the others do not
        for i in np.flatnonzero(finite):
            with suppress(np.linalg.LinAlgError):
                real[i] = np.linalg.eigvals(block[i]).real.max()
    return real
