// Each step of the lesson, as a reader goes through it.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ELMAN, SEVEN, draw, go, number, sees, until, withLesson } from "./browser.mjs";

/**
 * The loss of eight test images after 20 steps, and the share of the test images that is right after 200: what was measured, and
 * room for another order of sums.
 */
const TEST_SHARE_AFTER_200 = 0.75;
const BATCH_LOSS_AFTER_200 = 0.95;

const train = (page, part) => page.locator(`#${part} .controls .main`).first();

/** Trains so many steps at least, and pauses. */
async function trains(page, part, steps) {
    const button = train(page, part);
    await button.click();
    const said = page.locator(`#${part} .said`).first();
    const reached = async () => (await page.evaluate((id) => document.querySelector(`#${id}`).dataset.steps ?? "0", part)) >= steps;
    await until(reached, () => `${part} did not come to ${steps} steps`);
    await button.click();
    await sees(said, /^Paused after [\d,]+ steps\.$/);
    return Number(/[\d,]+/.exec(await said.textContent())[0].replaceAll(",", ""));
}

test("a step by hand has the numbers of the book", () =>
    withLesson({ step: "cell" }, async (page) => {
        // h_1 = tanh(1), h_2 = tanh(0.381), h_3 = tanh(0.182): docs/tutorial.md.
        const sum = page.locator("#cell-sum");
        assert.match(await sum.textContent(), /= tanh\(1\.000\) = 0\.762$/);
        await page.locator("#cell form .main").click();
        await page.locator("#cell [name=x]").fill("0");
        assert.match(await sum.textContent(), /= tanh\(0\.381\) = 0\.36[34]$/);
        await page.locator("#cell form .main").click();
        assert.match(await sum.textContent(), /= tanh\(0\.182\) = 0\.180$/);
        await sees(page.locator("#cell .said"), /^Step 2: h was 0\.762 and is 0\.36[34]\.$/);
        await page.locator("#cell [name=r]").fill("-0.9");
        const bars = page.locator("#cell-after rect");
        const kinds = await bars.evaluateAll((all) => all.map((bar) => bar.getAttribute("class")));
        assert.deepEqual(kinds.slice(0, 4), ["below", "above", "below", "above"]);
        await page.getByRole("button", { name: "Start over" }).click();
        assert.match(await sum.textContent(), /= tanh\(1\.000\) = 0\.762$/);
    }));

test("one call is one step, and the state is the last of the outputs", () =>
    withLesson({ step: "state", moves: true, excused: /willReadFrequently/ }, async (page) => {
        const columns = () =>
            page.locator("#state-strip canvas").first().evaluate(async (canvas) => {
                // What has changed is drawn with the next frame.
                await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
                const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, 1);
                return Array.from({ length: canvas.width }, (_, x) => data[4 * x + 3]).filter(Boolean).length;
            });
        const one = page.locator("#state-one");
        await until(() => one.isEnabled(), () => "there is no digit to read");
        assert.equal(await columns(), 0);
        await one.click();
        await sees(page.locator("#state .said"), /^1 of 28 calls/);
        assert.equal(await columns(), 1);
        await sees(page.locator("#state-row"), /^Call 1: row 1 and the state h0 gave h1\.$/);
        await page.locator("#state-all").click();
        await sees(page.locator("#state .said"), /^28 calls: outputs is \[1, 28, 128\]/);
        assert.equal(await columns(), 28);
        assert(await one.isDisabled());
        // The state that lies below has the colours of the last column.
        const same = await page.evaluate(() => {
            const [outputs, state] = ["#state-strip", "#state-vector"].map((id) => document.querySelector(`${id} canvas`));
            const colour = (canvas, x, y) => [...canvas.getContext("2d").getImageData(x, y, 1, 1).data].join();
            return Array.from({ length: 128 }, (_, unit) => colour(outputs, 27, unit) === colour(state, unit, 0)).filter(Boolean).length;
        });
        assert.equal(same, 128);
        await page.locator("#state-gallery button").nth(1).click();
        assert.equal(await columns(), 0);
        assert.match(await page.locator("#state-gallery button").nth(1).getAttribute("aria-label"), /^A 2, test image 1$/);
    }));

