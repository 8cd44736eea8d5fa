"""What an SBML file must be before anything runs it: safe to parse, sound, and runnable.

A file may come from anybody. Nothing of it is opened besides itself, and what would end the
process later, in libSBML or in an engine, is refused here.
"""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from xml.parsers import expat

import libsbml

from p53net.errors import ModelError
from p53net.model.external.formulas import flattened, formulas_of, nodes_of
from p53net.model.external.quantities import number_of
from p53net.model.rates import TIME

_DEEPEST = 200  # elements inside each other; engines read formulas by recursion
_LONGEST = 1000  # sums of sums, where each further term counts as one level deeper
_MOST_TERMS = 1_000_000  # after functions are written out
_CORE = "http://www.sbml.org/sbml/"
_MATH = "l3v2extendedmath"  # functions such as min and max, which engines know


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
                if attribute == "required" and (value in ("true", "1") or "/comp/" in space):
                    package = space.removeprefix(_CORE).split("/")
                    name = package[2] if len(package) > 2 else space
                    if name == _MATH:
                        continue
                    raise ModelError(
                        f"{file.name} needs the SBML package {name}, which is not understood; "
                        "write the model in plain SBML, without packages"
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
        if package == _MATH:
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
        " ".join(error.getMessage().split())
        for error in (document.getError(i) for i in range(document.getNumErrors()))
        if error.getSeverity() >= libsbml.LIBSBML_SEV_ERROR
    ]
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise ModelError(f"{name} is not valid SBML; correct it: {problems[0][:400]}{more}")


def normalise(document: "libsbml.SBMLDocument", name: str) -> None:
    """Local parameters become global, functions are written out, and the text is Level 3."""
    _refuse_long(document.getModel(), name)
    terms, _ = _written_out(document.getModel())
    if terms > _MOST_TERMS:
        raise ModelError(
            f"{name} has more than {_MOST_TERMS:,} terms when its functions are written out; "
            "use fewer functions inside each other"
        )
    for option, what in (("promoteLocalParameters", "local parameters"),
                         ("expandFunctionDefinitions", "functions")):  # fmt: skip
        properties = libsbml.ConversionProperties()
        properties.addOption(option, True)
        if document.convert(properties) != libsbml.LIBSBML_OPERATION_SUCCESS:
            raise ModelError(f"{name}: its {what} cannot be written out; write them out by hand")
    before = document.getNumErrors()
    if not document.setLevelAndVersion(3, 1, True):
        found = [document.getError(i) for i in range(before, document.getNumErrors())]
        why = " ".join(" ".join(e.getMessage() for e in found).split())[:400] or "no reason given"
        raise ModelError(f"{name} cannot be written as SBML Level 3 Version 1: {why}")


def _refuse_long(model: "libsbml.Model", name: str) -> None:
    """Raise ModelError for formulas that engines cannot read: they do so by recursion."""
    for formula in formulas_of(model):
        if _height(formula) > _LONGEST:
            raise ModelError(
                f"{name}: a formula has more than {_LONGEST} terms; break it into rules"
            )


