"""The loops around a model's functions: steps, doses, output, and the next set for a free lane.

All lanes take a step at once, each with its own time and step size. A lane whose set is done, or
cannot go on, takes up the next set of the queue, so that no lane waits for others.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from p53net.engines.batch.kernel import Kernel
from p53net.engines.batch.llvm import Code, Value
from p53net.engines.batch.rodas import GAMMA, ORDER, STAGES, A, C, H

JOB = (
    "first", "last", "parameters", "starts", "absolute", "relative", "stops", "counts",
    "most_stops", "changes", "slots", "keeps", "slot_count", "times", "times_stride", "time_count",
    "output_count", "output_ends", "output_states", "output_weights", "dense", "found", "status",
    "steps", "most_steps",
)  # fmt: skip
"""What a call is given, an array of 8-byte words: numbers and addresses of arrays."""

OK, TOO_MANY_STEPS, TOO_SMALL_STEP, NOT_FINITE = 0, 1, 2, 3

_SAFETY = 0.9
_LEAST_FACTOR, _MOST_FACTOR = 0.2, 8.0
_FIRST_FACTOR = 1000.0  # after the first step, whose size is a cautious guess
_UNSOUND = 1e10


class Driver:
    """`integrate(workspace, job)` for one model."""

    LAYOUT: ClassVar[tuple[str, ...]] = JOB

    def __init__(self, code: Code, kernel: Kernel) -> None:
        self.code, self.kernel, self.place = code, kernel, kernel.space
        self.n, self.lanes = len(kernel.states), code.lanes

    def write(self) -> None:
        """Add the functions to the code."""
        self._write_step()
        self._write_dense()
        self._write_integrate()

    # --- one step

    def _write_step(self) -> None:
        """step(workspace, 1/h): all u_i, and the new state in `stage`."""
        code, place, n = self.code, self.place, self.n
        with code.function("step", 2) as (space, inverse):
            per_step = code.load(inverse)
            code.store(per_step * (1.0 / GAMMA), space, place["shift"])
            code.call("factorise", space)
            y, stage = code.place(space, place["y"]), code.place(space, place["stage"])
            rates, memory = code.place(space, place["rates"]), code.place(space, place["memory"])
            nothing = code.place(space, place["nothing"])
            u = [code.place(space, place["u"] + i * n) for i in range(STAGES)]
            code.call("rates", space, y, rates)
            code.call("solve", space, rates, nothing, u[0])
            for i in range(1, STAGES):
                weights = [per_step * c for c in C[i]]
                with code.loop(n) as k:
                    earlier = [code.load(u[j], k) for j in range(i)]
                    if i < len(A):
                        at = code.load(y, k)
                        for a, one in zip(A[i], earlier, strict=True):
                            at = at + one * a
                    else:
                        at = code.load(stage, k) + earlier[-1]
                    code.store(at, stage, k)
                    total = earlier[0] * weights[0]
                    for weight, one in zip(weights[1:], earlier[1:], strict=True):
                        total = total + one * weight
                    code.store(total, memory, k)
                code.call("rates", space, stage, rates)
                code.call("solve", space, rates, memory, u[i])
            with code.loop(n) as k:
                code.store(code.load(stage, k) + code.load(u[-1], k), stage, k)

    def _write_dense(self) -> None:
        """dense(workspace, job): what interpolation needs of every output: its old and new value
        and d_1 to d_3. An output is a sum of multiples of states."""
        code, place, n = self.code, self.place, self.n
        with code.function("dense", 2) as (space, job):
            ends, states = self._address(job, "output_ends"), self._address(job, "output_states")
            weights = self._address(job, "output_weights")
            dense = self._address(job, "dense")
            sources = [place["y"], place["stage"]] + [place["u"] + i * n for i in range(STAGES)]
            term = code.variable("i64", 0)
            sums = [code.variable(code.vector, 0.0) for _ in sources]
            with code.loop(self._number(job, "output_count")) as q:
                for one in sums:
                    code.store(code.constant(0.0), one)
                with code.repeat() as leave:
                    at = code.load(term, 0, "i64")
                    leave((at < code.load(ends, q, "i64")).inverted())
                    state = code.load(states, at, "i64")
                    weight = code.spread(code.load(weights, at, "double"))
                    for one, source in zip(sums, sources, strict=True):
                        value = code.load(space, state + source)
                        code.store(code.load(one) + weight * value, one)
                    code.store(at + 1, term)
                old, new, *u = (code.load(one) for one in sums)
                code.store(old, dense, q * 5)
                code.store(new, dense, q * 5 + 1)
                for k, h in enumerate(H):
                    total = u[0] * h[0]
                    for one, factor in zip(u[1:], h[1:], strict=True):
                        total = total + one * factor
                    code.store(total, dense, q * 5 + (2 + k))

    # --- the queue

    def _write_integrate(self) -> None:
        code = self.code
        with code.function("integrate", 2, public=True) as (space, job):
            self.space, self.job = space, job
            self.vectors = {
                name: code.variable(code.vector, value)
                for name, value in {
                    "t": 0.0, "h": 1.0, "stop": 0.0, "due": 0.0, "steps": 0.0, "growth": 1.0,
                    "final": 0.0, "live": 0.0, "fresh": 0.0, "inverse": 1.0,
                }.items()
            }  # fmt: skip
            integers = f"<{self.lanes} x i64>"
            self.whole = {name: code.variable(integers, 0) for name in ("set", "stop", "row")}
            self.queue = code.variable("i64", self._number(job, "first"))
            self.live = code.variable("i64", 0)
            with code.loop(self.lanes) as lane:
                self._take_up(lane)
            with code.repeat() as leave:
                leave(code.load(self.live, 0, "i64").same(0))
                self._begin()
                self._advance()

    def _take_up(self, lane: Value) -> None:
        """Give a lane the next set of the queue, if there is one."""
        code, n = self.code, self.n
        chosen = code.load(self.queue, 0, "i64")
        self._set("live", lane, 0.0)
        with code.when(chosen < self._number(self.job, "last")):
            code.store(chosen + 1, self.queue)
            code.store(code.load(self.live, 0, "i64") + 1, self.live)
            chosen = self._chosen(chosen)
            size = len(self.kernel.parameters)
            for region, array, count in (
                ("y", "starts", n), ("absolute", "absolute", n), ("parameters", "parameters", size)
            ):  # fmt: skip
                source = self._address(self.job, array)
                with code.loop(count) as i:
                    value = code.load(source, chosen * count + i, "double")
                    code.store(value, self.space, (i + self.place[region]) * self.lanes + lane)
            self._set_out(lane, chosen)

    def _chosen(self, number: Value) -> Value:
        """The set at a place of the queue."""
        return number

    def _set_out(self, lane: Value, chosen: Value) -> None:
        """Begin a run at its start."""
        self._set_whole("set", lane, chosen)
        self._set_whole("stop", lane, self._constant(0))
        self._set_whole("row", lane, self._constant(0))
        for name, number in {"t": 0.0, "steps": 0.0, "live": 1.0, "fresh": 1.0}.items():
            self._set(name, lane, number)
        self._next_stop(lane, chosen, self._constant(0))
        self._set("due", lane, 0.0)

    def _next_stop(self, lane: Value, chosen: Value, number: Value) -> None:
        """Where the lane has to stop next, and whether that is the end."""
        code, job = self.code, self.job
        at = chosen * self._number(job, "most_stops") + number
        self._set("stop", lane, code.load(self._address(job, "stops"), at, "double"))
        last = (number + 1).same(code.load(self._address(job, "counts"), chosen, "i64"))
        self._set("final", lane, code.select(last, self._double(1.0), self._double(0.0)))

    def _begin(self) -> None:
        """First step sizes of lanes that have been given a start or a dose."""
        code, place = self.code, self.place
        fresh = self._vector("fresh") > 0.5
        with code.when(code.any(fresh)):
            code.call("fixed", self.space)
            self._look(fresh)
            y, rates = code.place(self.space, place["y"]), code.place(self.space, place["rates"])
            code.call("rates", self.space, y, rates)
            size, speed = code.variable(code.vector, 0.0), code.variable(code.vector, 0.0)
            relative = self._relative()
            with code.loop(self.n) as k:
                value = code.load(y, k)
                absolute = code.load(self.space, k + place["absolute"])
                weight = code.constant(1.0) / (absolute + relative * code.absolute(value))
                for total, one in ((size, value), (speed, code.load(rates, k))):
                    scaled = one * weight
                    code.store(code.load(total) + scaled * scaled, total)
            ratio = code.square_root(code.load(size) / code.load(speed))
            guess = code.larger(ratio, 1e-10) * 0.01
            for name, value in {"h": guess, "growth": code.constant(_FIRST_FACTOR)}.items():
                self._keep(name, code.select(fresh, value, self._vector(name)))
            self._keep("fresh", code.constant(0.0))

    def _look(self, fresh: Value) -> None:
        """What else lanes need that set out."""

    def _cut(
        self, _accepted: Value, ends: Value, _t: Value, _h: Value, new: Value
    ) -> tuple[Value, Value]:
        """Which lanes come to a stop, and where steps end."""
        return ends, new

    def _advance(self) -> None:
        """One step of all lanes."""
        code, place = self.code, self.place
        t, stop, live = self._vector("t"), self._vector("stop"), self._vector("live") > 0.5
        left = stop - t
        arrived = (left <= 0.0) & live  # two stops at one time
        reaches = left <= self._vector("h") * 1.000001
        h = code.select(reaches, code.select(arrived, 1.0, left), self._vector("h"))
        code.store(code.constant(1.0) / h, self.vectors["inverse"])
        code.call("step", self.space, self.vectors["inverse"])
        error = self._error()
        sound = self._pivots() < _UNSOUND
        accepted = (error <= 1.0) & sound & live & arrived.inverted()
        # The error is squared, hence twice the order.
        change = code.exp(code.ln(code.larger(error, 1e-40)) * (-0.5 / ORDER)) * _SAFETY
        change = code.select(error < float("inf"), change, _LEAST_FACTOR)
        change = code.select(sound, change, _LEAST_FACTOR)
        change = code.larger(code.smaller(change, self._vector("growth")), _LEAST_FACTOR)
        ends = (accepted & reaches) | arrived
        new = code.select(reaches, stop, t + h)
        ends, new = self._cut(accepted, ends, t, h, new)
        self._write_rows(accepted, t, h, new)
        with code.loop(self.n) as k:
            old, found = (code.load(self.space, k + place[what]) for what in ("y", "stage"))
            code.store(code.select(accepted, found, old), self.space, k + place["y"])
        self._keep("t", code.select(accepted, new, t))
        self._keep("h", h * change)
        self._keep("growth", code.select(accepted, code.constant(_MOST_FACTOR), 1.0))
        steps = self._vector("steps") + 1.0
        self._keep("steps", steps)
        short = (t + h * _LEAST_FACTOR).same(t) & live
        many = (self._double_of("most_steps") <= steps) & live
        stuck = (short | many) & ends.inverted() & accepted.inverted()
        stuck = stuck | (many & ends.inverted())
        with code.when(code.any(ends | stuck)):
            self._end(ends, stuck, many, error)

    def _error(self) -> Value:
        """Square of the error's length, 1 where it is as large as the tolerances."""
        code, place = self.code, self.place
        total, relative = code.variable(code.vector, 0.0), self._relative()
        last = place["u"] + (STAGES - 1) * self.n
        with code.loop(self.n) as k:
            old, new, absolute, error = (
                code.load(self.space, k + where)
                for where in (place["y"], place["stage"], place["absolute"], last)
            )
            largest = code.larger(code.absolute(old), code.absolute(new))
            scaled = error / (absolute + relative * largest)
            code.store(code.load(total) + scaled * scaled, total)
        return code.load(total)

    def _pivots(self) -> Value:
        """How many digits the elimination has lost, as a factor."""
        return self.code.load(self.space, self.place["sound"])

    def _write_rows(self, accepted: Value, t: Value, h: Value, new: Value) -> None:
        """All output that lies in the step, for as many times at once as there are lanes. What
        falls on a dose comes after it."""
        code, job = self.code, self.job
        due = accepted & (self._vector("due") <= new)
        kept = [code.variable(code.vector, 0.0) for _ in range(3)]
        with code.when(code.any(due)):
            code.call("dense", self.space, job)
            for value, where in zip((t, code.constant(1.0) / h, new), kept, strict=True):
                code.store(value, where)
            rows, count = self._number(job, "time_count"), self._number(job, "output_count")
            dense, found = self._address(job, "dense"), self._address(job, "found")
            stride = rows + self.lanes  # what is written beyond a row's end goes there
            with self._lanes_of(due) as lane:
                start, per_step, end = (
                    code.spread(code.load(where, lane, "double")) for where in kept
                )
                stop = code.spread(code.load(self.vectors["stop"], lane, "double"))
                final = code.spread(code.load(self.vectors["final"], lane, "double")) > 0.5
                chosen = self._whole_at("set", lane)
                times = chosen * self._number(job, "times_stride")
                with code.repeat() as leave:
                    row = self._whole_at("row", lane)
                    time = code.load_row(self._address(job, "times"), times + row)
                    inside = (time <= end) & (self._before(time, stop) | final)
                    share = (time - start) * per_step
                    rest = code.constant(1.0) - share
                    with code.loop(count) as q:
                        old, last, d1, d2, d3 = (
                            code.spread(code.load(dense, (q * 5 + k) * self.lanes + lane, "double"))
                            for k in range(5)
                        )
                        value = old * rest + share * (
                            last + rest * (d1 + share * (d2 + share * d3))
                        )
                        code.store_row(value, found, (chosen * count + q) * stride + row)
                    done = code.count(inside)
                    self._set_whole("row", lane, row + done)
                    leave(done < self.lanes)
                next_due = code.load(
                    self._address(job, "times"), times + self._whole_at("row", lane), "double"
                )
                self._set("due", lane, next_due)

    def _before(self, time: Value, stop: Value) -> Value:
        """Whether a row comes before a stop."""
        return time < stop

    def _end(self, ends: Value, stuck: Value, many: Value, error: Value) -> None:
        """At a dose, make its changes; at the end, or where a lane is stuck, take the next set."""
        code, job = self.code, self.job
        status = self._status(stuck, many, error)
        final = (self._vector("final") > 0.5) | stuck
        with self._lanes_of(ends & final.inverted()) as lane:
            chosen = self._whole_at("set", lane)
            number = self._whole_at("stop", lane) + 1
            self._set_whole("stop", lane, number)
            self._next_stop(lane, chosen, number)
            self._set("fresh", lane, 1.0)
            count, slots = self._number(job, "slot_count"), self._address(job, "slots")
            changes, keeps = self._address(job, "changes"), self._address(job, "keeps")
            block = (chosen * (self._number(job, "most_stops") - 1) + number - 1) * count
            with code.loop(count) as c:
                value = code.load(changes, block + c, "double")
                with code.when(value.same(value)):  # NaN: stays as it is
                    place = code.load(slots, c, "i64") * self.lanes + lane
                    kept = code.load(keeps, c, "double") * code.load(self.space, place, "double")
                    code.store(kept + value, self.space, place)
        with self._lanes_of((ends | stuck) & final) as lane:
            chosen = self._whole_at("set", lane)
            for name, value in (
                ("status", code.load(status, lane, "double")),
                ("steps", code.load(self.vectors["steps"], lane, "double")),
            ):
                code.store(value, self._address(job, name), chosen)
            code.store(code.load(self.live, 0, "i64") + -1, self.live)
            self._take_up(lane)

    def _status(self, stuck: Value, many: Value, error: Value) -> Value:
        """Where to find what has become of each lane."""
        code = self.code
        failed = code.select(error < float("inf"), float(TOO_SMALL_STEP), float(NOT_FINITE))
        failed = code.select(many, float(TOO_MANY_STEPS), failed)
        status = code.variable(code.vector, 0.0)
        code.store(code.select(stuck, failed, float(OK)), status)
        return status

    # --- what lanes and jobs hold

    @contextmanager
    def _lanes_of(self, mask: Value) -> Iterator[Value]:
        """Each lane of a mask in turn."""
        code = self.code
        flags = code.variable(code.vector, 0.0)
        code.store(code.select(mask, code.constant(1.0), 0.0), flags)
        with code.loop(self.lanes) as lane, code.when(code.load(flags, lane, "double") > 0.5):
            yield lane

    def _number(self, job: Value, name: str) -> Value:
        return self.code.load(job, self.LAYOUT.index(name), "i64")

    def _address(self, job: Value, name: str) -> Value:
        return self.code.load(job, self.LAYOUT.index(name), "ptr")

    def _double_of(self, name: str) -> Value:
        return self.code.spread(self.code.load(self.job, self.LAYOUT.index(name), "double"))

    def _relative(self) -> Value:
        return self._double_of("relative")

    def _vector(self, name: str) -> Value:
        return self.code.load(self.vectors[name])

    def _keep(self, name: str, value: Value) -> None:
        self.code.store(value, self.vectors[name])

    def _set(self, name: str, lane: Value, value: "Value | float") -> None:
        one = value if isinstance(value, Value) else self._double(value)
        self.code.store(one, self.vectors[name], lane)

    def _whole_at(self, name: str, lane: Value) -> Value:
        return self.code.load(self.whole[name], lane, "i64")

    def _set_whole(self, name: str, lane: Value, value: Value) -> None:
        self.code.store(value, self.whole[name], lane)

    def _double(self, value: float) -> Value:
        return self.code.number("double", value)

    def _constant(self, value: int) -> Value:
        return self.code.number("i64", value)
