// A training step of the tutorial's network (an Elman cell of 128 units over 28 rows of 28 pixels, 128 images, Adam) in Chromium:
// elman's WebAssembly, and TensorFlow.js with its processor and its WebAssembly backend, one after the other, in rounds; beside them
// the command on the portable set and one thread, where ELMAN names it.
//
//     web/build && cd web/bench && npm ci && ELMAN=../../target/release/elman node bench.mjs
//
// CHROMIUM may name the browser. Milliseconds a step, the median over the rounds, and the ratios to elman's.

import { execFileSync } from "node:child_process";
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { cpus } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const ROUNDS = 3;
const SITE = process.env.ELMAN_SITE ?? fileURLToPath(new URL("../site", import.meta.url));
const PEER = fileURLToPath(new URL("node_modules/@tensorflow/", import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".json": "application/json", ".wasm": "application/wasm" };

const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://host");
    if (pathname === "/peer.html") {
        const scripts = ["tfjs/dist/tf.min.js", "tfjs-backend-wasm/dist/tf-backend-wasm.min.js"];
        return response.writeHead(200, { "content-type": "text/html" }).end(scripts.map((name) => `<script src="/peer/${name}"></script>`).join(""));
    }
    const path = pathname.startsWith("/peer/") ? join(PEER, pathname.slice(6)) : join(SITE, pathname === "/" ? "index.html" : pathname);
    if (!existsSync(path)) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "application/octet-stream" });
    return createReadStream(path).pipe(response);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

async function within(path, evaluate, argument) {
    const page = await browser.newPage();
    await page.goto(`${url}/${path}`);
    const found = await page.evaluate(evaluate, argument);
    await page.close();
    return found;
}

/** The mean of 100 steps, after 20 to warm up. */
const byElman = () =>
    within("", async () => {
        const { WasmEngine } = await import("./engine-wasm.js");
        const engine = await WasmEngine.start({ base: "." });
        const training = await engine.train({ job: "mnist", name: "a", settings: { images: 10000 } });
        await training.run(20);
        let all = 0;
        training.onstep = ({ milliseconds }) => (all += milliseconds);
        await training.run(100);
        await engine.close();
        return all / 100;
    });

/** The mean of so many steps, after 3; layers as a user of the library writes them. */
const byPeer = (backend, steps) =>
    within("peer.html", async ([backend, steps]) => {
        tf.wasm?.setWasmPaths("/peer/tfjs-backend-wasm/dist/");
        await tf.setBackend(backend);
        await tf.ready();
        const model = tf.sequential();
        model.add(tf.layers.simpleRNN({ units: 128, inputShape: [28, 28] }));
        model.add(tf.layers.dense({ units: 10, activation: "softmax" }));
        model.compile({ optimizer: tf.train.adam(0.001), loss: "sparseCategoricalCrossentropy" });
        const x = tf.randomUniform([128, 28, 28]);
        const y = tf.floor(tf.randomUniform([128, 1], 0, 10));
        const step = async () => model.trainOnBatch(x, y);
        for (let i = 0; i < 3; i += 1) await step();
        const begun = performance.now();
        for (let i = 0; i < steps; i += 1) await step();
        return (performance.now() - begun) / steps;
    }, [backend, steps]);

/** The command's own measurement. */
function byCommand() {
    const env = { ...process.env, ELMAN_ISA: "portable" };
    const said = execFileSync(process.env.ELMAN, ["bench", "--threads", "1", "--rounds", "3", "--json"], { env, stdio: ["ignore", "pipe", "ignore"] });
    return JSON.parse(said.toString().trim().split("\n").at(-1)).train_step_ms;
}

const engines = {
    "elman, WebAssembly": byElman,
    ...(process.env.ELMAN ? { "elman, command, portable, 1 thread": async () => byCommand() } : {}),
    "TensorFlow.js, wasm": () => byPeer("wasm", 10),
    "TensorFlow.js, cpu": () => byPeer("cpu", 2),
};
const times = Object.fromEntries(Object.keys(engines).map((name) => [name, []]));
for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, measure] of Object.entries(engines)) {
        try {
            times[name].push(await measure());
        } catch (error) {
            if (round === 0) console.log(`${name}: ${error.message.split("\n")[0]}`);
        }
    }
}
const median = (all) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)];
const own = median(times["elman, WebAssembly"]);
console.log(`${cpus()[0].model}, Chromium ${browser.version()}`);
for (const [name, all] of Object.entries(times)) {
    if (all.length > 0) console.log(`${name}: ${median(all).toFixed(2)} ms a step, ${(median(all) / own).toFixed(2)} times elman's in the page`);
}
await browser.close();
server.close();
