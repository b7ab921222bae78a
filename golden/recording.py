"""What the scripts beside this file share: their settings, random arrays, and a golden file's writing and checking.

Import it before TensorFlow or PyTorch: they read these variables once.
"""

import os

# One thread and no GPU: sums are then always taken in the same order.
# oneDNN is off, so that Eigen multiplies TensorFlow's matrices, as in TensorFlow 1.
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
os.environ["TF_DETERMINISTIC_OPS"] = "1"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import argparse
import datetime
import pathlib
import platform

import numpy as np
import safetensors
import safetensors.numpy

GOLDEN = pathlib.Path(__file__).resolve().parent

# The sizes of the files `*_cells`.
BATCH, STEPS, INPUT, HIDDEN, PROJECTED = 4, 6, 5, 7, 3

# Parameters and steps of the files `*_optimizers`.
PARAMETERS, UPDATES = 32, 20


class Draw:
    """Random arrays of f32. Each case of a file has its own, so that one case more changes no other."""

    def __init__(self, *seed):
        self.random = np.random.default_rng(list(seed))

    def normal(self, scale, *shape):
        return (scale * self.random.standard_normal(shape)).astype(np.float32)

    def parameter(self, name, shape, rows=None):
        """Of this scale neither a state nor its gradient grows or dies away in a few steps.
        `rows` is how many products a column sums, where it is not the first axis."""
        if "bias" in name:
            return self.normal(0.3, *shape)
        if "diag" in name:
            return self.normal(0.5, *shape)
        return self.normal((rows or shape[0]) ** -0.5, *shape)

    def parameters(self, shapes, rows=lambda name, shape: None):
        """`shapes` by name; drawn in the order of the names."""
        return {n: self.parameter(n, shapes[n], rows(n, shapes[n])) for n in sorted(shapes)}

    def sequences(self, lengths):
        """Not zero past a row's length: whoever reads those steps gets other results."""
        inputs = self.normal(1.0, BATCH, STEPS, INPUT)
        return {"inputs": inputs, "lengths": np.array(lengths, np.float32)}

    def initial(self, sizes):
        return {f"initial/{n}": self.normal(0.5, BATCH, sizes[n]) for n in sorted(sizes)}

    def descent(self):
        """Parameters and the gradients of some steps: of sizes from 1 to 1e-4, some always 0."""
        sizes = np.array([0.0 if k % 11 == 10 else 0.1 ** (k % 5) for k in range(PARAMETERS)])
        gradients = sizes.astype(np.float32) * self.normal(1.0, UPDATES, PARAMETERS)
        return {"start": self.normal(1.0, PARAMETERS), "gradients": gradients}

    def cotangents(self, shapes):
        return {f"cotangent/{n}": self.normal(1.0, *shapes[n]) for n in sorted(shapes)}


def prefixed(prefix, arrays):
    return {f"{prefix}/{name}": array for name, array in arrays.items()}


def versions(*modules):
    """By the modules' names."""
    return {module.__name__: module.__version__ for module in modules}


def main(script, summary, peers, files):
    """Writes `files`, or compares with them where the command line says --check; returns the exit status.
    Each file is its name, its arrays and the settings for its metadata. `peers` holds their versions."""
    parser = argparse.ArgumentParser(description=summary)
    parser.add_argument(
        "--check", action="store_true", help="compare with the files, write nothing"
    )
    only_check = parser.parse_args().check
    good = True
    for name, arrays, values in files:
        arrays = {key: np.asarray(array, order="C") for key, array in arrays.items()}
        # An .npz file is another program's, as it wrote it: a counter is of whole numbers.
        assert name.endswith(".npz") or all(array.dtype == np.float32 for array in arrays.values())
        if only_check:
            good &= check(name, arrays)
        else:
            write(name, arrays, metadata(script, peers, values))
    return 0 if good else 1


def metadata(script, peers, values):
    """Safetensors metadata: strings only."""
    values = values | peers | {
        "numpy": np.__version__,
        "safetensors": safetensors.__version__,
        "python": platform.python_version(),
        "date": datetime.date.today().isoformat(),
        "generator": f"golden/{pathlib.Path(script).name}",
    }
    return {key: str(value) for key, value in values.items()}


def write(name, arrays, strings):
    path = GOLDEN / name
    if name.endswith(".npz"):
        np.savez(path, **arrays)
    else:
        path.write_bytes(safetensors.numpy.save(arrays, strings))
    print(f"{name}: {path.stat().st_size} bytes")
    for key, array in sorted(arrays.items()):
        print(f"    {key} {array.dtype} {list(array.shape)}")


def check(name, arrays):
    """Compares with the file, bit for bit. The metadata, and so the date, do not count."""
    path = GOLDEN / name
    stored = dict(np.load(path)) if name.endswith(".npz") else safetensors.numpy.load_file(path)
    wrong = sorted(stored.keys() ^ arrays.keys())
    for key in sorted(stored.keys() & arrays.keys()):
        old, new = stored[key], arrays[key]
        if old.dtype != new.dtype or old.shape != new.shape:
            wrong.append(f"{key}: {old.dtype} {old.shape} in the file, {new.dtype} {new.shape} now")
        elif old.tobytes() != new.tobytes():
            wrong.append(f"{key}: differs by up to {np.abs(old - new).max():.3g}")
    print(f"{name}:", "the same" if not wrong else "DIFFERENT")
    for line in wrong:
        print(f"    {line}")
    return not wrong
