"""Whatever is given, what comes back is a result or an exception of Python: no panic of Rust crosses the border."""

import numpy as np
import pytest

import elman
from elman import _core

hypothesis = pytest.importorskip("hypothesis")
from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from hypothesis.extra import numpy as arrays  # noqa: E402

MANY = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)

#: What a call may raise. A panic is a `pyo3_runtime.PanicException`, which is none of them and passes through.
KNOWN = (ValueError, TypeError, OverflowError, OSError, elman.Error, AttributeError, IndexError, KeyError, RuntimeError)

numbers = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 70), st.sampled_from([2**31, 2**63, -(2**63), 10**30]), st.text(max_size=4),
    st.floats(), st.sampled_from(["mask", "mean", "tf", "keras", "last-state", "every-step", "gru"]), st.binary(max_size=6),
)  # fmt: skip
any_array = arrays.arrays(
    dtype=st.sampled_from([np.float32, np.float64, np.int64, np.int8, np.bool_]),
    shape=arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
)
fitting = arrays.arrays(np.float32, st.tuples(st.integers(0, 4), st.integers(0, 5), st.just(3)))
labels = arrays.arrays(np.int64, st.integers(0, 4), elements=st.integers(-1, 5))
things = st.one_of(numbers, any_array, fitting, labels, st.lists(any_array, max_size=3), st.lists(numbers, max_size=3))


def survives(call, *given_, **named):
    """The result, or None where it is refused."""
    try:
        return call(*given_, **named)
    except KNOWN:
        return None


NETWORK = elman.GRU(3, 4)
MODEL = elman.Model(NETWORK, 2)
VALUES = elman.Model(elman.RNN(3, 4), elman.Head.values(2))


@MANY
@given(things, things, things)
def test_layers(x, lengths, state):
    survives(NETWORK, x, lengths=lengths, initial_state=state)
    survives(NETWORK.step, x)
    tape = survives(NETWORK.record, x)
    if tape is not None:
        survives(tape.backward, lengths)
    survives(NETWORK.stream().step, x)
    survives(NETWORK.streams(2).step, x)
    survives(NETWORK.set_arrays, {"layers.0.kernel": x} if isinstance(x, np.ndarray) else {})
    survives(elman.State, [(x, lengths)])


@MANY
@given(st.lists(numbers, min_size=2, max_size=4), st.dictionaries(st.sampled_from(
    ["layers", "dropout", "bidirectional", "init", "seed", "activation", "tokens", "merge", "residual", "zoneout"]
), numbers, max_size=3))  # fmt: skip
def test_sizes_and_options(sizes, options):
    for kind in (elman.RNN, elman.LSTM, elman.GRU, elman.IndRNN):
        if all(isinstance(size, (int, type(None))) and (size or 0) > 1000 for size in sizes[:2]):
            continue
        survives(kind, *sizes[:2], **options)
    survives(elman.Head.classes, sizes[0])
    survives(elman.Head.values, sizes[0])
    survives(elman.Head.quantiles, sizes[:2], sizes[-1])
    for optimizer in (elman.Adam, elman.Sgd, elman.RmsProp, elman.Adagrad, elman.AdamW, elman.Rprop):
        survives(optimizer, sizes[0])
    survives(elman.set_num_threads, sizes[0] if not isinstance(sizes[0], int) or sizes[0] < 8 else 1)
    elman.set_num_threads(1)


@MANY
@given(things, things, things)
def test_models_and_training(x, y, lengths):
    for model in (MODEL, VALUES):
        survives(model.predict, x, lengths=lengths)
        survives(model.evaluate, x, y, lengths=lengths)
        survives(elman.diagnose, model, x, y, lengths=lengths)
        trainer = elman.Trainer(model, batch_size=2)
        survives(lambda: list(trainer.fit(x, y, lengths=lengths, epochs=1)))
        survives(lambda: list(trainer.fit(x, y, epochs=1, window=2)))


@MANY
@given(things, things, numbers)
def test_estimators(x, y, setting):
    quick = {"hidden": 4, "epochs": 1}
    for estimator in (elman.SequenceClassifier(**quick), elman.SequenceRegressor(**quick)):
        fitted = survives(estimator.fit, x, y)
        if fitted is not None:
            survives(fitted.predict, x)
            survives(fitted.score, x, y)
        survives(estimator.set_params(missing=setting, validation=setting).fit, x, y)
    survives(elman.TextModel("gru", layers=1, **quick).fit, x)
    survives(elman.TextModel("gru", layers=1, sequence_length=2, batch_size=2, **quick).fit, x)


@MANY
@given(things, numbers, st.text(max_size=200))
def test_series_and_texts(x, setting, text):
    pytest.importorskip("pandas")
    forecaster = elman.Forecaster(2, hidden=4, epochs=1)
    survives(forecaster.fit, x)
    survives(elman.Forecaster(setting, hidden=4, epochs=1).fit, np.arange(20.0))
    model = survives(elman.TextModel("gru", hidden=4, layers=1, epochs=1, sequence_length=2, batch_size=2).fit, text)
    if model is not None:
        survives(model.sample, 3, prompt=text[:3], temperature=setting)
        survives(model.sample, 3, top_k=setting)
        survives(model.perplexity, text)
    survives(_core.encode, text, b"a")
    survives(_core.vocabulary, text)
    survives(_core.Data.of_sequences, np.zeros((3, 2), np.float32), [0, 9], [0], ["a"])


@MANY
@given(st.binary(max_size=300), st.sampled_from([".safetensors", ".pt", ".keras", ".onnx", ".npz", ".h5", ".index", ""]))
def test_files(data, ending):
    import pathlib
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / f"a{ending}"
        path.write_bytes(data)
        survives(elman.load, path)
        survives(elman.convert, path, pathlib.Path(folder) / "b.safetensors")


@MANY
@given(st.recursive(st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=5)), lambda inner: st.one_of(
    st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["layers", "cell", "hidden", "input", "classes"]), inner)
), max_leaves=6))  # fmt: skip
def test_descriptions(described):
    import json

    text = json.dumps(described)
    survives(_core.Network, text, "tf", 1)
    survives(_core.Model, text, text, "tf", 1)
    survives(_core.Model.of_config, text, {})
    survives(MODEL.__class__._of(_core.Model.of_config(MODEL._core.config(), MODEL.arrays()))._core.set_meaning, text)
    survives(_core.check_optimizer, text)
