// The worker that owns the WebAssembly: a page that trains does not stall. A message is a request; its answer has the same id.

import { Module, Refused } from "./module.js";

/** Milliseconds that training goes on before it listens again. */
const BUNCH = 30;

/** A module of one SIMD128 instruction: a browser that takes it takes all of them. */
const SIMD = new Uint8Array([
    0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/** The module, and where its data lies. */
let module = null;
let base = "";

/** Trainings that run, by name; false where one is to pause. */
const running = new Map();

async function fetched(name) {
    let response;
    try {
        response = await fetch(new URL(name, base));
    } catch (cause) {
        throw new Refused(`${name} could not be fetched: ${cause.message}`);
    }
    if (!response.ok) throw new Refused(`${name} could not be fetched: ${response.status} ${response.statusText}`, response.status);
    const bytes = new Uint8Array(await response.arrayBuffer());
    postMessage({ fetched: response.url });
    return bytes;
}

async function start(of) {
    base = of;
    const name = WebAssembly.validate(SIMD) ? "elman.wasm" : "elman-plain.wasm";
    module = await Module.start(await fetched(name));
    return { value: module.simd };
}

const ask = (request, bytes = new Uint8Array()) => module.ask(request, bytes, (name) => fetched(`data/${name}`));

/** Lets messages in that came meanwhile. A timer would wait for some milliseconds. */
const breathe = () =>
    new Promise((resolve) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
            port1.close();
            resolve();
        };
        port2.postMessage(null);
    });

/** Steps of a training, reported in bunches. */
async function run(name, steps) {
    running.set(name, true);
    let [reports, since, last, why] = [[], performance.now(), 0, "done"];
    const tell = () => {
        if (reports.length > 0) postMessage({ training: name, reports });
        [reports, since] = [[], performance.now()];
    };
    try {
        for (let taken = 0; taken < steps; taken += 1) {
            const begun = performance.now();
            const { value } = await ask({ op: "step", name });
            if (!value) {
                why = "ended";
                break;
            }
            last = value.step;
            reports.push({ ...value, milliseconds: performance.now() - begun });
            if (performance.now() - since > BUNCH) {
                tell();
                await breathe();
            }
            if (!running.get(name)) {
                why = "paused";
                break;
            }
        }
    } finally {
        tell();
        running.delete(name);
    }
    return { value: { step: last, why } };
}

/** Has effect after the running step; `run` then answers for itself. */
function pause(name) {
    if (running.has(name)) running.set(name, false);
    return { value: null };
}

const answers = {
    start: ({ base: of }) => start(of),
    run: ({ name, steps }) => run(name, steps),
    pause: ({ name }) => pause(name),
    ask: ({ request, bytes }) => ask(request, bytes),
};

onmessage = async ({ data: { id, what, ...of } }) => {
    try {
        const { value, bytes } = await answers[what](of);
        postMessage({ id, value, bytes }, bytes ? [bytes.buffer] : []);
    } catch ({ message, status = 0 }) {
        postMessage({ id, error: message, status });
    }
};
