"""The tutorial's lesson as a notebook: it runs from its first cell to its last, and its translation has the same code."""

import json
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def code(name):
    cells = json.loads((EXAMPLES / name).read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def test_the_translation_has_the_same_code():
    assert code("tutorial.ipynb") == code("tutorial.zh.ipynb") and len(code("tutorial.ipynb")) > 10


def test_the_lesson_runs_and_the_network_learns(tmp_path, monkeypatch):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    notebook = nbformat.read(EXAMPLES / "tutorial.ipynb", as_version=4)
    check = "assert losses[-1] < 1.0 and (probabilities.argmax(), test.y[0]) == (7, 7), (losses, probabilities)"
    notebook.cells.append(nbformat.v4.new_code_cell(check))
    # What a cell raises is raised here, with its text.
    nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": tmp_path}}).execute()
    assert (tmp_path / "digits.safetensors").exists()
