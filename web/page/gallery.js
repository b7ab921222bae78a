// Digits of the test part as small buttons.

import { html } from "./shared/elements.js";
import { paintDigit } from "./shared/strip.js";
import { onLanguage, t } from "./shared/words.js";

/** Rows of floats from 0 to 1, of an image of bytes. @param {Uint8Array} image @param {number} cols @returns {number[][]} */
export const rowsOf = (image, cols) =>
    Array.from({ length: image.length / cols }, (_, row) => Array.from(image.subarray(row * cols, (row + 1) * cols), (byte) => byte / 255));

/** Images of the test part. @returns {Promise<{pixels: number[][], digit: number, index: number}[]>} */
export async function testDigits(engine, from, to) {
    const { cols, images, classes } = await engine.digits({ part: "test", from, to });
    return images.map((image, index) => ({ pixels: rowsOf(image, cols), digit: Number(classes[index]), index: from + index }));
}

export class Gallery {
    /**
     * @param {HTMLElement} parent
     * @param {(chosen: {pixels: number[][], digit: number, index: number}) => void} chosen
     */
    constructor(parent, chosen) {
        Object.assign(this, { parent, chosen, digits: [] });
        onLanguage(() => this.words());
    }

    set(digits) {
        this.digits = digits;
        this.buttons = digits.map((of) => {
            const canvas = html("canvas", { width: 28, height: 28, "aria-hidden": true });
            paintDigit(canvas, of.pixels);
            const button = html("button", { type: "button", class: "thumb", "aria-pressed": "false" }, canvas);
            button.addEventListener("click", () => this.choose(of));
            return button;
        });
        this.parent.replaceChildren(...this.buttons);
        this.words();
    }

    words() {
        this.buttons?.forEach((button, at) => button.setAttribute("aria-label", t("gallery-digit", this.digits[at])));
    }

    choose(of) {
        this.mark(of);
        this.chosen(of);
    }

    /** Shows which one is in use; none of them without one. */
    mark(of) {
        this.buttons?.forEach((button, at) => button.setAttribute("aria-pressed", this.digits[at] === of));
    }
}
