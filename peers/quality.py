#!/usr/bin/env python3
"""How good are elman's defaults on data that they were not chosen on? Every set of a folder, several seeds, beside baselines.

    python peers/unseen/fetch.py SETS           # once: sets that packages carry, and made-up series
    python peers/quality.py SETS                 # docs/records/quality-DATE-MACHINE.csv, and a table
    python peers/quality.py SETS --only Airline,ArrowHead --seeds 1 --no-record

From an environment with requirements-quality.txt. SETS has up to three folders: `classify` and `regress` with NAME_TRAIN.ts and
NAME_TEST.ts, `series` with tables and .tsf files; unseen/sets.toml says what is to be forecast."""

import argparse
import json
import pathlib
import subprocess
import tempfile
import time
import tomllib
import traceback

import numpy as np

from unseen import classes, forecasts
from sitting import PEERS, build_rust, commit, machine, record as write_record, target


class Record:
    """Rows of figures; printed as they come."""

    def __init__(self):
        self.rows = []

    def add(self, kind, name, program, seed, figures, seconds):
        for metric, value in figures.items():
            row = {"kind": kind, "set": name, "program": program, "seed": seed, "metric": metric}
            self.rows.append(row | {"value": round(value, 5), "seconds": round(seconds, 2)})
        text = ", ".join(f"{metric} {value:.4g}" for metric, value in figures.items())
        print(f"{kind} {name}: {program}{f' seed {seed}' if seed else ''}: {text}, {seconds:.1f} s", flush=True)

    def of(self, kind, name, program, metric):
        wanted = {"kind": kind, "set": name, "program": program, "metric": metric}
        return [row["value"] for row in self.rows if wanted.items() <= row.items()]


def series(args, record):
    """All targets of all files of series."""
    entries = tomllib.loads((PEERS / "unseen" / "sets.toml").read_text())
    for path in sorted((args.sets / "series").glob("*.*")):
        entry = entries.get(path.stem) or entries.get(path.stem.split("-")[0], {})
        for problem in forecasts.problems(path, entry):
            if not args.chosen(problem.name):
                continue
            for seed in args.seeds:
                with tempfile.TemporaryDirectory() as folder:
                    try:
                        answers, seconds = forecasts.by_elman(
                            args.elman, problem, seed, pathlib.Path(folder), args.threads, args.more
                        )
                    except RuntimeError as error:
                        print(f"series {problem.name}: elman seed {seed}: {error}", flush=True)
                        continue
                    if args.torch:
                        config = pathlib.Path(folder) / f"run-{seed}" / "config.toml"
                        values = {key: of.tolist() for key, of in problem.values.items()}
                        more = {"values": values, "season": problem.season, "hidden": problem.origins()}
                        found, torch_seconds = by_torch(args, "series", config, seed, more)
                        found = {int(hidden): {key: np.array(of) for key, of in all.items()} for hidden, all in found.items()}
                        record.add("series", problem.name, "PyTorch", seed, forecasts.judged(problem, found), torch_seconds)
                record.add("series", problem.name, "elman", seed, forecasts.judged(problem, answers), seconds)
            if args.baselines:
                for method, (answers, seconds) in forecasts.by_methods(problem).items():
                    record.add("series", problem.name, method, "", forecasts.judged(problem, answers), seconds)


def sequences(args, record, kind):
    """All pairs of files with classes or numbers."""
    regress = kind == "regress"
    for train in sorted((args.sets / kind).glob("*_TRAIN.ts")):
        name, test = train.name.removesuffix("_TRAIN.ts"), train.with_name(train.name.replace("_TRAIN", "_TEST"))
        if not args.chosen(name):
            continue
        for seed in args.seeds:
            with tempfile.TemporaryDirectory() as folder:
                out = pathlib.Path(folder) / "run"
                command = [args.elman, "train", kind, "--data", train, "--test", test, "--seed", str(seed), "--out", out]
                begin = time.monotonic()
                done = subprocess.run(
                    [*command, "--threads", str(args.threads), "--quiet", *args.more], capture_output=True, text=True
                )
                seconds = time.monotonic() - begin
                if done.returncode:
                    print(f"{kind} {name}: elman seed {seed}: {done.stderr.strip().splitlines()[-1]}", flush=True)
                    continue
                figures = judged(args.elman, out, test, regress)
                if args.torch:
                    files = {"train": str(train), "test": str(test)}
                    found, torch_seconds = by_torch(args, kind, out / "config.toml", seed, files)
                    _, truth = classes.read(test, regress)
                    record.add(kind, name, "PyTorch", seed, figures_of(np.array(found), truth, regress), torch_seconds)
            record.add(kind, name, "elman", seed, figures, seconds)
        if args.baselines:
            rows, labels = classes.read(train, regress)
            tests, truth = classes.read(test, regress)
            size = len(rows) * len(tests) * max(row.shape[1] for row in rows) ** 2
            for baseline, (answers, seconds) in classes.answers(rows, labels, tests, regress, size < 1e12).items():
                record.add(kind, name, baseline, "", figures_of(answers, truth, regress), seconds)


