"""JAX: cells as functions under lax.scan, a jitted step of training, optax's Adam.

The GRU resets after the product, as Flax's does.
"""

import functools

import jax
import jax.numpy as jnp
import optax

import engine

GATES = {"rnn": 1, "lstm": 4, "gru": 3}


def rnn(p, h, x):
    return jnp.tanh(x @ p["w"] + p["b"] + h @ p["r"])


def lstm(p, state, x):
    h, c = state
    i, f, g, o = jnp.split(x @ p["w"] + p["b"] + h @ p["r"], 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def gru(p, h, x):
    x_r, x_z, x_n = jnp.split(x @ p["w"] + p["b"], 3, axis=-1)
    h_r, h_z, h_n = jnp.split(h @ p["r"], 3, axis=-1)
    r, z = jax.nn.sigmoid(x_r + h_r), jax.nn.sigmoid(x_z + h_z)
    n = jnp.tanh(x_n + r * (h_n + p["b_hn"]))
    return (1 - z) * n + z * h


CELLS = {"rnn": rnn, "lstm": lstm, "gru": gru}
# Steps that the compiler sees at once: what was fastest.
UNROLL = {"rnn": 4, "lstm": 1, "gru": 2}


def initial(job, key):
    glorot = jax.nn.initializers.glorot_uniform()
    hidden, columns = job["hidden"], GATES[job["cell"]] * job["hidden"]
    keys = iter(jax.random.split(key, 2 * job["layers"] + 1))
    layers = []
    for size in [job["input"]] + (job["layers"] - 1) * [hidden]:
        layer = {"w": glorot(next(keys), (size, columns)), "r": glorot(next(keys), (hidden, columns))}
        layer["b"] = jnp.zeros(columns)
        if job["cell"] == "lstm":
            layer["b"] = layer["b"].at[hidden : 2 * hidden].set(1)  # the forget gate starts open
        if job["cell"] == "gru":
            layer["b_hn"] = jnp.zeros(hidden)
        layers.append(layer)
    head = {"w": glorot(next(keys), (hidden, job["classes"])), "b": jnp.zeros(job["classes"])}
    return {"layers": layers, "head": head}


def build(job, x, y):
    x, y = jnp.asarray(x), jnp.asarray(y)
    cell, unroll = CELLS[job["cell"]], job["options"].get("unroll", UNROLL[job["cell"]])
    adam = optax.adam(job["rate"])

    def logits(parameters, x):
        outputs = x.transpose(1, 0, 2)  # [T, B, I]
        zero = jnp.zeros((x.shape[0], job["hidden"]))
        start = (zero, zero) if job["cell"] == "lstm" else zero
        for p in parameters["layers"]:

            def step(state, x):
                state = cell(p, state, x)
                return state, state[0] if job["cell"] == "lstm" else state

            _, outputs = jax.lax.scan(step, start, outputs, unroll=unroll)
        return outputs[-1] @ parameters["head"]["w"] + parameters["head"]["b"]

    def loss(parameters, rows):
        of_rows = optax.softmax_cross_entropy_with_integer_labels(logits(parameters, x[rows]), y[rows])
        return of_rows.mean()

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def update(parameters, moments, rows):
        value, gradient = jax.value_and_grad(loss)(parameters, rows)
        change, moments = adam.update(gradient, moments)
        return optax.apply_updates(parameters, change), moments, value

    parameters = initial(job, jax.random.key(job["seed"]))
    moments = adam.init(parameters)

    def train(rows):
        nonlocal parameters, moments
        losses = []
        for batch in rows:
            parameters, moments, value = update(parameters, moments, batch)
            losses.append(value)
        return jnp.stack(losses).tolist()

    return {"version": f"jax {jax.__version__}", "threads": job["threads"]}, train


engine.serve(build)
