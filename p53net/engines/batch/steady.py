"""States at rest, by pseudo-transient Newton steps: (I*e - J) step = rates, with e falling.

Each step conserves what the model conserves, so no reduced system is needed. One set is one lane;
a lane that has settled keeps its state while others go on.
"""

import math

from p53net.engines.batch.kernel import Kernel
from p53net.engines.batch.llvm import Code, Value

REST = ("first", "last", "parameters", "starts", "resting", "found", "slopes", "largest")
"""What a call is given, an array of 8-byte words: numbers and addresses of arrays."""

STEPS = 150
SETTLED = 1e-10
"""Largest change of the last step, relative to the state."""

_DAMPING, _LEAST_DAMPING = 0.5, 1e-7  # 1/time
_FALL, _RISE = 0.5, 8.0
_SMALL = 1e-6  # a state below this counts as this


class Rest:
    """`rest(workspace, job)` for one model."""

    def __init__(self, code: Code, kernel: Kernel) -> None:
        self.code, self.kernel, self.place = code, kernel, kernel.space
        self.n, self.lanes = len(kernel.states), code.lanes

    def write(self) -> None:
        """Add the function to the code."""
        code = self.code
        with code.function("rest", 2, public=True) as (space, job):
            self.space, self.job = space, job
            self.last = code.load(job, REST.index("last"), "i64")
            self.moving = code.variable(code.vector, 1.0)
            self.largest = code.variable(code.vector, math.inf)
            block = code.variable("i64", code.load(job, REST.index("first"), "i64"))
            with code.repeat() as leave:
                start = code.load(block, 0, "i64")
                leave((start < self.last).inverted())
                code.store(start + self.lanes, block)
                self._take_up(start)
                with (
                    code.loop(STEPS),
                    code.when(code.any(code.load(self.moving) > 0.5)),
                ):
                    self._step()
                self._give_back(start)

    def _take_up(self, start: Value) -> None:
        """Give each lane a set."""
        code, place = self.code, self.place
        for region, name, count in (
            ("y", "starts", self.n),
            ("parameters", "parameters", len(self.kernel.parameters)),
        ):
            source = self._address(name)
            with code.loop(self.lanes) as lane, code.loop(count) as i:
                value = code.load(source, self._set_of(start, lane) * count + i, "double")
                code.store(value, self.space, (i + place[region]) * self.lanes + lane)
        code.call("fixed", self.space)
        code.store(code.constant(1.0), self.moving)
        code.store(code.constant(math.inf), self.largest)
        code.store(code.constant(_DAMPING), self.space, place["shift"])

    def _step(self) -> None:
        """One step of the lanes that have not settled."""
        code, place, space = self.code, self.place, self.space
        y, rates = code.place(space, place["y"]), code.place(space, place["rates"])
        code.call("rates", space, y, rates)
        code.call("factorise", space)
        nothing, steps = code.place(space, place["nothing"]), code.place(space, place["stage"])
        code.call("solve", space, rates, nothing, steps)
        resting = self._address("resting")
        sizes, least = code.variable(code.vector, 0.0), code.variable(code.vector, 0.0)
        with code.loop(self.n) as k:
            change = code.load(steps, k) * code.spread(code.load(resting, k, "double"))
            code.store(change, steps, k)  # a counter never rests; it stays as it is
            new = code.load(y, k) + change
            relative = code.absolute(change) / (code.absolute(new) + _SMALL)
            code.store(code.load(sizes) + relative * relative, sizes)
            code.store(code.smaller(new, code.load(least)), least)
        # A state below 0 may have no rates, so what leads there is tried again with more damping.
        size = code.load(sizes)
        good = (code.load(least) < 0.0).inverted() & (size < math.inf)
        taken = good & (code.load(self.moving) > 0.5)
        with code.loop(self.n) as k:
            state = code.load(y, k)
            code.store(code.select(taken, state + code.load(steps, k), state), y, k)
        code.store(code.select(taken, size, code.load(self.largest)), self.largest)
        factor = code.select(good, code.constant(_FALL), _RISE)
        damping = code.load(space, place["shift"]) * factor
        code.store(code.larger(damping, _LEAST_DAMPING), space, place["shift"])
        settled = taken & (size < SETTLED**2)
        code.store(code.select(settled, 0.0, code.load(self.moving)), self.moving)

    def _give_back(self, start: Value) -> None:
        """States, the Jacobian there, and the size of the last step, squared."""
        code, place = self.code, self.place
        y = code.place(self.space, place["y"])
        slopes = code.place(self.space, place["factors"])
        code.call("slopes", self.space, y, slopes)
        for where, name, count in (
            (y, "found", self.n),
            (slopes, "slopes", len(self.kernel.jacobian.entries)),
            (self.largest, "largest", 1),
        ):
            target = self._address(name)
            with code.loop(self.lanes) as lane, code.loop(count) as i:
                value = code.load(where, i * self.lanes + lane, "double")
                code.store(value, target, self._set_of(start, lane) * count + i)

    def _set_of(self, start: Value, lane: Value) -> Value:
        """The last set fills up the last block."""
        chosen = start + lane
        return self.code.select(chosen < self.last, chosen, self.last + -1)

    def _address(self, name: str) -> Value:
        return self.code.load(self.job, REST.index(name), "ptr")
