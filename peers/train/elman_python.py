"""elman by its Python package: a model under a trainer, stepped on rows that Python hands over."""

import elman

import engine

CELLS = {"rnn": elman.RNN, "lstm": elman.LSTM, "gru": elman.GRU}


def build(job, x, y):
    elman.set_num_threads(job["threads"])
    network = CELLS[job["cell"]](job["input"], job["hidden"], layers=job["layers"], seed=job["seed"])
    model = elman.Model(network, job["classes"], seed=job["seed"])
    batches = elman.Trainer(model, elman.Adam(job["rate"]), batch_size=job["batch"]).batches(x, y)

    def train(rows):
        return [batches.train(batch).loss for batch in rows]

    return {"version": f"elman {elman.__version__} {elman.isa}", "threads": elman.get_num_threads()}, train


engine.serve(build)
