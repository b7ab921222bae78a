"""Arrays on their way in: what is accepted, and what is refused in which words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]


def floats(what: str, values: ArrayLike, axes: int) -> Floats:
    """float32, C-contiguous, of so many axes: the array itself where it is that, else a copy."""
    try:
        array = np.ascontiguousarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what}: {error}") from None
    # `ascontiguousarray` makes an axis of a single number.
    if np.ndim(values) != axes:
        raise ValueError(f"{what} has {np.ndim(values)} axes, shape {list(np.shape(values))}; expected {axes}")
    return array


def lengths_of(lengths: ArrayLike | None) -> NDArray[np.int64] | None:
    """Steps of each row ``[B]``."""
    if lengths is None:
        return None
    array = np.asarray(lengths)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ValueError(f"lengths are {array.dtype} with shape {list(array.shape)}; expected whole numbers [B]")
    return np.ascontiguousarray(array, dtype=np.int64)


def is_ragged(x: Any) -> bool:
    """Whether it is a list of sequences, each of its own length, rather than an array."""
    return isinstance(x, (list, tuple)) and all(np.ndim(row) == 2 for row in x) and len(x) > 0


def padded(what: str, rows: Sequence[ArrayLike]) -> tuple[Floats, NDArray[np.int64]]:
    """Sequences [T_i, I] as one array [B, T, I] and their lengths ``[B]``."""
    arrays = [floats(f"row {index} of {what}", row, 2) for index, row in enumerate(rows)]
    widths = sorted({array.shape[1] for array in arrays})
    if len(widths) > 1:
        raise ValueError(f"the rows of {what} have {widths} features; expected one number for all of them")
    lengths = np.array([len(array) for array in arrays], dtype=np.int64)
    together = np.zeros((len(arrays), int(lengths.max(initial=0)), widths[0]), dtype=np.float32)
    for to, array in zip(together, arrays):
        to[: len(array)] = array
    return together, lengths


def batch(x: Any, lengths: ArrayLike | None) -> tuple[Floats, NDArray[np.int64] | None, bool]:
    """A batch [B, T, I], its lengths, and whether it was given as a list of sequences."""
    if is_ragged(x):
        if lengths is not None:
            raise ValueError("lengths are given with a list of sequences, which have their own")
        return (*padded("x", x), True)
    return floats("x", x, 3), lengths_of(lengths), False
