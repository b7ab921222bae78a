"""Records what the equation of IndRNN gives, for the tests of this repository to compare with.

    python3.11 -m venv ~/torch-venv
    ~/torch-venv/bin/pip install -r golden/requirements-torch.txt
    ~/torch-venv/bin/python golden/indrnn.py          # writes golden/indrnn.safetensors
    ~/torch-venv/bin/python golden/indrnn.py --check  # writes nothing, compares with the file

Neither TensorFlow nor PyTorch has this cell. So its equation is written out here step by step, from the paper alone; PyTorch
differentiates it:

    h_t = φ(x_t W + u ⊙ h_{t-1} + b)

Li et al. (2018), "Independently Recurrent Neural Network (IndRNN)", <https://arxiv.org/abs/1803.04831>

Run it by hand; it takes some seconds. README.md, beside this file, lists every array.
"""

import sys

import recording
from recording import HIDDEN, INPUT, STEPS, prefixed

import torch

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
torch.backends.mkldnn.enabled = False

SEED = 115
LENGTHS = [3, 6, 1, 5]

# The function of the units, of each layer the same.
CASES = {
    "relu": (torch.relu, 1),
    "tanh": (torch.tanh, 1),
    "sigmoid": (torch.sigmoid, 1),
    "relu_2layers": (torch.relu, 2),
}


def unroll(phi, inputs, w, u, b, h):
    """Outputs [B, T, H], 0 past a row's end, and the state [B, H] at its end."""
    ends = torch.tensor(LENGTHS)[:, None]
    outputs = []
    for t in range(STEPS):
        runs = t < ends
        new = phi(inputs[:, t] @ w + u * h + b)
        h = torch.where(runs, new, h)
        outputs.append(torch.where(runs, new, torch.zeros_like(new)))
    return torch.stack(outputs, dim=1), h


def record(phi, layers, draw):
    """The arrays of one case, with the gradients of sum(outputs ⊙ cotangent/outputs) + sum(state ⊙ cotangent/state)."""
    shapes = {}
    for layer in range(layers):
        shapes[f"w{layer}"] = (HIDDEN if layer else INPUT, HIDDEN)
        shapes[f"u{layer}_diag"] = (HIDDEN,)
        shapes[f"bias{layer}"] = (HIDDEN,)
    weights = draw.parameters(shapes)
    given = draw.sequences(LENGTHS)
    part = {layer: f"l{layer}/" if layers > 1 else "" for layer in range(layers)}
    given |= draw.initial({f"{part[layer]}h": HIDDEN for layer in range(layers)})

    sources = {n: torch.tensor(a, requires_grad=True) for n, a in (given | weights).items() if n != "lengths"}
    results, outputs = {}, sources["inputs"]
    for layer in range(layers):
        w, u, b = (sources[name] for name in (f"w{layer}", f"u{layer}_diag", f"bias{layer}"))
        outputs, state = unroll(phi, outputs, w, u, b, sources[f"initial/{part[layer]}h"])
        results[f"state/{part[layer]}h"] = state
    results["outputs"] = outputs
    cotangents = draw.cotangents({name: result.shape for name, result in results.items()})
    sum((results[n] * torch.tensor(cotangents[f"cotangent/{n}"])).sum() for n in results).backward()

    results = {name: result.detach().numpy() for name, result in results.items()}
    gradients = {name: tensor.grad.numpy() for name, tensor in sources.items()}
    return given | weights | cotangents | results | prefixed("gradient", gradients)


def files():
    arrays = {}
    for number, (name, (phi, layers)) in enumerate(CASES.items()):
        arrays |= prefixed(name, record(phi, layers, recording.Draw(SEED, number)))
    yield "indrnn.safetensors", arrays, {"lengths": LENGTHS, "seed": SEED}


if __name__ == "__main__":
    versions = recording.versions(torch)
    sys.exit(recording.main(__file__, __doc__.splitlines()[0], versions, files()))
