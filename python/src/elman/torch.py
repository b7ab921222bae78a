"""PyTorch's recurrent layers, computed by elman on a processor.

``RNN``, ``LSTM``, ``GRU``, ``RNNCell``, ``LSTMCell`` and ``GRUCell`` are subclasses of those of ``torch.nn``: the same
constructors, the same ``forward``, the same ``state_dict``. Change the import, or call :func:`accelerate` on a model that
is there already::

    >>> import torch, elman.torch
    >>> lstm = elman.torch.LSTM(28, 64, batch_first=True)
    >>> outputs, (h, c) = lstm(torch.zeros(2, 5, 28))
    >>> outputs.shape, h.shape
    (torch.Size([2, 5, 64]), torch.Size([1, 2, 64]))

What elman does not compute, PyTorch does as before: tensors on another device or of another type than float32, and what
is traced or compiled. A layer says so once, as a warning, and :attr:`computed_by` says who computed its last call.

Symbols: B rows, T steps, I input, H hidden, P output of a direction, L layers, D directions.
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from ._core import TorchLayers

__all__ = ["RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell", "Accelerated", "accelerate"]


class _Engine:
    """elman's side of a module: a copy of the weights in the kernels' order. It is made anew where a module is copied."""

    __slots__ = ("layers", "arrays", "versions", "warned")

    def __init__(self) -> None:
        self.layers: TorchLayers | None = None
        self.arrays: list[Any] = []
        self.versions: list[int] | None = None
        self.warned = False

    def __reduce__(self) -> tuple[type[_Engine], tuple[()]]:
        return _Engine, ()

    def __deepcopy__(self, memo: object) -> _Engine:
        return _Engine()

    def update(self, weights: list[Tensor]) -> TorchLayers:
        """Takes the weights where they have changed."""
        layers = self.layers
        assert layers is not None
        versions = [weight._version for weight in weights] + [weight.data_ptr() for weight in weights]
        # `weight.data` changes numbers and no version; a sample of the numbers tells.
        if versions != self.versions or not layers.is_current(self.arrays):
            self.arrays = [weight.detach().numpy() for weight in weights]
            layers.set(self.arrays)
            self.versions = versions
        return layers


class _Run(Function):
    """All steps of all layers as one node of the graph."""

    @staticmethod
    def forward(
        ctx: Any,
        layers: TorchLayers,
        x: Tensor,
        lengths: Tensor | None,
        h0: Tensor | None,
        c0: Tensor | None,
        time_major: bool,
        seed: int | None,
        width: int,
        *weights: Tensor,
    ) -> tuple[Tensor, ...]:
        outputs, h, c, tape = _run(layers, x, lengths, h0, c0, time_major, seed, width, True)
        ctx.tape = tape
        ctx.shape = x.shape
        ctx.set_materialize_grads(False)
        return (outputs, h) if c is None else (outputs, h, c)

    @staticmethod
    def backward(ctx: Any, d_outputs: Tensor | None, d_h: Tensor | None, d_c: Tensor | None = None) -> Any:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "elman.torch computes first derivatives, and create_graph=True asks for second ones; take torch.nn's layer"
            )
        needs = ctx.needs_input_grad
        d_x = torch.empty(ctx.shape) if needs[1] else None
        initial = needs[3] or needs[4]
        d_h0, d_c0, arrays = ctx.tape.backward(
            _numpy(d_outputs), _numpy(d_h), _numpy(d_c), None if d_x is None else d_x.numpy(), initial
        )
        return (
            None,
            d_x,
            None,
            torch.from_numpy(d_h0) if needs[3] else None,
            torch.from_numpy(d_c0) if needs[4] and d_c0 is not None else None,
            None,
            None,
            None,
            *[torch.from_numpy(array) if need else None for array, need in zip(arrays, needs[8:])],
        )


def _numpy(tensor: Tensor | None) -> Any:
    return None if tensor is None else tensor.detach().contiguous().numpy()


def _run(
    layers: TorchLayers,
    x: Tensor,
    lengths: Tensor | None,
    h0: Tensor | None,
    c0: Tensor | None,
    time_major: bool,
    seed: int | None,
    width: int,
    keep: bool,
) -> tuple[Tensor, Tensor, Tensor | None, Any]:
    outputs = torch.empty(x.shape[0], x.shape[1], width)
    h, c, tape = layers.run(
        _numpy(x),
        outputs.numpy(),
        None if lengths is None else lengths.numpy(),
        _numpy(h0),
        _numpy(c0),
        time_major,
        seed,
        keep,
        torch.get_num_threads(),
    )
    return outputs, torch.from_numpy(h), None if c is None else torch.from_numpy(c), tape


def _why_not(x: Tensor, weights: list[Tensor], others: tuple[Tensor | None, ...]) -> str | None:
    """Why elman does not compute a call; None where it does."""
    for tensor in (x, *weights, *others):
        if tensor is None or (tensor.is_cpu and tensor.dtype is torch.float32 and tensor.layout is torch.strided):
            continue
        if tensor.device.type != "cpu":
            return f"a tensor is on {tensor.device}"
        if tensor.dtype is not torch.float32:
            return f"a tensor is of {tensor.dtype}"
        if tensor.layout is not torch.strided:
            return f"a tensor has the layout {tensor.layout}"
    return "the module is traced, compiled, transformed or under autocast" if _is_elsewhere() else None


def _is_elsewhere() -> bool:
    """Whether PyTorch looks at the operations rather than at numbers, or chooses their types."""
    return bool(
        torch._C._get_tracing_state() is not None
        or torch._C._are_functorch_transforms_active()
        or torch.compiler.is_compiling()
        or torch.is_autocast_enabled("cpu")
    )


class _Computed:
    """What the layers and the cells share."""

    #: Who computed the last call: ``"elman"``, ``"torch"``, or None before the first one.
    computed_by: str | None = None

    def _engine_of(self) -> _Engine:
        engine: _Engine | None = self.__dict__.get("_elman")
        if engine is None:
            engine = _Engine()
            self.__dict__["_elman"] = engine
        return engine

    def _leave_to_torch(self, why: str) -> None:
        engine = self._engine_of()
        if not engine.warned:
            engine.warned = True
            warnings.warn(f"elman: {type(self).__name__} is computed by PyTorch: {why}", stacklevel=4)
        self.__dict__["computed_by"] = "torch"


class _Layers(_Computed):
    """``forward`` of the layers, in front of torch's."""

    def forward(self, input: Any, hx: Any = None) -> Any:
        is_lstm = self.mode == "LSTM"  # type: ignore[attr-defined]
        packed = isinstance(input, PackedSequence)
        x: Tensor = input.data if packed else input
        h0, c0 = hx if is_lstm and hx is not None else (hx, None)
        weights: list[Tensor] = self._flat_weights  # type: ignore[attr-defined]
        why = _why_not(x, weights, (h0, c0))
        if why is not None:
            self._leave_to_torch(why)
            return super().forward(input, hx)  # type: ignore[misc]
        self.__dict__["computed_by"] = "elman"

        # Everything as a batch: padded, and with a batch of one where there is none.
        lengths = None
        time_major = not self.batch_first  # type: ignore[attr-defined]
        batched = True
        if packed:
            if input.sorted_indices is not None:
                order = input.sorted_indices
                h0 = None if h0 is None else h0.index_select(1, order)
                c0 = None if c0 is None else c0.index_select(1, order)
            plain = PackedSequence(x, input.batch_sizes, None, None)
            x, lengths = pad_packed_sequence(plain, batch_first=True)
            time_major = False
        else:
            if x.dim() not in (2, 3):
                raise ValueError(f"{type(self).__name__}: Expected input to be 2D or 3D, got {x.dim()}D instead")
            batched = x.dim() == 3
            if not batched:
                x = x.unsqueeze(1 if time_major else 0)
                for name, state in (("hx", h0), ("cx", c0)):
                    if state is not None and state.dim() != 2:
                        raise RuntimeError(
                            f"For unbatched 2-D input, {name} should also be 2-D but got {state.dim()}-D tensor"
                        )
                h0 = None if h0 is None else h0.unsqueeze(1)
                c0 = None if c0 is None else c0.unsqueeze(1)
            else:
                for state in (h0, c0):
                    if state is not None and state.dim() != 3:
                        raise RuntimeError(
                            f"For batched 3-D input, hx should also be 3-D but got {state.dim()}-D tensor"
                        )
        self._check(x, h0, c0, time_major)

        engine = self._engine_of()
        if engine.layers is None:
            engine.layers = TorchLayers(
                self.mode,  # type: ignore[attr-defined]
                self.input_size,  # type: ignore[attr-defined]
                self.hidden_size,  # type: ignore[attr-defined]
                layers=self.num_layers,  # type: ignore[attr-defined]
                bidirectional=self.bidirectional,  # type: ignore[attr-defined]
                bias=self.bias,  # type: ignore[attr-defined]
                dropout=float(self.dropout) if self.dropout < 1 else 0.0,  # type: ignore[attr-defined]
                projection=self.proj_size,  # type: ignore[attr-defined]
            )
        layers = engine.update(weights)
        seed = None
        if self.training and self.dropout > 0 and self.num_layers > 1:  # type: ignore[attr-defined]
            seed = int(torch.randint(2**62, ()).item())
        directions = 2 if self.bidirectional else 1  # type: ignore[attr-defined]
        width = directions * (self.proj_size or self.hidden_size)  # type: ignore[attr-defined]
        c: Tensor | None
        if torch.is_grad_enabled() and (
            x.requires_grad
            or (h0 is not None and h0.requires_grad)
            or (c0 is not None and c0.requires_grad)
            or any([weight.requires_grad for weight in weights])
        ):
            outputs, h, *rest = _Run.apply(layers, x, lengths, h0, c0, time_major, seed, width, *weights)
            c = rest[0] if rest else None
        else:
            outputs, h, c, _ = _run(layers, x, lengths, h0, c0, time_major, seed, width, False)

        result: Any = outputs
        if packed:
            both = pack_padded_sequence(outputs, lengths, batch_first=True)  # type: ignore[arg-type]
            result = PackedSequence(both.data, both.batch_sizes, input.sorted_indices, input.unsorted_indices)
            if input.unsorted_indices is not None:
                h = h.index_select(1, input.unsorted_indices)
                c = None if c is None else c.index_select(1, input.unsorted_indices)
        elif not batched:
            result = outputs.squeeze(1 if time_major else 0)
            h = h.squeeze(1)
            c = None if c is None else c.squeeze(1)
        return (result, (h, c)) if is_lstm else (result, h)

    def _check(self, x: Tensor, h0: Tensor | None, c0: Tensor | None, time_major: bool) -> None:
        """Refuses shapes in torch's words."""
        of: Any = self
        if x.size(-1) != of.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {of.input_size}, got {x.size(-1)}"
            )
        rows, layers = x.size(1 if time_major else 0), of.num_layers * (2 if of.bidirectional else 1)
        for what, state, width in (("hidden[0]", h0, of.proj_size or of.hidden_size), ("hidden[1]", c0, of.hidden_size)):
            expected = (layers, rows, width)
            if state is not None and tuple(state.shape) != expected:
                raise RuntimeError(f"Expected {what} size {expected}, got {list(state.shape)}")


