"""Writes numpy_stored.npz and numpy_deflated.npz, which `tests/numpy.rs` reads. Run by hand; made with NumPy 2.4.6."""

from pathlib import Path

import numpy as np

folder = Path(__file__).parent
cube = np.arange(24).reshape(2, 3, 4)
arrays = {
    "f32": cube.astype("<f4") / 8,
    "f64": cube.astype("<f8") / 8,
    "i32": cube.astype("<i4") - 12,
    "i64": cube.astype("<i8") * -(1 << 40),
    "u8": cube.astype("u1"),
    "text": np.array(["", "a", "wörd", "語"]),
    "fortran": np.asfortranarray(cube.astype("<f4")),
    "big_endian": cube.astype(">i4"),
    "big_endian_text": np.array(["é", "ab"]).astype(">U2"),
    "scalar": np.float64(0.5),
    "empty": np.zeros((0, 3), "<f4"),
    "group/kernel": np.ones((1, 2), "<f4"),
}
np.savez(folder / "numpy_stored.npz", **arrays)
np.savez_compressed(folder / "numpy_deflated.npz", **arrays)
