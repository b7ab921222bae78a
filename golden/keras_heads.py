"""Records what Keras 3 computes for merges of two directions, layers between recurrent ones and heads, for the tests of this
repository to compare with: logits, the loss, and its gradient by every parameter.

    python3.11 -m venv ~/tf-venv
    ~/tf-venv/bin/pip install -r golden/requirements.txt
    ~/tf-venv/bin/python golden/keras_heads.py          # writes golden/keras_heads.safetensors
    ~/tf-venv/bin/python golden/keras_heads.py --check  # writes nothing, compares with the file

Arrays are named as elman's, which lays out these the same way. Of a BatchNormalization in inference they are the factor and
the shift that it comes to. Run it by hand; it takes some ten seconds.
"""

import os
import sys

import recording
from recording import BATCH, INPUT, STEPS, Draw, prefixed

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf
from keras import activations, layers

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)

SEED = 132
LENGTHS = [6, 1, 3, 5]

# By our names, constants at Keras's own.
ACTIVATIONS = {
    "identity": activations.linear,
    "relu": activations.relu,
    "tanh": activations.tanh,
    "sigmoid": activations.sigmoid,
    "elu": activations.elu,
    "selu": activations.selu,
    "leaky_relu": activations.leaky_relu,
    "gelu": lambda a: activations.gelu(a, approximate=False),
    "gelu_tanh": lambda a: activations.gelu(a, approximate=True),
    "silu": activations.silu,
    "mish": activations.mish,
    "softplus": activations.softplus,
    "softsign": activations.softsign,
    "exponential": activations.exponential,
    "hard_sigmoid": activations.hard_sigmoid,
    "hard_tanh": activations.hard_tanh,
    "hard_silu": activations.hard_silu,
    "relu6": activations.relu6,
}


def lstm(units, every_step=True):
    return layers.LSTM(units, return_sequences=every_step, use_cudnn=False)


def both(layer, merge):
    return layers.Bidirectional(layer, merge_mode=merge)


# Each case: its layers, the pooling before the head, the head's dense layers, the loss, and the rows' lengths; None: no mask.
def cases():
    return {
        "average": (
            [both(lstm(4), "ave")],
            layers.GlobalAveragePooling1D(),
            [layers.Dense(5, activation="elu"), layers.Dense(1)],
            "sigmoid",
            LENGTHS,
        ),
        "multiply": (
            [both(layers.SimpleRNN(4, return_sequences=True), "mul")],
            layers.GlobalMaxPooling1D(),
            [layers.Dense(2)],
            "squares",
            None,
        ),
        "average_state": ([both(lstm(4, False), "ave")], None, [layers.Dense(3)], "classes", LENGTHS),
        "multiply_state": ([both(lstm(4, False), "mul")], None, [layers.Dense(3)], "classes", LENGTHS),
        "between": (
            [
                lstm(5),
                layers.LayerNormalization(),
                layers.TimeDistributed(layers.Dense(6, activation="leaky_relu")),
                layers.BatchNormalization(),
                lstm(4, False),
            ],
            None,
            [layers.Dense(7, activation="gelu"), layers.Dense(2)],
            "squares",
            LENGTHS,
        ),
    }


def parts(layer):
    if isinstance(layer, layers.Bidirectional):
        return {"forward.": layer.forward_layer, "backward.": layer.backward_layer}
    if isinstance(layer, layers.TimeDistributed):
        return {"": layer.layer}
    return {"": layer}


def variables(layer, prefix):
    """The trainable variables by our names."""
    names = {"gamma": "gain", "beta": "bias"}
    return {
        f"{prefix}{direction}{names.get(v.name, v.name)}": v
        for direction, part in parts(layer).items()
        for v in part.trainable_variables
    }


def as_scale(layer, gamma, beta):
    """What a BatchNormalization comes to."""
    mean, deviation = layer.moving_mean.numpy(), np.sqrt(layer.moving_variance.numpy() + layer.epsilon)
    return gamma / deviation, beta - mean * gamma / deviation


