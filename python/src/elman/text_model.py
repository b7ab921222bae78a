"""Models of text: what comes next, and more of it.

V tokens: characters or bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._estimator import Estimator
from .layers import Init
from .model import Epoch, Head, Model
from .optimizers import Adam, Descent, schedule

__all__ = ["TextModel"]

Text = str | bytes


class TextModel(Estimator):
    """Reads a text unit by unit, says at each what comes next, and writes more of it. Its defaults are those of
    ``elman train text``, whose bytes it gives with the same settings.

    Args:
        cell, hidden, layers, dropout: The network, as of :class:`elman.LSTM`.
        embedding: Floats of a token's vector; None: ``hidden``.
        unit: What is read: ``"character"`` or ``"byte"``.
        sequence_length: Steps of a window; the state is carried from each to the next.
        batch_size: Streams that are read side by side; fewer where the text is short.
        epochs, learning_rate, optimizer: Of training; without an optimizer Adam whose rate falls by 3 % an epoch from the
            tenth on, each element of the gradient within ±5.
        validation: The part of the text at its end that is not learnt from.
        patience: Epochs without a better validation loss after which training ends, with the best epoch's weights; None:
            all epochs, and the last weights.
        callback, progress, init, random_state, threads: As of :class:`elman.SequenceClassifier`.

    Attributes:
        model_: The :class:`elman.Model`: ``elman sample`` and ``elman.load`` read its file.
        history_: Lists of the figures of each epoch.

    Example:
        >>> import elman
        >>> writer = elman.TextModel("gru", hidden=32, layers=1, sequence_length=10, epochs=40, learning_rate=0.02)
        >>> writer.fit("so it goes and " * 40).sample(20, prompt="so it ", temperature=0)
        'goes and so it goes '
    """

    _keeps_best = False

    def __init__(
        self,
        cell: Literal["rnn", "lstm", "gru", "indrnn"] = "lstm",
        *,
        hidden: int = 128,
        layers: int = 2,
        dropout: float = 0.0,
        embedding: int | None = None,
        unit: Literal["character", "byte"] = "character",
        sequence_length: int = 50,
        epochs: int = 10,
        batch_size: int = 50,
        learning_rate: float = 0.002,
        optimizer: Descent | None = None,
        validation: float = 0.05,
        patience: int | None = None,
        callback: Callable[[Epoch], bool | None] | None = None,
        progress: bool | None = None,
        init: Init = "pytorch",
        random_state: int = 111,
        threads: int = 0,
    ) -> None:
        self.cell = cell
        self.hidden = hidden
        self.layers = layers
        self.dropout = dropout
        self.embedding = embedding
        self.unit = unit
        self.sequence_length = sequence_length
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

    def _descent(self) -> Descent:
        falling = schedule("step", factor=0.97, every=1, after=10)
        return Adam(self.learning_rate, clip_value=5.0, schedule=falling)

    def fit(self, X: Text, y: None = None) -> TextModel:
        """Trains on a text, whose characters are then all that it knows.

        Raises:
            ValueError: If the text is too short, has fewer than two characters, or is none.
            elman.Error: If the loss leaves the finite numbers.
        """
        if self.unit not in ("character", "byte"):
            raise ValueError(f"unit is {self.unit!r}; expected character or byte")
        text = _bytes(X)
        if self.unit == "byte":
            meaning = _core.vocabulary()
        else:
            try:
                meaning = _core.vocabulary(text.decode("utf-8"))
            except UnicodeDecodeError as error:
                raise ValueError(f"the text is not UTF-8 ({error}); unit='byte' reads any bytes") from None
        if not 0.0 < self.validation < 1.0:
            raise ValueError(f"validation is {self.validation}; expected a part of the text, between 0 and 1")
        if self.sequence_length < 1 or self.batch_size < 1:
            raise ValueError("sequence_length and batch_size are expected to be 1 at least")
        tokens = _core.encode(meaning, text)
        at = int(len(tokens) * (1.0 - self.validation))
        window, streams = self.sequence_length, self.batch_size
        room = max(at - 1, 0) // window
        if room == 0:
            raise ValueError(f"the text to train on has {at} {self.unit}s; expected at least {window + 1}, a window and one more")
        streams = min(streams, room)
        known = _core.vocabulary_len(meaning)
        network = self._network(self.embedding or self.hidden, tokens=known)
        model = Model(network, Head.classes(known, reads="every-step"), init=self.init, seed=self.random_state)
        model._core.set_meaning(meaning)
        self._meaning = meaning
        self._keeps_best = self.patience is not None
        held, held_window = self._streams(tokens[at:])
        self._train(
            model, _streams(tokens[:at], streams), held, streams, window=window, validation_window=held_window
        )
        return self

    def _streams(self, tokens: NDArray[np.int64]) -> tuple[Any, int]:
        """Tokens that are only read: as many streams as have a window each, and the window."""
        if len(tokens) < 2:
            raise ValueError(f"the text has {len(tokens)} {self.unit}s to read; expected 2 at least")
        count = max(min(self.batch_size, (len(tokens) - 1) // self.sequence_length), 1)
        data = _streams(tokens, count)
        return data, min(self.sequence_length, data.steps)

    def _loss(self, X: Text) -> float:
        data, window = self._streams(_core.encode(self._known(), _bytes(X)))
        loss, _ = self._check_fitted()._core.evaluate(data, self.threads, window)
        return float(loss)

    def _known(self) -> str:
        self._check_fitted()
        return self._meaning

    def perplexity(self, X: Text) -> float:
        """e to the mean loss of a text: among how many equally probable units the model wavers."""
        return float(np.exp(self._loss(X)))

    def bits(self, X: Text) -> float:
        """Bits a unit of a text."""
        return self._loss(X) / float(np.log(2))

    def score(self, X: Text, y: None = None) -> float:
        """The mean log-likelihood of a unit of a text, in nats: the greater, the better."""
        return -self._loss(X)

    def sample(
        self,
        length: int = 200,
        *,
        prompt: Text = "",
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
        samples: int | None = None,
    ) -> Any:
        """Writes so many units, which follow the prompt.

        Args:
            length: Units.
            prompt: What is read first.
            temperature: Below 1 the probable becomes more so; at 0 it is always the most probable unit.
            top_k, top_p: Only so many of the most probable; only the fewest whose probabilities sum to p or more.
            seed: What is drawn from; None: ``random_state``.
            samples: So many, each as by a seed one higher, as a list; None: one.

        Returns:
            A str, or bytes of a model of bytes.

        Raises:
            ValueError: If the prompt has characters that the model does not know, or a setting is out of range.
        """
        sampler = self._sampler(prompt, seed, 1 if samples is None else samples)
        written = [self._text(made) for made in sampler.write(length, temperature, top_k, top_p)]
        return written[0] if samples is None else written

    def stream(
        self,
        *,
        prompt: Text = "",
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
    ) -> Iterator[Any]:
        """The same unit by unit, without an end."""
        sampler = self._sampler(prompt, seed, 1)
        while True:
            yield self._text(sampler.write(1, temperature, top_k, top_p)[0])

    def _sampler(self, prompt: Text, seed: int | None, samples: int) -> Any:
        self._known()
        sampler = _core.Sampler(self._check_fitted()._core, self.random_state if seed is None else seed, samples)
        if prompt:
            sampler.read(_bytes(prompt))
        return sampler

    def _text(self, made: Any) -> Any:
        return bytes(made) if self.unit == "byte" else bytes(made).decode("utf-8")


def _bytes(text: Any) -> bytes:
    if isinstance(text, str):
        return text.encode("utf-8", errors="strict")
    if isinstance(text, (bytes, bytearray)):
        return bytes(text)
    raise ValueError(f"the text is {type(text).__name__}; expected str or bytes")


def _streams(tokens: NDArray[np.int64], count: int) -> Any:
    """Rows that each go on where the one before ends; the class of a step is the token that follows."""
    steps = (len(tokens) - 1) // count
    read = tokens[: count * steps].reshape(count, steps, 1).astype(np.float32)
    return _core.Data(read, np.ascontiguousarray(tokens[1 : count * steps + 1].reshape(count, steps)))
