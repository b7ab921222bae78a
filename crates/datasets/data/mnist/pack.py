"""Packs the images of MNIST as `src/mnist/packed.rs` unpacks them; the format is described in README.md beside this.

    python3 pack.py FOLDER      the folder has train-images-idx3-ubyte.gz and t10k-images-idx3-ubyte.gz

writes `images.rans` beside this file, and takes a minute or two. It needs NumPy; made with Python 3.11.7 and NumPy 2.4.6.
"""

import gzip
import pathlib
import sys

import numpy as np

SIDE = 28
TOTAL = 1 << 16


def frequencies(counts):
    """Of a total of 2^16, at least 1 for each value that occurs and none for the others; as near as can be."""
    occurring = counts > 0
    if not occurring.any():
        return np.zeros(256, np.int64)
    # One value alone would have all of 2^16, which is no u16. It leaves 1 to a value that never comes.
    if occurring.sum() == 1:
        occurring[(counts.argmax() + 1) % 256] = True
    result = np.where(occurring, np.maximum(1, np.round(counts / counts.sum() * TOTAL)), 0).astype(np.int64)
    # What rounding gave or took is settled with the commonest value.
    result[result.argmax()] += TOTAL - result.sum()
    return result


folder = pathlib.Path(sys.argv[1])
files = [folder / f"{name}-images-idx3-ubyte.gz" for name in ("train", "t10k")]
images = np.concatenate([np.frombuffer(gzip.open(file).read(), np.uint8, offset=16) for file in files])
images = images.reshape(-1, SIDE, SIDE)

levels = np.digitize(images, [1, 128, 252]).astype(np.uint8)
padded = np.pad(levels, ((0, 0), (1, 0), (1, 1)))
left, above_left, above, above_right = padded[:, 1:, :-2], padded[:, :-1, :-2], padded[:, :-1, 1:-1], padded[:, :-1, 2:]
context = left.astype(np.int64) << 6 | above_left << 4 | above << 2 | above_right

keys = (context << 8 | images).ravel()
counts = np.bincount(keys, minlength=1 << 16).reshape(256, 256)
table = np.array([frequencies(row) for row in counts])
starts = np.cumsum(table, axis=1) - table

# The coder is a stack: the last pixel goes in first, so that the first comes out first.
frequency = table.ravel()[keys][::-1].tolist()
start = starts.ravel()[keys][::-1].tolist()
words = []
state = 1 << 16
for f, s in zip(frequency, start):
    if state >= f << 16:
        words.append(state & 0xFFFF)
        state >>= 16
    quotient, remainder = divmod(state, f)
    state = quotient << 16 | remainder + s
words += [state & 0xFFFF, state >> 16]

stream = np.array(words[::-1], "<u2").tobytes()
(pathlib.Path(__file__).parent / "images.rans").write_bytes(table.astype("<u2").tobytes() + stream)
print(f"{images.size} pixels in {len(stream)} bytes, and {table.size * 2} bytes of frequencies")
