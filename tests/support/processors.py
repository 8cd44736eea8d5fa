"""Processors that machine code is made for, and formulas in that code, in tests of it."""

import platform
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import llvmlite.binding as llvm
import numpy as np
import pytest

from p53net.engines.batch.llvm import Code, Value
from p53net.engines.batch.machine import Processor, compiled, memory, processor


def processors() -> list[Any]:
    """This processor with every width, and older ones, where their code runs here."""
    here, features = processor(), llvm.get_host_cpu_features()
    found = [pytest.param(replace(here, lanes=n), id=f"{n} lanes") for n in (1, 2, 4, 8)]
    intel = platform.machine().lower() in ("x86_64", "amd64")
    for name, needed, lanes in (("x86-64", "", 2), ("x86-64", "", 8), ("x86-64-v3", "avx2", 4)):
        able = intel and (not needed or features.get(needed, False))
        why = pytest.mark.skipif(not able, reason=f"this processor is not {name}")
        found.append(pytest.param(Processor(name, "", lanes), id=f"{name}, {lanes}", marks=why))
    return found


def computed(
    target: Processor, formula: Callable[..., Value], *columns: Any, code: type[Code] = Code
) -> np.ndarray:
    """A formula of vectors by machine code, for each row of its arguments."""
    made = code(target.lanes)
    with made.function("formula", 2, public=True) as (given, to):
        values = [made.load(given, i) for i in range(len(columns))]
        made.store(formula(made, *values), to)
    run = compiled(str(made), ("formula",), target)
    table = np.array(np.broadcast_arrays(*columns), dtype=float)
    size, found = table.shape[1], []
    given, to = memory(len(columns) * target.lanes), memory(target.lanes)
    for start in range(0, size, target.lanes):
        block = table[:, np.minimum(np.arange(start, start + target.lanes), size - 1)]
        given[:] = block.ravel()
        run.functions["formula"](given.ctypes.data, to.ctypes.data)
        found.append(to.copy())
    return np.concatenate(found)[:size]
