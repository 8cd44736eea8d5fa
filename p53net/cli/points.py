"""What commands of many points share: options, axes as written, progress, and failures told."""

import contextlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import numpy as np
import typer
import xarray as xr
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from p53net import drawing
from p53net.cli.terminal import (
    number,
    said,
)
from p53net.dosing.medium import finite_number
from p53net.engines.base import FloatArray
from p53net.errors import InputError
from p53net.figures import style
from p53net.files import made_folder
from p53net.simulation.inputs import MOST_POINTS
from p53net.sweeps.design import Distribution
from p53net.sweeps.reductions import Reduction, best, histogram, quantiles
from p53net.sweeps.run import Progress

_MOST_REASONS = 10_000  # that are told apart
_REDUCED = ("status", "points", "reason")


Drugs = Annotated[
    list[str] | None, typer.Argument(metavar="DRUG", help="None, one, or one of each kind.")
]


Vary = Annotated[
    list[str] | None,
    typer.Option(
        "--vary",
        help="Axis: a drug [nM], a parameter or exposure [h], as NAME=low:high:count, "
        "NAME=low:high:count:log, NAME=1,3,10; or NAME=low:high or NAME=low:high:log and --points.",
    ),
]


Measures = Annotated[
    list[str] | None,
    typer.Option("--measure", help="peak:p53_active, at:MDM2_total:24, escape_index ... "
                 "Repeatable; see `p53net list`."),
]  # fmt: skip


OneMeasure = Annotated[str, typer.Option("--measure", help="As for `sweep`.")]


Reduce = Annotated[
    list[str] | None,
    typer.Option(
        "--reduce",
        help="Keep of all points instead of a row for each: quantiles:MEASURE:0.05,0.5,0.95, "
        "histogram:MEASURE:low:high:bins, the same with :log, best:MEASURE:100, or the same with "
        ":lowest. MEASURE as a column is called, such as peak_p53_active. Repeatable.",
    ),
]


Hours = Annotated[float, typer.Option("--hours", help="Length of each run.")]


Times = Annotated[int, typer.Option("--times", help="Number of times that measures see.")]


Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", help="Processes; 0: one thread of this one. Default by size and engine."
    ),
]


Scheduler = Annotated[
    str | None, typer.Option("--scheduler", help="Dask scheduler, tcp://host:8786.")
]


TimeLimit = Annotated[float, typer.Option("--time-limit", help="Seconds for one point.")]


Figure = Annotated[
    Path | None, typer.Option("--plot", help="Also draw a figure: .png, .svg or .pdf.")
]


def axes_of(texts: list[str]) -> dict[str, Any]:
    """Axes as written: NAME=low:high[:count][:log], or NAME=1,3,10."""
    axes: dict[str, FloatArray | Distribution] = {}
    for text in texts:
        name, separator, spread = text.partition("=")
        if not separator or not name:
            raise InputError(f"--vary {text} is not NAME=values; write k_deg_p53=0.05:1:21:log")
        if name in axes:
            raise InputError(f"--vary gives {name} twice; give each axis once")
        axes[name] = _axis(spread, f"--vary {text}")
    return axes


def _axis(spread: str, where: str) -> "FloatArray | Distribution":
    if ":" not in spread:
        return np.array([number(value, where) for value in spread.split(",")])
    parts = spread.split(":")
    logarithmic = parts[-1] == "log"
    numbers = [number(part, where) for part in (parts[:-1] if logarithmic else parts)]
    if len(numbers) not in (2, 3):
        raise InputError(f"{where} should be low:high, low:high:count, or either with :log")
    low, high, *counts = numbers
    try:
        axis = Distribution(low, high, logarithmic)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    if not counts:
        return axis
    if not 2 <= counts[0] <= MOST_POINTS or counts[0] != int(counts[0]):
        raise InputError(f"{where}: the count is {counts[0]:g}, but must be 2 to {MOST_POINTS:,}")
    return axis.quantile(np.linspace(0.0, 1.0, int(counts[0])))


def reductions_of(texts: list[str]) -> list[Reduction]:
    """Reductions as written: quantiles:MEASURE:0.05,0.5, histogram:MEASURE:low:high:bins[:log],
    best:MEASURE:100[:lowest]."""
    return [_reduction(text, f"--reduce {text}") for text in texts]


