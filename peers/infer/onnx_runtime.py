"""ONNX Runtime: a session for single steps on one thread, another for batches."""

import pathlib

import numpy as np
import onnxruntime

import inference


def session(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def build(job):
    networks = {}
    for cell in job["cells"]:
        folder = pathlib.Path(job["folder"]) / cell
        networks[cell] = (
            streamer(session(folder / "step.onnx", 1), job["hidden"]),
            batcher(session(folder / "batch.onnx", job["threads"])),
        )
    version = f"onnxruntime {onnxruntime.__version__}"
    return {"version": version, "stream_threads": 1, "batch_threads": job["threads"]}, networks


def streamer(session, hidden):
    names = [value.name for value in session.get_inputs()]

    def stream(inputs):
        inputs = inputs.reshape(-1, 1, 1, inputs.shape[-1])
        state = [np.zeros((1, 1, hidden), np.float32) for _ in names[1:]]

        def step(k):
            nonlocal state
            state = session.run(None, dict(zip(names, [inputs[k], *state])))
            return state[0]

        return step

    return stream


def batcher(session):
    def batch(xs):
        xs = np.ascontiguousarray(xs.transpose(1, 0, 2))
        return lambda: session.run(None, {"x": xs})[0]

    return batch


inference.serve(build)
