"""PyTorch: a module of torch.nn's layers, trained in the usual loop."""

import torch

import engine

CELLS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}


class Classifier(torch.nn.Module):
    def __init__(self, job):
        super().__init__()
        self.rnn = CELLS[job["cell"]](job["input"], job["hidden"], num_layers=job["layers"], batch_first=True)
        self.head = torch.nn.Linear(job["hidden"], job["classes"])

    def forward(self, x):
        outputs, _ = self.rnn(x)
        return self.head(outputs[:, -1])


def build(job, x, y):
    torch.manual_seed(job["seed"])
    torch.set_num_threads(job["threads"])
    x, y = torch.from_numpy(x), torch.from_numpy(y).long()
    model = Classifier(job)
    adam = torch.optim.Adam(model.parameters(), lr=job["rate"], fused=job["options"].get("fused", True))
    step = torch.compile(model) if job["options"].get("compile", False) else model

    def train(rows):
        losses = []
        for batch in torch.from_numpy(rows):
            adam.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=job["options"].get("autocast", False)):
                loss = torch.nn.functional.cross_entropy(step(x[batch]), y[batch])
            loss.backward()
            adam.step()
            losses.append(loss.item())
        return losses

    return {"version": f"torch {torch.__version__}", "threads": torch.get_num_threads()}, train


engine.serve(build)
