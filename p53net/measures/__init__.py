"""Numbers taken of curves, and searches for doses. `pn.measures` has a function for each kind:

pn.sweep(model, axes, measures=[pn.measures.peak("p53_active"), pn.measures.dose_ratio(3)])
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from p53net.measures.definition import Measure


def __getattr__(name: str) -> "Callable[..., Measure]":
    if name.startswith("_") or Path(__file__).with_name(f"{name}.py").is_file():  # a module of ours
        raise AttributeError(name)
    from p53net.measures.named import constructor  # which needs the rooms above this one's ground

    return constructor(name)


def __dir__() -> list[str]:
    from p53net.measures.named import names

    return names()
