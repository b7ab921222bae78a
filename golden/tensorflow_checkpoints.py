"""Records checkpoints of TensorFlow: of a graph's variables, and of objects of Keras 2.

    ~/tf-venv/bin/python golden/tensorflow_checkpoints.py    # writes golden/checkpoints/*

Run it by hand. `answers.safetensors` holds `<case>/inputs` [B, T, I], `<case>/lengths` [B] (all whole) and `<case>/outputs`.
"""

import recording
from recording import BATCH, HIDDEN, INPUT, STEPS

import numpy as np
import safetensors.numpy
import tensorflow
import tensorflow.compat.v1 as tf
import tf_keras
from tf_keras.src.layers.rnn.legacy_cells import LSTMCell

FOLDER = recording.GOLDEN / "checkpoints"
CLASSES = 4


def graph(draw, x):
    """An LSTM under dynamic_rnn, with Adam's variables and a step beside it."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(1)
        inputs = tf.placeholder(tf.float32, [None, STEPS, INPUT])
        _, state = tf.nn.dynamic_rnn(LSTMCell(HIDDEN), inputs, dtype=tf.float32)
        kernel = tf.get_variable("dense/kernel", [HIDDEN, CLASSES])
        bias = tf.get_variable("dense/bias", [CLASSES])
        logits = tf.matmul(state.h, kernel) + bias
        step = tf.train.get_or_create_global_step()
        tf.train.AdamOptimizer().minimize(tf.reduce_sum(logits), global_step=step)
        session.run(tf.global_variables_initializer())
        for v in sorted(tf.trainable_variables(), key=lambda v: v.name):
            v.load(draw.normal(0.4, *v.shape), session)
        tf.train.Saver().save(session, str(FOLDER / "graph.ckpt"), global_step=7, write_meta_graph=False)
        first = tf.train.Saver([kernel, bias], write_version=tf.train.SaverDef.V1)
        first.save(session, str(FOLDER / "first_format.ckpt"), write_meta_graph=False)
        return session.run(logits, {inputs: x})


def objects(draw, x):
    """The weights of a model of Keras 2, with its optimizer."""
    layers = tf_keras.layers
    model = tf_keras.Sequential(
        [
            layers.Bidirectional(layers.GRU(HIDDEN, return_sequences=True), input_shape=(None, INPUT)),
            layers.LSTM(6),
            layers.Dense(CLASSES),
        ]
    )
    model.set_weights([draw.normal(0.4, *w.shape) for w in model.get_weights()])
    model.compile(tf_keras.optimizers.SGD(), "mse")
    model.save_weights(str(FOLDER / "objects"))
    return model(x).numpy()


def main():
    tensorflow.random.set_seed(1)
    FOLDER.mkdir(exist_ok=True)
    answers = {}
    for number, (name, make) in enumerate({"graph": graph, "objects": objects}.items()):
        draw = recording.Draw(137, number)
        x = draw.normal(1.0, BATCH, STEPS, INPUT)
        case = {"inputs": x, "lengths": np.full(BATCH, STEPS, np.float32), "outputs": make(draw, x)}
        answers |= recording.prefixed(name, case)
    (FOLDER / "checkpoint").unlink(missing_ok=True)
    versions = {key: str(value) for key, value in recording.versions(tensorflow, tf_keras).items()}
    (FOLDER / "answers.safetensors").write_bytes(safetensors.numpy.save(answers, versions))


if __name__ == "__main__":
    main()
