"""Exports models as users have them by both of PyTorch's exporters and, where it is installed, by tf2onnx, and has elman
convert each: what is taken must answer as ONNX Runtime does on sequences of other shapes than were exported, and what
computes something else must be refused.

    python golden/check_onnx_imports.py target/debug/elman
"""

import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnxruntime

os.environ["TF_USE_LEGACY_KERAS"] = "1"
warnings.filterwarnings("ignore")
INPUT, HIDDEN, CLASSES, TOKENS = 3, 8, 4, 11
# Rows and steps of the recorded answers.
SHAPES = [(3, 5), (2, 40), (5, 9)]


def torch_models():
    """Name, module, whether it reads tokens, and whether it is a chain of layers with a head: none where either is fine."""
    import torch
    from torch import nn

    class Base(nn.Module):
        def __init__(self, cell=nn.LSTM, **options):
            super().__init__()
            both = 2 if options.get("bidirectional") else 1
            self.rnn = cell(INPUT, HIDDEN, batch_first=True, **options)
            self.head = nn.Linear(both * HIDDEN, CLASSES)

    def of(cell=nn.LSTM, **options):
        def make(forward):
            return type(forward.__name__, (Base,), {"forward": forward})(cell, **options)

        return make

    def last(self, x):
        return self.head(self.rnn(x)[0][:, -1])

    def state(self, x):
        return self.head(self.rnn(x)[1][0][-1])

    def both_states(self, x):
        h = self.rnn(x)[1][0]
        return self.head(torch.cat([h[-2], h[-1]], 1))

    def every(self, x):
        return self.head(self.rnn(x)[0])

    def log_probabilities(self, x):
        return torch.log_softmax(self.head(self.rnn(x)[0]), -1)

    def dropped(self, x):
        return self.head(nn.functional.dropout(self.rnn(x)[0], 0.5, self.training))

    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.rnn = nn.Embedding(TOKENS, 5), nn.GRU(5, HIDDEN, batch_first=True)
            self.head = nn.Linear(HIDDEN, TOKENS)

        def forward(self, x):
            return self.head(self.rnn(self.embedding(x))[0])

    for name, module in [
        ("lstm_last", of()(last)),
        ("gru_last", of(nn.GRU)(last)),
        ("rnn_last", of(nn.RNN)(last)),
        ("lstm_state", of()(state)),
        ("lstm_3_layers", of(num_layers=3)(state)),
        ("lstm_both", of(bidirectional=True)(both_states)),
        ("gru_both_every", of(nn.GRU, bidirectional=True)(every)),
        ("lstm_every", of(num_layers=2, dropout=0.3)(every)),
        ("lstm_log", of()(log_probabilities)),
        ("lstm_dropout", of()(dropped)),
    ]:
        yield name, module, False, True
    yield "tokens", Tokens(), True, True

    def first_steps(self, x):
        return self.head(self.rnn(x[:, :20])[0])

    def last_steps(self, x):
        return self.head(self.rnn(x[:, -8:])[1][0][-1])

    def turned(self, x):
        return self.head(self.rnn(x.flip(1))[0])

    def turned_behind(self, x):
        return self.head(self.rnn(x)[0]).flip(1)

    def rows_turned(self, x):
        return self.head(self.rnn(x)[1][0][-1]).flip(0)

    def rolled(self, x):
        return self.head(torch.roll(self.rnn(x)[0], 1, 1))

    def viewed(self, x):
        y = self.rnn(x)[0]
        return self.head(y.reshape(x.shape[1], x.shape[0], HIDDEN).transpose(0, 1))

    def rounded(self, x):
        return self.head(self.rnn(x.round())[0])

    def whole(self, x):
        return self.head(self.rnn(x.int().float())[0])

    def half(self, x):
        return self.head(self.rnn(x.half().float())[0])

    def clamped(self, x):
        return self.head(self.rnn(x.clamp(-3, 3))[0])

    def mean(self, x):
        return self.head(self.rnn(x)[0].mean(1))

    def relu(self, x):
        return self.head(self.rnn(x)[1][0][-1].relu())

    def started(self, x):
        h = torch.full((1, x.shape[0], HIDDEN), 0.5)
        return self.head(self.rnn(x, (h, h))[0])

    def cut_units(self, x):
        return self.head(self.rnn(x)[0].flip(2))

    for forward in [first_steps, last_steps, turned_behind, rows_turned, rolled, viewed, rounded, whole, half, clamped, mean,
                    relu, started, cut_units, turned]:
        yield forward.__name__, of()(forward), False, False


