// Step 7: a network that learns to write. What it writes is shown as it gets better.

import { html } from "./shared/elements.js";
import { EngineError } from "./shared/engine.js";
import { t } from "./shared/words.js";
import { controls, count } from "./controls.js";
import { drawCurves } from "./curves.js";
import { Part } from "./part.js";
import { Runner } from "./runner.js";

/** After so many steps a sample is written; then after each `EVERY`. */
const AT = [0, 20, 50, 100, 200, 350, 500, 750];
const EVERY = 250;
const LENGTH = 180;
const SAMPLES_MAX = 30;

/** Characters of a text of one's own. */
const TEXT_MIN = 1000;

export class Writing extends Part {
    constructor(lesson) {
        super("writing", lesson);
        this.samples = [];
        this.runner = new Runner(lesson, () => {
            const { source, own } = this.form.elements;
            const text = source.value === "own" ? own.value : undefined;
            if (text !== undefined && text.length < TEXT_MIN) throw new EngineError(t("writing-short", { least: count(TEXT_MIN), found: count(text.length) }));
            return [{ key: "writer", job: "text", name: "writer", settings: { layers: 1, hidden_size: 96, batch_size: 16, sequence_length: 40, learning_rate: 0.005 }, text }];
        });
    }

    start() {
        const { runner } = this;
        controls(this, runner);
        const { source, own, temperature } = this.form.elements;
        this.form.addEventListener("submit", (event) => event.preventDefault());
        source.addEventListener("change", () => {
            this.find("#writing-own").hidden = source.value !== "own";
            this.attempt(() => runner.restart());
        });
        own.addEventListener("change", () => this.attempt(() => runner.restart()));
        temperature.addEventListener("input", () => this.words());
        runner.addEventListener("step", () => {
            this.redraw();
            if (runner.steps >= this.due) this.write();
        });
        runner.addEventListener("change", () => {
            if (runner.state === "none") {
                this.samples = [];
                this.due = 0;
                this.redraw();
            }
            // The first text is that of weights that have learned nothing.
            if (runner.state === "paused" && runner.steps === 0) this.write();
        });
        this.due = 0;
    }

    words() {
        this.find("#writing-heat").textContent = Number(this.form.elements.temperature.value).toFixed(2);
    }

    /** A sample of now. While it is written, training waits. */
    async write() {
        const { runner } = this;
        const [{ training, course }] = runner.all;
        const steps = course.last?.step ?? 0;
        this.due = AT.find((at) => at > steps) ?? steps + EVERY;
        const { prime, temperature } = this.form.elements;
        const of = { prime: prime.value || "\n", length: LENGTH, temperature: Number(temperature.value), seed: 111 };
        await this.attempt(async () => {
            const engine = await this.lesson.engine();
            const { text } = await engine.generate(training.model, of);
            // Meanwhile it may have been started over.
            if (runner.all[0]?.training !== training) return;
            this.samples = [{ steps, prime: prime.value, text, loss: course.last?.loss ?? null }, ...this.samples].slice(0, SAMPLES_MAX);
            this.redraw();
        });
    }

    draw() {
        const list = this.find("#samples");
        this.find("#samples-none").hidden = this.samples.length > 0;
        const items = this.samples.map(({ steps, prime, text, loss }) => {
            const bits = loss === null ? "" : t("writing-bits", { bits: (loss / Math.LN2).toFixed(2) });
            return html("li", {}, html("p", { class: "small" }, `${t("writing-after", { steps: count(steps) })} ${bits}`), html("pre", {}, html("span", { class: "prime" }, prime), text));
        });
        list.replaceChildren(...items);
        const course = this.runner.of("writer")?.course;
        const last = course?.last;
        drawCurves(this.find("#writing-chart"), {
            lines: [{ name: "line-a", word: t("writing-bits-word"), points: (course?.points ?? []).map(({ steps, loss }) => [steps, loss / Math.LN2]) }],
            label: t("writing-label", { steps: count(last?.step ?? 0), bits: last ? (last.loss / Math.LN2).toFixed(2) : "–" }),
            within: [0, 6],
            x: t("axis-steps"),
            xName: count,
            height: 180,
        });
    }
}
