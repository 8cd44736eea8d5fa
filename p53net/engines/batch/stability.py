"""Whether states at rest are stable: whether anything near them grows."""

from contextlib import suppress

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from p53net.engines.base import FloatArray

_STILL = 1e-6  # 1/time: growth faster than this leaves a state at rest
_LARGEST = 8  # states of a matrix whose characteristic polynomial is sound
_SURE = 1e-9  # of its terms: a condition that holds by less may be rounding


def leaves(
    entries: NDArray[np.int64], slopes: FloatArray, resting: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Whether the real part of an eigenvalue is above 0, of each matrix, given by its entries.

    States that influence each other in a circle have eigenvalues of their own, so the matrix is
    taken apart first: most of these groups have few states.
    """
    rows, columns = entries.T
    slopes = np.where(resting[rows] & resting[columns], slopes, 0.0)
    found, size = np.zeros(len(slopes), dtype=bool), len(resting)
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
            found[chosen] |= _grows(block)
    return found


def _grows(block: FloatArray) -> NDArray[np.bool_]:
    if block.shape[1] == 1:
        return block[:, 0, 0] > _STILL
    unclear = np.flatnonzero(~surely_stable(block))
    found = np.zeros(len(block), dtype=bool)
    found[unclear] = _abscissa(block[unclear]) > _STILL
    return found


def surely_stable(block: FloatArray) -> NDArray[np.bool_]:
    """Whether all eigenvalues have negative real parts beyond doubt, by Routh's criterion: for a
    few states it costs a fifth of what the eigenvalues do. False is no answer."""
    size = block.shape[1]
    if size > _LARGEST:
        return np.zeros(len(block), dtype=bool)
    with np.errstate(all="ignore"):  # what is not finite is not sure
        scale = np.abs(np.trace(block, axis1=1, axis2=2)) / size
        scaled = block / scale[:, None, None]
        upper, lower = _alternating(_polynomial(scaled))
        sure = lower[0] > _SURE
        for _ in range(size - 1):
            first, second = lower[0] * upper[1:], upper[0] * lower[1:]
            sure &= first[0] - second[0] > _SURE * (np.abs(first[0]) + np.abs(second[0]))
            upper, lower = lower, np.vstack([(first - second) / lower[0], 0.0 * lower[:1]])
    return np.asarray(sure)


def _polynomial(block: FloatArray) -> FloatArray:
    """Coefficients of det(x I - A) from the highest power on, a column for each matrix, by the
    method of Faddeev and Le Verrier."""
    size = block.shape[1]
    places = np.arange(size)
    found, power = [np.ones(len(block))], block
    for k in range(1, size + 1):
        if k == size:  # only the trace of the last product is wanted
            found.append(-np.einsum("nij,nji->n", block, power) / k)
            break
        moved = block @ power if k > 1 else block
        found.append(-np.trace(moved, axis1=1, axis2=2) / k)
        power = moved.copy()
        power[:, places, places] += found[-1][:, None]
    return np.array(found)


def _alternating(coefficients: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The first two rows of Routh's table, of one length."""
    even, odd = coefficients[::2], coefficients[1::2]
    rest = np.zeros((len(even) - len(odd), even.shape[1]))
    return even, np.vstack([odd, rest])


def _abscissa(block: FloatArray) -> FloatArray:
    """The largest real part of an eigenvalue of each matrix."""
    real = np.full(len(block), np.inf)
    finite = np.isfinite(block).all(axis=(1, 2))
    try:
        real[finite] = np.linalg.eigvals(block[finite]).real.max(axis=1)
    except np.linalg.LinAlgError:  # of one of them: it counts as unstable, the others do not
        for i in np.flatnonzero(finite):
            with suppress(np.linalg.LinAlgError):
                real[i] = np.linalg.eigvals(block[i]).real.max()
    return real
