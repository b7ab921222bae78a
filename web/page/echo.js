// Step 6: bits said again some steps later, with the state carried from piece to piece, and without.

import { Plot } from "./shared/fan.js";
import { svg } from "./shared/elements.js";
import { t } from "./shared/words.js";
import { controls, count, looks } from "./controls.js";
import { drawCurves } from "./curves.js";
import { Part } from "./part.js";
import { Runner } from "./runner.js";
import { percentOf } from "./train.js";

const PIECE = 15;
const KEYS = ["carried", "reset"];
const LINES = { carried: "line-a", reset: "line-b" };

/** How long it rests between two looks at the networks, in milliseconds. */
const LOOK_EVERY = 700;

export class Echo extends Part {
    constructor(lesson) {
        super("echo", lesson);
        this.runner = new Runner(lesson, () =>
            KEYS.map((key) => ({ key, job: "echo", name: `echo-${key}`, settings: { echo_step: this.delay(), reset_state: key === "reset" } })),
        );
        this.seen = {};
    }

    delay() {
        return Number(this.form.elements.delay.value);
    }

    start() {
        const { runner } = this;
        controls(this, runner);
        this.form.addEventListener("submit", (event) => event.preventDefault());
        this.form.elements.delay.addEventListener("change", () => this.attempt(() => runner.restart()));
        looks(this, runner, { every: LOOK_EVERY, at: (engine, model) => engine.echo(model) });
    }

    draw() {
        this.drawBits();
        this.drawRight();
        const { runner } = this;
        drawCurves(this.find("#echo-chart"), {
            lines: KEYS.map((key) => ({ name: LINES[key], word: t(`echo-${key}`), points: (runner.of(key)?.course.points ?? []).map(({ steps, loss }) => [steps, loss]) })),
            label: t("echo-chart-label", { steps: count(runner.steps) }),
            within: [0, 0.7],
            x: t("axis-steps"),
            xName: count,
            height: 160,
        });
    }

    /** A column a step; a row for what goes in, one for what is due, one for each network. */
    drawBits() {
        const { carried, reset } = this.seen;
        const parent = this.find("#echo-bits");
        if (!carried || !reset) return parent.replaceChildren();
        const [size, gap, left, high] = [13, 5, 0, 22];
        const { bits } = carried;
        // The first steps ask for what came before the first bit: nothing is due there.
        const target = carried.target.map((bit, at) => (at < this.delay() ? null : bit));
        const place = (at) => left + at * size + Math.floor(at / PIECE) * gap;
        const rows = [["in", bits], ["due", target], ["carried", carried.carried], ["reset", reset.reset]];
        const width = place(bits.length) + 2;
        const wrongOf = (values) => values.filter((p, at) => target[at] !== null && (p >= 0.5) !== (target[at] === 1)).length;
        const label = t("echo-bits-label", { steps: bits.length, carried: wrongOf(carried.carried), reset: wrongOf(reset.reset) });
        const picture = svg("svg", { viewBox: `0 0 ${width} ${rows.length * (high + 16)}`, width, height: rows.length * (high + 16), role: "img", "aria-label": label });
        rows.forEach(([name, values], row) => {
            const y = row * (high + 16);
            picture.append(svg("text", { class: "row-name", x: 0, y: y + 11 }, t(`echo-row-${name}`)));
            values.forEach((value, at) => {
                if (value === null || value === undefined) return;
                const isWrong = row > 1 && target[at] !== null && (value >= 0.5) !== (target[at] === 1);
                const rect = svg("rect", { class: isWrong ? "bit wrong" : "bit", x: place(at) + 1, y: y + 15, width: size - 2, height: high - 6, rx: 2 });
                // An answer is as full as it is sure of a 1.
                rect.style.fillOpacity = String(0.06 + 0.94 * value);
                picture.append(rect);
            });
        });
        return parent.replaceChildren(picture);
    }

    /** How many of a thousand pieces were right at each step of a piece. */
    drawRight() {
        const { carried, reset } = this.seen;
        const lines = [
            ["carried", carried?.by_step.carried ?? []],
            ["reset", reset?.by_step.reset ?? []],
        ];
        const label = t("echo-right-label", Object.fromEntries(lines.map(([key, shares]) => [key, shares.map((share) => percentOf(share)).join(", ")])));
        const parent = this.find("#echo-right");
        const plot = new Plot(parent, [0.4, PIECE + 0.6], [0, 1], label, 150);
        plot.axes(String, (share) => `${100 * share}%`, [1, 3, 5, 7, 9, 11, 13, 15]);
        const width = (plot.x(2) - plot.x(1)) * 0.38;
        lines.forEach(([key, shares], of) => {
            shares.forEach((share, at) => {
                const x = plot.x(at + 1) + (of - 1) * (width + 1);
                plot.svg.append(svg("rect", { class: `bar-${key}`, x, y: plot.y(share), width, height: plot.y(0) - plot.y(share) }));
            });
        });
    }
}
