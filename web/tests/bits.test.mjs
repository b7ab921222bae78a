// The same bits: the tutorial's network, trained for some steps in WebAssembly, is the file that the command writes on the
// portable instruction set. SIMD128 fuses no multiplication with its addition, and neither does that set. In Node: the module
// is the one that the page loads, and no browser is needed.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const SITE = process.env.ELMAN_SITE ?? fileURLToPath(new URL("../site", import.meta.url));
const { ELMAN } = process.env;
// As a module whatever its folder says of its scripts.
const { Module } = await import(`data:text/javascript,${encodeURIComponent(readFileSync(join(SITE, "module.js"), "utf8"))}`);

/** The last step's report and model.safetensors after training. */
async function inWasm(module, settings) {
    const ask = (request) => module.ask(request, new Uint8Array(), (name) => readFileSync(join(SITE, "data", name)));
    await ask({ op: "train", job: "mnist", name: "a", settings });
    let last = null;
    for (;;) {
        const { value } = await ask({ op: "step", name: "a" });
        if (!value) break;
        last = value;
    }
    return { last, file: (await ask({ op: "save", model: "a" })).bytes };
}

/** The same by the command. */
function byTheCommand(flags) {
    const folder = mkdtempSync(join(tmpdir(), "elman-bits-"));
    try {
        const run = join(folder, "run");
        const env = { ...process.env, ELMAN_ISA: "portable" };
        execFileSync(ELMAN, ["train", "mnist", "--quiet", "--threads", "1", "--out", run, ...flags], { env, stdio: "pipe" });
        return readFileSync(join(run, "model.safetensors"));
    } finally {
        rmSync(folder, { recursive: true });
    }
}

// Every cell, sizes that fill no vector, several optimizers. Batches of many rows, so that an epoch is a few steps.
for (const of of [
    { cell: "rnn", hidden_size: 128 },
    { cell: "lstm", hidden_size: 17 },
    { cell: "gru", hidden_size: 9, layers: 2, optimizer: "rmsprop", clip_norm: 0.5 },
    { cell: "indrnn", hidden_size: 33, optimizer: "adagrad" },
]) {
    test(`${JSON.stringify(of)}: the bytes of the command's file`, { skip: !ELMAN && "ELMAN names no binary" }, async () => {
        const module = await Module.start(readFileSync(join(SITE, "elman.wasm")));
        assert(module.simd, "elman.wasm is built with SIMD128");
        const settings = { ...of, batch_size: 11000, num_epoch: 1, seed: 7 };
        const { last, file } = await inWasm(module, settings);
        assert.equal(last.step, 5);
        const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name.replaceAll("_", "-")}`, String(value)]);
        const expected = byTheCommand(flags);
        assert.equal(Buffer.compare(Buffer.from(file), expected), 0, "the files differ");
    });
}
