"""The small data sets that come with elman: nothing is downloaded."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._arrays import Floats

__all__ = ["Images", "Sequences", "echo", "japanese_vowels", "mnist", "shakespeare", "sunspots"]


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


def shakespeare() -> str:
    """Eight plays by Shakespeare, a million characters.

    Example:
        >>> import elman
        >>> len(elman.datasets.shakespeare()) > 1_000_000
        True
    """
    return str(_core.shakespeare())


def sunspots() -> Any:
    """The mean number of spots on the sun in each month since 1749, as a Series of pandas by month.

    Example:
        >>> import elman
        >>> elman.datasets.sunspots().head(2).round(1).to_dict()
        {Period('1749-01', 'M'): 58.0, Period('1749-02', 'M'): 62.6}
    """
    import io

    import pandas

    table = pandas.read_csv(io.BytesIO(bytes(_core.sunspots())))
    months = pandas.PeriodIndex(table["date"], freq="M", name="month")
    return pandas.Series(table["sunspots"].to_numpy(), index=months, name="sunspots")


def echo(
    length: int, *, streams: int = 5, delay: int = 3, seed: int = 111, part: int = 0
) -> tuple[Floats, NDArray[np.int64]]:
    """Random bits in parallel streams ``[streams, T, 1]``, and those of ``delay`` steps before ``[streams, T]``.

    Args:
        length: Bits of all streams.
        seed, part: What they are drawn from: of each seed 0 to train, 1 to validate, 2 to test.

    Example:
        >>> import elman
        >>> x, y = elman.datasets.echo(100, streams=5, delay=3)
        >>> x.shape, bool((y[:, 3:] == x[:, :-3, 0]).all())
        ((5, 20, 1), True)
    """
    bits, classes = _core.echo_bits(length, streams, delay, seed, part)
    return bits.astype(np.float32)[:, :, None], classes
