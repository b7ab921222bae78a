// The buttons of a runner: Train, Pause, Go on; Start over.

import { html } from "./shared/elements.js";
import { onLanguage, t } from "./shared/words.js";

const WORDS = { none: "train-go", starting: "starting", paused: "go-on", running: "pause" };

/**
 * @param {import("./part.js").Part} part  Its `.controls` get the buttons; its messages tell what becomes of it.
 * @param {import("./runner.js").Runner} runner
 */
export function controls(part, runner) {
    const go = html("button", { type: "button", class: "main" });
    const again = html("button", { type: "button" });
    part.find(".controls").append(go, again);
    go.addEventListener("click", () => {
        if (runner.state === "running") runner.pause();
        else part.attempt(() => runner.run());
    });
    again.addEventListener("click", () => part.attempt(() => runner.restart()));
    const words = () => {
        const isFresh = runner.state === "paused" && runner.steps === 0;
        go.textContent = t(isFresh ? "train-go" : WORDS[runner.state]);
        go.disabled = runner.state === "starting";
        again.textContent = t("again");
        again.disabled = runner.state === "starting" || (runner.state !== "running" && runner.steps === 0);
    };
    let before = runner.state;
    runner.addEventListener("change", () => {
        part.root.dataset.steps = runner.steps;
        words();
        // Steps would be too much to listen to: a beginning and an end are told.
        if (runner.state === "starting") part.say(t("starting-about"));
        if (runner.state === "running") part.say(t("running"));
        if (runner.state === "paused") part.say(before === "running" ? t("paused-at", { steps: count(runner.steps) }) : "");
        if (runner.state === "none") part.say("");
        before = runner.state;
    });
    runner.addEventListener("step", () => {
        part.root.dataset.steps = runner.steps;
        if (again.disabled) words();
    });
    onLanguage(words);
    words();
}

/**
 * What a part looks at while its networks learn: now and then, and once more whenever they pause.
 * @param {import("./part.js").Part} part  Its `seen` has what was found of each network, by its key.
 * @param {import("./runner.js").Runner} runner
 * @param {{every: number, at: (engine: import("./engine-wasm.js").WasmEngine, model: string) => Promise<any>}} of  Milliseconds
 *     between two looks; what is looked at.
 */
export function looks(part, runner, { every, at }) {
    let next = 0;
    const look = () => {
        next = performance.now() + every;
        return part.attempt(async () => {
            const engine = await part.lesson.engine();
            const { all } = runner;
            for (const { key, training } of all) {
                const seen = await at(engine, training.model);
                // Of networks that are gone meanwhile nothing is shown.
                if (all !== runner.all) return;
                part.seen[key] = seen;
            }
            part.redraw();
        });
    };
    runner.addEventListener("step", () => {
        part.redraw();
        if (performance.now() > next) look();
    });
    runner.addEventListener("change", () => {
        if (runner.state === "paused") look();
    });
    runner.addEventListener("fresh", () => {
        part.seen = {};
        part.redraw();
        if (part.root.offsetParent !== null) part.attempt(() => runner.ready());
    });
    part.attempt(() => runner.ready());
}

/** 12345 as 12,345, in both languages. */
export const count = (number) => Math.round(number).toLocaleString("en");
