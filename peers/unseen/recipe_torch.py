"""The network of an elman run in PyTorch, by the recipe that the run's config.toml has written down.

    echo '{"kind": ..., "config": "RUN/config.toml", "seed": 1, ...}' | python recipe_torch.py

A program of its own, for PyTorch lives in another environment than the classical methods; quality.py --torch PYTHON runs it. Classes
and numbers: {"train": FILE.ts, "test": FILE.ts}, answered by one value for each sequence of the test. Series: {"values": {id: [T]},
"season": m, "hidden": [steps hidden at each origin, most first]}, answered by {hidden: {id: [F, Q]}}.

The same: cell, sizes, directions, front, patches, reading, scaling, optimizer, rate, schedule, clipping, averaged weights, batch, epochs,
early stopping, members of the ensemble. Not made again: recurrent dropout (torch.nn.GRU has none), augmentation, class weights; of
numbers, the part of the answer that validation chooses; of series, the base forecast and all that hangs on it: here a window is
relative to its last value and the network answers alone, uncalibrated."""

import copy
import json
import math
import sys
import tomllib

import numpy as np
import torch
from torch import nn


def read_ts(path):
    """Sequences [T, I], and their labels as they are written."""
    rows, labels, inside = [], [], False
    for line in open(path, encoding="utf-8"):
        line = line.strip()
        if line.lower() == "@data":
            inside = True
        elif inside and line:
            *channels, label = line.split(":")
            row = [[float(x.replace("?", "nan")) for x in channel.split(",")] for channel in channels]
            rows.append(np.nan_to_num(np.array(row).T))
            labels.append(label.strip())
    return rows, labels


class Net(nn.Module):
    """A front over each step, recurrent layers, and a head that reads the last state, or a mean or maximum over the steps."""

    def __init__(self, config, inputs, outputs):
        super().__init__()
        front, hidden = config.get("front", 0), config["hidden_size"]
        both = config.get("bidirectional") == "concat"
        self.front = nn.Sequential(nn.Linear(inputs, front), nn.ReLU()) if front else nn.Identity()
        cell = {"gru": nn.GRU, "lstm": nn.LSTM, "rnn": nn.RNN}[config["cell"]]
        self.layers = cell(front or inputs, hidden, config["layers"], batch_first=True, bidirectional=both)
        self.dropout = nn.Dropout(config.get("dropout", 0.0))
        self.read, self.both, self.hidden = config.get("read", "last"), both, hidden
        self.head = nn.Linear(hidden * (1 + both), outputs)

    def forward(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(self.front(x), lengths, batch_first=True, enforce_sorted=False)
        y, _ = nn.utils.rnn.pad_packed_sequence(self.layers(packed)[0], batch_first=True)
        here = torch.arange(y.shape[1])[None, :, None] < lengths[:, None, None]
        if self.read == "max":
            read = y.masked_fill(~here, -torch.inf).amax(1)
        elif self.read == "mean":
            read = (y * here).sum(1) / lengths[:, None]
        else:
            read = y[torch.arange(len(y)), lengths - 1]
            if self.both:
                read = torch.cat([read[:, : self.hidden], y[:, 0, self.hidden :]], 1)
        return self.head(self.dropout(read))


def batch_of(rows):
    lengths = torch.tensor([len(row) for row in rows])
    return nn.utils.rnn.pad_sequence([torch.tensor(row, dtype=torch.float32) for row in rows], batch_first=True), lengths


def trained(config, make, rows, targets, validation, loss, seed):
    """A network after training; that of the best epoch where there is early stopping."""
    torch.manual_seed(seed)
    net = make()
    if config["optimizer"] not in ("adam", "adamw"):
        raise SystemExit(f"{config['optimizer']} is not made again here")
    of = torch.optim.AdamW if config["weight_decay"] else torch.optim.Adam
    more = {"weight_decay": config["weight_decay"]} if config["weight_decay"] else {}
    optimizer = of(net.parameters(), lr=config["learning_rate"], betas=(config["beta1"], config["beta2"]), eps=config["epsilon"], **more)
    size = len(rows) if config["batch_size"] == "full" else config["batch_size"]
    batches = math.ceil(len(rows) / size)
    total, warm = config["num_epoch"] * batches, config.get("warmup", 0)
    decay, average = config.get("weight_average"), None
    random = np.random.default_rng(seed)
    best, kept, waited, step = math.inf, None, 0, 0
    for _ in range(config["num_epoch"]):
        net.train()
        order = random.permutation(len(rows))
        for at in range(0, len(rows), size):
            chosen = order[at : at + size]
            rate = 1.0
            if step < warm:
                rate = (step + 1) / warm
            elif config["schedule"] == "cosine":
                rate = 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))
            for group in optimizer.param_groups:
                group["lr"] = config["learning_rate"] * rate
            optimizer.zero_grad()
            loss(net(*batch_of([rows[n] for n in chosen])), targets[chosen]).backward()
            if config.get("clip_norm"):
                nn.utils.clip_grad_norm_(net.parameters(), config["clip_norm"])
            optimizer.step()
            step += 1
            if decay:
                if average is None:
                    average = copy.deepcopy(net)
                # Like the mean of all so far, as long as those are few.
                part = min(decay, step / (step + 1))
                with torch.no_grad():
                    for mean, now in zip(average.parameters(), net.parameters()):
                        mean.lerp_(now, 1 - part)
        if config.get("early_stopping") and validation:
            now = average or net
            now.eval()
            with torch.no_grad():
                found = float(loss(now(*batch_of(validation[0])), validation[1]))
            if found < best:
                best, kept, waited = found, copy.deepcopy(now), 0
            else:
                waited += 1
                if waited >= config["early_stopping"]:
                    break
    net = kept or average or net
    return net.eval()


