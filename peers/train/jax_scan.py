"""JAX: cells as functions under lax.scan, one jitted function that takes several steps of training, optax's Adam.

The GRU resets after the product, as Flax's does. The products of the inputs are taken for all steps at once.
"""

import jax
import jax.numpy as jnp
import optax

import engine

GATES = {"rnn": 1, "lstm": 4, "gru": 3}


def rnn(p, h, zx):
    return jnp.tanh(zx + h @ p["r"])


def lstm(p, state, zx):
    h, c = state
    i, f, g, o = jnp.split(zx + h @ p["r"], 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def gru(p, h, zx):
    zx_r, zx_z, zx_n = jnp.split(zx, 3, axis=-1)
    zh_r, zh_z, zh_n = jnp.split(h @ p["r"], 3, axis=-1)
    r, z = jax.nn.sigmoid(zx_r + zh_r), jax.nn.sigmoid(zx_z + zh_z)
    n = jnp.tanh(zx_n + r * (zh_n + p["b_hn"]))
    return (1 - z) * n + z * h


CELLS = {"rnn": rnn, "lstm": lstm, "gru": gru}


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
    cell, unroll = CELLS[job["cell"]], job["options"].get("unroll", 1)
    adam = optax.adam(job["rate"])

    def logits(parameters, x):
        outputs = x.transpose(1, 0, 2)  # [T, B, I]
        for p in parameters["layers"]:
            zero = jnp.zeros((x.shape[0], job["hidden"]))

            def step(state, zx):
                state = cell(p, state, zx)
                return state, state[0] if job["cell"] == "lstm" else state

            start = (zero, zero) if job["cell"] == "lstm" else zero
            _, outputs = jax.lax.scan(step, start, outputs @ p["w"] + p["b"], unroll=unroll)
        return outputs[-1] @ parameters["head"]["w"] + parameters["head"]["b"]

    def loss(parameters, rows):
        of_rows = optax.softmax_cross_entropy_with_integer_labels(logits(parameters, x[rows]), y[rows])
        return of_rows.mean()

    def one(carry, rows):
        parameters, moments = carry
        value, gradient = jax.value_and_grad(loss)(parameters, rows)
        update, moments = adam.update(gradient, moments)
        return (optax.apply_updates(parameters, update), moments), value

    @jax.jit
    def several(carry, rows):
        return jax.lax.scan(one, carry, rows)

    parameters = initial(job, jax.random.key(job["seed"]))
    carry = parameters, adam.init(parameters)
    at_once = min(job["options"].get("dispatch", 1), job["round"])

    def train(rows):
        nonlocal carry
        losses = []
        for first in range(0, len(rows), at_once):
            carry, values = several(carry, rows[first : first + at_once])
            losses.append(values)
        return jnp.concatenate(losses).tolist()

    return {"version": f"jax {jax.__version__}", "threads": job["threads"]}, train


engine.serve(build)
