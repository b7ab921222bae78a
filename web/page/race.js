// Step 4, second half: Rprop on all images at once against Adam on mini-batches, beside each other.

import { html } from "./shared/elements.js";
import { t } from "./shared/words.js";
import { controls, count } from "./controls.js";
import { drawCurves } from "./curves.js";
import { Part } from "./part.js";
import { Runner } from "./runner.js";
import { percentOf } from "./train.js";

/** Few enough that a step with all of them takes no longer than one can wait. */
const IMAGES = 2000;

const plan = () => [
    { key: "adam", job: "mnist", name: "adam", settings: { images: IMAGES, optimizer: "adam", batch_size: 128 } },
    { key: "rprop", job: "mnist", name: "rprop", settings: { images: IMAGES, optimizer: "rprop", batch_size: "full" } },
];

const LINES = { adam: "line-a", rprop: "line-b" };

export class Race extends Part {
    constructor(lesson) {
        super("race", lesson);
        this.runner = new Runner(lesson, plan, "seconds");
        this.tested = {};
    }

    start() {
        const { runner } = this;
        controls(this, runner);
        this.form.elements.by.addEventListener("change", () => this.redraw());
        this.form.addEventListener("submit", (event) => event.preventDefault());
        runner.addEventListener("step", () => this.redraw());
        runner.addEventListener("change", () => {
            if (runner.state !== "paused") this.tested = {};
            else if (runner.steps > 0) this.attempt(() => this.test());
            this.redraw();
        });
    }

    /** Both on the test images, when they rest. */
    async test() {
        for (const { key, training } of this.runner.all) {
            const { accuracy } = await training.evaluate();
            if (this.runner.state !== "paused") return;
            this.tested[key] = accuracy;
            this.redraw();
        }
    }

    draw() {
        const by = this.form.elements.by.value;
        const pointsOf = (key) => (this.runner.of(key)?.course.points ?? []).map((point) => [point[by], point.loss]);
        const lines = Object.entries(LINES).map(([key, name]) => ({ name, word: t(`race-${key}`), points: pointsOf(key), isRaw: key === "rprop" }));
        const ends = lines.map(({ points }) => points.at(-1)?.[0] ?? 0);
        const [adam, rprop] = ["adam", "rprop"].map((key) => this.runner.of(key)?.course.last);
        drawCurves(this.find("#race-chart"), {
            lines,
            label: t("race-label", { adam: adam?.loss.toFixed(2) ?? "–", rprop: rprop?.loss.toFixed(2) ?? "–" }),
            within: [0, 2.3],
            x: t(`axis-${by}`),
            xName: (at) => (by === "seconds" ? String(at) : count(at)),
            // By steps one sees as much of both as both have.
            range: by === "steps" ? [0, Math.max(10, Math.min(...ends) * 4)] : undefined,
            height: 240,
        });
        const rows = Object.keys(LINES).map((key) => {
            const course = this.runner.of(key)?.course;
            const last = course?.last;
            const cells = [count(last?.step ?? 0), count(course?.points.at(-1)?.images ?? 0), (course ? course.spent / 1000 : 0).toFixed(1), last?.loss.toFixed(3) ?? "–", percentOf(this.tested[key])];
            return html("tr", {}, html("th", { scope: "row" }, t(`race-${key}`)), ...cells.map((cell) => html("td", {}, cell)));
        });
        const heads = ["race-of", "race-steps", "race-images", "race-seconds", "loss", "race-tested"].map((key) => html("th", { scope: "col" }, t(key)));
        this.find("#race-table").replaceChildren(html("thead", {}, html("tr", {}, ...heads)), html("tbody", {}, ...rows));
    }
}
