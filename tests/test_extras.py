"""What a plain install leaves out: what each extra brings, and what is said where it is missing."""

import re
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import packages_distributions
from pathlib import Path

import numpy as np
import pytest

import p53net as pn
from p53net.errors import InputError, MissingPackageError
from p53net.extras import PACKAGES, need
from p53net.sweeps import run
from tests.support import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
FOR_DEVELOPERS = {"dev", "test"}


def names(requirements: list[str]) -> set[str]:
    """Distributions by their normal names, through extras of our own."""
    found = set()
    for one in requirements:
        if own := re.fullmatch(r"p53net\[(.+)\]", one):
            for extra in own[1].split(","):
                found |= names(EXTRAS[extra])
        else:
            named = re.match(r"[\w.-]+", one)
            assert named is not None
            found.add(normal(named[0]))
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_extras_are_those_of_the_readers() -> None:
    for_users = EXTRAS.keys() - FOR_DEVELOPERS - {"all"}
    assert for_users == {"copasi", "sensitivity", "fit", "infer", "workers", "lab", "docs",
                         "benchmark"}  # fmt: skip
    (all_of_them,) = EXTRAS["all"]
    assert set(all_of_them.removeprefix("p53net[").rstrip("]").split(",")) == for_users


def test_the_page_of_the_install_has_all_of_them() -> None:
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    first = [line.split(" | ")[0] for line in page.splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`(\w+)`", " ".join(first))) == set(EXTRAS)


def test_what_an_extra_brings_is_what_is_asked_for() -> None:
    """And a plain install has none of it by a line of its own."""
    known, plain = packages_distributions(), names(PROJECT["dependencies"])
    brought_by = {"dask": "distributed"}  # not a requirement of its own
    for extra, packages in PACKAGES.items():
        for package in packages:
            if package in known:
                of = {normal(one) for one in known[package]}
                assert {brought_by.get(one, one) for one in of} & names(EXTRAS[extra]), package
                assert not of & plain


def test_every_import_of_such_a_package_is_asked_for_first() -> None:
    """In each file that imports one, at run time, `need` stands, or what calls it has asked."""
    asked_by_callers = {
        "fitting/sampled.py", "inference/agreement.py", "inference/emulator.py",
        "inference/exporting.py", "inference/influence.py", "inference/tempering.py",
        "sweeps/dispatch.py", "sweeps/shared.py", "sweeps/workers.py",
    }  # fmt: skip
    modules = sorted({one for packages in PACKAGES.values() for one in packages})
    line = re.compile(rf"^ *(?:import|from) (?:{'|'.join(modules)})\b", re.MULTILINE)
    typing = re.compile(r"^if TYPE_CHECKING:\n(?: .*\n|\n)*", re.MULTILINE)
    importing = set()
    for path in (ROOT / "p53net").rglob("*.py"):
        text = typing.sub("", path.read_text(encoding="utf-8"))
        if line.search(text) and "need(" not in text:
            importing.add(str(path.relative_to(ROOT / "p53net")))
    assert importing <= asked_by_callers, "ask with p53net.extras.need before the import"


def fit_with_draws() -> object:
    return pn.fit("nowhere.csv", ["RS4;11: K_PUMA_caspase"], draws=10)


def sobol() -> object:
    axes = {"k_deg_p53": pn.uniform(0.1, 0.5), "K_MDM2": pn.uniform(10, 90)}
    return pn.sobol_indices(pn.load(), axes, measure="peak:p53_active", points=2)


def swept(**options: object) -> object:
    doses = np.linspace(1.0, 2.0, 501)
    usual = {"measures": ["peak:p53_active"], "times": [0.0, 1.0]}
    return pn.sweep(pn.load("milademetan"), {"milademetan": doses}, **(usual | options))  # type: ignore[arg-type]


CASES: dict[str, tuple[str, str, Callable[[], object]]] = {
    "workers": ("distributed", "workers", lambda: swept(workers=1, engine="batch")),
    "scheduler": ("distributed", "workers", lambda: swept(scheduler="tcp://127.0.0.1:1")),
    "certificates": ("cryptography", "workers", lambda: swept(workers=1, engine="batch")),
    "draws": ("arviz", "fit", fit_with_draws),
    "posterior": ("sklearn", "infer", pn.infer),
    "indices": ("SALib", "sensitivity", sobol),
    "engine": ("COPASI", "copasi", lambda: pn.load().simulate([0.0, 1.0], engine="copasi")),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_missing_is_said_with_its_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    package, extra, call = CASES[name]
    for module in [one for one in sys.modules if one.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed
    for module in ("p53net.engines.copasi", "p53net.engines.copasi_parts"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(MissingPackageError, match=rf'needs {package}.*"p53net\[{extra}\]"'):
        call()


def test_without_workers_a_sweep_is_run_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.setattr(run, "_SMALL", 2)
    doses = np.array([1.0, 2.0, 3.0])
    usual = {"measures": ["peak:p53_active"], "times": [0.0, 1.0], "engine": "roadrunner"}
    found = pn.sweep(pn.load("milademetan"), {"milademetan": doses}, **usual)  # type: ignore[arg-type]
    assert (found["status"] == "ok").all()


def test_a_package_that_is_broken_is_said_with_its_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "emcee.py").write_text("import something_that_is_not_there\n", encoding="utf-8")
    monkeypatch.delitem(sys.modules, "emcee", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingPackageError, match=r"emcee, which cannot be imported \(No module"):
        need("fit", "a fit with draws", only=["emcee"])


def test_what_is_there_is_not_complained_of() -> None:
    for extra in PACKAGES:
        try:
            need(extra, "this")
        except MissingPackageError as error:
            missing = re.search(r"needs (\w+),", str(error))
            assert missing is not None and missing[1] not in packages_distributions()


@pytest.mark.parametrize(("limit", "size"), [
    ("256 MiB", 2**28), ("1GiB", 2**30), ("0.5 GB", 5 * 10**8), ("1e9", 10**9), ("2 gib", 2**31),
    ("300 M", 3 * 10**8), (2**29, 2**29), (np.int64(2**29), 2**29),
])  # fmt: skip
def test_a_size_of_memory_is_read(limit: object, size: int) -> None:
    assert run._bytes(limit) == size


@pytest.mark.parametrize("limit", ["much", "1 XiB", "-1 GiB", "1e400", "", True, 2.5, "255 MiB"])
def test_what_is_no_size_of_memory_is_refused(limit: object) -> None:
    with pytest.raises(InputError, match="at least '256 MiB'"):
        run._bytes(limit)
