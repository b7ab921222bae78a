"""Records what TensorFlow 1's recurrent cells compute, for the tests of this repository to compare with.

    python3.11 -m venv ~/tf-venv
    ~/tf-venv/bin/pip install -r golden/requirements.txt
    ~/tf-venv/bin/python golden/tensorflow_cells.py          # writes golden/tensorflow_cells.safetensors
    ~/tf-venv/bin/python golden/tensorflow_cells.py --check  # writes nothing, compares with the file

Run it by hand; it takes some ten seconds. README.md, beside this file, lists every array.
"""

import sys

import recording
from recording import BATCH, HIDDEN, INPUT, PROJECTED, STEPS, prefixed
from tensorflow_v1 import VERSIONS, session, tf

from tensorflow.compat.v1.nn.rnn_cell import (
    BasicRNNCell,
    GRUCell,
    LSTMCell,
    LSTMStateTuple,
    MultiRNNCell,
    ResidualWrapper,
)

SEED = 112
LENGTHS = [6, 0, 3, 5]
# So small that part of the values are clipped, and part are not.
PROJ_CLIP, CELL_CLIP = 0.25, 0.3

# By case, the cell; of a bidirectional case, the cells of both directions.
CASES = {
    "lstm": lambda: LSTMCell(HIDDEN),
    "lstm_peepholes": lambda: LSTMCell(HIDDEN, use_peepholes=True),
    "lstm_projection": lambda: LSTMCell(
        HIDDEN, use_peepholes=True, num_proj=PROJECTED, proj_clip=PROJ_CLIP
    ),
    "lstm_clip": lambda: LSTMCell(HIDDEN, cell_clip=CELL_CLIP),
    "gru": lambda: GRUCell(HIDDEN),
    "multi": lambda: MultiRNNCell([LSTMCell(HIDDEN), GRUCell(6), BasicRNNCell(5)]),
    "bidirectional": lambda: (LSTMCell(HIDDEN), LSTMCell(HIDDEN)),
    "residual": lambda: MultiRNNCell([LSTMCell(INPUT), ResidualWrapper(LSTMCell(INPUT))]),
    "lstm_peepholes_clip": lambda: LSTMCell(HIDDEN, use_peepholes=True, cell_clip=CELL_CLIP),
}

# The parts of a variable's name that ours leave out.
SCOPES = {"rnn", "multi_rnn_cell", "bidirectional_rnn", "lstm_cell", "gru_cell", "basic_rnn_cell"}


def short(name):
    """bidirectional_rnn/fw/lstm_cell/kernel:0 is fw/kernel."""
    return "/".join(part for part in name.removesuffix(":0").split("/") if part not in SCOPES)


def named(state):
    """The tensors of a cell's state, by name."""
    if isinstance(state, LSTMStateTuple):
        return {"h": state.h, "c": state.c}
    if isinstance(state, tuple):
        parts = [prefixed(f"cell_{k}", named(part)) for k, part in enumerate(state)]
        return {name: tensor for part in parts for name, tensor in part.items()}
    return {"h": state}


def both(fw, bw):
    return prefixed("fw", named(fw)) | prefixed("bw", named(bw))


def placeholders(cell):
    def placeholder(size):
        return tf.placeholder(tf.float32, [BATCH, size])

    return tf.nest.map_structure(placeholder, cell.state_size)


def unroll(cell, inputs, lengths):
    """Outputs, final state and the initial state's placeholders; the states by name."""
    if not isinstance(cell, tuple):
        initial = placeholders(cell)
        outputs, state = tf.nn.dynamic_rnn(
            cell, inputs, sequence_length=lengths, initial_state=initial
        )
        return outputs, named(state), named(initial)
    initial = [placeholders(one) for one in cell]
    outputs, states = tf.nn.bidirectional_dynamic_rnn(
        *cell,
        inputs,
        sequence_length=lengths,
        initial_state_fw=initial[0],
        initial_state_bw=initial[1],
    )
    return tf.concat(outputs, 2), both(*states), both(*initial)


def record(make, draw):
    """The arrays of one case, with the gradients of sum(outputs ⊙ cotangent/outputs) + sum(state ⊙ cotangent/state)."""
    with tf.Graph().as_default(), session() as run:
        tf.set_random_seed(SEED)  # for the cells' own initial values, which are written over
        inputs = tf.placeholder(tf.float32, [BATCH, STEPS, INPUT])
        lengths = tf.placeholder(tf.float32, [BATCH])
        outputs, state, initial = unroll(make(), inputs, tf.cast(lengths, tf.int32))
        results = {"outputs": outputs} | prefixed("state", state)
        variables = {short(v.name): v for v in tf.trainable_variables()}

        def shapes(tensors):
            return {name: tensor.shape.as_list() for name, tensor in tensors.items()}

        weights = draw.parameters(shapes(variables))
        given = draw.sequences(LENGTHS)
        given |= draw.initial({name: shape[1] for name, shape in shapes(initial).items()})
        cotangents = draw.cotangents(shapes(results))

        objective = tf.add_n(
            [tf.reduce_sum(results[n] * cotangents[f"cotangent/{n}"]) for n in results]
        )
        sources = {"inputs": inputs} | prefixed("initial", initial)
        wanted = variables | sources
        gradients = dict(zip(wanted, tf.gradients(objective, list(wanted.values()))))

        run.run([tf.assign(variables[name], weights[name]) for name in weights])
        feed = {tensor: given[name] for name, tensor in sources.items()}
        feed[lengths] = given["lengths"]
        results = run.run(results | prefixed("gradient", gradients), feed)
    return given | weights | cotangents | results


def files():
    arrays = {}
    for number, (name, make) in enumerate(CASES.items()):
        arrays |= prefixed(name, record(make, recording.Draw(SEED, number)))
    values = {"lengths": LENGTHS, "proj_clip": PROJ_CLIP, "cell_clip": CELL_CLIP, "forget_bias": 1.0}
    yield "tensorflow_cells.safetensors", arrays, values | {"seed": SEED}


if __name__ == "__main__":
    sys.exit(recording.main(__file__, __doc__.splitlines()[0], VERSIONS, files()))
