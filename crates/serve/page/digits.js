// Digits: drawn, read row by row, by one network or by two.

import { EXAMPLES, SIDE, toDigit } from "./digit.js";
import { drawBars } from "./bars.js";
import { html, setOptions } from "./elements.js";
import { Panel, isCalm, pause } from "./panel.js";
import { Pen } from "./pen.js";
import { Strip, paintDigit } from "./strip.js";
import { onLanguage, percent, t } from "./words.js";

/** Models of images of 28 rows, each of 28 pixels, in ten classes. */
const readsDigits = ({ inputs, steps, answers }) => inputs.features === SIDE && steps === SIDE && answers.outputs === 10;

const ROW_EVERY = 90;

export class Digits extends Panel {
    constructor(page) {
        super("digits", page);
        this.digit = null;
        this.runs = 0;
        this.readers = [new Reader(this, "reader-a", "first-model"), new Reader(this, "reader-b", "second-model")];
        this.pen = new Pen(this.find("#pen"), {
            drawn: (strokes) => this.drawn(strokes),
            lowered: (isDown) => this.say(t(isDown ? "pen-down" : "pen-up")),
        });
        this.slider = this.find("#rows");
        this.slider.addEventListener("input", () => {
            this.runs += 1;
            this.showRow();
        });
        this.find("#rows-play").addEventListener("click", () => this.play());
        this.find("#clear").addEventListener("click", () => {
            this.find("#example").value = "";
            this.pen.set([]);
        });
        this.find("#example").addEventListener("change", ({ target }) => target.value && this.pen.set(EXAMPLES[target.value]));
        this.readers.forEach((reader) => reader.select.addEventListener("change", () => this.read()));
        onLanguage(() => this.words());
        this.words();
    }

    words() {
        setOptions(this.find("#example"), [["", t("example-none")], ...EXAMPLES.map((_, digit) => [digit, digit])]);
        this.readers.forEach((reader) => reader.words());
        this.showRow();
    }

    set(all) {
        this.setModels(all, readsDigits);
        const names = this.models.map(({ name }) => [name, name]);
        setOptions(this.readers[0].select, names);
        setOptions(this.readers[1].select, [["", t("no-model")], ...names]);
        if (this.models.length > 1 && !this.readers[1].select.value) this.readers[1].select.value = this.models[1].name;
        this.readers[1].root.hidden = this.models.length < 2;
        this.read();
    }

    drawn(strokes) {
        this.digit = toDigit(strokes);
        this.read();
    }

    /** A digit that was not drawn. @param {number[][]} pixels [28, 28], from 0 to 1 */
    give(pixels) {
        this.pen.clear();
        this.find("#example").value = "";
        this.digit = pixels;
        this.read();
    }

    /** Both networks read the digit, each in a session of its own. */
    async read() {
        const run = (this.runs += 1);
        const { digit } = this;
        this.readers.forEach((reader) => (reader.answered = null));
        if (digit) {
            const answers = await this.attempt(() => Promise.all(this.readers.map((reader) => this.ask(reader.select.value, digit))));
            // Meanwhile there may be another digit.
            if (run !== this.runs) return;
            this.readers.forEach((reader, index) => (reader.answered = answers?.[index] ?? null));
        }
        const isRead = this.readers.some((reader) => reader.answered);
        this.slider.disabled = !isRead;
        this.find("#rows-play").disabled = !isRead;
        if (isRead) await this.play();
        else this.showRow();
    }

    async ask(model, digit) {
        if (!model) return null;
        const session = await this.engine.session(model);
        try {
            return await session.step({ steps: digit, answers: "each", hidden: true });
        } finally {
            await session.end();
        }
    }

    /** Through time, from the first row to the last. */
    async play() {
        const run = (this.runs += 1);
        for (let row = isCalm() ? SIDE : 1; row <= SIDE; row += 1) {
            this.slider.value = row;
            this.showRow();
            if (row < SIDE) await pause(ROW_EVERY);
            if (run !== this.runs) return;
        }
        // Said once at the end: each row would be too much to listen to.
        const said = this.readers.filter((reader) => reader.answered).map((reader) => reader.says(SIDE));
        this.say(said.join(" "));
    }

    showRow() {
        const row = Number(this.slider.value);
        const text = t("rows-of", { row, rows: SIDE });
        this.find("#rows-out").textContent = text;
        this.slider.setAttribute("aria-valuetext", text);
        this.showDigit(row);
        this.readers.forEach((reader) => reader.show(row));
    }

    showDigit(rows) {
        const { digit } = this;
        const canvas = this.find("#digit");
        canvas.setAttribute("aria-label", digit ? t("digits-input-label", { rows }) : t("digits-input-empty"));
        paintDigit(canvas, digit, rows);
    }
}

/** A network and what it made of the digit. */
class Reader {
    constructor(panel, id, word) {
        this.panel = panel;
        this.word = word;
        this.answered = null;
        this.root = panel.find(`#${id}`);
        this.label = html("span");
        this.select = html("select");
        this.verdict = html("p", { class: "verdict" });
        this.titles = ["probabilities-now", "state", "probabilities-each"].map(() => html("h3"));
        const [bars, state, course] = [html("div"), html("div"), html("div")];
        this.about = html("p", { class: "small" });
        this.bars = bars;
        const [now, h, each] = this.titles;
        this.shown = html("div", {}, this.verdict, now, bars, h, this.about, state, each, course);
        this.root.append(html("label", {}, this.label, " ", this.select), this.shown);
        this.state = new Strip(state, { steps: SIDE, rowHeight: 2.5, names: [] });
        this.course = new Strip(course, { steps: SIDE, isShare: true, rowHeight: 12, names: [..."0123456789"] });
    }

    words() {
        this.label.textContent = t(this.word);
        if (this.select.options[0]?.value === "") this.select.options[0].textContent = t("no-model");
        this.titles[1].textContent = t("state");
        this.titles[2].textContent = t("probabilities-each");
    }

    best(row) {
        const shares = this.answered.answers[row - 1].probabilities;
        const digit = shares.indexOf(Math.max(...shares));
        return { digit, p: percent(shares[digit]) };
    }

    says(rows) {
        return t("says", { rows, model: this.select.value, ...this.best(rows) });
    }

    show(row) {
        this.shown.hidden = !this.answered && this.select.value === "";
        this.titles[0].textContent = t("probabilities-now", { row });
        const { answers, hidden } = this.answered ?? { answers: [], hidden: [] };
        const units = hidden[0]?.length ?? 0;
        this.about.textContent = units > 0 ? t("state-about", { units }) : "";
        this.state.set(hidden, row, t("state-label", { units, steps: hidden.length > 0 ? row : 0 }));
        this.course.set(answers.map(({ probabilities }) => probabilities), row, t("probabilities-label"));
        const shares = answers[row - 1]?.probabilities ?? Array(10).fill(0);
        drawBars(this.bars, shares.map((share, digit) => ({ name: String(digit), share })), this.answered ? {} : { most: -1 });
        if (!this.answered) return this.verdict.replaceChildren(html("small", {}, t("draw-first")));
        const { digit, p } = this.best(row);
        const after = t("after-row", { row, rows: SIDE });
        return this.verdict.replaceChildren(html("span", { class: "digit" }, String(digit)), " ", html("small", {}, `${p} · ${after}`));
    }
}
