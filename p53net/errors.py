"""Every error of this package, one class for each kind of mistake, and its one warning."""

import difflib
import os
import sys
import traceback
from collections.abc import Iterable

_OURS = os.path.dirname(__file__) + os.sep
_SHELLS = tuple(f"{os.sep}{name}{os.sep}" for name in ("IPython", "ipykernel"))


class P53NetError(Exception):
    """Base of all errors: says what was wrong, what was allowed and what to do.

    Examples:
        >>> try:
        ...     pn.load("KT-25")
        ... except pn.P53NetError as error:
        ...     print(type(error).__name__, error)
        UnknownNameError unknown drug 'KT-25'; did you mean 'KT-253' or 'KT253' or 'KRT-232'?
    """

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
    """A drug, cell line, parameter or observable that the model does not have.

    Examples:
        >>> pn.load("nutlin")
        Traceback (most recent call last):
            ...
        p53net.errors.UnknownNameError: unknown drug 'nutlin'; did you mean 'Nutlin-3a'...
    """


class InputError(P53NetError):
    """A value outside what is allowed: dose, time, parameter or option.

    Examples:
        >>> pn.constant(-1)
        Traceback (most recent call last):
            ...
        p53net.errors.InputError: concentration is -1, but must be finite and at least...
    """


class TableError(P53NetError):
    """A drug or cell-line table that cannot be read as one.

    Examples:
        >>> pn.load("mine", tables={"drugs": {"mine": {"mechanism": "inhibitor", "Kd": "1"}}})
        Traceback (most recent call last):
            ...
        p53net.errors.TableError: tables['drugs']: mine, Kd: the unit is missing; write...
    """


class ModelError(P53NetError):
    """Model text that is not a sound model.

    Examples:
        >>> pn.read_sbml("<sbml/>")
        Traceback (most recent call last):
            ...
        p53net.errors.ModelError: SBML text is not SBML: it holds <sbml>; give an SBML file
    """


class ModelWarning(UserWarning):
    """A part of a stranger's model that is run otherwise than in other tools.

    Examples:
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("error", pn.ModelWarning)  # refuse what is run otherwise
        ...     model = pn.read_sbml(pn.load().sbml())
    """


class UnsupportedError(ModelError):
    """A part of a model that an engine cannot run.

    Examples:
        >>> from pathlib import Path
        >>> _ = Path("problem.yaml").write_text("format_version: 3")
        >>> pn.read_petab("problem.yaml")
        Traceback (most recent call last):
            ...
        p53net.errors.UnsupportedError: problem.yaml has the format_version 3, and 1...
    """


class SteadyStateError(P53NetError):
    """A parameter set without a stable steady state, or one that was not found.

    Examples:
        >>> pn.load().steady_state(parameters={"k_deg_p53": 0, "k_ub_p53": 0})
        Traceback (most recent call last):
            ...
        p53net.errors.SteadyStateError: p53_loop: no steady state was found; the...
    """


class SimulationError(P53NetError):
    """An integration that did not reach its end.

    Examples:
        >>> pn.load().simulate([0, 1], parameters={"k_syn_p53": 1e300})
        Traceback (most recent call last):
            ...
        p53net.errors.SimulationError: p53_loop: integration failed between 0 h and 200...
    """


class TimeLimitError(P53NetError):
    """A run that took longer than it was allowed to."""


class MeasureError(P53NetError):
    """A measure that is not defined for this model, dose or cell line.

    Examples:
        >>> pn.escape(["KT-253"], "TP53-null")
        Traceback (most recent call last):
            ...
        p53net.errors.MeasureError: TP53-null has no p53, so there is no feedback to...
    """


class OutputError(P53NetError):
    """A file that cannot be written.

    Examples:
        >>> pn.export(pn.load(), "no/where/loop.xml")
        Traceback (most recent call last):
            ...
        p53net.errors.OutputError: cannot write no/where/loop.xml: [Errno 2] No such...
    """


class StoreError(P53NetError):
    """A folder that is not this sweep's, or that another process is writing.

    Examples:
        >>> pn.read_sweep("nowhere")
        Traceback (most recent call last):
            ...
        p53net.errors.StoreError: nowhere holds no sweep: [Errno 2] No such file or...
    """


class WorkersError(P53NetError):
    """Workers or a scheduler that cannot be used.

    Examples:
        >>> issubclass(pn.WorkersError, pn.P53NetError)
        True
    """


class MissingPackageError(P53NetError):
    """An optional package that is not installed.

    Examples:
        >>> try:
        ...     path = pn.export(pn.load(), "loop.cps")
        ... except pn.MissingPackageError:  # without the extra [copasi]
        ...     path = pn.export(pn.load(), "loop.xml")
    """


def _place(filename: str) -> str:
    """A file, or a cell of a notebook as its user knows it."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    name = getattr(getattr(shell, "compile", None), "format_code_name", lambda _: None)(filename)
    return filename if name is None else " ".join(name)


def unknown_name(kind: str, name: object, allowed: Iterable[str]) -> UnknownNameError:
    """The error for a name that is not among `allowed`, with the nearest ones named."""
    choices = sorted(set(allowed), key=lambda name: (name.casefold(), name))
    lowered = {choice.casefold(): choice for choice in reversed(choices)}
    near = difflib.get_close_matches(str(name).casefold(), lowered, n=3, cutoff=0.6)
    if near:
        hint = "did you mean " + " or ".join(f"'{lowered[item]}'" for item in near) + "?"
    else:
        hint = "allowed: " + ", ".join(choices)
    return UnknownNameError(f"unknown {kind} '{name}'; {hint}")
