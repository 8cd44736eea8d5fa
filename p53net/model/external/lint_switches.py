"""Conditions of a stranger's model that engines can miss, or that no number meets."""

from collections.abc import Callable, Iterator

import libsbml

from p53net.model.external.findings import NOTE, WARNING, Finding, Lines
from p53net.model.external.formulas import children_of, nodes_of

Check = Callable[["libsbml.Model", Lines], Iterator[Finding]]

_MOST_SHOWN = 3  # operators of a formula
_EQUAL = (libsbml.AST_RELATIONAL_EQ, libsbml.AST_RELATIONAL_NEQ)
_ORDER = (
    libsbml.AST_RELATIONAL_GT, libsbml.AST_RELATIONAL_GEQ, libsbml.AST_RELATIONAL_LT,
    libsbml.AST_RELATIONAL_LEQ,
)  # fmt: skip
_ROUNDED = (
    libsbml.AST_FUNCTION_FLOOR, libsbml.AST_FUNCTION_CEILING, libsbml.AST_FUNCTION_REM,
    libsbml.AST_FUNCTION_QUOTIENT,
)  # fmt: skip


def _equalities(model: "libsbml.Model", lines: Lines) -> Iterator[Finding]:
    """What moves is hardly ever equal to anything at a time at which an engine looks."""
    for subject, what, texts in _with(model, _EQUAL):
        text = (
            f"the {what} asks whether {texts}: what moves meets that at single times, which "
            "engines step over; write a threshold instead"
        )
        yield Finding(WARNING, "events", subject, lines.of(subject), text)


def _windows(model: "libsbml.Model", lines: Lines) -> Iterator[Finding]:
    """A trigger that holds between two bounds: a step may begin before and end after both."""
    moving = _moving(model)
    for event in model.getListOfEvents():
        trigger, name = event.getTrigger(), str(event.getId()) or "event"
        if trigger is None or trigger.getMath() is None:
            continue
        for node in nodes_of(trigger.getMath()):
            if node.getType() == libsbml.AST_LOGICAL_AND and (what := _between(node, moving)):
                text = (
                    f"the trigger holds only while {what} is within a window; engines that look "
                    "at their steps alone can miss it"
                )
                yield Finding(WARNING, "events", name, int(event.getLine()), text)


def _steps(model: "libsbml.Model", lines: Lines) -> Iterator[Finding]:
    """Functions that jump as what is in them moves."""
    for subject, what, texts in _with(model, _ROUNDED):
        text = f"the {what} jumps with {texts}; each jump stops the integrator"
        yield Finding(NOTE, "events", subject, lines.of(subject), text)


def _with(model: "libsbml.Model", kinds: tuple[int, ...]) -> Iterator[tuple[str, str, str]]:
    """Formulas that have operators of these kinds of what moves: subject, what, the operators."""
    moving = _moving(model)
    for subject, what, formula in _owned(model):
        found = dict.fromkeys(
            _text(node) for node in nodes_of(formula)
            if node.getType() in kinds and _moves(node, moving)
        )  # fmt: skip
        if found:
            more = len(found) - _MOST_SHOWN
            shown = ", ".join(list(found)[:_MOST_SHOWN])
            yield subject, what, shown + (f" and {more} more" if more > 0 else "")


def _between(node: "libsbml.ASTNode", moving: set[str]) -> str:
    """What is bounded from both sides; "" where nothing is."""
    above, below = set[str](), set[str]()
    for part in children_of(node):
        if part.getType() not in _ORDER or part.getNumChildren() != 2:
            continue
        left, right = children_of(part)
        greater = part.getType() in _ORDER[:2]
        for side, is_above in ((left, greater), (right, not greater)):
            if _moves(side, moving):
                (above if is_above else below).add(_text(side))
    return min(above & below, default="")


def _owned(
    model: "libsbml.Model",
) -> Iterator[tuple[str, str, "libsbml.ASTNode"]]:
    """Formulas with the id of what they belong to, and what they are of it."""
    found = [(r.getId(), "rate", r.getKineticLaw()) for r in model.getListOfReactions()]
    found += [(r.getVariable(), "rule", r) for r in model.getListOfRules()]
    for event in model.getListOfEvents():
        name = event.getId() or "event"
        found.append((name, "trigger", event.getTrigger()))
        found += [(name, "assignment", one) for one in event.getListOfEventAssignments()]
    for subject, what, item in found:
        if item is not None and item.getMath() is not None:
            yield str(subject), what, item.getMath()


def _moving(model: "libsbml.Model") -> set[str]:
    """Ids that change in a run, apart from what events alone set."""
    found = {rule.getVariable() for rule in model.getListOfRules()}
    for reaction in model.getListOfReactions():
        for item in (*reaction.getListOfReactants(), *reaction.getListOfProducts()):
            found.add(item.getSpecies())
    return {str(name) for name in found}


def _moves(node: "libsbml.ASTNode", moving: set[str]) -> bool:
    return any(
        one.getType() == libsbml.AST_NAME_TIME or (one.isName() and one.getName() in moving)
        for one in nodes_of(node)
    )


def _text(node: "libsbml.ASTNode") -> str:
    return " ".join(str(libsbml.formulaToL3String(node)).split())[:80]


CHECKS: tuple[Check, ...] = (_equalities, _windows, _steps)
