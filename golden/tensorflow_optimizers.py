"""Records what TensorFlow 1's optimizers do, for the tests of this repository to compare with.

    python3.11 -m venv ~/tf-venv
    ~/tf-venv/bin/pip install -r golden/requirements.txt
    ~/tf-venv/bin/python golden/tensorflow_optimizers.py          # writes golden/tensorflow_optimizers.safetensors
    ~/tf-venv/bin/python golden/tensorflow_optimizers.py --check  # writes nothing, compares with the file

Run it by hand; it takes some ten seconds. README.md, beside this file, lists every array.
"""

import sys

import recording
from tensorflow_v1 import VERSIONS, session, tf

import numpy as np

SEED = 116
RATE = 0.05


def norm(gradient):
    return tf.clip_by_global_norm([gradient], 0.5)[0][0]


def value(gradient):
    return tf.clip_by_value(gradient, -0.2, 0.2)


def no_clip(gradient):
    return gradient


# By case: the optimizer, and how the gradient is clipped.
CASES = {
    "sgd": (lambda: tf.train.GradientDescentOptimizer(RATE), no_clip),
    "sgd_clip_norm": (lambda: tf.train.GradientDescentOptimizer(RATE), norm),
    "momentum": (lambda: tf.train.MomentumOptimizer(RATE, 0.9), no_clip),
    "nesterov": (lambda: tf.train.MomentumOptimizer(RATE, 0.9, use_nesterov=True), no_clip),
    "rmsprop": (lambda: tf.train.RMSPropOptimizer(RATE), no_clip),
    "rmsprop_clip_norm": (lambda: tf.train.RMSPropOptimizer(RATE), norm),
    "rmsprop_momentum": (lambda: tf.train.RMSPropOptimizer(RATE, 0.95, 0.8, 1e-4), no_clip),
    "adagrad": (lambda: tf.train.AdagradOptimizer(RATE), no_clip),
    "adagrad_clip_value": (lambda: tf.train.AdagradOptimizer(RATE, 0.5), value),
    "adam": (lambda: tf.train.AdamOptimizer(RATE), no_clip),
    "adam_clip_norm": (lambda: tf.train.AdamOptimizer(RATE), norm),
    "adam_large_epsilon": (lambda: tf.train.AdamOptimizer(RATE, 0.75, 0.9375, 1e-3), no_clip),
}


def record(make, clip, start, gradients):
    """The parameters after each step."""
    with tf.Graph().as_default(), session() as run:
        parameters = tf.Variable(start)
        gradient = tf.placeholder(tf.float32, start.shape)
        step = make().apply_gradients([(clip(gradient), parameters)])
        run.run(tf.global_variables_initializer())
        after = []
        for given in gradients:
            run.run(step, {gradient: given})
            after.append(run.run(parameters))
    return np.stack(after)


def files():
    given = recording.Draw(SEED).descent()
    arrays = dict(given)
    for name, case in CASES.items():
        arrays[f"{name}/parameters"] = record(*case, given["start"], given["gradients"])
    yield "tensorflow_optimizers.safetensors", arrays, {"rate": RATE, "seed": SEED}


if __name__ == "__main__":
    sys.exit(recording.main(__file__, __doc__.splitlines()[0], VERSIONS, files()))
