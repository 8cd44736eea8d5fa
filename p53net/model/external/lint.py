"""What is wrong, doubtful or worth knowing in anybody's SBML: all that stands in the file itself.

Each check is a function in a file of its own kind that yields a `Finding` for each thing. They run
in a process apart, as the file may be any.
"""

import re
from collections.abc import Iterator

import libsbml

from p53net.errors import ModelError
from p53net.model.check import amount_faults, unit_faults
from p53net.model.external import lint_parts, lint_rates, lint_switches
from p53net.model.external.arguments import refuse_wrong_arguments
from p53net.model.external.findings import ERROR, NOTE, WARNING, Finding, Lines
from p53net.model.external.gate import refuse_packages, safe_text
from p53net.model.external.normal import flattened, normalise
from p53net.model.external.reader import definition_of
from p53net.model.external.scales import scales_of
from p53net.model.external.sources import Source
from p53net.model.units import kinds

kinds()  # reads the table of units, which a locked process cannot
_LEVELS = {
    libsbml.LIBSBML_SEV_WARNING: WARNING,
    libsbml.LIBSBML_SEV_ERROR: ERROR,
    libsbml.LIBSBML_SEV_FATAL: ERROR,
}
_NUMBER = r"-?[\d.]+(e[+-]?\d+)?"
_UNKNOWN = re.compile(
    f"whose unit is not known|needs {_NUMBER} in |is in dimensionless but must be in .*: {_NUMBER}$"
)
"""Of a plain number SBML does not say that it has no unit."""

_OWN = (libsbml.LIBSBML_CAT_UNITS_CONSISTENCY, libsbml.LIBSBML_CAT_MODELING_PRACTICE)
"""What is looked at here instead: units by their magnitude too."""


def findings_of(name: str, content: bytes, place: str) -> list[Finding]:
    """All findings of a file, the worst first. One that is no sound XML has one finding."""
    source = Source(name, content, place)
    try:
        text = safe_text(source.path, content)
    except ModelError as error:
        return [Finding(ERROR, "xml", name, 0, _without(error, name))]
    document = libsbml.readSBMLFromString(text)
    found = list(_validity(document))
    try:
        definition = definition_of(name, content, place)
    except ModelError as error:
        if not any(one.severity == ERROR for one in found):
            found.append(Finding(ERROR, "reading", name, 0, _without(error, name)))
    else:
        found += scales_of(definition)
    if document.getModel() is not None and not document.getNumErrors(libsbml.LIBSBML_SEV_FATAL):
        lines = Lines(document)
        for check in (*lint_parts.CHECKS, *lint_switches.CHECKS, *lint_rates.CHECKS):
            found += check(document.getModel(), lines)
        found += _units(document, lines, name)
    order = (ERROR, WARNING, NOTE)
    return sorted(found, key=lambda one: order.index(one.severity))


def _validity(document: "libsbml.SBMLDocument") -> Iterator[Finding]:
    """What libSBML says, but for what is looked at here instead."""
    if not document.getNumErrors(libsbml.LIBSBML_SEV_ERROR) and document.getModel() is not None:
        for category in _OWN:
            document.setConsistencyChecks(category, False)
        document.checkConsistency()
    lines = Lines(document)
    for number in range(document.getNumErrors()):
        error = document.getError(number)
        if (severity := _LEVELS.get(error.getSeverity())) is not None:
            _, _, detail = str(error.getMessage()).partition("Reference:")  # the rule comes first
            text = detail.partition("\n")[2].strip() or str(error.getMessage())
            message = " ".join(f"{error.getShortMessage()}: {text}".split())[:300]
            line = int(error.getLine())
            yield Finding(severity, "validity", lines.subject_at(line), line, message)


def _units(document: "libsbml.SBMLDocument", lines: Lines, name: str) -> Iterator[Finding]:
    """Formulas whose parts have different units, with their magnitudes. Units that are not given
    are no fault, but then nothing can be said."""
    if document.getNumErrors(libsbml.LIBSBML_SEV_ERROR):
        return
    try:
        refuse_packages(document, name)
        flattened(document, name)
        refuse_wrong_arguments(document.getModel(), name)
        normalise(document, name)
    except (ModelError, RecursionError):  # which the reader has said
        return
    model = document.getModel()
    for check in (unit_faults, amount_faults):
        for one in check(model):
            if not _UNKNOWN.search(one.message):
                at = lines.of(one.subject)
                yield Finding(WARNING, "units", one.subject, at, one.message)


def _without(error: ModelError, name: str) -> str:
    """A message without the name of the file at its beginning."""
    return str(error).removeprefix(name).lstrip(": ")
