"""Times training steps of every engine on every job, in one sitting.

    python3 peers/run.py                                   # all; writes docs/records/peers-DATE-MACHINE.csv
    python3 peers/run.py --jobs tutorial,lstm --engines elman,pytorch --rounds 3 --steps 20 --no-record
    python3 peers/run.py --engines pytorch,pytorch@compile=true,pytorch@threads=1 --no-record    # other settings

README.md, beside this file, says what is measured and how.
"""

import argparse
import datetime
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

from jobs import JOBS, RATE, SEED
from sitting import PEERS, Engine, build_rust, commit, machine, parse_engine, python, record, rust, use_cores

TRAIN = PEERS / "train"
REST = 0.5  # seconds before a round
ENGINES = {
    "elman": [rust("elman_train")],
    "elman-python": [python("torch"), str(TRAIN / "elman_python.py")],
    "elman-torch": [python("torch"), str(TRAIN / "elman_torch.py")],
    "pytorch": [python("torch"), str(TRAIN / "pytorch.py")],
    "jax": [python("jax"), str(TRAIN / "jax_scan.py")],
    "tensorflow1": [python("tensorflow"), str(TRAIN / "tensorflow_v1.py")],
    "keras": ["env", "KERAS_BACKEND=jax", python("jax"), str(TRAIN / "keras_3.py")],
    "burn": [rust("burn_train")],
}
# Settings of an engine that are engines of their own.
SETTINGS = {
    "elman-split3": ("elman", {"arithmetic": "split3"}),
    "elman-split2": ("elman", {"arithmetic": "split2"}),
    "elman-bf16": ("elman", {"arithmetic": "bf16"}),
    "pytorch-bf16": ("pytorch", {"autocast": True}),
}
# Not in a sitting unless asked for by name: those, which need a processor with a unit for bf16, and the same on its other
# backends, which were slower.
TRIED = {name: ENGINES[of] for name, (of, _) in SETTINGS.items()} | {
    "keras-tensorflow": ["env", "KERAS_BACKEND=tensorflow", python("tensorflow"), str(TRAIN / "keras_3.py")],
    "keras-torch": ["env", "KERAS_BACKEND=torch", python("torch"), str(TRAIN / "keras_3.py")],
}
COMMANDS = ENGINES | TRIED


def main():
    arguments = parse()
    build_rust()
    use_cores(arguments.threads)
    rows = []
    for name in arguments.jobs:
        rows += sit(name, arguments)
    if not arguments.no_record:
        record("peers", rows)
    return 1 if any(row["learned"] != "yes" for row in rows) else 0


def sit(name, arguments):
    """All engines on one job: a row for each."""
    job = JOBS[name] | {"seed": SEED, "rate": RATE, "threads": arguments.threads, "commit": commit()}
    job["round"] = arguments.steps or job["round"]
    with tempfile.TemporaryDirectory(prefix="elman-peers-") as folder:
        job["folder"] = folder
        batches = job["round"] * (arguments.rounds + 1)
        subprocess.run([python("jax"), str(PEERS / "data.py"), folder, name, str(batches)], check=True)
        engines = {}
        for engine in arguments.engines:
            print(f"{name}: {engine} warms up", file=sys.stderr)
            command, options = parse_engine(engine, COMMANDS)
            options = SETTINGS.get(engine.split("@")[0], (None, {}))[1] | options
            threads = options.get("threads", arguments.threads)
            engines[engine] = Engine(engine, command, job | {"threads": threads, "options": options})
        rounds = {engine: [] for engine in engines}
        for number in range(arguments.rounds):
            # A new order each time: no engine always follows the same one.
            for engine in random.Random(number).sample(list(engines), len(engines)):
                # The threads of the one before may still look for work.
                time.sleep(REST)
                rounds[engine].append(engines[engine].ask())
            print(f"{name}: round {number + 1} of {arguments.rounds}", file=sys.stderr)
        for engine in engines.values():
            engine.end()
    return report(name, job, engines, rounds)


def report(name, job, engines, rounds):
    times = {engine: [1e3 * r["seconds"] / r["steps"] for r in answers] for engine, answers in rounds.items()}
    last = {engine: answers[-1]["loss"] for engine, answers in rounds.items()}
    rows = []
    for engine in engines:
        ready = engines[engine].ready
        ratios = [t / own for t, own in zip(times[engine], times.get("elman", []))]
        rows.append({
            "date": datetime.date.today(),
            "machine": machine(),
            "cores": len(os.sched_getaffinity(0)),
            "engine": engine,
            "version": ready["version"],
            "threads": ready["threads"],
            "job": name,
            "steps_per_round": job["round"],
            "rounds": len(times[engine]),
            "step_ms_median": f"{statistics.median(times[engine]):.4g}",
            "step_ms_min": f"{min(times[engine]):.4g}",
            "step_ms_max": f"{max(times[engine]):.4g}",
            "ratio_to_elman": f"{statistics.median(ratios):.3g}" if ratios else "",
            "first_loss": f"{ready['loss']:.4f}",
            "last_loss": f"{last[engine]:.4f}",
            "learned": learned(ready["loss"], last[engine], job["classes"], statistics.median(last.values())),
        })  # fmt: skip
    width = max(map(len, engines))
    print(f"\n{name}: {job['round']} steps a round")
    print(f"  {'engine':{width}} {'threads':>7} {'step ms':>9} {'min':>9} {'max':>9} {'ratio':>7}   loss")
    for row in rows:
        mark = "" if row["learned"] == "yes" else f"   NOT COMPARABLE: {row['learned']}"
        print(
            f"  {row['engine']:{width}} {row['threads']:>7} {row['step_ms_median']:>9} {row['step_ms_min']:>9}"
            f" {row['step_ms_max']:>9} {row['ratio_to_elman']:>7}   {row['first_loss']} .. {row['last_loss']}{mark}"
        )
    print(flush=True)
    return rows


def learned(first, last, classes, others):
    """"yes", or what is wrong. `others` is the median over all engines."""
    chance = math.log(classes)
    if not 0.5 * chance < first < 2 * chance:
        return "the first loss is not that of chance"
    if not last < 0.6 * chance:
        return "the last loss is not well below chance"
    if not last < others + 0.25 * chance:
        return "the last loss is well above the others'"
    return "yes"


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = lambda flag, default, known: parser.add_argument(
        flag, type=lambda text: text.split(","), default=list(default), help="some of " + ",".join(known)
    )
    add("--jobs", JOBS, JOBS)
    add("--engines", ENGINES, COMMANDS)
    parser.add_argument("--rounds", type=int, default=7, help="timed rounds of each engine")
    parser.add_argument("--steps", type=int, help="steps of a round, instead of the job's own")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="processors to use")
    parser.add_argument("--no-record", action="store_true", help="write no file")
    arguments = parser.parse_args()
    for job in arguments.jobs:
        if job not in JOBS:
            parser.error(f"no job {job}")
    for engine in arguments.engines:
        if engine.split("@")[0] not in COMMANDS:
            parser.error(f"no engine {engine}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
