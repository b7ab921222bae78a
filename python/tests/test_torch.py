"""elman.torch beside torch.nn: the same outputs, gradients, training and manners."""

import copy
import io
import pickle
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from torch import nn  # noqa: E402
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence, pad_packed_sequence  # noqa: E402

import elman.torch  # noqa: E402

#: Both round each sum in their own order; of sums over the batch, relative to the largest gradient.
CLOSE = 2e-6
#: After 50 steps of training.
TRACE = 1e-5

FORMS = {
    "plain": {},
    "batch first": {"batch_first": True},
    "two layers": {"num_layers": 2},
    "both ways": {"bidirectional": True},
    "both ways, two layers, batch first": {"bidirectional": True, "num_layers": 2, "batch_first": True},
    "no bias": {"bias": False, "num_layers": 2},
}
KINDS = [(kind, name, form) for kind in ("RNN", "LSTM", "GRU") for name, form in FORMS.items()]
KINDS += [
    ("RNN", "relu", {"nonlinearity": "relu"}),
    ("LSTM", "projected", {"proj_size": 4, "num_layers": 2}),
    ("LSTM", "projected both ways", {"proj_size": 4, "bidirectional": True}),
]
every_kind = pytest.mark.parametrize("kind, form", [k[::2] for k in KINDS], ids=[f"{k[0]}, {k[1]}" for k in KINDS])


@pytest.fixture(autouse=True)
def quiet_and_the_same():
    torch.manual_seed(111)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "LSTM with projections is not supported with oneDNN")
        warnings.filterwarnings("error", "elman:")
        yield


def pair(kind, form, input=5, hidden=9):
    theirs = getattr(nn, kind)(input, hidden, **form)
    ours = getattr(elman.torch, kind)(input, hidden, **form)
    assert [(n, p.shape) for n, p in ours.state_dict().items()] == [(n, p.shape) for n, p in theirs.state_dict().items()]
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


def states(module, rows, grad=False):
    of = module.num_layers * (2 if module.bidirectional else 1)
    h = torch.randn(of, rows, module.proj_size or module.hidden_size)
    state = (h, torch.randn(of, rows, module.hidden_size)) if module.mode == "LSTM" else h
    return leaves(state) if grad else state


def leaves(state):
    if isinstance(state, tuple):
        return tuple(leaves(part) for part in state)
    return state.detach().clone().requires_grad_()


def flat(result):
    return [result] if isinstance(result, torch.Tensor) else [t for part in result for t in flat(part)]


def close(found, expected, what=""):
    found, expected = found.detach(), expected.detach()
    scale = max(1.0, float(expected.abs().max())) if expected.numel() else 1.0
    assert found.shape == expected.shape and float((found - expected).abs().max()) <= CLOSE * scale * 10, what


def loss(result, seed=3):
    """A sum of everything, each number by a weight of its own."""
    random = torch.Generator().manual_seed(seed)
    return sum((torch.randn(t.shape, generator=random) * t).sum() for t in flat(result))


@every_kind
@pytest.mark.parametrize("given", ["no state", "a state"])
def test_outputs_and_every_gradient_agree(kind, form, given):
    theirs, ours = pair(kind, form)
    x = torch.randn(7, 6, 5)
    rows = 7 if theirs.batch_first else 6
    h = states(theirs, rows) if given == "a state" else None
    results = []
    for module in (theirs, ours):
        own_x, own_h = leaves(x), None if h is None else leaves(h)
        result = module(own_x, own_h)
        loss(result).backward()
        results.append((flat(result), [own_x.grad, *[t.grad for t in flat(() if own_h is None else own_h)], *[p.grad for p in module.parameters()]]))
    assert ours.computed_by == "elman"
    for expected, found in zip(*(outputs + gradients for outputs, gradients in results)):
        close(found, expected)


