// The page around the lesson: how soon it is seen, its languages, offline, as a file; and that everybody can use it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { ELMAN_SHOTS, SITE, browser, draw, go, host, sees, SEVEN, until, withLesson } from "./browser.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const STEPS = ["cell", "state", "loss", "train", "digits", "echo", "writing", "memory"];

test("there is a first picture, and how soon is told", (t) =>
    withLesson({}, async (page) => {
        const paint = () => page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0);
        const first = await until(paint, () => "nothing was painted");
        t.diagnostic(`first contentful paint after ${first.toFixed(0)} ms`);
        assert(first > 0);
    }));

test("both languages have the same words, with the same gaps", () =>
    withLesson({}, async (page) => {
        const found = await page.evaluate(async () => {
            const [en, zh] = await Promise.all(["./lesson-en.js", "./lesson-zh.js"].map(async (name) => (await import(new URL(name, document.baseURI))).default));
            const gaps = (words) => [...words.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort().join();
            const only = [...Object.keys(en).filter((key) => !(key in zh)), ...Object.keys(zh).filter((key) => !(key in en))];
            const other = Object.keys(en).filter((key) => key in zh && gaps(en[key]) !== gaps(zh[key]));
            const empty = [...document.querySelectorAll("[data-word]")].filter((element) => element.textContent === "").map((element) => element.dataset.word);
            return { only, other, empty, count: Object.keys(en).length };
        });
        assert.deepEqual({ ...found, count: 0 }, { only: [], other: [], empty: [], count: 0 });
        assert(found.count > 100, String(found.count));
    }));

test("language and colours are chosen by the browser at first, and remembered", () =>
    withLesson({ language: "zh-CN", theme: "dark" }, async (page) => {
        await sees(page.locator("#cell h2"), /^动手算一步$/);
        assert.equal(await page.evaluate(() => document.documentElement.lang), "zh-Hans");
        const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        const dark = await paper();
        await page.locator("#language").selectOption("en");
        await page.locator("#theme").selectOption("light");
        const light = await paper();
        assert.notEqual(light, dark);
        await page.reload();
        await sees(page.locator("#cell h2"), /^One step of a cell, by hand$/);
        assert.equal(await paper(), light);
    }));

test("steps follow each other by keys alone", () =>
    withLesson({}, async (page) => {
        for (const step of STEPS.slice(1)) {
            await page.locator("#next-step").focus();
            await page.keyboard.press("Enter");
            await page.locator(`#${step}:not([hidden])`).waitFor();
            // Whoever listens goes on at the new heading.
            assert.equal(await page.evaluate(() => document.activeElement.closest("section")?.id), step);
            assert.equal(await page.locator("#steps [aria-current=step]").getAttribute("href"), `#${step}`);
        }
        assert(await page.locator("#next-step").isHidden());
        await page.goBack();
        await page.locator("#writing:not([hidden])").waitFor();
        // A slider is moved by the arrows.
        await go(page, "cell");
        await page.locator("#cell [name=x]").focus();
        await page.keyboard.press("ArrowRight");
        await sees(page.locator("#cell-x-out"), /^1\.05$/);
    }));

/** Trains with the network there, and once more without it. */
async function worksWithoutNetwork(own) {
    let isUp = true;
    try {
        await withLesson({ url: own.url, workers: true, step: "digits", excused: /ERR_|Failed to (load|fetch)/ }, async (page) => {
            await page.locator("#digits-train").click();
            await sees(page.locator("#digits-trained-words"), /had 200 steps/);
            // What the training read is kept, however late the service worker came.
            const isKept = async () => {
                const stores = await Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).keys()));
                return stores.flat().some(({ url }) => url.endsWith("/data/digits-0.bin"));
            };
            await until(() => page.evaluate(isKept), () => "the digits are not kept");
            await own.close();
            isUp = false;
            await page.reload();
            await page.locator("#digits:not([hidden])").waitFor();
            await page.locator("#digits-train").click();
            await sees(page.locator("#digits-trained-words"), /had 200 steps/);
            await draw(page, SEVEN);
            await sees(page.locator("#digits > .tool .said"), /rnn-128 says 7/);
        });
    } finally {
        if (isUp) await own.close();
    }
}

