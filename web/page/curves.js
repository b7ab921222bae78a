// Curves of trainings: each step faintly, and a running mean in full colour.

import { Plot, drawKey, ticks } from "./shared/fan.js";
import { html } from "./shared/elements.js";

/** So many points of a curve are drawn. */
const DRAWN = 400;

/** The mean of each point and those before it, the nearer the heavier. @param {[number, number][]} points */
export function smooth(points) {
    // Over about a hundredth of the curve.
    const keep = 1 - 1 / Math.max(1, Math.min(12, points.length / 100));
    let [mean, weight] = [0, 0];
    return points.map(([x, y]) => {
        mean = keep * mean + (1 - keep) * y;
        weight = keep * weight + (1 - keep);
        return keep === 0 ? [x, y] : [x, mean / weight];
    });
}

const thinned = (points) => {
    const every = Math.ceil(points.length / DRAWN);
    return every <= 1 ? points : points.filter((_, index) => index % every === every - 1 || index === points.length - 1);
};

/** Round places within a range: as many as there is room for. */
export function roundSteps(first, last, width) {
    const all = ticks(first, last).filter((at) => at >= first && at <= last);
    return width < 420 ? all.filter((_, index) => index % 2 === 0) : all;
}

/** A number with a minus that is as wide as a plus. */
export const minus = (value) => String(value).replace("-", "−");

/**
 * @param {HTMLElement} parent
 * @param {object} of
 * @param {{name: string, word: string, points: [number, number][], isRaw?: boolean}[]} of.lines  The class of a line and its
 *     words; `isRaw`: it is drawn as it is, without a mean.
 * @param {string} of.label  For whoever does not see it.
 * @param {number[]} [of.within]  Values that are to be in sight in any case.
 * @param {string} [of.x]  What is to the right.
 * @param {(x: number) => string} [of.xName]
 * @param {(y: number) => string} [of.yName]
 * @param {number} [of.height]
 * @param {[number, number]} [of.range]
 */
export function drawCurves(parent, { lines, label, within = [], x = "", xName = minus, yName = minus, height = 200, range }) {
    parent.picture ??= parent.appendChild(html("div"));
    const shown = lines.map((line) => ({ ...line, mean: line.isRaw ? line.points : smooth(line.points) }));
    const xs = lines.flatMap(({ points }) => (points.length > 0 ? [points[0][0], points.at(-1)[0]] : []));
    const [first, last] = range ?? [0, Math.max(1, ...xs)];
    // What is far out of the rest, as the first steps at too high a learning rate, is not to hide the rest.
    const values = [...within, ...shown.flatMap(({ points, mean, isRaw }) => (isRaw ? points : [...mean, ...thinned(points)]).map(([, y]) => y))];
    const plot = new Plot(parent.picture, [first, last], values.filter(Number.isFinite), label, height);
    plot.axes((at) => xName(at), yName, roundSteps(first, last, plot.width));
    for (const { name, points, isRaw } of shown) if (!isRaw) plot.path(`${name} raw`, thinned(points));
    for (const { name, mean } of shown) plot.path(name, thinned(mean));
    const words = lines.map(({ word }) => word).join("|") + x;
    if (parent.dataset.words === words) return;
    // The key is left alone while steps go on, so that it can be read.
    parent.dataset.words = words;
    parent.querySelector(".key")?.remove();
    drawKey(parent, lines.filter(({ word }) => word).map(({ name, word }) => ["", name, word]));
    if (x) parent.querySelector(".key").append(html("li", { class: "axis-word" }, x));
}