@every_kind
def test_only_what_is_asked_for_has_a_gradient(kind, form):
    theirs, ours = pair(kind, form)
    x = torch.randn(7, 6, 5)
    for module in (theirs, ours):
        module.requires_grad_(False)
        next(module.parameters()).requires_grad_()
        _, state = module(x)
        sum((t**2).sum() for t in flat(state)).backward()
    first, *others = ours.parameters()
    close(first.grad, next(theirs.parameters()).grad)
    assert all(parameter.grad is None for parameter in others)


@every_kind
def test_batches_of_one_have_no_axis_where_none_is_given(kind, form):
    theirs, ours = pair(kind, form)
    x = torch.randn(6, 5)
    h = states(theirs, 1)
    h = tuple(t[:, 0] for t in h) if isinstance(h, tuple) else h[:, 0]
    for state in (None, h):
        for expected, found in zip(flat(theirs(x, state)), flat(ours(x, state))):
            close(found, expected)


@every_kind
@pytest.mark.parametrize("sorted_", [True, False])
def test_packed_sequences(kind, form, sorted_):
    theirs, ours = pair(kind, form)
    lengths = [6, 4, 4, 1] if sorted_ else [4, 1, 6, 4]
    rows = [torch.randn(length, 5) for length in lengths]
    h = states(theirs, 4)
    results = []
    for module in (theirs, ours):
        own = [leaves(row) for row in rows]
        own_h = leaves(h)
        packed, last = module(pack_sequence(own, enforce_sorted=sorted_), own_h)
        padded, found = pad_packed_sequence(packed)
        assert found.tolist() == lengths
        loss((padded, last)).backward()
        results.append([packed.data, padded, *flat(last), *[row.grad for row in own], *[t.grad for t in flat(own_h)],
                        *[p.grad for p in module.parameters()]])  # fmt: skip
    for expected, found in zip(*results):
        close(found, expected)


@every_kind
def test_training_takes_the_same_course(kind, form):
    theirs, ours = pair(kind, form, 5, 16)
    x, y = torch.randn(20, 20, 5), torch.randn(20, 20, 1)
    losses = []
    for module in (theirs, ours):
        torch.manual_seed(5)
        width = (2 if module.bidirectional else 1) * (module.proj_size or module.hidden_size)
        head = nn.Linear(width, 1)
        optimizer = torch.optim.SGD([*module.parameters(), *head.parameters()], lr=0.05, momentum=0.9)
        losses.append([])
        for _ in range(50):
            optimizer.zero_grad()
            off = ((head(module(x)[0]) - y) ** 2).mean()
            off.backward()
            optimizer.step()
            losses[-1].append(off.item())
    assert losses[0][-1] < losses[0][0]
    assert np.abs(np.subtract(*losses)).max() <= TRACE
    for expected, found in zip(theirs.parameters(), ours.parameters()):
        assert float((expected - found).detach().abs().max()) <= TRACE


@pytest.mark.parametrize("kind", ["RNNCell", "LSTMCell", "GRUCell"])
@pytest.mark.parametrize("form", [{}, {"bias": False}, {"nonlinearity": "relu"}], ids=str)
@pytest.mark.parametrize("batched", [True, False])
def test_cells(kind, form, batched):
    if "nonlinearity" in form and kind != "RNNCell":
        pytest.skip("only the Elman cell has one")
    theirs, ours = getattr(nn, kind)(5, 9, **form), getattr(elman.torch, kind)(5, 9, **form)
    ours.load_state_dict(theirs.state_dict())
    xs = torch.randn(4, *((3,) if batched else ()), 5)
    results = []
    for module in (theirs, ours):
        own, state = leaves(xs), None
        for x in own:
            state = module(x, state)
        loss(state).backward()
        with torch.no_grad():
            quiet = module(xs[0], module(xs[1]))
        results.append([*flat(state), *flat(quiet), own.grad, *[p.grad for p in module.parameters()]])
    for expected, found in zip(*results):
        close(found, expected)
    assert ours.computed_by == "elman"


