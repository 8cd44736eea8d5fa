"""Commands of studies that are not ours, and results made again from their records."""

import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import pandas as pd
import typer
import xarray as xr

from p53net.cli.studies import PRINT, NoPlot, Size, finish
from p53net.cli.terminal import (
    Engine,
    OwnTables,
    Settings,
    Structures,
    app,
    said,
    settings_of,
    structure_of,
    tables_of,
    write,
)
from p53net.errors import InputError
from p53net.studies import catalogue
from p53net.studies.catalogue import Study

_ARCHIVES = (".omex", ".sedx", ".zip")
_PLAIN = (str, int, float, bool, str | None, int | None, float | None, list[str])
_ALLOWED = "str, int, float, bool, one of these or None, or list[str]"


@app.command()
def rerun(
    record: Annotated[Path, typer.Argument(help="The .json that a command wrote.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the results.")] = Path("rerun"),
    no_plot: NoPlot = False,
    size: Size = PRINT,
    files: Annotated[
        bool, typer.Option("--files", help="Allow to read files above 5 MB that it names.")
    ] = False,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Run it though versions or models differ.")
    ] = False,
) -> None:
    """Make a result again from its record: the same numbers, tables and figure.

    Example: p53net rerun escape/escape.json
    """
    from p53net.repeating import rerun as again

    with said.status("running"):
        result = again(record, files=files, anyway=anyway)
    finish(result, tables_by_dimensions(result), out, no_plot, size=size)


@app.command(context_settings={"allow_extra_args": True, "allow_interspersed_args": False,
                               "ignore_unknown_options": True})  # fmt: skip
def run(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="A COMBINE archive, or a Python file with studies of your own.")
    ],
) -> None:
    """Run a COMBINE archive (.omex), or a study of your own from a Python file.

    An archive: p53net run study.omex -o out/

    Every uniform time course in its SED-ML is run: tables as CSV, a figure, and run.json go into
    the folder. Nothing in an archive is executed, unpacked or fetched.

    A study is a function with the decorator `pn.study`; the code of the file runs.

    Example: p53net run own_study.py ladder KT-253 --hours 4
    """
    if str(file) in ("-h", "--help"):  # of this command: those after a file are of its studies
        write(context.get_help())
        return
    if file.suffix.lower() in _ARCHIVES:
        group = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        group.command()(_archive_command(file))
        group(args=context.args, prog_name=f"p53net run {file}")
        return
    studies = _studies_in(file)
    if not studies:
        raise InputError(f"{file} has no study; decorate a function with @pn.study()")
    group = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False,
                        context_settings={"help_option_names": ["-h", "--help"]})  # fmt: skip
    group.callback()(_callback(file))
    for study in studies:
        group.command(study.name)(command_of(study))
    group(args=context.args, prog_name=f"p53net run {file}")


def _archive_command(file: Path) -> Callable[..., None]:
    def command(
        out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")] = Path(
            "out"
        ),
    ) -> None:
        from p53net.exchange.running import run_archive

        with said.status("running"):
            tables = run_archive(file, out)
        rows = ", ".join(f"{name} ({len(table):,} rows)" for name, table in tables.items())
        said.print(f"wrote {rows or 'figures'} to {out}/", soft_wrap=True)

    command.__doc__ = f"Run the archive {file}."
    return command


def add_installed() -> None:
    """Make a command of every study that an installed package names."""
    for name, study in catalogue.installed().items():
        app.command(name)(command_of(study))


def command_of(study: "Study[Any]") -> Callable[..., None]:
    """The command of a study: its arguments as options, and a folder for what it gives.

    Raises InputError for an argument that a command line cannot give.
    """
    function = inspect.unwrap(study.function)
    hints, places = get_type_hints(function), inspect.signature(function).parameters
    options = [_option(study.name, place, hints.get(place.name, str)) for place in places.values()]
    folder = Annotated[Path, typer.Option("--out", help="Folder for the results.")]
    keyword = inspect.Parameter.KEYWORD_ONLY
    options += [
        inspect.Parameter("out", keyword, default=Path(study.name), annotation=folder),
        inspect.Parameter("no_plot", keyword, default=False, annotation=NoPlot),
        inspect.Parameter("size", keyword, default=PRINT, annotation=Size),
    ]

    def command(out: Path, no_plot: bool, size: str, **given: Any) -> None:  # noqa: ANN401 - as written
        if "tables" in given:
            given["tables"] = tables_of(given["tables"])
        if "structure" in given:
            given["structure"] = structure_of(given["structure"])
        if "parameters" in given:
            given["parameters"] = settings_of(given["parameters"] or [])
        with said.status("running"):
            result = study(**given)
        finish(
            result, tables_by_dimensions(result), out, no_plot or study.figure is None, size=size
        )

    command.__doc__ = study.function.__doc__
    command.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
    return command


def tables_by_dimensions(result: xr.Dataset) -> dict[str, pd.DataFrame]:
    """A table for each set of dimensions that variables of a result have, the largest last."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, variable in result.data_vars.items():
        groups.setdefault(tuple(map(str, variable.dims)), []).append(str(name))
    study = str(result.attrs.get("study", "result"))
    found: dict[str, pd.DataFrame] = {}
    for dims in sorted(groups, key=len):
        chosen = result[groups[dims]]
        frame = chosen.to_dataframe().reset_index() if dims else pd.DataFrame(
            {name: [chosen[name].item()] for name in groups[dims]}
        )  # fmt: skip
        found[study if not found else f"{study}_by_{'_'.join(dims)}"] = frame
    return found


def _option(study: str, place: inspect.Parameter, kind: Any) -> inspect.Parameter:  # noqa: ANN401
    name, default = place.name, place.default
    special = {"tables": OwnTables, "parameters": Settings, "engine": Engine,
               "structure": Structures}  # fmt: skip
    if name in special and default is not inspect.Parameter.empty:
        return place.replace(kind=place.KEYWORD_ONLY, annotation=special[name])
    if kind not in _PLAIN:
        raise InputError(
            f"the study {study} has the argument {name} of type {kind}; a command takes {_ALLOWED}"
        )
    if default is inspect.Parameter.empty:
        about: Any = typer.Argument(metavar=name.upper())
    else:
        about = typer.Option(f"--{name.replace('_', '-')}")
    return place.replace(kind=place.KEYWORD_ONLY, annotation=Annotated[kind, about])


def _callback(file: Path) -> Callable[[], None]:
    def callback() -> None:
        pass

    callback.__doc__ = f"Studies in {file}."
    return callback


def _studies_in(file: Path) -> "list[Study[Any]]":
    """Studies of a Python file, which is run as a module of its name."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if file.suffix != ".py" or not file.is_file() or spec is None or spec.loader is None:
        raise InputError(f"{file} is no Python file; name one that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module  # so that its functions can be sent to workers
    spec.loader.exec_module(module)
    return [one for one in vars(module).values() if isinstance(one, Study)]
