#!/usr/bin/env python3
"""What an arithmetic changes in the end: the five jobs, five seeds each, in each arithmetic.

    cargo build --release && benches/arithmetic_results.py > docs/records/arithmetic-results-DATE-MACHINE.json

The jobs are shortened, for without a unit for bf16 pieces are slow. A table goes to standard error: mean and spread (the standard
deviation over the seeds), and the mean of the distances to f32 with the same seed.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

BINARY = pathlib.Path(__file__).resolve().parent.parent / "target" / "release" / "elman"
SEEDS = range(1, 6)
ARITHMETICS = ["f32", "split3", "split2", "bf16"]
JOBS = {
    "mnist": ("mnist --num-epoch 1", ["loss", "accuracy"]),
    "echo": ("echo --num-epoch 2", ["loss", "accuracy"]),
    "text": ("text --num-epoch 1 --cell gru --hidden-size 48 --layers 1", ["bits_per_character", "accuracy"]),
    "classify": ("classify --recipe plain --num-epoch 20", ["loss", "accuracy"]),
    "series": ("series --recipe plain --num-epoch 8 --hidden-size 16", ["mase"]),
}


def found(of, name):
    """The first number of that name, however deep."""
    if isinstance(of, dict):
        if isinstance(of.get(name), (int, float)):
            return of[name]
        of = list(of.values())
    if isinstance(of, list):
        for each in of:
            value = found(each, name)
            if value is not None:
                return value
    return None


def train(flags, arithmetic, seed):
    with tempfile.TemporaryDirectory(prefix="elman-arithmetic-") as folder:
        out = pathlib.Path(folder) / "run"
        command = [BINARY, "train", *flags.split(), "--seed", str(seed), "--arithmetic", arithmetic, "--out", out]
        subprocess.run(command, check=True, capture_output=True)
        return json.loads((out / "test.json").read_text())


results = {}
for job, (flags, figures) in JOBS.items():
    tests = {of: [train(flags, of, seed) for seed in SEEDS] for of in ARITHMETICS}
    results[job] = {"flags": flags}
    for figure in figures:
        values = {of: [found(test, figure) for test in tests[of]] for of in ARITHMETICS}
        results[job][figure] = values
        print(f"{job}: {figure}", file=sys.stderr)
        for of, these in values.items():
            apart = statistics.mean(abs(a - b) for a, b in zip(these, values["f32"]))
            mean, spread = statistics.mean(these), statistics.stdev(these)
            print(f"  {of:7} {mean:9.5f} ± {spread:.5f}   from f32 {apart:.5f}", file=sys.stderr)
print(json.dumps(results, indent=1))
