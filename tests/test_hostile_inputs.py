"""Inputs from strangers and by mistake: files that are none, odd encodings, values of any type.

Every one ends in an error of ours, at once: nothing is waited for and nothing fills the memory.
"""

import datetime
import decimal
import os
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import example, given, settings
from hypothesis import strategies as st

import p53net as pn
from p53net import files
from p53net.dosing.amounts import _UNITS
from p53net.files import read_bytes
from p53net.model import drug_entries
from p53net.model.external.sources import LARGEST_FILE
from p53net.model.own import LARGEST_TABLE
from p53net.sweeps import design

MODEL = pn.load("milademetan")
RUN: dict[str, Any] = {"times": [0.0, 1.0], "workers": 0, "observables": ["p53"]}
SBML = MODEL.sbml()
HEAD, BODY = SBML.split("?>", 1)
COLUMNS = "parameter\tvalue\tunit\tkind\tsource\tnote\n"
NAN = float("nan")


class Silent:
    """An object without words that cannot be made an array."""

    def __str__(self) -> str:
        raise RuntimeError

    def __array__(self, *_more: object, **_named: object) -> Any:
        raise RuntimeError


class Named:
    """A path as operating systems have it, in bytes, or what is none at all."""

    def __init__(self, name: Any) -> None:
        self.name = name

    def __fspath__(self) -> Any:
        return self.name


# Files


def sweep(path: Any) -> object:
    return pn.sweep(MODEL, path, **RUN)


def drugs(path: Any) -> object:
    return pn.load("x", tables={"drugs": path})


READERS: dict[str, tuple[Callable[[Any], object], type[Exception], int]] = {
    "read_sbml": (pn.read_sbml, pn.InputError, LARGEST_FILE),
    "drugs": (drugs, pn.TableError, LARGEST_TABLE),
    "cell_lines": (lambda path: pn.load(cell_line="x", tables={"cell_lines": path}), pn.TableError,
                   LARGEST_TABLE),
    "pharmacokinetics": (
        lambda path: pn.load("milademetan", system="plasma", tables={"pharmacokinetics": path}),
        pn.TableError, LARGEST_TABLE,
    ),
    "sweep": (sweep, pn.InputError, design.LARGEST_TABLE),
}  # fmt: skip


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe.parquet"
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("name", READERS)
def test_only_regular_files_are_read(name: str, tmp_path: Path, pipe: Path) -> None:
    read, kind, _ = READERS[name]
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "link").symlink_to("/dev/zero")
    # What ends, or is refused by the system, comes first: without the check the others never end.
    for path, said in (
        ("/dev/null", "it is a device; name a regular file"),
        (tmp_path, "it is a folder; name a regular file"),
        (tmp_path / "loop", "symbolic links"),
        (tmp_path / "none", "No such file"),
        (tmp_path / "link", "it is a device"),
        (pipe, "it is a pipe; name a regular file"),
    ):
        with pytest.raises(kind, match=f"cannot read .*{said}"):
            read(str(path) if name == "sweep" else path)


@pytest.mark.parametrize("name", READERS)
def test_a_file_that_is_too_large_is_not_read(name: str, tmp_path: Path) -> None:
    read, kind, limit = READERS[name]
    path = tmp_path / "large.csv"
    path.touch()
    os.truncate(path, limit + 1)  # a hole: it takes no room
    with pytest.raises(kind, match=rf"too large.* at most {limit / 2**20:,.0f} are allowed"):
        read(path)


@pytest.mark.parametrize("name", [n for n in READERS if n != "sweep"])
@pytest.mark.parametrize("path", [5, None, b"model.xml", ["a"], Named(b"\0"), Named(3), "a\0b", "",
                                  "\ud800", "a" * 5000])  # fmt: skip
def test_what_is_no_path(name: str, path: Any) -> None:
    read, kind, _ = READERS[name]
    content = name == "read_sbml" and isinstance(path, bytes)  # bytes are a file's content there
    with pytest.raises(pn.ModelError if content else kind):
        read(path)


def test_links_and_paths_in_bytes_are_followed(tmp_path: Path) -> None:
    path, link = tmp_path / "model.xml", tmp_path / "link"
    path.write_text(SBML, encoding="utf-8")
    link.symlink_to(path)
    assert read_bytes(link, 10**7, "it") == SBML.encode()
    assert pn.read_sbml(link).definition.id == MODEL.definition.id
    assert pn.read_sbml(Named(os.fsencode(path))).definition.id == MODEL.definition.id  # type: ignore[arg-type]


