"""Streams: a network or a model stepped one input at a time, for as long as it lasts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import Floats
from .state import State


class Stream:
    """Rows that are stepped side by side. Made by ``stream()`` and ``streams(n)`` of a network or a model.

    A network's stream gives the outputs of its last layer, a model's its answers: bit for bit what the whole sequence gives.
    It keeps the parameters that it began with. A stream is copied and pickled with its state.

    Example:
        >>> import numpy as np, elman
        >>> stream = elman.LSTM(3, 4).stream()
        >>> stream.step(np.zeros(3, dtype=np.float32)).shape
        (4,)
    """

    def __init__(self, of: Any, core: Any, single: bool) -> None:
        self._of, self._core, self._single = of, core, single
        self._step = core.step if single else core.step_rows

    @property
    def rows(self) -> int:
        """N, the rows."""
        return int(self._core.rows)

    def step(self, x: ArrayLike) -> Floats:
        """One step: x ``[I]`` in and ``[O]`` out; of ``streams(n)`` ``[N, I]`` in and ``[N, O]`` out.

        Raises:
            ValueError: If a shape does not fit or a number is NaN or infinite; the stream is then as it was.
        """
        if type(x) is not np.ndarray or x.dtype != np.float32 or not x.flags.c_contiguous:
            x = np.ascontiguousarray(x, dtype=np.float32)
        return self._step(x)  # type: ignore[no-any-return]

    def reset(self, row: int | None = None) -> None:
        """Back to before the first step: all rows, or one."""
        self._core.reset(row)

    @property
    def state(self) -> State | bytes:
        """What the stream keeps: a :class:`State` of a network's, bytes of a model's. It can be pickled, and set."""
        cells = self._core.cells()
        return self._core.bytes() if cells is None else State._of(cells)

    @state.setter
    def state(self, state: State | bytes) -> None:
        if isinstance(state, State):
            self._core.set_cells(state.cells)
        else:
            self._core.set_bytes(state)

    def __copy__(self) -> Stream:
        return Stream(self._of, self._core.copy(), self._single)

    def __deepcopy__(self, memo: object) -> Stream:
        return self.__copy__()

    def __reduce__(self) -> Any:
        return _restored, (self._of, self.rows, self._single, self.state)

    def __repr__(self) -> str:
        return f"Stream({self.rows} rows of {self._of!r})"


def _restored(of: Any, rows: int, single: bool, state: State | bytes) -> Stream:
    stream: Stream = of.stream() if single else of.streams(rows)
    stream.state = state
    return stream
