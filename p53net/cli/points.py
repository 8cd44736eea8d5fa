"""What commands of many points share: options, axes as written, progress, and failures told."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import numpy as np
import pandas as pd
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
from p53net.sweeps.run import Progress

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
    counts = _counts(result["status"].values.ravel())
    words = ", ".join(f"{count:,} {status}" for status, count in counts.items())
    said.print(f"{sum(counts.values()):,} points: {words}")
    said.print(f"engine: {result.attrs['engine']}", soft_wrap=True)
    for status in counts:  # of points that are ok, some may have a note
        reasons = result["reason"].values[result["status"].values == status]
        for reason, count in list(_counts(reasons[reasons != ""]).items())[:1]:
            said.print(f"  {status}, {count:,} times: {reason}", soft_wrap=True)


def _counts(values: Any) -> Mapping[str, int]:  # noqa: ANN401 - an array of texts
    return {str(k): int(n) for k, n in pd.Series(values).value_counts().items()}


def draw(result: xr.Dataset, path: Path | None) -> None:
    """Write the figure of a result, if a file is named."""
    if path is not None:
        made_folder(path.parent)
        said.print(f"wrote {style.save(drawing.plot(result), path)}")
