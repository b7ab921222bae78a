// What comes next: an LSTM beside the Elman cell, where something has to be kept for long.

import { Plot, drawKey } from "./shared/fan.js";
import { svg } from "./shared/elements.js";
import { t } from "./shared/words.js";
import { controls, count, looks } from "./controls.js";
import { drawCurves, minus, roundSteps } from "./curves.js";
import { Part } from "./part.js";
import { Runner } from "./runner.js";
import { percentOf } from "./train.js";

const CELLS = ["rnn", "lstm"];
const LINES = { rnn: "line-b", lstm: "line-a" };

/** Orthogonal matrices, and forget gates that begin open: so both cells can find it. */
const SETTINGS = { init: "keras", learning_rate: 0.003 };

/** What is smaller, relative to the end, is drawn here. */
const FLOOR = 1e-10;

/** How long it rests between two looks at the gradients, in milliseconds. */
const LOOK_EVERY = 2500;

export class Memory extends Part {
    constructor(lesson) {
        super("memory", lesson);
        this.runner = new Runner(lesson, () =>
            CELLS.map((cell) => ({ key: cell, job: "memory", name: `memory-${cell}`, settings: { cell, sequence_length: this.gap(), ...SETTINGS } })),
        );
        Object.assign(this, { seen: {}, example: null });
    }

    gap() {
        return Number(this.form.elements.gap.value);
    }

    start() {
        const { runner } = this;
        controls(this, runner);
        this.form.addEventListener("submit", (event) => event.preventDefault());
        this.form.elements.gap.addEventListener("change", () => {
            this.attempt(() => runner.restart());
            this.attempt(() => this.fetch());
        });
        this.attempt(() => this.fetch());
        // How far back the gradient of each reaches now.
        const at = async (engine, model) => (await engine.diagnose(model, { rows: 32 })).cells[0].state.relative;
        looks(this, runner, { every: LOOK_EVERY, at });
    }

    async fetch() {
        const gap = this.gap();
        const engine = await this.lesson.engine();
        const { sequences, classes } = await engine.memory({ sequence_length: gap, seed: 111, rows: 2 });
        if (gap !== this.gap()) return;
        this.example = { rows: sequences.map((row) => row.flat()), classes };
        this.redraw();
    }

    draw() {
        this.drawExample();
        const { runner } = this;
        const accuracyOf = (key) => percentOf(recent(runner.of(key)?.course.points ?? []));
        drawCurves(this.find("#memory-chart"), {
            lines: CELLS.map((key) => ({ name: LINES[key], word: t(`memory-${key}`), points: (runner.of(key)?.course.points ?? []).map(({ steps, accuracy }) => [steps, accuracy]) })),
            label: t("memory-chart-label", { steps: count(runner.steps), rnn: accuracyOf("rnn"), lstm: accuracyOf("lstm") }),
            within: [0, 1],
            x: t("axis-steps"),
            xName: count,
            yName: (share) => `${Math.round(100 * share)}%`,
        });
        this.drawLags();
    }

    /** Two sequences: a bit, and then noise. */
    drawExample() {
        if (!this.example) return;
        const { rows, classes } = this.example;
        const label = t("memory-example-label", { classes: classes.join(", "), steps: rows[0].length });
        const plot = new Plot(this.find("#memory-example"), [1, rows[0].length], rows.flat(), label, 170);
        plot.axes(String, minus, [1, ...roundSteps(2, rows[0].length, plot.width)]);
        rows.forEach((row, of) => {
            const name = of === 0 ? "line-c" : "line-d";
            plot.path(name, row.map((x, at) => [at + 1, x]));
            plot.svg.append(svg("circle", { class: of === 0 ? "dot-c" : "dot-d", cx: plot.x(1), cy: plot.y(row[0]), r: 5 }));
        });
        drawKey(this.find("#memory-example"), rows.map((_, of) => ["", of === 0 ? "line-c" : "line-d", t("memory-class", { class: classes[of] })]));
    }

    /** The gradient so many steps before the end, on a scale of powers of ten. */
    drawLags() {
        const parent = this.find("#memory-lag");
        const lines = CELLS.map((key) => [key, (this.seen[key] ?? []).map((value, lag) => [lag, Math.log10(Math.max(value, FLOOR))])]);
        const last = (key) => this.seen[key]?.at(-1)?.toExponential(1) ?? "–";
        drawCurves(parent, {
            lines: lines.map(([key, points]) => ({ name: LINES[key], word: t(`memory-${key}`), points, isRaw: true })),
            label: t("memory-lag-label", { steps: this.gap(), rnn: last("rnn"), lstm: last("lstm") }),
            within: [0, -3],
            x: t("axis-lag"),
            yName: powerOfTen,
            range: [0, Math.max(this.gap(), ...lines.map(([, points]) => points.length - 1))],
        });
    }
}

/** The mean accuracy of the last points. */
function recent(points) {
    const last = points.slice(-20).map(({ accuracy }) => accuracy);
    return last.length > 0 ? last.reduce((a, b) => a + b) / last.length : NaN;
}

/** 10 to this power, in words of an axis; only whole powers are named. */
const powerOfTen = (power) => (Number.isInteger(power) ? (power === 0 ? "1" : `1e${power}`).replace("-", "−") : "");
