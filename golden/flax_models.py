"""Records small models of flax, linen and nnx: their parameters by their paths, and what they answer.

    python3.11 -m venv ~/flax-venv
    ~/flax-venv/bin/pip install -r golden/requirements-flax.txt
    ~/flax-venv/bin/python golden/flax_models.py          # writes golden/models/flax*

Run it by hand. `flax.safetensors` holds `<case>/inputs` [B, T, I], `<case>/lengths` [B] (all whole) and `<case>/outputs`.
"""

import recording
from recording import BATCH, HIDDEN, INPUT, STEPS

import flax
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from flax.traverse_util import flatten_dict, unflatten_dict

CLASSES = 4


class Last(nn.Module):
    cells: tuple

    @nn.compact
    def __call__(self, x):
        for cell in self.cells:
            x = nn.RNN(cell)(x)
        return nn.Dense(CLASSES)(x[:, -1])


class Nnx(nnx.Module):
    def __init__(self, cell, rngs):
        self.rnn = nnx.RNN(cell(INPUT, HIDDEN, rngs=rngs))
        self.out = nnx.Linear(HIDDEN, CLASSES, rngs=rngs)

    def __call__(self, x):
        return self.out(self.rnn(x)[:, -1])


LINEN = {
    "linen_lstm": (nn.OptimizedLSTMCell(HIDDEN),),
    "linen_gru": (nn.GRUCell(HIDDEN),),
    "linen_rnn": (nn.SimpleCell(HIDDEN),),
    "linen_stack": (nn.LSTMCell(6), nn.GRUCell(HIDDEN)),
}
NNX = {"nnx_lstm": nnx.OptimizedLSTMCell, "nnx_lstm_gates": nnx.LSTMCell, "nnx_gru": nnx.GRUCell, "nnx_rnn": nnx.SimpleCell}


def files():
    answers = {}
    for number, (name, cell) in enumerate((LINEN | NNX).items()):
        draw = recording.Draw(139, number)
        x = draw.normal(1.0, BATCH, STEPS, INPUT)
        with jax.default_matmul_precision("highest"):
            if name in LINEN:
                model = Last(cell)
                shapes = flatten_dict(model.init(jax.random.key(0), jnp.asarray(x)), sep="/")
                arrays = {k: draw.normal(0.4, *v.shape) for k, v in sorted(shapes.items())}
                outputs = model.apply(unflatten_dict(arrays, sep="/"), jnp.asarray(x))
            else:
                model = Nnx(cell, nnx.Rngs(0))
                state = nnx.to_flat_state(nnx.state(model, nnx.Param))
                named = sorted(("/".join(map(str, path)), leaf) for path, leaf in state)
                arrays = {k: draw.normal(0.4, *leaf[...].shape) for k, leaf in named}
                for k, leaf in named:
                    leaf[...] = jnp.asarray(arrays[k])
                outputs = model(jnp.asarray(x))
        lengths = np.full(BATCH, STEPS, np.float32)
        answers |= recording.prefixed(name, {"inputs": x, "lengths": lengths, "outputs": np.asarray(outputs)})
        yield f"models/flax_{name}.npz", arrays, {}
    yield "models/flax.safetensors", answers, {"seed": 139}


if __name__ == "__main__":
    recording.main(__file__, __doc__, recording.versions(flax, jax), files())
