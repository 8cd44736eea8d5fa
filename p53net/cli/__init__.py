"""The command line. Data go to stdout as CSV, everything else to stderr; errors exit with 1."""

import io
import sys

from p53net.cli import assays as assays
from p53net.cli import bodies as bodies
from p53net.cli import certifying as certifying
from p53net.cli import checkerboards as checkerboards
from p53net.cli import ensembles as ensembles
from p53net.cli import fits as fits
from p53net.cli import inferring as inferring
from p53net.cli import judging as judging
from p53net.cli import laboratory as laboratory
from p53net.cli import linting as linting
from p53net.cli import matching as matching
from p53net.cli import models as models
from p53net.cli import own as own
from p53net.cli import pages as pages
from p53net.cli import sensitivity as sensitivity
from p53net.cli import sweeps as sweeps
from p53net.cli.terminal import app as app
from p53net.cli.terminal import said
from p53net.errors import OutputError, P53NetError

_INTERRUPTED = 130  # exit status, by custom


def main() -> None:
    """Entry point: one clear line on stderr for an error, never a traceback for bad input."""
    try:
        if sys.stdout is None:
            raise OutputError("standard output is closed; open it, or write a file with --out")
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")
        own.add_installed()
        app(prog_name="p53net")
    except P53NetError as error:
        said.print(f"error: {error}", style="red", soft_wrap=True)
        raise SystemExit(1) from None
    except SystemExit as end:
        if end.code == _INTERRUPTED:  # typer exits without a word
            said.print("interrupted")
        raise
    except KeyboardInterrupt:
        said.print("interrupted")
        raise SystemExit(_INTERRUPTED) from None
