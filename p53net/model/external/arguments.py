"""How many arguments each function takes: with others, libSBML and engines end the process."""

import libsbml

from p53net.errors import ModelError
from p53net.model.external.formulas import formulas_of, nodes_of

_ANY = 2**31
_ONE = (
    "ABS", "CEILING", "EXP", "FACTORIAL", "FLOOR", "LN", "SIN", "COS", "TAN", "SEC", "CSC", "COT",
    "SINH", "COSH", "TANH", "SECH", "CSCH", "COTH", "ARCSIN", "ARCCOS", "ARCTAN", "ARCSEC",
    "ARCCSC", "ARCCOT", "ARCSINH", "ARCCOSH", "ARCTANH", "ARCSECH", "ARCCSCH", "ARCCOTH",
    "RATE_OF",
)  # fmt: skip
_ALLOWED = {
    **{getattr(libsbml, f"AST_FUNCTION_{name}"): (1, 1) for name in _ONE},
    libsbml.AST_FUNCTION_LOG: (1, 2),
    libsbml.AST_FUNCTION_ROOT: (1, 2),
    libsbml.AST_FUNCTION_POWER: (2, 2),
    libsbml.AST_FUNCTION_DELAY: (2, 2),
    libsbml.AST_FUNCTION_QUOTIENT: (2, 2),
    libsbml.AST_FUNCTION_REM: (2, 2),
    libsbml.AST_FUNCTION_MIN: (1, _ANY),
    libsbml.AST_FUNCTION_MAX: (1, _ANY),
    libsbml.AST_POWER: (2, 2),
    libsbml.AST_DIVIDE: (2, 2),
    libsbml.AST_MINUS: (1, 2),
    libsbml.AST_LOGICAL_NOT: (1, 1),
    libsbml.AST_LOGICAL_IMPLIES: (2, 2),
    libsbml.AST_RELATIONAL_NEQ: (2, 2),
    **{
        getattr(libsbml, f"AST_RELATIONAL_{name}"): (2, _ANY)
        for name in ("EQ", "GEQ", "GT", "LEQ", "LT")
    },
}


def refuse_wrong_arguments(model: "libsbml.Model", name: str) -> None:
    """Raise ModelError for a function with too few or too many arguments, wherever it stands."""
    own = {f.getId(): f.getNumArguments() for f in model.getListOfFunctionDefinitions()}
    for formula in formulas_of(model):
        for node in nodes_of(formula):
            count, kind = node.getNumChildren(), node.getType()
            if kind == libsbml.AST_FUNCTION:
                number = own.get(node.getName(), count)
                least, most = number, number
            else:
                least, most = _ALLOWED.get(kind, (0, _ANY))
            if not least <= count <= most:
                wanted = f"{least}" if least == most else f"{least} or more" if most == _ANY else (
                    f"{least} or {most}")  # fmt: skip
                raise ModelError(
                    f"{name}: {_where(formula)} gives {_called(node)} {count} argument"
                    f"{'' if count == 1 else 's'}, and it takes {wanted}; correct the formula"
                )


def _called(node: "libsbml.ASTNode") -> str:
    return str(node.getName() or node.getOperatorName() or "a function")


def _where(formula: "libsbml.ASTNode") -> str:
    """What a formula belongs to, such as `functionDefinition f, line 12`."""
    item = formula.getParentSBMLObject()
    while item is not None and not item.getId():
        item = item.getParentSBMLObject()
    if item is None:
        return "a formula"
    return f"{item.getElementName()} {item.getId()}, line {item.getLine()},"
