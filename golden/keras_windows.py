"""Records small models of Keras 3 with convolutions and pooling over the steps before their recurrent layers.

    ~/tf-venv/bin/python golden/keras_windows.py          # writes golden/models/keras_windows*.safetensors
    ~/tf-venv/bin/python golden/keras_windows.py --check  # writes nothing, compares with them

Run it by hand; it takes some ten seconds. README.md, beside this file, lists every file.
"""

import sys

import keras_models  # first: it sets what TensorFlow reads when imported
import recording
from keras_layers import assigned
from keras_models import CLASSES, saved
from recording import BATCH, HIDDEN, INPUT, prefixed

import keras
import numpy as np
import tensorflow as tf
from keras import layers as of

SEED = 130

# No multiple of a stride below, and more than every window reaches.
STEPS = 23

TOKENS = 11


def chain(*layers, inputs=(STEPS, INPUT)):
    return keras.Sequential([keras.Input(inputs), *layers])


def pooled():
    """Two convolutions with pooling between them."""
    return chain(
        of.Conv1D(6, 3, activation="relu"),
        of.MaxPooling1D(2),
        of.Conv1D(5, 2, padding="causal", activation="tanh"),
        of.LSTM(HIDDEN),
        of.Dense(CLASSES, activation="softmax"),
    )


def strided():
    """Statistics and an activation behind a convolution, overlapping means, both directions."""
    return chain(
        of.Conv1D(4, 5, strides=3, padding="same", use_bias=False),
        of.BatchNormalization(),
        of.ReLU(),
        of.AveragePooling1D(2, strides=1),
        of.Bidirectional(of.GRU(HIDDEN, return_sequences=True)),
        of.GlobalMaxPooling1D(),
        of.Dense(1),
    )


def tokens():
    """Gaps in the kernel, and windows of pooling that reach over the ends."""
    return chain(
        of.Embedding(TOKENS, 6),
        of.Conv1D(4, 3, dilation_rate=2, activation="gelu"),
        of.MaxPooling1D(3, strides=2, padding="same"),
        of.GRU(HIDDEN),
        of.Dense(CLASSES, activation="softmax"),
        inputs=(STEPS,),
    )


CASES = [pooled, strided, tokens]


def files():
    answers = {}
    for number, case in enumerate(CASES):
        name = case.__name__
        keras.backend.clear_session()
        keras.utils.set_random_seed(SEED)
        draw = recording.Draw(SEED, number)
        model = case()
        assigned(keras, model, draw)
        if case is tokens:
            inputs = draw.random.integers(0, TOKENS, (BATCH, STEPS, 1)).astype(np.float32)
        else:
            inputs = draw.normal(1.0, BATCH, STEPS, INPUT)
        outputs = model.predict(inputs[..., 0] if case is tokens else inputs, verbose=0)
        given = {"inputs": inputs, "lengths": np.full(BATCH, STEPS, np.float32), "outputs": outputs}
        _, config, arrays = saved(model)
        yield f"models/keras_windows_{name}.safetensors", arrays, {"seed": SEED, "config": config}
        answers |= prefixed(name, given)
    yield "models/keras_windows.safetensors", answers, {"seed": SEED}


if __name__ == "__main__":
    versions = recording.versions(keras, tf)
    sys.exit(recording.main(__file__, __doc__.splitlines()[0], versions, files()))
