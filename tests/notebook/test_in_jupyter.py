"""In a real kernel: cards, figures without magic, and short tracebacks."""

import traceback
from pathlib import Path

import pytest

import p53net as pn
from p53net.figures.inline import Figure

CELLS = (
    "import p53net as pn\nmodel = pn.load('KT-253')\nmodel",
    "pn.plot(model.simulate([0, 1, 2], {'KT-253': 1.0}))",
    "def ask():\n    return pn.load('KT-25')\nask()",
    "1 / 0",
    "%matplotlib inline\npn.plot(model.simulate([0, 1, 2]))",
)


@pytest.mark.slow
def test_cells_of_a_notebook(tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat", reason="the extra [docs] is not installed")
    nbclient = pytest.importorskip("nbclient", reason="the extra [docs] is not installed")
    cells = [nbformat.v4.new_code_cell(text) for text in CELLS]
    book = nbformat.v4.new_notebook(cells=cells)
    talk = {"transport": "ipc", "connection_file": str(tmp_path / "kernel.json")}
    about = pytest.importorskip("traitlets.config").Config(
        {"KernelManager": talk}
    )  # no port is opened
    nbclient.NotebookClient(
        book, config=about, allow_errors=True, kernel_name="python3", timeout=120
    ).execute()
    results = [[o for o in cell.outputs if o.output_type in ("execute_result", "error")]
               for cell in book.cells]  # fmt: skip
    (model,), (figure,), (wrong,), (other,), (inline,) = results
    assert model.data["text/html"].startswith("<div") and "KT-253" in model.data["text/html"]
    assert figure.data["image/png"] and figure.metadata["image/png"]["width"] > 400
    assert wrong.traceback == [
        "Cell In[3], line 3: ask()",
        "Cell In[3], line 2: return pn.load('KT-25')",
        "UnknownNameError: unknown drug 'KT-25'; did you mean 'KT-253' or 'KT253' or 'KRT-232'?",
    ]
    assert len("\n".join(other.traceback).splitlines()) > 3  # other errors are as always
    assert inline.data["image/png"]


def test_a_figure_has_an_image_of_its_size() -> None:
    figure = pn.plot(pn.load().simulate([0, 1, 2]))
    assert isinstance(figure, Figure)
    image, about = figure._repr_png_()
    assert image.startswith(b"\x89PNG")
    pixels = int.from_bytes(image[16:20], "big"), int.from_bytes(image[20:24], "big")
    assert abs(pixels[0] - 2 * about["width"]) <= 2 and abs(pixels[1] - 2 * about["height"]) <= 2
    assert about["width"] == round(120 * figure.get_figwidth())


def test_the_rest_of_a_traceback_is_still_there() -> None:
    try:
        pn.load("KT-25")
    except pn.P53NetError as error:
        assert len(traceback.extract_tb(error.__traceback__)) > 2
        place, said = error._render_traceback_()
    assert place.startswith(__file__) and place.endswith('pn.load("KT-25")')
    assert said.startswith("UnknownNameError: unknown drug 'KT-25'")


def test_an_error_that_was_not_raised_is_one_line() -> None:
    assert pn.InputError("no")._render_traceback_() == ["InputError: no"]
