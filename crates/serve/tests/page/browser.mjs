// A browser with the page in it. Whatever the page says on its console as an error or a warning fails the test.

import assert from "node:assert/strict";
import { after } from "node:test";
import { chromium } from "playwright-core";

export const { ELMAN_URL, ELMAN_CLOSED_URL, ELMAN_TOKEN_URL, ELMAN_TOKEN, ELMAN_SHOTS } = process.env;
assert(ELMAN_URL, "ELMAN_URL is where the server with the models listens; .ci/page sets it");

const flags = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update --disable-sync";
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: flags.split(" ") });
after(() => browser.close());

/** As much as a busy machine may take. */
export const PATIENCE = 60_000;

/**
 * Opens the page, and calls `test` with it.
 * @param {{url?: string, width?: number, language?: string, theme?: "light"|"dark", moves?: boolean, excused?: RegExp,
 *     touch?: boolean, started?: boolean}} how  `excused`: what the console may say.
 */
export async function withPage(how, test) {
    const { url = ELMAN_URL, width = 1280, language = "en-GB", theme = "light", excused, touch = false, started = true } = how;
    const context = await browser.newContext({
        viewport: { width, height: 900 },
        colorScheme: theme,
        locale: language,
        hasTouch: touch,
        reducedMotion: how.moves ? "no-preference" : "reduce",
    });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    const said = [];
    const note = (text) => excused?.test(text) || said.push(text);
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && note(message.text()));
    page.on("pageerror", (error) => note(error.stack ?? error.message));
    page.on("request", (request) => {
        if (!request.url().startsWith(new URL(url).origin) && !request.url().startsWith("data:")) note(`asked ${request.url()}`);
    });
    try {
        await page.goto(url);
        if (started) await page.locator("[role=tabpanel]:not([hidden])").waitFor();
        await test(page);
        assert.deepEqual(said, []);
    } finally {
        await context.close();
    }
}

/** Moves the mouse over the drawing board, with its button down, along points from 0 to 1. */
export async function draw(page, points) {
    const box = await page.locator("#pen").boundingBox();
    const at = ([x, y]) => [box.x + x * box.width, box.y + y * box.height];
    await page.mouse.move(...at(points[0]));
    await page.mouse.down();
    for (const point of points.slice(1)) await page.mouse.move(...at(point), { steps: 8 });
    await page.mouse.up();
}

/** The same with a finger. */
export async function drawByTouch(page, points) {
    const box = await page.locator("#pen").boundingBox();
    const browser = await page.context().newCDPSession(page);
    const touch = (type, [x, y] = []) => {
        const touchPoints = x === undefined ? [] : [{ x: box.x + x * box.width, y: box.y + y * box.height }];
        return browser.send("Input.dispatchTouchEvent", { type, touchPoints });
    };
    await touch("touchStart", points[0]);
    for (const [index, [x, y]] of points.slice(1).entries()) {
        const [x0, y0] = points[index];
        for (let at = 1; at <= 8; at += 1) await touch("touchMove", [x0 + ((x - x0) * at) / 8, y0 + ((y - y0) * at) / 8]);
    }
    await touch("touchEnd");
}

export const SEVEN = [[0.28, 0.23], [0.72, 0.21], [0.45, 0.84]];

/** Until a text of the page is as expected. */
export async function sees(locator, expected) {
    const end = Date.now() + PATIENCE;
    let found;
    do {
        found = (await locator.allTextContents()).join(" ");
        if (expected.test(found)) return found;
        await new Promise((resolve) => setTimeout(resolve, 50));
    } while (Date.now() < end);
    return assert.match(found, expected);
}
