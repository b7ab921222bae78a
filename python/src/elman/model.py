"""Models: a network with a head on it.

Symbols: N rows, T steps, I input, C classes, V values, Q quantiles.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._arrays import Floats, batch
from ._parameters import Parameters
from .layers import Init, Network, _shown, whole
from .optimizers import Adam, Descent

__all__ = ["Head", "Model", "Ensemble", "Trainer", "Batches", "Epoch", "Evaluation"]

Reads = Literal["last-state", "every-step", "mean", "max", "attention"]


class Head:
    """What stands on a network: dense layers, and what their outputs mean.

    Use :meth:`classes`, :meth:`values` or :meth:`quantiles`. In place of a head of classes its number may be given.

    Example:
        >>> import elman
        >>> elman.Head.values(2, reads="mean", hidden=[(16, "relu")])
        Head(2 values, reads mean, hidden [(16, 'relu')])
    """

    def __init__(self, description: dict[str, Any], shown: str) -> None:
        self._description, self._shown = description, shown

    @classmethod
    def classes(cls, classes: int, *, reads: Reads = "last-state", hidden: Sequence[tuple[int, str]] = ()) -> Head:
        """Probabilities of C classes; the loss is softmax cross-entropy.

        Args:
            classes: C
            reads: What the head reads: the last state, every step, or the mean, the maximum or a learned weighted mean (attention)
                over the steps.
            hidden: Dense layers before the last one, each by its units and its activation.
        """
        return cls._of({"classes": whole("classes", classes)}, f"{classes} classes", reads, hidden)

    @classmethod
    def values(
        cls, values: int, *, sigmoid: bool = False, reads: Reads = "last-state", hidden: Sequence[tuple[int, str]] = ()
    ) -> Head:
        """V values; the loss is the squared error, or with ``sigmoid``, from 0 to 1, the binary cross-entropy."""
        link = "sigmoid" if sigmoid else "identity"
        described = {"values": {"outputs": whole("values", values), "link": link}}
        return cls._of(described, f"{values} values{' from 0 to 1' if sigmoid else ''}", reads, hidden)

    @classmethod
    def quantiles(
        cls, levels: Sequence[float], horizon: int, *, reads: Reads = "last-state", hidden: Sequence[tuple[int, str]] = ()
    ) -> Head:
        """Q quantiles of each of the ``horizon`` values that follow; the loss is the pinball loss."""
        described = {"quantiles": {"levels": [float(level) for level in levels], "horizon": whole("horizon", horizon)}}
        return cls._of(described, f"{len(levels)} quantiles of {horizon} values", reads, hidden)

    @classmethod
    def _of(cls, described: dict[str, Any], shown: str, reads: Reads, hidden: Sequence[tuple[int, str]]) -> Head:
        described["reads"] = reads
        described["hidden"] = [{"size": size, "activation": activation} for size, activation in hidden]
        also = f", hidden {list(hidden)}" if hidden else ""
        return cls(described, f"{shown}, reads {reads}{also}")

    def __repr__(self) -> str:
        return f"Head({self._shown})"


class Evaluation(NamedTuple):
    """Figures of a data set."""

    #: The mean loss, of classes in nats.
    loss: float
    #: Part that is right; NaN where nothing is right or wrong.
    accuracy: float


class Epoch(NamedTuple):
    """Figures of an epoch: those of its last batch."""

    #: From 1.
    epoch: int
    #: The mean loss.
    loss: float
    #: Part that was right; NaN where nothing can be.
    accuracy: float


class Model(Parameters):
    """A network with a head.

    Args:
        layers: A network, whose layers are taken; or several on each other.
        head: The head, or the number of classes.
        init: The convention of the initial values: ``"tf"``, ``"keras"`` or ``"pytorch"``.
        seed: What they are drawn from.

    Raises:
        ValueError: If sizes do not fit each other.

    Example:
        Is the sum of a sequence above 0?

        >>> import numpy as np, elman
        >>> x = np.random.default_rng(1).uniform(-1, 1, (512, 5, 1)).astype(np.float32)
        >>> y = (x.sum((1, 2)) > 0).astype(np.int64)
        >>> model = elman.Model(elman.RNN(1, 16), 2)
        >>> for epoch in elman.Trainer(model, elman.Adam(0.01), batch_size=64).fit(x, y, epochs=20):
        ...     pass
        >>> model.evaluate(x, y).accuracy > 0.95
        True
    """

    #: Of a model that :func:`elman.load` took from another program, what became of its arrays.
    conversion: Any = None

    def __init__(
        self, layers: Network | Sequence[Network], head: Head | int, *, init: Init = "tf", seed: int = 111
    ) -> None:
        from .layers import Stack

        network = layers if isinstance(layers, Network) else Stack(*layers)
        head = head if isinstance(head, Head) else Head.classes(head)
        description = {"embedding": None, **network._description}
        self._core = _core.Model(json.dumps(description), json.dumps(head._description), init, seed)

    @classmethod
    def _of(cls, core: Any) -> Model:
        model = cls.__new__(cls)
        model._core = core
        return model

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Model:
        """Reads a model that :meth:`save` or a run of the command wrote, with every bit.

        Raises:
            FileNotFoundError, OSError: If the file cannot be read.
            elman.Error: If it is no model.
        """
        return cls._of(_core.Model.load(os.fspath(path)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes one file, whole or not at all, which the command reads as well."""
        self._core.save(os.fspath(path))

    @property
    def config(self) -> dict[str, Any]:
        """The configuration, as in the model's file."""
        return dict(json.loads(self._core.config()))

    @property
    def parameter_count(self) -> int:
        """Parameters that are trained."""
        return int(self._core.parameter_count)

    @property
    def input(self) -> int:
        """I, the floats of a step."""
        return int(self._core.input)

    def predict(self, x: Any, *, lengths: ArrayLike | None = None, threads: int = 0) -> Any:
        """The answers to a batch.

        Args:
            x: ``[N, T, I]``, or a list of sequences ``[T_i, I]``.
            lengths: Steps of each row ``[N]``.

        Returns:
            Probabilities ``[N, C]``, values ``[N, V]`` or quantiles ``[N, V, Q]``; of a head on every step a list of
            ``[T_i, C]`` or ``[T_i, V]``.

        Raises:
            ValueError: If a shape does not fit, or a number is NaN or infinite.
        """
        xs, of_rows, _ = batch(x, lengths)
        if self._core.reads == "every-step":
            return self._core.step_answers(xs, of_rows, threads)
        return self._core.answers(xs, of_rows, threads)

    def evaluate(self, x: Any, y: ArrayLike, *, lengths: ArrayLike | None = None, threads: int = 0) -> Evaluation:
        """Mean loss and accuracy: x as of :meth:`predict`, y as of :meth:`Trainer.fit`."""
        return Evaluation(*self._core.evaluate(data_of(x, y, lengths), threads))

    def network(self) -> Network:
        """The network alone, with a copy of its parameters."""
        config = self.config
        description = {"layers": config["layers"]}
        if config.get("embedding"):
            description["embedding"] = config["embedding"]
        return Network._of(description, self._core.network())

    def __getstate__(self) -> dict[str, Any]:
        return {"config": self._core.config(), "arrays": self.arrays()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._core = _core.Model.of_config(state["config"], state["arrays"])

    def __copy__(self) -> Model:
        return self.__deepcopy__(None)

    def __deepcopy__(self, memo: object) -> Model:
        copy = type(self).__new__(type(self))
        copy.__setstate__(self.__getstate__())
        return copy

    def __repr__(self) -> str:
        layers = ", ".join(_shown(layer) for layer in self.config["layers"] if "hidden" in layer)
        return f"Model({layers} → {self._core.outputs} {self._core.predicts}; {self.parameter_count:,} parameters)"


class Ensemble:
    """Models of the same network and head, whose mean answers. A run of ``elman train --ensemble`` is one.

    Args:
        models: One at least.

    Raises:
        ValueError: If their networks, heads or meanings differ.

    Example:
        >>> import numpy as np, elman
        >>> both = elman.Ensemble([elman.Model(elman.GRU(3, 8), 2, seed=seed) for seed in (1, 2)])
        >>> both.predict(np.zeros((4, 5, 3))).shape, len(both)
        ((4, 2), 2)
    """

    def __init__(self, models: Sequence[Model]) -> None:
        self.models = list(models)
        self._core = _core.Ensemble([model._core for model in self.models])

    def predict(self, x: Any, *, lengths: ArrayLike | None = None, threads: int = 0) -> Any:
        """The mean answers to a batch: see :meth:`Model.predict`."""
        xs, of_rows, _ = batch(x, lengths)
        if self.models[0]._core.reads == "every-step":
            return self._core.step_answers(xs, of_rows, threads)
        return self._core.answers(xs, of_rows, threads)

    def evaluate(self, x: Any, y: ArrayLike, *, lengths: ArrayLike | None = None, threads: int = 0) -> Evaluation:
        """Mean loss and accuracy of the mean answers: see :meth:`Model.evaluate`."""
        return Evaluation(*self._core.evaluate(data_of(x, y, lengths), threads))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes one file, whole or not at all, which the command reads as well."""
        self._core.save(os.fspath(path))

    def __len__(self) -> int:
        return len(self.models)

    def __getitem__(self, member: int) -> Model:
        return self.models[member]

    def __getstate__(self) -> list[Model]:
        return self.models

    def __setstate__(self, models: list[Model]) -> None:
        Ensemble.__init__(self, models)

    def __repr__(self) -> str:
        return f"Ensemble({len(self)} of {self.models[0]!r})"


def data_of(x: Any, y: ArrayLike, lengths: ArrayLike | None) -> Any:
    """Sequences and targets as the Rust side takes them."""
    xs, of_rows, ragged = batch(x, lengths)
    if ragged and isinstance(y, (list, tuple)) and any(np.ndim(row) for row in y):
        y = _padded_targets(y, xs.shape[1])
    targets = np.asarray(y)
    if targets.dtype.kind in "iub":
        targets = np.ascontiguousarray(targets, dtype=np.int64)
    elif targets.dtype.kind == "f":
        targets = np.ascontiguousarray(targets, dtype=np.float32)
        if targets.ndim == 1:
            targets = targets[:, None]
    else:
        raise ValueError(f"y is of {targets.dtype}; expected whole numbers, the classes, or floats, the values")
    return _core.Data(xs, targets, of_rows)


def _padded_targets(rows: Sequence[ArrayLike], steps: int) -> NDArray[Any]:
    """Targets of steps ``[T_i]`` or ``[T_i, V]``, padded to T."""
    arrays = [np.asarray(row) for row in rows]
    together = np.zeros((len(arrays), steps, *arrays[0].shape[1:]), dtype=np.result_type(*arrays))
    for to, array in zip(together, arrays):
        if array.shape[1:] != to.shape[1:] or len(array) > steps:
            raise ValueError(f"a row of y has shape {list(array.shape)}; expected as many steps as its row of x")
        to[: len(array)] = array
    return together


class Trainer:
    """A model in training.

    Args:
        model: It has the weights of the trainer after every epoch.
        optimizer: :class:`elman.Adam` and so on.
        batch_size: Rows of a batch; None: the whole set.
        seed: Fixes the order of the rows and the masks.
        threads: Threads; 0: as :func:`elman.set_num_threads` says. They change no bit.
        micro_batch, truncate, class_weights, label_smoothing, memory_budget: As in the library: rows worked off at a time;
            steps after which the gradient by the state is cut; how much a row of each class counts; the part of a label that
            is shared out among all classes in training; bytes that training may take.

    Example:
        See :class:`Model`.
    """

    def __init__(
        self,
        model: Model,
        optimizer: Descent | None = None,
        *,
        batch_size: int | None = 128,
        seed: int = 111,
        threads: int = 0,
        micro_batch: int = 0,
        truncate: int = 0,
        class_weights: Sequence[float] | None = None,
        label_smoothing: float = 0.0,
        memory_budget: int | None = None,
    ) -> None:
        self.model = model
        optimizer = Adam() if optimizer is None else optimizer
        self._core = _core.Trainer(
            model._core,
            optimizer._json,
            batch_size=batch_size,
            seed=seed,
            threads=threads,
            micro_batch=micro_batch,
            truncate=truncate,
            class_weights=None if class_weights is None else [float(weight) for weight in class_weights],
            label_smoothing=label_smoothing,
            memory_budget=memory_budget,
        )

    def fit(
        self, x: Any, y: ArrayLike, *, lengths: ArrayLike | None = None, epochs: int = 1, window: int | None = None
    ) -> Iterator[Epoch]:
        """An iterator over epochs; each is trained when it is asked for.

        Ctrl-C ends training after the running step; the model then has the weights of the last whole epoch.

        Args:
            x: ``[N, T, I]``, or a list of sequences ``[T_i, I]``.
            y: Classes, whole numbers ``[N]``, or ``[N, T]`` for a head on every step; or floats ``[N, V]``, ``[N, T, V]``.
            lengths: Steps of each row ``[N]``.
            epochs: How many.
            window: Takes every row as a stream: a batch is the next so many steps of all rows, the state carried.

        Raises:
            ValueError: If the data does not fit the model.
            elman.Error: If the loss leaves the finite numbers; the weights are then the last good ones.
        """
        self._core.begin(data_of(x, y, lengths), epochs, window)
        return self._epochs()

    def _epochs(self) -> Iterator[Epoch]:
        while (figures := self._core.epoch()) is not None:
            self._core.copy_to(self.model._core)
            yield Epoch(*figures)

    def batches(self, x: Any, y: ArrayLike, *, lengths: ArrayLike | None = None) -> Batches:
        """A data set of which each step takes rows of one's own choice: x, y and lengths as of :meth:`fit`.

        Example:
            >>> import numpy as np, elman
            >>> x = np.random.default_rng(1).uniform(-1, 1, (64, 5, 1)).astype(np.float32)
            >>> model = elman.Model(elman.RNN(1, 16), 2)
            >>> batches = elman.Trainer(model, batch_size=8).batches(x, np.arange(64) % 2)
            >>> batches.train([0, 9, 18, 27]).loss > 0
            True
        """
        return Batches(self, data_of(x, y, lengths))

    def evaluate(self, x: Any, y: ArrayLike, *, lengths: ArrayLike | None = None) -> Evaluation:
        """Mean loss and accuracy of the weights as they are."""
        return Evaluation(*self._core.evaluate(data_of(x, y, lengths)))

    def plateau(self, validation_loss: float) -> None:
        """Takes note of a validation loss, for a schedule that reduces the rate on plateaus: once an epoch."""
        self._core.plateau(validation_loss)

    @property
    def steps_done(self) -> int:
        """Steps done so far."""
        return int(self._core.steps_done)


class Batches:
    """A data set of which each step takes rows of one's own choice: see :meth:`Trainer.batches`."""

    def __init__(self, trainer: Trainer, data: Any) -> None:
        self._trainer, self._data = trainer, data

    def train(self, rows: ArrayLike) -> Evaluation:
        """One step on these rows, at most ``batch_size`` of them; the loss and the accuracy before it.

        The model has the weights of its trainer once :meth:`update` is called.
        """
        return Evaluation(*self._trainer._core.train_rows(self._data, np.asarray(rows, dtype=np.int64)))

    def update(self) -> Model:
        """Gives the model the weights as they are now, and returns it."""
        self._trainer._core.copy_to(self._trainer.model._core)
        return self._trainer.model
