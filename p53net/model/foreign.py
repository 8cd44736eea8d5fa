"""SBML files that are not ours: read with suspicion, and written anew as engines can take them.

A file may come from anybody. Nothing of it is opened besides itself, and what would end the
process later, in libSBML or in an engine, is refused here.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.parsers import expat

import libsbml
import numpy as np

from p53net.errors import ModelError, UnsupportedError
from p53net.files import as_path, read_bytes
from p53net.model.definition import Definition
from p53net.model.own import Text
from p53net.model.rates import TIME, System, system_of
from p53net.model.tables import Value

LARGEST_FILE = 20 * 2**20
"""Bytes that a file may have."""

_FILE = "the SBML file"
_DEEPEST = 200  # elements inside each other; engines read formulas by recursion
_LONGEST = 1000  # sums of sums, where each further term counts as one level deeper
_MOST_TERMS = 1_000_000  # after functions are written out
_CORE = "http://www.sbml.org/sbml/"
_MATH = "l3v2extendedmath"  # functions such as min and max, which engines know
_KINDS = {"second": "s", "litre": "L", "mole": "mol", "metre": "m", "gram": "g", "kilogram": "kg"}
_PREFIXES = {-21: "z", -18: "a", -15: "f", -12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k"}
_TIMES = {60.0: "min", 3600.0: "h", 86400.0: "d"}


def read_definition(path: str | Path) -> Definition:
    """The definition of the model in an SBML file, as Level 3 Version 1 without packages.

    Raises InputError for a file that cannot be read, ModelError for one that is no sound model or
    that uses what no engine here runs.
    """
    file = as_path(path, _FILE)
    text = _text(file)
    document = libsbml.readSBMLFromString(text)
    _refuse_packages(document, file.name)
    _check(document, file.name)
    try:
        _normalise(document, file.name)
    except RecursionError:
        raise ModelError(
            f"{file.name} has functions inside each other too deep; use fewer"
        ) from None
    model = document.getModel()
    if not model.getId():
        model.setId(_identifier(file.stem))
    _refuse(model, file.name)
    rules = {rule.getVariable(): rule for rule in model.getListOfRules()}
    moving = [name for name, rule in rules.items() if rule.isRate()]
    species = [item.getId() for item in model.getListOfSpecies()]
    floating = [
        item.getId()
        for item in model.getListOfSpecies()
        if not item.getBoundaryCondition() and not item.getConstant() and item.getId() not in rules
    ]
    states = (*floating, *moving)
    compartments = [item.getId() for item in model.getListOfCompartments()]
    units = _units(model)
    numbers = _numbers(model)
    definition = Definition(
        id=model.getId(),
        drugs={},
        cell_line="",
        drug_names={},
        antimony="",
        sbml=str(libsbml.writeSBMLToString(document)),
        parameters={
            name: Value(value, units[name], "file", file.name)
            for name, value in numbers.items()
            if name not in rules and name not in states
        },
        starts={},
        species=tuple(species),
        derived=tuple(name for name in rules if name not in species and name in units),
        counters=(),
        divisors=frozenset(compartments) - rules.keys(),
        units=units,
        compartment_of={item.getId(): item.getCompartment() for item in model.getListOfSpecies()},
        foreign=True,
        time_unit=_unit(model, model.getTimeUnits()),
        states=states,
        amounts=frozenset(
            item.getId() for item in model.getListOfSpecies() if item.getHasOnlySubstanceUnits()
        ),
        names={
            item.getId(): " ".join(item.getName().split())
            for item in (*model.getListOfSpecies(), *model.getListOfParameters())
            if item.getName()
        },
        switches=_switches(model),
        fixed_at_reset=any(
            not event.getTrigger().getInitialValue() for event in model.getListOfEvents()
        )
        or any(item.getSymbol() not in units for item in model.getListOfInitialAssignments()),
        loaded={"file": Text(file.name, text, str(file.absolute()))},
    )
    computed = Starts(definition).of({}) or {}
    known = numbers | computed
    amounts = [  # what an engine's absolute tolerance is about
        abs(known[name] * (1.0 if item is None or item.getHasOnlySubstanceUnits() else
                           known.get(item.getCompartment(), 1.0)))
        for name, item in ((name, model.getSpecies(name)) for name in states)
    ]  # fmt: skip
    largest = max((value for value in amounts if value > 0.0), default=1.0)
    return replace(
        definition,
        scale=min(1.0, largest),
        parameters={
            name: replace(row, value=computed.get(name, row.value))
            for name, row in definition.parameters.items()
        },
    )


def with_parameters(sbml: str, changed: Mapping[str, float]) -> str:
    """The model with these values in it; other start values follow them as the file says."""
    document = libsbml.readSBMLFromString(sbml)
    model = document.getModel()
    for name, value in changed.items():
        model.removeInitialAssignment(name)
        if (compartment := model.getCompartment(name)) is not None:
            compartment.setSize(value)
        elif (parameter := model.getParameter(name)) is not None:
            parameter.setValue(value)
        else:
            species = model.getSpecies(name)
            if species.getHasOnlySubstanceUnits():
                species.setInitialAmount(value)
            else:
                species.setInitialConcentration(value)
    return str(libsbml.writeSBMLToString(document))


def assigned_of(sbml: str) -> tuple[str, ...]:
    """Species, parameters and compartments with an initial assignment."""
    document = libsbml.readSBMLFromString(sbml)
    model = document.getModel()
    assigned = [item.getSymbol() for item in model.getListOfInitialAssignments()]
    parts = model.getCompartment, model.getParameter, model.getSpecies
    return tuple(name for name in assigned if any(part(name) is not None for part in parts))


class Starts:
    """Where runs begin: the states' start values, which may depend on parameters."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._systems: dict[frozenset[str], System | None] = {}
        self._usual: dict[frozenset[str], dict[str, Any]] = {}

    def of(self, changed: Mapping[str, Any]) -> dict[str, Any] | None:
        """Start values of states, and of all else that the file computes at the start: numbers, or
        arrays where changed parameters are arrays.

        None where there are no formulas for them, so that an engine has to compute them.
        """
        free = frozenset(
            name for name in self._assigned if name in changed
        )  # computed in the file, but now given
        if free not in self._systems:
            sbml = self._definition.sbml
            first = {name: float(np.ravel(changed[name])[0]) for name in free}
            text = with_parameters(sbml, first) if free else sbml
            try:
                self._systems[free] = system_of(text)
            except (UnsupportedError, RecursionError):
                self._systems[free] = None
        system = self._systems[free]
        if system is None:
            return None
        if free not in self._usual:
            known = {**system.parameters, **{name: changed[name] for name in free}}
            self._usual[free] = _evaluated(system, list(system.starts), known)
        symbols = system.expressions.symbols
        moved = [n for n, node in system.starts.items() if symbols(node) & changed.keys()]
        values = {
            **self._usual[free],
            **_evaluated(system, moved, {**system.parameters, **changed}),
        }
        return {name: value for name, value in values.items() if name not in changed}

    @cached_property
    def _assigned(self) -> tuple[str, ...]:
        return assigned_of(self._definition.sbml)


