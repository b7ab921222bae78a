"""Records models of PyTorch whose heads, or whose files, are more than one dense layer and `torch.save`.

    ~/torch-venv/bin/python golden/pytorch_head_models.py          # writes golden/heads/*

Run it by hand. Each case is a `state_dict` as `torch.save` or safetensors wrote it, and in `answers.safetensors` what the
module answered: `<case>/inputs` [B, T, I] or tokens [B, T, 1], `<case>/lengths` [B] (all whole), `<case>/outputs`.
"""

import json

import recording
from recording import BATCH, HIDDEN, INPUT, STEPS

import numpy as np
import safetensors.numpy
import safetensors.torch
import torch
from torch import nn
from torch.nn.utils import parametrizations, weight_norm

torch.set_num_threads(1)
FOLDER = recording.GOLDEN / "heads"
CLASSES, TOKENS = 4, 11


class Mlp(nn.Module):
    def __init__(self, act=torch.relu):
        super().__init__()
        self.lstm = nn.LSTM(INPUT, HIDDEN, batch_first=True)
        self.fc1 = nn.Linear(HIDDEN, 6)
        self.bn1 = nn.BatchNorm1d(6)
        self.fc2 = nn.Linear(6, CLASSES)
        self.act = act

    def forward(self, x):
        return self.fc2(self.act(self.bn1(self.fc1(self.lstm(x)[1][0][-1]))))


class Last(nn.Module):
    """A head on the last state."""

    def __init__(self, head, rnn=nn.GRU, read=lambda out, h: h[-1]):
        super().__init__()
        self.rnn = rnn(INPUT, HIDDEN, batch_first=True)
        self.head = head
        self.read = read

    def forward(self, x):
        out, state = self.rnn(x)
        return self.head(self.read(out, state[0] if isinstance(state, tuple) else state))


class Language(nn.Module):
    """The embedding and the decoder share their weights."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Embedding(TOKENS, HIDDEN)
        self.rnn = nn.LSTM(HIDDEN, HIDDEN, batch_first=True)
        self.decoder = nn.Linear(HIDDEN, TOKENS)
        self.decoder.weight = self.encoder.weight

    def forward(self, x):
        return self.decoder(self.rnn(self.encoder(x[..., 0].long()))[0])


class Conv(nn.Module):
    """Convolutions with PyTorch's defaults before the cells."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(INPUT, 6, 3)
        self.conv2 = nn.Conv1d(6, 8, 2, bias=False)
        self.rnn = nn.LSTM(8, HIDDEN, batch_first=True)
        self.head = nn.Linear(HIDDEN, CLASSES)

    def forward(self, x):
        x = torch.relu(self.conv2(torch.relu(self.conv1(x.transpose(1, 2))))).transpose(1, 2)
        return self.head(self.rnn(x)[0][:, -1])


class Front(nn.Module):
    """A dense layer at every step before the recurrent ones."""

    def __init__(self):
        super().__init__()
        self.fc_in = nn.Linear(INPUT, 6)
        self.rnn = nn.GRU(6, HIDDEN, num_layers=2, batch_first=True)
        self.head = nn.Linear(HIDDEN, CLASSES)

    def forward(self, x):
        return self.head(self.rnn(torch.relu(self.fc_in(x)))[1][-1])


def normed(make):
    model = Last(nn.Linear(HIDDEN, CLASSES))
    make(model)
    return model


def of_rnn(model):
    parametrizations.weight_norm(model.rnn, "weight_hh_l0")
    parametrizations.weight_norm(model.head)


