"""Draws rows.svg: a digit read row by row, and the state after each row. Python's standard library alone.

    elman train mnist --out runs/picture
    python3 docs/pictures/rows.py runs/picture/model.safetensors
"""

import array
import gzip
import json
import math
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
IMAGES = HERE.parent.parent / "crates/datasets/data/mnist/t10k-images-idx3-ubyte.gz"
SIDE, UNITS, CELL = 28, 48, 9
BLUE, RED = (33, 102, 172), (178, 70, 24)


def arrays(path):
    """The arrays of a safetensors file, flat."""
    content = pathlib.Path(path).read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header.pop("__metadata__", None)
    return {name: array.array("f", content[start + a : start + b]) for name, (a, b) in
            ((name, entry["data_offsets"]) for name, entry in header.items())}


def states(model, image):
    """h_t = tanh(x_t W + h_{t-1} R + b), for t = 1 to 28."""
    kernel, recurrent, bias = (model[f"layers.0.{name}"] for name in ["kernel", "recurrent_kernel", "bias"])
    hidden = len(bias)
    h, all_steps = [0.0] * hidden, []
    for t in range(SIDE):
        x = [pixel / 255 for pixel in image[t * SIDE : (t + 1) * SIDE]]
        h = [
            math.tanh(bias[j] + sum(x[k] * kernel[k * hidden + j] for k in range(SIDE) if x[k])
                      + sum(h[k] * recurrent[k * hidden + j] for k in range(hidden)))
            for j in range(hidden)
        ]
        all_steps.append(h)
    return all_steps


def squares(values, left, top, colour):
    """One path for each colour: values[row][column], 0 is not drawn."""
    paths = {}
    for row, line in enumerate(values):
        for column, value in enumerate(line):
            if value:
                paths.setdefault(value, []).append(f"M{left + column * CELL} {top + row * CELL}h{CELL}v{CELL}h-{CELL}z")
    return "\n".join(f'  <path fill="{colour(value)}" d="{"".join(path)}"/>' for value, path in sorted(paths.items()))


def mix(colour, part):
    return "#" + "".join(f"{round(255 + (c - 255) * part):02x}" for c in colour)


image = gzip.decompress(IMAGES.read_bytes())[16 : 16 + SIDE * SIDE]
pixels = [[round(p / 255 * 6) for p in image[t * SIDE : (t + 1) * SIDE]] for t in range(SIDE)]
levels = [[round(value * 6) for value in h[:UNITS]] for h in states(arrays(sys.argv[1]), image)]
top, first, second = 64, 70, 400
width, height = second + UNITS * CELL + 30, top + SIDE * CELL + 50
row = 11
y = top + row * CELL
svg = f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="Helvetica, Arial, sans-serif" font-size="15" fill="#1b1f24" text-anchor="middle">
  <title>A digit, and the state of a trained network after each of its rows</title>
  <rect width="{width}" height="{height}" rx="10" fill="#ffffff"/>
  <text x="{first + SIDE * CELL / 2}" y="30" font-weight="bold">the image: 28 steps of 28 pixels</text>
  <text x="{second + UNITS * CELL / 2}" y="30" font-weight="bold">the state after each row: the first {UNITS} of 128 floats</text>
{squares(pixels, first, top, lambda level: mix((20, 24, 28), level / 6))}
{squares(levels, second, top, lambda level: mix(BLUE if level < 0 else RED, abs(level) / 6))}
  <g fill="none" stroke="#9aa5b0" stroke-width="1.2"><rect x="{first}" y="{top}" width="{SIDE * CELL}" height="{SIDE * CELL}"/><rect x="{second}" y="{top}" width="{UNITS * CELL}" height="{SIDE * CELL}"/></g>
  <g fill="none" stroke="#37853f" stroke-width="2.2"><rect x="{first - 2}" y="{y - 1}" width="{SIDE * CELL + 4}" height="{CELL + 2}"/><rect x="{second - 2}" y="{y - 1}" width="{UNITS * CELL + 4}" height="{CELL + 2}"/><path d="M{first + SIDE * CELL + 6} {y + CELL / 2}H{second - 10}"/></g>
  <path d="M{second - 4} {y + CELL / 2}l-11 -5v10z" fill="#37853f"/>
  <g font-size="13" fill="#4a5560">
    <text x="{first - 30}" y="{top + 9}">t = 1</text><text x="{first - 30}" y="{y + 9}">t = {row + 1}</text><text x="{first - 30}" y="{top + SIDE * CELL}">t = 28</text>
    <text x="{(first + SIDE * CELL + second) / 2}" y="{y - 6}">cell</text>
    <text x="{second + UNITS * CELL / 2}" y="{height - 20}">blue: −1, white: 0, red: 1</text>
    <text x="{first + SIDE * CELL / 2}" y="{height - 20}">the first test image</text>
  </g>
</svg>
"""
(HERE / "rows.svg").write_text(svg)