test("an untrained network is as wrong as a guess, and a few steps make it less so", () =>
    withLesson({ step: "loss" }, async (page) => {
        await sees(page.locator("#loss-mean"), /^\d\.\d{3}/);
        const before = await number(page.locator("#loss-mean"));
        assert(before > 1.8 && before < 3, `untrained: ${before}`);
        // The mean is that of the table.
        const each = (await page.locator("#loss-table td:last-child").allTextContents()).map(Number);
        assert.equal(each.length, 8);
        assert(Math.abs(each.reduce((a, b) => a + b) / 8 - before) < 0.006, `${each} and ${before}`);
        for (let again = 0; again < 3; again += 1) {
            await page.locator("#loss-more").click();
            await sees(page.locator("#loss-steps"), new RegExp(`After ${20 * (again + 1)} steps`));
            await until(() => page.locator("#loss-more").isEnabled(), () => "it goes on and on");
        }
        await sees(page.locator("#loss .said"), /^The mean loss of these images was/);
        const after = await number(page.locator("#loss-mean"));
        assert(after < before - 0.2, `${before}, and after 60 steps ${after}`);
    }));

test("200 steps of training, a seven that is read, and a file that the command evaluates", { timeout: 600_000 }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "elman-lesson-"));
    try {
        await withLesson({ step: "digits", moves: true }, async (page) => {
            const words = page.locator("#digits-trained-words");
            await sees(words, /has not been trained/);
            await page.locator("#digits-train").click();
            await sees(words, /^The network has had 200 steps of training\.$/);
            await draw(page, SEVEN);
            await sees(page.locator("#digits > .tool .said"), /rnn-128 says 7/);
            assert.equal(await page.locator("#reader-a .digit").textContent(), "7");
            // A test image, by a click; it is the first, and a seven too.
            await page.locator("#digits-gallery button").first().click();
            await sees(page.locator("#digits > .tool .said"), /rnn-128 says 7/);

            await go(page, "train");
            await sees(page.locator("#train-step"), /^200$/);
            const loss = await number(page.locator("#train-loss"));
            assert(loss < BATCH_LOSS_AFTER_200, `loss ${loss} after 200 steps`);
            await page.locator("#train-test").click();
            const tested = await sees(page.locator("#train-tested"), /^[\d.]+% of 10,000 test images are right/);
            const share = Number.parseFloat(tested) / 100;
            const testLoss = Number(/loss ([\d.]+)\.$/.exec(tested)[1]);
            assert(share > TEST_SHARE_AFTER_200, tested);
            t.diagnostic(`after 200 steps: batch loss ${loss}, ${tested}`);
            // Once more: the data is there now, so that it is a single call of the worker. The page goes on meanwhile.
            const frames = await page.evaluate(async () => {
                document.getElementById("train-test").click();
                for (let drawn = 0; ; drawn += 1) {
                    if (document.getElementById("train-tested").textContent.includes("%")) return drawn;
                    await new Promise(requestAnimationFrame);
                }
            });
            t.diagnostic(`${frames} frames were drawn while 10,000 images were read`);
            assert(frames > 5, `only ${frames} frames were drawn while 10,000 images were read`);

            const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#save").click()]);
            assert.equal(download.suggestedFilename(), "model.safetensors");
            const path = join(folder, "model.safetensors");
            await download.saveAs(path);
            await sees(page.locator("#files-said"), /^Saved: [\d,]+ bytes/);
            if (!ELMAN) return t.diagnostic("ELMAN names no binary: the file was not evaluated");
            const told = execFileSync(ELMAN, ["eval", path, "--json"], { encoding: "utf8" });
            const [, accuracy] = /"accuracy":\s*([\d.]+)/.exec(told) ?? assert.fail(told);
            const [, nativeLoss] = /"loss":\s*([\d.]+)/.exec(told);
            assert(Math.abs(Number(accuracy) - share) < 0.0011, `${accuracy} natively, ${share} in the page`);
            assert(Math.abs(Number(nativeLoss) - testLoss) < 0.0011, `${nativeLoss} natively, ${testLoss} in the page`);
            return undefined;
        });
    } finally {
        rmSync(folder, { recursive: true });
    }
});

test("a file that the command wrote opens, and reads a seven", { skip: !ELMAN && "ELMAN names no binary" }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "elman-lesson-"));
    try {
        execFileSync(ELMAN, ["train", "mnist", "--num-epoch", "1", "--hidden-size", "48", "--cell", "gru", "--learning-rate", "0.004", "--out", join(folder, "run")], { stdio: "ignore" });
        await withLesson({ step: "train" }, async (page) => {
            await page.locator("#open").setInputFiles(join(folder, "run", "model.safetensors"));
            await sees(page.locator("#files-said"), /^Opened “model”: GRU 48, [\d,]+ parameters\. It reads digits/);
            await go(page, "digits");
            await page.locator("#reader-a select").selectOption("model");
            await draw(page, SEVEN);
            await sees(page.locator("#digits > .tool .said"), /model says 7/);
            // What is no model is refused, in words.
            await go(page, "train");
            writeFileSync(join(folder, "not.safetensors"), "not a model");
            await page.locator("#open").setInputFiles(join(folder, "not.safetensors"));
            await sees(page.locator("#files-why"), /\w+ \w+/);
        });
    } finally {
        rmSync(folder, { recursive: true });
    }
});

