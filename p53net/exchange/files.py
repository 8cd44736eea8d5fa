"""Models as files for other tools: SBML, Antimony and COPASI's own format."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from p53net.errors import InputError, MissingPackageError, ModelError
from p53net.files import write_bytes, write_text
from p53net.simulation.inputs import Doses
from p53net.simulation.loading import load
from p53net.simulation.model import Model
from p53net.simulation.one_run import sbml_of


class Shipped(NamedTuple):
    """A model whose SBML and equations are part of the project."""

    drugs: tuple[str, ...]
    system: str = "dish"
    host: str | None = None


SHIPPED = (
    Shipped(()),
    Shipped(("milademetan",)),
    Shipped(("KT-253",)),
    Shipped(("milademetan", "KT-253")),
    Shipped(("milademetan",), "culture"),
    Shipped(("milademetan",), "plasma", "human"),
    Shipped(("milademetan",), "tumour", "human"),
    Shipped(("milademetan",), "marrow", "human"),
    Shipped(("KT-253",), "tumour", "mouse"),
    Shipped(("KT-253",), "marrow", "human"),
)

_SUFFIXES = (".xml", ".sbml", ".ant", ".cps")


def export(
    model: Model,
    path: str | Path,
    doses: Mapping[str, Doses] | None = None,
    parameters: Mapping[str, float] | None = None,
    *,
    feedback: bool = True,
    settling: float = 0.0,
) -> Path:
    """Write a model as .xml or .sbml (SBML L3V1), .ant (Antimony) or .cps (COPASI).

    The file holds the run that `Model.simulate` would make: the untreated steady state of these
    parameters as start values, the first dose in the medium, later doses as events. Doses into a
    body are amounts over the volume, so they do not follow that. With `settling` [h] a cell in a
    dish first comes to rest without drug, for so long, in the file itself: then the untreated
    state follows parameters that are changed in other tools, and doses come so much later.
    Raises InputError for another suffix, OutputError, MissingPackageError for .cps without COPASI.
    """
    if not isinstance(model, Model) or not isinstance(path, str | os.PathLike):
        raise InputError("export takes a loaded model and a path: pn.export(model, 'model.xml')")
    suffix = Path(path).suffix.lower()
    if suffix not in _SUFFIXES:
        raise InputError(
            f"'{path}' does not say what to write; end the name in {', '.join(_SUFFIXES)}"
        )
    sbml = sbml_of(model, doses, parameters, feedback, settling, noted=True)
    if suffix == ".ant":
        from p53net.model.sbml import to_antimony

        return write_text(path, to_antimony(sbml))
    if suffix == ".cps":
        return write_bytes(path, _copasi(sbml))
    return write_text(path, sbml)


def antimony(
    model: Model | str,
    doses: Mapping[str, Doses] | None = None,
    parameters: Mapping[str, float] | None = None,
    *,
    feedback: bool = True,
) -> str:
    """Antimony text of the same run, for `tellurium.loada`. A drug's name stands for its model."""
    from p53net.model.sbml import to_antimony

    loaded = load(model) if isinstance(model, str) else model
    return to_antimony(sbml_of(loaded, doses, parameters, feedback, noted=True))


def build(folder: str | Path) -> list[Path]:
    """Write SBML and equations of the shipped models; the same sources give the same bytes."""
    from p53net.model.equations import markdown

    written: list[Path] = []
    for one in SHIPPED:
        model = load(*one.drugs, system=one.system, host=one.host)
        sbml = model.sbml()
        name = Path(folder) / model.definition.id
        text = markdown(sbml, model.definition.parameters, model.definition.read_outs)
        written.append(write_text(name.with_suffix(".xml"), sbml))
        written.append(write_text(name.with_suffix(".md"), text))
    return written


def _copasi(sbml: str) -> bytes:
    try:
        import COPASI
    except ImportError:
        raise MissingPackageError(
            "writing .cps needs COPASI's Python package; install it with "
            "`pip install p53net[copasi]`, or write .xml, which COPASI imports"
        ) from None
    model = COPASI.CRootContainer.addDatamodel()
    try:
        if not model.importSBMLFromString(sbml):
            raise ModelError(f"COPASI cannot read the model: {model.getImportWarnings()}")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.cps"
            if not model.saveModel(str(file), True):
                raise ModelError("COPASI could not save the model; write .xml instead")
            return file.read_bytes()
    finally:
        COPASI.CRootContainer.removeDatamodel(model)
