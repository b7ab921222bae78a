// Fields for the next step of a model: bits, sliders, a list of numbers, or characters.

import { html } from "./elements.js";
import { randoms } from "./sampling.js";
import { t } from "./words.js";

/** More features than these are a list: so many sliders nobody moves. */
const SLIDERS_MAX = 12;
const RANGE = 3;

/** The fields that fit a model. @param {import("./engine.js").Described} model */
export function inputsFor(model) {
    if (model.job === "text") return new Characters(model);
    if (model.job === "echo") return new Bits();
    if (model.inputs.features <= SLIDERS_MAX && !model.inputs.tokens) return new Sliders(model);
    return new List(model);
}

const random = randoms(1);

/** A bit a step: pressing one sends it. */
class Bits {
    constructor() {
        this.bit = 1;
        this.step = () => ({ x: [this.bit] });
    }

    draw(parent, send) {
        const button = (bit) => {
            const element = html("button", { type: "button" }, t("bit", { bit }));
            element.addEventListener("click", () => {
                this.bit = bit;
                send(this.step());
            });
            return element;
        };
        parent.replaceChildren(html("div", { class: "bits" }, button(0), button(1)));
    }

    random() {
        this.bit = random() < 0.5 ? 0 : 1;
    }

    wave(at) {
        this.bit = Math.floor(at / 4) % 2;
    }
}

/** A slider for each feature. */
class Sliders {
    constructor({ inputs }) {
        this.names = inputs.names ?? Array.from({ length: inputs.features }, (_, index) => t("feature", { index }));
        this.values = this.names.map(() => 0);
    }

    draw(parent) {
        this.fields = this.names.map((name, index) => {
            const output = html("span", { class: "value" });
            const field = html("input", { type: "range", min: -RANGE, max: RANGE, step: 0.05 });
            field.addEventListener("input", () => {
                this.values[index] = Number(field.value);
                output.textContent = this.values[index].toFixed(2);
            });
            return { label: html("label", {}, `${name} `, output, field), output, field };
        });
        parent.replaceChildren(...this.fields.map(({ label }) => label));
        this.show();
    }

    show() {
        this.fields.forEach(({ output, field }, index) => {
            field.value = this.values[index];
            output.textContent = this.values[index].toFixed(2);
        });
    }

    step() {
        return { x: [...this.values] };
    }

    random() {
        // A walk: each step is near the one before.
        this.values = this.values.map((value) => Math.max(-RANGE, Math.min(RANGE, value + random() - 0.5)));
        this.show();
    }

    wave(at) {
        this.values = this.values.map((_, index) => Math.sin(at / 6 + index));
        this.show();
    }
}

/** Numbers with commas between them. */
class List {
    constructor({ inputs }) {
        Object.assign(this, { count: inputs.features, tokens: inputs.tokens });
        this.values = Array(this.count).fill(0);
    }

    draw(parent) {
        this.field = html("textarea", { rows: 4, spellcheck: "false" });
        parent.replaceChildren(html("label", {}, t("inputs-list", { count: this.count }), this.field));
        this.show();
    }

    show() {
        this.field.value = this.values.join(", ");
    }

    step() {
        const texts = this.field.value.split(/[\s,;]+/).filter((text) => text !== "");
        const values = texts.map(Number);
        if (values.length !== this.count || values.some(Number.isNaN)) {
            throw new RangeError(t("inputs-list-wrong", { count: this.count, found: values.length }));
        }
        this.values = values;
        return { x: values };
    }

    random() {
        const one = () => (this.tokens ? Math.floor(random() * this.tokens) : Number((2 * random() - 1).toFixed(2)));
        this.values = this.values.map(one);
        this.show();
    }

    wave(at) {
        const one = (index) => (this.tokens ? at % this.tokens : Number(Math.sin(at / 6 + index / 3).toFixed(2)));
        this.values = this.values.map((_, index) => one(index));
        this.show();
    }
}

/** A text, a character a step; it begins again where it ends. */
class Characters {
    constructor({ answers }) {
        this.names = answers.names ?? [..."abcdefghijklmnopqrstuvwxyz "];
        this.text = "hello ";
        this.at = 0;
    }

    draw(parent) {
        this.field = html("input", { value: this.text, autocomplete: "off" });
        this.field.addEventListener("input", () => (this.at = 0));
        parent.replaceChildren(html("label", {}, t("inputs-text"), this.field));
    }

    step() {
        const characters = [...this.field.value];
        const text = characters[this.at % Math.max(1, characters.length)] ?? "";
        this.at += 1;
        return { text };
    }

    random() {
        this.field.value = this.names[Math.floor(random() * this.names.length)];
        this.at = 0;
    }

    wave() {
        // A text is its own wave: it is read over and over.
    }
}
