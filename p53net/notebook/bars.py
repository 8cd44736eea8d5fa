"""A bar in notebooks for what takes longer than two seconds; scripts and terminals see none.

The bar is HTML that IPython shows and updates, so it needs no widgets, and it is gone at the end.
"""

import functools
import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from html import escape
from importlib import import_module
from time import monotonic
from typing import Any, ParamSpec, TypeVar

PATIENCE = 2.0
"""Seconds after which a bar is shown."""

_EVERY = 0.4  # seconds between two looks
_OURS = __name__.partition(".")[0]

_P = ParamSpec("_P")
_R = TypeVar("_R")
_current: ContextVar["_Bar | None"] = ContextVar("bar", default=None)
_wanted = True


def show_progress(wanted: bool = True) -> None:
    """Whether notebooks show bars, from now on; they do unless told otherwise.

    Example: `show_progress(False)`.
    """
    global _wanted
    _wanted = bool(wanted)


def told(*said: Any) -> None:  # noqa: ANN401 - every `progress` of the package
    """How far it is, for the bar that is there, if one is: in words and a share, or of points."""
    if (bar := _current.get()) is not None:
        bar.tell(*said)


@contextmanager
def waiting(function: Callable[..., object], takes: bool) -> Iterator[dict[str, Any]]:
    """A bar, in a notebook, while this function runs. Gives what to call it with, `progress`, if
    the function `takes` it and a bar is there."""
    there = _current.get() is not None
    if not there and not _in_notebook():
        yield {}
        return
    more = {"progress": told} if takes and function.__module__.startswith(f"{_OURS}.") else {}
    if there:
        yield more
        return
    bar = _Bar(function.__name__)
    token = _current.set(bar)
    try:
        with bar:
            yield more
    finally:
        _current.reset(token)


def waited(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """The function, with a bar in notebooks."""
    takes = "progress" in inspect.signature(function).parameters

    @functools.wraps(function)
    def call(*positional: _P.args, **named: _P.kwargs) -> _R:
        with waiting(function, takes and "progress" not in named) as more:
            return function(*positional, **{**named, **more})

    return call


class _Bar:
    """What is shown from a thread, so that it moves while nothing is told."""

    def __init__(self, name: str) -> None:
        self._what, self._share, self._in_words = name, -1.0, False
        self._begun, self._shown = monotonic(), None
        self._done = threading.Event()
        run = copy_context().run  # a cell's output belongs to its context
        self._thread = threading.Thread(target=run, args=(self._watch,), daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        if self._shown is not None:
            self._shown.update(_html(""))

    def tell(self, *said: Any) -> None:  # noqa: ANN401
        """Words of a study go before points of the sweeps that it makes."""
        *words, now = said
        if hasattr(now, "total"):
            if not self._in_words:
                unit = f"{words[0]}: " if words else ""
                self._what = f"{unit}{now.done:,} of {now.total:,}"
                self._share = now.done / max(now.total, 1)
        else:
            self._in_words, self._what, self._share = True, str(words[0]), float(now)

    def _watch(self) -> None:
        self._done.wait(PATIENCE)
        while not self._done.is_set():
            content = _html(self._text())
            if self._shown is None:
                self._shown = import_module("IPython.display").display(content, display_id=True)
            else:
                self._shown.update(content)
            self._done.wait(_EVERY)

    def _text(self) -> str:
        at = "" if self._share < 0 else f' value="{min(self._share, 1.0):.3f}"'
        share = "" if self._share < 0 else f"{min(self._share, 1.0):.0%}, "
        seconds = monotonic() - self._begun
        return f"<progress{at}></progress> {escape(self._what)}: {share}{seconds:.0f} s"


def _html(text: str) -> Any:  # noqa: ANN401 - IPython is there where a notebook is
    return import_module("IPython.display").HTML(text)


def _in_notebook() -> bool:
    """Whether a kernel of Jupyter runs this; a terminal of IPython has none."""
    ipython = sys.modules.get("IPython") if _wanted else None
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None