class RNN(_Layers, nn.RNN):
    """``torch.nn.RNN``, computed by elman."""


class LSTM(_Layers, nn.LSTM):
    """``torch.nn.LSTM``, computed by elman."""


class GRU(_Layers, nn.GRU):
    """``torch.nn.GRU``, computed by elman."""


#: Rows that one thread steps by itself.
_FEW = 8


class _Cell(_Computed):
    """``forward`` of the cells, in front of torch's: a sequence of one step."""

    def forward(self, input: Tensor, hx: Any = None) -> Any:
        if not torch.is_grad_enabled() and hx is not None:
            stepped = self._step(input, hx)
            if stepped is not None:
                return stepped
        is_lstm = isinstance(self, nn.LSTMCell)
        h0, c0 = hx if is_lstm and hx is not None else (hx, None)
        of: Any = self
        weights = [of.weight_ih, of.weight_hh, of.bias_ih, of.bias_hh] if of.bias else [of.weight_ih, of.weight_hh]
        why = _why_not(input, weights, (h0, c0))
        if why is not None:
            self._leave_to_torch(why)
            return super().forward(input, hx)  # type: ignore[misc]
        self.__dict__["computed_by"] = "elman"
        name = type(self).__name__
        if input.dim() not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        batched = input.dim() == 2
        x = input.unsqueeze(0) if batched else input.view(1, 1, -1)
        if h0 is not None:
            if h0.dim() not in (1, 2):
                raise ValueError(f"{name}: Expected hidden to be 1D or 2D, got {h0.dim()}D instead")
            h0 = h0.unsqueeze(0) if batched else h0.view(1, 1, -1)
            c0 = None if c0 is None else (c0.unsqueeze(0) if batched else c0.view(1, 1, -1))
        if x.size(-1) != of.input_size:
            raise RuntimeError(f"input has inconsistent input_size: got {x.size(-1)} expected {of.input_size}")
        for state in (h0, c0):
            if state is not None and tuple(state.shape) != (1, x.size(1), of.hidden_size):
                found, expected = list(state.shape[1:]), [x.size(1), of.hidden_size]
                raise RuntimeError(f"hidden has inconsistent hidden_size: got {found} expected {expected}")
        engine = self._engine_of()
        if engine.layers is None:
            engine.layers = TorchLayers(self._mode(), of.input_size, of.hidden_size, bias=of.bias)
        layers = engine.update(weights)
        c: Tensor | None
        if torch.is_grad_enabled() and (
            x.requires_grad
            or (h0 is not None and h0.requires_grad)
            or (c0 is not None and c0.requires_grad)
            or any([weight.requires_grad for weight in weights])
        ):
            _, h, *rest = _Run.apply(layers, x, None, h0, c0, True, None, of.hidden_size, *weights)
            c = rest[0] if rest else None
        else:
            _, h, c, _ = _run(layers, x, None, h0, c0, True, None, of.hidden_size, False)
        h = h[0] if batched else h[0, 0]
        if not is_lstm:
            return h
        assert c is not None
        return h, (c[0] if batched else c[0, 0])

    def _step(self, input: Tensor, hx: Any) -> Any:
        """A step of a few rows without a graph, with as few questions as suffice; None where more are to be asked."""
        engine: _Engine | None = self.__dict__.get("_elman")
        if engine is None or engine.layers is None or type(input) is not Tensor or _is_elsewhere():
            return None
        if input.dim() != 2 or len(input) > _FEW:
            return None
        weights = [weight for weight in self._parameters.values() if weight is not None]  # type: ignore[attr-defined]
        try:
            # Refused by NumPy or by the types of the call: another device, another type of numbers, a leaf of a graph.
            layers = engine.update(weights)
            if isinstance(hx, Tensor):
                h, c = layers.step(input.numpy(), hx.numpy(), None)
            else:
                h, c = hx
                h, c = layers.step(input.numpy(), h.numpy(), c.numpy())
        except (TypeError, ValueError, RuntimeError, AttributeError):
            return None
        self.__dict__["computed_by"] = "elman"
        return torch.from_numpy(h) if c is None else (torch.from_numpy(h), torch.from_numpy(c))

    def _mode(self) -> str:
        if isinstance(self, nn.RNNCell):
            return "RNN_RELU" if self.nonlinearity == "relu" else "RNN_TANH"
        return "LSTM" if isinstance(self, nn.LSTMCell) else "GRU"


