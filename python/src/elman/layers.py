"""Recurrent layers on arrays.

Symbols: B rows of a batch, T steps, I input, H hidden, O output, L layers, G gates of a cell.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._arrays import Floats, batch, floats
from ._parameters import Parameters
from .state import State

__all__ = ["RNN", "LSTM", "GRU", "IndRNN", "Stack", "Network", "Tape", "Gradients"]

Activation = Literal["tanh", "relu", "sigmoid", "hard_sigmoid", "hard_sigmoid_keras2", "linear"]
GateActivation = Literal["sigmoid", "hard_sigmoid", "hard_sigmoid_keras2"]
Merge = Literal["concat", "sum", "average", "multiply"]
Init = Literal["tf", "keras", "pytorch"]


class Gradients(NamedTuple):
    """What :meth:`Tape.backward` gives."""

    #: By each array of :meth:`Network.arrays`, under its name.
    arrays: dict[str, Floats]
    #: By the inputs, ``[B, T, I]``, zero past a row's end.
    inputs: Floats
    #: By the initial state.
    initial_state: State
    #: By the carried state, where there was one.
    carried_state: State | None


class Network(Parameters):
    """Layers with their parameters: what :class:`RNN`, :class:`LSTM`, :class:`GRU`, :class:`IndRNN` and :class:`Stack` are.

    Called with a batch, a network runs all steps and returns the outputs and the final state.
    """

    def __init__(self, description: dict[str, Any], init: Init, seed: int) -> None:
        self._description = description
        self._core = _core.Network(json.dumps(description), init, seed)

    # Of a network that is read or copied: the same layers with other numbers.
    @classmethod
    def _of(cls, description: dict[str, Any], core: Any) -> Network:
        network = Network.__new__(Network)
        network._description, network._core = description, core
        return network

    @property
    def input(self) -> int:
        """I, the floats of a step; 1 of a network of tokens."""
        return int(self._core.input)

    @property
    def output(self) -> int:
        """O, the floats of an output."""
        return int(self._core.output)

    @property
    def parameter_count(self) -> int:
        """Parameters that are trained."""
        return int(self._core.parameter_count)

    def __call__(
        self,
        x: ArrayLike,
        *,
        lengths: ArrayLike | None = None,
        initial_state: State | None = None,
        carried_state: State | None = None,
        resets: ArrayLike | None = None,
        threads: int = 0,
    ) -> tuple[Any, State]:
        """All steps of a batch.

        Args:
            x: Inputs ``[B, T, I]``, float32 and C-contiguous without a copy; or a list of sequences ``[T_i, I]``.
            lengths: Steps of each row ``[B]``, 0 to T. Without them every row has T.
            initial_state: Where rows start, and where they return to at a reset. Without it, zero.
            carried_state: Where rows start that go on from a window before; resets do not return to it.
            resets: ``[B, T]``, true where a new sequence begins within a row.
            threads: Threads of this call; 0: as :func:`elman.set_num_threads` says. It changes no bit.

        Returns:
            Outputs ``[B, T, O]``, zero past a row's end, or of a list a list of ``[T_i, O]``; and the state after each row's
            own last step.

        Raises:
            ValueError: If a shape does not fit, or a number is NaN or infinite.

        Example:
            >>> import numpy as np, elman
            >>> outputs, state = elman.GRU(3, 4)(np.zeros((2, 6, 3)), lengths=[6, 2])
            >>> outputs.shape, state.h.shape
            ((2, 6, 4), (2, 4))
        """
        given = (lengths, initial_state, carried_state, resets, None, 0, 0, threads)
        outputs, state, _, lengths_ = self._run(x, False, *given)
        return _ragged(outputs, lengths_), state

    def record(
        self,
        x: ArrayLike,
        *,
        lengths: ArrayLike | None = None,
        initial_state: State | None = None,
        carried_state: State | None = None,
        resets: ArrayLike | None = None,
        training: tuple[int, int] | None = None,
        truncate: int = 0,
        checkpoint_every: int = 0,
        threads: int = 0,
    ) -> Tape:
        """The same, with all that gradients need.

        Args:
            training: A seed and the number of a step, by which masks are drawn. Without it dropout drops nothing.
            truncate: Steps after which the gradient by the state is cut; 0: never.
            checkpoint_every: Keeps only so many steps at a time and runs the others again on the way back: less memory, the
                same gradients. 0 keeps all.

        Example:
            >>> import numpy as np, elman
            >>> layer = elman.LSTM(3, 4)
            >>> tape = layer.record(np.ones((2, 6, 3)))
            >>> gradients = tape.backward(d_outputs=tape.outputs)      # of half the sum of their squares
            >>> gradients.arrays["layers.0.kernel"].shape, gradients.inputs.shape
            ((3, 16), (2, 6, 3))
        """
        given = (lengths, initial_state, carried_state, resets, training, truncate, checkpoint_every, threads)
        outputs, state, core, _ = self._run(x, True, *given)
        return Tape(core, outputs, state, self.input)

    def _run(
        self,
        x: ArrayLike,
        keep: bool,
        lengths: ArrayLike | None,
        initial_state: State | None,
        carried_state: State | None,
        resets: ArrayLike | None,
        training: tuple[int, int] | None,
        truncate: int,
        checkpoint_every: int,
        threads: int,
    ) -> tuple[Floats, State, Any, NDArray[np.int64] | None]:
        xs, of_rows, ragged = batch(x, lengths)
        outputs = np.zeros((*xs.shape[:2], self.output), dtype=np.float32)
        cells, tape = self._core.run(
            xs,
            outputs,
            lengths=of_rows,
            initial_state=_cells("initial_state", initial_state),
            carried_state=_cells("carried_state", carried_state),
            resets=None if resets is None else np.ascontiguousarray(resets, dtype=np.bool_),
            training=training,
            truncate=truncate,
            checkpoint_every=checkpoint_every,
            keep=keep,
            threads=threads,
        )
        return outputs, State._of(cells), tape, of_rows if ragged else None

    def step(self, x: ArrayLike, state: State | None = None) -> tuple[Floats, State]:
        """One step in time: x ``[B, I]`` and a state give the output ``[B, O]`` and the next state.

        Raises:
            ValueError: If a shape does not fit, or a layer reads its rows from their ends.

        Example:
            >>> import numpy as np, elman
            >>> cell = elman.RNN(3, 4)
            >>> output, state = cell.step(np.zeros((2, 3)))
            >>> output, state = cell.step(np.ones((2, 3)), state)
        """
        if self._core.is_bidirectional:
            raise ValueError("a step of a network that reads its rows from their ends; call it with whole sequences")
        outputs, state = self(floats("x", x, 2)[:, None], initial_state=state)
        return outputs[:, 0], state

    def zero_state(self, rows: int) -> State:
        """A state of zeros for so many rows."""
        sizes = self._core.state_sizes
        return State([(np.zeros((rows, h), np.float32), np.zeros((rows, c), np.float32)) for h, c in sizes])

    def __getstate__(self) -> dict[str, Any]:
        return {"description": self._description, "arrays": self.arrays()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._description = state["description"]
        self._core = _core.Network(json.dumps(self._description), "tf", 0)
        self._core.set_arrays(state["arrays"])

    def __repr__(self) -> str:
        layers = ", ".join(_shown(layer) for layer in self._description["layers"])
        return f"{type(self).__name__}({layers}; {self.parameter_count:,} parameters)"


def _shown(layer: Mapping[str, Any]) -> str:
    both = " both ways" if "bidirectional" in layer else ""
    return f"{layer['cell']}{both} {layer['input']} → {layer['hidden']}"


def _cells(what: str, state: State | None) -> list[tuple[Floats, Floats]] | None:
    if state is not None and not isinstance(state, State):
        raise ValueError(f"{what} is {type(state).__name__}; expected an elman.State, or None for zeros")
    return None if state is None else state.cells


def _ragged(outputs: Floats, lengths: NDArray[np.int64] | None) -> Any:
    if lengths is None:
        return outputs
    return [rows[:length] for rows, length in zip(outputs, lengths)]


class Tape:
    """A batch that was run forward by :meth:`Network.record`, and all that its way back needs."""

    def __init__(self, core: Any, outputs: Floats, state: State, width: int) -> None:
        self._core, self._width = core, width
        #: Outputs ``[B, T, O]``.
        self.outputs = outputs
        #: The final state.
        self.state = state

    def backward(self, d_outputs: ArrayLike | None = None, d_state: State | None = None) -> Gradients:
        """Gradients of Σ outputs ⊙ d_outputs + Σ state ⊙ d_state.

        Args:
            d_outputs: ``[B, T, O]``: the gradient of the loss by the outputs.
            d_state: That by the final state. One of both is given.

        Raises:
            ValueError: If a shape does not fit.
        """
        if d_outputs is None and d_state is None:
            raise ValueError("neither d_outputs nor d_state is given; expected the gradient of a loss by one of them")
        d = None if d_outputs is None else floats("d_outputs", d_outputs, 3)
        d_inputs = np.zeros((*self.outputs.shape[:2], self._width), dtype=np.float32)
        arrays, initial, carried = self._core.backward(d, _cells("d_state", d_state), d_inputs)
        return Gradients(arrays, d_inputs, State._of(initial), None if carried is None else State._of(carried))


class _Layers(Network):
    """One kind of cell, in any number of layers."""

    def __init__(
        self,
        cell: str,
        input: int,
        hidden: int,
        options: dict[str, Any],
        *,
        layers: int,
        bidirectional: bool | Merge,
        residual: bool,
        dropout: float,
        tokens: int | None,
        noise: dict[str, float],
        init: Init,
        seed: int,
    ) -> None:
        whole("input", input), whole("hidden", hidden), whole("layers", layers)
        options = {name: value for name, value in options.items() if value is not None}
        noise = {name: float(rate) for name, rate in noise.items() if rate != 0.0}
        merge = "concat" if bidirectional is True else bidirectional
        output = options.get("projection") or hidden
        wide = 2 * output if merge == "concat" else output
        stack = []
        for index in range(layers):
            layer: dict[str, Any] = {"cell": cell, "input": wide if index else input, "hidden": hidden, **options}
            if noise:
                layer["noise"] = noise
            if merge:
                layer["bidirectional"] = merge
            # The first layer may have another width, and the last one has none above it.
            if residual and layer["input"] == wide:
                layer["residual"] = True
            if dropout and index + 1 < layers:
                layer["dropout"] = float(dropout)
            stack.append(layer)
        description: dict[str, Any] = {"layers": stack}
        if tokens is not None:
            description["embedding"] = {"tokens": whole("tokens", tokens), "size": input}
        super().__init__(description, init, seed)


def whole(what: str, value: int) -> int:
    """A whole number, at least 1."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{what} is {value!r}; expected a whole number, at least 1")
    return int(value)


