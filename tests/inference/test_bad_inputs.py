"""Bad input to ensembles, priors, evidence, answers and `infer`: one clear error each."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import p53net as pn
from p53net.ensembles.draws import Ensemble
from p53net.errors import InputError, P53NetError, StoreError, TableError, UnknownNameError
from p53net.evidence.published import observations
from p53net.inference.likelihood import Likelihood
from p53net.inference.priors import Space, priors
from p53net.inference.target import Target
from p53net.model.library import models_folder
from p53net.model.own import as_tables
from tests.support.draws import drawn
from tests.support.own_evidence import OBSERVATION, own_tables, written

FEW, MANY = drawn(4), drawn(60)
Call = Callable[[Path], object]

PRIOR = {
    "entry": "model", "parameter": "Kd_p53", "distribution": "log-normal", "centre": "100",
    "spread": "5", "low": "", "high": "", "unit": "nM", "with": "", "correlation": "",
    "reason": "a test", "source": "",
}  # fmt: skip


def prior(*changes: dict[str, str]) -> Call:
    def call(folder: Path) -> object:
        rows = [{**PRIOR, **change} for change in changes]
        return priors(own=written(folder, "priors.tsv", *rows))

    return call


def observed(*changes: dict[str, str], without: str = "") -> Call:
    """Of a row that counts in a likelihood."""

    def call(folder: Path) -> object:
        rows = [{**OBSERVATION, **change} for change in changes]
        kept = [{name: cell for name, cell in row.items() if name != without} for row in rows]
        path = written(folder, "observations.tsv", *kept)
        rows = observations(as_tables({"observations": path}))
        return Likelihood(lambda _v: {}, ["kt253_dc50"], rows)

    return call


def saved(table: pd.DataFrame, **about: object) -> Call:
    def call(folder: Path) -> object:
        notes = {**FEW.about, **about}
        return pn.ensemble(Ensemble(table, notes).save(folder / "mine.parquet"))

    return call


def file(content: bytes) -> Call:
    def call(folder: Path) -> object:
        path = folder / "mine.parquet"
        path.write_bytes(content)
        return pn.ensemble(path)

    return call


def infer(**given: object) -> Call:
    """With next to nothing to do, should it be let in."""
    few = {"structures": ["default"], "runs": 1, "particles": 2, "moves": 1, "kept": 1,
           "between": 1, "draws": 1, "workers": 1}  # fmt: skip

    def call(folder: Path) -> object:
        made = {name: one(folder) if callable(one) else one for name, one in given.items()}
        return pn.infer(**{**few, "folder": folder / "store", **made})  # type: ignore[arg-type]

    return call


def measured(read_out: str, **row: str) -> Call:
    """`infer` with a row of one's own, beside a line of one's own."""
    return infer(tables=lambda folder: own_tables(folder, {"read_out": read_out, **row}))


def unknown_prior(folder: Path) -> object:
    row = {"read_out": "p53_total:24", "line": "ourline", "system": "culture"}
    return infer(tables=lambda _f: own_tables(folder, row, priors=False))(folder)


def replacing(folder: Path) -> object:
    """A line of one's own with the name of one of the package's."""
    path = own_tables(folder)
    table = path / "cell_lines.tsv"
    table.write_text(table.read_text().replace("ourline", "rs4;11"))
    (path / "priors.tsv").unlink()
    return infer(tables=lambda _f: path)(folder)


def bare(folder: Path) -> Path:
    """A table of observations with a row that has no interval."""
    return written(folder, "mine.tsv", {**OBSERVATION, "low": ""})


def both(folder: Path) -> Mapping[str, Path]:
    return {"observations": written(folder, "other.tsv", OBSERVATION)}


def a_file(folder: Path) -> Path:
    path = folder / "notes.txt"
    path.write_text("x")
    return path


def foreign(folder: Path) -> Path:
    """A store of another posterior."""
    path = folder / "other"
    path.mkdir()
    (path / "infer.json").write_text(
        '{"models": "0000000000000000", "settings": {}, "seed": 1, "own": {}}'
    )
    return path


TABLE = FEW.table
WORDS = TABLE.assign(**{"model: k_syn_p53": "much"})

CASES: dict[str, tuple[Call, type[P53NetError], str]] = {
    # ensembles
    "no ensemble there": (lambda f: pn.ensemble(f / "none.parquet"), InputError, "none.parquet"),
    "a folder": (lambda f: pn.ensemble(f), InputError, "is a folder"),
    "a number for a path": (lambda _f: pn.ensemble(3), InputError, "not a path"),  # type: ignore[arg-type]
    "no Parquet": (file(b"draw,structure\n"), InputError, "p53net infer"),
    "a cut Parquet": (file(b"PAR1" + bytes(40) + b"PAR1"), InputError, "p53net infer"),
    "other models": (saved(TABLE, models="0" * 16), InputError, "other models"),
    "no models named": (saved(TABLE, models=None), InputError, "other models"),
    "not converged": (saved(TABLE, converged=False, why="R-hat 1.3"), InputError, "R-hat 1.3"),
    "no draws": (saved(TABLE.iloc[:0]), InputError, "no draws"),
    "no structures": (saved(TABLE.drop(columns="structure")), InputError, "no draws"),
    "a column of words": (saved(WORDS), TableError, "k_syn_p53 is no"),
    "a column without entry": (saved(TABLE.assign(k=1.0)), TableError, "column k is no"),
    "a draw too many": (lambda _f: FEW.trial(4), InputError, "give 0 to 3"),
    "a draw below none": (lambda _f: FEW.structure(-1), InputError, "give 0 to 3"),
    "half a draw": (lambda _f: FEW.trial(1.5), InputError, "whole number"),  # type: ignore[arg-type]
    "thinned to nothing": (lambda _f: FEW.thinned(0), InputError, "1 or more"),
    "a word for an ensemble": (
        lambda _f: pn.escape(["milademetan"], ensemble="my.parquet"), P53NetError, "my.parquet"),  # type: ignore[arg-type]
    # priors
    "bounds crossed": (prior({"low": "300", "high": "200"}), TableError, "low bound below"),
    "a middle outside": (prior({"low": "200", "high": "300"}), TableError, "not between"),
    "a spread below 1": (prior({"spread": "0.5"}), TableError, "a factor, above 1"),
    "an unknown distribution": (prior({"distribution": "gamma"}), TableError, "gamma"),
    "an unknown entry": (prior({"entry": "modle"}), TableError, "modle"),
    "an unknown parameter": (prior({"parameter": "Kd_p35"}), TableError, "Kd_p53"),
    "another unit": (prior({"unit": "uM"}), TableError, "in nM"),
    "no reason": (prior({"reason": ""}), TableError, "reason is missing"),
    "a word for a number": (prior({"centre": "hundred"}), TableError, "finite number"),
    "a prior twice": (prior({}, {}), TableError, "stands twice"),
    "a partner that is fixed": (
        prior({"with": "model: ATM_total", "correlation": "0.5"}), TableError, "is fixed"),
    "a partner of its own": (
        prior({"with": "model: Kd_p53", "correlation": "0.5"}), TableError, "circle"),
    "a correlation of 1": (
        prior({"with": "model: k_syn_p53", "correlation": "1"}), TableError, "between -1 and 1"),
    "no width": (lambda _f: Space([], width=0.0), InputError, "a number above 0"),
    "coordinates of another space": (
        lambda _f: Space([priors()["model: Kd_p53"]]).values(np.zeros((2, 3))),
        InputError, "give [n, 1]"),
    # evidence
    "no low end": (observed({"low": ""}), InputError, "without an interval"),
    "no high end": (observed({"high": ""}), InputError, "without an interval"),
    "an empty interval": (observed({"low": "0.8"}), InputError, "is empty"),
    "a value outside": (observed({"value": "4"}), InputError, "outside its interval"),
    "an observation twice": (observed({}, {}), TableError, "stands twice"),
    "an interval of words": (observed({"low": "few"}), TableError, "'few' is not a number"),
    "an unknown tier": (observed({"tier": "hearsay"}), TableError, "hearsay"),
    "an unknown origin": (observed({"interval_origin": "felt"}), TableError, "felt"),
    "no source": (observed({"source": ""}), TableError, "where it comes from"),
    "no column of units": (observed({}, without="unit"), TableError, "unit are missing"),
    "a row that is none": (
        lambda _f: Likelihood(lambda _v: {}, ["kt253_dc5"], observations()),
        UnknownNameError, "kt253_dc50"),
    "a structure that is none": (lambda _f: Target("defualt"), P53NetError, "default"),
    # rows of evidence of one's own
    "a row that nothing predicts": (measured(""), InputError, "column `read_out`"),
    "a read-out of a row of the ledger": (
        measured("p53_total:24", id="kt253_dc50"), InputError, "an id of its own"),
    "a read-out of words": (measured("about twice"), InputError, "not understood; write"),
    "a read-out that compares": (measured("p53_total:24 > 3"), InputError, "not understood"),
    "a read-out of numbers": (measured("2*3"), InputError, "names nothing"),
    "an unknown assay": (
        measured('ec50["KT-253","RS4;11"]'), UnknownNameError, "mine: unknown assay 'ec50'"),
    "an assay of nothing": (measured("ic50"), InputError, 'ic50["DRUG","LINE"]'),
    "an assay at an hour": (measured('ic50:24["KT-253"]'), InputError, "one time only"),
    "a drug that degrades nothing": (
        measured('dc50["milademetan","ourline"]'), InputError, "no degrader"),
    "an unknown drug of a row": (
        measured('ic50["milademetam","ourline"]'), UnknownNameError, "milademetan"),
    "an unknown drug of a run": (
        measured("p53_total:24", drug="KT-254"), UnknownNameError, "KT-253"),
    "an unknown line of an assay": (
        measured('ic50["KT-253","outline"]'), UnknownNameError, "'ourline'"),
    "an unknown line of a run": (
        measured("p53_total:24", line="outline"), UnknownNameError, "'ourline'"),
    "an unknown line in brackets": (
        measured('p53_total:24["outline"]'), UnknownNameError, "'ourline'"),
    "a body": (measured("p53_total:24", system="tumour"), InputError, "dish or culture"),
    "a dose of words": (
        measured("p53_total:24", drug="KT-253", dose="a lot"), InputError, "write 100 nM"),
    "a dose with two points": (
        measured("p53_total:24", drug="KT-253", dose="1.2.3 nM"), InputError, "write 100 nM"),
    "a dose of nothing": (measured("p53_total:24", dose="10 nM"), InputError, "no drug is named"),
    "an hour in a year": (measured("p53_total:9000"), InputError, "later than 672 h"),
    "an unknown quantity": (measured("p35_total:24"), UnknownNameError, "'p53_total'"),
    "a quantity without an hour": (measured("p53_total"), UnknownNameError, "p53_total:24"),
    "a parameter that no cell has": (measured("k_deg_MDM3"), UnknownNameError, "'k_deg_MDM2'"),
    "a quantity of another structure": (
        measured("MDMX_total:0"), UnknownNameError, "structure default"),
    "an assay in another unit": (
        measured('ic50["KT-253"]', unit="uM"), InputError, "is in nM; convert"),
    "a fold in nM": (measured("p53_total:24/p53_total:0"), InputError, "is in 1 or fold"),
    "a parameter in another unit": (
        measured("k_deg_MDM2", unit="min"), InputError, "per_hour or 1/h"),
    "a row of one's own without a low end": (
        measured("p53_total:24", low=""), InputError, "mine: without an interval"),
    "a row of one's own outside of its interval": (
        measured("p53_total:24", value="4"), InputError, "outside its interval"),
    "an own line without a prior": (unknown_prior, InputError, "reads ourline: k_growth"),
    "an own line in place of the package's": (replacing, InputError, "a name of its own"),
    # answers and claims
    "no answer": (lambda _f: pn.next_experiment([], ensemble=MANY), InputError, "give one"),
    "an unknown answer": (
        lambda _f: pn.next_experiment(["dose_ration:3"], ensemble=MANY), P53NetError, "dose_ratio"),
    "an answer without its fold": (
        lambda _f: pn.next_experiment(["dose_ratio"], ensemble=MANY), P53NetError, "dose_ratio:3"),
    "an unknown drug": (
        lambda _f: FEW.probability('dose_ratio:3["milademetam"] > 2'), P53NetError, "milademetan"),
    "a claim that compares nothing": (
        lambda _f: FEW.probability('dose_ratio:3["KT-253"]'), P53NetError, "compare"),
    "a claim with a call": (
        lambda _f: FEW.probability('print("x") > 2'), P53NetError, "print"),
    "no claim": (lambda _f: FEW.probability(7), InputError, "must be a text"),  # type: ignore[arg-type]
    # infer
    "no structure": (infer(structures=[]), InputError, "give one to 8"),
    "a structure twice": (infer(structures=["default", "default"]), InputError, "each once"),
    "an unknown structure": (infer(structures=["defualt"]), P53NetError, "default"),
    "a published core": (infer(structures=["Hunziker2010"]), InputError, "Hunziker2010"),
    "no runs": (infer(runs=0), InputError, "runs is 0"),
    "half a particle": (infer(particles=2.5), InputError, "particles is 2.5"),
    "yes for a number": (infer(moves=True), InputError, "moves is True"),
    "fewer than no draws": (infer(draws=-1), InputError, "draws is -1"),
    "nothing kept": (infer(kept=0), InputError, "kept is 0"),
    "a seed below 0": (infer(seed=-1), InputError, "seed is -1"),
    "no workers": (infer(workers=0), InputError, "workers is 0"),
    "observations that are not there": (
        infer(observations="none.tsv"), P53NetError, "none.tsv"),
    "observations twice": (infer(observations=bare, tables=both), InputError, "give them once"),
    "an unknown table": (infer(tables={"observation": "x.tsv"}), P53NetError, "observations"),
    "a folder that is a file": (infer(folder=a_file), P53NetError, "notes.txt"),
    "a folder of another posterior": (infer(folder=foreign), StoreError, "other models"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_bad_input_has_one_clear_error(name: str, tmp_path: Path) -> None:
    call, kind, words = CASES[name]
    with pytest.raises(kind) as caught:
        call(tmp_path)
    said = str(caught.value)
    assert words in said
    assert 10 < len(said) < 600 and "Traceback" not in said


def test_nothing_is_left_where_a_folder_was_refused(tmp_path: Path) -> None:
    path = foreign(tmp_path)
    before = (path / "infer.json").read_bytes()
    with pytest.raises(StoreError):
        infer(folder=lambda _f: path)(tmp_path)
    assert (path / "infer.json").read_bytes() == before
    assert not list(path.glob("*.npz"))


def test_the_tables_that_these_are_changes_of_are_good(tmp_path: Path) -> None:
    assert (models_folder() / "priors.tsv").exists()
    assert prior({})(tmp_path)
    assert observed({})(tmp_path)
    loaded = saved(TABLE)(tmp_path)
    assert isinstance(loaded, Ensemble) and len(loaded) == 4
