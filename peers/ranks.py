"""What several processes cost on one machine: 2 ranks × 1 thread beside 1 process × 2 threads, the same training.

    python3 peers/ranks.py target/release/elman [--mpirun mpirun.openmpi] [--rounds 5]

Time is that of training alone, from `metrics.csv`; processor time is that of the whole command. Both kinds take turns, and each
ratio is of two neighbours, so other work on the machine weighs on both; the medians are printed.
"""

import argparse
import csv
import resource
import statistics
import subprocess
import tempfile
from pathlib import Path

JOBS = {
    "tutorial": "mnist --num-epoch 1",
    "lstm": "mnist --cell lstm --num-epoch 1",
    "large": "mnist --cell lstm --hidden-size 512 --batch-size 256 --num-epoch 1",
}


def used():
    of = resource.getrusage(resource.RUSAGE_CHILDREN)
    return of.ru_utime + of.ru_stime


def run(command, out):
    before = used()
    subprocess.run([*command, "--out", str(out), "--quiet"], check=True, stdout=subprocess.DEVNULL)
    with open(out / "metrics.csv") as file:
        seconds = float(list(csv.DictReader(file))[-1]["seconds"])
    return seconds, used() - before, (out / "model.safetensors").read_bytes()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("elman")
    parser.add_argument("--mpirun", default="mpirun.openmpi --allow-run-as-root --oversubscribe --bind-to none")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jobs", nargs="+", default=list(JOBS))
    args = parser.parse_args()
    for job in args.jobs:
        words = [args.elman, "train", *JOBS[job].split()]
        walls, processor = [], []
        for _ in range(args.rounds):
            with tempfile.TemporaryDirectory() as place:
                one = run([*words, "--threads", "2"], Path(place) / "one")
                two = run([*args.mpirun.split(), "-n", "2", *words, "--threads", "1"], Path(place) / "two")
            assert one[2] == two[2], "the models differ"
            walls.append(one[0] / two[0])
            processor.append(one[1] / two[1])
        print(
            f"{job}: 2 ranks × 1 have {statistics.median(walls):.3f} of the speed of 1 × 2, {statistics.median(processor):.3f} by "
            f"processor time (medians of {args.rounds}; {min(walls):.2f} to {max(walls):.2f}); last {one[0]:.2f} s, {two[0]:.2f} s"
        )


if __name__ == "__main__":
    main()
