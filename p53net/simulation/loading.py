"""Where models come from: the shipped biology with drugs and a cell line, or a file."""

from __future__ import annotations

import warnings
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from p53net.dosing.medium import finite_number
from p53net.engines.base import Tolerances
from p53net.errors import InputError, ModelWarning
from p53net.model import Definition, define
from p53net.model.content import Content, content_of
from p53net.model.definition import TIME_LIMIT
from p53net.model.library import models_folder
from p53net.model.own import FragmentsLike, Tables, TablesLike, Text, as_tables
from p53net.model.structures import StructureLike, as_structure
from p53net.sandbox.locked import warm
from p53net.simulation import accuracy as exact
from p53net.simulation.accuracy import ACCURACY
from p53net.simulation.model import Model

if TYPE_CHECKING:
    from p53net.model.external.sources import SourceLike

_KEPT = 24  # models of studies: a few MB each
_DRAWN, _FITS = "p53net.ensembles.drawn", "p53net.ensembles.fitted"
"""Above this room, which knows them by name only."""
_READER = "p53net.model.external.reader"
_LONGEST = 1e6  # s, of a time limit
_Question: TypeAlias = tuple[
    tuple[str, ...], str | None, str, str | None, tuple[tuple[str, Text], ...],
    tuple[tuple[str, str], ...], Content
]  # fmt: skip
"""Drugs, cell line, system, host, tables of a user's own, structure, and the package's models."""


def load(
    *drugs: str,
    cell_line: str | None = None,
    system: str = "dish",
    host: str | None = None,
    tables: TablesLike = None,
    fragments: FragmentsLike = None,
    structure: StructureLike = None,
    ensemble: object = None,
    fit: object = None,
    draw: int | None = None,
    accuracy: float = ACCURACY,
) -> Model:
    """The loop in `cell_line`, alone or with drugs, at most one of each mechanism.

    `system` says where the cell is: in a "dish", in a "culture" whose cells divide and die, in a
    "tumour" or in the "marrow" of a `host` ("human" or "mouse"); "plasma" is the drug in a host
    without any cell. The cell line is generic, or that of the system: marrow's is "progenitor".

    Names and synonyms are those of `p53net list`, in any case. `tables` hold rows of your own: a
    folder with `drugs.tsv`, `cell_lines.tsv`, `pharmacokinetics.tsv` or `hosts.tsv`, or a mapping
    such as `{"drugs": "mine.tsv"}`, or of what would stand in the file (docs/own.md). `fragments`
    are files of model text of your own, with further read-outs or another mechanism: see
    docs/fragments.md. `structure` says which of the biologies in docs/structures.md the model has:
    `{"partner": "MDMX"}`, or a name of `p53net structures`. `draw` is the number of a draw of an
    `ensemble`, by default the shipped one, or of a `fit`, with its tables: it says what structure
    and values the model has.
    `accuracy` is the largest error of what the model returns, relative to each value, or to a
    millionth of its curve's peak. Raises UnknownNameError, InputError, TableError, ModelError.

    Examples:
        >>> pn.load("KT-253", cell_line="RS4;11")
        <p53net model: KT-253, cell line RS4;11>
        >>> pn.load("milademetan", system="marrow", host="human")
        <p53net model: milademetan, marrow of a human, cell line progenitor>
        >>> pn.load(structure={"partner": "MDMX"}).definition.structure
        {'core': 'p53net', 'partner': 'MDMX', 'residual': 'off', 'CRBN': 'line', 'marrow':
         'staged', 'death': 'threshold', 'clone': 'none', 'p73': 'none'}
    """
    if fit is not None:
        both = {"fit": fit, "ensemble": ensemble, "tables": tables}
        found = import_module(_FITS).with_fit(both, tables=True)
        ensemble, tables = found["ensemble"], found["tables"]
    if ensemble is not None or draw is not None:
        if draw is None:
            raise InputError("an ensemble has many models; say which with draw=, such as draw=17")
        for name, given in (("fragments", fragments), ("structure", structure)):
            if given:
                raise InputError(
                    f"{name} and draw are both given, but a draw of an ensemble has a structure "
                    "and values of its own; give one of them"
                )
        where = {"cell_line": cell_line, "system": system, "host": host}
        one = import_module(_DRAWN).definition_of(ensemble, draw, drugs, where, as_tables(tables))
        return Model(one, accuracy=accuracy)
    return Model(
        define(
            *drugs,
            cell_line=cell_line,
            system=system,
            host=host,
            tables=tables,
            fragments=fragments,
            structure=structure,
        ),
        accuracy=accuracy,
    )


