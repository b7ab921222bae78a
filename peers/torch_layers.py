"""elman.torch beside torch.nn: the same layers, the same steps of training, in turn.

    python peers/torch_layers.py [--threads 2] [--rounds 15] [--only NAME] [--processor-time]

Each round times both, one after the other, and which comes first changes from round to round. Printed are the medians and
the ratio of torch's to elman's. A step is forward, loss, backward and a fused Adam step on one batch; of the cells, a call
without a graph at batch 1. With --processor-time the time of the processor counts in place of the clock's, which tells
something on a busy machine as well, with one thread. It needs torch and the package of `python/`.
"""

import argparse
import platform
import statistics
import time

import torch
from torch import nn

import elman.torch

# name: (layer, batch, steps, input, hidden, classes), as in jobs.py.
STEPS = {
    "tutorial (RNN)": ("RNN", 128, 28, 28, 128, 10),
    "lstm": ("LSTM", 128, 28, 28, 128, 10),
    "gru": ("GRU", 128, 28, 28, 128, 10),
    "small (GRU)": ("GRU", 32, 50, 8, 32, 4),
}
CELLS = {"one step: RNNCell": "RNNCell", "one step: LSTMCell": "LSTMCell", "one step: GRUCell": "GRUCell"}


def trainer(module, kind, batch, steps, size, hidden, classes):
    """A function that makes one step of training."""
    torch.manual_seed(111)
    layer = getattr(module, kind)(size, hidden, batch_first=True)
    head = nn.Linear(hidden, classes)
    optimizer = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=1e-3, fused=True)
    x, y = torch.rand(batch, steps, size), torch.randint(classes, (batch,))

    def step():
        optimizer.zero_grad()
        outputs, _ = layer(x)
        nn.functional.cross_entropy(head(outputs[:, -1]), y).backward()
        optimizer.step()

    return step


def stepper(module, kind):
    """A function that calls a cell at batch 1, its state carried."""
    torch.manual_seed(111)
    cell = getattr(module, kind)(128, 128)
    x = torch.rand(1, 128)
    state = None

    def step():
        nonlocal state
        with torch.no_grad():
            state = cell(x, state)

    return step


def seconds(step, count, clock):
    start = clock()
    for _ in range(count):
        step()
    return (clock() - start) / count


def processor():
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default="")
    parser.add_argument("--processor-time", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    clock = time.process_time if arguments.processor_time else time.perf_counter
    what = "processor time" if arguments.processor_time else "wall clock"
    print(f"{processor()}, {arguments.threads} threads, {what}, torch {torch.__version__}, {arguments.rounds} rounds")
    print(f"{'':22}{'torch.nn':>12}{'elman.torch':>14}{'ratio':>8}")
    pairs = {name: [trainer(m, *sizes) for m in (nn, elman.torch)] for name, sizes in STEPS.items()}
    pairs |= {name: [stepper(m, kind) for m in (nn, elman.torch)] for name, kind in CELLS.items()}
    for name, pair in pairs.items():
        if arguments.only not in name:
            continue
        # About 50 ms a turn.
        counts = [max(3, int(0.05 / seconds(step, 5, clock))) for step in pair]
        times = ([], [])
        for round_ in range(arguments.rounds):
            for which in (0, 1) if round_ % 2 == 0 else (1, 0):
                times[which].append(seconds(pair[which], counts[which], clock))
        theirs, ours = map(statistics.median, times)
        print(f"{name:22}{theirs * 1e6:9.1f} µs{ours * 1e6:11.1f} µs{theirs / ours:8.2f}")


if __name__ == "__main__":
    main()