def test_without_gradients_nothing_is_kept():
    layer = elman.torch.LSTM(5, 9)
    x = torch.randn(7, 6, 5)
    with_graph, _ = layer(x)
    assert with_graph.requires_grad
    for context in (torch.no_grad, torch.inference_mode):
        with context():
            outputs, _ = layer(x)
        assert not outputs.requires_grad and torch.equal(outputs, with_graph)


def test_changed_weights_are_seen():
    layer, x = elman.torch.GRU(5, 9), torch.randn(7, 6, 5)
    with torch.no_grad():
        before = layer(x)[0]
        for change in (
            lambda: layer.weight_ih_l0.mul_(1.5),
            lambda: layer.weight_hh_l0.data.mul_(0.5),
            lambda: setattr(layer, "bias_ih_l0", nn.Parameter(torch.randn(27))),
            lambda: layer.load_state_dict(elman.torch.GRU(5, 9).state_dict()),
        ):
            change()
            after = layer(x)[0]
            assert not torch.equal(before, after)
            expected = nn.GRU(5, 9)
            expected.load_state_dict(layer.state_dict())
            close(after, expected(x)[0])
            before = after


def test_a_graph_is_carried_back_twice_and_keeps_its_weights():
    layer, x = elman.torch.LSTM(5, 9), torch.randn(7, 6, 5)
    result = loss(layer(x))
    result.backward(retain_graph=True)
    first = [p.grad.clone() for p in layer.parameters()]
    with torch.no_grad():
        layer(torch.randn(3, 2, 5))
    result.backward()
    for gradient, parameter in zip(first, layer.parameters()):
        assert torch.equal(parameter.grad, 2 * gradient)
    results = [loss(layer(torch.randn(7, 6, 5))) for _ in range(3)]     # three graphs at once
    layer.zero_grad()
    sum(results).backward()


def test_dropout_between_layers_follows_torchs_seed():
    layer, x = elman.torch.GRU(5, 64, num_layers=2, dropout=0.5), torch.randn(7, 6, 5)
    torch.manual_seed(1)
    first = layer(x)[0]
    second = layer(x)[0]
    torch.manual_seed(1)
    assert torch.equal(layer(x)[0], first) and not torch.equal(first, second)
    loss(first).backward()
    layer.eval()
    theirs = nn.GRU(5, 64, num_layers=2, dropout=0.5).eval()
    theirs.load_state_dict(layer.state_dict())
    close(layer(x)[0], theirs(x)[0])


@every_kind
def test_copies_pickles_and_files(kind, form):
    _, ours = pair(kind, form)
    x = torch.randn(7, 6, 5)
    expected = ours(x)[0]
    buffer = io.BytesIO()
    torch.save(ours, buffer)
    buffer.seek(0)
    others = [copy.deepcopy(ours), pickle.loads(pickle.dumps(ours)), torch.load(buffer, weights_only=False)]
    for other in others:
        assert type(other) is type(ours) and torch.equal(other(x)[0], expected)
        with torch.no_grad():
            next(other.parameters()).zero_()
    assert torch.equal(ours(x)[0], expected)


def test_accelerate_exchanges_in_place():
    class Own(nn.LSTM):
        pass

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(10, 5)
            self.first = nn.LSTM(5, 9, batch_first=True, bidirectional=True)
            self.cells = nn.ModuleList([nn.GRUCell(18, 4)])
            self.own = Own(4, 4)
            self.double = nn.RNN(4, 4).double()
            self.gradual = nn.Linear(4, 2)

        def forward(self, tokens):
            outputs, _ = self.first(self.embedding(tokens))
            return self.gradual(self.cells[0](outputs[:, -1]))

    model = Tagger()
    parameters = list(model.parameters())
    tokens = torch.randint(10, (3, 7))
    expected = model(tokens)
    done = elman.torch.accelerate(model)
    assert done.exchanged == ["first", "cells.0"]
    assert done.left == {
        "own": "Own is a class of its own: what it computes is not known",
        "double": "a parameter is of torch.float64",
    }
    assert isinstance(model.first, nn.LSTM) and model.first.computed_by is None
    close(model(tokens), expected)
    assert model.first.computed_by == "elman" and model.cells[0].computed_by == "elman"
    assert all(a is b for a, b in zip(parameters, model.parameters()))
    assert elman.torch.accelerate(model).exchanged == []
    assert elman.torch.accelerate(nn.RNN(3, 4)).exchanged == [""]


