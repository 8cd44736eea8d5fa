"""Every error of this package, one class for each kind of mistake, and its one warning."""

import difflib
import os
import sys
import traceback
from collections.abc import Iterable

_OURS = os.path.dirname(__file__) + os.sep
_SHELLS = tuple(f"{os.sep}{name}{os.sep}" for name in ("IPython", "ipykernel"))


class P53NetError(Exception):
    """Base of all errors: says what was wrong, what was allowed and what to do."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows: the user's own lines and what is wrong. All else stays in the
        traceback, for `%debug` and `traceback.print_last()`."""
        lines = []
        for frame in traceback.extract_tb(self.__traceback__):
            if frame.filename.startswith(_OURS):
                break
            if not any(shell in frame.filename for shell in _SHELLS):
                lines.append(f"{_place(frame.filename)}, line {frame.lineno}: {frame.line}")
        return [*lines, f"{type(self).__name__}: {self}"]


class UnknownNameError(P53NetError):
    """A drug, cell line, parameter or observable that the model does not have."""


class InputError(P53NetError):
    """A value outside what is allowed: dose, time, parameter or option."""


class TableError(P53NetError):
    """A drug or cell-line table that cannot be read as one."""


class ModelError(P53NetError):
    """Model text that is not a sound model."""


class ModelWarning(UserWarning):
    """A part of a stranger's model that is run otherwise than in other tools."""


class UnsupportedError(ModelError):
    """A part of a model that an engine cannot run."""


class SteadyStateError(P53NetError):
    """A parameter set without a stable steady state, or one that was not found."""


class SimulationError(P53NetError):
    """An integration that did not reach its end."""


class TimeLimitError(P53NetError):
    """A run that took longer than it was allowed to."""


class MeasureError(P53NetError):
    """A measure that is not defined for this model, dose or cell line."""


class OutputError(P53NetError):
    """A file that cannot be written."""


class StoreError(P53NetError):
    """A folder that is not this sweep's, or that another process is writing."""


class WorkersError(P53NetError):
    """Workers or a scheduler that cannot be used."""


class MissingPackageError(P53NetError):
    """An optional package that is not installed."""


def _place(filename: str) -> str:
    """A file, or a cell of a notebook as its user knows it."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    name = getattr(getattr(shell, "compile", None), "format_code_name", lambda _: None)(filename)
    return filename if name is None else " ".join(name)


def unknown_name(kind: str, name: object, allowed: Iterable[str]) -> UnknownNameError:
    """The error for a name that is not among `allowed`, with the nearest ones named."""
    choices = sorted(set(allowed), key=str.casefold)
    lowered = {choice.casefold(): choice for choice in choices}
    near = difflib.get_close_matches(str(name).casefold(), lowered, n=3, cutoff=0.6)
    if near:
        hint = "did you mean " + " or ".join(f"'{lowered[item]}'" for item in near) + "?"
    else:
        hint = "allowed: " + ", ".join(choices)
    return UnknownNameError(f"unknown {kind} '{name}'; {hint}")
