// Each panel, as a reader uses it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ELMAN_CLOSED_URL, ELMAN_TOKEN, ELMAN_TOKEN_URL, PATIENCE, SEVEN, draw, drawByTouch, sees, withPage } from "./browser.mjs";

const digitOf = (page, reader) => page.locator(`#reader-${reader} .digit`);

/** How many sessions the server has. */
const sessions = (page) =>
    page.evaluate(async () => Number(/^elman_sessions (\d+)/m.exec(await (await fetch("/metrics")).text())[1]));

test("a seven that is drawn is read as 7, by two networks", () =>
    withPage({ moves: true, excused: /willReadFrequently/ }, async (page) => {
        const before = await sessions(page);
        await draw(page, SEVEN);
        await sees(page.locator("#digits .said"), /a-rnn says 7.*b-gru says 7/s);
        assert.equal(await digitOf(page, "a").textContent(), "7");
        assert.equal(await digitOf(page, "b").textContent(), "7");
        await sees(page.locator("#reader-b .bars .most"), /^7\d+\.\d%$/);
        // Through time: after the first row nobody knows.
        await page.locator("#rows").fill("1");
        await sees(page.locator("#rows-out"), /^1 of 28$/);
        await sees(page.locator("#reader-b h3").first(), /after row 1$/);
        const share = Number.parseFloat(await page.locator("#reader-b .bars .most .number").textContent());
        assert(share < 60, `after one row ${share}%`);
        // The strips have a column for each row that was read.
        const columns = () =>
            page.locator("#reader-b .strip canvas").first().evaluate((canvas) => {
                const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, 1);
                return Array.from({ length: canvas.width }, (_, x) => data[4 * x + 3]).filter(Boolean).length;
            });
        assert.equal(await columns(), 1);
        await page.locator("#rows").fill("20");
        assert.equal(await columns(), 20);
        assert.equal(await sessions(page), before);
        await page.locator("#clear").click();
        await sees(page.locator("#reader-a .verdict"), /Draw a digit first/);
    }));

test("a seven is drawn by a finger, on a phone", () =>
    withPage({ width: 360, touch: true }, async (page) => {
        await drawByTouch(page, SEVEN);
        await sees(page.locator("#digits .said"), /b-gru says 7/);
        assert.equal(await page.evaluate(() => scrollY), 0);
    }));

test("a seven is drawn by keys alone", () =>
    withPage({}, async (page) => {
        await page.locator("#pen").focus();
        const press = async (key, count) => {
            for (let index = 0; index < count; index += 1) await page.keyboard.press(key);
        };
        await press("ArrowLeft", 6);
        await press("Space", 1);
        await sees(page.locator("#digits .said"), /pen down/);
        await press("ArrowRight", 12);
        for (let index = 0; index < 7; index += 1) {
            await press("ArrowDown", 2);
            await press("ArrowLeft", 1);
        }
        await press("Space", 1);
        await sees(page.locator("#digits .said"), /b-gru says 7/);
        await press("Delete", 1);
        await sees(page.locator("#reader-a .verdict"), /Draw a digit first/);
    }));

test("the better network reads most examples", () =>
    withPage({}, async (page) => {
        const read = [];
        for (let digit = 0; digit < 10; digit += 1) {
            await page.locator("#example").selectOption(String(digit));
            const said = await sees(page.locator("#digits .said"), /b-gru says/);
            read.push(Number(/b-gru says (\d)/.exec(said)[1]));
            // What is said is of the digit before until the next one is read.
            await page.locator("#clear").click();
            await page.evaluate(() => (document.querySelector("#digits .said").textContent = ""));
        }
        const right = read.filter((digit, index) => digit === index).length;
        assert(right >= 8, `read as ${read}`);
    }));

test("text comes with the probabilities of its characters, and stops and goes on", () =>
    withPage({ excused: /422/ }, async (page) => {
        await page.locator("#tab-text").click();
        const form = page.locator("#text form");
        const written = page.locator("#written");
        const count = async () => (await written.locator("span").count()) - 1;
        await form.getByRole("button", { name: "Write" }).click();
        while ((await count()) < 15) await page.waitForTimeout(20);
        await form.locator("[name=temperature]").fill("0");
        const stop = form.getByRole("button", { name: "Stop" });
        const at = await count();
        while ((await count()) < at + 10) await page.waitForTimeout(20);
        await stop.click();
        await sees(form.locator(".said"), /^\d+ characters written/);
        const all = await count();
        // At temperature 0 the most probable has all.
        await sees(page.locator("#next .most .number"), /^100%$/);
        assert.equal(await page.locator("#next li").count(), 10);
        // Any earlier place can be looked at.
        await page.locator("#at").fill("1");
        await sees(page.locator("#at-out"), new RegExp(`^1 / ${all}$`));
        const share = Number.parseFloat(await page.locator("#next li .number").first().textContent());
        assert(share > 0 && share < 100, `${share}%`);
        await form.getByRole("button", { name: "Go on" }).click();
        while ((await count()) < all + 5) await page.waitForTimeout(20);
        await stop.click();
        assert((await written.textContent()).startsWith("The "));
        const first = (await written.textContent()).slice(0, 19);
        // The same seed writes the same text.
        await form.getByRole("button", { name: "Start over" }).click();
        assert.equal(await count(), -1);
        await form.locator("[name=temperature]").fill("0.8");
        await form.getByRole("button", { name: "Write" }).click();
        while ((await count()) < 15) await page.waitForTimeout(20);
        await stop.click();
        assert.equal((await written.textContent()).slice(0, 19), first);
        // What a model of text does not know, it refuses in its own words.
        await form.getByRole("button", { name: "Start over" }).click();
        await form.locator("[name=prime]").fill("snow: ☃");
        await form.getByRole("button", { name: "Write" }).click();
        await sees(form.locator(".why"), /☃/);
    }));

