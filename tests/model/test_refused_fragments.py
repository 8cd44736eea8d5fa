"""Model text from outside the package that is refused: each fault has one clear error."""

from pathlib import Path

import pytest

import p53net as pn
from p53net.model import statements
from tests.support.own_fragments import NOXA

# name: the line after NOXA's, and what the error says
LINE = 1 + len(NOXA.splitlines())
REFUSED = {
    "import": ('import "x.ant"', "is not a statement"),
    "an import behind a statement": ('q := p53; import "x.ant"', "is not a statement"),
    "an import in an address": ('NOXA identity "a";import"b"', "is not a statement"),
    "an import after a line separator": ('// a\u2028import "x.ant"', "is not a statement"),
    "a model": ("model other()", "is not a statement"),
    "the end": ("end", "is not a statement"),
    "a function": ("function f(x)", "is not a statement"),
    "an event": ("at time > 5: NOXA = 1", "is not a statement"),
    "a delay": ("q := delay(p53, 3)", "is not a statement"),
    "a delay of one": ("q := delay(p53)", "`delay(...)` is no function"),
    "a choice": ("q := piecewise(1, p53 > 3, 0)", "is not a statement"),
    "the clock": ("q := p53*time", "a formula cannot know the time"),
    "a hexadecimal number": ("q := 0x10*p53", "is no formula from '0x10"),
    "a programmer's power": ("q := p53**2", "^ for powers"),
    "too deep": ("q := " + 21 * "(" + "p53" + 21 * ")", "at most 20 in one another"),
    "too long": ("q := p53" + 250 * " + p53", "at most 1,000 are allowed"),
    "a formula that Antimony refuses": ("q := p53 p53", "syntax error"),
    "a circle": ("q := q", "Loop detected"),
    "an annotation of the whole": ('model taxon "https://a"', "about 'model'"),
    "a parameter of the package": ("k_deg_p53 = 1 per_hour  // assumed: x", "models/core.ant"),
    "the same in capitals": ("K_deg_P53 = 1 per_hour  // assumed: x", "'k_deg_p53' is defined in"),
    "a species of the package": ("species p53 in cell", "models/core.ant"),
    "a species of another system": ("species caspase in cell", "models/cell_fate.ant"),
    "a species of a drug": ("species degrader_plasma in cell", "models/pk_intravenous.ant"),
    "a reaction of the package": ("p53_synthesis: => p53; cell*k_syn_p53", "models/core.ant"),
    "a start of the package": ("p53 = k_syn_NOXA", "models/core.ant"),
    "a unit of a quantity of the package": ("p53_active has per_hour", "about 'p53_active'"),
    "an annotation of the package's": ('p53 identity "https://a"', "about 'p53'"),
    "a unit of the package": ("unit nM = 1e-18 mole / 1e-12 litre", "models/units.ant"),
    "a unit of the whole": ("unit substance = mole", "models/units.ant"),
    "an endless unit": ("unit u = 9^9^9^9 mole", "is no unit"),
    "an addition to a parameter": ("k_deg_p53 += k_deg_NOXA", "adds to what is no quantity"),
    "an addition to nothing": ("p53_totl += NOXA", "did you mean 'p53_total'"),
    "an addition of another unit": ("p53_total += k_deg_NOXA", "in nM, but it is in per_hour"),
    "a reserved word": ("species gamma in cell", "'gamma' is a reserved word"),
    "a word of the tables": ("exposure = 1 nM  // assumed: x", "'exposure' is a reserved word"),
    "an event's name": ("species dose_1 in cell", "'dose_1' is a reserved word"),
    "a definition twice": ("k_deg_NOXA = 2 per_hour  // assumed: x", "line 4 too"),
    "a species with a rule": ("NOXA := p53", "line 2 too"),
    "a species with a number": ("NOXA = 5 nM  // assumed: x", "line 2 too"),
    "a rate in a cell": ("x' = k_syn_NOXA", "in a cell only species move"),
    "a number without unit": ("k_x = 1", "has no unit"),
    "a number without source": ("k_x = 1 nM", "does not say where the number comes from"),
    "a number with a bare word": ("k_x = 1 nM  // guess", "names no source"),
    "a number too large": ("k_x = 1e999 nM  // assumed: x", "not a finite number"),
    "an unknown unit": ("k_x = 1 nM_per_hr  // assumed: x", "did you mean 'nM_per_hour'"),
    "a quantity without unit": ("q := p53", "q: no unit"),
    "a rate of a wrong unit": ("X: => NOXA; k_syn_NOXA", "must be in zmol/hour"),
    "a typing error": ("X: => NOXA; cell*k_syn_NOXa", "did you mean 'k_syn_NOXA'"),
    "a name of another system": ("X: => NOXA; cell*k_act_caspase*NOXA", "is for culture, tumour"),
    "a name of a drug": ("q := MDM2_drugged", "models/drug.ant is of drugs"),
    "a compartment that is not there": ("species X in nucleus", "unknown name 'nucleus'"),
    "a start that cannot be computed": ("x = 1 nM  // computed: yes", "cannot be computed"),
}  # fmt: skip


