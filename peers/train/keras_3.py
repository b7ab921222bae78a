"""Keras 3: a Sequential model, trained by fit. KERAS_BACKEND says on what."""

import keras

import engine

LAYERS = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


def use_threads(count):
    """What the backend needs to be told; JAX takes the processors that the process may use."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(count)
        tf.config.threading.set_inter_op_parallelism_threads(count)
    if keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(count)


def build(job, x, y):
    use_threads(job["threads"])
    keras.utils.set_random_seed(job["seed"])
    options = {"unroll": job["options"].get("unroll", False)}
    cells = [
        LAYERS[job["cell"]](job["hidden"], return_sequences=above > 0, **options)
        for above in reversed(range(job["layers"]))
    ]
    shape = (job["steps"], job["input"])
    model = keras.Sequential([keras.layers.Input(shape), *cells, keras.layers.Dense(job["classes"])])
    model.compile(
        optimizer=keras.optimizers.Adam(job["rate"]),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=job["options"].get("jit", "auto"),
        steps_per_execution=min(job["options"].get("execution", 1), job["round"]),
    )

    def train(rows):
        # Keras tells the mean loss of all steps so far: before the first step of all, the first is asked for.
        first = [] if model.optimizer.built else [model.test_on_batch(x[rows[0]], y[rows[0]])]
        rows = rows.reshape(-1)
        history = model.fit(x[rows], y[rows], batch_size=job["batch"], shuffle=False, verbose=0)
        return first or history.history["loss"]

    version = f"keras {keras.__version__} on {keras.backend.backend()}"
    return {"version": version, "threads": job["threads"]}, train


engine.serve(build)
