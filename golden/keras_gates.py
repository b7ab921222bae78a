"""Records small models of Keras 3 and Keras 2 whose recurrent layers have other functions than tanh and sigmoid.

    ~/tf-venv/bin/python golden/keras_gates.py          # writes golden/models/keras_gates*
    ~/tf-venv/bin/python golden/keras_gates.py --check  # writes nothing, compares

Run it by hand; it takes some ten seconds. README.md, beside this file, lists every file.
"""

import sys

import keras_models  # first: it sets what TensorFlow reads when imported
import recording
from keras_models import saved
from recording import BATCH, HIDDEN, STEPS, prefixed

import keras
import tensorflow as tf
import tf_keras
from keras_layers import assigned, chain

SEED = 163


def relu(of):
    return [of.LSTM(HIDDEN, activation="relu"), of.Dense(2)]


def hard(of):
    return [of.LSTM(HIDDEN, recurrent_activation="hard_sigmoid"), of.Dense(2)]


def gru(of):
    layer = of.GRU(HIDDEN, activation="sigmoid", recurrent_activation="hard_sigmoid", return_sequences=True)
    before = of.GRU(4, activation="relu", recurrent_activation="hard_sigmoid", reset_after=False)
    return [of.Bidirectional(layer), before, of.Dense(2)]


def rnn(of):
    functions = ["sigmoid", "hard_sigmoid"]
    return [of.SimpleRNN(4, activation=of_one, return_sequences=True) for of_one in functions] + [
        of.SimpleRNN(3, activation=None),
        of.Dense(2),
    ]


CASES = [relu, hard, gru, rnn]


def files():
    """Keras 3's arrays and configuration by model; of Keras 2 the same arrays answer otherwise where a gate is hard."""
    everything = {}
    for number, case in enumerate(CASES):
        name = case.__name__
        keras.backend.clear_session()
        keras.utils.set_random_seed(SEED)
        draw = recording.Draw(SEED, number)
        model = chain(keras, *case(keras.layers))
        assigned(keras, model, draw)
        given = draw.sequences([STEPS] * BATCH)
        two = chain(tf_keras, *case(tf_keras.layers))
        two.set_weights(model.get_weights())
        answers = {
            "outputs": model.predict(given["inputs"], verbose=0),
            "outputs2": two.predict(given["inputs"], verbose=0),
        }
        _, config, arrays = saved(model)
        yield f"models/keras_gates_{name}.safetensors", arrays, {"seed": SEED, "config": config}
        everything |= prefixed(name, given | answers)
    yield "models/keras_gates.safetensors", everything, {"seed": SEED}


if __name__ == "__main__":
    versions = recording.versions(keras, tf_keras, tf)
    sys.exit(recording.main(__file__, __doc__.splitlines()[0], versions, files()))
