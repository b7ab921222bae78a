// The gates of the last layer, a strip for each: what is let in, kept, let out.

import { html } from "./elements.js";
import { Strip } from "./strip.js";
import { t } from "./words.js";

/** The letters in the cells' equations that have a name in words. */
const NAMED = ["i", "f", "g", "o", "r", "z", "n"];

export class Gates {
    /**
     * @param {HTMLElement} parent  Hidden where there are no gates.
     * @param {{steps: number}} of  Columns that there is room for.
     */
    constructor(parent, { steps }) {
        Object.assign(this, { parent, steps, strips: new Map() });
        this.list = html("div", { class: "gates" });
        parent.append(this.list);
    }

    /**
     * @param {import("./engine.js").Gate[][]} rows  Of each step, the gates of all layers.
     */
    set(rows) {
        const last = Math.max(0, ...(rows[0] ?? []).map(({ layer }) => layer));
        const shown = rows.map((row) => row.filter(({ layer, name }) => layer === last && NAMED.includes(name)));
        const names = (shown[0] ?? []).map(({ name, bound }) => ({ name, bound }));
        this.parent.hidden = names.length === 0;
        if ([...this.strips.keys()].join() !== names.map(({ name }) => name).join()) this.make(names);
        names.forEach(({ name }, index) => {
            const columns = shown.map((row) => row[index].values);
            const { strip, title } = this.strips.get(name);
            title.textContent = t(`gate-${name}`);
            strip.set(columns, columns.length, t("gate-label", { name: title.textContent, units: columns[0].length, steps: columns.length }));
        });
    }

    make(names) {
        this.strips = new Map();
        this.list.replaceChildren();
        for (const { name, bound } of names) {
            const title = html("h4");
            this.list.append(title);
            const strip = new Strip(this.list, { steps: this.steps, rowHeight: 2, isShare: bound === "sigmoid", names: [] });
            this.strips.set(name, { strip, title });
        }
    }
}