def test_a_pipe_is_never_opened(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files.os, "open", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(pn.InputError, match="it is a pipe"):
        read_bytes(pipe, 100, "it")


def test_a_pipe_that_takes_the_place_of_a_file(
    tmp_path: Path, pipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    plain = os.open

    def replaced(name: Any, flags: int) -> int:
        assert flags & os.O_NONBLOCK
        return plain(pipe, flags)

    monkeypatch.setattr(files.os, "open", replaced)
    with pytest.raises(pn.InputError, match="it is a pipe"):
        read_bytes(path, 100, "it")


def test_the_limit_holds_while_a_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, plain, taken = tmp_path / "file", os.read, list[int]()
    path.write_bytes(b"x" * 100)
    assert len(read_bytes(path, 100, "it")) == 100

    def growing(handle: int, size: int) -> bytes:
        taken.append(handle)
        with path.open("ab") as file:
            file.write(b"x")
        return plain(handle, min(size, 50))

    monkeypatch.setattr(files.os, "read", growing)
    with pytest.raises(pn.InputError, match=r"larger than it says.* are allowed"):
        read_bytes(path, 100, "it")
    assert len(taken) == 3


def test_a_file_that_says_it_is_empty() -> None:
    path = Path("/proc/self/status")
    if not path.is_file():
        pytest.skip("there is no /proc")
    assert path.stat().st_size == 0 and len(path.read_bytes()) > 100
    with pytest.raises(pn.InputError, match="larger than it says"):
        read_bytes(path, 100, "it")


@pytest.mark.parametrize("reader", ["pn.read_sbml(p)", "pn.load('x', tables={'drugs': p})",
                                    "pn.sweep(pn.load(), p)"])  # fmt: skip
@pytest.mark.slow
def test_the_standard_input_is_no_file(reader: str) -> None:
    code = f"import p53net as pn\np = '/dev/stdin'\ntry: {reader}\nexcept pn.P53NetError as e: "
    with subprocess.Popen(
        [sys.executable, "-c", code + "print(e)"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    ) as child:  # fmt: skip
        assert child.stdout is not None  # its input stays open, so that reading would wait
        assert "/dev/stdin: it is a pipe" in child.stdout.read()


# Encodings


def encoded(encoding: str, codec: str = "utf-8") -> bytes:
    return f'<?xml version="1.0" encoding="{encoding}"?>{BODY}'.encode(codec)


ENCODINGS = {
    **{f"declared {name}": encoded(name) for name in (
        "foo-bar", "utf-7", "rot13", "hex", "idna", "shift_jis", "utf-16", "utf-16-le", "utf-32",
        "latin-1", "ISO-8859-1", "us-ascii", "unicode_escape", "x" * 500)},
    **{f"{name}, in {codec}": encoded(name, codec)
       for codec in ("utf-16", "utf-16-le", "utf-16-be", "utf-32") for name in (codec, "UTF-8")},
    **{f"nothing declared, in {codec}": BODY.strip().encode(codec)
       for codec in ("utf-16", "utf-16-le", "utf-16-be")},
    "NUL": b"\0",
    "NUL inside": SBML.replace("<model", "\0<model").encode(),
    "NUL at the end": SBML.encode() + b"\0",
    "declaration alone": b'<?xml version="1.0" encoding="foo-bar"?>',
}  # fmt: skip


@pytest.mark.parametrize("name", ENCODINGS)
def test_sbml_that_is_not_utf8(name: str, tmp_path: Path) -> None:
    path = tmp_path / "model.xml"
    path.write_bytes(ENCODINGS[name])
    with pytest.raises(pn.ModelError, match=r"is not (UTF-8|XML).*save it as UTF-8"):
        pn.read_sbml(path)


@pytest.mark.parametrize("content", [
    b"", b" \n", b"\xef\xbb\xbf", b"\xef\xbb\xbf" * 2 + SBML.encode(), HEAD.encode() + b"?>",
    SBML.encode()[:500], SBML.replace("<model", "<!--\xe4--><model").encode("latin-1"),
])  # fmt: skip
def test_sbml_that_is_no_xml(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.xml"
    path.write_bytes(content)
    with pytest.raises(pn.ModelError, match="is not XML"):
        pn.read_sbml(path)


@pytest.mark.parametrize("content", [encoded("utf-8"), b"\xef\xbb\xbf" + SBML.encode(),
                                     BODY.strip().encode()])  # fmt: skip
def test_utf8_in_every_form(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.xml"
    path.write_bytes(content)
    assert pn.read_sbml(path).definition.id == MODEL.definition.id


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=100).map(
            lambda name: (
                b'<?xml version="1.0" encoding="' + name.encode("utf-8", "replace") + b'"?><a/>'
            )
        ),
    )
)
def test_bytes_of_any_kind_are_no_sbml(tmp_path_factory: Any, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.xml"
    path.write_bytes(content)
    with pytest.raises(pn.ModelError):
        pn.read_sbml(path)


@pytest.mark.parametrize("content", [
    b"", b"\0", b"\xff\xfe", f"drug\t{COLUMNS}".encode("utf-16"), f"drug\t{COLUMNS}x\0".encode(),
    f"drug\t{COLUMNS}x\tmechanism\tinhibitor\t\t\t\t\n"
    "x\tKi_inhibitor\t1\tnM\tassumed\t\t\x01\n".encode(),
    f"drug\t{COLUMNS}x\tmechanism\t{'i' * 200_000}\n".encode(), b"drug\n" * 1000,
])  # fmt: skip
def test_tables_that_are_no_text(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "my.tsv"
    path.write_bytes(content)
    with pytest.raises(pn.TableError, match=r"my\.tsv"):
        drugs(path)


CELL = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["x", "mechanism", "inhibitor", "degrader", "synonym", "molar_mass", "nM", "1",
                     "1e400", "Ki_inhibitor", "assumed", "measured", "inchikey", "nM**9**9", "m^-9",
                     "kg*", "((", "", "dimensionless", "1/h", "nan", "route", "description"]),
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(CELL, max_size=8), max_size=6), st.booleans())
def test_tables_with_anything_in_them(
    tmp_path_factory: Any, cells: list[list[str]], sound: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.tsv"
    start = "x\tmechanism\tinhibitor\t\t\t\t\nx\t" if sound else ""
    text = f"drug\t{COLUMNS}{start}" + "\n".join("\t".join(row) for row in cells)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        pn.load("x", tables={"drugs": path})
    except pn.P53NetError as error:
        assert str(error)


# Points of sweeps


def test_points_in_a_broken_or_foreign_file(tmp_path: Path) -> None:
    frame = pd.DataFrame({"milademetan": [1.0, 2.0]})
    frame.to_parquet(tmp_path / "good.parquet")
    frame.to_csv(tmp_path / "good.csv", index=False)
    for name in ("good.parquet", "good.csv"):
        assert sweep(tmp_path / name).sizes == {"point": 2}  # type: ignore[attr-defined]
    content = (tmp_path / "good.parquet").read_bytes()
    broken = [b"", b"PAR1", content[:-20], content[100:], content.replace(b"pandas", b"pandax"),
              content.replace(b"float64", b"float\xff4"), content.replace(b"{", b"[")]  # fmt: skip
    for number, one in enumerate(broken):
        path = tmp_path / f"{number}.parquet"
        path.write_bytes(one)
        try:
            sweep(path)
        except pn.InputError as error:
            assert "cannot read points from" in str(error)
    for one in (b"", b"\0", b"\xff\xfem\0", b'a,"b\n1,2', b"milademetan\n1,2\n3,4,5\n"):
        path = tmp_path / "broken.csv"
        path.write_bytes(one)
        with pytest.raises(pn.P53NetError):
            sweep(path)


def test_a_small_file_of_too_many_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "many.parquet"
    pd.DataFrame({"milademetan": np.ones(5000)}).to_parquet(path)
    monkeypatch.setattr(design, "MOST_RUNS", 1000)
    monkeypatch.setattr(pd, "read_parquet", lambda *_: pytest.fail("it was read"))
    with pytest.raises(pn.InputError, match="5,000 rows"):
        sweep(path)


AXES: dict[str, Any] = {
    "pairs": [[1, 2], [3, 4]], "ragged": [[1], [2, 3]], "arrays": [np.array([1, 2]), 3],
    "array of arrays": np.array([[1.0, 2.0]]), "objects": [object()], "None inside": [1, None],
    "None": None, "texts": ["1", "2"], "text": "12", "number and text": [1, "2"],
    "complex": [1j, 2], "time": [datetime.datetime(2020, 1, 1)],
    "date": [datetime.date(2020, 1, 1)],
    "datetime64": np.array(["2020"], "M8[s]"), "timedelta64": np.array([1, 2], "m8[s]"),
    "truths": [True, False], "truth and number": [True, 2], "array of truths": np.array([True]),
    "xarray": xr.DataArray([[1.0, 2.0]]), "dataset": xr.Dataset({"a": [1.0]}),
    "frame": pd.DataFrame({"a": [1, 2]}), "index": pd.Index(["a"]), "series": pd.Series([1, None]),
    "integers and NA": pd.array([1, None], dtype="Int64"), "categories": pd.Categorical(["a"]),
    "periods": pd.period_range("2020", periods=2, freq="D"), "dict": {"a": 1}, "set": {1, 2},
    "frozen set": frozenset([1]), "bytes": b"12", "iterator": iter([1, 2]), "class": int,
    "number": 5.0, "silent": Silent(), "silent inside": [Silent()], "Decimal": [decimal.Decimal(1)],
    "Fraction": [Fraction(1, 2)], "huge": [10**400], "long": np.array([np.finfo("g").max], "g"),
    "distribution inside": [pn.uniform(0, 1)], "records": np.zeros(2, [("a", float)]),
    "masked": np.ma.array([1.0, 2.0], mask=[True, False]), "endless": range(10**30),
    "too many": range(10**12), "nan": [NAN], "empty": [], "no axis": [[]], "negative": [-1.0],
}  # fmt: skip


@pytest.mark.parametrize("name", AXES)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_axes_that_are_no_numbers(name: str) -> None:
    for axes in ({"milademetan": AXES[name]}, {"k_deg_p53": [0.1], "milademetan": AXES[name]}):
        with pytest.raises(pn.InputError, match="axis milademetan"):
            pn.sweep(MODEL, axes, **RUN)


@pytest.mark.parametrize("name", [
    "pairs", "ragged", "arrays", "objects", "texts", "number and text", "complex", "time",
    "datetime64", "timedelta64", "truths", "truth and number", "integers and NA", "periods",
    "silent inside", "Decimal", "huge", "distribution inside", "nan",
])  # fmt: skip
def test_tables_of_points_that_are_no_numbers(name: str) -> None:
    column = pd.Series(len(AXES[name]) * [0], dtype=object)
    for row, value in enumerate(AXES[name]):
        column.iat[row] = value
    if hasattr(AXES[name], "dtype"):
        column = pd.Series(AXES[name])
    with pytest.raises(pn.InputError, match="axis milademetan"):
        sweep(pd.DataFrame({"milademetan": column}))


@pytest.mark.parametrize("axes", [
    None, 3, [1, 2], np.array([1]), {"a"}, b"x", object(), {}, {None: [1]}, {3: [1]},
    {("a", "b"): [1]}, {"": [1]}, pn.uniform(0, 1),
])  # fmt: skip
def test_what_is_no_axes(axes: Any) -> None:
    with pytest.raises((pn.InputError, pn.UnknownNameError)):
        pn.sweep(MODEL, axes, **RUN)


@pytest.mark.parametrize("kind", [np.array(["grid", "sobol"]), None, 3, ["grid"], {}])
def test_what_is_no_design(kind: Any) -> None:
    for axes in ({"milademetan": [1.0]}, pd.DataFrame({"milademetan": [1.0]})):
        with pytest.raises(pn.InputError, match="design"):
            pn.sweep(MODEL, axes, design=kind, **RUN)


@pytest.mark.parametrize(
    "points",
    [10**400, pytest.param(10**5000, id="long"), np.array([2, 3]), "3", 3.0, [2], NAN, True],
)
def test_what_is_no_number_of_points(points: Any) -> None:
    with pytest.raises(pn.InputError, match="points"):
        pn.sweep(MODEL, {"milademetan": pn.uniform(1, 2)}, points=points, **RUN)


@pytest.mark.parametrize("resume", [None, 1, 0, "yes", "False", "", [], np.array(True), NAN, pd.NA,
                                    np.array([True, False])])  # fmt: skip
def test_resume_is_true_or_false(resume: Any, tmp_path: Path) -> None:
    for store in (None, tmp_path / "sweep"):
        with pytest.raises(pn.InputError, match=r"resume is .* True .* or False"):
            pn.sweep(MODEL, {"milademetan": [1.0]}, store=store, resume=resume, **RUN)
    assert not (tmp_path / "sweep").exists()


def test_resume_as_numpy_writes_it(tmp_path: Path) -> None:
    for resume in (np.False_, np.True_):
        run = pn.sweep(MODEL, {"milademetan": [1.0]}, store=tmp_path / "s", resume=resume, **RUN)
        assert run["status"].values.tolist() == ["ok"]


# Names and amounts

ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers(),
    st.text(max_size=20), st.binary(max_size=5), st.lists(st.floats(), max_size=3),
    st.dictionaries(st.text(), st.none(), max_size=2),
    st.sampled_from([
        (), {1}, object(), int, Ellipsis, NAN, pd.NA, pd.NaT, np.array([1.0, 2.0]), np.array("mg"),
        np.array(1.0), np.array(["mg", "nM"]), np.str_("mg"), np.float32(2), np.int8(3),
        np.bool_(True), decimal.Decimal(1), Fraction(1, 3), 10**400, Fraction(10**400),
        np.longdouble("1e4000"), xr.DataArray(1.0), pd.Series(["a", "b"]), pd.DataFrame({"a": [1]}),
        datetime.date(2020, 1, 1), lambda: 1, Named(b"x"), Named(3), Path("none"), "\ud800", "a\0b",
        "x" * 10_000, "/dev/null", "", "milademetan", "free base", "mg",
    ]),
)  # fmt: skip


def ours(call: Callable[[], object]) -> object:
    """What comes back, if it is no error or one of ours, which says something."""
    try:
        return call()
    except pn.P53NetError as error:
        assert len(str(error)) > 10
        return None


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(st.floats(), st.integers(), ODD),
    *2 * [st.one_of(st.sampled_from(_UNITS), ODD)],
    st.one_of(st.sampled_from([*drug_entries(), "milademetan"]), ODD),
    st.one_of(st.sampled_from(["free base", "tosylate hydrate"]), ODD),
)
@example(1.0, np.array(["mg", "nM"]), "mg", "milademetan", "free base")
@example(1.0, "mg", ["nM"], "milademetan", "free base")
@example(1.0, "mg", "nmol", "milademetan", ["free base"])
@example(1.0, "mg", "nmol", "milademetan", np.array(["free base", "x"]))
@example(1e308, "g", "nmol", "milademetan", "free base")
def test_convert_takes_anything(value: Any, unit: Any, to: Any, drug: Any, form: Any) -> None:
    found = ours(lambda: pn.convert(value, unit, to, drug, form=form))
    assert found is None or (isinstance(found, float) and 0 <= found < float("inf"))


