// A strip: a column of colours for each step, which grows to the right. It shows a state [T, H] or probabilities [T, O].

import { diverging, onTheme, sequential } from "./colours.js";
import { html } from "./elements.js";

export class Strip {
    /**
     * @param {HTMLElement} parent
     * @param {{steps: number, isShare?: boolean, rowHeight?: number, names?: string[]}} of  Columns that there is room for;
     *     whether the numbers are shares from 0 to 1; pixels of a row on the screen; names of the rows. With none, their
     *     place is kept, so that strips above each other have the same columns.
     */
    constructor(parent, { steps, isShare = false, rowHeight = 3, names }) {
        Object.assign(this, { steps, isShare, rowHeight, columns: [], shown: 0 });
        this.canvas = html("canvas", { role: "img" });
        this.scale = html("canvas", { width: 64, height: 1, "aria-hidden": true });
        this.ends = [html("span"), html("span")];
        const legend = html("div", { class: "scale" }, this.ends[0], this.scale, this.ends[1]);
        this.names = html("div", { class: "names", "aria-hidden": true });
        if (names) this.setNames(names);
        this.figure = html("figure", { class: "strip" }, html("div", { class: "cells" }, this.canvas, this.names), legend);
        parent.append(this.figure);
        onTheme(() => this.draw());
    }

    setNames(names) {
        this.names.classList.add("wanted");
        this.names.replaceChildren(...names.map((name) => html("span", {}, name)));
    }

    /**
     * @param {number[][]} columns  [T, rows]
     * @param {number} shown  How many of them; the rest stays empty.
     * @param {string} label  For whoever does not see it.
     */
    set(columns, shown, label) {
        Object.assign(this, { columns, shown });
        this.canvas.setAttribute("aria-label", label);
        this.draw();
    }

    draw() {
        const rows = this.columns[0]?.length ?? 1;
        // Over all columns, so that colours keep their meaning while one moves through time.
        const largest = this.columns.reduce((most, column) => Math.max(most, ...column.map(Math.abs)), 0);
        const limit = this.isShare ? 1 : Math.max(1, largest);
        const colourOf = this.isShare ? sequential() : diverging(limit);
        const low = this.isShare ? 0 : -limit;
        this.canvas.width = this.steps;
        this.canvas.height = rows;
        this.canvas.style.height = `${Math.max(Math.min(rows * 24, 96), Math.min(260, rows * this.rowHeight))}px`;
        paint(this.canvas, (x, y) => (x < this.shown && this.columns[x] ? colourOf(this.columns[x][y]) : null));
        paint(this.scale, (x) => colourOf(low + ((limit - low) * x) / (this.scale.width - 1)));
        this.ends[0].textContent = number(low);
        this.ends[1].textContent = number(limit);
    }
}

const number = (value) => String(Number(value.toPrecision(2))).replace("-", "−");

/** Each pixel of a canvas, from its place; null leaves it clear. */
export function paint(canvas, colourAt) {
    const { width, height } = canvas;
    const context = canvas.getContext("2d");
    const image = context.createImageData(width, height);
    for (let y = 0; y < height; y += 1) {
        for (let x = 0; x < width; x += 1) {
            const rgb = colourAt(x, y);
            if (rgb) image.data.set([...rgb, 255], 4 * (y * width + x));
        }
    }
    context.putImageData(image, 0, 0);
}

/**
 * A digit [28, 28], or nothing where there is none. Rows that are still to come are dimmer; the one that was read last has a
 * tint.
 */
export function paintDigit(canvas, digit, rows = Infinity) {
    const side = digit?.length ?? 28;
    canvas.width = canvas.height = side;
    paint(canvas, (x, y) => {
        const ink = digit?.[y][x] ?? 0;
        if (digit && y >= rows) return [16, 21, 26].map((paper) => paper + 70 * ink);
        if (digit && y === rows - 1 && rows < side) return [110 + 135 * ink, 70 + 170 * ink, 30 + 200 * ink];
        return [16, 21, 26].map((paper) => paper + 225 * ink);
    });
}
