"""Records what PyTorch's optimizers do, for the tests of this repository to compare with.

    python3.11 -m venv ~/torch-venv
    ~/torch-venv/bin/pip install -r golden/requirements-torch.txt
    ~/torch-venv/bin/python golden/pytorch_optimizers.py          # writes golden/pytorch_optimizers.safetensors
    ~/torch-venv/bin/python golden/pytorch_optimizers.py --check  # writes nothing, compares with the file

Run it by hand; it takes some seconds. README.md, beside this file, lists every array.
"""

import sys

import recording

import torch
from torch.nn.utils import clip_grad_value_

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)

SEED = 115
RATE = 0.05

# By case: the optimizer, its options, and what each element of the gradient is clipped to.
CASES = {
    "sgd": (torch.optim.SGD, {"lr": RATE}, None),
    "sgd_clip_value": (torch.optim.SGD, {"lr": RATE}, 0.2),
    "sgd_weight_decay": (torch.optim.SGD, {"lr": RATE, "weight_decay": 0.3}, None),
    "momentum": (torch.optim.SGD, {"lr": RATE, "momentum": 0.9}, None),
    "momentum_weight_decay_clip_value": (
        torch.optim.SGD,
        {"lr": RATE, "momentum": 0.9, "weight_decay": 0.3},
        0.2,
    ),
    "nesterov": (torch.optim.SGD, {"lr": RATE, "momentum": 0.9, "nesterov": True}, None),
    "adamw": (torch.optim.AdamW, {"lr": RATE}, None),
    "adamw_weight_decay": (torch.optim.AdamW, {"lr": RATE, "weight_decay": 0.3}, None),
    "adamw_large_epsilon": (
        torch.optim.AdamW,
        {"lr": RATE, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.0},
        None,
    ),
    "rprop": (torch.optim.Rprop, {"lr": 0.01}, None),
    "rprop_bounds": (
        torch.optim.Rprop,
        {"lr": 0.02, "etas": (0.4, 1.5), "step_sizes": (0.01, 0.05)},
        None,
    ),
}


def record(make, options, clip_value, start, gradients):
    """The parameters after each step."""
    parameters = torch.nn.Parameter(torch.tensor(start))
    optimizer = make([parameters], **options)
    after = []
    for gradient in gradients:
        parameters.grad = torch.tensor(gradient)
        if clip_value is not None:
            clip_grad_value_([parameters], clip_value)
        optimizer.step()
        after.append(parameters.detach().clone())
    return torch.stack(after).numpy()


def files():
    given = recording.Draw(SEED).descent()
    arrays = dict(given)
    for name, case in CASES.items():
        arrays[f"{name}/parameters"] = record(*case, given["start"], given["gradients"])
    yield "pytorch_optimizers.safetensors", arrays, {"rate": RATE, "seed": SEED}


if __name__ == "__main__":
    versions = recording.versions(torch)
    sys.exit(recording.main(__file__, __doc__.splitlines()[0], versions, files()))