def test_what_elman_does_not_compute_torch_does_and_it_is_said():
    layer = elman.torch.LSTM(5, 9).double()
    x = torch.randn(7, 6, 5, dtype=torch.float64)
    with pytest.warns(UserWarning, match="elman: LSTM is computed by PyTorch: a tensor is of torch.float64"):
        outputs, _ = layer(x)
    assert layer.computed_by == "torch" and outputs.dtype is torch.float64
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer(x)                                                        # said once
    layer.float()
    layer(x.float())
    assert layer.computed_by == "elman"


def test_a_second_derivative_is_refused():
    layer, x = elman.torch.GRU(5, 9), torch.randn(7, 6, 5, requires_grad=True)
    with pytest.raises(RuntimeError, match="elman.torch computes first derivatives, and create_graph=True asks for"):
        torch.autograd.grad(loss(layer(x)), x, create_graph=True)


def test_numbers_that_are_none_pass_through_as_in_torch():
    theirs, ours = pair("LSTM", {})
    x = torch.randn(7, 6, 5)
    x[2, 3, 1] = float("nan")
    expected, found = theirs(x)[0], ours(x)[0]
    assert torch.equal(expected.isnan(), found.isnan()) and found.isnan().any()


@pytest.mark.parametrize("shape", [(0, 3), (4, 0)], ids=["no steps", "no rows"])
def test_empty_batches(shape):
    layer = elman.torch.GRU(5, 9)
    outputs, h = layer(torch.zeros(*shape, 5))
    assert outputs.shape == (*shape, 9) and h.shape == (1, shape[1], 9)
    (outputs.sum() + h.sum()).backward()


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.LSTM(5, 9)(torch.zeros(3, 2, 4)),
        lambda m: m.LSTM(5, 9)(torch.zeros(3, 2, 5), (torch.zeros(1, 3, 9), torch.zeros(1, 2, 9))),
        lambda m: m.LSTM(5, 9)(torch.zeros(3, 2, 5), (torch.zeros(1, 2, 9), torch.zeros(1, 2, 8))),
        lambda m: m.GRU(5, 9)(torch.zeros(3, 2, 5), torch.zeros(2, 9)),
        lambda m: m.GRU(5, 9)(torch.zeros(3, 5), torch.zeros(1, 1, 9)),
        lambda m: m.GRU(5, 9)(torch.zeros(5)),
        lambda m: m.GRUCell(5, 9)(torch.zeros(2, 4)),
        lambda m: m.GRUCell(5, 9)(torch.zeros(2, 5), torch.zeros(3, 9)),
        lambda m: m.LSTMCell(5, 9)(torch.zeros(1, 2, 5)),
    ],
)
def test_what_torch_refuses_is_refused(call):
    for module in (nn, elman.torch):
        with pytest.raises((RuntimeError, ValueError)):
            call(module)


def test_strided_and_expanded_tensors():
    theirs, ours = pair("GRU", {"batch_first": True})
    x = torch.randn(6, 7, 5).transpose(0, 1)
    results = []
    for module in (theirs, ours):
        own = leaves(x)
        outputs, _ = module(own.transpose(0, 1)[:, ::2])
        outputs.sum().backward()                                        # an expanded gradient
        results.append([outputs, own.grad, *[p.grad for p in module.parameters()]])
    for expected, found in zip(*results):
        close(found, expected)