test("training pauses, goes on, takes another learning rate, and starts over", () =>
    withLesson({ step: "train" }, async (page) => {
        const button = train(page, "train");
        await sees(button, /^Train$/);
        assert(await page.locator("#save").isDisabled());
        await button.click();
        await sees(button, /^Pause$/);
        // So far that a step of the usual size makes it better.
        await until(async () => (await number(page.locator("#train-step"))) > 100, () => "it did not come to 100 steps");
        await button.click();
        await sees(button, /^Go on$/);
        const paused = await number(page.locator("#train-step"));
        await page.waitForTimeout(400);
        assert.equal(await number(page.locator("#train-step")), paused);
        // So large a rate ruins it.
        const before = await number(page.locator("#train-loss"));
        await page.locator("#train [name=rate]").fill("-1");
        await sees(page.locator("#train-rate"), /^0\.1$/);
        await button.click();
        await until(async () => (await number(page.locator("#train-step"))) > paused + 30, () => "it did not go on");
        await button.click();
        await sees(button, /^Go on$/);
        const after = await number(page.locator("#train-loss"));
        assert(after > before + 0.3, `at a rate of 0.1 the loss went from ${before} to ${after}`);
        await page.locator("#train").getByRole("button", { name: "Start over" }).first().click();
        await sees(page.locator("#train-step"), /^0$/);
        await sees(button, /^Train$/);
        // Another network, by its settings.
        await page.locator("#train [name=rate]").fill("-2.5");
        await page.locator("#train [name=cell]").selectOption("lstm");
        await page.locator("#train [name=hidden]").selectOption("16");
        await button.click();
        await until(async () => (await number(page.locator("#train-step"))) > 10, () => "no step was taken");
        await button.click();
        await go(page, "digits");
        await sees(page.locator("#reader-a select"), /lstm-16/);
    }));

test("full batches with Rprop and mini-batches with Adam run beside each other", () =>
    withLesson({ step: "train" }, async (page) => {
        const button = page.locator("#race .main");
        await button.click();
        const cell = (row, column) => page.locator(`#race-table tbody tr:nth-child(${row}) td:nth-of-type(${column})`);
        await until(async () => (await number(cell(2, 1))) >= 4, () => "Rprop took no steps");
        await button.click();
        await sees(cell(1, 5), /^[\d.]+%$/);
        await sees(cell(2, 5), /^[\d.]+%$/);
        const [adamSteps, rpropSteps] = [await number(cell(1, 1)), await number(cell(2, 1))];
        assert(adamSteps > 3 * rpropSteps, `Adam ${adamSteps}, Rprop ${rpropSteps}`);
        await page.locator("#race [name=by]").selectOption("steps");
        await sees(page.locator("#race-chart .axis-word"), /steps/);
    }));

test("trainings that run together take turns, by time or by steps", () =>
    withLesson({}, async (page) => {
        // Two that only say that time goes by, on a clock that nothing else moves.
        const run = (fair) =>
            page.evaluate(async (fair) => {
                const { Runner } = await import(new URL("runner.js", document.baseURI));
                let now = 0;
                performance.now = () => now;
                const training = (milliseconds) => {
                    let step = 0;
                    return {
                        async run(steps) {
                            for (let taken = 0; taken < steps; taken += 1) {
                                [step, now] = [step + 1, now + milliseconds];
                                this.onstep({ step, loss: 1, accuracy: 1, milliseconds });
                            }
                            return { step, why: "done" };
                        },
                    };
                };
                const lesson = { engine: async () => ({ train: ({ settings }) => training(settings.milliseconds) }), takeTurn: async () => {} };
                const plan = () => [10, 160].map((milliseconds) => ({ key: milliseconds, settings: { milliseconds } }));
                const runner = new Runner(lesson, plan, fair);
                runner.addEventListener("step", () => runner.of(160).course.last?.step >= 8 && runner.pause());
                await runner.run();
                return runner.all.map(({ course }) => ({ spent: course.spent, steps: course.last.step }));
            }, fair);
        // Nobody is ahead by more than a turn, which is 120 ms, or one step where that is longer.
        const [quick, slow] = await run("seconds");
        assert(slow.steps === 8 && Math.abs(quick.spent - slow.spent) <= 160, JSON.stringify([quick, slow]));
        const [one, other] = await run("steps");
        assert(other.steps === 8 && Math.abs(one.steps - other.steps) <= 1, JSON.stringify([one, other]));
    }));

