"""Random designs by index: any slice of the points, without those before it.

A share is where a point lies on an axis, 0 to 1 of its distribution.
"""

import warnings
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray

WHOLE = 2**20
"""Points up to which a Latin hypercube is SciPy's, which makes it as a whole. Larger ones have
permutations that can be indexed."""

_SOBOL_BITS = 30  # of SciPy's numbers
_ROUNDS = 6
_JITTER_BITS = 25  # a float holds them beside 27 bits of the slice and the one of the half
_Words = NDArray[np.uint64]


def shares(kind: str, seed: int, points: int, axes: int, start: int, stop: int) -> FloatArray:
    """Points `start` to `stop` of a sobol or latin-hypercube design: a row for each point."""
    index = np.arange(start, stop, dtype=np.uint64)
    if kind == "sobol":
        return _sobol(index, *_sobol_moves(axes, seed, max(points - 1, 1).bit_length()))
    if points <= WHOLE:
        return _whole_hypercube(axes, seed, points)[start:stop]
    return _hypercube(index, axes, seed, points)


@lru_cache(maxsize=2)
def _sobol_moves(axes: int, seed: int, bits: int) -> tuple[_Words, tuple[_Words, ...]]:
    """The first point in units of 2**-30, and what each bit of the index changes in it.

    A scrambled Sobol point is the exclusive or of direction numbers, one for each bit of the Gray
    code of its index, and that is linear: points 0, 1, 2, 4, 8 ... tell all others.
    """

    from scipy.stats import qmc

    engine = qmc.Sobol(axes, rng=np.random.default_rng(seed))
    with warnings.catch_warnings():  # one point is no power of two from the second on
        warnings.simplefilter("ignore", UserWarning)
        first = _units(engine.random(1)[0])
        moves = []
        for bit in range(bits):
            engine.fast_forward(2**bit - engine.num_generated)
            moves.append(_units(engine.random(1)[0]) ^ first)
    return first, tuple(moves)


def _sobol(index: _Words, first: _Words, moves: tuple[_Words, ...]) -> FloatArray:
    found = np.tile(first, (len(index), 1))
    for bit, move in enumerate(moves):
        found ^= (index >> np.uint64(bit) & np.uint64(1))[:, None] * move
    return np.asarray(found * 2.0**-_SOBOL_BITS)


def _units(point: FloatArray) -> _Words:
    return (point * 2.0**_SOBOL_BITS).astype(np.uint64)


@lru_cache(maxsize=1)
def _whole_hypercube(axes: int, seed: int, points: int) -> FloatArray:
    from scipy.stats import qmc

    found: FloatArray = qmc.LatinHypercube(axes, rng=np.random.default_rng(seed)).random(points)
    found.flags.writeable = False
    return found


def _hypercube(index: _Words, axes: int, seed: int, points: int) -> FloatArray:
    """On each axis point i lies at a place of its own, in the slice to which a permutation sends
    i."""
    states = np.random.SeedSequence(seed).generate_state(axes * (_ROUNDS + 1), np.uint64)
    keys = np.asarray(states, dtype=np.uint64)
    found = np.empty((len(index), axes))
    for axis, own in enumerate(keys.reshape(axes, -1)):
        jitter = _mixed(index ^ own[0]) >> np.uint64(64 - _JITTER_BITS)
        inside = (jitter + 0.5) * 2.0**-_JITTER_BITS
        found[:, axis] = (permuted(index, points, own[1:]) + inside) / points
    return found


def permuted(index: _Words, size: int, keys: _Words) -> _Words:
    """Where a permutation of 0 to `size` sends these numbers: a Feistel network with a round for
    each key, on the next power of four, walked until it is back inside."""
    half = np.uint64(((size - 1).bit_length() + 1) // 2)
    mask = (np.uint64(1) << half) - np.uint64(1)
    found, outside = index.copy(), np.ones(len(index), dtype=bool)
    while outside.any():
        left, right = found[outside] >> half, found[outside] & mask
        for key in keys:
            left, right = right, left ^ (_mixed(right ^ key) & mask)
        found[outside] = left << half | right
        outside = found >= size
    return found


def _mixed(words: _Words) -> _Words:
    """The words with every bit moved by every other (the end of SplitMix64)."""
    words = (words ^ words >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ words >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return words ^ words >> np.uint64(31)
