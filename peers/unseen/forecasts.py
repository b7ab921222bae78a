"""Forecasts of series by elman and by classical methods, judged alike from outside.

A set is cut at an origin; a program sees what lies before it and answers with quantiles of the steps that follow. The
first origin is where elman trains; at later ones its trained network forecasts the longer history, while the classical
methods are fitted anew to it. All figures are computed here from the answers: nothing that elman says of itself."""

import csv
import dataclasses
import io
import pathlib
import subprocess
import time

import numpy as np

LEVELS = np.arange(1, 10) / 10
ORIGINS = 13


@dataclasses.dataclass
class Problem:
    """One target of a file."""

    name: str
    path: pathlib.Path
    horizon: int
    season: int
    flags: list
    ids: list  # of the series
    values: dict  # id -> [T]
    lines: list  # of the file
    first: int  # the line of the first row
    tsf: bool

    def origins(self):
        """How many last values are hidden, from the first origin to the last."""
        if self.tsf:
            return [self.horizon]
        steps = len(self.values[""])
        more = min(ORIGINS - 1, max(0, steps // 4 - self.horizon))
        return [self.horizon + k for k in range(more, -1, -1)]

    def before(self, hidden, folder):
        """A file of the same form without the last values."""
        out = folder / f"{self.path.stem}-{hidden}{self.path.suffix}"
        if self.tsf:
            rows = [line.rsplit(":", 1) for line in self.lines[self.first :] if line.strip()]
            cut = [f"{head}:{','.join(values.split(',')[:-hidden])}" for head, values in rows]
            text = "\n".join(self.lines[: self.first] + cut) + "\n"
        else:
            text = "\n".join(self.lines[: len(self.lines) - hidden]) + "\n"
        out.write_text(text)
        return out


def problems(path, entry):
    """The targets of a file."""
    lines = path.read_text().splitlines()
    horizon, season = entry.get("horizon", 12), entry.get("season", 1)
    if path.suffix == ".tsf":
        first = lines.index("@data") + 1
        values = {}
        for line in lines[first:]:
            if line.strip():
                name, *_, numbers = line.split(":")
                values[name] = np.array([float(x) for x in numbers.split(",")])
        flags = ["--horizon", str(horizon)]
        yield Problem(path.stem, path, horizon, season, flags, list(values), values, lines, first, True)
        return
    rows = list(csv.DictReader(io.StringIO("\n".join(lines))))
    targets = entry.get("target") or [list(rows[0])[-1]]
    for target in targets:
        values = np.array([float(row[target] or "nan") for row in rows])
        flags = ["--horizon", str(horizon), "--target", target, "--covariates", ""]
        flags += ["--time", entry["time"]] if "time" in entry else []
        name = path.stem if len(targets) == 1 else f"{path.stem} {target}"
        yield Problem(name, path, horizon, season, flags, [""], {"": values}, lines, 1, False)


def by_elman(elman, problem, seed, folder, threads, more):
    """{hidden: {id: [F, Q]}}, and seconds of training."""
    run = folder / f"run-{seed}"
    origins = problem.origins()
    train = problem.before(origins[0], folder)
    command = [elman, "train", "series", "--data", train, *problem.flags, "--seed", str(seed), "--out", run]
    begin = time.monotonic()
    done = subprocess.run([*command, "--threads", str(threads), "--json", *more], capture_output=True, text=True)
    seconds = time.monotonic() - begin
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    answers = {}
    for hidden in origins:
        table = folder / "forecast.csv"
        command = [elman, "forecast", run, "--data", problem.before(hidden, folder), "--out", table, "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr.strip().splitlines()[-1])
        rows = list(csv.DictReader(table.open()))
        levels = [f"{level:.1f}" for level in LEVELS]
        key = next((key for key in rows[0] if key in ("id", "series", "series_name", "item_id")), None)
        found = {}
        for row in rows:
            found.setdefault(row[key] if key else "", []).append([float(row[level]) for level in levels])
        answers[hidden] = {name: np.array(values) for name, values in found.items()}
        table.unlink()
    return answers, seconds


def by_methods(problem):
    """{method: ({hidden: {id: [F, Q]}}, seconds)} of the classical methods."""
    import pandas as pd
    from statsforecast import StatsForecast
    from statsforecast import models

    season = problem.season if len(next(iter(problem.values.values()))) > 3 * problem.season else 1
    named = {
        "last value": models.Naive(alias="last value"),
        "seasonal naive": models.SeasonalNaive(season_length=season, alias="seasonal naive"),
        "drift": models.RandomWalkWithDrift(alias="drift"),
        "AutoETS": models.AutoETS(season_length=season, alias="AutoETS"),
        "AutoARIMA": models.AutoARIMA(season_length=season, alias="AutoARIMA"),
        "Theta": models.AutoTheta(season_length=season, alias="Theta"),
    }
    if season > 24:
        # A year of weeks as a season is beyond ETS, and takes ARIMA hours.
        named["AutoETS"] = models.MSTL(season_length=season, trend_forecaster=models.AutoETS(model="ZZN"), alias="AutoETS")
        del named["AutoARIMA"]
    bands = [20, 40, 60, 80]
    answers = {}
    for name, model in named.items():
        begin, found = time.monotonic(), {}
        for hidden in problem.origins():
            rows = []
            for key in problem.ids:
                values = problem.values[key]
                values = pd.Series(values[: len(values) - hidden]).ffill().bfill().to_numpy()
                rows.append(pd.DataFrame({"unique_id": key or "y", "ds": np.arange(len(values)), "y": values}))
            fitted = StatsForecast(models=[model], freq=1, fallback_model=models.Naive(alias=name))
            table = fitted.forecast(df=pd.concat(rows), h=problem.horizon, level=bands)
            columns = [f"{name}-lo-{band}" for band in bands[::-1]] + [name] + [f"{name}-hi-{band}" for band in bands]
            found[hidden] = {
                key: group[columns].to_numpy() for key, group in table.groupby("unique_id")
            }
            if problem.ids == [""]:
                found[hidden] = {"": found[hidden]["y"]}
        answers[name] = (found, time.monotonic() - begin)
    return answers


def judged(problem, answers):
    """MASE by series and origin, mean; mean pinball loss over the same scale; the share within 10–90%; how many answers."""
    mase, pinball, inside, values = [], [], [], 0
    for hidden, found in answers.items():
        for key in problem.ids:
            y = problem.values[key]
            past, truth = y[: len(y) - hidden], y[len(y) - hidden :][: problem.horizon]
            lag = problem.season if len(past) > problem.season else 1
            scale = np.nanmean(np.abs(past[lag:] - past[:-lag])) or 1.0
            if key not in found:
                continue
            quantiles = found[key]
            known = ~np.isnan(truth)
            error = truth[:, None] - quantiles
            mase.append(np.mean(np.abs(error[known, 4])) / scale)
            pinball.append(np.mean(np.maximum(LEVELS * error[known], (LEVELS - 1) * error[known])) / scale)
            inside.append(np.mean((truth >= quantiles[:, 0]) & (truth <= quantiles[:, -1]), where=known))
            values += known.sum()
    return {"MASE": np.mean(mase), "pinball": np.mean(pinball), "covered": np.mean(inside), "values": int(values)}