test("the echo with its state carried on is right, and without it guesses", { timeout: 600_000 }, () =>
    withLesson({ step: "echo" }, async (page) => {
        await trains(page, "echo", 1500);
        const label = page.locator("#echo-bits svg");
        await until(async () => /wrong 0 times with the state carried on/.test((await label.getAttribute("aria-label")) ?? ""), () => "it is still wrong");
        // At each of the first three steps of a piece it can only guess.
        const right = await page.locator("#echo-right svg").getAttribute("aria-label");
        const [carried, reset] = [...right.matchAll(/(?:on|reset) ([\d.%, ]+)/g)].map(([, shares]) => shares.split(", ").map(Number.parseFloat));
        assert.equal(carried.length, 15);
        assert(carried.every((share) => share > 95), right);
        assert(reset.slice(0, 3).every((share) => share > 30 && share < 70), right);
        assert(reset.slice(4).every((share) => share > 90), right);
    }));

test("a text gets better while it is watched", { timeout: 600_000 }, () =>
    withLesson({ step: "writing" }, async (page) => {
        await trains(page, "writing", 100);
        const samples = page.locator("#samples li");
        await until(async () => (await samples.count()) >= 4, () => "too few samples");
        const heads = await samples.locator("p").allTextContents();
        assert.match(heads.at(-1), /^After 0 steps:/);
        const bits = heads.map((head) => Number(/([\d.]+) bits/.exec(head)?.[1])).filter(Number.isFinite);
        assert(bits[0] < 4, `${heads}`);
        assert(bits[0] < bits.at(-1), `${heads}`);
        assert.match(await samples.first().locator("pre").textContent(), /^The [^]{150,}$/);
        // A text of one's own.
        await page.locator("#writing [name=source]").selectOption("own");
        await train(page, "writing").click();
        await sees(page.locator("#writing .why"), /has 0 characters; it takes 1,000/);
        await page.locator("#writing [name=own]").fill("ab".repeat(3000));
        await page.locator("#writing [name=prime]").fill("a");
        await page.locator("#writing [name=prime]").press("Tab");
        await trains(page, "writing", 60);
        await sees(page.locator("#samples li:first-child pre"), /babababab/);
    }));

test("over 40 steps both cells learn to remember, and only the LSTM keeps its gradient", { timeout: 600_000 }, () =>
    withLesson({ step: "memory" }, async (page) => {
        await page.locator("#memory-example path.line-c").first().waitFor();
        await trains(page, "memory", 250);
        // Both have gone as far, but for a turn.
        const ends = await page.locator("#memory-chart > div > svg > path:is(.line-a, .line-b):not(.raw)").evaluateAll((all) => all.map((path) => Number(/([\d.]+) [\d.]+$/.exec(path.getAttribute("d"))[1])));
        assert(ends.length === 2 && Math.abs(ends[0] - ends[1]) < 150, `${ends}`);
        const label = await page.locator("#memory-chart svg").first().getAttribute("aria-label");
        const [, rnn, lstm] = /Elman ([\d.]+)%, LSTM ([\d.]+)%/.exec(label).map(Number);
        assert(lstm > 90 && rnn > 90, label);
        const lag = page.locator("#memory-lag svg").first();
        let gradients;
        // It is looked at now and then, and once more at the end.
        const look = async () => {
            gradients = /Elman ([\d.e+-]+), LSTM ([\d.e+-]+)$/.exec((await lag.getAttribute("aria-label")) ?? "");
            return gradients && Number(gradients[2]) > 1000 * Number(gradients[1]);
        };
        await until(look, () => `the gradients are ${gradients?.[0] ?? "not there"}`);
        assert.equal(await page.locator("#memory-lag svg path.line-a").first().getAttribute("d").then((d) => d.match(/[ML]/g).length > 30), true);
    }));

test("one training runs at a time", () =>
    withLesson({ step: "echo" }, async (page) => {
        await until(() => train(page, "echo").isEnabled(), () => "it is not ready");
        await train(page, "echo").click();
        await sees(train(page, "echo"), /^Pause$/);
        await page.locator('#steps a[href="#echo"].busy').waitFor();
        await go(page, "memory");
        await until(() => train(page, "memory").isEnabled(), () => "it is not ready");
        await train(page, "memory").click();
        await page.locator('#steps a[href="#memory"].busy').waitFor();
        await page.locator('#steps a[href="#echo"]:not(.busy)').waitFor();
        await go(page, "echo");
        await sees(train(page, "echo"), /^Go on$/);
    }));
