// The parts of the page that compute something by themselves, in the browser that runs them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { withPage } from "./browser.mjs";

const inPage = (work, excused) =>
    withPage({ excused }, async (page) => assert.equal(await page.evaluate(work), "done"));

test("strokes become a digit of MNIST's form", () =>
    inPage(async () => {
        const { EXAMPLES, centre, toDigit } = await import("/page/digit.js");
        const say = (what) => { throw new Error(what); };
        const far = (a, b) => Math.abs(a - b);
        if (toDigit([]) !== null) say("ink without strokes");
        EXAMPLES.forEach((strokes, digit) => {
            const small = strokes.map((stroke) => stroke.map(([x, y]) => [x / 5, y / 5 + 0.6]));
            for (const pixels of [toDigit(strokes), toDigit(small)]) {
                if (pixels.length !== 28 || pixels.some((row) => row.length !== 28)) say(`${digit}: wrong size`);
                if (pixels.flat().some((ink) => !(ink >= 0 && ink <= 1))) say(`${digit}: ink beyond 0 to 1`);
                const [x, y] = centre(pixels);
                if (far(x, 14) > 0.1 || far(y, 14) > 0.1) say(`${digit}: centre at ${x}, ${y}`);
                const rows = pixels.flatMap((row, at) => (row.some((ink) => ink > 0.5) ? [at] : []));
                const height = rows.at(-1) - rows[0] + 1;
                if (height < 17 || height > 20) say(`${digit}: ${height} rows high`);
            }
            // The same strokes, smaller and elsewhere, are the same digit.
            const [one, other] = [toDigit(strokes), toDigit(small)].map((pixels) => pixels.flat());
            if (one.some((ink, at) => far(ink, other[at]) > 1e-6)) say(`${digit}: it depends on its size`);
        });
        const dot = toDigit([[[0.9, 0.1]]]).flat();
        if (!(dot.reduce((a, b) => a + b) > 1)) say("a dot leaves no ink");
        return "done";
    }));

test("temperatures and seeds choose", () =>
    inPage(async () => {
        const { choose, heated, largest, randoms } = await import("/page/sampling.js");
        const same = (a, b) => {
            const isSame = a.length === b.length && a.every((x, at) => Math.abs(x - b[at]) < 1e-9);
            if (!isSame) throw new Error(`${a} is not ${b}`);
        };
        const p = [0.1, 0.6, 0.3];
        same(heated(p, 1), p);
        same(heated(p, 0), [0, 1, 0]);
        same(heated(p, 0.5), [0.01, 0.36, 0.09].map((x) => x / 0.46));
        same(heated([0, 1], 0.01), [0, 1]);
        same(heated([1e-30, 1 - 1e-30], 0.01), [0, 1]);
        same(["0.05", "0.1", "0.69", "0.71", "0.9999999999"].map((r) => choose(p, Number(r))), [0, 1, 1, 2, 2]);
        same([choose([0.5, 0.4999, 0], 0.99995)], [1]);
        same(largest(p, 2).flat(), [1, 0.6, 2, 0.3]);
        const of = (seed) => Array.from({ length: 1000 }, randoms(seed));
        same(of(3), of(3));
        if (of(3)[0] === of(4)[0]) throw new Error("seeds do not matter");
        const numbers = of(5);
        if (numbers.some((x) => x < 0 || x >= 1)) throw new Error("beyond 0 to 1");
        if (Math.abs(numbers.reduce((a, b) => a + b) / 1000 - 0.5) > 0.03) throw new Error("not even");
        return "done";
    }));

test("tables are read, parted and cut", () =>
    inPage(async () => {
        const { cut, parseTable, seriesOf } = await import("/page/table.js");
        const same = (a, b) => {
            const [x, y] = [a, b].map((value) => JSON.stringify(value));
            if (x !== y) throw new Error(`${x} is not ${y}`);
        };
        const text = '\uFEFFregion,shop,date,"sales, all",promo\r\nn,"1 ""a""",d1,3,0\r\nn,"1 ""a""",d2,4,1\r\nn,"1 ""a""",d3,,1\r\ns,2,d1,5,0\r\n';
        const table = parseTable(text);
        same(table.names, ["region", "shop", "date", "sales, all", "promo"]);
        const all = seriesOf(table, { target: "sales, all", time: ["date"], id: "region,shop" });
        same([...all.keys()], ['n/1 "a"', "s/2"]);
        const first = all.get('n/1 "a"');
        same(first.values, [3, 4, null]);
        same(cut(table.names, first, ["promo"], 1, 1), 'region,shop,date,"sales, all",promo\nn,"1 ""a""",d1,3,0\nn,"1 ""a""",d2,,1\n');
        same(cut(table.names, first, [], 0, 1).split("\n").length, 4);
        same([...seriesOf(parseTable("t;a;b\n1;2,5;3\n"), { target: "a,b", time: ["t"], id: null }).values()].map((of) => of.values), [[2.5], [3]]);
        same(parseTable(""), { names: [], rows: [] });
        return "done";
    }));

test("the engine answers what no panel asks for", () =>
    inPage(async () => {
        const { HttpEngine } = await import("/page/engine-http.js");
        const engine = new HttpEngine();
        const { predictions } = await engine.predict("a-rnn", { sequences: [Array(28).fill(Array(28).fill(0))] });
        if (predictions.length !== 1 || predictions[0].probabilities.length !== 10) throw new Error(JSON.stringify(predictions));
        const { text } = await engine.generate("text", { prime: "The ", length: 12, temperature: 1, seed: 1 });
        if (text.length !== 12) throw new Error(text);
        const why = await engine.describe("none").catch((error) => `${error.name} ${error.status}`);
        if (why !== "Error 404") throw new Error(why);
        return "done";
    }, /404/));

test("examples have the times of their frequency", () =>
    inPage(async () => {
        const { exampleTable, timeOf } = await import("/page/example.js");
        const expected = {
            monthly: "2001-03-01", quarterly: "2001-07-01", yearly: "1902-01-01", weekly: "2001-01-15", daily: "2001-01-03",
            hourly: "2001-01-01 02:00:00", "every minute": "2001-01-01 00:02:00", "every 3 days": "2001-01-07",
            "every 2 years": "1904-01-01", "every business day": "2001-01-03", "a step": "2", "every 5 steps": "10",
            "every 0.5 seconds": "2001-01-01 00:00:01",
        };
        for (const [frequency, time] of Object.entries(expected)) {
            if (timeOf(2, frequency) !== time) throw new Error(`${frequency}: ${timeOf(2, frequency)}`);
        }
        if (timeOf(5, "every business day") !== "2001-01-08") throw new Error("a weekend is worked through");
        const shop = { target: "sales", time: ["day"], id: "shop", covariates: ["promo"], known: ["promo"], frequency: "daily" };
        const lines = exampleTable({ ...shop, season: 7, context: 28, horizon: 7 }).trim().split("\n");
        if (lines[0] !== "day,shop,sales,promo") throw new Error(lines[0]);
        if (!/^2001-\d\d-\d\d,a,,[01]$/.test(lines.at(-1))) throw new Error(lines.at(-1));
        return "done";
    }));
