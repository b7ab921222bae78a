// A series with the fans of its forecasts; and lines of several values over time. Drawn at the width that there is, so that
// letters keep their size on a phone.

import { html, svg } from "./elements.js";

const MARGIN = { left: 52, right: 10, top: 10, bottom: 28 };

/**
 * @param {HTMLElement} parent
 * @param {object} of
 * @param {string[]} of.times  A name for each step, of the past and the future.
 * @param {number[]} of.values  What is known; NaN where nothing is.
 * @param {{at: number, quantiles: number[][], isOld: boolean}[]} of.fans  The first step, [horizon, levels].
 * @param {number[]} of.levels
 * @param {number} of.from  The first step that is shown.
 * @param {string} of.label  For whoever does not see it.
 */
export function drawFan(parent, { times, values, fans, levels, from, label }) {
    const seen = fans.filter((fan) => fan.at + fan.quantiles.length > from);
    const all = [values.slice(from), ...seen.flatMap((fan) => fan.quantiles)].flat().filter(Number.isFinite);
    const plot = new Plot(parent, [from, times.length - 1], all, label);
    plot.axes((step) => times[step] ?? "");
    const line = (name, points) => plot.path(name, points.filter(([step]) => step >= from));
    const middle = levels.findIndex((level) => Math.abs(level - 0.5) < 1e-6);
    for (const { at, quantiles, isOld } of seen) {
        for (let low = 0; low < (levels.length >> 1); low += 1) {
            // Of a forecast from the past the widest band is enough: bands within bands would hide what came.
            if (isOld && low > 0) break;
            plot.band(isOld ? "old" : "fan", at, quantiles, low, levels.length - 1 - low);
        }
        if (middle >= 0) line(isOld ? "old-median" : "fan-median", quantiles.map((step, index) => [at + index, step[middle]]));
    }
    line("past", values.map((value, step) => [step, value]));
}

/**
 * Lines over the last steps.
 * @param {HTMLElement} parent
 * @param {number[][]} rows  [T, values]
 * @param {{first: number, label: string}} of  The number of the first step.
 */
export function drawLines(parent, rows, { first, label }) {
    const plot = new Plot(parent, [first, Math.max(first + 1, first + rows.length - 1)], rows.flat().filter(Number.isFinite), label, 180);
    plot.axes((step) => String(step));
    for (let of = 0; of < (rows[0]?.length ?? 0); of += 1) plot.path("line", rows.map((row, index) => [first + index, row[of]]));
}

/** Axes, and lines and bands between them. What is drawn again takes the place of what was there. */
export class Plot {
    /**
     * @param {HTMLElement} parent
     * @param {[number, number]} range  The first and the last step.
     * @param {number[]} values  All that is to be within.
     * @param {string} label  For whoever does not see it.
     * @param {number} [height]
     */
    constructor(parent, [first, last], values, label, height = 320) {
        const width = Math.max(260, parent.clientWidth);
        Object.assign(this, { width, height, first, last });
        this.svg = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
        parent.replaceChildren(this.svg);
        const [low, high] = values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
        this.ticks = ticks(Number.isFinite(low) ? low : 0, Number.isFinite(high) ? high : 1);
        this.low = Math.min(low, this.ticks[0]);
        this.high = Math.max(high, this.ticks.at(-1));
    }

    x(step) {
        const share = (step - this.first) / Math.max(1, this.last - this.first);
        return MARGIN.left + share * (this.width - MARGIN.left - MARGIN.right);
    }

    y(value) {
        const share = (value - this.low) / (this.high - this.low);
        return this.height - MARGIN.bottom - share * (this.height - MARGIN.top - MARGIN.bottom);
    }

    /**
     * @param {(step: number) => string} nameOf
     * @param {(value: number) => string} [tickName]
     * @param {number[]} [at]  Steps that are named; without them, some at even distances.
     */
    axes(nameOf, tickName = String, at = this.evenSteps()) {
        const group = svg("g", { class: "axis", "aria-hidden": true });
        for (const value of this.ticks) {
            const y = this.y(value);
            group.append(svg("path", { d: `M${MARGIN.left} ${y}H${this.width - MARGIN.right}` }));
            group.append(svg("text", { x: MARGIN.left - 6, y: y + 4, "text-anchor": "end" }, tickName(value)));
        }
        for (const step of at) {
            const anchor = step === this.first ? "start" : step === this.last ? "end" : "middle";
            group.append(svg("text", { x: this.x(step), y: this.height - 8, "text-anchor": anchor }, nameOf(step)));
        }
        this.svg.append(group);
    }

    evenSteps() {
        const count = Math.max(1, Math.floor((this.width - MARGIN.left) / 130));
        return Array.from({ length: count + 1 }, (_, index) => Math.round(this.first + ((this.last - this.first) * index) / count));
    }

    /** A line through points [step, value]; where there is no value it breaks. */
    path(name, points) {
        let d = "";
        let pen = "M";
        for (const [step, value] of points) {
            if (Number.isFinite(value)) d += `${pen}${this.x(step).toFixed(1)} ${this.y(value).toFixed(1)}`;
            pen = Number.isFinite(value) ? "L" : "M";
        }
        if (d) this.svg.append(svg("path", { class: name, d }));
    }

    band(name, at, quantiles, low, high) {
        const point = (step, value) => `${this.x(Math.max(step, this.first)).toFixed(1)} ${this.y(value).toFixed(1)}`;
        const there = quantiles.map((step, index) => point(at + index, step[low]));
        const back = quantiles.map((step, index) => point(at + index, step[high])).reverse();
        this.svg.append(svg("path", { class: name, d: `M${[...there, ...back].join("L")}Z` }));
    }
}

/** Round numbers around a range. @returns {number[]} */
export function ticks(low, high) {
    const size = high > low ? high - low : Math.max(1, Math.abs(low));
    const rough = size / 4;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((of) => of * power).find((of) => of >= rough);
    const first = Math.floor(low / step);
    const last = Math.max(first + 1, Math.ceil(high / step));
    const digits = Math.max(0, -Math.floor(Math.log10(step)));
    return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toFixed(digits)));
}

/** What the colours mean. @param {[string, string, string][]} lines  The class of a band or none, of a line or none; the words. */
export function drawKey(parent, lines) {
    const picture = ([band, line]) =>
        svg(
            "svg",
            { viewBox: "0 0 32 16", "aria-hidden": true },
            ...(band ? [svg("path", { class: band, d: "M0 1H32V15H0Z" })] : []),
            ...(line ? [svg("path", { class: line, d: "M0 8H32" })] : []),
        );
    parent.append(html("ul", { class: "key", role: "list" }, ...lines.map((of) => html("li", {}, picture(of), of[2]))));
}
