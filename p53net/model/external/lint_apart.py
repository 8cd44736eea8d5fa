"""The findings of a stranger's file, from a process apart."""

from p53net.model.external.findings import ERROR, Finding
from p53net.model.external.sources import SourceLike, source_of
from p53net.sandbox.locked import Ended, Locked, Odd

_LINT = "p53net.model.external.lint"


def findings_apart(given: SourceLike, time_limit: float) -> list[Finding]:
    """What `lint.findings_of` gives; one finding where the file ends the process, or takes too
    long. Raises InputError for what cannot be read."""
    source = source_of(given)
    with Locked((_LINT,)) as process:
        try:
            found: list[Finding] = process.call(f"{_LINT}:findings_of", *source, within=time_limit)
        except (Ended, Odd) as what:
            return [Finding(ERROR, "reading", source.name, 0, f"it cannot be looked at: {what}")]
    return found
