// Step 2: T calls of the cell, and what they leave.

import { Strip, paintDigit } from "./shared/strip.js";
import { isCalm, pause } from "./shared/panel.js";
import { t } from "./shared/words.js";
import { count } from "./controls.js";
import { Gallery, testDigits } from "./gallery.js";
import { Part } from "./part.js";

const SIDE = 28;
const EVERY = 70;

export class State extends Part {
    constructor(lesson) {
        super("state", lesson);
        Object.assign(this, { digit: null, hidden: [], runs: 0, session: null });
    }

    start() {
        this.outputs = new Strip(this.find("#state-strip"), { steps: SIDE, rowHeight: 1.6 });
        this.vector = new Strip(this.find("#state-vector"), { steps: 128 });
        this.gallery = new Gallery(this.find("#state-gallery"), (digit) => this.take(digit));
        this.find("#state-one").addEventListener("click", () => this.attempt(() => this.call(1)));
        this.find("#state-all").addEventListener("click", () => this.attempt(() => this.call(SIDE)));
        this.find("#state-again").addEventListener("click", () => this.take(this.digit));
        // Other weights leave other states.
        this.lesson.digits.addEventListener("fresh", () => this.take(this.digit));
        this.attempt(async () => {
            const engine = await this.lesson.engine();
            const [digits] = await Promise.all([testDigits(engine, 0, 10), this.lesson.digits.ready()]);
            this.gallery.set(digits);
            this.gallery.choose(digits[0]);
        });
    }

    /** From zeros again, with a digit. */
    take(digit) {
        this.runs += 1;
        this.session?.end().catch(() => {});
        Object.assign(this, { digit, hidden: [], session: null });
        this.say("");
        this.redraw();
    }

    /** So many calls of the cell, one after the other; at most until the last row. */
    async call(calls) {
        const run = (this.runs += 1);
        const [{ training, course }] = await this.lesson.digits.ready();
        const engine = await this.lesson.engine();
        if (run !== this.runs) return;
        if (!this.session) {
            const session = await engine.session(training.model);
            if (run !== this.runs) return void session.end();
            this.session = session;
            this.step = course.last?.step ?? 0;
        }
        const last = Math.min(SIDE, this.hidden.length + calls);
        while (this.hidden.length < last) {
            const { hidden } = await this.session.step({ x: this.digit.pixels[this.hidden.length], hidden: true });
            if (run !== this.runs) return;
            this.hidden.push(hidden[0]);
            this.redraw();
            if (calls > 1 && !isCalm()) await pause(EVERY);
            if (run !== this.runs) return;
        }
        const rows = this.hidden.length;
        this.say(rows === SIDE ? t("state-done", { units: this.hidden[0].length }) : t("state-called", { rows, units: this.hidden[0].length }));
    }

    draw() {
        const rows = this.hidden.length;
        const units = this.hidden[0]?.length ?? 0;
        const canvas = this.find("#state-digit");
        paintDigit(canvas, this.digit?.pixels, rows);
        canvas.setAttribute("aria-label", t("state-digit-label", { digit: this.digit?.digit ?? "", rows }));
        this.find("#state-row").textContent = rows === 0 ? t("state-before") : t("state-row", { row: rows, before: rows - 1 });
        const isReady = this.digit !== null;
        this.find("#state-one").disabled = this.find("#state-all").disabled = !isReady || rows === SIDE;
        this.find("#state-again").disabled = rows === 0;
        this.outputs.set(this.hidden, rows, t("state-label", { units, steps: rows }));
        // The state, lying: a cell for each number.
        this.vector.steps = units || 128;
        this.vector.set((this.hidden.at(-1) ?? []).map((h) => [h]), units, t("state-vector-label", { units, rows }));
        const { digits } = this.lesson;
        const step = this.session ? this.step : digits.steps;
        this.find("#state-model").textContent = t(step === 0 ? "state-untrained" : "state-trained", { steps: count(step) });
    }
}
