"""Records small graphs that other programs' exporters write, with inputs and outputs, for the tests to import and compare.

    python3.11 -m venv ~/torch-venv
    ~/torch-venv/bin/pip install -r golden/requirements-torch.txt onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0
    ~/torch-venv/bin/python golden/onnx_models.py torch      # writes golden/onnx/torch_*
    ~/torch-venv/bin/python golden/onnx_models.py fronts     # writes golden/onnx/front_*
    ~/torch-venv/bin/python golden/onnx_models.py norms      # writes golden/onnx/norm_* and golden/onnx/chomp_*

    python3.11 -m venv ~/tf2onnx-venv
    ~/tf2onnx-venv/bin/pip install tensorflow==2.21.0 keras==3.15.1 tf-keras==2.21.0 onnx onnxruntime tf2onnx==1.17.0
    ~/tf2onnx-venv/bin/python golden/onnx_models.py keras    # writes golden/onnx/keras_*
    ~/tf2onnx-venv/bin/python golden/onnx_models.py keras_fronts    # writes golden/onnx/front_keras_*

Each graph is `<name>.onnx`, its arrays `<name>.safetensors`: `input` and `output`. The outputs are those of PyTorch or Keras; the
script checks that ONNX Runtime has the same of the graph.
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import pathlib
import warnings

import numpy as np
import onnx
import onnxruntime
import safetensors.numpy

FOLDER = pathlib.Path(__file__).resolve().parent / "onnx"
BATCH, STEPS, INPUT, HIDDEN, CLASSES, TOKENS = 3, 6, 4, 5, 3, 11

# The exporters' texts about their own versions and source lines are half of a small file.
def stripped(model):
    model.doc_string = ""
    del model.metadata_props[:]
    graphs = [model.graph]
    for graph in graphs:
        graph.doc_string = ""
        del graph.metadata_props[:]
        del graph.value_info[:]
        for item in [*graph.node, *graph.initializer, *graph.input, *graph.output]:
            item.doc_string = ""
            del item.metadata_props[:]
        graphs += [a.g for n in graph.node for a in n.attribute if a.HasField("g")]
    return model


def record(name, given, expected, wide=None):
    """Checks the graph that lies in the folder, and writes its arrays beside it."""
    path = FOLDER / f"{name}.onnx"
    model = stripped(onnx.load(path))
    onnx.save(model, path, save_as_external_data=wide, location=wide and f"{name}.onnx.data", size_threshold=256)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = session.run(None, {session.get_inputs()[0].name: given})[0]
    difference = np.abs(found - expected).max()
    assert found.shape == expected.shape and difference < 1e-5, (name, difference)
    stored = {"input": given.astype(np.float32), "output": expected.astype(np.float32)}
    (FOLDER / f"{name}.safetensors").write_bytes(safetensors.numpy.save(stored))
    operators = " ".join(node.op_type for node in model.graph.node)
    print(f"{name}: {path.stat().st_size} bytes, off by {difference:.1e}: {operators}")


def with_torch():
    import torch

    torch.manual_seed(7)
    rnn = torch.nn.RNN
    print(f"torch {torch.__version__}, onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}")

    class Net(torch.nn.Module):
        """An embedding or none, a recurrent layer, and a dense one on what `reads` names."""

        def __init__(self, layer, reads, tokens=0):
            super().__init__()
            self.reads, self.tokens = reads, tokens
            if tokens:
                self.embedding = torch.nn.Embedding(tokens, layer.input_size)
            self.layer = layer
            width = layer.hidden_size * (2 if layer.bidirectional else 1)
            self.head = torch.nn.Linear(width, tokens or CLASSES)

        def forward(self, x):
            out, last = self.layer(self.embedding(x) if self.tokens else x)
            h = last[0] if isinstance(last, tuple) else last
            read = {
                "every step": lambda: out,
                "last step": lambda: out[:, -1],
                "state": lambda: h[-1],
                "states": lambda: torch.cat([h[-2], h[-1]], 1),
                "first step": lambda: out[0],
            }[self.reads]()
            return self.head(read)

    kinds = {
        "rnn_last_step": lambda: Net(rnn(INPUT, HIDDEN, batch_first=True), "last step"),
        "rnn_relu_every_step": lambda: Net(rnn(INPUT, HIDDEN, nonlinearity="relu", batch_first=True), "every step"),
        "lstm_state": lambda: Net(torch.nn.LSTM(INPUT, HIDDEN, batch_first=True), "state"),
        "lstm_2layers_both_states": lambda: Net(
            torch.nn.LSTM(INPUT, HIDDEN, 2, bidirectional=True, batch_first=True, dropout=0.2), "states"
        ),
        "lstm_both_every_step": lambda: Net(
            torch.nn.LSTM(INPUT, HIDDEN, bidirectional=True, batch_first=True), "every step"
        ),
        "gru_last_step": lambda: Net(torch.nn.GRU(INPUT, HIDDEN, 2, batch_first=True), "last step"),
        "gru_steps_first": lambda: Net(torch.nn.GRU(INPUT, HIDDEN), "every step"),
        "gru_tokens": lambda: Net(torch.nn.GRU(INPUT, HIDDEN, batch_first=True), "every step", TOKENS),
        "lstm_both_last_step": lambda: Net(
            torch.nn.LSTM(INPUT, HIDDEN, bidirectional=True, batch_first=True), "last step"
        ),
    }
    for kind, make in kinds.items():
        net = make().eval()
        if net.tokens:
            given = torch.randint(0, TOKENS, (BATCH, STEPS))
        else:
            given = torch.randn((BATCH, STEPS, INPUT) if net.layer.batch_first else (STEPS, BATCH, INPUT))
        with torch.no_grad():
            expected = net(given).numpy()
        axes = {0: "batch", 1: "time"} if net.layer.batch_first else {0: "time", 1: "batch"}
        for exporter, dynamo in [("script", False), ("dynamo", True)]:
            name = f"torch_{exporter}_{kind}"
            # torch.export unrolls what it traces: the number of steps is fixed.
            rows_alone = {axis: "batch" for axis in axes if axes[axis] == "batch"}
            shapes = {"dynamic_shapes": {"x": rows_alone}} if dynamo else {"dynamic_axes": {"x": axes}}
            torch.onnx.export(
                net, (given,), FOLDER / f"{name}.onnx", input_names=["x"], dynamo=dynamo, external_data=False, verbose=False, **shapes
            )
            record(name, given.numpy(), expected, wide=name == "torch_dynamo_lstm_state")


def with_torch_fronts():
    """Convolutions, pooling and dense layers before recurrent ones, in the layouts in which they are written."""
    import torch
    from torch import nn

    torch.manual_seed(11)
    print(f"torch {torch.__version__}, onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}")

    class Net(nn.Module):
        """A front that reads [batch, features, steps], a recurrent layer, and a dense one on its last step or on every step."""

        def __init__(self, front, layer, features_first=False, every_step=False, tokens=0, linear=False):
            super().__init__()
            self.front, self.layer = front, layer
            self.features_first, self.every_step, self.linear = features_first, every_step, linear
            self.embedding = nn.Embedding(tokens, INPUT) if tokens else None
            self.head = nn.Linear(layer.hidden_size, CLASSES)

        def forward(self, x):
            if self.embedding is not None:
                x = self.embedding(x)
            if self.linear:
                x = self.front(x)
            else:
                x = self.front(x if self.features_first else x.transpose(1, 2)).transpose(1, 2)
            out, _ = self.layer(x)
            return self.head(out if self.every_step else out[:, -1])

    kinds = {
        # As most are written: padded to as many steps, and pooled.
        "conv_same_pooled": lambda: Net(
            nn.Sequential(nn.Conv1d(INPUT, 6, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2)), nn.LSTM(6, HIDDEN, batch_first=True)
        ),
        # Data with the features first, strides, gaps, and means.
        "conv_features_first": lambda: Net(
            nn.Sequential(
                nn.Conv1d(INPUT, 6, 3, stride=2, padding=1), nn.Tanh(), nn.Conv1d(6, 5, 2, dilation=2, bias=False), nn.AvgPool1d(2, 1)
            ),
            nn.GRU(5, HIDDEN, batch_first=True),
            features_first=True,
        ),
        # Padded in front alone, a tagger.
        "conv_causal_every_step": lambda: Net(
            nn.Sequential(nn.ConstantPad1d((4, 0), 0.0), nn.Conv1d(INPUT, 6, 3, dilation=2), nn.SiLU()),
            nn.GRU(6, HIDDEN, batch_first=True),
            every_step=True,
        ),
        # The activation behind the maximum, which is padded.
        "conv_pooled_relu": lambda: Net(
            nn.Sequential(nn.Conv1d(INPUT, 6, 4), nn.MaxPool1d(3, 2, padding=1), nn.ReLU()), nn.RNN(6, HIDDEN, batch_first=True)
        ),
        "linear": lambda: Net(
            nn.Sequential(nn.Linear(INPUT, 7), nn.ReLU(), nn.Linear(7, 6), nn.Tanh()), nn.LSTM(6, HIDDEN, batch_first=True), linear=True
        ),
        "conv_tokens": lambda: Net(
            nn.Sequential(nn.Conv1d(INPUT, 6, 3, padding="same"), nn.ReLU()), nn.GRU(6, HIDDEN, batch_first=True), tokens=TOKENS
        ),
    }
    for kind, make in kinds.items():
        net = make().eval()
        steps = 14
        if net.embedding is not None:
            given = torch.randint(0, TOKENS, (BATCH, steps))
        else:
            given = torch.randn((BATCH, INPUT, steps) if net.features_first else (BATCH, steps, INPUT))
        with torch.no_grad():
            expected = net(given).numpy()
        axes = {0: "batch", (2 if net.features_first else 1): "time"}
        exporters = [("script", False)] + ([("dynamo", True)] if kind in ("conv_same_pooled", "linear") else [])
        for exporter, dynamo in exporters:
            name = f"front_{exporter}_{kind}"
            shapes = {"dynamic_shapes": {"x": {0: "batch"}}} if dynamo else {"dynamic_axes": {"x": axes}}
            torch.onnx.export(
                net, (given,), FOLDER / f"{name}.onnx", input_names=["x"], dynamo=dynamo, external_data=False, verbose=False, **shapes
            )
            record(name, given.numpy(), expected)


def with_torch_norms():
    """Batch normalisation that no exporter folds, and causal convolutions that are padded at both ends and cut off again."""
    import torch
    from torch import nn

    torch.manual_seed(13)
    print(f"torch {torch.__version__}, onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}")

    class Chomp(nn.Module):
        """Without its last steps: what the padding behind a sequence gives."""

        def __init__(self, steps):
            super().__init__()
            self.steps = steps

        def forward(self, x):
            return x[:, :, : -self.steps]

    class Net(nn.Module):
        def __init__(self, front, layer, every_step=False):
            super().__init__()
            self.front, self.layer, self.every_step = nn.Sequential(*front), layer, every_step
            self.head = nn.Linear(layer.hidden_size, CLASSES)

        def forward(self, x):
            out, _ = self.layer(self.front(x.transpose(1, 2)).transpose(1, 2))
            return self.head(out if self.every_step else out[:, -1])

    def norm(features):
        of = nn.BatchNorm1d(features)
        of.running_mean.normal_()
        of.running_var.uniform_(0.3, 2.0)
        nn.init.normal_(of.weight)
        nn.init.normal_(of.bias)
        return of

    kinds = {
        "norm_behind_relu": lambda: Net(
            [nn.Conv1d(INPUT, 6, 3, padding=1), nn.ReLU(), norm(6)], nn.LSTM(6, HIDDEN, batch_first=True)
        ),
        "norm_behind_pool": lambda: Net(
            [nn.Conv1d(INPUT, 6, 3), nn.ReLU(), nn.MaxPool1d(2), norm(6), nn.Conv1d(6, 4, 3, padding=1), nn.Tanh()],
            nn.GRU(4, HIDDEN, batch_first=True),
        ),
        "norm_first": lambda: Net([norm(INPUT), nn.Conv1d(INPUT, 6, 3), nn.ReLU()], nn.LSTM(6, HIDDEN, batch_first=True)),
        "chomp_stacked": lambda: Net(
            [nn.Conv1d(INPUT, 6, 3, padding=2), Chomp(2), nn.ReLU()]
            + [nn.Conv1d(6, 5, 3, padding=4, dilation=2), nn.ReLU(), Chomp(4)],
            nn.GRU(5, HIDDEN, batch_first=True),
            every_step=True,
        ),
        # Of this one the state_dict is kept too.
        "norm_both": lambda: Net(
            [nn.Conv1d(INPUT, 6, 3), norm(6), nn.ReLU(), nn.Conv1d(6, 5, 2), nn.ReLU(), norm(5)],
            nn.LSTM(5, HIDDEN, batch_first=True),
        ),
    }
    for name, make in kinds.items():
        net = make().eval()
        if name == "norm_both":
            torch.save(net.state_dict(), FOLDER.parent / "heads" / f"{name}.pt")
        given = torch.randn(BATCH, 14, INPUT)
        with torch.no_grad():
            expected = net(given).numpy()
        axes = {"x": {0: "batch", 1: "time"}}
        torch.onnx.export(net, (given,), FOLDER / f"{name}.onnx", input_names=["x"], dynamo=False, dynamic_axes=axes)
        record(name, given.numpy(), expected)


def with_keras_fronts():
    """The same of Keras, whose converter writes them as pictures of one line."""
    import keras
    import tensorflow as tf
    import tf2onnx

    print(f"tensorflow {tf.__version__}, keras {keras.__version__}, tf2onnx {tf2onnx.__version__}, onnx {onnx.__version__}")
    random = np.random.default_rng(11)
    of = keras.layers
    kinds = {
        "conv_causal_pooled": lambda: [
            of.Conv1D(6, 3, padding="causal", activation="relu"), of.MaxPooling1D(2), of.LSTM(HIDDEN), of.Dense(CLASSES)
        ],
        "conv_strided": lambda: [
            of.Conv1D(6, 3, strides=2, padding="same"), of.AveragePooling1D(2), of.LSTM(HIDDEN), of.Dense(CLASSES)
        ],
    }
    for kind, make in kinds.items():
        keras.utils.set_random_seed(7)
        net = keras.Sequential([keras.Input((None, INPUT)), *make()])
        net.set_weights([0.5 * random.standard_normal(w.shape).astype(np.float32) for w in net.get_weights()])
        given = random.normal(size=(BATCH, 14, INPUT)).astype(np.float32)
        expected = np.asarray(net(given))
        name = f"front_keras_{kind}"
        net.export(str(FOLDER / f"{name}.onnx"), format="onnx", verbose=False)
        record(name, given, expected)


def with_keras():
    import keras
    import tensorflow as tf
    import tf2onnx
    import tf_keras

    print(f"tensorflow {tf.__version__}, keras {keras.__version__}, tf2onnx {tf2onnx.__version__}, onnx {onnx.__version__}")
    random = np.random.default_rng(7)
    for program, prefix in [(tf_keras, "keras2"), (keras, "keras3")]:
        of = program.layers
        kinds = {
            "rnn_last_step": lambda: [of.SimpleRNN(HIDDEN), of.Dense(CLASSES)],
            "lstm_2layers_last_step": lambda: [
                of.LSTM(HIDDEN, return_sequences=True), of.LSTM(HIDDEN + 1), of.Dense(CLASSES)
            ],
            "gru_every_step": lambda: [of.GRU(HIDDEN, return_sequences=True), of.Dense(CLASSES)],
            "gru_before_every_step": lambda: [
                of.GRU(HIDDEN, reset_after=False, return_sequences=True), of.Dense(CLASSES)
            ],
            "lstm_both_every_step": lambda: [
                of.Bidirectional(of.LSTM(HIDDEN, return_sequences=True)), of.Dense(CLASSES, activation="softmax")
            ],
            "lstm_both_summed": lambda: [
                of.Bidirectional(of.LSTM(HIDDEN, return_sequences=True), merge_mode="sum"), of.Dense(CLASSES)
            ],
            "gru_both_states": lambda: [of.Bidirectional(of.GRU(HIDDEN)), of.Dense(CLASSES)],
            "gru_tokens": lambda: [
                of.Embedding(TOKENS, INPUT), of.GRU(HIDDEN, return_sequences=True), of.Dense(TOKENS)
            ],
        }
        for kind, layers in kinds.items():
            tokens = kind == "gru_tokens"
            x = program.Input((None,) if tokens else (None, INPUT), dtype="int64" if tokens else "float32")
            y = x
            for layer in layers():
                y = layer(y)
            model = program.Model(x, y)
            # No bias is zero: what is zero an exporter leaves out.
            model.set_weights([0.5 * random.standard_normal(w.shape).astype(np.float32) for w in model.get_weights()])
            given = random.standard_normal((BATCH, STEPS, INPUT)).astype(np.float32)
            if tokens:
                given = random.integers(0, TOKENS, (BATCH, STEPS))
            expected = np.asarray(model(given))
            name = f"{prefix}_{kind}"
            try:
                if program is keras:
                    model.export(str(FOLDER / f"{name}.onnx"), format="onnx", verbose=False)
                else:
                    onnx.save(tf2onnx.convert.from_keras(model, opset=17)[0], FOLDER / f"{name}.onnx")
                record(name, given, expected)
            except Exception as error:
                print(f"{name}: FAILED {str(error)[:200]}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    FOLDER.mkdir(exist_ok=True)
    {
        "torch": with_torch,
        "fronts": with_torch_fronts,
        "norms": with_torch_norms,
        "keras": with_keras,
        "keras_fronts": with_keras_fronts,
    }[sys.argv[1]]()
