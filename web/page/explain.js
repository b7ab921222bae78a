// What the engine refuses, in the reader's language. The engine speaks English alone: what was refused is said in words of the
// page, and behind them stands what the engine said.

import { t } from "./shared/words.js";

/** What was asked for, by the words of its refusal; anything else is "other". */
const WORDS = {
    start: "start",
    fetch: "fetch",
    broken: "broken",
    open: "open",
    save: "save",
    train: "train",
    run: "run",
    step: "run",
    generate: "generate",
    predict: "read",
    session: "read",
    session_step: "read",
};

/** @param {string} kind  A request's name, or why it could not be asked. @param {string} why  In the engine's words. */
export const explain = (kind, why) => t("refused", { what: t(`refused-${WORDS[kind] ?? "other"}`), why });
