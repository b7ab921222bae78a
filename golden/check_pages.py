"""Runs a page of docs/ as its reader would: every block of Python and of the shell, in their order, in an empty folder.

    cargo build --release
    ~/torch-venv/bin/python golden/check_pages.py docs/pytorch.md

A block ```text behind one of the shell is what its commands print; it is compared, differences of numbers aside.

    --update        writes what was printed into the page
    --keep          keeps the files that Python wrote in golden/pages/, where the tests of elman find them
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


def masked(text):
    """Rounding differs from processor to processor."""
    return re.sub(r"largest difference [^,]*,", "largest difference …,", text).strip()


def shell(commands, elman):
    """What the commands print, results and errors alike."""
    path = f"{elman.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", commands], env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{commands}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def without_places(path):
    """Takes out what an exporter says of itself, such as the places of the files that it ran in."""
    import onnx

    from onnx_models import stripped

    onnx.save(stripped(onnx.load(path)), path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("--elman", type=pathlib.Path, default=ROOT / "target/release/elman")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--keep", action="store_true")
    args = parser.parse_args()
    page, elman = args.page.resolve(), args.elman.resolve()
    text = page.read_text()
    names, written, printed, wrong = {"__name__": "page"}, set(), None, 0
    sys.argv = [str(page)]  # a page that reads its command line has none
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        edits = []
        for match in BLOCK.finditer(text):
            kind, body = match.groups()
            if kind == "python":
                before = set(os.listdir())
                exec(compile(body, str(page), "exec"), names)  # noqa: S102 - it is our own page
                written |= set(os.listdir()) - before
            elif kind == "sh":
                printed = shell(body, elman)
            elif kind == "text" and printed is not None:
                if masked(body) != masked(printed):
                    wrong += 1
                    print(f"the page says:\n{body}\nbut printed was:\n{printed}")
                edits.append((match.start(2), match.end(2), printed))
                printed = None
        if args.keep:
            to = ROOT / "golden/pages" / page.stem
            shutil.rmtree(to, ignore_errors=True)
            to.mkdir(parents=True)
            for name in sorted(written):
                shutil.copy(name, to / name)
                if name.endswith(".onnx"):
                    without_places(to / name)
        os.chdir(ROOT)
    if args.update:
        for start, end, body in reversed(edits):
            text = text[:start] + body + text[end:]
        page.write_text(text)
    elif wrong:
        sys.exit(f"{wrong} blocks of {page.name} are not as printed")
    print(f"{page.name}: every block runs")


main()
