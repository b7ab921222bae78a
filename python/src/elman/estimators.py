"""Estimators by scikit-learn's conventions: ``fit``, ``predict``, ``score``, ``get_params``.

They work without scikit-learn, and with it in its searches and validations.

Symbols: N sequences of T steps of F features, C classes, V values.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._arrays import Floats, floats, is_ragged
from ._estimator import Estimator
from .layers import Init
from .model import Epoch, Head, Model, data_of
from .optimizers import Descent

__all__ = ["SequenceClassifier", "SequenceRegressor"]


def _sequences(x: Any) -> list[Floats]:
    """N sequences [T_i, F], of an array [N, T, F], or [N, T] with one feature, or a list."""
    if isinstance(x, np.ndarray) or not is_ragged(x):
        array = np.asarray(x, dtype=np.float32) if not isinstance(x, np.ndarray) or x.dtype != object else None
        if array is None:
            return [floats(f"sequence {index}", row, 2) for index, row in enumerate(x)]
        if array.ndim == 2:
            array = array[:, :, None]
        if array.ndim != 3:
            raise ValueError(f"X has shape {list(array.shape)}; expected [N, T, F], [N, T], or a list of sequences [T, F]")
        return list(np.ascontiguousarray(array))
    return [floats(f"sequence {index}", row, 2) for index, row in enumerate(x)]


def _part(validation: Any) -> float:
    """The part of the sequences that is kept for validation."""
    if validation is None or isinstance(validation, tuple):
        return 0.0
    part = float(validation)
    if not 0.0 < part < 1.0:
        raise ValueError(f"validation is {validation}; expected a part between 0 and 1, or a pair (X, y)")
    return part


def _values(sequences: Sequence[Floats], features: int | None = None) -> tuple[Floats, list[int]]:
    """All steps of sequences ``[Σ lengths, F]``, and where each begins."""
    widths = sorted({row.shape[1] for row in sequences})
    if not sequences:
        raise ValueError("X has no sequences; expected one at least")
    if len(widths) > 1 or (features is not None and widths != [features]):
        raise ValueError(f"the sequences have {widths} features; expected {features or 'one number'} in all of them")
    offsets = np.cumsum([0, *(len(row) for row in sequences)]).tolist()
    return np.ascontiguousarray(np.concatenate(sequences)), offsets


class SequenceClassifier(Estimator):
    """Tells classes of sequences apart. Features are standardised; NaN is a missing value.

    Args:
        cell: ``"rnn"``, ``"lstm"``, ``"gru"`` or ``"indrnn"``.
        hidden, layers, bidirectional, dropout: As of :class:`elman.LSTM`.
        reads: What the head reads: ``"last-state"``, or ``"mean"``, ``"max"`` or ``"attention"`` over the steps.
        missing: ``"mask"`` adds an input for each feature that says where it is missing; ``"mean"`` adds none.
        epochs, batch_size, learning_rate: Of training.
        optimizer: In place of Adam with this learning rate and gradients clipped to norm 1.
        validation: A part of the sequences, or a pair (X, y); the weights of the best epoch by it are kept.
        patience: Epochs without a better validation loss after which training ends.
        callback: Called with every :class:`elman.Epoch`; training ends where it returns False.
        progress: Whether a bar shows the epochs, by tqdm; None: where it is installed, in terminals and notebooks.
        init: The convention of the initial values: ``"tf"``, ``"keras"`` or ``"pytorch"``.
        random_state: What everything random is drawn from.
        threads: Threads; 0: as :func:`elman.set_num_threads` says. They change no bit.

    Attributes:
        model_: The :class:`elman.Model`, with the names of its classes: the command can use it.
        classes_: ``[C]``
        history_: Lists of the figures of each epoch.

    Example:
        >>> import elman
        >>> train, test = elman.datasets.japanese_vowels()
        >>> speakers = elman.SequenceClassifier(hidden=32, epochs=20, batch_size=32).fit(train.x, train.y)
        >>> speakers.score(test.x, test.y) > 0.9
        True
    """

    _estimator_type = "classifier"
    _nan = True

    def __init__(
        self,
        cell: Literal["rnn", "lstm", "gru", "indrnn"] = "gru",
        *,
        hidden: int = 64,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        reads: Literal["last-state", "mean", "max", "attention"] = "last-state",
        missing: Literal["mask", "mean"] = "mask",
        epochs: int = 30,
        batch_size: int = 32,
        learning_rate: float = 0.005,
        optimizer: Descent | None = None,
        validation: float | tuple[Any, ArrayLike] | None = None,
        patience: int | None = None,
        callback: Callable[[Epoch], bool | None] | None = None,
        progress: bool | None = None,
        init: Init = "keras",
        random_state: int = 111,
        threads: int = 0,
    ) -> None:
        self.cell = cell
        self.hidden = hidden
        self.layers = layers
        self.bidirectional = bidirectional
        self.dropout = dropout
        self.reads = reads
        self.missing = missing
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.optimizer = optimizer
        self.validation = validation
        self.patience = patience
        self.callback = callback
        self.progress = progress
        self.init = init
        self.random_state = random_state
        self.threads = threads

    def fit(self, X: Any, y: ArrayLike) -> SequenceClassifier:
        """Trains on sequences: X ``[N, T, F]`` or a list of ``[T_i, F]``, y ``[N]`` of any values that can be told apart.

        Raises:
            ValueError: If X and y do not fit each other, or there is only one class.
            elman.Error: If the loss leaves the finite numbers.
        """
        sequences, targets = _sequences(X), np.asarray(y)
        if targets.ndim != 1 or len(targets) != len(sequences):
            raise ValueError(f"y has shape {list(targets.shape)}; expected [{len(sequences)}], a class for each sequence")
        classes, labels = np.unique(targets, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(f"y has {len(classes)} classes; expected at least 2")
        names = [str(name) for name in classes]
        values, offsets = _values(sequences)
        training, validation, meaning = _core.Data.of_sequences(
            values, offsets, labels.tolist(), names, missing=self.missing, validation=_part(self.validation),
            seed=self.random_state,
        )  # fmt: skip
        if isinstance(self.validation, tuple):
            held, places = _sequences(self.validation[0]), _places(classes, np.asarray(self.validation[1]))
            validation, _, _ = _core.Data.of_sequences(
                *_values(held, values.shape[1]), places.tolist(), names, meaning=meaning
            )
        head = Head.classes(len(classes), reads=self.reads)
        network = self._network(training.input, bidirectional=self.bidirectional)
        model = Model(network, head, init=self.init, seed=self.random_state)
        model._core.set_meaning(meaning)
        self._train(model, training, validation, min(self.batch_size, len(training)))
        self.classes_, self.n_features_in_ = classes, values.shape[1]
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Probabilities ``[N, C]``, in the order of ``classes_``."""
        sequences = _sequences(X)
        answers = self._check_fitted()._core.classify(sequences, self.threads)
        return np.array(answers, dtype=np.float32).reshape(len(sequences), len(self.classes_))

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each sequence ``[N]``."""
        probabilities = self.predict_proba(X)
        return np.asarray(self.classes_[probabilities.argmax(1)])

    def score(self, X: Any, y: ArrayLike) -> float:
        """Part of the sequences whose class is right."""
        return float((self.predict(X) == np.asarray(y)).mean())


def _places(classes: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.intp]:
    unknown = sorted(set(labels.tolist()) - set(classes.tolist()))
    if unknown:
        raise ValueError(f"the validation set has classes that are not in training: {unknown}")
    return np.searchsorted(classes, labels)


class SequenceRegressor(Estimator):
    """Predicts numbers of sequences. Inputs and numbers are standardised; answers are in the numbers' own units.

    With a number for each sequence, NaN is a missing value in X, validation also says how much of the network's distance from
    the mean counts, and the command can use the model. With several, X must be finite.

    Args:
        See :class:`SequenceClassifier`.

    Attributes:
        model_: The :class:`elman.Model`: with a number for each sequence, ``elman predict`` can use its file.
        history_: Lists of the figures of each epoch; losses are of standardised values.

    Example:
        >>> import numpy as np, elman
        >>> x = np.random.default_rng(1).uniform(size=(200, 6, 2))
        >>> y = 100 + 10 * x[:, :, 0].mean(1)
        >>> elman.SequenceRegressor(hidden=16, epochs=30).fit(x, y).score(x, y) > 0.9
        True
    """

    _estimator_type = "regressor"
    _nan = True

    def __init__(
        self,
        cell: Literal["rnn", "lstm", "gru", "indrnn"] = "gru",
        *,
        hidden: int = 64,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        reads: Literal["last-state", "mean", "max", "attention"] = "last-state",
        missing: Literal["mask", "mean"] = "mask",
        epochs: int = 30,
        batch_size: int = 32,
        learning_rate: float = 0.005,
        optimizer: Descent | None = None,
        validation: float | tuple[Any, ArrayLike] | None = None,
        patience: int | None = None,
        callback: Callable[[Epoch], bool | None] | None = None,
        progress: bool | None = None,
        init: Init = "keras",
        random_state: int = 111,
        threads: int = 0,
    ) -> None:
        self.cell = cell
        self.hidden = hidden
        self.layers = layers
        self.bidirectional = bidirectional
        self.dropout = dropout
        self.reads = reads
        self.missing = missing
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.optimizer = optimizer
        self.validation = validation
        self.patience = patience
        self.callback = callback
        self.progress = progress
        self.init = init
        self.random_state = random_state
        self.threads = threads

    def fit(self, X: Any, y: ArrayLike) -> SequenceRegressor:
        """Trains on sequences: X ``[N, T, F]`` or a list of ``[T_i, F]``, y ``[N]`` or ``[N, V]``.

        Raises:
            ValueError: If X and y do not fit each other, or a number is NaN or infinite.
            elman.Error: If the loss leaves the finite numbers.
        """
        sequences, targets = _sequences(X), np.asarray(y, dtype=np.float64)
        if targets.ndim not in (1, 2) or len(targets) != len(sequences):
            raise ValueError(f"y has shape {list(targets.shape)}; expected [{len(sequences)}] or [{len(sequences)}, V]")
        if not np.isfinite(targets).all():
            raise ValueError("y has NaN or infinite values; expected finite ones")
        self._one_axis = targets.ndim == 1
        if self._one_axis:
            return self._fit_numbers(sequences, targets)
        held: tuple[list[Floats], Any] | None = None
        if isinstance(self.validation, tuple):
            held = _sequences(self.validation[0]), np.asarray(self.validation[1], dtype=np.float64)
        elif self.validation is not None:
            count = min(max(1, round(len(sequences) * _part(self.validation))), len(sequences) - 1)
            order = np.random.default_rng(self.random_state).permutation(len(sequences))
            held = [sequences[row] for row in order[:count]], targets[order[:count]]
            sequences, targets = [sequences[row] for row in order[count:]], targets[order[count:]]
        steps = _values(sequences)[0].astype(np.float64)
        if not np.isfinite(steps).all():
            raise ValueError("X has NaN or infinite values; with several values of a sequence expected finite ones")
        self._x_scale = steps.mean(0), _deviation(steps)
        self._y_scale = targets.mean(0), _deviation(targets)
        self.n_features_in_ = steps.shape[1]

        def data(rows: list[Floats], of: Any) -> Any:
            return data_of(self._scaled(rows), ((of - self._y_scale[0]) / self._y_scale[1]).astype(np.float32), None)

        self._fit(data(sequences, targets), None if held is None else data(*held), targets.shape[1], None)
        return self

    def _fit_numbers(self, sequences: list[Floats], numbers: NDArray[np.float64]) -> SequenceRegressor:
        """A number for each sequence: a model of the command."""
        values, offsets = _values(sequences)
        training, validation, meaning, rows = _core.Data.of_numbers(
            values, offsets, numbers.tolist(), missing=self.missing, validation=_part(self.validation),
            seed=self.random_state,
        )  # fmt: skip
        held = [sequences[row] for row in rows], numbers[rows]
        if isinstance(self.validation, tuple):
            held = _sequences(self.validation[0]), np.asarray(self.validation[1], dtype=np.float64)
            of = _values(held[0], values.shape[1])
            validation, _, _, _ = _core.Data.of_numbers(*of, held[1].tolist(), meaning=meaning)
        self.n_features_in_ = values.shape[1]
        self._fit(training, validation, 1, meaning)
        if validation is not None:
            described = json.loads(meaning)
            described["shrink"] = self._shrink(*held, described["centre"])
            self.model_._core.set_meaning(json.dumps(described))
        return self

    def _fit(self, training: Any, validation: Any, outputs: int, meaning: str | None) -> None:
        network = self._network(training.input, bidirectional=self.bidirectional)
        model = Model(network, Head.values(outputs, reads=self.reads), init=self.init, seed=self.random_state)
        model._core.set_meaning(meaning)
        self._train(model, training, validation, min(self.batch_size, len(training)))

    def _shrink(self, rows: list[Floats], numbers: NDArray[np.float64], centre: float) -> float:
        """How much of the network's distance from the mean counts: what leaves the least squared error in validation."""
        product = square = 0.0
        # One after the other, as the command adds them.
        for answer, number in zip(self.model_._core.regress(rows, self.threads).tolist(), numbers.tolist()):
            product += (answer - centre) * (number - centre)
            square += (answer - centre) * (answer - centre)
        return min(max(product / square, 0.0), 1.0) if square > 0 else 0.0

    def _scaled(self, rows: list[Floats]) -> list[Floats]:
        mean, deviation = self._x_scale
        for index, row in enumerate(rows):
            if row.shape[1] != len(mean):
                raise ValueError(f"sequence {index} has {row.shape[1]} features; expected {len(mean)}")
        return [((row - mean) / deviation).astype(np.float32) for row in rows]

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The values ``[N]`` or ``[N, V]``, as y was given."""
        model = self._check_fitted()
        if self._one_axis:
            found: NDArray[np.float64] = model._core.regress(_sequences(X), self.threads)
            return found
        answers = model.predict(self._scaled(_sequences(X)), threads=self.threads).astype(np.float64)
        values: NDArray[np.float64] = answers * self._y_scale[1] + self._y_scale[0]
        return values

    def score(self, X: Any, y: ArrayLike) -> float:
        """R², the part of the variance that is explained: the mean over the values."""
        expected = np.asarray(y, dtype=np.float64)
        off = ((expected - self.predict(X)) ** 2).sum(0)
        return float(np.mean(1.0 - off / ((expected - expected.mean(0)) ** 2).sum(0)))


def _deviation(values: NDArray[np.float64]) -> NDArray[np.float64]:
    deviation = values.std(0)
    return np.where(deviation > 0.0, deviation, 1.0)
