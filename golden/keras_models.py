"""Records small models of Keras 3, their configurations and weights, and what they answer.

    ~/tf-venv/bin/python golden/keras_models.py          # writes golden/models/keras*
    ~/tf-venv/bin/python golden/keras_models.py --check  # writes nothing, compares with the files

Run it by hand; it takes some ten seconds. README.md, beside this file, lists every file.
"""

import io
import os
import sys
import tempfile
import zipfile

import recording
from recording import BATCH, HIDDEN, INPUT, STEPS, prefixed

os.environ["KERAS_BACKEND"] = "tensorflow"

import h5py
import keras
import numpy as np
import tensorflow as tf
from keras import layers as of

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)

SEED = 118
LENGTHS = [6, 1, 3, 5]
TOKENS, CLASSES = 11, 4


def sequential(*layers, inputs=(STEPS, INPUT)):
    return keras.Sequential([keras.Input(inputs), *layers])


def rnn_relu():
    return sequential(of.SimpleRNN(HIDDEN, activation="relu"), of.Dense(CLASSES))


def rnn_no_bias():
    return sequential(of.SimpleRNN(HIDDEN, use_bias=False), of.Dense(CLASSES, use_bias=False))


def lstm():
    return sequential(of.LSTM(HIDDEN), of.Dropout(0.2), of.Dense(CLASSES, activation="softmax"))


def gru_after():
    return sequential(of.GRU(HIDDEN), of.Dense(CLASSES))


def gru_before():
    return sequential(of.GRU(HIDDEN, reset_after=False), of.Dense(CLASSES))


def gru_no_bias():
    return sequential(of.GRU(HIDDEN, use_bias=False), of.Dense(CLASSES))


def bidirectional():
    return sequential(of.Bidirectional(of.GRU(HIDDEN)), of.Dense(CLASSES))


def stack():
    """Two directions side by side, then added; an answer at every step."""
    return sequential(
        of.Bidirectional(of.LSTM(3, return_sequences=True)),
        of.Dropout(0.25),
        of.Bidirectional(of.GRU(4, return_sequences=True), merge_mode="sum"),
        of.TimeDistributed(of.Dense(CLASSES, activation="softmax")),
    )


def tagger():
    """Tokens, of which 0 is padding."""
    return sequential(
        of.Embedding(TOKENS, INPUT, mask_zero=True),
        of.Bidirectional(of.LSTM(HIDDEN, return_sequences=True)),
        of.Dense(CLASSES),
        inputs=(None,),
    )


def functional():
    """Layers called by hand, under names of their own; steps of zeros are masked. It was trained for a step."""
    inputs = keras.Input((STEPS, INPUT))
    x = of.Masking()(inputs)
    x = of.GRU(HIDDEN, return_sequences=True, name="lower")(x)
    x = of.SpatialDropout1D(0.1)(x)
    x = of.GRU(3, reset_after=False, name="upper")(x)
    model = keras.Model(inputs, of.Softmax()(of.Dense(CLASSES, name="answer")(x)))
    model.compile("adam", "sparse_categorical_crossentropy")
    model.train_on_batch(np.ones((2, STEPS, INPUT), np.float32), np.zeros(2))
    return model


CASES = [rnn_relu, rnn_no_bias, lstm, gru_after, gru_before, gru_no_bias, bidirectional, stack, tagger, functional]
MASKED = [tagger, functional]
# Kept as Keras wrote them.
WHOLE = [lstm, functional]


def saved(model):
    """The bytes of the archive, its configuration and the arrays of its weights by their paths."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.keras")
        model.save(path)
        with open(path, "rb") as file:
            content = file.read()
    archive = zipfile.ZipFile(io.BytesIO(content))
    arrays = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()].astype(np.float32)

    with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        file.visititems(visit)
    return content, archive.read("config.json").decode(), arrays


def record(case, draw):
    """The archive of a model, and its inputs and outputs."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(SEED)
    model = case()
    for variable in model.trainable_variables:
        variable.assign(draw.parameter(variable.path, variable.shape))
    given = draw.sequences(LENGTHS if case in MASKED else [STEPS] * BATCH)
    if case is tagger:
        given["inputs"] = draw.random.integers(1, TOKENS, (BATCH, STEPS, 1)).astype(np.float32)
    if case in MASKED:
        given["inputs"] *= (np.arange(STEPS) < given["lengths"][:, None])[:, :, None]
    inputs = given["inputs"][..., 0] if case is tagger else given["inputs"]
    return saved(model), given | {"outputs": model.predict(inputs, verbose=0)}


def files():
    results = {}
    for number, case in enumerate(CASES):
        name = case.__name__
        (content, config, arrays), result = record(case, recording.Draw(SEED, number))
        if case in WHOLE and "--check" not in sys.argv:
            (recording.GOLDEN / f"models/keras_{name}.keras").write_bytes(content)
        yield f"models/keras_{name}.safetensors", arrays, {"seed": SEED, "config": config}
        results |= prefixed(name, result)
    yield "models/keras.safetensors", results, {"seed": SEED}


if __name__ == "__main__":
    versions = recording.versions(keras, tf)
    sys.exit(recording.main(__file__, __doc__.splitlines()[0], versions, files()))
