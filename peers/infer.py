"""Times inference of every engine, in one sitting: single steps, batches, and cold starts from the shell.

    python3 peers/infer.py                       # all; writes docs/records/inference-DATE-MACHINE.csv
    python3 peers/infer.py --cells lstm --engines elman,onnxruntime --rounds 3 --no-record

README.md, beside this file, says what is measured and how. All engines have the same weights and must agree.
"""

import argparse
import datetime
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

from sitting import PEERS, Engine, build_rust, commit, machine, parse_engine, python, record, rust, target, use_cores

ENGINES = {
    "elman": [rust("elman_infer")],
    "pytorch": [python("torch"), str(PEERS / "infer" / "pytorch.py")],
    "onnxruntime": [python("onnx"), str(PEERS / "infer" / "onnx_runtime.py")],
    "tract": [rust("tract_infer")],
}
CELLS = ["rnn", "lstm", "gru"]
MODES = ["stream", "batch"]
# Largest difference of any output from elman's: rounding of sums in another order, which a network carries on.
TOLERANCE = 1e-5


def main():
    arguments = parse()
    build_rust()
    build_rust(PEERS.parent)
    use_cores(arguments.threads)
    job = {
        "cells": arguments.cells, "input": 28, "hidden": 128, "classes": 10, "batch": 128, "steps": 28,
        "stream_calls": 2000, "batch_calls": 50, "threads": arguments.threads, "commit": commit(),
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="elman-peers-") as folder:
        job["folder"] = folder
        files = [python("onnx"), str(PEERS / "inference_files.py"), json.dumps(job)]
        subprocess.run(files, check=True)
        rows = warm(job, arguments)
        if "rnn" in job["cells"]:
            rows += cold(job, arguments)
    if not arguments.no_record:
        record("inference", rows)
    return 1 if any(row["agrees"] == "no" for row in rows) else 0


def warm(job, arguments):
    """Single steps and batches: a row for each engine, cell and mode."""
    engines = {}
    for name in arguments.engines:
        command, options = parse_engine(name, ENGINES)
        print(f"{name} starts", file=sys.stderr)
        engines[name] = Engine(name, command, job | {"options": options})
    rows = []
    for cell in job["cells"]:
        for mode in MODES:
            asked = json.dumps([cell, mode])
            micros, outputs = {name: [] for name in engines}, {}
            # The first round, which warms up and compiles, is not counted.
            for number in range(arguments.rounds + 1):
                for name in random.Random(number).sample(list(engines), len(engines)):
                    answer = engines[name].ask(asked)
                    outputs[name] = answer["output"]
                    if number > 0:
                        micros[name] += answer["micros"]
            rows += report(job, cell, mode, engines, micros, outputs)
    for engine in engines.values():
        engine.end()
    return rows


def report(job, cell, mode, engines, micros, outputs):
    print(f"\n{cell}, {mode}: µs a call" + (f", {job['batch']} sequences in each" if mode == "batch" else ""))
    rows = []
    for name, engine in engines.items():
        about = engine.ready["about"]
        rows.append(row(name, about["version"], about[f"{mode}_threads"], mode, cell, micros[name]))
        if mode == "batch":
            rows[-1]["sequences_a_second"] = f"{1e6 * job['batch'] / statistics.median(micros[name]):.0f}"
    compare(rows, outputs)
    return rows


def cold(job, arguments):
    """Whole processes, from the call to their end, of the Elman network: a row for each."""
    folder = job["folder"]
    model, digit = f"{folder}/rnn", f"{folder}/digit.f32"
    scripts = PEERS / "cold"
    commands = {
        "elman": [target(PEERS.parent, "elman"), "predict", "--json", f"{model}/model.safetensors", f"{folder}/digit.png"],
        "pytorch": [python("torch"), str(scripts / "pytorch.py"), f"{model}/model.pt", digit],
        "onnxruntime": [python("onnx"), str(scripts / "onnx_runtime.py"), f"{model}/digit.onnx", digit],
        "tract": [rust("tract_infer"), f"{model}/digit.onnx", digit],
    }
    commands = {name: command for name, command in commands.items() if name in arguments.engines}
    # No more than the import: a lower bound for whatever follows it.
    imports = {"jax": ("jax", "import jax"), "tensorflow": ("tensorflow", "import tensorflow"), "numpy": ("onnx", "import numpy")}
    commands |= {f"{name} (import only)": [python(venv), "-c", line] for name, (venv, line) in imports.items()}
    micros, outputs = {name: [] for name in commands}, {}
    for number in range(arguments.rounds + 1):
        for name in random.Random(number).sample(list(commands), len(commands)):
            begin = time.perf_counter()
            done = subprocess.run(commands[name], check=True, capture_output=True, text=True)
            if number > 0:
                micros[name].append(1e6 * (time.perf_counter() - begin))
            if "import" not in name:
                printed = json.loads(done.stdout.splitlines()[-1])
                outputs[name] = printed["probabilities"] if name == "elman" else printed
    print("\ncold start: µs of a whole process that predicts one digit; the files are in the system's cache")
    rows = [row(name, "", "", "cold", "rnn", micros[name]) for name in commands]
    compare(rows, outputs)
    return rows


def row(engine, version, threads, mode, cell, micros):
    ordered = sorted(micros)
    return {
        "date": datetime.date.today(),
        "machine": machine(),
        "cores": len(os.sched_getaffinity(0)),
        "engine": engine,
        "version": version,
        "threads": threads,
        "mode": mode,
        "cell": cell,
        "calls": len(ordered),
        "us_median": f"{statistics.median(ordered):.4g}",
        "us_99": f"{ordered[min(len(ordered) - 1, 99 * len(ordered) // 100)]:.4g}",
        "us_min": f"{ordered[0]:.4g}",
        "sequences_a_second": "",
        "ratio_to_elman": "",
        "largest_difference": "",
        "agrees": "",
    }


def compare(rows, outputs):
    """Fills in what is relative to elman, and prints the rows."""
    medians = {row["engine"]: float(row["us_median"]) for row in rows}
    for row in rows:
        name = row["engine"]
        if "elman" in medians:
            row["ratio_to_elman"] = f"{medians[name] / medians['elman']:.3g}"
        if name in outputs and "elman" in outputs:
            pairs = list(zip(outputs[name], outputs["elman"], strict=True))
            difference = max(abs(a - b) for a, b in pairs)
            row["largest_difference"] = f"{difference:.1e}"
            row["agrees"] = "yes" if difference <= TOLERANCE else "no"  # also where it is not a number
        wide = f"{name:26} {row['us_median']:>9} median {row['us_99']:>9} at 99% {row['us_min']:>9} least"
        mark = "   DISAGREES" if row["agrees"] == "no" else ""
        print(f"  {wide} {row['ratio_to_elman']:>7} × {row['sequences_a_second']:>8} {row['largest_difference']}{mark}")
    sys.stdout.flush()


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = lambda text: text.split(",")
    parser.add_argument("--cells", type=names, default=CELLS, help="some of " + ",".join(CELLS))
    parser.add_argument("--engines", type=names, default=list(ENGINES), help="some of " + ",".join(ENGINES))
    parser.add_argument("--rounds", type=int, default=7, help="timed rounds of each engine")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="processors to use")
    parser.add_argument("--no-record", action="store_true", help="write no file")
    arguments = parser.parse_args()
    for name in arguments.engines:
        if name.split("@")[0] not in ENGINES:
            parser.error(f"no engine {name}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
