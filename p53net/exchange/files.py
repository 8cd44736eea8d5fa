"""Models as files for other tools: SBML, Antimony, COPASI's own format and archives."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from numpy.typing import ArrayLike

from p53net.errors import InputError
from p53net.exchange.copasi_file import copasi
from p53net.exchange.course import course_of
from p53net.files import write_bytes, write_text
from p53net.simulation.inputs import Doses
from p53net.simulation.loading import load
from p53net.simulation.model import Model

if TYPE_CHECKING:
    from p53net.exchange.with_data import WithData


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

_SUFFIXES = (".xml", ".sbml", ".ant", ".cps", ".omex")
_WITH_COURSE = (".cps", ".omex")


def export(
    model: Model | WithData,
    path: str | Path,
    doses: Mapping[str, Doses] | None = None,
    parameters: Mapping[str, float] | None = None,
    *,
    feedback: bool = True,
    settling: float = 0.0,
    times: ArrayLike | None = None,
    petab: str | Path | None = None,
) -> Path:
    """Write a model as .xml or .sbml (SBML L3V1), .ant (Antimony), .cps (COPASI) or .omex.

    The file holds the run that `Model.simulate` would make: the untreated steady state of these
    parameters as start values, the first dose in the medium, later doses as events. Doses into a
    body are amounts over the volume, so they do not follow that. With `settling` [h] a cell first
    comes to rest without drug, for so long, in the file itself, and what is around it waits: then
    the untreated state follows parameters that are changed in other tools, and doses come so much
    later.

    A .cps file and a COMBINE archive (.omex) also say how to run: at `times` [h], which have equal
    steps, by default for 72 h and a day after the last dose. An archive holds SBML, SED-ML, the
    curves of this run and their record, a licence and metadata: the same bytes each time. `petab`
    is the folder of a PEtab problem (`write_petab`) that goes into the archive.

    Of a fit, `pn.export(found, "folder/")` writes a PEtab problem, and returns its YAML file; or an
    archive with it, which runs each condition. Models, data, noise, bounds and priors of the fit
    are in it, and the optimum as nominal values; cells settle in the model, and times are so much
    later. What is written is read again, and has to predict the data as the fit does.

    Raises InputError for another suffix, OutputError, MissingPackageError for .cps without COPASI,
    and UnsupportedError for rows of a fit that PEtab cannot say, with their numbers.

    Examples:
        >>> doses = {"KT-253": pn.pulse(5.0, hours=4)}
        >>> print(pn.export(pn.load("KT-253"), "pulse.xml", doses))
        pulse.xml
        >>> pn.read_sbml("pulse.xml").simulate([0, 4, 24])["p53_active"].values.round(1)
        array([ 21.9, 137.8,  22.1])
    """
    if not isinstance(path, str | os.PathLike):
        raise InputError("export takes a loaded model and a path: pn.export(model, 'model.xml')")
    if not isinstance(model, Model):
        if not callable(getattr(model, "petab_files", None)):
            raise InputError(
                "export takes a loaded model, or a fit, and a path: pn.export(model, 'model.xml')"
            )
        if doses or parameters or not feedback or settling or times is not None or petab:
            raise InputError("a fit is exported as it is; leave all arguments but the path out")
        from p53net.exchange.with_data import write_problem

        return write_problem(model, path)
    suffix = Path(path).suffix.lower()
    if suffix not in _SUFFIXES:
        raise InputError(
            f"'{path}' does not say what to write; end the name in {', '.join(_SUFFIXES)}"
        )
    if times is not None and suffix not in _WITH_COURSE:
        raise InputError(
            f"times are given, but a {suffix} file holds a model and not its run; leave them out, "
            f"or write {' or '.join(_WITH_COURSE)}"
        )
    if petab is not None and suffix != ".omex":
        raise InputError(f"petab is given, but a {suffix} file holds no data; write an .omex")
    if suffix == ".omex":
        from p53net.exchange.omex import Study, archive

        problem = None if petab is None else _problem(petab)
        study = Study(model, doses, parameters, feedback, settling, times, problem)
        return write_bytes(path, archive(study))
    from p53net.simulation.one_run import sbml_of  # compiled libraries

    sbml = sbml_of(model, doses, parameters, feedback, settling, noted=True)
    if suffix == ".ant":
        from p53net.model.sbml import to_antimony

        return write_text(path, to_antimony(sbml))
    if suffix == ".cps":
        return write_bytes(path, copasi(sbml, course_of(model, doses, times, settling)))
    return write_text(path, sbml)


def _problem(petab: str | Path) -> Mapping[str, bytes]:
    from p53net.exchange.with_data import problem_members

    return problem_members(petab)


def antimony(
    model: Model | str,
    doses: Mapping[str, Doses] | None = None,
    parameters: Mapping[str, float] | None = None,
    *,
    feedback: bool = True,
) -> str:
    """Antimony text of the same run, for `tellurium.loada`. A drug's name stands for its model.
    Raises InputError, UnknownNameError, SteadyStateError.

    Examples:
        >>> text = pn.antimony("KT-253", {"KT-253": 5.0})
        >>> [line.strip() for line in text.splitlines() if "k_deg_p53 =" in line]
        ['k_deg_p53 = 0.23;']
    """
    from p53net.model.sbml import to_antimony
    from p53net.simulation.one_run import sbml_of

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
