"""Lanes that end where something jumps: each step is searched for it on its interpolant.

The value of every jump at the beginning of a leg is a flag. After a step is accepted, its jumps are
worked out at `LOOKS` places of the interpolant; where the first of them differs from its flag,
bisection finds the moment, and the lane is given back just behind it.
"""

from typing import ClassVar

from p53net.engines.batch.driver import JOB, Driver
from p53net.engines.batch.jumps import Jumps
from p53net.engines.batch.kernel import Kernel, Workspace
from p53net.engines.batch.llvm import Code, Value
from p53net.engines.batch.rodas import STAGES, H
from p53net.model.rates import System
from p53net.model.symbols import TIME

LEG = (*JOB, "queue", "clock", "rows", "finals")
"""What a call of `integrate` is given."""

LOOKS = 16
"""Places of a step at which jumps are worked out, its end among them."""

_HALVINGS = 48
NEAR = 1e-12
"""Relative: a row so close before a stop shows what comes after it."""


class WatchedKernel(Kernel):
    """A model's functions and more: `watch` and `formulas`."""

    def __init__(
        self, code: Code, jumps: Jumps, burnt: dict[str, float], *, floored: bool = False
    ) -> None:
        self.jumps = jumps
        super().__init__(code, jumps.system, burnt, floored=floored)
        self.moving = [jumps.all[i].node for i in jumps.moving]
        known = self.system.expressions
        needs = frozenset[str]().union(*(known.symbols(node) for node in self.moving))
        self.needed = [k for k, name in enumerate(self.states) if name in needs and name != TIME]
        """Places of the states that decide where something jumps."""
        first = self.space["parameters"] + len(self.parameters) - len(jumps.all)
        self.flags = [first + i for i in jumps.moving]

    def _needs_clock(self, _system: System) -> bool:
        return True

    def _workspace(self, factors: int) -> Workspace:
        states, looks = len(self.states), len(self.jumps.looked_at)
        more = {
            "point": states, "bend": 3 * states, "seen": max(looks, 1),
            "share": 1, "from": 1, "length": 1, "differs": 1,
        }  # fmt: skip
        return Workspace(states, len(self.parameters), factors, more)

    def _write_more(self) -> None:
        """watch, formulas (workspace, states, to): jumps that steps look for; all that is needed
        at a stop."""
        for name, nodes in (("watch", self.moving), ("formulas", self.jumps.looked_at)):
            with self.code.function(name, 3) as (space, states, to):
                value = self._evaluation(space, states)
                for place, node in enumerate(nodes):
                    self.code.store(value(node), to, place)


