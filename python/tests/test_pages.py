"""The blocks of the pages about Python are run, in their order."""

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


#: What the blocks of a page import beside NumPy.
NEEDED = {"python.md": [], "sklearn.md": ["sklearn", "pandas", "distributed", "matplotlib"], "torch.md": ["torch"]}


@pytest.mark.parametrize("page", NEEDED)
def test_every_block_runs(page, tmp_path, monkeypatch):
    for name in NEEDED[page]:
        pytest.importorskip(name)
    monkeypatch.setenv("MPLBACKEND", "agg")
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    blocks = list(re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    assert blocks
    names: dict[str, object] = {"__name__": page}
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        for block in blocks:
            # Lines of errors are those of the page.
            lines = "\n" * text.count("\n", 0, block.start(1))
            exec(compile(lines + block[1], page, "exec"), names)
    finally:
        os.chdir(before)


def test_the_first_example_is_a_program():
    compile((ROOT / "python" / "examples" / "first.py").read_text(encoding="utf-8"), "first.py", "exec")
