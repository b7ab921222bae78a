"""The small data sets that come with elman: nothing is downloaded."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._arrays import Floats

__all__ = ["Images", "Sequences", "mnist", "japanese_vowels"]


class Images(NamedTuple):
    """Images as sequences of their rows, and their classes."""

    #: ``[N, 28, 28]``: N images of 28 steps of 28 pixels, from 0 to 1.
    x: Floats
    #: ``[N]``: the digits.
    y: NDArray[np.int64]


class Sequences(NamedTuple):
    """Sequences of different lengths, and the names of their classes."""

    #: N sequences ``[T_i, F]``.
    x: list[Floats]
    #: ``[N]``
    y: NDArray[np.str_]


def mnist() -> tuple[Images, Images, Images]:
    """MNIST: 55,000 images to train, 5,000 to validate and 10,000 to test, as the tutorial has them.

    Example:
        >>> import elman
        >>> train, validation, test = elman.datasets.mnist()
        >>> train.x.shape, test.y[:3].tolist()
        ((55000, 28, 28), [7, 2, 1])
    """
    return tuple(  # type: ignore[return-value]
        Images(x.astype(np.float32) * np.float32(1 / 255), y) for x, y in _core.mnist_images()
    )


def japanese_vowels() -> tuple[Sequences, Sequences]:
    """Japanese Vowels: which of nine speakers says /ae/? 270 sequences of 12 features to train, 370 to test.

    Example:
        >>> import elman
        >>> train, test = elman.datasets.japanese_vowels()
        >>> len(train.x), train.x[0].shape, len(test.x)
        (270, (20, 12), 370)
    """
    return tuple(Sequences(x, np.array(y)) for x, y in _core.vowels())  # type: ignore[return-value]
