"""Models, their training, the estimators and the data sets."""

import copy
import pickle
import signal
import threading

import numpy as np
import pytest

import elman


def task(rows=256, steps=5, seed=1):
    """Is the sum of a sequence above 0?"""
    x = np.random.default_rng(seed).uniform(-1, 1, (rows, steps, 1)).astype(np.float32)
    return x, (x.sum((1, 2)) > 0).astype(np.int64)


def trained(threads=1, epochs=15):
    model = elman.Model(elman.RNN(1, 16), 2)
    trainer = elman.Trainer(model, elman.Adam(0.02), batch_size=32, threads=threads)
    return model, list(trainer.fit(*task(), epochs=epochs))


def test_training_is_an_iterator_and_learns():
    model, epochs = trained()
    assert [epoch.epoch for epoch in epochs] == list(range(1, 16))
    x, y = task()
    assert model.evaluate(x, y).accuracy > 0.95
    probabilities = model.predict(x)
    assert probabilities.shape == (256, 2) and np.allclose(probabilities.sum(1), 1, atol=1e-6)
    assert (probabilities.argmax(1) == y).mean() == model.evaluate(x, y).accuracy


def test_the_model_follows_its_trainer():
    model = elman.Model(elman.RNN(1, 16), 2)
    before = model.arrays()
    trainer = elman.Trainer(model, elman.Sgd(0.1), batch_size=None)
    epochs = trainer.fit(*task(), epochs=2)
    assert np.array_equal(model.arrays()["layers.0.kernel"], before["layers.0.kernel"])
    next(epochs)
    assert not np.array_equal(model.arrays()["layers.0.kernel"], before["layers.0.kernel"])
    assert trainer.steps_done == 1
    next(epochs)
    assert next(epochs, None) is None


def test_threads_change_no_bit():
    one, two = trained(1)[0].arrays(), trained(2)[0].arrays()
    assert all(np.array_equal(one[name], two[name]) for name in one)


def test_files_pickles_and_copies_keep_every_bit(tmp_path):
    model, _ = trained(epochs=1)
    model.save(tmp_path / "model.safetensors")
    x, _ = task()
    others = [elman.load(tmp_path), elman.load(tmp_path / "model.safetensors"), pickle.loads(pickle.dumps(model)), copy.copy(model)]
    for other in others:
        assert other.config == model.config and np.array_equal(other.predict(x), model.predict(x))
    others[-1].set_arrays({name: 0 * array for name, array in model.arrays().items()})
    assert np.allclose(others[-1].predict(x), 0.5) and not np.allclose(model.predict(x), 0.5)
    with pytest.raises(FileNotFoundError, match="cannot read .*no such file|cannot read .*No such file"):
        elman.load(tmp_path / "absent.safetensors")
    (tmp_path / "other.safetensors").write_bytes(b"nothing")
    with pytest.raises(elman.Error, match="it is text, which no model is made of"):
        elman.load(tmp_path / "other.safetensors")


def test_a_stream_answers_as_the_model_and_pickles():
    model, _ = trained(epochs=1)
    x, _ = task()
    expected = model.predict(x)
    stream = model.stream()
    for t in range(5):
        if t == 3:
            state = stream.state
            stream = pickle.loads(pickle.dumps(stream))
            assert stream.state == state
        answer = stream.step(x[0, t])
    assert np.array_equal(answer, expected[0])
    streams = model.streams(3)
    for t in range(5):
        answers = streams.step(x[:3, t])
    assert np.array_equal(answers, expected[:3])
    with pytest.raises(elman.Error, match="cannot take up the state"):
        elman.Model(elman.RNN(1, 16), 2, seed=2).stream().state = stream.state


