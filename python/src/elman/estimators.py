"""Estimators by scikit-learn's conventions: ``fit``, ``predict``, ``score``, ``get_params``.

They work without scikit-learn, and with it in its searches and validations.

Symbols: N sequences of T steps of F features, C classes, V values.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._arrays import Floats, floats, is_ragged
from .layers import GRU, LSTM, RNN, IndRNN, Network
from .model import Epoch, Head, Model, Trainer
from .optimizers import Adam, Descent

__all__ = ["SequenceClassifier", "SequenceRegressor"]

_CELLS = {"rnn": RNN, "lstm": LSTM, "gru": GRU, "indrnn": IndRNN}


class _Base:
    """Parameters by name, as scikit-learn asks for them."""

    @classmethod
    def _names(cls) -> list[str]:
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name."""
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **params: Any) -> Any:
        """Sets parameters by name."""
        for name, value in params.items():
            if name not in self._names():
                raise ValueError(f"{name} is no parameter of {type(self).__name__}; expected {', '.join(self._names())}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        of = inspect.signature(type(self).__init__).parameters
        shown = [f"{n}={v!r}" for n, v in self.get_params().items() if v is not of[n].default and v != of[n].default]
        return f"{type(self).__name__}({', '.join(shown)})"

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, RegressorTags, Tags, TargetTags

        classifies = isinstance(self, SequenceClassifier)
        return Tags(
            estimator_type="classifier" if classifies else "regressor",
            target_tags=TargetTags(required=True, multi_output=not classifies),
            classifier_tags=ClassifierTags() if classifies else None,
            regressor_tags=None if classifies else RegressorTags(),
            input_tags=InputTags(two_d_array=False, three_d_array=True, allow_nan=classifies),
        )

    def _check_fitted(self) -> Model:
        model: Model | None = getattr(self, "model_", None)
        if model is None:
            why = f"this {type(self).__name__} is not fitted yet; call fit first"
            try:
                from sklearn.exceptions import NotFittedError
            except ImportError:
                raise ValueError(why) from None
            raise NotFittedError(why)
        return model

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def _network(self, inputs: int) -> Network:
        of: Any = self
        if of.cell not in _CELLS:
            raise ValueError(f"cell is {of.cell!r}; expected one of {', '.join(_CELLS)}")
        kind: Any = _CELLS[of.cell]
        network: Network = kind(
            inputs, of.hidden, layers=of.layers, bidirectional=of.bidirectional, dropout=of.dropout, init="keras",
            seed=of.random_state,
        )  # fmt: skip
        return network

    def _train(self, model: Model, data: Any, validation: Any, rows: int) -> None:
        """Epoch by epoch, to the best weights where there is a validation set."""
        of: Any = self
        optimizer = of.optimizer if of.optimizer is not None else Adam(of.learning_rate, clip_norm=1.0)
        trainer = Trainer(
            model, optimizer, batch_size=min(of.batch_size, rows), seed=of.random_state, threads=of.threads
        )
        trainer._core.begin(data, of.epochs, None)
        history: dict[str, list[float]] = {"loss": [], "accuracy": []}
        if validation is not None:
            history |= {"validation_loss": [], "validation_accuracy": []}
        best, best_arrays, waited = np.inf, None, 0
        for epoch in trainer._epochs():
            history["loss"].append(epoch.loss)
            history["accuracy"].append(epoch.accuracy)
            if validation is not None:
                loss, accuracy = trainer._core.evaluate(validation)
                history["validation_loss"].append(loss)
                history["validation_accuracy"].append(accuracy)
                trainer.plateau(loss)
                if loss < best:
                    best, best_arrays, waited = loss, model.arrays(), 0
                else:
                    waited += 1
            if of.callback is not None and of.callback(epoch) is False:
                break
            if of.patience is not None and waited >= of.patience:
                break
        if best_arrays is not None:
            model.set_arrays(best_arrays)
        self.history_ = history
        self.model_ = model


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


def _split(rows: int, validation: float, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows to train and to validate, at random."""
    if not 0.0 < validation < 1.0:
        raise ValueError(f"validation is {validation}; expected a part between 0 and 1, or a pair (X, y)")
    order = np.random.default_rng(seed).permutation(rows)
    count = min(max(1, round(rows * validation)), rows - 1)
    return np.sort(order[count:]), np.sort(order[:count])


class SequenceClassifier(_Base):
    """Tells classes of sequences apart. Features are standardised; NaN is a missing value.

    Args:
        cell: ``"rnn"``, ``"lstm"``, ``"gru"`` or ``"indrnn"``.
        hidden, layers, bidirectional, dropout: As of :class:`elman.LSTM`.
        reads: What the head reads: ``"last-state"``, ``"mean"`` or ``"max"`` over the steps.
        missing: ``"mask"`` adds an input for each feature that says where it is missing; ``"mean"`` adds none.
        epochs, batch_size, learning_rate: Of training.
        optimizer: In place of Adam with this learning rate and gradients clipped to norm 1.
        validation: A part of the sequences, or a pair (X, y); the weights of the best epoch by it are kept.
        patience: Epochs without a better validation loss after which training ends.
        callback: Called with every :class:`elman.Epoch`; training ends where it returns False.
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

    def __init__(
        self,
        cell: Literal["rnn", "lstm", "gru", "indrnn"] = "gru",
        *,
        hidden: int = 64,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        reads: Literal["last-state", "mean", "max"] = "last-state",
        missing: Literal["mask", "mean"] = "mask",
        epochs: int = 30,
        batch_size: int = 32,
        learning_rate: float = 0.005,
        optimizer: Descent | None = None,
        validation: float | tuple[Any, ArrayLike] | None = None,
        patience: int | None = None,
        callback: Callable[[Epoch], bool | None] | None = None,
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
        held: tuple[list[Floats], NDArray[np.intp]] | None = None
        if isinstance(self.validation, tuple):
            held = _sequences(self.validation[0]), _places(classes, np.asarray(self.validation[1]))
        elif self.validation is not None:
            train, rest = _split(len(sequences), float(self.validation), self.random_state)
            held = [sequences[row] for row in rest], labels[rest]
            sequences, labels = [sequences[row] for row in train], labels[train]
        names = [str(name) for name in classes]
        features = [f"x{index}" for index in range(sequences[0].shape[1])]

        def data(rows: Sequence[Floats], of: NDArray[np.intp], meaning: str | None) -> tuple[Any, str]:
            widths = sorted({row.shape[1] for row in rows})
            if widths != [len(features)]:
                raise ValueError(f"the sequences have {widths} features; expected {len(features)} in all of them")
            offsets = np.cumsum([0] + [len(row) for row in rows]).tolist()
            values = np.ascontiguousarray(np.concatenate(rows))
            return _core.Data.of_sequences(
                values, offsets, of.tolist(), names, features, missing=self.missing, meaning=meaning
            )

        training, meaning = data(sequences, labels, None)
        validation = None if held is None else data(*held, meaning)[0]
        head = Head.classes(len(classes), reads=self.reads)
        model = Model(self._network(training.input), head, init="keras", seed=self.random_state)
        model._core.set_meaning(meaning)
        self._train(model, training, validation, len(sequences))
        self.classes_, self.n_features_in_ = classes, len(features)
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


class SequenceRegressor(_Base):
    """Predicts values of sequences. Inputs and values are standardised; the model answers in the values' units.

    Args:
        See :class:`SequenceClassifier`.

    Attributes:
        model_: The :class:`elman.Model` of standardised inputs and values.
        history_: Lists of the figures of each epoch; losses are of standardised values.

    Example:
        >>> import numpy as np, elman
        >>> x = np.random.default_rng(1).uniform(size=(200, 6, 2))
        >>> y = 100 + 10 * x[:, :, 0].mean(1)
        >>> elman.SequenceRegressor(hidden=16, epochs=30).fit(x, y).score(x, y) > 0.9
        True
    """

    _estimator_type = "regressor"

    def __init__(
        self,
        cell: Literal["rnn", "lstm", "gru", "indrnn"] = "gru",
        *,
        hidden: int = 64,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        reads: Literal["last-state", "mean", "max"] = "last-state",
        epochs: int = 30,
        batch_size: int = 32,
        learning_rate: float = 0.005,
        optimizer: Descent | None = None,
        validation: float | tuple[Any, ArrayLike] | None = None,
        patience: int | None = None,
        callback: Callable[[Epoch], bool | None] | None = None,
        random_state: int = 111,
        threads: int = 0,
    ) -> None:
        self.cell = cell
        self.hidden = hidden
        self.layers = layers
        self.bidirectional = bidirectional
        self.dropout = dropout
        self.reads = reads
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.optimizer = optimizer
        self.validation = validation
        self.patience = patience
        self.callback = callback
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
        targets = targets.reshape(len(targets), -1)
        held: tuple[list[Floats], Any] | None = None
        if isinstance(self.validation, tuple):
            given = np.asarray(self.validation[1], dtype=np.float64)
            held = _sequences(self.validation[0]), given.reshape(len(given), -1)
        elif self.validation is not None:
            train, rest = _split(len(sequences), float(self.validation), self.random_state)
            held = [sequences[row] for row in rest], targets[rest]
            sequences, targets = [sequences[row] for row in train], targets[train]
        steps = np.concatenate(sequences).astype(np.float64)
        self._x_scale = steps.mean(0), _deviation(steps)
        self._y_scale = targets.mean(0), _deviation(targets)
        self.n_features_in_ = steps.shape[1]

        def data(rows: list[Floats], of: Any) -> Any:
            from .model import data_of

            return data_of(self._scaled(rows), ((of - self._y_scale[0]) / self._y_scale[1]).astype(np.float32), None)

        training = data(sequences, targets)
        head = Head.values(targets.shape[1], reads=self.reads)
        model = Model(self._network(self.n_features_in_), head, init="keras", seed=self.random_state)
        self._train(model, training, None if held is None else data(*held), len(sequences))
        return self

    def _scaled(self, rows: list[Floats]) -> list[Floats]:
        mean, deviation = self._x_scale
        for index, row in enumerate(rows):
            if row.shape[1] != len(mean):
                raise ValueError(f"sequence {index} has {row.shape[1]} features; expected {len(mean)}")
        return [((row - mean) / deviation).astype(np.float32) for row in rows]

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The values ``[N]`` or ``[N, V]``, as y was given."""
        model = self._check_fitted()
        answers = model.predict(self._scaled(_sequences(X)), threads=self.threads).astype(np.float64)
        values: NDArray[np.float64] = answers * self._y_scale[1] + self._y_scale[0]
        return values[:, 0] if self._one_axis else values

    def score(self, X: Any, y: ArrayLike) -> float:
        """R², the part of the variance that is explained: the mean over the values."""
        expected = np.asarray(y, dtype=np.float64)
        off = ((expected - self.predict(X)) ** 2).sum(0)
        return float(np.mean(1.0 - off / ((expected - expected.mean(0)) ** 2).sum(0)))


def _deviation(values: NDArray[np.float64]) -> NDArray[np.float64]:
    deviation = values.std(0)
    return np.where(deviation > 0.0, deviation, 1.0)
