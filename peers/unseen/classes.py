"""Baselines for classes and for numbers, on the same files that elman reads."""

import time

import numpy as np


def read(path, regress=False):
    """Sequences as a list of [I, T] and their labels."""
    from aeon.datasets import load_from_ts_file

    x, y = load_from_ts_file(str(path))
    rows = [np.nan_to_num(np.asarray(row, dtype=float)) for row in x]
    return rows, y.astype(float) if regress else y


def equal(rows, steps):
    """[N, I, T]: cut, or filled with the last value."""
    def one(row):
        short = steps - row.shape[1]
        return row[:, :steps] if short <= 0 else np.pad(row, ((0, 0), (0, short)), mode="edge")

    return np.stack([one(row) for row in rows])


def nearest(train, test, dtw):
    """For each of the test the nearest in training: by Euclid, or DTW within a tenth of the steps."""
    if not dtw:
        steps = max(row.shape[1] for row in train)
        a, b = equal(train, steps).reshape(len(train), -1), equal(test, steps).reshape(len(test), -1)
        return np.array([np.argmin(((a - row) ** 2).sum(1)) for row in b])
    from aeon.distances import dtw_distance

    return np.array([np.argmin([dtw_distance(row, other, window=0.1) for other in train]) for row in test])


def answers(train, labels, test, regress=False, slow=True):
    """{baseline: (answers, seconds)}"""
    from aeon.classification.convolution_based import MiniRocketClassifier
    from aeon.regression.convolution_based import MiniRocketRegressor

    found = {}
    timed = lambda name, of: found.update({name: of_timed(of)})
    if regress:
        timed("mean", lambda: np.full(len(test), labels.mean()))
    else:
        names, counts = np.unique(labels, return_counts=True)
        timed("largest class", lambda: np.full(len(test), names[np.argmax(counts)]))
    timed("1-NN Euclid", lambda: labels[nearest(train, test, False)])
    if slow:
        timed("1-NN DTW", lambda: labels[nearest(train, test, True)])
    steps = max(max(row.shape[1] for row in train), 9)
    rocket = MiniRocketRegressor if regress else MiniRocketClassifier
    timed("MiniRocket", lambda: rocket(random_state=1).fit(equal(train, steps), labels).predict(equal(test, steps)))
    return found


def of_timed(of):
    begin = time.monotonic()
    return of(), time.monotonic() - begin
