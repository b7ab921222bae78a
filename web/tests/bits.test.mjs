// The same bits: the tutorial's network, trained for some steps in WebAssembly, is the file that the command writes on the
// portable instruction set. SIMD128 fuses no multiplication with its addition, and neither does that set. In Node: the module
// is the one that the page loads, and no browser is needed.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { JOBS, byTheCommand, skip } from "./bits.mjs";

const SITE = process.env.ELMAN_SITE ?? fileURLToPath(new URL("../site", import.meta.url));
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

for (const settings of JOBS) {
    test(`${JSON.stringify(settings)}: the bytes of the command's file`, { skip }, async () => {
        const module = await Module.start(readFileSync(join(SITE, "elman.wasm")));
        assert(module.simd, "elman.wasm is built with SIMD128");
        const { last, file } = await inWasm(module, settings);
        assert.equal(last.step, 5);
        assert.equal(Buffer.compare(Buffer.from(file), byTheCommand(settings)), 0, "the files differ");
    });
}
