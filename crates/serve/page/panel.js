// What the four panels share: their models, their messages, and work that may fail.

import { EngineError } from "./engine.js";
import { setOptions } from "./elements.js";

export class Panel {
    /**
     * @param {string} id
     * @param {{engine: import("./engine.js").Engine, refused: (error: Error) => void}} page
     */
    constructor(id, { engine, refused }) {
        Object.assign(this, { engine, refused });
        this.root = document.getElementById(id);
        this.form = this.root.querySelector("form");
        this.models = [];
        this.needsSessions = true;
    }

    find(selector) {
        return this.root.querySelector(selector);
    }

    /** Those of the models that this panel can use; `select` lists them. */
    setModels(all, fits, ...selects) {
        const fitting = all.filter(fits);
        this.models = this.needsSessions ? fitting.filter(({ sessions }) => sessions.available) : fitting;
        const without = fitting.find((model) => !this.models.includes(model));
        const none = this.find(".none");
        none.hidden = this.models.length > 0;
        // A model that would do, but has no sessions, says why.
        if (without) {
            delete none.dataset.word;
            none.textContent = `${without.name}: ${without.sessions.why}`;
        }
        this.find(".tool").hidden = this.models.length === 0;
        selects.forEach((select) => setOptions(select, this.models.map(({ name }) => [name, name])));
    }

    model(name) {
        return this.models.find((model) => model.name === name);
    }

    say(text) {
        this.find(".said").textContent = text;
    }

    complain(text) {
        this.find(".why").textContent = text;
    }

    /** Does what may be refused, and shows why where it is. */
    async attempt(work) {
        this.complain("");
        try {
            return await work();
        } catch (error) {
            this.fail(error);
            return undefined;
        }
    }

    fail(error) {
        // What is no refusal is a mistake of the page, which nobody is to overlook.
        if (!(error instanceof EngineError)) throw error;
        this.complain(error.message);
        this.refused(error);
    }
}

/** Until so many milliseconds have gone by. */
export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Whether whoever reads would rather have nothing move by itself. */
export const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