def shared(
    *drugs: str,
    cell_line: str | None = None,
    system: str = "dish",
    host: str | None = None,
    tables: TablesLike = None,
    structure: StructureLike = None,
    tolerances: Tolerances | None = None,
) -> Model:
    """What `load` gives, kept for the next study that asks for the same.

    Tables and model texts count by their content, so that what was edited is read again. Runs are
    pure, so a study's numbers do not depend on who used its model before.
    """
    texts = tuple(as_tables(tables))
    choices = tuple(as_structure(structure).items())
    question = drugs, cell_line, system, host, texts, choices, content_of(models_folder())
    return _kept(question, tolerances)


@lru_cache(maxsize=_KEPT)
def _kept(question: _Question, tolerances: Tolerances | None) -> Model:
    return Model(_defined(question), tolerances)


@lru_cache(maxsize=_KEPT)
def _defined(question: _Question) -> Definition:
    drugs, cell_line, system, host, texts, choices, _ = question
    own, structure = Tables(dict(texts)), dict(choices)
    return define(*drugs, cell_line=cell_line, system=system, host=host, tables=own,
                  structure=structure)  # fmt: skip


def read_sbml(
    source: SourceLike, *, accuracy: float = ACCURACY, time_limit: float = TIME_LIMIT
) -> Model:
    """The model in an SBML file that is not ours, of Level 2 or 3, ready to simulate and sweep.

    `source` is the name of a file, the text of one, which begins with `<`, or its bytes.
    Runs begin at the start values of the file and follow its events and rules. `simulate` returns
    species (amounts where the file says `hasOnlySubstanceUnits`, else concentrations), variables of
    assignment rules and of rate rules, one value for each time, in the units of the file: `times`
    are in its unit of time. Parameters, compartments and constant species can be changed, and start
    values that depend on them follow. There are no doses, no feedback to open and no steady state.

    Only the file itself is read, at most 20 MiB, in a process that can open neither files nor
    connections; all runs on RoadRunner are made there, too: see docs/trust.md. Reading, compiling
    and each run may take `time_limit` seconds of the processor and 4 GiB of memory.
    Raises InputError for a file that cannot be read, ModelError for one that is not sound SBML,
    that needs other packages than `comp`, or has delays, algebraic rules that are linear in
    nothing, no reactions but such without rates, or quantities without values; or that ends its
    process, with the part that is likely to do that. Fast reactions, which run at equilibrium, and
    reactions without rates, which stand still, are a ModelWarning.

    Examples:
        >>> path = pn.export(pn.load(), "loop.xml")  # stands for a file that you have
        >>> model = pn.read_sbml(path)
        >>> model
        <p53net model: p53_loop, read from a file>
        >>> model.simulate([0, 10], parameters={"k_syn_p53": 0})["p53_total"].values.round(3)
        array([25.413,  0.   ])
    """
    exact.checked_accuracy(accuracy)
    if not 0.0 < finite_number(time_limit, "time_limit", "s") <= _LONGEST:
        raise InputError(f"time_limit is {time_limit:g} s; give more than 0, at most {_LONGEST:g}")
    warm(_READER)  # while this process imports what it needs of libSBML itself

    from p53net.model.external.apart import read_apart

    definition = read_apart(source, float(time_limit))
    for remark in definition.remarks:
        warnings.warn(f"{definition.id}: {remark}", ModelWarning, stacklevel=2)
    return Model(definition, accuracy=accuracy)
