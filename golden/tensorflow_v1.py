"""TensorFlow 1 as its scripts beside this file use it: `tf` in graph mode, on one thread."""

import os
import warnings

import recording  # first: it sets what TensorFlow reads when imported

# tf-keras holds the cells of tf.nn.rnn_cell and layers.dense; Keras 3 dropped them.
os.environ["TF_USE_LEGACY_KERAS"] = "1"

warnings.filterwarnings("ignore")  # every function of TensorFlow 1 says that it is deprecated
import tensorflow.compat.v1 as tf
import tf_keras

tf.logging.set_verbosity(tf.logging.ERROR)
tf.disable_v2_behavior()

VERSIONS = {"tensorflow": tf.__version__} | recording.versions(tf_keras)


def session():
    """A session on one thread."""
    return tf.Session(
        config=tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    )
