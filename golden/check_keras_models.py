"""Converts some seventy models, written as users of Keras write them, and compares what they answer.

    cargo build -p elman-cli
    ~/tf-venv/bin/python golden/check_keras_models.py target/debug/elman

Run it by hand; it takes some minutes. Every model must be converted and agree to 1e-5, or be refused with a message that
names the layer. It writes nothing into the repository.
"""

import argparse
import collections
import os
import pathlib
import subprocess
import tempfile

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import keras
import numpy as np
import safetensors.numpy
import tf_keras

T, I, H = 7, 3, 6


def chain(k, layers, inputs=(T, I)):
    return k.Sequential([k.Input(inputs), *layers])


def models(k):
    """By name, what makes a model of Keras 3 or 2."""
    L = k.layers
    soft = lambda n=4: L.Dense(n, activation="softmax")
    one = lambda: L.Dense(1)
    yield "lstm softmax", lambda: chain(k, [L.LSTM(H), soft()])
    yield "gru softmax", lambda: chain(k, [L.GRU(H), soft()])
    yield "gru reset before", lambda: chain(k, [L.GRU(H, reset_after=False), soft()])
    yield "rnn relu", lambda: chain(k, [L.SimpleRNN(H, activation="relu"), soft()])
    yield "rnn", lambda: chain(k, [L.SimpleRNN(H), L.Dropout(0.3), soft()])
    yield "regression", lambda: chain(k, [L.LSTM(H), one()])
    yield "regression of one feature", lambda: chain(k, [L.LSTM(H), one()], (T, 1))
    yield "regression of four", lambda: chain(k, [L.LSTM(H), L.Dense(4)])
    yield "binary", lambda: chain(k, [L.LSTM(H), L.Dense(1, activation="sigmoid")])
    yield "labels", lambda: chain(k, [L.GRU(H), L.Dense(5, activation="sigmoid")])
    yield "relu out", lambda: chain(k, [L.LSTM(H), L.Dense(1, activation="relu")])
    yield "tanh out", lambda: chain(k, [L.LSTM(H), L.Dense(2, activation="tanh")])
    yield "two stacked", lambda: chain(k, [L.LSTM(H, return_sequences=True), L.Dropout(0.2), L.LSTM(4), soft()])
    yield "three stacked", lambda: chain(
        k, [L.GRU(H, return_sequences=True), L.LSTM(4, return_sequences=True), L.SimpleRNN(5), soft()]
    )
    yield "hidden relu", lambda: chain(k, [L.LSTM(H), L.Dense(8, activation="relu"), L.Dropout(0.5), soft()])
    yield "two hidden", lambda: chain(
        k, [L.LSTM(H), L.Dense(8, activation="elu"), L.Dense(5, activation="gelu"), one()]
    )
    yield "dense before", lambda: chain(k, [L.Dense(5, activation="tanh"), L.LSTM(H), soft()])
    yield "dense before without activation", lambda: chain(k, [L.Dense(5), L.LSTM(H), soft()])
    yield "dense between", lambda: chain(
        k, [L.LSTM(H, return_sequences=True), L.Dense(5, activation="relu"), L.LSTM(4), soft()]
    )
    yield "distributed before and between", lambda: chain(
        k,
        [
            L.TimeDistributed(L.Dense(5, activation="relu")),
            L.LSTM(H, return_sequences=True),
            L.TimeDistributed(L.Dense(5, activation="softplus")),
            L.GRU(4),
            soft(),
        ],
    )
    yield "tagger", lambda: chain(k, [L.Bidirectional(L.LSTM(H, return_sequences=True)), soft()])
    yield "tagger distributed", lambda: chain(k, [L.LSTM(H, return_sequences=True), L.TimeDistributed(soft())])
    yield "tagger hidden", lambda: chain(
        k, [L.GRU(H, return_sequences=True), L.Dense(6, activation="relu"), L.TimeDistributed(soft())]
    )
    yield "value at every step", lambda: chain(k, [L.LSTM(H, return_sequences=True), one()])
    for mode in ("concat", "sum", "ave", "mul"):
        yield f"both {mode}", lambda m=mode: chain(k, [L.Bidirectional(L.LSTM(H), merge_mode=m), soft()])
        yield f"both {mode} steps", lambda m=mode: chain(
            k, [L.Bidirectional(L.GRU(H, return_sequences=True), merge_mode=m), L.LSTM(4), soft()]
        )
    yield "both none", lambda: chain(k, [L.Bidirectional(L.LSTM(H, return_sequences=True), merge_mode="concat"), L.Bidirectional(L.LSTM(4)), soft()])
    yield "own backward layer", lambda: chain(
        k, [L.Bidirectional(L.LSTM(H), backward_layer=L.LSTM(H, go_backwards=True)), soft()]
    )
    yield "unlike backward layer", lambda: chain(
        k, [L.Bidirectional(L.LSTM(H), backward_layer=L.GRU(H, go_backwards=True)), soft()]
    )
    yield "batch norm first", lambda: chain(k, [L.BatchNormalization(), L.LSTM(H), soft()])
    yield "batch norm between", lambda: chain(
        k, [L.LSTM(H, return_sequences=True), L.BatchNormalization(), L.LSTM(4), soft()]
    )
    yield "batch norm behind", lambda: chain(k, [L.LSTM(H), L.BatchNormalization(), soft()])
    yield "batch norm hidden", lambda: chain(
        k, [L.LSTM(H), L.Dense(8), L.BatchNormalization(), L.Activation("relu"), L.Dropout(0.2), soft()]
    )
    yield "batch norm behind relu", lambda: chain(
        k, [L.LSTM(H), L.Dense(8, activation="relu"), L.BatchNormalization(center=False), soft()]
    )
    yield "batch norm without scale", lambda: chain(
        k, [L.Bidirectional(L.LSTM(H)), L.BatchNormalization(scale=False), soft()]
    )
    yield "layer norm first", lambda: chain(k, [L.LayerNormalization(), L.LSTM(H), soft()])
    yield "layer norm between", lambda: chain(
        k, [L.LSTM(H, return_sequences=True), L.LayerNormalization(epsilon=1e-5), L.LSTM(4), soft()]
    )
    yield "layer norm behind", lambda: chain(k, [L.LSTM(H), L.LayerNormalization(), soft()])
    yield "layer norm behind both", lambda: chain(k, [L.Bidirectional(L.LSTM(H)), L.LayerNormalization(), soft()])
    yield "rescaling", lambda: chain(k, [L.Rescaling(1 / 255.0, offset=-0.5), L.LSTM(H), soft()])
    yield "normalization", lambda: chain(
        k, [L.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 0.5]), L.GRU(H), soft()]
    )

    def adapted():
        normal = L.Normalization()
        normal.adapt(np.random.default_rng(3).normal(2, 3, (64, T, I)).astype("float32"))
        return chain(k, [normal, L.LSTM(H), one()])

    yield "normalization adapted", adapted
    yield "mean", lambda: chain(k, [L.LSTM(H, return_sequences=True), L.GlobalAveragePooling1D(), soft()])
    yield "max", lambda: chain(k, [L.GRU(H, return_sequences=True), L.GlobalMaxPooling1D(), soft()])
    yield "mean of both, hidden", lambda: chain(
        k,
        [
            L.Bidirectional(L.LSTM(H, return_sequences=True)),
            L.GlobalAveragePooling1D(),
            L.Dense(8, activation="relu"),
            L.Dense(1, activation="sigmoid"),
        ],
    )
    yield "noise", lambda: chain(k, [L.GaussianNoise(0.1), L.LSTM(H), L.GaussianDropout(0.2), soft()])
    yield "flatten", lambda: chain(k, [L.LSTM(H), L.Flatten(), soft()])
    yield "flatten steps", lambda: chain(k, [L.LSTM(H, return_sequences=True), L.Flatten(), soft()])
    yield "activity", lambda: chain(k, [L.LSTM(H), L.ActivityRegularization(0.1), soft()])
    yield "nested", lambda: chain(
        k, [k.Sequential([L.Dense(5, activation="relu"), L.LSTM(H, return_sequences=True)]), L.LSTM(4), soft()]
    )

    def functional():
        i = k.Input((T, I), name="series")
        x = L.Dense(5, activation="swish", name="embed")(i)
        x = L.Bidirectional(L.LSTM(H, return_sequences=True), name="encoder")(x)
        x = L.LayerNormalization(name="norm")(x)
        x = L.GlobalMaxPooling1D(name="pool")(x)
        return k.Model(i, L.Dense(3, activation="softmax", name="answer")(x))

    yield "functional", functional

    def nested_functional():
        i = k.Input((T, I))
        inner = k.Model(i, L.Dense(5, activation="tanh")(L.GRU(H, return_sequences=True)(i)))
        j = k.Input((T, I))
        return k.Model(j, soft()(L.LSTM(4)(inner(j))))

    yield "nested functional", nested_functional

    def shared():
        lstm = L.LSTM(I, return_sequences=True)
        i = k.Input((T, I))
        return k.Model(i, soft()(L.LSTM(4)(lstm(lstm(i)))))

    yield "shared", shared

    def residual():
        i = k.Input((T, I))
        x = L.LSTM(I, return_sequences=True)(i)
        return k.Model(i, soft()(L.LSTM(4)(L.Add()([x, i]))))

    yield "residual", residual

    def attention():
        i = k.Input((T, I))
        x = L.LSTM(H, return_sequences=True)(i)
        return k.Model(i, soft()(L.GlobalAveragePooling1D()(L.Attention()([x, x]))))

    yield "attention", attention

    def sliced():
        i = k.Input((T, I))
        return k.Model(i, soft()(L.LSTM(H, return_sequences=True)(i)[:, -1]))

    yield "sliced", sliced

    def states():
        i = k.Input((T, I))
        _, h, c = L.LSTM(H, return_state=True)(i)
        return k.Model(i, soft()(h))

    yield "states", states
    yield "masking", lambda: chain(k, [L.Masking(), L.LSTM(H), soft()])
    yield "masking -1", lambda: chain(k, [L.Masking(-1.0), L.GRU(H, return_sequences=True), L.LSTM(4), one()])
    yield "masking mean", lambda: chain(
        k, [L.Masking(), L.LSTM(H, return_sequences=True), L.GlobalAveragePooling1D(), soft()]
    )
    yield "masking norm", lambda: chain(
        k, [L.Masking(), L.Bidirectional(L.LSTM(H, return_sequences=True)), L.LayerNormalization(), L.GRU(4), soft()]
    )
    yield "masking max", lambda: chain(
        k, [L.Masking(), L.LSTM(H, return_sequences=True), L.GlobalMaxPooling1D(), soft()]
    )
    yield "tokens", lambda: chain(k, [L.Embedding(11, 5), L.LSTM(H), soft()], (T,))
    yield "tokens masked", lambda: chain(
        k, [L.Embedding(11, 5, mask_zero=True), L.Bidirectional(L.LSTM(H)), L.Dense(1, activation="sigmoid")], (T,)
    )
    yield "tokens dropped", lambda: chain(
        k, [L.Embedding(11, 5), L.SpatialDropout1D(0.2), L.GRU(H, dropout=0.2, recurrent_dropout=0.1), soft()], (T,)
    )
    yield "language model", lambda: chain(
        k, [L.Embedding(11, 5), L.GRU(H, return_sequences=True), L.Dense(11, activation="softmax")], (None,)
    )
    yield "backwards", lambda: chain(k, [L.LSTM(H, go_backwards=True), soft()])
    yield "unrolled", lambda: chain(k, [L.LSTM(H, unroll=True), soft()])
    yield "hard gates", lambda: chain(k, [L.LSTM(H, recurrent_activation="hard_sigmoid"), soft()])
    yield "relu gates", lambda: chain(k, [L.LSTM(H, activation="relu"), soft()])
    yield "softsign rnn", lambda: chain(k, [L.SimpleRNN(H, activation="softsign"), soft()])
    yield "regularised", lambda: chain(
        k, [L.LSTM(H, kernel_regularizer="l2", kernel_constraint="max_norm", bias_initializer="ones"), soft()]
    )
    yield "no bias", lambda: chain(k, [L.GRU(H, use_bias=False), L.Dense(3, use_bias=False, activation="softmax")])
    yield "convolution", lambda: chain(k, [L.Conv1D(5, 3, activation="relu"), L.LSTM(H), soft()])
    yield "pooling", lambda: chain(k, [L.LSTM(H, return_sequences=True), L.MaxPooling1D(2), L.LSTM(4), soft()])
    yield "repeat", lambda: chain(k, [L.LSTM(H), L.RepeatVector(T), L.LSTM(H, return_sequences=True), one()])
    yield "softmax between", lambda: chain(k, [L.LSTM(H), L.Softmax(), soft()])
    yield "softmax twice", lambda: chain(k, [L.LSTM(H), soft(), L.Softmax()])
    yield "softmax layer", lambda: chain(k, [L.LSTM(H), L.Dense(4), L.Softmax()])
    yield "relu layer", lambda: chain(k, [L.LSTM(H), L.Dense(8), L.ReLU(), L.Dense(6), L.LeakyReLU(), soft()])
    yield "activation behind lstm", lambda: chain(k, [L.LSTM(H), L.Activation("relu"), soft()])
    yield "lambda", lambda: chain(k, [L.Lambda(lambda x: x * 2.0), L.LSTM(H), soft()])
    yield "cells", lambda: chain(k, [L.RNN([L.LSTMCell(4), L.LSTMCell(5)]), soft()])
    yield "alpha and selu", lambda: chain(
        k, [L.LSTM(H), L.Dense(8, activation="selu"), L.AlphaDropout(0.2), L.Dense(8, activation="hard_sigmoid"), one()]
    )


