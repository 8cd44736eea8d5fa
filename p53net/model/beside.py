"""libSBML beside libSEDML in one process.

Both are wrapped by SWIG, which keeps one table of classes for all of them. libSEDML, which
tellurium imports, enters its own classes for formulas there, so that those that libSBML returns
afterwards are of a kind that has lost its types. Whoever imports libSEDML after p53net, in any way,
gets it as usual, and libSBML its classes back.
"""

import importlib.machinery
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from types import ModuleType

_INTRUDER, _OWN = "libsedml", "libsbml"


class _Watched(Loader):
    """Runs a module as its own loader does, and then gives libSBML its classes back."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """As its own loader."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """As its own loader, and more."""
        self._loader.exec_module(module)
        give_back()


class _Watch(MetaPathFinder):
    """Finds libSEDML where Python does."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Of no other module anything."""
        if fullname != _INTRUDER:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Watched(spec.loader)
        return spec


def watch() -> None:
    """From now on libSBML gets its classes back whenever libSEDML is imported."""
    if not any(type(one).__name__ == _Watch.__name__ for one in sys.meta_path):
        sys.meta_path.insert(0, _Watch())


def give_back() -> None:
    """Enter libSBML's classes in SWIG's table again, if it is there."""
    own = sys.modules.get(_OWN)
    if own is None:  # it will enter them when it is imported
        return
    for name, kind in list(vars(own).items()):
        enter = getattr(own._libsbml, f"{name}_swigregister", None)
        if enter is not None and isinstance(kind, type):
            enter(kind)
