"""States: what a recurrent network carries from step to step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import Floats, floats


class State:
    """The state of a network: of each direction of each layer h ``[B, P]`` and c ``[B, M]``.

    M is 0 for cells whose state is their output. A state is pickled as any other object.

    Args:
        cells: Pairs (h, c), from the input on, the forward direction before the other.

    Example:
        >>> import elman
        >>> state = elman.LSTM(3, 4).zero_state(2)
        >>> state.h.shape, state.c.shape, state.rows
        ((2, 4), (2, 4), 2)
    """

    __slots__ = ("cells",)

    def __init__(self, cells: Iterable[tuple[ArrayLike, ArrayLike]]) -> None:
        self.cells: list[tuple[Floats, Floats]] = [
            (floats(f"h of cell {index}", h, 2), floats(f"c of cell {index}", c, 2))
            for index, (h, c) in enumerate(cells)
        ]
        if not self.cells:
            raise ValueError("a state has no cells; expected a pair (h, c) for each direction of each layer")

    @classmethod
    def _of(cls, cells: list[tuple[Floats, Floats]]) -> State:
        """Of arrays that the Rust side made."""
        state = cls.__new__(cls)
        state.cells = cells
        return state

    @property
    def h(self) -> Floats:
        """h ``[B, P]`` of the last cell: of the last layer, and of its backward direction if it has one."""
        return self.cells[-1][0]

    @property
    def c(self) -> Floats:
        """c ``[B, M]`` of the last cell."""
        return self.cells[-1][1]

    @property
    def rows(self) -> int:
        """B"""
        return len(self.cells[0][0])

    def select(self, rows: ArrayLike) -> State:
        """The rows of a state, in another order or some of them."""
        at = np.asarray(rows, dtype=np.intp)
        return State._of([(h[at], c[at]) for h, c in self.cells])

    def __iter__(self) -> Iterator[tuple[Floats, Floats]]:
        return iter(self.cells)

    def __len__(self) -> int:
        return len(self.cells)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, State):
            return NotImplemented
        return len(self) == len(other) and all(
            np.array_equal(a, b) and np.array_equal(c, d) for (a, c), (b, d) in zip(self, other)
        )

    __hash__ = None  # type: ignore[assignment]

    def __getstate__(self) -> list[tuple[Floats, Floats]]:
        return self.cells

    def __setstate__(self, cells: list[tuple[Floats, Floats]]) -> None:
        self.cells = cells

    def __repr__(self) -> str:
        return f"State({self.rows} rows, {[(h.shape[1], c.shape[1]) for h, c in self.cells]})"
