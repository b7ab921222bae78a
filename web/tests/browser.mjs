// The lesson in a browser, from a host of plain files. Whatever it says on its console as an error or a warning fails the test.

import assert from "node:assert/strict";
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

/** The folder that web/build made. */
export const SITE = process.env.ELMAN_SITE ?? fileURLToPath(new URL("../site", import.meta.url));
export const { ELMAN, ELMAN_SHOTS } = process.env;
assert(existsSync(join(SITE, "elman.wasm")), `there is no elman.wasm in ${SITE}: web/build makes it, ELMAN_SITE says where it is`);

const flags = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update --disable-sync";
export const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: flags.split(" ") });
after(() => browser.close());

/** As much as a busy machine may take. */
export const PATIENCE = Number(process.env.ELMAN_PATIENCE ?? 120_000);

const TYPES = {
    ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
    ".json": "application/json", ".svg": "image/svg+xml", ".wasm": "application/wasm",
};

/**
 * A host as plain as they come: files of a folder, and nothing else.
 * @param {(name: string) => number} delay  Milliseconds by which a file comes later.
 * @returns {Promise<{url: string, close: () => Promise<void>}>}
 */
export async function host(folder = SITE, delay = () => 0) {
    const server = createServer(async (request, response) => {
        const name = normalize(decodeURIComponent(new URL(request.url, "http://host").pathname));
        await new Promise((resolve) => setTimeout(resolve, delay(name)));
        const path = join(folder, name.endsWith("/") ? `${name}index.html` : name);
        if (!path.startsWith(folder) || !existsSync(path) || !statSync(path).isFile()) return void response.writeHead(404).end("no such file");
        response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "application/octet-stream", "cache-control": "no-cache" });
        return createReadStream(path).pipe(response);
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const close = () =>
        new Promise((resolve) => {
            server.close(resolve);
            server.closeAllConnections();
        });
    return { url: `http://127.0.0.1:${server.address().port}/`, close };
}

const own = await host();
after(() => own.close());

/**
 * Opens the lesson at a step, and calls `test` with it.
 * @param {{step?: string, url?: string, width?: number, language?: string, theme?: "light"|"dark", moves?: boolean,
 *     excused?: RegExp, workers?: boolean}} how  `excused`: what the console may say; `workers`: whether it is kept for offline.
 */
export async function withLesson(how, test) {
    const { step = "cell", url = own.url, width = 1280, language = "en-GB", theme = "light", excused, workers = false } = how;
    const context = await browser.newContext({
        viewport: { width, height: 900 },
        colorScheme: theme,
        locale: language,
        acceptDownloads: true,
        serviceWorkers: workers ? "allow" : "block",
        reducedMotion: how.moves ? "no-preference" : "reduce",
    });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    const said = [];
    // The driver says so itself where it keeps service workers out.
    const note = (text) => excused?.test(text) || /blocked by Playwright/.test(text) || said.push(text);
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && note(message.text()));
    page.on("pageerror", (error) => note(error.stack ?? error.message));
    // Nothing leaves the page: it asks its own host for files, and sends none.
    page.on("request", (request) => {
        const isOwn = [new URL(url).origin, `blob:${new URL(url).origin}`].some((origin) => request.url().startsWith(origin)) || request.url().startsWith("data:");
        if (!isOwn || request.method() !== "GET") note(`${request.method()} ${request.url()}`);
    });
    try {
        await page.goto(`${url}#${step}`);
        await page.locator(`#${step}:not([hidden])`).waitFor();
        await test(page, context);
        assert.deepEqual(said, []);
    } finally {
        await context.close();
    }
}

/** To another step, by its link. */
export async function go(page, step) {
    await page.locator(`#steps a[href="#${step}"]`).click();
    await page.locator(`#${step}:not([hidden])`).waitFor();
}

export const SEVEN = [[0.28, 0.23], [0.72, 0.21], [0.45, 0.84]];

/** Moves the mouse over the drawing board, with its button down, along points from 0 to 1. */
export async function draw(page, points) {
    await page.locator("#pen").scrollIntoViewIfNeeded();
    const box = await page.locator("#pen").boundingBox();
    const at = ([x, y]) => [box.x + x * box.width, box.y + y * box.height];
    await page.mouse.move(...at(points[0]));
    await page.mouse.down();
    for (const point of points.slice(1)) await page.mouse.move(...at(point), { steps: 8 });
    await page.mouse.up();
}

/** Until something is so. */
export async function until(is, why) {
    const end = Date.now() + PATIENCE;
    let found;
    do {
        found = await is();
        if (found) return found;
        await new Promise((resolve) => setTimeout(resolve, 50));
    } while (Date.now() < end);
    return assert.fail(why());
}

/** Until a text of the page is as expected. */
export async function sees(locator, expected) {
    let found = "";
    const text = async () => (found = (await locator.allTextContents()).join(" "));
    await until(async () => expected.test(await text()), () => `${JSON.stringify(found)} is not ${expected}`);
    return found;
}

/** A number that a text of the page is. */
export const number = async (locator) => Number.parseFloat((await locator.textContent()).replaceAll(",", "").replace("−", "-"));
