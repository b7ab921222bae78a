"""Runs exported graphs in ONNX Runtime and compares with what elman computed.

    mkdir exports
    ELMAN_ONNX_FOLDER=$PWD/exports cargo test -p elman-exchange --test it onnx_export:: -- --ignored
    python3.11 -m venv ~/onnx-venv
    ~/onnx-venv/bin/pip install onnx==1.23.2 onnxruntime==1.32.0 safetensors==0.8.0
    ~/onnx-venv/bin/python golden/check_onnx_exports.py exports

A graph of one step a call is run step by step, its states carried from call to call. Prints the largest difference of every
graph's outputs, and exits with 1 where one is above the tolerance.
"""

import collections
import json
import pathlib
import struct
import sys

import numpy as np
import onnx
import onnxruntime

# Sums of f32 in another order, over a few steps.
TOLERANCE = 1e-5

TYPES = {"tensor(float)": np.float32, "tensor(int32)": np.int32, "tensor(int64)": np.int64}


def arrays(path):
    """The arrays of a safetensors file, without its package: f32 alone."""
    data = path.read_bytes()
    end = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:end])
    read = {}
    for name, at in header.items():
        if name != "__metadata__":
            start, stop = at["data_offsets"]
            read[name] = np.frombuffer(data[end + start : end + stop], np.float32).reshape(at["shape"])
    return read


def run(session, given):
    """All outputs by name, of one call, or of a call for each step where the graph takes one."""
    outputs = [output.name for output in session.get_outputs()]
    feed = {i.name: given[i.name].astype(TYPES[i.type]) for i in session.get_inputs()}
    rows = next(i for i in session.get_inputs() if i.name in ("input", "tokens"))
    if rows.shape[1] != 1:
        return dict(zip(outputs, session.run(outputs, feed)))
    steps, whole = [], feed[rows.name]
    for t in range(whole.shape[1]):
        feed[rows.name] = whole[:, t : t + 1]
        found = dict(zip(outputs, session.run(outputs, feed)))
        for name in feed.keys() - {rows.name}:
            feed[name] = found[name.replace("initial", "final")]
        steps.append(found)
    answers = [n for n in ("logits", "probabilities") if n in outputs and steps[0][n].ndim == 3]
    return steps[-1] | {n: np.concatenate([step[n] for step in steps], 1) for n in answers}


def main():
    folder = pathlib.Path(sys.argv[1])
    paths = sorted(folder.glob("*.onnx"))
    assert paths, f"no graphs in {folder}"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}, {len(paths)} graphs")
    bad, worst = 0, collections.Counter()
    for path in paths:
        try:
            onnx.checker.check_model(onnx.load(path), full_check=True)
            session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
            given = arrays(path.with_suffix(".safetensors"))
            found = run(session, given)
        except Exception as error:
            print(f"{path.stem:44} FAILED {str(error)[:300]}")
            bad += 1
            continue
        differences = {}
        for name, array in sorted(found.items()):
            expected = given[name]
            assert array.shape == expected.shape, (path, name, array.shape, expected.shape)
            differences[name] = float(np.abs(array - expected).max())
        largest = max(differences.values())
        form = path.name.removesuffix(".onnx").partition(".")[2] or "default"
        worst[form] = max(worst[form], largest)
        verdict = "" if largest <= TOLERANCE else "  TOO FAR: " + str(differences)
        bad += largest > TOLERANCE
        print(f"{path.stem:44} {largest:.1e}{verdict}")
    print("largest by form:", ", ".join(f"{form} {value:.1e}" for form, value in sorted(worst.items())))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
