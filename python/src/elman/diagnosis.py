"""What a network does with time: how far back it learns, whether its gates move, what its step does to the state.

``docs/diagnostics.md`` says how the figures are computed and read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .model import Model, data_of

__all__ = ["Cell", "Curve", "Diagnosis", "diagnose"]


@dataclass(frozen=True)
class Curve:
    """The norm of the loss's gradient by the lag."""

    #: ``[K]``: at lag k, relative to that at the end.
    relative: NDArray[np.float64]
    #: The lag from which on it stays below 1 %; None if there is none.
    reach: int | None
    #: What it is multiplied with from a lag to the next; None of fewer than three lags.
    rate: float | None
    #: Steps in which it falls to a half; None where it does not.
    half_life: float | None
    #: ``"vanishes"``, ``"carries"``, ``"explodes"`` or ``"absent"``.
    flow: str

    @classmethod
    def _of(cls, found: dict[str, Any]) -> Curve:
        relative = np.array([np.nan if x is None else x for x in found["relative"]], dtype=np.float64)
        return cls(relative, found["reach"], found["rate"], found["half_life"], str(found["flow"]).lower())


@dataclass(frozen=True)
class Cell:
    """The figures of one direction of one layer."""

    #: The layer, from 0.
    layer: int
    #: Whether it reads rows from their ends.
    reversed: bool
    #: The cell's name.
    cell: str
    #: By the whole state; by h; by c of a cell with a memory.
    state: Curve
    h: Curve
    c: Curve | None
    #: Of each gate its name, mean, and the parts that are low, high and stuck.
    gates: list[dict[str, Any]]
    #: Radius and norm of each block of the recurrent matrix.
    recurrent: list[dict[str, Any]]
    #: Those of the Jacobian of a step, as means and at most.
    transition: dict[str, Any] | None
    #: What is missing, and why.
    not_computed: list[str]

    @property
    def name(self) -> str:
        """As ``layer 1 lstm, backward``."""
        return f"layer {self.layer} {self.cell}{', backward' if self.reversed else ''}"


@dataclass(frozen=True)
class Diagnosis:
    """All figures of a model on a sample of data."""

    #: Rows that were followed, and those without anything to follow.
    rows: int
    skipped: int
    #: The greatest number of steps that was looked back over.
    steps: int
    #: By the inputs.
    inputs: Curve
    #: One for each direction of each layer, from the input on.
    cells: list[Cell]

    def plot(self, axes: Any = None) -> Any:
        """Draws the gradient by the lag, with matplotlib; returns the axes."""
        axes = _axes(axes)
        for cell in self.cells:
            axes.plot(np.arange(len(cell.state.relative)), cell.state.relative, label=cell.name)
        axes.plot(np.arange(len(self.inputs.relative)), self.inputs.relative, "k:", label="inputs")
        axes.axhline(0.01, color="0.7", linewidth=0.8)
        axes.set(yscale="log", xlabel="steps before the end", ylabel="gradient of the loss, relative")
        axes.legend()
        return axes

    def __str__(self) -> str:
        lines = [f"{self.rows} rows, looking back over {self.steps} steps"]
        for name, curve in [*((cell.name, cell.state) for cell in self.cells), ("inputs", self.inputs)]:
            reach = "never" if curve.reach is None else f"from step {curve.reach} back"
            lines.append(f"{name}: the gradient {curve.flow}; below 1%: {reach}")
        return "\n".join(lines)


def _axes(axes: Any) -> Any:
    """Axes to draw on: those given, or new ones."""
    if axes is not None:
        return axes
    try:
        import matplotlib.pyplot as pyplot
    except ImportError:
        raise ImportError("a picture needs matplotlib: pip install matplotlib") from None
    return pyplot.subplots()[1]


#: Figures of a cell that are no curves.
_PLAIN = ("layer", "reversed", "cell", "gates", "recurrent", "transition", "not_computed")


def diagnose(
    model: Model,
    x: Any,
    y: ArrayLike,
    *,
    lengths: ArrayLike | None = None,
    rows: int | None = None,
    steps: int | None = None,
) -> Diagnosis:
    """Follows the gradient of the loss back through time, on data.

    Args:
        model: A trained model, whose head is one dense layer.
        x, y, lengths: As of :meth:`elman.Trainer.fit`.
        rows: How many rows, that lie evenly over the data; None: 64, or all of fewer.
        steps: Most steps to look back over; None: all.

    Raises:
        ValueError: If the data does not fit the model, or its head has hidden layers.

    Example:
        >>> import numpy as np, elman
        >>> x = np.random.default_rng(1).uniform(-1, 1, (20, 30, 1)).astype(np.float32)
        >>> found = elman.diagnose(elman.Model(elman.RNN(1, 16), 2), x, np.arange(20) % 2)
        >>> found.rows, found.steps, found.cells[0].name, found.cells[0].state.relative.shape
        (20, 30, 'layer 0 rnn', (30,))
    """
    found = json.loads(model._core.diagnose(data_of(x, y, lengths), rows, steps))

    def cell(of: dict[str, Any]) -> Cell:
        whole: dict[str, Any] = {name: of[name] for name in _PLAIN}
        return Cell(state=Curve._of(of["state"]), h=Curve._of(of["h"]), c=None if of["c"] is None else Curve._of(of["c"]), **whole)

    cells = [cell(of) for of in found["cells"]]
    return Diagnosis(found["rows"], found["skipped"], found["steps"], Curve._of(found["inputs"]), cells)
