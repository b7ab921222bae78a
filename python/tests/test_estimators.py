"""Forecasts and texts, and what all estimators share."""

import pickle

import numpy as np
import pytest

import elman

pandas = pytest.importorskip("pandas")


def wave(steps=120, level=10.0):
    return level + np.sin(np.arange(steps) * 2 * np.pi / 7)


def quick(horizon=7, **settings):
    return elman.Forecaster(horizon, hidden=8, epochs=2, **settings)


@pytest.mark.parametrize(
    "index",
    [
        pandas.date_range("2024-01-01", periods=120, freq="D", name="day"),
        pandas.date_range("2024-01-01", periods=120, freq="h"),
        pandas.date_range("2024-01-31", periods=120, freq="ME") if hasattr(pandas.offsets, "MonthEnd") else None,
        pandas.date_range("2024-01-01", periods=120, freq="h", tz="Europe/Berlin"),
        pandas.period_range("2001-01", periods=120, freq="M"),
        pandas.RangeIndex(120),
        pandas.Index(np.arange(120) * 5.0 + 3),
    ],
    ids=["days", "hours", "month-ends", "zone", "periods", "numbers", "fives"],
)
def test_a_forecast_continues_the_index(index):
    whole = pandas.Series(wave(), index=index, name="sales")
    model = quick().fit(whole[:113])
    forecast = model.predict()
    assert list(forecast.index) == list(index[113:])
    assert type(forecast.index) is type(index) or index.dtype.kind in "if"
    assert forecast.index.name == index.name and forecast.columns.tolist() == pytest.approx(list(model.quantiles))
    assert (np.diff(forecast.to_numpy(), axis=1) >= 0).all()
    # What came: the score is of the forecast behind the end of the fit.
    off = whole[113:].to_numpy()[:, None] - forecast.to_numpy()
    levels = np.array(model.quantiles)
    assert model.score(whole[113:]) == pytest.approx(-np.maximum(levels * off, (levels - 1) * off).mean())
    # A longer history.
    assert model.predict(whole).index[0] > index[-1]


def test_several_series_in_both_forms():
    days = pandas.date_range("2024-01-01", periods=120, freq="D")
    wide = pandas.DataFrame({"a": wave(), 7: 3 * wave()}, index=days)
    forecast = quick().fit(wide).predict()
    assert forecast.index.names == ["series", None] and set(forecast.index.get_level_values(0)) == {"a", 7}
    assert forecast.loc[7].shape == (7, 9)

    long = pandas.DataFrame({"day": list(days) * 2, "shop": [1] * 120 + [2] * 120, "y": np.r_[wave(), 3 * wave()]})
    model = quick(target="y", time="day", id="shop").fit(long)
    again = model.predict()
    assert again.index.names == ["shop", "day"]
    assert np.allclose(again.to_numpy(), forecast.to_numpy(), rtol=0.05)
    assert model.score(long.assign(day=long["day"] + pandas.Timedelta(days=120))) < 0


def test_what_is_known_ahead():
    days = pandas.date_range("2024-01-01", periods=127, freq="D")
    promo = (np.arange(127) % 5 == 0).astype(float)
    frame = pandas.DataFrame({"y": 10 + 5 * promo, "promo": promo}, index=days)
    model = quick(target="y", known=["promo"]).fit(frame[:120])
    forecast = model.predict(future=frame[["promo"]][120:])
    assert list(forecast.index) == list(days[120:])
    assert model.score(frame[120:]) <= 0
    with pytest.raises(ValueError, match="future is None; expected a table with promo"):
        model.predict()
    with pytest.raises(ValueError, match="promo"):
        model.predict(future=frame[["promo"]][120:123])


