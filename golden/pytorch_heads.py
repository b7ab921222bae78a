"""Records what PyTorch computes for layers between recurrent ones and for heads, for the tests of this repository to
compare with: logits, the loss, and its gradient by every parameter.

    python3.11 -m venv ~/torch-venv
    ~/torch-venv/bin/pip install -r golden/requirements-torch.txt
    ~/torch-venv/bin/python golden/pytorch_heads.py          # writes golden/pytorch_heads.safetensors
    ~/torch-venv/bin/python golden/pytorch_heads.py --check  # writes nothing, compares with the file

Arrays are named and laid out as elman's: a matrix has a row for each input, and the two biases of a cell are one. Run it by
hand; it takes some seconds.
"""

import sys

import recording
from recording import BATCH, INPUT, STEPS, Draw, prefixed

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
torch.backends.mkldnn.enabled = False

SEED = 131
LENGTHS = [3, 6, 1, 5]

# By our names.
ACTIVATIONS = {
    "identity": lambda a: a,
    "relu": F.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "elu": F.elu,
    "selu": F.selu,
    "leaky_relu": F.leaky_relu,
    "gelu": F.gelu,
    "gelu_tanh": lambda a: F.gelu(a, approximate="tanh"),
    "silu": F.silu,
    "mish": F.mish,
    "softplus": F.softplus,
    "softsign": F.softsign,
    "exponential": torch.exp,
    "hard_sigmoid": F.hardsigmoid,
    "hard_tanh": F.hardtanh,
    "hard_silu": F.hardswish,
    "relu6": F.relu6,
}


