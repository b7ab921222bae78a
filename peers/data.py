"""Writes a job's data as plain binary files, so that every engine reads the same rows in the same order.

    python data.py FOLDER JOB BATCHES

In FOLDER, little-endian, row-major:
    x.f32      [N, T, I]   the rows
    y.i32      [N]         their classes
    order.i32  [BATCHES, B] the rows of each batch: every epoch a new order of all N, what fills no batch left out
"""

import pathlib
import subprocess
import sys

import numpy as np

from jobs import JOBS, SEED

VALIDATION = 5_000  # held out: the first images of the training file


def mnist_file(name, header):
    """The bytes of one of MNIST's files, past its header."""
    unpack = ["cargo", "run", "--quiet", "--release", "-p", "elman-datasets", "--example", "mnist_file", "--", name]
    content = subprocess.run(unpack, cwd=pathlib.Path(__file__).parent, check=True, capture_output=True).stdout
    return np.frombuffer(content, np.uint8, offset=header)


def mnist(job, random):
    """Images as rows of pixels in 0..1; nothing is drawn."""
    pixels, labels = mnist_file("train-images-idx3-ubyte", 16), mnist_file("train-labels-idx1-ubyte", 8)
    x = pixels.reshape(-1, job["steps"], job["input"])[VALIDATION:].astype(np.float32) / np.float32(255)
    return x, labels[VALIDATION:]


def patterns(job, random):
    """Noise, and over some `window` steps of it, anywhere, the pattern [I] of the row's class."""
    rows, steps, size, classes = (job[key] for key in ["rows", "steps", "input", "classes"])
    x = random.standard_normal((rows, steps, size), np.float32)
    y = random.integers(classes, size=rows)
    of_class = job["scale"] * random.standard_normal((classes, size), np.float32)
    starts = random.integers(steps - job["window"] + 1, size=rows)
    for row, start in enumerate(starts):
        x[row, start : start + job["window"]] += of_class[y[row]]
    return x, y


def order(rows, batch, batches, random):
    epochs = -(-batches // (rows // batch))
    orders = [random.permutation(rows)[: rows // batch * batch].reshape(-1, batch) for _ in range(epochs)]
    return np.concatenate(orders)[:batches]


def write(folder, job, batches):
    random = np.random.default_rng(SEED)
    x, y = {"mnist": mnist, "patterns": patterns}[job["data"]](job, random)
    x.astype("<f4").tofile(folder / "x.f32")
    y.astype("<i4").tofile(folder / "y.i32")
    order(len(x), job["batch"], batches, random).astype("<i4").tofile(folder / "order.i32")


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]), JOBS[sys.argv[2]], int(sys.argv[3]))
