// The reader's choices that hold for the whole page: its language, and light or dark. They are remembered.

import { setTheme } from "./colours.js";
import { setLanguage, startLanguage } from "./words.js";

/** What is remembered, where the browser lets us. */
export function remember(where, key, value) {
    try {
        if (value === undefined) return where.getItem(`elman-${key}`) ?? undefined;
        where.setItem(`elman-${key}`, value);
    } catch {
        // It is asked for again, then.
    }
    return undefined;
}

export function startChoices() {
    const language = document.getElementById("language");
    startLanguage(remember(localStorage, "language"));
    language.value = document.documentElement.lang.slice(0, 2);
    language.addEventListener("change", () => {
        setLanguage(language.value);
        remember(localStorage, "language", language.value);
    });
    const theme = document.getElementById("theme");
    theme.value = remember(localStorage, "theme") ?? "auto";
    setTheme(theme.value);
    theme.addEventListener("change", () => {
        setTheme(theme.value);
        remember(localStorage, "theme", theme.value);
    });
}