_COMMON = """
    Args:
        input: I, the floats of a step; with ``tokens``, of a token's vector.
        hidden: H, the floats of the state.
        layers: L, each reading the outputs of the one before.
        bidirectional: Whether a second cell reads each row from its own end; or how both become one output: ``"concat"``,
            ``"sum"``, ``"average"``, ``"multiply"``.
        residual: Whether a layer's input is added to its outputs, where their sizes agree.
        dropout: Part of the outputs that is dropped in training between layers.
        tokens: Reads tokens, whole numbers below this, in place of floats: x is ``[B, T, 1]``.
        init: The convention of the initial values: ``"tf"``, ``"keras"`` or ``"pytorch"``.
        seed: What they are drawn from.
        {options}
        recurrent_dropout, {candidate}zoneout: Masks in training; docs/cells.md has their equations.

    Raises:
        ValueError: If a size or an option is out of its range.
"""


class RNN(_Layers):
    __doc__ = """Elman's network: h_t = φ(x_t W + h_{t-1} R + b).
""" + _COMMON.format(options="activation: φ.", candidate="") + """
    Example:
        >>> import elman
        >>> elman.RNN(28, 128)
        RNN(rnn 28 → 128; 20,096 parameters)
    """

    def __init__(
        self,
        input: int,
        hidden: int,
        *,
        layers: int = 1,
        bidirectional: bool | Merge = False,
        residual: bool = False,
        dropout: float = 0.0,
        tokens: int | None = None,
        activation: Activation = "tanh",
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
        init: Init = "tf",
        seed: int = 111,
    ) -> None:
        super().__init__(
            "rnn", input, hidden, {"activation": activation}, layers=layers, bidirectional=bidirectional,
            residual=residual, dropout=dropout, tokens=tokens, init=init, seed=seed,
            noise={"recurrent_dropout": recurrent_dropout, "zoneout": zoneout},
        )  # fmt: skip