test("a series has its history, its fan, its past forecasts and its numbers", () =>
    withPage({ excused: /422/ }, async (page) => {
        await page.locator("#tab-series").click();
        const form = page.locator("#series form");
        await form.locator("[name=cuts]").fill("2");
        await form.getByRole("button", { name: "Use an example" }).click();
        await sees(form.locator(".said"), /^3 forecasts of 24 steps\. Of 48 values that came later, \d+ lie in the band from 10% to 90%\.$/);
        assert.equal(await page.locator("#fan > svg path.fan").count(), 4);
        assert.equal(await page.locator("#fan > svg path.fan-median").count(), 1);
        assert.equal(await page.locator("#fan > svg path.old").count(), 2);
        await page.locator("#series summary").click();
        assert.equal(await page.locator("#numbers tbody tr").count(), 24);
        await sees(page.locator("#numbers tbody th").first(), /^2009-07-01$/);
        const before = await page.locator("#fan path.past").first().getAttribute("d");
        await page.locator("#history").fill("80");
        assert.notEqual(await page.locator("#fan path.past").first().getAttribute("d"), before);
        const months = `date,sunspots\n${Array.from({ length: 2 }, (_, month) => `2001-${String(month + 1).padStart(2, "0")}-01,3\n`).join("")}`;
        // A file of one's own; the server says what is wrong with it.
        await form.locator("[name=file]").setInputFiles({ name: "a.csv", mimeType: "text/csv", buffer: Buffer.from(months) });
        await form.getByRole("button", { name: "Forecast" }).click();
        await sees(form.locator(".why"), /expected at least 3/);
        await form.locator("[name=table]").fill("a,b\n1,2\n");
        await form.getByRole("button", { name: "Forecast" }).click();
        await sees(form.locator(".why"), /no column “sunspots”/);
    }));

test("a stream shows its state and its answers live", () =>
    withPage({}, async (page) => {
        await page.locator("#tab-stream").click();
        const form = page.locator("#stream form");
        await form.locator("[name=model]").selectOption("echo");
        await form.getByRole("button", { name: "Bit 1" }).click();
        await sees(form.locator(".said"), /^Step 1: [01] \(\d+(\.\d)?%\)$/);
        // An Elman cell has no gates.
        assert(await page.locator("#gates").isHidden());
        await form.locator("[name=source]").selectOption("random");
        await form.locator("[name=pace]").fill("20");
        await form.getByRole("button", { name: "Play" }).click();
        await page.waitForTimeout(1000);
        await form.getByRole("button", { name: "Stop" }).click();
        const said = await sees(form.locator(".said"), /^Step \d\d?: /);
        assert(Number(/\d+/.exec(said)[0]) > 3, said);
        await form.getByRole("button", { name: "Start over" }).click();
        await sees(page.locator("#stream-answer"), /No step yet/);
        // A classifier has sliders, and its classes by name.
        await form.locator("[name=model]").selectOption("vowels");
        await form.getByLabel("dim_3").fill("1");
        await form.getByRole("button", { name: "Send a step" }).click();
        await sees(form.locator(".said"), /^Step 1: \d /);
        assert.equal(await page.locator("#stream-answer li").count(), 9);
        // 28 features are a list; what is wrong with it is said.
        await form.locator("[name=model]").selectOption("a-rnn");
        await form.locator("[name=source]").selectOption("hand");
        await form.locator("#inputs textarea").fill("1, 2");
        await form.getByRole("button", { name: "Send a step" }).click();
        await sees(form.locator(".why"), /expected 28 numbers.*found 2/);
        // Numbers are a line over time.
        await form.locator("[name=model]").selectOption("yield");
        for (const step of [1, 2, 3]) {
            await form.getByRole("button", { name: "Send a step" }).click();
            await sees(form.locator(".said"), new RegExp(`^Step ${step}: \\d`));
        }
        assert.match(await page.locator("#stream-answer path.line").getAttribute("d"), /^M[^L]+L[^L]+L[^L]+$/);
        await form.locator("[name=model]").selectOption("text");
        await form.getByRole("button", { name: "Send a step" }).click();
        await sees(form.locator(".said"), /^Step 1: /);
        // A gated cell shows its gates, each a strip.
        await form.locator("[name=model]").selectOption("b-gru");
        await form.locator("[name=source]").selectOption("random");
        for (const step of [1, 2]) {
            await form.getByRole("button", { name: "Send a step" }).click();
            await sees(form.locator(".said"), new RegExp(`^Step ${step}: `));
        }
        assert.deepEqual(await page.locator("#gates h4").allTextContents(), [
            "Reset gate r: how much of the past the candidate sees",
            "Update gate z: how much of the state is kept",
            "Candidate n: what would be written",
        ]);
        const drawn = await page.locator("#gates .cells canvas").evaluateAll((all) =>
            all.map((canvas) => canvas.getContext("2d").getImageData(0, 0, 3, 1).data.filter((_, at) => at % 4 === 3).join()));
        assert.deepEqual(drawn, ["255,255,0", "255,255,0", "255,255,0"]);
    }));

