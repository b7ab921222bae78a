"""Packs the images of MNIST as `src/mnist/packed.rs` unpacks them; the format is described in README.md beside this.

    python3 pack.py FOLDER      the folder has train-images-idx3-ubyte.gz and t10k-images-idx3-ubyte.gz

writes `images.rans` beside this file, and takes a minute or two. It needs NumPy; made with Python 3.11.7 and NumPy 2.4.6.
"""

import gzip
import itertools
import pathlib
import sys

import numpy as np

SIDE = 28
BOX = 20
PART = 10_000
LANES = 4
GROUPS = 16
TOTAL = 1 << 12


def corners(images):
    """The first row and column of a box around the ink of each image; [N] each."""
    ink = images > 0
    bottom = SIDE - 1 - ink.any(2)[:, ::-1].argmax(1)
    left, right = ink.any(1).argmax(1), SIDE - 1 - ink.any(1)[:, ::-1].argmax(1)
    # Nearly all digits are as high as the box. The narrow ones stand in its middle.
    return np.maximum(bottom - BOX + 1, 0), np.clip((left + right - BOX + 1) // 2, 0, SIDE - BOX)


def bits(counts):
    """What the best code for values that come so often takes of bits, of each row of counts."""
    total = counts.sum(-1)
    return total * np.log2(np.maximum(total, 1)) - (counts * np.log2(np.maximum(counts, 1))).sum(-1)


def grouped(counts):
    """The group of each context: the two whose union costs least are united until GROUPS are left."""
    counts, groups = counts.copy(), np.arange(256)
    alone = bits(counts)
    cost = np.full((256, 256), np.inf)
    for a in range(255):
        cost[a, a + 1 :] = bits(counts[a] + counts[a + 1 :]) - alone[a] - alone[a + 1 :]
    for _ in range(256 - GROUPS):
        a, b = np.unravel_index(cost.argmin(), cost.shape)
        groups[groups == b] = a
        counts[a] += counts[b]
        alone[a] = bits(counts[a])
        cost[b] = cost[:, b] = np.inf
        for other in np.setdiff1d(groups, [a]):
            cost[min(a, other), max(a, other)] = bits(counts[a] + counts[other]) - alone[a] - alone[other]
    return np.unique(groups, return_inverse=True)[1]


def frequencies(counts):
    """Of a total of 2^12, at least 1 for each value that occurs and none for the others; as near as can be."""
    result = np.where(counts > 0, np.maximum(1, np.round(counts / counts.sum() * TOTAL)), 0).astype(np.int64)
    # What rounding gave or took is settled with the commonest value.
    result[result.argmax()] += TOTAL - result.sum()
    assert 0 < result.max() < TOTAL
    return result


folder = pathlib.Path(sys.argv[1])
files = [folder / f"{name}-images-idx3-ubyte.gz" for name in ("train", "t10k")]
images = np.concatenate([np.frombuffer(gzip.open(file).read(), np.uint8, offset=16) for file in files])
images = images.reshape(-1, SIDE, SIDE)

first_row, first_column = corners(images)
rows, columns = first_row[:, None, None] + np.arange(BOX)[:, None], first_column[:, None, None] + np.arange(BOX)
boxes = images[np.arange(len(images))[:, None, None], rows, columns]
assert np.count_nonzero(boxes) == np.count_nonzero(images)

levels = np.digitize(boxes, [1, 128, 252]).astype(np.uint8)
padded = np.pad(levels, ((0, 0), (1, 0), (1, 1)))
left, above_left, above, above_right = padded[:, 1:, :-2], padded[:, :-1, :-2], padded[:, :-1, 1:-1], padded[:, :-1, 2:]
context = left << 6 | above_left << 4 | above << 2 | above_right

counts = np.bincount((context.astype(np.int64) << 8 | boxes).ravel(), minlength=1 << 16).reshape(256, 256)
groups = grouped(counts)
table = np.array([frequencies(counts[groups == group].sum(0)) for group in range(GROUPS)])
starts = np.cumsum(table, axis=1) - table

content = groups.astype(np.uint8).tobytes() + table.astype("<u2").tobytes()
for part in range(0, len(images), PART):
    # Four images side by side: the first pixel of each, the second of each, and so on.
    keys = groups[context[part : part + PART]] << 8 | boxes[part : part + PART]
    keys = keys.reshape(-1, LANES, BOX * BOX).transpose(0, 2, 1).ravel()
    # The coder is a stack: the last pixel goes in first, so that the first comes out first.
    frequency = table.ravel()[keys][::-1].tolist()
    start = starts.ravel()[keys][::-1].tolist()
    words = []
    states = [1 << 16] * LANES
    for f, s, lane in zip(frequency, start, itertools.cycle(reversed(range(LANES)))):
        state = states[lane]
        if state >= f << 20:
            words.append(state & 0xFFFF)
            state >>= 16
        quotient, remainder = divmod(state, f)
        states[lane] = quotient << 12 | remainder + s
    content += np.array([len(words)] + states, "<u4").tobytes()
    content += (first_row << 4 | first_column)[part : part + PART].astype(np.uint8).tobytes()
    content += np.array(words[::-1], "<u2").tobytes()

(pathlib.Path(__file__).parent / "images.rans").write_bytes(content)
print(f"{images.size} pixels in {len(content)} bytes")
