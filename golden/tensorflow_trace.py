"""Records what TensorFlow computes, for the tests of this repository to compare with.

    python3.11 -m venv ~/tf-venv
    ~/tf-venv/bin/pip install -r golden/requirements.txt
    ~/tf-venv/bin/python golden/tensorflow_trace.py          # writes golden/tensorflow_*.safetensors
    ~/tf-venv/bin/python golden/tensorflow_trace.py --check  # writes nothing, compares with the files

Run it by hand; it takes some ten seconds. README.md, beside this file, lists every array.

B batch, T steps, I input size, H hidden size. All is f32, row-major, batch-major.
The cell is h_t = φ([x_t, h_{t-1}] kernel + bias): the kernel's first I rows belong to x.
"""

import subprocess
import sys

import numpy as np

import recording
from recording import prefixed
from tensorflow_v1 import VERSIONS, session, tf

# The tutorial's flags.
SEED = 111
LEARNING_RATE = 0.001
# AdamOptimizer's defaults, written out because the files record them.
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8

ROWS, COLUMNS, CLASSES = 28, 28, 10
VALIDATION = 5_000  # read_data_sets sets the first 5,000 training images aside
STEPS = 30

DYNAMIC = {"hidden": 7, "input": 5, "batch": 6, "steps": 9, "lengths": [9, 0, 1, 5, 9, 3]}


def read_idx(name, magic, shape):
    """The bytes of one of MNIST's files, of u8, in the given shape; -1 stands for the number of items."""
    unpack = ["cargo", "run", "--quiet", "--release", "-p", "elman-datasets", "--example", "mnist_file", "--", name]
    content = subprocess.run(unpack, cwd=recording.GOLDEN, check=True, capture_output=True).stdout
    found = int.from_bytes(content[:4], "big")
    if found != magic:
        raise ValueError(f"{name}: magic {found}, expected {magic}")
    header = 4 * (1 + len(shape))
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def training_set():
    """Images [55000, 28, 28] in 0..1 and labels [55000], in the order of the files."""
    images = read_idx("train-images-idx3-ubyte", 2051, (-1, ROWS, COLUMNS))
    labels = read_idx("train-labels-idx1-ubyte", 2049, (-1,))
    # read_data_sets multiplies by the reciprocal. A division rounds some pixels differently.
    images = images[VALIDATION:].astype(np.float32) * np.float32(1 / 255)
    return images, labels[VALIDATION:].astype(np.int32)


def trace(hidden, batch, images, labels):
    """STEPS steps of the tutorial's own graph. Batch k is the images k*batch .. (k+1)*batch."""
    with tf.Graph().as_default(), session() as run:
        tf.set_random_seed(SEED)
        x = tf.placeholder(tf.float32, [batch, ROWS, COLUMNS])
        y = tf.placeholder(tf.int32, [batch])

        cell = tf.nn.rnn_cell.BasicRNNCell(hidden)
        _, state = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
        logits = tf.layers.dense(state, CLASSES)
        loss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
        )
        accuracy = tf.reduce_mean(tf.cast(tf.nn.in_top_k(logits, y, 1), tf.float32))

        optimizer = tf.train.AdamOptimizer(LEARNING_RATE, BETA1, BETA2, EPSILON)
        variables = {
            "kernel": variable("rnn/basic_rnn_cell/kernel:0"),
            "bias": variable("rnn/basic_rnn_cell/bias:0"),
            "dense/kernel": variable("dense/kernel:0"),
            "dense/bias": variable("dense/bias:0"),
        }
        assert len(variables) == len(tf.trainable_variables())
        pairs = optimizer.compute_gradients(loss, list(variables.values()))
        gradients = dict(zip(variables, (gradient for gradient, _ in pairs)))
        update = optimizer.apply_gradients(pairs)

        run.run(tf.global_variables_initializer())
        arrays = prefixed("initial", run.run(variables))
        losses, accuracies = [], []
        for k in range(STEPS):
            rows = slice(k * batch, (k + 1) * batch)
            feed = {x: images[rows], y: labels[rows]}
            if k == 0:
                arrays |= prefixed("gradient", run.run(gradients, feed))
            before = run.run([loss, accuracy], feed)
            losses.append(before[0])
            accuracies.append(before[1])
            run.run(update, feed)
        arrays |= prefixed("final", run.run(variables))
        arrays["loss"] = np.array(losses, np.float32)
        arrays["accuracy"] = np.array(accuracies, np.float32)
    return arrays


