"""A digest of code: comments and docstrings leave no trace in it, numbers and operators do."""

import pytest

from p53net.evidence.bare_code import bare

CODE = '''"""A module."""
SLOPE = 2.0
"""Of the line."""


def line(x: float, name: str | None = None) -> str:
    """A point of it."""
    value = SLOPE * x + 1  # above 1
    return f"{name}: {value:<{8}}"
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# above 1", "# another comment"),
        ('"""A module."""', '"""Another docstring,\nof two lines."""'),
        ('"""A point of it."""\n', '"""Another docstring."""\n\n'),
        ('"""Of the line."""\n', ""),
        ("SLOPE * x + 1", "(\n        SLOPE * x + 0x1\n    )"),
        ('f"{name}: {value:<{8}}"', "f'{name}' ': ' f'{value:<{8}}'"),
    ],
)
def test_what_cannot_change_a_number_leaves_no_trace(old: str, new: str) -> None:
    changed = CODE.replace(old, new)
    assert changed != CODE and bare(changed) == bare(CODE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2.0", "2.5"),
        ("2.0", "2"),
        ("* x", "/ x"),
        ("+ 1", "- 1"),
        ("x + 1", "1 + x"),
        ("= None", "= 'it'"),
        ('"{name}: ', '"{name} '),
        ("<{8}", ">{8}"),
        ("{8}", "{9}"),
        ("return", "yield"),
    ],
)
def test_what_can_change_a_number_is_seen(old: str, new: str) -> None:
    changed = CODE.replace(old, new)
    assert changed != CODE and bare(changed) != bare(CODE)
