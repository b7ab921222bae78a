"""Writes what the engines of inference read: weights, ONNX files, inputs.

    python inference_files.py JOB          # JOB as JSON; its folder is written into

In the folder, little-endian, row-major: stream.f32 [K, I], batch.f32 [B, T, I], digit.f32 [28, 28] and digit.png.
For each cell a folder with its arrays by elman's names (gates i f g o and r z n; the GRU resets after the product),
step.onnx (x [1, 1, I] and the state in, h [1, 1, H] and the rest of the state out) and batch.onnx (x [T, B, I] in,
probabilities [B, C] out, B free).
"""

import json
import pathlib
import struct
import sys
import zlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import data
from jobs import JOBS, SEED

GATES = {"rnn": 1, "lstm": 4, "gru": 3}
# ONNX has i o f c and z r h.
ORDER = {"rnn": [0], "lstm": [0, 3, 1, 2], "gru": [1, 0, 2]}
FLOAT = TensorProto.FLOAT


def draw(job, cell, random):
    """Arrays by elman's names, within ±1/√H."""
    size, hidden, classes, columns = job["input"], job["hidden"], job["classes"], GATES[cell] * job["hidden"]
    uniform = lambda *shape: random.uniform(-1, 1, shape).astype(np.float32) / np.float32(hidden**0.5)
    arrays = {
        "layers.0.kernel": uniform(size, columns),
        "layers.0.recurrent_kernel": uniform(hidden, columns),
        "layers.0.bias": uniform(columns),
        "head.kernel": uniform(hidden, classes),
        "head.bias": uniform(classes),
    }
    if cell == "gru":
        arrays["layers.0.recurrent_bias"] = uniform(hidden)
    return arrays


def constants(job, cell, arrays):
    """W [1, G H, I], R [1, G H, H] and B [1, 2 G H] of ONNX's operator."""
    hidden, order = job["hidden"], ORDER[cell]
    gates = lambda a: np.concatenate([a[..., g * hidden : (g + 1) * hidden] for g in order], axis=-1)
    state_bias = np.zeros(len(order) * hidden, np.float32)
    if cell == "gru":
        state_bias[2 * hidden :] = arrays["layers.0.recurrent_bias"]
    return {
        "W": gates(arrays["layers.0.kernel"]).T[None],
        "R": gates(arrays["layers.0.recurrent_kernel"]).T[None],
        "B": np.concatenate([gates(arrays["layers.0.bias"]), state_bias])[None],
    }


def cell_node(job, cell, inputs, outputs):
    options = {"linear_before_reset": 1} if cell == "gru" else {}
    return helper.make_node(cell.upper(), inputs, outputs, hidden_size=job["hidden"], **options)


def model(nodes, inputs, outputs, arrays):
    tensors = [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in arrays.items()]
    values = lambda shapes: [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in shapes.items()]
    graph = helper.make_graph(nodes, "network", values(inputs), values(outputs), tensors)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return made


def step_model(job, cell, arrays):
    state, states = [1, 1, job["hidden"]], ["h", "c"] if cell == "lstm" else ["h"]
    node = cell_node(job, cell, ["x", "W", "R", "B", "", *states], ["", *(f"{name}_next" for name in states)])
    inputs = {"x": [1, 1, job["input"]]} | {name: state for name in states}
    return model([node], inputs, {f"{name}_next": state for name in states}, constants(job, cell, arrays))


def batch_model(job, cell, arrays, batch):
    nodes = [
        cell_node(job, cell, ["x", "W", "R", "B"], ["", "last"]),
        helper.make_node("Squeeze", ["last", "first_axis"], ["h"]),
        helper.make_node("Gemm", ["h", "head.kernel", "head.bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    held = constants(job, cell, arrays) | {name: arrays[name] for name in ["head.kernel", "head.bias"]}
    held["first_axis"] = np.array([0])
    shapes = {"x": [job["steps"], batch, job["input"]]}, {"probabilities": [batch, job["classes"]]}
    return model(nodes, *shapes, held)


def png(pixels):
    """A grey image [rows, columns] as a PNG file."""
    rows, columns = pixels.shape
    chunk = lambda kind, body: struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)
    header = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def write(job):
    folder, random = pathlib.Path(job["folder"]), np.random.default_rng(SEED)
    images, _ = data.mnist(JOBS["tutorial"], random)
    rows = images[: -(-job["stream_calls"] // job["steps"])].reshape(-1, job["input"])
    rows[: job["stream_calls"]].tofile(folder / "stream.f32")
    images[: job["batch"]].tofile(folder / "batch.f32")
    images[0].tofile(folder / "digit.f32")
    (folder / "digit.png").write_bytes(png(np.rint(images[0] * 255).astype(np.uint8)))
    for cell in job["cells"]:
        (folder / cell).mkdir()
        arrays = draw(job, cell, random)
        for name, array in arrays.items():
            array.tofile(folder / cell / f"{name}.f32")
        onnx.save(step_model(job, cell, arrays), folder / cell / "step.onnx")
        onnx.save(batch_model(job, cell, arrays, job["batch"]), folder / cell / "batch.onnx")
        onnx.save(batch_model(job, cell, arrays, 1), folder / cell / "digit.onnx")


if __name__ == "__main__":
    write(json.loads(sys.argv[1]))
