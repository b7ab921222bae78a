"""Writes small files with torch.save, for the tests of this repository to read.

    python3.11 -m venv ~/torch-venv
    ~/torch-venv/bin/pip install -r golden/requirements-torch.txt
    ~/torch-venv/bin/python golden/pytorch_files.py   # writes golden/files/pytorch_*.pt

Run it by hand. README.md, beside this file, says what each file holds. `pytorch_expected.safetensors` holds the arrays
that the files must give, as PyTorch sees them.
"""

import pathlib

import recording
import safetensors.numpy
import torch

FILES = recording.GOLDEN / "files"
SEED = 127


class Tagger(torch.nn.Module):
    """Nothing is computed: only the parameters count."""

    def __init__(self, layers):
        super().__init__()
        self.embedding = torch.nn.Embedding(6, 3)
        self.lstm = torch.nn.LSTM(3, 4, num_layers=layers, bidirectional=True, batch_first=True)
        self.norm = torch.nn.BatchNorm1d(8)
        self.head = torch.nn.Linear(8, 2)


def checkpoint(model):
    """What training scripts save beside the weights."""
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.01)
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 0.5)
    optimizer.step()
    return {
        "epoch": 3,
        "model_state_dict": model.state_dict(),
        "optimizer_state_dict": optimizer.state_dict(),
        "loss": 0.25,
        "history": [1.5, -2, None, True, 1 << 40],
        "note": "wörd",
    }


def views():
    """Tensors whose elements do not lie one after the other from a storage's start."""
    base = torch.arange(24, dtype=torch.float32) / 8
    return {
        "base": base,
        "transposed": base.view(4, 6).t(),
        "permuted": base.view(2, 3, 4).permute(2, 0, 1),
        "every_third": base[2::3],
        "repeated": base[5].expand(2, 3),
        "scalar": base[7],
        "empty": torch.zeros(0, 4),
        "list": [base[:2], (base[2:4],)],
    }


def types():
    numbers = torch.tensor([0.0, -1.5, 2.0**-24, 65504.0, float("inf"), -0.0, 0.1])
    return {
        "half": numbers.half(),
        "bfloat": numbers.bfloat16(),
        "single": numbers,
        "parameter": torch.nn.Parameter(numbers[:2].clone()),
        "long": torch.arange(3),
        "mask": torch.tensor([True, False]),
    }


def flat(value, prefix=""):
    """The tensors of floats by their dotted paths."""
    if isinstance(value, torch.Tensor):
        return {prefix: value} if value.is_floating_point() else {}
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, (list, tuple)):
        items = enumerate(value)
    else:
        return {}
    found = {}
    for key, inner in items:
        found |= flat(inner, f"{prefix}.{key}" if prefix else str(key))
    return found


def main():
    FILES.mkdir(exist_ok=True)
    torch.manual_seed(SEED)
    model = Tagger(2)
    contents = {
        "pytorch_state_dict.pt": model.state_dict(),
        "pytorch_checkpoint.pt": checkpoint(Tagger(1)),
        "pytorch_views.pt": views(),
        "pytorch_types.pt": types(),
    }
    expected = {}
    for name, content in contents.items():
        torch.save(content, FILES / name)
        for path, tensor in flat(content).items():
            expected[f"{name.removesuffix('.pt')}/{path}"] = tensor.detach().float().contiguous().numpy()
    # Left out: its type has more digits than ours.
    torch.save({"loss": views()["base"].double()}, FILES / "pytorch_double.pt")
    # Files that are refused, each with what to do instead.
    torch.save(torch.nn.Linear(2, 1), FILES / "pytorch_module.pt")
    torch.save(model.state_dict(), FILES / "pytorch_legacy.pt", _use_new_zipfile_serialization=False)
    torch.jit.script(torch.nn.Linear(2, 1)).save(FILES / "pytorch_script.pt")
    safetensors.numpy.save_file(expected, FILES / "pytorch_expected.safetensors")
    for path in sorted(FILES.glob("pytorch_*")):
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
