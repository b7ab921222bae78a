// Step 5: digits that the reader draws, read row by row. The panel is that of the server's page.

import { Digits } from "./shared/digits.js";
import { EngineError } from "./shared/engine.js";
import { onLanguage, t } from "./shared/words.js";
import { count } from "./controls.js";
import { Gallery, testDigits } from "./gallery.js";

/** Steps of the button: enough to read most digits. */
const STEPS = 200;
const IMAGES = 10_000;
const SHOWN = 10;

/** The networks of the second half of step 4. */
const RACE = new Set(["adam", "rprop"]);

export class Draw {
    /** @param {import("./lesson.js").Lesson} lesson */
    constructor(lesson) {
        this.lesson = lesson;
        this.root = document.getElementById("digits");
        this.from = 0;
    }

    show() {
        if (!this.panel) this.start();
        this.list();
    }

    start() {
        const { lesson } = this;
        // The engine comes when it is asked for something.
        const engine = {
            session: async (model) => (await lesson.engine()).session(model),
        };
        this.panel = new Digits({ engine, refused: () => {} });
        this.gallery = new Gallery(this.root.querySelector("#digits-gallery"), ({ pixels }) => this.panel.give(pixels));
        // What is drawn or taken from the examples is no longer the test image.
        this.root.querySelector("#pen").addEventListener("pointerdown", () => this.gallery.mark(null));
        this.root.querySelector("#example").addEventListener("change", () => this.gallery.mark(null));
        this.root.querySelector("#clear").addEventListener("click", () => this.gallery.mark(null));
        this.root.querySelector("#digits-others").addEventListener("click", () => {
            this.from = (this.from + SHOWN) % (IMAGES - SHOWN);
            this.panel.attempt(() => this.fetch());
        });
        this.button = this.root.querySelector("#digits-train");
        this.button.addEventListener("click", () => this.panel.attempt(() => this.train()));
        lesson.digits.addEventListener("change", () => {
            this.words();
            if (this.root.offsetParent !== null && lesson.digits.state === "paused") this.list();
        });
        lesson.digits.addEventListener("step", () => this.words());
        onLanguage(() => this.words());
        this.words();
        this.panel.attempt(() => this.fetch());
    }

    words() {
        const { digits } = this.lesson;
        const isBusy = digits.state === "starting" || digits.state === "running";
        this.button.disabled = isBusy;
        this.button.textContent = t("digits-train", { steps: STEPS });
        const words = digits.steps === 0 ? "digits-untrained" : "digits-trained";
        this.root.querySelector("#digits-trained-words").textContent = isBusy ? t("digits-training", { steps: count(digits.steps) }) : t(words, { steps: count(digits.steps) });
    }

    async fetch() {
        const engine = await this.lesson.engine();
        this.gallery.set(await testDigits(engine, this.from, this.from + SHOWN));
    }

    async train() {
        await this.lesson.digits.run(STEPS);
        this.panel.read();
    }

    /** The models that there are now. */
    async list() {
        await this.panel.attempt(async () => {
            const engine = await this.lesson.engine();
            await this.lesson.digits.ready();
            const models = await engine.models();
            const described = await Promise.all(models.map(({ name }) => engine.describe(name).catch(goneIsNothing)));
            const key = JSON.stringify(described.map((of) => of?.name));
            if (key === this.listed) return;
            this.listed = key;
            // The network of the lesson is the first, and what was opened comes next.
            const [{ training }] = this.lesson.digits.all;
            const place = ({ name }) => (name === training.model ? 0 : RACE.has(name) ? 2 : 1);
            this.panel.set(described.filter(Boolean).sort((a, b) => place(a) - place(b)));
        });
    }
}

/** A training may have ended since it was listed. */
function goneIsNothing(error) {
    if (error instanceof EngineError) return null;
    throw error;
}
