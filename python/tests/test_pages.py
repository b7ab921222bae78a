"""The blocks of the pages about Python are run, in their order."""

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("page", ["python.md", "torch.md"])
def test_every_block_runs(page, tmp_path):
    if page == "torch.md":
        pytest.importorskip("torch", reason="PyTorch is not installed")
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
