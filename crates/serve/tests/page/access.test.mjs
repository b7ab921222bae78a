// Accessibility by axe-core, and the width, for each panel in both themes and languages. With ELMAN_SHOTS, a folder, what was
// seen is kept as pictures.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { ELMAN_SHOTS, SEVEN, draw, withPage } from "./browser.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What is looked at: each panel with something in it. */
const filled = {
    digits: async (page) => {
        await draw(page, SEVEN);
        await page.locator("#reader-b .digit").waitFor();
    },
    text: async (page) => {
        await page.locator("#text [name=go]").click();
        await page.locator("#written span:nth-child(40)").waitFor();
        await page.locator("#text [name=go]").click();
        await page.locator("#text .said:not(:empty)").waitFor();
    },
    series: async (page) => {
        await page.locator("#series [name=example]").click();
        await page.locator("#fan svg").first().waitFor();
        await page.locator("#series summary").click();
    },
    stream: async (page) => {
        await page.locator("#stream [name=model]").selectOption("vowels");
        await page.locator("#stream [name=source]").selectOption("random");
        for (let step = 0; step < 5; step += 1) await page.locator("#stream [name=step]").click();
        await page.locator("#stream .said:not(:empty)").waitFor();
    },
};

for (const [width, theme, language] of [
    [1280, "light", "en-GB"],
    [1280, "dark", "zh-CN"],
    [360, "light", "zh-CN"],
    [360, "dark", "en-GB"],
]) {
    test(`everybody can use it: ${width} pixels, ${theme}, ${language}`, () =>
        withPage({ width, theme, language }, async (page) => {
            // The page's own rules let no script in; a debugger may.
            await page.evaluate(axe);
            for (const [panel, fill] of Object.entries(filled)) {
                await page.locator(`#tab-${panel}`).click();
                await fill(page);
                const { violations } = await page.evaluate(() => globalThis.axe.run());
                const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join("\n")}`);
                assert.deepEqual(found, [], panel);
                const wide = await page.evaluate(() => document.documentElement.scrollWidth);
                assert(wide <= width, `${panel} is ${wide} pixels wide`);
                if (ELMAN_SHOTS) await page.screenshot({ path: join(ELMAN_SHOTS, `${panel}-${width}-${theme}-${language}.png`), fullPage: true });
            }
        }));
}
