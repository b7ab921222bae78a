// Colours of the style sheet for canvases, which CSS does not reach.

const changed = new EventTarget();
const probe = document.createElement("span");
probe.hidden = true;
document.documentElement.append(probe);

/** [red, green, blue] of one of the style sheet's variables, in the theme of now. */
export function colour(name) {
    // The browser resolves light and dark; a variable by itself is only text.
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number);
}

const mixed = (a, b, share) => a.map((from, index) => Math.round(from + (b[index] - from) * share));

/**
 * A scale of colours for numbers from -limit to limit, over one neutral in the middle.
 * @returns {(value: number) => number[]}
 */
export function diverging(limit) {
    const [low, middle, high] = [colour("low"), colour("middle"), colour("high")];
    return (value) => {
        const share = Math.max(-1, Math.min(1, value / limit));
        return mixed(middle, share < 0 ? low : high, Math.abs(share));
    };
}

/** The same for shares from 0 to 1. */
export function sequential() {
    const [middle, high] = [colour("middle"), colour("bar")];
    return (value) => mixed(middle, high, Math.max(0, Math.min(1, value)));
}

/** "light", "dark", or "auto": what the system prefers. */
export function setTheme(theme) {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    changed.dispatchEvent(new Event("change"));
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => changed.dispatchEvent(new Event("change")));

/** Calls when colours have changed: whoever drew draws again. */
export function onTheme(listener) {
    changed.addEventListener("change", listener);
}