def torch_files(folder):
    import torch

    torch.manual_seed(3)
    for name, module, tokens, right in torch_models():
        module.eval()
        x = torch.randint(TOKENS, (3, 7)) if tokens else torch.randn(3, 7, INPUT)
        for dynamo in [False, True]:
            path = folder / f"{name}_{'dynamo' if dynamo else 'script'}.onnx"
            axes = {0: "b", 1: "t"}
            how = {"dynamic_shapes": ({0: torch.export.Dim("b"), 1: torch.export.Dim("t")},)} if dynamo else {
                "dynamic_axes": {"x": axes}, "input_names": ["x"]}
            try:
                torch.onnx.export(module, (x,), str(path), dynamo=dynamo, external_data=False, verbose=False, **how)
            except Exception as error:  # noqa: BLE001
                print(f"{path.name}: not exported: {str(error).splitlines()[0][:80]}")
                continue
            # It unrolls this one into single steps.
            yield path, tokens, right and path.stem != "rnn_last_dynamo"


def keras_files(folder):
    import tensorflow as tf
    import tf2onnx
    from tensorflow.keras import Sequential, layers

    tf.keras.utils.set_random_seed(3)
    for name, inner, tokens, right in [
        ("lstm", [layers.LSTM(HIDDEN)], False, True),
        ("gru", [layers.GRU(HIDDEN)], False, True),
        ("lstm_both", [layers.Bidirectional(layers.LSTM(HIDDEN, return_sequences=True))], False, True),
        ("lstm_2", [layers.LSTM(HIDDEN, return_sequences=True), layers.LSTM(HIDDEN)], False, True),
        ("tokens", [layers.Embedding(TOKENS, 5), layers.LSTM(HIDDEN)], True, True),
        ("first_steps", [layers.Lambda(lambda x: x[:, :20]), layers.LSTM(HIDDEN)], False, False),
        ("turned_behind", [layers.LSTM(HIDDEN, return_sequences=True), layers.Lambda(lambda x: x[:, ::-1])], False, False),
    ]:
        model = Sequential([*inner, layers.Dense(CLASSES)])
        spec = tf.TensorSpec((None, None), tf.int32, "x") if tokens else tf.TensorSpec((None, None, INPUT), tf.float32, "x")
        model(np.zeros((2, 6), np.int32) if tokens else np.zeros((2, 6, INPUT), np.float32))
        path = folder / f"keras_{name}.onnx"
        tf2onnx.convert.from_keras(model, [spec], output_path=str(path))
        yield path, tokens, right


def check(elman, path, tokens, right):
    """Whether elman takes what it may, and whether that answers as ONNX Runtime does."""
    session = onnxruntime.InferenceSession(str(path))
    source = session.get_inputs()[0]
    random, samples = np.random.default_rng(1), []
    for number, shape in enumerate(SHAPES):
        # What the exporter fixed stays so.
        rows, steps = (axis if isinstance(axis, int) else length for axis, length in zip(source.shape, shape))
        x = random.integers(0, TOKENS, (rows, steps)) if tokens else random.normal(0, 2, (rows, steps, INPUT))
        kind = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}.get(source.type, np.float32)
        answer = session.run(None, {source.name: x.astype(kind)})[0]
        name = "probabilities" if "_log_" in path.name else "logits"
        samples.append(path.with_suffix(f".{number}.npz"))
        np.savez(samples[-1], x=x.astype(np.float32), **{name: np.exp(answer) if name == "probabilities" else answer})
    words = ""
    for sample in samples:
        output = path.with_suffix(".safetensors")
        output.unlink(missing_ok=True)
        command = [elman, "convert", str(path), str(output), "--sample", str(sample)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            words = done.stderr.strip().split(".onnx: ")[-1]
            # Taken by the graph and refused by the sample: that is what must not be.
            missed = ".npz" in words
            verdict = "MISSED" if missed else "refused" if not right else "REFUSED"
            print(f"{path.name}: {verdict}: {words[:330]}")
            return not missed and not right
    print(f"{path.name}: taken{'' if right else ', as it is equal all the same'}")
    return True


def main():
    elman = sys.argv[1]
    bad = []
    with tempfile.TemporaryDirectory() as folder:
        for files, needs in [(torch_files, "torch"), (keras_files, "tf2onnx")]:
            try:
                __import__(needs)
            except ImportError:
                print(f"{needs} is not installed: its models are left out")
                continue
            bad += [path.name for path, tokens, right in files(Path(folder)) if not check(elman, path, tokens, right)]
    print(f"not as expected: {', '.join(bad) or 'none'}")


if __name__ == "__main__":
    main()
