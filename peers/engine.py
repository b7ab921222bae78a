"""What every Python engine of a training job does besides training: the protocol of `run.py`.

The first line on standard input is the job as JSON. The engine then does one round untimed, which warms it up and
compiles what has to be, and answers {"ready": …}. For each further line it trains one round on the next batches and
answers {"seconds": …, "steps": …, "loss": the mean of the round's losses}. It ends with its input.
"""

import json
import os
import pathlib
import sys
import time

import numpy as np


def start():
    """The job, beside a file for the answers: whatever a framework prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return json.loads(sys.stdin.readline()), answers


def answer(answers, **values):
    print(json.dumps(values), file=answers, flush=True)


def serve(build):
    """`build(job, x [N, T, I], y [N])` gives what is said of the engine, and a function that takes the rows [K, B] of
    K batches, trains on one after the other, and returns their K losses, as numbers, all work done."""
    job, answers = start()
    folder = pathlib.Path(job["folder"])
    x = np.fromfile(folder / "x.f32", "<f4").reshape(-1, job["steps"], job["input"])
    y = np.fromfile(folder / "y.i32", "<i4")
    batches = np.fromfile(folder / "order.i32", "<i4").reshape(-1, job["round"], job["batch"])

    about, train = build(job, x, y)
    first = float(train(batches[0])[0])
    answer(answers, ready=True, loss=first, **about)
    for rows, _ in zip(batches[1:], sys.stdin):
        begin = time.perf_counter()
        losses = train(rows)
        seconds = time.perf_counter() - begin
        answer(answers, seconds=seconds, steps=len(rows), loss=float(np.mean(losses)))
