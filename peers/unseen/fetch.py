"""Writes sets that no default was chosen on into a folder: those that packages carry with them, and made-up series.

    python peers/unseen/fetch.py FOLDER

From `sktime` and `aeon` (BSD-3-Clause; sets of the UCR, UEA, TSER and Monash archives) and `statsmodels` (BSD-3-Clause;
public data). Nothing is downloaded: the files lie in the packages. A made-up series has one feature that a forecast must
get right, drawn with a fixed seed."""

import importlib.resources
import pathlib
import shutil
import sys

import numpy as np
import pandas as pd

PACKAGED = {
    "classify": [("aeon", "ACSF1"), ("aeon", "ArrowHead"), ("aeon", "OSULeaf"), ("aeon", "PickupGestureWiimoteZ"),
                 ("aeon", "GunPoint"), ("aeon", "ItalyPowerDemand"), ("aeon", "BasicMotions"), ("sktime", "PLAID")],
    "regress": [("aeon", "Covid3Month"), ("aeon", "CardanoSentiment")],
}
TABLES = [("aeon", "Airline/Airline.csv"), ("aeon", "Lynx/Lynx.csv"), ("aeon", "PBS_dataset/PBS_dataset.csv"),
          ("aeon", "ShampooSales/ShampooSales.csv"), ("aeon", "Uschange/Uschange.csv"),
          ("sktime", "seatbelts/seatbelts.csv"), ("aeon", "m1_yearly_dataset/m1_yearly_dataset.tsf"),
          ("statsmodels", "macrodata/macrodata.csv"), ("statsmodels", "nile/nile.csv"),
          ("statsmodels", "copper/copper.csv"), ("statsmodels", "elec_equip/elec_equip.csv")]


def datasets(package):
    """The folder of a package's sets."""
    root = pathlib.Path(importlib.resources.files(package)) / "datasets"
    return root / "data" if (root / "data").is_dir() else root


def packaged(folder):
    """Copies files as they are."""
    for kind, sets in PACKAGED.items():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for package, name in sets:
            for part in ("TRAIN", "TEST"):
                shutil.copy(datasets(package) / name / f"{name}_{part}.ts", folder / kind)
    (folder / "series").mkdir(parents=True, exist_ok=True)
    for package, path in TABLES:
        found = [datasets(package) / path, datasets(package) / pathlib.Path(path).name]
        shutil.copy(next(path for path in found if path.exists()), folder / "series")


def rearranged(folder):
    """Tables of statsmodels whose layout is not one row a step."""
    import statsmodels.datasets as sets

    co2 = sets.co2.load_pandas().data["co2"].rename("co2")
    co2.to_csv(folder / "series" / "co2.csv", index_label="date")
    wide = sets.elnino.load_pandas().data.set_index("YEAR")
    months = wide.stack()
    times = [f"{int(year)}-{month:02}" for year in wide.index for month in range(1, 13)]
    pd.DataFrame({"month": times, "sst": months.to_numpy()}).to_csv(folder / "series" / "elnino.csv", index=False)


def made(folder):
    """Series of one kind each."""
    random = np.random.default_rng(1)
    noise = lambda steps: random.standard_normal(steps)
    month = lambda steps: np.sin(2 * np.pi * np.arange(steps) / 12)
    steps = np.arange(240)
    level = np.where(steps < 150, 20.0, 60.0)
    week = 1 + 0.6 * np.sin(2 * np.pi * np.arange(420) / 7)
    series = {
        "walk": ("MS", 100 + np.cumsum(noise(240))),
        "trend": ("W", 50 + 0.8 * np.arange(260) + 6 * noise(260)),
        "growth": ("MS", 100 * np.exp(0.008 * steps + 0.25 * month(240) + 0.04 * noise(240))),
        "shift": ("MS", level + 5 * month(240) + 2 * noise(240)),
        "counts": ("D", random.poisson(1.5 * week).astype(float)),
        "short": ("QS", (80 + np.arange(36) + 8 * np.tile([1, -1, 2, -2], 9) + 3 * noise(36))),
        "noise": ("MS", 30 + 4 * noise(240)),
    }
    for name, (frequency, values) in series.items():
        times = pd.date_range("2001-01-01", periods=len(values), freq=frequency)
        table = pd.DataFrame({"date": times.strftime("%Y-%m-%d"), "y": np.round(values, 4)})
        table.to_csv(folder / "series" / f"{name}.csv", index=False)


if __name__ == "__main__":
    destination = pathlib.Path(sys.argv[1])
    packaged(destination)
    rearranged(destination)
    made(destination)
