// The page's words in the language that is chosen. Modules ask for them by a key; text in the HTML has its key in
// `data-word`, names for screen readers in `data-label`.

import en from "./words-en.js";
import zh from "./words-zh.js";

const languages = { en: { ...en }, zh: { ...zh } };
const changed = new EventTarget();
let language = "en";

/** Another page that shares these modules has words of its own, which go before those here. */
export function addWords(more) {
    for (const [name, words] of Object.entries(more)) Object.assign(languages[name], words);
}

/** The words of a key; `{name}` in them is replaced. */
export function t(key, values = {}) {
    const words = languages[language][key] ?? en[key];
    if (words === undefined) throw new Error(`no words for ${key}`);
    return words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** A frequency in words, where it has some. */
export const frequencyName = (frequency) => languages[language][frequency] ?? frequency;

/** A level of a quantile: 0.9 as a 32-bit float is 0.8999999762. */
export const levelName = (level) => `${Number((100 * level).toFixed(4))}%`;

export const percent = (p) => `${(100 * p).toFixed(p > 0.9995 || p < 0.0005 ? 0 : 1)}%`;

export const current = () => language;

/** The reader's own choice, or else what the browser prefers. */
export function startLanguage(remembered) {
    const wanted = remembered ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");
    setLanguage(wanted in languages ? wanted : "en");
}

export function setLanguage(wanted) {
    language = wanted;
    document.documentElement.lang = wanted === "zh" ? "zh-Hans" : "en";
    for (const element of document.querySelectorAll("[data-word]")) element.textContent = t(element.dataset.word);
    for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", t(element.dataset.label));
    changed.dispatchEvent(new Event("change"));
}

/** Calls when the language has changed: whoever wrote words by itself writes them again. */
export function onLanguage(listener) {
    changed.addEventListener("change", listener);
}