class Watched(Driver):
    """`integrate(workspace, job)` for legs of runs: from where each is to its next stop, or to a
    jump before that."""

    LAYOUT: ClassVar[tuple[str, ...]] = LEG

    def __init__(self, code: Code, kernel: WatchedKernel) -> None:
        super().__init__(code, kernel)
        self.watched = kernel
        self.clock = kernel.states.index(TIME)

    def write(self) -> None:
        """Add the functions to the code."""
        self._write_bend("bend", self.watched.needed)
        self._write_bend("bend_all", range(self.n))
        self._write_point("at", self.watched.needed)
        self._write_point("at_all", range(self.n))
        self._write_probe()
        super().write()

    def _write_bend(self, name: str, states: "list[int] | range") -> None:
        """bend(workspace): d_1 to d_3 of states."""
        code, place, n = self.code, self.place, self.n
        with code.function(name, 1) as (space,):
            for k in states:
                u = [code.load(space, place["u"] + i * n + k) for i in range(STAGES)]
                for row, h in enumerate(H):
                    total = u[0] * h[0]
                    for one, factor in zip(u[1:], h[1:], strict=True):
                        total = total + one * factor
                    code.store(total, space, place["bend"] + 3 * k + row)

    def _write_point(self, name: str, states: "list[int] | range") -> None:
        """at(workspace): states at a share of the step, and the time there."""
        code, place = self.code, self.place
        with code.function(name, 1) as (space,):
            share = code.load(space, place["share"])
            rest = code.constant(1.0) - share
            for k in states:
                d1, d2, d3 = (code.load(space, place["bend"] + 3 * k + i) for i in range(3))
                old, new = code.load(space, place["y"] + k), code.load(space, place["stage"] + k)
                value = old * rest + share * (new + rest * (d1 + share * (d2 + share * d3)))
                code.store(value, space, place["point"] + k)
            time = code.load(space, place["from"]) + share * code.load(space, place["length"])
            code.store(time, space, place["point"] + self.clock)

    def _write_probe(self) -> None:
        """probe(workspace): 1 in lanes in which something differs from its flag there."""
        code, place = self.code, self.place
        with code.function("probe", 1) as (space,):
            code.call("at", space)
            seen = code.place(space, place["seen"])
            code.call("watch", space, code.place(space, place["point"]), seen)
            differs = code.constant(0.0)
            for i, flag in enumerate(self.watched.flags):
                same = code.load(seen, i).same(code.load(space, flag))
                differs = code.select(same, differs, 1.0)
            code.store(differs, space, place["differs"])

    # --- what is another way in legs

    def _chosen(self, number: Value) -> Value:
        return self.code.load(self._address(self.job, "queue"), number, "i64")

    def _set_out(self, lane: Value, chosen: Value) -> None:
        super()._set_out(lane, chosen)
        row = self.code.load(self._address(self.job, "rows"), chosen, "i64")
        self._set_whole("row", lane, row)
        for name, array in (("t", "clock"), ("steps", "steps")):
            value = self.code.load(self._address(self.job, array), chosen, "double")
            self._set(name, lane, value)

    def _next_stop(self, lane: Value, chosen: Value, number: Value) -> None:
        for name, array in (("stop", "stops"), ("final", "finals")):
            value = self.code.load(self._address(self.job, array), chosen, "double")
            self._set(name, lane, value)

    def _before(self, time: Value, stop: Value) -> Value:
        return time < stop - self.code.absolute(stop) * NEAR

    def _cut(
        self, accepted: Value, ends: Value, t: Value, h: Value, new: Value
    ) -> tuple[Value, Value]:
        code, place, space = self.code, self.place, self.space
        self.hit = code.variable(code.vector, 0.0)
        if not self.watched.moving:
            return ends, new
        low, high = code.variable(code.vector, 0.0), code.variable(code.vector, 1.0)
        code.store(code.constant(0.0), self.hit)
        share, differs = code.place(space, place["share"]), code.place(space, place["differs"])
        code.store(t, space, place["from"])
        code.store(h, space, place["length"])
        code.store(code.constant(0.0), share)
        code.call("bend", space)
        with code.loop(LOOKS):
            before = code.load(share)
            code.store(before + 1.0 / LOOKS, share)
            code.call("probe", space)
            hit = code.load(self.hit) > 0.5
            found = (code.load(differs) > 0.5) & accepted & hit.inverted()
            code.store(code.select(found, before, code.load(low)), low)
            code.store(code.select(found, before + 1.0 / LOOKS, code.load(high)), high)
            code.store(code.select(found, 1.0, code.load(self.hit)), self.hit)
        hit = code.load(self.hit) > 0.5
        with code.when(code.any(hit)):
            with code.loop(_HALVINGS):
                middle = (code.load(low) + code.load(high)) * 0.5
                code.store(middle, share)
                code.call("probe", space)
                beyond = code.load(differs) > 0.5
                code.store(code.select(beyond, middle, code.load(high)), high)
                code.store(code.select(beyond, code.load(low), middle), low)
            code.store(code.load(high), share)
            code.call("bend_all", space)
            code.call("at_all", space)
            moment = code.load(space, place["point"] + self.clock)
            self._keep("stop", code.select(hit, moment, self._vector("stop")))
            self._keep("final", code.select(hit, 0.0, self._vector("final")))
        return ends | hit, code.select(hit, self._vector("stop"), new)

    def _write_rows(self, accepted: Value, t: Value, h: Value, new: Value) -> None:
        super()._write_rows(accepted, t, h, new)
        code, place, space = self.code, self.place, self.space
        hit = code.load(self.hit) > 0.5
        with code.when(code.any(hit)), code.loop(self.n) as k:
            point, found = (code.load(space, k + place[what]) for what in ("point", "stage"))
            code.store(code.select(hit, point, found), space, k + place["stage"])
        clock = place["stage"] + self.clock  # it gains no rounding errors of its own
        code.store(code.select(accepted, new, code.load(space, clock)), space, clock)

    def _end(self, ends: Value, stuck: Value, many: Value, error: Value) -> None:
        """Give back where a lane is."""
        code, job = self.code, self.job
        status = self._status(stuck, many, error)
        with self._lanes_of(ends | stuck) as lane:
            chosen = self._whole_at("set", lane)
            for array, value in (
                ("status", code.load(status, lane, "double")),
                ("steps", code.load(self.vectors["steps"], lane, "double")),
                ("clock", code.load(self.vectors["t"], lane, "double")),
                ("rows", self._whole_at("row", lane)),
            ):
                code.store(value, self._address(job, array), chosen)
            states = self._address(job, "starts")
            with code.loop(self.n) as k:
                value = code.load(self.space, (k + self.place["y"]) * self.lanes + lane, "double")
                code.store(value, states, chosen * self.n + k)
            code.store(code.load(self.live, 0, "i64") + -1, self.live)
            self._take_up(lane)
