"""Recurrent neural networks: fast on a processor, the same bits everywhere, NumPy in and out.

Layers on arrays are :class:`RNN`, :class:`LSTM`, :class:`GRU`, :class:`IndRNN` and :class:`Stack`; models :class:`Model`;
training :class:`Trainer`, or with a loss of one's own :class:`Optimizer`. ``elman.torch`` has PyTorch's layers, and
``elman.SequenceClassifier``, ``SequenceRegressor``, ``Forecaster`` and ``TextModel`` are estimators by scikit-learn's
conventions. :func:`load` and :func:`convert` read and write the models of other programs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._core import Error, __version__, get_num_threads, isa, set_num_threads
from .layers import GRU, LSTM, RNN, Gradients, IndRNN, Network, Stack, Tape
from .model import Ensemble, Epoch, Evaluation, Head, Model, Trainer
from .optimizers import Adagrad, Adam, AdamW, Descent, Optimizer, RmsProp, Rprop, Sgd, schedule
from .state import State
from .stream import Stream

if TYPE_CHECKING:
    from . import datasets as datasets
    from . import torch as torch
    from .diagnosis import Diagnosis, diagnose
    from .estimators import SequenceClassifier, SequenceRegressor
    from .exchange import Conversion, convert, load
    from .forecaster import Forecaster
    from .text_model import TextModel

__all__ = [
    "Adagrad", "Adam", "AdamW", "Conversion", "Descent", "Diagnosis", "Ensemble", "Epoch", "Error", "Evaluation", "Forecaster", "GRU",
    "Gradients", "Head", "IndRNN", "LSTM", "Model", "Network", "Optimizer", "RNN", "RmsProp", "Rprop",
    "SequenceClassifier", "SequenceRegressor", "Sgd", "Stack", "State", "Stream", "Tape", "TextModel", "Trainer",
    "__version__", "convert", "diagnose", "get_num_threads", "isa", "load", "schedule", "set_num_threads",
]  # fmt: skip


#: What is imported by who asks for it first: PyTorch takes seconds, the data sets are large, the others some milliseconds.
_LATER = {
    "Conversion": "exchange",
    "Diagnosis": "diagnosis",
    "Forecaster": "forecaster",
    "SequenceClassifier": "estimators",
    "SequenceRegressor": "estimators",
    "TextModel": "text_model",
    "convert": "exchange",
    "diagnose": "diagnosis",
    "load": "exchange",
}


def __getattr__(name: str) -> Any:
    import importlib

    if name in ("torch", "datasets"):
        return importlib.import_module(f"{__name__}.{name}")
    if name in _LATER:
        found = getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "datasets", "torch"})
