"""Packages that a plain install leaves out, and the extras of p53net that bring them."""

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec

from p53net.errors import MissingPackageError

COPASI = "copasi"
"""The extra for COPASI: its engine and its files."""

PACKAGES = {
    COPASI: ("COPASI",),
    "sensitivity": ("SALib",),
    "fit": ("arviz", "emcee"),
    "infer": ("arviz", "emcee", "h5netcdf", "sklearn"),
    "workers": ("cryptography", "dask", "distributed"),
}
"""Of each extra what p53net imports of it, when it is asked for."""


def brought(extra: str) -> bool:
    """Whether all of it can be imported."""
    try:
        need(extra, extra)
    except MissingPackageError:
        return False
    return True


def need(extra: str, what: str, instead: str = "", only: Sequence[str] = ()) -> None:
    """Raise MissingPackageError, which names the extra, where a package of it, or one of `only`, is
    not there or cannot be imported: `what` needs it, and `instead` says what else can be done."""
    for name in only or PACKAGES[extra]:
        fault = "is not installed"
        if find_spec(name) is not None:
            try:
                import_module(name)
                continue
            except ImportError as error:
                fault = f"cannot be imported ({error})"
        raise MissingPackageError(
            f"{what} needs {name}, which {fault}; "
            f'pip install "p53net[{extra}]"{instead and f", or {instead}"}'
        )
