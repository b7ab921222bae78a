"""Records what Keras 3's recurrent layers compute, for the tests of this repository to compare with.

    python3.11 -m venv ~/tf-venv
    ~/tf-venv/bin/pip install -r golden/requirements.txt
    ~/tf-venv/bin/python golden/keras_cells.py          # writes golden/keras_cells.safetensors
    ~/tf-venv/bin/python golden/keras_cells.py --check  # writes nothing, compares with the file

Run it by hand; it takes some ten seconds. README.md, beside this file, lists every array.
"""

import os
import sys

import recording
from recording import BATCH, HIDDEN, STEPS, prefixed

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf
from keras.layers import GRU, LSTM, Bidirectional, SimpleRNN

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)

SEED = 113
LENGTHS = [6, 1, 3, 5]
ALL = {"return_sequences": True, "return_state": True, "zero_output_for_mask": True}
PLAIN = ALL | {"use_cudnn": False}

# By case, the layer and the rows' lengths. None: no mask at all.
CASES = {
    "rnn_tanh": (lambda: SimpleRNN(HIDDEN, **ALL), LENGTHS),
    "rnn_relu": (lambda: SimpleRNN(HIDDEN, activation="relu", **ALL), LENGTHS),
    "lstm": (lambda: LSTM(HIDDEN, **PLAIN), LENGTHS),
    "gru_after": (lambda: GRU(HIDDEN, reset_after=True, **PLAIN), LENGTHS),
    "gru_before": (lambda: GRU(HIDDEN, reset_after=False, **PLAIN), LENGTHS),
    "bidirectional_concat": (lambda: both("concat"), LENGTHS),
    "bidirectional_sum": (lambda: both("sum"), LENGTHS),
    "bidirectional_full_concat": (lambda: both("concat"), None),
    "bidirectional_full_sum": (lambda: both("sum"), None),
}


def both(merge_mode):
    return Bidirectional(LSTM(HIDDEN, **PLAIN), merge_mode=merge_mode)


def directions(layer):
    """The layers that hold the cells, by the prefix of their arrays."""
    if isinstance(layer, Bidirectional):
        return {"forward/": layer.forward_layer, "backward/": layer.backward_layer}
    return {"": layer}


def record(make, lengths, draw):
    """The arrays of one case, with the gradients of sum(outputs ⊙ cotangent/outputs) + sum(state ⊙ cotangent/state)."""
    layer = make()
    given = draw.sequences(lengths or [STEPS] * BATCH)
    layer.build(given["inputs"].shape)
    parts = directions(layer)
    variables = {p + v.name: v for p, part in parts.items() for v in part.trainable_variables}
    # Keras has h before c, and all of the forward layer before the backward one.
    states = [p + n for p, part in parts.items() for n in ("hc" if isinstance(part, LSTM) else "h")]

    weights = draw.parameters({name: v.shape for name, v in variables.items()})
    given |= draw.initial({name: HIDDEN for name in states})
    for name, variable in variables.items():
        variable.assign(weights[name])
    mask = np.arange(STEPS) < given["lengths"][:, None] if lengths else None

    sources = {n: tf.constant(given[n]) for n in ["inputs", *(f"initial/{s}" for s in states)]}
    with tf.GradientTape() as tape:
        tape.watch(sources)
        outputs, *state = layer(
            sources["inputs"], mask=mask, initial_state=[sources[f"initial/{s}"] for s in states]
        )
        results = {"outputs": outputs} | dict(zip((f"state/{s}" for s in states), state, strict=True))
        cotangents = draw.cotangents({name: result.shape for name, result in results.items()})
        objective = tf.add_n(
            [tf.reduce_sum(results[n] * cotangents[f"cotangent/{n}"]) for n in results]
        )
    wanted = {name: v.value for name, v in variables.items()} | sources
    results |= prefixed("gradient", tape.gradient(objective, wanted))
    results = {name: result.numpy() for name, result in results.items()}
    return given | weights | cotangents | results


def files():
    arrays = {}
    for number, (name, (make, lengths)) in enumerate(CASES.items()):
        arrays |= prefixed(name, record(make, lengths, recording.Draw(SEED, number)))
    values = {"lengths": LENGTHS, "zero_output_for_mask": True, "backend": keras.backend.backend()}
    yield "keras_cells.safetensors", arrays, values | {"seed": SEED}


if __name__ == "__main__":
    versions = recording.versions(keras, tf)
    sys.exit(recording.main(__file__, __doc__.splitlines()[0], versions, files()))
