"""Settings of all tests: one thread, but where a test is about threads. Beside other programs two would wait for each other."""

import pytest

import elman


@pytest.fixture(autouse=True)
def one_thread():
    elman.set_num_threads(1)
    try:
        import torch
    except ImportError:
        pass
    else:
        torch.set_num_threads(1)
    yield