test("what is left halfway leaves no session, and nothing to complain of", () =>
    withPage({ excused: /404/ }, async (page) => {
        const before = await sessions(page);
        // Each time at another moment: while a session is made, which takes a while here, and while it reads.
        await page.route("**/sessions", async (route) => {
            await new Promise((resolve) => setTimeout(resolve, 100));
            await route.continue();
        });
        await page.locator("#tab-text").click();
        const text = page.locator("#text form");
        for (const wait of [0, 50, 150, 250]) {
            await text.locator("[name=go]").click();
            await page.waitForTimeout(wait);
            await text.locator("[name=again]").click();
        }
        await page.locator("#tab-stream").click();
        const stream = page.locator("#stream form");
        await stream.locator("[name=source]").selectOption("wave");
        for (const [index, wait] of [0, 50, 150, 250].entries()) {
            await stream.locator("[name=play]").click();
            await page.waitForTimeout(wait);
            await stream.locator("[name=model]").selectOption(index % 2 === 0 ? "echo" : "vowels");
        }
        const end = Date.now() + PATIENCE;
        while ((await sessions(page)) > before && Date.now() < end) await page.waitForTimeout(50);
        assert.equal(await sessions(page), before);
        for (const form of [text, stream]) assert.equal(await form.locator(".why").textContent(), "");
        await stream.locator("[name=step]").click();
        await sees(stream.locator(".said"), /^Step 1: /);
    }));

test("a token is asked for, and holds for requests and streams", { skip: !ELMAN_TOKEN_URL && "no server with a token" }, () =>
    withPage({ url: ELMAN_TOKEN_URL, excused: /401/, started: false }, async (page) => {
        await sees(page.locator("#token-why"), /asks for a token/);
        await page.locator("#token-text").fill("not the token");
        await page.locator("#token button").click();
        await sees(page.locator("#token-why"), /asks for a token/);
        await page.locator("#token-text").fill(ELMAN_TOKEN);
        await page.locator("#token button").click();
        await page.locator("#digits:not([hidden])").waitFor();
        assert(await page.locator("#token").isHidden());
        await draw(page, SEVEN);
        await digitOf(page, "a").waitFor();
        await page.locator("#tab-stream").click();
        await page.locator("#stream [name=model]").selectOption("echo");
        await page.getByRole("button", { name: "Bit 0" }).click();
        await sees(page.locator("#stream .said"), /^Step 1: /);
        // It holds for as long as the tab is open.
        await page.reload();
        await page.locator("#stream:not([hidden])").waitFor();
    }));

test("what has no sessions says so", { skip: !ELMAN_CLOSED_URL && "no server without sessions" }, () =>
    withPage({ url: ELMAN_CLOSED_URL }, async (page) => {
        for (const panel of ["digits", "text", "stream"]) {
            await page.locator(`#tab-${panel}`).click();
            await sees(page.locator(`#${panel} .none:not([hidden])`), /read-only/);
        }
        await page.locator("#tab-series").click();
        await sees(page.locator("#series .none:not([hidden])"), /elman train series/);
    }));

test("language and colours are remembered, tabs obey the arrows", () =>
    withPage({ language: "zh-CN", theme: "dark" }, async (page) => {
        await sees(page.locator("#tab-digits"), /^手写数字$/);
        const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        const dark = await paper();
        await page.locator("#language").selectOption("en");
        await sees(page.locator("#tab-digits"), /^Digits$/);
        await page.locator("#theme").selectOption("light");
        const light = await paper();
        assert.notEqual(light, dark);
        await page.reload();
        await page.locator("#digits:not([hidden])").waitFor();
        await sees(page.locator("#tab-digits"), /^Digits$/);
        assert.equal(await paper(), light);
        assert.equal(await page.evaluate(() => document.documentElement.lang), "en");
        await page.locator("#tab-digits").focus();
        await page.keyboard.press("ArrowRight");
        await page.keyboard.press("ArrowRight");
        assert(await page.locator("#series").isVisible());
        assert.equal(new URL(page.url()).hash, "#series");
        await page.keyboard.press("End");
        assert(await page.locator("#stream").isVisible());
    }));