class IndRNN(_Layers):
    __doc__ = """An Elman network whose units see themselves alone: h_t = φ(x_t W + u ⊙ h_{t-1} + b).
""" + _COMMON.format(options="activation: φ.", candidate="") + """
    Example:
        >>> import elman
        >>> elman.IndRNN(3, 16, activation="relu").parameter_count
        80
    """

    def __init__(
        self,
        input: int,
        hidden: int,
        *,
        layers: int = 1,
        bidirectional: bool | Merge = False,
        residual: bool = False,
        dropout: float = 0.0,
        tokens: int | None = None,
        activation: Activation = "tanh",
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
        init: Init = "tf",
        seed: int = 111,
    ) -> None:
        super().__init__(
            "indrnn", input, hidden, {"activation": activation}, layers=layers, bidirectional=bidirectional,
            residual=residual, dropout=dropout, tokens=tokens, init=init, seed=seed,
            noise={"recurrent_dropout": recurrent_dropout, "zoneout": zoneout},
        )  # fmt: skip


class LSTM(_Layers):
    __doc__ = """Long short-term memory.
""" + _COMMON.format(
        options="""projection: P, the floats of the state where it is projected.
        peepholes: Whether the gates see the memory.
        coupled: Whether the forget gate is 1 minus the input gate.
        cell_clip, projection_clip: Limits of the memory, and of the projected state.
        layer_norm: Whether gates and memory are normalised, as in TensorFlow's LayerNormBasicLSTMCell.
        activation, recurrent_activation: The functions of candidate and memory, and of the gates.""",
        candidate="candidate_dropout, memory_zoneout, ",
    ) + """
    Example:
        >>> import elman
        >>> elman.LSTM(3, 8, layers=2, bidirectional=True)
        LSTM(lstm both ways 3 → 8, lstm both ways 16 → 8; 2,368 parameters)
    """

    def __init__(
        self,
        input: int,
        hidden: int,
        *,
        layers: int = 1,
        bidirectional: bool | Merge = False,
        residual: bool = False,
        dropout: float = 0.0,
        tokens: int | None = None,
        projection: int | None = None,
        peepholes: bool = False,
        coupled: bool = False,
        cell_clip: float | None = None,
        projection_clip: float | None = None,
        layer_norm: bool = False,
        activation: Activation = "tanh",
        recurrent_activation: GateActivation = "sigmoid",
        recurrent_dropout: float = 0.0,
        candidate_dropout: float = 0.0,
        zoneout: float = 0.0,
        memory_zoneout: float = 0.0,
        init: Init = "tf",
        seed: int = 111,
    ) -> None:
        options = {
            "projection": projection, "peepholes": peepholes, "coupled": coupled, "cell_clip": cell_clip,
            "projection_clip": projection_clip, "layer_norm": layer_norm, "activation": activation,
            "recurrent_activation": recurrent_activation,
        }  # fmt: skip
        super().__init__(
            "lstm", input, hidden, options, layers=layers, bidirectional=bidirectional,
            residual=residual, dropout=dropout, tokens=tokens, init=init, seed=seed,
            noise={"recurrent_dropout": recurrent_dropout, "candidate_dropout": candidate_dropout,
                   "zoneout": zoneout, "memory_zoneout": memory_zoneout},
        )  # fmt: skip


