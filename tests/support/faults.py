"""Measures that misbehave at chosen points, and what the processes run that tests kill.

A point is known by its dose: `POINTS` has doses of 1, 2, 3, ... nM. Measures stand here because
workers import them. Every one of them gives the value of `sound` where it does not misbehave.
"""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd
import xarray as xr

import p53net as pn
from p53net.engines.base import FloatArray

NUMBER = 64
TIMES = np.linspace(0.0, 24.0, 25)
POINTS = pd.DataFrame(
    {
        "milademetan": np.arange(1.0, NUMBER + 1),
        "k_deg_p53": np.random.default_rng(1).uniform(0.2, 0.5, NUMBER),
    }
)
MARKS = "P53NET_TEST_MARKS"
"""Names the folder of marks: what a measure has done once, it does not do again."""

_STEP, _MOST = 16 * 2**20, 3 * 2**30  # bytes


def sound(times: FloatArray, medium: FloatArray, active: FloatArray) -> float:
    return float(np.trapezoid(active, times) / medium[0])


def slow(times: FloatArray, medium: FloatArray, active: FloatArray) -> float:
    time.sleep(0.03)
    return sound(times, medium, active)


def ends_once(times: FloatArray, medium: FloatArray, active: FloatArray) -> float:
    """Four points, each of which ends its process the first time that it runs."""
    dose = round(medium[0])
    if dose % 16 == 1 and first_time(f"ends at {dose}"):
        if dose % 32 == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        os._exit(3)
    return sound(times, medium, active)


def never_comes_back(times: FloatArray, medium: FloatArray, active: FloatArray) -> float:
    """Two points end their process whenever they run, and two hang: each two are neighbours, as
    every chunk that is lost costs many processes."""
    dose = round(medium[0])
    if dose == 7:
        os._exit(3)
    if dose == 8:
        ctypes.string_at(0)  # a segmentation fault
    while dose == 51:
        pass
    while dose == 52:
        time.sleep(3600)
    return sound(times, medium, active)


def fills_memory(times: FloatArray, medium: FloatArray, active: FloatArray) -> float:
    held = []
    while round(medium[0]) == 8 and len(held) < _MOST // _STEP:
        held.append(np.ones(_STEP, dtype=np.uint8))  # ones: the pages are touched
        time.sleep(0.03)
    return sound(times, medium, active)


def leaves(times: FloatArray, medium: FloatArray, active: FloatArray) -> float:
    if round(medium[0]) == 8:
        sys.exit("the measure leaves")
    if round(medium[0]) == 41:
        raise ValueError("the measure\nis wrong")
    return sound(times, medium, active)


def waits(times: FloatArray, medium: FloatArray, active: FloatArray) -> float:
    """Leaves a mark with the number of its process, and hangs."""
    if round(medium[0]) == 8:
        first_time(f"waits in {os.getpid()}")
        while True:
            time.sleep(3600)
    return sound(times, medium, active)


def first_time(what: str) -> bool:
    """Leave a mark; False where it is there already."""
    try:
        Path(os.environ[MARKS], what).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def run(
    function: Callable[..., float] = sound, model: "pn.Model | None" = None, **options: object
) -> xr.Dataset:
    """The sweep of all these tests, with one of the measures above."""
    probe = pn.measures.own("probe", function, ["inhibitor_medium", "p53_active"])
    model = pn.load("milademetan") if model is None else model
    chosen = {"times": TIMES, "measures": ["peak:p53_active", probe], "workers": 0,
              "engine": "roadrunner"} | options  # fmt: skip
    return pn.sweep(model, chosen.pop("points", POINTS), **chosen)  # type: ignore[arg-type]


def run_and_stay(function: Callable[..., float], **options: object) -> NoReturn:
    """What is killed: says how far it is on stdout, and waits for its end."""

    def say(done: int) -> None:
        sys.stdout.write(f"{done}\n")
        sys.stdout.flush()

    run(function, progress=lambda now: say(now.done), resume=True, **options)
    say(NUMBER)
    while True:
        time.sleep(3600)
