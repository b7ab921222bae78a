// A stream: steps go to a session one by one, and its state and answers are seen as they change.

import { drawBars } from "./bars.js";
import { drawLines } from "./fan.js";
import { html } from "./elements.js";
import { EngineError } from "./engine.js";
import { Gates } from "./gates.js";
import { inputsFor } from "./inputs.js";
import { Panel } from "./panel.js";
import { largest } from "./sampling.js";
import { Strip } from "./strip.js";
import { onLanguage, percent, t } from "./words.js";

/** Steps that are shown. */
const SEEN = 60;

/** So many outputs are shown each in its place; of more, the largest. */
const FEW = 12;

export class Stream extends Panel {
    constructor(page) {
        super("stream", page);
        this.inputStrip = new Strip(this.find("#stream-given"), { steps: SEEN, rowHeight: 8, names: [] });
        this.stateStrip = new Strip(this.find("#stream-state"), { steps: SEEN, rowHeight: 3, names: [] });
        this.gates = new Gates(this.find("#gates"), { steps: SEEN });
        this.courseStrip = new Strip(this.find("#stream-course"), { steps: SEEN, rowHeight: 14, isShare: true, names: [] });
        const { model, pace, play, again } = this.form.elements;
        model.addEventListener("change", () => this.choose());
        pace.addEventListener("input", () => this.words());
        again.addEventListener("click", () => this.reset(true));
        play.addEventListener("click", () => (this.timer ? this.pause() : this.play()));
        this.form.addEventListener("submit", (event) => {
            event.preventDefault();
            this.sendNext();
        });
        onLanguage(() => this.words());
        addEventListener("resize", () => this.draw());
        this.runs = 0;
        this.clear();
    }

    clear() {
        this.runs += 1;
        Object.assign(this, { line: null, session: null, timer: 0, sent: 0, given: [], rows: [], gateRows: [], answers: [], steps: 0, waiting: [] });
    }

    words() {
        const { play, pace, model } = this.form.elements;
        play.textContent = t(this.timer ? "stop" : "play");
        this.find("#rate").textContent = pace.value;
        const of = this.model(model.value);
        if (!of) return;
        const { features } = of.inputs;
        const layers = of.layers.map(({ cell, hidden }) => `${cell.toUpperCase()} ${hidden ?? ""}`.trim()).join(" → ");
        const numbers = features === 1 ? t("shape-number") : t("shape-numbers", { count: features });
        this.find("#shape").textContent = t("shape", { layers, features: numbers, what: of.answers.what, outputs: of.answers.outputs });
        this.inputs.draw(this.find("#inputs"), (step) => this.send(step));
        this.draw();
    }

    set(all) {
        this.setModels(all, () => true, this.form.elements.model);
        this.choose();
    }

    choose() {
        const of = this.model(this.form.elements.model.value);
        if (of) this.inputs = inputsFor(of);
        this.reset(false);
    }

    /** Ends the session; the next step begins another. */
    reset(isSaid) {
        clearTimeout(this.timer);
        const { line, session } = this;
        this.clear();
        // A line that never came needs no closing; why it did not come has been said.
        line?.then((of) => of.close(), () => {});
        session?.end().catch((error) => this.fail(error));
        this.complain("");
        this.say(isSaid ? t("began-anew") : "");
        this.words();
    }

    play() {
        // A new pace holds from the next step on.
        const next = () => {
            if (this.timer) this.timer = setTimeout(next, 1000 / Number(this.form.elements.pace.value));
            // Where answers come slowly, steps wait.
            if (this.waiting.length < 2) this.sendNext();
        };
        this.timer = -1;
        next();
        this.form.elements.play.textContent = t("stop");
    }

    pause() {
        clearTimeout(this.timer);
        this.timer = 0;
        this.form.elements.play.textContent = t("play");
        this.tell();
    }

    sendNext() {
        const { source } = this.form.elements;
        if (source.value === "random") this.inputs.random();
        if (source.value === "wave") this.inputs.wave(this.sent);
        this.sent += 1;
        let step;
        try {
            step = this.inputs.step();
        } catch (error) {
            if (!(error instanceof RangeError)) throw error;
            if (this.timer) this.pause();
            return this.complain(error.message);
        }
        return this.send(step);
    }

