"""PyTorch: a cell of torch.nn for single steps, a layer of torch.nn for batches, both in inference mode.

"step" among the job's options chooses how a step is run: eager, trace (TorchScript, frozen) or compile.
"""

import torch

import inference

CELLS = {"rnn": torch.nn.RNNCell, "lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell}
LAYERS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}


class Classifier(torch.nn.Module):
    def __init__(self, cell, job):
        super().__init__()
        self.rnn = LAYERS[cell](job["input"], job["hidden"], batch_first=True)
        self.head = torch.nn.Linear(job["hidden"], job["classes"])

    def forward(self, x):
        outputs, _ = self.rnn(x)
        return self.head(outputs[:, -1]).softmax(-1)


def parameters(arrays, hidden):
    """weight_ih [G H, I], weight_hh [G H, H] and two biases [G H], in PyTorch's order of gates, which is elman's."""
    bias = torch.from_numpy(arrays["layers.0.bias"])
    state_bias = torch.zeros_like(bias)
    if "layers.0.recurrent_bias" in arrays:
        state_bias[2 * hidden :] = torch.from_numpy(arrays["layers.0.recurrent_bias"])
    return {
        "weight_ih": torch.from_numpy(arrays["layers.0.kernel"]).T,
        "weight_hh": torch.from_numpy(arrays["layers.0.recurrent_kernel"]).T,
        "bias_ih": bias,
        "bias_hh": state_bias,
    }


def classifier(cell, job):
    arrays = inference.arrays(job, cell)
    model = Classifier(cell, job).eval()
    of_layer = {f"rnn.{name}_l0": value for name, value in parameters(arrays, job["hidden"]).items()}
    of_head = {"head.weight": torch.from_numpy(arrays["head.kernel"]).T, "head.bias": torch.from_numpy(arrays["head.bias"])}
    model.load_state_dict(of_layer | of_head)
    return model


def stepper(cell, job):
    module = CELLS[cell](job["input"], job["hidden"]).eval()
    module.load_state_dict(parameters(inference.arrays(job, cell), job["hidden"]))
    zero = torch.zeros(1, job["hidden"])
    state = (zero, zero) if cell == "lstm" else zero
    how = job["options"].get("step", "eager")
    if how == "trace":
        x = torch.zeros(1, job["input"])
        module = torch.jit.freeze(torch.jit.trace(module, (x, state)))
    if how == "compile":
        module = torch.compile(module)
    return module, state


def build(job):
    networks = {cell: (streamer(*stepper(cell, job)), batcher(classifier(cell, job), job["threads"])) for cell in job["cells"]}
    # What the cold start reads.
    for cell in job["cells"]:
        torch.save(classifier(cell, job).state_dict(), f"{job['folder']}/{cell}/model.pt")
    version = f"torch {torch.__version__}"
    return {"version": version, "stream_threads": 1, "batch_threads": job["threads"]}, networks


def streamer(module, zero):
    def stream(inputs):
        torch.set_num_threads(1)
        rows, state = torch.from_numpy(inputs)[:, None], zero

        def step(k):
            nonlocal state
            with torch.inference_mode():
                state = module(rows[k], state)
            return state[0] if isinstance(state, tuple) else state

        return step

    return stream


def batcher(model, threads):
    def batch(xs):
        xs = torch.from_numpy(xs)

        def predict():
            torch.set_num_threads(threads)  # a stream may have had another number
            with torch.inference_mode():
                return model(xs)

        return predict

    return batch


inference.serve(build)
