"""Layers on arrays: shapes, states, streams, gradients, and what is refused."""

import copy
import pickle

import numpy as np
import pytest

import elman

LAYERS = [
    elman.RNN(3, 5),
    elman.IndRNN(3, 5),
    elman.LSTM(3, 5, layers=2, projection=4, peepholes=True),
    elman.GRU(3, 5, layers=2, residual=True, reset="before"),
    elman.Stack(elman.LSTM(3, 4, layer_norm=True), elman.GRU(4, 6)),
]
BOTH = [elman.LSTM(3, 5, bidirectional=True), elman.GRU(3, 5, layers=2, bidirectional="sum")]


def inputs(rows=4, steps=6, width=3, seed=1):
    return np.random.default_rng(seed).uniform(-1, 1, (rows, steps, width)).astype(np.float32)


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_a_sequence_is_its_steps_and_a_stream_bit_for_bit(layer):
    x = inputs()
    outputs, last = layer(x)
    assert outputs.shape == (4, 6, layer.output) and outputs.dtype == np.float32
    state, streams = None, layer.streams(4)
    for t in range(6):
        output, state = layer.step(x[:, t], state)
        assert np.array_equal(output, outputs[:, t])
        assert np.array_equal(streams.step(x[:, t]), output)
    assert state == last and streams.state == last
    stream = layer.stream()
    for t in range(6):
        h = stream.step(x[2, t])
        assert h.shape == (layer.output,) and np.array_equal(h, outputs[2, t])


@pytest.mark.parametrize("layer", LAYERS + BOTH, ids=repr)
def test_lengths_lists_and_states(layer):
    x, lengths = inputs(), [6, 2, 0, 5]
    outputs, state = layer(x, lengths=lengths)
    for row, length in enumerate(lengths):
        assert not outputs[row, length:].any()
        alone, last = layer(x[row : row + 1, :length])
        assert np.array_equal(alone[0], outputs[row, :length])
        assert last == state.select([row])
    rows, of_list = layer([x[row, :length] for row, length in enumerate(lengths)])
    assert [len(row) for row in rows] == lengths and of_list == state
    assert all(np.array_equal(row, outputs[index, : len(row)]) for index, row in enumerate(rows))
    again, _ = layer(x, initial_state=state)
    assert not np.array_equal(again, outputs)


def test_a_sequence_in_two_pieces_is_the_whole():
    layer, x = elman.LSTM(3, 5), inputs()
    whole, last = layer(x)
    first, half = layer(x[:, :2])
    second, end = layer(x[:, 2:], initial_state=pickle.loads(pickle.dumps(half)))
    assert np.array_equal(np.concatenate([first, second], 1), whole) and end == last
    resets = np.zeros((4, 6), bool)
    resets[:, 2] = True
    third, _ = layer(x, resets=resets)
    assert np.array_equal(third[:, 2:], layer(x[:, 2:])[0])


@pytest.mark.parametrize("layer", LAYERS + BOTH, ids=repr)
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_gradients_are_central_differences(layer, threads):
    x = inputs(rows=40)
    random = np.random.default_rng(5)
    d_outputs = random.uniform(-1, 1, (40, 6, layer.output)).astype(np.float32)
    start = elman.State([(random.uniform(-1, 1, h.shape), random.uniform(-1, 1, c.shape)) for h, c in layer.zero_state(40)])

    def loss(x, start, of=layer):
        return float((of(x, initial_state=start)[0].astype(np.float64) * d_outputs).sum())

    tape = layer.record(x, initial_state=start, threads=threads)
    gradients = tape.backward(d_outputs)
    assert np.array_equal(tape.outputs, layer(x, initial_state=start)[0])
    assert gradients.inputs.shape == x.shape
    # The same once more: a tape may be carried back again.
    again = tape.backward(d_outputs)
    assert all(np.array_equal(again.arrays[name], array) for name, array in gradients.arrays.items())

    # h for f32: the cube root of its rounding, relative to inputs of about 1.
    step = 5e-3
    along = random.uniform(-1, 1, x.shape).astype(np.float32)
    slope = (loss(x + step * along, start) - loss(x - step * along, start)) / (2 * step)
    assert slope == pytest.approx(float((gradients.inputs * along).sum()), rel=2e-2, abs=2e-1)
    arrays, moved = layer.arrays(), copy.deepcopy(layer)
    along = {name: random.uniform(-1, 1, array.shape).astype(np.float32) for name, array in arrays.items()}
    losses = []
    for sign in (1, -1):
        moved.set_arrays({name: array + sign * step * along[name] for name, array in arrays.items()})
        losses.append(loss(x, start, moved))
    expected = sum(float((gradients.arrays[name] * along[name]).sum()) for name in arrays)
    assert (losses[0] - losses[1]) / (2 * step) == pytest.approx(expected, rel=2e-2, abs=4e-1)