def switch_times(definition: Definition, values: Mapping[str, float], end: float) -> list[float]:
    """Times up to `end` at which the integrator must look whether something has switched.

    An integrator sees an event, or a `piecewise`, only where it stops: a short window between two
    steps would pass unseen. Times in between are here too, for windows that are open at both ends.
    """
    known = {name: item.value for name, item in definition.parameters.items()} | dict(values)
    found = {0.0, end}
    for formula in definition.switches:
        time = _constant(libsbml.parseL3Formula(formula), known) if formula else math.nan
        if math.isnan(time):  # it depends on what moves; then at least a thousand looks
            found |= {end * i / 1000 for i in range(1, 1000)}
        elif 0.0 < time < end:
            found.add(time)
    ordered = sorted(found)
    middles = [(a + b) / 2 for a, b in pairwise(ordered)]
    return sorted({*ordered, *middles})


def _evaluated(system: System, names: list[str], known: Mapping[str, Any]) -> dict[str, Any]:
    with np.errstate(all="ignore"):  # what is not finite is found by the caller
        found = system.values([system.starts[name] for name in names], known)
    return {n: v if np.ndim(v) else float(v) for n, v in zip(names, found, strict=True)}


def _text(file: Path) -> str:
    """The file, if it is XML that is safe to parse: no other files, not too deep."""
    content = read_bytes(file, LARGEST_FILE, _FILE)
    if b"\0" in content:  # UTF-16 that says nothing of it, which expat reads and libSBML does not
        raise ModelError(f"{file.name} is not XML: it has NUL bytes; save it as UTF-8")
    parser, depth, root = expat.ParserCreate(namespace_separator=" "), 0, list[str]()

    def opened(name: str, attributes: Mapping[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth == 1:
            root.append(name)
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


def _not_utf8(file: Path, instead: str = "") -> ModelError:
    return ModelError(
        f"{file.name} is not UTF-8{instead}, as SBML has to be; save it as UTF-8, and declare that"
    )


def _refuse_packages(document: "libsbml.SBMLDocument", name: str) -> None:
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


def _check(document: "libsbml.SBMLDocument", name: str) -> None:
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


def _normalise(document: "libsbml.SBMLDocument", name: str) -> None:
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
    for formula in _formulas(model):
        if _height(formula) > _LONGEST:
            raise ModelError(
                f"{name}: a formula has more than {_LONGEST} terms; break it into rules"
            )


def _refuse(model: "libsbml.Model", name: str) -> None:
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
    for math_ in _formulas(model):
        for node in _nodes(math_):
            if node.getType() == libsbml.AST_FUNCTION_DELAY:
                raise bad("it looks into the past with delay()", "write the delay as steps")
    given = {item.getSymbol() for item in model.getListOfInitialAssignments()}
    given |= {rule.getVariable() for rule in model.getListOfRules() if rule.isAssignment()}
    for kind, items in (("compartment", model.getListOfCompartments()),
                        ("parameter", model.getListOfParameters()),
                        ("species", model.getListOfSpecies())):  # fmt: skip
        for item in items:
            if item.getId() not in given and not math.isfinite(_number(model, item)):
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


def _number(model: "libsbml.Model", item: "libsbml.SBase") -> float:
    """The value of a symbol at the start, as far as it stands in the file."""
    if isinstance(item, libsbml.Compartment):
        return float(item.getSize()) if item.isSetSize() else math.nan
    if isinstance(item, libsbml.Parameter):
        return float(item.getValue()) if item.isSetValue() else math.nan
    volume = float(model.getCompartment(item.getCompartment()).getSize())
    if item.isSetInitialConcentration():
        value = float(item.getInitialConcentration())
        return value * volume if item.getHasOnlySubstanceUnits() else value
    if not item.isSetInitialAmount():
        return math.nan
    amount = float(item.getInitialAmount())
    if item.getHasOnlySubstanceUnits():
        return amount
    return amount / volume if volume else math.nan


def _numbers(model: "libsbml.Model") -> dict[str, float]:
    """Values of parameters, compartments and species at the start; NaN where computed."""
    items = (
        *model.getListOfParameters(), *model.getListOfCompartments(), *model.getListOfSpecies()
    )  # fmt: skip
    numbers = {item.getId(): _number(model, item) for item in items}
    assigned = [item.getSymbol() for item in model.getListOfInitialAssignments()]
    return numbers | dict.fromkeys((n for n in assigned if n in numbers), math.nan)


def _formulas(model: "libsbml.Model") -> Iterator["libsbml.ASTNode"]:
    """Every formula of the model."""
    laws = [reaction.getKineticLaw() for reaction in model.getListOfReactions()]
    functions = [*model.getListOfFunctionDefinitions()]
    others = [*model.getListOfRules(), *model.getListOfInitialAssignments(), *functions]
    for item in [*(law for law in laws if law is not None), *others]:
        if item.getMath() is not None:
            yield item.getMath()
    for event in model.getListOfEvents():
        parts = [event.getTrigger(), event.getDelay(), event.getPriority()]
        for part in (*parts, *event.getListOfEventAssignments()):
            if part is not None and part.getMath() is not None:
                yield part.getMath()


def _children(node: "libsbml.ASTNode") -> list["libsbml.ASTNode"]:
    return [node.getChild(i) for i in range(node.getNumChildren())]


def _flat(node: "libsbml.ASTNode") -> list[tuple["libsbml.ASTNode", list[int]]]:
    """A formula as a list of nodes with the places of their parts, which come later in it.

    Without recursion: libSBML writes a long sum as a deep one.
    """
    found: list[tuple[libsbml.ASTNode, list[int]]] = [(node, [])]
    for part, places in found:
        for child in _children(part):
            places.append(len(found))
            found.append((child, []))
    return found


def _nodes(node: "libsbml.ASTNode") -> list["libsbml.ASTNode"]:
    return [part for part, _ in _flat(node)]


def _height(node: "libsbml.ASTNode") -> int:
    """Levels of a formula when each sum and product has two parts."""
    flat = _flat(node)
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
        flat = _flat(node)
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


def _switches(model: "libsbml.Model") -> tuple[str, ...]:
    """What the time is compared with, anywhere, as formulas of constants; "" for what else."""
    clocks = {TIME}  # and every rule that follows the time
    rules = {r.getVariable(): r.getMath() for r in model.getListOfRules() if r.isAssignment()}

    def timed(node: "libsbml.ASTNode") -> bool:
        return any(
            n.getType() == libsbml.AST_NAME_TIME or (n.isName() and n.getName() in clocks)
            for n in _nodes(node)
        )

    for _ in rules:
        more = {name for name, node in rules.items() if node is not None and timed(node)}
        if more <= clocks:
            break
        clocks |= more
    moving = {rule.getVariable() for rule in model.getListOfRules()}
    moving |= {item.getId() for item in model.getListOfSpecies() if not item.getConstant()}
    found = dict[str, None]()
    for formula in _formulas(model):
        for node in _nodes(formula):
            if not (node.isRelational() and timed(node)):
                continue
            sides = _children(node)
            clock = [side for side in sides if side.getType() == libsbml.AST_NAME_TIME]
            other = [side for side in sides if not timed(side)]
            plain = len(sides) == 2 and len(clock) == 1 and len(other) == 1
            if plain and not {n.getName() for n in _nodes(other[0]) if n.isName()} & moving:
                found[str(libsbml.formulaToL3String(other[0]))] = None
            else:
                found[""] = None
    return tuple(found)


def _constant(node: "libsbml.ASTNode | None", known: Mapping[str, float]) -> float:
    """The value of plain arithmetic; NaN for what is more than that."""
    if node is None:
        return math.nan
    if node.isNumber():
        return float(node.getValue())
    if node.getType() == libsbml.AST_NAME:
        return known.get(node.getName(), math.nan)
    parts = [_constant(child, known) for child in _children(node)]
    kind = node.getType()
    if kind == libsbml.AST_PLUS:
        return sum(parts)
    if kind == libsbml.AST_TIMES:
        return math.prod(parts)
    if kind == libsbml.AST_MINUS:
        return -parts[0] if len(parts) == 1 else parts[0] - parts[1]
    if kind == libsbml.AST_DIVIDE and parts[1]:
        return parts[0] / parts[1]
    return math.nan


def _units(model: "libsbml.Model") -> dict[str, str]:
    """Unit of every symbol, as far as the file says."""
    found = {item.getId(): _unit(model, item.getUnits()) for item in model.getListOfParameters()}
    volumes = {1: model.getLengthUnits(), 2: model.getAreaUnits(), 3: model.getVolumeUnits()}
    for item in model.getListOfCompartments():
        dimensions = item.getSpatialDimensions()
        found[item.getId()] = _unit(model, item.getUnits() or volumes.get(dimensions, ""))
    for item in model.getListOfSpecies():
        amount = _unit(model, item.getSubstanceUnits() or model.getSubstanceUnits())
        volume = found[item.getCompartment()]
        if item.getHasOnlySubstanceUnits() or volume == "1":
            found[item.getId()] = amount
        else:
            found[item.getId()] = f"{amount}/{volume}" if amount and volume else ""
    return found


def _unit(model: "libsbml.Model", name: str) -> str:
    """A unit as people write it: nmol, 1/s, h; "1" without dimension, "" where none is given."""
    if not name:
        return ""
    definition = model.getUnitDefinition(name)
    if definition is None:
        return "1" if name == "dimensionless" else _KINDS.get(name, name)
    above, below = list[str](), list[str]()
    for unit in definition.getListOfUnits():
        kind = libsbml.UnitKind_toString(unit.getKind())
        exponent, scale = unit.getExponentAsDouble(), unit.getScale()
        word = _KINDS.get(kind, kind)
        factor = unit.getMultiplier() * 10.0**scale
        if kind == "dimensionless" and factor == 1.0:
            continue
        if kind == "second" and factor in _TIMES:
            word = _TIMES[factor]
        elif factor != 1.0 and unit.getMultiplier() == 1.0 and kind in _KINDS and (
            scale in _PREFIXES and kind != "kilogram"
        ):  # fmt: skip
            word = _PREFIXES[scale] + word
        elif factor != 1.0:
            word = f"({factor:g} {word})"
        power = "" if abs(exponent) == 1.0 else f"^{abs(exponent):g}"
        (above if exponent > 0 else below).append(word + power)
    top = "*".join(above) or "1"
    return f"{top}/{'/'.join(below)}" if below else top


def _identifier(stem: str) -> str:
    letters = re.sub(r"\W", "_", stem, flags=re.ASCII) or "model"
    return letters if letters[0].isalpha() else f"model_{letters}"
