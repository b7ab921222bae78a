// The trained model as a file, and models of files: the command writes and reads the same.

import { html } from "./shared/elements.js";
import { t } from "./shared/words.js";
import { count } from "./controls.js";

export class Files {
    /** @param {import("./part.js").Part} part  The section in which the buttons are. */
    constructor(part) {
        this.part = part;
        const { digits } = part.lesson;
        const save = part.find("#save");
        const isReady = () => (save.disabled = digits.state === "none" || digits.state === "starting");
        digits.addEventListener("change", isReady);
        isReady();
        save.addEventListener("click", () => this.attempt(() => this.save()));
        part.find("#open").addEventListener("change", ({ target }) => {
            const [file] = target.files;
            // The same file may be chosen again.
            if (file) this.attempt(() => this.open(file)).finally(() => (target.value = ""));
        });
    }

    say(text, why = "") {
        this.part.find("#files-said").textContent = text;
        this.part.find("#files-why").textContent = why;
    }

    async attempt(work) {
        this.say("");
        try {
            await work();
        } catch (error) {
            this.say("", error.message);
        }
    }

    async save() {
        const [{ training }] = await this.part.lesson.digits.ready();
        const bytes = await training.export();
        const url = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
        html("a", { href: url, download: "model.safetensors" }).click();
        // The browser has taken it by then.
        setTimeout(() => URL.revokeObjectURL(url), 10_000);
        this.say(t("saved", { bytes: count(bytes.length) }));
    }

    async open(file) {
        const engine = await this.part.lesson.engine();
        const bytes = new Uint8Array(await file.arrayBuffer());
        const taken = new Set((await engine.models()).map(({ name }) => name));
        const base = file.name.replace(/\.safetensors$/, "") || "model";
        let name = base;
        for (let again = 2; taken.has(name); again += 1) name = `${base}-${again}`;
        const { layers, parameters, inputs, answers } = await engine.open(bytes, name);
        const shape = layers.map(({ cell, hidden }) => `${cell.toUpperCase()} ${hidden}`).join(" → ");
        const isForDigits = inputs.features === 28 && answers.outputs === 10;
        this.say(t(isForDigits ? "opened-digits" : "opened", { name, shape, parameters: count(parameters) }));
    }
}
