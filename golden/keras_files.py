"""Writes small files with Keras and h5py, for the tests of this repository to read.

    python3.11 -m venv ~/tf-venv
    ~/tf-venv/bin/pip install -r golden/requirements.txt
    ~/tf-venv/bin/python golden/keras_files.py   # writes golden/files/keras_* and golden/files/h5py_*

Run it by hand. README.md, beside this file, says what each file holds. `keras_expected.safetensors` holds the arrays that
the files must give, as h5py sees them.
"""

import os
import pathlib
import zipfile

import recording

os.environ["KERAS_BACKEND"] = "tensorflow"

import h5py
import keras
import numpy as np
import safetensors.numpy
from keras import layers

FILES = recording.GOLDEN / "files"
SEED = 131


def reader(dtype="float32"):
    keras.utils.set_random_seed(SEED)
    return keras.Sequential(
        [
            layers.Input((5, 3)),
            layers.LSTM(4, dtype=dtype),
            layers.Dense(2, dtype=dtype),
        ]
    )


def trained():
    """With an optimizer's state beside the weights, its step an integer."""
    keras.utils.set_random_seed(SEED)
    model = keras.Sequential([layers.Input((4, 3)), layers.GRU(2)])
    model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), loss="mse")
    model.fit(np.ones((2, 4, 3), np.float32), np.ones((2, 2), np.float32), epochs=1, verbose=0)
    return model


def varied(path, libver):
    """What Keras does not write and others may."""
    grid = np.arange(60, dtype=np.float32).reshape(5, 12) / 8
    with h5py.File(path, "w", libver=libver) as file:
        file["scalar"] = np.float32(2.5)
        file["empty"] = np.zeros((0, 4), np.float32)
        file["big_endian"] = grid.astype(">f4")
        file["half"] = grid.astype(np.float16)
        group = file.create_group("packed/inner")
        group.create_dataset("gzip", data=grid, chunks=(2, 5), compression="gzip", shuffle=True)
        group.create_dataset("grows", data=grid, maxshape=(None, 12), chunks=(2, 12), fletcher32=True)
        unwritten = group.create_dataset("unwritten", (2, 3), np.float32, fillvalue=0.5)
        unwritten.attrs["text"] = "wörd"
        unwritten.attrs["texts"] = ["a", "", "b c"]
        unwritten.attrs["bytes"] = np.array([b"one", b"three"])
        unwritten.attrs["number"] = 3.5
        file["again"] = group["gzip"]
        file["integers"] = np.arange(3)
        file["truth"] = np.array([True, False])
        file["words"] = ["a", "b"]
        file.attrs["text"] = "root"


def flat(file):
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f":
            found[name] = np.asarray(item[()], np.float32)

    # Every link, not every object: `again` is another name.
    def walk(group, prefix):
        for name in group:
            item = group[name]
            visit(prefix + name, item)
            if isinstance(item, h5py.Group):
                walk(item, f"{prefix}{name}/")

    walk(file, "")
    return found


def main():
    FILES.mkdir(exist_ok=True)
    # Below, every file there is must be one that is read.
    for path in [*FILES.glob("keras_*"), *FILES.glob("h5py_*")]:
        path.unlink()
    reader().save(FILES / "keras_reader.keras")
    reader().save_weights(FILES / "keras_reader.weights.h5")
    reader("float16").save_weights(FILES / "keras_half.weights.h5")
    trained().save(FILES / "keras_trained.keras")
    reader().save(FILES / "keras_legacy.h5")
    varied(FILES / "h5py_earliest.h5", "earliest")
    varied(FILES / "h5py_latest.h5", "latest")
    expected = {}
    for path in sorted(FILES.glob("keras_*")) + sorted(FILES.glob("h5py_*")):
        if path.suffix == ".keras":
            with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as inner, h5py.File(inner) as file:
                arrays = flat(file)
        elif path.suffix == ".h5":
            with h5py.File(path) as file:
                arrays = flat(file)
        else:
            continue
        expected |= {f"{path.name}/{name}": array for name, array in arrays.items()}
    # Keras saves bfloat16 as bytes that h5py has no numbers for.
    dense = keras.Sequential([layers.Input((2,)), layers.Dense(1, dtype="bfloat16")])
    dense.save_weights(FILES / "keras_bfloat.weights.h5")
    for path, variable in zip(["0", "1"], dense.layers[0].variables):
        array = np.asarray(variable.numpy(), np.float32)
        expected[f"keras_bfloat.weights.h5/layers/dense/vars/{path}"] = array
    # Files that are refused.
    reader("float64").save_weights(FILES / "keras_double.weights.h5")
    with h5py.File(FILES / "h5py_circle.h5", "w") as file:
        file["a/b"] = np.float32(1)
        file["a/c"] = file["a"]
    with h5py.File(FILES / "h5py_doubled.h5", "w", libver="latest") as file:
        inner = file.create_group("0")
        for level in range(1, 25):
            outer = file.create_group(str(level))
            outer["a"], outer["b"] = inner, inner
            inner = outer
    with h5py.File(FILES / "h5py_bomb.h5", "w") as file:
        bomb = file.create_dataset("bomb", (1 << 22,), np.float32, chunks=(1 << 22,), compression="gzip")
        bomb[:] = 0
    safetensors.numpy.save_file(expected, FILES / "keras_expected.safetensors")
    for path in sorted(FILES.glob("keras_*")) + sorted(FILES.glob("h5py_*")):
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
