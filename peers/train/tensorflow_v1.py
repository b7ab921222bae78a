"""TensorFlow 1: a graph of rnn_cell's cells under dynamic_rnn, stepped by a session that is fed each batch.

Its GRUCell resets before the product; all others reset after it.
"""

import os
import warnings

import engine

# tf-keras holds the cells of tf.nn.rnn_cell and layers.dense; Keras 3 dropped them.
os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

warnings.filterwarnings("ignore")  # every function of TensorFlow 1 says that it is deprecated
import tensorflow.compat.v1 as tf

tf.logging.set_verbosity(tf.logging.ERROR)
tf.disable_v2_behavior()

CELLS = {"rnn": tf.nn.rnn_cell.BasicRNNCell, "lstm": tf.nn.rnn_cell.LSTMCell, "gru": tf.nn.rnn_cell.GRUCell}


def build(job, x, y):
    tf.set_random_seed(job["seed"])
    x_batch = tf.placeholder(tf.float32, [job["batch"], job["steps"], job["input"]])
    y_batch = tf.placeholder(tf.int32, [job["batch"]])

    cell = tf.nn.rnn_cell.MultiRNNCell([CELLS[job["cell"]](job["hidden"]) for _ in range(job["layers"])])
    _, states = tf.nn.dynamic_rnn(cell, x_batch, dtype=tf.float32)
    state = states[-1].h if job["cell"] == "lstm" else states[-1]
    logits = tf.layers.dense(state, job["classes"])
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y_batch, logits=logits))
    update = tf.train.AdamOptimizer(job["rate"]).minimize(loss)

    config = tf.ConfigProto(
        intra_op_parallelism_threads=job["threads"],
        inter_op_parallelism_threads=job["options"].get("inter", job["threads"]),
    )
    if job["options"].get("xla", False):
        config.graph_options.optimizer_options.global_jit_level = tf.OptimizerOptions.ON_2
    session = tf.Session(config=config)
    session.run(tf.global_variables_initializer())

    def train(rows):
        return [session.run([update, loss], {x_batch: x[batch], y_batch: y[batch]})[1] for batch in rows]

    return {"version": f"tensorflow {tf.__version__}", "threads": job["threads"]}, train


engine.serve(build)
