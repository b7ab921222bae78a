// The same laws as laws.test.mjs, in Chromium: in a worker, as the page computes.

import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { browser, host } from "./browser.mjs";
import { laws } from "./laws.mjs";

const { ELMAN_LAWS } = process.env;
const folder = mkdtempSync(join(tmpdir(), "elman-laws-"));
copyFileSync(ELMAN_LAWS, join(folder, "laws.wasm"));
copyFileSync(fileURLToPath(new URL("laws.mjs", import.meta.url)), join(folder, "laws.js"));
writeFileSync(join(folder, "index.html"), "<!doctype html><title>laws</title>");
const WORKER = `
    import { broken } from "./laws.js";
    const module = WebAssembly.compileStreaming(fetch("laws.wasm"));
    onmessage = async ({ data }) => postMessage(await broken(await module, data));
`;
writeFileSync(join(folder, "worker.js"), WORKER);
const own = await host(folder);
const page = await browser.newPage();
await page.goto(own.url);
await page.evaluate(() => {
    globalThis.worker = new Worker("worker.js", { type: "module" });
});
after(async () => {
    await page.close();
    await own.close();
    rmSync(folder, { recursive: true });
});

const look = (name) =>
    page.evaluate(
        (name) =>
            new Promise((resolve, reject) => {
                worker.onmessage = ({ data }) => resolve(data);
                worker.onerror = ({ message }) => reject(new Error(message));
                worker.postMessage(name);
            }),
        name,
    );

for (const { name, reason } of laws(new WebAssembly.Module(readFileSync(ELMAN_LAWS)))) {
    test(name, { skip: reason ?? false, timeout: 600_000 }, async () => assert.equal(await look(name), ""));
}
