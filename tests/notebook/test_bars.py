"""The bar of notebooks: when it is there, what it shows, and that nothing else sees it."""

import inspect
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

import p53net as pn
from p53net.notebook import bars
from p53net.sweeps.run import Progress


class Screen:
    """What stands in for IPython: contents in the order in which they were shown."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.bars = 0
        self.changed = threading.Event()

    def display(self, content: str, *, display_id: bool) -> "Screen":
        assert display_id
        self.bars += 1
        self.update(content)
        return self

    def update(self, content: str) -> None:
        self.shown.append(content)
        self.changed.set()

    def wait(self) -> str:
        """The next content; of a bar that never comes a failure."""
        self.changed.clear()
        assert self.changed.wait(20.0)
        return self.shown[-1]


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """A notebook whose bars are there at once."""
    made = Screen()
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(bars.sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    library = SimpleNamespace(display=made.display, HTML=str)
    monkeypatch.setattr(bars, "import_module", lambda _name: library)
    monkeypatch.setattr(bars, "_wanted", True)
    monkeypatch.setattr(bars, "PATIENCE", 0.0)
    monkeypatch.setattr(bars, "_EVERY", 0.01)
    return made


def ours(function: Callable[..., Any]) -> Callable[..., Any]:
    """As if it were a function of the package."""
    function.__module__ = "p53net.some"
    return bars.waited(function)


def test_a_script_has_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(bars.sys.modules, "IPython", raising=False)
    run = ours(lambda progress=None: progress)
    assert run() is None


@pytest.mark.parametrize("shell", [None, SimpleNamespace()], ids=["no shell", "a terminal"])
def test_a_terminal_has_no_bar(shell: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bars.sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert ours(lambda progress=None: progress)() is None


def test_a_bar_shows_share_and_words_and_goes_away(screen: Screen) -> None:
    def run(progress: Any = None) -> str:
        progress("<b>profiles", 0.25)
        return screen.wait()

    text = ours(run)()
    assert 'value="0.250"' in text and "25%" in text and "&lt;b&gt;profiles" in text
    assert screen.shown[-1] == "" and screen.bars == 1


def test_without_progress_a_bar_shows_the_time(screen: Screen) -> None:
    def certify() -> str:
        return screen.wait()

    text = ours(certify)()
    assert text.startswith("<progress></progress> certify: ") and text.endswith(" s")


def test_a_bar_goes_away_after_an_error(screen: Screen) -> None:
    def run() -> None:
        screen.wait()
        raise pn.InputError("no")

    with pytest.raises(pn.InputError):
        ours(run)()
    assert screen.shown[-1] == ""
    assert bars.told("more", 0.5) is None  # and nobody is told


def test_progress_of_a_user_takes_the_place(screen: Screen) -> None:
    heard: list[tuple[str, float]] = []

    def run(progress: Any = None) -> str:
        progress("half", 0.5)
        return screen.wait()

    text = ours(run)(progress=lambda *said: heard.append(said))
    assert heard == [("half", 0.5)] and text.startswith("<progress></progress>")


def test_what_is_called_inside_tells_the_same_bar(screen: Screen) -> None:
    def inner(progress: Any = None) -> str:
        progress(Progress(done=1_000, failed=0, total=4_000, resumed=0, recomputed=0))
        return screen.wait()

    def outer() -> str:
        return str(ours(inner)())

    assert "1,000 of 4,000: 25%" in ours(outer)()
    assert screen.bars == 1


def test_words_go_before_points(screen: Screen) -> None:
    def run(progress: Any = None) -> str:
        progress("doses", 0.5)
        progress("marrow", Progress(1, 0, 4, 0, 0))
        return screen.wait()

    assert "doses: 50%" in ours(run)()


def test_bars_are_switched_off(screen: Screen) -> None:
    bars.show_progress(False)
    assert ours(lambda progress=None: progress)() is None
    bars.show_progress()
    assert ours(lambda progress=None: progress)() is bars.told


def test_functions_of_others_are_not_told(screen: Screen) -> None:
    """An own study may have a `progress` that means something else."""

    def run(progress: Any = None) -> Any:
        return progress

    assert bars.waited(run)() is None


def test_a_sweep_is_the_same_in_a_notebook(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    model = pn.load("milademetan")
    options: dict[str, Any] = {"times": [0, 1, 2], "measures": ["peak:p53_active"]}
    heard = list[str]()
    tell = bars._Bar.tell

    def listen(self: Any, *said: Any) -> None:
        tell(self, *said)
        heard.append(self._what)

    monkeypatch.setattr(bars._Bar, "tell", listen)
    shown = pn.sweep(model, {"milademetan": [1.0, 10.0]}, **options)
    assert heard == ["0 of 2", "1 of 2", "2 of 2"]
    bars.show_progress(False)
    assert shown.identical(pn.sweep(model, {"milademetan": [1.0, 10.0]}, **options))


def test_every_function_that_tells_has_a_bar() -> None:
    functions = [name for name in pn.__all__ if inspect.isfunction(getattr(pn, name))]
    telling = [name for name in functions
               if "progress" in inspect.signature(getattr(pn, name)).parameters]  # fmt: skip
    assert {"fit", "infer", "sweep", "escape", "schedules"} <= {*telling}
    assert [name for name in telling if not hasattr(getattr(pn, name), "__wrapped__")] == []
