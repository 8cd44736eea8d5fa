"""Reading a stranger's file in a process without files and network, which may die of it."""

from dataclasses import replace

from p53net.errors import ModelError
from p53net.model.definition import TIME_LIMIT, Definition
from p53net.model.external.culprits import culprit_of
from p53net.model.external.sources import Source, SourceLike, source_of
from p53net.sandbox.locked import Ended, Locked, Odd

READER = "p53net.model.external.reader"


def read_apart(given: SourceLike, time_limit: float = TIME_LIMIT) -> Definition:
    """What `reader.definition_of` gives.

    Raises InputError for what cannot be read, ModelError for what is no sound model, and for what
    ends the process that reads it, or keeps it for longer than `time_limit` seconds: then with the
    part of the file that is likely to do that.
    """
    source = source_of(given)
    with Locked((READER,)) as process:
        try:
            found: Definition = process.call(f"{READER}:definition_of", *source, within=time_limit)
        except Ended as how:
            raise ModelError(
                f"{source.name} cannot be read: {how}{_cause(source, time_limit)}"
            ) from None
        except Odd as what:
            raise ModelError(
                f"{source.name} cannot be read, for a reason that was not foreseen ({what}); "
                "simplify it"
            ) from None
    inner = found.equilibrium and replace(found.equilibrium, time_limit=time_limit)
    return replace(found, time_limit=time_limit, equilibrium=inner)


def _cause(source: Source, time_limit: float) -> str:
    def ends(content: bytes, seconds: float) -> bool:
        with Locked((READER,)) as process:
            try:
                process.call(f"{READER}:definition_of", source.name, content, "", within=seconds)
            except Ended:
                return True
            except (ModelError, Odd):
                return False
        return False

    return culprit_of(source.content, ends, time_limit)
