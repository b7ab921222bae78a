"""Runs exported models of jobs that scale their data in other programs, on values in the units of the data.

    mkdir units
    ELMAN_UNITS_FOLDER=$PWD/units cargo test -p elman-exchange --test it units:: -- --ignored
    ~/tf-venv/bin/python golden/check_units.py units        ONNX Runtime, Keras and TensorFlow 1
    ~/torch-venv/bin/python golden/check_units.py units     ONNX Runtime and PyTorch

The values are those of a table: means far from 0, deviations small and large, some missing, which a graph is given as NaN
and the others as their notes say. Prints each program's largest difference from elman's own answers, relative to numbers
above 1; a program that is not there is left out. Exits with 1 where a difference is above the tolerance.
"""

import pathlib
import sys

import numpy as np

# Sums of f32 in another order, over a few steps, behind one subtraction from a mean held by 32 bits.
TOLERANCE = 1e-5


def softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def sorted_levels(answers):
    return np.sort(answers.reshape(len(answers), 2, 3), axis=-1).reshape(len(answers), 6)


def onnx(folder, name, ours):
    import onnx
    import onnxruntime

    path = folder / f"{name}.onnx"
    onnx.checker.check_model(onnx.load(path), full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    values = ours["values"]
    feed = {
        "input": values,
        "lengths": np.full(len(values), values.shape[1], np.int32),
        "series": ours["series"].astype(np.int64),
    }
    asked = {i.name for i in session.get_inputs()}
    outputs = {o.name for o in session.get_outputs()}
    wanted = "quantiles" if "quantiles" in outputs else "probabilities"
    found = session.run([wanted], {n: a for n, a in feed.items() if n in asked})[0]
    return found.reshape(len(values), -1)


def pytorch(folder, name, ours):
    import torch
    from safetensors.torch import load_file
    from torch import nn

    arrays = load_file(folder / f"{name}.pytorch.safetensors")
    series = torch.tensor(ours["series"]).long()
    hidden, width = arrays["rnn.weight_hh_l0"].shape[1], arrays["rnn.weight_ih_l0"].shape[1]
    gates = arrays["rnn.weight_ih_l0"].shape[0] // hidden
    both = "rnn.weight_ih_l0_reverse" in arrays
    layers = sum(n.startswith("rnn.weight_ih") for n in arrays) // (2 if both else 1)
    # As the notes of the conversion say.
    front = {
        "dense front": lambda: nn.Sequential(nn.Linear(3, 6), nn.ReLU()),
        "patches": lambda: nn.Sequential(nn.Conv1d(6, 5, 2, stride=2), nn.ReLU()),
        "conv front": lambda: nn.Sequential(nn.ConstantPad1d((2, 0), 0.0), nn.Conv1d(6, 5, 3), nn.ReLU()),
    }.get(name)

    class Module(nn.Module):
        def __init__(self):
            super().__init__()
            for buffer in ("input_mean", "input_deviation", "output_mean", "output_deviation"):
                if buffer in arrays:
                    self.register_buffer(buffer, torch.zeros_like(arrays[buffer]))
            if front:
                self.front = front()
            kind = {1: nn.RNN, 3: nn.GRU, 4: nn.LSTM}[gates]
            self.rnn = kind(width, hidden, layers, batch_first=True, bidirectional=both)
            self.head = nn.Linear(*reversed(arrays["head.weight"].shape))

        def forward(self, x):
            many = self.input_mean.ndim == 2
            of = (series, None) if many else (None, None)
            x = (x - self.input_mean[of]) / self.input_deviation[of]
            if front:
                conv = any(isinstance(part, nn.Conv1d) for part in self.front)
                x = self.front(x.transpose(1, 2)).transpose(1, 2) if conv else self.front(x)
            outputs, state = self.rnn(x)
            if name.startswith("tags"):
                return torch.softmax(self.head(outputs), -1).flatten(1)
            h = state[0] if isinstance(state, tuple) else state
            y = self.head(torch.cat([h[-2], h[-1]], 1) if both else h[-1])
            if hasattr(self, "output_mean"):
                of = series if many else slice(None)
                return y * self.output_deviation[of] + self.output_mean[of]
            return torch.softmax(y, -1)

    module = Module()
    module.load_state_dict(arrays, strict=True)
    with torch.no_grad():
        found = module(torch.tensor(ours["x"])).numpy()
    return sorted_levels(found) if hasattr(module, "output_mean") else found


def keras(folder, name, ours):
    import os

    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras

    model = keras.models.load_model(folder / f"{name}.keras")
    found = np.asarray(model(ours["x"]))
    again = folder / f"{name}.again.keras"
    model.save(again)
    assert np.array_equal(found, np.asarray(keras.models.load_model(again)(ours["x"]))), "saved and loaded again"
    if model.layers[-1].__class__.__name__ == "Rescaling":
        return sorted_levels(found)
    return found.reshape(len(found), -1)


def tensorflow(folder, name, ours):
    from tensorflow_v1 import session, tf
    from tensorflow.compat.v1.nn import rnn_cell

    with np.load(folder / f"{name}.tensorflow.npz") as arrays:
        arrays = dict(arrays)
    del arrays["elman"]
    scopes = {n.split("/")[-2] for n in arrays if "kernel" in n} - {"dense"}
    made = {
        "basic_rnn_cell": lambda units: rnn_cell.BasicRNNCell(units),
        "lstm_cell": lambda units: rnn_cell.LSTMCell(units, forget_bias=0.0),
    }[scopes.pop()]
    kernel = next(a for n, a in arrays.items() if n.endswith("cell/kernel:0"))
    inputs = arrays["inputs/mean:0"].shape[-1]
    with tf.Graph().as_default(), session() as run:
        tf.set_random_seed(1)
        series = tf.constant(ours["series"], tf.int32)

        def scaling(scope):
            with tf.variable_scope(scope):
                mean, deviation = (
                    tf.get_variable(n, arrays[f"{scope}/{n}:0"].shape) for n in ("mean", "deviation")
                )
            if len(mean.shape) == 2:
                return tf.gather(mean, series), tf.gather(deviation, series), True
            return mean, deviation, False

        mean, deviation, many = scaling("inputs")
        x = tf.constant(ours["x"])
        x = (x - (mean[:, None] if many else mean)) / (deviation[:, None] if many else deviation)
        units = kernel.shape[0] - inputs
        if any("/fw/" in n for n in arrays):
            _, states = tf.nn.bidirectional_dynamic_rnn(made(units), made(units), x, dtype=tf.float32)
            state = tf.concat([s.h for s in states], 1)
        else:
            _, state = tf.nn.dynamic_rnn(made(units), x, dtype=tf.float32)
            state = getattr(state, "h", state)
        y = tf.layers.dense(state, arrays["dense/bias:0"].shape[0])
        answers = "answers/mean:0" in arrays
        if answers:
            mean, deviation, _ = scaling("answers")
            y = y * deviation + mean
        assert {v.name for v in tf.global_variables()} == set(arrays), "the variables are those of the file"
        for variable in tf.global_variables():
            variable.load(arrays[variable.name], run)
        found = run.run(y)
    return sorted_levels(found) if answers else softmax(found)


PROGRAMS = {
    "onnx": (onnx, "onnx", "onnxruntime"),
    "pytorch": (pytorch, "pytorch.safetensors", "torch"),
    "keras": (keras, "keras", "keras"),
    "tensorflow": (tensorflow, "tensorflow.npz", "tensorflow"),
}


def main():
    folder = pathlib.Path(sys.argv[1])
    worst = 0.0
    for program, (answer, ending, package) in PROGRAMS.items():
        try:
            version = __import__(package).__version__
        except ImportError:
            continue
        print(program, package, version)
        paths = sorted(p for p in folder.glob(f"*.{ending}") if ".again." not in p.name)
        assert paths, f"nothing of {program} in {folder}"
        for path in paths:
            name = path.name.removesuffix(f".{ending}")
            with np.load(folder / f"{name}.answers.npz") as arrays:
                ours = dict(arrays)
            found, expected = answer(folder, name, ours), ours["answers"]
            assert found.shape == expected.shape, (found.shape, expected.shape)
            difference = float((np.abs(found - expected) / np.maximum(1, np.abs(expected))).max())
            # What is not a number is as far off as can be.
            worst = max(worst, np.inf if np.isnan(difference) else difference)
            print(f"    {name:12} {difference:.1e}")
    print(f"the largest {worst:.1e}, allowed {TOLERANCE:.0e}")
    return 0 if worst <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
