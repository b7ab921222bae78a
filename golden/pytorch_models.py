"""Records small models of PyTorch, as their `state_dict`s, and what they answer.

    ~/torch-venv/bin/python golden/pytorch_models.py          # writes golden/models/pytorch*.safetensors
    ~/torch-venv/bin/python golden/pytorch_models.py --check  # writes nothing, compares with the files

Run it by hand; it takes some seconds. README.md, beside this file, lists every file.
"""

import sys

import recording
from recording import BATCH, HIDDEN, INPUT, PROJECTED, STEPS, prefixed

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
torch.backends.mkldnn.enabled = False

SEED = 116
LENGTHS = [3, 6, 1, 5]
TOKENS, CLASSES = 11, 4


class Last(nn.Module):
    """Logits of the last state, of both directions where there are two."""

    def __init__(self, rnn, width, bias=True):
        super().__init__()
        self.rnn = rnn
        self.head = nn.Linear(width, CLASSES, bias=bias)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        _, state = self.rnn(packed)
        h = state[0] if isinstance(state, tuple) else state
        return self.head(torch.cat([h[-2], h[-1]], 1) if self.rnn.bidirectional else h[-1])


class Tagger(nn.Module):
    """Logits of every step of a sequence of tokens, as deep inside another module as a model often is."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(TOKENS, INPUT)
        self.encoder = nn.ModuleDict(
            {"lstm": nn.LSTM(INPUT, HIDDEN, batch_first=True, bidirectional=True)}
        )
        self.output = nn.Linear(2 * HIDDEN, CLASSES)

    def forward(self, x, lengths):
        x = self.words(x[..., 0].long())
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        outputs, _ = pad_packed_sequence(
            self.encoder["lstm"](packed)[0], batch_first=True, total_length=STEPS
        )
        return self.output(outputs)


class TwoModules(nn.Module):
    """An LSTM whose outputs a GRU reads."""

    def __init__(self):
        super().__init__()
        self.rnn1 = nn.LSTM(INPUT, HIDDEN, batch_first=True)
        self.rnn2 = nn.GRU(HIDDEN, 6, batch_first=True)
        self.fc = nn.Linear(6, CLASSES)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return self.fc(self.rnn2(self.rnn1(packed)[0])[1][-1])


class Cell(nn.Module):
    """A loop over an nn.LSTMCell, on whole rows."""

    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(INPUT, HIDDEN)
        self.fc = nn.Linear(HIDDEN, CLASSES)

    def forward(self, x, _):
        h = c = torch.zeros(BATCH, HIDDEN)
        for step in range(STEPS):
            h, c = self.cell(x[:, step], (h, c))
        return self.fc(h)


CASES = {
    "rnn_tanh": lambda: Last(nn.RNN(INPUT, HIDDEN, batch_first=True), HIDDEN),
    "rnn_relu": lambda: Last(nn.RNN(INPUT, HIDDEN, nonlinearity="relu", batch_first=True), HIDDEN),
    "lstm": lambda: Last(nn.LSTM(INPUT, HIDDEN, batch_first=True), HIDDEN),
    "lstm_projection": lambda: Last(
        nn.LSTM(INPUT, HIDDEN, proj_size=PROJECTED, batch_first=True), PROJECTED
    ),
    "gru": lambda: Last(nn.GRU(INPUT, HIDDEN, batch_first=True), HIDDEN),
    "gru_no_bias": lambda: Last(nn.GRU(INPUT, HIDDEN, bias=False, batch_first=True), HIDDEN, False),
    "gru_2layers_bidirectional": lambda: Last(
        nn.GRU(INPUT, HIDDEN, num_layers=2, bidirectional=True, batch_first=True), 2 * HIDDEN
    ),
    "tagger": Tagger,
    "two_modules": TwoModules,
    "cell": Cell,
}


def record(name, module, draw):
    """The arrays of a module, and those of its inputs and outputs. The lengths are whole where it takes none."""
    shapes = {n: p.shape for n, p in module.named_parameters()}
    weights = draw.parameters(shapes, lambda _, shape: shape[-1])
    module.load_state_dict({n: torch.tensor(a) for n, a in weights.items()}, strict=True)
    lengths = [STEPS] * BATCH if name == "cell" else LENGTHS
    given = draw.sequences(lengths)
    if name == "tagger":
        tokens = draw.random.integers(0, TOKENS, (BATCH, STEPS, 1))
        given["inputs"] = tokens.astype(np.float32)
    with torch.no_grad():
        outputs = module(torch.tensor(given["inputs"]), torch.tensor(lengths)).numpy()
    return weights, given | {"outputs": outputs}


def files():
    results = {}
    for number, (name, make) in enumerate(CASES.items()):
        weights, result = record(name, make(), recording.Draw(SEED, number))
        yield f"models/pytorch_{name}.safetensors", weights, {"seed": SEED}
        results |= prefixed(name, result)
    yield "models/pytorch.safetensors", results, {"lengths": LENGTHS, "seed": SEED}


if __name__ == "__main__":
    versions = recording.versions(torch)
    sys.exit(recording.main(__file__, __doc__.splitlines()[0], versions, files()))