def _reduction(text: str, where: str) -> Reduction:
    kind, measure, *rest = [*text.split(":"), ""]
    match kind, rest[:-1]:
        case "quantiles", [shares]:
            return quantiles(measure, [number(share, where) for share in shares.split(",")])
        case "histogram", [_, _, _, *way] if way in ([], ["log"]):
            edges = _axis(":".join([*rest[:2], f"{number(rest[2], where) + 1:g}", *way]), where)
            return histogram(measure, np.asarray(edges))
        case "best", [count, *way] if way in ([], ["lowest"]):
            return best(measure, int(number(count, where)), lowest=bool(way))
    raise InputError(
        f"{where} should be quantiles:MEASURE:0.05,0.5, histogram:MEASURE:low:high:bins or "
        "best:MEASURE:100"
    )


def grid_of(hours: float, times: int) -> FloatArray:
    """Times [h] of runs of so many hours. Raises InputError."""
    if finite_number(hours, "hours", "h") == 0:
        raise InputError("hours is 0, but must be more than 0; give the length of the runs")
    if not 2 <= times <= MOST_POINTS:
        raise InputError(f"times is {times:,}; allowed are 2 to {MOST_POINTS:,}")
    return np.linspace(0.0, hours, times)


@contextlib.contextmanager
def points_bar() -> Iterator[Callable[[Progress], None]]:
    """A progress bar: points done and failed, runs per second, time left."""
    columns = (
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} points"),
        TextColumn("{task.fields[failed]:,} failed, {task.fields[speed]:,.0f} runs/s"),
        TimeRemainingColumn(),
    )
    begun: list[float] = []
    with Bar(*columns, console=said, transient=True, disable=not said.is_terminal) as bar:
        task = bar.add_task("", total=1.0, failed=0, speed=0.0)

        def tell(now: Progress) -> None:
            begun.append(monotonic()) if not begun else None
            speed = (now.done - now.resumed) / max(monotonic() - begun[0], 1e-3)
            bar.update(task, completed=now.done, total=now.total, failed=now.failed, speed=speed)
            if now.recomputed and now.done == now.resumed:
                said.print(f"{now.recomputed} damaged chunks are computed again")

        yield tell


def tell_failures(result: xr.Dataset) -> None:
    """How many points there are, and what became of them."""
    counts, reasons = _outcomes(result)
    words = ", ".join(f"{count:,} {status}" for status, count in counts.most_common())
    said.print(f"{sum(counts.values()):,} points: {words}")
    said.print(f"engine: {result.attrs['engine']}", soft_wrap=True)
    for status, _ in counts.most_common():  # of points that are ok, some may have a note
        for reason, count in reasons[status].most_common(1):
            times = "the first" if "points" in result else f"{count:,} times"
            said.print(f"  {status}, {times}: {reason}", soft_wrap=True)


def _outcomes(result: xr.Dataset) -> tuple[Counter[str], dict[str, Counter[str]]]:
    """How many points have each status, and of those how many each reason; block by block."""
    counts, reasons = Counter[str](), defaultdict[str, Counter[str]](Counter)
    if "points" in result:  # of a reduced sweep, with a reason of one point for each status
        for name, number, reason in zip(*(result[one].values for one in _REDUCED), strict=True):
            counts[str(name)] = int(number)
            reasons[str(name)] = Counter([str(reason)] if reason else [])
        return counts, reasons
    for statuses, told in _blocks(result):
        counts.update(statuses.tolist())
        for status in counts:
            there = told[(statuses == status) & (told != "")]
            if len(reasons[status]) < _MOST_REASONS:
                reasons[status].update(there.tolist())
    return counts, reasons


def _blocks(result: xr.Dataset) -> Iterator[tuple[Any, Any]]:
    status, reason = (result[name].data for name in ("status", "reason"))
    if result["status"].chunks is None:
        yield status.ravel(), reason.ravel()
        return
    for place in np.ndindex(*status.numblocks):
        yield tuple(one.blocks[place].compute().ravel() for one in (status, reason))


def draw(result: xr.Dataset, path: Path | None, size: str) -> None:
    """Write the figure of a result, if a file is named."""
    if path is not None:
        made_folder(path.parent)
        said.print(f"wrote {style.save(drawing.plot(result, size=size), path)}")
