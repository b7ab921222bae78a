"""Records small models of TensorFlow 1, as the variables of their graphs, and what they answer.

    ~/tf-venv/bin/python golden/tensorflow_models.py          # writes golden/models/tensorflow*
    ~/tf-venv/bin/python golden/tensorflow_models.py --check  # writes nothing, compares with the files

Run it by hand; it takes some ten seconds. README.md, beside this file, lists every file.
"""

import sys

import recording
from recording import BATCH, HIDDEN, INPUT, PROJECTED, STEPS, prefixed
from tensorflow_v1 import VERSIONS, session, tf

import numpy as np
from tensorflow.compat.v1.nn.rnn_cell import (
    BasicLSTMCell,
    BasicRNNCell,
    GRUCell,
    LSTMCell,
    MultiRNNCell,
    ResidualWrapper,
)

SEED = 117
LENGTHS = [6, 0, 3, 5]
TOKENS, CLASSES = 11, 4


def unroll(cell, x, lengths, **options):
    return tf.nn.dynamic_rnn(cell, x, sequence_length=lengths, dtype=tf.float32, **options)


def both(cell, x, lengths, **options):
    return tf.nn.bidirectional_dynamic_rnn(
        cell(), cell(), x, sequence_length=lengths, dtype=tf.float32, **options
    )


def tutorial(x, lengths):
    """The tutorial's graph, with the variables of its optimizer and its counter."""
    _, state = unroll(BasicRNNCell(HIDDEN), x, lengths)
    logits = tf.layers.dense(state, CLASSES)
    step = tf.train.get_or_create_global_step()
    tf.train.AdamOptimizer(0.001).minimize(tf.reduce_mean(logits**2), global_step=step)
    return logits


def rnn_relu(x, lengths):
    """With a dense layer by hand."""
    _, state = unroll(BasicRNNCell(HIDDEN, activation=tf.nn.relu), x, lengths)
    return state @ tf.Variable(tf.zeros([HIDDEN, CLASSES])) + tf.Variable(tf.zeros([CLASSES]))


def lstm(x, lengths):
    _, state = unroll(BasicLSTMCell(HIDDEN, forget_bias=0.5), x, lengths)
    return tf.layers.dense(state.h, CLASSES)


def lstm_options(x, lengths):
    cell = LSTMCell(HIDDEN, use_peepholes=True, num_proj=PROJECTED)
    return tf.layers.dense(unroll(cell, x, lengths)[1].h, CLASSES)


def gru(x, lengths):
    return tf.layers.dense(unroll(GRUCell(HIDDEN), x, lengths)[1], CLASSES, use_bias=False)


def multi(x, lengths):
    cells = [LSTMCell(HIDDEN), GRUCell(6), ResidualWrapper(BasicRNNCell(6))]
    return tf.layers.dense(unroll(MultiRNNCell(cells), x, lengths)[1][-1], CLASSES)


def bidirectional(x, lengths):
    _, (fw, bw) = both(lambda: LSTMCell(HIDDEN), x, lengths)
    return tf.layers.dense(tf.concat([fw.h, bw.h], 1), CLASSES)


def tagger(x, lengths):
    """Every step of tokens; the outputs of the first layer's directions are added, those of the second side by side."""
    x = tf.nn.embedding_lookup(
        tf.get_variable("embedding", [TOKENS, INPUT]), tf.cast(x[..., 0], tf.int32)
    )
    outputs, _ = both(lambda: GRUCell(HIDDEN), x, lengths, scope="first")
    outputs, _ = both(lambda: LSTMCell(3), sum(outputs), lengths, scope="second")
    return tf.layers.dense(tf.concat(outputs, 2), CLASSES)


CASES = [tutorial, rnn_relu, lstm, lstm_options, gru, multi, bidirectional, tagger]


def record(case, draw):
    """The variables of a graph, and its inputs and outputs."""
    with tf.Graph().as_default(), session() as run:
        tf.set_random_seed(SEED)
        x = tf.placeholder(tf.float32, [BATCH, STEPS, 1 if case is tagger else INPUT])
        logits = case(x, LENGTHS)
        weights = draw.parameters({v.name: v.shape.as_list() for v in tf.trainable_variables()})
        given = draw.sequences(LENGTHS)
        if case is tagger:
            tokens = draw.random.integers(0, TOKENS, (BATCH, STEPS, 1))
            given["inputs"] = tokens.astype(np.float32)
        run.run(tf.global_variables_initializer())
        for variable in tf.trainable_variables():
            variable.load(weights[variable.name], run)
        outputs = run.run(logits, {x: given["inputs"]})
        variables = {v.name: run.run(v) for v in tf.global_variables()}
    return variables, given | {"outputs": outputs}


def files():
    results = {}
    for number, case in enumerate(CASES):
        name = case.__name__
        variables, result = record(case, recording.Draw(SEED, number))
        yield f"models/tensorflow_{name}.npz", variables, {}
        results |= prefixed(name, result)
    yield "models/tensorflow.safetensors", results, {"lengths": LENGTHS, "seed": SEED}


if __name__ == "__main__":
    sys.exit(recording.main(__file__, __doc__.splitlines()[0], VERSIONS, files()))
