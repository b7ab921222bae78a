// From strokes of a pen to the form of MNIST's digits: [28, 28], ink 1 on 0, at most 20 × 20, its centre of mass in the
// middle. Strokes are lists of points [x, y] in any unit.

export const SIDE = 28;
const BOX = 20;

/** Half the width of a stroke, in pixels: MNIST's strokes are two to three pixels wide. */
const RADIUS = 1.25;

/** Over this distance a stroke's edge fades from ink to paper, in pixels. */
const EDGE = 1.1;

/**
 * @param {number[][][]} strokes
 * @returns {number[][]|null} [28, 28]; null where there is no ink
 */
export function toDigit(strokes) {
    const points = strokes.flat();
    if (points.length === 0) return null;
    const xs = points.map(([x]) => x);
    const ys = points.map(([, y]) => y);
    const left = Math.min(...xs);
    const top = Math.min(...ys);
    const size = Math.max(Math.max(...xs) - left, Math.max(...ys) - top);
    // A dot stays one.
    const scale = size > 0 ? (BOX - 2 * RADIUS) / size : 0;
    const scaled = strokes.map((stroke) => stroke.map(([x, y]) => [(x - left) * scale + 4, (y - top) * scale + 4]));
    // Where the mass lies is known once there is ink; then it is drawn again, moved.
    const [mx, my] = centre(ink(scaled));
    const moved = scaled.map((stroke) => stroke.map(([x, y]) => [x + SIDE / 2 - mx, y + SIDE / 2 - my]));
    return ink(moved);
}

/** The ink in each pixel, from its middle's distance to the strokes. */
function ink(strokes) {
    return Array.from({ length: SIDE }, (_, row) =>
        Array.from({ length: SIDE }, (_, column) => {
            const nearest = Math.min(...strokes.map((stroke) => distance(stroke, column + 0.5, row + 0.5)));
            return Math.min(1, Math.max(0, (RADIUS + EDGE / 2 - nearest) / EDGE));
        }),
    );
}

function distance(stroke, x, y) {
    let nearest = Infinity;
    stroke.forEach(([x1, y1], index) => {
        const [x0, y0] = stroke[Math.max(0, index - 1)];
        const [dx, dy] = [x1 - x0, y1 - y0];
        const length = dx * dx + dy * dy;
        const along = length > 0 ? Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) / length)) : 0;
        nearest = Math.min(nearest, Math.hypot(x - x0 - along * dx, y - y0 - along * dy));
    });
    return nearest;
}

/** The centre of mass [x, y], in pixels from the corner. */
export function centre(pixels) {
    let [mass, mx, my] = [0, 0, 0];
    pixels.forEach((row, y) =>
        row.forEach((value, x) => {
            mass += value;
            mx += value * (x + 0.5);
            my += value * (y + 0.5);
        }),
    );
    return mass > 0 ? [mx / mass, my / mass] : [SIDE / 2, SIDE / 2];
}

/** An arc from angle `from` to `to` in turns, clockwise from the right, as points. */
function arc(x, y, rx, ry, from, to) {
    return Array.from({ length: 17 }, (_, index) => {
        const angle = 2 * Math.PI * (from + ((to - from) * index) / 16);
        return [x + rx * Math.cos(angle), y + ry * Math.sin(angle)];
    });
}

/** A digit each, in a square of side 1, for whoever would rather not draw. */
export const EXAMPLES = [
    [arc(0.5, 0.5, 0.2, 0.32, -0.25, 0.75)],
    [[[0.54, 0.17], [0.46, 0.83]]],
    [[...arc(0.49, 0.36, 0.19, 0.19, -0.5, 0.1), [0.3, 0.8], [0.72, 0.78]]],
    [[...arc(0.46, 0.34, 0.18, 0.17, -0.42, 0.22), ...arc(0.46, 0.66, 0.21, 0.18, -0.22, 0.42)]],
    [[[0.34, 0.2], [0.3, 0.53], [0.68, 0.51]], [[0.68, 0.2], [0.62, 0.84]]],
    [[[0.38, 0.2], [0.35, 0.48], ...arc(0.47, 0.64, 0.19, 0.19, -0.3, 0.4)], [[0.38, 0.2], [0.68, 0.18]]],
    [[[0.62, 0.18], ...arc(0.48, 0.65, 0.18, 0.19, -0.5, 0.5).reverse()]],
    [[[0.28, 0.23], [0.72, 0.21], [0.45, 0.84]]],
    [[...arc(0.5, 0.33, 0.15, 0.16, 0.25, -0.75), ...arc(0.5, 0.67, 0.19, 0.18, -0.25, 0.75)]],
    [[...arc(0.5, 0.36, 0.17, 0.18, 0, -1), [0.67, 0.36], [0.6, 0.84]]],
];