def dynamic_rnn():
    """Rows of unequal length, with tanh and with relu, and the gradients of
    sum(outputs ⊙ cotangent/outputs) + sum(state ⊙ cotangent/state)."""
    batch, steps, size, hidden = (DYNAMIC[key] for key in ["batch", "steps", "input", "hidden"])
    normal = recording.Draw(SEED).normal

    shared = {
        # Not zero past a row's length: whoever reads those steps gets other results.
        "inputs": normal(1.0, batch, steps, size),
        "lengths": np.array(DYNAMIC["lengths"], np.float32),
        "initial_state": normal(0.5, batch, hidden),
        "cotangent/outputs": normal(1.0, batch, steps, hidden),
        "cotangent/state": normal(1.0, batch, hidden),
    }
    # Of this scale neither the state nor its gradient grows or dies away in nine steps.
    weights = {
        "kernel": normal((size + hidden) ** -0.5, size + hidden, hidden),
        "bias": normal(0.3, hidden),
    }

    arrays = {}
    for name, activation in [("tanh", tf.nn.tanh), ("relu", tf.nn.relu)]:
        with tf.Graph().as_default(), session() as run:
            tf.set_random_seed(SEED)
            given = {key: tf.constant(value) for key, value in shared.items()}
            cell = tf.nn.rnn_cell.BasicRNNCell(hidden, activation=activation)
            outputs, state = tf.nn.dynamic_rnn(
                cell,
                given["inputs"],
                sequence_length=tf.cast(given["lengths"], tf.int32),
                initial_state=given["initial_state"],
            )
            objective = tf.reduce_sum(outputs * given["cotangent/outputs"])
            objective += tf.reduce_sum(state * given["cotangent/state"])
            variables = {key: variable(f"rnn/basic_rnn_cell/{key}:0") for key in weights}
            wanted = variables | {key: given[key] for key in ["inputs", "initial_state"]}
            gradients = dict(zip(wanted, tf.gradients(objective, list(wanted.values()))))

            run.run([tf.assign(variables[key], weights[key]) for key in weights])
            results = run.run({"outputs": outputs, "state": state})
            results |= prefixed("gradient", run.run(gradients))
        arrays |= prefixed(name, shared | weights | results)
    return arrays


def variable(name):
    """The trainable variable of that name in the current graph."""
    return {v.name: v for v in tf.trainable_variables()}[name]


def files():
    images, labels = training_set()
    for hidden, batch in [(16, 32), (128, 128)]:
        arrays = trace(hidden, batch, images, labels)
        values = {
            "hidden": hidden,
            "batch": batch,
            "steps": STEPS,
            "learning_rate": LEARNING_RATE,
            "beta1": BETA1,
            "beta2": BETA2,
            "epsilon": EPSILON,
            "first_image": VALIDATION,
            "seed": SEED,
        }
        yield f"tensorflow_rnn_h{hidden}.safetensors", arrays, values
        print(f"    loss {arrays['loss'][0]:.6f} .. {arrays['loss'][-1]:.6f}")
    yield "tensorflow_dynamic_rnn.safetensors", dynamic_rnn(), DYNAMIC | {"seed": SEED}


if __name__ == "__main__":
    sys.exit(recording.main(__file__, __doc__.splitlines()[0], VERSIONS, files()))