def test_every_head():
    x = np.random.default_rng(1).uniform(-1, 1, (40, 6, 3)).astype(np.float32)
    lengths = np.arange(40) % 6 + 1
    layer = elman.GRU(3, 8)
    rows = [
        (elman.Head.classes(3, reads="mean", hidden=[(4, "relu")]), np.arange(40) % 3, (40, 3)),
        (elman.Head.values(2), x[:, 0, :2], (40, 2)),
        (elman.Head.values(1, sigmoid=True, reads="max"), (x[:, 0, 0] > 0).astype(np.float32), (40, 1)),
        (elman.Head.quantiles([0.1, 0.5, 0.9], 2), x[:, 0, :2], (40, 2, 3)),
    ]
    for head, y, shape in rows:
        model = elman.Model(layer, head)
        list(elman.Trainer(model, batch_size=8).fit(x, y, lengths=lengths, epochs=1))
        assert model.predict(x, lengths=lengths).shape == shape
        assert np.array_equal(model.predict([row[:n] for row, n in zip(x, lengths)]), model.predict(x, lengths=lengths))
    for head, y in (
        (elman.Head.classes(3, reads="every-step"), np.zeros((40, 6), np.int64)),
        (elman.Head.values(2, reads="every-step"), x[:, :, :2]),
    ):
        model = elman.Model([elman.LSTM(3, 8), elman.GRU(8, 4)], head)
        list(elman.Trainer(model, batch_size=8).fit(x, y, lengths=lengths, epochs=1))
        answers = model.predict(x, lengths=lengths)
        assert [len(answer) for answer in answers] == lengths.tolist()
    list(elman.Trainer(model).fit(x, x[:, :, :2], window=3, epochs=2))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: elman.Model(elman.RNN(1, 4), 1), "the number of classes is 1; expected 2 to 65536"),
        (lambda: elman.Model(elman.RNN(1, 4), elman.Head.quantiles([0.5, 0.1], 2)), "levels between 0 and 1, rising"),
        (lambda: elman.Model([elman.RNN(1, 4), 3], 2), "layer 1 is int; expected an elman.RNN"),
        (lambda: elman.Trainer(elman.Model(elman.RNN(1, 4), 2), batch_size=999).fit(*task()), "batch_size is 999"),
        (lambda: elman.Trainer(elman.Model(elman.RNN(1, 4), 2)).fit(task()[0], task()[1][:9]), "labels has shape"),
        (lambda: elman.Trainer(elman.Model(elman.RNN(1, 4), 2)).fit(task()[0], task()[1] - 1), "a label is -1"),
        (lambda: elman.Trainer(elman.Model(elman.RNN(1, 4), 2)).fit(task()[0], task()[1] + 1), "label 2 of row"),
        (lambda: elman.Trainer(elman.Model(elman.RNN(2, 4), 2)).fit(*task()), "has shape"),
        (lambda: elman.Trainer(elman.Model(elman.RNN(1, 4), 2)).fit(task()[0], ["a"] * 256), "y is of <U1"),
        (lambda: elman.Model(elman.RNN(1, 4), 2).predict(np.full((1, 2, 1), np.nan)), "is NaN; expected a finite"),
        (lambda: elman.SequenceClassifier(cell="mamba").fit(*task()), "cell is 'mamba'; expected one of rnn"),
        (lambda: elman.SequenceClassifier().fit(task()[0], np.zeros(256)), "y has 1 classes; expected at least 2"),
        (lambda: elman.SequenceClassifier().fit(task()[0], [1, 2]), r"y has shape \[2\]; expected \[256\]"),
        (lambda: elman.SequenceClassifier(validation=2.0).fit(*task()), "validation is 2.0; expected a part"),
        (lambda: elman.SequenceClassifier().predict(task()[0]), "this SequenceClassifier is not fitted yet"),
        (lambda: elman.SequenceClassifier().set_params(units=3), "units is no parameter of SequenceClassifier"),
        (lambda: elman.SequenceRegressor().fit(task()[0], [np.nan] * 256), "y has NaN"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_loss_that_leaves_the_numbers_is_an_error_and_keeps_the_weights():
    x, _ = task()
    model = elman.Model(elman.RNN(1, 4, activation="linear"), elman.Head.values(1))
    with pytest.raises(elman.Error, match="Try a smaller learning rate"):
        list(elman.Trainer(model, elman.Sgd(1e9), batch_size=8).fit(x, x.sum(1), epochs=20))
    assert all(np.isfinite(array).all() for array in model.arrays().values())


def test_ctrl_c_ends_training_after_the_running_step():
    import _thread

    # What runs in the background ignores the signal from its start.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    x, y = task(4096)
    model = elman.Model(elman.RNN(1, 16), 2)
    trainer = elman.Trainer(model, elman.Sgd(1e-3), batch_size=32)
    timer = threading.Timer(0.2, _thread.interrupt_main)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            list(trainer.fit(x, y, epochs=5_000))
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
    assert 0 < trainer.steps_done


def test_other_threads_run_while_one_computes():
    x, y = task(4096, 20)
    trainer = elman.Trainer(elman.Model(elman.LSTM(1, 64), 2), batch_size=4096)
    epochs, ticks = trainer.fit(x, y, epochs=1), []
    running = threading.Event()

    def train():
        running.set()
        list(epochs)

    thread = threading.Thread(target=train)
    thread.start()
    running.wait()
    while thread.is_alive():
        ticks.append(None)
        thread.join(0.001)
    # One step takes far longer than this; with the lock held there would be none.
    assert len(ticks) > 5


def test_calls_side_by_side_give_the_same_bits():
    layer = elman.GRU(3, 33)
    x = np.random.default_rng(1).uniform(-1, 1, (70, 6, 3)).astype(np.float32)
    expected, wrong = layer(x)[0], []

    def work():
        for _ in range(30):
            if not np.array_equal(layer(x, threads=2)[0], expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert not wrong


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="there is no fork here")
def test_a_fork_after_use_works():
    import os

    layer, (x, y) = elman.RNN(1, 16), task()
    model = elman.Model(layer, 2)
    expected, probabilities = layer(x, threads=2)[0], model.predict(x, threads=2)
    child = os.fork()
    if child == 0:
        try:
            same = np.array_equal(layer(x, threads=2)[0], expected)
            same &= np.array_equal(model.predict(x, threads=2), probabilities)
            list(elman.Trainer(model, batch_size=32, threads=2).fit(x, y))
        finally:
            os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_memory_is_given_back():
    resource = pytest.importorskip("resource")
    x, y = task(64)

    def train(times):
        for seed in range(times):
            model = elman.Model(elman.LSTM(1, 64), 2, seed=seed)
            list(elman.Trainer(model, batch_size=32).fit(x, y, epochs=1))
            tape = elman.LSTM(1, 64).record(x)
            tape.backward(tape.outputs)

    train(20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    train(200)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    # A model with its trainer takes about 1 MB: 200 of them would show.
    assert grown < 30_000, f"{grown} KB"


def test_a_classifier_by_the_conventions():
    sklearn = pytest.importorskip("sklearn")
    from sklearn.base import clone
    from sklearn.model_selection import GridSearchCV, cross_val_score

    x, y = task()
    names = np.where(y == 1, "above", "below")
    classifier = elman.SequenceClassifier("rnn", hidden=8, epochs=8, learning_rate=0.02)
    assert clone(classifier).get_params() == classifier.get_params()
    assert repr(classifier) == "SequenceClassifier(cell='rnn', hidden=8, epochs=8, learning_rate=0.02)"
    classifier.fit(x, names)
    assert classifier.score(x, names) > 0.9 and classifier.classes_.tolist() == ["above", "below"]
    assert set(classifier.predict(x)) == {"above", "below"}
    assert np.allclose(classifier.predict_proba(x).sum(1), 1, atol=1e-6)
    again = clone(classifier).fit(x, names)
    assert np.array_equal(again.predict_proba(x), classifier.predict_proba(x))
    other = pickle.loads(pickle.dumps(classifier))
    assert np.array_equal(other.predict_proba(x), classifier.predict_proba(x))
    assert cross_val_score(clone(classifier), x, y, cv=2).min() > 0.8
    search = GridSearchCV(elman.SequenceClassifier("rnn", epochs=2), {"hidden": [4, 8]}, cv=2, n_jobs=2).fit(x, y)
    assert search.best_params_["hidden"] in (4, 8)
    assert sklearn.utils.get_tags(classifier).estimator_type == "classifier"


def test_a_classifiers_validation_lists_and_gaps():
    x, y = task()
    rows = [row[: 3 + index % 3] for index, row in enumerate(x)]
    rows[0] = np.full((3, 1), np.nan, np.float32)
    seen = []
    classifier = elman.SequenceClassifier(
        hidden=8, epochs=6, learning_rate=0.02, validation=0.25, patience=6, callback=seen.append
    ).fit(rows, y)
    history = classifier.history_
    assert len(seen) == len(history["loss"]) == len(history["validation_loss"]) <= 6
    best = int(np.argmin(history["validation_loss"]))
    # The weights are those of the best epoch: a training that ends there gives the same.
    ended = elman.SequenceClassifier(hidden=8, epochs=best + 1, learning_rate=0.02, validation=0.25).fit(rows, y)
    again = ended.predict_proba(rows)
    assert np.array_equal(classifier.predict_proba(rows), again) and best + 1 < len(history["loss"])
    pair = elman.SequenceClassifier(hidden=8, epochs=2, validation=(rows, y), callback=lambda _: False).fit(rows, y)
    assert len(pair.history_["loss"]) == 1


def test_a_classifiers_model_is_the_commands(tmp_path):
    x, y = task()
    classifier = elman.SequenceClassifier(hidden=8, epochs=1).fit(x, np.where(y == 1, "above", "below"))
    classifier.model_.save(tmp_path / "model.safetensors")
    meaning = elman.load(tmp_path).config["job"]
    assert meaning["classes"] == ["above", "below"] and meaning["features"] == ["feature_0"]


def test_a_regressor():
    x = np.random.default_rng(1).uniform(size=(200, 6, 2))
    y = 100 + 10 * x[:, :, 0].mean(1)
    regressor = elman.SequenceRegressor(hidden=16, epochs=30, validation=0.2).fit(x, y)
    assert regressor.predict(x).shape == (200,) and regressor.score(x, y) > 0.9
    both = elman.SequenceRegressor(hidden=8, epochs=1).fit(x, np.stack([y, -y], 1))
    assert both.predict(x).shape == (200, 2)
    other = pickle.loads(pickle.dumps(regressor))
    assert np.array_equal(other.predict(x), regressor.predict(x))


def test_the_data_sets():
    train, validation, test = elman.datasets.mnist()
    assert train.x.shape == (55_000, 28, 28) and validation.x.shape == (5_000, 28, 28) and test.y.shape == (10_000,)
    assert train.x.dtype == np.float32 and 0 <= train.x.min() and train.x.max() == 1
    train, test = elman.datasets.japanese_vowels()
    assert len(train.x) == len(train.y) == 270 and test.x[0].shape[1] == 12 and len(set(test.y)) == 9
