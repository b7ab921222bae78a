"""Sessions of an LSTM behind FastAPI, by PyTorch or ONNX Runtime: what one would write in an afternoon.

    uvicorn --app-dir peers/serve --port 8302 torch_server:app          # PyTorch
    ENGINE=onnx MODEL=step.onnx uvicorn --app-dir peers/serve --port 8302 torch_server:app

It answers the three requests that `crates/serve/examples/load.rs` makes, a session at a time.
"""

import os
import secrets

from fastapi import FastAPI, Request, Response

INPUT, HIDDEN, CLASSES = 28, 128, 10

app = FastAPI()
states = {}

if os.environ.get("ENGINE") == "onnx":
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
    inputs = [one.name for one in session.get_inputs()]
    # The states, and the probabilities.
    outputs = [one.name for one in session.get_outputs() if one.name.startswith("final_")] + ["probabilities"]
    shapes = [[n if isinstance(n, int) else 1 for n in one.shape] for one in session.get_inputs()]

    def start():
        return [numpy.zeros(shape, numpy.float32) for shape in shapes[1:]]

    def step(state, x):
        x = numpy.array(x, numpy.float32).reshape(shapes[0])
        *state, answer = session.run(outputs, dict(zip(inputs, [x, *state])))
        return state, answer.ravel().tolist()
else:
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(111)
    cell, head = torch.nn.LSTMCell(INPUT, HIDDEN), torch.nn.Linear(HIDDEN, CLASSES)

    def start():
        return (torch.zeros(1, HIDDEN), torch.zeros(1, HIDDEN))

    @torch.inference_mode()
    def step(state, x):
        h, c = cell(torch.tensor([x]), state)
        return (h, c), torch.softmax(head(h), 1)[0].tolist()


@app.post("/v1/models/m/sessions", status_code=201)
async def make():
    name = secrets.token_hex(16)
    states[name] = (start(), 0)
    return {"session": name, "steps": 0}


@app.post("/v1/models/m/sessions/{name}/step")
async def one_step(name: str, request: Request):
    state, steps = states[name]
    state, answer = step(state, (await request.json())["x"])
    states[name] = (state, steps + 1)
    return {"steps": steps + 1, "answers": [{"probabilities": answer}]}


@app.delete("/v1/models/m/sessions/{name}")
async def end(name: str):
    states.pop(name, None)
    return Response(status_code=204)
