"""One digit with PyTorch: python pytorch.py MODEL.pt DIGIT.f32"""

import sys

import numpy as np
import torch

weights = torch.load(sys.argv[1])
rnn, head = torch.nn.RNN(28, 128, batch_first=True), torch.nn.Linear(128, 10)
rnn.load_state_dict({name[4:]: value for name, value in weights.items() if name.startswith("rnn.")})
head.load_state_dict({name[5:]: value for name, value in weights.items() if name.startswith("head.")})
with torch.inference_mode():
    digit = torch.from_numpy(np.fromfile(sys.argv[2], np.float32).reshape(1, 28, 28))
    print(head(rnn(digit)[0][:, -1]).softmax(-1)[0].tolist())