    async send(step) {
        const run = this.runs;
        this.waiting.push(step);
        this.complain("");
        try {
            this.line ??= this.open();
            (await this.line).send({ ...step, hidden: true, gates: true });
        } catch (error) {
            // Of what was left meanwhile nothing is said.
            if (run !== this.runs) return;
            this.waiting = [];
            this.line = null;
            if (this.timer) this.pause();
            this.fail(error);
        }
    }

    /** A session, and a line to it. Answers of a session that was left are not shown. */
    async open() {
        const run = this.runs;
        const isCurrent = () => run === this.runs;
        const session = await this.engine.session(this.form.elements.model.value);
        if (!isCurrent()) {
            await session.end();
            throw new EngineError("left before it began");
        }
        this.session = session;
        return session.stream({
            answer: (answered) => isCurrent() && this.take(answered),
            error: (error) => {
                if (!isCurrent()) return;
                this.waiting.shift();
                if (this.timer) this.pause();
                this.fail(error);
            },
            end: (why) => {
                if (!isCurrent()) return;
                if (this.timer) this.pause();
                this.clear();
                this.complain(why);
            },
        });
    }

    take({ steps, answers, hidden, gates = [] }) {
        // Answers come in the order of the steps.
        const { x } = this.waiting.shift() ?? {};
        if (x) this.given = [...this.given, x].slice(-SEEN);
        this.steps = steps;
        this.rows = [...this.rows, ...hidden].slice(-SEEN);
        this.gateRows = [...this.gateRows, ...gates].slice(-SEEN);
        this.answers = [...this.answers, ...answers].slice(-SEEN);
        this.draw();
        // While steps flow, words would pile up.
        if (!this.timer) this.tell();
    }

    tell() {
        if (this.answers.length > 0) this.say(t("step-said", { steps: this.steps, answer: this.inWords(this.answers.at(-1)) }));
    }

    inWords(answer) {
        const { probabilities, values, quantiles } = answer;
        if (!probabilities) return (values ?? quantiles).map((value) => Number(value.toPrecision(4))).join(", ");
        const [[best, share]] = largest(probabilities, 1);
        return `${this.nameOf(best)} (${percent(share)})`;
    }

    nameOf(output) {
        const name = this.model(this.form.elements.model.value).answers.names?.[output] ?? String(output);
        return { " ": t("space"), "\n": t("newline") }[name] ?? name;
    }

    /** All probabilities over time, where they are few enough to be told apart. */
    drawCourse(steps) {
        const shares = this.answers.map(({ probabilities }) => probabilities);
        const isShown = (shares[0]?.length ?? Infinity) <= FEW;
        this.find("#course").hidden = !isShown;
        if (!isShown) return;
        this.courseStrip.setNames(shares[0].map((_, output) => this.nameOf(output)));
        this.courseStrip.set(shares, steps, t("answers-label", { steps }));
    }

    draw() {
        const units = this.rows[0]?.length ?? 0;
        const steps = this.rows.length;
        this.find("#given").hidden = this.given.length === 0;
        this.inputStrip.set(this.given, steps, t("inputs-label", { steps }));
        this.stateStrip.set(this.rows, steps, t("state-label", { units, steps }));
        this.gates.set(this.gateRows);
        this.drawCourse(steps);
        const parent = this.find("#stream-answer");
        const last = this.answers.at(-1);
        const kind = !last ? "none" : last.probabilities ? "shares" : "lines";
        if (parent.dataset.kind !== kind) parent.replaceChildren();
        parent.dataset.kind = kind;
        if (kind === "none") return parent.replaceChildren(html("p", { class: "small" }, t("no-step")));
        if (kind === "lines") {
            const rows = this.answers.map(({ values, quantiles }) => values ?? quantiles);
            return drawLines(parent, rows, { first: this.steps - rows.length + 1, label: t("values") });
        }
        // Many outputs have their largest ten, few have all in their own order.
        const { probabilities } = last;
        const shown = probabilities.length > FEW ? largest(probabilities, 10) : [...probabilities.entries()];
        return drawBars(parent, shown.map(([output, share]) => ({ name: this.nameOf(output), share })));
    }
}
