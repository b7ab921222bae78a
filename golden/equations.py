"""Compares the files `*_cells.safetensors` with the cells' equations, in NumPy's f64.

    ~/tf-venv/bin/python golden/equations.py

It needs none of the peers. The equations are written out once, gate by gate, and each peer's layout is cut into the
gates. The gradients are central differences of the objective, for every element. It takes half a minute.
"""

import sys

import numpy as np
import safetensors
import safetensors.numpy

from recording import GOLDEN, HIDDEN

# The largest allowed difference: of outputs and states, whose elements are mostly below 1,
# and of gradients, relative to the array's largest element or 1.
VALUE, GRADIENT = 1e-6, 2e-6
# How near to a kink of relu or of a clip a value may come: nearer, rounding could turn a gradient on or off.
MARGIN = 1e-4
STEP = 1e-6

nearest = np.inf  # the nearest that a value of the case at hand came to a kink
clipped = [0, 0]  # how many values it clipped, of how many


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def kink(distance, valid):
    global nearest
    nearest = min(nearest, np.abs(distance[valid]).min(initial=np.inf))


def clip(x, bound, valid):
    if bound is None:
        return x
    kink(np.abs(x) - bound, valid)
    clipped[0] += (np.abs(x) > bound)[valid].sum()
    clipped[1] += x[valid].size
    return np.clip(x, -bound, bound)


# The cells. Each takes x, the state, which rows are still within their length, and the new state's first part is
# the output. W are the kernels of x, R those of h, b the biases, all by gate.


def elman(W, R, b, relu=False):
    def step(x, state, valid):
        a = x @ W + state["h"] @ R + b
        if relu:
            kink(a, valid)
        return {"h": np.maximum(a, 0) if relu else np.tanh(a)}

    return step


def lstm(W, R, b, p=None, projection=None, cell_clip=None, proj_clip=None):
    p = p or dict.fromkeys("ifo", 0.0)

    def step(x, state, valid):
        h, c = state["h"], state["c"]
        i = sigmoid(x @ W["i"] + h @ R["i"] + b["i"] + p["i"] * c)
        f = sigmoid(x @ W["f"] + h @ R["f"] + b["f"] + p["f"] * c)
        g = np.tanh(x @ W["g"] + h @ R["g"] + b["g"])
        c = clip(f * c + i * g, cell_clip, valid)
        o = sigmoid(x @ W["o"] + h @ R["o"] + b["o"] + p["o"] * c)
        h = o * np.tanh(c)
        return {"h": h if projection is None else clip(h @ projection, proj_clip, valid), "c": c}

    return step


def gru_before(W, R, b):
    def step(x, state, valid):
        h = state["h"]
        r = sigmoid(x @ W["r"] + h @ R["r"] + b["r"])
        z = sigmoid(x @ W["z"] + h @ R["z"] + b["z"])
        n = np.tanh(x @ W["n"] + (r * h) @ R["n"] + b["n"])
        return {"h": (1 - z) * n + z * h}

    return step


def gru_after(W, R, bx, bh):
    def step(x, state, valid):
        h = state["h"]
        r = sigmoid(x @ W["r"] + h @ R["r"] + bx["r"] + bh["r"])
        z = sigmoid(x @ W["z"] + h @ R["z"] + bx["z"] + bh["z"])
        n = np.tanh(x @ W["n"] + bx["n"] + r * (h @ R["n"] + bh["n"]))
        return {"h": (1 - z) * n + z * h}

    return step


def unroll(step, inputs, lengths, state, backward=False):
    """Zero past a row's length, where the state stays. Backward, a row begins at its own last valid step."""
    outputs = {}
    times = range(inputs.shape[1])
    for t in reversed(times) if backward else times:
        valid = t < lengths
        new = step(inputs[:, t], state, valid)
        outputs[t] = np.where(valid[:, None], new["h"], 0)
        state = {name: np.where(valid[:, None], new[name], state[name]) for name in state}
    return np.stack([outputs[t] for t in times], 1), state


def gates(array, order):
    """The blocks of the last axis, by gate."""
    return dict(zip(order, np.split(array, len(order), -1)))


def below(arrays, prefix):
    return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}


def run(parts, inputs, lengths, arrays):
    """Layers on top of each other, each a list of (name, cell, whether backward), whose outputs lie side by side."""
    results = {}
    for layer in parts:
        outputs = []
        for name, step, backward in layer:
            given = below(arrays, f"initial/{name}")
            output, state = unroll(step, inputs, lengths, {k: given[k] for k in "hc" if k in given}, backward)
            outputs.append(output)
            results |= {f"state/{name}{kind}": one for kind, one in state.items()}
        inputs = np.concatenate(outputs, -1)
    return results | {"outputs": inputs}