def test_threads_change_no_bit():
    layer, x = elman.LSTM(3, 40), inputs(rows=70)
    d = np.ones((70, 6, 40), np.float32)
    found = [layer.record(x, threads=threads).backward(d) for threads in (1, 2, 5)]
    for other in found[1:]:
        assert all(np.array_equal(other.arrays[name], array) for name, array in found[0].arrays.items())
        assert np.array_equal(other.inputs, found[0].inputs)


def test_arrays_of_any_kind_are_taken_and_those_that_fit_are_not_copied():
    layer, x = elman.GRU(3, 5), inputs()
    expected = layer(x)[0]
    for other in (x.astype(np.float64), np.asfortranarray(x), x.tolist(), np.repeat(x, 2, axis=1)[:, ::2]):
        assert np.array_equal(layer(other)[0], expected)
    from elman._arrays import floats

    assert floats("x", x, 3) is x


def test_arrays_by_name_go_out_and_in():
    layer, other = elman.LSTM(3, 5), elman.LSTM(3, 5, seed=2)
    assert layer.arrays()["layers.0.kernel"].shape == (3, 20)
    assert not np.array_equal(layer(inputs())[0], other(inputs())[0])
    other.set_arrays(layer.arrays())
    assert np.array_equal(layer(inputs())[0], other(inputs())[0])
    with pytest.raises(ValueError, match="array is layers.0.bias missing"):
        other.set_arrays({name: array for name, array in layer.arrays().items() if name != "layers.0.bias"})
    with pytest.raises(ValueError, match=r"layers.0.bias has shape \[3\]; expected \[20\]"):
        other.set_arrays({**layer.arrays(), "layers.0.bias": np.zeros(3)})


@pytest.mark.parametrize("layer", LAYERS + BOTH, ids=repr)
def test_pickles_and_copies_give_the_same_bits(layer):
    for other in (pickle.loads(pickle.dumps(layer)), copy.deepcopy(layer)):
        assert np.array_equal(other(inputs())[0], layer(inputs())[0])


def test_a_stream_is_pickled_with_its_state():
    layer = elman.LSTM(3, 5)
    stream = layer.streams(2)
    for t in range(3):
        stream.step(inputs(2)[:, t])
    others = [pickle.loads(pickle.dumps(stream)), copy.copy(stream)]
    expected = stream.step(inputs(2)[:, 3])
    assert all(np.array_equal(other.step(inputs(2)[:, 3]), expected) for other in others)
    stream.reset(0)
    assert not stream.state.h[0].any() and stream.state.h[1].any()
    stream.reset()
    assert not stream.state.h.any()


def test_an_optimizer_trains_a_network():
    x = inputs(64, 6, 1)
    network = elman.RNN(1, 1)
    optimizer = elman.Optimizer(network, elman.Adam(0.02))
    losses = []
    for _ in range(60):
        tape = network.record(x)
        off = tape.outputs.copy()
        off[:, 0] = 0
        off[:, 1:] -= x[:, :-1]
        losses.append((off**2).mean())
        assert optimizer.step(tape.backward(2 * off / off.size)) == 0.02
    assert losses[-1] < 0.7 * losses[0]
    before = network.arrays()
    bad = {name: np.full_like(array, np.nan) for name, array in before.items()}
    with pytest.raises(ValueError, match="the gradient norm is NaN"):
        optimizer.step(bad)
    assert all(np.array_equal(network.arrays()[name], array) for name, array in before.items())


NAN = inputs()
NAN[1, 2, 0] = np.nan

