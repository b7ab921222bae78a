// The same bits in a browser: what the page's engine trains there, in its worker, is the file that the command writes on the
// portable instruction set. bits.test.mjs says why.

import assert from "node:assert/strict";
import { test } from "node:test";
import { JOBS, byTheCommand, skip } from "./bits.mjs";
import { withLesson } from "./browser.mjs";

for (const settings of JOBS) {
    test(`${JSON.stringify(settings)}: the bytes of the command's file`, { skip, timeout: 600_000 }, () =>
        withLesson({}, async (page) => {
            const found = await page.evaluate(async (settings) => {
                const { WasmEngine } = await import(new URL("engine-wasm.js", document.baseURI));
                const engine = await WasmEngine.start({ base: "." });
                const training = await engine.train({ job: "mnist", name: "a", settings });
                const ran = await training.run(Infinity);
                const file = await training.export();
                await engine.close();
                return { simd: engine.simd, ran, file: Array.from(file) };
            }, settings);
            assert(found.simd, "the page took the module with SIMD128");
            assert.deepEqual(found.ran, { step: 5, why: "ended" });
            assert.equal(Buffer.compare(Buffer.from(found.file), byTheCommand(settings)), 0, "the files differ");
        }));
}
