"""PyTorch's DistributedDataParallel on Gloo: milliseconds of a step, by 1 process × 2 threads and by 2 processes × 1 thread.

    python peers/train/pytorch_ddp.py rnn 128 128 200        # the cell, hidden size, rows of a batch, steps

Made-up images of 28 × 28 in 10 classes, Adam. Each process has its part of the batch.
"""

import os
import sys
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as processes
from torch import nn
from torch.nn.parallel import DistributedDataParallel


class Net(nn.Module):
    def __init__(self, cell, hidden):
        super().__init__()
        self.rnn = {"rnn": nn.RNN, "lstm": nn.LSTM}[cell](28, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 10)

    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -1])


def work(rank, ranks, threads, cell, hidden, batch, steps, port, result):
    torch.set_num_threads(threads)
    torch.manual_seed(111)
    net = Net(cell, hidden)
    if ranks > 1:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
        dist.init_process_group("gloo", rank=rank, world_size=ranks)
        net = DistributedDataParallel(net)
    optimizer = torch.optim.Adam(net.parameters(), 0.001)
    x, y = torch.rand(batch // ranks, 28, 28), torch.randint(10, (batch // ranks,))

    def step():
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()

    for _ in range(10):
        step()
    start, used = time.perf_counter(), time.process_time()
    for _ in range(steps):
        step()
    result[rank] = torch.tensor([(time.perf_counter() - start) / steps, (time.process_time() - used) / steps])
    if ranks > 1:
        dist.destroy_process_group()


def measure(ranks, threads, *job, port):
    result = torch.zeros(ranks, 2).share_memory_()
    processes.spawn(work, (ranks, threads, *job, port, result), nprocs=ranks)
    return result[:, 0].max().item(), result[:, 1].sum().item()


if __name__ == "__main__":
    cell, (hidden, batch, steps) = sys.argv[1], map(int, sys.argv[2:5])
    walls, used = [], []
    for round_ in range(5):
        one = measure(1, 2, cell, hidden, batch, steps, port=29500 + round_)
        two = measure(2, 1, cell, hidden, batch, steps, port=29600 + round_)
        walls.append(one[0] / two[0])
        used.append(one[1] / two[1])
        print(f"1 × 2: {one[0] * 1e3:.2f} ms, 2 × 1: {two[0] * 1e3:.2f} ms", file=sys.stderr)
    print(
        f"torch {torch.__version__}, {cell} 28 → {hidden}, batch {batch}: 1 × 2 takes {sorted(walls)[2]:.2f} of the time of "
        f"2 × 1, {sorted(used)[2]:.2f} of the processor time (medians of 5)"
    )
