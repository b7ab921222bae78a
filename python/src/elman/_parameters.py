"""What networks and models share: parameters by name, and streams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import Floats
from .stream import Stream


class Parameters:
    """A part of the engine with parameters."""

    _core: Any

    def stream(self) -> Stream:
        """A stream of one row, of a model with an answer after every step: see :class:`elman.Stream`."""
        return Stream(self, self._core.streams(1), single=True)

    def streams(self, rows: int) -> Stream:
        """Streams of so many rows side by side, each with the same bits as alone."""
        return Stream(self, self._core.streams(rows), single=False)

    def arrays(self) -> dict[str, Floats]:
        """Copies of the parameters by name, as ``layers.0.kernel [I, G H]``."""
        return dict(self._core.arrays())

    def set_arrays(self, arrays: Mapping[str, ArrayLike]) -> None:
        """Replaces all parameters.

        Raises:
            ValueError: If a name is missing or unknown, or a shape differs. The parameters are then as they were.
        """
        self._core.set_arrays({name: np.asarray(array, dtype=np.float32) for name, array in arrays.items()})
