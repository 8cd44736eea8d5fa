"""Processors that machine code is made for, in tests of it."""

import platform
from dataclasses import replace
from typing import Any

import llvmlite.binding as llvm
import pytest

from p53net.engines.batch.machine import Processor, processor


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
