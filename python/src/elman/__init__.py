"""Recurrent neural networks: fast on a processor, the same bits everywhere, NumPy in and out.

Layers on arrays are :class:`RNN`, :class:`LSTM`, :class:`GRU`, :class:`IndRNN` and :class:`Stack`; models :class:`Model`;
training :class:`Trainer`, or with a loss of one's own :class:`Optimizer`. ``elman.torch`` has PyTorch's layers, and
``elman.SequenceClassifier`` is an estimator by scikit-learn's conventions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._core import Error, __version__, get_num_threads, isa, set_num_threads
from .estimators import SequenceClassifier, SequenceRegressor
from .layers import GRU, LSTM, RNN, Gradients, IndRNN, Network, Stack, Tape
from .model import Epoch, Evaluation, Head, Model, Trainer, load
from .optimizers import Adagrad, Adam, AdamW, Descent, Optimizer, RmsProp, Rprop, Sgd, schedule
from .state import State
from .stream import Stream

if TYPE_CHECKING:
    from . import datasets as datasets
    from . import torch as torch

__all__ = [
    "Adagrad", "Adam", "AdamW", "Descent", "Epoch", "Error", "Evaluation", "GRU", "Gradients", "Head", "IndRNN", "LSTM",
    "Model", "Network", "Optimizer", "RNN", "RmsProp", "Rprop", "SequenceClassifier", "SequenceRegressor", "Sgd",
    "Stack", "State", "Stream", "Tape", "Trainer", "__version__", "get_num_threads", "isa", "load", "schedule",
    "set_num_threads",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    # PyTorch takes seconds to import, and the data sets are large: whoever asks for them gets them.
    if name in ("torch", "datasets"):
        import importlib

        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
