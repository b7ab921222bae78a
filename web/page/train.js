// Step 4: training, live. Its network is that of steps 2, 3 and 5 too.

import { t } from "./shared/words.js";
import { controls, count } from "./controls.js";
import { drawCurves } from "./curves.js";
import { Files } from "./files.js";
import { Part } from "./part.js";

const form = () => document.querySelector("#train form").elements;

const rateOf = (slider) => Number((10 ** Number(slider.value)).toPrecision(2));

/** The network of the lesson: what step 4 says, which begins with the tutorial's settings. */
export function digitsPlan() {
    const { cell, hidden, images, seed, rate } = form();
    const settings = {
        cell: cell.value,
        hidden_size: Number(hidden.value),
        images: Number(images.value),
        seed: Math.max(0, Math.floor(Number(seed.value)) || 0),
        learning_rate: rateOf(rate),
    };
    return [{ key: "digits", job: "mnist", name: `${cell.value}-${hidden.value}`, settings }];
}

export class Train extends Part {
    constructor(lesson) {
        super("train", lesson);
    }

    start() {
        const { digits } = this.lesson;
        const { rate, cell, hidden, images, seed } = this.form.elements;
        controls(this, digits);
        rate.addEventListener("input", () => {
            this.showRate();
            this.attempt(() => digits.set({ learning_rate: rateOf(rate) }));
        });
        // Other settings make another network.
        [cell, hidden, images, seed].forEach((field) => field.addEventListener("change", () => this.attempt(() => digits.restart())));
        this.form.addEventListener("submit", (event) => event.preventDefault());
        this.find("#train-test").addEventListener("click", () => this.test());
        digits.addEventListener("step", () => this.redraw());
        digits.addEventListener("change", () => {
            this.find("#train-test").disabled = digits.state === "none" || digits.state === "starting";
            if (digits.state === "none") this.find("#train-tested").textContent = "";
            this.redraw();
        });
        this.find("#train-test").disabled = digits.state === "none";
        this.files = new Files(this);
        this.showRate();
    }

    words() {
        this.showRate();
    }

    showRate() {
        const value = String(rateOf(this.form.elements.rate));
        this.find("#train-rate").textContent = value;
        this.form.elements.rate.setAttribute("aria-valuetext", value);
    }

    /** All test images, once. */
    async test() {
        const button = this.find("#train-test");
        button.disabled = true;
        this.find("#train-tested").textContent = t("testing");
        const tested = await this.attempt(async () => {
            const [{ training }] = await this.lesson.digits.ready();
            return training.evaluate();
        });
        button.disabled = false;
        this.find("#train-tested").textContent = tested
            ? t("tested", { share: percentOf(tested.accuracy), loss: tested.loss.toFixed(3), rows: count(tested.rows) })
            : "";
    }

    draw() {
        const course = this.lesson.digits.all[0]?.course;
        const points = course?.points ?? [];
        const last = course?.last;
        this.find("#train-step").textContent = count(last?.step ?? 0);
        this.find("#train-epoch").textContent = count(last?.epoch ?? 0);
        this.find("#train-loss").textContent = last ? last.loss.toFixed(3) : "–";
        this.find("#train-accuracy").textContent = last ? percentOf(last.accuracy) : "–";
        this.find("#train-speed").textContent = last ? t("per-second", { steps: count(last.step / (course.spent / 1000)) }) : "–";
        const x = t("axis-steps");
        const xName = (step) => count(step);
        drawCurves(this.find("#train-loss-chart"), {
            lines: [{ name: "line-a", word: t("loss"), points: points.map(({ steps, loss }) => [steps, loss]) }],
            label: t("train-loss-label", { steps: count(last?.step ?? 0), loss: last?.loss.toFixed(2) ?? "–" }),
            within: [0, 2.3],
            x,
            xName,
        });
        drawCurves(this.find("#train-accuracy-chart"), {
            lines: [{ name: "line-b", word: t("accuracy"), points: points.map(({ steps, accuracy }) => [steps, accuracy]) }],
            label: t("train-accuracy-label", { steps: count(last?.step ?? 0), accuracy: last ? percentOf(last.accuracy) : "–" }),
            within: [0, 1],
            x,
            xName,
            yName: (share) => `${Math.round(100 * share)}%`,
            height: 160,
        });
    }
}

export const percentOf = (share) => (Number.isFinite(share) ? `${(100 * share).toFixed(1)}%` : "–");
