"""Forecasts of time series: from tables of pandas to tables of quantiles that continue them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from . import _core
from ._estimator import Estimator
from .layers import Init
from .model import Epoch, Head, Model
from .optimizers import Adam, Descent

__all__ = ["Forecaster"]


class Forecaster(Estimator):
    """Forecasts the values that follow time series, as quantiles of each of the next ``horizon`` steps.

    Args:
        horizon: Steps that are forecast.
        quantiles: Their levels, rising.
        target: The column to forecast. None: a Series; or a DataFrame each of whose columns is a series.
        time: The column of times, dates or numbers; None: the index.
        id: The column that tells several series apart.
        covariates: Columns that are read beside the target.
        known: Those of the covariates that are known ahead: :meth:`predict` asks for them.
        statics: Columns that say one thing of each series.
        context: Steps that are read; None: two seasons, or three horizons.
        season: Steps of a season; None: by the frequency.
        recipe: ``"auto"``: the network learns what differs from a base forecast, a mixture of exponential smoothings, and
            validation decides how much its answer counts and how wide the intervals are. ``"plain"``: the network alone.
        log: Whether logarithms are forecast; None: what suits the base forecast.
        non_negative: Whether no forecast is below 0; None: where the values touch 0 and none is below.
        integer: Whether forecasts are whole numbers.
        blend, adapt: How much of the network's answer counts, 0 to 1; by how much of their width the intervals move with each
            value that comes. None: by validation; 0.1.
        every: Of the windows of a series every n-th is learnt from.
        cell, hidden, layers, dropout: The network, as of :class:`elman.GRU`.
        epochs, batch_size, learning_rate, optimizer, patience: Of training.
        validation, test: Parts of the steps at the end, or numbers of steps, that are not learnt from. The best epoch is
            that by validation; the test is left untouched.
        callback, progress, init, random_state, threads: As of :class:`elman.SequenceClassifier`.

    Attributes:
        model_: The :class:`elman.Model`: ``elman forecast`` reads its file.
        history_: Lists of the figures of each epoch.

    Example:
        >>> import elman, numpy as np, pandas as pd
        >>> days = pd.date_range("2024-01-01", periods=200, freq="D")
        >>> sales = pd.Series(10 + np.sin(np.arange(200) * 2 * np.pi / 7), index=days, name="sales")
        >>> forecast = elman.Forecaster(horizon=7, hidden=16, epochs=10).fit(sales).predict()
        >>> forecast.index[0], forecast.shape, bool(abs(forecast[0.5] - 10).max() < 1.2)
        (Timestamp('2024-07-19 00:00:00'), (7, 9), True)
    """

    _nan = True

    def __init__(
        self,
        horizon: int = 24,
        *,
        quantiles: Sequence[float] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
        target: str | None = None,
        time: str | None = None,
        id: str | None = None,
        covariates: Sequence[str] = (),
        known: Sequence[str] = (),
        statics: Sequence[str] = (),
        context: int | None = None,
        season: int | None = None,
        recipe: Literal["auto", "plain"] = "auto",
        log: bool | None = None,
        non_negative: bool | None = None,
        integer: bool = False,
        blend: float | None = None,
        adapt: float | None = 0.1,
        every: int = 1,
        cell: Literal["rnn", "lstm", "gru", "indrnn"] = "gru",
        hidden: int = 32,
        layers: int = 1,
        dropout: float = 0.0,
        epochs: int = 30,
        batch_size: int = 32,
        learning_rate: float = 0.002,
        optimizer: Descent | None = None,
        validation: float = 0.15,
        test: float = 0,
        patience: int | None = 5,
        callback: Callable[[Epoch], bool | None] | None = None,
        progress: bool | None = None,
        init: Init = "tf",
        random_state: int = 111,
        threads: int = 0,
    ) -> None:
        self.horizon = horizon
        self.quantiles = quantiles
        self.target = target
        self.time = time
        self.id = id
        self.covariates = covariates
        self.known = known
        self.statics = statics
        self.context = context
        self.season = season
        self.recipe = recipe
        self.log = log
        self.non_negative = non_negative
        self.integer = integer
        self.blend = blend
        self.adapt = adapt
        self.every = every
        self.cell = cell
        self.hidden = hidden
        self.layers = layers
        self.dropout = dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.optimizer = optimizer
        self.validation = validation
        self.test = test
        self.patience = patience
        self.callback = callback
        self.progress = progress
        self.init = init
        self.random_state = random_state
        self.threads = threads

    def _descent(self) -> Descent:
        return Adam(self.learning_rate)

    def fit(self, X: Any, y: None = None) -> Forecaster:
        """Trains on series: a Series or DataFrame of pandas, or numbers ``[T]``.

        Raises:
            ValueError: If a column is not there, the times have no frequency, or the series are too short.
            elman.Error: If the loss leaves the finite numbers.
        """
        if self.recipe not in ("auto", "plain"):
            raise ValueError(f"recipe is {self.recipe!r}; expected auto or plain")
        for name in ("validation", "test"):
            part = getattr(self, name)
            if not (0 <= part < 1 or part == int(part) >= 1):
                raise ValueError(f"{name} is {part}; expected a part of the steps, from 0 to below 1, or a number of steps")
        table = self._table(X)
        levels = [float(level) for level in self.quantiles]
        series = _core.Series(
            table.bytes,
            table.target,
            table.time,
            id=table.id,
            covariates=[*self.covariates, *(name for name in self.known if name not in self.covariates)],
            known=list(self.known),
            statics=list(self.statics),
            horizon=self.horizon,
            context=self.context,
            season=self.season,
            validation=float(self.validation),
            test=float(self.test),
            levels=levels,
            relative=self.recipe == "auto",
            log=self.log,
            non_negative=self.non_negative,
            integer=self.integer,
        )
        train, held = series.data(self.every)
        head = Head.quantiles(levels, self.horizon)
        model = Model(self._network(series.input), head, init=self.init, seed=self.random_state)
        series.start(model._core)
        self._train(model, train, held, min(self.batch_size, len(train)))
        series.settle(model._core, self.blend, self.adapt, self.threads)
        self._history = table
        return self

    def predict(self, X: Any = None, *, future: Any = None) -> Any:
        """Quantiles of what follows, ``[horizon, Q]`` for each series.

        Args:
            X: A longer history, or another one of the same columns; None: that of :meth:`fit`.
            future: A table of the steps to forecast with the columns ``known``: times as in the history, and the id.

        Returns:
            A DataFrame with a column for each level, whose index continues that of the history; with several series, it has
            the id before the time.

        Raises:
            ValueError: If no series can be forecast, or what is known ahead is missing.
        """
        model = self._check_fitted()
        if self.known and future is None and X is None:
            raise ValueError(f"future is None; expected a table with {', '.join(self.known)} at the {self.horizon} steps to forecast")
        table = self._history if X is None else self._table(X)
        if future is not None:
            table = table.with_future(self._table(future, ahead=True))
        forecasts, _ = _core.forecast(model._core, table.bytes, self.threads)
        pandas = _pandas()
        parts, keys = [], []
        for key, times, quantiles in forecasts:
            index = table.index_of(times)
            parts.append(pandas.DataFrame(quantiles, index=index, columns=[float(level) for level in self.quantiles]))
            keys.append(table.ids.get(key, key))
        if table.id is None:
            return parts[0]
        return pandas.concat(parts, keys=keys, names=[table.id, table.time_name])

    def score(self, X: Any, y: None = None) -> float:
        """The mean pinball loss of the forecast from :meth:`fit`'s end, against the values that came, with its sign turned.

        Args:
            X: What followed the history of :meth:`fit`: as there, with the next ``horizon`` steps or some of them.
        """
        forecast = self.predict(future=X if self.known else None)
        came = self._table(X)
        keys = list(came.index_of(list(came.frame[came.time])))
        if came.id is not None:
            keys = list(zip([came.ids[str(value)] for value in came.frame[came.id]], keys))
        values = dict(zip(keys, came.frame[came.target]))
        found = np.array([[values.get(key, np.nan)] for key in forecast.index], dtype=np.float64)
        if np.isnan(found).all():
            raise ValueError(f"X has no value at the steps that are forecast, from {forecast.index[0]} on")
        levels = np.array([float(level) for level in self.quantiles])
        off = found - forecast.to_numpy()
        return -float(np.nanmean(np.where(off >= 0, levels * off, (levels - 1) * off)))

    def plot_forecast(self, axes: Any = None, *, history: int = 100) -> Any:
        """Draws the forecast behind the end of the (first) series, with matplotlib; returns the axes."""
        from .diagnosis import _axes

        axes = _axes(axes)
        forecast = self.predict()
        frame = self._history.frame
        if self._history.id is not None:
            first = forecast.index.get_level_values(0)[0]
            forecast = forecast.xs(first)
            frame = frame[frame[self._history.id].map(str) == str(first)]
        shown = frame.tail(history)
        axes.plot(self._history.index_of(list(shown[self._history.time])), shown[self._history.target], color="k")
        levels = list(forecast.columns)
        for low, high in zip(levels[: len(levels) // 2], reversed(levels)):
            axes.fill_between(forecast.index, forecast[low], forecast[high], alpha=0.15, color="C0", linewidth=0)
        axes.plot(forecast.index, forecast[levels[len(levels) // 2]], color="C0")
        axes.set(ylabel=self._history.target)
        return axes

    def _table(self, X: Any, ahead: bool = False) -> _Table:
        pandas = _pandas()
        if not isinstance(X, (pandas.Series, pandas.DataFrame)):
            values = np.asarray(X)
            if values.ndim != 1 or values.dtype.kind not in "iuf":
                raise ValueError(
                    f"the series are {values.dtype} with shape {list(values.shape)}; expected numbers [T], or a Series or "
                    "DataFrame of pandas"
                )
            X = pandas.Series(values, name="y")
        return _Table.of(X, self, ahead)


class _Table(NamedTuple):
    """Series as the reader of tables takes them: a line a step, with the time, the id, the target and what is beside it."""

    frame: Any
    target: str
    time: str
    #: None where there is one series.
    id: str | None
    #: The ids as they were given, by their text.
    ids: dict[str, Any]
    #: What the times were before they became text.
    kind: Any
    time_name: Any

    @classmethod
    def of(cls, given: Any, of: Forecaster, ahead: bool) -> _Table:
        pandas = _pandas()
        frame = given.to_frame(given.name if given.name is not None else "y") if isinstance(given, pandas.Series) else given
        if of.time is None:
            times, time_name = frame.index, frame.index.name
            frame = frame.reset_index(drop=True)
        else:
            _has(frame, [of.time], "time")
            times, time_name = pandas.Index(frame[of.time]), of.time
            frame = frame.drop(columns=of.time).reset_index(drop=True)
        if isinstance(times, pandas.MultiIndex):
            raise ValueError("the index has several levels; expected times alone, and the ids as a column that id= names")
        text, kind = _text(times)
        if of.target is None and of.id is None and not of.covariates and not of.known and not of.statics:
            wide = frame.shape[1] > 1
            ids = {str(column): column for column in frame.columns}
            target = "value" if wide else str(frame.columns[0])
            if wide:
                frame.columns = [str(column) for column in frame.columns]
                count = len(frame)
                frame = frame.melt(var_name="series", value_name="value")
                text = np.tile(text, len(frame) // max(count, 1))
            id: str | None = "series" if wide else None
            frame = frame if wide else frame.rename(columns={frame.columns[0]: target})
        else:
            id = of.id
            if of.target is None:
                raise ValueError("target is None; expected the column to forecast, for id, covariates, known or statics are named")
            target = of.target
            beside = [*of.covariates, *of.known, *of.statics]
            _has(frame, beside + ([id] if id else []) + ([] if ahead else [target]), "of the estimator")
            columns = list(dict.fromkeys([*([id] if id else []), target, *beside]))
            frame = frame.reindex(columns=columns)
            ids = {str(value): value for value in frame[id].unique()} if id else {}
        time = "time" if "time" not in frame.columns else "time of elman"
        columns = [time, *([id] if id else []), *(name for name in frame.columns if name != id)]
        frame = frame.assign(**{time: text})[columns]
        bad = [name for name in frame.columns if name not in (time, id, *of.statics) and frame[name].dtype.kind not in "iufb"]
        if bad:
            raise ValueError(f"column {bad[0]!r} is of {frame[bad[0]].dtype}; expected numbers")
        return cls(frame, target, time, id, ids, kind, time_name)

    @property
    def bytes(self) -> bytes:
        return bytes(self.frame.to_csv(index=False).encode("utf-8"))

    def with_future(self, future: _Table) -> _Table:
        """With lines behind, whose target is not known."""
        frame = future.frame.assign(**{self.target: np.nan})[list(self.frame.columns)]
        return self._replace(frame=_pandas().concat([self.frame, frame], ignore_index=True))

    def index_of(self, times: Sequence[Any]) -> Any:
        """Times in text as an index of the kind that was given."""
        pandas = _pandas()
        if self.kind == "number":
            return pandas.Index([int(time) for time in times], name=self.time_name)
        index = pandas.to_datetime(list(times))
        if isinstance(self.kind, tuple):
            return pandas.PeriodIndex(index, freq=self.kind[0], name=self.time_name)
        if self.kind is not None:
            index = index.tz_localize("UTC").tz_convert(self.kind)
        return pandas.DatetimeIndex(index, name=self.time_name)


def _has(frame: Any, names: Sequence[str], what: str) -> None:
    for name in names:
        if name not in frame.columns:
            raise ValueError(f"column {name!r} ({what}) is not there; expected one of {', '.join(map(str, frame.columns))}")


def _text(times: Any) -> tuple[Any, Any]:
    """Times as text, and what they were."""
    pandas = _pandas()
    if isinstance(times, pandas.PeriodIndex):
        text, _ = _text(times.to_timestamp())
        return text, (times.freqstr,)
    if times.dtype.kind in "iuf":
        numbers = times.to_numpy()
        if not (np.isfinite(numbers) & (numbers == np.round(numbers))).all():
            raise ValueError("the times are numbers with fractions; expected dates, or whole numbers")
        return np.array([str(int(number)) for number in numbers], dtype=object), "number"
    if times.dtype == object or str(times.dtype) in ("str", "string"):
        try:
            times = pandas.DatetimeIndex(pandas.to_datetime(times, format="ISO8601"))
        except (ValueError, TypeError) as error:
            raise ValueError(f"the times are no dates: {error}") from None
    if not isinstance(times, pandas.DatetimeIndex):
        raise ValueError(f"the times are of {times.dtype}; expected dates or numbers")
    if times.hasnans:
        raise ValueError("a time is missing; expected one in each row")
    zone = times.tz
    plain = times if zone is None else times.tz_convert("UTC").tz_localize(None)
    days = bool((plain == plain.normalize()).all())
    form = "%Y-%m-%d" if days else "%Y-%m-%dT%H:%M:%S" if not plain.microsecond.any() else "%Y-%m-%dT%H:%M:%S.%f"
    return np.asarray(plain.strftime(form), dtype=object), zone


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise ImportError("elman.Forecaster needs pandas: pip install pandas") from None
    return pandas
