"""The program beside, pytorch.py, with its recurrent layers exchanged for elman's."""

import pathlib
import runpy

import torch

import elman.torch

for name in ("RNN", "LSTM", "GRU"):
    setattr(torch.nn, name, getattr(elman.torch, name))
runpy.run_path(str(pathlib.Path(__file__).with_name("pytorch.py")), run_name="__main__")
