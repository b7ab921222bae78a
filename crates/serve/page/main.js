// The page as a whole: its tabs, the token, and which models there are.

import { remember, startChoices } from "./choices.js";
import { Digits } from "./digits.js";
import { EngineError } from "./engine.js";
import { HttpEngine } from "./engine-http.js";
import { Series } from "./series.js";
import { Stream } from "./stream.js";
import { Text } from "./text.js";

/** Tabs as screen readers know them: one is in the order of the Tab key, the arrows move between them. */
function startTabs() {
    const tabs = [...document.querySelectorAll("[role=tab]")];
    const show = (chosen) => {
        for (const tab of tabs) {
            const isChosen = tab === chosen;
            tab.setAttribute("aria-selected", isChosen);
            tab.tabIndex = isChosen ? 0 : -1;
            document.getElementById(tab.getAttribute("aria-controls")).hidden = !isChosen;
        }
        // Charts are drawn at the width that there is, which a hidden panel does not have.
        dispatchEvent(new Event("resize"));
    };
    const named = () => tabs.find((tab) => `#${tab.getAttribute("aria-controls")}` === location.hash);
    tabs.forEach((tab, index) => {
        tab.addEventListener("click", () => {
            history.replaceState(null, "", `#${tab.getAttribute("aria-controls")}`);
            show(tab);
        });
        tab.addEventListener("keydown", ({ key }) => {
            const to = { ArrowRight: index + 1, ArrowLeft: index - 1 + tabs.length, Home: 0, End: tabs.length - 1 }[key];
            if (to === undefined) return;
            tabs[to % tabs.length].focus();
            tabs[to % tabs.length].click();
        });
    });
    addEventListener("hashchange", () => named() && show(named()));
    return { tabs, show, named };
}

const engine = new HttpEngine();
const form = document.getElementById("token");

/** Asks for a token where one is wanted. What went wrong is shown where it did. */
function refused(error) {
    if (error.status !== 401) return;
    form.hidden = false;
    document.getElementById("token-why").textContent = error.message;
    document.getElementById("token-text").focus();
}

async function askForModels(panels, tabs) {
    const note = document.getElementById("loading");
    try {
        const listed = await engine.models();
        const models = await Promise.all(listed.map(({ name }) => engine.describe(name)));
        // A server that was told to keep no sessions says so in the list.
        models.forEach((model, index) => {
            if (model.sessions.available && !listed[index].sessions) model.sessions = { available: false, why: "this server is read-only: it has no sessions" };
        });
        note.hidden = true;
        panels.forEach((panel) => panel.set(models));
        const first = panels.findIndex((panel) => panel.models.length > 0);
        tabs.show(tabs.named() ?? tabs.tabs[Math.max(0, first)]);
    } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        note.textContent = error.message;
        delete note.dataset.word;
        refused(error);
    }
}

startChoices();
const tabs = startTabs();
const page = { engine, refused };
const panels = [new Digits(page), new Text(page), new Series(page), new Stream(page)];
engine.setToken(remember(sessionStorage, "token") ?? "");
form.addEventListener("submit", (event) => {
    event.preventDefault();
    const token = document.getElementById("token-text").value.trim();
    engine.setToken(token);
    // For as long as this tab is open.
    remember(sessionStorage, "token", token);
    form.hidden = true;
    askForModels(panels, tabs);
});
askForModels(panels, tabs);
