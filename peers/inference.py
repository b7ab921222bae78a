"""What every Python engine of inference does besides it: the protocol of `infer.py`.

The first line on standard input is the job as JSON. The engine builds every cell's network and answers {"ready": …}.
Each further line names a cell and a mode as JSON, ["lstm", "stream"]; the answer has the microseconds of each call of a
round, and the last call's output. It ends with its input.
"""

import json
import pathlib
import sys
import time

import numpy as np

import engine


def serve(build):
    """`build(job)` gives what is said of the engine, and for each cell a pair of functions.

    `stream(inputs [K, I])` makes a state of zeros and gives a function that takes step k and returns h [H];
    `batch(xs [B, T, I])` gives a function that returns probabilities [B, C].
    """
    job, answers = engine.start()
    folder = pathlib.Path(job["folder"])
    inputs = np.fromfile(folder / "stream.f32", "<f4").reshape(-1, job["input"])
    xs = np.fromfile(folder / "batch.f32", "<f4").reshape(job["batch"], job["steps"], job["input"])
    about, networks = build(job)
    batches = {cell: batch(xs) for cell, (_, batch) in networks.items()}
    engine.answer(answers, ready=True, about=about)
    for line in sys.stdin:
        cell, mode = json.loads(line)
        if mode == "stream":
            call, count = networks[cell][0](inputs), len(inputs)
        else:
            call, count = (lambda _: batches[cell]()), job["batch_calls"]
        micros = []
        for k in range(count):
            begin = time.perf_counter()
            output = call(k)
            micros.append(1e6 * (time.perf_counter() - begin))
        engine.answer(answers, micros=micros, output=np.asarray(output).ravel().tolist())


def arrays(job, cell):
    """The plain arrays of a cell's network, as inference_files.py wrote them."""
    hidden, gates = job["hidden"], {"rnn": 1, "lstm": 4, "gru": 3}[cell]
    shapes = {
        "layers.0.kernel": (job["input"], gates * hidden),
        "layers.0.recurrent_kernel": (hidden, gates * hidden),
        "layers.0.bias": (gates * hidden,),
        "head.kernel": (hidden, job["classes"]),
        "head.bias": (job["classes"],),
    }
    if cell == "gru":
        shapes["layers.0.recurrent_bias"] = (hidden,)
    folder = pathlib.Path(job["folder"]) / cell
    return {name: np.fromfile(folder / f"{name}.f32", "<f4").reshape(shape) for name, shape in shapes.items()}