def by_torch(args, kind, config, seed, more):
    """The answers of the same network in PyTorch, and seconds with its start."""
    task = {"kind": kind, "config": str(config), "seed": int(seed)} | more
    begin = time.monotonic()
    program = [args.torch, PEERS / "unseen" / "recipe_torch.py"]
    done = subprocess.run(program, input=json.dumps(task), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{kind} in PyTorch: {done.stderr.strip()}")
    return json.loads(done.stdout), time.monotonic() - begin


def judged(elman, run, test, regress):
    """The figures of elman's answers, one by one, against the labels of the file."""
    done = subprocess.run([elman, "predict", run, test, "--json"], capture_output=True, text=True, check=True)
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    _, truth = classes.read(test, regress)
    answers = np.array([o["value"] if regress else o["class"] for o in objects if o["event"] == "prediction"])
    return figures_of(answers, truth, regress)


def figures_of(answers, truth, regress):
    if not regress:
        # aeon writes names of classes in small letters.
        same = np.char.lower(answers.astype(str)) == np.char.lower(truth.astype(str))
        return {"accuracy": float(np.mean(same))}
    error = answers.astype(float) - truth
    spread = np.sum((truth - truth.mean()) ** 2)
    return {"RMSE": float(np.sqrt(np.mean(error**2))), "MAE": float(np.mean(np.abs(error))),
            "R2": float(1 - np.sum(error**2) / spread)}


def table(record):
    """Markdown: a row a set, a column a program; means over seeds ± their standard deviation."""
    lines = []
    for kind, metrics in {"series": ["MASE", "pinball", "covered"], "classify": ["accuracy"], "regress": ["RMSE"]}.items():
        rows = [row for row in record.rows if row["kind"] == kind]
        names, programs = [list(dict.fromkeys(row[key] for row in rows)) for key in ("set", "program")]
        for metric in metrics if rows else []:
            lines += ["", f"| {metric} | " + " | ".join(programs) + " |", "|--" * (len(programs) + 1) + "|"]
            means = {program: [] for program in programs}
            for name in names:
                cells = []
                for program in programs:
                    found = record.of(kind, name, program, metric)
                    means[program].append(np.mean(found) if found else np.nan)
                    spread = f" ± {np.std(found):.3f}" if len(found) > 1 else ""
                    cells.append(f"{np.mean(found):.3f}{spread}" if found else "–")
                lines.append(f"| {name} | " + " | ".join(cells) + " |")
            whole = [f"{np.mean(v):.3f}" if not np.isnan(v).any() else "–" for v in means.values()]
            lines.append("| *mean* | " + " | ".join(whole) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=pathlib.Path, help="a folder with classify, regress, series")
    parser.add_argument("--only", default="", help="names, or beginnings of names, of sets")
    parser.add_argument("--kinds", default="series,classify,regress")
    parser.add_argument("--seeds", default="1,2,3", help='"" for the baselines alone')
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--elman", help="the binary; without it, it is built")
    parser.add_argument("--more", default="", help="further flags of elman train, as '--recipe plain'")
    parser.add_argument("--torch", metavar="PYTHON", help="a Python with PyTorch: the same network by the same recipe, beside the others")
    parser.add_argument("--no-baselines", dest="baselines", action="store_false")
    parser.add_argument("--no-record", dest="kept", action="store_false")
    args = parser.parse_args()
    args.seeds, args.more = [seed for seed in args.seeds.split(",") if seed], args.more.split()
    only = [name for name in args.only.split(",") if name]
    args.chosen = lambda name: not only or any(name.startswith(start) for start in only)
    if args.seeds and not args.elman:
        build_rust(PEERS.parent)
        args.elman = target(PEERS.parent, "elman")
    record = Record()
    for kind in args.kinds.split(","):
        try:
            series(args, record) if kind == "series" else sequences(args, record, kind)
        except Exception:
            traceback.print_exc()
    print(table(record))
    if args.kept:
        of = {"elman": commit(), "machine": machine(), "threads": args.threads}
        write_record("quality", [row | of for row in record.rows])


if __name__ == "__main__":
    main()
