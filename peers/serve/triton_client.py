"""Triton's own client against `elman serve`: whole sequences, and a sequence step by step.

    elman serve m=lstm & python peers/serve/triton_client.py 127.0.0.1:8080 m     # pip install tritonclient[http]
"""

import sys

import numpy
import tritonclient.http as http

address, model = sys.argv[1:]
client = http.InferenceServerClient(address)
assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(model)
about = client.get_model_metadata(model)
features = about["inputs"][0]["shape"][-1]
rows = numpy.random.default_rng(1).uniform(-1, 1, (2, 5, features)).astype(numpy.float32)


def infer(array, binary, **sequence):
    tensor = http.InferInput("INPUT", list(array.shape), "FP32")
    tensor.set_data_from_numpy(array, binary_data=binary)
    output = http.InferRequestedOutput("OUTPUT", binary_data=binary)
    return client.infer(model, [tensor], outputs=[output], **sequence).as_numpy("OUTPUT")


whole = infer(rows, True)
assert (whole == infer(rows, False)).all(), "bytes and text differ"
for number, row in enumerate(rows):
    for step, x in enumerate(row):
        sequence = dict(sequence_id=number + 1, sequence_start=step == 0, sequence_end=step == len(row) - 1)
        answer = infer(x[None, None], bool(step % 2), **sequence)
    assert (answer[0] == whole[number]).all(), "a sequence is not its steps"
try:
    infer(rows[:1, :1], True, sequence_id=9)
except Exception as error:
    assert "sequence_start" in str(error), error
else:
    raise AssertionError("a sequence went on that had not begun")
print(f"{model}: {len(rows)} sequences, whole and step by step, the same bits")
