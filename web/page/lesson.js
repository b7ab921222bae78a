// The lesson as a whole: its parts, the engine they share, and which of them is seen.

import { startChoices } from "./shared/choices.js";
import { pause } from "./shared/panel.js";
import { addWords, onLanguage, t } from "./shared/words.js";
import en from "./lesson-en.js";
import zh from "./lesson-zh.js";
import { ByHand } from "./by-hand.js";
import { Draw } from "./draw.js";
import { Echo } from "./echo.js";
import { Loss } from "./loss.js";
import { Memory } from "./memory.js";
import { Race } from "./race.js";
import { Runner } from "./runner.js";
import { State } from "./state.js";
import { Train, digitsPlan } from "./train.js";
import { Writing } from "./writing.js";

/** How long the engine waits for the service worker, in milliseconds. */
const PATIENCE = 2500;

/** What the parts have in common. */
export class Lesson {
    /** The runner that has the engine now. @type {Runner|null} */
    running = null;

    /** @param {Promise<boolean>} kept  When it is known whether sw.js keeps what is fetched from then on. */
    constructor(kept) {
        this.kept = kept;
        /** The network of steps 2 to 5. */
        this.digits = new Runner(this, digitsPlan);
    }

    /** The engine, started when it is first needed. @returns {Promise<import("./engine-wasm.js").WasmEngine>} */
    engine() {
        this.starting ??= this.start().catch((error) => {
            const trouble = document.getElementById("trouble");
            trouble.textContent = `${t("no-engine")} ${error.message}`;
            trouble.hidden = false;
            throw error;
        });
        return this.starting;
    }

    async start() {
        // At the first visit it waits a moment for the service worker, so that its data is kept, too. Where that takes longer, what
        // has come is fetched once more for the service worker, from the browser's cache.
        const isSettled = await Promise.race([this.kept.then(() => true), pause(PATIENCE).then(() => false)]);
        const again = async (url) => {
            if (await this.kept) await fetch(url);
        };
        const { WasmEngine } = await import("./engine-wasm.js");
        return WasmEngine.start({ base: ".", onfetched: isSettled ? undefined : (url) => again(url).catch(notKept) });
    }

    /** One runner at a time: whoever ran before is paused. */
    async takeTurn(runner) {
        const before = this.running;
        this.running = runner;
        if (before !== runner) await before?.pause();
    }
}

/** Which part is seen: what stands after # in the address. */
function startSteps(parts) {
    const links = [...document.querySelectorAll("#steps a")];
    const ids = links.map((link) => link.hash.slice(1));
    const [back, next] = [document.getElementById("back"), document.getElementById("next-step")];
    let at = -1;
    const words = () => {
        const name = (index) => t(`nav-${ids[index]}`);
        for (const [link, index, key] of [[back, at - 1, "onward-back"], [next, at + 1, "onward-next"]]) {
            link.hidden = !(index in ids);
            if (link.hidden) continue;
            link.href = `#${ids[index]}`;
            link.textContent = t(key, { name: name(index) });
        }
        document.title = `${name(at)} · elman`;
    };
    const show = (isMoved) => {
        const found = ids.indexOf(location.hash.slice(1));
        if (found === at) return;
        // An address without a part, or with something else, is the first.
        at = Math.max(found, 0);
        links.forEach((link, index) => (index === at ? link.setAttribute("aria-current", "step") : link.removeAttribute("aria-current")));
        ids.forEach((id, index) => (document.getElementById(id).hidden = index !== at));
        words();
        parts.filter(({ section }) => section === ids[at]).forEach(({ part }) => part.show());
        if (!isMoved) return;
        scrollTo(0, 0);
        document.querySelector(`#${ids[at]} h2`).focus({ preventScroll: true });
    };
    addEventListener("hashchange", () => show(true));
    onLanguage(words);
    document.getElementById("steps").hidden = false;
    document.getElementById("onward").hidden = false;
    show(false);
}

/** A dot beside each step whose training runs now. */
function startDots(runners) {
    for (const [id, runner] of runners) {
        const link = document.querySelector(`#steps a[href="#${id}"]`);
        const of = (link.runners ??= []);
        of.push(runner);
        runner.addEventListener("change", () => link.classList.toggle("busy", of.some(({ state }) => state === "running")));
    }
}

/** Once loaded, the page works without a network: sw.js keeps its files. @returns {Promise<boolean>} whether it does */
async function keepOffline() {
    if (!("serviceWorker" in navigator) || !isSecureContext) return false;
    try {
        const { version } = await (await fetch("files.json")).json();
        const taken = new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
        const registration = await navigator.serviceWorker.register(`sw.js?version=${encodeURIComponent(version)}`);
        if (!navigator.serviceWorker.controller && registration?.installing) await taken;
    } catch (error) {
        notKept(error);
    }
    return navigator.serviceWorker.controller !== null;
}

/** The lesson needs no worker of that kind; it only cannot be read offline, then. */
function notKept(error) {
    console.info(`not kept for reading offline: ${error.message}`);
}

addWords({ en, zh });
startChoices();
const lesson = new Lesson(keepOffline());
const of = {
    cell: [new ByHand(lesson)],
    state: [new State(lesson)],
    loss: [new Loss(lesson)],
    train: [new Train(lesson), new Race(lesson)],
    digits: [new Draw(lesson)],
    echo: [new Echo(lesson)],
    writing: [new Writing(lesson)],
    memory: [new Memory(lesson)],
};
startSteps(Object.entries(of).flatMap(([section, parts]) => parts.map((part) => ({ section, part }))));
startDots([["train", lesson.digits], ...Object.entries(of).flatMap(([id, parts]) => parts.filter(({ runner }) => runner).map(({ runner }) => [id, runner]))]);
