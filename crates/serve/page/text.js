// Text: a network writes, character by character, and one sees what it might have written instead.

import { drawBars } from "./bars.js";
import { html } from "./elements.js";
import { Panel, pause } from "./panel.js";
import { choose, heated, largest, randoms } from "./sampling.js";
import { onLanguage, t } from "./words.js";

const EVERY = 30;
const SHOWN_MAX = 2000;

/** What a character that is drawn below this had, is marked. */
const RARE = 0.05;

const writes = ({ job, answers }) => job === "text" && answers.each_step;

export class Text extends Panel {
    constructor(page) {
        super("text", page);
        const { model, prime, temperature, seed, again } = this.form.elements;
        this.prime = prime;
        prime.value = t("text-prime");
        this.form.addEventListener("submit", (event) => {
            event.preventDefault();
            if (this.isRunning) this.isRunning = false;
            else this.run();
        });
        temperature.addEventListener("input", () => this.words());
        // Another model, beginning or seed makes another text.
        [model, prime, seed].forEach((field) => field.addEventListener("change", () => this.reset()));
        again.addEventListener("click", () => this.reset());
        this.written = this.find("#written");
        this.at = this.find("#at");
        this.at.addEventListener("input", () => this.show(Number(this.at.value)));
        this.written.addEventListener("click", ({ target }) => {
            const index = this.characters.findIndex(({ span }) => span === target);
            if (index >= 0) this.show(index + 1);
        });
        onLanguage(() => this.words());
        this.runs = 0;
        this.reset();
    }

    words() {
        const { go, temperature } = this.form.elements;
        go.textContent = t(this.isRunning ? "stop" : this.session ? "go-on" : "write");
        this.find("#heat").textContent = Number(temperature.value).toFixed(2);
        this.show(Number(this.at.value));
    }

    set(all) {
        this.setModels(all, writes, this.form.elements.model);
    }

    /** Ends what there is. */
    reset() {
        this.runs += 1;
        this.isRunning = false;
        this.session?.end().catch((error) => this.fail(error));
        Object.assign(this, { session: null, characters: [], probabilities: null, decoder: new TextDecoder() });
        this.written.replaceChildren();
        Object.assign(this.at, { disabled: true, min: 1, max: 1, value: 1 });
        this.complain("");
        this.say("");
        this.words();
    }

    async run() {
        if (this.characters.length >= SHOWN_MAX) this.reset();
        const run = this.runs;
        this.isRunning = true;
        this.say("");
        this.words();
        await this.attempt(async () => {
            try {
                if (!this.session) await this.begin(run);
                while (this.isRunning && run === this.runs && this.characters.length < SHOWN_MAX) await this.writeOne(run);
            } catch (error) {
                // Of a text that was left meanwhile nothing is said.
                if (run === this.runs) throw error;
            }
        });
        if (run !== this.runs) return;
        this.isRunning = false;
        this.words();
        const count = this.characters.length;
        if (count > 0) this.say(t(count >= SHOWN_MAX ? "wrote-all" : "wrote", { count }));
    }

    async begin(run) {
        const { model, seed } = this.form.elements;
        const { names } = this.model(model.value).answers;
        const session = await this.engine.session(model.value);
        // A text that begins from nothing begins on a new line.
        const start = Math.max(0, names ? names.indexOf("\n") : 10);
        const given = this.prime.value ? { text: this.prime.value } : { x: [start] };
        let answered;
        try {
            answered = await session.step({ ...given, answers: "last" });
        } catch (error) {
            await session.end();
            throw error;
        }
        // Meanwhile it may have been started over.
        if (run !== this.runs) return session.end();
        this.random = randoms(Number(seed.value));
        Object.assign(this, { session, names, probabilities: answered.answers[0].probabilities });
        this.written.replaceChildren(html("span", { class: "prime" }, this.prime.value));
        return this.words();
    }

    /** Draws the next character, and has the network read it. */
    async writeOne(run) {
        const token = this.drawOne();
        const [{ answers }] = await Promise.all([this.session.step({ x: [token], answers: "last" }), pause(EVERY)]);
        if (run === this.runs) this.probabilities = answers[0].probabilities;
    }

    /** Draws a character, shows it, and returns it as the model counts. */
    drawOne() {
        const shares = heated(this.probabilities, Number(this.form.elements.temperature.value));
        const token = choose(shares, this.random());
        const text = this.names ? this.names[token] : this.decoder.decode(new Uint8Array([token]), { stream: true });
        const span = html("span", shares[token] < RARE ? { class: "rare" } : {}, text);
        const isAtEnd = Number(this.at.value) >= this.characters.length;
        this.characters.push({ span, token, best: largest(shares, 10) });
        this.written.append(span);
        Object.assign(this.at, { disabled: false, max: this.characters.length });
        // Whoever looks at an earlier place stays there.
        if (isAtEnd) {
            this.show(this.characters.length);
            this.written.scrollTop = this.written.scrollHeight;
        } else this.showPlace();
        return token;
    }

    showPlace() {
        const count = this.characters.length;
        this.find("#at-out").textContent = count > 0 ? `${this.at.value} / ${count}` : "";
    }

    /** What there was to choose from at a place, counted from 1. */
    show(place) {
        this.written.querySelector(".now")?.classList.remove("now");
        this.at.value = place;
        this.showPlace();
        const shown = this.characters[place - 1];
        const next = this.find("#next");
        this.find("#next-title").textContent = t("next-title");
        if (!shown) return next.replaceChildren(html("p", { class: "small" }, t("next-empty")));
        if (!next.querySelector("ul")) next.replaceChildren();
        shown.span.classList.add("now");
        this.at.setAttribute("aria-valuetext", `${place}: ${this.nameOf(shown.token)}`);
        const lines = shown.best.map(([token, share]) => ({ name: this.nameOf(token), share }));
        return drawBars(next, lines, { most: shown.best.findIndex(([token]) => token === shown.token) });
    }

    nameOf(token) {
        const text = this.names ? this.names[token] : String.fromCharCode(token);
        if (text === " ") return t("space");
        if (text === "\n") return t("newline");
        const isByte = !this.names && (token < 32 || token > 126);
        return isByte ? `0x${token.toString(16).padStart(2, "0")}` : text;
    }
}