@pytest.mark.parametrize(("line", "said"), REFUSED.values(), ids=REFUSED)
def test_a_line_that_is_refused(folder: Path, line: str, said: str) -> None:
    (folder / "noxa.ant").write_text(NOXA + line + "\n", encoding="utf-8")
    with pytest.raises(pn.ModelError) as caught:
        pn.load(fragments="noxa.ant")
    place = LINE + ("\u2028" in line)
    assert str(caught.value).startswith(f"noxa.ant, line {place}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


HEADERS = {
    "a system": ("// for: dsh", "the system 'dsh' is unknown; use dish, culture"),
    "no cell": ("// for: plasma", "'plasma' has no cell"),
    "a place": ("// in: loop", "`in: loop` is unknown; use drug, cell"),
    "no system": ("// in: around", "not for a system; add `// for:"),
    "an order": ("// after: nothing", "no fragment 'nothing'"),
    "a key": ("// mechansim: x", "did you mean 'mechanism'?"),
    "a mechanism's name": ("// mechanism: a b", "is no name"),
    "a mechanism elsewhere": ("// mechanism: x\n// in: cell", "leave that out"),
    "a key twice": ("// for: dish\n// for: dish", "says `for` twice"),
    "a twin": ("// mechanism: x\n// twin: none", "the twin 'none' is no change"),
}


@pytest.mark.parametrize(("header", "said"), HEADERS.values(), ids=HEADERS)
def test_a_header_that_is_refused(folder: Path, header: str, said: str) -> None:
    (folder / "noxa.ant").write_text(f"{header}\n{NOXA}", encoding="utf-8")
    with pytest.raises(pn.ModelError) as caught:
        pn.load(fragments="noxa.ant")
    assert said in str(caught.value)
    assert str(caught.value).startswith("noxa.ant: ")


def test_a_fragment_for_another_system(folder: Path) -> None:
    (folder / "noxa.ant").write_text("// for: tumour\n" + NOXA, encoding="utf-8")
    with pytest.raises(
        pn.InputError, match=r"noxa\.ant is for tumour, and this is the system dish"
    ):
        pn.load(fragments="noxa.ant")
    with pytest.raises(pn.InputError, match="the system plasma"):
        pn.load("milademetan", system="plasma", fragments="covalent.ant")
    assert pn.load(system="tumour", fragments="noxa.ant").definition.fragments


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        (b"//" + 2**18 * b"x", pn.InputError, "too large"),
        (NOXA.encode() + b"// \xe9", pn.InputError, "UTF-8"),
        (NOXA.encode() + b"// \0", pn.ModelError, "which is no text"),
    ],
    ids=["large", "another encoding", "a NUL"],
)
def test_a_file_that_is_no_text(
    folder: Path, content: bytes, kind: type[Exception], said: str
) -> None:
    (folder / "noxa.ant").write_bytes(content)
    with pytest.raises(kind, match=said):
        pn.load(fragments="noxa.ant")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("nothing.ant", "cannot read the fragment nothing.ant"),
        (["noxa.ant", "nothing.ant"], "cannot read the fragment nothing.ant"),
        (".", "it is a folder"),
        ("/dev/zero", "it is a device"),
        (3, "give the path of a file"),
        ([3], "is not a path"),
    ],
)
def test_what_is_no_file(folder: Path, given: object, said: str) -> None:
    with pytest.raises(pn.InputError, match=said):
        pn.load(fragments=given)  # type: ignore[arg-type]


def test_windows_files_and_two_files_in_each_others_way(folder: Path) -> None:
    (folder / "crlf.ant").write_bytes(b"\xef\xbb\xbf" + NOXA.replace("\n", "\r\n").encode())
    assert "NOXA" in pn.load(fragments="crlf.ant").definition.variables
    with pytest.raises(pn.ModelError, match=r"line 2: 'NOXA' is defined twice.* in noxa.ant, line"):
        pn.load(fragments=["noxa.ant", "crlf.ant"])


def test_a_parameter_with_the_name_of_a_drug(folder: Path) -> None:
    (folder / "noxa.ant").write_text(NOXA + "KT253 = 1 nM  // assumed: x\n", encoding="utf-8")
    assert pn.load(fragments="noxa.ant").definition.parameters["KT253"].value == 1.0
    with pytest.raises(pn.ModelError, match="'kt253' is a drug of this model"):
        pn.load("KT-253", fragments="noxa.ant")


def test_reserved_words_are_those_that_antimony_cannot_take(folder: Path) -> None:
    """Every word is refused with a clear error, in any case."""
    for word in sorted(statements.RESERVED):
        (folder / "word.ant").write_text(f"species {word.title()} in cell\n", encoding="utf-8")
        with pytest.raises(pn.ModelError, match="is a reserved word"):
            pn.load(fragments="word.ant")
