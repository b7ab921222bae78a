// The laws of the kernels on SIMD128 and on the portable set, in Node: the files of crates/kernels/tests/it that `cargo test` runs,
// compiled to WebAssembly by web/laws. ELMAN_LAWS names the module.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { broken, laws } from "./laws.mjs";

const module = new WebAssembly.Module(readFileSync(process.env.ELMAN_LAWS));

test("there are laws, most of which can be looked at", () => {
    const all = laws(module);
    assert(all.length > 30, `${all.length} laws`);
    assert(all.filter(({ reason }) => reason !== undefined).length < 3, JSON.stringify(all));
});

for (const { name, reason } of laws(module)) {
    test(name, { skip: reason ?? false }, async () => assert.equal(await broken(module, name), ""));
}
