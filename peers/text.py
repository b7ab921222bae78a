"""Trains the model of text in elman and in PyTorch, in turn: bits a character at the same steps, and seconds.

    python3 peers/text.py                              # writes docs/records/text-DATE-MACHINE.csv
    python3 peers/text.py --epochs 2 --seeds 111 --no-record
    python3 peers/text.py --optimizers adam,rmsprop    # also the other optimizer

Both read the same text in the same streams and windows, with the same network, optimizer and clipping, from initial values
of their own. A row of the record is a run. Its seconds are the wall clock's over all epochs, validation included, start and
reading excluded; the processor's seconds are the whole process's, and say more where the machine has other work to do.
The two take turns, and their order changes from seed to seed.
"""

import argparse
import datetime
import gzip
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from sitting import PEERS, build_rust, commit, machine, python, record, target, use_cores

TEXT = PEERS.parent / "crates" / "datasets" / "data" / "shakespeare" / "shakespeare.txt.gz"
REST = 0.5  # seconds before a run
# elman's defaults, which are char-rnn's but for the optimizer.
JOB = {
    "layers": 2, "hidden": 128, "embedding": 128, "window": 50, "batch": 50, "train_frac": 0.95,
    "rate": 0.002, "rms_decay": 0.95, "clip_value": 5.0,
}  # fmt: skip


def main():
    arguments = parse()
    if "elman" in arguments.engines:
        build_rust(PEERS.parent)
    use_cores(arguments.threads)
    rows = []
    with tempfile.TemporaryDirectory(prefix="elman-peers-") as folder:
        text = pathlib.Path(folder) / "text.txt"
        text.write_bytes(gzip.decompress(TEXT.read_bytes()))
        for optimizer in arguments.optimizers:
            for number, seed in enumerate(arguments.seeds):
                job = JOB | {
                    "text": str(text), "optimizer": optimizer, "seed": seed, "epochs": arguments.epochs,
                    "threads": arguments.threads,
                }  # fmt: skip
                for engine in arguments.engines[:: -1 if number % 2 else 1]:
                    time.sleep(REST)
                    rows.append(train(engine, job, folder))
                    print(" ".join(f"{key}={value}" for key, value in rows[-1].items()), file=sys.stderr)
                    # A sitting that is cut short keeps what it has.
                    if not arguments.no_record:
                        record("text", rows[-1:])
    summary(rows)


def command(engine, job, folder):
    if engine == "pytorch":
        return [python("torch"), str(PEERS / "train" / "pytorch_text.py"), json.dumps(job)]
    out = f"{folder}/{engine}-{job['optimizer']}-{job['seed']}"
    flags = {
        "data": job["text"], "layers": job["layers"], "hidden-size": job["hidden"], "embedding-size": job["embedding"],
        "sequence-length": job["window"], "batch-size": job["batch"], "train-frac": job["train_frac"],
        "optimizer": job["optimizer"], "learning-rate": job["rate"], "clip-value": job["clip_value"],
        "schedule": "constant", "num-epoch": job["epochs"], "seed": job["seed"], "threads": job["threads"], "out": out,
    }  # fmt: skip
    if job["optimizer"] == "rmsprop":
        flags |= {"rms-decay": job["rms_decay"], "epsilon": 1e-8}
    words = [f"--{name}={value}" for name, value in flags.items()]
    return [target(PEERS.parent, "elman"), "train", "text", "--json", "--quiet", *words]


def train(engine, job, folder):
    """A run: its row of the record."""
    process = subprocess.Popen(command(engine, job, folder), stdout=subprocess.PIPE, text=True)
    events = [json.loads(line) for line in process.stdout]
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{engine} ended with {process.returncode}")
    epochs = [event for event in events if event["event"] == "epoch"]
    versions = [event["version"] for event in events if event["event"] == "version"]
    bits = [event["validation_bits_per_character"] for event in epochs]
    return {
        "date": datetime.date.today(),
        "machine": machine(),
        "cores": len(os.sched_getaffinity(0)),
        "engine": engine,
        "version": versions[0] if versions else f"elman {commit()}",
        "threads": job["threads"],
        "optimizer": job["optimizer"],
        "seed": job["seed"],
        "epochs": len(epochs),
        "steps": epochs[-1]["step"],
        "seconds": f"{epochs[-1]['seconds']:.1f}",
        "cpu_seconds": f"{usage.ru_utime + usage.ru_stime:.1f}",
        "bits_per_character": f"{bits[-1]:.4f}",
        "bits_by_epoch": " ".join(f"{figure:.4f}" for figure in bits),
    }


def summary(rows):
    mean = lambda kind, key: statistics.mean(float(row[key]) for row in kind)
    for optimizer, engine in dict.fromkeys((row["optimizer"], row["engine"]) for row in rows):
        kind = [row for row in rows if (row["optimizer"], row["engine"]) == (optimizer, engine)]
        figures = [mean(kind, key) for key in ("bits_per_character", "seconds", "cpu_seconds")]
        print("{} {}: {:.4f} bits/char, {:.1f} s, {:.1f} s of processors".format(optimizer, engine, *figures))


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words = lambda text: text.split(",")
    parser.add_argument("--engines", type=words, default=["elman", "pytorch"], help="some of elman,pytorch")
    parser.add_argument("--optimizers", type=words, default=["adam"], help="some of adam,rmsprop")
    parser.add_argument("--seeds", type=lambda text: [int(seed) for seed in text.split(",")], default=[1, 2, 3])
    parser.add_argument("--epochs", type=int, default=10, help="epochs of each run")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="processors to use")
    parser.add_argument("--no-record", action="store_true", help="write no file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