def test_a_forecaster_by_the_conventions():
    series = pandas.Series(wave())
    model = quick(validation=0.2, random_state=3).fit(series)
    assert repr(model) == "Forecaster(horizon=7, hidden=8, epochs=2, validation=0.2, random_state=3)"
    other = pickle.loads(pickle.dumps(model))
    assert other.predict().equals(model.predict())
    assert model.set_params(horizon=3).get_params()["horizon"] == 3
    assert not quick(3).fit(series).predict().equals(quick(3, recipe="plain").fit(series).predict())
    assert (quick(3, integer=True).fit(series).predict() % 1 == 0).all(axis=None)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: quick().fit(np.zeros((3, 3))), r"shape \[3, 3\]; expected numbers \[T\]"),
        (lambda: quick().fit(pandas.Series(["a", "b"])), "column 'y' is of"),
        (lambda: quick(target="z").fit(pandas.DataFrame({"y": wave()})), "column 'z' .* is not there; expected one of y"),
        (lambda: quick(id="z").fit(pandas.DataFrame({"y": wave()})), "target is None"),
        (lambda: quick(recipe="best").fit(pandas.Series(wave())), "recipe is 'best'; expected auto or plain"),
        (lambda: quick(validation=-1).fit(pandas.Series(wave())), "validation is -1; expected a part"),
        (lambda: quick(quantiles=[0.9, 0.1]).fit(pandas.Series(wave())), "rising"),
        (lambda: quick(horizon=0).fit(pandas.Series(wave())), "horizon"),
        (lambda: quick(1, validation=0.1).fit(pandas.Series([1.0, 2.0, 3.0])), "validation has no step of 3"),
        (lambda: quick().fit(pandas.Series([1.0, 2.0])), "expected at least 3: the frequency"),
        (lambda: quick().fit(pandas.Series(wave(), index=np.arange(120) / 2)), "numbers with fractions"),
        (lambda: quick().fit(pandas.Series(wave(3), index=["a", "b", "c"])), "the times are no dates"),
        (lambda: quick().fit(pandas.Series(wave())).predict(pandas.Series([1.0] * 3 + [np.nan] * 50)), "no series can be forecast"),
        (lambda: quick().fit(pandas.Series(wave())).score(pandas.Series(wave())), "X has no value at the steps"),
        (lambda: quick().predict(), "this Forecaster is not fitted yet"),
    ],
)
def test_what_cannot_be_forecast_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


TEXT = "so it goes and " * 40


def writer(**settings):
    settings = {"hidden": 16, "layers": 1, "sequence_length": 10, "epochs": 3, "learning_rate": 0.02, **settings}
    return elman.TextModel("gru", **settings)


def test_a_text_is_learnt_and_written():
    model = writer(epochs=60).fit(TEXT)
    assert model.sample(9, prompt="so it ", temperature=0) == "goes and "
    assert model.perplexity(TEXT) < 1.5 and model.score(TEXT) == pytest.approx(-np.log(model.perplexity(TEXT)))
    assert model.bits(TEXT) == pytest.approx(np.log2(model.perplexity(TEXT)))
    stream = model.stream(prompt="so it ", temperature=0)
    assert "".join(next(stream) for _ in range(9)) == "goes and "
    first, second = model.sample(30, samples=2, seed=5)
    assert first == model.sample(30, seed=5) and second == model.sample(30, seed=6) != first
    other = pickle.loads(pickle.dumps(model))
    assert other.sample(30, seed=5) == first
    assert elman.TextModel().get_params()["sequence_length"] == 50


def test_bytes_and_characters():
    model = writer(unit="byte").fit(bytes(range(256)) * 3)
    assert isinstance(model.sample(5), bytes) and model.model_.config["head"]["classes"] == 256
    assert len(writer().fit("äöü €" * 40).sample(7)) == 7


def test_a_text_stops_by_validation():
    model = writer(epochs=40, patience=2, validation=0.3).fit("".join(map(chr, np.random.default_rng(1).integers(97, 123, 900))))
    losses = model.history_["validation_loss"]
    assert len(losses) < 40 and int(np.argmin(losses)) == len(losses) - 3


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: writer().fit(3), "the text is int; expected str or bytes"),
        (lambda: writer().fit("aaaa" * 99), "at least 2|distinct characters"),
        (lambda: writer().fit("ab"), "the text to train on has 1 characters; expected at least 11"),
        (lambda: writer(unit="word").fit(TEXT), "unit is 'word'"),
        (lambda: writer(validation=1.0).fit(TEXT), "validation is 1.0"),
        (lambda: writer().fit(b"\xff\xfe" * 99), "the text is not UTF-8"),
        (lambda: writer().fit(TEXT).sample(3, prompt="Z"), "Z"),
        (lambda: writer().fit(TEXT).sample(3, temperature=-1.0), "temperature"),
        (lambda: writer().fit(TEXT).sample(3, top_p=2.0), "top_p"),
        (lambda: writer().fit(TEXT).perplexity("s"), "1 characters to read; expected 2"),
        (lambda: writer().sample(3), "this TextModel is not fitted yet"),
    ],
)
def test_what_is_no_text_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_progress_is_silent_unless_it_is_wanted(capfd):
    pytest.importorskip("tqdm")
    x = np.random.default_rng(1).uniform(-1, 1, (40, 6, 1)).astype(np.float32)
    elman.SequenceClassifier(hidden=4, epochs=3).fit(x, np.arange(40) % 2)
    assert capfd.readouterr() == ("", "")
    elman.SequenceClassifier(hidden=4, epochs=3, progress=True).fit(x, np.arange(40) % 2)
    assert "/3 [" in capfd.readouterr().err
    elman.SequenceClassifier(hidden=4, epochs=3, progress=False).fit(x, np.arange(40) % 2)
    assert capfd.readouterr() == ("", "")
