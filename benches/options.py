#!/usr/bin/env python3
"""What an option of a cell costs: a training step with it, as a multiple of one without, both in one sitting.

    cargo build --release && benches/options.py > docs/records/DATE-MACHINE-options.json

Each pair is timed in turn, several times; the ratio of a pair is taken before the median, so that a neighbour on the
machine counts for both. One thread, batch 128, 28 steps, input 28, H 128.
"""

import json
import pathlib
import statistics
import subprocess
import sys

BINARY = pathlib.Path(__file__).resolve().parent.parent / "target" / "release" / "elman"
SITTINGS = 5
ROUNDS = 5

# Flags of the plain step, flags of the other.
PAIRS = [
    ("--cell rnn", "--recurrent-dropout 0.2"),
    ("--cell rnn", "--zoneout 0.1"),
    ("--cell lstm", "--recurrent-dropout 0.2"),
    ("--cell lstm", "--candidate-dropout 0.2"),
    ("--cell lstm", "--zoneout 0.1"),
    ("--cell lstm", "--zoneout 0.1 --memory-zoneout 0.1"),
    ("--cell lstm", "--layer-norm"),
    ("--cell lstm", "--peepholes"),
    ("--cell lstm", "--cell-clip 3"),
    ("--cell lstm", "--coupled"),
    ("--cell lstm", "--projection 64"),
    ("--cell gru", "--reset before"),
    ("--cell gru", "--recurrent-dropout 0.2"),
    ("--cell gru", "--candidate-dropout 0.2"),
    ("--cell gru", "--zoneout 0.1"),
    ("--cell gru", "--layer-norm"),
    ("--cell rnn", "--bidirectional"),
    ("--cell lstm", "--bidirectional"),
    ("--cell gru", "--bidirectional"),
    ("--cell rnn", "--lengths even"),
    ("--cell lstm", "--lengths even"),
    ("--cell gru", "--lengths even"),
]


def step_ms(flags: str) -> float:
    command = [str(BINARY), "bench", "--threads", "1", "--rounds", str(ROUNDS), "--json", *flags.split()]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["train_step_ms"]


for plain, option in PAIRS:
    pairs = [(step_ms(plain), step_ms(f"{plain} {option}")) for _ in range(SITTINGS)]
    record = {
        "plain": plain,
        "option": option,
        "ratio": round(statistics.median(with_it / without for without, with_it in pairs), 3),
        "plain_ms": round(statistics.median(without for without, _ in pairs), 3),
        "option_ms": round(statistics.median(with_it for _, with_it in pairs), 3),
    }
    print(json.dumps(record), flush=True)
    print(f"{plain:12} {option:36} {record['ratio']:.2f}", file=sys.stderr)
