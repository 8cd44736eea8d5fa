"""Lanes locked to one step: the runs of a vector follow one numerical map, so that what they differ
by is free of the solver's noise. A vector is a run and others beside it.

All lanes take the first step of the most cautious and the error of the worst, and so stop, end and
fail together. That is internal numerical differentiation (Bock 1981) where one run is moved a bit.
"""

import math

from p53net.engines.batch.driver import Driver
from p53net.engines.batch.llvm import Value


class Locked(Driver):
    """`integrate` for vectors whose runs have doses and outputs at the same times."""

    def _error(self) -> Value:
        return self._worst(super()._error())

    def _pivots(self) -> Value:
        return self._worst(super()._pivots())

    def _begin(self) -> None:
        super()._begin()
        self._keep("h", self.code.across("fmin", self._vector("h")))

    def _worst(self, size: Value) -> Value:
        """The largest of all lanes; infinite where one is NaN."""
        code = self.code
        return code.across("fmax", code.select(size < math.inf, size, math.inf))
