"""Records small models of Keras 3 with layers beside the recurrent ones, and whole models of Keras 2 in its .h5 format.

    ~/tf-venv/bin/python golden/keras_layers.py          # writes golden/models/keras_layers* and golden/models/keras2*
    ~/tf-venv/bin/python golden/keras_layers.py --check  # writes nothing, compares with the safetensors among them

Run it by hand; it takes some ten seconds. README.md, beside this file, lists every file.
"""

import sys

import keras_models  # first: it sets what TensorFlow reads when imported
import recording
from keras_models import CLASSES, LENGTHS, saved
from recording import BATCH, HIDDEN, INPUT, STEPS, prefixed

import keras
import numpy as np
import tensorflow as tf
import tf_keras

SEED = 119


def chain(k, *layers, inputs=(STEPS, INPUT)):
    return k.Sequential([k.Input(inputs), *layers])


def dense_everywhere(k):
    of = k.layers
    return chain(
        k,
        of.Dense(4, activation="tanh"),
        of.LSTM(HIDDEN, return_sequences=True),
        of.TimeDistributed(of.Dense(5, activation="gelu")),
        of.GRU(4),
        of.Dense(6, activation="relu"),
        of.Dropout(0.3),
        of.Dense(CLASSES, activation="softmax"),
    )


def normalised(k):
    """Statistics before, between, inside and behind."""
    of = k.layers
    return chain(
        k,
        of.Normalization(mean=[0.1, -0.2, 0.3, 0.0, 1.0], variance=[1.0, 2.0, 0.5, 0.1, 3.0]),
        of.BatchNormalization(),
        of.SimpleRNN(HIDDEN, return_sequences=True),
        of.LayerNormalization(),
        of.LSTM(4),
        of.BatchNormalization(scale=False),
        of.Dense(6),
        of.BatchNormalization(center=False),
        of.Activation("relu"),
        of.Dense(CLASSES, activation="softmax"),
    )


def regression(k):
    of = k.layers
    return chain(k, of.Rescaling(0.5, offset=-0.25), of.LSTM(HIDDEN), of.LayerNormalization(), of.Dense(1))


def binary(k):
    """The mean of both directions over the steps that count."""
    of = k.layers
    return chain(
        k,
        of.Masking(-1.0),
        of.Bidirectional(of.LSTM(HIDDEN, return_sequences=True), merge_mode="ave"),
        of.GlobalAveragePooling1D(),
        of.Dense(1, activation="sigmoid"),
    )


def maximum(k):
    of = k.layers
    return chain(
        k,
        of.Bidirectional(of.GRU(HIDDEN, return_sequences=True), merge_mode="mul"),
        of.GlobalMaxPooling1D(),
        of.Dense(3, activation="hard_sigmoid"),
    )


def sum_of_states(k):
    of = k.layers
    return chain(k, of.Bidirectional(of.GRU(HIDDEN), merge_mode="sum"), of.Flatten(), of.Dense(3))


def nested(k):
    of = k.layers
    inputs = k.Input((STEPS, INPUT), name="series")
    inner = k.Sequential([of.Dense(4, activation="swish"), of.BatchNormalization()], name="inner")
    x = of.GRU(HIDDEN, return_sequences=True, name="encoder")(inner(inputs))
    x = of.Dense(3, activation="leaky_relu", name="step")(x)
    return k.Model(inputs, of.Dense(CLASSES, activation="softmax", name="answer")(x))


# Kept as Keras 2 wrote them.
LEGACY = ["nested", "binary", "maximum"]
CASES = [dense_everywhere, normalised, regression, binary, maximum, sum_of_states, nested]


def assigned(k, model, draw):
    """Numbers as training leaves them: no variance is below 0."""
    for variable in model.weights:
        if np.asarray(variable).dtype.kind != "f":
            continue
        value = draw.normal(0.4, *variable.shape)
        variable.assign(np.abs(value) + 0.2 if "variance" in variable.name else value)


def answers(case, model, draw):
    given = draw.sequences(LENGTHS if case is binary else [STEPS] * BATCH)
    if case is binary:
        given["inputs"][np.arange(STEPS) >= given["lengths"][:, None]] = -1.0
    return given | {"outputs": model.predict(given["inputs"], verbose=0)}


def made(k, case, number):
    k.backend.clear_session()
    k.utils.set_random_seed(SEED)
    draw = recording.Draw(SEED, number)
    model = case(k)
    assigned(k, model, draw)
    return model, answers(case, model, draw)


def files():
    three, two = {}, {}
    for number, case in enumerate(CASES):
        name = case.__name__
        model, result = made(keras, case, number)
        _, config, arrays = saved(model)
        yield f"models/keras_layers_{name}.safetensors", arrays, {"seed": SEED, "config": config}
        three |= prefixed(name, result)
        if name not in LEGACY:
            continue
        model, result = made(tf_keras, case, number)
        if "--check" not in sys.argv:
            model.save(recording.GOLDEN / f"models/keras2_{name}.h5", include_optimizer=False)
        two |= prefixed(name, result)
    yield "models/keras_layers.safetensors", three, {"seed": SEED}
    yield "models/keras2.safetensors", two, {"seed": SEED}


if __name__ == "__main__":
    versions = recording.versions(keras, tf_keras, tf)
    sys.exit(recording.main(__file__, __doc__.splitlines()[0], versions, files()))
