"""One digit with ONNX Runtime: python onnx_runtime.py MODEL.onnx DIGIT.f32"""

import sys

import numpy as np
import onnxruntime

digit = np.fromfile(sys.argv[2], np.float32).reshape(28, 1, 28)
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
print(session.run(None, {"x": digit})[0][0].tolist())
