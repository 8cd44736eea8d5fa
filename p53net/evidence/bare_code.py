"""Source code without what cannot change a number: comments, docstrings, layout.

It is written out here from the syntax tree, as what Python's own `ast.dump` and `ast.unparse` write
differs between its versions.
"""

import ast
from collections.abc import Sequence
from itertools import groupby


def bare(source: str) -> str:
    """What a source text does, as one line that is the same for each supported Python.

    Comments, docstrings (also those below attributes), blank lines, quotes and line breaks leave no
    trace. Names, numbers, operators, their order and annotations do. Raises SyntaxError.
    """
    return _written(ast.parse(source))


def _written(node: object) -> str:
    if isinstance(node, list):
        return f"[{','.join(_written(one) for one in node if not _is_docstring(one))}]"
    if isinstance(node, ast.JoinedStr):
        return f"JoinedStr({','.join(_pieces(node.values))})"
    if not isinstance(node, ast.AST):
        return repr(node)
    # Fields that are empty are left out: newer versions have more of them.
    fields = [f"{name}={_written(value)}" for name, value in ast.iter_fields(node)
              if isinstance(node, ast.Constant) or value not in (None, [])]  # fmt: skip
    return f"{type(node).__name__}({','.join(fields)})"


def _pieces(values: Sequence[ast.expr]) -> list[str]:
    """Of an f-string, its texts joined: versions cut them elsewhere, and some add empty ones."""
    found = []
    for is_text, run in groupby(values, lambda one: isinstance(one, ast.Constant)):
        if not is_text:
            found += [_written(one) for one in run]
        elif text := "".join(str(one.value) for one in run if isinstance(one, ast.Constant)):
            found.append(repr(text))
    return found


def _is_docstring(node: object) -> bool:
    """A statement that is nothing but a text."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