@pytest.mark.parametrize(
    "form", ["", " ", None, 3, ["free base"], np.array(["free base", "x"]), {}]
)
def test_convert_wants_a_form_in_words(form: Any) -> None:
    with pytest.raises(pn.InputError, match=r"form is .* must be 'free base' or"):
        pn.convert(1.0, "mg", "nmol", "milademetan", form=form)


@pytest.mark.parametrize("unit", [None, 3, ["mg"], np.array(["mg", "nM"]), {}, "stone", "", NAN])
def test_convert_wants_a_unit_in_words(unit: Any) -> None:
    for units in ((unit, "nM"), ("nM", unit)):
        with pytest.raises(pn.InputError, match=r"unit .* is not one of nM, uM"):
            pn.convert(1.0, *units, "milademetan")


def test_convert_takes_spaces_around_a_form() -> None:
    one, other = (pn.convert(1.0, "mg", "nmol", "milademetan", form=form)
                  for form in ("tosylate hydrate", " tosylate hydrate "))  # fmt: skip
    assert one == other


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(st.just("milademetan"), ODD), max_size=2),
    st.dictionaries(
        st.sampled_from(["cell_line", "system", "host", "tables"]),
        st.one_of(ODD, st.sampled_from(["plasma", "tumour", "mouse", "RS4;11"])),
        min_size=1,
        max_size=3,
    ),
)
@example(["milademetan"], {"cell_line": np.array(["a", "b"])})
@example(["milademetan"], {"cell_line": pd.NA})
@example(["milademetan"], {"tables": Named(3)})
@example(["milademetan"], {"tables": Named(b"x")})
@example(["milademetan"], {"tables": {"drugs": Named(3)}})
@example(["milademetan"], {"tables": {"cell_lines": Named(b"x")}})
@example(["milademetan"], {"tables": {Named(3): "x"}})
@example(["milademetan"], {"system": np.array(["dish", "tumour"])})
@example(["milademetan"], {"system": "tumour", "host": np.array(["human", "mouse"])})
def test_load_takes_anything(names: list[Any], options: dict[str, Any]) -> None:
    ours(lambda: pn.load(*names, **options))


@pytest.mark.parametrize("line", ["", 0, False, [], (), np.array(["a", "b"]), pd.NA, {}])
def test_load_wants_a_cell_line_by_name(line: Any) -> None:
    with pytest.raises(pn.UnknownNameError, match="unknown cell line"):
        pn.load("milademetan", cell_line=line)


@pytest.mark.parametrize("time", [np.timedelta64(5, "ns"), np.datetime64(5, "ns")], ids=str)
def test_a_time_of_numpy_is_no_number(time: Any) -> None:
    """Its nanoseconds would pass as nM."""
    with pytest.raises(pn.InputError, match="must be a number"):
        pn.constant(time)
    with pytest.raises(pn.InputError, match="must be a number"):
        pn.load("milademetan").simulate([0.0, 1.0], {"milademetan": time})