def answers(model, random, name):
    """Inputs, some rows shorter where steps are masked, and what the model says of them."""
    tokens = "tokens" in name or "language" in name
    rows, steps = 5, T
    x = random.integers(1, 11, (rows, steps)) if tokens else random.normal(0, 1.5, (rows, steps, model.input_shape[-1]))
    x = x.astype("float32")
    lengths = np.full(rows, steps)
    if "masked" in name or "masking" in name:
        lengths = np.array([7, 3, 5, 1, 6])
        x[np.arange(steps) >= lengths[:, None]] = -1.0 if "-1" in name else 0.0
    return x, lengths, model.predict(x, verbose=0)


def shaken(model, random):
    """Weights as training leaves them: statistics and biases are not 0 and 1."""
    for variable in model.weights:
        value = np.asarray(variable)
        # What a Normalization has adapted to is computed once.
        if value.dtype.kind != "f" or variable.name.split(":")[0] in ("mean", "variance"):
            continue
        if "variance" in variable.name:
            variable.assign(random.uniform(0.3, 2.0, value.shape).astype("float32"))
        else:
            variable.assign(value + random.normal(0, 0.2, value.shape).astype("float32"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("elman")
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    counts, wrong = collections.Counter(), []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for k, endings in ((keras, (".keras", ".h5")), (tf_keras, (".h5", ".keras"))):
            for name, make in models(k):
                if args.only not in name:
                    continue
                random = np.random.default_rng(7)
                k.backend.clear_session()
                k.utils.set_random_seed(5)
                try:
                    model = make()
                    shaken(model, random)
                    x, lengths, y = answers(model, random, name)
                except Exception as error:
                    counts["not made"] += 1
                    print(f"{k.__name__} {name}: not made: {str(error).splitlines()[0]}")
                    continue
                for ending in endings:
                    here = folder / f"m{ending}"
                    model.save(here)
                    out = folder / "out.safetensors"
                    out.unlink(missing_ok=True)
                    sample = {"x": x, "lengths": lengths.astype("float32")}
                    found = subprocess.run([args.elman, "convert", here, out], capture_output=True, text=True)
                    what = f"{k.__name__} {ending} {name}"
                    if found.returncode:
                        line = found.stderr.strip().splitlines()[-1].split(": ", 2)[-1]
                        clear = "cannot be taken from Keras" in line and "error of elman" not in line
                        counts["refused" if clear else "REFUSED UNCLEARLY"] += 1
                        print(f"{what}: refused: {line}")
                        continue
                    config = safetensors.safe_open(out, "np").metadata()["elman"]
                    if '"values"' in config:
                        kind = "values"
                    else:
                        sums = np.allclose(y.sum(-1), 1, atol=1e-4)
                        kind = "probabilities" if sums else "logits"
                    np.savez(folder / "sample.npz", **sample, **{kind: y})
                    out.unlink()
                    command = [args.elman, "convert", here, out, "--sample", folder / "sample.npz"]
                    found = subprocess.run(command, capture_output=True, text=True)
                    if found.returncode:
                        counts["WRONG"] += 1
                        wrong.append(what)
                        print(f"{what}: WRONG: {found.stderr.strip()}")
                    else:
                        counts["equal"] += 1
                        print(f"{what}: equal: {found.stdout.strip().splitlines()[-1].split(': ')[-1]}")
    print(dict(counts), wrong)


if __name__ == "__main__":
    main()