CASES = {
    "mlp": Mlp,
    "sequential": lambda: Last(
        nn.Sequential(
            nn.BatchNorm1d(HIDDEN), nn.Linear(HIDDEN, 6), nn.ReLU(), nn.BatchNorm1d(6), nn.Dropout(0.5),
            nn.Linear(6, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, CLASSES),
        )
    ),
    "layer_norm": lambda: Last(nn.Sequential(nn.LayerNorm(HIDDEN), nn.Linear(HIDDEN, CLASSES)), nn.LSTM),
    "value": lambda: Last(nn.Linear(HIDDEN, 1)),
    "mean": lambda: Last(nn.Linear(HIDDEN, CLASSES), read=lambda out, _: out.mean(1)),
    "max": lambda: Last(nn.Linear(HIDDEN, CLASSES), read=lambda out, _: out.amax(1)),
    "weight_norm": lambda: normed(lambda model: weight_norm(model.head, dim=1)),
    "parametrized": lambda: normed(of_rnn),
    "tied": Language,
    "front": Front,
    "conv": Conv,
}


def fill(model, draw):
    """Random parameters and running statistics, in the order of their names."""
    with torch.no_grad():
        for _, p in sorted(model.named_parameters()):
            p.copy_(torch.tensor(draw.normal(0.4, *p.shape)))
        for name, b in sorted(model.named_buffers()):
            if b.is_floating_point():
                b.copy_(torch.tensor(np.abs(draw.normal(1.0, *b.shape)) + np.float32(0.2)))
            elif name.endswith("num_batches_tracked"):
                b.fill_(7)
    return model.eval()


def main():
    FOLDER.mkdir(exist_ok=True)
    answers = {}
    for number, (name, make) in enumerate(CASES.items()):
        draw = recording.Draw(131, number)
        torch.manual_seed(number)
        model = fill(make(), draw)
        x = draw.normal(1.0, BATCH, STEPS, INPUT)
        if name == "tied":
            x = draw.random.integers(0, TOKENS, (BATCH, STEPS, 1)).astype(np.float32)
            safetensors.torch.save_model(model, str(FOLDER / "tied.safetensors"))
        else:
            torch.save(model.state_dict(), FOLDER / f"{name}.pt")
        if name in ("front", "conv"):
            # Without an order: by sizes or names alone.
            safetensors.torch.save_file(model.state_dict(), FOLDER / f"{name}.safetensors")
        with torch.no_grad():
            y = model(torch.tensor(x)).numpy()
        lengths = np.full(BATCH, STEPS, np.float32)
        answers |= recording.prefixed(name, {"inputs": x, "lengths": lengths, "outputs": y})

    # One model in half precision, and in shards. Its answers are those of its numbers widened.
    draw = recording.Draw(131, 100)
    x = draw.normal(1.0, BATCH, STEPS, INPUT)
    for name, dtype in (("f16", torch.float16), ("bf16", torch.bfloat16), ("sharded", torch.bfloat16)):
        torch.manual_seed(100)
        model = Last(nn.Linear(HIDDEN, CLASSES)).to(dtype)
        state = {key: value.contiguous() for key, value in model.state_dict().items()}
        if name != "sharded":
            safetensors.torch.save_file(state, FOLDER / f"{name}.safetensors")
            torch.save(state, FOLDER / f"{name}.pt")
        else:
            parts = [dict(list(state.items())[:3]), dict(list(state.items())[3:])]
            places = {}
            for at, part in enumerate(parts, 1):
                file = f"sharded-{at:05}-of-00002.safetensors"
                safetensors.torch.save_file(part, FOLDER / file)
                places |= dict.fromkeys(part, file)
            index = {"metadata": {"total_size": 0}, "weight_map": places}
            (FOLDER / "sharded.safetensors.index.json").write_text(json.dumps(index, indent=1))
        with torch.no_grad():
            y = model.float()(torch.tensor(x)).numpy()
        lengths = np.full(BATCH, STEPS, np.float32)
        answers |= recording.prefixed(name, {"inputs": x, "lengths": lengths, "outputs": y})
    versions = {key: str(value) for key, value in recording.versions(torch).items()}
    (FOLDER / "answers.safetensors").write_bytes(safetensors.numpy.save(answers, versions))


if __name__ == "__main__":
    main()
