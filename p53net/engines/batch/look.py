"""What the formulas of events are at some states: one set in each lane."""

from p53net.engines.batch.llvm import Code, Value
from p53net.engines.batch.watched import WatchedKernel

LOOK = ("first", "last", "queue", "parameters", "starts", "looked")
"""What a call is given: `looked` has a row for each place of the queue."""


class Look:
    """`look(workspace, job)` for one model."""

    def __init__(self, code: Code, kernel: WatchedKernel) -> None:
        self.code, self.kernel, self.place = code, kernel, kernel.space
        self.lanes = code.lanes

    def write(self) -> None:
        """Add the function to the code."""
        code, place = self.code, self.place
        with code.function("look", 2, public=True) as (space, job):
            last = code.load(job, LOOK.index("last"), "i64")
            block = code.variable("i64", code.load(job, LOOK.index("first"), "i64"))
            with code.repeat() as leave:
                start = code.load(block, 0, "i64")
                leave((start < last).inverted())
                code.store(start + self.lanes, block)
                self._take_up(space, job, start, last)
                code.call("fixed", space)
                y, seen = code.place(space, place["y"]), code.place(space, place["seen"])
                code.call("formulas", space, y, seen)
                self._give_back(seen, job, start, last)

    def _take_up(self, space: Value, job: Value, start: Value, last: Value) -> None:
        code = self.code
        for region, count in (
            ("y", len(self.kernel.states)), ("parameters", len(self.kernel.parameters))
        ):  # fmt: skip
            source = self._address(job, "starts" if region == "y" else region)
            with code.loop(self.lanes) as lane:
                place = self._within(start + lane, last)
                chosen = code.load(self._address(job, "queue"), place, "i64")
                with code.loop(count) as i:
                    value = code.load(source, chosen * count + i, "double")
                    code.store(value, space, (i + self.place[region]) * self.lanes + lane)

    def _give_back(self, seen: Value, job: Value, start: Value, last: Value) -> None:
        code, count = self.code, len(self.kernel.jumps.looked_at)
        looked = self._address(job, "looked")
        with code.loop(self.lanes) as lane:
            place = self._within(start + lane, last)
            with code.loop(count) as i:
                value = code.load(seen, i * self.lanes + lane, "double")
                code.store(value, looked, place * count + i)

    def _within(self, place: Value, last: Value) -> Value:
        """The last set fills up the last block."""
        return self.code.select(place < last, place, last + -1)

    def _address(self, job: Value, name: str) -> Value:
        return self.code.load(job, LOOK.index(name), "ptr")