def patched(config, rows):
    """[T, I] -> [patches, I × N]"""
    size, stride = config.get("patch", 1), config.get("stride", 1)
    if size == 1 and stride == 1:
        return rows

    def one(row):
        count = max(1, math.ceil(max(0, len(row) - size) / stride) + 1)
        row = np.pad(row, ((0, max(0, (count - 1) * stride + size - len(row))), (0, 0)))
        return np.stack([row[k * stride : k * stride + size].reshape(-1) for k in range(count)])

    return [one(row) for row in rows]


def scaled(config, train, test):
    """By channel over training, by each row, or both with the row's mean and deviation beside it."""
    how = config.get("standardize", "channel")
    whole = np.concatenate(train)
    mean, deviation = whole.mean(0), np.where(whole.std(0) > 0, whole.std(0), 1)
    if how == "none":
        return train, test
    if how == "channel":
        return [[(row - mean) / deviation for row in rows] for rows in (train, test)]
    own = lambda row: (row - row.mean(0)) / np.where(row.std(0) > 0, row.std(0), 1)
    if how == "row":
        return [[own(row) for row in rows] for rows in (train, test)]
    beside = lambda row: np.concatenate([row.mean(0), np.log(row.std(0) + 1e-9)])
    all_beside = np.stack([beside(row) for row in train])
    middle, spread = all_beside.mean(0), np.where(all_beside.std(0) > 0, all_beside.std(0), 1)
    both = lambda row: np.hstack([own(row), np.tile((beside(row) - middle) / spread, (len(row), 1))])
    return [[both(row) for row in rows] for rows in (train, test)]


