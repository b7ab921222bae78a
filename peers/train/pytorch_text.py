"""PyTorch: a model of characters, as `elman train text` has it. One line of JSON an epoch, in elman's words.

    python pytorch_text.py '{"text": "text.txt", "seed": 111, "epochs": 10, …}'     # by peers/text.py

An embedding, layers of torch.nn.LSTM and a linear layer on every step, with PyTorch's own initial values. The text is cut
into as many parallel streams as the batch has rows; a step reads the next window of all of them, its state carried from
the window before and detached. The end of the text is for validation.
"""

import json
import math
import sys
import time

import torch


class CharRnn(torch.nn.Module):
    def __init__(self, tokens, job):
        super().__init__()
        self.embedding = torch.nn.Embedding(tokens, job["embedding"])
        self.rnn = torch.nn.LSTM(job["embedding"], job["hidden"], num_layers=job["layers"], batch_first=True)
        self.head = torch.nn.Linear(job["hidden"], tokens)

    def forward(self, x, state):
        outputs, state = self.rnn(self.embedding(x), state)
        return self.head(outputs), state


def streams(tokens, most, window):
    """Inputs and classes [B, L]: row b starts at token b L, and the class of a step is the token that follows."""
    rows = max(1, min(most, (len(tokens) - 1) // window))
    steps = (len(tokens) - 1) // rows
    return tokens[: rows * steps].view(rows, steps), tokens[1 : rows * steps + 1].view(rows, steps)


def windows(data, window):
    x, y = data
    return zip(x.split(window, 1), y.split(window, 1))


def loss_of(logits, y):
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten())


def train_epoch(model, optimizer, data, job):
    """The last window's loss, as elman's."""
    model.train()
    state = None
    for x, y in windows(data, job["window"]):
        optimizer.zero_grad()
        logits, state = model(x, state)
        state = tuple(part.detach() for part in state)
        loss = loss_of(logits, y)
        loss.backward()
        torch.nn.utils.clip_grad_value_(model.parameters(), job["clip_value"])
        optimizer.step()
        last = loss.item()
    return last


@torch.inference_mode()
def evaluate(model, data, job):
    """Mean loss in nats."""
    model.eval()
    state, total = None, 0.0
    for x, y in windows(data, job["window"]):
        logits, state = model(x, state)
        total += loss_of(logits, y).item() * y.numel()
    return total / data[1].numel()


def optimizer_of(model, job):
    if job["optimizer"] == "rmsprop":
        return torch.optim.RMSprop(model.parameters(), lr=job["rate"], alpha=job["rms_decay"], eps=1e-8)
    return torch.optim.Adam(model.parameters(), lr=job["rate"], fused=True)


def main():
    job = json.loads(sys.argv[1])
    torch.manual_seed(job["seed"])
    torch.set_num_threads(job["threads"])
    with open(job["text"], encoding="utf-8", newline="") as file:
        text = file.read()
    characters = sorted(set(text))
    places = {character: place for place, character in enumerate(characters)}
    tokens = torch.tensor([places[character] for character in text])
    cut = int(len(tokens) * job["train_frac"])
    training = streams(tokens[:cut], job["batch"], job["window"])
    validation = streams(tokens[cut:], job["batch"], job["window"])

    model = CharRnn(len(characters), job)
    optimizer = optimizer_of(model, job)
    print(json.dumps({"event": "version", "version": f"torch {torch.__version__}", "threads": torch.get_num_threads()}))
    begin = time.perf_counter()
    for epoch in range(1, job["epochs"] + 1):
        train_loss = train_epoch(model, optimizer, training, job)
        loss = evaluate(model, validation, job)
        figures = {
            "event": "epoch", "epoch": epoch, "step": epoch * math.ceil(training[0].shape[1] / job["window"]),
            "train_loss": train_loss, "validation_loss": loss, "validation_bits_per_character": loss / math.log(2),
            "seconds": time.perf_counter() - begin,
        }  # fmt: skip
        print(json.dumps(figures), flush=True)


main()
