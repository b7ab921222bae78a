"""Records what PyTorch's recurrent layers compute, for the tests of this repository to compare with.

    python3.11 -m venv ~/torch-venv
    ~/torch-venv/bin/pip install -r golden/requirements-torch.txt
    ~/torch-venv/bin/python golden/pytorch_cells.py          # writes golden/pytorch_cells.safetensors
    ~/torch-venv/bin/python golden/pytorch_cells.py --check  # writes nothing, compares with the file

Run it by hand; it takes some seconds. README.md, beside this file, lists every array.
"""

import sys

import recording
from recording import HIDDEN, INPUT, PROJECTED, STEPS, prefixed

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
torch.backends.mkldnn.enabled = False

SEED = 114
LENGTHS = [3, 6, 1, 5]

CASES = {
    "rnn_tanh": lambda: nn.RNN(INPUT, HIDDEN, batch_first=True),
    "rnn_relu": lambda: nn.RNN(INPUT, HIDDEN, nonlinearity="relu", batch_first=True),
    "lstm": lambda: nn.LSTM(INPUT, HIDDEN, batch_first=True),
    "lstm_projection": lambda: nn.LSTM(INPUT, HIDDEN, proj_size=PROJECTED, batch_first=True),
    "gru": lambda: nn.GRU(INPUT, HIDDEN, batch_first=True),
    "lstm_2layers_bidirectional": lambda: nn.LSTM(
        INPUT, HIDDEN, num_layers=2, bidirectional=True, batch_first=True
    ),
    "gru_2layers": lambda: nn.GRU(INPUT, HIDDEN, num_layers=2, batch_first=True),
}


def parts(layer):
    """What precedes the names of the states, in the order in which PyTorch stacks them."""
    if layer.num_layers == 1 and not layer.bidirectional:
        return [""]
    directions = ["", "_reverse"] if layer.bidirectional else [""]
    return [f"l{k}{direction}/" for k in range(layer.num_layers) for direction in directions]


def record(layer, draw):
    """The arrays of one case, with the gradients of sum(outputs ⊙ cotangent/outputs) + sum(state ⊙ cotangent/state)."""
    kinds = {"h": layer.proj_size or HIDDEN}
    if isinstance(layer, nn.LSTM):
        kinds["c"] = HIDDEN
    parameters = dict(layer.named_parameters())
    # A row of a PyTorch matrix belongs to an output.
    weights = draw.parameters({n: p.shape for n, p in parameters.items()}, lambda _, shape: shape[-1])
    given = draw.sequences(LENGTHS)
    given |= draw.initial({part + kind: size for part in parts(layer) for kind, size in kinds.items()})

    for name, parameter in parameters.items():
        parameter.data = torch.tensor(weights[name])
    sources = {n: torch.tensor(a, requires_grad=True) for n, a in given.items() if n != "lengths"}
    packed = pack_padded_sequence(
        sources["inputs"], torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False
    )
    initial = [torch.stack([sources[f"initial/{p}{kind}"] for p in parts(layer)]) for kind in kinds]
    lstm = isinstance(layer, nn.LSTM)
    outputs, state = layer(packed, tuple(initial) if lstm else initial[0])
    outputs, _ = pad_packed_sequence(outputs, batch_first=True, total_length=STEPS)

    results = {"outputs": outputs}
    for kind, stacked in zip(kinds, state if lstm else [state]):
        results |= {f"state/{p}{kind}": one for p, one in zip(parts(layer), stacked, strict=True)}
    cotangents = draw.cotangents({name: result.shape for name, result in results.items()})
    sum((results[n] * torch.tensor(cotangents[f"cotangent/{n}"])).sum() for n in results).backward()

    results = {name: result.detach().numpy() for name, result in results.items()}
    gradients = {name: tensor.grad.numpy() for name, tensor in (parameters | sources).items()}
    return given | weights | cotangents | results | prefixed("gradient", gradients)


def files():
    arrays = {}
    for number, (name, make) in enumerate(CASES.items()):
        arrays |= prefixed(name, record(make(), recording.Draw(SEED, number)))
    yield "pytorch_cells.safetensors", arrays, {"lengths": LENGTHS, "seed": SEED}


if __name__ == "__main__":
    versions = recording.versions(torch)
    sys.exit(recording.main(__file__, __doc__.splitlines()[0], versions, files()))