def refuse_unrunnable(model: "libsbml.Model", name: str) -> None:
    """Raise ModelError for what engines would run wrongly, or not at all, without an error."""

    def bad(what: str, remedy: str) -> ModelError:
        return ModelError(f"{name}: {what}; {remedy}")

    for reaction in model.getListOfReactions():
        if reaction.getFast():
            raise bad(f"reaction {reaction.getId()} is fast", "give it a rate of its own")
        law = reaction.getKineticLaw()
        if law is None or law.getMath() is None:
            raise bad(f"reaction {reaction.getId()} has no rate", "give it a kinetic law")
    for rule in model.getListOfRules():
        if rule.isAlgebraic():
            raise bad("it has an algebraic rule", "solve it for one variable")
        if rule.isRate() and (reaction := _reaction_of(model, rule.getVariable())):
            raise bad(
                f"a rate rule sets {rule.getVariable()}, a stoichiometry of reaction {reaction}",
                "give a number, or an assignment rule",
            )
    _refuse_long(model, name)
    for item in model.getListOfAllElements():
        if item.getId() == TIME and not isinstance(item, libsbml.UnitDefinition):
            raise bad("something is called time, as the clock is", "give it another id")
    for math_ in formulas_of(model):
        for node in nodes_of(math_):
            if node.getType() == libsbml.AST_FUNCTION_DELAY:
                raise bad("it looks into the past with delay()", "write the delay as steps")
    given = {item.getSymbol() for item in model.getListOfInitialAssignments()}
    given |= {rule.getVariable() for rule in model.getListOfRules() if rule.isAssignment()}
    for kind, items in (("compartment", model.getListOfCompartments()),
                        ("parameter", model.getListOfParameters()),
                        ("species", model.getListOfSpecies())):  # fmt: skip
        for item in items:
            if item.getId() not in given and not math.isfinite(number_of(model, item)):
                raise bad(f"{kind} {item.getId()} has no value", "give it one")
    if not model.getNumSpecies() + model.getNumRules():
        raise bad("it has neither species nor rules", "there is nothing to simulate")


def _reaction_of(model: "libsbml.Model", reference: str) -> str:
    """The reaction with a stoichiometry of this name; "" where there is none."""
    for reaction in model.getListOfReactions():
        for item in (*reaction.getListOfReactants(), *reaction.getListOfProducts()):
            if item.getId() == reference:
                return str(reaction.getId())
    return ""


def _height(node: "libsbml.ASTNode") -> int:
    """Levels of a formula when each sum and product has two parts."""
    flat = flattened(node)
    heights = [0] * len(flat)
    for place in reversed(range(len(flat))):
        inner = flat[place][1]
        heights[place] = len(inner) + max((heights[one] for one in inner), default=0)
    return heights[0]


def _written_out(model: "libsbml.Model") -> tuple[float, dict[str, tuple[float, list[float]]]]:
    """Terms of all formulas when functions are written out, and those of each function: a
    constant, and how often each argument stands in it."""
    functions: dict[str, tuple[float, list[float]]] = {}
    definitions = {f.getId(): f for f in model.getListOfFunctionDefinitions()}

    def size(node: "libsbml.ASTNode", places: Mapping[str, int]) -> tuple[float, list[float]]:
        flat = flattened(node)
        sizes: list[tuple[float, list[float]]] = [(0.0, [])] * len(flat)
        for place in reversed(range(len(flat))):
            one, inner = flat[place]
            total, times, how = 1.0, [0.0] * len(places), [1.0] * len(inner)
            if one.isName() and one.getName() in places:
                total, times[places[one.getName()]] = 0.0, 1.0
            elif one.getType() == libsbml.AST_FUNCTION and one.getName() in definitions:
                total, how = of(one.getName())
            for (more, uses), often in zip((sizes[i] for i in inner), how, strict=False):
                total += often * more
                times = [a + often * b for a, b in zip(times, uses, strict=True)]
            sizes[place] = total, times
        return sizes[0]

    def of(name: str) -> tuple[float, list[float]]:
        if name not in functions:
            function = definitions[name]
            arguments = [function.getArgument(i) for i in range(function.getNumArguments())]
            places = {argument.getName(): i for i, argument in enumerate(arguments)}
            functions[name] = size(function.getBody(), places)
        return functions[name]

    laws = [r.getKineticLaw() for r in model.getListOfReactions()]
    others = [*model.getListOfRules(), *model.getListOfInitialAssignments()]
    for event in model.getListOfEvents():
        others += [event.getTrigger(), *event.getListOfEventAssignments()]
    formulas = [one.getMath() for one in (*laws, *others) if one is not None]
    return sum(size(node, {})[0] for node in formulas if node is not None), functions
