"""How long formulas are, as they stand and when functions are written out."""

from collections.abc import Mapping

import libsbml

from p53net.errors import ModelError
from p53net.model.external.formulas import flattened, formulas_of

_LONGEST = 1000  # sums of sums, where each further term counts as one level deeper
_MOST_TERMS = 1_000_000  # after functions are written out


def refuse_long(model: "libsbml.Model", name: str) -> None:
    """Raise ModelError for formulas that engines cannot read: they do so by recursion."""
    for formula in formulas_of(model):
        if _height(formula) > _LONGEST:
            raise ModelError(
                f"{name}: a formula has more than {_LONGEST} terms; break it into rules"
            )


def refuse_endless(model: "libsbml.Model", name: str) -> None:
    """Raise ModelError for functions inside each other that are too long when written out."""
    terms, _ = _written_out(model)
    if terms > _MOST_TERMS:
        raise ModelError(
            f"{name} has more than {_MOST_TERMS:,} terms when its functions are written out; "
            "use fewer functions inside each other"
        )


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
