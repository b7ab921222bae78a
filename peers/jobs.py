"""The jobs that every engine trains on, defined once.

B rows of a batch, T steps of a row, I floats of a step, H units of a layer. Every job reads rows [B, T, I] with one or
more layers of a cell, puts a dense layer on the last layer's final state, and takes the mean softmax cross-entropy by
Adam's steps at rate 0.001, with the engine's own initial values and ε.
"""

SEED = 111
RATE = 0.001

# What a job is, and how many steps a round has: long enough to time, short enough for a sitting.
JOBS = {
    # A TensorFlow tutorial's job: BasicRNNCell(128) reads MNIST row by row.
    "tutorial": {
        "cell": "rnn", "layers": 1, "hidden": 128, "batch": 128, "steps": 28, "input": 28, "classes": 10,
        "data": "mnist", "round": 100,
    },
    "lstm": {
        "cell": "lstm", "layers": 1, "hidden": 128, "batch": 128, "steps": 28, "input": 28, "classes": 10,
        "data": "mnist", "round": 50,
    },
    "gru": {
        "cell": "gru", "layers": 1, "hidden": 128, "batch": 128, "steps": 28, "input": 28, "classes": 10,
        "data": "mnist", "round": 50,
    },
    # So small that whatever an engine does besides arithmetic shows.
    "small": {
        "cell": "gru", "layers": 1, "hidden": 32, "batch": 32, "steps": 50, "input": 8, "classes": 4,
        "data": "patterns", "rows": 4096, "window": 20, "scale": 1.0, "round": 100,
    },
    # So large that arithmetic is nearly all.
    "large": {
        "cell": "lstm", "layers": 2, "hidden": 512, "batch": 64, "steps": 100, "input": 64, "classes": 10,
        "data": "patterns", "rows": 2048, "window": 100, "scale": 0.25, "round": 3,
    },
}  # fmt: skip
