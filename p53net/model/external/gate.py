"""What an SBML file must be before anything runs it: safe to parse, sound, and runnable.

A file may come from anybody. Nothing of it is opened besides itself, and what would end the
process later, in libSBML or in an engine, is refused here.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from xml.parsers import expat

import libsbml

from p53net.errors import ModelError

_DEEPEST = 200  # elements inside each other; engines read formulas by recursion
_CORE = "http://www.sbml.org/sbml/"
_MATH = "l3v2extendedmath"  # functions such as min and max, which engines know
_COMP = "comp"  # models within models, which are written out


def safe_text(file: Path, content: bytes) -> str:
    """The content of a file, if it is XML that is safe to parse: no other files, not too deep."""
    if b"\0" in content:  # UTF-16 that says nothing of it, which expat reads and libSBML does not
        raise ModelError(f"{file.name} is not XML: it has NUL bytes; save it as UTF-8")
    parser, depth, root = expat.ParserCreate(namespace_separator=" "), 0, list[str]()

    def opened(name: str, attributes: Mapping[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth == 1:
            root.append(name)
            _refuse_edition(attributes, file.name)
            for key, value in attributes.items():
                space, _, attribute = key.rpartition(" ")
                if attribute == "required" and value in ("true", "1"):
                    package = space.removeprefix(_CORE).split("/")
                    name = package[2] if len(package) > 2 else space
                    if name in (_MATH, _COMP):
                        continue
                    raise ModelError(
                        f"{file.name} needs the SBML package {name}, which is not understood; "
                        "write the model in plain SBML, without packages"
                    )
        if f"/{_COMP}/" in name and name.endswith(" externalModelDefinition"):
            raise ModelError(
                f"{file.name}: externalModelDefinition, line {parser.CurrentLineNumber}, is "
                "a model in another file, and no other file is opened; put that model into this one"
            )
        if depth > _DEEPEST:
            raise ModelError(
                f"{file.name} has more than {_DEEPEST} elements inside each other; "
                "break long formulas into rules"
            )

    def closed(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def doctype(*_about: object) -> None:
        raise ModelError(
            f"{file.name} has a DOCTYPE, which can read other files and is not allowed; remove it"
        )

    def declared(_version: str, encoding: str | None, _standalone: int) -> None:
        # Others are codecs of Python to expat, which may be unknown, or be no encoding at all.
        if encoding is not None and encoding.casefold() != "utf-8":
            raise _not_utf8(file, f" but '{encoding[:40]}'")

    parser.XmlDeclHandler = declared
    parser.StartElementHandler, parser.EndElementHandler = opened, closed
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(content, True)
        text = content.decode("utf-8-sig")
    except expat.ExpatError as error:
        raise ModelError(f"{file.name} is not XML: {error}; give an SBML file") from None
    except UnicodeDecodeError:
        raise _not_utf8(file) from None
    if not root[0].startswith(_CORE) or not root[0].endswith(" sbml"):
        kind = root[0].rpartition(" ")[2]
        raise ModelError(f"{file.name} is not SBML: it holds <{kind}>; give an SBML file")
    return text


def _refuse_edition(attributes: Mapping[str, str], name: str) -> None:
    """Raise ModelError for an edition of SBML that is no number, which libSBML may end at."""
    for key in ("level", "version"):
        if not re.fullmatch(r"\s*\d{1,3}\s*", attributes.get(key, "1"), re.ASCII):
            raise ModelError(
                f"{name} is not valid SBML: its {key} is '{attributes[key][:40]}', but must be a "
                "whole number; correct the element <sbml>"
            )


def _not_utf8(file: Path, instead: str = "") -> ModelError:
    return ModelError(
        f"{file.name} is not UTF-8{instead}, as SBML has to be; save it as UTF-8, and declare that"
    )


def refuse_packages(document: "libsbml.SBMLDocument", name: str) -> None:
    """Raise ModelError for packages that change what a model means; take the others away."""
    plugins = [document.getPlugin(i) for i in range(document.getNumPlugins())]
    for package, uri, prefix in [(p.getPackageName(), p.getURI(), p.getPrefix()) for p in plugins]:
        if package in (_MATH, _COMP):
            continue
        if document.getLevel() > 2 and document.getPackageRequired(package):
            raise ModelError(
                f"{name} needs the SBML package {package}, which is not understood; "
                "write the model in plain SBML, without packages"
            )
        document.enablePackage(uri, prefix, False)


def check_sound(document: "libsbml.SBMLDocument", name: str) -> None:
    """Raise ModelError with what libSBML finds wrong, which is what would crash an engine."""
    if not document.getNumErrors(libsbml.LIBSBML_SEV_ERROR) + document.getNumErrors(
        libsbml.LIBSBML_SEV_FATAL
    ):
        if document.getModel() is None:
            raise ModelError(f"{name} holds no model; give an SBML file with one")
        for category in (libsbml.LIBSBML_CAT_UNITS_CONSISTENCY, libsbml.LIBSBML_CAT_SBO_CONSISTENCY,
                         libsbml.LIBSBML_CAT_MODELING_PRACTICE):  # fmt: skip
            document.setConsistencyChecks(category, False)
        document.checkConsistency()
    problems = [
        f"line {error.getLine()}: {' '.join(error.getMessage().split())}"
        for error in (document.getError(i) for i in range(document.getNumErrors()))
        if error.getSeverity() >= libsbml.LIBSBML_SEV_ERROR
    ]
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise ModelError(f"{name} is not valid SBML; correct it: {problems[0][:400]}{more}")