def sequences(task, config):
    regress = task["kind"] == "regress"
    (rows, labels), (tests, _) = read_ts(task["train"]), read_ts(task["test"])
    answers = []
    for member in range(config["ensemble"]):
        seed = task["seed"] + member
        order = np.random.default_rng(seed).permutation(len(rows))
        held = round(config["validation"] * len(rows))
        keep, aside = order[held:], order[:held]
        train, rest = scaled(config, [rows[n] for n in keep], [rows[n] for n in aside] + tests)
        train, rest = patched(config, train), patched(config, rest)
        if regress:
            y = np.array(labels, dtype=float)
            mean, deviation = y[keep].mean(), y[keep].std() or 1.0
            targets = torch.tensor((y - mean) / deviation, dtype=torch.float32)
            loss = lambda found, truth: ((found[:, 0] - truth) ** 2).mean()
            outputs = 1
        else:
            names = sorted(set(labels))
            targets = torch.tensor([names.index(label) for label in labels])
            loss = nn.functional.cross_entropy
            outputs = len(names)
        validation = (rest[:held], targets[aside]) if held else None
        make = lambda: Net(config, train[0].shape[1], outputs)
        net = trained(config, make, train, targets[keep], validation, loss, seed)
        with torch.no_grad():
            found = torch.cat([net(*batch_of(rest[held:][at : at + 64])) for at in range(0, len(tests), 64)])
        answers.append(found[:, 0].numpy() * deviation + mean if regress else torch.softmax(found, 1).numpy())
    mean = np.mean(answers, 0)
    return mean.tolist() if regress else [names[n] for n in mean.argmax(1)]


def series(task, config):
    context, horizon, levels = config["context"], config["horizon"], torch.tensor(config["quantiles"])
    season, values = task["season"], {key: np.array(of, dtype=float) for key, of in task["values"].items()}
    for of in values.values():
        known = np.flatnonzero(~np.isnan(of))
        of[:] = of[known[np.clip(np.searchsorted(known, np.arange(len(of)), side="right") - 1, 0, None)]]

    def window(past):
        """[C, 2]: the values and those a season before, relative to the last; and the scale."""
        past = np.concatenate([np.full(max(0, context + season + 1 - len(past)), past[0]), past])
        scale = np.mean(np.abs(np.diff(past))) or 1.0
        read = np.stack([past[-context:], past[-context - season : len(past) - season]], 1)
        return np.clip((read - past[-1]) / scale, -10, 10), past[-1], scale

    rows, targets, parts = [], [], []
    for of in values.values():
        of = of[: len(of) - task["hidden"][0]]
        test, aside = (round(part * len(of)) if isinstance(part, float) else part for part in (config["test"], config["validation"]))
        for origin in range(min(season + 2, len(of) // 2), len(of) - test - horizon + 1):
            x, last, scale = window(of[:origin])
            rows.append(x)
            targets.append((of[origin : origin + horizon] - last) / scale)
            parts.append(origin + horizon > len(of) - test - aside)
    parts, targets = np.array(parts), torch.tensor(np.array(targets), dtype=torch.float32)
    if parts.all():
        parts[: max(1, len(parts) // 2)] = False

    def loss(found, truth):
        error = truth[:, :, None] - found.view(len(truth), horizon, -1)
        return torch.maximum(levels * error, (levels - 1) * error).mean()

    held = np.flatnonzero(parts)
    validation = ([rows[n] for n in held], targets[held]) if len(held) else None
    train = np.flatnonzero(~parts)
    make = lambda: Net(config, 2, horizon * len(levels))
    net = trained(config, make, [rows[n] for n in train], targets[train], validation, loss, task["seed"])
    answers = {}
    for hidden in task["hidden"]:
        found = {}
        for key, of in values.items():
            x, last, scale = window(of[: len(of) - hidden])
            with torch.no_grad():
                z = net(*batch_of([x])).view(horizon, -1).sort(1).values.numpy()
            found[key] = (last + scale * z).tolist()
        answers[hidden] = found
    return answers


if __name__ == "__main__":
    torch.set_num_threads(1)
    task = json.load(sys.stdin)
    with open(task["config"], "rb") as file:
        config = tomllib.load(file)
    json.dump((series if task["kind"] == "series" else sequences)(task, config), sys.stdout)
