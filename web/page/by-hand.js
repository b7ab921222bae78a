// Step 1: one step of a cell of one unit, by hand.

import { Plot } from "./shared/fan.js";
import { html, svg } from "./shared/elements.js";
import { t } from "./shared/words.js";
import { minus } from "./curves.js";
import { Part } from "./part.js";

/** The weight of the input, and the bias: as in the book's example. */
const [W, B] = [1, 0];

/** How many steps of silence are looked at. */
const AFTER = 12;

const signed = (value, digits = 3) => value.toFixed(digits).replace(/^-(?=[0.]+$)/, "").replace("-", "−");
const inBrackets = (value, digits) => (value < 0 ? `(${signed(value, digits)})` : signed(value, digits));

/** h′ of the cell. */
export const step = (x, h, r) => Math.tanh(W * x + r * h + B);

export class ByHand extends Part {
    constructor(lesson) {
        super("cell", lesson);
    }

    start() {
        this.h = 0;
        this.taken = 0;
        const { x, h, r, again } = this.form.elements;
        [x, r].forEach((field) => field.addEventListener("input", () => this.draw()));
        h.addEventListener("input", () => {
            this.h = Number(h.value);
            this.draw();
        });
        this.form.addEventListener("submit", (event) => {
            event.preventDefault();
            const before = this.h;
            const next = step(Number(x.value), before, Number(r.value));
            this.taken += 1;
            this.setH(next);
            this.say(t("cell-said", { step: this.taken, before: signed(before), after: signed(next) }));
        });
        again.addEventListener("click", () => {
            this.taken = 0;
            [x.value, r.value] = [1, 0.5];
            this.setH(0);
            this.say("");
        });
    }

    setH(h) {
        this.h = h;
        this.form.elements.h.value = h;
        this.draw();
    }

    draw() {
        const [x, r] = [Number(this.form.elements.x.value), Number(this.form.elements.r.value)];
        const { h } = this;
        for (const [name, value, digits] of [["x", x, 2], ["h", h, 3], ["r", r, 2]]) {
            this.find(`#cell-${name}-out`).textContent = signed(value, digits);
        }
        const sum = W * x + r * h + B;
        const next = step(x, h, r);
        this.find("#cell-sum").replaceChildren(
            html("span", {}, `h′ = tanh(${signed(W, 0)} · ${inBrackets(x, 2)} + ${signed(r, 2)} · ${inBrackets(h, 3)} + ${signed(B, 0)})`), " ",
            html("span", {}, `= tanh(${signed(sum)})`), " ",
            html("b", {}, `= ${signed(next)}`),
        );
        this.drawTanh(sum, next);
        this.drawAfter(next, r);
    }

    /** tanh, and where this step is on it. */
    drawTanh(sum, next) {
        const label = t("cell-curve-label", { sum: signed(sum), next: signed(next) });
        const plot = new Plot(this.find("#cell-curve"), [-40, 40], [-1, 1], label, 170);
        plot.axes((at) => minus(at / 10), minus, [-40, -20, 0, 20, 40]);
        plot.path("guide", [[10 * sum, -1], [10 * sum, next]]);
        plot.path("guide", [[-40, next], [10 * sum, next]]);
        plot.path("line-a", Array.from({ length: 81 }, (_, index) => [index - 40, Math.tanh((index - 40) / 10)]));
        plot.svg.append(svg("circle", { class: "dot-b", cx: plot.x(10 * sum), cy: plot.y(next), r: 6 }));
    }

    /** What is left of h′ when only zeros follow: a bar a step. */
    drawAfter(next, r) {
        const states = [next];
        while (states.length < AFTER) states.push(step(0, states.at(-1), r));
        const label = t("cell-after-label", { states: states.map((h) => signed(h, 2)).join(", ") });
        const plot = new Plot(this.find("#cell-after"), [-0.6, AFTER - 0.4], [-1, 1], label, 150);
        plot.axes((at) => (at === 0 ? "h′" : `+${at}`), minus, states.map((_, at) => at).filter((at) => at % 2 === 0));
        const width = (plot.x(1) - plot.x(0)) * 0.6;
        const zero = plot.y(0);
        states.forEach((h, at) => {
            const y = Math.min(plot.y(h), zero);
            const height = Math.max(1, Math.abs(plot.y(h) - zero));
            plot.svg.append(svg("rect", { class: h < 0 ? "below" : "above", x: plot.x(at) - width / 2, y, width, height, rx: 2 }));
        });
    }
}
