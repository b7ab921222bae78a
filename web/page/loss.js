// Step 3: a batch, what the network makes of it, and how wrong that is.

import { sequential } from "./shared/colours.js";
import { Plot } from "./shared/fan.js";
import { html, svg } from "./shared/elements.js";
import { paint, paintDigit } from "./shared/strip.js";
import { percent, t } from "./shared/words.js";
import { count } from "./controls.js";
import { testDigits } from "./gallery.js";
import { Part } from "./part.js";

/** Images of the batch that is looked at. */
const BATCH = 8;
/** Of so many test images. */
const IMAGES = 10_000;

/** −ln p; of what was held to be impossible, as much as can be drawn. */
export const lossOf = (p) => -Math.log(Math.max(p, 1e-9));

export class Loss extends Part {
    constructor(lesson) {
        super("loss", lesson);
        Object.assign(this, { batch: [], shares: [], from: 20, before: null });
    }

    start() {
        const { digits } = this.lesson;
        this.find("#loss-one").addEventListener("click", () => this.train(1));
        this.find("#loss-more").addEventListener("click", () => this.train(20));
        this.find("#loss-batch").addEventListener("click", () => {
            this.from = (this.from + BATCH) % IMAGES;
            this.before = null;
            this.attempt(() => this.fetch());
        });
        digits.addEventListener("change", () => {
            this.words();
            if (digits.state === "none") Object.assign(this, { shares: [], before: null });
            // Trained on elsewhere, it says something else.
            if (digits.state === "paused" && this.root.offsetParent !== null) this.attempt(() => this.ask());
            this.redraw();
        });
        this.attempt(() => this.fetch());
    }

    show() {
        const isAgain = this.isStarted;
        super.show();
        if (isAgain && this.batch.length > 0) this.attempt(() => this.ask());
    }

    words() {
        const isBusy = this.lesson.digits.state === "starting" || this.lesson.digits.state === "running";
        for (const id of ["loss-one", "loss-more"]) this.find(`#${id}`).disabled = isBusy || this.batch.length === 0;
        this.redraw();
    }

    async fetch() {
        const engine = await this.lesson.engine();
        this.batch = await testDigits(engine, this.from, this.from + BATCH);
        this.shares = [];
        await this.ask();
        this.words();
    }

    async train(steps) {
        this.before = this.mean();
        await this.attempt(async () => {
            await this.lesson.digits.run(steps);
            await this.ask();
        });
        this.say(t("loss-said", { before: this.before?.toFixed(3) ?? "–", after: this.mean()?.toFixed(3) ?? "–" }));
    }

    async ask() {
        const { batch } = this;
        const [{ training }] = await this.lesson.digits.ready();
        const engine = await this.lesson.engine();
        const { predictions } = await engine.predict(training.model, { sequences: batch.map(({ pixels }) => pixels) });
        if (batch !== this.batch) return;
        this.shares = predictions.map(({ probabilities }) => probabilities);
        this.redraw();
    }

    losses() {
        return this.shares.map((shares, index) => lossOf(shares[this.batch[index].digit]));
    }

    mean() {
        const losses = this.losses();
        return losses.length > 0 ? losses.reduce((a, b) => a + b) / losses.length : null;
    }

    draw() {
        const mean = this.mean();
        const fell = this.before === null || mean === null ? "" : ` ${t("loss-before", { before: this.before.toFixed(3) })}`;
        this.find("#loss-mean").replaceChildren(html("span", {}, mean?.toFixed(3) ?? "–"), html("small", {}, fell));
        const { steps } = this.lesson.digits;
        this.find("#loss-steps").textContent = t("loss-steps", { steps: count(steps) });
        const losses = this.losses();
        const colourOf = sequential();
        const rows = this.batch.map(({ pixels, digit }, index) => {
            const image = html("canvas", { class: "mini", role: "img", "aria-label": t("loss-image-label", { digit }) });
            paintDigit(image, pixels);
            const shares = this.shares[index];
            const strip = html("canvas", { class: "ten", width: 10, height: 1, "aria-hidden": true });
            if (shares) paint(strip, (x) => colourOf(shares[x]));
            const guess = shares ? shares.indexOf(Math.max(...shares)) : -1;
            const said = html("span", { class: guess === digit ? "right" : "wrong" }, guess < 0 ? "" : t(guess === digit ? "loss-right" : "loss-guess", { guess }));
            const names = html("span", { class: "ten-names", "aria-hidden": true }, ...Array.from({ length: 10 }, (_, name) => html("span", { class: name === digit ? "it" : "" }, String(name))));
            return html(
                "tr",
                {},
                html("td", {}, image),
                html("td", {}, String(digit)),
                html("td", { class: "shares" }, html("div", {}, strip, names), said),
                html("td", {}, shares ? percent(shares[digit]) : "–"),
                html("td", {}, losses[index]?.toFixed(2) ?? "–"),
            );
        });
        this.find("#loss-table tbody").replaceChildren(...rows);
        this.drawCurve(losses);
    }

    /** −ln p, and where the images of the batch are on it. */
    drawCurve(losses) {
        const label = t("loss-curve-label", { losses: losses.map((of) => of.toFixed(2)).join(", ") });
        const most = Math.max(5, Math.ceil(Math.max(0, ...losses)));
        const plot = new Plot(this.find("#loss-chart"), [0, 100], [0, most], label, 190);
        plot.axes((p) => (p === 0 ? "p = 0" : String(p / 100)), String, [0, 25, 50, 75, 100]);
        plot.path("line-a", Array.from({ length: 200 }, (_, index) => [(index + 1) / 2, lossOf((index + 1) / 200)]).filter(([, y]) => y <= most));
        losses.forEach((loss, index) => {
            const p = this.shares[index][this.batch[index].digit];
            plot.svg.append(svg("circle", { class: "dot-b", cx: plot.x(100 * p), cy: plot.y(loss), r: 5 }));
        });
    }
}
