"""PyTorch's own test cases of recurrent modules, with the modules of `torch.nn` exchanged for elman's.

    python peers/torch_own_tests.py                    # the cases that are in PyTorch's wheel
    python peers/torch_own_tests.py PATH/TO/pytorch    # and the tests of a checkout of its repository, of the same version

The cases of the wheel are `torch.testing._internal.common_modules.module_db`: constructors, inputs and reference functions.
Each is checked for: its reference function; outputs, states and every gradient of `torch.nn`; inputs that are not contiguous;
the same again after pickle and deepcopy. Of a checkout those tests are run whose names speak of these modules, in
`test/test_modules.py`, `test/test_nn.py`, `test/nn/test_packed_sequence.py`, `test_lazy_modules.py` and `test_module_hooks.py`.

Printed is a line for each test that fails or is skipped, why, and the counts; beside them how many calls elman computed, and
why it left others to PyTorch. The exit code is that of failures.
"""

import collections
import copy
import pathlib
import pickle
import re
import sys
import unittest
import warnings

import torch

import elman.torch

NAMES = ["RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"]
THEIRS = {name: getattr(torch.nn, name) for name in NAMES}
FILES = ["test_modules", "test_nn", "nn/test_packed_sequence", "nn/test_lazy_modules", "nn/test_module_hooks"]
ABOUT = re.compile(r"rnn|lstm|gru|packed|pack_", re.IGNORECASE)
# Of other modules, or of processors that are not here.
BESIDE = re.compile(r"cuda|cudnn|mps|xpu|quant|meta|transformer|onnx|foreach|unpack.*conv", re.IGNORECASE)
LEFT = collections.Counter()


def exchange():
    """Puts elman's modules in the place of PyTorch's, and counts who computes."""
    for name in NAMES:
        ours = getattr(elman.torch, name)
        for module in (torch.nn, torch.nn.modules, torch.nn.modules.rnn):
            setattr(module, name, ours)
    leave, forward = elman.torch._Computed._leave_to_torch, {}

    def counted(self, why):
        LEFT[re.sub(r"\d+", "N", why)] += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            leave(self, why)

    elman.torch._Computed._leave_to_torch = counted
    for kind in (elman.torch._Layers, elman.torch._Cell):
        forward[kind] = kind.forward

        def around(self, *args, _of=kind.forward, **kwargs):
            result = _of(self, *args, **kwargs)
            LEFT["computed by elman"] += self.computed_by == "elman"
            return result

        kind.forward = around


def cases():
    """Each case of the wheel: its name, what makes a module, its input, and what is to come of it."""
    from torch.testing._internal.common_modules import module_db

    for info in module_db:
        name = info.module_cls.__name__
        if name not in NAMES:
            continue
        for training in (True, False):
            inputs = info.module_inputs_func(info, device="cpu", dtype=torch.float32, requires_grad=True, training=training)
            for number, case in enumerate(inputs):
                yield f"{name}[{number}]{'' if training else ' eval'}", name, case, training


def tensors(of):
    if isinstance(of, torch.Tensor):
        return [of]
    if isinstance(of, torch.nn.utils.rnn.PackedSequence):
        return [of.data]
    return [tensor for part in of for tensor in tensors(part)] if isinstance(of, (tuple, list)) else []


def strided(of):
    """The same numbers, every other of a row."""
    if isinstance(of, torch.Tensor) and of.dim() > 0:
        wide = of.detach().repeat_interleave(2, dim=-1)[..., ::2]
        return wide.requires_grad_(of.requires_grad)
    return type(of)(strided(part) for part in of) if isinstance(of, (tuple, list)) else of


def check(name, case, training):
    """Raises where something is not as with `torch.nn`."""
    made, given = case.constructor_input, case.forward_input
    ours, theirs = getattr(elman.torch, name)(*made.args, **made.kwargs), THEIRS[name](*made.args, **made.kwargs)
    ours.train(training), theirs.train(training)
    theirs.load_state_dict(ours.state_dict())
    close = lambda a, b: torch.testing.assert_close(tensors(a), tensors(b), rtol=1e-5, atol=1e-5)
    found = ours(*given.args, **given.kwargs)
    if case.reference_fn is not None:
        close(found, case.reference_fn(ours, *given.args, **given.kwargs))
    leaves = [tensor for tensor in tensors([*given.args, *given.kwargs.values()]) if tensor.requires_grad]
    gradients = []
    for module in (ours, theirs):
        outputs = tensors(module(*given.args, **given.kwargs))
        loss = sum((tensor * torch.arange(1.0, tensor.numel() + 1).view_as(tensor).cos()).sum() for tensor in outputs)
        gradients.append([*outputs, *torch.autograd.grad(loss, [*leaves, *module.parameters()], allow_unused=True)])
    for a, b in zip(*gradients):
        close(torch.zeros(()) if a is None else a, torch.zeros(()) if b is None else b)
    close(ours(*strided(list(given.args)), **given.kwargs), found)
    for other in (copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
        close(other(*given.args, **given.kwargs), found)


def of_the_wheel():
    counts, failed = collections.Counter(), []
    for title, name, case, training in cases():
        try:
            check(name, case, training)
            counts[name] += 1
        except Exception as error:
            failed.append(f"{title}: {type(error).__name__}: {str(error).splitlines()[0]}")
    print("the wheel's cases that pass: " + ", ".join(f"{name} {count}" for name, count in counts.items()))
    return failed


def of_a_checkout(root):
    sys.path[:0] = [str(root / "test"), str(root / "test" / "nn")]
    suite, missing = unittest.TestSuite(), []

    def taken(of):
        for test in of:
            if isinstance(test, unittest.TestSuite):
                yield from taken(test)
            elif ABOUT.search(test.id()) and not BESIDE.search(test.id()):
                yield test

    for name in FILES:
        if not (root / "test" / f"{name}.py").exists():
            missing.append(name)
            continue
        suite.addTests(taken(unittest.defaultTestLoader.loadTestsFromName(name.split("/")[-1])))
    if missing:
        print(f"not there: {', '.join(missing)}")
    result = unittest.TextTestRunner(verbosity=0, stream=open("/dev/null", "w")).run(suite)
    for test, why in result.skipped:
        print(f"skipped {test.id()}: {why.splitlines()[0] if why else ''}")
    bad = [*result.failures, *result.errors]
    ran = result.testsRun - len(result.skipped)
    print(f"the checkout's tests that pass: {ran - len(bad)} of {ran}, {len(result.skipped)} skipped")
    return [f"{test.id()}: {why.strip().splitlines()[-1]}" for test, why in bad]


def main():
    exchange()
    torch.manual_seed(1)
    failed = of_the_wheel()
    if len(sys.argv) > 1:
        failed += of_a_checkout(pathlib.Path(sys.argv[1]).resolve())
    for line in failed:
        print(f"FAILED {line}")
    for why, count in LEFT.most_common():
        print(f"{count:7}  {why}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
