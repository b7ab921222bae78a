"""Writes series that no constant of the recipe was settled on: made ones of six kinds, and real ones that packages carry.

    python peers/unseen/others.py FOLDER [--seeds 1,2,3] [--packaged]

The sets of `fetch.py` were looked at while constants were chosen; these ask whether the choices hold elsewhere. The kinds: a
random walk, an autoregression, a season on a trend, levels that shift, counts with many zeros, growth that saturates. Length,
frequency and strength differ from seed to seed. Some seeds may be looked at for a choice; then others must judge it.

With --packaged the data of `pmdarima` (MIT), `vega_datasets` (BSD-3-Clause) and `statsmodels` (BSD-3-Clause): nothing is
downloaded, the files lie in the packages."""

import argparse
import pathlib

import numpy as np
import pandas as pd


def season(steps, random):
    """A year of months: two harmonics of random strength, of size 1."""
    angle = 2 * np.pi * np.arange(steps) / 12 + random.uniform(0, 2 * np.pi)
    return np.sin(angle) + random.uniform(0, 0.6) * np.sin(2 * angle + 1)


def walk(random):
    steps = random.integers(60, 320)
    return "MS", random.uniform(20, 200) + np.cumsum(random.uniform(0.5, 3) * random.standard_normal(steps))


def autoregression(random):
    steps, part = random.integers(80, 400), random.uniform(0.5, 0.95)
    values, last = [], 0.0
    for noise in random.standard_normal(steps):
        last = part * last + noise
        values.append(last)
    return "W", random.uniform(5, 50) + random.uniform(1, 4) * np.array(values)


def seasonal(random):
    steps = random.integers(48, 260)
    noise = random.uniform(1, 6) * random.standard_normal(steps)
    return "MS", 100 + random.uniform(-0.2, 1.2) * np.arange(steps) + random.uniform(5, 25) * season(steps, random) + noise


def levels(random):
    steps, level, values = random.integers(100, 300), 50.0, []
    for _ in range(steps):
        level += 25 * random.standard_normal() if random.random() < 0.02 else 0.0
        values.append(level)
    return "MS", np.array(values) + random.uniform(0, 6) * season(steps, random) + 2 * random.standard_normal(steps)


def intermittent(random):
    steps, part = random.integers(150, 400), random.uniform(0.15, 0.7)
    return "D", (random.random(steps) < part) * (1.0 + random.poisson(random.uniform(1, 5), steps))


def logistic(random):
    steps = random.integers(40, 160)
    curve = 1 / (1 + np.exp(-np.linspace(-5, random.uniform(0, 4), steps)))
    return "QS", random.uniform(100, 900) * curve * np.exp(0.03 * random.standard_normal(steps))


KINDS = {of.__name__: of for of in (walk, autoregression, seasonal, levels, intermittent, logistic)}


def write(folder, name, frequency, values):
    times = pd.date_range("1991-01-01", periods=len(values), freq=frequency)
    table = pd.DataFrame({"date": times.strftime("%Y-%m-%d"), "y": values})
    table.to_csv(folder / f"{name}.csv", index=False)


def packaged(folder):
    """Real series."""
    import importlib.resources

    import pmdarima.datasets as pmd
    import statsmodels.datasets as sm

    values = lambda of: np.asarray(of)[~np.isnan(np.asarray(of, dtype=float))]
    for name, frequency, of in [("ausbeer", "QS", pmd.load_ausbeer()), ("austres", "QS", pmd.load_austres()),
                                ("woolyrnq", "QS", pmd.load_woolyrnq()), ("wineind", "MS", pmd.load_wineind()),
                                ("heartrate", "D", pmd.load_heartrate())]:
        write(folder, name, frequency, values(of))
    spots = sm.sunspots.load_pandas().data
    pd.DataFrame({"year": spots["YEAR"].astype(int), "y": spots["SUNACTIVITY"]}).to_csv(folder / "wolf.csv", index=False)
    rates = sm.interest_inflation.load_pandas().data
    for column in ("Dp", "R"):
        write(folder, f"german-{column}", "QS", rates[column].to_numpy())
    macro = sm.macrodata.load_pandas().data
    for column in ("tbilrate", "infl", "m1"):
        write(folder, f"macro-{column}", "QS", macro[column].to_numpy())
    vega = pathlib.Path(importlib.resources.files("vega_datasets")) / "_data"
    jobs = pd.read_csv(vega / "us-employment.csv")
    for column in ("construction", "retail_trade", "government", "utilities"):
        write(folder, f"jobs-{column}", "MS", jobs[column].to_numpy())
    stocks = pd.read_csv(vega / "stocks.csv")
    for symbol in ("IBM", "AMZN"):
        write(folder, f"stock-{symbol}", "MS", stocks[stocks["symbol"] == symbol]["price"].to_numpy())
    weather = pd.read_csv(vega / "seattle-weather.csv")
    for column in ("temp_max", "precipitation"):
        write(folder, f"seattle-{column}", "D", weather[column].to_numpy())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seeds", default="4,5,6", help="of the made ones")
    parser.add_argument("--packaged", action="store_true")
    args = parser.parse_args()
    folder = args.folder / "series"
    folder.mkdir(parents=True, exist_ok=True)
    for seed in [int(seed) for seed in args.seeds.split(",") if seed]:
        for at, (name, make) in enumerate(KINDS.items()):
            frequency, made = make(np.random.default_rng([seed, at]))
            write(folder, f"{name}-{seed}", frequency, np.round(made, 4))
    if args.packaged:
        packaged(folder)
