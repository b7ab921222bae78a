"""Models of other programs: PyTorch, Keras, TensorFlow, ONNX, flax, Burn."""

from __future__ import annotations

import json
import os
from typing import Any

from . import _core
from .model import Ensemble, Model

__all__ = ["Conversion", "convert", "load"]


class Conversion:
    """What became of a model's arrays on its way from one program to another. As text: a line for each array, and the verdict."""

    def __init__(self, core: Any) -> None:
        self._core = core

    @property
    def exact(self) -> bool:
        """Whether every number is there, unchanged."""
        return bool(self._core is None or self._core.is_exact())

    @property
    def verdict(self) -> str:
        """The verdict in words; what a file does not say and was assumed stands in it."""
        return "elman's own: nothing was converted" if self._core is None else str(self._core.conclusion())

    @property
    def compared(self) -> list[str]:
        """What both sides computed from made-up inputs, and how far apart they were; nothing where a file has arrays alone."""
        return [] if self._core is None else list(self._core.compared())

    @property
    def steps(self) -> list[dict[str, Any]]:
        """Of each part of the way: ``from``, ``to``, ``arrays`` with their origins and changes, ``notes``, ``assumed``."""
        return [] if self._core is None else list(json.loads(self._core.json()))

    def __str__(self) -> str:
        lines = [] if self._core is None else self._core.lines()
        return "\n".join([*lines, "", f"verdict: {self.verdict}", *self.compared]).strip()

    def __repr__(self) -> str:
        return f"Conversion({self.verdict!r})"


def load(
    path: str | os.PathLike[str],
    *,
    member: int | None = None,
    of: str | None = None,
    activation: str | None = None,
    reads: str | None = None,
    forget_bias: float | None = None,
    hidden_activation: str | None = None,
    values: str | None = None,
    like: Model | None = None,
    allow_nonfinite: bool = False,
) -> Any:
    """The :class:`Model` of a file or folder: elman's own, a run's folder, or what ``elman convert`` reads.

    These are ``.safetensors`` (also in shards, by their index), ``.pt``, ``.keras``, ``.h5``, ``.onnx``, ``.npz`` and
    checkpoints of TensorFlow. Nothing in a file is executed. What became of the arrays is the model's ``conversion``.

    Args:
        path: The file or folder.
        member: Of an ensemble, this network alone, from 1; without it, the :class:`Ensemble`.
        of: Whose it is, where name and contents do not say: ``"pytorch"``, ``"keras"``, ``"tensorflow"``, ``"onnx"``,
            ``"burn"`` or ``"flax"``.
        activation, reads, forget_bias, hidden_activation, values: What arrays alone do not say, as the flags of
            ``elman convert``: φ of an Elman cell; what the head reads; what TensorFlow 1 adds to the forget gate; φ between
            the head's dense layers; that the outputs are values, ``"linear"`` or ``"sigmoid"``, and no classes.
        like: A model of the same shapes, whose configuration is taken whole.
        allow_nonfinite: Whether weights may be NaN or infinite.

    Raises:
        FileNotFoundError, OSError: If the file cannot be read.
        elman.Error: If no model is made of it: why, and what to do.
        ValueError: If what is said of it is nothing that can be said.

    Example:
        >>> import elman, tempfile, pathlib
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder) / "model.safetensors"
        ...     elman.Model(elman.GRU(3, 8), 2).save(path)
        ...     elman.load(path)
        Model(gru 3 → 8 → 2 classes; 314 parameters)
    """
    if not os.path.exists(path) and not os.path.exists(f"{os.fspath(path)}.index"):
        raise FileNotFoundError(f"cannot read {os.fspath(path)}: no such file or folder")
    models, way = _core.read_models(
        os.fspath(path),
        of=of,
        activation=activation,
        reads=reads,
        forget_bias=forget_bias,
        hidden_activation=hidden_activation,
        values=values,
        like=None if like is None else like._core,
        allow_nonfinite=allow_nonfinite,
    )
    if member is not None and not 1 <= member <= len(models):
        raise ValueError(f"member is {member}; expected 1 to {len(models)}, the members of {os.fspath(path)}")
    if member is None and len(models) > 1:
        return Ensemble([Model._of(model) for model in models])
    model = Model._of(models[(member or 1) - 1])
    model.conversion = None if way is None else Conversion(way)
    return model


def convert(
    source: Model | str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    to: str | None = None,
    standardized: bool = False,
    streaming: bool = False,
    initial_states: bool = False,
    lengths: bool = True,
    basic_operators: bool = False,
    **said: Any,
) -> Conversion:
    """Converts a model from any program to any other, as ``elman convert`` does.

    Args:
        source: A model, or what :func:`load` reads.
        target: What is written: ``.safetensors`` (of a model of elman with PyTorch's names, of another's elman's own),
            ``.keras``, ``.weights.h5``, ``.npz`` or ``.onnx``. It must not be there.
        to: Whose file that is, where its name does not say.
        standardized: The network alone, without the scaling that the model's job keeps.
        streaming, initial_states, lengths, basic_operators: Of ONNX: one step a call; states as inputs and outputs; whether
            there is an input of lengths; loops of basic operators in place of RNN, LSTM and GRU.
        **said: As of :func:`load`.

    Returns:
        What became of every array, and the verdict.

    Raises:
        FileExistsError: If the target is there.
        elman.Error: If the other program cannot express the model: what, and why.

    Example:
        >>> import elman, tempfile, pathlib
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     done = elman.convert(elman.Model(elman.LSTM(3, 8), 2), pathlib.Path(folder) / "model.onnx")
        >>> done.exact, done.verdict
        (True, 'exact: every number is there, unchanged')
    """
    if os.path.exists(target):
        raise FileExistsError(f"{os.fspath(target)} is there already; choose another name, or remove it")
    if isinstance(source, Model):
        if said:
            raise ValueError(f"{', '.join(said)}: a model says itself what it is")
        model, read = source, None
    else:
        model = load(source, **said)
        if isinstance(model, Ensemble):
            raise ValueError(f"{os.fspath(source)} is an ensemble; expected one network: member=1 to member={len(model)}")
        read = None if model.conversion is None else model.conversion._core
    written = _core.write_model(
        model._core,
        os.fspath(target),
        of=to,
        of_ours=read is None,
        standardized=standardized,
        streaming=streaming,
        initial_states=initial_states,
        lengths=lengths,
        basic_operators=basic_operators,
    )
    way = read if written is None else (written if read is None else read.then(written))
    return Conversion(way)