REFUSED = [
    (lambda: elman.RNN(0, 5), "input is 0; expected a whole number, at least 1"),
    (lambda: elman.RNN(3, 2.5), "hidden is 2.5; expected a whole number"),
    (lambda: elman.LSTM(3, 99_999), "hidden_size is 99999; expected 1 to 16384"),
    (lambda: elman.LSTM(3, 5, zoneout=1.5), "zoneout is 1.5; expected at least 0 and below 1"),
    (lambda: elman.LSTM(3, 5, projection_clip=1.0), "projection_clip is not computed for lstm: it has no projection"),
    (lambda: elman.RNN(3, 5, activation="swish"), "unknown variant `swish`"),
    (lambda: elman.RNN(3, 5, init="zeros"), "init is 'zeros'|init is \"zeros\"; expected one of tf, keras, pytorch"),
    (lambda: elman.RNN(3, 5, bidirectional="min"), "unknown variant `min`"),
    (lambda: elman.Stack(elman.RNN(3, 5), elman.RNN(4, 5)), r"the input of layer 1 has shape \[4\]; expected \[5\]"),
    (lambda: elman.Stack(), "layers is 0; expected 1 to 64"),
    (lambda: elman.RNN(3, 5)(np.zeros((2, 6, 4))), r"xs has shape \[2, 6, 4\]; expected \[2, 6, 3\]"),
    (lambda: elman.RNN(3, 5)(np.zeros((2, 3))), r"x has 2 axes, shape \[2, 3\]; expected 3"),
    (lambda: elman.RNN(3, 5)("words"), "x: could not convert"),
    (lambda: elman.RNN(3, 5)(NAN), "feature 0 of step 2 of row 1 is NaN; expected a finite number"),
    (lambda: elman.RNN(3, 5)(inputs(), lengths=[1, 2]), r"sequence_length has shape \[2\]; expected \[4\]"),
    (lambda: elman.RNN(3, 5)(inputs(), lengths=[1, 2, 3, 9]), "sequence length 9 of row 3 exceeds the 6 steps"),
    (lambda: elman.RNN(3, 5)(inputs(), lengths=[1, 2, 3, -1]), "the length of row 3 is -1"),
    (lambda: elman.RNN(3, 5)(inputs(), lengths=[1.5, 2, 3, 1]), "lengths are float64"),
    (lambda: elman.RNN(3, 5)([inputs()[0], inputs(width=4)[0]]), r"the rows of x have \[3, 4\] features"),
    (lambda: elman.RNN(3, 5)(inputs(), initial_state=np.zeros((4, 5))), "initial_state is ndarray; expected an elman.State"),
    (lambda: elman.RNN(3, 5)(inputs(), initial_state=elman.RNN(3, 6).zero_state(4)), "h of cell 0 of initial_state"),
    (lambda: elman.RNN(3, 5)(inputs(), resets=np.zeros((4, 5), bool)), r"resets has shape \[4, 5\]; expected \[4, 6\]"),
    (lambda: elman.RNN(3, 5, tokens=4)(np.full((1, 2, 1), 4.0)), "step 0 of row 0 is 4; expected a token"),
    (lambda: BOTH[0].step(np.zeros((2, 3))), "reads its rows from their ends"),
    (lambda: BOTH[0].stream(), "a stream is not computed for lstm: the layer is bidirectional"),
    (lambda: elman.RNN(3, 5).streams(0), "rows is 0; expected at least 1 stream"),
    (lambda: elman.RNN(3, 5).stream().step(np.zeros(4)), r"the inputs of a step has shape \[4\]; expected \[3\]"),
    (lambda: elman.RNN(3, 5).streams(2).step(np.zeros(6)), r"the inputs of a step have shape \[6\]; expected \[2, I\]"),
    (lambda: elman.RNN(3, 5).stream().step([0, np.inf, 0]), "feature 1 of step 0 of row 0 is inf"),
    (lambda: elman.RNN(3, 5).record(inputs()).backward(), "neither d_outputs nor d_state"),
    (lambda: elman.RNN(3, 5).record(inputs()).backward(np.zeros((4, 6, 4))), r"d_outputs has shape \[4, 6, 4\]"),
    (lambda: elman.RNN(3, 5, dropout=0.1, layers=2).record(inputs(), truncate=2), "truncate is 2; expected with masks"),
    (lambda: elman.Adam(-1), "learning_rate is -1; expected"),
    (lambda: elman.schedule("linear"), "decay is 'linear'; expected one of constant"),
    (lambda: elman.State([]), "a state has no cells"),
]


@pytest.mark.parametrize("call, message", REFUSED, ids=[message[:40] for _, message in REFUSED])
def test_what_does_not_fit_is_refused_in_the_librarys_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_nothing_panics_whatever_it_is_given():
    """A panic would be no Exception, and end the test."""
    random = np.random.default_rng(1)
    layer = elman.LSTM(3, 5)
    stream = layer.stream()
    for _ in range(300):
        shape = tuple(random.integers(0, 4, random.integers(0, 5)))
        values = random.choice([0.0, 1.0, np.nan, np.inf, -1e38, 1e-40], shape)
        for call in (
            layer,
            layer.step,
            stream.step,
            lambda x: layer(x, lengths=x),
            lambda x: layer(inputs(), lengths=x),
            lambda x: layer(inputs(), resets=x),
            lambda x: layer.set_arrays({"layers.0.kernel": x}),
            lambda x: layer.record(inputs()).backward(x),
            lambda x: setattr(stream, "state", elman.State([(x, x)])),
        ):
            try:
                call(values)
            except (ValueError, TypeError):
                pass
