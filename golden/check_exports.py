"""Loads what elman gave to PyTorch, Keras and TensorFlow 1 into these programs, and compares their answers with ours.

    cargo run --release -p elman-exchange --example exchange runs/exports
    ~/torch-venv/bin/python golden/check_exports.py pytorch runs/exports
    ~/tf-venv/bin/python golden/check_exports.py keras runs/exports
    ~/tf-venv/bin/python golden/check_exports.py tensorflow runs/exports

For each model the largest difference of a logit, of rows of 6 steps and of rows of lengths 6, 1, 3 and 5; that of
probabilities where the model ends in a softmax. exports.txt, beside this file, keeps what was printed.
"""

import argparse
import json
import pathlib
import sys

import recording  # first: it sets what PyTorch and TensorFlow read when imported

import numpy as np
import safetensors
import safetensors.numpy

BOUND = 1e-5


def config_of(path):
    """A model's configuration, as elman keeps it."""
    with safetensors.safe_open(path, "numpy") as file:
        return json.loads(file.metadata()["elman"])


def directions(layer):
    return 2 if "bidirectional" in layer else 1


def outputs_of(head):
    """The outputs of a head, and whether they are classes."""
    if "classes" in head:
        return head["classes"], True
    return len(head["quantiles"]["levels"]) * head["quantiles"]["horizon"], False


def reads_every_step(config):
    return config["head"]["reads"] == "every-step"


def pytorch(path, config):
    """The answers of a module that is made as the report's notes say."""
    import torch
    from torch import nn
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    layers = config["layers"]
    first = layers[0]
    options = {"num_layers": len(layers), "bidirectional": directions(first) == 2, "batch_first": True}
    if first["cell"] == "rnn":
        options["nonlinearity"] = first.get("activation", "tanh")
    if first.get("projection"):
        options["proj_size"] = first["projection"]
    kind = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[first["cell"]]
    width = (first.get("projection") or first["hidden"]) * directions(first)

    class Module(nn.Module):
        def __init__(self):
            super().__init__()
            if "embedding" in config:
                self.embedding = nn.Embedding(config["embedding"]["tokens"], config["embedding"]["size"])
            self.rnn = kind(first["input"], first["hidden"], **options)
            self.head = nn.Linear(width, outputs_of(config["head"])[0])

        def forward(self, x, lengths):
            if "embedding" in config:
                x = self.embedding(x[..., 0].long())
            packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            outputs, state = self.rnn(packed)
            if reads_every_step(config):
                outputs, _ = pad_packed_sequence(outputs, batch_first=True, total_length=x.shape[1])
                return self.head(outputs)
            h = state[0] if isinstance(state, tuple) else state
            h = torch.cat([h[-2], h[-1]], 1) if directions(first) == 2 else h[-1]
            return self.head(h)[:, None]

    module = Module()
    arrays = safetensors.numpy.load_file(path)
    module.load_state_dict({n: torch.tensor(a) for n, a in arrays.items()}, strict=True)
    with torch.no_grad():
        return lambda x, lengths: module(torch.tensor(x), torch.tensor(lengths)).detach().numpy()


def keras(path, config):
    """The answers of the model that load_model makes; of cut rows, under a mask."""
    import keras

    model = keras.models.load_model(path)

    def answer(x, lengths):
        mask = np.arange(x.shape[1]) < lengths[:, None]
        if "embedding" in config:
            # A mask would have to come from the embedding.
            if not mask.all():
                return None
            return model.predict(x[..., 0], verbose=0)
        found = np.asarray(model(x, mask=None if mask.all() else mask))
        return found if reads_every_step(config) else found[:, None]

    return answer


