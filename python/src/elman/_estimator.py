"""What estimators share: parameters by name, as scikit-learn asks for them, and training."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from ._progress import Bar
from .layers import GRU, LSTM, RNN, IndRNN, Network
from .model import Model, Trainer
from .optimizers import Adam, Descent

_CELLS = {"rnn": RNN, "lstm": LSTM, "gru": GRU, "indrnn": IndRNN}


class Estimator:
    """Parameters by name, training, and its course."""

    _estimator_type: str | None = None
    #: Whether inputs may be NaN.
    _nan = False
    #: Whether the weights of the best epoch by validation are kept, and not the last ones.
    _keeps_best = True

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

        classifies, regresses = self._estimator_type == "classifier", self._estimator_type == "regressor"
        return Tags(
            estimator_type=self._estimator_type,
            target_tags=TargetTags(required=classifies or regresses, multi_output=regresses),
            classifier_tags=ClassifierTags() if classifies else None,
            regressor_tags=RegressorTags() if regresses else None,
            input_tags=InputTags(two_d_array=False, three_d_array=classifies or regresses, allow_nan=self._nan),
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

    def _network(self, inputs: int, **options: Any) -> Network:
        of: Any = self
        if of.cell not in _CELLS:
            raise ValueError(f"cell is {of.cell!r}; expected one of {', '.join(_CELLS)}")
        kind: Any = _CELLS[of.cell]
        network: Network = kind(
            inputs, of.hidden, layers=of.layers, dropout=of.dropout, init=of.init, seed=of.random_state, **options
        )
        return network

    def _descent(self) -> Descent:
        """The optimizer, where none is given."""
        of: Any = self
        return Adam(of.learning_rate, clip_norm=1.0)

    def _train(
        self, model: Model, data: Any, validation: Any, rows: int, *, window: int | None = None,
        validation_window: int | None = None,
    ) -> None:  # fmt: skip
        """Epoch by epoch, to the best weights where there is a validation set and patience, or the last."""
        of: Any = self
        optimizer = of.optimizer if of.optimizer is not None else self._descent()
        trainer = Trainer(model, optimizer, batch_size=rows, seed=of.random_state, threads=of.threads)
        trainer._core.begin(data, of.epochs, window)
        history: dict[str, list[float]] = {"loss": [], "accuracy": []}
        if validation is not None:
            history |= {"validation_loss": [], "validation_accuracy": []}
        best, best_arrays, waited = np.inf, None, 0
        with Bar(of.progress, of.epochs) as bar:
            for epoch in trainer._epochs():
                history["loss"].append(epoch.loss)
                history["accuracy"].append(epoch.accuracy)
                if validation is not None:
                    loss, accuracy = trainer._core.evaluate(validation, validation_window)
                    history["validation_loss"].append(loss)
                    history["validation_accuracy"].append(accuracy)
                    trainer.plateau(loss)
                    if self._keeps_best:
                        if loss < best:
                            best, best_arrays, waited = loss, model.arrays(), 0
                        else:
                            waited += 1
                bar.show(history)
                if of.callback is not None and of.callback(epoch) is False:
                    break
                if of.patience is not None and waited >= of.patience:
                    break
        if best_arrays is not None:
            model.set_arrays(best_arrays)
        self.history_ = history
        self.model_ = model

    def plot(self, axes: Any = None) -> Any:
        """Draws the loss of each epoch, and that of validation, with matplotlib; returns the axes."""
        from .diagnosis import _axes

        self._check_fitted()
        axes = _axes(axes)
        for name, losses in self.history_.items():
            if name.endswith("loss"):
                axes.plot(range(1, len(losses) + 1), losses, label=name.replace("_", " "))
        axes.set(xlabel="epoch", ylabel="loss")
        axes.legend()
        return axes
