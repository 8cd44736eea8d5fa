"""Reductions of a sweep: from a chunk's rows to a table of parts, and from those to a result."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from p53net.errors import InputError, StoreError, unknown_name
from p53net.sweeps import store as stores
from p53net.sweeps.reductions import (
    Best,
    Histogram,
    Part,
    Quantiles,
    Reduction,
    Variables,
    reduction_of,
)

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = Part._fields
"""Of a table of parts, which has a row for what became of the points and one for each reduction."""

_TOGETHER = 64  # parts that wait to be merged
_SILENT = math.inf, ""  # of a status without a reason
_NOTHING = Part(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))


class Statuses:
    """How many points have each status, and the reason of the first that has one."""

    def part(self, start: int, table: "pa.Table", axes: Sequence[str]) -> Part:
        """Texts are all statuses, then for each a reason, of the point in `numbers`."""
        counts, told = Counter[str](), dict[str, tuple[int, str]]()
        pairs = zip(table["status"].to_pylist(), table["reason"].to_pylist(), strict=True)
        for place, (name, reason) in enumerate(pairs, start):
            counts[name] += 1
            if reason:
                told.setdefault(name, (place, reason))
        return _status_part({n: (count, *told.get(n, _SILENT)) for n, count in counts.items()})

    def merged(self, parts: Sequence[Part]) -> Part:
        """Counts together, and the first reasons."""
        found: dict[str, tuple[int, float, str]] = {}
        for part in parts:
            number = len(part.counts)
            told = zip(part.texts[:number], part.counts.tolist(), part.numbers.tolist(),
                       part.texts[number:], strict=True)  # fmt: skip
            for name, count, first, reason in told:
                before = found.get(name, (0, *_SILENT))
                found[name] = (before[0] + count, *min(before[1:], (first, reason)))
        return _status_part(found)


def _status_part(found: Mapping[str, tuple[int, float, str]]) -> Part:
    names = sorted(found)
    counts, firsts, reasons = ([found[name][i] for name in names] for i in range(3))
    return Part(
        np.arange(len(names)), np.array(counts, dtype=np.int64), np.array(firsts, dtype=float),
        (*names, *map(str, reasons)),
    )  # fmt: skip


STATUSES = Statuses()


def checked_reductions(
    reduce: object, columns: Iterable[str], keep_trajectories: bool
) -> tuple[Reduction, ...]:
    """The reductions that a user asks for. Raises InputError, UnknownNameError."""
    listed, known = list[Reduction](), list(columns)
    for one in reduce if isinstance(reduce, Sequence) else [reduce]:
        if not isinstance(one, Quantiles | Histogram | Best):
            raise InputError(
                f"reduce has {one!r}, which is no reduction; write "
                "[pn.quantiles_of('peak_p53_active')]"
            )
        if one.measure not in known:
            raise unknown_name("measure of a reduction", one.measure, known)
        listed.append(one)
    kinds = [(type(one), one.measure) for one in listed]
    for kind, measure in kinds:
        if kinds.count((kind, measure)) > 1:
            raise InputError(f"reduce has two {kind.__name__} of {measure}; give one of each")
    if listed and keep_trajectories:
        raise InputError("reduce keeps no rows, so it keeps no curves; leave keep_trajectories out")
    return tuple(listed)


def as_parts(
    reductions: Sequence[Reduction], axes: Sequence[str], start: int, table: "pa.Table"
) -> "pa.Table":
    """The parts of a chunk instead of its rows; the rows where nothing is to be reduced."""
    if not reductions:
        return table
    import pyarrow as pa

    kept: list[Statuses | Reduction] = [STATUSES, *reductions]
    parts = [one.part(start, table, axes) for one in kept]
    kinds = pa.int64(), pa.int64(), pa.float64(), pa.string()
    columns = [
        pa.array([list(part[i]) for part in parts], pa.list_(kind)) for i, kind in enumerate(kinds)
    ]
    return pa.table(columns, names=list(COLUMNS))


def failed_of(table: "pa.Table") -> int:
    """Points of a chunk, as rows or as parts, that are not ok."""
    if "status" in table.column_names:
        return len(table) - int(np.sum(table["status"].to_numpy() == "ok"))
    part = _parts(table)[0]
    return sum(int(n) for name, n in zip(part.texts, part.counts, strict=False) if name != "ok")


def dataset(manifest: Mapping[str, Any], chunks: "Iterable[tuple[int, pa.Table]]") -> xr.Dataset:
    """The result of a reduced sweep, whose chunks may be incomplete, and in any order."""
    known = [reduction_of(one["reduction"]) for one in manifest["reductions"]]
    axes, total = list(manifest["axes"]), math.prod(manifest["shape"])
    waiting = [[_NOTHING] for _ in range(len(known) + 1)]
    seen: set[int] = set()
    for start, table in chunks:
        if start in seen:  # a store may have a chunk twice, under two digests
            continue
        seen.add(start)
        try:
            for parts, part in zip(waiting, _parts(table), strict=True):
                parts.append(part)
            if len(waiting[0]) >= _TOGETHER:
                waiting = _merged(known, waiting)
        except stores.UNSOUND as error:
            raise StoreError(f"the chunk at {start} does not fit its sweep: {error}") from None
    (statuses,), *rest = _merged(known, waiting)
    data = _of_statuses(statuses, total)
    for one, (part,) in zip(known, rest, strict=True):
        found = one.variables(part, manifest["variables"][one.measure], axes)
        for name in axes:
            if (column := f"{one.measure}_best_{name}") in found:
                found[column][2].update(manifest["axes"][name])
        data |= found
    return xr.Dataset(data, attrs=manifest["attributes"]).set_coords(_coordinates(data))


def _merged(known: Sequence[Reduction], waiting: list[list[Part]]) -> list[list[Part]]:
    kept: list[Statuses | Reduction] = [STATUSES, *known]
    return [[one.merged(parts)] for one, parts in zip(kept, waiting, strict=True)]


def _of_statuses(part: Part, total: int) -> Variables:
    names, counts = list(part.texts[: len(part.counts)]), part.counts.tolist()
    reasons = list(part.texts[len(names) :])
    if missing := total - sum(counts):
        names, counts, reasons = [*names, "not run"], [*counts, missing], [*reasons, ""]
    return {
        "status": (("status",), np.array(names, dtype=object), {}),
        "points": (("status",), np.array(counts, dtype=np.int64), {"units": "1"}),
        "reason": (("status",), np.array(reasons, dtype=object),
                   {"units": "1", "long_name": "of the first point that has one"}),
    }  # fmt: skip


def _coordinates(data: Variables) -> list[str]:
    """Names of what labels the others: edges of bins."""
    return [
        name
        for name, (dims, *_) in data.items()
        if dims[0].endswith("_bin") and not name.endswith("_histogram")
    ]


def _parts(table: "pa.Table") -> list[Part]:
    found = []
    for row in table.select(list(COLUMNS)).to_pylist():
        keys, counts = (np.array(row[name], dtype=np.int64) for name in COLUMNS[:2])
        found.append(Part(keys, counts, np.array(row["numbers"], dtype=float), tuple(row["texts"])))
    return found
