"""Mutants that no test can see, and why."""

EQUIVALENT: tuple[tuple[str, int, str, str], ...] = ()
"""Fragment, line, the line as it became, and the reason."""