def as_scale_gradient(layer, d_gamma, d_beta):
    """The gradient by the factor and by the shift, from those by gamma and beta: y = a x + b, where gamma acts on both."""
    mean, deviation = layer.moving_mean.numpy(), np.sqrt(layer.moving_variance.numpy() + layer.epsilon)
    return d_gamma * deviation + d_beta * mean, d_beta


def record(case, draw):
    stack, pooling, dense, loss, lengths = case
    given = draw.sequences(lengths or [STEPS] * BATCH)
    x = tf.constant(given["inputs"])
    mask = tf.constant(np.arange(STEPS) < given["lengths"][:, None]) if lengths else None

    def run():
        y = x
        for layer in stack:
            takes_mask = isinstance(layer, (layers.RNN, layers.LSTM, layers.SimpleRNN, layers.Bidirectional))
            y = layer(y, mask=mask) if takes_mask else layer(y)
        if isinstance(pooling, layers.GlobalAveragePooling1D):
            y = pooling(y, mask=mask)
        elif pooling is not None:
            y = pooling(y)
        for layer in dense:
            y = layer(y)
        return y

    run()
    names = [f"layers.{k}." for k in range(len(stack))] + [f"head.{k}." for k in range(len(dense) - 1)] + ["head."]
    found = {}
    for name, layer in zip(names, stack + dense, strict=True):
        of_layer = variables(layer, name)
        for key, variable in of_layer.items():
            if key.endswith("gain"):
                variable.assign(1.0 + draw.normal(0.3, *variable.shape))
            else:
                variable.assign(draw.parameter(key, variable.shape))
        if isinstance(layer, layers.BatchNormalization):
            layer.moving_mean.assign(draw.normal(0.3, *layer.moving_mean.shape))
            layer.moving_variance.assign(np.exp(draw.normal(0.3, *layer.moving_variance.shape)))
        found |= of_layer

    with tf.GradientTape() as tape:
        logits = run()
        if loss == "classes":
            shown = np.array([(7 * row + 1) % logits.shape[-1] for row in range(BATCH)], np.float32)
            of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        else:
            shown = draw.normal(1.0, *logits.shape)
            of = keras.losses.MeanSquaredError()
            if loss == "sigmoid":
                shown = (shown > 0).astype(np.float32)
                shown[0] = 0.25
                of = keras.losses.BinaryCrossentropy(from_logits=True)
        value = of(shown, logits)
    gradients = dict(zip(found, tape.gradient(value, [v.value for v in found.values()]), strict=True))
    arrays = {name: variable.numpy() for name, variable in found.items()}
    gradients = {name: tf.convert_to_tensor(gradient).numpy() for name, gradient in gradients.items()}
    for name, layer in zip(names, stack + dense, strict=True):
        if isinstance(layer, layers.BatchNormalization):
            gain, bias = f"{name}gain", f"{name}bias"
            arrays[gain], arrays[bias] = as_scale(layer, arrays[gain], arrays[bias])
            gradients[gain], gradients[bias] = as_scale_gradient(layer, gradients[gain], gradients[bias])
    results = given | {"targets": shown, "logits": logits.numpy(), "loss": value.numpy().reshape(1)}
    return results | prefixed("arrays", arrays) | prefixed("gradient", gradients)


def record_activations():
    """No point is a kink."""
    points = tf.constant(np.linspace(-7.3, 7.1, 25), tf.float32)
    results = {"points": points.numpy()}
    for name, function in ACTIVATIONS.items():
        with tf.GradientTape() as tape:
            tape.watch(points)
            values = function(points)
        slopes = tape.gradient(values, points)
        results |= {f"{name}/values": np.asarray(values), f"{name}/slopes": tf.convert_to_tensor(slopes).numpy()}
    return results


def main():
    arrays = prefixed("activations", record_activations())
    for number, (name, case) in enumerate(cases().items()):
        arrays |= prefixed(name, record(case, Draw(SEED, number)))
    arrays = {name: np.asarray(array, np.float32) for name, array in arrays.items()}
    settings = {"seed": SEED, "batch": BATCH, "steps": STEPS, "input": INPUT, "lengths": LENGTHS}
    files = [("keras_heads.safetensors", arrays, settings)]
    return recording.main(__file__, __doc__.splitlines()[0], recording.versions(tf, keras), files)


if __name__ == "__main__":
    sys.exit(main())
