"""Optimizers: their settings, with schedules and clipping.

Their conventions are TensorFlow 1's where the tutorial has one, PyTorch's elsewhere; docs/training.md has the table.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from . import _core
from .layers import Gradients, Network

__all__ = ["Descent", "Sgd", "RmsProp", "Adagrad", "Adam", "AdamW", "Rprop", "Optimizer", "schedule"]


def schedule(
    decay: Literal["constant", "step", "exponential", "cosine", "plateau"] = "constant",
    *,
    warmup: int = 0,
    factor: float = 0.1,
    every: int = 1,
    after: int = 0,
    minimum: float = 0.0,
    patience: int = 10,
    threshold: float = 1e-4,
) -> dict[str, Any]:
    """The course of a learning rate, for the ``schedule`` of an optimizer.

    Args:
        decay: Its form. ``"step"`` multiplies by ``factor`` every so many epochs, ``"exponential"`` by ``factor`` each epoch,
            ``"cosine"`` falls to ``minimum`` at the end of the run, ``"plateau"`` multiplies by ``factor`` after ``patience``
            epochs without a better validation loss.
        warmup: Steps over which the rate rises from 0.
        factor, every, after, minimum, patience, threshold: As the form needs them.

    Example:
        >>> import elman
        >>> adam = elman.Adam(0.01, schedule=elman.schedule("cosine", warmup=100))
    """
    forms: dict[str, Any] = {
        "constant": "constant",
        "step": {"step": {"factor": factor, "every": every, "after": after}},
        "exponential": {"exponential": {"factor": factor}},
        "cosine": {"cosine": {"minimum": minimum}},
        "plateau": {
            "plateau": {"factor": factor, "patience": patience, "minimum": minimum, "threshold": threshold},
        },
    }
    if decay not in forms:
        raise ValueError(f"decay is {decay!r}; expected one of {', '.join(forms)}")
    return {"warmup": warmup, "decay": forms[decay]}


class Descent:
    """An optimizer with its schedule and its clipping: what :class:`Adam` and the others are."""

    def __init__(
        self,
        algorithm: str,
        settings: dict[str, Any],
        schedule_: dict[str, Any] | None,
        clip_norm: float | None,
        clip_value: float | None,
        weight_decay: float,
    ) -> None:
        self._json = json.dumps(
            {
                "algorithm": {algorithm: settings},
                "schedule": schedule() if schedule_ is None else schedule_,
                "clip_norm": clip_norm,
                "clip_value": clip_value,
                "weight_decay": weight_decay,
            }
        )
        self._shown = {**settings, "clip_norm": clip_norm, "clip_value": clip_value, "weight_decay": weight_decay}
        _core.check_optimizer(self._json)

    def __repr__(self) -> str:
        shown = (f"{name}={value}" for name, value in self._shown.items() if value not in (None, 0.0, False))
        return f"{type(self).__name__}({', '.join(shown)})"


class Sgd(Descent):
    """Stochastic gradient descent, with momentum or Nesterov's.

    Args:
        learning_rate: α
        momentum: μ
        nesterov: Whether the step looks ahead along the velocity.
        schedule, clip_norm, clip_value, weight_decay: As of every optimizer: the course of the rate; limits of the gradient's
            norm and elements; λ.

    Raises:
        ValueError: If a setting is out of its range.
    """

    def __init__(
        self,
        learning_rate: float,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        schedule: dict[str, Any] | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        weight_decay: float = 0.0,
    ) -> None:
        settings = {"learning_rate": learning_rate, "momentum": momentum, "nesterov": nesterov}
        super().__init__("sgd", settings, schedule, clip_norm, clip_value, weight_decay)


class RmsProp(Descent):
    """RMSProp, as in TensorFlow 1. ``learning_rate`` α, ``decay`` ρ, ``momentum`` μ, ``epsilon`` ε; the rest as of :class:`Sgd`."""

    def __init__(
        self,
        learning_rate: float,
        *,
        decay: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-10,
        initial_mean_square: float = 1.0,
        schedule: dict[str, Any] | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        weight_decay: float = 0.0,
    ) -> None:
        settings = {
            "learning_rate": learning_rate,
            "decay": decay,
            "momentum": momentum,
            "epsilon": epsilon,
            "initial_mean_square": initial_mean_square,
        }
        super().__init__("rms-prop", settings, schedule, clip_norm, clip_value, weight_decay)


class Adagrad(Descent):
    """Adagrad, as in TensorFlow 1. ``learning_rate`` α; the rest as of :class:`Sgd`."""

    def __init__(
        self,
        learning_rate: float,
        *,
        initial_accumulator: float = 0.1,
        schedule: dict[str, Any] | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        weight_decay: float = 0.0,
    ) -> None:
        settings = {"learning_rate": learning_rate, "initial_accumulator": initial_accumulator}
        super().__init__("adagrad", settings, schedule, clip_norm, clip_value, weight_decay)


class Adam(Descent):
    """Adam, as in TensorFlow 1. ``learning_rate`` α, ``beta1`` β₁, ``beta2`` β₂, ``epsilon`` ε; the rest as of :class:`Sgd`.

    Example:
        >>> import elman
        >>> elman.Adam(0.001, clip_norm=1.0)
        Adam(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-08, clip_norm=1.0)
    """

    _algorithm, _weight_decay = "adam", 0.0

    def __init__(
        self,
        learning_rate: float = 0.001,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        schedule: dict[str, Any] | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        weight_decay: float | None = None,
    ) -> None:
        settings = {"learning_rate": learning_rate, "beta1": beta1, "beta2": beta2, "epsilon": epsilon}
        weight_decay = self._weight_decay if weight_decay is None else weight_decay
        super().__init__(self._algorithm, settings, schedule, clip_norm, clip_value, weight_decay)


class AdamW(Adam):
    """Adam with a decay of the weights that is apart from the gradient, 0.01 by default, as in PyTorch."""

    _algorithm, _weight_decay = "adam-w", 0.01


class Rprop(Descent):
    """Rprop, for batches of the whole data set: iRprop⁻ (``"minus"``) or iRprop⁺ (``"plus"``)."""

    def __init__(
        self,
        variant: Literal["minus", "plus"] = "minus",
        *,
        initial_step: float = 0.01,
        increase: float = 1.2,
        decrease: float = 0.5,
        min_step: float = 1e-6,
        max_step: float = 50.0,
    ) -> None:
        settings = {
            "variant": variant,
            "initial_step": initial_step,
            "increase": increase,
            "decrease": decrease,
            "min_step": min_step,
            "max_step": max_step,
        }
        super().__init__("rprop", settings, None, None, None, 0.0)


class Optimizer:
    """An optimizer on the parameters of a network, for a loss of one's own.

    Args:
        network: What is trained.
        descent: The optimizer, :class:`Adam` and so on.

    Example:
        The output should be the input of the step before.

        >>> import numpy as np, elman
        >>> x = np.random.default_rng(1).uniform(-0.5, 0.5, (64, 6, 1)).astype(np.float32)
        >>> network = elman.RNN(1, 1)
        >>> optimizer = elman.Optimizer(network, elman.Adam(0.02))
        >>> losses = []
        >>> for _ in range(50):
        ...     tape = network.record(x)
        ...     off = tape.outputs.copy()
        ...     off[:, 1:] -= x[:, :-1]
        ...     losses.append((off**2).mean())
        ...     rate = optimizer.step(tape.backward(d_outputs=2 * off / off.size))
        >>> bool(losses[-1] < losses[0])
        True
    """

    def __init__(self, network: Network, descent: Descent) -> None:
        self._network = network
        self._core = _core.Optimizer(network._core, descent._json)

    def step(self, gradients: Gradients | Mapping[str, ArrayLike], *, loss: float | None = None) -> float:
        """One step against gradients, as :meth:`Tape.backward` gives them or by name. Returns the learning rate.

        Args:
            loss: What the gradients are of; only iRprop⁺ asks for it.

        Raises:
            ValueError: If they do not fit the network, or one is not finite. The network is then as it was.
        """
        arrays = gradients.arrays if isinstance(gradients, Gradients) else gradients
        named = {name: np.asarray(array, dtype=np.float32) for name, array in arrays.items()}
        return float(self._core.step(self._network._core, named, loss))
