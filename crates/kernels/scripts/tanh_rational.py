"""Finds the coefficients of the rational tanh in src/activation.rs, by Remez exchange.

    pip install mpmath numpy
    python3 crates/kernels/scripts/tanh_rational.py

tanh(x) = x P(x^2) / Q(x^2), P and Q of degree 4, with the smallest largest relative
error on (0, CLAMP]. Then the same in f32, with fused multiply-adds emulated in f64,
to see what rounding adds.
"""

import mpmath as mp
import numpy as np

mp.mp.dps = 80
CLAMP = mp.mpf("9.02")
P_DEGREE, Q_DEGREE = 4, 4
POINTS = P_DEGREE + Q_DEGREE + 2


def solve(points):
    """P, Q and the levelled error e on the reference points: x P - f Q = +-e f Q, an eigenvalue problem in e.

    Of its solutions, the one whose Q has no zero in the interval.
    """
    left, right = mp.matrix(POINTS, POINTS), mp.matrix(POINTS, POINTS)
    for row, x in enumerate(points):
        u, f = x * x, mp.tanh(x)
        for k in range(P_DEGREE + 1):
            left[row, k] = x * u**k
        for k in range(Q_DEGREE + 1):
            left[row, P_DEGREE + 1 + k] = -f * u**k
            right[row, P_DEGREE + 1 + k] = (-1) ** row * f * u**k
    inverse_errors, vectors = mp.eig((left**-1) * right)
    best = None
    for i, inverse in enumerate(inverse_errors):
        if abs(inverse) < mp.mpf("1e-6") or abs(mp.im(inverse)) > abs(inverse) * mp.mpf("1e-20"):
            continue
        vector = [mp.re(vectors[k, i] / vectors[P_DEGREE + 1, i]) for k in range(POINTS)]
        p, q = vector[: P_DEGREE + 1], vector[P_DEGREE + 1 :]
        pole_free = all(mp.polyval(q[::-1], (points[-1] * j / 200) ** 2) > 0 for j in range(201))
        if pole_free and (best is None or abs(1 / inverse) < abs(best[2])):
            best = p, q, 1 / mp.re(inverse)
    return best


def relative_error(x, p, q):
    u = x * x
    return x * mp.polyval(p[::-1], u) / (mp.polyval(q[::-1], u) * mp.tanh(x)) - 1


def remez():
    """Exchange on (0, 1] first, then on wider intervals, each from the one before: from afar it does not converge."""
    unit = [mp.sin(mp.pi * (i + mp.mpf("0.5")) / (2 * POINTS)) for i in range(POINTS)]
    steps = 17
    for step in range(steps):
        top = 1 + (CLAMP - 1) * step / (steps - 1)
        p, q, error, unit = exchange(top, unit)
    return p, q, error


def exchange(top, unit):
    grid = [top * mp.mpf(i) / 3000 for i in range(1, 3001)]
    points = [top * x for x in unit]
    for _ in range(30):
        p, q, error = solve(points)
        values = [relative_error(x, p, q) for x in grid]
        extrema, start = [], 0
        for i in range(1, len(grid) + 1):
            if i == len(grid) or mp.sign(values[i]) != mp.sign(values[start]):
                extrema.append(max(range(start, i), key=lambda j: abs(values[j])))
                start = i
        assert len(extrema) >= POINTS, f"{len(extrema)} extrema up to {mp.nstr(top, 4)}"
        extrema = extrema[-POINTS:]
        largest = max(abs(values[i]) for i in extrema)
        points = [grid[i] for i in extrema]
        if largest / abs(error) - 1 < mp.mpf("1e-2"):
            break
    return p, q, largest, [x / top for x in points]


def fma(a, b, c):
    """a*b exact in f64, one rounding of the sum: f32 fused multiply-add, all but a few double roundings."""
    return (a.astype(np.float64) * b.astype(np.float64) + c.astype(np.float64)).astype(np.float32)


def ulp_in_f32(p, q):
    p32, q32 = [np.float32(float(c)) for c in p], [np.float32(float(c)) for c in q]
    x = np.concatenate([np.linspace(1e-6, 9.02, 4_000_001), np.geomspace(1e-20, 9.02, 1_000_001)]).astype(np.float32)
    u = x * x
    top = np.full_like(x, p32[-1])
    for c in p32[-2::-1]:
        top = fma(top, u, np.full_like(x, c))
    bottom = np.full_like(x, q32[-1])
    for c in q32[-2::-1]:
        bottom = fma(bottom, u, np.full_like(x, c))
    y = (x * top) / bottom
    exact = np.tanh(x.astype(np.float64))
    ulp = np.spacing(exact.astype(np.float32)).astype(np.float64)
    off = np.abs(y.astype(np.float64) - exact) / ulp
    worst = off.argmax()
    return off[worst], x[worst], y.max()


if __name__ == "__main__":
    p, q, error = remez()
    print("largest relative error, exact arithmetic:", mp.nstr(error, 4))
    for name, coefficients in (("P", p), ("Q", q)):
        print(name, [f"{np.float32(float(c)):.9e}" for c in coefficients])
    print("f32: %.2f ulp at x = %g; largest value %.9g" % ulp_in_f32(p, q))
