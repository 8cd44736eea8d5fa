"""COMBINE archives (.omex): a model, how to run it, what it gave here, and who made it.

The same model gives the same bytes: members are sorted and have one fixed date.
"""

import io
import zipfile
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

from numpy.typing import ArrayLike

from p53net.exchange.course import Course, course_of
from p53net.exchange.sedml import Arm, as_sedml
from p53net.model.library import models_folder
from p53net.model.sbml import language_of, targets_of
from p53net.simulation.inputs import Doses
from p53net.simulation.model import Model
from p53net.simulation.one_run import sbml_of

MODEL, RUN, RESULT, RECORD = "model.xml", "simulation.sedml", "curves.csv", "record.json"
LICENCE, ABOUT, MANIFEST = "LICENSE", "metadata.rdf", "manifest.xml"

_FORMATS = {
    RUN: "http://identifiers.org/combine.specifications/sed-ml",
    RESULT: "http://purl.org/NET/mediatypes/text/csv",
    RECORD: "http://purl.org/NET/mediatypes/application/json",
    LICENCE: "http://purl.org/NET/mediatypes/text/plain",
    ABOUT: "http://identifiers.org/combine.specifications/omex-metadata",
    MANIFEST: "http://identifiers.org/combine.specifications/omex-manifest",
}
_TYPES = "http://purl.org/NET/mediatypes/"
_BY_SUFFIX = {
    ".tsv": f"{_TYPES}text/tab-separated-values",
    ".csv": f"{_TYPES}text/csv",
    ".json": f"{_TYPES}application/json",
    ".yaml": f"{_TYPES}application/x-yaml",
    ".xml": "http://identifiers.org/combine.specifications/sbml",
}
_DATE = (2026, 11, 20, 0, 0, 0)  # of the models' own metadata, whatever the clock says
_CC0 = "https://spdx.org/licenses/CC0-1.0"
_READABLE = 0o100644 << 16


class Study(NamedTuple):
    """What an archive is made of."""

    model: Model
    doses: Mapping[str, Doses] | None
    parameters: Mapping[str, float] | None
    feedback: bool
    settling: float
    times: ArrayLike | None
    problem: Mapping[str, bytes] | None = None
    """A PEtab problem beside it: its files by name."""


def archive(study: Study) -> bytes:
    """The bytes of an archive. Raises what `Model.simulate` and `Model.sbml` raise."""
    model, own = study.model, not study.model.definition.external
    course = course_of(model, study.doses, study.times, study.settling)
    sbml = sbml_of(model, study.doses, study.parameters, study.feedback, study.settling, noted=True)
    language = language_of(sbml)
    targets = targets_of(sbml, course.shown)
    course = course._replace(shown=tuple(targets))
    names = {name: model.about(name)["long_name"] for name in course.shown}
    members = {
        MODEL: sbml.encode(),
        RUN: as_sedml([Arm("", course, MODEL, {})], language, targets, names).encode(),
        **_own_run(study, course),
        ABOUT: about(f"{model.definition.id}: a time course", own=own).encode(),
        **(study.problem or {}),
    }
    if own:  # of others' models the licence is not known
        members[LICENCE] = licence()
    return packed(members, language)


def packed(members: Mapping[str, bytes], language: str) -> bytes:
    """An archive of these members, with its manifest; its model is SBML of a level and version."""
    known = {**_FORMATS, MODEL: _sbml_format(language)}
    kinds = {name: known.get(name) or _BY_SUFFIX[PurePosixPath(name).suffix] for name in members}
    listed = {name: kinds.get(name, _FORMATS[MANIFEST]) for name in sorted({*members, MANIFEST})}
    return zipped({**members, MANIFEST: _manifest(listed).encode()})


def licence() -> bytes:
    """That of the package's own models."""
    return (models_folder() / LICENCE).read_bytes()


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A zip of these members, sorted, with one date, the same bytes each time."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name in sorted(members):
            about = zipfile.ZipInfo(name, _DATE)
            about.create_system, about.external_attr = 3, _READABLE
            about.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(about, members[name], compresslevel=9)
    return file.getvalue()


def _own_run(study: Study, course: Course) -> dict[str, bytes]:
    """What p53net's own run gives, and its record."""
    run = study.model.simulate(
        course.times, study.doses, study.parameters, feedback=study.feedback,
        observables=list(course.shown), engine="auto",
    )  # fmt: skip
    frame = run.to_dataframe().reset_index()
    frame["time"] += course.begin
    table = frame[["time", *course.shown]].to_csv(index=False, lineterminator="\n")
    return {RESULT: table.encode(), RECORD: f"{run.attrs['record']}\n".encode()}


def _manifest(formats: Mapping[str, str]) -> str:
    lines = [
        '  <content location="." format="http://identifiers.org/combine.specifications/omex"/>'
    ]
    for name, kind in formats.items():
        master = ' master="true"' if name == RUN else ""
        lines.append(f'  <content location="./{name}" format={quoteattr(kind)}{master}/>')
    body = "\n".join(lines)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<omexManifest xmlns="http://identifiers.org/combine.specifications/omex-manifest">\n'
        f"{body}\n</omexManifest>\n"
    )


def about(title: str, *, own: bool) -> str:
    """Creators, licence (of a model that is our `own`) and date of the archive, as OMEX
    metadata."""
    title = quoteattr(title)[1:-1]
    licence = f'    <dcterms:license rdf:resource="{_CC0}"/>\n' if own else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
        ' xmlns:dcterms="http://purl.org/dc/terms/"'
        ' xmlns:vCard="http://www.w3.org/2006/vcard/ns#">\n'
        '  <rdf:Description rdf:about=".">\n'
        f"    <dcterms:title>{title}</dcterms:title>\n"
        "    <dcterms:creator>\n      <rdf:Bag>\n"
        '        <rdf:li rdf:parseType="Resource">\n'
        '          <vCard:hasName rdf:parseType="Resource">\n'
        "            <vCard:family-name>p53net</vCard:family-name>\n"
        "            <vCard:given-name>contributors</vCard:given-name>\n"
        "          </vCard:hasName>\n"
        "          <vCard:organization-name>p53net</vCard:organization-name>\n"
        "        </rdf:li>\n      </rdf:Bag>\n    </dcterms:creator>\n"
        f"{licence}"
        '    <dcterms:created rdf:parseType="Resource">\n'
        "      <dcterms:W3CDTF>2026-11-20T00:00:00Z</dcterms:W3CDTF>\n"
        "    </dcterms:created>\n"
        "  </rdf:Description>\n</rdf:RDF>\n"
    )


def _sbml_format(language: str) -> str:
    return f"http://identifiers.org/combine.specifications/sbml.{language}"