class GRU(_Layers):
    __doc__ = """Gated recurrent units.
""" + _COMMON.format(
        options="""reset: Where the reset gate acts: ``"after"`` the product, as in PyTorch, or ``"before"`` it.
        layer_norm: Whether the gates are normalised.
        activation, recurrent_activation: The functions of the candidate, and of the gates.""",
        candidate="candidate_dropout, ",
    ) + """
    Example:
        >>> import elman
        >>> elman.GRU(3, 8, reset="before").arrays()["layers.0.kernel"].shape
        (3, 24)
    """

    def __init__(
        self,
        input: int,
        hidden: int,
        *,
        layers: int = 1,
        bidirectional: bool | Merge = False,
        residual: bool = False,
        dropout: float = 0.0,
        tokens: int | None = None,
        reset: Literal["after", "before"] = "after",
        layer_norm: bool = False,
        activation: Activation = "tanh",
        recurrent_activation: GateActivation = "sigmoid",
        recurrent_dropout: float = 0.0,
        candidate_dropout: float = 0.0,
        zoneout: float = 0.0,
        init: Init = "tf",
        seed: int = 111,
    ) -> None:
        options = {
            "reset": reset, "layer_norm": layer_norm, "activation": activation,
            "recurrent_activation": recurrent_activation,
        }  # fmt: skip
        super().__init__(
            "gru", input, hidden, options, layers=layers, bidirectional=bidirectional,
            residual=residual, dropout=dropout, tokens=tokens, init=init, seed=seed,
            noise={"recurrent_dropout": recurrent_dropout, "candidate_dropout": candidate_dropout, "zoneout": zoneout},
        )  # fmt: skip


class Stack(Network):
    """Layers of any kinds on each other, with initial values of their own.

    Args:
        layers: Networks, from the input on; their descriptions are taken, not their parameters.
        init: The convention of the initial values.
        seed: What they are drawn from.

    Raises:
        ValueError: If the sizes do not fit each other.

    Example:
        >>> import elman
        >>> elman.Stack(elman.LSTM(3, 8, bidirectional=True), elman.GRU(16, 4))
        Stack(lstm both ways 3 → 8, gru 16 → 4; 1,024 parameters)
    """

    def __init__(self, *layers: Network, init: Init = "tf", seed: int = 111) -> None:
        description: dict[str, Any] = {"layers": []}
        for index, part in enumerate(layers):
            if not isinstance(part, Network):
                raise ValueError(f"layer {index} is {type(part).__name__}; expected an elman.RNN, LSTM, GRU or IndRNN")
            if "embedding" in part._description:
                if index > 0:
                    raise ValueError(f"layer {index} reads tokens; only the first one can")
                description["embedding"] = part._description["embedding"]
            description["layers"].extend(part._description["layers"])
        super().__init__(description, init, seed)