def tensorflow(path, config):
    """The answers of a graph that is made as the report's notes say."""
    from tensorflow_v1 import session, tf
    from tensorflow.compat.v1.nn import rnn_cell

    def cell(layer):
        if layer["cell"] == "rnn":
            relu = layer.get("activation") == "relu"
            made = rnn_cell.BasicRNNCell(layer["hidden"], activation=tf.nn.relu if relu else None)
        elif layer["cell"] == "gru":
            made = rnn_cell.GRUCell(layer["hidden"])
        else:
            made = rnn_cell.LSTMCell(
                layer["hidden"],
                use_peepholes=layer["peepholes"],
                cell_clip=layer.get("cell_clip"),
                num_proj=layer.get("projection"),
                proj_clip=layer.get("projection_clip"),
                forget_bias=0.0,
            )
        wrapped = layer.get("residual") and directions(layer) == 1
        return rnn_cell.ResidualWrapper(made) if wrapped else made

    def h(state):
        return state.h if isinstance(state, rnn_cell.LSTMStateTuple) else state

    def unrolled(layer, x, lengths):
        """The outputs of a layer and its last states."""
        options = {"sequence_length": lengths, "dtype": tf.float32}
        if directions(layer) == 1:
            outputs, state = tf.nn.dynamic_rnn(cell(layer), x, **options)
            return outputs, h(state)
        both, states = tf.nn.bidirectional_dynamic_rnn(cell(layer), cell(layer), x, **options)
        outputs = sum(both) if layer["bidirectional"] == "sum" else tf.concat(both, 2)
        return outputs, tf.concat([h(state) for state in states], 1)

    def graph(x, lengths):
        layers = config["layers"]
        if "embedding" in config:
            shape = [config["embedding"]["tokens"], config["embedding"]["size"]]
            x = tf.nn.embedding_lookup(tf.get_variable("embedding", shape), tf.cast(x[..., 0], tf.int32))
        if len(layers) == 1:
            outputs, state = unrolled(layers[0], x, lengths)
        elif any(directions(layer) == 2 for layer in layers):
            outputs = x
            for index, layer in enumerate(layers):
                with tf.variable_scope(f"layer_{index}"):
                    outputs, state = unrolled(layer, outputs, lengths)
        else:
            cells = rnn_cell.MultiRNNCell([cell(layer) for layer in layers])
            outputs, states = tf.nn.dynamic_rnn(cells, x, sequence_length=lengths, dtype=tf.float32)
            state = h(states[-1])
        read = outputs if reads_every_step(config) else state[:, None]
        return tf.layers.dense(read, outputs_of(config["head"])[0])

    def answer(x, lengths):
        with tf.Graph().as_default(), session() as run:
            tf.set_random_seed(1)
            logits = graph(tf.constant(x), tf.constant(lengths, tf.int32))
            with np.load(path) as arrays:
                names = {variable.name for variable in tf.global_variables()}
                assert names | {"elman"} == set(arrays.files), names ^ set(arrays.files)
                for variable in tf.global_variables():
                    variable.load(arrays[variable.name], run)
            return run.run(logits)

    return answer


def softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def versions(partner):
    if partner == "pytorch":
        import torch

        return recording.versions(torch)
    if partner == "keras":
        import os

        os.environ["KERAS_BACKEND"] = "tensorflow"
        import keras
        import tensorflow

        return recording.versions(keras, tensorflow)
    from tensorflow_v1 import VERSIONS

    return VERSIONS


# What makes the answers, and what the names of its files end with.
PARTNERS = {
    "pytorch": (pytorch, "pytorch.safetensors"),
    "keras": (keras, "keras"),
    "tensorflow": (tensorflow, "tensorflow.npz"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("partner", choices=PARTNERS)
    parser.add_argument("folder", type=pathlib.Path)
    args = parser.parse_args()
    load, ending = PARTNERS[args.partner]
    print(args.partner, *(f"{name} {version}" for name, version in versions(args.partner).items()))
    paths = sorted(args.folder.glob(f"*.{ending}"))
    worst = 0.0 if paths else np.inf
    for path in paths:
        name = path.name.removesuffix(f".{ending}")
        config = config_of(args.folder / f"{name}.safetensors")
        answer = load(path, config)
        parts = []
        with np.load(args.folder / f"{name}.answers.npz") as ours:
            x = ours["x"]
            whole = np.full(len(x), x.shape[1], np.int64)
            for what, lengths in [("whole", whole), ("cut", ours["lengths"])]:
                found = answer(x, lengths)
                if found is None:
                    continue
                expected = ours[what]
                if args.partner == "keras" and outputs_of(config["head"])[1]:
                    expected = softmax(expected)
                assert found.shape == expected.shape, (found.shape, expected.shape)
                # Steps past a row's end do not count.
                counts = np.arange(expected.shape[1]) < lengths[:, None]
                if not reads_every_step(config):
                    counts[:] = True
                difference = np.abs(found - expected)[counts].max()
                worst = max(worst, difference)
                parts.append(f"{what} {difference:.1e}")
        print(f"    {name:16} {'  '.join(parts)}")
    print(f"    the largest of {len(paths)} models: {worst:.1e}, allowed {BOUND:.0e}")
    return 0 if worst < BOUND else 1


if __name__ == "__main__":
    sys.exit(main())