class RNNCell(_Cell, nn.RNNCell):
    """``torch.nn.RNNCell``, computed by elman."""


class LSTMCell(_Cell, nn.LSTMCell):
    """``torch.nn.LSTMCell``, computed by elman."""


class GRUCell(_Cell, nn.GRUCell):
    """``torch.nn.GRUCell``, computed by elman."""


_OURS: dict[type[nn.Module], type[nn.Module]] = {
    nn.RNN: RNN,
    nn.LSTM: LSTM,
    nn.GRU: GRU,
    nn.RNNCell: RNNCell,
    nn.LSTMCell: LSTMCell,
    nn.GRUCell: GRUCell,
}


class Accelerated(NamedTuple):
    """What :func:`accelerate` did."""

    #: The names of the layers that elman computes from now on; ``""`` is the module itself.
    exchanged: list[str]
    #: The names of the recurrent layers that it left, each with the reason.
    left: dict[str, str]


def accelerate(module: nn.Module) -> Accelerated:
    """Lets elman compute every recurrent layer of a model, in place.

    The layers stay the objects that they are, with the same parameters: optimizers, hooks and names go on.

    Args:
        module: A model, or a layer by itself.

    Returns:
        The names of what was exchanged, and of what was left with the reason.

    Example:
        >>> import torch, elman.torch
        >>> model = torch.nn.Sequential(torch.nn.Embedding(10, 4), torch.nn.LSTM(4, 8, batch_first=True))
        >>> elman.torch.accelerate(model)
        Accelerated(exchanged=['1'], left={})
    """
    exchanged, left = [], {}
    recurrent = (nn.RNNBase, nn.RNNCellBase)
    for name, child in module.named_modules():
        if not isinstance(child, recurrent) or isinstance(child, _Computed):
            continue
        ours = _OURS.get(type(child))
        if ours is None:
            left[name] = f"{type(child).__name__} is a class of its own: what it computes is not known"
            continue
        tensors = list(child.parameters())
        why = next((f"a parameter is on {t.device}" for t in tensors if t.device.type != "cpu"), None)
        why = why or next((f"a parameter is of {t.dtype}" for t in tensors if t.dtype is not torch.float32), None)
        if why is not None:
            left[name] = why
            continue
        child.__class__ = ours  # type: ignore[assignment]
        exchanged.append(name)
    return Accelerated(exchanged, left)