def tensorflow(case, a, settings):
    def cell(a):
        if "gates/kernel" in a:
            joint = np.concatenate([a["gates/kernel"], a["candidate/kernel"]], 1)
            bias = np.concatenate([a["gates/bias"], a["candidate/bias"]])
            size = joint.shape[0] - len(bias) // 3
            return gru_before(gates(joint[:size], "rzn"), gates(joint[size:], "rzn"), gates(bias, "rzn"))
        kernel, bias = a["kernel"], a["bias"]
        if kernel.shape[1] == 5:  # the BasicRNNCell(5) of `multi`; an LSTM has four gates' columns
            return elman(kernel[:-5], kernel[-5:], bias)
        projection = a.get("projection/kernel")
        size = kernel.shape[0] - (len(bias) // 4 if projection is None else projection.shape[1])
        b = gates(bias, "igfo")
        return lstm(
            gates(kernel[:size], "igfo"),
            gates(kernel[size:], "igfo"),
            b | {"f": b["f"] + settings["forget_bias"]},
            {gate: a[f"w_{gate}_diag"] for gate in "ifo"} if "w_i_diag" in a else None,
            projection,
            settings["cell_clip"] if case.endswith("clip") else None,
            settings["proj_clip"],
        )

    if case == "bidirectional":
        return [[("fw/", cell(below(a, "fw/")), False), ("bw/", cell(below(a, "bw/")), True)]]
    if "cell_0/kernel" in a:
        count = len({name.split("/")[0] for name in a if name.startswith("cell_")})
        return [[(f"cell_{k}/", cell(below(a, f"cell_{k}/")), False)] for k in range(count)]
    return [[("", cell(a), False)]]


def keras(case, a, _):
    def cell(a):
        W, R, b = a["kernel"], a["recurrent_kernel"], a["bias"]
        if case.startswith("rnn"):
            return elman(W, R, b, case == "rnn_relu")
        if case == "gru_before":
            return gru_before(*(gates(one, "zrn") for one in [W, R, b]))
        if case == "gru_after":
            return gru_after(*(gates(one, "zrn") for one in [W, R, b[0], b[1]]))
        return lstm(*(gates(one, "ifgo") for one in [W, R, b]))

    if case.startswith("bidirectional"):
        return [[(f"{d}/", cell(below(a, f"{d}/")), d == "backward") for d in ["forward", "backward"]]]
    return [[("", cell(a), False)]]


def pytorch(case, a, _):
    def cell(suffix):
        W, R = a[f"weight_ih_{suffix}"].T, a[f"weight_hh_{suffix}"].T
        bx, bh = a[f"bias_ih_{suffix}"], a[f"bias_hh_{suffix}"]
        if case.startswith("rnn"):
            return elman(W, R, bx + bh, case == "rnn_relu")
        if case.startswith("gru"):
            return gru_after(*(gates(one, "rzn") for one in [W, R, bx, bh]))
        projection = a.get(f"weight_hr_{suffix}")
        return lstm(
            *(gates(one, "ifgo") for one in [W, R, bx + bh]),
            projection=None if projection is None else projection.T,
        )

    if "weight_ih_l1" not in a:
        return [[("", cell("l0"), False)]]
    directions = ["", "_reverse"] if "bidirectional" in case else [""]
    return [[(f"l{k}{d}/", cell(f"l{k}{d}"), d != "") for d in directions] for k in range(2)]


def compute(peer, case, arrays, settings):
    results = run(peer(case, arrays, settings), arrays["inputs"], arrays["lengths"], arrays)
    outputs = results["outputs"]
    if case.endswith("_sum"):
        results["outputs"] = outputs[..., :HIDDEN] + outputs[..., HIDDEN:]
    if case == "residual":
        # The wrapped cell's input is the first cell's output; past a row's length both are zero.
        layers = peer(case, arrays, settings)[:1]
        results["outputs"] = outputs + run(layers, arrays["inputs"], arrays["lengths"], arrays)["outputs"]
    return results


def compare(peer, case, arrays, settings):
    """Prints the largest differences of one case, and says whether they are small."""
    global nearest, clipped
    nearest, clipped = np.inf, [0, 0]
    cotangents = below(arrays, "cotangent/")

    def objective():
        results = compute(peer, case, arrays, settings)
        return sum((results[name] * cotangents[name]).sum() for name in cotangents)

    results = compute(peer, case, arrays, settings)
    assert results.keys() == cotangents.keys()
    value = max(np.abs(results[name] - arrays[name]).max() for name in results)
    margin, counts = nearest, tuple(clipped)

    worst, largest = 0.0, 0.0
    expected = below(arrays, "gradient/")
    fixed = {"lengths", *results}
    assert expected.keys() == {
        n for n in arrays if n not in fixed and not n.startswith(("gradient/", "cotangent/"))
    }
    for name, gradient in expected.items():
        array, found = arrays[name], np.zeros_like(gradient)
        for at in np.ndindex(array.shape):
            kept = array[at]
            array[at] = kept + STEP
            above = objective()
            array[at] = kept - STEP
            found[at] = (above - objective()) / (2 * STEP)
            array[at] = kept
        largest = max(largest, np.abs(gradient).max())
        worst = max(worst, np.abs(found - gradient).max() / max(1, np.abs(gradient).max()))
    good = value <= VALUE and worst <= GRADIENT and margin >= MARGIN
    line = f"    {case}: values within {value:.1e}, gradients within {worst:.1e} (largest {largest:.2g})"
    if margin < np.inf:
        line += f", no kink nearer than {margin:.1e}"
    if counts[1]:
        line += f", {counts[0]} of {counts[1]} clipped"
    print(line if good else line + "  TOO FAR", flush=True)
    return good


def main():
    good = True
    for name, peer in {"tensorflow": tensorflow, "keras": keras, "pytorch": pytorch}.items():
        path = GOLDEN / f"{name}_cells.safetensors"
        print(path.name)
        stored = safetensors.numpy.load_file(path)
        with safetensors.safe_open(path, "numpy") as file:
            strings = file.metadata()
        keys = ["forget_bias", "cell_clip", "proj_clip"]
        settings = {key: float(strings[key]) for key in keys if key in strings}
        for case in sorted({key.split("/")[0] for key in stored}):
            arrays = {n: a.astype(np.float64) for n, a in below(stored, f"{case}/").items()}
            good &= compare(peer, case, arrays, settings)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