test("once loaded it works without a network", async () => worksWithoutNetwork(await host()));

test("where its files are kept late, the digits are, too", async () => worksWithoutNetwork(await host(SITE, (name) => (name === "/sw.js" ? 6000 : 0))));

test("opened as a file it says why it does nothing, and what to do", async () => {
    const page = await browser.newPage();
    try {
        await page.goto(pathToFileURL(join(SITE, "index.html")).href);
        await page.locator("#as-file").waitFor();
        assert.match(await page.locator("#as-file").textContent(), /opened as a file[^]*python3 -m http\.server[^]*以文件方式打开/);
    } finally {
        await page.close();
    }
});

test("where the engine does not start it says so, and the step by hand works", async () => {
    await withLesson({ excused: /elman|Failed|404/ }, async (page) => {
        await page.route("**/*.wasm", (route) => route.fulfill({ status: 404, body: "" }));
        await go(page, "state");
        await sees(page.locator("#trouble:not([hidden])"), /^The engine did not start\. \w+/);
        await go(page, "cell");
        await page.locator("#cell form .main").click();
        await sees(page.locator("#cell .said"), /^Step 1/);
    });
});

/** Each step with something in it. */
const filled = {
    cell: (page) => page.locator("#cell form .main").click(),
    state: async (page) => {
        await until(() => page.locator("#state-all").isEnabled(), () => "no digit");
        await page.locator("#state-all").click();
        await page.locator("#state .said:not(:empty)").waitFor();
    },
    loss: async (page) => {
        await until(() => page.locator("#loss-more").isEnabled(), () => "no batch");
        await page.locator("#loss-more").click();
        await page.locator("#loss .said:not(:empty)").waitFor();
    },
    train: async (page) => {
        const button = page.locator("#train .controls .main").first();
        await button.click();
        await until(async () => Number((await page.locator("#train-step").textContent()).replace(",", "")) > 250, () => "no steps");
        await button.click();
        await page.locator("#train-test").click();
        await page.locator("#train-tested:not(:empty)").waitFor();
        const race = page.locator("#race .main");
        await race.click();
        await until(async () => Number(await page.locator("#race-table tr:nth-child(2) td").first().textContent()) >= 4, () => "Rprop took no steps");
        await race.click();
        await sees(page.locator("#race-table tr:nth-child(2) td").last(), /%/);
    },
    digits: async (page) => {
        await draw(page, SEVEN);
        await page.locator("#reader-a .digit").waitFor();
    },
    echo: (page) => some(page, "echo", 800),
    writing: (page) => some(page, "writing", 60),
    memory: (page) => some(page, "memory", 150),
};

async function some(page, step, steps) {
    const button = page.locator(`#${step} .controls .main`);
    await until(() => button.isEnabled(), () => "it is not ready");
    await button.click();
    await until(async () => Number(await page.locator(`#${step}`).getAttribute("data-steps")) >= steps, () => `${step}: no steps`);
    await button.click();
    await page.locator(`#${step} .said:not(:empty)`).first().waitFor();
    await page.waitForTimeout(500);
}

for (const [width, theme, language] of [
    [1280, "light", "en-GB"],
    [1280, "dark", "zh-CN"],
    [360, "light", "zh-CN"],
    [360, "dark", "en-GB"],
]) {
    test(`everybody can use it: ${width} pixels, ${theme}, ${language}`, { timeout: 900_000 }, () =>
        withLesson({ width, theme, language }, async (page) => {
            // The page's own rules let no script in; a debugger may.
            await page.evaluate(axe);
            for (const step of STEPS) {
                await go(page, step);
                await filled[step](page);
                const { violations } = await page.evaluate(() => globalThis.axe.run());
                const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join("\n")}`);
                assert.deepEqual(found, [], step);
                const wide = await page.evaluate(() => document.documentElement.scrollWidth);
                assert(wide <= width, `${step} is ${wide} pixels wide`);
                if (!ELMAN_SHOTS) continue;
                await page.evaluate(() => scrollTo(0, 0));
                await page.screenshot({ path: join(ELMAN_SHOTS, `${step}-${width}-${theme}-${language}.png`), fullPage: true });
            }
        }));
}
