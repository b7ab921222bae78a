// What the page's engine and the command are both to train, to the same bytes.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { ELMAN } = process.env;
export const skip = !ELMAN && "ELMAN names no binary";

/** Every cell, sizes that fill no vector, several optimizers. Batches of many rows, so that an epoch is a few steps: five. */
export const JOBS = [
    { cell: "rnn", hidden_size: 128 },
    { cell: "lstm", hidden_size: 17 },
    { cell: "gru", hidden_size: 9, layers: 2, optimizer: "rmsprop", clip_norm: 0.5 },
    { cell: "indrnn", hidden_size: 33, optimizer: "adagrad" },
].map((of) => ({ ...of, batch_size: 11000, num_epoch: 1, seed: 7 }));

/** The command's model.safetensors of such settings, on the portable set and one thread. */
export function byTheCommand(settings) {
    const folder = mkdtempSync(join(tmpdir(), "elman-bits-"));
    try {
        const run = join(folder, "run");
        const env = { ...process.env, ELMAN_ISA: "portable" };
        const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name.replaceAll("_", "-")}`, String(value)]);
        execFileSync(ELMAN, ["train", "mnist", "--quiet", "--threads", "1", "--out", run, ...flags], { env, stdio: "pipe" });
        return readFileSync(join(run, "model.safetensors"));
    } finally {
        rmSync(folder, { recursive: true });
    }
}