class Scale(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.gain, self.bias = nn.Parameter(torch.ones(size)), nn.Parameter(torch.zeros(size))

    def forward(self, x):
        return x * self.gain + self.bias


class Of(nn.Module):
    """A function without parameters, in a list of modules."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def lengths():
    return torch.tensor(LENGTHS)


def mask():
    return torch.arange(STEPS)[None, :] < lengths()[:, None]


def last(module, x):
    """A recurrent module over padded rows: its outputs, and its final states of both directions side by side."""
    packed = pack_padded_sequence(x, lengths(), batch_first=True, enforce_sorted=False)
    outputs, state = module(packed)
    outputs, _ = pad_packed_sequence(outputs, batch_first=True, total_length=STEPS)
    h = state[0] if isinstance(state, tuple) else state
    return outputs, torch.cat(list(h), dim=1)


# Each case: its layers from the input on, what the head reads, the dense layers of the head with their activations, and the
# loss. Layers are (our name, module, function after it).
def cases():
    return {
        "between": (
            [
                (nn.LSTM(INPUT, 7, batch_first=True), None),
                (nn.Linear(7, 6), F.gelu),
                (nn.LayerNorm(6, eps=1e-5), None),
                (Scale(6), None),
                (nn.RNN(6, 4, batch_first=True), None),
            ],
            "last-state",
            [(nn.Linear(4, 8), F.relu), (nn.Linear(8, 3), None)],
            "classes",
        ),
        "before": (
            [(Scale(INPUT), None), (nn.Linear(INPUT, 6), torch.tanh), (nn.LSTM(6, 5, batch_first=True), None)],
            "every-step",
            [(nn.Linear(5, 2), None)],
            "squares",
        ),
        "mean": (
            [(nn.LSTM(INPUT, 7, batch_first=True), None), (nn.LayerNorm(7, eps=1e-3), None)],
            "mean",
            [(nn.Linear(7, 6), F.leaky_relu), (nn.Linear(6, 5), F.silu), (nn.Linear(5, 2), None)],
            "sigmoid",
        ),
        "max": (
            [(nn.LSTM(INPUT, 4, batch_first=True, bidirectional=True), None)],
            "max",
            [(nn.Linear(8, 3), None)],
            "squares",
        ),
        "value": (
            [(nn.LSTM(INPUT, 4, batch_first=True, bidirectional=True), None)],
            "last-state",
            [(nn.Linear(8, 1), None)],
            "squares",
        ),
        "flags": (
            [(nn.RNN(INPUT, 4, batch_first=True), None)],
            "every-step",
            [(nn.Linear(4, 6), F.elu), (nn.Linear(6, 3), None)],
            "sigmoid",
        ),
    }


def ours(prefix, module, of):
    """The parameters of a module, or with `of` their gradients, by our names."""
    get = (lambda p: p.grad) if of == "gradient" else (lambda p: p.data)
    if isinstance(module, (nn.RNN, nn.LSTM)):
        arrays = {}
        suffixes = {"": "forward.", "_reverse": "backward."} if module.bidirectional else {"": ""}
        for suffix, direction in suffixes.items():
            p = {n: get(getattr(module, f"{n}_l0{suffix}")) for n in ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]}
            name = prefix + direction
            arrays[f"{name}kernel"] = p["weight_ih"].T
            arrays[f"{name}recurrent_kernel"] = p["weight_hh"].T
            # The gradient by a sum is that by each of its terms.
            arrays[f"{name}bias"] = p["bias_ih"] if of == "gradient" else p["bias_ih"] + p["bias_hh"]
        return arrays
    if isinstance(module, nn.Linear):
        return {f"{prefix}kernel": get(module.weight).T, f"{prefix}bias": get(module.bias)}
    gain = module.gain if isinstance(module, Scale) else module.weight
    return {f"{prefix}gain": get(gain), f"{prefix}bias": get(module.bias)}


def record(case, draw):
    layers, reads, dense, loss = case
    given = draw.sequences(LENGTHS)
    for module, _ in layers + dense:
        for name, p in module.named_parameters():
            of_gain = isinstance(module, (nn.LayerNorm, Scale)) and name in ["weight", "gain"]
            mean = 1.0 if of_gain else 0.0
            rows = 16 if of_gain else p.shape[-1]
            p.data = torch.tensor(mean + draw.parameter(name, p.shape, rows))
    x, state = torch.tensor(given["inputs"]), None
    for module, after in layers:
        if isinstance(module, (nn.RNN, nn.LSTM)):
            x, state = last(module, x)
        else:
            x, state = module(x), None
        x = after(x) if after else x
    valid = mask()[:, :, None]
    if reads == "last-state":
        read = state
    elif reads == "every-step":
        read = x
    elif reads == "mean":
        read = (x * valid).sum(1) / lengths()[:, None]
    else:
        read = x.masked_fill(~valid, -torch.inf).max(1).values
    for module, after in dense:
        read = module(read)
        read = after(read) if after else read
    logits = read
    kept = logits[mask()] if reads == "every-step" else logits
    if loss == "classes":
        targets = torch.tensor([(7 * row + 1) % logits.shape[-1] for row in range(BATCH)])
        value, shown = F.cross_entropy(kept, targets), targets.float()
    else:
        shown = draw.normal(1.0, *logits.shape)
        if loss == "sigmoid":
            # Parts of one as well as zeros and ones.
            shown = (shown > 0) * 1.0
            shown.reshape(-1)[::3] = 0.25
        shown = torch.tensor(shown, dtype=torch.float32)
        targets = shown[mask()] if reads == "every-step" else shown
        of = F.mse_loss if loss == "squares" else F.binary_cross_entropy_with_logits
        value = of(kept, targets)
    value.backward()
    results = given | {"targets": shown, "logits": logits.detach() * (valid if reads == "every-step" else 1.0)}
    results["loss"] = value.detach().reshape(1)
    names = [f"layers.{k}." for k in range(len(layers))]
    names += [f"head.{k}." for k in range(len(dense) - 1)] + ["head."]
    for name, (module, _) in zip(names, layers + dense, strict=True):
        results |= prefixed("arrays", ours(name, module, "value")) | prefixed("gradient", ours(name, module, "gradient"))
    return {name: torch.as_tensor(array).contiguous().numpy().astype("float32") for name, array in results.items()}


def record_activations():
    """Values and slopes, from f64. No point is a kink."""
    points = torch.linspace(-7.3, 7.1, 25, dtype=torch.float64, requires_grad=True)
    results = {"points": points}
    for name, function in ACTIVATIONS.items():
        values = function(points)
        (slopes,) = torch.autograd.grad(values.sum(), points)
        results |= {f"{name}/values": values, f"{name}/slopes": slopes}
    return {name: array.detach().numpy().astype("float32") for name, array in results.items()}


def main():
    arrays = prefixed("activations", record_activations())
    for number, (name, case) in enumerate(cases().items()):
        arrays |= prefixed(name, record(case, Draw(SEED, number)))
    settings = {"seed": SEED, "batch": BATCH, "steps": STEPS, "input": INPUT, "lengths": LENGTHS}
    files = [("pytorch_heads.safetensors", arrays, settings)]
    return recording.main(__file__, __doc__.splitlines()[0], recording.versions(torch), files)


if __name__ == "__main__":
    sys.exit(main())
